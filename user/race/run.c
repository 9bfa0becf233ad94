/* SPDX-License-Identifier: MIT
 *
 * One run of the program under one schedule, and how it ended.
 */
#include "user/race/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX  (64 * 1024)
#define CPU_SECONDS 5	/* without an end: a loop without any access */
#define SLOW_MAX    3	/* runs that ended only by a limit of time: no more is tried */
#define STILL_POLLS 3	/* of a hang, if all threads wait for locks and the like */
#define STILL_LONG  500 /* of any other */

struct options options = {
    .seeds = 100, .depth = 3, .bound = 2, .runs_max = 3000, .steps_max = 10000, .first_seed = 1};
struct race_shared *shared;
const char *const result_names[RESULTS] = {"passed", "wrong", "hung",  "crashed",
					   "memory", "long",  "broken"};
static int shared_file, output_file;
static unsigned int runs, slow_runs;
static char *expected;
static size_t expected_size;

static void die(const char *what)
{
	printf("@error %s: %s\n", what, strerror(errno));
	exit(1);
}

void run_start(void)
{
	sigset_t child;

	shared_file = memfd_create("race", MFD_CLOEXEC);
	output_file = memfd_create("output", MFD_CLOEXEC);
	if (shared_file < 0 || output_file < 0 || ftruncate(shared_file, sizeof(*shared)))
		die("memory");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, shared_file, 0);
	if (shared == MAP_FAILED)
		die("memory");
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
}

unsigned int runs_made(void)
{
	return runs;
}

bool too_slow(void)
{
	return slow_runs >= SLOW_MAX;
}

static void child(void)
{
	struct rlimit cpu = {CPU_SECONDS, 2 * CPU_SECONDS}, file = {16 << 20, 16 << 20};
	int input = open(options.input ? options.input : "/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_FSIZE, &file);
	if (input < 0 || dup2(input, 0) < 0 || dup2(output_file, 1) < 0 ||
	    dup2(output_file, 2) < 0 || dup2(shared_file, RACE_FD) < 0)
		_exit(RACE_EXIT);
	execv(options.command[0], options.command);
	_exit(RACE_EXIT);
}

/* The whole text of a file of /proc/PID.  The caller frees it. */
static char *read_proc(pid_t pid, const char *name)
{
	size_t size = 8192, n = 0;
	char path[64], *text = malloc(size);
	ssize_t got;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	while (file >= 0 && (got = read(file, text + n, size - n - 1)) > 0) {
		n += (size_t)got;
		if (n + 1 == size)
			text = realloc(text, size *= 2);
	}
	if (file >= 0)
		close(file);
	text[n] = 0;
	return text;
}

static unsigned long field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoul(at + strlen(name), NULL, 0) : 0;
}

/* True if each thread has ended or waits for another thread: the hang is certain. */
static bool all_wait(void)
{
	static const bool waits[RACE_KIND_COUNT] = {
	    [RACE_LOCK_WAIT] = true,	[RACE_COND_WAIT] = true, [RACE_SEM_WAIT] = true,
	    [RACE_BARRIER_WAIT] = true, [RACE_JOIN_WAIT] = true, [RACE_END] = true};
	int last[RACE_THREADS];

	memset(last, -1, sizeof(last));
	for (uint32_t i = 0; i < shared->count; i++)
		last[shared->events[i].thread] = shared->events[i].kind;
	for (int t = 0; t < RACE_THREADS; t++)
		if (last[t] >= 0 && !waits[last[t]])
			return false;
	return shared->count > 0;
}

/* Wait until the process has ended (it stays a zombie) or hangs.  True: it hangs. */
static bool wait_for(pid_t pid)
{
	unsigned long before = ~0ul;
	int still = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		siginfo_t info = {0};
		char *text;
		unsigned long points;

		if (!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
			return false;
		sigtimedwait(&set, NULL, &(struct timespec){.tv_nsec = 2000000});
		text = read_proc(pid, "sched_schedule");
		points = field(text, "points ");
		still =
		    shared->started && points == before && !field(text, "holder ") ? still + 1 : 0;
		before = points;
		free(text);
		if (still >= STILL_POLLS && all_wait())
			return true;
		if (still >= STILL_LONG) {
			slow_runs++;
			return true;
		}
	}
}

