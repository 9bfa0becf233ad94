/* SPDX-License-Identifier: MIT
 *
 * What runs when nothing seems to run.  The lab makes a session as a shell has it, on a terminal of
 * its own: a job in the foreground, two in the background, and six daemons that leave the session.
 * It watches all of them, closes the terminal, looks who is left, and measures what background
 * processes take from a program that computes.
 */
#include "lab.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMONS	 6
#define LOOK_NS	 (10 * 1000 * 1000)
#define SPINNERS 3   /* background processes that compute */
#define LIFE_S	 300 /* a daemon ends then, also if the lab was killed */

enum member { SHELL, FOREGROUND, JOB, READER, FIRST_DAEMON, MEMBERS = FIRST_DAEMON + DAEMONS };

static struct shared {
	pid_t pid[MEMBERS];
	bool stop;
	uint64_t used_ns[1 + SPINNERS]; /* CPU time of those that compute: foreground, background */
} * shared;

static int terminal = -1, slave = -1, messages[2];
static bool leave_session, busy;

static void wait_ns(uint64_t ns)
{
	struct timespec time = {ns / 1000000000, ns % 1000000000};

	nanosleep(&time, NULL);
}

/* --- the session --------------------------------------------------------------------------------
 */

static void begin(enum member me, const char *name)
{
	prctl(PR_SET_NAME, name);
	__atomic_store_n(&shared->pid[me], getpid(), __ATOMIC_RELEASE);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* Three daemons wait for a moment, as cron does, and three for a message, as a server does. */
static void be_daemon(int number)
{
	char name[16], byte;

	close(slave);
	alarm(LIFE_S);
	snprintf(name, sizeof(name), "%s%d", number % 2 ? "server" : "clock", number / 2);
	begin(FIRST_DAEMON + number, name);
	while (busy)
		lab_spin(10000);
	for (;;) {
		if (number % 2)
			(void)!read(messages[0], &byte, 1);
		else
			wait_ns(50 * 1000 * 1000);
	}
}

/* Leaves the session and the parent: fork, setsid, and fork again, so that it is no session leader
 * and never gets a terminal. */
static void make_daemon(int number)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (leave_session)
			setsid();
		else
			setpgid(0, shared->pid[FOREGROUND]);
		if (fork() == 0)
			be_daemon(number);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* A job of the shell, in a process group of its own. */
static pid_t make_job(enum member member, const char *name)
{
	pid_t pid = fork();
	char byte;

	if (pid == 0) {
		setpgid(0, 0);
		begin(member, name);
		if (member == READER)
			(void)!read(slave, &byte, 1); /* SIGTTIN stops it here */
		wait_for_ever();
	}
	setpgid(pid, pid);
	return pid;
}

static int be_shell(void *unused)
{
	(void)unused;
	close(terminal);
	setsid();
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return 1;
	alarm(LIFE_S);
	shared->pid[FOREGROUND] = make_job(FOREGROUND, "foreground");
	tcsetpgrp(slave, shared->pid[FOREGROUND]);
	make_job(JOB, "job");
	make_job(READER, "reader");
	for (int i = 0; i < DAEMONS; i++)
		make_daemon(i);
	begin(SHELL, "shell");
	wait_for_ever();
	return 0;
}

/* --- looks --------------------------------------------------------------------------------------
 */

struct look {
	char name[20], state;
	int parent, session, tty;
	uint64_t cpu_ns, woke;
};

/* What /proc says of a process; false if it has ended. */
static bool look_at(pid_t pid, struct look *look)
{
	char path[64], *text, *open, *close;
	int fields = 0;

	memset(look, 0, sizeof(*look));
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = lab_read(path);
	open = text ? strchr(text, '(') : NULL;
	close = text ? strrchr(text, ')') : NULL;
	if (open && close) {
		snprintf(look->name, sizeof(look->name), "%.*s", (int)(close - open - 1), open + 1);
		fields = sscanf(close + 1, " %c %d %*d %d %d", &look->state, &look->parent,
				&look->session, &look->tty);
	}
	free(text);
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	text = lab_read(path);
	if (text)
		look->cpu_ns = strtoull(text, NULL, 10);
	free(text);
	lab_status(pid, "voluntary_ctxt_switches", &look->woke);
	return fields == 4 && look->state != 'Z' && look->state != 'X';
}

/* The function of the kernel in which it waits, or "-". */
static void waits_in(pid_t pid, char *out, size_t size)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	text = lab_read(path);
	snprintf(out, size, "%.*s", text ? (int)strspn(text, "abcdefghijklmnopqrstuvwxyz_") : 0,
		 text ? text : "");
	if (!*out)
		strcpy(out, "-");
	free(text);
}

