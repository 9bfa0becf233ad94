/* SPDX-License-Identifier: MIT
 *
 * lab creation: what it costs to make a process and to make a thread, depending on the size of the
 * parent, and what the cost consists of.  Each of the five ways is timed from the call until the
 * new process or thread has run and been collected.  They alternate within a round, so that a
 * disturbance affects all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define PAGE 4096UL

enum { FORK, FORK_EXEC, SPAWN, VFORK, THREAD, METHODS };
enum { SIZES = 3, MAX_ROUNDS = 100, LOOKS = 8 };

static const char *const names[METHODS] = {"fork", "fork + exec", "posix_spawn", "vfork",
					   "pthread_create"};
static const size_t sizes[SIZES] = {1700 << 10, 2700 << 10, 11700 << 10}; /* Kerrisk's */

static bool share_space; /* --share-space: clone() with CLONE_VM replaces fork() */
static char self[256];	 /* the path of this program, which the children execute */
static char *data;	 /* data that makes this process large */
static size_t data_size;

static struct {
	struct lab_space space; /* written by a vfork()ed child, because its parent is suspended */
	uint64_t table_kib;
} * shared;

/* --- The five ways ------------------------------------------------------------------------------
 */

static char stack[4 * PAGE]
    __attribute__((aligned(16))); /* for the child that shares our address space */

/* Runs in the new process or thread.  If `held`, it waits until its creator has examined it. */
static int live(void *held)
{
	int *fds = held;
	char c;

	if (held && (write(fds[1], "x", 1) != 1 || read(fds[0], &c, 1) != 1))
		return 1;
	return 0;
}

static int live_and_end(void *held)
{
	_exit(live(held));
}

static void *live_as_thread(void *held)
{
	live(held);
	return NULL;
}

/* exec() runs this program again: before main() it exits, or waits until it has been examined. */
__attribute__((constructor)) static void in_new_image(void)
{
	const char *how = getenv("LAB_CREATION");
	char c;

	if (!how)
		return;
	if (*how == 'h' && (write(1, "x", 1) != 1 || read(0, &c, 1) != 1))
		_exit(1);
	_exit(0);
}

struct made {
	pid_t pid; /* 0: a thread */
	pthread_t thread;
};

/* Makes a process or thread.  If `held` is not NULL, it writes a byte to held[1], then reads one
 * from held[0]. */
static struct made make(int method, int *held)
{
	char *arguments[] = {"nothing", NULL};
	char *environment[] = {held ? "LAB_CREATION=hold" : "LAB_CREATION=end", NULL};
	posix_spawn_file_actions_t actions;
	struct made made = {0};
	pid_t pid = -1;

	switch (method) {
	case FORK:
		pid = share_space
			  ? clone(live_and_end, stack + sizeof(stack), CLONE_VM | SIGCHLD, held)
			  : fork();
		if (pid == 0)
			live_and_end(held);
		break;
	case FORK_EXEC:
		pid = fork();
		if (pid == 0) {
			if (held)
				dup2(held[0], 0), dup2(held[1], 1);
			execve(self, arguments, environment);
			_exit(127);
		}
		break;
	case SPAWN:
		posix_spawn_file_actions_init(&actions);
		if (held) {
			posix_spawn_file_actions_adddup2(&actions, held[0], 0);
			posix_spawn_file_actions_adddup2(&actions, held[1], 1);
		}
		errno = posix_spawn(&pid, self, &actions, NULL, arguments, environment);
		if (errno)
			pid = -1;
		posix_spawn_file_actions_destroy(&actions);
		break;
	case VFORK:
		pid = vfork();
		if (pid == 0) {
			if (held) { /* it runs in the parent's memory and can write there */
				lab_space(getpid(), &shared->space);
				lab_status(getpid(), "VmPTE", &shared->table_kib);
			}
			_exit(0);
		}
		break;
	case THREAD:
		errno = pthread_create(&made.thread, NULL, live_as_thread, held);
		pid = errno ? -1 : 0;
		break;
	}
	if (pid < 0)
		lab_die("%s: %s", names[method], strerror(errno));
	made.pid = pid;
	return made;
}

