/* SPDX-License-Identifier: MIT
 *
 * What the programs share that make thousands of something, for tests/system/test_scale.py and
 * tools/stretch.py, which count how long the kernel keeps interrupts or preemption off.
 *
 *   PROGRAM [-n NUMBER] [NAME...]        a NAME may be the beginning of some names
 *
 * Each runs in a process of its own, whose end is counted too.
 */
#pragma once

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "check.h"

static int many = 200;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static int waiting;

MAYBE void *wait_for_ever(void *unused)
{
	pthread_mutex_lock(&lock);
	waiting++;
	for (;;)
		pthread_cond_wait(&begun, &lock);
	return unused;
}

MAYBE void start_threads(void *(*fn)(void *))
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (int i = 0; i < many && CHECK_EQ(pthread_create(&t, &small, fn, (void *)(long)i), 0);
	     i++)
		;
}

MAYBE void start_children(bool living)
{
	for (int i = 0; i < many; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			while (living)
				pause();
			_exit(0);
		}
		if (!CHECK(pid > 0))
			break;
	}
}

MAYBE void read_file(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);

	while (CHECK(fd >= 0) && read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

MAYBE int list(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

MAYBE void may_open(rlim_t files)
{
	struct rlimit most = {files, files};

	MUST(setrlimit(RLIMIT_NOFILE, &most));
}

/* The limit is raised only where it is too low: even root may not be allowed to. */
MAYBE void allow_queued(rlim_t signals)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_SIGPENDING, &limit));
	if (limit.rlim_max < signals)
		limit.rlim_max = signals;
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_SIGPENDING, &limit));
}

struct crowd {
	const char *name;
	void (*fn)(void);
};

/* Run one as a group of its own, and end what is left of the group. */
static int run(const struct crowd *c)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		c->fn();
		fflush(stdout);
		_exit(check_failures != 0);
	}
	setpgid(pid, pid);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) || status == 0);
	kill(-pid, SIGKILL);
	while (waitpid(-pid, NULL, 0) > 0 || kill(-pid, 0) == 0)
		usleep(1000);
	status = check_failures;
	printf("%s %s\n", status ? "not ok" : "ok", c->name);
	fflush(stdout);
	check_failures = 0;
	return status;
}

/* main() of a program that has these; the first is not run unless it is named. */
static int run_crowds(int argc, char **argv, const struct crowd *crowds, size_t count)
{
	int first = 1, failures = 0;

	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (argc > 2 && !strcmp(argv[1], "-n")) {
		many = atoi(argv[2]);
		first = 3;
	}
	for (size_t i = 1; i < count; i++) {
		bool wanted = argc == first;

		for (int a = first; a < argc; a++)
			wanted |= !strncmp(crowds[i].name, argv[a], strlen(argv[a]));
		if (wanted)
			failures += run(&crowds[i]);
	}
	return failures != 0;
}
