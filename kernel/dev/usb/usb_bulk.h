/* SPDX-License-Identifier: MIT
 *
 * Bulk pipes (USB 2.0, 5.8): how storage moves its commands and its data.
 */
#pragma once

#include "kernel/dev/usb/usb_device.h"

/* Move `length` bytes through a bulk pipe, from or to `data`, which lies in one page that the
 * controller may use.  Returns the number of bytes, -EPIPE (the pipe has stalled), -EIO,
 * -ENODEV (it was pulled out) or -ETIMEDOUT.  Sleeps, at most `ms`; keyboards of the controller
 * work while it does. */
int usb_bulk(struct usb_device *d, bool in, void *data, u32 length, u32 ms);

/* Make a bulk pipe work again that has stalled.  Returns 0 or -EIO.  Sleeps. */
int usb_bulk_clear(struct usb_device *d, bool in);

/* Begin anew with both bulk pipes, whatever state they are in.  Returns 0 or -EIO.  Sleeps. */
int usb_bulk_restart(struct usb_device *d);
