/* SPDX-License-Identifier: MIT
 *
 * Setting up the ways into the kernel: the IDT, and the MSRs of SYSCALL.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/entry/entry.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/sys/syscall.h"

#define MSR_SYSENTER_CS 0x174
#define STUB_BYTES	16

extern char entry_stubs[];
void entry_user_return(void);

void entry_init(void)
{
	idt_init((u64)entry_stubs, STUB_BYTES);
	usercopy_init();
	syscall_route();
	thread_user_return = entry_user_return;
	smp_cpu_setup_hook = entry_init_cpu;
	stop_init();
}

void entry_init_cpu(void)
{
	/* SYSCALL takes CS and SS from bits 47:32, SYSRET from 63:48 (SDM 3A 5.8.8). */
	wrmsr(MSR_STAR, (u64)SELECTOR_USER_CODE32 << 48 | (u64)SELECTOR_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (u64)entry_syscall);
	wrmsr(MSR_CSTAR, (u64)entry_syscall_compat);
	/* Flags that a program may set and that must be clear in the kernel. */
	wrmsr(MSR_SFMASK,
	      RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
	wrmsr(MSR_SYSENTER_CS, 0);	/* SYSENTER faults (SDM 2B) */
	write_cr0(read_cr0() | CR0_AM); /* unaligned accesses of a program that sets AC fault */
}
