/* SPDX-License-Identifier: MIT
 *
 * How two parties communicate: processes by pipes, sockets, signals and shared memory, threads by
 * variables.  The lab sends a word there and back (round trip), then messages one way (throughput),
 * and counts the system calls, switches and copies of each.  The ways that use memory are the same
 * code for processes and for threads: only the place of the memory differs.
 *
 * Both parties stay on one CPU, so that every round trip has two switches, in all ways.
 */
#include "lab.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ROUNDS_MAX = 40,
	TRIPS_MAX = 200,
	SIZES = 3,
	LARGEST = 65536,
	SLOTS = 2,
	UPDATES = 300,
	RECORDS = 500
};
static const int sizes[SIZES] = {64, 4096, LARGEST}, messages[SIZES] = {200, 40, 6};

/* In memory that both parties see.  There are three ways to use it: with a mutex and a condition
 * variable, with a mutex alone, and with neither; only in the first a waiting party sleeps. */
struct meeting {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned turn;		/* the party whose turn it is */
	unsigned filled, taken; /* slots filled and taken so far */
	char slots[SLOTS][LARGEST] __attribute__((aligned(4096)));
};
static struct meeting of_threads, *meeting;

enum discipline { VARIABLE, MUTEX, CONDITION };

/* What the child reports about itself. */
static struct shared {
	struct lab_counters used;
	uint64_t frame, sum;
	bool has_frame;
	pthread_mutex_t lock;
	volatile int counter;
	int adders; /* number that have begun */
} * shared;

/* --- the ways ----------------------------------------------------------------------------------
 * Party 0 is the lab itself, party 1 is the other process or thread. */

static const struct way *way;
static pid_t first, second; /* PIDs of the parties, if they are processes */
static int in[2], out[2];   /* descriptors of the ways that use them */
static char buffers[2][LARGEST] __attribute__((aligned(4096)));

static bool open_pipe(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		return false;
	in[1] = there[0], out[0] = there[1];
	in[0] = back[0], out[1] = back[1];
	return true;
}

static bool open_socketpair(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, in) < 0)
		return false;
	out[0] = in[0], out[1] = in[1];
	return true;
}

static bool open_named(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	bool ok;

	if (listener < 0)
		return false;
	snprintf(name.sun_path, sizeof(name.sun_path), "/tmp/lab-ipc.%d", getpid());
	out[0] = in[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	ok = in[0] >= 0 && bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	     listen(listener, 1) == 0 &&
	     connect(in[0], (struct sockaddr *)&name, sizeof(name)) == 0;
	out[1] = in[1] = ok ? accept(listener, NULL, NULL) : -1;
	unlink(name.sun_path);
	close(listener);
	return ok && in[1] >= 0;
}

static bool open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	first = getpid();
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0;
}

static void signal_send(int me, uint64_t word)
{
	union sigval value = {.sival_ptr = (void *)(uintptr_t)word};

	/* EAGAIN: the limit of pending signals is reached (RLIMIT_SIGPENDING). */
	while (sigqueue(me ? first : second, SIGRTMIN, value) < 0 && errno == EAGAIN)
		sched_yield();
}

static uint64_t signal_receive(void)
{
	struct timespec limit = {.tv_sec = 20};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	while (sigtimedwait(&set, &info, &limit) < 0)
		if (errno != EINTR)
			lab_die("no signal came: %s", strerror(errno));
	return (uintptr_t)info.si_value.sival_ptr;
}

static void meeting_open(bool threads)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t condition;
	static struct meeting *of_processes;

	if (!of_processes)
		of_processes = lab_shared(sizeof(*of_processes));
	meeting = threads ? &of_threads : of_processes;
	pthread_mutexattr_init(&mutex);
	pthread_condattr_init(&condition);
	if (!threads) {
		pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
		pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
	}
	pthread_mutex_init(&meeting->lock, &mutex);
	pthread_cond_init(&meeting->changed, &condition);
	meeting->turn = 0;
	meeting->filled = meeting->taken = 0;
}

