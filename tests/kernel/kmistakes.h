/* SPDX-License-Identifier: MIT
 *
 * Mistakes made on purpose, for a checker that ends the machine: the command line names one.
 */
#pragma once

#include "boot/cmdline.h"
#include "kernel/lib/string.h"

struct mistake {
	const char *name;
	void (*make)(void);
};

/* Make the mistake of the name that `option` has on the command line, if it is one of `n`. */
static inline void make_mistake_of(const char *option, const struct mistake *mistakes, u32 n)
{
	char name[32];

	if (!cmdline_get(option, name, sizeof(name)))
		return;
	for (u32 i = 0; i < n; i++)
		if (!strcmp(name, mistakes[i].name))
			mistakes[i].make();
}
