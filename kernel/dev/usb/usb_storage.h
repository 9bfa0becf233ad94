/* SPDX-License-Identifier: MIT
 *
 * Storage on the USB: sticks and disks that take SCSI commands by bulk transfers only (USB Mass
 * Storage Class, Bulk-Only Transport 1.0).  Its first unit alone, with blocks of 512 bytes.
 */
#pragma once

#include "kernel/dev/usb/usb_device.h"

#define STORAGE_BLOCK 512

/* Find out how many blocks there are: d->blocks.  Returns 0, -ENODEV (no disk, or blocks of another
 * size), or an error as below.  Sleeps, at most 10 s. */
int usb_storage_start(struct usb_device *d);

/* Move at most 8 blocks, from `first` on, between the device and d->block.  Returns 0, -EINVAL (not
 * on the device), -EPERM (write-protected), -ENODEV (it was pulled out), -EIO or -ETIMEDOUT.
 * Sleeps, at most 10 s. */
int usb_storage_read(struct usb_device *d, u32 first, u32 count);
int usb_storage_write(struct usb_device *d, u32 first, u32 count);

/* Have it write what it has cached.  Returns 0 or an error as above.  Sleeps. */
int usb_storage_flush(struct usb_device *d);
