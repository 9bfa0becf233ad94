/* SPDX-License-Identifier: MIT
 *
 * lab scale: 1 to 10,000 processes, then as many threads.  All exist at the same time and all wait.
 * Then a token goes through all of them on one CPU: each wakes the next.  So each of them is made
 * and run, and each step of the token is one context switch while all of them exist.
 */
#include "lab.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64UL << 10) /* user stack of a thread; only touched pages have frames */

/* From <linux/futex.h>, which musl does not install. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

enum kind { PROCESS, THREAD, KINDS };
enum { MOST = 10000, STEPS = 5, END = -1 };
static const char *const names[KINDS] = {"process", "thread"};

static bool share_space; /* --share-space */

/* A token in slots[i] means that member i runs next.  The last slot belongs to the main thread. */
static int *slots, *here;

static union {
	pid_t pid;
	pthread_t thread;
} members[MOST];
static int made;
static char *stacks; /* for --share-space: stacks of the children */

/* --- The members --------------------------------------------------------------------------------
 */

static int await_token(int *slot, int seen)
{
	int now;

	while ((now = __atomic_load_n(slot, __ATOMIC_ACQUIRE)) == seen)
		syscall(SYS_futex, slot, FUTEX_WAIT, seen, NULL, NULL, 0);
	return now;
}

