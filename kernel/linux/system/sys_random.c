/* SPDX-License-Identifier: MIT
 *
 * getrandom(2).
 */
#include "arch/x86_64/pc/random.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sys/calls.h"

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2
#define GRND_INSECURE 4

SYSCALL3(getrandom, user, size, flags)
{
	u8 bytes[256];
	u64 done = 0;

	if (flags & ~(u64)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	size = MIN(size, (u64)INT32_MAX);
	while (done < size) {
		size_t n = MIN(size - done, sizeof(bytes));

		random_bytes(bytes, n);
		if (copy_to_user((void *)(user + done), bytes, n))
			return done ? (long)done : -EFAULT;
		done += n;
		if (thread_interrupted(WAIT_SIGNALS))
			break; /* random(7): up to 256 bytes are never cut short */
	}
	memset(bytes, 0, sizeof(bytes));
	barrier();
	return (long)done;
}
