/* SPDX-License-Identifier: MIT
 *
 * Programs that others wrote: finds them in PATH, runs them, and reads what they print.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char *lab_program(const char *name)
{
	const char *path = getenv("PATH");
	char *all = must(strdup(path ? path : "/bin:/usr/bin")), *rest = all, *folder;
	char *found = NULL;

	while (!found && (folder = strsep(&rest, ":"))) {
		found = text_of("%s/%s", *folder ? folder : ".", name);
		if (access(found, X_OK) < 0) {
			free(found);
			found = NULL;
		}
	}
	free(all);
	return found;
}

char *lab_guest_file(const char *name)
{
	char self[PATH_MAX] = "", *slash, *path;

	(void)!readlink("/proc/self/exe", self, sizeof(self) - 1);
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	for (int i = 0; i < 3; i++) {
		path = i == 0	? text_of("/labs/guest/%s", name)
		       : i == 1 ? text_of("%s/../../../user/lab/guest/%s", self, name)
				: text_of("user/lab/guest/%s", name);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* Calls fn for each whole line in buf[0..*used), and keeps the rest. */
static void take_lines(char *buf, size_t *used, void (*fn)(char *line, void *arg), void *arg)
{
	char *newline;

	while ((newline = memchr(buf, '\n', *used))) {
		size_t length = newline + 1 - buf;

		*newline = 0;
		fn(buf, arg);
		memmove(buf, buf + length, *used -= length);
	}
}

int lab_run_program(char *const argv[], int seconds, void (*fn)(char *line, void *arg), void *arg)
{
	uint64_t end = lab_now_ns() + seconds * 1000000000ull;
	char buf[1024];
	size_t used = 0;
	int ends[2], status;
	bool late = false;
	pid_t pid;

	if (pipe(ends) < 0)
		lab_die("pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		lab_die("fork: %s", strerror(errno));
	if (pid == 0) {
		lab_pin(-1);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		setpgid(0, 0);
		execv(argv[0], argv);
		printf("%s: %s\n", argv[0], strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	close(ends[1]);
	for (;;) {
		struct pollfd p = {.fd = ends[0], .events = POLLIN};
		ssize_t n;

		if (!late && lab_now_ns() > end) {
			late = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(ends[0], buf + used, sizeof(buf) - 1 - used);
		if (n <= 0)
			break;
		used += n;
		take_lines(buf, &used, fn, arg);
		if (used == sizeof(buf) - 1)
			used = 0; /* no line is so long */
	}
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return late ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
