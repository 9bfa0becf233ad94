/* SPDX-License-Identifier: MIT
 *
 * The name of the machine, which uname(2) and /proc/sys/kernel/hostname show.
 */
#include "kernel/linux/identity.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sync/spinlock.h"

DEFINE_SPINLOCK(hostname_lock);
static char hostname[SYSTEM_NODE_MAX + 1] = "heddle";

void system_hostname_get(char name[SYSTEM_NODE_MAX + 1])
{
	spin_lock(&hostname_lock);
	memcpy(name, hostname, sizeof(hostname));
	spin_unlock(&hostname_lock);
}

int system_hostname_set(const char *name, size_t length)
{
	if (length > SYSTEM_NODE_MAX)
		return -EINVAL;
	spin_lock(&hostname_lock);
	memset(hostname, 0, sizeof(hostname));
	memcpy(hostname, name, length);
	spin_unlock(&hostname_lock);
	return 0;
}
