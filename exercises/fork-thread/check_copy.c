/* SPDX-License-Identifier: MIT
 *
 * Checks of the exercise `fork-thread`: what a new thread has of the thread that made it.  It runs
 * as process 1, so that no fork() is needed to start it, and it uses system calls only, because
 * libc in a child needs a right FS base and a right return value.
 *
 *   copy [TEST...]    without names, all
 */
#include "registers.h"

#define FLAG_VM		  0x100
#define FLAG_VFORK	  0x4000
#define FLAG_SETTLS	  0x80000
#define FLAG_CHILD_CLEAR  0x200000
#define FLAG_CHILD_SETTID 0x1000000
#define GET_FS		  0x1003
#define SET_GS		  0x1001
#define GET_GS		  0x1004
#define CHILD_STACK	  65536

/* Errors as the kernel returns them; errno needs the FS base. */
static long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

/* What the child found, for the parent. */
static volatile struct result {
	long value;
	uint64_t fs, gs, mask, affinity, altstack;
	struct image image;
	int tid_word, clear_word;
} * seen;

static long me; /* the parent's PID */

static bool is_child(void)
{
	return call(SYS_getpid, 0, 0, 0, 0) != me;
}

static void child_ends(int code)
{
	for (;;)
		call(SYS_exit_group, code, 0, 0, 0);
}

/* Wait status of the only child, or an error. */
static long reap(void)
{
	int status = -1;
	long pid = call(SYS_wait4, -1, (long)&status, 0x40000000 /* __WALL */, 0);

	return pid < 0 ? pid : status & ~0x80;
}

static void begin(void)
{
	memset((void *)seen, 0, sizeof(*seen));
	me = call(SYS_getpid, 0, 0, 0, 0);
}

/* --- The return value and the registers --------------------------------------------------------
 */

static void child_gets_zero(void)
{
	long value;

	begin();
	seen->value = -1;
	value = call(SYS_fork, 0, 0, 0, 0);
	if (is_child()) {
		seen->value = value;
		child_ends(0);
	}
	CHECK(value > 0 && value != me);
	CHECK_EQ(reap(), 0);
	CHECK_EQ(seen->value, 0);
}

void fork_with(const struct image *in, struct image *out, long unused, long avx);
void sleep_fork_with(const struct image *in, struct image *out, long unused, long avx);
void fork_wait_with(const struct image *in, struct image *out, long unused, long avx);

#define SLEEP "lea 9f(%rip), %rdi; xor %esi, %esi; mov $35, %eax; syscall\n"

FUNCTION(fork_with, "mov $57, %eax; syscall\n");
/* The sleep is a switch, which saves the state of the FPU in the thread's area. */
FUNCTION(sleep_fork_with,
	 SLEEP "mov $57, %eax; syscall; jmp 8f\n.balign 8\n9: .quad 0, 3000000\n8:\n");
/* The child changes what it has, sleeps, so that its state is saved, and ends; the parent waits. */
FUNCTION(fork_wait_with,
	 "mov $57, %eax; syscall; test %eax, %eax; jnz 8f\n"
	 "pcmpeqd %xmm0, %xmm0; pcmpeqd %xmm7, %xmm7; fninit; fldpi; xor %ebx, %ebx\n" SLEEP
	 "7: xor %edi, %edi; mov $231, %eax; syscall; jmp 7b\n"
	 ".balign 8\n9: .quad 0, 3000000\n"
	 "8: mov $-1, %rdi; xor %esi, %esi; xor %edx, %edx; xor %r10d, %r10d\n"
	 "mov $61, %eax; syscall\n");

typedef void load_and_store(const struct image *in, struct image *out, long unused, long avx);

/* Run it, and compare in the child: bit 0 of the result, the general registers differ; bit 1, the
 * state of the FPU. */
static long compare_in_child(load_and_store *function, unsigned seed)
{
	static struct image in, out;

	begin();
	paint(&in, seed);
	memset(&out, 0, sizeof(out));
	function(&in, &out, 0, avx);
	if (is_child()) {
		int differs =
		    memcmp(&in.mxcsr, &out.mxcsr, sizeof(in) - sizeof(in.general)) ? 2 : 0;

		if (!same(&in, &out, true) && memcmp(in.general, out.general, sizeof(in.general)))
			differs |= 1;
		child_ends(differs);
	}
	return reap() >> 8;
}

