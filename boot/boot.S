/* SPDX-License-Identifier: MIT
 *
 * From the boot loader to kernel_main().  There are two entry points, one for Multiboot2 and one
 * for PVH.  Both start in 32-bit protected mode with flat segments and without paging, and ebx is
 * the address of the boot information.  Temporary page tables map the first 4 GiB at their physical
 * addresses and at DIRECT_MAP_BASE, and the first GiB at KERNEL_BASE.  paging_init() replaces them.
 */
#include "asm_offsets.h"

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_ARCH_I386	0

#define PTE_TABLE 0x003 /* present, writable */
#define PTE_PAGE  0x083 /* and a large page */

#define CPUID_LONG    (1 << 29)	 /* of leaf 0x80000001, edx */

	.cfi_sections .debug_frame

/* ---- Headers for boot loaders ---------------------------------------------------------------- */

	.section .boot.header, "a"
	.balign 8
header:
	.long MULTIBOOT2_HEADER_MAGIC
	.long MULTIBOOT2_ARCH_I386
	.long header_end - header
	.long 0x100000000 - (MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_ARCH_I386 + (header_end - header))

	.balign 8
	.short 5, 1			/* framebuffer, optional */
	.long 20, 0, 0, 0		/* no preference: what the screen prefers, by its EDID */

	.balign 8
	.short 0, 0			/* end */
	.long 8
header_end:

	/* XEN_ELFNOTE_PHYS32_ENTRY (Xen, public/elfnote.h): makes `qemu -kernel` take the ELF. */
	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, 18
	.asciz "Xen"
	.long pvh_entry

/* ---- 32-bit code ----------------------------------------------------------------------------- */

	.section .boot.text, "ax"
	.code32
	.globl boot_entry
	.type boot_entry, @function
boot_entry:
	.cfi_startproc
	.cfi_undefined 16		/* rip, by its DWARF number */
	cli
	movl %eax, boot_magic
	jmp 1f

	.globl pvh_entry
	.type pvh_entry, @function
pvh_entry:
	cli
	movl $PVH_MAGIC, boot_magic

1:	movl %ebx, boot_information
	cld

	/* Extensions may refuse the processor, and say why: functions (magic, information). */
	movl $boot_stack_top - KERNEL_BASE, %esp
	pushl %ebx
	pushl boot_magic
	movl $__set_boot_checks, %esi
1:	cmpl $__set_boot_checks_end, %esi
	je 2f
	call *(%esi)
	addl $4, %esi
	jmp 1b

2:	rdtsc
	movl %eax, boot_tsc
	movl %edx, boot_tsc + 4
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	testl $CPUID_LONG, %edx
	jz no_long_mode

	/* Map 2048 pages of 2 MiB in four consecutive directories. */
	movl $boot_directories, %edi
	movl $PTE_PAGE, %eax
	movl $2048, %ecx
2:	movl %eax, (%edi)
	movl $0, 4(%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 2b

	movl $boot_directories + PTE_TABLE, boot_pdpt_low
	movl $boot_directories + 0x1000 + PTE_TABLE, boot_pdpt_low + 8
	movl $boot_directories + 0x2000 + PTE_TABLE, boot_pdpt_low + 16
	movl $boot_directories + 0x3000 + PTE_TABLE, boot_pdpt_low + 24
	movl $boot_directories + PTE_TABLE, boot_pdpt_high + 510 * 8
	movl $boot_pdpt_low + PTE_TABLE, boot_pml4
	movl $boot_pdpt_low + PTE_TABLE, boot_pml4_direct
	movl $boot_pdpt_high + PTE_TABLE, boot_pml4 + 511 * 8

	/* SDM 3A 9.8.5, "Initializing IA-32e Mode". */
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $boot_pml4, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl $CR0_LONG_MODE, %eax
	movl %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $0x08, $boot_long

no_long_mode:
	hlt
	jmp no_long_mode

	.code64
boot_long:
	movabsq $boot_high, %rax
	jmp *%rax
	.cfi_endproc

	.section .boot.data, "aw"
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9a000000ffff	/* 0x08: kernel code, 64-bit */
	.quad 0x00cf92000000ffff	/* 0x10: kernel data */
boot_gdt_pointer:
	.short boot_gdt_pointer - boot_gdt - 1
	.long boot_gdt
	.balign 8
boot_tsc:
	.quad 0
boot_magic:
	.long 0
boot_information:
	.long 0

	.section .boot.bss, "aw", @nobits
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt_low:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_directories:
	.skip 4 * 4096

/* ---- 64-bit code, at its linked address ------------------------------------------------------ */

	.text
	.type boot_high, @function
boot_high:
	.cfi_startproc
	.cfi_undefined %rip
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp
	xorl %ebp, %ebp			/* backtraces end here */
	movq boot_tsc, %rax
	movq %rax, boot_entry_tsc(%rip)
	movl boot_magic, %edi
	movl boot_information, %esi
	call boot_parse
	call kernel_main
1:	cli
	hlt
	jmp 1b
	.cfi_endproc
	.size boot_high, . - boot_high

	.bss
	/* paging_init() leaves the guard page unmapped. */
	.balign 4096
	.globl boot_stack_guard, boot_stack_top
boot_stack_guard:
	.skip 4096
	.skip KSTACK_SIZE
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
