/* SPDX-License-Identifier: MIT
 *
 * segments [ROUNDS]: the segment registers DS, ES, FS and GS belong to the thread: other threads do
 * not change them, fork() and clone() copy them, exec clears them, a signal leaves them alone.  The
 * same in 32-bit code, to which a far jump leads.
 */
#include <sched.h>
#include <sys/time.h>
#include <ucontext.h>

#include "check.h"

#define ARCH_SET_GS		 0x1001 /* arch_prctl(2) */
#define ARCH_SET_FS		 0x1002
#define ARCH_GET_FS		 0x1003
#define ARCH_GET_GS		 0x1004

#define CODE_32			 0x23 /* __USER32_CS, __USER_CS of Linux */
#define CODE_64			 0x33

#define LOAD(register, selector) __asm__ volatile("mov %0, %%" #register ::"r"((int)(selector)))
#define READ(register)                                                                             \
	({                                                                                         \
		int selector_;                                                                     \
		__asm__ volatile("mov %%" #register ", %0" : "=r"(selector_));                     \
		selector_;                                                                         \
	})

static long rounds = 300;

static void load_all(int selector)
{
	LOAD(ds, selector);
	LOAD(es, selector);
	LOAD(gs, selector);
}

static bool all_are(int selector)
{
	return READ(ds) == selector && READ(es) == selector && READ(gs) == selector;
}

static void yield_with(int selector)
{
	long wrong = 0;

	load_all(selector);
	for (long i = 0; i < rounds; i++) {
		sched_yield();
		wrong += !all_are(selector);
	}
	load_all(0);
	CHECK_EQ(wrong, 0);
}

static void switches(void)
{
	pid_t a = SPAWN(yield_with(READ(ss))), b = SPAWN(yield_with(READ(cs)));

	yield_with(0);
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(wait_status(b), 0);
}

/* With FS loaded there are no thread-local variables, and so no C library. */
static long yield_with_fs(int selector)
{
	long wrong = 0, left = rounds;
	unsigned long base;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
	__asm__ volatile("mov %k[selector], %%fs\n"
			 "1: mov %[yield], %%eax; syscall\n"
			 "mov %%fs, %%eax; cmp %k[selector], %%eax; je 2f; inc %[wrong]\n"
			 "2: dec %[left]; jnz 1b\n"
			 "mov %[prctl], %%eax; mov %[set_fs], %%edi; mov %[base], %%rsi; syscall\n"
			 : [wrong] "+r"(wrong), [left] "+r"(left)
			 : [selector] "r"(selector), [base] "r"(base), [yield] "i"(SYS_sched_yield),
			   [prctl] "i"(SYS_arch_prctl), [set_fs] "i"(ARCH_SET_FS)
			 : "rax", "rcx", "r11", "rdi", "rsi", "memory");
	return wrong;
}

static void fs_too(void)
{
	pid_t pid = SPAWN(CHECK_EQ(yield_with_fs(READ(ss)), 0));

	CHECK_EQ(yield_with_fs(READ(cs)), 0);
	CHECK_EQ(READ(fs), 0);
	CHECK_EQ(wait_status(pid), 0);
}

/* A loaded selector has the base of its descriptor, 0; a base that is set has the selector 0. */
static void yield_with_gs_base(unsigned long value)
{
	unsigned long base, read;

	for (long i = 0; i < rounds / 10; i++) {
		MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, &value));
		CHECK_EQ(READ(gs), 0);
		sched_yield();
		__asm__ volatile("mov %%gs:0, %0" : "=r"(read));
		CHECK_EQ(read, value);
		LOAD(gs, READ(ss));
		MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
		CHECK_EQ(base, 0);
		sched_yield();
		MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
		CHECK_EQ(base, 0);
		CHECK_EQ(READ(gs), READ(ss));
	}
	LOAD(gs, 0);
}

