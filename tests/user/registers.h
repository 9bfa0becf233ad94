/* SPDX-License-Identifier: MIT
 *
 * Every register of a thread as one structure, and functions that load all of them, do one thing,
 * and store all of them: for tests of what a switch, a signal or fork() does to registers.
 */
#pragma once

#include "check.h"

struct image {
	uint64_t general[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
	uint32_t mxcsr;
	uint16_t control, spare;
	uint8_t vectors[16][32];
	uint8_t x87[16];
} __attribute__((aligned(32)));

/* Defines name(in, out, count, avx): fill all registers from `in`, run the instructions of `body`,
 * and store all registers in `out`.  (%rsp) holds `count`. */
#define FUNCTION(name, body)                                                                       \
	__asm__(                                                                                   \
	    ".text\n" #name ":\n"                                                                  \
	    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"                   \
	    "push %rcx; push %rsi; push %rdx; test %rcx, %rcx; jz 1f\n"                            \
	    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                      \
	    "vmovdqa 128+32*\\n(%rdi), %ymm\\n\n.endr; jmp 2f\n"                                   \
	    "1: .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                   \
	    "movdqa 128+32*\\n(%rdi), %xmm\\n\n.endr\n"                                            \
	    "2: ldmxcsr 120(%rdi); fldcw 124(%rdi); fldt 640(%rdi)\n"                              \
	    "mov (%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx\n"        \
	    "mov 32(%rdi), %rsi; mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r9\n"       \
	    "mov 72(%rdi), %r10; mov 80(%rdi), %r11; mov 88(%rdi), %r12; mov 96(%rdi), %r13\n"     \
	    "mov 104(%rdi), %r14; mov 112(%rdi), %r15; mov 40(%rdi), %rdi\n" body                  \
	    "push %rax; mov 16(%rsp), %rax; mov %rbx, 8(%rax); mov %rcx, 16(%rax)\n"               \
	    "mov %rdx, 24(%rax); mov %rsi, 32(%rax); mov %rdi, 40(%rax); mov %rbp, 48(%rax)\n"     \
	    "mov %r8, 56(%rax); mov %r9, 64(%rax); mov %r10, 72(%rax); mov %r11, 80(%rax)\n"       \
	    "mov %r12, 88(%rax); mov %r13, 96(%rax); mov %r14, 104(%rax); mov %r15, 112(%rax)\n"   \
	    "pop %rbx; mov %rbx, (%rax); stmxcsr 120(%rax); fnstcw 124(%rax); fstpt 640(%rax)\n"   \
	    "cmpq $0, 16(%rsp); je 4f\n"                                                           \
	    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                      \
	    "vmovdqa %ymm\\n, 128+32*\\n(%rax)\n.endr; vzeroupper; jmp 5f\n"                       \
	    "4: .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                   \
	    "movdqa %xmm\\n, 128+32*\\n(%rax)\n.endr\n"                                            \
	    "5: add $24, %rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"       \
	    "movl $0x1f80, -8(%rsp); ldmxcsr -8(%rsp); fninit; cld; ret\n")

static long avx; /* the processor has AVX: the caller sets it */

static void paint(struct image *image, unsigned seed)
{
	uint8_t *bytes = (uint8_t *)image;

	memset(image, 0, sizeof(*image));
	for (size_t i = 0; i < sizeof(image->general); i++)
		bytes[i] = seed + i * 7;
	for (int v = 0; v < 16; v++)
		for (int i = 0; i < (avx ? 32 : 16); i++)
			image->vectors[v][i] = seed * 3 + v * 16 + i;
	image->mxcsr = 0x1f80 | (seed % 4) << 13;
	image->control = 0x37f | (seed % 4) << 10;
	/* A normal number: the explicit integer bit is set. */
	memset(image->x87, seed, 7);
	image->x87[7] = 0x80 | (seed & 0x3f);
	image->x87[9] = 0x40;
}

/* What a system call may change: rax, rcx and r11. */
static bool same(const struct image *a, struct image *b, bool system_call)
{
	static const int changed[] = {0, 2, 10};

	for (size_t i = 0; system_call && i < COUNT_OF(changed); i++)
		b->general[changed[i]] = a->general[changed[i]];
	return memcmp(a, b, sizeof(*a)) == 0;
}
