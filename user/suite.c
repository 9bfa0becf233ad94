/* SPDX-License-Identifier: MIT
 *
 * suite: runs the test programs below a folder, one after the other, and prints TAP.
 *
 *   suite [-a] [-k KIND] [-t SECONDS] [-f FIRST] [-l LINES] [-e NAME=VALUE]... FOLDER
 *
 * Every executable file below FOLDER is a test, in the order of the names, except what lies in a
 * folder called `lib`: FOLDER/lib is on the PATH of the tests. Each test gets a session of its own,
 * /dev/null as its input, an empty working directory, and SECONDS (60); its output goes into a file
 * and is shown if the test fails or is skipped. Before the line of its result there is a comment
 * "begin", which says what ran if the machine stops.
 *
 * KIND says what the status of a test means:
 *   plain   0 is a pass
 *   posix   as in open_posix_testsuite: 0 pass, 1 fail, 2 unresolved, 4 unsupported, 5 untested
 *   ltp     as in the Linux Test Project: 0 pass, bits 1 fail, 2 broken, 4 warning, 32 cannot run
 * A test that is unsupported, untested or cannot run is an "ok" with SKIP.
 *
 * With -a ("alone") the machine is the suite's: after each test every other process is killed, and
 * the objects of shared memory are removed. Without it the test's session leader and its process
 * group are killed. -f begins with the test of that number, counted from 1.
 *
 * The status is 0 if no test failed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT	   "/tmp/suite.output"
#define WORK	   "/tmp/suite.work"
#define TIMED_OUT  256 /* no status of a program */
#define NS_PER_SEC 1000000000LL

enum kind { PLAIN, POSIX, LTP };

static enum kind kind;
static bool alone;
static int seconds = 60, shown_lines = 12;
static char folder[PATH_MAX];
static char **tests;
static size_t test_count;

