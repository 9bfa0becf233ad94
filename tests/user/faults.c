/* SPDX-License-Identifier: MIT
 *
 * What the processor refuses becomes a signal with its code and address; a handler can look at the
 * registers, mend them, and go on.
 */
#include <setjmp.h>
#include <ucontext.h>

#include "check.h"

static sigjmp_buf back;
static volatile siginfo_t seen;
static volatile greg_t seen_rip, seen_error, seen_trap, seen_cr2;

static void report(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	seen = *info;
	seen_rip = r[REG_RIP];
	seen_error = r[REG_ERR];
	seen_trap = r[REG_TRAPNO];
	seen_cr2 = r[REG_CR2];
	siglongjmp(back, 1);
}

static void catch_all(int flags)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		handle_info(numbers[i], report, flags);
}

/* The statement raises this signal with this code. */
#define FAULTS(number, code, ...)                                                                  \
	do {                                                                                       \
		seen.si_signo = 0;                                                                 \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			__VA_ARGS__;                                                               \
			CHECK(!"it went on");                                                      \
		}                                                                                  \
		CHECK_EQ(seen.si_signo, number);                                                   \
		CHECK_EQ(seen.si_code, code);                                                      \
	} while (0)

static void bad_addresses(void)
{
	volatile char *nowhere = (char *)0x1234;
	static const char constant[] = "read only";
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *data = map(PAGE);

	FAULTS(SIGSEGV, SEGV_MAPERR, *nowhere);
	CHECK_EQ(seen.si_addr, nowhere);
	CHECK_EQ(seen_cr2, nowhere);
	CHECK_EQ(seen_trap, 14);
	CHECK_EQ(seen_error, 4);
	FAULTS(SIGSEGV, SEGV_MAPERR, *nowhere = 1);
	CHECK_EQ(seen_error, 6);
	FAULTS(SIGSEGV, SEGV_ACCERR, *(volatile char *)constant = 1);
	CHECK_EQ(seen.si_addr, constant);
	CHECK_EQ(seen_error, 7);
	FAULTS(SIGSEGV, SEGV_ACCERR, *(volatile char *)(none + 5));
	CHECK_EQ(seen.si_addr, none + 5);
	/* The kernel's half. */
	FAULTS(SIGSEGV, SEGV_MAPERR, *(volatile char *)0xffffffff80000000);
	FAULTS(SIGSEGV, SEGV_MAPERR, *(volatile char *)0xffff888000000000 = 1);
	/* Not canonical: no address. */
	FAULTS(SIGSEGV, SI_KERNEL, *(volatile char *)0x8000000000000000);
	CHECK_EQ(seen.si_addr, 0);
	CHECK_EQ(seen_trap, 13);
	/* Data is not code. */
	data[0] = (char)0xc3;
	FAULTS(SIGSEGV, SEGV_ACCERR, ((void (*)(void))data)());
	CHECK_EQ(seen.si_addr, data);
	CHECK_EQ(seen_rip, data);
	FAULTS(SIGSEGV, SEGV_MAPERR, ((void (*volatile)(void))NULL)());
	CHECK_EQ(seen.si_addr, 0);
	munmap(data, PAGE);
	FAULTS(SIGSEGV, SEGV_MAPERR, *(volatile char *)data);
	CHECK_EQ(seen.si_addr, data);
}

