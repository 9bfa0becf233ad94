/* SPDX-License-Identifier: MIT
 *
 * The cause of a panic in words, if it was an exception of the kernel itself: SDM 3A 6.15.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/entry/entry.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/log/log.h"
#include "kernel/task/probe.h"
#include "kernel/watch/panic/cause.h"
#include "kernel/watch/stack_guard.h"

#define MSR_MCG_CAP	0x179
#define MSR_MCG_STATUS	0x17a
#define MSR_MC0_STATUS	0x401 /* each bank has four registers */
#define MC_STATUS_VALID (1UL << 63)

/* By vector; NULL: reserved.  gdb's scripts read this table. */
static const char *const exception_names[VECTORS_OF_EXCEPTIONS] = {
    "division error",
    "debug exception",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    NULL,
    "invalid TSS",
    "segment not present",
    "stack-segment fault",
    "general protection",
    "page fault",
    NULL,
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
    "virtualization exception",
    "control protection",
};

const char *trap_name(u32 vector)
{
	if (vector == VECTOR_SYSCALL)
		return "system call";
	if (vector >= VECTORS_OF_EXCEPTIONS)
		return "interrupt";
	return exception_names[vector] ? exception_names[vector] : "reserved exception";
}

/* The cause of a page fault of the kernel, in words. */
static const char *page_fault_words(u64 error, u64 address)
{
	if (error & PF_RESERVED)
		return "a page-table entry is damaged (reserved bits)";
	if (stack_guard_has(address))
		return "kernel stack overflow (guard page)";
	if (address < PAGE_SIZE)
		return "null pointer";
	if (address < USER_MAX && (error & PF_INSTRUCTION))
		return "the kernel jumped to user memory";
	if (address < USER_MAX)
		return error & PF_PRESENT ? "user memory touched outside of usercopy (SMAP)"
					  : "user address touched outside of usercopy";
	if ((error & PF_PRESENT) && (error & PF_INSTRUCTION))
		return "jump to memory that is not code";
	if ((error & PF_PRESENT) && (error & PF_WRITE))
		return "write to read-only kernel memory";
	return "nothing is mapped there";
}

static void noreturn page_fault_panic(const struct trap_frame *frame, u64 address)
{
	panic_at(frame, "page fault in the kernel: %s: %s of address 0x%lx",
		 page_fault_words(frame->error, address),
		 frame->error & PF_INSTRUCTION ? "execution"
		 : frame->error & PF_WRITE     ? "write"
					       : "read",
		 (unsigned long)address);
}

static void noreturn machine_check_panic(const struct trap_frame *frame)
{
	u32 banks = rdmsr(MSR_MCG_CAP) & 0xff;

	for (u32 i = 0; i < banks; i++) {
		u64 status = rdmsr(MSR_MC0_STATUS + 4 * i);

		if (status & MC_STATUS_VALID)
			log_error("machine check: bank %u, status 0x%lx", i, (unsigned long)status);
	}
	panic_at(frame, "machine check: the hardware reports an error (status 0x%lx)",
		 (unsigned long)rdmsr(MSR_MCG_STATUS));
}

/* A double fault usually means that a kernel stack has overflowed: the processor could not push the
 * frame of the first fault, and CR2 is an address in the guard page. */
static void noreturn double_fault_panic(const struct trap_frame *frame, u64 address)
{
	if (stack_guard_has(address))
		panic_at(frame, "kernel stack overflow (address 0x%lx is in a guard page)",
			 (unsigned long)address);
	panic_at(frame, "double fault (last page-fault address 0x%lx)", (unsigned long)address);
}

void panic_name_cause(const struct trap_frame *frame, u64 address)
{
	switch (frame->vector) {
	case VECTOR_PAGE_FAULT:
		page_fault_panic(frame, address);
	case VECTOR_MACHINE_CHECK:
		machine_check_panic(frame);
	case VECTOR_DOUBLE_FAULT:
		double_fault_panic(frame, address);
	default:
		panic_at(frame, "%s in the kernel (vector %lu, error 0x%lx)",
			 trap_name((u32)frame->vector), (unsigned long)frame->vector,
			 (unsigned long)frame->error);
	}
}
