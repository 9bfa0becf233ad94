/* SPDX-License-Identifier: MIT
 *
 * What each CPU does: an NMI reaches one that has interrupts off, too.
 */
#include "kernel/watch/sysrq/cpus.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/trap_frame.h"
#include "arch/x86_64/pc/apic.h"
#include "kernel/lib/cpumask.h"
#include "kernel/log/log.h"
#include "kernel/task/thread.h"
#include "kernel/watch/symbols.h"
#include "kernel/watch/sysrq.h"
#include "kernel/watch/sysrq/backtrace.h"

#define ANSWER_US   100000 /* how long all CPUs together have for their answers */
#define CPUS_LISTED 32	   /* more that are not idle are only counted */

/* Written by the CPU itself, in an NMI, between `asked` and `answered`. */
struct look {
	bool asked, answered;
	bool user, idle, irqs_off;
	u64 rip;
	u32 preempt_count;
	tid_t tid;
	char name[16];
	struct backtrace calls;
};
static DEFINE_PER_CPU(struct look, look);
static bool looking; /* one request at a time */

/* Nothing here may fault: the structures of the running thread are mapped. */
static void look_here(struct look *l, u64 rip, u64 rbp, u64 rflags, bool user)
{
	struct cpu *cpu = this_cpu();
	struct thread *t = cpu->current;

	l->user = user;
	l->rip = rip;
	l->irqs_off = !(rflags & RFLAGS_IF);
	l->preempt_count = cpu->preempt_count;
	l->idle = !t || t->is_idle;
	l->tid = t ? t->tid : 0;
	l->calls = (struct backtrace){0};
	for (u32 i = 0; t && i < sizeof(l->name); i++)
		l->name[i] = t->name[i];
	if (t && !user)
		backtrace_walk(&l->calls, t, rbp);
}

bool sysrq_cpus_nmi(const struct trap_frame *frame)
{
	struct look *l = this_cpu_ptr(look);

	if (!__atomic_exchange_n(&l->asked, false, __ATOMIC_ACQUIRE))
		return false;
	look_here(l, frame->rip, frame->rbp, frame->rflags, frame_is_user(frame));
	__atomic_store_n(&l->answered, true, __ATOMIC_RELEASE);
	return true;
}

static void ask_others(void)
{
	u32 self = this_cpu_id();
	u64 end;

	cpumask_for_each (cpu, &cpus_online) {
		struct look *l = per_cpu_ptr(look, cpu);

		if (cpu == self)
			continue;
		/* If an earlier NMI has not arrived yet, do not send another: one NMI can wait for
		 * each CPU, and a second one would arrive without being asked for. */
		l->answered = false;
		if (!__atomic_exchange_n(&l->asked, true, __ATOMIC_ACQ_REL))
			apic_send_nmi(cpu_get(cpu)->apic_id);
	}
	end = clock_now_ns() + ANSWER_US * (u64)NSEC_PER_USEC;
	cpumask_for_each (cpu, &cpus_online)
		while (cpu != self && clock_now_ns() < end &&
		       !__atomic_load_n(&per_cpu_ptr(look, cpu)->answered, __ATOMIC_ACQUIRE))
			cpu_relax();
}

static void report(u32 cpu, const struct look *l)
{
	char name[96];

	symbol_format(name, sizeof(name), l->rip);
	log_info("  CPU %u: thread %d (%s), %s%s%s%s", cpu, l->tid, l->name,
		 l->user ? "in user mode" : name, l->user ? "" : ", ",
		 l->user       ? ""
		 : l->irqs_off ? "interrupts off"
			       : "interrupts on",
		 !l->user && l->preempt_count ? ", preemption off" : "");
	backtrace_log(&l->calls);
}

static void show_cpus(void)
{
	u32 idle = 0, silent = 0, listed = 0, more = 0, self;

	if (__atomic_exchange_n(&looking, true, __ATOMIC_ACQUIRE))
		return;
	preempt_disable();
	self = this_cpu_id();
	look_here(this_cpu_ptr(look), (u64)show_cpus, (u64)__builtin_frame_address(0),
		  read_rflags(), false);
	this_cpu_ptr(look)->preempt_count--; /* this function's own */
	ask_others();
	preempt_enable();
	cpumask_for_each (cpu, &cpus_online) {
		const struct look *l = per_cpu_ptr(look, cpu);

		if (cpu != self && !__atomic_load_n(&l->answered, __ATOMIC_ACQUIRE)) {
			log_warn("  CPU %u: does not answer an NMI", cpu);
			silent++;
		} else if (l->idle) {
			idle++;
		} else if (listed++ < CPUS_LISTED) {
			report(cpu, l);
		} else {
			more++;
		}
	}
	log_info("  %u idle, %u more that are busy, %u that do not answer", idle, more, silent);
	__atomic_store_n(&looking, false, __ATOMIC_RELEASE);
}

SYSRQ_COMMANDS(cpu_command) = {
    {'l', SYSRQ_TWICE, "backtraces of all CPUs", show_cpus},
};
