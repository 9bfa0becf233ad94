/* SPDX-License-Identifier: MIT
 *
 * registers [SWITCHES]: threads on one CPU, each with a pattern of its own in every general
 * register, vector register and the x87, survive many forced switches.  So do the registers of what
 * a signal interrupts, those over a system call, and those over fork.
 */
#include <sched.h>
#include <sys/time.h>

#include "check.h"

struct image {
	uint64_t general[15]; /* rax rbx rcx rdx rsi rdi rbp r8 to r15 */
	uint32_t mxcsr;
	uint16_t control, spare;
	uint8_t vectors[16][32];
	uint8_t x87[16];
} __attribute__((aligned(32)));

/* Fill all registers from `in`, do what the name says, store them all in `out`. */
void spin_with(const struct image *in, struct image *out, long spins, long avx);
void getppid_with(const struct image *in, struct image *out, long unused, long avx);
void fork_with(const struct image *in, struct image *out, long unused, long avx);
void spoil(const struct image *in, struct image *out, long unused, long avx);

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

FUNCTION(spin_with, "3: pause; decq (%rsp); jnz 3b\n");
FUNCTION(getppid_with, "mov $110, %eax; syscall\n");
FUNCTION(fork_with, "mov $57, %eax; syscall\n");
FUNCTION(spoil, "std; stc\n");

static long avx;
static long switches = 60;

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

/* How often the thread was preempted; an estimate if the kernel has no getrusage(). */
static long forced_switches(long start_ms)
{
	struct rusage use;

	if (getrusage(1, &use)) /* RUSAGE_THREAD */
		return (now_ms() - start_ms) / 30;
	return use.ru_nivcsw;
}

static void *worker(void *arg)
{
	static __thread struct image in, out;
	long start = now_ms(), end = start + 10000;

	for (unsigned i = 0; forced_switches(start) < switches && now_ms() < end; i++) {
		paint(&in, (long)arg * 50 + i % 50);
		memset(&out, 0, sizeof(out));
		spin_with(&in, &out, 100000, avx);
		if (!CHECK(same(&in, &out, false)))
			break;
	}
	return NULL;
}

static void over_switches(void)
{
	enum { THREADS = 3 };
	pthread_t threads[THREADS];
	cpu_set_t all = check_use_one_cpu();

	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_use_cpus(&all);
}

static void spoiler(int number)
{
	static struct image in, out;

	paint(&in, 200 + caught[number] % 50);
	spoil(&in, &out, 0, avx);
	caught[number]++;
	/* Left as it is: the direction flag set, the registers full of it. */
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm15, %%xmm15; fldpi" ::: "memory");
}

static void over_signals(void)
{
	static struct image in, out;
	long end = now_ms() + 10000;
	pid_t sender;

	handle(SIGALRM, spoiler, 0);
	sender = signal_often(SIGALRM, 1000);
	for (unsigned i = 0; caught[SIGALRM] < 100 && now_ms() < end; i++) {
		paint(&in, i % 100);
		memset(&out, 0, sizeof(out));
		spin_with(&in, &out, 30000, avx);
		if (!CHECK(same(&in, &out, false)))
			break;
	}
	kill(sender, SIGKILL);
	CHECK_EQ(wait_status(sender), KILLED(SIGKILL));
	CHECK(caught[SIGALRM] >= 100);
}

static void over_system_calls(void)
{
	static struct image in, out;

	for (int i = 0; i < 100; i++) {
		paint(&in, i);
		memset(&out, 0, sizeof(out));
		getppid_with(&in, &out, 0, avx);
		if (!CHECK(same(&in, &out, true)))
			break;
	}
}

static void over_fork(void)
{
	static struct image in, out;
	pid_t pid;

	for (int i = 0; i < 10; i++) {
		paint(&in, i * 9);
		memset(&out, 0, sizeof(out));
		fork_with(&in, &out, 0, avx);
		pid = out.general[0];
		if (pid == 0)
			_exit(!same(&in, &out, true));
		CHECK(same(&in, &out, true));
		CHECK_EQ(wait_status(pid), 0);
	}
}

int main(int argc, char *argv[])
{
	uint16_t control;
	uint32_t mxcsr;

	__asm__("fnstcw %0; stmxcsr %1" : "=m"(control), "=m"(mxcsr));
	check_start();
	if (argc > 1)
		switches = atoi(argv[1]);
	__builtin_cpu_init();
	avx = __builtin_cpu_supports("avx") != 0;
	CHECK_EQ(control, 0x37f);
	CHECK_EQ(mxcsr, 0x1f80);
	RUN(over_switches);
	RUN(over_signals);
	RUN(over_system_calls);
	RUN(over_fork);
	return check_end();
}
