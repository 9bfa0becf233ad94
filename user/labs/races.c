/* SPDX-License-Identifier: MIT
 *
 * Two threads and one variable: the lost update, the lost wake-up, the deadlock, and how to avoid
 * them.  Each run is a child process whose scheduler takes every decision from a seed, so the same
 * seed gives the same run again.  Linux has no such scheduler: there the lab makes many runs and
 * depends on chance.
 *
 * The threads record each step that they made, so that a learner can read a failed run.
 */
#include "lab.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 2  /* updates by each thread in one run */
#define STEPS  64 /* recorded steps of one run */
#define SEED   "sched_seed"

enum { FIRST, SECOND, LOCKS, NONE = -1 };

static const char *const lock_names[] = {"first", "second"};

/* --- shared data of the programs, in a child: new in each run --------------------------------
 */

static volatile long counter;
static volatile bool ready;
static pthread_mutex_t locks[LOCKS] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int arrived;

/* --- the result of a run, in memory shared with the child ---------------------------------------
 */

struct step {
	int thread;
	char what; /* 'l'oad, 's'tore, or another */
	long value;
	const char *text;
};

static struct run {
	struct step steps[STEPS];
	int count; /* number of steps */
	int runs;  /* runs made by this child; more than one only without a seed */
	bool done, hung;
	long value;
	struct {
		pid_t tid;
		unsigned int holds; /* bit n: locks[n] */
		int wants;
	} thread[2];
	unsigned long schedule[3]; /* with a seed: steps, switches, hash of all switches */
	/* What the kernel reports about threads that hang. */
	char state[2];
	uint64_t waits_on[2]; /* address of a futex; 0: unknown */
} * run;

/* Records a step.  A thread can be preempted between the step and its record: see settle(). */
static void note(int me, char what, long value, const char *text)
{
	int n = __atomic_fetch_add(&run->count, 1, __ATOMIC_RELAXED);

	if (n < STEPS)
		run->steps[n] = (struct step){me, what, value, text};
}

static void start_together(int me)
{
	run->thread[me].tid = gettid();
	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2)
		sched_yield();
}

/* --- the programs -------------------------------------------------------------------------------
 */

/* The three steps of `counter++`. */
static void add_one(int me)
{
	long mine = counter;

	note(me, 'l', mine, "load");
	mine++;
	note(me, 'a', mine, "add 1");
	counter = mine;
	note(me, 's', mine, "store");
}

static void take(int me, int lock)
{
	run->thread[me].wants = lock;
	note(me, 'w', lock, "wants");
	pthread_mutex_lock(&locks[lock]);
	run->thread[me].holds |= 1u << lock;
	run->thread[me].wants = NONE;
	note(me, 'h', lock, "has");
}

static void give(int me, int lock)
{
	run->thread[me].holds &= ~(1u << lock);
	pthread_mutex_unlock(&locks[lock]);
}

static void no_lock(int me)
{
	for (int i = 0; i < ROUNDS; i++)
		add_one(me);
}

static void mutex(int me)
{
	bool lock = !lab_knob("no-lock");

	for (int i = 0; i < ROUNDS; i++) {
		if (lock)
			take(me, FIRST);
		add_one(me);
		if (lock)
			give(me, FIRST);
	}
}

static void atomics(int me)
{
	for (int i = 0; i < ROUNDS; i++)
		note(me, 'x', 1 + __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED), "add, atomic");
}

/* Each thread holds a lock, but the locks are different, so the variable is not protected. */
static void two_mutexes(int me)
{
	for (int i = 0; i < ROUNDS; i++) {
		take(me, me ? SECOND : FIRST);
		add_one(me);
		give(me, me ? SECOND : FIRST);
	}
}

static void announce(int me)
{
	take(me, FIRST);
	ready = true;
	note(me, 'r', 0, "ready = true");
	pthread_cond_signal(&changed);
	note(me, 'k', 0, "signal");
	give(me, FIRST);
}

/* Tests `ready` before it has the lock: the signal can be sent between the test and the sleep. */
static void look_first(int me)
{
	if (me == 1) {
		announce(me);
		return;
	}
	if (ready)
		return;
	note(me, 'q', 0, "ready? no");
	take(me, FIRST);
	note(me, 'z', 0, "sleep");
	run->thread[me].holds = 0; /* pthread_cond_wait() releases the lock */
	pthread_cond_wait(&changed, &locks[FIRST]);
	give(me, FIRST);
}

