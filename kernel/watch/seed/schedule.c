/* SPDX-License-Identifier: MIT
 *
 * The strategies of a schedule (schedule.h): random, PCT (Burckhardt, Kothari, Musuvathi,
 * Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010), and
 * the replay of a list of decisions.
 */
#include "kernel/watch/seed/schedule.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/text.h"
#include "kernel/mem/slab.h"
#include "kernel/watch/seed/seed.h"

#define DECISIONS_MAX 32768 /* recorded; the decisions after these are made, but not recorded */
#define WORDS_MAX     4096  /* of a list that is replayed */
#define DEPTH_MAX     16
#define IN_A_ROW_MAX  200 /* a member that others wait for has so many turns, then it yields */

enum strategy { STRATEGY_RANDOM, STRATEGY_PCT, STRATEGY_REPLAY };

struct word {
	u32 member, point, next;
};

struct schedule {
	enum strategy strategy;
	u64 random;		/* state of the generator */
	u32 depth;		/* PCT: of the bug that is looked for */
	u32 changes[DEPTH_MAX]; /* PCT: the decisions at which the running member is lowered */
	s64 lowest;		/* PCT: the lowest priority so far */
	u32 total, in_a_row;	/* decisions made; turns of one member while others were ready */
	u32 recorded;		/* written with release, read without the lock */
	u32 word_count;
	struct word *words; /* WORDS_MAX, allocated for STRATEGY_REPLAY */
	struct seed_decision *decisions;
};

/* --- Description ------------------------------------------------------------------------------ */

static bool take_number(const char **text, u64 max, u64 *value)
{
	const char *s = *text;
	u64 v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10UL, &v) ||
		    __builtin_add_overflow(v, (u64)(*s - '0'), &v) || v > max)
			return false;
	*text = s;
	*value = v;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

static bool take_prefix(const char **text, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(*text, prefix, n))
		return false;
	*text += n;
	return true;
}

/* "MEMBER.POINT>NEXT" */
static bool take_word(const char **text, struct word *w)
{
	u64 member, point, next;

	if (!take_number(text, UINT32_MAX, &member) || !take_char(text, '.') ||
	    !take_number(text, UINT32_MAX, &point) || !take_char(text, '>') ||
	    !take_number(text, UINT32_MAX, &next))
		return false;
	*w = (struct word){(u32)member, (u32)point, (u32)next};
	return true;
}

int schedule_add(struct schedule *s, const char *text)
{
	while (take_char(&text, ' '))
		;
	while (*text) {
		if (s->strategy != STRATEGY_REPLAY)
			return -EINVAL;
		if (s->word_count == WORDS_MAX)
			return -ENOSPC;
		if (!take_word(&text, &s->words[s->word_count]) || (*text && *text != ' '))
			return -EINVAL;
		s->word_count++;
		while (take_char(&text, ' '))
			;
	}
	return 0;
}

static int parse(struct schedule *s, const char *text)
{
	u64 depth, steps;

	if (take_prefix(&text, "random ")) {
		s->strategy = STRATEGY_RANDOM;
		return take_number(&text, UINT64_MAX, &s->random) && !*text ? 0 : -EINVAL;
	}
	if (take_prefix(&text, "pct ")) {
		s->strategy = STRATEGY_PCT;
		if (!take_number(&text, UINT64_MAX, &s->random) || !take_char(&text, ' ') ||
		    !take_number(&text, DEPTH_MAX, &depth) || !depth || !take_char(&text, ' ') ||
		    !take_number(&text, UINT32_MAX, &steps) || !steps || *text)
			return -EINVAL;
		s->depth = (u32)depth;
		for (u32 i = 0; i + 1 < s->depth; i++)
			s->changes[i] = 1 + (u32)(seed_random(&s->random) % steps);
		return 0;
	}
	if (!take_prefix(&text, "replay"))
		return -EINVAL;
	s->strategy = STRATEGY_REPLAY;
	s->words = kmalloc(WORDS_MAX * sizeof(struct word));
	return s->words ? schedule_add(s, text) : -ENOMEM;
}

struct schedule *schedule_create(const char *text)
{
	struct schedule *s = kzalloc(sizeof(*s));
	int error;

	if (!s)
		return ERR_PTR(-ENOMEM);
	error = parse(s, text);
	if (!error) {
		s->decisions = kmalloc(DECISIONS_MAX * sizeof(struct seed_decision));
		error = s->decisions ? 0 : -ENOMEM;
	}
	if (!error)
		return s;
	schedule_free(s);
	return ERR_PTR(error);
}

void schedule_free(struct schedule *s)
{
	if (!s)
		return;
	kfree(s->words);
	kfree(s->decisions);
	kfree(s);
}

/* --- Decisions -------------------------------------------------------------------------------- */

/* PCT: the first priorities are random and above all that a change gives, which are DEPTH_MAX and
 * less. */
