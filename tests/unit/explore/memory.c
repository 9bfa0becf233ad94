/* SPDX-License-Identifier: MIT
 *
 * The state: the program's variables, the stacks, the actors.  Copies and sums hold only what
 * actors have written.
 *
 * For each byte the explorer notes who has used it and under which locks.  An access is a step of
 * its own only if several actors use the byte, one of them writes it, and no spinlock is held at
 * all of these accesses; any other access can be moved to its neighbour in the same thread without
 * a difference (Lipton, "Reduction", 1975).  When a byte turns out to be shared, the exploration
 * begins anew, so what counts is a whole exploration during which nothing turned out.
 */
#include <string.h>
#include <sys/mman.h>

#include "kernel/sync/spinlock.h"
#include "tests/unit/explore/engine.h"

#define LINE	256UL
#define IGNORED 512
#define LOCKS	32

extern char __data_start[], _end[];

/* Which accesses to a byte there were: by whom, and with which locks. */
#define USES 15
struct byte {
	struct use {
		u32 locks;
		u8 actor, stack;
		bool write;
	} use[USES];
	u8 uses;
	bool ignored;
	bool shared; /* two of them by different actors on different stacks, with a write, and
			without a common lock */
};

struct memory {
	u64 data, data_size;
	struct byte *bytes;    /* of the data, then of each stack */
	char *first;	       /* the data as they were at the beginning */
	u32 lines, line[4096]; /* lines that were written since */
	bool written[4096];
	u32 ignored, locks;
	struct store ignore[IGNORED];
	u64 lock[LOCKS];
	u64 below[BUFFER + 8]; /* under the stores that are shown */
	struct actor first_actor[ACTORS];
};

/* What is not state lies outside the program's variables. */
#define MEMORY_BASE 0x200000000UL
static struct memory *const m = (struct memory *)MEMORY_BASE;
struct engine *const engine = (struct engine *)(MEMORY_BASE + 0x1000000);

