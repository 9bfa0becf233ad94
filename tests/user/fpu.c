/* SPDX-License-Identifier: MIT
 *
 * fpu: the x87, SSE and AVX registers, which the kernel saves and loads only for those who use them.
 * Each pair of users as threads and as processes on one CPU; threads that wander over the CPUs; sleep;
 * signals, also with a changed frame or one whose pages are not there; vfork and exec.  registers.c has whole sets of registers.
 */
#include <fcntl.h>
#include <sched.h>
#include <ucontext.h>

#include "check.h"

enum kind { NONE, X87, SSE, AVX, KINDS };

static bool has_avx;

struct call {
	long number, a, b, c;
};

/* Put `in` into a register of the kind, call the kernel `n` times, and store the register.  Nothing
 * between the two touches a register of any kind. */
#define HOLD(before, after)                                                                        \
	__asm__ volatile(before "1: mov %[call], %%rax; syscall; dec %%rbx; jnz 1b\n" after        \
			 : "+b"(n), [out] "+m"(out)                                                \
			 : [in] "m"(in), [call] "r"(call.number), "D"(call.a), "S"(call.b),        \
			   "d"(call.c)                                                             \
			 : "rax", "rcx", "r11", "memory", "xmm9", "st")

static uint64_t hold(enum kind kind, uint64_t in, long n, struct call call)
{
	uint64_t out = in;

	switch (kind) {
	case X87:
		HOLD("fildll %[in]\n", "fistpll %[out]\n");
		break;
	case SSE:
		HOLD("movq %[in], %%xmm9\n", "movq %%xmm9, %[out]\n");
		break;
	case AVX: /* the upper half of a register */
		HOLD("vmovq %[in], %%xmm9; vperm2f128 $8, %%ymm9, %%ymm9, %%ymm9\n",
		     "vextractf128 $1, %%ymm9, %%xmm9; vmovq %%xmm9, %[out]; vzeroupper\n");
		break;
	default:
		HOLD("", "");
	}
	return out;
}

static const struct call yield = {SYS_sched_yield, 0, 0, 0};

static bool possible(enum kind kind)
{
	return kind != AVX || has_avx;
}

/* Most turns use the registers, some do not: the kernel learns from that what to expect. */
static bool take_turns(enum kind kind, long seed)
{
	bool good = true;

	for (long i = 1; i <= 600 && good; i++)
		good = CHECK_EQ(hold(kind, i * seed, i % 16 ? 1 : 20, yield), i * seed);
	return good;
}

static void *turns_thread(void *kind)
{
	take_turns((enum kind)(long)kind, 0x10000001);
	return NULL;
}

static void pairs(void)
{
	cpu_set_t all = check_use_one_cpu();

	for (enum kind a = NONE; a < KINDS; a++)
		for (enum kind b = a; b < KINDS; b++) {
			pthread_t thread;
			pid_t pid;

			if (!possible(a) || !possible(b))
				continue;
			pthread_create(&thread, NULL, turns_thread, (void *)a);
			take_turns(b, 0x20000003);
			pthread_join(thread, NULL);
			pid = SPAWN(_exit(!take_turns(a, 0x30000005)));
			take_turns(b, 0x40000007);
			CHECK_EQ(wait_status(pid), 0);
		}
	check_use_cpus(&all);
}

static void over_sleep(void)
{
	struct timespec time = {0, 1000000};
	struct call sleep = {SYS_nanosleep, (long)&time, 0, 0};

	for (enum kind kind = X87; kind < KINDS; kind++)
		for (int i = 1; possible(kind) && i <= 3; i++)
			CHECK_EQ(hold(kind, i * 0x1234567, 2, sleep), i * 0x1234567);
}

static cpu_set_t cpus;

static void *wanderer(void *seed)
{
	for (int i = 0, cpu = 0; i < 200; i++) {
		cpu_set_t one;

		do
			cpu = (cpu + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(cpu, &cpus));
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		for (enum kind kind = X87; kind < KINDS; kind++) {
			struct call move = {SYS_sched_setaffinity, 0, sizeof(one), (long)&one};
			uint64_t in = (long)seed + i * KINDS + kind;

			if (possible(kind) && !CHECK_EQ(hold(kind, in, 1, move), in))
				return NULL;
		}
	}
	return NULL;
}

static void over_cpus(void)
{
	pthread_t threads[3];

	SKIP_IF(!check_has_affinity(), "no sched_setaffinity()");
	MUST(sched_getaffinity(0, sizeof(cpus), &cpus));
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, wanderer, (void *)(i * 1000000));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	check_use_cpus(&cpus);
}

/* --- Signals ----------------------------------------------------------------------------------- */

#define MXCSR_AT 24
#define XMM9_AT	 (160 + 16 * 9)
#define XCOMP_AT 520

