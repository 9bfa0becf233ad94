/* SPDX-License-Identifier: MIT
 *
 * Three threads of a process, and three processes.  Each member counts its rounds in memory that
 * the lab can read.  The first member stops, in several ways: do the others still count?
 */
#include "lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMBERS 3
#define LOOKS	100 /* looks, 5 ms apart, before a member counts as held up */
#define SETTLE	8   /* intervals of 5 ms between the act and the first look */

enum act { GO_ON, STOP, HOLD, EXIT, CRASH, RETURN, ACTS, HOLD_AND_DIE };

static const char *const act_names[] = {
    [STOP] = "is sent SIGSTOP",	     [HOLD] = "keeps the lock", [EXIT] = "calls exit()",
    [CRASH] = "writes to address 0", [RETURN] = "returns",
};

/* Each round is under a lock.  This lock is in private memory: the threads of a process share it,
 * but each process has its own copy. */
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int *nowhere;

static struct shared {
	pthread_mutex_t lock; /* shared by all processes */
	bool use_it;
	bool held;
	struct {
		pid_t tid;
		enum act act; /* what it must do next */
		unsigned long rounds;
	} member[MEMBERS];
} * shared;

static void take(pthread_mutex_t *lock)
{
	/* A robust lock reports that its owner died while it held the lock. */
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		pthread_mutex_consistent(lock);
}

static void member(int me)
{
	pthread_mutex_t *lock = shared->use_it ? &shared->lock : &own_lock;

	shared->member[me].tid = gettid();
	for (;;) {
		enum act act = __atomic_load_n(&shared->member[me].act, __ATOMIC_ACQUIRE);

		if (act == RETURN)
			return;
		if (act == EXIT)
			exit(0);
		if (act == CRASH)
			*nowhere = 1;
		take(lock);
		while (act == HOLD) {
			__atomic_store_n(&shared->held, true, __ATOMIC_RELEASE);
			pause();
		}
		__atomic_fetch_add(&shared->member[me].rounds, 1, __ATOMIC_RELAXED);
		pthread_mutex_unlock(lock);
		usleep(1000);
	}
}

static int member_process(void *me)
{
	member((int)(intptr_t)me);
	return 0;
}

static void *member_thread(void *me)
{
	member((int)(intptr_t)me);
	return NULL;
}

