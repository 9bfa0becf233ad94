/* SPDX-License-Identifier: MIT
 *
 * Shared by the files of the library; labs do not use it.
 */
#pragma once

#include "lab.h"

#include <stdio.h>

/* --- evidence (evidence.c) ----------------------------------------------------------- */

#define LAB_COLUMNS 12

enum evidence_kind { TABLE, BARS, NOTE, CHECK, LEFT_OUT, TIMELINE };

struct lab_row {
	char *cells[LAB_COLUMNS];
};

struct lab_bar {
	char *label;
	double value;
};

enum check_bound { AT_LEAST, AT_MOST, BETWEEN, EQUALS, FACT };

struct check {
	enum check_bound bound;
	bool timed;		    /* it compares times: a busy machine can make it fail */
	double found, wanted, most; /* rounded as they are printed; `most`: only for BETWEEN */
	char *what, *unit;
};

struct evidence {
	enum evidence_kind kind;
	struct evidence *next;
	char *title; /* for NOTE and CHECK: the text; for LEFT_OUT: what is left out */
	char *why;
	/* Only for CHECK. */
	bool holds;
	struct check check;
	/* Only for TABLE. */
	int columns;
	struct lab_row heads;
	bool right[LAB_COLUMNS];
	struct lab_row *rows;
	/* Only for BARS. */
	char *unit;
	struct lab_bar *bars;
	double whole; /* the bars are parts of this; 0: they are not */
	int count;    /* number of rows or bars */
	/* Only for TIMELINE. */
	struct lab_trace *trace;
};

struct figure {
	char *name, *unit, *meaning;
	double value;
	struct figure *next;
};

struct report {
	struct evidence *evidence;
	struct figure *figures;
	int checks_failed, timed_failed;
	int timed; /* checks that compare times, and looks at the load between measurements */
	bool has_verdict;
	enum lab_verdict verdict;
	char *text;
	int predicted; /* the learner's answer, or -1 */
};
extern struct report report;

struct lab_table {
	struct evidence e;
};
struct lab_bars {
	struct evidence e;
};

void *must(void *memory); /* returns `memory`; ends the program if it is NULL */
char *text_of(const char *format, ...) LAB_PRINTF(1, 2);
char *text_of_args(const char *format, va_list args) LAB_PRINTF(1, 0);

void evidence_keep(struct evidence *e, enum evidence_kind kind, const char *title);
const char *bound_text(enum check_bound bound);
void load_look(void);	       /* lab_load_look(), for the library */
void checks_weigh_noise(void); /* may change the verdict to LAB_NOT_SHOWN */

/* True if the verdict is the expected one; this decides the exit status. */
bool report_ok(void);
const char *verdict_key(enum lab_verdict verdict); /* "true", "corrected", "false", "not_shown" */

/* --- the screen (screen.c) ---------------------------------------------------------------------
 */

enum glyphs {
	GLYPHS_ASCII, /* only ASCII */
	GLYPHS_CP437, /* UTF-8, limited to the characters of a PC's text mode */
	GLYPHS_UTF8,
};

struct screen {
	int width, rows;
	enum glyphs glyphs;
	bool colours;
	bool coloured;	 /* a colour other than PLAIN is set now */
	bool overwrites; /* the screen can overwrite a line */
	bool pages;	 /* wait for a key when the screen is full */
	bool left;	 /* the learner has left the text: print no more of it */
	int lines;	 /* lines printed since the last key */
};
extern struct screen screen;

enum colour { PLAIN, BOLD, DIM, GOOD, BAD, WARN };

void screen_open(bool plain, bool ascii); /* tests standard output and the environment */
void put(const char *utf8);		  /* replaces characters that the screen cannot draw */
void put_colour(enum colour colour);	  /* does nothing if the screen has no colours */
void put_letter_colour(char letter);
void put_repeated(const char *glyph, int count);
void put_format(const char *format, ...) LAB_PRINTF(1, 2);
void put_padded(const char *utf8, int width, bool right);
void put_rule(void);
/* Prints a paragraph between column `indent` and the screen's width.  `first` is printed into the
 * indent of the first line; NULL: the caller has printed it already. */
void put_paragraph(const char *first, int indent, const char *utf8);

int text_width(const char *utf8); /* in columns of the screen */
/* Returns how many bytes of `text` fit into `width` columns; cuts between words if possible.  Sets
 * *next to the start of the following line. */
