/* SPDX-License-Identifier: MIT
 *
 * Bulk pipes.
 */
#include "kernel/dev/usb/usb_bulk.h"

#include "arch/x86_64/cpu/layout.h"
#include "kernel/dev/usb/usb_context.h"
#include "kernel/lib/errno.h"

int usb_bulk(struct usb_device *d, bool in, void *data, u32 length, u32 ms)
{
	struct usb_pipe *p = &d->bulk[in];
	u64 deadline = clock_now_ns() + ms * NSEC_PER_MSEC;

	p->done = false;
	p->at = virt_to_phys(&p->ring.trbs[p->ring.next]);
	ring_write(&p->ring, virt_to_phys(data), length,
		   TRB_TYPE(TRB_NORMAL) | TRB_EVENT | TRB_SHORT_EVENT);
	xhci_doorbell(d->xhci, d->slot, p->endpoint);
	while (!p->done) {
		if (d->xhci->dead || usb_is_gone(d))
			return -ENODEV;
		if (clock_now_ns() >= deadline)
			return -ETIMEDOUT;
		if (!xhci_poll(d->xhci)) {
			d->xhci->between(d->xhci);
			xhci_sleep(d->xhci, deadline);
		}
	}
	if (p->code == COMPLETION_SUCCESS || p->code == COMPLETION_SHORT)
		return (int)(length - MIN(p->missing, length));
	return p->code == COMPLETION_STALL ? -EPIPE : -EIO;
}

/* The end of a stall: the controller's side, then the device's (USB 2.0, 9.4.5). */
int usb_bulk_clear(struct usb_device *d, bool in)
{
	struct usb_pipe *p = &d->bulk[in];
	u16 address = (u16)(p->endpoint / 2 | (in ? 0x80 : 0));

	if (usb_reset_endpoint(d, p->endpoint, &p->ring))
		return -EIO;
	return usb_request(d, TO_ENDPOINT, REQUEST_CLEAR_FEATURE, 0, address, 0) < 0 ? -EIO : 0;
}

/* A device begins its packets at number 0 after a stall has been cleared; so does the controller,
 * if its endpoint had stalled, too (4.6.8).  Here it need not have: it is configured anew (4.6.6).
 */
int usb_bulk_restart(struct usb_device *d)
{
	int error = usb_bulk_clear(d, true) | usb_bulk_clear(d, false);

	return error ? -EIO : usb_pipes_configure(d, true);
}