static const struct call no_call = {SYS_getppid, 0, 0, 0};
static uint64_t frame_had, frame_gets;
static bool yields; /* the handler does: then other threads run before it returns */
static int wild; /* offset of a byte of the frame that becomes 0xff; -1: the frame has no state */

static void change_frame(int number, siginfo_t *info, void *context)
{
	char *state = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;

	(void)number;
	(void)info;
	memcpy(&frame_had, state + XMM9_AT, sizeof(frame_had));
	if (frame_gets)
		memcpy(state + XMM9_AT, &frame_gets, sizeof(frame_gets));
	if (wild > 0)
		state[wild] = (char)0xff;
	if (wild < 0)
		((ucontext_t *)context)->uc_mcontext.fpregs = NULL;
	hold(SSE, 0x5555, 1, yields ? yield : no_call);
}

static void changed_frame(void)
{
	struct call send = {SYS_kill, getpid(), SIGUSR1, 0};

	handle_info(SIGUSR1, change_frame, 0);
	yields = true;
	for (int i = 1; i < 20; i++) {
		frame_gets = i * 77;
		CHECK_EQ(hold(SSE, i * 99, 1, send), i * 77);
		CHECK_EQ(frame_had, i * 99);
	}
	frame_gets = 0;
	CHECK_EQ(hold(SSE, 5, 1, send), 5);
	wild = -1;
	CHECK_EQ(hold(SSE, 5, 1, send), 0);
	wild = 0;
	yields = false;
}

static void wild_frame(void)
{
	for (int i = 0; i < 2; i++) {
		int at = i ? XCOMP_AT : MXCSR_AT + 3;
		pid_t pid = SPAWN(wild = at; raise(SIGUSR1); _exit(0));

		if (i && !has_avx) /* no XSAVE: the frame ends before */
			wait_status(pid);
		else
			CHECK_EQ(wait_status(pid), KILLED(SIGSEGV));
	}
}

/* --- Frames whose pages are not there ---------------------------------------------------------- */

#define MAGIC1_AT 464
#define SIZE_AT	  468 /* of the state with its second magic word */
#define MAGIC1	  0x46505853U

enum place { IN_FILE, OLD_FORM, NOT_ALIGNED, CUT_OFF };
static enum place place;
static char *elsewhere; /* three pages, of which the last cannot be accessed */
static int fd;

/* The state moves to `elsewhere`, with another value. */
static void move_state(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	char *from = (char *)u->uc_mcontext.fpregs, *to = elsewhere + PAGE - 256;
	uint32_t magic, size = 512;

	(void)number;
	(void)info;
	memcpy(&magic, from + MAGIC1_AT, sizeof(magic));
	if (magic == MAGIC1)
		memcpy(&size, from + SIZE_AT, sizeof(size));
	memcpy(from + XMM9_AT, &frame_gets, sizeof(frame_gets));
	if (place == CUT_OFF)
		to = elsewhere + 2 * PAGE - 256;
	if (place == NOT_ALIGNED)
		to += 8;
	if (place == OLD_FORM)
		memset(from + MAGIC1_AT, 0, sizeof(magic));
	u->uc_mcontext.fpregs = (void *)to;
	if (place == IN_FILE) /* the pages of the mapping have not been touched */
		MUST(pwrite(fd, from, size, to - elsewhere));
	else
		memcpy(to, from, place == CUT_OFF ? 256 : size);
}

static char *three_pages(int flags, int file)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, file, 0);

	CHECK(p != MAP_FAILED);
	MUST(mprotect(p + 2 * PAGE, PAGE, PROT_NONE));
	return p;
}

static void absent_pages(void)
{
	stack_t stack = {.ss_size = 65536}, off = {.ss_flags = SS_DISABLE};
	pid_t pid;

	fd = MUST(open("/tmp/fpu.frame", O_CREAT | O_RDWR, 0600));
	MUST(ftruncate(fd, 3 * PAGE));
	handle_info(SIGUSR1, move_state, SA_ONSTACK);
	for (int i = 1; i < 20; i++) {
		struct call send = {SYS_kill, getpid(), SIGUSR1, 0};

		/* First the frame is written to pages that nobody has touched, or that fork() has
		 * made common to two processes. */
		if (i % 2)
			stack.ss_sp = map(stack.ss_size);
		pid = i % 2 ? 0 : SPAWN(pause());
		MUST(sigaltstack(&stack, NULL));
		place = i % 3 ? IN_FILE : OLD_FORM;
		elsewhere = three_pages(place == IN_FILE ? 0 : MAP_ANONYMOUS, place == IN_FILE ? fd : -1);
		frame_gets = i * 55;
		CHECK_EQ(hold(SSE, i * 44, 1, send), i * 55);
		if (pid) {
			kill(pid, SIGKILL);
			wait_status(pid);
		}
		munmap(elsewhere, 3 * PAGE);
	}
	elsewhere = three_pages(MAP_ANONYMOUS, -1);
	for (place = NOT_ALIGNED; place <= CUT_OFF; place++)
		CHECK_EQ(wait_status(SPAWN(raise(SIGUSR1); _exit(0))), KILLED(SIGSEGV));
	/* No frame can be written to a stack that is read-only. */
	MUST(mprotect(stack.ss_sp, stack.ss_size, PROT_READ));
	CHECK_EQ(wait_status(SPAWN(raise(SIGUSR1); _exit(0))), KILLED(SIGSEGV));
	MUST(sigaltstack(&off, NULL));
	frame_gets = 0;
	close(fd);
	unlink("/tmp/fpu.frame");
	handle_info(SIGUSR1, change_frame, 0);
}

