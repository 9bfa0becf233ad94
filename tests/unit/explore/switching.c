/* SPDX-License-Identifier: MIT
 *
 * What lies under the scheduler, in the explorer.
 */
#include <string.h>

#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/segments.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "boot/cmdline.h"
#include "kernel/task/runqueue.h"
#include "tests/unit/explore/switching.h"

struct thread switching_threads[THREADS];
u32 switching_finished;
void (*preempt_hook)(void);
void (*thread_entry_hook)(struct thread *previous);

static struct thread idle[ACTORS];
static u32 interrupts[ACTORS]; /* 1: one is on its way */

/* --- The switch ------------------------------------------------------------------------------- */

/* As arch/x86_64/cpu/switch.S, but *save_sp is not a variable of the kernel. */
struct thread *switch_stacks(u64 *save_sp, u64 load_sp, struct thread *previous);
__asm__(".text\n"
	"switch_stacks:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	mov %rdx, %rax\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n"
	"thread_first:\n"
	"	mov %rax, %rdi\n"
	"	mov %rbx, %rsi\n"
	"	call thread_begins\n");
extern const char thread_first[];

static u64 saved_sp[ACTORS]; /* by the CPU that is switching */

/* The first thing on the new stack: `previous` has left its own. */
static void switched(struct thread *previous)
{
	u64 sp = saved_sp[explore_self()];

	explore_park(sp);
	previous->arch.saved_sp = sp;
}

struct thread *context_switch(u64 *save_sp, u64 load_sp, struct thread *previous)
{
	u64 *slot = &saved_sp[explore_self()];

	*slot = 0; /* so the explorer knows that it is written */
	explore_unpark(load_sp);
	previous = switch_stacks(slot, load_sp, previous);
	switched(previous);
	return previous;
}

__used void thread_begins(struct thread *previous, void (*fn)(void))
{
	switched(previous);
	thread_entry_hook(previous);
	irq_enable();
	fn();
	__atomic_fetch_add(&switching_finished, 1, __ATOMIC_SEQ_CST);
	thread_exit_final();
}

void switching_thread(u32 number, u32 cpu, void (*fn)(void))
{
	struct thread *t = &switching_threads[number];
	u64 *sp = (u64 *)(explore_stack_top(ACTORS + number) - 64);

	*--sp = (u64)thread_first;
	sp -= 6;
	memset(sp, 0, 48);
	sp[4] = (u64)fn; /* rbx */
	t->tid = (tid_t)number + 1;
	t->cpu = cpu;
	t->arch.saved_sp = (u64)sp;
	explore_park((u64)sp);
	list_init(&t->run_link);
	memset(&t->affinity, 0xff, sizeof(t->affinity));
	explore_pretend(cpu);
	runqueue_of(cpu)->lock.owner = cpu + 1;
	runqueue_push(runqueue_of(cpu), t, 0);
	runqueue_of(cpu)->lock.owner = 0;
	explore_ignore(&t->use, sizeof(t->use)); /* times and counters */
}

/* --- CPUs ------------------------------------------------------------------------------------- */

void switching_setup(u32 cpus)
{
	memset(explore_cpus, 0, sizeof(explore_cpus));
	memset(explore_percpu, 0, sizeof(explore_percpu));
	memset(switching_threads, 0, sizeof(switching_threads));
	memset(idle, 0, sizeof(idle));
	memset(interrupts, 0, sizeof(interrupts));
	memset(&cpus_idle, 0, sizeof(cpus_idle));
	memset(&cpus_scheduled, 0, sizeof(cpus_scheduled));
	switching_finished = 0;
	cpu_count = cpus;
	for (u32 i = 0; i < cpus; i++) {
		explore_pretend(i);
		explore_cpus[i].id = i;
		explore_irqs[i] = 0;
		if (i)
			sched_init_cpu();
		else
			sched_init();
		explore_ignore(&runqueue_of(i)->stats, sizeof(struct sched_cpu_stats));
	}
}

void switching_cpu(void)
{
	irq_enable();
	sched_idle_loop();
}

void cpu_relax(void)
{
	explore_relax();
}

/* --- Interrupts ------------------------------------------------------------------------------- */

void smp_reschedule(u32 cpu)
{
	__atomic_store_n(&interrupts[cpu], 1, __ATOMIC_SEQ_CST);
}

bool switching_interrupt_due(u32 cpu)
{
	return interrupts[cpu] && explore_irqs[cpu];
}

void switching_interrupt(void)
{
	irq_disable();
	this_cpu()->irq_depth++;
	__atomic_store_n(&interrupts[explore_self()], 0, __ATOMIC_SEQ_CST);
	this_cpu()->irq_depth--;
	sched_preempt_from_irq();
	irq_enable();
}

void cpu_idle_halt(void)
{
	irq_enable();
	explore_halt();
}

/* --- What scenarios do without ---------------------------------------------------------------- */

/* Time stands still, but that a CPU which polls looks once and gives up: what could happen while it
 * looks again happens before that as well. */
__attribute__((no_sanitize_thread)) u64 clock_now_ns(void)
{
	return this_runqueue()->polling ? WAIT_FOREVER : 0;
}

void timer_init(struct timer *t, void (*fn)(struct timer *timer))
{
	*t = (struct timer){.fn = fn, .cpu = TIMER_NOWHERE};
}

void timer_start(struct timer *t, u64 expires_ns)
{
}

void timer_cancel_sync(struct timer *t)
{
}

void thread_init(void)
{
}

struct thread *thread_create_idle(u32 cpu)
{
	list_init(&idle[cpu].run_link);
	explore_ignore(&idle[cpu].use, sizeof(idle[cpu].use));
	return &idle[cpu];
}

void thread_put(struct thread *t)
{
	EXPECT(t->state == THREAD_DEAD && !t->on_cpu && !t->on_queue);
}

u64 cmdline_get_u64(const char *name, u64 fallback)
{
	return fallback;
}

bool pmap_switch(struct pmap *next)
{
	return false;
}

void fpu_switch(struct arch_thread *prev, struct arch_thread *next, bool other_space)
{
}

void segments_save(struct arch_thread *t)
{
}

void segments_load(const struct arch_thread *t)
{
}

void segments_load_stack(void)
{
}

void tss_set_kernel_stack(u64 top)
{
}
