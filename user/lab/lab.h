/* SPDX-License-Identifier: MIT
 *
 * What every lab is written over: options, evidence, looks into the kernel, and a verdict.
 *
 * A lab is one file in user/labs: it defines `lab`, and lab.run() measures and then hands over what
 * it found.  Evidence is kept and printed when run() has returned, in the order in which it was
 * made, because printing is slow and disturbs the schedule.  The same program runs on Linux; a look
 * that only Heddle offers returns false there, and the lab says so with lab_left_out().
 *
 * All functions may be called from any thread, but those that make evidence from one at a time.
 * In a child made by lab_fork() nothing is evidence: it reports through memory that it shares.
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
	LAB_NOT_SHOWN, /* CANNOT BE SHOWN HERE: one CPU, say; the reason is in the text */
};

/* An option of this lab alone, that breaks or changes what it shows: "no-lock" is --no-lock. */
struct lab_knob {
	const char *name;
	const char *value; /* what its argument is ("N"), or NULL: it takes none */
	const char *help;
};

struct lab {
	const char *name;  /* as in `lab NAME` */
	const char *claim; /* the notes' statement, in a sentence */
	const char *loose; /* where it is loose, in a sentence or two */
	struct {
		const char *question;
		const char *choices[5]; /* 2 to 4, then NULL; keys a to d */
		int answer;		/* which one the run is expected to show */
		const char *why;	/* said after the run, beside the learner's choice */
	} predict;
	const struct lab_knob *knobs; /* ended by one without a name; NULL: none */
	enum lab_verdict expect;      /* with nothing broken; anything else is a failure */
	const char *books;	      /* what the textbooks measured or say, with the place */
	const char
	    *sources;	  /* the kernel's lines that did it: "kernel/task/sched.c switch_away()" */
	const char *tour; /* the gdb tour for it: "switch", "syscall", "fork", "page-fault", "smp",
			     "futex" */
	void (*run)(void);
};

extern const struct lab lab; /* each lab's file defines it; main() is in the library */

/* --- options ------------------------------------------------------------------------------------
 * All labs take --quick --json --plain --ascii --cpus N --one-cpu --slice TIME --seed S --repeat N,
 * and their own knobs.  The library keeps the process on the first N CPUs by its affinity. */

struct lab_options {
	bool quick, json, plain;
	int cpus;      /* that the lab may use: online ones, or --cpus */
	uint64_t seed; /* --seed, else 1 */
	bool seed_given;
	int repeat;	  /* --repeat, else 1; the lab decides what a round is */
	bool interactive; /* input and output are a terminal, and not --json */
	bool on_heddle;
};
extern struct lab_options lab_options;

/* The argument of this lab's knob ("" where it takes none), or NULL where it was not given. */
const char *lab_knob(const char *name);

/* `full`, or `quick` with --quick: for counts of rounds. */
int lab_pick(int full, int quick);

/* --- evidence -----------------------------------------------------------------------------------
 * Made now, shown later.  Texts are copied. */

/* A table.  `columns`: headings with '|' between them; a heading that begins with '>' is for a
 * right-aligned column.  A row: cells with '|' between them, as many as there are columns.  The
 * whole fits 78 columns: long cells are wrapped. */
struct lab_table;
struct lab_table *lab_table(const char *title, const char *columns);
void lab_row(struct lab_table *table, const char *format, ...) LAB_PRINTF(2, 3);

/* Horizontal bars, all on one scale. */
struct lab_bars;
struct lab_bars *lab_bars(const char *title, const char *unit);
void lab_bar(struct lab_bars *bars, double value, const char *label, ...) LAB_PRINTF(3, 4);

/* A sentence or two of explanation among the evidence. */
void lab_note(const char *format, ...) LAB_PRINTF(1, 2);

/* A condition that the verdict rests on, shown with a tick or a cross, all together before the
 * verdict.  Returns `holds`.  With nothing broken, LAB_TRUE and LAB_CORRECTED stand only where all
 * checks hold: else the lab fails. */