static void look_under_lock(int me)
{
	if (me == 1) {
		announce(me);
		return;
	}
	take(me, FIRST);
	while (!ready)
		pthread_cond_wait(&changed, &locks[FIRST]);
	give(me, FIRST);
}

static void crossed(int me)
{
	take(me, me ? SECOND : FIRST);
	take(me, me ? FIRST : SECOND);
	give(me, FIRST);
	give(me, SECOND);
}

static void one_order(int me)
{
	take(me, FIRST);
	take(me, SECOND);
	give(me, SECOND);
	give(me, FIRST);
}

enum { NO_LOCK, MUTEX, ATOMICS, TWO_MUTEXES, LOOK_FIRST, UNDER_LOCK, CROSSED, ONE_ORDER, PROGRAMS };

static struct program {
	const char *name;
	void (*body)(int me);
	long right; /* the expected value of the counter */
	bool wrong; /* the program is wrong: some schedules break it */
	/* The results. */
	int runs, lost, hung;
	uint64_t seed; /* the first seed (or run) that failed */
	struct run first;
} programs[PROGRAMS] = {
    [NO_LOCK] = {"counter++ twice, by two threads", no_lock, 2 * ROUNDS, .wrong = true},
    [MUTEX] = {"the same under a mutex", mutex, 2 * ROUNDS},
    [ATOMICS] = {"the same, atomic", atomics, 2 * ROUNDS},
    [TWO_MUTEXES] = {"the same, each thread its own mutex", two_mutexes, 2 * ROUNDS, .wrong = true},
    [LOOK_FIRST] = {"test, then lock and sleep", look_first, .wrong = true},
    [UNDER_LOCK] = {"test and sleep under the lock", look_under_lock},
    [CROSSED] = {"two locks, in opposite orders", crossed, .wrong = true},
    [ONE_ORDER] = {"two locks, in one order", one_order},
};

/* --- one run ------------------------------------------------------------------------------------
 */

static bool seeds; /* the system has /proc/PID/sched_seed */

static void *body(void *arg)
{
	const struct program *p = ((void **)arg)[0];
	int me = (int)(intptr_t)((void **)arg)[1];

	start_together(me);
	p->body(me);
	return NULL;
}

/* Uses no malloc() and no printf(): the steps from the write of the seed to here must be the same
 * in each run. */
static bool read_schedule(const char *path, unsigned long schedule[3], int *holder)
{
	char text[256];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(file, text, sizeof(text) - 1);

	close(file);
	text[n > 0 ? n : 0] = 0;
	return sscanf(text, "seed %*u\nsteps %lu\nswitches %lu\nhash 0x%lx\nholder %d",
		      &schedule[0], &schedule[1], &schedule[2], holder) == 4;
}

static struct {
	const struct program *program;
	uint64_t seed;
	int runs;
} job;

/* Runs in the child: one run with a seed; without seeds, runs until one is wrong. */
static int one_child(void *unused)
{
	void *args[2][2] = {{(void *)job.program, (void *)0}, {(void *)job.program, (void *)1}};
	char text[32];
	int holder;

	(void)unused;
	for (int i = 0; i < job.runs && (i == 0 || run->value == job.program->right); i++) {
		pthread_t threads[2];

		run->count = counter = arrived = 0;
		ready = false;
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)job.seed);
		if (seeds && !lab_write("/proc/self/" SEED, text))
			return 1;
		for (int t = 0; t < 2; t++) {
			run->thread[t].holds = 0;
			run->thread[t].wants = NONE;
			if (pthread_create(&threads[t], NULL, body, args[t]))
				return 1;
		}
		for (int t = 0; t < 2; t++)
			pthread_join(threads[t], NULL);
		run->value = counter;
		__atomic_fetch_add(&run->runs, 1, __ATOMIC_RELEASE);
	}
	if (seeds && !read_schedule("/proc/self/" SEED, run->schedule, &holder))
		return 1;
	run->done = true;
	return 0;
}

