/* SPDX-License-Identifier: MIT
 *
 * What a program can try against the kernel: instructions, flags, signal frames that lie, segments,
 * and addresses of the kernel.  Each is refused as on Linux, on every model of processor, and
 * others are alive afterwards.  (Such addresses as arguments of calls: kernel_addresses.c; what a
 * program must not learn: leaks.c; all calls with hostile values: wild.c; damaged programs:
 * hostile_elf.c.)
 */
#include <cpuid.h>
#include <setjmp.h>
#include <ucontext.h>

#include "isolation.h"

static sigjmp_buf back;
static volatile siginfo_t seen;
static volatile greg_t seen_error;

static void report(int number, siginfo_t *info, void *context)
{
	(void)number;
	seen = *info;
	seen_error = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR];
	siglongjmp(back, 1);
}

static void catch_all(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		handle_info(numbers[i], report, SA_ONSTACK);
}

/* The signal that the statement raises, or 0. */
#define SIGNAL_OF(...)                                                                             \
	({                                                                                         \
		seen.si_signo = 0;                                                                 \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			__VA_ARGS__;                                                               \
		}                                                                                  \
		seen.si_signo;                                                                     \
	})

/* --- Instructions ----------------------------------------------------------------------------- */

#define REFUSED(...) CHECK_EQ(SIGNAL_OF(__asm__ volatile(__VA_ARGS__)), SIGSEGV)

static void privileged(void)
{
	static const char table[10];

	REFUSED("hlt");
	REFUSED("cli");
	REFUSED("sti");
	REFUSED("clts");
	REFUSED("invd");
	REFUSED("wbinvd");
	REFUSED("invlpg (%0)" ::"r"(table));
	REFUSED("lgdt %0" ::"m"(table));
	REFUSED("lidt %0" ::"m"(table));
	REFUSED("lldt %w0" ::"r"(0));
	REFUSED("ltr %w0" ::"r"(0x40));
	REFUSED("lmsw %w0" ::"r"(0));
	REFUSED("mov %%cr0, %%rax" ::: "rax");
	REFUSED("mov %%cr2, %%rax" ::: "rax");
	REFUSED("mov %%cr3, %%rax" ::: "rax");
	REFUSED("mov %%cr4, %%rax" ::: "rax");
	REFUSED("mov %%cr8, %%rax" ::: "rax");
	REFUSED("mov %0, %%cr0" ::"r"(0L));
	REFUSED("mov %0, %%cr3" ::"r"(0L));
	REFUSED("mov %0, %%cr4" ::"r"(0L));
	REFUSED("mov %0, %%cr8" ::"r"(0L));
	REFUSED("mov %%dr7, %%rax" ::: "rax");
	REFUSED("mov %0, %%dr7" ::"r"(0L));
	REFUSED("rdmsr" ::"c"(0xc0000082) : "rax", "rdx");
	REFUSED("wrmsr" ::"a"(0), "c"(0xc0000082), "d"(0));
	REFUSED("swapgs");
	REFUSED("sysretq" ::"c"(0) : "r11");
	/* Return to a lower ring; a gate, a call and a jump into the kernel's segments. */
	REFUSED("push $0x10; push %%rsp; push $2; push $8; push $0; iretq" ::: "memory");
	REFUSED("push $8; push $0x1000; lretq" ::: "memory");
	REFUSED("ljmp *%0" ::"m"((const struct {
		int offset;
		short selector;
	}){0x1000, 8}));
	REFUSED("lcall *%0" ::"m"((const struct {
		int offset;
		short selector;
	}){0x1000, 0x10}));
}

