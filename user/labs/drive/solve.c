/* SPDX-License-Identifier: MIT
 *
 * Searches all schedules of a level, breadth first, so that the first that reaches the goal is a
 * shortest one.  Different schedules often lead to the same state; it is continued only once.
 *
 * A goal for_ever(T) is a loop in the graph of states in which T has not ended and which is fair:
 * every thread that has not ended runs in it or cannot run anywhere in it.
 */
#include "drive.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORK 3000000 /* steps that one search may try */

/* A state in a search, and how it was reached. */
struct seen {
	struct state state;
	unsigned char ran, could; /* bits of threads: only for loops, see close_loop() */
	char move;
	int from, depth;
	int next; /* in its chain of the hash table, or -1 */
};

#define CHAINS 16384

struct search {
	const struct level *level;
	struct seen *seen;
	int count, room;
	int chains[CHAINS];
};

static void search_begin(struct search *search, const struct level *level)
{
	memset(search, 0, sizeof(*search));
	search->level = level;
	memset(search->chains, 0xFF, sizeof(search->chains));
}

static void search_end(struct search *search)
{
	free(search->seen);
}

/* The index of this state, which is added if it is new.  -1: there are MAX_STATES already. */
static int search_add(struct search *search, const struct seen *new)
{
	const unsigned char *bytes = (const unsigned char *)&new->state;
	unsigned int hash = new->ran * 31 + new->could;
	int *chain;

	for (size_t i = 0; i < sizeof(new->state); i++)
		hash = hash * 33 + bytes[i];
	chain = &search->chains[(hash ^ hash >> 16) % CHAINS];
	for (int i = *chain; i >= 0; i = search->seen[i].next) {
		const struct seen *old = &search->seen[i];

		if (old->ran == new->ran &&
		    old->could == new->could &&same_state(&old->state, &new->state))
			return i;
	}
	if (search->count == MAX_STATES)
		return -1;
	if (search->count == search->room) {
		search->room = search->room ? 2 * search->room : 256;
		search->seen = realloc(search->seen, search->room * sizeof(*search->seen));
		if (!search->seen)
			abort();
	}
	search->seen[search->count] = *new;
	search->seen[search->count].next = *chain;
	*chain = search->count;
	return search->count++;
}

/* The moves that lead to a state, from the first one of the search.  Returns how many. */
static int moves_to(const struct search *search, int i, char *moves)
{
	int depth = search->seen[i].depth;

	for (; search->seen[i].from >= 0; i = search->seen[i].from)
		if (search->seen[i].depth <= MAX_MOVES)
			moves[search->seen[i].depth - 1] = search->seen[i].move;
	moves[depth < MAX_MOVES ? depth : MAX_MOVES] = 0;
	return depth;
}

/* The state after state i, if thread t runs. */
static struct seen after(const struct search *search, int i, int t)
{
	struct seen new = search->seen[i];

	make_step(search->level, &new.state, t);
	new.move = 'A' + t;
	new.from = i;
	new.depth++;
	return new;
}

static unsigned int runnable(const struct level *level, const struct state *s)
{
	unsigned int set = 0;

	for (int t = 0; t < level->thread_count; t++)
		set |= (unsigned int)can_run(level, s, t) << t;
	return set;
}

static bool is_fair(const struct level *level, const struct seen *end)
{
	for (int t = 0; t < level->thread_count; t++)
		if (!has_ended(level, &end->state, t) && !(end->ran >> t & 1) &&
		    end->could >> t & 1)
			return false;
	return true;
}

/* A shortest way from `from` to the state `target` that makes a fair loop, of at most `limit`
 * moves; `from` tells which threads ran, or could run, since `target`.  Returns its length, and
 * 0 if there is none. */
static int close_loop(const struct level *level, struct seen from, const struct state *target,
		      int limit, char *moves, int *work, bool *complete)
{
	static struct search search;
	int length = 0;

	search_begin(&search, level);
	from.from = -1;
	from.depth = 0;
	search_add(&search, &from);
	for (int i = 0; i < search.count && !length && search.seen[i].depth < limit; i++) {
		for (int t = 0; t < level->thread_count && !length; t++) {
			struct seen new;
			int index;

			if (!can_run(level, &search.seen[i].state, t))
				continue;
			new = after(&search, i, t);
			new.ran |= 1u << t;
			new.could |= runnable(level, &search.seen[i].state);
			index = search_add(&search, &new);
			if (++*work > MAX_WORK || index < 0) {
				*complete = false;
				goto out;
			}
			if (same_state(&new.state, target) && is_fair(level, &new))
				length = moves_to(&search, index, moves);
		}
	}
out:
	search_end(&search);
	return length;
}

