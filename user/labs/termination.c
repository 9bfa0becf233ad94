/* SPDX-License-Identifier: MIT
 *
 * lab termination: how long it takes to end a process and a thread, from its own last statement
 * until another thread has collected it; what is freed at which moment; and what is not freed when
 * a thread ends: its lock.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

#define PAGE 4096UL

enum { SIZES = 2, KINDS = 2, MAX_ROUNDS = 200, FILES = 20 };
enum { PROCESS, THREAD };

static const size_t sizes[SIZES] = {1 << 20, 8 << 20};

static bool share_space; /* --share-space: the child shares our address space */
static bool robust;	 /* --robust: the locks report that their owner has ended */

static struct {
	uint64_t last; /* time of its last statement */
	pid_t orphan;
	pthread_mutex_t lock;
} * shared;

static char stack[16 * PAGE]
    __attribute__((aligned(16))); /* for the child that shares our address space */

static void *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		lab_die("cannot map %zu bytes", size);
	madvise(p, size, MADV_NOHUGEPAGE); /* one frame for each page, on Linux too */
	return p;
}

static void touch(char *data, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		data[at]++;
}

static void pipe_or_die(int fds[2])
{
	if (pipe(fds))
		lab_die("pipe: %s", strerror(errno));
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		lab_die("fork: %s", strerror(errno));
	return pid;
}

/* --- How long it takes --------------------------------------------------------------------------
 */

static double end_us[SIZES][KINDS];
static struct {
	char *data;
	size_t size;
} job;

static int work(void *unused)
{
	(void)unused;
	touch(job.data, job.size); /* a process gets its own frames by writing */
	shared->last = lab_now_ns();
	return 0;
}

static int work_and_end(void *unused)
{
	_exit(work(unused));
}

static void *work_as_thread(void *unused)
{
	work(unused);
	return NULL;
}

