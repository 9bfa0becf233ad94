/* SPDX-License-Identifier: MIT
 *
 * The report of undefined behaviour, and what the compiler's calls (calls.c) tell it.
 */
#pragma once

#include "kernel/lib/base.h"

/* A place in the source, as the compiler lays it out. */
struct source_place {
	const char *file;
	u32 line, column;
};

/* The code at `at` is about to do what C does not define; `fmt` says what.  Panics.  Any context.
 */
void undefined_found(const struct source_place *at, u64 return_address, const char *fmt,
		     ...) noreturn __printf(3, 4);
