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

static const syscall_fn syscall_table[SYSCALL_COUNT] = {
#define SYSCALL_ENTRY(number, call) [number] = sys_##call,
    SYSCALL_NUMBERS(SYSCALL_ENTRY)};

syscall_fn syscall_functions[SYSCALL_COUNT + 1] __hot_data;

DEFINE_PER_CPU_LARGE(u64[SYSCALL_COUNT + 1], syscall_calls);

long syscall_none(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	return -ENOSYS;
}

syscall_fn syscall_function(u32 number)
{
	syscall_fn fn = number < SYSCALL_COUNT ? syscall_table[number] : NULL;

	return fn ?: syscall_none;
}

void syscall_route(void)
{
	bool traced = trace_on(TRACE_SYS_ENTER) || trace_on(TRACE_SYS_EXIT);

	for (u32 n = 0; n <= SYSCALL_COUNT; n++)
		WRITE_ONCE(syscall_functions[n], traced ? trace_call : syscall_function(n));
}

void syscall_dispatch(struct trap_frame *frame)
{
	u32 slot = MIN((u32)frame->error, (u32)SYSCALL_COUNT);

	(*this_cpu_ptr(syscall_calls))[slot]++;
	current_thread()->use.counted.system_calls++;
	irq_enable();
	if (ptrace_has_work(current_thread(), WORK_TRACE_CALLS)) {
		ptrace_call(frame);
		slot = MIN((u32)frame->error, (u32)SYSCALL_COUNT);
	}
	frame->rax = (u64)syscall_functions[slot](frame->rdi, frame->rsi, frame->rdx, frame->r10,
						  frame->r8, frame->r9);
}