static const struct way {
	const char *name;
	bool threads;
	bool (*open)(void); /* NULL: a meeting in memory */
	enum discipline discipline;
} ways[] = {
    {"pipe", false, open_pipe, 0},
    {"socketpair", false, open_socketpair, 0},
    {"named socket", false, open_named, 0},
    {"signal", false, open_signals, 0},
    {"memory: mutex, condition", false, NULL, CONDITION},
    {"memory: mutex", false, NULL, MUTEX},
    {"memory: variable", false, NULL, VARIABLE},
    {"pipe", true, open_pipe, 0},
    {"mutex, condition", true, NULL, CONDITION},
    {"mutex", true, NULL, MUTEX},
    {"variable", true, NULL, VARIABLE},
};
enum { PIPE, SOCKETPAIR, NAMED, SIGNAL, SHARED_CONDITION, SHARED_MUTEX, SHARED_VARIABLE };
enum { THREADS_PIPE = 7, THREADS_CONDITION, THREADS_MUTEX, THREADS_VARIABLE, WAYS };

static void lock(void)
{
	if (way->discipline != VARIABLE)
		pthread_mutex_lock(&meeting->lock);
}

static void unlock(void)
{
	if (way->discipline != VARIABLE)
		pthread_mutex_unlock(&meeting->lock);
}

static void wait_for_change(void)
{
	if (way->discipline == CONDITION) {
		pthread_cond_wait(&meeting->changed, &meeting->lock);
		return;
	}
	unlock();
	sched_yield();
	lock();
}

static void change(unsigned *what, unsigned value)
{
	lock();
	__atomic_store_n(what, value, __ATOMIC_RELEASE);
	if (way->discipline == CONDITION)
		pthread_cond_signal(&meeting->changed);
	unlock();
}

static void write_all(int file, const char *data, size_t size)
{
	for (ssize_t n; size > 0; data += n, size -= n)
		if ((n = write(file, data, size)) <= 0)
			lab_die("write: %s", strerror(errno));
}

static void read_all(int file, char *data, size_t size)
{
	for (ssize_t n; size > 0; data += n, size -= n)
		if ((n = read(file, data, size)) <= 0)
			lab_die("read: %s", strerror(errno));
}

static void hand_over(int me)
{
	if (way->open == open_signals)
		signal_send(me, 1);
	else if (way->open)
		write_all(out[me], "x", 1);
	else
		change(&meeting->turn, !me);
}

static void await_turn(int me)
{
	char word;

	if (way->open == open_signals) {
		signal_receive();
	} else if (way->open) {
		read_all(in[me], &word, 1);
	} else {
		lock();
		while (__atomic_load_n(&meeting->turn, __ATOMIC_ACQUIRE) != (unsigned)me)
			wait_for_change();
		unlock();
	}
}

/* Adds up a message, so that the receiver reads every byte that the sender wrote. */
static uint64_t sum(const char *data, int size)
{
	uint64_t total = 0;

	for (int i = 0; i < size; i += 8)
		total += *(const uint64_t *)(data + i);
	return total;
}

static void send_message(int number, int size)
{
	char *data = buffers[0];

	if (!way->open) {
		lock();
		while (meeting->filled - __atomic_load_n(&meeting->taken, __ATOMIC_ACQUIRE) ==
		       SLOTS)
			wait_for_change();
		unlock();
		data = meeting->slots[meeting->filled % SLOTS]; /* the receiver reads it here */
	}
	memset(data, number, size);
	if (way->open == open_signals)
		for (int i = 0; i < size; i += 8)
			signal_send(0, *(uint64_t *)(data + i));
	else if (way->open)
		write_all(out[0], data, size);
	else
		change(&meeting->filled, meeting->filled + 1);
}

static uint64_t receive_message(int size)
{
	char *data = buffers[1];
	uint64_t total;

	if (way->open == open_signals) {
		for (int i = 0; i < size; i += 8)
			*(uint64_t *)(data + i) = signal_receive();
	} else if (way->open) {
		read_all(in[1], data, size);
	} else {
		lock();
		while (__atomic_load_n(&meeting->filled, __ATOMIC_ACQUIRE) == meeting->taken)
			wait_for_change();
		unlock();
		data = meeting->slots[meeting->taken % SLOTS];
	}
	total = sum(data, size);
	if (!way->open)
		change(&meeting->taken, meeting->taken + 1);
	return total;
}

