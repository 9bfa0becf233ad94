/* SPDX-License-Identifier: MIT
 *
 * The fuzzer in the machine (docs/fuzz.md): programs of system calls, kept as text.
 *
 * A program is up to MAX_LINES lines "LANE CALL ARGUMENT...".  All lines of a lane run one after
 * the other in one thread; the lanes 0, 1 and 2 are threads of one process, lane 3 is a child
 * process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum {
	MAX_LINES = 14,
	MAX_ARGS = 6,
	ARG_SIZE = 88,
	LANES = 4,
	PROGRAM_TEXT = 3800, /* bytes of a program as text, at most */
	MAX_WORKERS = 8,
	PAGE = 4096,
};

struct call {
	const char *name;
	int number;
	const char *arguments; /* templates (kinds.c), separated by spaces */
};
extern const struct call calls[];
extern const int call_count;

/* These "calls" are served by the executor: numbers that no system call has. */
enum { CALL_FAIL = -1, CALL_FORK = -2, CALL_CLONE = -3 };

struct line {
	uint8_t lane;
	int16_t call; /* index in calls[] */
	char args[MAX_ARGS][ARG_SIZE];
};

struct program {
	bool root;
	uint8_t repeat;
	uint8_t count;
	struct line lines[MAX_LINES];
};

/* random.c: SplitMix64.  The same seed gives the same numbers. */
void random_seed(uint64_t seed);
uint64_t random_number(void);
static inline uint64_t below(uint64_t n)
{
	return random_number() % n;
}

/* kinds.c: make the text of an argument from a template; `line` is the number of the line, so that
 * the argument may refer to the results of the lines before. */
void argument_make(char out[ARG_SIZE], const char *template, size_t length, int line);
bool name_value(const char *name, size_t length, long *value);

/* program.c */
void program_make(struct program *p);
void program_mutate(struct program *p, const struct program *other);
void line_remove(struct program *p, int line);
size_t program_print(const struct program *p, char text[PROGRAM_TEXT]);
/* Reads one program; returns where the next begins, or NULL at the end.  A line that it does not
 * understand is reported and left out. */
const char *program_parse(struct program *p, const char *text);

/* resolve.c: in the process of the program: what its arguments point to. */
void memory_prepare(void); /* the worker, once */
void resolve_prepare(const struct program *p);
long resolve(const char *arg, int lane, const volatile long *results);
void resolve_begin(int lane); /* the structures of the lane's last call may go */
long clone_stack(void);

/* execute.c: run a program in a child, and wait for all that it has started.  0: it ended; 1: it
 * had to be killed; -1: it could not be killed.  coverage: a descriptor of /dev/coverage, fail: of
 * /proc/heddle/fail_nth; or -1. */
void execute_prepare(void); /* the worker, once */
int execute(const struct program *p, int worker, int coverage, int fail);
void execute_directory(int worker);   /* into its directory, which is made empty */
extern volatile uint64_t *calls_made; /* of this worker */

/* note.c: pages that the host finds in the memory of the machine, also after a panic. */
enum { NOTES = 8 };
void notes_make(int workers);
void note_program(int worker, const char *text);
void note_coverage(size_t words);
size_t coverage_merge(const uint64_t *map, size_t words, uint64_t *fresh);
size_t coverage_count(size_t words);

void objects_remove(void); /* of the System V kind, and message queues */
void alive(void);	   /* main.c: say so */

/* memory.c */
enum { MEMORY_KINDS = 120 };
struct memory {
	int count;
	char name[MEMORY_KINDS][48];
	long value[MEMORY_KINDS];
};
/* Read it when it has come to rest: not more than `before` (may be NULL), or after a while. */
void memory_read(struct memory *m, const struct memory *before, int workers);
/* How much more there is; `text` (may be NULL) says of what. */
long memory_growth(const struct memory *before, const struct memory *after, char *text,
		   size_t size);
/* Find and print the program of the list that leaves memory behind each time. */
bool memory_culprit(struct program *list, int count, int fail, struct program *found);
