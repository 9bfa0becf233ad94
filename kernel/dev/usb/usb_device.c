/* SPDX-License-Identifier: MIT
 *
 * A device on the USB: its address, its descriptors, its pipes.
 */
#include "kernel/dev/usb/usb_device.h"

#include "arch/x86_64/cpu/layout.h"
#include "kernel/dev/usb/usb_context.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/mem/slab.h"

#define REQUEST_NS	  (2 * NSEC_PER_SEC)
#define FAILURES_MAX	  8
#define DEPTH_MAX	  5 /* hubs in a row (USB 2.0, 4.1.1) */

#define DESCRIPTOR_DEVICE 0x0100
#define DESCRIPTOR_CONFIG 0x0200
#define TYPE_INTERFACE	  4
#define TYPE_ENDPOINT	  5
#define CLASS_HID	  3
#define CLASS_STORAGE	  8
#define CLASS_HUB	  9

/* --- Requests -----------------------------------------------------------------------------------
 */

static struct usb_device *device_of_slot(struct xhci *x, u32 slot)
{
	for (struct usb_device *d = usb_first(x); d; d = d->next)
		if (d->slot == slot)
			return d;
	return NULL;
}

void usb_transfer_event(struct xhci *x, const struct trb *event)
{
	struct usb_device *d = device_of_slot(x, event->control >> 24);
	u32 endpoint = event->control >> 16 & 31, code = event->status >> 24;

	if (!d)
		return;
	if (endpoint == CONTEXT_CONTROL) {
		/* Less data than asked for: the event of the last stage follows. */
		if (code == COMPLETION_SHORT) {
			d->request_missing = event->status & 0xffffff;
		} else {
			d->request_done = true;
			d->request_code = code;
		}
	} else if (endpoint == d->report_endpoint) {
		u32 missing = event->status & 0xffffff;

		d->report_failed = code != COMPLETION_SUCCESS && code != COMPLETION_SHORT;
		d->report_due = !d->report_failed;
		d->report_length = d->report_size - MIN(missing, d->report_size);
	} else {
		usb_pipes_event(d, event);
	}
}

bool usb_is_gone(struct usb_device *d)
{
	u32 port = xhci_port(d->xhci, d->root_port);

	return !(port & PORT_CONNECTED) || port & PORT_CONNECT_CHANGE;
}

int usb_request(struct usb_device *d, u8 type, u8 request, u16 value, u16 index, u16 length)
{
	u64 deadline = clock_now_ns() + REQUEST_NS;
	bool in = type & FROM_DEVICE;
	u64 setup =
	    type | (u64)request << 8 | (u64)value << 16 | (u64)index << 32 | (u64)length << 48;

	if (length > REPORT_OFFSET)
		return -EINVAL;
	d->request_done = false;
	d->request_missing = 0;
	ring_write(&d->control, setup, 8,
		   TRB_TYPE(TRB_SETUP) | TRB_IMMEDIATE | (length ? (in ? 3U : 2U) << 16 : 0));
	if (length)
		ring_write(&d->control, virt_to_phys(d->buffer), length,
			   TRB_TYPE(TRB_DATA) | (in ? TRB_IN | TRB_SHORT_EVENT : 0));
	ring_write(&d->control, 0, 0,
		   TRB_TYPE(TRB_STATUS) | TRB_EVENT | (length && in ? 0 : TRB_IN));
	xhci_doorbell(d->xhci, d->slot, CONTEXT_CONTROL);
	for (;;) {
		xhci_poll(d->xhci);
		if (d->request_done)
			break;
		if (d->xhci->dead || usb_is_gone(d))
			return -ENODEV;
		if (clock_now_ns() >= deadline) {
			usb_reset_endpoint(d, CONTEXT_CONTROL, &d->control);
			return -ETIMEDOUT;
		}
		xhci_sleep(d->xhci, deadline);
	}
	if (d->request_code == COMPLETION_SUCCESS)
		return (int)(length - MIN(d->request_missing, (u32)length));
	usb_reset_endpoint(d, CONTEXT_CONTROL, &d->control);
	return d->request_code == COMPLETION_STALL ? -EPIPE : -EIO;
}

/* --- Reports -------------------------------------------------------------------------------------
 */

void usb_next_report(struct usb_device *d)
{
	d->report_due = false;
	ring_write(&d->reports, virt_to_phys(d->buffer) + REPORT_OFFSET, d->report_size,
		   TRB_TYPE(TRB_NORMAL) | TRB_EVENT | TRB_SHORT_EVENT);
	xhci_doorbell(d->xhci, d->slot, d->report_endpoint);
}

