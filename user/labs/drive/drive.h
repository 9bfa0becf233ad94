/* SPDX-License-Identifier: MIT
 *
 * Lab drive: levels, the machine that runs their programs, the search of all schedules, and play.
 *
 * tools/pages/drive.js is the same machine for a browser.  tests/system/test_drive.py compares both
 * on every level: a change here needs the same change there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MAX_THREADS 4
#define MAX_LINES   24	/* of one thread */
#define MAX_NAMES   32	/* variables, local variables of all threads, and objects */
#define MAX_CELLS   28	/* bytes of memory */
#define MAX_NODES   256 /* of all expressions of a level */
#define MAX_TEXTS   4	/* hints, reasons */
#define MAX_MOVES   200
#define MAX_STATES  100000
#define NAME_LENGTH 15

/* --- a level (level.c) ------------------------------------------------------------------------ */

enum kind { VARIABLE, LOCAL, LOCK, CONDITION, SEMAPHORE, BARRIER, RWLOCK };

struct name {
	char text[NAME_LENGTH + 1];
	enum kind kind;
	int thread;	      /* LOCAL: the thread that it belongs to; else -1 */
	int cell, count;      /* its memory: the first byte, and how many there are */
	int start[MAX_CELLS]; /* first values; BARRIER: start[0] is the number of threads */
};

enum node_op {
	/* leaves */
	NUMBER,
	CELL,
	CRITICAL_COUNT,
	ENDED_COUNT,
	STUCK,
	OVER,
	FAILED,
	/* of one operand, left */
	NOT,
	NEGATIVE,
	/* of two */
	OR,
	AND,
	EQUAL,
	UNEQUAL,
	LESS,
	AT_MOST,
	MORE,
	AT_LEAST,
	PLUS,
	MINUS,
	TIMES,
	MODULO,
	/* atomic instructions: they write, too.  `target` is a CELL. */
	CAS,
	ADD,
	SWAP,
	TRYLOCK
};

struct node {
	enum node_op op;
	int value;	 /* NUMBER: the number; CELL and TRYLOCK: the index of the name */
	int target;	 /* CELL: the node of the index of an array, or -1 */
	int left, right; /* TRYLOCK: left is the thread */
};

enum line_op {
	ASSIGN,
	EVALUATE,
	IF,
	WHILE,
	SPIN,
	BREAK,
	BREAK_IF,
	RETURN,
	RETURN_IF,
	ASSERT,
	CRITICAL,
	WORK,
	LOCK_,
	UNLOCK,
	WAIT,
	SIGNAL,
	BROADCAST,
	SEM_WAIT,
	SEM_POST,
	BARRIER_WAIT,
	READ_LOCK,
	READ_UNLOCK,
	WRITE_LOCK,
	WRITE_UNLOCK,
	ELSE,
	CLOSE /* these two take no step: the thread continues at `to` at once */
};

struct line {
	enum line_op op;
	const char *text; /* not terminated */
	int length, indent;
	int target; /* ASSIGN: the CELL that is written; else the index of the object, or -1 */
	int second; /* WAIT: the index of the lock, or -1 */
	int expr;   /* node, or -1 */
	int to;	    /* where the thread continues if it jumps */
};

struct thread {
	char name; /* 'A' to 'D' */
	int count; /* lines */
	struct line lines[MAX_LINES];
};

struct level {
	char name[32], title[48];
	char *story, *task, *learn; /* NULL: none */
	char *hints[MAX_TEXTS], *reasons[MAX_TEXTS];
	int hint_count, reason_count, right_reason;
	int goal;     /* node, or -1 */
	int for_ever; /* the thread that must wait for ever, or -1 */
	int name_count, cell_count, node_count, thread_count;
	struct name names[MAX_NAMES];
	struct node nodes[MAX_NODES];
	struct thread threads[MAX_THREADS];
	unsigned int checksum; /* of its lines: progress is kept for exactly this level */
};

extern struct level *levels;
extern int level_count;

/* Reads all levels of a text.  Returns NULL, or what is wrong: "FILE:12: there is no lock m".
 * `text` must stay: lines point into it. */
const char *levels_read(const char *text, const char *file);
const struct level *level_named(const char *name); /* NULL: there is none */

