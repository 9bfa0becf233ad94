/* SPDX-License-Identifier: MIT
 *
 * registers [SWITCHES]: threads on one CPU, each with a pattern of its own in every general
 * register, vector register and the x87, survive many forced switches.  So do the registers of what
 * a signal interrupts, those over a system call, and those over fork.
 */
#include <sched.h>
#include <sys/time.h>

#include "registers.h"

void spin_with(const struct image *in, struct image *out, long spins, long avx);
void getppid_with(const struct image *in, struct image *out, long unused, long avx);
void fork_with(const struct image *in, struct image *out, long unused, long avx);
void spoil(const struct image *in, struct image *out, long unused, long avx);

FUNCTION(spin_with, "3: pause; decq (%rsp); jnz 3b\n");
FUNCTION(getppid_with, "mov $110, %eax; syscall\n");
FUNCTION(fork_with, "mov $57, %eax; syscall\n");
FUNCTION(spoil, "std; stc\n");

static long switches = 60;

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
	long end = now_ms() + 120000;
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
	end_signals(sender);
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