/* --- measurements -------------------------------------------------------------------------------
 */

static int trips;
static struct {
	bool has;
	double times[ROUNDS_MAX], rates[SIZES][ROUNDS_MAX];
	double trip_us, rate[SIZES];   /* MB/s */
	double calls, switches, roots; /* for each round trip */
	uint64_t from, to;	       /* frames in which a message is written and read */
	bool frames;
} found[WAYS];
static bool sums_right = true;

static void ask(void)
{
	hand_over(0);
	await_turn(0);
}

static void answer(void)
{
	await_turn(1);
	hand_over(1);
}

/* The number of system calls made by lab_counters() itself: it reads files and allocates memory. */
static uint64_t calls_to_count(void)
{
	struct lab_counters before, used;

	for (int i = 0; i < 2; i++) { /* the first time it may allocate more memory */
		lab_counters(&before);
		used = lab_counters_since(&before);
	}
	return used.system_calls;
}

static int other(void *unused)
{
	struct lab_counters before;
	uint64_t own_calls;

	(void)unused;
	answer();
	own_calls = calls_to_count(); /* the first party only waits at this time */
	lab_counters(&before);
	for (int i = 0; i < trips + 1; i++)
		answer();
	if (!way->threads) {
		shared->used = lab_counters_since(&before);
		shared->used.system_calls -= own_calls;
	}
	shared->sum = 0;
	answer();
	for (int s = 0; s < SIZES; s++) {
		if (way->open == open_signals && s > 0)
			continue; /* a signal carries a word: a page would need 512 of them */
		await_turn(1);
		for (int i = 0; i < messages[s]; i++)
			shared->sum += receive_message(sizes[s]);
		hand_over(1);
	}
	shared->has_frame =
	    lab_frame(0, way->open ? buffers[1] : meeting->slots[0], &shared->frame);
	return 0;
}

static void *other_thread(void *unused)
{
	other(unused);
	return NULL;
}

static void measure(int w, int round)
{
	struct lab_counters before, used;
	uint64_t start, own_calls, expected = 0;
	static double took[TRIPS_MAX];
	double calls;
	pthread_t thread = 0;
	pid_t pid = 0;

	way = &ways[w];
	meeting_open(way->threads);
	found[w].has = !way->open || way->open();
	if (!found[w].has)
		return;
	if (way->threads)
		thread = lab_thread("other", other_thread, NULL);
	else
		pid = lab_fork("other", other, NULL);
	second = pid;
	ask(); /* now the other party has begun */
	ask(); /* and has read its counters */
	own_calls = calls_to_count();
	lab_counters(&before);
	/* The median trip: the host or other programs disturb only a few of them. */
	for (int i = 0; i < trips; i++) {
		uint64_t cycles = lab_cycles();

		ask();
		took[i] = (double)(lab_cycles() - cycles);
	}
	found[w].times[round] = lab_median(took, trips) / lab_cycles_per_ns() / 1e3;
	used = lab_counters_since(&before);
	ask(); /* now the other party has read its counters too */
	for (int s = 0; s < SIZES; s++) {
		if (way->open == open_signals && s > 0)
			continue;
		start = lab_now_ns();
		hand_over(0);
		for (int i = 0; i < messages[s]; i++) {
			send_message(i, sizes[s]);
			expected += i * 0x0101010101010101ull * (sizes[s] / 8);
		}
		await_turn(0);
		found[w].rates[s][round] = 1e3 * sizes[s] * messages[s] / (lab_now_ns() - start);
	}
	if (way->threads)
		pthread_join(thread, NULL);
	else
		lab_wait(pid);
	sums_right &= shared->sum == expected;
	found[w].frames = shared->has_frame &&
			  lab_frame(0, way->open ? buffers[0] : meeting->slots[0], &found[w].from);
	found[w].to = shared->frame;
	if (!way->threads) { /* the calls of the other process are counted separately */
		double share = (double)trips / (trips + 1); /* it answered once more */

		used.system_calls += shared->used.system_calls * share;
		used.voluntary += shared->used.voluntary * share;
		used.involuntary += shared->used.involuntary * share;
	}
	calls = (double)(used.system_calls - own_calls) / trips;
	/* Of the round with the fewest.  On a busy machine a party runs more often before the other
	 * one, which has woken it, leaves the lock: then it waits for the lock, too. */
	if (round == 0 || calls < found[w].calls) {
		found[w].calls = calls;
		found[w].switches = (double)(used.voluntary + used.involuntary) / trips;
		found[w].roots = (double)used.switches_root / trips;
	}
	if (way->open && way->open != open_signals) {
		for (int i = 0; i < 2; i++) {
			close(in[i]);
			if (out[i] != in[i])
				close(out[i]);
		}
	}
}

