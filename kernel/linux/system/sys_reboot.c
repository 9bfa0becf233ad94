/* SPDX-License-Identifier: MIT
 *
 * Calls for the administrator: reboot(), sethostname().
 */
#include "arch/x86_64/pc/power.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/identity.h"
#include "kernel/sys/calls.h"

#define REBOOT_MAGIC	 0xfee1dead
#define REBOOT_RESTART	 0x01234567
#define REBOOT_HALT	 0xcdef0123
#define REBOOT_CAD_ON	 0x89abcdef
#define REBOOT_CAD_OFF	 0
#define REBOOT_POWER_OFF 0x4321fedc
#define REBOOT_RESTART2	 0xa1b2c3d4

SYSCALL4(reboot, magic, magic2, command, argument)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((u32)magic != REBOOT_MAGIC || ((u32)magic2 != 672274793 && (u32)magic2 != 85072278 &&
					   (u32)magic2 != 369367448 && (u32)magic2 != 537993216))
		return -EINVAL;
	switch ((u32)command) {
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0; /* Ctrl-Alt-Del restarts the machine in any case (keys.c) */
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		power_reset();
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		power_off(EXIT_STATUS_OK);
	}
	return -EINVAL;
}

SYSCALL2(sethostname, user, length)
{
	char name[SYSTEM_NODE_MAX + 1];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (length > SYSTEM_NODE_MAX)
		return -EINVAL;
	return copy_from_user(name, (void *)user, length) ?: system_hostname_set(name, length);
}