/* Asks the kernel where the two threads sleep: the first argument of their futex() calls. */
static void look_at_threads(pid_t pid)
{
	for (int t = 0; t < 2; t++) {
		pid_t tid = run->thread[t].tid;
		struct lab_registers registers;
		char path[64], *text;
		unsigned long long address;

		run->state[t] = '-';
		if (lab_registers(pid, tid, &registers)) {
			run->state[t] = registers.state;
			run->waits_on[t] = registers.rdi;
			continue;
		}
		snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
		text = lab_read(path);
		if (text && sscanf(text, "202 %llx", &address) == 1) {
			run->state[t] = 'S';
			run->waits_on[t] = address;
		}
		free(text);
	}
}

/* Returns true if the threads hang.  With a seed: no member is ready, and none made a step since
 * the last calls.  Without: no run has ended for a long time. */
static bool stands_still(pid_t pid)
{
	static unsigned long before[3], now[3];
	static int last, still;
	static pid_t of;
	int holder = 1;
	bool same;

	if (of != pid) {
		of = pid;
		still = last = 0;
		memset(before, 0, sizeof(before));
	}
	if (seeds) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/" SEED, pid);
		same = read_schedule(path, now, &holder) && !holder && now[0] &&
		       !memcmp(before, now, sizeof(now));
		memcpy(before, now, sizeof(now));
	} else {
		int runs = __atomic_load_n(&run->runs, __ATOMIC_ACQUIRE);

		same = runs == last;
		last = runs;
	}
	still = same ? still + 1 : 0;
	if (still < (seeds ? 3 : 200))
		return false;
	memcpy(run->schedule, now, sizeof(now));
	return true;
}

/* One waits, and none can go on: a thread may be ready while a busy host keeps its CPU. */
static bool one_waits_for_ever(void)
{
	return (run->state[0] == 'S' && strchr("S-", run->state[1])) ||
	       (run->state[1] == 'S' && run->state[0] == '-');
}

static void run_child(const struct program *p, uint64_t seed, int runs)
{
	uint64_t end = lab_now_ns() + 120 * 1000000000ull;
	int status = 0;
	pid_t pid;

	memset(run, 0, sizeof(*run));
	job.program = p;
	job.seed = seed;
	job.runs = runs;
	pid = lab_fork("race", one_child, NULL);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (lab_now_ns() > end) {
			kill(pid, SIGKILL);
			lab_wait(pid);
			lab_die("'%s' with seed %llu does not end", p->name,
				(unsigned long long)seed);
		}
		if (!run->done && stands_still(pid) &&
		    (look_at_threads(pid), one_waits_for_ever())) {
			run->hung = true;
			kill(pid, SIGKILL);
			lab_wait(pid);
			return;
		}
		usleep(1000);
	}
	if (status)
		lab_die("'%s' with seed %llu ended with status %#x", p->name,
			(unsigned long long)seed, status);
}

static bool failed(const struct program *p)
{
	return run->hung || run->value != p->right;
}

static void run_program(struct program *p, int count)
{
	while (p->runs < count && p->hung + p->lost < (seeds ? count : 20)) {
		uint64_t seed = lab_options.seed + p->runs;

		run_child(p, seed, count - p->runs > 1 && !seeds ? count - p->runs : 1);
		p->runs += seeds ? 1 : run->runs + run->hung;
		if (!failed(p))
			continue;
		p->hung += run->hung;
		p->lost += !run->hung;
		if (p->hung + p->lost == 1) {
			p->first = *run;
			p->seed = seeds ? seed : (uint64_t)p->runs;
		}
	}
	if (!p->lost && !p->hung) {
		p->first = *run; /* a run that passed; shown with --seed */
		p->seed = lab_options.seed;
	}
}

/* Runs the same seed again.  Returns true if result, switches and steps are the same. */
static bool again(const struct program *p)
{
	const struct run *a = &p->first;

	run_child(p, p->seed, 1);
	return run->hung == a->hung && run->value == a->value && run->count == a->count &&
	       !memcmp(run->schedule, a->schedule, sizeof(a->schedule)) &&
	       !memcmp(run->steps, a->steps, sizeof(a->steps));
}

/* --- a run, step by step ------------------------------------------------------------------------
 */