size_t text_fit(const char *text, int width, const char **next);
const char *number_text(double value, char buffer[32]);
char key_read(void); /* waits for one key, without Enter; 'q' at end of input */
/* Prints the prompt and waits for one of `keys`, which has 'q'.  Any other key is answered at once.
 */
char key_choose(const char *prompt, const char *keys);

#define LAB_LEFT 4 /* exit status: the learner quit at the question */

/* --- the report as text, and as JSON (show.c, table.c, json.c) ----------------------------------
 */

void show_heading(void);
int show_question(void); /* returns the answer, or -1; 'q' ends the program */
void show_report(void);
void show_progress_end(void);
void show_table(const struct evidence *e);
void show_bars(const struct evidence *e);
bool linux_figure(const char *name,
		  double *value); /* the figure of this lab on Linux, in the same QEMU */
bool linux_figures_here(void);
void json_report(void);
void json_error(const char *why);
void json_string(const char *text);
void json_number(double value);

/* --- options (options.c) ------------------------------------------------------------------------
 */

void options_parse(int argc, char *argv[]);
void options_json(void);
bool options_broken(void); /* true if a knob was given */
void options_apply(void);  /* sets CPUs and time slice; exit restores the slice */

/* --- time and CPUs (time.c), threads (thread.c) --------------------------------------------------
 */

int cpus_limit(int count); /* use the first `count` CPUs, 0: all; returns their number */
void letters_open(void);
int letter_take(const char *name);	/* reserves a letter */
void letter_set(int letter, pid_t tid); /* gives the reserved letter to a thread */
void letter_end(pid_t tid);		/* frees the letter for the next thread of that name */
char letter_find(pid_t tid);		/* 0 if it has no letter */
void letters_keep(struct lab_trace *trace,
		  bool all); /* store letters in the trace; `all`: give every thread one */
bool in_child(void);

/* --- traces (trace.c, timeline.c) ----------------------------------------------------------------
 */

enum event_kind { EVENT_SWITCH, EVENT_WAKE, EVENT_ROOT, EVENT_MARK };

struct event {
	uint64_t ns;
	enum event_kind kind;
	int cpu;
	pid_t tid;   /* the thread that was running */
	pid_t other; /* the thread that is switched to or woken */
	char *text;  /* text of a mark */
	bool first;  /* of a switch: the next thread went before others, since it had slept */
	int order;   /* line number: decides if two times are equal */
};

struct lab_trace {
	struct event *events;
	int count;
	int cpus;
	uint64_t start_ns, end_ns;
	int from, to;  /* events from lab_trace_begin() to lab_trace_end() */
	uint64_t lost; /* events for which the rings had no space */
	struct lab_slice *slices;
	int slice_count;
	struct hold {
		const char *what; /* text of the mark */
		pid_t tid;
		uint64_t start_ns, end_ns;
	} * holds;
	int hold_count;
	char *text; /* as it was read; lab_timeline() writes it to the file of --trace */
	struct thread_name {
		pid_t tid;
		char name[16];
		char letter; /* 0: none */
	} * names;
	int name_count;
};

extern const char *trace_file; /* --trace: the file for the text, or NULL */
void trace_keep_rest(void);    /* if the lab recorded nothing: keep what the ring holds */
struct lab_trace *trace_parse(const char *text);
/* The marks "holds WHAT" and "releases WHAT" are intervals, not marks in the picture. */
#define MARK_HOLDS    "holds "
#define MARK_RELEASES "releases "
void trace_find_holds(struct lab_trace *trace);
bool mark_is_hold(const char *text);
/* The next name of something that is held, after `last` (NULL: the first); NULL: no more. */
const char *trace_next_held(const struct lab_trace *trace, const char *last);
void trace_keep_text(const struct lab_trace *trace);
const char *trace_name(const struct lab_trace *trace, pid_t tid);
char trace_letter(const struct lab_trace *trace, pid_t tid);
void trace_off(void); /* undoes lab_trace_begin(); may be called in a signal handler */
void trace_find_slices(struct lab_trace *trace);
/* `whole`: show the whole trace, not only the part in which threads with letters ran.  `max_rows`
 * 0: no limit. */
void timeline_show(const struct lab_trace *trace, bool whole, int max_rows);
void timeline_json(const struct lab_trace *trace);