static void bases(void)
{
	pid_t pid = SPAWN(yield_with_gs_base(1));

	yield_with_gs_base(2);
	CHECK_EQ(wait_status(pid), 0);
}

static void *thread(void *selector)
{
	/* The thread's base is set, which clears FS. */
	CHECK(all_are((long)selector) && READ(fs) == 0);
	return NULL;
}

static void inherited(void)
{
	int selector = READ(ss);
	pthread_t other;

	load_all(selector);
	CHECK_EQ(IN_CHILD(CHECK(all_are(selector)); sched_yield(); CHECK(all_are(selector))), 0);
	pthread_create(&other, NULL, thread, (void *)(long)selector);
	pthread_join(other, NULL);
	CHECK(all_are(selector));
	load_all(0);
}

static void cleared_by_exec(void)
{
	static char *const argv[] = {"segments", "show", NULL}, *const envp[] = {NULL};
	const char *self = self_path();

	CHECK_EQ(IN_CHILD(load_all(READ(ss)); __asm__ volatile(
			      "mov %k0, %%fs; syscall; ud2" ::"r"(READ(ss)), "a"(SYS_execve),
			      "D"(self), "S"(argv), "d"(envp)
			      : "rcx", "r11", "memory")),
		 EXITED(0));
}

static int seen_by_handler;

static void changes_ds(int number)
{
	caught[number]++;
	seen_by_handler = READ(ds);
	LOAD(ds, 0);
}

/* The frame of a signal has no room for them: what the handler changes stays. */
static void over_signals(void)
{
	handle(SIGUSR1, changes_ds, 0);
	load_all(READ(ss));
	MUST(raise(SIGUSR1));
	CHECK_EQ(READ(ds), 0);
	CHECK_EQ(READ(es), READ(ss));
	CHECK_EQ(seen_by_handler, READ(ss));
	load_all(0);
}

/* --- 32-bit code ------------------------------------------------------------------------------ */

/* To a loop of 32-bit code until `stop_32`, and back.  Its loads and stores go by DS.  With a
 * `call_32` it makes a system call instead: getpid() by INT 0x80, SYSCALL or SYSENTER. */
void run_32(void);
extern volatile unsigned loops_32, stop_32, call_32;
static char stack_32[4096] __attribute__((aligned(16), used));

__asm__(".text\n"
	"run_32: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, rsp_64(%rip); mov $stack_32 + 4096, %esp\n"
	"mov %ss, %eax; mov %eax, %ds; mov %eax, %es\n"
	"ljmp *pointer_32(%rip)\n"
	".code32\n"
	"code_32: mov call_32, %ecx; jecxz 1f\n"
	"mov $20, %eax; mov $stack_32 + 4096, %ebp\n"
	"loop 2f; int $0x80; ljmp *pointer_64\n"
	"2: loop 3f; syscall; ljmp *pointer_64\n"
	"3: sysenter\n"
	"1: incl loops_32; push $0; pop %eax; cmpl %eax, stop_32; je 1b\n"
	"ljmp *pointer_64\n"
	".code64\n"
	"code_64: mov rsp_64(%rip), %rsp; xor %eax, %eax; mov %eax, %ds; mov %eax, %es\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	".data\n"
	"pointer_32: .long code_32; .word 0x23\n"
	"pointer_64: .long code_64; .word 0x33\n"
	".bss\n"
	".balign 8\n"
	"rsp_64: .skip 8\n"
	".globl loops_32, stop_32, call_32\n"
	"loops_32: .skip 4\n"
	"stop_32: .skip 4\n"
	"call_32: .skip 4\n"
	".text\n");

static int signals_in_32;

static void stops_32(int number, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	CHECK_EQ(info->si_signo, number);
	signals_in_32 += (uc->uc_mcontext.gregs[REG_CSGSFS] & 0xffff) == CODE_32;
	CHECK_EQ(READ(cs), CODE_64);
	stop_32 = signals_in_32 >= 10;
}