void schedule_join(struct schedule *s, struct seed_member *m)
{
	m->priority = (s64)(DEPTH_MAX + 1 + (seed_random(&s->random) >> 2));
}

/* The ready member with the next higher number after `number`, and after the highest the lowest. */
static struct thread *next_in_turn(struct seed_group *g, u32 number)
{
	struct thread *t, *best = NULL;

	list_for_each (t, &g->ready, run_link)
		if (!best || t->seed->number - number - 1 < best->seed->number - number - 1)
			best = t;
	return best;
}

static struct thread *choose_random(struct schedule *s, struct seed_group *g, struct thread *stay)
{
	u64 n = seed_random(&s->random) % (g->ready_count + !!stay);
	struct thread *t;

	if (stay && n == g->ready_count)
		return stay;
	list_for_each (t, &g->ready, run_link)
		if (!n--)
			break;
	return t;
}

static struct thread *choose_by_priority(struct schedule *s, struct seed_group *g,
					 struct thread *prev, bool yields, struct thread *stay)
{
	struct thread *t, *best = stay;

	for (u32 i = 0; i + 1 < s->depth; i++)
		if (s->changes[i] == s->total)
			prev->seed->priority = (s64)(s->depth - 1 - i);
	if (yields)
		prev->seed->priority = --s->lowest;
	list_for_each (t, &g->ready, run_link)
		if (!best || t->seed->priority > best->seed->priority)
			best = t;
	return best;
}

static struct thread *choose_from_list(const struct schedule *s, struct seed_group *g,
				       struct thread *prev, struct thread *by_default)
{
	const struct seed_member *m = prev->seed;
	struct thread *t;

	for (const struct word *w = s->words; w < s->words + s->word_count; w++) {
		if (w->member != m->number || w->point != m->points)
			continue;
		if (w->next == m->number && prev->state == THREAD_RUNNABLE)
			return prev;
		list_for_each (t, &g->ready, run_link)
			if (t->seed->number == w->next)
				return t;
	}
	return by_default;
}

static u64 ready_bits(const struct seed_group *g, const struct thread *stay)
{
	u64 bits = stay && stay->seed->number < 64 ? 1UL << stay->seed->number : 0;
	const struct thread *t;

	list_for_each (t, &g->ready, run_link)
		bits |= t->seed->number < 64 ? 1UL << t->seed->number : 0;
	return bits;
}

static void record(struct schedule *s, struct seed_decision d)
{
	if (s->recorded == DECISIONS_MAX)
		return;
	s->decisions[s->recorded] = d;
	__atomic_store_n(&s->recorded, s->recorded + 1, __ATOMIC_RELEASE);
}

struct thread *schedule_choose(struct seed_group *g, struct thread *prev)
{
	struct schedule *s = g->schedule;
	struct seed_member *m = prev->seed;
	struct thread *runnable = prev->state == THREAD_RUNNABLE ? prev : NULL;
	bool yields = runnable && g->ready_count && (m->yields || s->in_a_row >= IN_A_ROW_MAX);
	struct thread *stay = yields ? NULL : runnable, *by_default, *chosen;

	m->yields = false;
	m->points++;
	s->total++;
	if (!stay && !g->ready_count)
		return NULL;
	by_default = stay ?: next_in_turn(g, m->number);
	if (s->strategy == STRATEGY_RANDOM)
		chosen = choose_random(s, g, stay);
	else if (s->strategy == STRATEGY_PCT)
		chosen = choose_by_priority(s, g, prev, yields, stay);
	else
		chosen = choose_from_list(s, g, prev, by_default);
	record(s, (struct seed_decision){.member = m->number,
					 .point = m->points,
					 .chosen = chosen->seed->number,
					 .by_default = by_default->seed->number,
					 .ready = ready_bits(g, runnable)});
	s->in_a_row = chosen == prev && g->ready_count ? s->in_a_row + 1 : 0;
	return chosen;
}

/* --- The record ------------------------------------------------------------------------------- */

void schedule_write(const struct schedule *s, struct text *text)
{
	u32 n = __atomic_load_n(&s->recorded, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < n; i++) {
		const struct seed_decision *d = &s->decisions[i];

		if (d->chosen != d->by_default)
			text_printf(text, " %u.%u>%u", d->member, d->point, d->chosen);
	}
}

void schedule_write_decisions(const struct schedule *s, struct text *text)
{
	u32 n = __atomic_load_n(&s->recorded, __ATOMIC_ACQUIRE);

	for (u32 i = 0; i < n; i++) {
		const struct seed_decision *d = &s->decisions[i];

		text_printf(text, "%u.%u %u %u %lx\n", d->member, d->point, d->chosen,
			    d->by_default, d->ready);
	}
}

const char *schedule_strategy(const struct schedule *s)
{
	static const char *const names[] = {"random", "pct", "replay"};

	return names[s->strategy];
}
