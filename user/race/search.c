/* SPDX-License-Identifier: MIT
 *
 * All schedules with few preemptions (Musuvathi, Qadeer, "Iterative Context Bounding", 2007), and
 * the shortest schedule that fails.
 */
#include "user/race/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRANULES    65536 /* of 8 bytes; a power of two */
#define BOUND_LIMIT 9

/* --- Which variables are shared -----------------------------------------------------------------
 */

static struct granule {
	uint64_t number; /* address / 8; 0: free */
	uint64_t threads;
	bool written;
} granules[GRANULES];
static unsigned int granule_count;
static bool has_grown; /* a variable has become shared */

static struct granule *granule_of(uint64_t number)
{
	struct granule *g = &granules[number * 0x9e3779b97f4a7c15 >> 48];

	while (g->number && g->number != number)
		g = g == &granules[GRANULES - 1] ? granules : g + 1;
	return g;
}

static bool is_access(const struct race_event *e)
{
	return e->kind <= RACE_ATOMIC_CHANGE;
}

static bool granule_shared(const struct granule *g)
{
	return g->written && (g->threads & (g->threads - 1));
}

void note_shared(void)
{
	for (uint32_t i = 0; i < shared->count; i++) {
		const struct race_event *e = &shared->events[i];

		if (!is_access(e))
			continue;
		for (uint64_t n = e->address / 8; n <= (e->address + e->size - 1) / 8; n++) {
			struct granule *g = granule_of(n);
			bool before = granule_shared(g);

			if (!g->number && granule_count++ > GRANULES / 2)
				return;
			g->number = n;
			g->threads |= 1ull << e->thread;
			g->written |= e->kind != RACE_READ && e->kind != RACE_ATOMIC_READ;
			has_grown |= before != granule_shared(g);
		}
	}
}

/* Could it matter that another thread runs just before this event? */
static bool matters(const struct race_event *e)
{
	if (!is_access(e))
		return e->kind != RACE_CREATE && e->kind != RACE_JOIN && e->kind != RACE_JOIN_WAIT;
	for (uint64_t n = e->address / 8; n <= (e->address + e->size - 1) / 8; n++)
		if (granule_shared(granule_of(n)))
			return true;
	return false;
}

/* --- The search ---------------------------------------------------------------------------------
 */

struct stack {
	char **schedules;
	size_t count, size;
};

static void push(struct stack *s, char *schedule)
{
	if (s->count == s->size) {
		s->size = s->size ? 2 * s->size : 256;
		s->schedules = realloc(s->schedules, s->size * sizeof(char *));
	}
	s->schedules[s->count++] = schedule;
}

static bool is_runnable(const struct decision *d)
{
	return d->ready >> d->member & 1;
}

/* The running member could have continued, and another one was chosen. */
static bool is_preemption(const struct decision *d, unsigned int chosen)
{
	return is_runnable(d) && d->by_default == d->member && chosen != d->member;
}

unsigned int preemptions(const struct outcome *o)
{
	unsigned int n = 0;

	for (size_t i = 0; i < o->decision_count; i++)
		n += is_preemption(&o->decisions[i], o->decisions[i].chosen);
	return n;
}

/* For each decision at a scheduling point, the event that came after it: the k-th such decision of
 * a member belongs to its k-th event at a point.  NULL: the run ended first. */
static const struct race_event **events_of(const struct outcome *o)
{
	const struct race_event **of = calloc(o->decision_count + 1, sizeof(*of));
	uint32_t next[RACE_THREADS] = {0};

	for (size_t i = 0; i < o->decision_count; i++) {
		const struct decision *d = &o->decisions[i];
		uint32_t *at;

		if (!is_runnable(d) || d->member >= RACE_THREADS)
			continue;
		at = &next[d->member];
		while (*at < shared->count &&
		       (shared->events[*at].thread != d->member || !shared->events[*at].point))
			++*at;
		if (*at < shared->count)
			of[i] = &shared->events[(*at)++];
	}
	return of;
}

/* Add the schedules that differ from this run in one further decision, after the last one in which
 * it differed from the default. */
static void branch(const struct outcome *o, unsigned int used, unsigned int bound,
		   struct stack *stacks)
{
	const struct race_event **events = events_of(o);
	size_t i = o->decision_count;

