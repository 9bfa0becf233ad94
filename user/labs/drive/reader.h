/* SPDX-License-Identifier: MIT
 *
 * Shared by the files that read levels: words.c, expression.c, statement.c and level.c.
 *
 * After the first error the rest of the line is read on without effect, and reading ends there.
 */
#pragma once

#include "drive.h"

extern struct reader {
	const char *file;
	int number;		/* of the line */
	const char *line, *end; /* its text, without comment and the spaces at its end */
	const char *at;		/* behind the word */
	char word[32];		/* "" at the end of the line */
	bool is_name, is_number;
	char error[256];
	struct level *level;
	int thread;   /* the thread whose lines are read, or -1: a goal */
	int accesses; /* of shared memory, in this line */
} reader;

__attribute__((format(printf, 1, 2))) void read_fail(const char *format, ...);

/* The word of a line that is next. */
void read_word(void);
bool word_is(const char *word);
bool word_accept(const char *word); /* if it is this one, reads the one that follows */
void word_expect(const char *word);
void word_none(void); /* the line must end here */
int word_number(int least, int most);

/* Adds a name, which is the word; `thread` is -1 for what all threads share. */
struct name *name_new(enum kind kind, int thread, int cells);
int name_find(const char *text, int thread); /* -1: there is none */
int name_object(enum kind kind);	     /* the index of the object that the word names */

int expression_read(int least); /* of operators that bind at least so tightly: 1 is all */
int cell_read(void);		/* a variable, or an element of an array */

extern int open_count; /* blocks of the thread that are open */
void statement_read(struct thread *thread);
int indent_of(const char *line); /* in columns */