static void ports(void)
{
	char c;

	REFUSED("inb $0x60, %%al" ::: "rax");
	REFUSED("inb %%dx, %%al" ::"d"(0x3f8) : "rax");
	REFUSED("inw %%dx, %%ax" ::"d"(0xcf8) : "rax");
	REFUSED("inl %%dx, %%eax" ::"d"(0xcfc) : "rax");
	REFUSED("outb %%al, %%dx" ::"d"(0xcf9), "a"(6));
	REFUSED("outw %%ax, %%dx" ::"d"(0x604), "a"(0x2000));
	REFUSED("outl %%eax, %%dx" ::"d"(0xcf8), "a"(0));
	REFUSED("insb" ::"d"(0x60), "D"(&c) : "memory");
	REFUSED("rep outsb" ::"d"(0xf4), "S"(&c), "c"(1));
	/* The edges of the processor's map of ports. */
	REFUSED("inb %%dx, %%al" ::"d"(0) : "rax");
	REFUSED("inl %%dx, %%eax" ::"d"(0xffff) : "rax");
}

/* INT n for all n: only 3 and 4 have gates for users; 0x80 may be the call of 32-bit code. */
static void gates(void)
{
	unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int vector = 0; vector < 256; vector++) {
		int got;

		if (vector == 0x80)
			continue;
		code[0] = 0xcd; /* INT n */
		code[1] = vector;
		code[2] = 0xc3;
		got = SIGNAL_OF(((void (*)(void))code)());
		if (!CHECK_EQ(got, vector == 3 ? SIGTRAP : SIGSEGV))
			printf("# int %#x\n", vector);
	}
	munmap(code, PAGE);
}

/* SGDT and its kin tell where the kernel's tables are.  With UMIP they are refused, or answered
 * with what is the same on each machine.  Without it the processor answers; that they do no harm is
 * all. */
static void tables_are_hidden(void)
{
	struct {
		char bytes[16];
	} gdt[2];
	unsigned a, b, c = 0, d;
	bool umip;

	__get_cpuid_count(7, 0, &a, &b, &c, &d);
	umip = c & 1 << 2;
	for (volatile int i = 0; i < 2; i++) {
		int got;

		memset(&gdt[i], 0, sizeof(gdt[i]));
		got = i ? SIGNAL_OF(__asm__ volatile("sidt %0"
						     : "=m"(gdt[i])))
			: SIGNAL_OF(__asm__ volatile("sgdt %0"
						     : "=m"(gdt[i])));
		CHECK(got == 0 || (umip && got == SIGSEGV));
		/* What Linux answers then: 0xfffffffffffe0000, 0xffffffffffff0000. */
		if (umip && !got)
			CHECK(gdt[i].bytes[2] == 0 && gdt[i].bytes[3] == 0);
	}
	CHECK(SIGNAL_OF(__asm__ volatile("sldt %%ax; str %%ax; smsw %%ax" ::: "rax")) != SIGILL);
}

/* POPF in user mode changes neither the interrupt flag nor the I/O level. */
static void flags_by_popf(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; mov (%%rsp), %%rax; or $0x3000, %%rax; and $~0x200, %%rax\n"
			 "push %%rax; popfq; pushfq; pop %0; popfq"
			 : "=r"(flags)::"rax", "memory", "cc");
	CHECK_EQ(flags & 0x3200, 0x200);
}

/* --- Frames that lie -------------------------------------------------------------------------- */

static void (*liar)(ucontext_t *u, unsigned long value);
static unsigned long lie;
static volatile unsigned long landed_flags;

static void lies(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	liar(context, lie);
}

/* How a child ends that returns from a handler with such a frame. */
static int status_of(void (*how)(ucontext_t *, unsigned long), unsigned long value)
{
	liar = how;
	lie = value;
	return IN_CHILD(for (int i = 1; i < 32; i++) if (i != SIGKILL && i != SIGSTOP)
			    handle(i, SIG_DFL, 0);
			handle_info(SIGUSR1, lies, 0); raise(SIGUSR1));
}

static void lie_rip(ucontext_t *u, unsigned long value)
{
	u->uc_mcontext.gregs[REG_RIP] = value;
}

static void lie_rsp(ucontext_t *u, unsigned long value)
{
	u->uc_mcontext.gregs[REG_RSP] = value;
}

static void lie_fpregs(ucontext_t *u, unsigned long value)
{
	u->uc_mcontext.fpregs = (void *)value;
}

static void lie_mxcsr(ucontext_t *u, unsigned long value)
{
	((uint32_t *)u->uc_mcontext.fpregs)[6] = value;
}