/* Signals and turns of others in between. */
static void code_of_32_bits(void)
{
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	pid_t pid = SPAWN(for (long end = now_ms() + 300; now_ms() < end;) load_all(0)), sender;

	MUST(sigaltstack(&alternate, NULL));
	handle_info(SIGALRM, stops_32, SA_ONSTACK | SA_RESTART);
	sender = signal_often(SIGALRM, 2000);
	run_32();
	end_signals(sender);
	CHECK(signals_in_32 >= 10);
	CHECK(loops_32 > 10);
	CHECK_EQ(READ(cs), CODE_64);
	CHECK_EQ(wait_status(pid), 0);
}

/* A system call returns after another process was interrupted: 32-bit code still has its stack.
 * SYSRET of AMD processors gives it none by itself. */
static void after_a_switch(void)
{
	pid_t pid = SPAWN(for (;;) load_all(0));

	stop_32 = 1;
	for (int i = 0; i < 20; i++) {
		sched_yield();
		run_32();
	}
	stop_32 = 0;
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

/* There may be no 32-bit ABI: then it is an error, or a signal, and no harm to others. */
static void calls_of_32_bits(void)
{
	for (unsigned call = 1; call <= 3; call++) {
		int status = IN_CHILD(call_32 = call; run_32());

		CHECK(status == 0 || status == KILLED(SIGSEGV) || status == KILLED(SIGILL));
		if (check_failures)
			printf("# call %u: %#x\n", call, status);
	}
}

/* A frame whose code or stack segment cannot be: the way back faults, as Linux has it. */
static int bad_register, bad_selector;

static void makes_bad(int number, siginfo_t *info, void *context)
{
	greg_t *word = &((ucontext_t *)context)->uc_mcontext.gregs[REG_CSGSFS];
	int shift = bad_register * 16;

	CHECK_EQ(info->si_signo, number);
	*word = (*word & ~(0xffffL << shift)) | (long)bad_selector << shift;
}

static void forgets_ss(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	CHECK_EQ(info->si_signo, number);
	CHECK_EQ(uc->uc_flags & 4, 4); /* UC_STRICT_RESTORE_SS */
	uc->uc_flags &= ~4UL;
	uc->uc_mcontext.gregs[REG_CSGSFS] &= 0xffff;
}

static void frames(void)
{
	/* By the kernel's segments, TSS, beyond the table, none, data for code and the reverse. */
	static const int code[] = {0x8, 0x10, 0x18, 0x40, 0xff8, 0, 0x2b};
	static const int stack[] = {0x10, 0x18, 0x40, 0xff8, 0, 0x33};

	handle_info(SIGUSR1, makes_bad, 0);
	for (size_t i = 0; i < COUNT_OF(code) + COUNT_OF(stack); i++) {
		bad_register = i < COUNT_OF(code) ? 0 : 3;
		bad_selector = bad_register ? stack[i - COUNT_OF(code)] : code[i];
		int status = IN_CHILD(raise(SIGUSR1));
		if (!CHECK(status == KILLED(SIGSEGV) || status == KILLED(SIGBUS)))
			printf("# %d %#x: %#x\n", bad_register, bad_selector, status);
	}
	handle_info(SIGUSR1, forgets_ss, 0);
	MUST(raise(SIGUSR1));
	CHECK_EQ(READ(ss), 0x2b);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "show"))
		return !(all_are(0) && READ(fs) == 0);
	if (argc > 1)
		rounds = atol(argv[1]);
	CHECK_EQ(READ(cs), CODE_64);
	check_use_one_cpu();
	RUN(switches);
	RUN(fs_too);
	RUN(bases);
	RUN(inherited);
	RUN(cleared_by_exec);
	RUN(over_signals);
	RUN(code_of_32_bits);
	RUN(after_a_switch);
	RUN(calls_of_32_bits);
	RUN(frames);
	return check_end();
}