/* --- data, order and locks ---------------------------------------------------------------------
 * A pipe keeps records whole and in order.  Memory does not: two that add to a number need a lock.
 */

static bool locked;

static int update(void *unused)
{
	(void)unused;
	__atomic_add_fetch(&shared->adders, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&shared->adders, __ATOMIC_SEQ_CST) < 2)
		sched_yield(); /* both begin at the same time */
	for (int i = 0; i < UPDATES; i++) {
		int value;

		if (locked)
			pthread_mutex_lock(&shared->lock);
		value = shared->counter;
		sched_yield(); /* switch at the worst moment: sooner or later it happens */
		shared->counter = value + 1;
		if (locked)
			pthread_mutex_unlock(&shared->lock);
	}
	return 0;
}

static int updates(bool with_lock)
{
	pthread_mutexattr_t attributes;
	pid_t pid;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->lock, &attributes);
	locked = with_lock;
	shared->counter = shared->adders = 0;
	pid = lab_fork("adds", update, NULL);
	update(NULL);
	lab_wait(pid);
	return shared->counter;
}

struct record {
	int writer, number, check;
};

static int write_records(void *writer)
{
	for (int i = 0; i < RECORDS; i++) {
		struct record r = {(intptr_t)writer, i, i ^ 0x5a5a};

		write_all(out[0], (char *)&r, sizeof(r));
		if (i % 16 == 0)
			sched_yield();
	}
	return 0;
}

/* Returns how many records of two writers arrive whole and in their writer's order, without a lock.
 */
static int records(void)
{
	int next[2] = {0}, good = 0;
	pid_t pids[2];
	struct record r;

	if (!open_pipe())
		lab_die("pipe: %s", strerror(errno));
	for (intptr_t i = 0; i < 2; i++)
		pids[i] = lab_fork("writes", write_records, (void *)i);
	for (int i = 0; i < 2 * RECORDS; i++) {
		read_all(in[1], (char *)&r, sizeof(r));
		good += (r.writer == 0 || r.writer == 1) && r.number == next[r.writer]++ &&
			r.check == (r.number ^ 0x5a5a);
	}
	for (int i = 0; i < 2; i++)
		lab_wait(pids[i]);
	return good;
}

/* --- the lab ------------------------------------------------------------------------------------
 */

static void number(char text[24], bool has, const char *format, double value)
{
	if (has)
		snprintf(text, 24, format, value);
	else
		strcpy(text, "-");
}

