/* SPDX-License-Identifier: MIT
 *
 * fcntl(2) for extensions: a command of their own is an entry of the linker set `fcntl_commands`.
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct file;

struct fcntl_command {
	u64 command;
	long (*fn)(struct file *f, u32 fd, u64 argument);
};
LINKER_SET(fcntl_commands, struct fcntl_command);
