/* SPDX-License-Identifier: MIT
 *
 * What the compiler calls with -fsanitize=thread, before each access or in its place: the names are
 * those of its run-time library.  Each call may let other actors run first.
 */

#include <stdio.h>
#include <string.h>

#include "tests/unit/explore/engine.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"

#define CALLER ((u64)__builtin_return_address(0))

/* Push the six registers that a function must preserve, and go on with another stack. */
void stack_switch(u64 *save_sp, u64 load_sp);
__asm__(".text\n"
	"stack_switch:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n"
	"actor_first:\n"
	"	call *%rbx\n"
	"	call actor_returned\n");
extern const char actor_first[];

u32 explore_self(void)
{
	return engine->running == NOBODY ? engine->pretended : engine->running;
}

/* Other actors may run before the caller goes on. */
static void yield(void)
{
	stack_switch(&engine->actor[engine->running].sp, engine->main_sp);
}

static void point(u32 op, u64 address, u64 size, u64 value, u64 pc)
{
	struct actor *a;
	bool interrupted;

	do {
		a = &engine->actor[engine->running];
		a->op = op;
		a->address = address;
		a->size = size;
		a->value = value;
		engine->notes[engine->running].pc = pc;
		yield();
		interrupted = engine->interrupted;
		engine->interrupted = false;
		if (interrupted)
			engine->scenario->interrupt(); /* after it we may be on another CPU */
	} while (interrupted && op != OP_HALT);
	if (op != OP_STORE && size - 1 < 8)
		engine->notes[engine->running].last =
		    (struct store){address, memory_read(address, size), size};
}

void actor_returned(void)
{
	explore_fence();
	engine->actor[engine->running].op = OP_END;
	yield();
	__builtin_trap();
}

void actor_prepare(u32 number, void (*body)(void))
{
	u64 *sp = (u64 *)(STACK_BASE + number * STACK_SPACE + STACK_SIZE - 64);

	memset((char *)sp - STACK_SIZE + 64, 0, STACK_SIZE);
	*--sp = (u64)actor_first; /* aligned as the ABI wants it before the call there */
	sp -= 6;
	sp[4] = (u64)body; /* rbx */
	memset(&engine->actor[number], 0, sizeof(struct actor));
	memset(&engine->notes[number], 0, sizeof(struct actor_notes));
	engine->actor[number].sp = (u64)sp;
	engine->actor[number].stack = number;
	engine->stack[number] = (struct stack){(u64)sp, false};
	engine->notes[number].pc = (u64)body + 1;
}

void actor_step(u32 number, bool interrupt)
{
	struct actor *a = &engine->actor[number];
	struct actor_notes *notes = &engine->notes[number];
	u64 address = a->address, size = a->size, pc = notes->pc, value, below[BUFFER];
	bool waits = a->op == OP_STORE && engine->buffers && !interrupt;
	u32 op = a->op;

	buffer_show(a);
	for (u64 i = 0; waits && i < size; i += 8)
		below[i / 8] = memory_read(address + i, MIN(size - i, 8UL));
	engine->running = number;
	engine->storing = waits;
	engine->interrupted = interrupt;
	stack_switch(&engine->main_sp, a->sp);
	engine->running = NOBODY;
	a->stack = memory_stack_of(a->sp);
	engine->stack[a->stack] = (struct stack){a->sp, false};
	value = op == OP_STORE ? memory_read(address, MIN(size, 8UL)) : notes->last.value;
	if (engine->tracing)
		show_step(number, interrupt ? OP_INTERRUPT : op, pc, address, interrupt ? 0 : size,
			  value);
	for (u64 i = 0; waits && i < size; i += 8) {
		u64 n = MIN(size - i, 8UL), stored = memory_read(address + i, n);

		memory_write(address + i, below[i / 8], n);
		below[i / 8] = stored;
	}
	buffer_hide(a);
	for (u64 i = 0; waits && i < size; i += 8) {
		notes->buffer_pc[a->stores] = pc;
		a->buffer[a->stores++] =
		    (struct store){address + i, below[i / 8], MIN(size - i, 8UL)};
	}
}

/* Has the running actor stores that are not visible yet, or made one in this step? */
static bool under_way(const struct actor *a)
{
	return a->stores || engine->storing;
}

static void access(u32 op, u64 address, u64 size, u64 pc)
{
	struct actor *a;
	bool shared;

	if (engine->running == NOBODY || !memory_is_state(address))
		return;
	a = &engine->actor[engine->running];
	a->stack = memory_stack_of((u64)__builtin_frame_address(0));
	shared = memory_note(address, size, op != OP_LOAD);
	if (shared && op == OP_STORE && size > 8 * BUFFER / 2)
		op = OP_LOCKED; /* fewer orders than the processor has */
	if (shared || (op == OP_LOCKED && under_way(a)))
		point(op, address, size, 0, pc);
}

/* --- Of scenarios and stand-ins --------------------------------------------------------------- */

void explore_await(const void *address, u32 value)
{
	if (engine->running == NOBODY || memory_read((u64)address, 4) == value)
		return;
	point(OP_AWAIT, (u64)address, 4, value, CALLER);
}

void explore_relax(void)
{
	struct store last = engine->notes[engine->running].last;

	if (memory_read(last.address, last.size) == last.value)
		point(OP_RELAX, last.address, last.size, last.value, CALLER);
}

