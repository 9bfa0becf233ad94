/* SPDX-License-Identifier: MIT
 *
 * The explorer: runs a scenario in every order of its steps.  From each state it tries what each
 * actor could do, and goes no further where it was before.  So it visits each state that any
 * schedule leads to; where that is too much (-s), it takes schedules by chance.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/explore/engine.h"

#define PATH_MAX_ 20000
#define DEPTH_MAX 4000
#define DRAIN	  16  /* in a choice: not a step, but a store that becomes visible */
#define INTERRUPT 32  /* an interrupt comes before the step */
#define WARM	  200 /* schedules by chance at the beginning: most of what is shared turns out */
#define UNBOUNDED UINT32_MAX

struct node {
	void *copy; /* of the state */
	size_t size;
	double ways; /* schedules from here on */
	u64 hash;
	u32 next, count, path, last, preemptions;
	u8 choice[3 * ACTORS];
};

static struct explorer {
	struct table {
		u64 hash;
		double ways;
	} * table;
	u8 path[PATH_MAX_];
	u32 path_length, last, preemptions, bound;
	u32 depth;
	struct node node[DEPTH_MAX];
	jmp_buf jump;
	u64 states, steps, ends, runs, wanted, max_states;
	u32 rounds, table_bits;
	bool cut, circle; /* not all was seen; some schedules go on for ever */
} * x;

void explore_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(engine->failure, sizeof(engine->failure), fmt, args);
	va_end(args);
	engine->failed = true;
	longjmp(x->jump, 1);
}

static const char *actor_name(u32 i)
{
	return engine->scenario->actor[i].name;
}

/* --- What can happen next --------------------------------------------------------------------- */

static bool may_step(const struct actor *a)
{
	switch (a->op) {
	case OP_HALT:
	case OP_END:
		return false;
	case OP_STORE:
		return !a->stores || a->stores + DIV_ROUND_UP(a->size, 8) <= engine->buffers;
	case OP_LOCKED:
		return !a->stores;
	case OP_AWAIT:
		return memory_read(a->address, a->size) == a->value;
	case OP_RELAX:
		return memory_read(a->address, a->size) != a->value;
	}
	return true;
}

/* The choices of this state: the actor that ran last goes first, stores last. */
static u32 choices(u8 *choice)
{
	u32 n = 0;
	bool last_may = may_step(&engine->actor[x->last]);

	if (last_may)
		choice[n++] = (u8)x->last;
	for (u32 i = 0; i < engine->actors; i++)
		if (i != x->last && may_step(&engine->actor[i]) &&
		    !(last_may && x->preemptions >= x->bound))
			choice[n++] = (u8)i;
	for (u32 i = 0; engine->scenario->interrupt_due && i < engine->actors; i++)
		if (engine->actor[i].op != OP_END && engine->scenario->interrupt_due(i))
			choice[n++] = (u8)(i | INTERRUPT);
	for (u32 i = 0; i < engine->actors; i++)
		if (engine->actor[i].stores)
			choice[n++] = (u8)(i | DRAIN);
	return n;
}

static void do_choice(u8 c)
{
	u32 i = c & (DRAIN - 1);

	if (x->path_length == PATH_MAX_)
		explore_fail("a schedule has no end");
	x->path[x->path_length++] = c;
	x->steps++;
	if (c & DRAIN) {
		if (engine->tracing)
			show_drain(i);
		buffer_drain(&engine->actor[i]);
	} else {
		x->preemptions += i != x->last && may_step(&engine->actor[x->last]);
		x->last = i;
		actor_step(i, c & INTERRUPT);
	}
	if (engine->scenario->invariant)
		engine->scenario->invariant();
}

/* A schedule has come to its end, or to a state that was seen before: it has a number. */
static void count_run(void)
{
	if (++x->runs == x->wanted)
		explore_fail("this is schedule %lu", x->runs);
}

/* Nothing can happen any more. */
static void at_end(void)
{
	char *p = engine->failure, *end = p + sizeof(engine->failure);
	bool waits = false;

	x->ends++;
	for (u32 i = 0; i < engine->actors; i++)
		if (engine->actor[i].op != OP_END && !engine->scenario->actor[i].stays) {
			p += snprintf(p, (size_t)(end - p), "%s%s",
				      waits ? ", " : "nothing happens any more; still waiting: ",
				      actor_name(i));
			waits = true;
		}
	if (waits)
		explore_fail("%s", strdup(engine->failure));
	if (engine->scenario->end)
		engine->scenario->end();
	count_run();
}

/* --- Exhaustive ------------------------------------------------------------------------------- */

static struct table *lookup(u64 hash)
{
	u64 mask = (1UL << x->table_bits) - 1, i = hash & mask;

