/* SPDX-License-Identifier: MIT
 *
 * Keyboards on the USB, in the boot protocol (HID 1.11 appendix B): each report says which keys are
 * down now.
 */
#pragma once

#include "kernel/dev/usb/usb_device.h"

/* Ask for reports in the boot protocol.  Returns 0 or -EIO.  Sleeps. */
int usb_keyboard_start(struct usb_device *d);

/* A report has come: find which keys went down and up, and ask for the next. */
void usb_keyboard_report(struct usb_device *d);

/* The keyboard is gone: its keys are up. */
void usb_keyboard_gone(struct usb_device *d);

/* Repeat a key that is held, if it is time.  Returns when to call it again; UINT64_MAX: no key. */
u64 usb_keyboard_repeat(struct usb_device *d);
