/* SPDX-License-Identifier: MIT
 *
 * The panic report: cause, CPU, thread, registers, backtrace, locks held, last events of each CPU.
 * Everything may be broken by now: nothing here takes a lock or trusts a pointer.
 */
#include "arch/x86_64/entry/panic_report.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/entry/entry.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/usercopy.h"
#include "kernel/lib/cmdline.h"
#include "kernel/lib/format.h"
#include "kernel/lib/log.h"
#include "kernel/lib/panic.h"
#include "kernel/lib/string.h"
#include "kernel/lib/symbols.h"
#include "kernel/proc/process.h"
#include "kernel/sync/spinlock.h"
#include "kernel/trace/trace.h"

#define BACKTRACE_MAX	 32
#define EVENTS_HERE	 16 /* of the CPU that stops the kernel */
#define EVENTS_ELSEWHERE 4
#define CPUS_WITH_EVENTS 16

static u32 reporter; /* CPU id + 1 */
static DEFINE_PER_CPU(const struct trap_frame *, panic_frame);

bool panic_reports_here(void)
{
	return READ_ONCE(reporter) == this_cpu_id() + 1;
}

/* With %lx everywhere: 64-bit values as the format wants them. */
typedef unsigned long ul;

static void __printf(1, 2) report(const char *fmt, ...)
{
	char line[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	log_error("%s", line);
}

/* Read kernel memory at an address that may be anything; faults are caught (trap.c).  Device
 * registers are left alone. */
static bool peek(u64 address, void *value, size_t n)
{
	if (address < DIRECT_MAP_BASE || address > UINT64_MAX - n ||
	    (address >= MMIO_BASE && address < MMIO_BASE + MMIO_SIZE))
		return false;
	return usercopy_raw_in(value, (const void *)address, n) == 0;
}

static void report_address(u64 address)
{
	char name[96];

	symbol_format(name, sizeof(name), address);
	report("  0x%016lx %s", (ul)address, name);
}

/* Is this where C returns to from the call that an entry made?  Then a trap frame lies above. */
static bool is_entry_return(u64 address)
{
	return address == (u64)entry_syscall_return || address == (u64)entry_trap_return ||
	       address == (u64)entry_paranoid_return;
}

static void report_backtrace(u64 rip, u64 rbp)
{
	report("backtrace:");
	if (rip)
		report_address(rip);
	for (u32 i = 0; i < BACKTRACE_MAX; i++) {
		u64 words[2]; /* the caller's rbp, the return address */
		struct trap_frame f;

		if (!peek(rbp, words, sizeof(words)) || !words[1])
			return;
		if (is_entry_return(words[1])) {
			if (!peek(rbp + sizeof(words), &f, sizeof(f)))
				return;
			report("  -- %s (vector %lu) --", trap_name((u32)f.vector), (ul)f.vector);
			report_address(f.rip);
			if (frame_is_user(&f)) {
				report("  user mode: rip 0x%lx rsp 0x%lx", (ul)f.rip, (ul)f.rsp);
				return;
			}
			rbp = f.rbp;
			continue;
		}
		report_address(words[1]);
		if (words[0] <= rbp) /* the stack grows down: callers lie above */
			return;
		rbp = words[0];
	}
}

static void report_registers(const struct trap_frame *f)
{
	char name[96];

	symbol_format(name, sizeof(name), f->rip);
	report("rip %016lx %s", (ul)f->rip, name);
	report("rsp %016lx  rflags %08lx  cs %lx  ss %lx  vector %lu  error %lx", (ul)f->rsp,
	       (ul)f->rflags, (ul)f->cs, (ul)f->ss, (ul)f->vector, (ul)f->error);
	report("rax %016lx  rbx %016lx  rcx %016lx", (ul)f->rax, (ul)f->rbx, (ul)f->rcx);
	report("rdx %016lx  rsi %016lx  rdi %016lx", (ul)f->rdx, (ul)f->rsi, (ul)f->rdi);
	report("rbp %016lx  r8  %016lx  r9  %016lx", (ul)f->rbp, (ul)f->r8, (ul)f->r9);
	report("r10 %016lx  r11 %016lx  r12 %016lx", (ul)f->r10, (ul)f->r11, (ul)f->r12);
	report("r13 %016lx  r14 %016lx  r15 %016lx", (ul)f->r13, (ul)f->r14, (ul)f->r15);
	report("cr2 %016lx  cr3 %016lx  cr4 %016lx", (ul)read_cr2(), (ul)read_cr3(),
	       (ul)read_cr4());
}

static void report_thread(void)
{
	struct thread *current = this_cpu()->current;
	struct process *process;
	static struct thread t; /* a copy, that can be read without faults */
	pid_t pid = 0;

	if (!current || !peek((u64)current, &t, sizeof(t))) {
		report("CPU %u, no thread", this_cpu_id());
		return;
	}
	process = t.process;
	if (process)
		peek((u64)&process->pid, &pid, sizeof(pid));
	report("CPU %u, thread %d (%.15s) of process %d, kernel stack 0x%lx, %s", this_cpu_id(),
	       t.tid, t.name, pid, (ul)t.kernel_stack,
	       this_cpu()->irq_depth ? "in an interrupt" : "not in an interrupt");
}

static void report_events(void)
{
	static struct trace_cursor c;
	static char line[TRACE_LINE];
	u32 cpus = 0;

	cpumask_for_each (cpu, &cpus_online) {
		if (cpu != this_cpu_id() && ++cpus >= CPUS_WITH_EVENTS)
			continue;
		trace_rewind(&c, cpu, cpu == this_cpu_id() ? EVENTS_HERE : EVENTS_ELSEWHERE);
		if (c.valid)
			report("last events of CPU %u:", cpu);
		for (; c.valid; trace_advance(&c)) {
			/* The log ends the line itself. */
			line[trace_format(&c.event, cpu, line, sizeof(line)) - 1] = '\0';
			log_error("%s", line);
		}
	}
}

static void noreturn finish(void)
{
	char how[8] = "";

	log_flush_forced();
	if (cmdline_get("panic", how, sizeof(how)) && !strcmp(how, "halt"))
		cpu_halt_forever();
	power_off(EXIT_STATUS_PANIC);
}

static void noreturn panic_report(const char *message)
{
	const struct trap_frame *frame;
	u32 self = this_cpu_id() + 1, nobody = 0;

	irq_disable();
	if (!__atomic_compare_exchange_n(&reporter, &nobody, self, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (nobody != self)
			smp_stop_self();
		report("panic in the report itself: %s", message);
		finish();
	}
	frame = *this_cpu_ptr(panic_frame);
	smp_stop_others();

	report("kernel panic: %s", message);
	log_flush_forced(); /* should the rest fail */
	report_events();
	cpumask_for_each (cpu, &cpus_online)
		locks_held_print(cpu, report);
	report_thread();
	if (frame) {
		report_registers(frame);
		report_backtrace(frame->rip, frame->rbp);
		if (frame_is_user(frame))
			report("  user mode: rip 0x%lx rsp 0x%lx", (ul)frame->rip, (ul)frame->rsp);
	} else {
		report_backtrace(0, (u64)__builtin_frame_address(0));
	}
	/* Once more: on a screen it is the last lines that stay. */
	report("kernel panic: %s", message);
	finish();
}

void panic_at(const struct trap_frame *frame, const char *fmt, ...)
{
	char message[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	*this_cpu_ptr(panic_frame) = frame;
	panic("%s", message);
}

void panic_report_init(void)
{
	panic_set_handler(panic_report);
}
