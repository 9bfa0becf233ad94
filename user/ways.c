/* SPDX-License-Identifier: MIT
 *
 * ways: takes the kernel's main ways, for tools/ways.py, which reads the emulator's log of the code
 * that ran.
 *
 *   ways NAME...
 *
 * Prints "ready", waits for a line of input (the log is switched on in between), and takes each way
 * ROUNDS times.  mark() is called right before the way begins; the log shows the call.  The way
 * ends when the CPU returns to user mode.  All runs on the first CPU, except the thread that waits
 * for the futex: that one runs on the second CPU if there is one.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS	   9
#define PAGE	   4096UL
#define FUTEX_WAIT 128 /* with FUTEX_PRIVATE_FLAG; musl does not bring <linux/futex.h> */
#define FUTEX_WAKE 129

/* The futex.  0: the waiter has not started; 1: it waits; 2: it is to end. */
static volatile int word;

__attribute__((noinline)) void mark(void)
{
	asm volatile("");
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0 && cpu == 0)
		die("ways: sched_setaffinity");
}

static void terminal_write(void)
{
	mark();
	if (write(STDOUT_FILENO, ".\n", 2) != 2)
		die("ways: write");
}

/* The parent's side.  Without the C library's fork(), which blocks signals first. */
static void fork_parent(void)
{
	pid_t pid;

	mark();
	pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("ways: fork");
}

static void cow_fault(void)
{
	volatile char *page =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (page == MAP_FAILED)
		die("ways: mmap");
	*page = 1;
	pid = fork();
	if (pid == 0) {
		mark();
		*page = 2;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("ways: fork");
	munmap((void *)page, PAGE);
}

static void *futex_waiter(void *argument)
{
	pin(1);
	word = 1;
	while (word == 1)
		syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
	return argument;
}

/* The sender's side.  20 ms are time enough for the waiter to go to sleep. */
static void futex_wake(void)
{
	pthread_t waiter;

	word = 0;
	if (pthread_create(&waiter, NULL, futex_waiter, NULL))
		die("ways: pthread_create");
	while (word == 0)
		usleep(1000);
	usleep(20000);
	word = 2;
	mark();
	syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
	pthread_join(waiter, NULL);
}

/* From the child's exit_group() to the parent's return from wait4(), in which it sleeps by then. */
static void exit_reap(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep(20000);
		mark();
		syscall(SYS_exit_group, 0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("ways: wait");
}

static const struct way {
	const char *name;
	void (*take)(void);
} ways[] = {
    {"write", terminal_write},	{"fork", fork_parent},	  {"cow", cow_fault},
    {"futex_wake", futex_wake}, {"exit_reap", exit_reap},
};

int main(int argc, char *argv[])
{
	char line[16];

	pin(0);
	puts("ready");
	fflush(stdout);
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		die("ways: read");
	for (int i = 1; i < argc; i++)
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
			for (int r = 0; strcmp(ways[w].name, argv[i]) == 0 && r < ROUNDS; r++)
				ways[w].take();
	return 0;
}
