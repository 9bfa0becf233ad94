/* SPDX-License-Identifier: MIT
 *
 * Character devices.  Each is an entry of a linker set; devfs_init() makes its node in /dev.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/lib/linker_set.h"

struct device {
	u64 rdev;
	const char *path; /* "/dev/null"; NULL: no node is made */
	u32 permissions;
	const struct file_ops *ops;
};
LINKER_SET(devices, struct device);

/* DEVICES(50, devices) = {{MAKEDEV(1, 3), "/dev/null", 0666, &null_ops}, ...};  If two entries have
 * the same rdev, the one with the lower order (two digits) is used.  The base has 50 and extensions
 * have 10, so that an extension replaces a device of the base. */
#define DEVICES(order, variable)                                                                   \
	static const struct device LINKER_SET_ENTRY_AT(devices, order, struct device) variable[]

#define DEVICE_FIFO    MAKEDEV(0, 0) /* no device: the operations of FIFOs, without a path */
#define DEVICE_CONSOLE MAKEDEV(5, 1)