/* Puts the recorded steps into an order in which each load finds the value that was stored last, as
 * close to the order of the records as possible.  If two records are in the wrong order, the thread
 * was preempted between a step and its record. */
static bool settle(const struct step *steps, int count, bool *used, struct step *out, int at,
		   long value)
{
	bool tried[2] = {false, false};

	if (at == count)
		return true;
	for (int i = 0; i < count; i++) {
		const struct step *s = &steps[i];

		if (used[i] || tried[s->thread])
			continue;
		tried[s->thread] = true; /* the steps of one thread are in order */
		if (s->what == 'l' && s->value != value)
			continue;
		used[i] = true;
		out[at] = *s;
		if (settle(steps, count, used, out, at + 1,
			   s->what == 's' || s->what == 'x' ? s->value : value))
			return true;
		used[i] = false;
	}
	return false;
}

static void show_steps(const struct program *p, const char *title)
{
	const struct run *r = &p->first;
	int count = r->count < STEPS ? r->count : STEPS;
	struct step order[STEPS];
	bool used[STEPS] = {0}, adds = p->right;
	struct lab_table *table =
	    lab_table(title, adds ? ">step|thread A|thread B|>counter" : ">step|thread A|thread B");
	long value = 0;

	if (!settle(r->steps, count, used, order, 0, 0))
		memcpy(order, r->steps, sizeof(order));
	for (int i = 0; i < count; i++) {
		const struct step *s = &order[i];
		char text[64];

		if (strchr("wh", s->what))
			snprintf(text, sizeof(text), "%s '%s'", s->text, lock_names[s->value]);
		else if (strchr("las", s->what))
			snprintf(text, sizeof(text), "%s: %ld", s->text, s->value);
		else
			snprintf(text, sizeof(text), "%s", s->text);
		if (s->what == 's' || s->what == 'x')
			value = s->value;
		if (adds)
			lab_row(table, "%d|%s|%s|%ld", i + 1, s->thread ? "" : text,
				s->thread ? text : "", value);
		else
			lab_row(table, "%d|%s|%s", i + 1, s->thread ? "" : text,
				s->thread ? text : "");
	}
	if (r->hung)
		for (int t = 0; t < 2; t++)
			lab_row(table, "end|%s|%s", t ? "" : "for ever", t ? "for ever" : "");
}

static int lock_at(uint64_t address)
{
	for (int i = 0; i < LOCKS; i++)
		if (address - (uintptr_t)&locks[i] < sizeof(locks[i]))
			return i;
	return NONE;
}

/* Finds which thread waits for which, from the locks that each holds and wants.  True: a cycle. */
static bool wait_for_cycle(const struct run *r, char *text, size_t size)
{
	int t = 0, passed = 0;

	*text = 0;
	do {
		int wants = r->thread[t].wants, holder = 0;

		while (holder < 2 && (wants == NONE || !(r->thread[holder].holds & 1u << wants)))
			holder++;
		if (holder == 2)
			return false;
		snprintf(text + strlen(text), size - strlen(text),
			 "%s%c waits for '%s', which %c holds", passed ? "; " : "", 'A' + t,
			 lock_names[wants], 'A' + holder);
		t = holder;
	} while (t != 0 && ++passed < 2);
	return t == 0;
}

static void show_hung(const struct program *p)
{
	const struct run *r = &p->first;
	struct lab_table *table =
	    lab_table("The threads that hang: what they recorded, and what the kernel reports",
		      "thread|>TID|state|holds|wants|waits on futex|which is");

	for (int t = 0; t < 2; t++) {
		unsigned int holds = r->thread[t].holds;
		int wants = r->thread[t].wants, lock = lock_at(r->waits_on[t]);
		bool gone = r->state[t] == '-';
		char address[32] = "-";

		if (r->waits_on[t] && !gone)
			snprintf(address, sizeof(address), "0x%llx",
				 (unsigned long long)r->waits_on[t]);
		lab_row(table, "%c|%d|%c|%s|%s|%s|%s", 'A' + t, r->thread[t].tid, r->state[t],
			!holds ? "-" : lock_names[holds >> SECOND & 1],
			wants == NONE ? "-" : lock_names[wants], address,
			gone	       ? "it has ended"
			: lock != NONE ? lock_names[lock]
			: p->right     ? ""
				       : "the condition variable");
	}
}

