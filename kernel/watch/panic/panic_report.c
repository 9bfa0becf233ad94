/* SPDX-License-Identifier: MIT
 *
 * The panic report: what each CPU was doing, and thread, registers and backtrace of the CPU that
 * panicked.  The trace adds the last events, and the lock-order checker the locks held.
 * Any structure may be corrupt by now, so nothing here takes a lock or trusts a pointer.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/entry/entry.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/task/process.h"
#include "kernel/watch/panic/cause.h"
#include "kernel/watch/panic/panic_report.h"
#include "kernel/watch/symbols.h"

#define BACKTRACE_HERE 32
#define BACKTRACE_ELSE 6
#define CPUS_ELSEWHERE 15

/* 64-bit values are printed with %lx, which expects this type. */
typedef unsigned long ul;

struct panic_line panic_lines[PANIC_LINES];
u32 panic_line_count;
static bool keep, keep_details; /* what is reported now goes into panic_lines, too */

static void __printf(1, 2) report(const char *fmt, ...)
{
	char line[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	log_error("%s", line);
	if (keep && panic_line_count < PANIC_LINES) {
		struct panic_line *kept = &panic_lines[panic_line_count++];

		strscpy(kept->text, line, sizeof(kept->text));
		kept->detail = keep_details;
	}
}

/* Read kernel memory at any address.  False if it is not mapped: trap.c catches the fault.  Device
 * registers are not read, since reading may change them. */
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

static void report_caller(u64 return_address)
{
	char name[96];

	symbol_format_caller(name, sizeof(name), return_address);
	report("  0x%016lx %s", (ul)return_address, name);
}

/* Print where the trap happened.  False if it was in user mode, where the backtrace ends. */
static bool report_origin(const struct trap_frame *f)
{
	if (frame_is_user(f))
		report("  user mode: rip 0x%lx rsp 0x%lx", (ul)f->rip, (ul)f->rsp);
	else
		report_address(f->rip);
	return !frame_is_user(f);
}

/* Print at most `max` callers, beginning with `frame` if it is not NULL, and then from `rbp`. */
static void report_backtrace(const struct trap_frame *frame, u64 rbp, u32 max)
{
	if (frame && !report_origin(frame))
		return;
	for (u32 i = 0; i < max; i++) {
		u64 words[2]; /* the caller's rbp, the return address */
		struct trap_frame f;

		if (!peek(rbp, words, sizeof(words)) || !words[1])
			return;
		if (entry_is_return(words[1])) {
			if (!peek(rbp + sizeof(words), &f, sizeof(f)))
				return;
			report("  -- %s (vector %lu) --", trap_name((u32)f.vector), (ul)f.vector);
			if (!report_origin(&f))
				return;
			rbp = f.rbp;
			continue;
		}
		report_caller(words[1]);
		if (words[0] <= rbp) /* a caller's frame is at a higher address: stop if not */
			return;
		rbp = words[0];
	}
	report("  ...");
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

static void report_thread(u32 cpu)
{
	const struct cpu *c = cpu_get(cpu);
	struct process *process;
	static struct thread t; /* a copy, which can be read without faults */
	pid_t pid = 0;

	if (!c->current || !peek((u64)c->current, &t, sizeof(t))) {
		report("CPU %u, no thread", cpu);
		return;
	}
	process = t.process;
	if (process)
		peek((u64)&process->pid, &pid, sizeof(pid));
	report("CPU %u, thread %d (%.15s) of process %d, kernel stack 0x%lx, %s, preemption count "
	       "%u",
	       cpu, t.tid, t.name, pid, (ul)t.kernel_stack,
	       c->irq_depth ? "in an interrupt" : "not in an interrupt", c->preempt_count);
}

/* The other CPUs, which were stopped, and where they were. */
static void report_elsewhere(void)
{
	u32 self = this_cpu_id(), others = 0;

	cpumask_for_each (cpu, &cpus_online) {
		const struct trap_frame *f = stop_frame(cpu);

		if (cpu == self || ++others > CPUS_ELSEWHERE)
			continue;
		report_thread(cpu);
		if (f)
			report_backtrace(f, f->rbp, BACKTRACE_ELSE);
		else
			report("  did not stop");
	}
}

static void report_here(void)
{
	const struct trap_frame *frame = stop_frame(this_cpu_id());

	keep = true;
	report_thread(this_cpu_id());
	keep_details = true;
	if (frame)
		report_registers(frame);
	keep_details = false;
	report("backtrace:");
	report_backtrace(frame, frame ? frame->rbp : (u64)__builtin_frame_address(0),
			 BACKTRACE_HERE);
	keep = false;
	report("to look closer: make gdb, then `break panic_stop', `continue', `heddle-bt all', "
	       "`heddle-fault'");
}

PANIC_NOTE(20, report_elsewhere);
PANIC_NOTE(40, report_here);
