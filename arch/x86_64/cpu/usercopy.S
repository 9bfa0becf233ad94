/* SPDX-License-Identifier: MIT
 *
 * The instructions that access user memory, and the table of the addresses at which they continue
 * after a fault.  The page-fault handler first tries to load the page; only if that is impossible
 * does it use the table.
 */
#include "asm_offsets.h"

	.cfi_sections .debug_frame

/* With SMAP, the kernel may access user memory only while AC is set (SDM 3A 4.6).  STAC and CLAC do
 * not exist on a processor without SMAP. */
.macro USER_ACCESS_BEGIN
	cmpb	$0, smap_enabled(%rip)
	je	9f
	stac
9:
.endm

.macro USER_ACCESS_END
	cmpb	$0, smap_enabled(%rip)
	je	9f
	clac
9:
.endm

.macro FIXUP instruction, target
	.pushsection __ex_table, "a", @progbits
	.quad	\instruction, \target
	.popsection
.endm

.macro FUNCTION name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
.endm

	.text

/* size_t usercopy_raw_in(void *dst, const void *user_src, size_t n); usercopy_raw_out() is the same
 * code.  They return the number of bytes that were not copied.  If an 8-byte move faults, the rest
 * is copied byte by byte, so that this number is exact. */
FUNCTION usercopy_raw_out
FUNCTION usercopy_raw_in
	.cfi_startproc
	USER_ACCESS_BEGIN
	cmpq	$4, %rdx
	je	.Lcopy_4
.Lcopy_any:
	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
.Lcopy_words:
	rep movsq
	movl	%edx, %ecx
.Lcopy_bytes:
	rep movsb
.Lcopy_out:
	movq	%rcx, %rax
	USER_ACCESS_END
	ret
.Lcopy_words_fault:
	leaq	(%rdx, %rcx, 8), %rcx
	jmp	.Lcopy_bytes

	/* Four bytes by one access each: another CPU must not see half of a futex word. */
.Lcopy_4:
	movl	(%rsi), %eax
.Lcopy_4_store:
	movl	%eax, (%rdi)
	xorl	%ecx, %ecx
	jmp	.Lcopy_out
	.cfi_endproc
	FIXUP	.Lcopy_words, .Lcopy_words_fault
	FIXUP	.Lcopy_bytes, .Lcopy_out
	FIXUP	.Lcopy_4, .Lcopy_any
	FIXUP	.Lcopy_4_store, .Lcopy_any

/* size_t usercopy_raw_clear(void *user_dst, size_t n) */
FUNCTION usercopy_raw_clear
	.cfi_startproc
	USER_ACCESS_BEGIN
	movq	%rsi, %rcx
	movl	%esi, %edx
	shrq	$3, %rcx
	andl	$7, %edx
	xorl	%eax, %eax
.Lclear_words:
	rep stosq
	movl	%edx, %ecx
.Lclear_bytes:
	rep stosb
.Lclear_out:
	movq	%rcx, %rax
	USER_ACCESS_END
	ret
.Lclear_words_fault:
	leaq	(%rdx, %rcx, 8), %rcx
	jmp	.Lclear_bytes
	.cfi_endproc
	FIXUP	.Lclear_words, .Lclear_words_fault
	FIXUP	.Lclear_bytes, .Lclear_out

/* ssize_t usercopy_raw_string(char *dst, const char *user_src, size_t n); eight bytes at a time: a
 * word x has a zero byte if (x - 0x0101...) & ~x & 0x8080... is not 0, and its lowest bit is then in
 * the first such byte (Warren, "Hacker's Delight", 6-1).  What follows the NUL in its word is copied,
 * too.  A word may reach into a page that does not exist: then, and at the end, bytes are copied. */
FUNCTION usercopy_raw_string
	.cfi_startproc
	USER_ACCESS_BEGIN
	movabsq	$0x0101010101010101, %r8
	movabsq	$0x8080808080808080, %r9
	xorl	%eax, %eax
.Lstring_next_word:
	leaq	8(%rax), %rcx
	cmpq	%rdx, %rcx
	ja	.Lstring_next
.Lstring_word:
	movq	(%rsi, %rax), %r10
	movq	%r10, (%rdi, %rax)
	movq	%r10, %r11
	subq	%r8, %r11
	notq	%r10
	andq	%r9, %r11
	andq	%r10, %r11
	jnz	.Lstring_found
	movq	%rcx, %rax
	jmp	.Lstring_next_word
.Lstring_found:
	bsfq	%r11, %r11
	shrq	$3, %r11
	addq	%r11, %rax
	jmp	.Lstring_out
.Lstring_next:
	cmpq	%rdx, %rax
	je	.Lstring_out
.Lstring_byte:
	movb	(%rsi, %rax), %cl
	movb	%cl, (%rdi, %rax)
	testb	%cl, %cl
	jz	.Lstring_out
	incq	%rax
	jmp	.Lstring_next
.Lstring_fault:
	movq	$-EFAULT, %rax
.Lstring_out:
	USER_ACCESS_END
	ret
	.cfi_endproc
	FIXUP	.Lstring_word, .Lstring_next
	FIXUP	.Lstring_byte, .Lstring_fault

	.section .note.GNU-stack, "", @progbits
