/* SPDX-License-Identifier: MIT
 *
 * What the compiler calls with -fsanitize=thread, in the place of or before each access of memory:
 * the names are those of its run-time library (gcc: libsanitizer/tsan).  Accesses that are marked,
 * as volatile or atomic, are meant to meet others, and are not watched: they are done here, and the
 * writes among them note their places for reports of plain accesses that they meet.
 *
 * And what the linker's --wrap makes of calls of functions that write memory in assembler.
 */
#include "arch/x86_64/cpu/layout.h"
#include "kernel/watch/races/races.h"

#define CALLER ((u64)__builtin_return_address(0))

/* The compiler and the linker know these names; no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"

static inline void marked_write(const void *p, u32 size, u64 where)
{
	races_marked_end((u64)p, races_marked_begin((u64)p, size), where);
}

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
		marked_write((void *)address, n, CALLER);                                          \
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
		marked_write(p, bits / 8, CALLER);                                                 \
		return __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST);                                \
	}
#define ATOMIC(bits)                                                                               \
	static inline int compare_exchange##bits(u##bits *p, u##bits *old, u##bits v, u64 where)   \
	{                                                                                          \
		u64 begun = races_marked_begin((u64)p, bits / 8);                                  \
		bool written = __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST,     \
							   __ATOMIC_SEQ_CST);                      \
		if (written)                                                                       \
			races_marked_end((u64)p, begun, where);                                    \
		return written;                                                                    \
	}                                                                                          \
	u##bits __tsan_atomic##bits##_load(const u##bits *p, int order)                            \
	{                                                                                          \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                       \
	}                                                                                          \
	void __tsan_atomic##bits##_store(u##bits *p, u##bits v, int order)                         \
	{                                                                                          \
		marked_write(p, bits / 8, CALLER);                                                 \
		if (order == __ATOMIC_SEQ_CST)                                                     \
			__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                  \
		else                                                                               \
			__atomic_store_n(p, v, __ATOMIC_RELEASE);                                  \
	}                                                                                          \
	u##bits __tsan_atomic##bits##_exchange(u##bits *p, u##bits v, int order)                   \
	{                                                                                          \
		marked_write(p, bits / 8, CALLER);                                                 \
		return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_strong(u##bits *p, u##bits *old, u##bits v,     \
							  int order, int failed)                   \
	{                                                                                          \
		return compare_exchange##bits(p, old, v, CALLER);                                  \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_weak(u##bits *p, u##bits *old, u##bits v,       \
							int order, int failed)                     \
	{                                                                                          \
		return compare_exchange##bits(p, old, v, CALLER);                                  \
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

/* --- Functions that write in assembler -------------------------------------------------------- */

#define SHORT 128 /* below this size, memcpy() and memset() are C, and each access is watched */

void *__real_memcpy(void *restrict dst, const void *restrict src, size_t n);

void *__wrap_memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	if (n >= SHORT)
		races_long_write((u64)dst, n, CALLER);
	return __real_memcpy(dst, src, n);
}

void *__real_memmove(void *dst, const void *src, size_t n);

void *__wrap_memmove(void *dst, const void *src, size_t n)
{
	if (n >= SHORT)
		races_long_write((u64)dst, n, CALLER);
	return __real_memmove(dst, src, n);
}

void *__real_memset(void *dst, int c, size_t n);

void *__wrap_memset(void *dst, int c, size_t n)
{
	if (n >= SHORT)
		races_long_write((u64)dst, n, CALLER);
	return __real_memset(dst, c, n);
}

void __real_page_clear(void *page);

void __wrap_page_clear(void *page)
{
	races_long_write((u64)page, PAGE_SIZE, CALLER);
	__real_page_clear(page);
}

void __real_page_copy(void *dst, const void *src);

void __wrap_page_copy(void *dst, const void *src)
{
	races_long_write((u64)dst, PAGE_SIZE, CALLER);
	__real_page_copy(dst, src);
}

size_t __real_usercopy_raw_in(void *dst, const void *src, size_t n);

size_t __wrap_usercopy_raw_in(void *dst, const void *src, size_t n)
{
	races_long_write((u64)dst, n, CALLER);
	return __real_usercopy_raw_in(dst, src, n);
}
