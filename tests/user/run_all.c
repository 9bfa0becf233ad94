/* SPDX-License-Identifier: MIT
 *
 * run_all [-t SECONDS] [NAME...]: runs the test programs beside it, or those named, one after the
 * other, and prints a line before and after each:
 *
 *   === NAME
 *   === NAME status N        N is 128 + signal for one that was killed
 *
 * Each has a session of its own; one that takes too long is killed with all its group.  The status
 * is 0 if at least one program ran and all ended with 0.
 */
#include <dirent.h>
#include <libgen.h>

#include "check.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int run(const char *directory, const char *name, int seconds)
{
	struct timespec tick = {.tv_sec = seconds};
	sigset_t chld = set_of(SIGCHLD), old;
	char path[PATH_MAX];
	int status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	printf("=== %s\n", name);
	sigprocmask(SIG_BLOCK, &chld, &old);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		/* A background job of a shell ignores the first two, one of nohup the third. */
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		setsid();
		execl(path, name, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		errno = 0;
		if (sigtimedwait(&chld, NULL, &tick) < 0 && errno == EAGAIN) {
			char state = process_state(pid);

			printf("# %s: still running after %d s, state %c\n", name, seconds,
			       state ? state : '?');
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		if (errno == ENOSYS) /* a kernel without extensions: no limit */
			usleep(1000);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	status = pid < 0 ? 126 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	printf("=== %s status %d\n", name, status);
	return status;
}

int main(int argc, char *argv[])
{
	char self[PATH_MAX], *directory, *names[256];
	int seconds = 400, count = 0, failed = 0, option;

	check_start();
	strcpy(self, self_path());
	directory = dirname(self);
	while ((option = getopt(argc, argv, "t:")) == 't')
		seconds = atoi(optarg);
	for (; optind < argc; optind++)
		names[count++] = argv[optind];
	if (!count) {
		DIR *d = opendir(directory);
		struct dirent *e;

		while (d && (e = readdir(d)))
			if (e->d_name[0] != '.' && strcmp(e->d_name, "run_all") != 0)
				names[count++] = strdup(e->d_name);
		qsort(names, count, sizeof(*names), by_name);
	}
	if (!count) {
		printf("run_all: no test program lies in %s\n", directory);
		return 1;
	}
	for (int i = 0; i < count; i++)
		failed += run(directory, names[i], seconds) != 0;
	printf("=== %d programs, %d failed\n", count, failed);
	return failed != 0;
}
