/* SPDX-License-Identifier: MIT
 *
 * The library that every lab uses: options, evidence, data from the kernel, and a verdict.
 *
 * A lab is one file in user/labs.  It defines `lab`; lab.run() measures first and then reports what
 * it found as evidence.  Evidence is kept and printed when run() has returned, in the order in
 * which it was made, because printing is slow and disturbs the schedule.  The same program runs on
 * Linux. A function that reads something that only Heddle offers returns false there, and the lab
 * says so with lab_left_out().
 *
 * All functions may be called from any thread; those that make evidence from one thread at a time.
 * A child made by lab_fork() cannot make evidence: it reports through shared memory.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LAB_PRINTF(fmt_at, first) __attribute__((format(printf, fmt_at, first)))

enum lab_verdict {
	LAB_TRUE,      /* TRUE HERE */
	LAB_CORRECTED, /* TRUE WITH A CORRECTION */
	LAB_FALSE,     /* FALSE HERE */
	LAB_NOT_SHOWN, /* CANNOT BE SHOWN HERE (only one CPU, for example); the text says why */
};

/* An option of one lab that breaks or changes what it shows: "no-lock" is --no-lock. */
struct lab_knob {
	const char *name;
	const char *value; /* the name of its argument ("N"); NULL: it takes none */
	const char *help;
};

struct lab {
	const char *name;  /* as in `lab NAME` */
	const char *claim; /* the statement of the course notes, in a sentence */
	const char *loose; /* where the claim is imprecise, in a sentence or two */
	struct {
		const char *question;
		const char *choices[5]; /* 2 to 4, then NULL; keys a to d */
		int answer;		/* index of the choice that the run should show */
		const char *why;	/* shown after the run, with the learner's choice */
	} predict;
	const struct lab_knob *knobs; /* the last has no name; NULL: no knobs */
	enum lab_verdict expect;      /* verdict without a knob; another one is a failure */
	const char *books;	      /* what textbooks measured or say, with chapter */
	/* The kernel code that was at work: "kernel/task/sched.c switch_away()". */
	const char *sources;
	/* The gdb tour that shows it: "switch", "syscall", "fork", "page-fault", "smp", "futex". */
	const char *tour;
	void (*run)(void);
	/* Does what a knob asks for in place of the lab.  Returns false if there is no such knob.
	 */
	bool (*instead)(void);
};

extern const struct lab lab; /* each lab's file defines it; main() is in the library */

/* --- options ------------------------------------------------------------------------------------
 * All labs take --quick --json --plain --ascii --cpus N --one-cpu --slice TIME --seed S --repeat N,
 * and their own knobs.  The library sets the affinity of the process to the first N CPUs. */

struct lab_options {
	bool quick, json, plain;
	int cpus;      /* CPUs that the lab may use: all online CPUs, or --cpus */
	uint64_t seed; /* --seed; default 1 */
	bool seed_given;
	int repeat; /* --repeat, default 1; the lab decides what a round is */
	bool unattended;
	bool interactive; /* input and output are terminals, and neither --json nor --unattended */
	bool on_heddle;
};
extern struct lab_options lab_options;

/* The argument of a knob of this lab ("" if it takes none); NULL if the knob was not given. */
const char *lab_knob(const char *name);

/* Returns `quick` with --quick, else `full`: for numbers of rounds. */
int lab_pick(int full, int quick);

/* --- evidence -----------------------------------------------------------------------------------
 * Evidence is made now and shown later.  Texts are copied. */

/* A table.  `columns`: headings with '|' between them; a heading that begins with '>' makes the
 * column right-aligned.  A row: cells with '|' between them, as many as there are columns.  The
 * whole table fits the width of the screen: long cells are wrapped. */
struct lab_table;
struct lab_table *lab_table(const char *title, const char *columns);
void lab_row(struct lab_table *table, const char *format, ...) LAB_PRINTF(2, 3);

/* Horizontal bars, all on one scale. */
struct lab_bars;
struct lab_bars *lab_bars(const char *title, const char *unit);
void lab_bar(struct lab_bars *bars, double value, const char *label, ...) LAB_PRINTF(3, 4);

