/* SPDX-License-Identifier: MIT
 *
 * The table of system calls, their counters, and the function that calls them.
 *
 * The linker fills the table.  Each entry is a weak reference to sys_NAME: it becomes NULL, and the
 * call -ENOSYS, if no file of this kernel defines the function.  So an extension's calls stand in
 * the extension's own files, and taking these files away takes the calls away.  Two definitions of
 * one call are an error of the linker.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/task/probe.h"
#include "kernel/task/thread.h"

#define SYSCALL_WEAK(number, call) extern __weak typeof(sys_##call) sys_##call;
SYSCALL_NUMBERS(SYSCALL_WEAK)

static const struct {
	const char *name;
	syscall_fn fn;
} syscall_table[SYSCALL_COUNT] = {
#define SYSCALL_ENTRY(number, call) [number] = {#call, sys_##call},
    SYSCALL_NUMBERS(SYSCALL_ENTRY)};

/* Calls by number, also of numbers without a function.  The last counts all numbers from
 * SYSCALL_COUNT on. */
static DEFINE_PER_CPU_LARGE(u64[SYSCALL_COUNT + 1], syscall_calls);

static void trace_enter(u32 number, const struct trap_frame *frame)
{
	const u64 args[] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};

	trace_write_values(TRACE_SYS_ENTER, number, args, ARRAY_SIZE(args));
}

void syscall_dispatch(struct trap_frame *frame)
{
	u32 number = (u32)frame->error;
	long result = -ENOSYS;

	(*this_cpu_ptr(syscall_calls))[MIN(number, (u32)SYSCALL_COUNT)]++;
	current_thread()->use.counted.system_calls++;
	irq_enable();
	if (ptrace_has_work(current_thread(), WORK_TRACE_CALLS))
		number = ptrace_call(frame);
	if (trace_on(TRACE_SYS_ENTER))
		trace_enter(number, frame);
	if (likely(number < SYSCALL_COUNT && syscall_table[number].fn))
		result = syscall_table[number].fn(frame->rdi, frame->rsi, frame->rdx, frame->r10,
						  frame->r8, frame->r9);
	frame->rax = (u64)result;
	trace_values(TRACE_SYS_EXIT, number, &frame->rax, 1);
}

const char *syscall_name(u32 number)
{
	return number < SYSCALL_COUNT && syscall_table[number].fn ? syscall_table[number].name
								  : NULL;
}

u64 syscall_count(u32 number)
{
	u64 sum;

	per_cpu_sum(syscall_calls[MIN(number, (u32)SYSCALL_COUNT)], &sum);
	return sum;
}