static void show(bool has_calls, bool has_roots)
{
	struct lab_table *table = lab_table(
	    lab_knob("all-cpus")
		? "A word there and back, all CPUs: the median, and its cost"
		: "A word there and back, 1 CPU: the median, and the cost of one round trip",
	    "between|by|>round trip|>calls|>switches|>new space");

	for (int w = 0; w < WAYS; w++) {
		char calls[24], roots[24];

		if (!found[w].has) {
			lab_left_out(ways[w].name, "this system does not have it");
			continue;
		}
		number(calls, has_calls, "%.1f", found[w].calls);
		number(roots, has_roots, "%.1f", found[w].roots);
		lab_row(table, "%s|%s|%.1f us|%s|%.1f|%s",
			ways[w].threads ? "threads" : "processes", ways[w].name, found[w].trip_us,
			calls, found[w].switches, roots);
	}
	if (!has_calls)
		lab_left_out("System calls of each, and switches to another address space",
			     "only Heddle counts them for all processes");
	table =
	    lab_table("Messages one way, MB/s; the frames in which a message is written and read",
		      "between|by|>64 B|>4 KiB|>64 KiB|written|read|>copies");
	for (int w = 0; w < WAYS; w++) {
		char rates[SIZES][24], from[24] = "?", to[24] = "?";

		if (!found[w].has)
			continue;
		for (int s = 0; s < SIZES; s++)
			number(rates[s], found[w].rate[s] > 0, "%.1f", found[w].rate[s]);
		if (found[w].frames) {
			snprintf(from, sizeof(from), "%llx", (unsigned long long)found[w].from);
			snprintf(to, sizeof(to), "%llx", (unsigned long long)found[w].to);
		}
		lab_row(table, "%s|%s|%s|%s|%s|%s|%s|%d", ways[w].threads ? "threads" : "processes",
			ways[w].name, rates[0], rates[1], rates[2], from, to, ways[w].open ? 2 : 0);
	}
	lab_note(
	    "Written, read: numbers of page frames. If they differ, every byte was copied twice: "
	    "into the kernel and out of it. A signal carries a word, not a message.");
}

static void run(void)
{
	bool with_lock = !lab_knob("no-lock"), frames_as_said = true, has_calls, has_roots;
	int rounds = lab_pick(15, 5) * lab_options.repeat, good, kept, lost;
	double slower, same, condition;
	struct lab_counters now;

	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	trips = lab_pick(TRIPS_MAX, 60);
	lab_cycles_per_ns(); /* it measures once, before the first trip */
	shared = lab_shared(sizeof(*shared));
	memset(buffers, 1, sizeof(buffers));
	if (!lab_knob("all-cpus"))
		lab_pin(0);
	lab_counters(&now);
	has_calls = now.system_calls != UINT64_MAX;
	has_roots = now.switches_root != UINT64_MAX;
	for (int r = 0; r < rounds; r++) {
		lab_load_look();
		for (int w = 0; w < WAYS; w++) {
			measure(w, r);
			lab_progress("ways", r * WAYS + w + 1, rounds * WAYS);
		}
	}
	for (int w = 0; w < WAYS; w++) {
		found[w].trip_us = lab_median(found[w].times, rounds);
		for (int s = 0; s < SIZES; s++)
			found[w].rate[s] = lab_median(found[w].rates[s], rounds);
		if (found[w].frames)
			frames_as_said &= (found[w].from != found[w].to) == !!ways[w].open;
	}
	kept = updates(with_lock);
	lost = updates(false);
	good = records();
	lab_pin(-1);
	show(has_calls, has_roots);
	struct lab_table *table = lab_table("Two processes that use the same data at the same time",
					    "what they do|by|>expected|>found");
	lab_row(table, "add to a number|memory%s|%d|%d",
		with_lock ? " and a mutex that they share" : " alone (--no-lock)", 2 * UPDATES,
		kept);
	lab_row(table, "add to a number|memory alone|%d|%d", 2 * UPDATES, lost);
	lab_row(table, "send records|a pipe, whole and in order|%d|%d", 2 * RECORDS, good);

	slower = found[PIPE].trip_us / found[THREADS_VARIABLE].trip_us;
	condition = found[SHARED_CONDITION].trip_us / found[THREADS_CONDITION].trip_us;
	same = found[SHARED_CONDITION].calls / found[THREADS_CONDITION].calls;
	lab_check_time_at_least(slower, 1.2, "times",
				"a pipe between processes, against a variable between threads");
	lab_check_time_at_least(condition, 0.8, "times",
				"a mutex and a condition variable between processes, against the "
				"same between threads");
	if (has_calls)
		lab_check_between(same, 0.5, 2, "times",
				  "their system calls between processes, against threads");
	if (has_roots) {
		lab_check_at_least(found[SHARED_CONDITION].roots, 1.5, "",
				   "their changes of the address space in a round trip, processes");
		lab_check_at_most(found[THREADS_CONDITION].roots, 0.5, "",
				  "their changes of the address space in a round trip, threads");
	}
	lab_check(sums_right, "every message arrived unchanged");
	lab_check(frames_as_said,
		  "memory was read in the frame in which it was written; data through "
		  "the kernel was read in another frame");
	lab_check_equals(kept, 2 * UPDATES, "additions",
			 "two processes add to shared memory with a mutex: additions that remain");
	lab_check_at_least(2 * UPDATES - lost, 1, "additions",
			   "additions that were lost without the lock, of %d", 2 * UPDATES);
	lab_check_equals(good, 2 * RECORDS, "records",
			 "two writers of a pipe without a lock: records whole and in order");
	lab_figure("pipe_us", found[PIPE].trip_us, "us", "round trip by pipe, processes");
	if (found[SOCKETPAIR].has)
		lab_figure("socketpair_us", found[SOCKETPAIR].trip_us, "us",
			   "round trip by UNIX socket, processes");
	lab_figure("signal_us", found[SIGNAL].trip_us, "us", "round trip by signal, processes");
	lab_figure("shared_condition_us", found[SHARED_CONDITION].trip_us, "us",
		   "round trip by shared memory and condition variable");
	lab_figure("threads_condition_us", found[THREADS_CONDITION].trip_us, "us",
		   "round trip by condition variable, threads");
	lab_figure("threads_variable_us", found[THREADS_VARIABLE].trip_us, "us",
		   "round trip by variable and yield, threads");
	lab_figure("pipe_by_variable", slower, "times",
		   "pipe between processes / variable between threads");
	if (lab_checks_failed() == 0)
		lab_verdict(
		    LAB_CORRECTED,
		    "A pipe between processes took %.1f times as long as a variable between "
		    "threads. But \"IPC or mutex\" is not a choice. A pipe carries data and "
		    "keeps order. Shared memory needs a lock, between processes too (without "
		    "one, %d of %d additions were lost), and the same mutex works for both.",
		    slower, 2 * UPDATES - lost, 2 * UPDATES);
	else
		lab_verdict(
		    LAB_FALSE,
		    "A pipe took %.1f times as long as a variable between threads; two processes "
		    "that share memory%s made %d additions and found %d.",
		    slower, with_lock ? " and a mutex" : ", without a lock,", 2 * UPDATES, kept);
}

