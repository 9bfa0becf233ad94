/* SPDX-License-Identifier: MIT
 *
 * Threads and processes with names, and memory that they share.
 */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void *lab_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		lab_die("no shared memory of %zu bytes: %s", size, strerror(errno));
	return memory;
}

struct start {
	void *(*fn)(void *);
	void *arg;
	char name[16];
	int letter;
};

static void thread_ends(void *unused)
{
	(void)unused;
	letter_end(syscall(SYS_gettid));
}

static void *thread_begins(void *arg)
{
	struct start start = *(struct start *)arg;
	void *result;

	free(arg);
	prctl(PR_SET_NAME, start.name);
	letter_set(start.letter, syscall(SYS_gettid));
	pthread_cleanup_push(thread_ends, NULL);
	result = start.fn(start.arg);
	pthread_cleanup_pop(1);
	return result;
}

pthread_t lab_thread(const char *name, void *(*fn)(void *), void *arg)
{
	struct start *start = must(calloc(1, sizeof(*start)));
	pthread_t thread;
	int error;

	start->fn = fn;
	start->arg = arg;
	start->letter = letter_take(name);
	memcpy(start->name, name, strnlen(name, 15));
	error = pthread_create(&thread, NULL, thread_begins, start);
	if (error)
		lab_die("pthread_create: %s", strerror(error));
	return thread;
}

pid_t lab_fork(const char *name, int (*fn)(void *), void *arg)
{
	int letter = letter_take(name);
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		lab_die("fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		letter_set(letter, getpid());
		_exit(fn(arg));
	}
	letter_set(letter, pid);
	return pid;
}

int lab_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			lab_die("waitpid(%d): %s", pid, strerror(errno));
	letter_end(pid);
	return status;
}