static void bad_instructions(void)
{
	FAULTS(SIGFPE, FPE_INTDIV, __asm__ volatile("idivl %0" ::"r"(0), "a"(1), "d"(0)));
	CHECK_EQ(seen.si_addr, seen_rip);
	FAULTS(SIGFPE, FPE_INTDIV,
	       __asm__ volatile("idivl %0" ::"r"(-1), "a"(0x80000000), "d"(-1)));
	FAULTS(SIGILL, ILL_ILLOPN, __asm__ volatile("ud2"));
	CHECK_EQ(seen.si_addr, seen_rip);
	FAULTS(SIGTRAP, SI_KERNEL, __asm__ volatile("int3"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("hlt"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("cli"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("outb %al, $0x80"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("mov %%cr3, %%rax" ::: "rax"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("wrmsr" ::"a"(0), "c"(0xc0000080), "d"(0)));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("int $0x40"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("mov %0, %%ds" ::"r"(0x1234)));
}

static void single_step(void)
{
	FAULTS(SIGTRAP, TRAP_TRACE,
	       __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::
				    : "memory", "cc"));
	/* Not in the handler, nor after it. */
	CHECK(seen.si_addr != NULL);
	/* SYSCALL clears the flag, and the return from the call sets it again. */
	FAULTS(SIGTRAP, TRAP_TRACE,
	       __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; syscall; nop; nop" ::"a"(
				    SYS_getppid)
				: "rcx", "r11", "memory", "cc"));
}

/* Of the x87, unmasked.  (SSE's are left out: QEMU's emulator never raises them.) */
static void float_errors(void)
{
	static const uint16_t divide = 0x37b, invalid = 0x37e;

	FAULTS(SIGFPE, FPE_FLTDIV,
	       __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(divide)));
	__asm__ volatile("fninit");
	FAULTS(SIGFPE, FPE_FLTINV,
	       __asm__ volatile("fninit; fldcw %0; fldz; fldz; fdivrp; fwait" ::"m"(invalid)));
	__asm__ volatile("fninit");
}

static void file_errors(void)
{
	int fd = MUST(open("file", O_RDWR | O_CREAT, 0644));
	char *p;

	MUST(ftruncate(fd, 100));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[99] = 1;
	CHECK_EQ(p[4000], 0);
	FAULTS(SIGBUS, BUS_ADRERR, *(volatile char *)(p + PAGE + 7));
	CHECK_EQ(seen.si_addr, p + PAGE + 7);
	munmap(p, 2 * PAGE);
	close(fd);
}

static volatile int forever = 1;

static int __attribute__((noinline)) recurse(volatile char *from)
{
	volatile char frame[1000];

	frame[0] = *from + 1;
	if (!forever)
		return frame[0];
	return recurse(frame) + frame[1];
}

static void stack_overflow(void)
{
	static char memory[65536];
	stack_t s = {.ss_sp = memory, .ss_size = sizeof(memory)};
	char start = 0;

	CHECK_EQ(sigaltstack(&s, NULL), 0);
	catch_all(SA_ONSTACK);
	FAULTS(SIGSEGV, SEGV_MAPERR, recurse(&start));
	CHECK((uintptr_t)&start - (uintptr_t)seen.si_addr > 7 * 1024 * 1024);
	/* Twice. */
	FAULTS(SIGSEGV, SEGV_MAPERR, recurse(&start));
	/* Without a stack to handle it on, or while blocked, it kills. */
	s.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&s, NULL), 0);
	CHECK_EQ(IN_CHILD(recurse(&start)), KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD(mask(SIG_BLOCK, SIGSEGV); *(volatile char *)BAD), KILLED(SIGSEGV));
	handle(SIGSEGV, SIG_IGN, 0);
	CHECK_EQ(IN_CHILD(*(volatile char *)BAD), KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD(__asm__ volatile("mov $0, %rsp; push %rax")), KILLED(SIGSEGV));
	handle(SIGUSR1, catch, 0);
	CHECK_EQ(IN_CHILD(__asm__ volatile("mov %%rsp, %%rbx; mov $0x100, %%rsp; mov $62, %%eax;"
					   "syscall" ::"D"(getpid()),
					   "S"(SIGUSR1)
					   : "rax", "rbx", "rcx", "r11")),
		 KILLED(SIGSEGV));
	catch_all(0);
}

static void mend(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number, (void)info;
	caught[SIGSEGV]++;
	if (caught[SIGSEGV] == 1) {
		r[REG_RAX] = 4711; /* instead of what was to be loaded */
		r[REG_RIP] += 3;   /* over mov (%rbx), %rax */
	} else {
		mprotect((void *)r[REG_RBX], PAGE, PROT_READ);
	}
}