/* --- the machine (machine.c) ------------------------------------------------------------------ */

/* All that a running program consists of.  Only bytes: two states are compared as memory. */
struct state {
	signed char at[MAX_THREADS];	 /* the next line */
	signed char asleep[MAX_THREADS]; /* 1 + the condition or barrier that it sleeps on, or 0 */
	signed char rank[MAX_THREADS];	 /* its place among those that sleep there, from 1 */
	signed char relock[MAX_THREADS]; /* 1 + the lock that it must take after a wait, or 0 */
	signed char failed;		 /* 1 + the thread whose line failed, or 0 */
	signed char why;		 /* enum failure */
	signed char cells[MAX_CELLS];
};

enum failure { NO_FAILURE, ASSERTION, NOT_OWNER, OUT_OF_RANGE };

struct state state_begin(const struct level *level);
bool has_ended(const struct level *level, const struct state *s, int t);
bool can_run(const struct level *level, const struct state *s, int t);
bool is_over(const struct level *level, const struct state *s); /* no thread can run */
bool is_stuck(const struct level *level, const struct state *s);
void make_step(const struct level *level, struct state *s, int t);
bool same_state(const struct state *a, const struct state *b);
/* The goal, if it is one of a single state (not for_ever). */
bool goal_holds(const struct level *level, const struct state *s);
const struct line *next_line(const struct level *level, const struct state *s, int t);

/* A schedule that has been played: states[0] is the beginning, states[moves] is now. */
struct history {
	int moves;
	char schedule[MAX_MOVES + 1];
	struct state states[MAX_MOVES + 1];
};

void history_begin(const struct level *level, struct history *h);
void history_step(const struct level *level, struct history *h, int t);
/* Also for for_ever: the program was in this state before, and between both every thread that has
 * not ended ran or could not run.  Then it can go on like this for ever. */
bool goal_reached(const struct level *level, const struct history *h);

/* --- the search (solve.c) --------------------------------------------------------------------- */

struct solution {
	bool found;    /* `schedule` reaches the goal, and no shorter one does */
	bool complete; /* the search saw every state: if !found, no schedule reaches the goal */
	int states;    /* how many it saw */
	int moves;
	char schedule[MAX_MOVES + 1];
};

struct solution solve(const struct level *level); /* from the beginning */
struct solution solve_from(const struct level *level, const struct history *h);

/* Counts the schedules, and those that reach the goal.  Returns false if a schedule can be endless
 * or there are too many states. */
bool count_schedules(const struct level *level, double *all, double *reach);

/* --- texts (say.c) ---------------------------------------------------------------------------- */

/* "counter = 1, a: B": variables and objects; static memory. */
const char *memory_text(const struct level *level, const struct state *s);
const char *locals_text(const struct level *level, const struct state *s);
const char *state_text(const struct level *level, const struct state *s); /* every number */
/* Why a thread cannot run now; static memory. */
const char *why_not(const struct level *level, const struct state *s, int t);
/* "deadlock: ...", "thread A failed: ..."; how it ended, or where it is. */
const char *outcome_text(const struct level *level, const struct history *h);

/* --- progress (progress.c) -------------------------------------------------------------------- */

struct tries {
	int moves, hints, wrong; /* wrong: claims that were not true */
};

/* 10, less 1 for each move above the best and each hint, less 5 for each wrong claim; at least 1.
 */
int points_of(const struct tries *tries, int best);
void progress_load(void);
/* Where it is kept, or why it is not. */
const char *progress_place(void);
const struct tries *progress_of(const struct level *level); /* NULL: not solved */
/* Keeps the better one.  Returns false if the file could not be written. */
bool progress_keep(const struct level *level, const struct tries *tries);

/* --- real threads (real.c) -------------------------------------------------------------------- */

void real_begin(const struct level *level);
void real_step(const struct history *h); /* the last move of `h` */
bool real_differs(void); /* since real_begin(): the threads did something else than the machine */
/* Gives every thread that cannot run permission to run once more.  Returns true if none did. */
bool real_stuck(const struct level *level, const struct state *s);
void real_end(void);

/* --- play (play.c) ---------------------------------------------------------------------------- */

void play(const struct level *first); /* on the whole screen, or by lines */