/* Memory of a process in KiB, in which a shared page counts in parts. */
static uint64_t memory_kib(pid_t pid)
{
	char path[64];
	uint64_t kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if (!lab_value(path, "Pss", &kib))
		lab_status(pid, "VmRSS", &kib);
	return kib;
}

static int alive(int first, int count)
{
	struct look look;
	int n = 0;

	for (int i = first; i < first + count; i++)
		n += shared->pid[i] && look_at(shared->pid[i], &look);
	return n;
}

/* --- the watch ----------------------------------------------------------------------------------
 */

static struct watch {
	struct look first[MEMBERS], last[MEMBERS];
	char waits[MEMBERS][24], parents[MEMBERS][20];
	uint64_t kib[MEMBERS];
	int looks, asleep; /* looks at daemons, and those that saw one asleep */
	double ms, daemons_cpu_ms;
	int apart; /* daemons in a session of their own, without a terminal, adopted */
} watched;

static void watch_all(double ms)
{
	struct watch *w = &watched;
	uint64_t start = lab_now_ns();
	struct look parent;

	for (int i = 0; i < MEMBERS; i++)
		look_at(shared->pid[i], &w->first[i]);
	while (lab_now_ns() - start < ms * 1e6) {
		wait_ns(LOOK_NS);
		for (int i = FIRST_DAEMON; i < MEMBERS; i++) {
			w->looks++;
			w->asleep += lab_state(shared->pid[i], shared->pid[i]) == 'S';
		}
	}
	w->ms = (lab_now_ns() - start) / 1e6;
	for (int i = 0; i < MEMBERS; i++) {
		look_at(shared->pid[i], &w->last[i]);
		waits_in(shared->pid[i], w->waits[i], sizeof(w->waits[i]));
		w->kib[i] = memory_kib(shared->pid[i]);
		look_at(w->last[i].parent, &parent);
		snprintf(w->parents[i], sizeof(w->parents[i]), "%s",
			 *parent.name ? parent.name : "-");
		if (i < FIRST_DAEMON)
			continue;
		w->daemons_cpu_ms += (w->last[i].cpu_ns - w->first[i].cpu_ns) / 1e6;
		w->apart += w->last[i].session != shared->pid[SHELL] && w->last[i].tty == 0 &&
			    w->last[i].parent != shared->pid[SHELL];
	}
}

static void show_watch(void)
{
	struct watch *w = &watched;
	struct lab_table *table =
	    lab_table("Watched", "process|child of|session|state|waits in|>woke|>CPU ms|>KiB");

	for (int i = 0; i < MEMBERS; i++) {
		const struct look *look = &w->last[i];

		lab_row(table, "%s|%s|%s|%c|%s|%llu|%.1f|%llu", look->name, w->parents[i],
			look->tty ? "shell's, tty" : "own, no tty", look->state ? look->state : '-',
			w->waits[i], (unsigned long long)(look->woke - w->first[i].woke),
			(look->cpu_ns - w->first[i].cpu_ns) / 1e6, (unsigned long long)w->kib[i]);
	}
	lab_note("State: S sleeps, R runs or waits for a CPU, T was stopped: the reader is in the "
		 "background, and the terminal may be read from the foreground only.");
}

/* --- the whole machine --------------------------------------------------------------------------
 */

static struct machine {
	uint64_t interrupts, all_ticks, idle_ticks;
	int processes, kernel_threads, asleep;
} machine;

