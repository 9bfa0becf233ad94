/* SPDX-License-Identifier: MIT
 *
 * Sets of CPUs.  Operations on one bit are atomic; operations on a whole mask are not.
 */
#pragma once

#include "kernel/lib/base.h"

enum { MAX_CPUS = 256 }; /* an enumeration: gdb reads it */

struct cpumask {
	u64 bits[MAX_CPUS / 64];
};

static inline bool cpumask_test(const struct cpumask *m, u32 cpu)
{
	return __atomic_load_n(&m->bits[cpu / 64], __ATOMIC_SEQ_CST) >> (cpu % 64) & 1;
}

/* These three are full barriers. */
static inline void cpumask_set(struct cpumask *m, u32 cpu)
{
	__atomic_fetch_or(&m->bits[cpu / 64], 1UL << (cpu % 64), __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear(struct cpumask *m, u32 cpu)
{
	__atomic_fetch_and(&m->bits[cpu / 64], ~(1UL << (cpu % 64)), __ATOMIC_SEQ_CST);
}

/* Clear a bit and return its former value. */
static inline bool cpumask_test_and_clear(struct cpumask *m, u32 cpu)
{
	return __atomic_fetch_and(&m->bits[cpu / 64], ~(1UL << (cpu % 64)), __ATOMIC_SEQ_CST) >>
		       (cpu % 64) & 1;
}

/* Returns the lowest CPU of the set that is `from` or higher; MAX_CPUS if there is none. */
static inline u32 cpumask_next(const struct cpumask *m, u32 from)
{
	for (u32 i = from / 64; i < MAX_CPUS / 64; i++) {
		u64 word = __atomic_load_n(&m->bits[i], __ATOMIC_SEQ_CST);

		if (i == from / 64)
			word &= ~0UL << (from % 64);
		if (word)
			return i * 64 + (u32)__builtin_ctzl(word);
	}
	return MAX_CPUS;
}

static inline bool cpumask_empty(const struct cpumask *m)
{
	_Static_assert(MAX_CPUS == 4 * 64, "four words");
	return !(READ_ONCE(m->bits[0]) | READ_ONCE(m->bits[1]) | READ_ONCE(m->bits[2]) |
		 READ_ONCE(m->bits[3]));
}

static inline u32 cpumask_count(const struct cpumask *m)
{
	u32 n = 0;

	for (u32 i = 0; i < MAX_CPUS / 64; i++)
		for (u64 word = m->bits[i]; word; word &= word - 1) /* clears one bit */
			n++;
	return n;
}

#define cpumask_for_each(cpu, mask)                                                                \
	for (u32 cpu = cpumask_next(mask, 0); cpu < MAX_CPUS; cpu = cpumask_next(mask, cpu + 1))