static void await(struct made made, struct rusage *usage)
{
	int status = 0;

	if (!made.pid)
		pthread_join(made.thread, NULL);
	else if (wait4(made.pid, &status, 0, usage) != made.pid || status)
		lab_die("the new process ended with status %#x", status);
}

static void resize(size_t size)
{
	if (data)
		munmap(data, data_size);
	data_size = size;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		lab_die("cannot map %zu bytes of data", size);
	madvise(data, size, MADV_NOHUGEPAGE); /* one frame for each page, on Linux too */
	for (size_t at = 0; at < size; at += PAGE)
		data[at] = 1;
}

/* --- What it costs ------------------------------------------------------------------------------
 */

static double whole_us[SIZES][METHODS];

static void measure(int rounds)
{
	static double whole[SIZES][METHODS][MAX_ROUNDS];

	for (int round = -1; round < rounds; round++) { /* round -1 only warms up */
		for (int s = 0; s < SIZES; s++) {
			resize(sizes[s]);
			for (int i = 0; i < METHODS; i++) {
				int m = (i + round + METHODS) %
					METHODS; /* each way is first in its turn */
				uint64_t start = lab_now_ns();

				await(make(m, NULL), NULL);
				if (round >= 0)
					whole[s][m][round] = (lab_now_ns() - start) / 1e3;
			}
		}
		lab_progress("making processes and threads", round + 1, rounds);
		if (round % 8 == 0)
			lab_load_look();
	}
	for (int s = 0; s < SIZES; s++) {
		for (int m = 0; m < METHODS; m++) {
			whole_us[s][m] = lab_low_quartile(whole[s][m], rounds);
		}
	}
}

/* --- What the cost consists of -------------------------------------------------------------------
 */

struct causes {
	uint64_t table_kib;	/* its own page tables */
	uint64_t mapped_kib;	/* mapped for it in its creator */
	double faults, copies;	/* its page faults; copies on write by both; -1: unknown */
	double switches, roots; /* all context switches; those that loaded another root */
	bool own_root;
};
static struct causes causes[SIZES][METHODS];

static uint64_t status_of(pid_t pid, const char *key)
{
	uint64_t value = 0;

	lab_status(pid, key, &value);
	return value;
}

static int64_t minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Makes one, examines it while it waits, and lets it end. */
static void look_at_one(int method, struct causes *c)
{
	uint64_t size = status_of(getpid(), "VmSize"), tables = status_of(getpid(), "VmPTE");
	int go[2], ready[2];
	char byte;

	if (pipe(go) || pipe(ready))
		lab_die("pipe: %s", strerror(errno));

	int held[2] = {go[0], ready[1]};
	struct made made = make(method, held);
	pid_t pid = made.pid;
	struct lab_space ours = {0}, its = {0};

	if (method == VFORK) {
		c->table_kib = shared->table_kib;
		its = shared->space;
	} else {
		if (read(ready[0], &byte, 1) != 1)
			lab_die("the new process or thread did not start");
		c->table_kib = status_of(pid ? pid : getpid(), "VmPTE") - (pid ? 0 : tables);
		lab_space(pid ? pid : getpid(), &its);
		c->mapped_kib = status_of(getpid(), "VmSize") - size;
		(void)!write(go[1], "x", 1);
	}
	lab_space(getpid(), &ours);
	await(made, NULL);
	for (int i = 0; i < 2; i++)
		close(go[i]), close(ready[i]);
	c->own_root = its.root != ours.root;
	if (pid && (method == VFORK || (method == FORK && share_space)))
		c->table_kib = 0; /* these page tables belong to its parent */
}

static void look(int size, int method)
{
	struct causes *c = &causes[size][method];
	struct lab_counters before, since;
	struct rusage usage = {0};
	int64_t faults = 0;

	look_at_one(method, c);
	lab_counters(&before);
	for (int i = 0; i < LOOKS; i++) {
		int64_t ours = minor_faults();

		await(make(method, NULL), &usage);
		faults += method == THREAD ? minor_faults() - ours : usage.ru_minflt;
	}
	since = lab_counters_since(&before);
	c->faults = (double)faults / LOOKS;
	c->copies = since.cow_copies == UINT64_MAX ? -1 : (double)since.cow_copies / LOOKS;
	c->switches = since.switches == UINT64_MAX ? -1 : (double)since.switches / LOOKS;
	c->roots = since.switches_root == UINT64_MAX ? -1 : (double)since.switches_root / LOOKS;
}

