/* SPDX-License-Identifier: MIT
 *
 * Sorting a few numbers.
 */
#pragma once

#include "kernel/lib/base.h"

/* Ascending, by insertion: for short arrays. */
static inline void sort_u64(u64 *v, u32 n)
{
	for (u32 i = 1; i < n; i++)
		for (u32 j = i; j && v[j - 1] > v[j]; j--) {
			u64 t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}
