/* SPDX-License-Identifier: MIT
 *
 * Types and macros that every file uses.  Knows nothing of the kernel.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef s64 ssize_t;
typedef s64 loff_t;
typedef s32 pid_t;
typedef s32 tid_t;

/* A physical address.  A number, never a pointer: see phys_to_virt() in layout.h. */
typedef u64 paddr_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

/* 2^64 divided by the golden ratio: a product with it spreads the low bits of a key over all higher
 * bits (Knuth, "The Art of Computer Programming", volume 3, 6.4). */
#define GOLDEN_RATIO_64 0x9e3779b97f4a7c15UL

#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	  (((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)  ((x) & ~((typeof(x))(a) - 1))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define SWAP(a, b)                                                                                 \
	do {                                                                                       \
		typeof(a) a_ = (a);                                                                \
		(a) = (b);                                                                         \
		(b) = a_;                                                                          \
	} while (0)

#define MIN(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) _min_a = (a);                                                            \
		typeof(b) _min_b = (b);                                                            \
		_min_a < _min_b ? _min_a : _min_b;                                                 \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		typeof(a) _max_a = (a);                                                            \
		typeof(b) _max_b = (b);                                                            \
		_max_a > _max_b ? _max_a : _max_b;                                                 \
	})

/* Returns the structure whose `member` is at `ptr`. */
#define container_of(ptr, type, member)                                                            \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __packed	 __attribute__((packed))
#define __aligned(n)	 __attribute__((aligned(n)))
#define __used		 __attribute__((used))
#define __weak		 __attribute__((weak))
#define __must_check	 __attribute__((warn_unused_result))
#define __section(s)	 __attribute__((section(s)))
#define __hot_data	 __section(".data.hot") /* read at every switch: all on one page */
#define __hot		 __section(".text.hot") /* likewise: code of a switch or a wake-up */
#define __noinline	 __attribute__((noinline))
#undef __always_inline /* libc defines it too, in unit tests */
#define __always_inline	 inline __attribute__((always_inline))
#define __printf(f, a)	 __attribute__((format(printf, f, a)))
#define noreturn	 __attribute__((noreturn))

/* One access, of the size of the object, that the compiler neither splits nor repeats. */
#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define barrier()	 __asm__ volatile("" ::: "memory")

/* Debug builds check preconditions and the order of locks; a constant, so the compiler folds it. */
#ifndef HEDDLE_DEBUG
#define HEDDLE_DEBUG 0
#endif
