/* SPDX-License-Identifier: MIT
 *
 * Contexts: telling the controller of a device and its endpoints.
 */
#include "kernel/dev/usb/usb_context.h"

#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

#define TYPE_COMPANION 48 /* of an endpoint at super speed (USB 3.2, 9.6.7) */

/* Context `n` of the input: 0 says which of the others count; 1 is the slot, then the endpoints. */
u32 *usb_input_context(struct usb_device *d, u32 n)
{
	return (u32 *)((u8 *)d->input + (size_t)n * d->xhci->context_size);
}

void usb_input_begin(struct usb_device *d, u32 added)
{
	memset(d->input, 0, PAGE_SIZE);
	usb_input_context(d, 0)[1] = added;
	memcpy(usb_input_context(d, 1), d->context, d->xhci->context_size);
}

void usb_input_endpoint(struct usb_device *d, u32 dci, u32 type, u32 packet, u32 interval,
			struct ring *ring)
{
	u32 *e = usb_input_context(d, dci + 1);
	u64 dequeue = ring_dequeue(ring);

	e[0] = interval << 16;
	e[1] = packet << 16 | type << 3 | 3 << 1; /* three tries */
	e[2] = (u32)dequeue;
	e[3] = (u32)(dequeue >> 32);
	e[4] = type == ENDPOINT_CONTROL ? 8 : packet | packet << 16;
}

int usb_device_command(struct usb_device *d, enum trb_type type)
{
	int code =
	    xhci_command(d->xhci, virt_to_phys(d->input), TRB_TYPE(type) | TRB_SLOT(d->slot), NULL);

	return code == COMPLETION_SUCCESS ? 0 : -EIO;
}

/* The slot's context: where the device is in the tree. */
void usb_input_slot(struct usb_device *d, u32 entries)
{
	u32 *s = usb_input_context(d, 1);

	s[0] = d->route | d->speed << 20 | (d->kind == USB_HUB ? 1U << 26 : 0) | entries << 27;
	s[1] = d->root_port << 16 | (d->kind == USB_HUB ? d->hub_ports << 24 : 0);
	s[2] = d->kind == USB_HUB && d->speed == USB_HIGH ? d->hub_think << 16 : 0;
	/* A slow device behind a fast hub: the hub translates for it. */
	if (d->speed == USB_FULL || d->speed == USB_LOW)
		for (struct usb_device *c = d; c->parent; c = c->parent)
			if (c->parent->speed == USB_HIGH) {
				s[2] = c->parent->slot | c->port << 8;
				break;
			}
	s[3] = 0;
}

int usb_reset_endpoint(struct usb_device *d, u32 dci, struct ring *ring)
{
	u32 where = TRB_SLOT(d->slot) | TRB_ENDPOINT(dci);

	/* Each fails if the endpoint is not in the state that it is for: then the other does it. */
	xhci_command(d->xhci, 0, TRB_TYPE(TRB_RESET_ENDPOINT) | where, NULL);
	xhci_command(d->xhci, 0, TRB_TYPE(TRB_STOP_ENDPOINT) | where, NULL);
	return xhci_command(d->xhci, ring_dequeue(ring), TRB_TYPE(TRB_SET_DEQUEUE) | where, NULL) ==
		       COMPLETION_SUCCESS
		   ? 0
		   : -EIO;
}

/* --- Bulk pipes --- */

/* At super speed a companion comes next, with the number of packets in a burst. */
void usb_pipes_found(struct usb_device *d, const u8 *descriptor, u32 left)
{
	const u8 *t = descriptor, *companion = t + t[0];
	struct usb_pipe *p = &d->bulk[t[2] >> 7];

	p->endpoint = (t[2] & 15U) * 2 + (t[2] >> 7);
	p->packet = (t[4] | t[5] << 8) & 0x7ffU;
	p->burst = left >= t[0] + 3U && companion[1] == TYPE_COMPANION && d->speed >= USB_SUPER
		       ? companion[2] & 15
		       : 0;
}

int usb_pipes_configure(struct usb_device *d, bool dropped)
{
	u32 both = 1U << d->bulk[0].endpoint | 1U << d->bulk[1].endpoint;

	usb_input_begin(d, 1U | both);
	usb_input_context(d, 0)[0] = dropped ? both : 0;
	usb_input_slot(d, MAX(d->bulk[0].endpoint, d->bulk[1].endpoint));
	for (u32 i = 0; i < 2; i++) {
		struct usb_pipe *p = &d->bulk[i];

		usb_input_endpoint(d, p->endpoint, i ? ENDPOINT_BULK_IN : ENDPOINT_BULK_OUT,
				   p->packet, 0, &p->ring);
		usb_input_context(d, p->endpoint + 1)[1] |= p->burst << 8;
		usb_input_context(d, p->endpoint + 1)[4] = PAGE_SIZE; /* of an average transfer */
	}
	return usb_device_command(d, TRB_CONFIGURE_ENDPOINT);
}

int usb_pipes_open(struct usb_device *d)
{
	d->block = usb_page_alloc();
	if (!d->block || ring_init(&d->bulk[0].ring) || ring_init(&d->bulk[1].ring))
		return -ENOMEM;
	return usb_pipes_configure(d, false);
}

void usb_pipes_event(struct usb_device *d, const struct trb *event)
{
	for (u32 i = 0; i < 2; i++)
		if (event->parameter == d->bulk[i].at) {
			d->bulk[i].done = true;
			d->bulk[i].code = event->status >> 24;
			d->bulk[i].missing = event->status & 0xffffff;
		}
}

void usb_pipes_free(struct usb_device *d)
{
	ring_free(&d->bulk[0].ring);
	ring_free(&d->bulk[1].ring);
	usb_page_free(d->block);
}