/* Linux lists its kernel threads as children of process 2, and process 2 itself. */
static void count_processes(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	struct look look;

	while (directory && (entry = readdir(directory))) {
		pid_t pid = atoi(entry->d_name);

		if (!isdigit((unsigned char)*entry->d_name) || !look_at(pid, &look))
			continue;
		if (!lab_options.on_heddle && (pid == 2 || look.parent == 2))
			machine.kernel_threads++;
		else
			machine.processes++;
		machine.asleep += look.state == 'S' || look.state == 'I';
	}
	if (directory)
		closedir(directory);
}

/* Adds what /proc/stat counts; with `sign` -1 before the watch, with 1 after it. */
static void count_machine(int sign)
{
	char *text = lab_read("/proc/stat");
	unsigned long long t[8] = {0};
	uint64_t interrupts;

	if (text && sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2],
			   &t[3], &t[4], &t[5], &t[6], &t[7]) == 8) {
		machine.idle_ticks += sign * (t[3] + t[4]);
		for (int i = 0; i < 8; i++)
			machine.all_ticks += sign * t[i];
	}
	free(text);
	if (lab_value("/proc/stat", "intr", &interrupts))
		machine.interrupts += sign * interrupts;
}

static void show_machine(void)
{
	struct lab_table *table = lab_table("The whole machine meanwhile", "what|>number");

	lab_row(table, "processes|%d", machine.processes);
	if (lab_options.on_heddle)
		lab_left_out("Kernel threads",
			     "Heddle's /proc lists processes only; the trace shows "
			     "kernel threads with (-------) for the process");
	else
		lab_row(table, "kernel threads|%d", machine.kernel_threads);
	lab_row(table, "of all these asleep|%d", machine.asleep);
	lab_row(table, "interrupts in %.1f s|%llu", watched.ms / 1e3,
		(unsigned long long)machine.interrupts);
	if (machine.all_ticks)
		lab_row(table, "CPUs idle|%.0f %%", 100.0 * machine.idle_ticks / machine.all_ticks);
}

/* --- the terminal is closed ---------------------------------------------------------------------
 */

static struct left {
	int foreground, job, reader, daemons;
} left;

static void close_terminal(void)
{
	uint64_t end = lab_now_ns() + 10 * 1000000000ull;

	close(slave);
	close(terminal);
	lab_wait(shared->pid[SHELL]);
	while (alive(FOREGROUND, 1) && lab_now_ns() < end)
		wait_ns(LOOK_NS);
	for (int i = 0; i < 10; i++) /* what else the kernel ends, it ends soon */
		wait_ns(LOOK_NS);
	left = (struct left){alive(FOREGROUND, 1), alive(JOB, 1), alive(READER, 1),
			     alive(FIRST_DAEMON, DAEMONS)};
}

static void show_left(void)
{
	struct lab_table *table =
	    lab_table("The terminal was closed", "process|>were|>are left|why");

	lab_row(table,
		"shell, foreground job|2|%d|the kernel sends SIGHUP to the leader of the "
		"session and to the foreground",
		left.foreground);
	lab_row(table, "stopped background job|1|%d|its group is an orphan now: SIGHUP, SIGCONT",
		left.reader);
	lab_row(table,
		"waiting background job|1|%d|the kernel sends nothing; many shells send SIGHUP "
		"when they end",
		left.job);
	lab_row(table, "daemons|%d|%d|%s", DAEMONS, left.daemons,
		leave_session ? "another session, no terminal" : "in the foreground (--no-setsid)");
}

/* --- what is left for the foreground ------------------------------------------------------------
 */

static int spin(void *me)
{
	intptr_t i = (intptr_t)me;
	struct timespec used;

	alarm(LIFE_S);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		lab_spin(20000);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
		__atomic_store_n(&shared->used_ns[i], used.tv_sec * 1000000000ull + used.tv_nsec,
				 __ATOMIC_RELAXED);
	}
	return 0;
}

static uint64_t used_by_spinners(void)
{
	uint64_t sum = 0;

	for (int i = 0; i <= SPINNERS; i++)
		sum += __atomic_load_n(&shared->used_ns[i], __ATOMIC_RELAXED);
	return sum;
}

