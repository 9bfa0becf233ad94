/* SPDX-License-Identifier: MIT
 *
 * The only instructions that touch user memory (usercopy.S): between stac and clac where the CPU
 * has SMAP, each listed in the exception table with the place to go on when it faults.
 */
#pragma once

#include "kernel/lib/base.h"

/* Copy `n` bytes; the number NOT copied is returned (0 = all).  The caller has checked that the
 * range lies in the user half. */
size_t usercopy_raw_in(void *dst, const void *user_src, size_t n);
size_t usercopy_raw_out(void *user_dst, const void *src, size_t n);
size_t usercopy_raw_clear(void *user_dst, size_t n);

/* Copy a string of at most `n` bytes with its NUL.  Its length without the NUL, `n` where there was
 * none in n bytes, or -EFAULT. */
ssize_t usercopy_raw_string(char *dst, const char *user_src, size_t n);

/* Aligned 32-bit compare and exchange.  0 (with *old what was there) or -EFAULT. */
int usercopy_raw_cmpxchg32(u32 *user, u32 *old, u32 new_value);

/* The address to go on at after a fault at `rip`, or 0: not an instruction of the table. */
u64 usercopy_fixup(u64 rip);

/* Learn from cpu_features whether there is SMAP; before the first copy. */
void usercopy_init(void);
