/* SPDX-License-Identifier: MIT
 *
 * The kernel's command line: words parted by blanks, "name" or "name=value", "..." quotes blanks;
 * what stands after "--" is init's.
 */
#pragma once

#include "kernel/lib/base.h"

/* Keep a copy of the line (at most 2 KiB). */
void cmdline_init(const char *line);

/* The whole line, as given. */
const char *cmdline_text(void);

/* Copy the value of the last `name=` (or "" for a bare `name`).  False where it is not there. */
bool cmdline_get(const char *name, char *value, size_t size);

/* The value of the last `name=` as a number; `otherwise` where absent or no number. */
u64 cmdline_get_u64(const char *name, u64 otherwise);

/* Each `name=` in turn (console= may stand several times): the index-th value.  False past the end. */
bool cmdline_get_nth(const char *name, unsigned index, char *value, size_t size);

/* The words after "--", at most `max`, without their quotes; how many. */
u32 cmdline_init_words(const char **words, u32 max);