/* A sentence or two of explanation among the evidence. */
void lab_note(const char *format, ...) LAB_PRINTF(1, 2);

/* Parts of a whole, as bars: the parts are made by subtraction, so noise can make one negative, or
 * their sum more than the whole.  Such a part is not drawn; the report says that it cannot be
 * shown.
 */
struct lab_bars *lab_parts(const char *title, double whole, const char *unit);
void lab_part(struct lab_bars *parts, double value, const char *label);

/* A check is a condition on which the verdict depends: a number that was found, and the bound that
 * is wanted.  The library rounds both as it prints them, and compares the rounded numbers.  All
 * checks are shown together before the verdict, each with a tick or a cross.  The text says what
 * the number is, without the number: "threads that compute: times as fast".  They return true if
 * the number satisfies the bound.  Without a knob the verdicts LAB_TRUE and LAB_CORRECTED are valid
 * only if all checks hold: otherwise the lab fails. */
bool lab_check_equals(double found, double wanted, const char *unit, const char *what, ...)
    LAB_PRINTF(4, 5);
bool lab_check_at_least(double found, double bound, const char *unit, const char *what, ...)
    LAB_PRINTF(4, 5);
bool lab_check_at_most(double found, double bound, const char *unit, const char *what, ...)
    LAB_PRINTF(4, 5);
bool lab_check_between(double found, double low, double high, const char *unit, const char *what,
		       ...) LAB_PRINTF(5, 6);			    /* the bounds are included */
bool lab_check(bool found, const char *what, ...) LAB_PRINTF(2, 3); /* yes or no: not a number */

/* Checks that compare times.  If only such checks fail, and lab_load() is LAB_BUSY or more, then
 * the library changes the verdict to LAB_NOT_SHOWN. */
bool lab_check_time_at_least(double found, double bound, const char *unit, const char *what, ...)
    LAB_PRINTF(4, 5);
bool lab_check_time_at_most(double found, double bound, const char *unit, const char *what, ...)
    LAB_PRINTF(4, 5);
int lab_checks_failed(void);

/* Measures for 30 ms how much of the CPU time the calling thread does not get, because the host or
 * other programs take it.  The library does this before and after the run; a lab calls it between
 * the rounds of a comparison of times, when no other thread of the lab runs. */
void lab_load_look(void);
/* The same on two CPUs at the same time: for a lab that needs two.  The thread may then use all
 * CPUs of the lab, as after lab_pin(-1). */
void lab_load_look_two(void);
double lab_load(void); /* the largest result until now, in per cent */
#define LAB_BUSY 15

/* Something that this system cannot show, and the reason. */
void lab_left_out(const char *what, const char *why);

/* A number for the verdict, the report and the comparison with Linux.  `name` is short, of letters,
 * digits and '_', and names the same quantity on every system: "fork_us", "speedup_threads_2". */
void lab_figure(const char *name, double value, const char *unit, const char *meaning);

/* The verdict; called once.  The text gives the numbers and the correction, if there is one. */
void lab_verdict(enum lab_verdict verdict, const char *format, ...) LAB_PRINTF(2, 3);

/* Progress while the lab runs: one line that is overwritten, at most ten times a second.  It is
 * shown on a terminal only. */
void lab_progress(const char *what, int done, int total);

/* The lab cannot continue (no memory, no such call): prints the reason and exits with status 2. */
void lab_die(const char *format, ...) LAB_PRINTF(1, 2) __attribute__((noreturn));

/* --- a live screen ------------------------------------------------------------------------------
 * For labs that the learner watches: they draw the whole terminal, at most ten times a second, and
 * read keys without Enter.  When the program ends, also by a signal, the terminal is restored. */

enum lab_colour { LAB_PLAIN, LAB_BOLD, LAB_DIM, LAB_GOOD, LAB_BAD, LAB_WARN };

bool lab_live_open(void); /* false: there is no suitable terminal */
void lab_live_close(void);
/* To draw: call begin, then print lines from the top, then end.  What does not fit is cut. */
void lab_live_begin(int *columns, int *rows);
void lab_live_put(enum lab_colour colour, const char *format, ...) LAB_PRINTF(2, 3);
void lab_live_newline(void);
void lab_live_line(enum lab_colour colour, const char *format, ...)
    LAB_PRINTF(2, 3); /* text and newline */
