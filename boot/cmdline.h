/* SPDX-License-Identifier: MIT
 *
 * The command line of the kernel: words separated by blanks, "name" or "name=value".  Quotes "..."
 * allow blanks in a word.  The words after "--" are arguments of init.
 */
#pragma once

#include "kernel/lib/base.h"

/* Keep a copy of the line (at most 2 KiB). */
void cmdline_init(const char *line);

/* The whole line, as given. */
const char *cmdline_text(void);

/* Copy the value of the last `name=`, or "" for `name` without a value.  False if there is none. */
bool cmdline_get(const char *name, char *value, size_t size);

/* Returns the value of the last `name=` as a number; `otherwise` if there is none or it is no
 * number. */
u64 cmdline_get_u64(const char *name, u64 otherwise);

/* Copy the value of the index-th `name=`, from 0 on (console= may be given several times).  False
 * if there are fewer. */
bool cmdline_get_nth(const char *name, unsigned index, char *value, size_t size);

/* Store the words after "--" without their quotes, at most `max`.  Returns how many. */
u32 cmdline_init_words(const char **words, u32 max);
