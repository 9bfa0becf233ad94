/* SPDX-License-Identifier: MIT
 *
 * The kernel's log in the file HEDDLE.LOG on the stick: the log of this run first, then what is
 * left of those before it.  It is written when a program writes to /dev/savelog, and when
 * the machine ends.  Nothing else is ever written to a disk.
 */
#pragma once

#include "kernel/dev/usb/usb_device.h"

/* There is a controller that a stick could be at. */
void log_file_possible(void);

/* Look for the file on a disk that was plugged in.  Returns whether it is used: the first disk that
 * has it is.  The controller's thread.  Sleeps. */
bool log_file_found(struct usb_device *d);

/* A device is removed: use it no more.  The controller's thread. */
void log_file_gone(struct usb_device *d);

/* Save if another thread has asked for it.  The controller's thread.  Sleeps. */
void log_file_serve(struct xhci *x);