static uint64_t used_by_daemons(void)
{
	struct look look;
	uint64_t sum = 0;

	for (int i = FIRST_DAEMON; i < MEMBERS; i++)
		if (look_at(shared->pid[i], &look))
			sum += look.cpu_ns;
	return sum;
}

static int spin_nice(void *me)
{
	setpriority(PRIO_PROCESS, 0, 19);
	return spin(me);
}

/* On one CPU a foreground process computes beside `count` others and the daemons, until all
 * together have used some CPU time.  Returns its part of that time in per cent. */
static double share(int count, bool nice)
{
	uint64_t daemons = used_by_daemons();
	uint64_t whole_ns = lab_pick(400, 200) * 1000000ull;
	pid_t pids[1 + SPINNERS];

	memset(shared->used_ns, 0, sizeof(shared->used_ns));
	shared->stop = false;
	for (intptr_t i = 0; i <= count; i++) {
		char name[16];

		snprintf(name, sizeof(name), i ? "background%d" : "computes", (int)i);
		pids[i] = lab_fork(name, i && nice ? spin_nice : spin, (void *)i);
	}
	while (used_by_spinners() + used_by_daemons() - daemons < whole_ns)
		wait_ns(LOOK_NS);
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i <= count; i++)
		lab_wait(pids[i]);
	return 100.0 * shared->used_ns[0] / (used_by_spinners() + used_by_daemons() - daemons);
}

/* --- the lab ------------------------------------------------------------------------------------
 */

static bool open_session(void)
{
	uint64_t end = lab_now_ns() + 20 * 1000000000ull;
	const char *name;
	int ready = 0;

	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
		return false;
	name = ptsname(terminal);
	slave = name ? open(name, O_RDWR | O_NOCTTY) : -1;
	if (slave < 0 || pipe(messages) < 0)
		return false;
	lab_fork("shell", be_shell, NULL);
	while (ready < MEMBERS || lab_state(shared->pid[READER], shared->pid[READER]) != 'T') {
		if (lab_now_ns() > end)
			lab_die("the session did not start: %d of %d processes", ready, MEMBERS);
		wait_ns(LOOK_NS);
		ready = 0;
		for (int i = 0; i < MEMBERS; i++)
			ready += __atomic_load_n(&shared->pid[i], __ATOMIC_ACQUIRE) != 0;
	}
	return true;
}

static void end_daemons(void)
{
	for (int i = FIRST_DAEMON; i < MEMBERS; i++)
		if (alive(i, 1))
			kill(shared->pid[i], SIGKILL);
	if (alive(JOB, 1))
		kill(shared->pid[JOB], SIGKILL);
}