static void *map(u64 address, size_t size)
{
	void *p = mmap((void *)address, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (address ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (p == MAP_FAILED)
		__builtin_trap();
	return p;
}

void memory_init(void)
{
	map(MEMORY_BASE, sizeof(*m));
	map((u64)engine, sizeof(*engine));
	m->data = ALIGN_DOWN((u64)__data_start, LINE);
	m->data_size = ALIGN_UP((u64)_end - m->data, LINE);
	m->bytes = map(0, (m->data_size + STACKS * STACK_SIZE) * sizeof(struct byte));
	m->first = map(0, m->data_size);
	for (u32 i = 0; i < STACKS; i++)
		map(STACK_BASE + i * STACK_SPACE, STACK_SIZE);
	engine->running = NOBODY;
	if (m->data_size / LINE > ARRAY_SIZE(m->line))
		__builtin_trap();
}

u64 explore_stack_top(u32 i)
{
	return STACK_BASE + i * STACK_SPACE + STACK_SIZE;
}

void memory_begin(void)
{
	memcpy(m->first, (void *)m->data, m->data_size);
	memcpy(m->first_actor, engine->actor, sizeof(m->first_actor));
	for (u64 i = 0; i < m->data_size + STACKS * STACK_SIZE; i++) {
		m->bytes[i].uses = 0;
		m->bytes[i].shared = false;
	}
	m->lines = 0;
	memset(m->written, 0, sizeof(m->written));
}

u64 memory_read(u64 address, u64 n)
{
	u64 value = 0;

	memcpy(&value, (void *)address, n);
	return value;
}

void memory_write(u64 address, u64 value, u64 n)
{
	memcpy((void *)address, &value, n);
}

/* --- Copies and sums -------------------------------------------------------------------------- */

static u64 stack_used(u32 i)
{
	return engine->stack[i].sp ? explore_stack_top(i) - engine->stack[i].sp : 0;
}

size_t memory_size(void)
{
	size_t size = sizeof(u32) + sizeof(engine->actor) + sizeof(engine->notes) +
		      sizeof(engine->stack) + m->lines * LINE;

	for (u32 i = 0; i < engine->stacks; i++)
		size += stack_used(i);
	return size;
}

#define PUT(from, n) (memcpy(p, (from), (n)), p += (n))
#define GET(to, n)   (memcpy((to), p, (n)), p += (n))

void memory_save(void *to)
{
	char *p = to;

	PUT(&m->lines, sizeof(u32));
	PUT(engine->actor, sizeof(engine->actor));
	PUT(engine->notes, sizeof(engine->notes));
	PUT(engine->stack, sizeof(engine->stack));
	for (u32 i = 0; i < engine->stacks; i++)
		PUT((void *)engine->stack[i].sp, stack_used(i));
	for (u32 i = 0; i < m->lines; i++)
		PUT((void *)(m->data + m->line[i] * LINE), LINE);
}

void memory_restore(const void *from)
{
	const char *p = from;
	u32 lines;

	GET(&lines, sizeof(u32));
	GET(engine->actor, sizeof(engine->actor));
	GET(engine->notes, sizeof(engine->notes));
	GET(engine->stack, sizeof(engine->stack));
	for (u32 i = 0; i < engine->stacks; i++)
		GET((void *)engine->stack[i].sp, stack_used(i));
	for (u32 i = 0; i < lines; i++)
		GET((void *)(m->data + m->line[i] * LINE), LINE);
	for (u32 i = lines; i < m->lines; i++) /* it was not written then */
		memcpy((void *)(m->data + m->line[i] * LINE), m->first + m->line[i] * LINE, LINE);
}

static u64 sum(u64 h, const void *from, u64 n)
{
	const u64 *p = from;
	u64 g = ~h;

	for (u64 i = 0; i + 1 < n / 8; i += 2) {
		h = (h ^ p[i]) * 0x9e3779b97f4a7c15UL;
		g = (g ^ p[i + 1]) * 0xc2b2ae3d27d4eb4fUL;
		h ^= h >> 29;
		g ^= g >> 31;
	}
	if (n / 8 % 2)
		h = (h ^ p[n / 8 - 1]) * 0xff51afd7ed558ccdUL;
	h = (h ^ g >> 32 ^ g << 7) * 0x9e3779b97f4a7c15UL;
	return h ^ h >> 32;
}

u64 memory_hash(void)
{
	u64 h = engine->actors;

	for (u32 i = 0; i < m->ignored; i++)
		memory_write(m->ignore[i].address, 0, m->ignore[i].size);
	for (u32 i = 0; i < engine->actors; i++) {
		const struct actor *a = &engine->actor[i];

		h = sum(h, a, offsetof(struct actor, buffer) + a->stores * sizeof(struct store));
	}
	h = sum(h, engine->stack, sizeof(engine->stack));
	for (u32 i = 0; i < engine->stacks; i++)
		h = sum(h, (void *)engine->stack[i].sp, stack_used(i));
	for (u32 i = 0; i < m->lines; i++)
		h = sum(h + m->line[i], (void *)(m->data + m->line[i] * LINE), LINE);
	return h;
}

/* --- Who uses which byte ---------------------------------------------------------------------- */

u32 memory_stack_of(u64 address)
{
	u64 i = (address - STACK_BASE) / STACK_SPACE;

	return address >= STACK_BASE && i < STACKS && address < explore_stack_top((u32)i) ? (u32)i
											  : STACKS;
}

static bool in_data(u64 address)
{
	return address - m->data < m->data_size;
}

bool memory_is_state(u64 address)
{
	return in_data(address) || memory_stack_of(address) != STACKS;
}

void memory_ignore(u64 address, u64 size)
{
	for (u64 i = 0; i < size; i += 8) {
		u64 n = MIN(size - i, 8UL);
		bool known = false;

		for (u32 k = 0; k < m->ignored; k++)
			known |= m->ignore[k].address == address + i;
		if (known)
			continue;
		if (m->ignored == IGNORED || !in_data(address + i))
			explore_fail("too many bytes are ignored");
		for (u64 k = 0; k < n; k++)
			m->bytes[address + i + k - m->data].ignored = true;
		m->ignore[m->ignored++] = (struct store){address + i, 0, n};
	}
}

/* May `actor` access this byte, or is it on a stack below what is in use, or was it freed? */
static void check_gone(u32 actor, u64 address)
{
	u32 stack = memory_stack_of(address);

	for (u32 i = 0; i < engine->actors; i++)
		if (i != actor && address - engine->actor[i].gone < engine->actor[i].gone_size)
			explore_fail("%s accesses what %s has freed",
				     engine->scenario->actor[actor].name,
				     engine->scenario->actor[i].name);
	if (stack != STACKS && stack != engine->actor[actor].stack &&
	    address < engine->stack[stack].sp)
		explore_fail("%s accesses a stack (%u) where its owner has returned",
			     engine->scenario->actor[actor].name, stack);
}

static bool byte_note(u64 address, bool write)
{
	u32 stack = memory_stack_of(address);
	struct byte *b =
	    in_data(address)
		? &m->bytes[address - m->data]
		: &m->bytes[m->data_size + stack * STACK_SIZE + (address & (STACK_SPACE - 1))];
	struct use u = {(u32)engine->actor[engine->running].held, (u8)engine->running,
			(u8)engine->actor[engine->running].stack, write};

	check_gone(engine->running, address);
	if (write && in_data(address)) {
		u64 line = (address - m->data) / LINE;

		if (!m->written[line]) {
			m->written[line] = true;
			m->line[m->lines++] = (u32)line;
		}
	}
	if (b->shared)
		return true;
	for (u32 i = 0; i < b->uses; i++)
		if (b->use[i].actor == u.actor && b->use[i].stack == u.stack &&
		    b->use[i].write >= u.write && !(b->use[i].locks & ~u.locks))
			return false; /* nothing new */
	for (u32 i = 0; i < b->uses; i++)
		if (b->use[i].actor != u.actor && b->use[i].stack != u.stack &&
		    b->use[i].write + u.write && !(b->use[i].locks & u.locks))
			b->shared = true;
	if (b->uses == USES)
		b->shared = true;
	else
		b->use[b->uses++] = u;
	engine->changed |= b->shared;
	return b->shared;
}

bool memory_note(u64 address, u64 size, bool write)
{
	bool shared = false;

	if (in_data(address) && m->bytes[address - m->data].ignored)
		return false;
	for (u64 i = 0; i < size; i++)
		shared |= byte_note(address + i, write);
	return shared;
}

static u32 lock_number(u64 lock)
{
	for (u32 i = 0; i < m->locks; i++)
		if (m->lock[i] == lock)
			return i;
	if (m->locks == LOCKS)
		explore_fail("too many locks");
	m->lock[m->locks] = lock;
	memory_ignore(lock + offsetof(struct spinlock, where) - offsetof(struct spinlock, owner),
		      8);
	return m->locks++;
}

void memory_lock_taken(u64 lock)
{
	engine->actor[engine->running].held |= 1UL << lock_number(lock);
}

void memory_lock_freed(u64 lock)
{
	for (u32 i = 0; i < m->locks; i++)
		if (m->lock[i] == lock)
			engine->actor[engine->running].held &= ~(1UL << i);
}

/* --- Stores under way ------------------------------------------------------------------------- */

void buffer_show(struct actor *a)
{
	for (u32 i = 0; i < a->stores; i++) {
		struct store *s = &a->buffer[i];

		m->below[i] = memory_read(s->address, s->size);
		memory_write(s->address, s->value, s->size);
	}
}

/* The compiler may have used the place of a variable of the stack again, without a call of ours:
 * what lies there now is neither older nor seen by others. */
static void buffer_merge(struct actor *a, u32 i)
{
	struct store *s = &a->buffer[i];

	for (u64 k = 0; k < s->size; k++) {
		u8 now = *(u8 *)(s->address + k);
		bool later = false;

		for (u32 j = i + 1; j < a->stores; j++)
			later |= s->address + k - a->buffer[j].address < a->buffer[j].size;
		if (!later && now != ((u8 *)&s->value)[k]) {
			((u8 *)&s->value)[k] = now;
			((u8 *)&m->below[i])[k] = now;
		}
	}
}

void buffer_hide(struct actor *a)
{
	for (u32 i = 0; i < a->stores; i++)
		if (memory_read(a->buffer[i].address, a->buffer[i].size) != a->buffer[i].value)
			buffer_merge(a, i);
	for (u32 i = a->stores; i-- > 0;)
		memory_write(a->buffer[i].address, m->below[i], a->buffer[i].size);
}

void buffer_drain(struct actor *a)
{
	struct actor_notes *n = &engine->notes[a - engine->actor];

	check_gone((u32)(a - engine->actor), a->buffer[0].address);
	memory_write(a->buffer[0].address, a->buffer[0].value, a->buffer[0].size);
	a->stores--;
	memmove(a->buffer, a->buffer + 1, a->stores * sizeof(struct store));
	memmove(n->buffer_pc, n->buffer_pc + 1, a->stores * sizeof(u64));
}