static const char *or_unknown(char *buffer, size_t size, double value)
{
	snprintf(buffer, size, value < 0 ? "?" : "%.1f", value);
	return buffer;
}

static void show_causes(void)
{
	struct lab_table *t =
	    lab_table("What each one gets, by the size of the parent's data",
		      "made by|>data MB|>page tables KiB|>mapped KiB|>page faults|"
		      ">frames copied|>switches|>new root");
	char copies[32], switches[32], roots[32];

	for (int m = 0; m < METHODS; m++) {
		for (int s = 0; s < SIZES; s += SIZES - 1) {
			struct causes *c = &causes[s][m];

			lab_row(t, "%s|%.1f|%llu|%llu|%.1f|%s|%s|%s", names[m], sizes[s] / 1024e3,
				(unsigned long long)c->table_kib, (unsigned long long)c->mapped_kib,
				c->faults, or_unknown(copies, sizeof(copies), c->copies),
				or_unknown(switches, sizeof(switches), c->switches),
				or_unknown(roots, sizeof(roots), c->roots));
		}
	}
	if (causes[0][FORK].copies < 0)
		lab_left_out("frames copied, and switches with another page-table root",
			     "only /proc/heddle has these counters");
}

/* --- Copies that are made later -----------------------------------------------------------------
 */

static void show_late_copies(void)
{
	struct lab_table *t =
	    lab_table("After fork(): the child writes to nothing, half or all of the data",
		      "written|>pages|>its page faults|>frames copied|>us");

	resize(sizes[SIZES - 1]);
	for (int half = 0; half <= 2; half++) {
		size_t end = data_size / 2 * half;
		struct lab_counters before, since;
		struct rusage usage = {0};
		char copies[32];

		lab_counters(&before);
		uint64_t start = lab_now_ns();
		pid_t pid = fork();

		if (pid < 0)
			lab_die("fork: %s", strerror(errno));
		if (pid == 0) {
			for (size_t at = 0; at < end; at += PAGE)
				data[at]++;
			_exit(0);
		}
		await((struct made){.pid = pid}, &usage);
		uint64_t end_ns = lab_now_ns();

		since = lab_counters_since(&before);
		lab_row(t, "%s|%zu|%ld|%s|%.0f",
			half == 0   ? "nothing"
			: half == 1 ? "half"
				    : "all",
			end / PAGE, usage.ru_minflt,
			or_unknown(copies, sizeof(copies),
				   since.cow_copies == UINT64_MAX ? -1 : (double)since.cow_copies),
			(end_ns - start) / 1e3);
	}
}

/* --- exec() makes no process --------------------------------------------------------------------
 */

struct image {
	char program[128], start[32];
	long parent;
	unsigned long long born;
	struct lab_space space;
};

static void look_at_image(pid_t pid, struct image *image)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, image->program, sizeof(image->program) - 1);
	image->program[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	char *maps = lab_read(path);

	snprintf(image->start, sizeof(image->start), "%.*s", maps ? (int)strcspn(maps, "-") : 1,
		 maps ? maps : "?");
	free(maps);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	char *stat = lab_read(path), *at = stat ? strrchr(stat, ')') : NULL;

	/* After the name: state, parent (4th field), and start time (22nd field). */
	if (at)
		sscanf(at, ") %*c %ld", &image->parent);
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		sscanf(at, " %llu", &image->born);
	free(stat);
	memset(&image->space, 0, sizeof(image->space));
	lab_space(pid, &image->space);
}

