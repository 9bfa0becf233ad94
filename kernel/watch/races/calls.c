/* SPDX-License-Identifier: MIT
 *
 * What the compiler calls with -fsanitize=thread, in the place of or before each access of memory:
 * the names are those of its run-time library (gcc: libsanitizer/tsan).  Accesses that are marked,
 * as volatile or atomic, are meant to meet others, and are only done here, not watched.
 */
#include "kernel/watch/races/races.h"

#define CALLER ((u64)__builtin_return_address(0))

/* The compiler knows these names; no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"

#define PLAIN(n)                                                                                   \
	void __tsan_read##n(u64 address)                                                           \
	{                                                                                          \
		races_access(address, n, false, CALLER);                                           \
	}                                                                                          \
	void __tsan_write##n(u64 address)                                                          \
	{                                                                                          \
		races_access(address, n, true, CALLER);                                            \
	}                                                                                          \
	void __tsan_unaligned_read##n(u64 address)                                                 \
	{                                                                                          \
		races_access(address, n, false, CALLER);                                           \
	}                                                                                          \
	void __tsan_unaligned_write##n(u64 address)                                                \
	{                                                                                          \
		races_access(address, n, true, CALLER);                                            \
	}                                                                                          \
	void __tsan_volatile_read##n(u64 address)                                                  \
	{                                                                                          \
	}                                                                                          \
	void __tsan_volatile_write##n(u64 address)                                                 \
	{                                                                                          \
	}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)

/* Of a longer access one word is looked at, another one each time. */
static void range(u64 address, u64 size, bool write, u64 where)
{
	static u64 turn;
	u64 words = size / 8;

	if (words)
		races_access(address + turn++ % words * 8, 8, write, where);
	else if (size)
		races_access(address, (u32)size, write, where);
}

void __tsan_read_range(u64 address, u64 size)
{
	range(address, size, false, CALLER);
}

void __tsan_write_range(u64 address, u64 size)
{
	range(address, size, true, CALLER);
}

void __tsan_read16(u64 address)
{
	range(address, 16, false, CALLER);
}

void __tsan_write16(u64 address)
{
	range(address, 16, true, CALLER);
}

void __tsan_init(void)
{
}

/* Each atomic operation in the strongest order, which is what the processor's locked instructions
 * have in any case. */
#define FETCH(bits, op)                                                                            \
	u##bits __tsan_atomic##bits##_fetch_##op(u##bits *p, u##bits v, int order)                 \
	{                                                                                          \
		return __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST);                                \
	}
#define ATOMIC(bits)                                                                               \
	u##bits __tsan_atomic##bits##_load(const u##bits *p, int order)                            \
	{                                                                                          \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                       \
	}                                                                                          \
	void __tsan_atomic##bits##_store(u##bits *p, u##bits v, int order)                         \
	{                                                                                          \
		if (order == __ATOMIC_SEQ_CST)                                                     \
			__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                  \
		else                                                                               \
			__atomic_store_n(p, v, __ATOMIC_RELEASE);                                  \
	}                                                                                          \
	u##bits __tsan_atomic##bits##_exchange(u##bits *p, u##bits v, int order)                   \
	{                                                                                          \
		return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_strong(u##bits *p, u##bits *old, u##bits v,     \
							  int order, int failed)                   \
	{                                                                                          \
		return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST,             \
						   __ATOMIC_SEQ_CST);                              \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_weak(u##bits *p, u##bits *old, u##bits v,       \
							int order, int failed)                     \
	{                                                                                          \
		return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST,             \
						   __ATOMIC_SEQ_CST);                              \
	}                                                                                          \
	FETCH(bits, add)                                                                           \
	FETCH(bits, sub)                                                                           \
	FETCH(bits, and)                                                                           \
	FETCH(bits, or)                                                                            \
	FETCH(bits, xor)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
	barrier();
}