static void judge(double beside_daemons, double beside_busy, double beside_nice)
{
	double asleep = 100.0 * watched.asleep / watched.looks;
	double cpu = 100 * watched.daemons_cpu_ms / watched.ms;
	uint64_t kib = 0;
	bool there, idle;

	for (int i = FIRST_DAEMON; i < MEMBERS; i++)
		kib += watched.kib[i];
	lab_figure("asleep", asleep, "%", "looks that found a daemon asleep");
	lab_figure("daemons_cpu", cpu, "%", "of one CPU that 6 daemons took");
	lab_figure("daemon_kib", (double)kib / DAEMONS, "KiB", "memory of one daemon");
	lab_figure("share_daemons", beside_daemons, "%",
		   "of a CPU for a foreground process beside 6 daemons");
	lab_figure("share_busy", beside_busy, "%", "the same beside 3 processes that compute");
	lab_figure("share_nice", beside_nice, "%", "the same beside 3 that compute with nice 19");
	there = lab_check_equals(
	    watched.apart, DAEMONS, "",
	    "daemons without a terminal, in another session, not the shell's children");
	lab_check_equals(left.foreground, 0, "",
			 "foreground jobs left after the terminal was closed");
	there &= lab_check_equals(left.daemons, DAEMONS, "",
				  "daemons left after the terminal was closed");
	idle = lab_check_at_least(asleep, 75, "%", "looks that found a daemon asleep");
	idle &= lab_check_at_most(cpu, 25, "%", "of one CPU: what all daemons took");
	idle &= lab_check_at_least(beside_daemons, 75, "%",
				   "of a CPU: left for a foreground process beside the daemons");
	lab_check_at_most(beside_busy, 60, "%", "the same beside %d processes that compute",
			  SPINNERS);
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "%d daemons have no terminal and stayed when it was closed. But to run in the "
		    "background is mostly to wait: they slept in %.0f %% of the looks, took %.1f "
		    "%% of "
		    "a CPU and %.0f KiB each, and left %.0f %% of a CPU to the foreground. Three "
		    "that "
		    "compute left %.0f %%; with nice 19 %.0f %%%s.",
		    DAEMONS, asleep, cpu, (double)kib / DAEMONS, beside_daemons, beside_busy,
		    beside_nice,
		    beside_nice > 2 * beside_busy ? ""
						  : ": nice values have no effect on this kernel");
	else if (!there)
		lab_verdict(
		    LAB_FALSE,
		    "%d of %d daemons were apart from the terminal, and %d were left when it "
		    "was closed.",
		    watched.apart, DAEMONS, left.daemons);
	else if (!idle)
		lab_verdict(
		    LAB_FALSE,
		    "The background was not idle: daemons slept in %.0f %% of the looks, took "
		    "%.0f %% of a CPU and left %.0f %% to a foreground process.",
		    asleep, cpu, beside_daemons);
	else
		lab_verdict(LAB_FALSE,
			    "%d foreground jobs were left, and %.0f %% of a CPU beside %d "
			    "processes that compute.",
			    left.foreground, beside_busy, SPINNERS);
}

static void run(void)
{
	double beside_daemons, beside_busy, beside_nice;
	struct lab_trace *trace;

	leave_session = !lab_knob("no-setsid");
	busy = lab_knob("busy");
	shared = lab_shared(sizeof(*shared));
	lab_pin(0); /* one CPU for all, so that they take it from each other */
	if (!open_session()) {
		lab_left_out("The session", "this system gives no pseudo-terminal");
		lab_verdict(LAB_NOT_SHOWN,
			    "There is no pseudo-terminal here: no session can be made.");
		return;
	}
	for (int i = 0; i < MEMBERS; i++) {
		struct look look;

		look_at(shared->pid[i], &look);
		lab_letter(shared->pid[i], look.name);
	}
	lab_trace_begin();
	wait_ns(lab_pick(600, 300) * 1000000ull);
	trace = lab_trace_end();
	count_machine(-1);
	watch_all(lab_pick(2000, 600));
	count_machine(1);
	count_processes();
	close_terminal();
	beside_daemons = share(0, false);
	beside_busy = share(SPINNERS, false);
	beside_nice = share(SPINNERS, true);
	end_daemons();

	show_watch();
	if (trace)
		lab_timeline(trace, "Nothing seems to run: the lab itself sleeps, too");
	else
		lab_left_out("The timeline",
			     "this system has no trace, or this user may not read it");
	show_machine();
	show_left();
	judge(beside_daemons, beside_busy, beside_nice);
}

static const struct lab_knob knobs[] = {
    {"no-setsid", NULL, "the daemons stay in the session, in the terminal's foreground"},
    {"busy", NULL, "the daemons compute instead of waiting"},
    {0},
};

const struct lab lab = {
    .name = "background",
    .claim = "Many processes are run by the operating system in the background.",
    .loose = "To run in the background is mostly to wait: it costs memory, not time. And much of "
	     "what runs there is no process: kernel threads and interrupts.",
    .predict =
	{.question = "Six daemons run on one CPU, and a program computes there. How much of "
		     "the CPU does the program get?",
	 .choices = {"a seventh", "about half", "nearly all"},
	 .answer = 2,
	 .why = "A daemon sleeps until a moment or a message comes. A process that sleeps is in "
		"no run queue."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "A daemon is long-lived, has no controlling terminal, and is made by fork(), setsid() "
	     "and often a second fork() (Kerrisk, 37.1 and 37.2).",
    .sources = "kernel/task/wait.c wait_sleep(), kernel/dev/tty_job.c process_hang_up()",
    .tour = "switch",
    .run = run,
};
