/* SPDX-License-Identifier: MIT
 *
 * What assembly must know of C: offsets in structures, and constants of C headers.  This file is no
 * part of the kernel.  make compiles it to assembly text, where each line below leaves a #define,
 * and collects these in asm_offsets.h in the folder of the build, which .S files include.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/trap_frame.h"
#include "boot/parse.h"
#include "boot/trampoline.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/thread.h"

/* The line is the operand of .ascii, because clang checks that inline assembly is valid.  The
 * Makefile removes the $ of a value such as $40. */
#define LINE(name, value)                                                                          \
	__asm__ volatile(".ascii \"#define " name " %0\"" ::"i"((u64)(value)));
#define CONSTANT(name)		   LINE(#name, name)
#define DEFINE(name, value)	   LINE(#name, value)
#define OFFSET(name, type, member) LINE(#name, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
	/* In the kernel, GS base points to struct cpu. */
	OFFSET(CPU_KERNEL_SP, struct cpu, kernel_sp)
	OFFSET(CPU_USER_SP, struct cpu, user_sp)
	OFFSET(CPU_PERCPU_OFFSET, struct cpu, percpu_offset)
	OFFSET(CPU_CURRENT, struct cpu, current)
	OFFSET(CPU_PREEMPT_COUNT, struct cpu, preempt_count)
	OFFSET(CPU_NEED_RESCHED, struct cpu, need_resched)

	OFFSET(THREAD_PENDING_WORK, struct thread, pending_work)
	OFFSET(THREAD_SYSTEM_CALLS, struct thread, use.counted.system_calls)
	CONSTANT(SYSCALL_COUNT)

	OFFSET(FRAME_RBP, struct trap_frame, rbp)
	OFFSET(FRAME_RAX, struct trap_frame, rax)
	OFFSET(FRAME_VECTOR, struct trap_frame, vector)
	OFFSET(FRAME_ERROR, struct trap_frame, error)
	OFFSET(FRAME_RIP, struct trap_frame, rip)
	OFFSET(FRAME_CS, struct trap_frame, cs)
	OFFSET(FRAME_RFLAGS, struct trap_frame, rflags)
	OFFSET(FRAME_RSP, struct trap_frame, rsp)
	OFFSET(FRAME_SS, struct trap_frame, ss)
	DEFINE(FRAME_SIZE, sizeof(struct trap_frame))

	CONSTANT(SELECTOR_USER_CODE)
	CONSTANT(SELECTOR_USER_DATA)
	CONSTANT(VECTOR_DEBUG)
	CONSTANT(VECTOR_NMI)
	CONSTANT(VECTOR_DOUBLE_FAULT)
	CONSTANT(VECTOR_MACHINE_CHECK)
	CONSTANT(VECTOR_SYSCALL)

	OFFSET(TRAMPOLINE_ROOT, struct trampoline_data, root)
	OFFSET(TRAMPOLINE_EFER, struct trampoline_data, efer)
	OFFSET(TRAMPOLINE_SLOTS, struct trampoline_data, slots)
	OFFSET(TRAMPOLINE_SLOT_COUNT, struct trampoline_data, slot_count)
	OFFSET(TRAMPOLINE_APIC, struct trampoline_data, apic)
	OFFSET(TRAMPOLINE_ENTRY, struct trampoline_data, entry)
	OFFSET(TRAMPOLINE_BASE, struct trampoline_data, base)
	DEFINE(TRAMPOLINE_DATA_SIZE, sizeof(struct trampoline_data))
	OFFSET(SLOT_APIC_ID, struct trampoline_slot, apic_id)
	OFFSET(SLOT_STATE, struct trampoline_slot, state)
	OFFSET(SLOT_STACK, struct trampoline_slot, stack)
	DEFINE(SLOT_SIZE, sizeof(struct trampoline_slot))
	CONSTANT(TRAMPOLINE_WAITING)
	CONSTANT(TRAMPOLINE_ARRIVED)

	CONSTANT(RFLAGS_TF)
	CONSTANT(CR0_PE)
	DEFINE(CR0_LONG_MODE, CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE)
	CONSTANT(CR4_PAE)
	CONSTANT(EFER_LME)
	CONSTANT(MSR_EFER)
	CONSTANT(MSR_GS_BASE)

	CONSTANT(EFAULT)
	CONSTANT(ENOSYS)
	CONSTANT(KSTACK_SIZE)
	CONSTANT(PVH_MAGIC)

	/* For linker.ld, too. */
	CONSTANT(DIRECT_MAP_BASE)
	CONSTANT(KERNEL_BASE)
}
