/* SPDX-License-Identifier: MIT
 *
 * Reference counts.  A count that would go below 0 or overflow is a panic.
 */
#pragma once

#include "kernel/log/panic.h"

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

/* Add a reference.  The caller must hold one already. */
static inline void refcount_get(struct refcount *r)
{
	u32 old = __atomic_fetch_add(&r->count, 1, __ATOMIC_RELAXED);

	require(old != 0 && old < 0x7fffffff);
}

/* Drop a reference.  True: it was the last, and the caller must free the object.  Acquire and
 * release: all accesses of other holders before their refcount_put() are visible to the caller that
 * frees. */
static inline bool __must_check refcount_put(struct refcount *r)
{
	u32 old = __atomic_fetch_sub(&r->count, 1, __ATOMIC_ACQ_REL);

	require(old != 0);
	return old == 1;
}