/* --- without seeds, on one CPU and on two -------------------------------------------------------
 */

#define UPDATES 20000 /* recorded updates of each thread */

static struct update {
	uint64_t loaded, stored; /* cycles just before the load and just after the store */
	long value;
} * updates[2];

static struct chance {
	bool one_cpu;
	uint64_t end_ns;
	long made[2];
} chance;

static void *update_freely(void *arg)
{
	int me = (int)(intptr_t)arg;
	long made = 0;

	lab_pin(chance.one_cpu ? 0 : me);
	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2)
		sched_yield();
	while (made % 64 || lab_now_ns() < chance.end_ns) {
		struct update u;

		u.loaded = lab_cycles();
		u.value = counter;
		counter = u.value + 1;
		u.stored = lab_cycles();
		if (made < UPDATES)
			updates[me][made] = u;
		made++;
	}
	chance.made[me] = made;
	return NULL;
}

/* Lets two threads update the counter without a lock.  Returns the number of lost updates. */
static long leave_to_chance(bool one_cpu)
{
	pthread_t threads[2];

	counter = arrived = 0;
	chance.one_cpu = one_cpu;
	chance.end_ns = lab_now_ns() + (uint64_t)lab_pick(100, 40) * 1000000;
	for (intptr_t t = 0; t < 2; t++)
		threads[t] = lab_thread(t ? "adds B" : "adds A", update_freely, (void *)t);
	for (int t = 0; t < 2; t++)
		pthread_join(threads[t], NULL);
	return chance.made[0] + chance.made[1] - counter;
}

/* Finds two updates that loaded the same value at the same time. */
static bool find_pair(struct update pair[2])
{
	int count[2], at[2] = {0, 0};

	for (int t = 0; t < 2; t++)
		count[t] = chance.made[t] < UPDATES ? chance.made[t] : UPDATES;
	while (at[0] < count[0] && at[1] < count[1]) {
		struct update *a = &updates[0][at[0]], *b = &updates[1][at[1]];

		if (a->value == b->value && a->loaded < b->stored && b->loaded < a->stored) {
			pair[0] = *a;
			pair[1] = *b;
			return true;
		}
		at[a->stored > b->stored]++;
	}
	return false;
}

static void show_pair(const struct update pair[2])
{
	struct lab_table *table =
	    lab_table("Two CPUs, by chance: one of the updates that were lost",
		      ">cycles|CPU 0: thread A|CPU 1: thread B");
	uint64_t zero = pair[0].loaded < pair[1].loaded ? pair[0].loaded : pair[1].loaded;
	bool shown[4] = {false};

	for (int i = 0; i < 4; i++) {
		uint64_t next = UINT64_MAX;
		int t, earliest = 0;
		bool store;
		char text[48];

		for (int e = 0; e < 4; e++) {
			uint64_t at = e & 1 ? pair[e / 2].stored : pair[e / 2].loaded;

			if (!shown[e] && at < next) {
				next = at;
				earliest = e;
			}
		}
		shown[earliest] = true;
		t = earliest / 2;
		store = earliest & 1;
		snprintf(text, sizeof(text), "%s %ld", store ? "has stored" : "loads",
			 pair[t].value + store);
		lab_row(table, "%llu|%s|%s", (unsigned long long)(next - zero), t ? "" : text,
			t ? text : "");
	}
}

/* --- the lab ------------------------------------------------------------------------------------
 */

static void show_program(const struct program *p, const char *what)
{
	char title[128];

	if (!lab_options.seed_given && !p->lost && !p->hung)
		return;
	snprintf(title, sizeof(title), "%s: %s %llu of '%s'", what, seeds ? "seed" : "run",
		 (unsigned long long)p->seed, p->name);
	show_steps(p, title);
	if (p->first.hung)
		show_hung(p);
}

static void check_program(const struct program *p)
{
	if (!p->wrong)
		lab_check_equals(p->lost + p->hung, 0, "", "%s: runs that fail, of %d", p->name,
				 p->runs);
	else if (seeds && !lab_options.seed_given)
		lab_check_between(p->lost + p->hung, 1, p->runs - 1, "",
				  "%s: runs that fail, of %d; some, but not all", p->name, p->runs);
}

