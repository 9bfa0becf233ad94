/* SPDX-License-Identifier: MIT
 *
 * Finding the file on a stick that takes the log.  tools/mklog.py, which makes the stick's image,
 * has written it; both files say the same of its size and of the first lines of its blocks.
 */
#pragma once

#include "kernel/dev/usb/usb_storage.h"

#define LOG_BLOCK	  4096 /* bytes: a cluster of the volume, and a page */
#define LOG_BLOCKS	  64
#define LOG_HEAD	  33			     /* the first line of a block */
#define LOG_ROOM	  (LOG_BLOCK - LOG_HEAD - 1) /* then text, spaces, and a last newline */
#define STORAGE_PER_BLOCK (LOG_BLOCK / STORAGE_BLOCK)

/* Write the first line of block `number`, and its NUL. */
void log_volume_head(char head[LOG_HEAD + 1], u32 number);

/* Look for the file on a disk.  Returns 0, and its first block of the disk in *first; -ENOENT (no
 * such volume), -EACCES (the volume is there, but the file is not as it was made), or an error of
 * usb_storage_read().  Writes nothing.  Sleeps. */
int log_volume_find(struct usb_device *d, u32 *first);
