/* SPDX-License-Identifier: MIT
 *
 * Hubs: requests for their ports.
 */
#include "kernel/dev/usb/usb_hub.h"

#include "kernel/lib/errno.h"

#define DESCRIPTOR_HUB	     0x2900
#define DESCRIPTOR_SUPER_HUB 0x2a00
#define REQUEST_SET_DEPTH    12
#define FROM_HUB	     0xa0
#define PORTS_MAX	     15 /* a route has four bits for each */

/* Features of a port (11.24.2), and bits of its status and change. */
#define FEATURE_RESET	 4
#define FEATURE_POWER	 8
#define FEATURE_DONE	 20 /* acknowledges that a reset is done */
#define STATUS_CONNECTED (1U << 0)
#define STATUS_ENABLED	 (1U << 1)
#define STATUS_RESET	 (1U << 4)
#define STATUS_LOW	 (1U << 9)
#define STATUS_HIGH	 (1U << 10)

/* The status of a port, with its changes in the upper half, or -EIO. */
static s64 port_status(struct usb_device *hub, u32 port)
{
	if (usb_request(hub, FROM_PORT, REQUEST_GET_STATUS, 0, (u16)port, 4) < 4)
		return -EIO;
	return (s64)hub->buffer[0] | (s64)hub->buffer[1] << 8 | (s64)hub->buffer[2] << 16 |
	       (s64)hub->buffer[3] << 24;
}

static void port_feature(struct usb_device *hub, u8 request, u16 feature, u32 port)
{
	usb_request(hub, TO_PORT, request, feature, (u16)port, 0);
}

int usb_hub_start(struct usb_device *hub)
{
	bool super = hub->speed >= USB_SUPER;
	int n = usb_request(hub, FROM_HUB, REQUEST_GET_DESCRIPTOR,
			    super ? DESCRIPTOR_SUPER_HUB : DESCRIPTOR_HUB, 0, super ? 12 : 9);

	if (n < 7)
		return -EIO;
	hub->hub_ports = MIN(hub->buffer[2], (u32)PORTS_MAX);
	hub->hub_think = hub->buffer[3] >> 5 & 3;
	hub->hub_delay_ms = MIN(hub->buffer[5] * 2U, 500U);
	if (usb_configure_hub(hub))
		return -EIO;
	if (super)
		usb_request(hub, CLASS_REQUEST, REQUEST_SET_DEPTH, (u16)hub->depth, 0, 0);
	for (u32 port = 1; port <= hub->hub_ports; port++)
		port_feature(hub, REQUEST_SET_FEATURE, FEATURE_POWER, port);
	usb_pause_ms(MAX(hub->hub_delay_ms, 100U)); /* and what is there becomes steady (7.1.7.3) */
	for (u32 port = 1; port <= hub->hub_ports; port++)
		hub->hub_changed |= 1U << port;
	usb_next_report(hub);
	return 0;
}

void usb_hub_report(struct usb_device *hub)
{
	const u8 *report = hub->buffer + REPORT_OFFSET;

	for (u32 port = 1; port <= hub->hub_ports && port / 8 < hub->report_length; port++)
		if (report[port / 8] & 1U << port % 8)
			hub->hub_changed |= 1U << port;
	hub->failures = 0;
	usb_next_report(hub);
}

int usb_hub_port(struct usb_device *hub, u32 port)
{
	/* What acknowledges each change; SuperSpeed hubs have the last three (USB 3.2, 10.16.2). */
	static const u8 features[] = {16, 17, 18, 19, 20, 29, 25, 26};
	u32 changes = hub->speed >= USB_SUPER ? 8 : 5;
	s64 status = port_status(hub, port);

	if (status < 0)
		return -EIO;
	for (u32 i = 0; i < changes; i++)
		if (status & 1U << (16 + i))
			port_feature(hub, REQUEST_CLEAR_FEATURE, features[i], port);
	return (status & STATUS_CONNECTED ? HUB_PORT_CONNECTED : 0) |
	       (status & 1U << 16 ? HUB_PORT_CHANGED : 0);
}

int usb_hub_reset(struct usb_device *hub, u32 port)
{
	s64 status;

	port_feature(hub, REQUEST_SET_FEATURE, FEATURE_RESET, port);
	for (u32 i = 0; i < 20; i++) {
		usb_pause_ms(20);
		status = port_status(hub, port);
		if (status < 0 || !(status & STATUS_CONNECTED))
			return -EIO;
		if (!(status & STATUS_RESET) && status & STATUS_ENABLED) {
			usb_pause_ms(10); /* it recovers (7.1.7.5) */
			port_feature(hub, REQUEST_CLEAR_FEATURE, FEATURE_DONE, port);
			if (hub->speed >= USB_SUPER)
				return (int)hub->speed;
			return status & STATUS_LOW    ? USB_LOW
			       : status & STATUS_HIGH ? USB_HIGH
						      : USB_FULL;
		}
	}
	return -EIO;
}
