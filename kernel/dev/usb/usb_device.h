/* SPDX-License-Identifier: MIT
 *
 * A device on the USB (Universal Serial Bus 2.0, chapters 9 and 11; xHCI 1.2 4.3): giving it an
 * address, requests to it, and one pipe through which it reports by itself.
 */
#pragma once

#include "kernel/dev/usb/xhci.h"

enum usb_speed { USB_FULL = 1, USB_LOW, USB_HIGH, USB_SUPER }; /* as in a port's register */

enum usb_kind { USB_OTHER, USB_KEYBOARD, USB_HUB, USB_STORAGE };

/* A bulk endpoint.  One transfer at a time. */
struct usb_pipe {
	struct ring ring;
	u32 endpoint; /* its index in contexts; 0: none */
	u32 packet, burst;
	paddr_t at; /* the transfer that is waited for */
	bool done;
	u32 code, missing; /* how it ended; bytes that were not moved */
};

/* One thing in the tree of devices. */
struct usb_device {
	struct xhci *xhci;
	struct usb_device *parent; /* the hub that it is at; NULL: at a port of the controller */
	u32 port;		   /* of the parent, from 1 */
	u32 slot, speed, root_port, route, depth;
	enum usb_kind kind;
	u16 vendor, product;
	struct usb_device *next; /* of all devices of the controller */

	void *context, *input; /* pages: the controller's view, and what is to change in it */
	struct ring control;
	u8 *buffer; /* a page: requests use the first half, reports the second */
	bool request_done;
	u32 request_code, request_missing; /* how it ended; bytes that did not come */

	/* The pipe for reports (an interrupt endpoint). */
	struct ring reports;
	u32 report_endpoint; /* its index in contexts; 0: none */
	u32 report_size, interval, interface;
	bool report_due; /* a report has arrived, of report_length bytes */
	u32 report_length;
	bool report_failed;
	u32 failures; /* in a row */

	/* A hub. */
	u32 hub_ports, hub_delay_ms, hub_think;
	u32 hub_changed; /* bits of ports, from the last report */

	/* A keyboard. */
	u8 keys[8];    /* the last report */
	u8 repeat_key; /* the usage of the key that repeats; 0: none */
	u64 repeat_ns; /* when it does next */

	/* Storage. */
	struct usb_pipe bulk[2]; /* out, in */
	u8 *block;		 /* a page: what is read and written */
	u32 blocks, tag;
};

#define REPORT_OFFSET 2048
#define REPORT_MAX    64

/* The standard requests (USB 2.0, 9.4) and those of hubs (11.24.2). */
#define REQUEST_GET_STATUS	  0
#define REQUEST_CLEAR_FEATURE	  1
#define REQUEST_SET_FEATURE	  3
#define REQUEST_GET_DESCRIPTOR	  6
#define REQUEST_SET_CONFIGURATION 9
#define TO_DEVICE		  0x00
#define TO_INTERFACE		  0x01
#define TO_ENDPOINT		  0x02
#define FROM_DEVICE		  0x80
#define CLASS_REQUEST		  0x20
#define TO_PORT			  0x23 /* of a hub */
#define FROM_PORT		  0xa3

/* Send a request on the control pipe; the data, at most 2048 bytes, is in d->buffer.  Returns the
 * number of bytes, -EIO, -ENODEV (it was pulled out), -ETIMEDOUT or -EPIPE (the device does not
 * know the request).  Sleeps, at most 2 s. */
int usb_request(struct usb_device *d, u8 type, u8 request, u16 value, u16 index, u16 length);

/* Find out what is at a port that has been reset: give it an address, read what it is, and
 * configure it, with its pipe for reports if it is a keyboard or a hub.  NULL: it does not answer,
 * is broken, or there is no memory or slot.  Sleeps. */
struct usb_device *usb_attach(struct xhci *x, struct usb_device *parent, u32 port, u32 speed);

/* Has what is at the device's root port been pulled out?  The thread need not have noticed yet. */
bool usb_is_gone(struct usb_device *d);

/* Forget a device and all that is behind it.  Sleeps. */
void usb_detach(struct usb_device *d);

/* Tell the controller that the device is a hub (xHCI 1.2, 4.6.6).  Returns 0 or -EIO. */
int usb_configure_hub(struct usb_device *d);

/* Ask for the next report, after one has been read. */
void usb_next_report(struct usb_device *d);

/* Make a pipe work again whose report failed.  Returns 0 or -EIO: the device is of no more use. */
int usb_recover(struct usb_device *d);

/* The devices of a controller, in no order; linked by `next`. */
static inline struct usb_device *usb_first(struct xhci *x)
{
	return x->devices;
}

/* The controller's function for transfer events. */
void usb_transfer_event(struct xhci *x, const struct trb *event);