/* A word of the XSAVE header (SDM 1 13.4.2): XSTATE_BV, XCOMP_BV, and six that are reserved. */
static void lie_header(ucontext_t *u, unsigned long value)
{
	((uint64_t *)u->uc_mcontext.fpregs)[64 + value] = 1UL << 62;
}

/* What says that there is a header: sizes and magic numbers. */
static void lie_sizes(ucontext_t *u, unsigned long value)
{
	((uint32_t *)u->uc_mcontext.fpregs)[464 / 4 + value] = 0xffffffff;
}

static bool has_xsave(void)
{
	unsigned a, b, c = 0, d;

	__get_cpuid(1, &a, &b, &c, &d);
	return c & 1 << 27;
}

static void frames_that_lie(void)
{
	for (size_t i = 0; i < COUNT_OF(kernel_addresses); i++) {
		CHECK_EQ(status_of(lie_rip, kernel_addresses[i]), KILLED(SIGSEGV));
		CHECK_EQ(status_of(lie_rsp, kernel_addresses[i]), KILLED(SIGSEGV));
		CHECK_EQ(status_of(lie_fpregs, kernel_addresses[i]), KILLED(SIGSEGV));
	}
	for (size_t i = 0; i < COUNT_OF(no_addresses); i++) {
		int status = status_of(lie_rsp, no_addresses[i]);

		CHECK_EQ(status_of(lie_rip, no_addresses[i]), KILLED(SIGSEGV));
		/* The stack segment's exception. */
		CHECK(status == KILLED(SIGBUS) || status == KILLED(SIGSEGV));
		CHECK_EQ(status_of(lie_fpregs, no_addresses[i]), KILLED(SIGSEGV));
	}
	CHECK_EQ(status_of(lie_fpregs, 0x1000), KILLED(SIGSEGV));
	CHECK_EQ(status_of(lie_mxcsr, 0xffffffff), KILLED(SIGSEGV));
	for (unsigned long word = 0; word < 8 && has_xsave(); word++) {
		int status = status_of(lie_header, word);

		/* A word that the processor does not look at may be ignored. */
		CHECK(status == KILLED(SIGSEGV) || (word > 1 && status == 0));
	}
	for (unsigned long word = 0; word < 5; word++) {
		int status = status_of(lie_sizes, word);

		CHECK(status == 0 || status == KILLED(SIGSEGV));
	}
}

static void landing(void)
{
	__asm__ volatile("pushfq; pop %0; push $0x202; popfq" : "=r"(landed_flags)::"cc", "memory");
	siglongjmp(back, 1);
}

static void lie_flags(ucontext_t *u, unsigned long value)
{
	greg_t *r = u->uc_mcontext.gregs;

	r[REG_RIP] = (greg_t)landing;
	r[REG_RSP] = (r[REG_RSP] - 4096) & -16;
	r[REG_EFL] = value;
}

/* All flags at once but TF, and none: the program gets those that are its own. */
static void frames_of_flags(void)
{
	static const unsigned long values[] = {0,	~0x100UL, 0x3000,  0x4000,
					       0x20000, 0x10000,  0x180000};

	liar = lie_flags;
	handle_info(SIGUSR1, lies, 0);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		lie = values[i];
		if (sigsetjmp(back, 1) == 0)
			raise(SIGUSR1);
		/* Bit 1 is always set; IF is; not IOPL, NT, VM, VIF, VIP. */
		CHECK_EQ(landed_flags & 0x1a7202, 0x202);
	}
	handle(SIGUSR1, SIG_DFL, 0);
}

/* Random bytes anywhere in the frame, FPU state included. */
static void lie_anywhere(ucontext_t *u, unsigned long value)
{
	unsigned char *fpu = (void *)u->uc_mcontext.fpregs;

	random_state += value * 977;
	for (unsigned long n = random_number() % 8 + 1; n; n--) {
		unsigned long r = random_number();

		if (r & 1 || !fpu)
			((unsigned char *)u)[r / 16 % sizeof(*u)] = r >> 40;
		else
			fpu[r / 16 % 832] = r >> 40;
	}
}

static int frame_rounds = 60;