static void hand_token(int *slot, int token)
{
	__atomic_store_n(slot, token, __ATOMIC_RELEASE);
	syscall(SYS_futex, slot, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void live(long i)
{
	int token = 0;

	__atomic_add_fetch(here, 1, __ATOMIC_RELAXED);
	while ((token = await_token(&slots[i], token)) != END)
		hand_token(&slots[i + 1], token);
}

static int live_and_end(void *i)
{
	live((long)i);
	_exit(0);
}

static void *live_as_thread(void *i)
{
	live((long)i);
	return NULL;
}

/* Makes one more member.  Returns 0 or an errno. */
static int make(enum kind kind)
{
	void *i = (void *)(long)made;
	pthread_attr_t attributes;
	int error = 0;

	slots[made] = slots[made + 1] = 0;
	if (kind == THREAD) {
		pthread_attr_init(&attributes);
		pthread_attr_setstacksize(&attributes, STACK);
		error = pthread_create(&members[made].thread, &attributes, live_as_thread, i);
		pthread_attr_destroy(&attributes);
	} else {
		pid_t pid = share_space ? clone(live_and_end, stacks + (made + 1) * STACK,
						CLONE_VM | SIGCHLD, i)
					: fork();

		if (pid == 0)
			live_and_end(i);
		members[made].pid = pid;
		error = pid < 0 ? errno : 0;
	}
	made += !error;
	return error;
}

static void end_some(enum kind kind, int first, int end)
{
	for (int i = first; i < end; i++)
		hand_token(&slots[i], END);
	for (int i = first; i < end; i++) {
		if (kind == THREAD)
			pthread_join(members[i].thread, NULL);
		else
			waitpid(members[i].pid, NULL, 0);
	}
}

static void end_all(enum kind kind)
{
	end_some(kind, 0, made);
	made = *here = 0;
}

/* --- Measuring ----------------------------------------------------------------------------------
 */

enum { KERNEL_STACKS, PAGE_TABLES, STRUCTURES, OWN_PAGES, PARTS };
static const char *const keys[PARTS] = {"KernelStack", "PageTables", "Slab", "AnonPages"};

struct memory {
	double kib[PARTS];
};

struct step {
	int count;
	double create_us, switch_us;
	double kib[PARTS], all; /* for each member */
	double roots; /* page-table roots loaded for each step of the token; < 0: unknown */
};
static struct step steps[KINDS][STEPS];
static int reached[KINDS]; /* number of steps measured */
static int limit[KINDS];   /* the error that stopped the measuring, or 0 */

static void read_memory(struct memory *m)
{
	uint64_t value = 0;

	lab_write("/proc/sys/vm/stat_refresh", "1"); /* makes Linux sum its counters */
	for (int i = 0; i < PARTS; i++) {
		lab_value("/proc/meminfo", keys[i], &value);
		m->kib[i] = (double)value;
	}
}

static void find_stacks(const char *what, uint64_t frames, uint64_t bytes, void *kib)
{
	(void)frames;
	if (!strcmp(what, "kernel_stacks"))
		*(double *)kib = (double)bytes / 1024;
}

/* Heddle keeps the stacks of ended threads for new ones, so take this number from the ledger. */
static void correct_stacks(enum kind kind, struct step *step)
{
	double kib = 0;

	if (!lab_ledger(kind == PROCESS ? members[0].pid : getpid(), find_stacks, &kib))
		return;
	step->kib[KERNEL_STACKS] = kind == PROCESS ? kib : kib / (made + 1);
}

/* Sends the token from slots[first] to slots[end].  Returns the microseconds of one step. */
static double lap(int first, int end, int token)
{
	uint64_t start = lab_now_ns();

	hand_token(&slots[first], token);
	await_token(&slots[end], token - 1);
	return (lab_now_ns() - start) / 1e3 / (end - first + 1);
}

/* Makes members until `count` exist or no more can be made, and measures this step. */
static void measure(enum kind kind, struct step *step, int count, const struct memory *before)
{
	enum { BATCH = 10 };
	struct lab_counters counters;
	struct memory now;
	double best = 0;
	int laps;

	/* Take the best batch, and below the best lap: a disturbance can only make them longer. */
	while (made < count && !limit[kind]) {
		int first = made, end = count - made < BATCH ? count : made + BATCH;
		uint64_t start = lab_now_ns();

		while (made < end && !(limit[kind] = make(kind)))
			;
		while (__atomic_load_n(here, __ATOMIC_RELAXED) < made)
			sched_yield();
		double us = (lab_now_ns() - start) / 1e3 / (made - first ? made - first : 1);

		if (made > first && (!best || us < best))
			best = us;
	}
	step->count = made;
	if (!best) /* no more could be made */
		return;
	step->create_us = best;
	read_memory(&now);
	for (int i = 0; i < PARTS; i++)
		step->kib[i] = (now.kib[i] - before->kib[i]) / made;
	correct_stacks(kind, step);
	for (int i = 0; i < PARTS; i++)
		step->all += step->kib[i];

	for (int i = 0; i <= made; i++)
		slots[i] = 0;
	lap(0, made, 1); /* the first lap only warms up */
	lab_counters(&counters);
	laps = made < 300 ? 60 : made < 4000 ? 18000 / made : 5;
	for (int i = 0; i < laps; i++) {
		double us = lap(0, made, 2 + i);

		if (!i || us < step->switch_us)
			step->switch_us = us;
	}
	counters = lab_counters_since(&counters);
	step->roots = counters.switches_root == UINT64_MAX
			  ? -1
			  : (double)counters.switches_root / (laps * (made + 1.0));
}

static void measure_all(enum kind kind)
{
	static const int full[STEPS] = {1, 10, 100, 1000, MOST},
			 quick[STEPS] = {1, 10, 50, 100, 300};
	struct memory before;

	/* Make one beforehand: some memory is allocated only for the first one. */
	make(kind);
	end_all(kind);
	usleep(200000); /* the kernel may still be freeing memory of ended threads */
	lab_load_look();
	read_memory(&before);
	for (int i = 0; i < STEPS && !limit[kind]; i++) {
		measure(kind, &steps[kind][i], lab_options.quick ? quick[i] : full[i], &before);
		reached[kind] += steps[kind][i].create_us > 0;
		lab_progress(names[kind], i + 1, STEPS);
	}
	end_all(kind);
}

/* Measures a switch among so many processes, and among as many threads.  Laps of the two kinds
 * alternate, so that a disturbance on a busy machine affects both. */
static int measure_both(double us[KINDS])
{
	enum { MEMBERS = 300, LAPS = 100 };
	int first[KINDS], end[KINDS], fewest = MEMBERS;

	lab_load_look();
	for (enum kind kind = PROCESS; kind < KINDS; kind++) {
		first[kind] = made;
		while (made < first[kind] + MEMBERS && !make(kind))
			;
		end[kind] = made++; /* the slot where its token arrives */
		if (end[kind] - first[kind] < fewest)
			fewest = end[kind] - first[kind];
	}
	while (__atomic_load_n(here, __ATOMIC_RELAXED) < made - KINDS)
		sched_yield();
	for (int i = 0; i < LAPS; i++) {
		for (enum kind kind = PROCESS; kind < KINDS; kind++) {
			double now = lap(first[kind], end[kind], 1 + i);

			if (!i || now < us[kind])
				us[kind] = now;
		}
	}
	for (enum kind kind = PROCESS; kind < KINDS; kind++)
		end_some(kind, first[kind], end[kind]);
	made = *here = 0;
	return fewest;
}

/* --- Showing ------------------------------------------------------------------------------------
 */

static void show(void)
{
	struct lab_table *t =
	    lab_table("While this many of them exist", ">number|of|>made in us|"
						       ">a switch us|>new roots per switch");
	char roots[32];

	for (int i = 0; i < STEPS; i++) {
		for (enum kind kind = PROCESS; kind < KINDS; kind++) {
			const struct step *s = &steps[kind][i];

			if (i >= reached[kind])
				continue;
			snprintf(roots, sizeof(roots), s->roots < 0 ? "?" : "%.2f", s->roots);
			lab_row(t, "%d|%s|%.0f|%.1f|%s", s->count, names[kind], s->create_us,
				s->switch_us, roots);
		}
	}
	t = lab_table("Memory of each one, KiB, at the largest number",
		      ">number|of|>kernel stacks|>page tables|>structures|>own pages|>all");
	struct lab_bars *bars = lab_bars("Memory of each one", "KiB");

	for (enum kind kind = PROCESS; kind < KINDS; kind++) {
		const struct step *s = &steps[kind][reached[kind] - 1];

		lab_row(t, "%d|%s|%.1f|%.1f|%.1f|%.1f|%.1f", s->count, names[kind],
			s->kib[KERNEL_STACKS], s->kib[PAGE_TABLES], s->kib[STRUCTURES],
			s->kib[OWN_PAGES], s->all);
		lab_bar(bars, s->all, "%s", names[kind]);
	}
	if (steps[PROCESS][0].roots < 0)
		lab_left_out("new page-table roots per switch", "only /proc/heddle shows them");
	for (enum kind kind = PROCESS; kind < KINDS; kind++)
		if (limit[kind])
			lab_note(
			    "The kernel could not make %s number %d: %s. The number of tasks is "
			    "limited by the memory of the machine.",
			    names[kind], steps[kind][reached[kind] - 1].count + 1,
			    strerror(limit[kind]));
}

static void run(void)
{
	share_space = lab_knob("share-space");
	slots = lab_shared((MOST + 1) * sizeof(*slots));
	here = lab_shared(sizeof(*here));
	if (share_space) {
		stacks = mmap(NULL, MOST * STACK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (stacks == MAP_FAILED)
			lab_die("cannot map the stacks");
		madvise(stacks, MOST * STACK, MADV_NOHUGEPAGE);
	}
	lab_pin(0); /* one CPU, so that each step of the token is a switch */
	/* Processes first: a C library may keep the stacks of ended threads, and fork() would then
	 * copy them. */
	for (enum kind kind = PROCESS; kind < KINDS; kind++) {
		measure_all(kind);
		if (!reached[kind])
			lab_die("cannot make one %s: %s", names[kind], strerror(limit[kind]));
	}
	double both_us[KINDS];
	int both = measure_both(both_us);

	lab_pin(-1);
	show();
	struct lab_bars *bars =
	    lab_bars("A switch among as many processes as threads, in alternating laps", "us");

	for (enum kind kind = PROCESS; kind < KINDS; kind++)
		lab_bar(bars, both_us[kind], "%d %s", both,
			kind == PROCESS ? "processes" : "threads");
	lab_note("The first table measures one kind after the other, so compare its rows of one "
		 "kind. To compare processes with threads, laps of the two must alternate: a "
		 "disturbance then affects both.");

	const struct step *p = &steps[PROCESS][reached[PROCESS] - 1];
	const struct step *t = &steps[THREAD][reached[THREAD] - 1];
	/* Compare only these two parts: on Linux other programs disturb the rest. */
	double ratio = (p->kib[KERNEL_STACKS] + p->kib[PAGE_TABLES]) /
		       (t->kib[KERNEL_STACKS] + t->kib[PAGE_TABLES]);
	bool memory = lab_check_at_least(ratio, 1.3, "times",
					 "kernel stack and page tables of a process, against those "
					 "of a thread");
	double make_ratio = p->create_us / t->create_us;
	double switch_ratio = both_us[PROCESS] / both_us[THREAD];
	bool create = lab_check_time_at_least(make_ratio, 1.1, "times",
					      "the time to make a process, against a thread");
	bool manage =
	    lab_check_time_at_least(switch_ratio, 1.02, "times",
				    "a switch among %d processes, against %d threads", both, both);

	lab_figure("processes", p->count, "", "processes at the same time");
	lab_figure("threads", t->count, "", "threads at the same time");
	lab_figure("process_kib", p->all, "KiB", "memory of one process");
	lab_figure("thread_kib", t->all, "KiB", "memory of one thread");
	lab_figure("process_us", p->create_us, "us", "time to make one of so many processes");
	lab_figure("thread_us", t->create_us, "us", "time to make one of so many threads");
	lab_figure("process_switch_300_us", both_us[PROCESS], "us", "a switch among 300 processes");
	lab_figure("thread_switch_300_us", both_us[THREAD], "us", "a switch among 300 threads");
	lab_verdict(
	    memory && create && manage ? LAB_TRUE : LAB_FALSE,
	    "With %d processes and %d threads: a process needs %.1f times the kernel memory of a "
	    "thread, takes %.1f times as long to make, and %.2f times as long to switch to%s.",
	    p->count, t->count, ratio, make_ratio, switch_ratio,
	    memory && create && manage ? ""
	    : share_space	       ? ": without its own address space a process costs no more"
				       : ": this is not what the claim says");
}

static const struct lab_knob knobs[] = {
    {"share-space", NULL, "the processes share one address space and its page tables"},
    {0},
};

const struct lab lab = {
    .name = "scale",
    .claim = "Threads scale better than processes, which cost more to make and manage.",
    .loose =
	"A system can have more of both than one expects. And each thread, too, keeps memory: a "
	"kernel stack and structures.",
    .predict = {"A thousand processes and a thousand threads that all wait. A process takes ...",
		{"as much memory as a thread", "a few times as much", "a hundred times as much",
		 NULL},
		1,
		"Both have a kernel stack and structures. A process also has page tables, and the "
		"pages that it has written to. All processes share the code."},
    .knobs = knobs,
    .expect = LAB_TRUE,
    .books =
	"Creation: 10 to 100 times (Tanenbaum 2.2.1), 30 times on Solaris; the switch: 5 times "
	"on Solaris (Silberschatz).",
    .sources = "kernel/proc/fork.c, kernel/task/kstack.c, kernel/vm/address_space.c "
	       "address_space_fork(), kernel/task/sched.c",
    .tour = "fork",
    .run = run,
};