	while (x->table[i].hash && x->table[i].hash != hash)
		i = (i + 1) & mask;
	return &x->table[i];
}

static u64 state_hash(void)
{
	u64 hash = memory_hash();

	if (x->bound != UNBOUNDED)
		hash = (hash ^ (x->preemptions * 8 + x->last)) * 0x9e3779b97f4a7c15UL;
	return hash ? hash : 1;
}

static void begin(void)
{
	memory_restore(x->node[0].copy);
	x->path_length = x->last = x->preemptions = 0;
}

/* Make a node of the present state, unless it was seen already. */
static void visit(void)
{
	struct node *n = &x->node[x->depth];
	u8 choice[3 * ACTORS];
	u32 count;
	struct table *t;

	while ((count = choices(choice)) == 1)
		do_choice(choice[0]);
	if (!count) {
		at_end();
		x->node[x->depth - 1].ways += 1;
		return;
	}
	n->hash = state_hash();
	t = lookup(n->hash);
	if (t->hash) {
		count_run();
		x->circle |= t->ways == 0;
		x->node[x->depth - 1].ways += t->ways;
		return;
	}
	if (x->states >= x->max_states || x->depth + 1 == DEPTH_MAX) {
		x->cut = true;
		return;
	}
	x->states++;
	t->hash = n->hash;
	t->ways = 0;
	if (memory_size() > n->size) {
		n->size = memory_size() + 4096;
		n->copy = realloc(n->copy, n->size);
	}
	memory_save(n->copy);
	memcpy(n->choice, choice, sizeof(choice));
	n->count = count;
	n->next = 0;
	n->ways = 0;
	n->path = x->path_length;
	n->last = x->last;
	n->preemptions = x->preemptions;
	x->depth++;
}

/* Visit every state.  Returns the number of schedules; 0: a byte was found to be shared, or a
 * property does not hold. */
static double explore_all(void)
{
	memset(x->table, 0, sizeof(struct table) << x->table_bits);
	x->states = x->steps = x->ends = 0;
	x->cut = x->circle = false;
	begin();
	x->depth = 1;
	x->node[0].ways = 0;
	visit();
	while (x->depth > 1) {
		struct node *n = &x->node[x->depth - 1];

		if (engine->changed)
			return 0;
		if (n->next == n->count) {
			lookup(n->hash)->ways = n->ways;
			x->depth--;
			x->node[x->depth - 1].ways += n->ways;
			continue;
		}
		if (n->next)
			memory_restore(n->copy);
		x->path_length = n->path;
		x->last = n->last;
		x->preemptions = n->preemptions;
		do_choice(n->choice[n->next++]);
		visit();
	}
	return engine->changed ? 0 : x->node[0].ways;
}

/* --- By chance -------------------------------------------------------------------------------- */

