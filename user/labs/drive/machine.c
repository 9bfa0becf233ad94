/* SPDX-License-Identifier: MIT
 *
 * The machine that runs the program of a level, one line of one thread at a time.
 *
 * It is sequentially consistent: every step sees the result of all steps before it.  A variable has
 * 8 bits and a sign, and so has every result: 127 + 1 is -128.  A signal wakes the thread that has
 * slept longest.  Readers of a read-write lock do not wait for a writer that waits.
 */
#include "drive.h"

#include <string.h>

struct state state_begin(const struct level *level)
{
	struct state s;

	memset(&s, 0, sizeof(s));
	for (int i = 0; i < level->name_count; i++) {
		const struct name *name = &level->names[i];

		for (int c = 0; name->kind != BARRIER && c < name->count; c++)
			s.cells[name->cell + c] = name->start[c];
	}
	return s;
}

bool same_state(const struct state *a, const struct state *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

const struct line *next_line(const struct level *level, const struct state *s, int t)
{
	static const struct line end = {.op = WORK, .text = "(end)", .length = 5};

	return s->at[t] < level->threads[t].count ? &level->threads[t].lines[s->at[t]] : &end;
}

bool has_ended(const struct level *level, const struct state *s, int t)
{
	return s->at[t] == level->threads[t].count;
}

static signed char *object_cell(const struct level *level, struct state *s, int name)
{
	return &s->cells[level->names[name].cell];
}

bool can_run(const struct level *level, const struct state *s, int t)
{
	const struct line *line = next_line(level, s, t);
	const signed char *cell;

	if (s->failed || has_ended(level, s, t) || s->asleep[t])
		return false;
	if (s->relock[t])
		return s->cells[level->names[s->relock[t] - 1].cell] == 0;
	if (line->op < LOCK_ || line->op > WRITE_UNLOCK)
		return true;
	cell = &s->cells[level->names[line->target].cell];
	switch (line->op) {
	case LOCK_:
	case READ_LOCK:
		return cell[0] == 0;
	case WRITE_LOCK:
		return cell[0] == 0 && cell[1] == 0;
	case SEM_WAIT:
		return cell[0] > 0;
	default:
		return true;
	}
}

bool is_over(const struct level *level, const struct state *s)
{
	for (int t = 0; t < level->thread_count; t++)
		if (can_run(level, s, t))
			return false;
	return true;
}

bool is_stuck(const struct level *level, const struct state *s)
{
	for (int t = 0; t < level->thread_count; t++)
		if (!has_ended(level, s, t))
			return !s->failed && is_over(level, s);
	return false;
}

/* --- expressions ------------------------------------------------------------------------------ */

static int evaluate(const struct level *level, struct state *s, int n, bool *bad);

/* The cell that a CELL node means, or NULL if its index is out of range. */
static signed char *cell_of(const struct level *level, struct state *s, int n, bool *bad)
{
	const struct node *node = &level->nodes[n];
	const struct name *name = &level->names[node->value];
	int index = node->target < 0 ? 0 : evaluate(level, s, node->target, bad);

	if (index >= 0 && index < name->count)
		return &s->cells[name->cell + index];
	*bad = true;
	return NULL;
}

static int count_threads(const struct level *level, const struct state *s, bool critical)
{
	int count = 0;

	for (int t = 0; t < level->thread_count; t++)
		count += critical
			     ? !has_ended(level, s, t) && next_line(level, s, t)->op == CRITICAL
			     : has_ended(level, s, t);
	return count;
}

static int binary(enum node_op op, int left, int right)
{
	switch (op) {
	case EQUAL:
		return left == right;
	case UNEQUAL:
		return left != right;
	case LESS:
		return left < right;
	case AT_MOST:
		return left <= right;
	case MORE:
		return left > right;
	case AT_LEAST:
		return left >= right;
	case PLUS:
		return (signed char)(left + right);
	case MINUS:
		return (signed char)(left - right);
	case TIMES:
		return (signed char)(left * right);
	default: /* MODULO; right is not 0 */
		return (signed char)(left % right);
	}
}

/* cas(), add(), swap() and trylock() return the value before; the first returns if it wrote. */
static int atomic(const struct level *level, struct state *s, const struct node *node, bool *bad)
{
	signed char *cell, before;
	int left, right;

	if (node->op == TRYLOCK) {
		cell = object_cell(level, s, node->value);
		before = *cell;
		if (!before)
			*cell = 1 + node->left;
		return !before;
	}
	cell = cell_of(level, s, node->target, bad);
	left = evaluate(level, s, node->left, bad);
	right = node->op == CAS ? evaluate(level, s, node->right, bad) : 0;
	if (*bad)
		return 0;
	before = *cell;
	if (node->op == ADD)
		*cell = before + left;
	else if (node->op == SWAP)
		*cell = left;
	else if (before == left)
		*cell = right;
	return node->op == CAS ? before == left : before;
}

static int evaluate(const struct level *level, struct state *s, int n, bool *bad)
{
	const struct node *node = &level->nodes[n];
	const signed char *cell;
	int left, right;

	switch (node->op) {
	case NUMBER:
		return node->value;
	case CELL:
		cell = cell_of(level, s, n, bad);
		return cell ? *cell : 0;
	case CRITICAL_COUNT:
	case ENDED_COUNT:
		return count_threads(level, s, node->op == CRITICAL_COUNT);
	case STUCK:
		return is_stuck(level, s);
	case OVER:
		return is_over(level, s);
	case FAILED:
		return s->failed != 0;
	case NOT:
		return !evaluate(level, s, node->left, bad);
	case NEGATIVE:
		return (signed char)-evaluate(level, s, node->left, bad);
	case OR:
		return evaluate(level, s, node->left, bad) || evaluate(level, s, node->right, bad);
	case AND:
		return evaluate(level, s, node->left, bad) && evaluate(level, s, node->right, bad);
	case CAS:
	case ADD:
	case SWAP:
	case TRYLOCK:
		return atomic(level, s, node, bad);
	default:
		left = evaluate(level, s, node->left, bad);
		right = evaluate(level, s, node->right, bad);
		if (node->op == MODULO && right == 0) {
			*bad = true;
			return 0;
		}
		return binary(node->op, left, right);
	}
}

bool goal_holds(const struct level *level, const struct state *s)
{
	struct state copy = *s; /* a goal only reads: the copy is for the type */
	bool bad = false;

	return level->goal >= 0 && evaluate(level, &copy, level->goal, &bad) && !bad;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Sets the next line of a thread; goes on over lines that take no step. */
static void go_to(const struct level *level, struct state *s, int t, int line)
{
	const struct thread *thread = &level->threads[t];

	while (line < thread->count && thread->lines[line].op >= ELSE)
		line = thread->lines[line].to;
	s->at[t] = line;
}

static void fail(struct state *s, int t, enum failure why)
{
	s->failed = 1 + t;
	s->why = why;
}

static void sleep_on(const struct level *level, struct state *s, int t, int object)
{
	int rank = 1;

	for (int other = 0; other < level->thread_count; other++)
		rank += s->asleep[other] == 1 + object;
	s->asleep[t] = 1 + object;
	s->rank[t] = rank;
}

/* Wakes the thread that has slept longest on an object.  Returns false if none sleeps. */
static bool wake_one(const struct level *level, struct state *s, int object)
{
	int first = -1;

	for (int t = 0; t < level->thread_count; t++) {
		if (s->asleep[t] != 1 + object)
			continue;
		if (s->rank[t]-- == 1)
			first = t;
	}
	if (first < 0)
		return false;
	s->asleep[first] = s->rank[first] = 0;
	if (!s->relock[first])
		go_to(level, s, first, s->at[first] + 1);
	return true;
}

/* The lines of threads that use a lock, semaphore, condition, barrier or read-write lock. */
static void use_object(const struct level *level, struct state *s, int t, const struct line *line)
{
	signed char *cell = object_cell(level, s, line->target);

	switch (line->op) {
	case LOCK_:
		*cell = 1 + t;
		break;
	case UNLOCK:
		if (*cell != 1 + t)
			fail(s, t, NOT_OWNER);
		else
			*cell = 0;
		break;
	case WAIT:
		if (line->second >= 0) {
			cell = object_cell(level, s, line->second);
			if (*cell != 1 + t) {
				fail(s, t, NOT_OWNER);
				return;
			}
			*cell = 0;
			s->relock[t] = 1 + line->second;
		}
		sleep_on(level, s, t, line->target);
		return; /* it stays on this line while it sleeps */
	case SIGNAL:
		wake_one(level, s, line->target);
		break;
	case BROADCAST:
		while (wake_one(level, s, line->target))
			;
		break;
	case SEM_WAIT:
		--*cell;
		break;
	case SEM_POST:
		if (*cell == 127)
			fail(s, t, OUT_OF_RANGE);
		else
			++*cell;
		break;
	case BARRIER_WAIT:
		if (++*cell < level->names[line->target].start[0]) {
			sleep_on(level, s, t, line->target);
			return;
		}
		*cell = 0;
		while (wake_one(level, s, line->target))
			;
		break;
	case READ_LOCK:
		cell[1] |= 1 << t;
		break;
	case READ_UNLOCK:
		if (!(cell[1] >> t & 1))
			fail(s, t, NOT_OWNER);
		cell[1] &= ~(1 << t);
		break;
	case WRITE_LOCK:
		*cell = 1 + t;
		break;
	default: /* WRITE_UNLOCK */
		if (*cell != 1 + t)
			fail(s, t, NOT_OWNER);
		else
			*cell = 0;
	}
	if (!s->failed)
		go_to(level, s, t, s->at[t] + 1);
}

void make_step(const struct level *level, struct state *s, int t)
{
	const struct line *line = next_line(level, s, t);
	int value = 0, next = s->at[t] + 1;
	signed char *cell;
	bool bad = false;

	if (s->relock[t]) { /* the second half of wait(condition, lock) */
		*object_cell(level, s, s->relock[t] - 1) = 1 + t;
		s->relock[t] = 0;
		go_to(level, s, t, next);
		return;
	}
	if (line->op >= LOCK_ && line->op <= WRITE_UNLOCK) {
		use_object(level, s, t, line);
		return;
	}
	if (line->expr >= 0)
		value = evaluate(level, s, line->expr, &bad);
	switch (line->op) {
	case ASSIGN:
		cell = cell_of(level, s, line->target, &bad);
		if (!bad)
			*cell = value;
		break;
	case IF:
	case WHILE:
		next = value ? next : line->to;
		break;
	case SPIN:
		next = value ? s->at[t] : next;
		break;
	case BREAK:
		next = line->to;
		break;
	case BREAK_IF:
		next = value ? line->to : next;
		break;
	case RETURN:
		next = level->threads[t].count;
		break;
	case RETURN_IF:
		next = value ? level->threads[t].count : next;
		break;
	case ASSERT:
		if (!value && !bad)
			fail(s, t, ASSERTION);
		break;
	default: /* EVALUATE, CRITICAL, WORK */
		break;
	}
	if (bad)
		fail(s, t, OUT_OF_RANGE);
	if (!s->failed)
		go_to(level, s, t, next);
}

/* --- a schedule ------------------------------------------------------------------------------- */

void history_begin(const struct level *level, struct history *h)
{
	h->moves = 0;
	h->schedule[0] = 0;
	h->states[0] = state_begin(level);
}

void history_step(const struct level *level, struct history *h, int t)
{
	h->states[h->moves + 1] = h->states[h->moves];
	h->schedule[h->moves++] = 'A' + t;
	h->schedule[h->moves] = 0;
	make_step(level, &h->states[h->moves], t);
}

bool goal_reached(const struct level *level, const struct history *h)
{
	const struct state *now = &h->states[h->moves];
	unsigned int ran = 0, could = 0;

	if (level->for_ever < 0)
		return goal_holds(level, now);
	for (int i = h->moves - 1; i >= 0; i--) {
		bool fair = true;

		ran |= 1u << (h->schedule[i] - 'A');
		for (int t = 0; t < level->thread_count; t++)
			could |= (unsigned int)can_run(level, &h->states[i], t) << t;
		if (!same_state(now, &h->states[i]) || has_ended(level, now, level->for_ever))
			continue;
		for (int t = 0; t < level->thread_count; t++)
			fair &= has_ended(level, now, t) || ran >> t & 1 || !(could >> t & 1);
		if (fair)
			return true;
	}
	return false;
}