static const struct lab_knob knobs[] = {
    {"no-lock", NULL, "the processes that share memory do not lock it"},
    {"all-cpus", NULL, "the two parties may run on different CPUs"},
    {0},
};

const struct lab lab = {
    .name = "ipc",
    .claim = "Processes communicate by pipes, sockets or shared memory, slower and with more work; "
	     "threads by shared variables with mutexes and condition variables, faster.",
    .loose = "\"IPC or mutex\" is not a choice. A pipe carries data and keeps order; shared memory "
	     "still needs a lock; and processes can share a mutex.",
    .predict = {.question = "Two processes share memory, and add to one number 300 times each. "
			    "What do they need so that it is 600 in the end?",
		.choices = {"nothing: it is shared", "a lock, as threads do",
			    "a pipe or socket: locks are only for threads"},
		.answer = 1,
		.why =
		    "Shared memory needs a lock, no matter who shares it. For this POSIX mutexes "
		    "have the attribute PTHREAD_PROCESS_SHARED."},
    .knobs = knobs,
    .expect = LAB_CORRECTED,
    .books = "Sharing information between threads is easy and fast: copy it into shared variables. "
	     "But threads, and processes with shared memory, must then synchronise (Kerrisk, 29.1 "
	     "and 48.1).",
    .sources = "kernel/ipc/pipe.c, kernel/linux/socket/unix_socket_data.c, kernel/ipc/futex.c, "
	       "kernel/task/sched.c switch_away()",
    .tour = "futex",
    .run = run,
};
