/* host-sources: kernel/dev/usb/usb_device.c kernel/dev/usb/usb_context.c kernel/dev/usb/usb_bulk.c
 * kernel/dev/usb/usb_hub.c kernel/dev/usb/usb_storage.c tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=1024 */
/* mutant: kernel/dev/usb/usb_device.c: text[at] >= 2 && at + text[at] <= length; => text[at] >= 2;
 */
/* SPDX-License-Identifier: MIT
 *
 * Devices on the USB that say anything: descriptors of a device and of a hub, answers of storage.
 * The driver uses only endpoints that exist, writes no context outside of its page, takes no more
 * bytes than came, and gives everything back when the device is gone.
 *
 * The input is what the device sends, each answer with its length and how it ended.
 */
#include "kernel/dev/usb/usb_bulk.h"
#include "kernel/dev/usb/usb_context.h"
#include "kernel/dev/usb/usb_hub.h"
#include "kernel/dev/usb/usb_storage.h"
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/errno.h"
#include "tests/fuzz/fuzz.h"

#define SLOTS 4

static struct input *answers;
static u64 contexts[SLOTS + 1];
static struct xhci controller = {.slots = SLOTS, .contexts = contexts};
static u32 pages, rings, waiting; /* `waiting`: the endpoint whose doorbell was rung */

/* --- The controller ------------------------------------------------------------------------------
 */

void *usb_page_alloc(void)
{
	void *page = malloc(PAGE_SIZE);

	pages++;
	return memset(page, 0, PAGE_SIZE);
}

void usb_page_free(void *page)
{
	pages -= page != NULL;
	free(page);
}

int ring_init(struct ring *r)
{
	r->trbs = usb_page_alloc();
	r->next = 0;
	r->cycle = 1;
	rings++;
	return 0;
}

void ring_free(struct ring *r)
{
	rings -= r->trbs != NULL;
	usb_page_free(r->trbs);
}

/* As the kernel's, but nothing reads what is written. */
paddr_t ring_write(struct ring *r, u64 parameter, u32 status, u32 control)
{
	paddr_t at;

	HOLDS(r->trbs && status <= PAGE_SIZE);
	at = virt_to_phys(&r->trbs[r->next]);
	r->trbs[r->next] = (struct trb){parameter, status, control};
	r->next = (r->next + 1) % (RING_TRBS - 1);
	return at;
}

u64 ring_dequeue(const struct ring *r)
{
	HOLDS(r->trbs);
	return virt_to_phys(&r->trbs[r->next]) | r->cycle;
}

int xhci_command(struct xhci *x, u64 parameter, u32 control, struct trb *event)
{
	u32 endpoint = control >> 16 & 31;
	u8 code = input_byte(answers);

	HOLDS(endpoint != 0 || (control >> 10 & 63) < TRB_RESET_ENDPOINT ||
	      (control >> 10 & 63) > TRB_SET_DEQUEUE);
	if (event)
		event->control = TRB_SLOT(1 + code % SLOTS);
	/* If a slot is not freed, its memory stays in use: what is lost could not be told then. */
	return code < 0xf0 || (control >> 10 & 63) == TRB_DISABLE_SLOT ? COMPLETION_SUCCESS : 5;
}

void xhci_doorbell(struct xhci *x, u32 slot, u32 dci)
{
	HOLDS(slot && slot <= SLOTS && dci && dci < 32);
	waiting = dci;
}

static struct usb_device *device_of(struct xhci *x)
{
	return usb_first(x);
}

void __asan_poison_memory_region(const volatile void *at, size_t n);
void __asan_unpoison_memory_region(const volatile void *at, size_t n);

static void buffer_holds(u8 *buffer, u32 n)
{
	__asan_unpoison_memory_region(buffer, REPORT_OFFSET);
	__asan_poison_memory_region(buffer + n, REPORT_OFFSET - n);
}

/* The device's answer to what was asked for last.  Data go where a transfer says: here to the
 * buffer of requests or to the block, whichever the endpoint is for. */