static void random_frames(void)
{
	for (int i = 0; i < frame_rounds; i++) {
		liar = lie_anywhere;
		lie = i;
		IN_CHILD(for (int s = 1; s < 32; s++) if (s != SIGKILL && s != SIGSTOP)
			     handle(s, SIG_DFL, 0);
			 alarm(5); handle_info(SIGUSR1, lies, 0); raise(SIGUSR1));
		check_failures = 0;
	}
}

/* --- Segments --------------------------------------------------------------------------------- */

/* No selector of the kernel can be loaded, whatever level it asks for. */
static void segments(void)
{
	for (volatile int selector = 8; selector < 0x400; selector++) {
		int got;

		__asm__ volatile("" ::: "memory");
		got = SIGNAL_OF(__asm__ volatile("mov %0, %%es" ::"r"(selector)));
		CHECK(got == 0 || got == SIGSEGV || got == SIGBUS);
		/* Level 0, or a descriptor of the kernel's. */
		if ((selector & ~3) == 8 || (selector & ~3) == 0x10 || (selector & ~3) == 0x18)
			CHECK_EQ(got, SIGSEGV);
		got = SIGNAL_OF(__asm__ volatile("mov %0, %%ss" ::"r"(selector & ~3)));
		CHECK(got == SIGSEGV || got == SIGBUS);
	}
	__asm__ volatile("mov %0, %%es" ::"r"(0));
	for (size_t i = 0; i < COUNT_OF(kernel_addresses); i++) {
		CHECK_ERR(syscall(SYS_arch_prctl, 0x1001, kernel_addresses[i]), EPERM);
		CHECK_ERR(syscall(SYS_arch_prctl, 0x1002, kernel_addresses[i]), EPERM);
	}
}

/* --- Addresses of the kernel ------------------------------------------------------------------ */

/* Read, written, jumped to.  The error code is the same whether something is there or not. */
static void touched(void)
{
	for (volatile size_t i = 0; i < COUNT_OF(kernel_addresses); i++) {
		volatile char *p = (volatile char *)kernel_addresses[i];

		CHECK_EQ(SIGNAL_OF((void)*p), SIGSEGV);
		CHECK_EQ(seen.si_code, SEGV_MAPERR);
		CHECK_EQ(seen.si_addr, p);
		CHECK_EQ(seen_error, 5);
		CHECK_EQ(SIGNAL_OF(*p = 1), SIGSEGV);
		CHECK_EQ(seen_error, 7);
		CHECK_EQ(SIGNAL_OF(((void (*)(void))p)()), SIGSEGV);
		CHECK_EQ(seen.si_addr, p);
		CHECK_EQ(SIGNAL_OF(__asm__ volatile("prefetcht0 (%0)" ::"r"(p))), 0);
		CHECK_EQ(SIGNAL_OF(__asm__ volatile("lock cmpxchg %%eax, (%0)" ::"r"(p)
						    : "rax", "memory")),
			 SIGSEGV);
	}
	for (volatile size_t i = 0; i < COUNT_OF(no_addresses); i++) {
		CHECK_EQ(SIGNAL_OF((void)*(volatile char *)no_addresses[i]), SIGSEGV);
		CHECK_EQ(seen.si_code, SI_KERNEL);
		CHECK_EQ(SIGNAL_OF(((void (*)(void))no_addresses[i])()), SIGSEGV);
	}
}

static void still_alive(void)
{
	CHECK_EQ(IN_CHILD(_exit(7)), EXITED(7));
}

int main(int argc, char *argv[])
{
	static char stack[65536];
	stack_t s = {.ss_sp = stack, .ss_size = sizeof(stack)};

	check_start();
	if (argc > 1)
		frame_rounds = atoi(argv[1]);
	MUST(sigaltstack(&s, NULL));
	catch_all();
	RUN(privileged);
	RUN(ports);
	RUN(gates);
	RUN(tables_are_hidden);
	RUN(flags_by_popf);
	RUN(frames_that_lie);
	RUN(frames_of_flags);
	RUN(random_frames);
	RUN(segments);
	RUN(touched);
	RUN(still_alive);
	return check_end();
}
