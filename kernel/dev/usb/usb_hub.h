/* SPDX-License-Identifier: MIT
 *
 * Hubs (USB 2.0 chapter 11, USB 3.2 chapter 10): more ports behind a port.
 */
#pragma once

#include "kernel/dev/usb/usb_device.h"

/* Switch the ports on and ask for reports.  All ports count as changed.  Returns 0 or -EIO. Sleeps.
 */
int usb_hub_start(struct usb_device *hub);

/* A report has come: note in hub->hub_changed which ports changed, and ask for the next. */
void usb_hub_report(struct usb_device *hub);

/* The state of a port, of the bits below; its changes are acknowledged.  -EIO: the hub does not
 * answer.  Sleeps. */
#define HUB_PORT_CONNECTED 1
#define HUB_PORT_CHANGED   2 /* something was plugged in or out since the last call */
int usb_hub_port(struct usb_device *hub, u32 port);

/* Reset a port.  Returns the speed of what is there, or -EIO.  Sleeps. */
int usb_hub_reset(struct usb_device *hub, u32 port);