/* True if exec() kept the process and only changed its program. */
static bool exec_makes_nothing(void)
{
	struct image before, after;
	int ready[2], go[2], word;
	char byte = 0;

	if (pipe2(ready, O_CLOEXEC) || pipe(go))
		lab_die("pipe: %s", strerror(errno));
	pid_t pid = fork();

	if (pid < 0)
		lab_die("fork: %s", strerror(errno));
	if (pid == 0) {
		dup2(go[0], 0);
		close(go[0]), close(go[1]);
		(void)!write(ready[1], "x", 1);
		(void)!read(0, &byte, 1);
		execlp("cat", "cat", NULL); /* it waits: its input is our pipe */
		_exit(127);
	}
	close(ready[1]);
	close(go[0]);
	(void)!read(ready[0], &byte, 1);
	look_at_image(pid, &before);
	(void)!write(go[1], "x", 1);
	(void)!read(ready[0], &byte, 1); /* returns 0 when exec() has closed the other end */
	look_at_image(pid, &after);
	close(go[1]);
	close(ready[0]);
	bool same = waitpid(pid, &word, 0) == pid && waitpid(-1, NULL, 0) < 0;

	struct lab_table *t = lab_table("One process before and after exec()", "|before|after");

	lab_row(t, "PID|%d|%d", pid, pid);
	lab_row(t, "parent|%ld|%ld", before.parent, after.parent);
	lab_row(t, "start time (ticks)|%llu|%llu", before.born, after.born);
	lab_row(t, "program|%s|%s", before.program, after.program);
	lab_row(t, "first mapped address|%s|%s", before.start, after.start);
	if (before.space.root)
		lab_row(t, "page-table root|%#llx|%#llx", (unsigned long long)before.space.root,
			(unsigned long long)after.space.root);
	else
		lab_left_out("the page-table root before and after exec()",
			     "only /proc/heddle shows it");
	bool changed = strcmp(before.program, after.program) != 0 &&
		       (!before.space.root || before.space.root != after.space.root);

	lab_check(same, "exec() kept the PID, and made no other child to wait for");
	lab_check_equals(after.born, before.born, "", "start time of the process after exec()");
	lab_check(changed, "exec() changed the image");
	return same && changed && before.born == after.born;
}

/* --- All of it ----------------------------------------------------------------------------------
 */

static void show_costs(void)
{
	static const char *const kerrisk[THREAD][2] = {
	    [FORK] = {"7.5", "43.3"}, [FORK_EXEC] = {"45.7", "88.9"}};
	struct lab_table *t =
	    lab_table("Make, run and collect one: microseconds, by the size of the parent's data",
		      "made by|>1.7 MB|>2.7 MB|>11.7 MB");
	struct lab_bars *bars = lab_bars("With 11.7 MB of data", "us");

	for (int m = 0; m < METHODS; m++) {
		lab_row(t, "%s|%.0f|%.0f|%.0f", names[m], whole_us[0][m], whole_us[1][m],
			whole_us[2][m]);
		lab_bar(bars, whole_us[SIZES - 1][m], "%s", names[m]);
	}
	t = lab_table("Cost as a multiple of a thread's cost", "made by|>here 1.7 MB|>here 11.7 MB|"
							       ">Kerrisk 1.7 MB|>Kerrisk 11.7 MB");
	for (int m = 0; m < THREAD; m++)
		lab_row(t, "%s|%.1f|%.1f|%s|%s", names[m], whole_us[0][m] / whole_us[0][THREAD],
			whole_us[2][m] / whole_us[2][THREAD], kerrisk[m][0] ? kerrisk[m][0] : "",
			kerrisk[m][1] ? kerrisk[m][1] : "");
}