static void run_lab(void)
{
	bool only_one = lab_options.seed_given, same = true, pair_found = false, cycle = false;
	int broken = 0, wrong = 0, count;
	long lost[2] = {0, 0}, made[2] = {0, 0};
	struct lab_table *table;
	struct update pair[2];
	char cycle_text[160];

	run = lab_shared(sizeof(*run));
	seeds = access("/proc/self/" SEED, W_OK) == 0;
	for (int t = 0; t < 2; t++)
		updates[t] = calloc(UPDATES, sizeof(**updates));
	if (!updates[0] || !updates[1])
		lab_die("out of memory");
	for (int i = 0; i < PROGRAMS; i++) {
		struct program *p = &programs[i];

		lab_progress("programs", i, PROGRAMS);
		count = !seeds	   ? lab_pick(4000, 1500)
			: only_one ? 1
			: i == 0   ? lab_pick(100, 30)
				   : lab_pick(40, 12);
		run_program(p, count);
		if (seeds && (p->lost || p->hung || only_one))
			same &= again(p);
		wrong += p->wrong;
		broken += p->wrong && p->lost + p->hung;
	}
	lost[0] = leave_to_chance(true);
	made[0] = chance.made[0] + chance.made[1];
	for (int i = 0; i < 20 && lab_options.cpus > 1 && !pair_found; i++) {
		lost[1] = leave_to_chance(false);
		made[1] = chance.made[0] + chance.made[1];
		pair_found = find_pair(pair);
	}
	table = lab_table(seeds ? "Programs, and how many seeds break them"
				: "Programs, and how many runs break them",
			  "program|>runs|>lost an update|>hang|>first failed");
	for (int i = 0; i < PROGRAMS; i++) {
		const struct program *p = &programs[i];
		char first[24] = "-";

		if (p->lost || p->hung)
			snprintf(first, sizeof(first), "%llu", (unsigned long long)p->seed);
		lab_row(table, "%s|%d|%d|%d|%s", p->name, p->runs, p->lost, p->hung, first);
	}
	lab_note("The first program is wrong, but %d of its %d runs passed.",
		 programs[NO_LOCK].runs - programs[NO_LOCK].lost, programs[NO_LOCK].runs);
	show_program(&programs[NO_LOCK], seeds ? "A lost update on one CPU" : "A lost update");
	if (pair_found)
		show_pair(pair);
	else if (lab_options.cpus < 2)
		lab_left_out("A lost update on two CPUs", "this lab may use only one CPU");
	else
		lab_left_out("The steps of a lost update on two CPUs",
			     lost[1] ? "CANNOT BE SHOWN HERE: updates were lost, but not among the "
				       "first ones, whose steps are recorded"
				     : "CANNOT BE SHOWN HERE: in 20 tries chance lost no update. "
				       "On a busy host the two CPUs seldom run at the same time");
	table = lab_table("Without a seed: as many updates as possible in a fixed time",
			  "where|>updates|>lost");
	lab_row(table, "two threads on one CPU|%ld|%ld", made[0], lost[0]);
	if (lab_options.cpus > 1)
		lab_row(table, "two threads on two CPUs|%ld|%ld", made[1], lost[1]);
	show_program(&programs[TWO_MUTEXES], "A lock protects data, not code");
	show_program(&programs[LOOK_FIRST], "A lost wake-up");
	show_program(&programs[CROSSED], "A deadlock");
	if (programs[CROSSED].hung) {
		const struct run *r = &programs[CROSSED].first;

		cycle = wait_for_cycle(r, cycle_text, sizeof(cycle_text));
		lab_note("Wait-for cycle: %s.", cycle ? cycle_text : "none");
		lab_check(cycle, "the deadlock is a cycle: two threads wait for each other");
		if (r->waits_on[0] && r->waits_on[1])
			lab_check(lock_at(r->waits_on[0]) == r->thread[0].wants &&
				      lock_at(r->waits_on[1]) == r->thread[1].wants,
				  "the kernel reports that both sleep on the locks that they want");
		else
			lab_left_out("The futexes of the deadlocked threads",
				     "this user may not read their registers");
	}
	for (int i = 0; i < PROGRAMS; i++) {
		check_program(&programs[i]);
		if (!seeds && programs[i].wrong && !programs[i].lost && !programs[i].hung)
			lab_left_out(programs[i].name, "without seeds it did not fail here");
	}
	if (seeds)
		lab_check(same,
			  "each seed that failed gave the same steps and switches in a second run");
	else
		lab_left_out("Repeatable schedules from a seed",
			     "only Heddle has /proc/PID/sched_seed; here chance decides");
	if (pair_found)
		lab_check_at_least(lost[1], 1, "updates",
				   "updates that are lost on two CPUs, of %ld", made[1]);
	lab_figure(seeds ? "failing_seeds_in_100" : "failing_in_100",
		   100.0 * programs[NO_LOCK].lost / programs[NO_LOCK].runs, "",
		   "of 100 runs of counter++ without a lock lose an update");
	if (made[1])
		lab_figure("lost_two_cpus", 100.0 * lost[1] / made[1], "%",
			   "updates lost on two CPUs, without seeds");
	if (lab_checks_failed())
		lab_verdict(
		    LAB_FALSE,
		    programs[MUTEX].lost
			? "Updates are lost in spite of the \"mutex\": in %d of %d runs. A "
			  "lock that the threads do not take protects nothing."
			: "The programs with locks do not work as they should: see the checks.",
		    programs[MUTEX].lost, programs[MUTEX].runs);
	else if (only_one && seeds)
		lab_verdict(broken ? LAB_CORRECTED : LAB_NOT_SHOWN,
			    "Seed %llu breaks %d of the %d wrong programs. %s",
			    (unsigned long long)lab_options.seed, broken, wrong,
			    "If a program passes in one schedule, it can still fail in others.");
	else if (!programs[NO_LOCK].lost && !pair_found)
		lab_verdict(
		    LAB_NOT_SHOWN,
		    "Without seeds nothing was lost in %d runs on %d CPU. But \"it passed\" "
		    "does not mean \"it is right\".",
		    programs[NO_LOCK].runs, lab_options.cpus);
	else if (!programs[NO_LOCK].lost)
		lab_verdict(LAB_CORRECTED,
			    "Without a lock no update was lost in %d runs with two updates of "
			    "each thread; but without an end %ld of %ld were lost on two CPUs. So "
			    "\"it passed\" does not mean \"it is right\". With a mutex or atomics "
			    "none fail.",
			    programs[NO_LOCK].runs, lost[1], made[1]);
	else
		lab_verdict(LAB_CORRECTED,
			    "Without a lock %d of %d %s lose an update and %d pass. So \"it "
			    "passed\" does not mean \"it is right\". With a mutex or atomics none "
			    "fail. A lock protects data, not code: with a different mutex for each "
			    "thread %d of %d fail%s.",
			    programs[NO_LOCK].lost, programs[NO_LOCK].runs,
			    seeds ? "seeds" : "runs",
			    programs[NO_LOCK].runs - programs[NO_LOCK].lost,
			    programs[TWO_MUTEXES].lost, programs[TWO_MUTEXES].runs,
			    programs[TWO_MUTEXES].lost ? "" : ", by chance, but they are wrong");
}

static const struct lab_knob knobs[] = {
    {"no-lock", NULL, "the program with the mutex does not lock it, and fails too"},
    {0},
};

const struct lab lab = {
    .name = "races",
    .claim = "Threads share memory, so synchronisation and locking are needed to avoid "
	     "inconsistency.",
    .loose =
	"\"It passed\" does not mean \"it is right\": a wrong program passes in most schedules. "
	"And a lock protects data, not code: two different locks do not protect one variable.",
    .predict = {.question = "Two threads do counter++ twice each, without a lock, in 100 different "
			    "schedules. In how many is the counter not 4?",
		.choices = {"in none: it is one statement", "in some of them", "in all of them"},
		.answer = 1,
		.why = "counter++ loads, adds and stores. An update is lost only if the other "
		       "thread stores between this load and this store."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "\"Several processes access and manipulate the same data concurrently and the outcome "
	     "depends on the particular order\": a race condition (Silberschatz, 6.1).",
    .sources = "kernel/watch/seed/seed.c seed_step(), choose_holder(); kernel/ipc/futex.c",
    .tour = "race",
    .run = run_lab,
};