static void die(const char *what)
{
	fprintf(stderr, "suite: %s: %s\n", what, strerror(errno));
	exit(2);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static int collect(const char *path, const struct stat *s, int type, struct FTW *at)
{
	(void)at;
	if (type != FTW_F || !S_ISREG(s->st_mode) || !(s->st_mode & 0111) ||
	    strstr(path + strlen(folder), "/lib/"))
		return 0;
	tests = realloc(tests, (test_count + 1) * sizeof(*tests));
	if (!tests || !(tests[test_count++] = strdup(path)))
		die("memory");
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int remove_entry(const char *path, const struct stat *s, int type, struct FTW *at)
{
	(void)s;
	(void)type;
	if (at->level > 0 || strcmp(path, "/dev/shm") != 0)
		remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

/* In the child: what every test finds. Does not return. */
static void become(const char *path, const sigset_t *mask)
{
	int in = open("/dev/null", O_RDWR), out = open(OUTPUT, O_RDWR | O_CREAT | O_TRUNC, 0666);

	setsid();
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	umask(022);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (chdir(WORK) == 0)
		execl(path, path, (char *)NULL);
	fprintf(stderr, "suite: %s: %s\n", path, strerror(errno));
	_exit(126);
}

/* The parent of a process, or -1. The threads of Linux's kernel are children of process 2. */
static pid_t parent_of(const char *pid)
{
	char path[300], text[256] = "", *end;
	int file, parent = -1;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = open(path, O_RDONLY);
	if (file < 0)
		return -1;
	(void)!read(file, text, sizeof(text) - 1);
	close(file);
	end = strrchr(text, ')');
	if (end)
		sscanf(end + 1, " %*c %d", &parent);
	return parent;
}

/* Are there processes besides process 1, this one and threads of the kernel? */
static bool others_live(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	bool found = false;

	while (proc && !found && (e = readdir(proc))) {
		pid_t pid = atoi(e->d_name), parent;

		if (pid <= 2 || pid == getpid())
			continue;
		parent = parent_of(e->d_name);
		found = parent >= 0 && parent != 2;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Kills what the test has left. Returns false if something lives on for 10 s after SIGKILL. */
static bool kill_rest(pid_t session)
{
	struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};

	kill(-session, SIGKILL);
	if (!alone)
		return true;
	for (int i = 0; i < 5000; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if ((kill(-1, SIGKILL) < 0 && errno == ESRCH) || !others_live())
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Runs one test. Returns its status, 256 + the signal that killed it, or TIMED_OUT. */
static int run(const char *path, bool *clean)
{
	struct timespec left;
	sigset_t child_ended, old;
	long long end = now_ns() + seconds * NS_PER_SEC;
	bool timed_out = false;
	int status = 0;
	pid_t pid;

	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ended, &old);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		become(path, &old);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		long long ns = end - now_ns();

		if (ns <= 0) {
			timed_out = true;
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		left.tv_sec = ns / NS_PER_SEC;
		left.tv_nsec = ns % NS_PER_SEC;
		sigtimedwait(&child_ended, NULL, &left);
	}
	*clean = kill_rest(pid);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (timed_out)
		return TIMED_OUT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : TIMED_OUT + WTERMSIG(status);
}

/* The meaning of a status, as a word; `passed` and `skipped` as TAP counts them. */
static const char *meaning(int status, bool *passed, bool *skipped)
{
	static char text[32];
	bool known = kind == POSIX && (status == 4 || status == 5);

	*skipped = known || (kind == LTP && status == 32);
	*passed = status == 0 || *skipped;
	if (status == 0)
		return "PASS";
	if (status == TIMED_OUT)
		return "TIMEOUT";
	if (status > TIMED_OUT)
		snprintf(text, sizeof(text), "SIGNAL %d", status - TIMED_OUT);
	else if (kind == POSIX && status <= 5 && status != 3)
		return (const char *[]){
		    "", "FAIL", "UNRESOLVED", "", "UNSUPPORTED", "UNTESTED"}[status];
	else if (kind == LTP && status < 64)
		return status & 1 ? "TFAIL" : status & 2 ? "TBROK" : status & 4 ? "TWARN" : "TCONF";
	else
		snprintf(text, sizeof(text), "STATUS %d", status);
	return text;
}

/* Prints the last lines of the test's output as comments. */
static void show_output(void)
{
	static char text[16384];
	int file = open(OUTPUT, O_RDONLY), lines = 0;
	off_t size = file < 0 ? 0 : lseek(file, 0, SEEK_END);
	ssize_t n;
	char *line, *next;

	if (size > (off_t)sizeof(text) - 1)
		lseek(file, size - (sizeof(text) - 1), SEEK_SET);
	else
		lseek(file, 0, SEEK_SET);
	n = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
	close(file);
	if (n <= 0)
		return;
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\n')
			text[i] = ' ';
	text[n] = '\0';
	for (line = text + n - 1; line > text; line--)
		if (line[-1] == '\n' && ++lines == shown_lines)
			break;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		printf("#   %.200s\n", line);
	}
}

static bool run_and_report(size_t number)
{
	const char *path = tests[number - 1], *name = path + strlen(folder), *word;
	bool passed, skipped, clean;
	long long begin = now_ns();

	name += strspn(name, "/");
	remove_tree(WORK);
	unlink(OUTPUT);
	if (mkdir(WORK, 0777) < 0 || chmod(WORK, 0777) < 0)
		die(WORK);
	printf("# begin %zu %s\n", number, name);
	fflush(stdout);
	word = meaning(run(path, &clean), &passed, &skipped);
	if (!clean) {
		printf("# a process survives SIGKILL for 10 s\n");
		passed = false;
	}
	if (!passed || skipped)
		show_output();
	printf("%s %zu - %s # %s%s %.2f s\n", passed ? "ok" : "not ok", number, name,
	       skipped ? "SKIP " : "", word, (now_ns() - begin) / 1e9);
	fflush(stdout);
	if (alone)
		remove_tree("/dev/shm");
	return passed;
}

static void set_path(void)
{
	const char *old = getenv("PATH");
	static char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "%s/lib:%s", folder,
		 old ? old : "/bin:/sbin:/usr/bin:/usr/sbin");
	setenv("PATH", text, 1);
}

static size_t parse(int argc, char *argv[])
{
	size_t first = 1;
	int option;

	while ((option = getopt(argc, argv, "ak:t:f:l:e:")) != -1) {
		switch (option) {
		case 'a':
			alone = true;
			break;
		case 'k':
			kind = !strcmp(optarg, "posix") ? POSIX
			       : !strcmp(optarg, "ltp") ? LTP
							: PLAIN;
			break;
		case 't':
			seconds = atoi(optarg);
			break;
		case 'f':
			first = atoi(optarg);
			break;
		case 'l':
			shown_lines = atoi(optarg);
			break;
		case 'e':
			putenv(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (optind != argc - 1 || first < 1 || seconds < 1) {
		fprintf(stderr, "usage: suite [-a] [-k plain|posix|ltp] [-t SECONDS] [-f FIRST] "
				"[-l LINES] [-e NAME=VALUE]... FOLDER\n");
		exit(2);
	}
	return first;
}

int main(int argc, char *argv[])
{
	size_t first = parse(argc, argv), failed = 0;

	if (!realpath(argv[optind], folder))
		die(argv[optind]);
	if (nftw(folder, collect, 32, FTW_PHYS) < 0 || !test_count) {
		fprintf(stderr, "suite: no test lies in %s\n", folder);
		return 2;
	}
	qsort(tests, test_count, sizeof(*tests), by_name);
	set_path();
	printf("TAP version 13\n1..%zu\n", test_count);
	for (size_t number = first; number <= test_count; number++)
		failed += !run_and_report(number);
	remove_tree(WORK);
	unlink(OUTPUT);
	printf("# %zu tests, %zu failed\n", test_count - (first - 1), failed);
	fflush(stdout);
	return failed != 0;
}