bool xhci_poll(struct xhci *x)
{
	struct usb_device *d = device_of(x);
	u8 how = input_byte(answers);
	u32 size, asked, n;
	struct trb event = {0};
	u8 *to;

	host_now += 100 * NSEC_PER_MSEC;
	if (!d || !waiting || how >= 0xfc)
		return false;
	if (waiting == CONTEXT_CONTROL) {
		size = REPORT_OFFSET;
		to = d->buffer;
		asked = d->control.next >= 2 ? d->control.trbs[d->control.next - 2].status : 0;
		if (asked == 8) /* no data stage, or 8 bytes of it */
			asked =
			    (d->control.trbs[d->control.next - 2].control >> 10 & 63) == TRB_DATA
				? 8
				: 0;
	} else {
		struct usb_pipe *p = &d->bulk[waiting & 1];

		if (!p->ring.trbs || !p->ring.next)
			return false;
		asked = p->ring.trbs[p->ring.next - 1].status;
		event.parameter = p->at;
		to = asked == 13 || asked == 31 ? d->buffer + REPORT_OFFSET : d->block;
		size = PAGE_SIZE / 2;
	}
	n = MIN(MIN(input_byte(answers) * (how & 1 ? 1U : 8U), asked), size);
	if (waiting == CONTEXT_CONTROL) /* what did not come is not read */
		buffer_holds(d->buffer, n);
	if (waiting == CONTEXT_CONTROL || waiting & 1)
		input_bytes(answers, to, n);
	if (waiting != CONTEXT_CONTROL && asked == 13 && how & 2) { /* a status that is in order */
		memcpy(to, (u32[]){0x53425355, d->tag, 0}, 12);
		to[12] = how >> 2 & 1;
		n = 13;
	}
	event.control = TRB_SLOT(d->slot) | TRB_ENDPOINT(waiting);
	if (waiting == CONTEXT_CONTROL && n < asked) {
		event.status = COMPLETION_SHORT << 24 | (asked - n);
		usb_transfer_event(x, &event);
	}
	event.status = (u32)(how < 0xe0	  ? COMPLETION_SUCCESS
			     : how < 0xf0 ? COMPLETION_STALL
					  : 4)
			   << 24 |
		       (waiting == CONTEXT_CONTROL ? 0 : asked - n);
	waiting = 0;
	usb_transfer_event(x, &event);
	return true;
}

void xhci_sleep(struct xhci *x, u64 deadline_ns)
{
	host_now += NSEC_PER_SEC;
}

u32 xhci_port(struct xhci *x, u32 port)
{
	return input_left(answers) ? PORT_CONNECTED : 0;
}

void usb_pause_ms(u32 ms)
{
	host_now += ms * NSEC_PER_MSEC;
}

static void between(struct xhci *x)
{
}

/* --- */

static void check_device(const struct usb_device *d)
{
	HOLDS(d->report_endpoint == 0 || (d->report_endpoint > 1 && d->report_endpoint < 32));
	HOLDS(d->slot && d->slot <= SLOTS && d->depth <= 5);
	if (d->kind == USB_STORAGE) {
		HOLDS(d->bulk[0].endpoint && !(d->bulk[0].endpoint & 1) && d->bulk[1].endpoint & 1);
		HOLDS(d->bulk[0].endpoint < 32 && d->bulk[1].endpoint < 32);
	} else if (d->kind != USB_OTHER) {
		HOLDS(d->report_endpoint && d->report_size <= REPORT_MAX);
	}
}

static void use_storage(struct usb_device *d)
{
	if (usb_storage_start(d))
		return;
	for (u32 i = 0; i < 3; i++) {
		u32 first = (u32)input_number(answers, 4), count = input_byte(answers) % 10;
		int error = usb_storage_read(d, first, count);

		HOLDS(error <= 0);
		HOLDS(error ||
		      (count && count <= 8 && first < d->blocks && count <= d->blocks - first));
	}
	(void)usb_storage_write(d, 0, 1);
	(void)usb_storage_flush(d);
}

static void use_hub(struct usb_device *d)
{
	if (usb_hub_start(d))
		return;
	HOLDS(d->hub_ports <= 15);
	input_bytes(answers, d->buffer + REPORT_OFFSET, 4);
	d->report_length = input_byte(answers) % 5;
	usb_hub_report(d);
	HOLDS(!(d->hub_changed & ~0xfffeU));
	(void)usb_hub_port(d, 1);
	if (usb_hub_reset(d, 1) > 0)
		(void)usb_attach(d->xhci, d, 1 + input_byte(answers) % 15,
				 1 + input_byte(answers) % 4);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	struct usb_device *d;
	u8 how = input_byte(&in);

	answers = &in;
	waiting = 0;
	controller.between = between;
	controller.context_size = how & 1 ? 64 : 32;
	d = usb_attach(&controller, NULL, 1, 1 + (how >> 1 & 3));
	if (d) {
		check_device(d);
		if (d->kind == USB_STORAGE)
			use_storage(d);
		else if (d->kind == USB_HUB)
			use_hub(d);
		in.at = in.end; /* now it is pulled out */
		usb_detach(d);
	}
	HOLDS(!controller.devices && !live_objects && !pages && !rings);
	return 0;
}