void lab_live_end(void);

/* Reads one key.  Returns a character, or one of these; 0: no key in that time; 'q' at end of
 * input. A key that sends several bytes is one key, also if its bytes arrive apart. */
enum {
	LAB_KEY_UP = 0x101,
	LAB_KEY_DOWN,
	LAB_KEY_RIGHT,
	LAB_KEY_LEFT,
	LAB_KEY_ESCAPE,
	LAB_KEY_OTHER
};
int lab_live_key(int timeout_ms);

/* --- time, CPUs, threads ------------------------------------------------------------------------
 */

uint64_t lab_now_ns(void);	/* CLOCK_MONOTONIC */
uint64_t lab_cycles(void);	/* the time-stamp counter, read after all earlier instructions */
double lab_cycles_per_ns(void); /* measured once, over some milliseconds */
double lab_median(double *values, int count); /* sorts `values` */

/* The lower quartile of `values`, which it sorts.  Use it for times: a disturbance only adds time.
 */
double lab_low_quartile(double *values, int count);
uint64_t lab_random(uint64_t *state); /* pseudo-random; *state is the seed */

/* Keeps the calling thread on the n-th CPU that the lab may use (n counts modulo their number);
 * with -1 the thread may use all of them again. */
void lab_pin(int n);

/* Computes without system calls: `rounds` dependent additions, about a nanosecond each.  Returns a
 * value that depends on all of them. */
uint64_t lab_spin(uint64_t rounds);
uint64_t lab_spin_rounds(uint64_t ns); /* the rounds that take `ns` here, undisturbed */

/* pthread_create() with a name of at most 15 characters, which tables and the timeline show.  The
 * thread gets the next letter: A, B, ...  If it fails, the lab ends (lab_die()). */
pthread_t lab_thread(const char *name, void *(*fn)(void *), void *arg);

/* fork() with a name: the child runs fn(arg) and exits with its result as status.  If it fails, the
 * lab ends (lab_die()). */
pid_t lab_fork(const char *name, int (*fn)(void *), void *arg);
int lab_wait(pid_t pid); /* waits for the child and returns its wait status */

/* The letter of a thread in the timeline and in tables.  The thread gets one if it has none. */
char lab_letter(pid_t tid, const char *name);

/* Zeroed memory that is shared with children made later.  If there is none, the lab ends. */
void *lab_shared(size_t size);

/* --- looks into the kernel ----------------------------------------------------------------------
 * They return false if the system does not show it (no /proc/heddle; pagemap needs root). */

/* The number of the page frame behind an address of a process (0: of the calling thread), from
 * pagemap.  *frame is 0 if the page has no frame yet. */
bool lab_frame(pid_t pid, const void *address, uint64_t *frame);

/* A process's address space (0: of the calling thread), from /proc/heddle/PID/space. */
struct lab_space {
	uint64_t root;	       /* physical address of the page-table root, as in CR3 */
	uint64_t table_frames; /* frames of page tables, including the root */
	uint64_t resident;     /* pages that have a frame */
	uint64_t copied;       /* pages that were copied on write */
	uint64_t regions;
};
bool lab_space(pid_t pid, struct lab_space *space);

/* The state of a thread, a letter as in /proc/PID/task/TID/stat; '-' if it has ended. */
char lab_state(pid_t pid, pid_t tid);

/* The saved registers of a thread that is not running, from /proc/heddle/PID/task/TID/registers. */
struct lab_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, fs_base;
	uint64_t kernel_rsp; /* where context_switch() saved the rest */
	unsigned char xmm[16][16];
	char state; /* as in /proc/PID/stat; 'R': it may be on a CPU, and the values are old */
};
bool lab_registers(pid_t pid, pid_t tid, struct lab_registers *registers);

/* Lists what each frame of a process is for, from /proc/heddle/PID/ledger: calls fn for every line.
 * `frames` is 0 for objects in a slab; `bytes` is exact. */
bool lab_ledger(pid_t pid, void (*fn)(const char *what, uint64_t frames, uint64_t bytes, void *arg),
		void *arg);

