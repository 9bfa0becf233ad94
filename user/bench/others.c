/* SPDX-License-Identifier: MIT
 *
 * Arguments of a program, pages of a file, a fault that a handler catches, and short calls.
 */
#include "user/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ARGUMENTS    1000
#define FILE_PAGES   4096UL
#define FAULT_WINDOW 16 /* pages that a fault may map at once, on both kernels */

/* Run this program `n` times with `count` arguments more. */
static int64_t exec_with(int count, long n)
{
	static char *argv[ARGUMENTS + 3];

	argv[0] = self;
	argv[1] = exit_word;
	for (int i = 0; i < count; i++)
		argv[2 + i] = "argument";
	argv[2 + count] = NULL;
	return vfork_exec_with(argv, n);
}

/* What one of 1,000 arguments adds to execve(). */
int64_t exec_argument(long n)
{
	long programs = (n + ARGUMENTS - 1) / ARGUMENTS;
	int64_t ns = exec_with(ARGUMENTS, programs) - exec_with(0, programs);

	return ns * n / (programs * ARGUMENTS);
}

/* One operation is a page fault in a shared mapping of a file whose pages are in memory. */
int64_t file_fault(long n)
{
	int fd = open("/tmp/bench.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int64_t sum = 0;

	if (fd < 0)
		die("/tmp/bench.file");
	for (unsigned long i = 0; i < FILE_PAGES; i++)
		if (pwrite(fd, "", 1, i * PAGE) != 1)
			die("/tmp/bench.file");
	for (long left = n; left > 0;) {
		char *pages = mmap(NULL, FILE_PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
		int64_t start;

		if (pages == MAP_FAILED)
			die("mmap");
		start = now();
		for (unsigned long i = 0; i < FILE_PAGES && left > 0; i += FAULT_WINDOW, left--)
			(void)*(volatile char *)(pages + i * PAGE);
		sum += now() - start;
		munmap(pages, FILE_PAGES * PAGE);
	}
	close(fd);
	unlink("/tmp/bench.file");
	return sum;
}

#define FAULT_LENGTH 2 /* bytes of the instruction that faults */

static long caught;

static void expect_caught(long n, const char *what)
{
	if (caught == n)
		return;
	fprintf(stderr, "bench: a %s was not caught\n", what);
	exit(1);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += FAULT_LENGTH;
	caught++;
}

/* A SIGSEGV whose handler steps over the instruction. */
int64_t fault_signal(long n)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, before;
	int64_t start, end;

	sigaction(SIGSEGV, &action, &before);
	caught = 0;
	start = now();
	for (long i = 0; i < n; i++) /* mov (%rax),%al */
		__asm__ volatile(".byte 0x8a, 0x00" : : "a"(0L) : "memory");
	end = now();
	sigaction(SIGSEGV, &before, NULL);
	expect_caught(n, "fault");
	return end - start;
}

static void on_signal(int number)
{
	(void)number;
	caught++;
}

/* A signal by tgkill(), its handler, and the return: unlike raise(), without changes of the mask. */
int64_t signal_caught(long n)
{
	pid_t process = getpid(), thread = (pid_t)syscall(SYS_gettid);
	struct sigaction action = {.sa_handler = on_signal}, before;
	int64_t start, end;

	sigaction(SIGUSR1, &action, &before);
	caught = 0;
	start = now();
	for (long i = 0; i < n; i++)
		syscall(SYS_tgkill, process, thread, SIGUSR1);
	end = now();
	sigaction(SIGUSR1, &before, NULL);
	expect_caught(n, "signal");
	return end - start;
}

/* The partner of yield_fpu(). */
static void use_fpu(void)
{
	__atomic_store_n(&shared->word, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&shared->word, __ATOMIC_ACQUIRE) == 1) {
		__asm__ volatile("cvtsi2sd %0, %%xmm0" : : "r"(1) : "xmm0");
		sched_yield();
		shared->count++;
	}
}

/* Two threads that both use vector registers between two switches. */
int64_t yield_fpu(long n)
{
	struct partner partner = {.run = use_fpu, .cpu = cpus[0]};
	unsigned long before, after;
	int64_t start, end;

	shared->word = 0;
	partner_start(&partner, 0);
	while (__atomic_load_n(&shared->word, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
	before = shared->count;
	start = now();
	for (long i = 0; i < n; i++) {
		__asm__ volatile("cvtsi2sd %0, %%xmm0" : : "r"(1) : "xmm0");
		sched_yield();
	}
	end = now();
	after = shared->count;
	__atomic_store_n(&shared->word, 2, __ATOMIC_RELEASE);
	partner_end(&partner);
	return time_of_switches(end - start, n, after - before);
}

int64_t set_action(long n)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	int64_t start = now();

	while (n--)
		sigaction(SIGUSR2, &action, NULL);
	return now() - start;
}

int64_t unknown_call(long n)
{
	int64_t start = now();

	while (n--)
		if (syscall(1000) != -1 || errno != ENOSYS)
			die("unknown call");
	return now() - start;
}
