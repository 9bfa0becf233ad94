/* SPDX-License-Identifier: MIT
 *
 * Character devices: each is an entry of a linker set, for which a node in /dev is made at start.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/lib/linker_set.h"

struct device {
	u64 rdev;
	const char *path; /* "/dev/null" */
	u32 permissions;
	const struct file_ops *ops;
};
LINKER_SET(devices, struct device);

/* DEVICES(50, devices) = {{MAKEDEV(1, 3), "/dev/null", 0666, &null_ops}, ...};  Of two entries with
 * the same rdev that with the lower number (two digits) counts: the base's have 50, those of
 * extensions 10. */
#define DEVICES(order, variable)                                                                   \
	static const struct device LINKER_SET_ENTRY_AT(devices, order, struct device) variable[]

#define DEVICE_CONSOLE MAKEDEV(5, 1)