/* Reads a number from a file of lines "key value" or "key: value kB" ("/proc/heddle/switches",
 * "cow_copies"). */
bool lab_value(const char *path, const char *key, uint64_t *value);
bool lab_status(pid_t pid, const char *key, uint64_t *value); /* /proc/PID/status */

/* The content of a small text file, or NULL if it cannot be read.  The caller frees it. */
char *lab_read(const char *path);
bool lab_write(const char *path, const char *text);

/* Change a setting of the machine, a file of /proc/sys, until the lab ends.  False: the system does
 * not have it, or did not accept the value. */
bool lab_setting(const char *file, const char *value);

/* Counters of the machine: switches with and without a new page-table root, copies on write, TLB
 * shootdowns, migrations, futex calls.  A counter that the system does not show is UINT64_MAX, also
 * in the difference. */
struct lab_counters {
	uint64_t switches, switches_root, cow_copies, shootdowns, migrations;
	uint64_t futex_waits, futex_wakes, futex_wakes_empty;
	uint64_t system_calls; /* of the calling process, like the next two */
	uint64_t voluntary, involuntary;
};
void lab_counters(struct lab_counters *now);
struct lab_counters lab_counters_since(const struct lab_counters *before);

/* --- programs that others wrote -----------------------------------------------------------------
 */

/* The path of a program in PATH, or NULL.  The caller frees it. */
char *lab_program(const char *name);

/* The path of a file of user/lab/guest: on Heddle in /labs/guest, where `make guest` puts it; NULL:
 * it is not here.  The caller frees it. */
char *lab_guest_file(const char *name);

/* Runs a program on all CPUs of the lab and calls fn for each line that it prints, on standard
 * output or error.  Returns its exit status, 128 + the signal that ended it, or -1 if it did not
 * end within `seconds` and was killed. */
int lab_run_program(char *const argv[], int seconds, void (*fn)(char *line, void *arg), void *arg);

/* Lab gil: runs the real CPython and JVM if they are here, and makes evidence, figures and checks.
 */
void lab_interpreters(void);

/* --- the timeline -------------------------------------------------------------------------------
 * From /sys/kernel/tracing, on Heddle and (as root) on Linux. */

struct lab_trace; /* events of all CPUs, in order of time */

bool lab_trace_begin(void); /* empties the rings and starts recording */
void lab_trace_mark(const char *format, ...) LAB_PRINTF(1, 2); /* adds a mark to the timeline */
struct lab_trace *lab_trace_end(void);			       /* stops and reads; NULL: no trace */
void lab_trace_free(struct lab_trace *trace); /* a trace that lab_timeline() does not show */
uint64_t lab_trace_length(const struct lab_trace *trace); /* nanoseconds that were recorded */

/* The calling thread has something from now on, until it releases it: a lock, for example.  The
 * timeline shows the holder in a row of its own, of at most six characters.  Call the first after
 * taking the lock and the second before releasing it. */
void lab_trace_holds(const char *what);
void lab_trace_releases(const char *what);
/* Nanoseconds in which at least `least` threads held it. */
uint64_t lab_trace_held(const struct lab_trace *trace, const char *what, int least);

/* Adds the trace to the evidence: one row for each CPU, one column for each tick, one letter for
 * each thread; '.' idle, '-' other threads.  Separate rows mark wake-ups and switches to another
 * address space. */
void lab_timeline(struct lab_trace *trace, const char *title);

/* Nanoseconds that a thread ran; the longest time for which two of the threads ran at the same
 * time; and how often two threads of the set ran one after the other on a CPU. */
uint64_t lab_trace_ran(const struct lab_trace *trace, pid_t tid);
uint64_t lab_trace_overlap(const struct lab_trace *trace, const pid_t *tids, int count);
int lab_trace_switches(const struct lab_trace *trace, const pid_t *tids, int count);

/* Each interval in which a thread of the set ran, ordered by its start. */
struct lab_slice {
	pid_t tid;
	int cpu;
	uint64_t start_ns, end_ns;
	bool new_root; /* the switch to this thread changed the address space */
};
int lab_trace_slices(const struct lab_trace *trace, const pid_t *tids, int count,
		     struct lab_slice *slices, int max);
