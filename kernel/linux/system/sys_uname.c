/* SPDX-License-Identifier: MIT
 *
 * uname(2).
 */
#include "kernel/linux/identity.h"
#include "kernel/sys/calls.h"

#define UTS_LENGTH (SYSTEM_NODE_MAX + 1)

SYSCALL1(uname, user)
{
	char fields[6][UTS_LENGTH] = {SYSTEM_NAME,    "",      SYSTEM_RELEASE, SYSTEM_VERSION,
				      SYSTEM_MACHINE, "(none)"};

	system_hostname_get(fields[1]);
	return copy_to_user((void *)user, fields, sizeof(fields));
}