/* Returns the microseconds from the last statement of a process or thread until it is collected. */
static double time_end(int kind)
{
	pthread_t thread;
	pid_t pid = 0;

	if (kind == THREAD)
		errno = pthread_create(&thread, NULL, work_as_thread, NULL);
	else if (share_space)
		pid = clone(work_and_end, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	else if ((pid = fork()) == 0)
		work_and_end(NULL);
	if (pid < 0 || (kind == THREAD && errno))
		lab_die("cannot make a process or thread: %s", strerror(errno));
	if (kind == THREAD)
		pthread_join(thread, NULL);
	else
		waitpid(pid, NULL, 0);
	return (lab_now_ns() - shared->last) / 1e3;
}

/* The smallest value: a disturbance can only make a time longer. */
static double least(const double *values, int count)
{
	double least = values[0];

	for (int i = 1; i < count; i++)
		least = values[i] < least ? values[i] : least;
	return least;
}

static void measure(int rounds)
{
	static double times[SIZES][KINDS][MAX_ROUNDS];

	for (int s = 0; s < SIZES; s++) {
		job.size = sizes[s];
		job.data = map(job.size);
		touch(job.data, job.size);
		for (int round = -1; round < rounds; round++) { /* round -1 only warms up */
			if (round % 16 == 0)
				lab_load_look();
			for (int kind = 0; kind < KINDS; kind++) {
				double us = time_end(kind);

				if (round >= 0)
					times[s][kind][round] = us;
			}
			lab_progress("ending threads and processes", s * rounds + round + 1,
				     SIZES * rounds);
		}
		munmap(job.data, job.size);
		for (int kind = 0; kind < KINDS; kind++)
			end_us[s][kind] = least(times[s][kind], rounds);
	}
}

/* --- What is freed, and when ---------------------------------------------------------------
 */

/* One moment in the life of a process or thread that has 8 MiB and 20 descriptors. */
struct moment {
	long resident, tables, files; /* of its process: KiB, KiB, number */
	long free;		      /* free memory of the machine, KiB */
	char state;		      /* state of the process or thread; '-': gone */
};
enum { BEFORE, ALIVE, ENDED, COLLECTED, MOMENTS };

static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = -2; /* . and .. */

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static long number(const char *key, pid_t pid)
{
	uint64_t value = 0;

	if (pid)
		lab_status(pid, key, &value); /* a zombie does not have these lines: 0 */
	else
		lab_value("/proc/meminfo", key, &value);
	return (long)value;
}

/* `home` is the process whose memory and descriptors are read. */
static void look(struct moment *m, pid_t home, pid_t tid)
{
	char path[64];

	m->free = number("MemFree", 0);
	m->resident = number("VmRSS", home);
	m->tables = number("VmPTE", home);
	m->state = lab_state(home, tid);
	snprintf(path, sizeof(path), "/proc/%d/fd", home);
	m->files = entries(path);
}

static int holder_fds[2][2]; /* one to report "ready", one to wait for "end now" */
static pid_t holder_tid;

/* Takes 8 MiB and 20 descriptors, reports it, waits, and returns without freeing any of it. */
static int hold(void *unused)
{
	char c = 0;

	(void)unused;
	touch(map(sizes[SIZES - 1]), sizes[SIZES - 1]);
	for (int i = 0; i < FILES; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			return 1;
	holder_tid = (pid_t)syscall(SYS_gettid);
	return write(holder_fds[0][1], &c, 1) != 1 || read(holder_fds[1][0], &c, 1) != 1;
}

static void *hold_as_thread(void *unused)
{
	hold(unused);
	return NULL;
}

/* Waits until the process or thread has ended; does not collect it. */
static bool await_end(pid_t pid, pid_t tid)
{
	siginfo_t info;

	if (pid == tid)
		return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 &&
		       lab_state(pid, tid) == 'Z';
	for (int i = 0; i < 2000 && lab_state(pid, tid) != '-'; i++)
		usleep(1000);
	return lab_state(pid, tid) == '-';
}

static void live_through(int kind, struct moment moments[MOMENTS])
{
	struct moment *before = &moments[BEFORE];
	pthread_t thread;
	pid_t pid = 0;
	char c;

	pipe_or_die(holder_fds[0]);
	pipe_or_die(holder_fds[1]);
	look(before, getpid(), 0);
	if (kind == THREAD) {
		if (pthread_create(&thread, NULL, hold_as_thread, NULL))
			lab_die("pthread_create failed");
	} else if ((pid = fork_or_die()) == 0) {
		_exit(hold(NULL));
	}
	(void)!read(holder_fds[0][0], &c, 1);
	pid_t home = pid ? pid : getpid(), tid = pid ? pid : holder_tid;

	look(&moments[ALIVE], home, tid);
	(void)!write(holder_fds[1][1], "x", 1);
	/* A process that ended stays in /proc as a zombie; a thread disappears at once. */
	if (!await_end(home, tid))
		lab_die("the %s does not end", kind == THREAD ? "thread" : "process");
	look(&moments[ENDED], home, tid);
	if (kind == THREAD)
		pthread_join(thread, NULL);
	else
		waitpid(pid, NULL, 0);
	look(&moments[COLLECTED], home, tid);
	for (int i = 0; i < 4; i++)
		close(holder_fds[i / 2][i % 2]);
	/* Subtract what our process had before (and the descriptor that lists /proc/PID/fd). */
	before->files -= kind == PROCESS;
	for (int i = ALIVE; i < MOMENTS; i++) {
		struct moment *m = &moments[i];

		m->files = m->files > before->files ? m->files - before->files : 0;
		m->resident -= kind == THREAD ? before->resident : 0;
		m->tables -= kind == THREAD ? before->tables : 0;
	}
}

static void show_moments(struct moment m[KINDS][MOMENTS])
{
	static const char *const labels[KINDS][MOMENTS] = {
	    {"", "process alive", "zombie", "waited for"}, {"", "thread alive", "ended", "joined"}};
	struct lab_table *t =
	    lab_table("It takes 8 MiB and 20 descriptors, then ends: what is still in use",
		      "moment|state|>memory KiB|>page tables KiB|>descriptors|>machine's KiB");
	char taken[32] = "?";

	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = ALIVE; i < MOMENTS; i++) {
			struct moment *now = &m[kind][i];

			if (lab_options.on_heddle)
				snprintf(taken, sizeof(taken), "%ld",
					 m[kind][BEFORE].free - now->free);
			lab_row(t, "%s|%c|%ld|%ld|%ld|%s", labels[kind][i], now->state,
				now->resident, now->tables, now->files, taken);
		}
	}
	if (!lab_options.on_heddle)
		lab_left_out(
		    "the frames that the whole machine allocated and freed",
		    "Linux keeps freed frames in a list of each CPU, and other programs run");
}

