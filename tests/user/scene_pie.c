/* SPDX-License-Identifier: MIT
 *
 * A program of the scene (scene.c) that lies at another address in each process; without a C
 * library, so that every compiler can make it.
 */
#define NOINLINE __attribute__((noinline, noclone))

static volatile int sink;

NOINLINE static long pie_call(long number)
{
	__asm__ volatile("syscall" /* line: pie call */
			 : "+a"(number)
			 : "D"(0)
			 : "rcx", "r11", "memory");
	return number;
}

NOINLINE static void pie_end(void)
{
	sink++;
	pie_call(231); /* exit_group() */
}

void pie_main(long words)
{
	sink++;
	if (words > 1)
		pie_end();
	for (;;)
		pie_call(34); /* pause(); line: pie main */
}

__asm__(".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined %rip\n"
	"	mov (%rsp), %rdi\n"
	"	call pie_main\n"
	"	.cfi_endproc\n");