static void mended(void)
{
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long got;

	handle_info(SIGSEGV, mend, 0);
	caught[SIGSEGV] = 0;
	__asm__ volatile("mov (%%rbx), %%rax" : "=a"(got) : "b"(none));
	CHECK_EQ(got, 4711);
	CHECK_EQ(caught[SIGSEGV], 1);
	__asm__ volatile("mov (%%rbx), %%rax" : "=a"(got) : "b"(none));
	CHECK_EQ(got, 0);
	CHECK_EQ(caught[SIGSEGV], 2);
	catch_all(0);
}

/* A frame that lies: bad registers on return kill the process, never more. */
static volatile int lie;

static void liar(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *r = u->uc_mcontext.gregs;

	(void)number, (void)info;
	switch (lie) {
	case 0:
		r[REG_RIP] = 0x8000000000000000;
		break;
	case 1:
		r[REG_RIP] = (greg_t)0xffffffff80000000;
		break;
	case 2:
		r[REG_RSP] = 0x8000000000000000, r[REG_RIP] = 0x10;
		break;
	case 3:
		r[REG_EFL] = -1; /* IOPL, VM, NT, TF: the harmless ones come through */
		break;
	case 4:
		u->uc_mcontext.fpregs = (void *)0xffff800000000000;
		break;
	case 5:
		u->uc_mcontext.fpregs = (void *)((char *)u->uc_mcontext.fpregs + 1);
		break;
	case 6:
		((uint32_t *)u->uc_mcontext.fpregs)[6] = 0xffffffff; /* MXCSR */
		break;
	case 7:
		r[REG_CSGSFS] = -1;
		break;
	}
}

static void lies(void)
{
	for (lie = 0; lie < 8; lie++) {
		int status = IN_CHILD(for (int i = 1; i < 32; i++) if (i != SIGKILL && i != SIGSTOP)
					  handle(i, SIG_DFL, 0);
				      handle_info(SIGUSR1, liar, 0); raise(SIGUSR1));

		CHECK(status == 0 || status == KILLED(SIGSEGV) || status == KILLED(SIGTRAP) ||
		      status == KILLED(SIGBUS));
		if (lie < 3)
			CHECK_EQ(status, KILLED(SIGSEGV));
	}
	/* And no frame at all. */
	CHECK_EQ(IN_CHILD(handle(SIGSEGV, SIG_DFL, 0);
			  __asm__ volatile("mov $0x1000, %%rsp; mov $15, %%eax; syscall" ::
					       : "rax", "rcx", "r11", "memory")),
		 KILLED(SIGSEGV));
}

/* QEMU's emulation (7.2, with SMAP) reads the stack for a far return as if it was the kernel: the
 * processor reports a fault at a page that is there.  Answered with "try again", it would come back
 * for ever.  What is right is to return; what is bearable is a signal. */
static void far_return(void)
{
	int status = IN_CHILD(alarm(60); handle(SIGSEGV, SIG_DFL, 0);
			      __asm__ volatile("mov %%cs, %%eax; lea 1f(%%rip), %%rcx\n"
					       "push %%rax; push %%rcx; lretq; 1:\n" ::
						   : "rax", "rcx", "memory"));

	CHECK(status == 0 || status == KILLED(SIGSEGV));
}

static void no_such_call(void)
{
	CHECK(syscall(100000) == -1 && errno == ENOSYS);
	CHECK(syscall(-1) == -1 && errno == ENOSYS);
}

int main(void)
{
	check_start_in_directory();
	catch_all(0);
	RUN(bad_addresses);
	RUN(bad_instructions);
	RUN(single_step);
	RUN(float_errors);
	RUN(file_errors);
	RUN(stack_overflow);
	RUN(mended);
	RUN(lies);
	RUN(far_return);
	RUN(no_such_call);
	return check_end();
}