/* --- Zombie and orphan --------------------------------------------------------------------------
 */

struct held {
	struct lab_table *table;
	const char *who;
	uint64_t frames;
	bool known;
};

static void add_ledger(const char *what, uint64_t frames, uint64_t bytes, void *arg)
{
	struct held *held = arg;

	held->known = true;
	held->frames += frames;
	if (bytes)
		lab_row(held->table, "%s|%s|%llu|%llu", held->who, what, (unsigned long long)frames,
			(unsigned long long)bytes);
}

static void show_held(struct lab_table *t, const char *who, pid_t pid)
{
	struct held held = {t, who, 0, false};
	uint64_t resident = 0, tables = 0;

	if (lab_ledger(pid, add_ledger, &held) && held.known)
		return;
	lab_status(pid, "VmRSS", &resident); /* a zombie does not have these lines */
	lab_status(pid, "VmPTE", &tables);
	lab_row(t, "%s|resident memory|%llu|%llu", who, (unsigned long long)resident / 4,
		(unsigned long long)resident << 10);
	lab_row(t, "%s|page tables|%llu|%llu", who, (unsigned long long)tables / 4,
		(unsigned long long)tables << 10);
}

static pid_t parent_of(pid_t pid)
{
	uint64_t parent = 0;

	lab_status(pid, "PPid", &parent);
	return (pid_t)parent;
}

static bool show_zombie_and_orphan(void)
{
	struct lab_table *t =
	    lab_table("Memory that a zombie and an orphan hold", "who|what|>frames|>bytes");
	int end[2];
	char c;

	pipe_or_die(end);
	pid_t parent = fork_or_die();

	if (parent == 0) {
		pid_t child = fork();

		if (child == 0) { /* it outlives its parent and ends when we close the pipe */
			close(end[1]);
			touch(map(sizes[0]), sizes[0]);
			__atomic_store_n(&shared->orphan, getpid(), __ATOMIC_RELEASE);
			(void)!read(end[0], &c, 1);
			_exit(0);
		}
		while (child > 0 && !__atomic_load_n(&shared->orphan, __ATOMIC_ACQUIRE))
			usleep(1000);
		_exit(0);
	}
	close(end[0]);
	bool zombie = await_end(parent, parent);
	pid_t orphan = shared->orphan, adopter = parent_of(orphan);
	char orphan_state = lab_state(orphan, orphan);

	show_held(t, "zombie", parent);
	waitpid(parent, NULL, 0);
	bool gone = kill(parent, 0) < 0 && errno == ESRCH;

	show_held(t, "orphan", orphan);
	lab_note(
	    "The zombie has PID %d: its memory is freed; its PID and exit status are kept until "
	    "wait(). The orphan, PID %d, is in state %c; its parent was %d and is now %d.",
	    parent, orphan, orphan_state, parent, adopter);
	close(end[1]);
	bool holds = lab_check(zombie, "a process that ended is a zombie before its parent waits");

	holds &= lab_check(gone, "after the parent has waited, the process is gone");
	holds &= lab_check(strchr("SDR", orphan_state), "an orphan continues");
	return lab_check(adopter != parent, "another process becomes the parent of the orphan") &&
	       holds;
}

/* --- A lock whose owner ends --------------------------------------------------------------------
 */

static void *take_and_return(void *unused)
{
	pthread_mutex_lock(&shared->lock);
	return unused;
}

static void *take_and_wait(void *fds)
{
	pthread_mutex_lock(&shared->lock);
	(void)!write(((int *)fds)[1], "x", 1);
	for (;;)
		pause(); /* a cancellation point */
	return NULL;
}