static int group_of_threads(void *unused)
{
	pthread_t threads[MEMBERS];

	(void)unused;
	for (intptr_t i = 0; i < MEMBERS; i++)
		if (pthread_create(&threads[i], NULL, member_thread, (void *)i))
			return 2;
	for (int i = 0; i < MEMBERS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static unsigned long rounds_of(int i)
{
	return __atomic_load_n(&shared->member[i].rounds, __ATOMIC_RELAXED);
}

/* What happened to the members. */
struct outcome {
	unsigned long more[MEMBERS]; /* rounds after the act */
	char state[MEMBERS];	     /* from lab_state(); 0: ended */
	int on;			     /* how many of the other two continued */
};

static bool robust; /* make the shared lock robust */

static void make_lock(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->lock, &attr);
}

static void await_all(void)
{
	uint64_t end = lab_now_ns() + 20 * 1000000000ull;

	for (int i = 0; i < MEMBERS; i++)
		while (rounds_of(i) < 3) {
			if (lab_now_ns() > end)
				lab_die("member %d does not run", i);
			usleep(1000);
		}
}

/* Makes member 0 do `act`, or sends it the signal. */
static void let_happen(enum act act, pid_t pid, bool threads)
{
	pid_t tid = shared->member[0].tid;

	if (act == STOP && threads)
		syscall(SYS_tgkill, pid, tid, SIGSTOP);
	else if (act == STOP)
		kill(pid, SIGSTOP);
	else
		__atomic_store_n(&shared->member[0].act, act == HOLD_AND_DIE ? HOLD : act,
				 __ATOMIC_RELEASE);
	if (act != HOLD && act != HOLD_AND_DIE)
		return;
	while (!__atomic_load_n(&shared->held, __ATOMIC_ACQUIRE))
		usleep(1000);
	if (act == HOLD_AND_DIE)
		kill(pid, SIGKILL);
}

static struct outcome try_out(enum act act, bool threads, bool share_lock)
{
	pid_t pids[MEMBERS], first = 0;
	unsigned long before[MEMBERS];
	struct outcome o = {0};

	memset(shared, 0, sizeof(*shared));
	shared->use_it = share_lock;
	make_lock();
	if (threads)
		first = lab_fork("threads", group_of_threads, NULL);
	for (int i = 0; i < MEMBERS; i++)
		pids[i] =
		    threads ? first : lab_fork("process", member_process, (void *)(intptr_t)i);
	await_all();
	let_happen(act, pids[0], threads);
	for (int i = 0; i < SETTLE; i++)
		usleep(5000);
	for (int i = 0; i < MEMBERS; i++)
		before[i] = rounds_of(i);
	/* The others continue if both have counted some rounds; if not, they had enough time.  If
	 * the whole machine stops for a while, this loop stops too. */
	for (int look = 0; look < LOOKS && o.on < MEMBERS - 1; look++) {
		int ended = 0;

		usleep(5000);
		o.on = 0;
		for (int i = 0; i < MEMBERS; i++) {
			o.more[i] = rounds_of(i) - before[i];
			char state = lab_state(pids[i], shared->member[i].tid);

			o.state[i] = strchr("-ZX", state) ? 0 : state;
			o.on += i > 0 && o.more[i] > 2;
			ended += i > 0 && !o.state[i];
		}
		if (ended == MEMBERS - 1)
			break;
	}
	for (int i = 0; i < (threads ? 1 : MEMBERS); i++) {
		kill(pids[i], SIGKILL);
		lab_wait(pids[i]);
	}
	return o;
}

static const char *cell(const struct outcome *o, int i, char text[40])
{
	if (!o->state[i])
		return "ended";
	if (o->more[i])
		snprintf(text, 40, "continues, +%lu", o->more[i]);
	else
		snprintf(text, 40, "%s (%c)",
			 o->state[i] == 'T' ? "stopped"
			 : i		    ? "held up"
					    : "keeps it",
			 o->state[i]);
	return text;
}

static void outcome_row(struct lab_table *table, const char *what, const char *group,
			const struct outcome *o)
{
	char text[MEMBERS][40];

	lab_row(table, "%s|%s|%s|%s|%s", what, group, cell(o, 0, text[0]), cell(o, 1, text[1]),
		cell(o, 2, text[2]));
}

static void run(void)
{
	bool share = lab_knob("share-lock");
	struct outcome threads[ACTS], processes[ACTS], kept, died, survived;
	int held_threads = 0, held_processes = 0;
	struct lab_table *table;

	shared = lab_shared(sizeof(*shared));
	for (enum act act = STOP; act < ACTS; act++) {
		lab_progress("ways to stop", act - STOP, ACTS);
		threads[act] = try_out(act, true, false);
		processes[act] = try_out(act, false, share);
		held_threads += threads[act].on == 0;
		held_processes += processes[act].on == 0;
	}
	kept = try_out(HOLD, false, true);
	died = try_out(HOLD_AND_DIE, false, true);
	robust = true;
	survived = try_out(HOLD_AND_DIE, false, true);

	table = lab_table("The first one of three stops: which others are held up?",
			  "the first one|three|first|second|third");
	for (enum act act = STOP; act < ACTS; act++) {
		outcome_row(table, act_names[act], "threads", &threads[act]);
		outcome_row(table, "", "processes", &processes[act]);
	}
	lab_note("+N: rounds that it made afterwards. In brackets: its state in the kernel. S: it "
		 "sleeps; "
		 "R: it runs or is ready; T: it is stopped.");
	table = lab_table("Three processes that share a lock in MAP_SHARED memory",
			  "the first one|three|first|second|third");
	outcome_row(table, "keeps the lock", "processes", &kept);
	outcome_row(table, "dies with the lock", "processes", &died);
	outcome_row(table, "dies, mutex is robust", "processes", &survived);

	for (enum act act = STOP; act < RETURN; act++) {
		lab_check_equals(threads[act].on, 0, "threads",
				 "the first %s: the other threads that continue", act_names[act]);
		lab_check_equals(processes[act].on, MEMBERS - 1, "processes",
				 "the first %s: the other processes that continue", act_names[act]);
	}
	lab_check_equals(threads[RETURN].on, MEMBERS - 1, "threads",
			 "the first %s: the other threads that continue", act_names[RETURN]);
	lab_check_equals(processes[RETURN].on, MEMBERS - 1, "processes",
			 "the first %s: the other processes that continue", act_names[RETURN]);
	lab_check_equals(kept.on, 0, "processes",
			 "one keeps a shared lock: the other processes that continue");
	lab_check_equals(died.on, 0, "processes",
			 "one dies with a shared lock: the other processes that continue");
	lab_check_equals(survived.on, MEMBERS - 1, "processes",
			 "the same, but the mutex is robust: the other processes that continue");
	lab_figure("held_up_threads", held_threads, "",
		   "of 5 ways to stop hold up the other threads");
	lab_figure("held_up_processes", held_processes, "",
		   "of 5 ways to stop hold up the other processes");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "In %d of 5 ways to stop, the other threads were held up or ended; in %d, the "
		    "other processes. But processes that share a lock depend on each other as "
		    "threads do, and a thread that only returns holds up no other.",
		    held_threads, held_processes);
	else
		lab_verdict(
		    LAB_FALSE,
		    "In %d of 5 ways to stop, the other threads were held up; in %d, the other "
		    "processes%s.",
		    held_threads, held_processes,
		    share ? ": they share a lock, so they are not independent" : "");
}

static const struct lab_knob knobs[] = {
    {"share-lock", NULL, "the lock is in memory that the processes share: they are held up too"},
    {0},
};

const struct lab lab = {
    .name = "dependence",
    .claim = "Processes are independent of each other, threads interdependent.",
    .loose = "Processes depend on each other as soon as they share something: a lock in shared "
	     "memory, or a pipe. And a thread that returns does not affect the others.",
    .predict = {.question =
		    "SIGSTOP is sent to one thread of three, by its TID. Which of them stop?",
		.choices = {"only that one", "all three", "none: a thread cannot be stopped"},
		.answer = 1,
		.why = "SIGSTOP always stops a whole process. The TID only selects the process."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "A process is independent if it shares no data with others, cooperating if it can "
	     "affect them (Silberschatz, 3.4).",
    .sources = "kernel/task/signal.c, kernel/proc/exit.c, kernel/ipc/futex.c",
    .tour = "futex",
    .run = run,
};
