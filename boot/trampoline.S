/* SPDX-License-Identifier: MIT
 *
 * The first instructions of every processor except the first: from real mode to long mode (SDM 3A
 * 9.4.4, 9.8.5).  smp.c copies this code to a page below 1 MiB, and only the copy runs, so every
 * address in it is relative to trampoline_start.  All processors may run it at the same time: each
 * writes only the state in its own slot.
 */
#include "asm_offsets.h"

#define REL(symbol)  ((symbol) - trampoline_start)
#define CODE32	     0x08
#define DATA	     0x10
#define CODE64	     0x18

	.section .rodata.trampoline, "a", @progbits
	.balign	16
	.globl	trampoline_start
trampoline_start:
	.code16
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	movl	REL(trampoline_data) + TRAMPOLINE_BASE, %ebx	/* the page's address */
	/* The GDT and the far jumps below use linear addresses, which smp.c has put into the copy.
	 */
	lgdtl	REL(trampoline_gdt_pointer)
	movl	%cr0, %eax
	orl	$CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	*REL(trampoline_jump_32)

	.code32
trampoline_32:
	movw	$DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	REL(trampoline_data) + TRAMPOLINE_ROOT(%ebx), %eax
	movl	%eax, %cr3
	/* EFER has NXE besides LME: the kernel's tables have NX bits, which are reserved without
	 * NXE. */
	movl	$MSR_EFER, %ecx
	movl	REL(trampoline_data) + TRAMPOLINE_EFER(%ebx), %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_LONG_MODE, %eax
	movl	%eax, %cr0
	ljmpl	*REL(trampoline_jump_64)(%ebx)

	.code64
trampoline_64:
	/* Find the slot with the APIC id of this processor.  There is no stack yet: it is in the
	 * slot. */
	movq	trampoline_data + TRAMPOLINE_APIC(%rip), %rax
	testq	%rax, %rax
	jz	1f
	movl	0x20(%rax), %r8d
	shrl	$24, %r8d
	jmp	2f
1:	movl	$0xb, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	%edx, %r8d
2:	movq	trampoline_data + TRAMPOLINE_SLOTS(%rip), %rdi
	movq	trampoline_data + TRAMPOLINE_SLOT_COUNT(%rip), %rcx
3:	testq	%rcx, %rcx
	jz	halt
	cmpl	%r8d, SLOT_APIC_ID(%rdi)
	je	4f
	addq	$SLOT_SIZE, %rdi
	decq	%rcx
	jmp	3b
4:	movl	$TRAMPOLINE_WAITING, %eax
	movl	$TRAMPOLINE_ARRIVED, %edx
	lock cmpxchgl %edx, SLOT_STATE(%rdi)
	jne	halt				/* smp.c has stopped waiting for this one */
	movq	SLOT_STACK(%rdi), %rsp
	movq	trampoline_data + TRAMPOLINE_ENTRY(%rip), %rax
	movabsq	$trampoline_high, %rcx
	jmp	*%rcx
halt:
	cli
	hlt
	jmp	halt

	.balign	8
trampoline_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* CODE32 */
	.quad	0x00cf93000000ffff	/* DATA */
	.quad	0x00af9b000000ffff	/* CODE64 */
	.globl	trampoline_gdt_pointer, trampoline_jump_32, trampoline_jump_64
trampoline_gdt_pointer:
	.short	trampoline_gdt_pointer - trampoline_gdt - 1
	.long	REL(trampoline_gdt)	/* smp.c adds the address of the page to these three */
trampoline_jump_32:
	.long	REL(trampoline_32)
	.short	CODE32
trampoline_jump_64:
	.long	REL(trampoline_64)
	.short	CODE64

	.balign	8
	.globl	trampoline_data
trampoline_data:			/* struct trampoline_data */
	.skip	TRAMPOLINE_DATA_SIZE
	.globl	trampoline_end
trampoline_end:

/* This runs at its linked address and not in the copy, so that a debugger finds the end of the
 * stack. */
	.cfi_sections .debug_frame
	.text
	.type	trampoline_high, @function
trampoline_high:
	.cfi_startproc
	.cfi_undefined %rip
	xorl	%ebp, %ebp
	call	*%rax				/* entry(slot), which does not return */
	ud2
	.cfi_endproc
	.size	trampoline_high, . - trampoline_high

	.section .note.GNU-stack, "", @progbits