/* Loops that begin with a state of `h`, the present one excepted. */
static void loops_of_history(const struct level *level, const struct history *h,
			     struct solution *best, int *work)
{
	struct seen from = {.state = h->states[h->moves]};
	char moves[MAX_MOVES + 1];

	for (int i = h->moves - 1; i >= 0; i--) {
		int length;

		from.ran |= 1u << (h->schedule[i] - 'A');
		from.could |= runnable(level, &h->states[i]);
		if (has_ended(level, &h->states[i], level->for_ever))
			continue;
		length = close_loop(level, from, &h->states[i],
				    best->found ? best->moves - 1 : MAX_MOVES - h->moves, moves,
				    work, &best->complete);
		if (!length)
			continue;
		best->found = true;
		best->moves = length;
		strcpy(best->schedule, moves);
	}
}

/* All states that can follow the last of `h`.  If the goal is one of a single state, the search
 * ends there. */
static void search_states(struct search *search, const struct history *h, struct solution *found)
{
	const struct level *level = search->level;
	struct seen start = {.state = h->states[h->moves], .from = -1};

	search_add(search, &start);
	for (int i = 0; i < search->count && !found->found; i++) {
		if (goal_holds(level, &search->seen[i].state)) {
			found->moves = moves_to(search, i, found->schedule);
			found->found = found->moves <= MAX_MOVES - h->moves;
			found->complete &= found->found;
			break;
		}
		for (int t = 0; t < level->thread_count; t++) {
			struct seen new;

			if (!can_run(level, &search->seen[i].state, t))
				continue;
			new = after(search, i, t);
			if (search_add(search, &new) < 0) {
				found->complete = false;
				found->states = search->count;
				return;
			}
		}
	}
	found->states = search->count;
}

struct solution solve_from(const struct level *level, const struct history *h)
{
	static struct search search;
	struct solution found = {.complete = true};
	char moves[2 * MAX_MOVES + 2];
	int work = 0;

	if (goal_reached(level, h))
		return (struct solution){.found = true, .complete = true, .states = 1};
	search_begin(&search, level);
	search_states(&search, h, &found);
	if (level->for_ever >= 0)
		loops_of_history(level, h, &found, &work);
	for (int i = 0; level->for_ever >= 0 && i < search.count; i++) {
		struct seen from = {.state = search.seen[i].state};
		int limit =
		    (found.found ? found.moves - 1 : MAX_MOVES - h->moves) - search.seen[i].depth;
		int length;

		if (limit <= 0)
			break; /* all that follow are deeper */
		if (has_ended(level, &from.state, level->for_ever))
			continue;
		length = close_loop(level, from, &from.state, limit, moves, &work, &found.complete);
		if (!length)
			continue;
		found.found = true;
		found.moves = search.seen[i].depth + length;
		memmove(moves + search.seen[i].depth, moves, length + 1);
		moves_to(&search, i, found.schedule);
		memcpy(found.schedule + search.seen[i].depth, moves + search.seen[i].depth,
		       length + 1);
	}
	search_end(&search);
	return found;
}

struct solution solve(const struct level *level)
{
	static struct history start;

	history_begin(level, &start);
	return solve_from(level, &start);
}

/* --- counting --------------------------------------------------------------------------------- */

struct counts {
	double all, reach;
	bool done, open; /* open: the schedule that is followed passed here */
};

/* Counts what follows state i.  Returns false if a schedule can come back to a state. */
static bool count_from(struct search *search, struct counts *counts, int i)
{
	const struct level *level = search->level;
	bool over = true, goal = goal_holds(level, &search->seen[i].state);

	if (counts[i].open)
		return false;
	if (counts[i].done)
		return true;
	counts[i].open = true;
	for (int t = 0; t < level->thread_count; t++) {
		struct seen new;
		int next;

		if (!can_run(level, &search->seen[i].state, t))
			continue;
		over = false;
		new = after(search, i, t);
		next = search_add(search, &new);
		if (next < 0 || !count_from(search, counts, next))
			return false;
		counts[i].all += counts[next].all;
		counts[i].reach += goal ? counts[next].all : counts[next].reach;
	}
	if (over) {
		counts[i].all = 1;
		counts[i].reach = goal;
	}
	counts[i].open = false;
	counts[i].done = true;
	return true;
}

bool count_schedules(const struct level *level, double *all, double *reach)
{
	static struct search search;
	struct seen start = {.state = state_begin(level), .from = -1};
	struct counts *counts = calloc(MAX_STATES, sizeof(*counts));
	bool counted = false;

	search_begin(&search, level);
	search_add(&search, &start);
	if (counts && level->for_ever < 0)
		counted = count_from(&search, counts, 0);
	*all = counted ? counts[0].all : 0;
	*reach = counted ? counts[0].reach : 0;
	search_end(&search);
	free(counts);
	return counted;
}
