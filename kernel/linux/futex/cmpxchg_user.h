/* SPDX-License-Identifier: MIT
 *
 * Compare and exchange of a word of the user.
 */
#pragma once

#include "kernel/lib/base.h"

/* Compare and exchange an aligned word: 0, with the former value in *old, or -EFAULT.  See
 * arch/x86_64/cpu/usercopy.h. */
int usercopy_raw_cmpxchg32(u32 *user, u32 *old, u32 new_value);

/* If *user is *old, set it to `new_value`.  In any case *old becomes the former value of *user.  0,
 * or -EFAULT: no change.  The caller may hold a spinlock; see get_user_u32_nofault(). */
int __must_check cmpxchg_user_u32_nofault(u32 *user, u32 *old, u32 new_value);
