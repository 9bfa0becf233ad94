/* SPDX-License-Identifier: MIT
 *
 * Three threads of a process, and three processes.  Each member counts its rounds in memory that
 * the lab sees.  One of them stops, in one way or another: do the others still count?
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
#define LOOKS	100 /* at most, 5 ms apart, before a member counts as held up */
#define SETTLE	8   /* the same, from the act to the first look */

enum act { GO_ON, STOP, HOLD, EXIT, CRASH, RETURN, ACTS, HOLD_AND_DIE };

static const char *const act_names[] = {
    [STOP] = "is sent SIGSTOP",	     [HOLD] = "keeps the lock", [EXIT] = "calls exit()",
    [CRASH] = "writes to address 0", [RETURN] = "returns",
};

/* Each round is under a lock.  This one is in the memory of a process: its threads share it, and
 * each process has its own. */
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int *nowhere;

static struct shared {
	pthread_mutex_t lock; /* one for all processes */
	bool use_it;
	bool held;
	struct {
		pid_t tid;
		enum act act; /* what it is to do next */
		unsigned long rounds;
	} member[MEMBERS];
} * shared;

static void take(pthread_mutex_t *lock)
{
	/* A robust lock says that its owner died with it. */
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

/* The letter of /proc/PID/task/TID/stat; 0: there is no such thread any more. */
struct outcome {
	unsigned long more[MEMBERS]; /* rounds after it happened */
	char state[MEMBERS];	     /* as lab_state() has it; 0: ended */
	int on;			     /* of the other two, how many went on */
};

static bool robust; /* how the shared lock is made */

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

/* Member 0 does it, or it is done to it. */
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
	/* They have gone on once both have counted some rounds; else they had their time.  Where
	 * the machine stands still, so does this loop. */
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

static const char *cell(const struct outcome *o, int i, char text[32])
{
	if (!o->state[i])
		return "ended";
	if (o->more[i])
		snprintf(text, 32, "goes on, +%lu", o->more[i]);
	else
		snprintf(text, 32, "%s (%c)",
			 o->state[i] == 'T' ? "stopped"
			 : i		    ? "held up"
					    : "keeps it",
			 o->state[i]);
	return text;
}

static void outcome_row(struct lab_table *table, const char *what, const char *group,
			const struct outcome *o)
{
	char text[MEMBERS][32];

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

	table = lab_table("The first one of three stops. Who is held up?",
			  "the first one|of three|first|second|third");
	for (enum act act = STOP; act < ACTS; act++) {
		outcome_row(table, act_names[act], "threads", &threads[act]);
		outcome_row(table, "", "processes", &processes[act]);
	}
	lab_note(
	    "+N: rounds that it made afterwards. In brackets what the kernel says: S sleeps, R "
	    "runs or is ready, T is stopped.");
	table = lab_table("Three processes that share a lock, in memory that they agreed to share",
			  "the first one|of three|first|second|third");
	outcome_row(table, "keeps it", "processes", &kept);
	outcome_row(table, "dies with it", "processes", &died);
	outcome_row(table, "dies, mutex is robust", "processes", &survived);

	for (enum act act = STOP; act < RETURN; act++)
		lab_check(threads[act].on == 0 && processes[act].on == MEMBERS - 1,
			  "%s: %d of the two other threads and %d of the two other processes go on",
			  act_names[act], threads[act].on, processes[act].on);
	lab_check(threads[RETURN].on == MEMBERS - 1 && processes[RETURN].on == MEMBERS - 1,
		  "%s: the others go on, threads too", act_names[RETURN]);
	lab_check(kept.on == 0 && died.on == 0,
		  "processes that share a lock are held up, also by a dead one");
	lab_check(survived.on == MEMBERS - 1,
		  "but not where the mutex is robust: the next one is told");
	lab_figure("held_up_threads", held_threads, "",
		   "of 5 ways to stop, those that stop threads");
	lab_figure("held_up_processes", held_processes, "", "the same of processes");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "Of 5 ways in which one stops, %d held up or ended the other threads, %d "
		    "the other processes. But processes that share a lock depend on each "
		    "other as threads do, and a thread that just returns holds up nobody.",
		    held_threads, held_processes);
	else
		lab_verdict(
		    LAB_FALSE,
		    "Of 5 ways in which one stops, %d held up the other threads, and %d the "
		    "other processes%s.",
		    held_threads, held_processes,
		    share ? ": they share a lock, so they are not independent" : "");
}

static const struct lab_knob knobs[] = {
    {"share-lock", NULL, "the processes' lock is in memory that they share: they are held up too"},
    {0},
};

const struct lab lab = {
    .name = "dependence",
    .claim = "Processes are independent of each other, threads interdependent.",
    .loose = "Processes depend on each other as soon as they share something: a lock in shared "
	     "memory, a pipe. And a thread that returns leaves the others alone.",
    .predict = {.question =
		    "SIGSTOP is sent to one thread of three, by its TID. Which of them stop?",
		.choices = {"that one", "all three", "none: a thread cannot be stopped"},
		.answer = 1,
		.why = "Stopping is done to a process. A TID only says which one is meant."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "A process is independent if it shares no data with others, cooperating if it can "
	     "affect them (Silberschatz, 3.4).",
    .sources = "kernel/task/signal.c, kernel/proc/exit.c, kernel/ipc/futex.c",
    .tour = "futex",
    .run = run,
};