void explore_halt(void)
{
	point(OP_HALT, 0, 0, 0, CALLER);
}

void explore_pretend(u32 actor)
{
	engine->pretended = actor;
}

void explore_park(u64 sp)
{
	engine->stack[memory_stack_of(sp)] = (struct stack){sp, true};
	engine->stacks = MAX(engine->stacks, memory_stack_of(sp) + 1);
}

void explore_unpark(u64 sp)
{
	struct stack *s = &engine->stack[memory_stack_of(sp)];

	if (!s->parked || s->sp != sp)
		explore_fail("%s goes on with a stack that another one uses",
			     engine->scenario->actor[engine->running].name);
	s->parked = false;
}

void explore_fence(void)
{
	if (engine->running != NOBODY && under_way(&engine->actor[engine->running]))
		point(OP_LOCKED, 0, 0, 0, CALLER);
}

void explore_gone(const void *address, size_t size)
{
	explore_fence();
	engine->actor[engine->running].gone = (u64)address;
	engine->actor[engine->running].gone_size = size;
}

void explore_ignore(const void *address, size_t size)
{
	memory_ignore((u64)address, size);
}

/* --- Of the compiler -------------------------------------------------------------------------- */

#define PLAIN(name, n)                                                                             \
	void __tsan_##name##read##n(u64 address)                                                   \
	{                                                                                          \
		access(OP_LOAD, address, n, CALLER);                                               \
	}                                                                                          \
	void __tsan_##name##write##n(u64 address)                                                  \
	{                                                                                          \
		memory_lock_freed(address);                                                        \
		access(OP_STORE, address, n, CALLER);                                              \
	}
PLAIN(, 1)
PLAIN(, 2)
PLAIN(, 4)
PLAIN(, 8)
PLAIN(, 16)
PLAIN(unaligned_, 2)
PLAIN(unaligned_, 4)
PLAIN(unaligned_, 8)
PLAIN(unaligned_, 16)
PLAIN(volatile_, 1)
PLAIN(volatile_, 2)
PLAIN(volatile_, 4)
PLAIN(volatile_, 8)

void __tsan_read_range(u64 address, u64 size)
{
	access(OP_LOAD, address, size, CALLER);
}

void __tsan_write_range(u64 address, u64 size)
{
	access(OP_STORE, address, size, CALLER);
}

void __tsan_init(void)
{
}

void __tsan_atomic_thread_fence(int order)
{
	if (order == __ATOMIC_SEQ_CST)
		explore_fence();
}

void __tsan_atomic_signal_fence(int order)
{
}

/* A store in sequential order is XCHG, any other one is a plain MOV. */
#define ATOMIC(bits, type)                                                                         \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)                         \
	{                                                                                          \
		access(OP_LOAD, (u64)p, sizeof(type), CALLER);                                     \
		return *p;                                                                         \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int order)                      \
	{                                                                                          \
		memory_lock_freed((u64)p);                                                         \
		access(order == __ATOMIC_SEQ_CST ? OP_LOCKED : OP_STORE, (u64)p, sizeof(type),     \
		       CALLER);                                                                    \
		*p = v;                                                                            \
	}                                                                                          \
	LOCKED(bits, type, exchange, v)                                                            \
	LOCKED(bits, type, fetch_add, old + v)                                                     \
	LOCKED(bits, type, fetch_sub, old - v)                                                     \
	LOCKED(bits, type, fetch_and, old &v)                                                      \
	LOCKED(bits, type, fetch_or, old | v)                                                      \
	LOCKED(bits, type, fetch_xor, old ^ v)                                                     \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *expected,        \
							  type v, int order, int failure)          \
	{                                                                                          \
		access(OP_LOCKED, (u64)p, sizeof(type), CALLER);                                   \
		if (*p != *expected) {                                                             \
			*expected = *p;                                                            \
			return 0;                                                                  \
		}                                                                                  \
		if (bits == 32 && order == __ATOMIC_ACQUIRE && !*expected &&                       \
		    engine->running != NOBODY)                                                     \
			memory_lock_taken((u64)p); /* spin_try() */                                \
		*p = v;                                                                            \
		return 1;                                                                          \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *p, type *expected, type v,  \
							int order, int failure)                    \
	{                                                                                          \
		return __tsan_atomic##bits##_compare_exchange_strong(p, expected, v, order,        \
								     failure);                     \
	}                                                                                          \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type expected, type v,   \
							int order, int failure)                    \
	{                                                                                          \
		access(OP_LOCKED, (u64)p, sizeof(type), CALLER);                                   \
		if (*p != expected)                                                                \
			return *p;                                                                 \
		if (bits == 32 && order == __ATOMIC_ACQUIRE && !expected &&                        \
		    engine->running != NOBODY)                                                     \
			memory_lock_taken((u64)p); /* spin_try() */                                \
		*p = v;                                                                            \
		return expected;                                                                   \
	}
#define LOCKED(bits, type, name, result)                                                           \
	type __tsan_atomic##bits##_##name(volatile type *p, type v, int order)                     \
	{                                                                                          \
		type old;                                                                          \
		access(OP_LOCKED, (u64)p, sizeof(type), CALLER);                                   \
		old = *p;                                                                          \
		*p = (type)(result);                                                               \
		return old;                                                                        \
	}
ATOMIC(8, u8)
ATOMIC(16, u16)
ATOMIC(32, u32)
ATOMIC(64, u64)
