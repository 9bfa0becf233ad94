/* SPDX-License-Identifier: MIT
 *
 * Compare and exchange of a word of the user.
 */
#include "kernel/linux/futex/cmpxchg_user.h"

#include "arch/x86_64/cpu/usercopy.h"
#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"
#include "kernel/vm/usercopy.h"

int cmpxchg_user_u32_nofault(u32 *user, u32 *old, u32 new_value)
{
	struct thread *t = current_thread();
	int err;

	if (!user_range_ok((u64)user, sizeof(*user)) || !t->pmap)
		return -EFAULT;
	t->pagefaults_disabled++;
	err = usercopy_raw_cmpxchg32(user, old, new_value);
	t->pagefaults_disabled--;
	return err;
}