static void general_registers(void)
{
	for (unsigned i = 0; i < 10; i++)
		CHECK_EQ(compare_in_child(fork_with, 11 + i * 9) & 1, 0);
}

/* The values were in the registers for a while, and through a switch. */
static void fpu_after_a_switch(void)
{
	for (unsigned i = 0; i < 5; i++)
		CHECK_EQ(compare_in_child(sleep_fork_with, 12 + i * 9) & 2, 0);
}

/* The values are in the registers alone: no switch has saved them. */
static void fpu_just_changed(void)
{
	for (unsigned i = 0; i < 5; i++)
		CHECK_EQ(compare_in_child(fork_with, 13 + i * 9) & 2, 0);
}

/* The parent's registers stay its own while the child lives and ends. */
static void parent_keeps_its_own(void)
{
	static struct image in, out;

	for (unsigned i = 0; i < 10; i++) {
		begin();
		paint(&in, 14 + i * 9);
		memset(&out, 0, sizeof(out));
		fork_wait_with(&in, &out, 0, avx);
		if (is_child())
			child_ends(0);
		CHECK((long)out.general[0] > 0); /* wait4() has returned the child's PID */
		CHECK_EQ(memcmp(&in.mxcsr, &out.mxcsr, sizeof(in) - sizeof(in.general)), 0);
		CHECK_EQ(in.general[1], out.general[1]);
		CHECK_EQ(in.general[11], out.general[11]);
	}
}

/* --- What else a thread has ---------------------------------------------------------------------
 */

static uint64_t base_of(int which)
{
	uint64_t base = 1;

	return call(SYS_arch_prctl, which, (long)&base, 0, 0) ? 2 : base;
}

static void segment_bases(void)
{
	static char far_away[64];

	begin();
	CHECK_EQ(call(SYS_arch_prctl, SET_GS, (long)far_away, 0, 0), 0);
	call(SYS_fork, 0, 0, 0, 0);
	if (is_child()) {
		seen->fs = base_of(GET_FS);
		seen->gs = base_of(GET_GS);
		child_ends(0);
	}
	reap();
	CHECK_EQ(seen->fs, base_of(GET_FS));
	CHECK_EQ(seen->gs, far_away);
	CHECK_EQ(call(SYS_arch_prctl, SET_GS, 0, 0, 0), 0);
}

static uint64_t signal_mask(void)
{
	uint64_t mask = 0;

	call(SYS_rt_sigprocmask, 0, 0, (long)&mask, 8);
	return mask;
}

static uint64_t altstack(void)
{
	stack_t s = {0};

	call(SYS_sigaltstack, 0, (long)&s, 0, 0);
	return s.ss_flags & SS_DISABLE ? 0 : (uint64_t)s.ss_sp;
}

static uint64_t affinity(void)
{
	uint64_t set[16] = {0};

	call(SYS_sched_getaffinity, 0, sizeof(set), (long)set, 0);
	return set[0];
}

static void signal_state(void)
{
	static char stack[16384];
	stack_t s = {.ss_sp = stack, .ss_size = sizeof(stack)}, none = {.ss_flags = SS_DISABLE};
	uint64_t mask = 1UL << (SIGUSR1 - 1) | 1UL << (SIGHUP - 1), zero = 0;

	begin();
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8);
	CHECK_EQ(call(SYS_sigaltstack, (long)&s, 0, 0, 0), 0);
	call(SYS_fork, 0, 0, 0, 0);
	if (is_child()) {
		seen->mask = signal_mask();
		seen->altstack = altstack();
		child_ends(0);
	}
	reap();
	CHECK_EQ(seen->mask, mask);
	CHECK_EQ(seen->altstack, stack);
	call(SYS_sigaltstack, (long)&none, 0, 0, 0);
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&zero, 0, 8);
}

static void allowed_cpus(void)
{
	uint64_t one[16] = {1}, all[16];

	memset(all, 0xff, sizeof(all));
	begin();
	CHECK_EQ(call(SYS_sched_setaffinity, 0, sizeof(one), (long)one, 0), 0);
	call(SYS_fork, 0, 0, 0, 0);
	if (is_child()) {
		seen->affinity = affinity();
		child_ends(0);
	}
	reap();
	CHECK_EQ(seen->affinity, 1);
	CHECK_EQ(call(SYS_sched_setaffinity, 0, sizeof(all), (long)all, 0), 0);
}

