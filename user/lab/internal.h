/* SPDX-License-Identifier: MIT
 *
 * What the files of the library share and labs do not see.
 */
#pragma once

#include "lab.h"

#include <stdio.h>

/* --- evidence, as kept (evidence.c) ----------------------------------------------------------- */

#define LAB_COLUMNS 12

enum evidence_kind { TABLE, BARS, NOTE, CHECK, LEFT_OUT, TIMELINE };

struct lab_row {
	char *cells[LAB_COLUMNS];
};

struct lab_bar {
	char *label;
	double value;
};

struct evidence {
	enum evidence_kind kind;
	struct evidence *next;
	char *title; /* of a note, a check: its text; of what is left out: what */
	char *why;
	bool holds;
	/* A table's. */
	int columns;
	struct lab_row heads;
	bool right[LAB_COLUMNS];
	struct lab_row *rows;
	/* Bars'. */
	char *unit;
	struct lab_bar *bars;
	int count; /* of rows or bars */
	/* A timeline's. */
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
	int checks_failed;
	bool has_verdict;
	enum lab_verdict verdict;
	char *text;
	int predicted; /* the learner's choice, or -1 */
};
extern struct report report;

struct lab_table {
	struct evidence e;
};
struct lab_bars {
	struct evidence e;
};

void *must(void *memory); /* dies where there was none */
char *text_of(const char *format, ...) LAB_PRINTF(1, 2);
char *text_of_args(const char *format, va_list args) LAB_PRINTF(1, 0);

/* Whether the run ended as it should: the exit status says so, and the report. */
bool report_ok(void);
const char *verdict_key(enum lab_verdict verdict); /* "true", "corrected", "false", "not_shown" */

/* --- the screen (screen.c) ---------------------------------------------------------------------
 */

enum glyphs {
	GLYPHS_ASCII, /* nothing else */
	GLYPHS_CP437, /* UTF-8, but only characters that a PC's text mode can draw */
	GLYPHS_UTF8,
};

struct screen {
	int width, rows;
	enum glyphs glyphs;
	bool colours;
	bool coloured;	 /* now */
	bool overwrites; /* a line can be written over */
	bool pages;	 /* a key is waited for when it is full */
	int lines;	 /* since then */
};
extern struct screen screen;

enum colour { PLAIN, BOLD, DIM, GOOD, BAD, WARN };

void screen_open(bool plain, bool ascii); /* looks at standard output and the environment */
void put(const char *utf8);		  /* translated to what the screen can draw */
void put_colour(enum colour colour);	  /* nothing where there are no colours */
void put_letter_colour(char letter);
void put_repeated(const char *glyph, int count);
void put_format(const char *format, ...) LAB_PRINTF(1, 2);
void put_padded(const char *utf8, int width, bool right);
void put_rule(void);
/* A paragraph between `indent` and the width.  `first` goes before the first line, into the indent;
 * NULL: something stands there already. */
void put_paragraph(const char *first, int indent, const char *utf8);

int text_width(const char *utf8); /* in cells */
/* The bytes of `text` that fit into `width` cells, cut between words where possible; *next is where
 * the following line begins. */
size_t text_fit(const char *text, int width, const char **next);
const char *number_text(double value, char buffer[32]);
char key_read(void); /* one key of the terminal, without Enter; 'q' at its end */

#define LAB_LEFT 4 /* exit status: left at its question */

/* --- the report as text, and as JSON (show.c, table.c, json.c) ----------------------------------
 */

void show_heading(void);
int show_question(void); /* the choice, or -1; ends the program on 'q' */
void show_report(void);
void show_progress_end(void);
void show_table(const struct evidence *e);
void show_bars(const struct evidence *e);
bool linux_figure(const char *name, double *value); /* of this lab, in the same QEMU */
void json_report(void);
void json_error(const char *why);
void json_string(const char *text);
void json_number(double value);

/* --- options (options.c) ------------------------------------------------------------------------
 */

void options_parse(int argc, char *argv[]);
void options_json(void);
bool options_broken(void); /* a knob was given */
void options_apply(void);  /* CPUs and the slice; the slice is put back at the end */

/* --- time and CPUs (time.c), threads (thread.c) --------------------------------------------------
 */

int cpus_limit(int count); /* keep to the first `count` CPUs; 0: all.  How many there are now. */
void letters_open(void);
int letter_take(const char *name);	/* reserve one */
void letter_set(int letter, pid_t tid); /* the thread for which it was reserved */
void letter_end(pid_t tid);		/* its letter is free for the next of that name */
char letter_find(pid_t tid);		/* 0 where it has none */
void letters_keep(struct lab_trace *trace, bool all); /* in the trace; `all` get one */
bool in_child(void);

/* --- traces (trace.c, timeline.c) ----------------------------------------------------------------
 */

enum event_kind { EVENT_SWITCH, EVENT_WAKE, EVENT_ROOT, EVENT_MARK };

struct event {
	uint64_t ns;
	enum event_kind kind;
	int cpu;
	pid_t tid;   /* who was running */
	pid_t other; /* switched to, or woken */
	char *text;  /* of a mark */
	int order;   /* of its line: decides where times are the same */
};

struct lab_trace {
	struct event *events;
	int count;
	int cpus;
	uint64_t start_ns, end_ns;
	int from, to;  /* the events between the marks of lab_trace_begin() and lab_trace_end() */
	uint64_t lost; /* events that the rings had no room for */
	struct lab_slice *slices;
	int slice_count;
	struct thread_name {
		pid_t tid;
		char name[16];
		char letter; /* or 0 */
	} * names;
	int name_count;
};

extern const char *trace_file; /* --trace: where the text goes, or NULL */
void trace_keep_rest(void);    /* if nothing was recorded: what the ring has */
struct lab_trace *trace_parse(const char *text);
void trace_free(struct lab_trace *trace);
const char *trace_name(const struct lab_trace *trace, pid_t tid);
char trace_letter(const struct lab_trace *trace, pid_t tid);
void trace_off(void); /* if lab_trace_begin() switched it on; may be called in a signal handler */
void trace_find_slices(struct lab_trace *trace);
/* `whole`: not only the part in which threads with letters ran.  `max_rows` 0: as many as it takes.
 */
void timeline_show(const struct lab_trace *trace, bool whole, int max_width, int max_rows);
void timeline_json(const struct lab_trace *trace);