int usb_recover(struct usb_device *d)
{
	u16 endpoint = (u16)(0x80 | d->report_endpoint / 2);

	d->report_failed = false;
	if (++d->failures > FAILURES_MAX || usb_reset_endpoint(d, d->report_endpoint, &d->reports))
		return -EIO;
	usb_request(d, TO_ENDPOINT, REQUEST_CLEAR_FEATURE, 0, endpoint, 0); /* HALT */
	usb_next_report(d);
	return 0;
}

/* The interval of an interrupt endpoint, as the exponent of a number of 125 us (6.2.3.6). */
static u32 interval_of(u32 speed, u8 value)
{
	u32 exponent = 3;

	if (speed == USB_HIGH || speed >= USB_SUPER)
		return MIN(MAX(value, 1), 16) - 1U;
	while (exponent < 10 && 1U << (exponent + 1 - 3) <= value)
		exponent++;
	return exponent;
}

static int open_reports(struct usb_device *d)
{
	if (ring_init(&d->reports))
		return -ENOMEM;
	usb_input_begin(d, 1U | 1U << d->report_endpoint);
	usb_input_slot(d, d->report_endpoint);
	usb_input_endpoint(d, d->report_endpoint, ENDPOINT_INTERRUPT_IN, d->report_size,
			   d->interval, &d->reports);
	if (usb_device_command(d, TRB_CONFIGURE_ENDPOINT))
		return -EIO;
	d->report_size = MIN(d->report_size, (u32)REPORT_MAX);
	return 0;
}

int usb_configure_hub(struct usb_device *d)
{
	usb_input_begin(d, 1U);
	usb_input_slot(d, d->report_endpoint);
	return usb_device_command(d, TRB_CONFIGURE_ENDPOINT);
}

/* --- What it is ----------------------------------------------------------------------------------
 */

static enum usb_kind kind_of(const u8 *interface)
{
	u8 class = interface[5], subclass = interface[6], protocol = interface[7];

	if (interface[3] != 0) /* another setting of the interface: not the one in use */
		return USB_OTHER;
	if (class == CLASS_HUB)
		return USB_HUB;
	if (class == CLASS_HID && subclass == 1 && protocol == 1)
		return USB_KEYBOARD;
	/* SCSI commands by bulk transfers only (Mass Storage Overview 1.4, chapters 2 and 3). */
	return class == CLASS_STORAGE && subclass == 6 && protocol == 0x50 ? USB_STORAGE
									   : USB_OTHER;
}

/* Look through a configuration (USB 2.0, 9.6.3) for a keyboard with the boot protocol (HID 1.11,
 * 4.3) or a hub, and its interrupt endpoint, or for storage and its bulk endpoints.  Every length
 * comes from the device and is checked. */
static void find_interface(struct usb_device *d, const u8 *text, u32 length)
{
	enum usb_kind kind = USB_OTHER;
	u32 interface = 0;

	for (u32 at = 0; at + 2 <= length && text[at] >= 2 && at + text[at] <= length;
	     at += text[at]) {
		const u8 *t = text + at;

		if (t[1] == TYPE_INTERFACE && t[0] >= 9) {
			interface = t[2];
			kind = kind_of(t);
			continue;
		}
		if (t[1] != TYPE_ENDPOINT || t[0] < 7 || kind == USB_OTHER || !(t[2] & 15))
			continue;
		d->interface = interface;
		if (kind == USB_STORAGE && (t[3] & 3) == 2) {
			usb_pipes_found(d, t, length - at);
			if (!d->bulk[0].endpoint || !d->bulk[1].endpoint)
				continue;
		} else if (kind != USB_STORAGE && t[2] & 0x80 && (t[3] & 3) == 3) {
			d->report_endpoint = (t[2] & 15U) * 2 + 1;
			d->report_size = (t[4] | t[5] << 8) & 0x7ffU;
			d->interval = interval_of(d->speed, t[6]);
		} else {
			continue;
		}
		d->kind = kind;
		return;
	}
}

/* At full speed the size of packets is known only when the device was asked (USB 2.0, 5.5.3). */
static int adjust_packet_size(struct usb_device *d)
{
	u32 size = d->buffer[7];

	if (d->speed != USB_FULL || size == 8)
		return 0;
	if (size != 16 && size != 32 && size != 64)
		return -EIO;
	usb_input_begin(d, 1U << CONTEXT_CONTROL);
	usb_input_endpoint(d, CONTEXT_CONTROL, ENDPOINT_CONTROL, size, 0, &d->control);
	return usb_device_command(d, TRB_EVALUATE_CONTEXT);
}