bool lab_check(bool holds, const char *format, ...) LAB_PRINTF(2, 3);
int lab_checks_failed(void);

/* What this system cannot show, and why. */
void lab_left_out(const char *what, const char *why);

/* A number for the verdict, the report and the comparison with Linux.  `name` is short, of letters,
 * digits and '_', and names the same quantity on every system: "fork_us", "speedup_threads_2". */
void lab_figure(const char *name, double value, const char *unit, const char *meaning);

/* The verdict, once.  The text gives the numbers and, where there is one, the correction. */
void lab_verdict(enum lab_verdict verdict, const char *format, ...) LAB_PRINTF(2, 3);

/* While it runs: a line that overwrites itself, on a terminal only, at most ten times a second. */
void lab_progress(const char *what, int done, int total);

/* The lab cannot go on (no memory, no such call): says why and ends with status 2. */
void lab_die(const char *format, ...) LAB_PRINTF(1, 2) __attribute__((noreturn));

/* --- a live screen ------------------------------------------------------------------------------
 * For labs that are watched: the whole terminal, drawn at most ten times a second, and its keys,
 * without Enter.  The terminal is as before when the program ends, also by a signal. */

enum lab_colour { LAB_PLAIN, LAB_BOLD, LAB_DIM, LAB_GOOD, LAB_BAD, LAB_WARN };

bool lab_live_open(void); /* false: there is no terminal on which this can be done */
void lab_live_close(void);
/* A picture: begin, lines from the top, end.  What does not fit is cut. */
void lab_live_begin(int *columns, int *rows);
void lab_live_put(enum lab_colour colour, const char *format, ...) LAB_PRINTF(2, 3);
void lab_live_newline(void);
void lab_live_line(enum lab_colour colour, const char *format, ...) LAB_PRINTF(2, 3); /* both */
void lab_live_end(void);
int lab_live_key(int timeout_ms); /* 0: none in that time; 'q' where the input has ended */

/* --- time, CPUs, threads ------------------------------------------------------------------------
 */

uint64_t lab_now_ns(void);	/* CLOCK_MONOTONIC */
uint64_t lab_cycles(void);	/* the time-stamp counter; ordered against what was before */
double lab_cycles_per_ns(void); /* measured once, over some milliseconds */
double lab_median(double *values, int count); /* sorts them */

/* The lower quartile of times; sorts them.  What disturbs a measurement only adds to it. */
double lab_low_quartile(double *values, int count);
uint64_t lab_random(uint64_t *state);	      /* a generator whose start is the state */

/* Keep the calling thread on the n-th CPU that the lab may use (n counts modulo their number); or,
 * with -1, let it use all of them again. */
void lab_pin(int n);

/* Work for the processor alone: `rounds` dependent additions, about a nanosecond each. Returns a
 * value that depends on all of them. */
uint64_t lab_spin(uint64_t rounds);
uint64_t lab_spin_rounds(uint64_t ns); /* how many rounds take so long, alone, here */

/* pthread_create() with a name of at most 15 characters, by which tables and the timeline call it;
 * dies where it fails.  The thread gets the next letter: A, B, ... */
pthread_t lab_thread(const char *name, void *(*fn)(void *), void *arg);

/* fork() likewise: the child runs fn(arg) and ends with its result as status.  Dies where it fails.
 */
pid_t lab_fork(const char *name, int (*fn)(void *), void *arg);
int lab_wait(pid_t pid); /* its wait status */

/* The letter of a thread (by TID) in the timeline and in tables; it gets one where it had none. */
char lab_letter(pid_t tid, const char *name);

/* Memory that children made later share, zeroed; dies where there is none. */
void *lab_shared(size_t size);

/* --- looks into the kernel ----------------------------------------------------------------------
 * False where the system does not tell (Linux has no /proc/heddle; pagemap wants root). */

/* The number of the page frame behind an address of a process (0: of the calling thread), by
 * pagemap; *frame is 0 where none is there yet. */
