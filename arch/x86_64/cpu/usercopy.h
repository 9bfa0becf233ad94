/* SPDX-License-Identifier: MIT
 *
 * The instructions of core and base that access user memory (usercopy.S; get_user_u32_nofault() has
 * its own).  They run between STAC and CLAC if the CPU has SMAP.  The exception table lists each with
 * the address at which it goes on after a fault.  Any context; with pages that are not present they
 * may sleep (trap.c: usercopy_fault()).
 */
#pragma once

#include "kernel/lib/base.h"

/* Copy or clear `n` bytes.  Returns how many bytes were NOT copied (0: all were).  The caller has
 * checked that the range is in the user half. */
size_t usercopy_raw_in(void *dst, const void *user_src, size_t n);
size_t usercopy_raw_out(void *user_dst, const void *src, size_t n);
size_t usercopy_raw_clear(void *user_dst, size_t n);

/* Copy a string of at most `n` bytes with its NUL.  Returns its length without the NUL, `n` if
 * there is no NUL in n bytes, or -EFAULT. */
ssize_t usercopy_raw_string(char *dst, const char *user_src, size_t n);

/* Returns the address at which to continue after a fault at `rip`; 0: `rip` is not in the table. */
u64 usercopy_fixup(u64 rip);

extern u8 smap_enabled; /* read by usercopy.S, entry.S, usercopy.c and cmpxchg_user.c */

/* Read from cpu_features whether there is SMAP.  Before the first copy. */
void usercopy_init(void);
