/* SPDX-License-Identifier: MIT */
#pragma once

#include "kernel/lib/base.h"

/* Called by boot.S on the boot stack, in 64-bit mode, interrupts off, boot_info filled. */
void kernel_main(void) noreturn;

/* Give process 0 a working directory, a umask and a descriptor table.  After vfs_init(). */
void init_directory(void);

/* Start process 1.  It runs the program that init= on the command line names, else the first of
 * /init, /sbin/init, /etc/init, /bin/init and /bin/sh that can be run.  Panics if there is none. */
void init_start(void);