	while (i && o->decisions[i - 1].chosen == o->decisions[i - 1].by_default)
		i--;
	for (; i < o->decision_count; i++) {
		const struct decision *d = &o->decisions[i];
		bool runnable = is_runnable(d);

		for (unsigned int u = 0; u < 64; u++) {
			unsigned int cost = is_preemption(d, u);
			char *child;

			if (!(d->ready >> u & 1) || u == d->chosen ||
			    (runnable && u == d->member) || used + cost > bound ||
			    (cost && events[i] && !matters(events[i])))
				continue;
			if (asprintf(&child, "%s %u.%u>%u", o->schedule, d->member, d->point, u) >
			    0)
				push(&stacks[used + cost], child);
		}
	}
	free(events);
}

static bool one(struct search *s, const char *words, unsigned int used, struct stack *stacks)
{
	struct outcome o;
	char *schedule;
	bool stop;

	if (asprintf(&schedule, "replay %s", words) < 0)
		return true;
	run(schedule, &o);
	free(schedule);
	s->runs++;
	s->found[o.result]++;
	if (!s->first[o.result])
		s->first[o.result] = strdup(o.schedule);
	note_shared();
	branch(&o, used, s->bound, stacks);
	stop = o.result == s->wanted;
	outcome_free(&o);
	return stop;
}

static void forget(struct search *s)
{
	memset(s->found, 0, sizeof(s->found));
	s->finished = 0;
	for (int r = 0; r < RESULTS; r++) {
		free(s->first[r]);
		s->first[r] = NULL;
	}
}

/* One pass.  False: it is to be repeated, since more variables are shared than was known. */
static bool pass(struct search *s)
{
	struct stack stacks[BOUND_LIMIT + 1] = {0};
	bool stop = false;

	forget(s);
	has_grown = false;
	push(&stacks[0], strdup(""));
	for (unsigned int used = 0; used <= s->bound && !stop; used++) {
		struct stack *stack = &stacks[used];

		while (stack->count && !stop && s->runs < s->runs_max && !too_slow()) {
			char *words = stack->schedules[--stack->count];

			stop = one(s, words, used, stacks);
			free(words);
		}
		if (stack->count || stop)
			break;
		s->finished = used + 1;
	}
	s->complete = s->finished == s->bound + 1;
	for (unsigned int used = 0; used <= s->bound; used++) {
		while (stacks[used].count)
			free(stacks[used].schedules[--stacks[used].count]);
		free(stacks[used].schedules);
	}
	return stop || !s->complete || !has_grown;
}

void search(struct search *s)
{
	if (s->bound > BOUND_LIMIT)
		s->bound = BOUND_LIMIT;
	s->runs = 0;
	do
		s->runs = 0;
	while (!pass(s));
}

/* --- Shrinking ----------------------------------------------------------------------------------
 */

static size_t count_words(const char *text)
{
	size_t n = 0;

	for (const char *at = text; *at; at++)
		n += *at != ' ' && (at == text || at[-1] == ' ');
	return n;
}

/* A run by all words but those from the `from`-th up to the `to`-th: its schedule if it has the
 * wanted result and fewer words; else NULL. */
static char *without(const char *words, size_t from, size_t to, enum result wanted)
{
	char *text = malloc(strlen(words) + 8), *shorter = NULL;
	size_t at = (size_t)sprintf(text, "replay"), i = 0;
	struct outcome o;

	for (const char *w = words; *w; i++) {
		size_t n = strcspn(w, " ");

		if (i < from || i >= to)
			at += (size_t)sprintf(text + at, " %.*s", (int)n, w);
		w += n + (w[n] == ' ');
	}
	run(text, &o);
	if (o.result == wanted && count_words(o.schedule) < count_words(words))
		shorter = strdup(o.schedule);
	free(text);
	outcome_free(&o);
	return shorter;
}

/* Leave out parts of the list as long as the result stays, first halves and in the end single
 * words (Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). */
char *shrink(const char *schedule, enum result wanted)
{
	char *best = strdup(schedule);
	size_t part = count_words(best), from = 0;

	while (part && !too_slow()) {
		size_t count = count_words(best);
		char *shorter = from < count ? without(best, from, from + part, wanted) : NULL;

		if (shorter) {
			free(best);
			best = shorter;
		} else if (from + part < count) {
			from += part;
		} else {
			/* The last pass by single words is repeated until it finds nothing. */
			part /= 2;
			from = 0;
		}
		if (shorter && part == 1)
			from = 0;
	}
	return best;
}