/* --- clone(): a stack and a TLS of its own -------------------------------------------------------
 */

/* clone(flags, top, ..., tls), and the child ends at once: with status 0 if its stack pointer is
 * `top`, else 64; plus what the byte at FS base + 8 holds, if `look`.  The parent's result. */
long clone_and_look(long flags, void *top, int *tid_word, void *tls, long look);
__asm__(".text\nclone_and_look:\n"
	"push %r12; push %r13; mov %rsi, %r12; mov %r8, %r13\n"
	"mov %rdx, %r10; mov %rcx, %r8; xor %edx, %edx; mov $56, %eax; syscall\n"
	"test %eax, %eax; jz 1f; cmp %r12, %rsp; je 1f; pop %r13; pop %r12; ret\n"
	"1: xor %edi, %edi; cmp %r12, %rsp; je 2f; mov $64, %edi\n"
	"2: test %r13, %r13; jz 3f; movzbl %fs:8, %eax; add %eax, %edi\n"
	"3: mov $60, %eax; syscall; jmp 3b\n");

static char *stack_top(void)
{
	static char *stack;

	if (!stack)
		stack = (char *)call(SYS_brk, 0, 0, 0, 0);
	call(SYS_brk, (long)stack + CHILD_STACK, 0, 0, 0);
	return (char *)((long)(stack + CHILD_STACK) & -16);
}

static void given_stack(void)
{
	begin();
	CHECK(clone_and_look(FLAG_VM | FLAG_VFORK | SIGCHLD, stack_top(), NULL, NULL, 0) > 0);
	CHECK_EQ(reap(), EXITED(0));
}

static void given_tls(void)
{
	static uint64_t block[8];

	begin();
	((uint8_t *)block)[8] = 42;
	CHECK(clone_and_look(FLAG_VM | FLAG_VFORK | FLAG_SETTLS | SIGCHLD, stack_top(), NULL, block,
			     1) > 0);
	CHECK_EQ(reap() & ~EXITED(64), EXITED(42));
}

/* The kernel writes the TID into the child's memory, and 0 at its end. */
static void tid_word(void)
{
	long flags = FLAG_VM | FLAG_VFORK | FLAG_CHILD_SETTID | SIGCHLD, pid;

	begin();
	pid = clone_and_look(flags, stack_top(), (int *)&seen->tid_word, NULL, 0);
	reap();
	CHECK_EQ(seen->tid_word, pid);
	seen->clear_word = 7;
	flags = FLAG_VM | FLAG_VFORK | FLAG_CHILD_CLEAR | SIGCHLD;
	clone_and_look(flags, stack_top(), (int *)&seen->clear_word, NULL, 0);
	reap();
	CHECK_EQ(seen->clear_word, 0);
}

/* --- Together ------------------------------------------------------------------------------------
 */

static __thread int own = 5;

static void *add_to_own(void *arg)
{
	own += (int)(long)arg;
	return (void *)(long)own;
}

/* Threads of the library, which need all of this. */
static void pthreads(void)
{
	pthread_t t[8];
	void *result;

	for (long i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, add_to_own, (void *)i), 0);
	for (long i = 0; i < 8; i++) {
		CHECK_EQ(pthread_join(t[i], &result), 0);
		CHECK_EQ((long)result, 5 + i);
	}
	CHECK_EQ(own, 5);
}

int main(int argc, char *argv[])
{
	check_start();
	__builtin_cpu_init();
	avx = __builtin_cpu_supports("avx") != 0;
	seen = map_shared(sizeof(*seen));
	RUN_NAMED(child_gets_zero);
	RUN_NAMED(general_registers);
	RUN_NAMED(fpu_after_a_switch);
	RUN_NAMED(fpu_just_changed);
	RUN_NAMED(segment_bases);
	RUN_NAMED(signal_state);
	RUN_NAMED(allowed_cpus);
	RUN_NAMED(given_stack);
	RUN_NAMED(given_tls);
	RUN_NAMED(tid_word);
	RUN_NAMED(parent_keeps_its_own);
	RUN_NAMED(pthreads);
	return check_end();
}