static volatile bool over;

/* Uses the registers and sends a signal, in the same turn. */
static void *sender(void *target)
{
	while (!over) {
		hold(SSE, 0x7777, 1, (struct call){SYS_tgkill, getpid(), (long)target, SIGUSR1});
		hold(SSE, 0x8888, 1, yield);
	}
	return NULL;
}

/* A signal for a thread that was switched away, so that its state is in memory; or is not, if the
 * other thread did not use the registers. */
static void signal_after_switch(void)
{
	cpu_set_t all = check_use_one_cpu();
	pthread_t thread;

	frame_gets = 0;
	pthread_create(&thread, NULL, sender, (void *)syscall(SYS_gettid));
	for (enum kind kind = X87; kind < KINDS; kind++)
		for (int i = 1; possible(kind) && i < 40; i++)
			CHECK_EQ(hold(kind, i * 31, i % 5 + 1, yield), i * 31);
	over = true;
	pthread_join(thread, NULL);
	check_use_cpus(&all);
}

/* --- Beginnings -------------------------------------------------------------------------------- */

static void over_vfork(void)
{
	for (int i = 1; i < 10; i++) {
		uint64_t in = i * 13, out;
		long pid;

		__asm__ volatile("movq %[in], %%xmm9; syscall; test %%eax, %%eax; jnz 1f\n"
				 "pcmpeqd %%xmm9, %%xmm9; xor %%edi, %%edi; mov $231, %%eax; syscall\n"
				 "1: movq %%xmm9, %[out]\n"
				 : "=a"(pid), [out] "=m"(out)
				 : "a"(SYS_vfork), [in] "m"(in)
				 : "rdi", "rcx", "r11", "memory", "xmm9");
		CHECK_EQ(out, in);
		CHECK_EQ(wait_status((pid_t)pid), 0);
	}
}

static char *self;

/* The exit status of a program that begins: bits say what is not in its initial state. */
static int look_at_start(void)
{
	uint16_t control, environment[14];
	uint64_t low, high;
	uint32_t mxcsr;

	__asm__ volatile("movq %%xmm9, %0; punpckhqdq %%xmm9, %%xmm9; movq %%xmm9, %1\n"
			 "stmxcsr %2; fnstcw %3; fnstenv %4\n"
			 : "=m"(low), "=m"(high), "=m"(mxcsr), "=m"(control), "=m"(environment)
			 :
			 : "xmm9");
	return (low | high ? 1 : 0) | (mxcsr != 0x1f80 ? 2 : 0) | (control != 0x37f ? 4 : 0) |
	       (environment[4] != 0xffff ? 8 : 0);
}

static void over_exec(void)
{
	for (int i = 0; i < 3; i++) {
		uint32_t mxcsr = 0x1f80 | 3 << 13;
		uint16_t control = 0x37f & ~0x300;
		pid_t pid = SPAWN(char *argv[] = {self, "start", NULL};
				  __asm__ volatile("ldmxcsr %0; fldcw %1; fldpi; pcmpeqd %%xmm9, %%xmm9"
						   : : "m"(mxcsr), "m"(control) : "xmm9");
				  syscall(SYS_execve, self, argv, environ); _exit(99));

		CHECK_EQ(wait_status(pid), 0);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "start"))
		return look_at_start();
	self = access("/proc/self/exe", X_OK) ? argv[0] : "/proc/self/exe"; /* argv[0] may have no path */
	check_start();
	__builtin_cpu_init();
	has_avx = __builtin_cpu_supports("avx") != 0;
	RUN(pairs);
	RUN(over_sleep);
	RUN(over_cpus);
	RUN(changed_frame);
	RUN(wild_frame);
	RUN(absent_pages);
	RUN(signal_after_switch);
	RUN(over_vfork);
	RUN(over_exec);
	return check_end();
}
