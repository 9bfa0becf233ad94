/* SPDX-License-Identifier: MIT
 *
 * The parts of `race` (user/race.c).
 */
#pragma once

#include "user/race/race.h"

#include <stddef.h>
#include <sys/types.h>

/* How a run ended. */
enum result { PASSED, WRONG, HUNG, CRASHED, MEMORY, LONG, BROKEN, RESULTS };

struct decision {
	unsigned int member, point, chosen, by_default;
	unsigned long ready; /* members that could be chosen, also the member itself */
};

struct outcome {
	enum result result;
	int status;	/* as waitpid() gives it */
	char *schedule; /* the words of the decisions that were not the default */
	unsigned long points, switches, hash;
	unsigned int steps, events;
	struct decision *decisions;
	size_t decision_count;
	char *output; /* what the program printed, with a NUL */
	size_t output_size;
};

struct options {
	char **command; /* the program and its arguments */
	const char *input, *expect;
	unsigned int seeds, depth, bound, runs_max, steps_max, stop_at;
	unsigned long first_seed;
	bool any_order;
};
extern struct options options;
extern struct race_shared *shared;
extern const char *const result_names[RESULTS];

/* run.c: one run by a schedule, as /proc/PID/sched_schedule takes it.  The caller frees *o. */
void run_start(void);
void run(const char *schedule, struct outcome *o);
void outcome_free(struct outcome *o);
void set_expected(const char *text, size_t size);
unsigned int runs_made(void);
bool too_slow(void); /* runs ended only by a limit of time: try no more */

/* search.c: all schedules with at most `bound` preemptions, those with fewer first. */
struct search {
	unsigned int bound, runs_max;
	enum result wanted; /* stop at the first with this result; RESULTS: do not stop */
	/* Results. */
	unsigned int runs, found[RESULTS], finished; /* bounds that were searched completely + 1 */
	bool complete;
	char *first[RESULTS]; /* schedules */
};
void search(struct search *s);

/* Note which variables are shared, from the events of the run that was made last. */
void note_shared(void);

/* A schedule with as few words as possible that has the same result.  The caller frees it. */
char *shrink(const char *schedule, enum result wanted);

/* In how many decisions of a run the running member was preempted. */
unsigned int preemptions(const struct outcome *o);
