/* SPDX-License-Identifier: MIT
 *
 * USB: one kernel thread for each xHCI controller notices what is plugged in and out, at its own
 * ports and at those of hubs, reads what keyboards report, and saves the log on a stick.
 */
#include "boot/cmdline.h"
#include "kernel/dev/usb/log_file.h"
#include "kernel/dev/usb/usb_hub.h"
#include "kernel/dev/usb/usb_keyboard.h"
#include "kernel/dev/usb/usb_storage.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"

#define CLASS_XHCI	0x0c0330
#define CONTROLLERS_MAX 4
#define STEADY_MS	100 /* after plugging in (USB 2.0, 7.1.7.3) */

static struct usb_device *device_at(struct xhci *x, struct usb_device *hub, u32 port)
{
	for (struct usb_device *d = usb_first(x); d; d = d->next)
		if (d->parent == hub && d->port == port)
			return d;
	return NULL;
}

static void detach(struct usb_device *d)
{
	for (struct usb_device *k = usb_first(d->xhci); k; k = k->next)
		for (struct usb_device *up = k; up; up = up->parent)
			if (up == d && k->kind == USB_KEYBOARD)
				usb_keyboard_gone(k);
			else if (up == d && k->kind == USB_STORAGE)
				log_file_gone(k);
	usb_detach(d);
}

/* Reset one of the controller's own ports.  Returns the speed of what is there, or -EIO. */
static int reset_root_port(struct xhci *x, u32 port)
{
	/* A SuperSpeed port has trained its link by itself and is enabled already. */
	if (!(xhci_port(x, port) & PORT_ENABLED)) {
		xhci_port_set(x, port, PORT_RESET);
		for (u32 i = 0; i < 50 && !(xhci_port(x, port) & PORT_RESET_DONE); i++)
			usb_pause_ms(10);
		xhci_port_set(x, port, PORT_CHANGES);
		usb_pause_ms(10);
	}
	if (!(xhci_port(x, port) & PORT_ENABLED))
		return -EIO;
	return (int)PORT_SPEED(xhci_port(x, port));
}

static void attach(struct xhci *x, struct usb_device *hub, u32 port)
{
	int speed, error = 0;
	bool has_log = false;
	struct usb_device *d;

	usb_pause_ms(STEADY_MS);
	speed = hub ? usb_hub_reset(hub, port) : reset_root_port(x, port);
	d = speed > 0 ? usb_attach(x, hub, port, (u32)speed) : NULL;
	if (!d)
		return;
	if (d->kind == USB_HUB)
		error = usb_hub_start(d);
	else if (d->kind == USB_KEYBOARD)
		error = usb_keyboard_start(d);
	else if (d->kind == USB_STORAGE)
		has_log = !usb_storage_start(d) && log_file_found(d);
	log_info("usb: device %x:%x at port %u%s: %s", d->vendor, d->product, port,
		 hub ? " of a hub" : "",
		 error			   ? "it does not work"
		 : d->kind == USB_HUB	   ? "a hub"
		 : d->kind == USB_KEYBOARD ? "a keyboard"
		 : has_log		   ? "a stick, whose HEDDLE.LOG takes this log"
					   : "not used");
	if (error)
		usb_detach(d);
}

static void port_changed(struct xhci *x, struct usb_device *hub, u32 port, bool connected,
			 bool came)
{
	struct usb_device *d = device_at(x, hub, port);

	if (d && (!connected || came))
		detach(d);
	if (connected && (!d || came))
		attach(x, hub, port);
}

static void look_at_root_ports(struct xhci *x)
{
	x->ports_changed = false;
	for (u32 port = 1; port <= x->ports; port++) {
		u32 state = xhci_port(x, port);

		if (state & PORT_CHANGES)
			xhci_port_set(x, port, state & PORT_CHANGES);
		/* A controller that switches the power of its ports may have it off (5.4.8); what
		 * is there then shows as a change of the port. */
		if (!(state & PORT_POWER))
			xhci_port_set(x, port, PORT_POWER);
		port_changed(x, NULL, port, state & PORT_CONNECTED, state & PORT_CONNECT_CHANGE);
	}
}

/* One port of one hub that has changed.  False: there is none. */
static bool look_at_hubs(struct xhci *x)
{
	for (struct usb_device *hub = usb_first(x); hub; hub = hub->next) {
		u32 port;
		int state;

		if (hub->kind != USB_HUB || !hub->hub_changed)
			continue;
		port = (u32)__builtin_ctz(hub->hub_changed);
		hub->hub_changed &= ~(1U << port);
		state = usb_hub_port(hub, port);
		if (state >= 0)
			port_changed(x, hub, port, state & HUB_PORT_CONNECTED,
				     state & HUB_PORT_CHANGED);
		return true; /* the list may be another one now */
	}
	return false;
}

/* What devices have reported, and keys that repeat.  Returns when the next key does. */
static u64 look_at_reports(struct xhci *x)
{
	u64 next = UINT64_MAX;

	for (struct usb_device *d = usb_first(x); d; d = d->next) {
		if (d->report_due && d->kind == USB_KEYBOARD)
			usb_keyboard_report(d);
		else if (d->report_due)
			usb_hub_report(d);
		if (d->kind == USB_KEYBOARD)
			next = MIN(next, usb_keyboard_repeat(d));
	}
	return next;
}

static void look_between(struct xhci *x)
{
	if (!panic_in_progress)
		look_at_reports(x);
}

/* A pipe that failed, unless its device is gone.  False: there is none. */
static bool look_at_failures(struct xhci *x)
{
	for (struct usb_device *d = usb_first(x); d; d = d->next)
		if (d->report_failed) {
			if (usb_recover(d)) {
				log_warn("usb: device %x:%x fails too often: it is not used",
					 d->vendor, d->product);
				detach(d);
			}
			return true;
		}
	return false;
}

static void usb_thread(void *arg)
{
	struct xhci *x = arg;

	x->thread = current_thread();
	x->ports_changed = true;
	while (!x->dead) {
		u64 next = look_at_reports(x);

		log_file_serve(x);
		if (x->ports_changed)
			look_at_root_ports(x);
		else if (!look_at_hubs(x) && !look_at_failures(x))
			xhci_rest(x, next);
	}
	while (usb_first(x))
		detach(usb_first(x));
}

static void usb_init(void)
{
	char word[2];

	if (cmdline_get("nousb", word, sizeof(word))) {
		log_info("usb: not used, because of the word nousb");
		return;
	}
	for (u32 n = 0; n < CONTROLLERS_MAX; n++) {
		struct xhci *x = kzalloc(sizeof(*x));
		int error = -ENOMEM;

		if (!x || !pci_find(CLASS_XHCI, n, &x->pci)) {
			kfree(x);
			return;
		}
		x->transfer_event = usb_transfer_event;
		x->between = look_between;
		error = xhci_start(x);
		if (!error)
			log_file_possible();
		/* A controller that failed keeps its memory: it may still write there. */
		if (error == 0 && IS_ERR(kthread_create("usb", usb_thread, x)))
			log_warn("usb: no memory for the thread of controller %x:%x", x->pci.vendor,
				 x->pci.id);
	}
}

INIT_CALL(91, usb_init);