static u64 random_next(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Run the schedule with this number. */
static void explore_random(u64 number)
{
	u64 seed = (number + 1) * 0x9e3779b97f4a7c15UL;
	u8 choice[3 * ACTORS];
	u32 count;

	for (u32 i = 0; i < 4; i++)
		random_next(&seed);
	begin();
	while ((count = choices(choice)))
		do_choice(choice[count == 1 ? 0 : (random_next(&seed) >> 20) % count]);
	at_end();
}

/* --- One scenario ----------------------------------------------------------------------------- */

static void prepare(const struct scenario *s, u32 buffers)
{
	engine->scenario = s;
	engine->buffers = buffers;
	engine->changed = engine->failed = false;
	memset(engine->stack, 0, sizeof(engine->stack));
	engine->stacks = 0;
	s->setup();
	engine->pretended = 0;
	for (engine->actors = 0; engine->actors < ACTORS && s->actor[engine->actors].body;
	     engine->actors++)
		actor_prepare(engine->actors, s->actor[engine->actors].body);
	engine->stacks = MAX(engine->stacks, engine->actors);
	memory_begin();
	x->node[0].size = memory_size() + 4096;
	x->node[0].copy = realloc(x->node[0].copy, x->node[0].size);
	memory_save(x->node[0].copy);
}

/* Print the schedule that was stopped: the same choices once more. */
static void show_schedule(void)
{
	static u8 path[PATH_MAX_];
	u32 length = x->path_length;

	memcpy(path, x->path, length);
	engine->failed = false;
	engine->tracing = true;
	x->wanted = 0;
	show_begin();
	if (!setjmp(x->jump)) {
		begin();
		for (u32 i = 0; i < length; i++)
			do_choice(path[i]);
	}
	engine->running = NOBODY;
	show_end();
	engine->tracing = false;
}

/* Explore until an exploration is complete during which nothing turned out to be shared.  Returns
 * whether it was stopped: a property does not hold. */
static bool explore(u64 randoms, u32 bound, double *ways)
{
	u64 volatile number = 0;
	u32 volatile warm = 0;

	x->bound = bound;
	x->rounds = 0;
	x->runs = 0;
	*ways = 0;
	if (setjmp(x->jump)) {
		engine->running = NOBODY;
		if (!engine->changed)
			return true;
		engine->failed = false; /* perhaps only because we did not know */
	}
	for (;;) {
		engine->changed = false;
		x->rounds++;
		while (warm < WARM && !engine->changed)
			explore_random(warm++);
		while (number < randoms && !engine->changed)
			explore_random(number++);
		if (!randoms && !engine->changed)
			*ways = explore_all();
		if (!engine->changed)
			return false;
		number = 0;
	}
}

struct options {
	u32 buffers, bound;
	u64 randoms, states, wanted;
	bool all;
	const char *name;
};

/* Returns whether a property does not hold. */
static bool run(const struct scenario *s, struct options o)
{
	double ways;
	bool stopped;

	x->wanted = o.wanted;
	prepare(s, o.buffers);
	stopped = explore(o.randoms, o.bound, &ways);
	if (stopped && !o.randoms && !o.wanted) { /* does it happen with fewer preemptions? */
		u32 bound = 0;

		do {
			prepare(s, o.buffers);
		} while (!explore(0, MIN(bound, o.bound), &ways) &&
			 (bound = bound < 3 ? bound + 1 : UNBOUNDED));
		o.bound = MIN(bound, o.bound);
	}
	if (!stopped) {
		if (o.randoms)
			printf("ok %s: %lu steps, %lu schedules by chance", s->name, x->steps,
			       o.randoms);
		else
			printf("ok %s: %lu states, %lu steps, %.2g schedules", s->name, x->states,
			       x->steps, ways);
		if (o.bound != UNBOUNDED)
			printf(", at most %u preemptions", o.bound);
		printf("%s%s\n", x->cut ? ", NOT ALL" : "", x->circle ? ", some without end" : "");
		return x->cut;
	}
	printf("not ok %s: %s\n", s->name, engine->failure);
	printf("# again: -b %u", o.buffers);
	if (o.bound != UNBOUNDED)
		printf(" -p %u", o.bound);
	if (o.randoms)
		printf(" -r %lu", o.randoms);
	printf(" -n %lu %s\n", o.wanted ? o.wanted : x->runs + 1, s->name);
	show_schedule();
	return true;
}

/* An actor follows a pointer to nowhere. */
static void on_fault(int signal)
{
	if (engine->running == NOBODY)
		abort();
	explore_fail("%s accesses memory that does not exist", actor_name(engine->running));
}

static void catch_faults(void)
{
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static noreturn void usage(void)
{
	puts("usage: [-a] [-b STORES] [-p PREEMPTIONS] [-r RANDOM] [-s STATES] [-n NUMBER] "
	     "[SCENARIO]");
	exit(2);
}

int main(int argc, char **argv)
{
	struct options o = {.buffers = 4, .bound = UNBOUNDED};
	bool bad = false, found = false;
	int c;

	while ((c = getopt(argc, argv, "ab:p:r:s:n:")) != -1) {
		u64 value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (c == 'a')
			o.all = true;
		else if (c == 'b')
			o.buffers = (u32)MIN(value, (u64)BUFFER);
		else if (c == 'p')
			o.bound = (u32)value;
		else if (c == 'r')
			o.randoms = value;
		else if (c == 's')
			o.states = value;
		else if (c == 'n')
			o.wanted = value;
		else
			usage();
	}
	if (o.all && !o.states)
		o.states = 4000000;
	o.states = o.states ? o.states : 1000000;
	o.name = argv[optind];
	setvbuf(stdout, NULL, _IOLBF, 0);
	memory_init();
	catch_faults();
	x = calloc(1, sizeof(*x));
	x->max_states = o.states;
	x->table_bits = 64 - (u32)__builtin_clzl(2 * o.states - 1);
	x->table = malloc(sizeof(struct table) << x->table_bits);
	for (const struct scenario *const *s = explore_scenarios; *s; s++) {
		if (o.name ? strcmp(o.name, (*s)->name) : (*s)->large && !o.all)
			continue;
		found = true;
		bad |= run(*s, o);
	}
	if (!found) {
		printf("there is no scenario %s; there are:", o.name);
		for (const struct scenario *const *s = explore_scenarios; *s; s++)
			printf(" %s", (*s)->name);
		puts("");
		return 2;
	}
	return bad;
}