static void read_decisions(pid_t pid, struct outcome *o)
{
	char *text = read_proc(pid, "sched_decisions"), *at = text;
	size_t size = 0;

	while (*at) {
		struct decision d;

		d.member = (unsigned int)strtoul(at, &at, 10);
		d.point = (unsigned int)strtoul(at + 1, &at, 10);
		d.chosen = (unsigned int)strtoul(at, &at, 10);
		d.by_default = (unsigned int)strtoul(at, &at, 10);
		d.ready = strtoul(at, &at, 16);
		at += *at == '\n';
		if (o->decision_count == size) {
			size = size ? 2 * size : 256;
			o->decisions = realloc(o->decisions, size * sizeof(d));
		}
		o->decisions[o->decision_count++] = d;
	}
	free(text);
}

static void read_schedule(pid_t pid, struct outcome *o)
{
	char *text = read_proc(pid, "sched_schedule"), *words = strstr(text, "\nschedule");

	o->points = field(text, "points ");
	o->switches = field(text, "switches ");
	o->hash = field(text, "hash ");
	if (words) {
		words += strlen("\nschedule");
		words += *words == ' ';
		words[strcspn(words, "\n")] = 0;
	}
	o->schedule = strdup(words ? words : "");
	free(text);
}

static void read_output(struct outcome *o)
{
	off_t size = lseek(output_file, 0, SEEK_END);

	if (size > OUTPUT_MAX)
		size = OUTPUT_MAX;
	o->output = malloc((size_t)size + 1);
	o->output_size = 0;
	if (pread(output_file, o->output, (size_t)size, 0) == size)
		o->output_size = (size_t)size;
	o->output[o->output_size] = 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same lines, in another order. */
static char *sorted(const char *text)
{
	char *copy = strdup(text), *out = malloc(strlen(text) + 2), **lines = NULL, *rest = copy;
	size_t n = 0;

	for (char *line; (line = strsep(&rest, "\n"));) {
		lines = realloc(lines, (n + 1) * sizeof(*lines));
		lines[n++] = line;
	}
	qsort(lines, n, sizeof(*lines), compare_lines);
	*out = 0;
	for (size_t i = 0, at = 0; i < n; i++)
		at += (size_t)sprintf(out + at, i ? "\n%s" : "%s", lines[i]);
	free(lines);
	free(copy);
	return out;
}

void set_expected(const char *text, size_t size)
{
	free(expected);
	expected = options.any_order ? sorted(text) : strdup(text);
	expected_size = size;
}

static bool as_expected(const struct outcome *o)
{
	char *text;
	bool same;

	if (!expected)
		return true;
	if (!options.any_order)
		return o->output_size == expected_size &&
		       !memcmp(o->output, expected, expected_size);
	text = sorted(o->output);
	same = !strcmp(text, expected);
	free(text);
	return same;
}

static enum result judge(const struct outcome *o, bool hangs)
{
	if (hangs)
		return HUNG;
	if (shared->verdict == RACE_TOO_LONG)
		return LONG;
	if (shared->verdict == RACE_BAD_MEMORY)
		return MEMORY;
	if (shared->verdict == RACE_UNSUPPORTED || !shared->started)
		return BROKEN;
	if (WIFSIGNALED(o->status) &&
	    (WTERMSIG(o->status) == SIGXCPU || WTERMSIG(o->status) == SIGKILL))
		return LONG;
	if (WIFSIGNALED(o->status) && WTERMSIG(o->status) != SIGABRT)
		return CRASHED;
	return o->status || !as_expected(o) ? WRONG : PASSED;
}

void run(const char *schedule, struct outcome *o)
{
	bool hangs;
	pid_t pid;

	*o = (struct outcome){0};
	if (strlen(schedule) >= sizeof(shared->schedule)) {
		errno = E2BIG;
		die("schedule");
	}
	memset(shared, 0, offsetof(struct race_shared, events));
	shared->steps_max = options.steps_max;
	shared->stop_at = options.stop_at;
	strcpy(shared->schedule, schedule);
	if (ftruncate(output_file, 0) || lseek(output_file, 0, SEEK_SET))
		die("output");
	runs++;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		child();
	hangs = wait_for(pid);
	read_schedule(pid, o);
	read_decisions(pid, o);
	if (hangs)
		kill(-pid, SIGKILL);
	waitpid(pid, &o->status, 0);
	read_output(o);
	o->steps = shared->steps;
	o->events = shared->count;
	o->result = judge(o, hangs);
	slow_runs += o->result == LONG && shared->verdict != RACE_TOO_LONG;
}

void outcome_free(struct outcome *o)
{
	free(o->schedule);
	free(o->decisions);
	free(o->output);
	*o = (struct outcome){0};
}
