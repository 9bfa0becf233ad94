/* SPDX-License-Identifier: MIT
 *
 * Contexts: what the controller knows of a device and its endpoints (xHCI 1.2, 6.2).  The driver
 * fills an input and issues a command, which makes the controller read it.
 */
#pragma once

#include "kernel/dev/usb/usb_device.h"

#define ENDPOINT_BULK_OUT     2U /* types in contexts (6.2.3) */
#define ENDPOINT_CONTROL      4U
#define ENDPOINT_BULK_IN      6U
#define ENDPOINT_INTERRUPT_IN 7U
#define CONTEXT_CONTROL	      1 /* the index of the control pipe */

/* Context `n` of the input: 0 says which of the others count; 1 is the slot, then the endpoints. */
u32 *usb_input_context(struct usb_device *d, u32 n);

/* Begin an input: the slot as it is, and a bit for each context that the command is to read. */
void usb_input_begin(struct usb_device *d, u32 added);

/* Write the context of an endpoint, or of the slot, of which `entries` endpoints are in use. */
void usb_input_endpoint(struct usb_device *d, u32 dci, u32 type, u32 packet, u32 interval,
			struct ring *ring);
void usb_input_slot(struct usb_device *d, u32 entries);

/* Issue a command that reads the input.  Returns 0 or -EIO.  Sleeps. */
int usb_device_command(struct usb_device *d, enum trb_type type);

/* Stop an endpoint, stalled or not, and let it start again at the ring's next TRB (4.6.8, 4.6.9).
 * Returns 0 or -EIO.  Sleeps. */
int usb_reset_endpoint(struct usb_device *d, u32 dci, struct ring *ring);

/* The two bulk pipes of storage.  Note an endpoint that a configuration lists; `left` bytes of the
 * configuration begin at `descriptor`. */
void usb_pipes_found(struct usb_device *d, const u8 *descriptor, u32 left);

/* Open both pipes of a device that has been configured.  Returns 0, -ENOMEM or -EIO.  Sleeps. */
int usb_pipes_open(struct usb_device *d);
void usb_pipes_free(struct usb_device *d);

/* Tell the controller of both; `dropped`: it forgets first what it knew of them.  Returns 0 or
 * -EIO. Sleeps. */
int usb_pipes_configure(struct usb_device *d, bool dropped);

/* The controller reports the end of a transfer. */
void usb_pipes_event(struct usb_device *d, const struct trb *event);
