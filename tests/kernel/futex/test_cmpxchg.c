/* SPDX-License-Identifier: MIT
 *
 * A test of kernel/linux/futex: the fault of an access to a word of the user.
 */
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/futex/cmpxchg_user.h"
#include "tests/kernel/ktest.h"

/* A kernel thread has no user memory, so the access must end in the fixup. */
KTEST(cmpxchg_without_space_fails)
{
	u32 old = 7;

	KEXPECT_EQ(usercopy_raw_cmpxchg32((u32 *)USER_MIN, &old, 1), -EFAULT);
	KEXPECT_EQ(old, 7);
}
