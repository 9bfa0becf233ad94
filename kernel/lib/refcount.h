/* SPDX-License-Identifier: MIT
 *
 * Reference counts that stop the kernel when they go wrong rather than wrap.
 */
#pragma once

#include "kernel/lib/panic.h"

struct refcount {
	u32 count;
};

static inline void refcount_init(struct refcount *r, u32 n)
{
	__atomic_store_n(&r->count, n, __ATOMIC_RELAXED);
}

static inline u32 refcount_read(const struct refcount *r)
{
	return __atomic_load_n(&r->count, __ATOMIC_RELAXED);
}

/* One more reference, by somebody who holds one. */
static inline void refcount_get(struct refcount *r)
{
	u32 old = __atomic_fetch_add(&r->count, 1, __ATOMIC_RELAXED);

	require(old != 0 && old < 0x7fffffff);
}

/* One more reference unless the count is zero already; false where it was. */
static inline bool refcount_get_unless_zero(struct refcount *r)
{
	u32 old = refcount_read(r);

	do {
		if (old == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&r->count, &old, old + 1, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

/* One reference less.  True for the last: the caller then frees. */
static inline bool __must_check refcount_put(struct refcount *r)
{
	u32 old = __atomic_fetch_sub(&r->count, 1, __ATOMIC_ACQ_REL);

	require(old != 0);
	return old == 1;
}
