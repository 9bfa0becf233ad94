/* SPDX-License-Identifier: MIT
 *
 * What the compiler calls with -fsanitize=thread: before each plain access, in place of each atomic
 * operation, and at the beginning and the end of each function.  (The interface is that of LLVM's
 * compiler-rt, lib/tsan/rtl/tsan_interface.h; this is another implementation.)
 */
#include "user/race/runtime.h"

#define HOOK(name, size, write)                                                                    \
	void name(void *a);                                                                        \
	void name(void *a)                                                                         \
	{                                                                                          \
		rt_access(CALLER, a, size, write);                                                 \
	}
#define HOOKS(size)                                                                                \
	HOOK(__tsan_read##size, size, false)                                                       \
	HOOK(__tsan_write##size, size, true)                                                       \
	HOOK(__tsan_unaligned_read##size, size, false)                                             \
	HOOK(__tsan_unaligned_write##size, size, true)                                             \
	HOOK(__tsan_volatile_read##size, size, false)                                              \
	HOOK(__tsan_volatile_write##size, size, true)
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

#define RANGE_HOOK(name, write)                                                                    \
	void name(void *a, size_t size);                                                           \
	void name(void *a, size_t size)                                                            \
	{                                                                                          \
		rt_access(CALLER, a, size, write);                                                 \
	}
RANGE_HOOK(__tsan_read_range, false)
RANGE_HOOK(__tsan_write_range, true)

void __tsan_init(void);
void __tsan_init(void)
{
}

/* The frame of the calling function, which has a frame pointer: its CFA (canonical frame address,
 * DWARF 6.4) is 16 above it. */
void __tsan_func_entry(void *unused);
void __tsan_func_entry(void *unused)
{
	struct rt_thread *t = rt_self;
	uint64_t *frame = __builtin_frame_address(0);

	(void)unused;
	if (!t)
		return;
	if (t->depth < FRAMES_MAX) {
		t->frames[t->depth].pc = CALLER;
		t->frames[t->depth].cfa = frame[0] + 16;
	}
	t->depth++;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	if (rt_self && rt_self->depth)
		rt_self->depth--;
}

/* --- Atomic operations -------------------------------------------------------------------------
 *
 * Each is one step.  The order that the program asked for is not modelled: threads run one at a
 * time, so each access sees the last value. */

static void atomic_log(enum race_kind kind, uint32_t pc, const void *a, size_t size, uint64_t old,
		       uint64_t value)
{
	rt_log(kind, pc, true, a, size, value)->old = old;
}

#define CHANGE(bits, type, name, builtin)                                                          \
	type __tsan_atomic##bits##_##name(volatile type *a, type v, int order);                    \
	type __tsan_atomic##bits##_##name(volatile type *a, type v, int order)                     \
	{                                                                                          \
		bool seen = rt_point();                                                            \
		type old;                                                                          \
                                                                                                   \
		(void)order;                                                                       \
		if (seen)                                                                          \
			rt_heap_check(CALLER, (void *)a, sizeof(type));                            \
		old = builtin(a, v, __ATOMIC_SEQ_CST);                                             \
		if (seen)                                                                          \
			atomic_log(RACE_ATOMIC_CHANGE, CALLER, (void *)a, sizeof(type),            \
				   (uint64_t)old, (uint64_t)*a);                                   \
		return old;                                                                        \
	}

#define COMPARE_BODY(bits, type)                                                                   \
	static inline int compare##bits(volatile type *a, type *c, type v, uint32_t pc)            \
	{                                                                                          \
		bool seen = rt_point(), done;                                                      \
		type old;                                                                          \
                                                                                                   \
		if (seen)                                                                          \
			rt_heap_check(pc, (void *)a, sizeof(type));                                \
		old = *a;                                                                          \
		done =                                                                             \
		    __atomic_compare_exchange_n(a, c, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);   \
		if (seen)                                                                          \
			atomic_log(done ? RACE_ATOMIC_CHANGE : RACE_ATOMIC_READ, pc, (void *)a,    \
				   sizeof(type), (uint64_t)old, (uint64_t)*a);                     \
		return done;                                                                       \
	}

#define COMPARE(bits, type, name)                                                                  \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *a, type *c, type v,       \
							  int order, int fail_order);              \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *a, type *c, type v,       \
							  int order, int fail_order)               \
	{                                                                                          \
		(void)order;                                                                       \
		(void)fail_order;                                                                  \
		return compare##bits(a, c, v, CALLER);                                             \
	}

#define ATOMICS(bits, type)                                                                        \
	type __tsan_atomic##bits##_load(const volatile type *a, int order);                        \
	type __tsan_atomic##bits##_load(const volatile type *a, int order)                         \
	{                                                                                          \
		bool seen = rt_point();                                                            \
		type v;                                                                            \
                                                                                                   \
		(void)order;                                                                       \
		if (seen)                                                                          \
			rt_heap_check(CALLER, (void *)a, sizeof(type));                            \
		v = __atomic_load_n(a, __ATOMIC_SEQ_CST);                                          \
		if (seen)                                                                          \
			atomic_log(RACE_ATOMIC_READ, CALLER, (void *)a, sizeof(type), (uint64_t)v, \
				   (uint64_t)v);                                                   \
		return v;                                                                          \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *a, type v, int order);                     \
	void __tsan_atomic##bits##_store(volatile type *a, type v, int order)                      \
	{                                                                                          \
		bool seen = rt_point();                                                            \
		type old;                                                                          \
                                                                                                   \
		(void)order;                                                                       \
		if (seen)                                                                          \
			rt_heap_check(CALLER, (void *)a, sizeof(type));                            \
		old = *a;                                                                          \
		__atomic_store_n(a, v, __ATOMIC_SEQ_CST);                                          \
		if (seen)                                                                          \
			atomic_log(RACE_ATOMIC_WRITE, CALLER, (void *)a, sizeof(type),             \
				   (uint64_t)old, (uint64_t)v);                                    \
	}                                                                                          \
	CHANGE(bits, type, exchange, __atomic_exchange_n)                                          \
	CHANGE(bits, type, fetch_add, __atomic_fetch_add)                                          \
	CHANGE(bits, type, fetch_sub, __atomic_fetch_sub)                                          \
	CHANGE(bits, type, fetch_and, __atomic_fetch_and)                                          \
	CHANGE(bits, type, fetch_or, __atomic_fetch_or)                                            \
	CHANGE(bits, type, fetch_xor, __atomic_fetch_xor)                                          \
	CHANGE(bits, type, fetch_nand, __atomic_fetch_nand)                                        \
	COMPARE_BODY(bits, type)                                                                   \
	COMPARE(bits, type, strong)                                                                \
	COMPARE(bits, type, weak)                                                                  \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type c, type v,          \
							int order, int fail_order);                \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type c, type v,          \
							int order, int fail_order)                 \
	{                                                                                          \
		(void)order;                                                                       \
		(void)fail_order;                                                                  \
		compare##bits(a, &c, v, CALLER);                                                   \
		return c;                                                                          \
	}
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	if (rt_point())
		rt_log(RACE_FENCE, CALLER, true, NULL, 0, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