static void unlock(void *lock)
{
	pthread_mutex_unlock(lock);
}

static void *take_and_clean(void *fds)
{
	pthread_mutex_lock(&shared->lock);
	pthread_cleanup_push(unlock, &shared->lock);
	(void)!write(((int *)fds)[1], "x", 1);
	for (;;)
		pause();
	pthread_cleanup_pop(1);
	return NULL;
}

enum { RETURNS, CANCELLED, CLEANED, KILLED, ENDS };

/* Ends a lock's owner in this way.  Returns the error, or 0, of the next lock attempt. */
static int lock_after(int how)
{
	void *(*const owners[])(void *) = {take_and_return, take_and_wait, take_and_clean,
					   take_and_wait};
	pthread_mutexattr_t attributes;
	struct timespec deadline;
	pthread_t thread;
	int fds[2];
	char c;

	pipe_or_die(fds);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->lock, &attributes);
	if (how == KILLED) {
		pid_t pid = fork_or_die();

		if (pid == 0)
			take_and_wait(fds);
		(void)!read(fds[0], &c, 1);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	} else {
		if (pthread_create(&thread, NULL, owners[how], fds))
			lab_die("pthread_create failed");
		if (how != RETURNS) {
			(void)!read(fds[0], &c, 1);
			pthread_cancel(thread);
		}
		pthread_join(thread, NULL);
	}
	close(fds[0]), close(fds[1]);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += 200 * 1000 * 1000;
	deadline.tv_sec += deadline.tv_nsec / 1000000000;
	deadline.tv_nsec %= 1000000000;
	return pthread_mutex_timedlock(&shared->lock, &deadline);
}

/* Returns how many of the owners left the lock held. */
static int show_locks(void)
{
	static const char *const labels[ENDS] = {"thread returns", "thread is cancelled",
						 "cancelled, with a cleanup handler",
						 "process is killed"};
	struct lab_table *t =
	    lab_table("The owner of a lock ends; the next thread waits for it up to 200 ms",
		      "how the owner ends|the next thread gets|so the lock");
	int held = 0;

	for (int how = 0; how < ENDS; how++) {
		int error = lock_after(how);

		held += error == ETIMEDOUT;
		lab_row(t, "%s|%s|%s", labels[how],
			error == ETIMEDOUT    ? "ETIMEDOUT"
			: error == EOWNERDEAD ? "EOWNERDEAD"
			: error		      ? strerror(error)
					      : "the lock",
			error == ETIMEDOUT    ? "stays held by a dead owner"
			: error == EOWNERDEAD ? "reports that its owner is dead"
					      : "was released");
	}
	return held;
}

/* --- All of it ----------------------------------------------------------------------------------
 */

static void show_times(void)
{
	struct lab_table *t =
	    lab_table("From the last statement until it is collected: microseconds, best round",
		      "touched|>process: exit, wait|>thread: return, join|>ratio");
	struct lab_bars *bars = lab_bars("Time to end", "us");

	for (int s = 0; s < SIZES; s++) {
		lab_row(t, "%zu MiB|%.0f|%.0f|%.1f", sizes[s] >> 20, end_us[s][PROCESS],
			end_us[s][THREAD], end_us[s][PROCESS] / end_us[s][THREAD]);
		lab_bar(bars, end_us[s][PROCESS], "process, %zu MiB", sizes[s] >> 20);
		lab_bar(bars, end_us[s][THREAD], "thread, %zu MiB", sizes[s] >> 20);
	}
}