static int configure(struct usb_device *d)
{
	int n = usb_request(d, FROM_DEVICE, REQUEST_GET_DESCRIPTOR, DESCRIPTOR_DEVICE, 0, 8);
	u8 number;

	if (n < 8 || adjust_packet_size(d) ||
	    usb_request(d, FROM_DEVICE, REQUEST_GET_DESCRIPTOR, DESCRIPTOR_DEVICE, 0, 18) < 18)
		return -EIO;
	d->vendor = (u16)(d->buffer[8] | d->buffer[9] << 8);
	d->product = (u16)(d->buffer[10] | d->buffer[11] << 8);
	n = usb_request(d, FROM_DEVICE, REQUEST_GET_DESCRIPTOR, DESCRIPTOR_CONFIG, 0, 9);
	if (n < 9)
		return -EIO;
	number = d->buffer[5];
	n = usb_request(d, FROM_DEVICE, REQUEST_GET_DESCRIPTOR, DESCRIPTOR_CONFIG, 0,
			(u16)MIN(d->buffer[2] | d->buffer[3] << 8, REPORT_OFFSET));
	if (n < 9)
		return -EIO;
	find_interface(d, d->buffer, (u32)n);
	if (d->kind == USB_OTHER)
		return 0;
	if (usb_request(d, TO_DEVICE, REQUEST_SET_CONFIGURATION, number, 0, 0) < 0)
		return -EIO;
	return d->kind == USB_STORAGE ? usb_pipes_open(d) : open_reports(d);
}

static int give_address(struct usb_device *d)
{
	static const u16 packet[] = {
	    [USB_FULL] = 8, [USB_LOW] = 8, [USB_HIGH] = 64, [USB_SUPER] = 512};
	struct trb answer;

	if (xhci_command(d->xhci, 0, TRB_TYPE(TRB_ENABLE_SLOT), &answer) != COMPLETION_SUCCESS)
		return -EIO;
	d->slot = answer.control >> 24;
	d->xhci->contexts[d->slot] = virt_to_phys(d->context);
	usb_input_begin(d, 1U | 1U << CONTEXT_CONTROL);
	usb_input_slot(d, 1);
	usb_input_endpoint(d, CONTEXT_CONTROL, ENDPOINT_CONTROL,
			   packet[MIN(d->speed, (u32)USB_SUPER)], 0, &d->control);
	if (usb_device_command(d, TRB_ADDRESS_DEVICE))
		return -EIO;
	usb_pause_ms(10); /* 2 ms until it must answer to its address (9.2.6.3), more for some */
	return 0;
}

/* --- Coming and going
 * ------------------------------------------------------------------------------ */

static void forget(struct usb_device *d)
{
	struct usb_device **link = (struct usb_device **)&d->xhci->devices;
	u32 disable = TRB_TYPE(TRB_DISABLE_SLOT) | TRB_SLOT(d->slot);
	/* When the slot is off, the controller no longer uses the rings and contexts (4.6.4). */
	bool off = !d->slot || d->xhci->dead ||
		   xhci_command(d->xhci, 0, disable, NULL) == COMPLETION_SUCCESS || d->xhci->dead;

	for (; *link; link = &(*link)->next)
		if (*link == d) {
			*link = d->next;
			break;
		}
	if (!off) {
		log_warn("usb: the controller does not free slot %u: its memory stays in use",
			 d->slot);
		return;
	}
	if (d->slot)
		d->xhci->contexts[d->slot] = 0;
	ring_free(&d->control);
	ring_free(&d->reports);
	usb_pipes_free(d);
	usb_page_free(d->context);
	usb_page_free(d->input);
	usb_page_free(d->buffer);
	kfree(d);
}

void usb_detach(struct usb_device *d)
{
	struct usb_device *child = usb_first(d->xhci);

	while (child) /* the list changes with each that goes: begin again */
		if (child->parent == d) {
			usb_detach(child);
			child = usb_first(d->xhci);
		} else {
			child = child->next;
		}
	log_info("usb: device %x:%x is gone", d->vendor, d->product);
	forget(d);
}

struct usb_device *usb_attach(struct xhci *x, struct usb_device *parent, u32 port, u32 speed)
{
	struct usb_device *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->xhci = x;
	d->parent = parent;
	d->port = port;
	d->speed = speed;
	d->root_port = parent ? parent->root_port : port;
	d->depth = parent ? parent->depth + 1 : 0;
	/* Four bits for the port of each hub on the way (8.9 of USB 3.2). */
	d->route = parent ? parent->route | MIN(port, 15U) << 4 * parent->depth : 0;
	d->context = usb_page_alloc();
	d->input = usb_page_alloc();
	d->buffer = usb_page_alloc();
	d->next = x->devices;
	x->devices = d;
	if (d->depth > DEPTH_MAX || !d->context || !d->input || !d->buffer ||
	    ring_init(&d->control) || give_address(d) || configure(d)) {
		log_warn("usb: the device at port %u%s does not answer or is not understood", port,
			 parent ? " of a hub" : "");
		forget(d);
		return NULL;
	}
	return d;
}