bool lab_frame(pid_t pid, const void *address, uint64_t *frame);

/* A process's address space (0: the calling thread's), from /proc/heddle/PID/space. */
struct lab_space {
	uint64_t root;	       /* physical address of the page-table root: what CR3 holds */
	uint64_t table_frames; /* frames of page tables, the root among them */
	uint64_t resident;     /* pages of memory mapped */
	uint64_t copied;       /* pages that were copied because somebody wrote to a shared one */
	uint64_t regions;
};
bool lab_space(pid_t pid, struct lab_space *space);

/* The state of a thread, a letter as in /proc/PID/task/TID/stat; '-' where it is no more. */
char lab_state(pid_t pid, pid_t tid);

/* The saved registers of a thread that is not running, from /proc/heddle/PID/task/TID/registers. */
struct lab_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, fs_base;
	uint64_t kernel_rsp; /* where context_switch() left the rest */
	unsigned char xmm[16][16];
	char state; /* as in /proc/PID/stat; 'R' and on a CPU: the values are old */
};
bool lab_registers(pid_t pid, pid_t tid, struct lab_registers *registers);

/* What each frame of a process is for, from /proc/heddle/PID/ledger: calls fn for every line.
 * `frames` is 0 for what lies in a slab; `bytes` is exact. */
bool lab_ledger(pid_t pid, void (*fn)(const char *what, uint64_t frames, uint64_t bytes, void *arg),
		void *arg);

/* A number from a file of lines "key value" or "key: value kB" ("/proc/heddle/switches",
 * "cow_copies"). */
bool lab_value(const char *path, const char *key, uint64_t *value);
bool lab_status(pid_t pid, const char *key, uint64_t *value); /* /proc/PID/status */

/* The whole of a small text file; NULL where there is none.  Free it. */
char *lab_read(const char *path);
bool lab_write(const char *path, const char *text);

/* Counters of the machine before and after: switches, with and without a new page-table root,
 * copies on write, shootdowns, migrations, futex paths.  Those that the system does not tell are
 * UINT64_MAX in both, and in the difference. */
struct lab_counters {
	uint64_t switches, switches_root, cow_copies, shootdowns, migrations;
	uint64_t futex_waits, futex_wakes, futex_wakes_empty;
	uint64_t system_calls; /* of the calling process: voluntary, involuntary: getrusage() */
	uint64_t voluntary, involuntary;
};
void lab_counters(struct lab_counters *now);
struct lab_counters lab_counters_since(const struct lab_counters *before);

/* --- the timeline -------------------------------------------------------------------------------
 * From /sys/kernel/tracing, on Heddle and (as root) on Linux. */

struct lab_trace; /* events of all CPUs, in order of time */

bool lab_trace_begin(void); /* empties the rings and switches recording on */
void lab_trace_mark(const char *format, ...) LAB_PRINTF(1, 2); /* a word on the timeline */
struct lab_trace *lab_trace_end(void); /* switches off and reads; NULL: the system has none */

/* Add it to the evidence: a row a CPU, a column a tick, a letter a thread; '.' idle, '-' others;
 * wake-ups and switches to another address space are marked in rows of their own. */
void lab_timeline(struct lab_trace *trace, const char *title);

/* Nanoseconds that a thread ran; that the two most overlapping of them ran at the same time; and
 * how often two threads of the set followed each other on a CPU. */
uint64_t lab_trace_ran(const struct lab_trace *trace, pid_t tid);
uint64_t lab_trace_overlap(const struct lab_trace *trace, const pid_t *tids, int count);
int lab_trace_switches(const struct lab_trace *trace, const pid_t *tids, int count);

/* Every stretch of time in which a thread of the set ran, in order of beginning. */
struct lab_slice {
	pid_t tid;
	int cpu;
	uint64_t start_ns, end_ns;
	bool new_root; /* the switch to it changed the address space */
};
int lab_trace_slices(const struct lab_trace *trace, const pid_t *tids, int count,
		     struct lab_slice *slices, int max);