static void run(void)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length <= 0)
		lab_die("/proc/self/exe: %s", strerror(errno));
	share_space = lab_knob("share-space");
	shared = lab_shared(sizeof(*shared));
	lab_pin(0); /* one CPU: measure the work, not the wake-up of an idle CPU */

	measure(lab_pick(MAX_ROUNDS, 15));
	for (int s = 0; s < SIZES; s += SIZES - 1) {
		resize(sizes[s]);
		for (int m = 0; m < METHODS; m++)
			look(s, m);
	}

	double *small = whole_us[0], *large = whole_us[SIZES - 1];
	uint64_t tables[2] = {causes[0][FORK].table_kib, causes[SIZES - 1][FORK].table_kib};

	show_costs();
	show_causes();
	show_late_copies();
	double cheapest = large[FORK] / large[THREAD];

	for (int m = 0; m < THREAD; m++)
		if (m != VFORK && small[m] / small[THREAD] < cheapest)
			cheapest = small[m] / small[THREAD];
	bool dearer = lab_check_time_at_least(cheapest, 1.1, "times",
					      "the cheapest process with its own address space, "
					      "as a multiple of a thread's cost");
	bool grows = lab_check_time_at_least(large[FORK] / small[FORK], 1.3, "times",
					     "fork() with 11.7 MB of data, against 1.7 MB");

	grows &= lab_check_time_at_most(
	    100 * (large[THREAD] - small[THREAD]) / (large[FORK] - small[FORK]), 50, "%",
	    "how much the larger data adds to pthread_create(), of what it adds to fork()");
	bool copies = lab_check_at_least(
	    (double)tables[1] - tables[0], 4, "KiB",
	    "page tables that fork() copies: the growth from 1.7 MB to 11.7 MB of data");

	copies &= lab_check_at_most(causes[SIZES - 1][THREAD].table_kib, 8, "KiB",
				    "page tables that a thread gets");
	if (lab_options.on_heddle)
		copies &= lab_check(!causes[SIZES - 1][THREAD].own_root,
				    "a thread has the page-table root of its process");
	bool nothing = exec_makes_nothing();

	lab_figure("fork_small_us", small[FORK], "us", "fork, exit and wait, 1.7 MB of data");
	lab_figure("fork_large_us", large[FORK], "us", "fork, exit and wait, 11.7 MB of data");
	lab_figure("fork_exec_us", small[FORK_EXEC], "us", "fork, exec, exit and wait, 1.7 MB");
	lab_figure("spawn_us", small[SPAWN], "us", "posix_spawn, exit and wait, 1.7 MB");
	lab_figure("vfork_us", small[VFORK], "us", "vfork, exit and wait, 1.7 MB");
	lab_figure("thread_us", small[THREAD], "us", "pthread_create and join, 1.7 MB");
	lab_figure("fork_over_thread_small", small[FORK] / small[THREAD], "",
		   "fork over thread, 1.7 MB of data");
	lab_figure("fork_over_thread_large", large[FORK] / large[THREAD], "",
		   "fork over thread, 11.7 MB of data");

	if (dearer && grows && copies && nothing)
		lab_verdict(
		    LAB_CORRECTED,
		    "fork() costs %.1f times as much as a thread at 1.7 MB of data and %.1f times "
		    "at 11.7 MB: this is not one ratio, it grows with the page tables to copy. "
		    "vfork(), which copies nothing, costs %.1f times a thread. exec() creates no "
		    "process: the process stays and gets another program.",
		    small[FORK] / small[THREAD], large[FORK] / large[THREAD],
		    large[VFORK] / large[THREAD]);
	else
		lab_verdict(
		    LAB_FALSE,
		    "Making a process cost %.1f times as much as a thread at 1.7 MB of data and "
		    "%.1f times at 11.7 MB: %s",
		    small[FORK] / small[THREAD], large[FORK] / large[THREAD],
		    share_space ? "if no address space is copied, a process costs about as much as "
				  "a thread, and the cost does not grow."
				: "this is not what the claim says.");
}

static const struct lab_knob knobs[] = {
    {"share-space", NULL,
     "fork() becomes a clone() that shares the address space: nothing to copy"},
    {0},
};

const struct lab lab = {
    .name = "creation",
    .claim = "Processes are made with fork() or exec(), which is slow; threads with a threading "
	     "library, which is fast.",
    .loose =
	"exec() creates no process: the PID stays and the program changes. And \"slow\" is not "
	"one number: the cost grows with the size of the process.",
    .predict =
	{"A process has seven times as much data as another one. Its fork() costs ...",
	 {"the same: the pages are shared", "more, but not seven times as much",
	  "seven times as much", NULL},
	 1,
	 "fork() copies no page, but it copies the page tables that lead to the pages. And a part "
	 "of the cost is the same for every process."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books =
	"Creating a thread is ten times cheaper or more (Kerrisk 29.1). 100,000 creations at "
	"1.7, 2.7 and 11.7 MB: fork 22.27, 26.38, 126.93 s; clone 2.97, 2.98, 2.93 s; fork and "
	"exec 135.72, 146.15, 260.34 s (Kerrisk, table 28-3). 10 to 100 times (Tanenbaum "
	"2.2.1). 30 times on Solaris (Silberschatz).",
    .sources = "kernel/proc/fork.c copy_thread() and clone_process(), kernel/vm/address_space.c "
	       "address_space_fork(), kernel/proc/exec.c",
    .tour = "fork",
    .run = run,
};
