/* SPDX-License-Identifier: MIT */
#pragma once

#include "kernel/lib/base.h"

/* Called by boot.S on the boot stack, in 64-bit mode, interrupts off, boot_info filled. */
void kernel_main(void) noreturn;

/* Returns the size of all RAM, also of what is in use. */
u64 memory_mib(void);

/* Stop the machine with a sentence if the boot loader has given no memory that early_frame_alloc()
 * can use: above the kernel's image, below 4 GiB. */
void memory_check(void);

/* Stop the machine with a sentence if the timer sends no interrupt, because all sleeping depends on
 * it.  Waits for one, interrupts on.  After sched_init(). */
void timer_check(void);

/* Unpack the initramfs modules into the root file system and free their memory.  Sleeps. */
void unpack_modules(void);

/* Give process 0 a working directory, a umask and a descriptor table.  After vfs_init(). */
void init_directory(void);

/* Start process 1.  It runs the program that init= on the command line names, else the first of
 * /init, /sbin/init, /etc/init, /bin/init and /bin/sh that can be run.  Stops the machine with a
 * sentence if there is none. */
void init_start(void);
