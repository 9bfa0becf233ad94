/* SPDX-License-Identifier: MIT
 *
 * Sorting short arrays of numbers.
 */
#pragma once

#include "kernel/lib/base.h"

/* Sort in ascending order, by insertion. */
static inline void sort_u64(u64 *v, u32 n)
{
	for (u32 i = 1; i < n; i++)
		for (u32 j = i; j && v[j - 1] > v[j]; j--) {
			u64 t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}