static void run(void)
{
	static struct moment moments[KINDS][MOMENTS];

	share_space = lab_knob("share-space");
	robust = lab_knob("robust");
	shared = lab_shared(sizeof(*shared));
	lab_pin(0);
	measure(lab_pick(80, 25));
	lab_pin(-1);
	live_through(
	    PROCESS,
	    moments[PROCESS]); /* first, because what a thread leaves behind stays in our process */
	live_through(THREAD, moments[THREAD]);

	struct moment *process = moments[PROCESS], *thread = moments[THREAD];
	double ratio = end_us[1][PROCESS] / end_us[1][THREAD];
	double small_ratio = end_us[0][PROCESS] / end_us[0][THREAD];
	double growth = end_us[1][PROCESS] - end_us[0][PROCESS];
	double thread_growth = end_us[1][THREAD] - end_us[0][THREAD];

	show_times();
	bool faster = lab_check_time_at_least(
	    ratio, 1.5, "times", "the end of a process, against a thread, with 8 MiB touched");

	faster &=
	    lab_check_time_at_least(small_ratio, 1.1, "times",
				    "the end of a process, against a thread, with 1 MiB touched");
	faster &= lab_check_time_at_most(
	    100 * thread_growth / growth, 50, "%",
	    "how much the other 7 MiB add to the end of a thread, of what they add to that of a "
	    "process");
	show_moments(moments);
	bool back =
	    lab_check_equals(process[ENDED].files, 0, "",
			     "descriptors that a zombie has, of the %d of the process", FILES);

	back &= lab_check_equals(thread[COLLECTED].files, FILES, "",
				 "descriptors that a joined thread leaves open");
	if (lab_options.on_heddle) {
		back &= lab_check_at_least(process[ENDED].free - process[ALIVE].free, 8000, "KiB",
					   "memory that is freed when the process ends");
		back &= lab_check_at_most(thread[ENDED].free - thread[ALIVE].free, 1000, "KiB",
					  "memory that is freed when the thread ends");
	}
	back &= show_zombie_and_orphan();
	int held = show_locks();

	lab_check_equals(held, robust ? 0 : 3, "", "owners, of 4, that left their lock held");
	lab_figure("process_end_small_us", end_us[0][PROCESS], "us",
		   "exit and wait, 1 MiB touched");
	lab_figure("process_end_large_us", end_us[1][PROCESS], "us",
		   "exit and wait, 8 MiB touched");
	lab_figure("thread_end_us", end_us[1][THREAD], "us", "return and join, 8 MiB touched");
	lab_figure("locks_left_held", held, "", "locks left held by 4 ended owners");
	if (!faster || !back)
		lab_verdict(LAB_FALSE,
			    "The end of the process took %.1f times as long as that of the thread "
			    "with 8 MiB touched, %.1f times with 1 MiB: %s",
			    ratio, small_ratio,
			    share_space ? "if no address space is freed, there is no difference "
					  "that grows."
					: "this is not what the claim says.");
	else if (held)
		lab_verdict(
		    LAB_CORRECTED,
		    "A process takes %.1f times as long to end with 8 MiB touched, %.1f times with "
		    "1 MiB: its address space is freed. But a thread frees only its stack and "
		    "registers: files and memory stay in use, and a lock stays held.",
		    ratio, small_ratio);
	else
		lab_verdict(LAB_TRUE,
			    "A process takes %.1f times as long to end with 8 MiB touched. A "
			    "robust lock reports to the next owner that the last one is dead.",
			    ratio);
}

static const struct lab_knob knobs[] = {
    {"robust", NULL, "the locks are robust: the kernel marks them when their owner ends"},
    {"share-space", NULL, "the child shares our address space: there is none to free"},
    {0},
};

const struct lab lab = {
    .name = "termination",
    .claim = "Threads end faster than processes.",
    .loose = "They are faster because less is freed. If a thread ends while it holds a lock, the "
	     "lock stays held.",
    .predict = {"A thread is cancelled while it holds a mutex. The next thread that locks it ...",
		{"gets it: the kernel releases it", "waits for ever", "gets an error", NULL},
		1,
		"A mutex is a word in memory. The kernel does not know about it, unless it is a "
		"robust mutex; then the next owner gets EOWNERDEAD."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "Threads are 10 to 100 times cheaper to create and destroy (Tanenbaum 2.2.1).",
    .sources = "kernel/proc/exit.c thread_exit() and process_reap(), kernel/proc/wait.c "
	       "process_wait(), kernel/ipc/futex.c",
    .tour = "fork",
    .run = run,
};
