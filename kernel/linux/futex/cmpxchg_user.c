/* SPDX-License-Identifier: MIT
 *
 * Compare and exchange of a word of the user.
 */
#include "kernel/linux/futex/cmpxchg_user.h"

#include "arch/x86_64/cpu/usercopy.h"
#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"
#include "kernel/vm/usercopy.h"

/* STAC and CLAC do not exist on a processor without SMAP.  The page-fault handler continues at label
 * 3 if the word cannot be accessed. */
int usercopy_raw_cmpxchg32(u32 *user, u32 *old, u32 new_value)
{
	int result = 0;

	__asm__ volatile("cmpb $0, smap_enabled(%%rip)\n\tje 1f\n\tstac\n"
			 "1:\tlock cmpxchgl %4, %2\n\tjmp 4f\n"
			 "3:\tmovl %5, %0\n"
			 "4:\tcmpb $0, smap_enabled(%%rip)\n\tje 5f\n\tclac\n5:\n\t"
			 ".pushsection __ex_table, \"a\", @progbits\n\t"
			 ".quad 1b, 3b\n\t"
			 ".popsection"
			 : "+r"(result), "+a"(*old), "+m"(*user)
			 : "m"(smap_enabled), "r"(new_value), "i"(-EFAULT)
			 : "memory", "cc");
	return result;
}

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
