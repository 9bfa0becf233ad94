/* SPDX-License-Identifier: MIT
 *
 * Keyboards on the USB: from reports to keys.
 */
#include "kernel/dev/usb/usb_keyboard.h"

#include "kernel/dev/keys.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

#define REQUEST_SET_IDLE     10
#define REQUEST_SET_PROTOCOL 11
#define TO_HID		     (CLASS_REQUEST | TO_INTERFACE)
#define REPORT_BYTES	     8 /* modifiers, nothing, six keys */

#define REPEAT_DELAY_NS	     (500 * NSEC_PER_MSEC) /* as a PS/2 keyboard does after its start */
#define REPEAT_EVERY_NS	     (92 * NSEC_PER_MSEC)

#define E		     0x80 /* the code comes after 0xe0 */

/* The scan codes (set 1) of the usages of keyboards (HID usage tables 1.3, chapter 10); 0: none. */
static const u8 codes[] = {
    0,	      0,	0,	  0,	    0x1e,     0x30,	0x2e,	  0x20,
    0x12,     0x21, /* d e f */
    0x22,     0x23,	0x17,	  0x24,	    0x25,     0x26,	0x32,	  0x31,
    0x18,     0x19, /* p */
    0x10,     0x13,	0x1f,	  0x14,	    0x16,     0x2f,	0x11,	  0x2d,
    0x15,     0x2c, /* z */
    0x02,     0x03,	0x04,	  0x05,	    0x06,     0x07,	0x08,	  0x09,
    0x0a,     0x0b, /* 0 */
    0x1c,     0x01,	0x0e,	  0x0f,	    0x39,     0x0c,	0x0d,	  0x1a,
    0x1b,     0x2b, /* \ */
    0x2b,     0x27,	0x28,	  0x29,	    0x33,     0x34,	0x35,	  0x3a,
    0x3b,     0x3c, /* F2 */
    0x3d,     0x3e,	0x3f,	  0x40,	    0x41,     0x42,	0x43,	  0x44,
    0x57,     0x58, /* F12 */
    E | 0x37, 0x46,	0,	  E | 0x52, E | 0x47, E | 0x49, E | 0x53, E | 0x4f,
    E | 0x51, E | 0x4d, E | 0x4b, E | 0x50, E | 0x48, 0x45,	E | 0x35, 0x37,
    0x4a,     0x4e,	E | 0x1c, 0x4f,	    0x50,     0x51,	0x4b,	  0x4c,
    0x4d,     0x47,	0x48,	  0x49,	    0x52,     0x53,	0x56,
};
/* Left Ctrl, Shift, Alt, the system key, and the right ones: bits of the first byte. */
static const u8 modifiers[8] = {0x1d, 0x2a, 0x38, 0, E | 0x1d, 0x36, E | 0x38, 0};

static void send_code(u8 code, bool pressed)
{
	if (code)
		key_event(code & 0x7f, code & E, pressed);
}

static u8 code_of(u8 usage)
{
	return usage < ARRAY_SIZE(codes) ? codes[usage] : 0;
}

static bool is_down(const u8 *report, u8 usage)
{
	return memchr(report + 2, usage, REPORT_BYTES - 2) != NULL;
}

/* Compare two reports: what is only in the new one went down, what is only in the old one, up. */
static void change(struct usb_device *d, const u8 *new)
{
	for (u32 bit = 0; bit < 8; bit++)
		if ((d->keys[0] ^ new[0]) & 1U << bit)
			send_code(modifiers[bit], new[0] & 1U << bit);
	for (u32 i = 2; i < REPORT_BYTES; i++)
		if (d->keys[i] > 3 && !is_down(new, d->keys[i])) {
			send_code(code_of(d->keys[i]), false);
			if (d->repeat_key == d->keys[i])
				d->repeat_key = 0;
		}
	for (u32 i = 2; i < REPORT_BYTES; i++)
		if (new[i] > 3 && !is_down(d->keys, new[i])) {
			send_code(code_of(new[i]), true);
			d->repeat_key = new[i];
			d->repeat_ns = clock_now_ns() + REPEAT_DELAY_NS;
		}
	memcpy(d->keys, new, REPORT_BYTES);
}

int usb_keyboard_start(struct usb_device *d)
{
	/* A keyboard may stall these two and work all the same. */
	usb_request(d, TO_HID, REQUEST_SET_PROTOCOL, 0, (u16)d->interface, 0);
	usb_request(d, TO_HID, REQUEST_SET_IDLE, 0, (u16)d->interface, 0);
	if (d->report_size < REPORT_BYTES)
		return -EIO;
	keys_keyboard(1);
	usb_next_report(d);
	return 0;
}

void usb_keyboard_report(struct usb_device *d)
{
	u8 report[REPORT_BYTES];

	memcpy(report, d->buffer + REPORT_OFFSET, REPORT_BYTES);
	/* Usage 1 in all places: more keys are down than it can tell (HID 1.11, appendix C). */
	if (d->report_length >= REPORT_BYTES && report[2] != 1)
		change(d, report);
	d->failures = 0;
	usb_next_report(d);
}

void usb_keyboard_gone(struct usb_device *d)
{
	static const u8 none[REPORT_BYTES];

	change(d, none);
	keys_keyboard(-1);
}

u64 usb_keyboard_repeat(struct usb_device *d)
{
	if (!d->repeat_key)
		return UINT64_MAX;
	if (clock_now_ns() >= d->repeat_ns) {
		send_code(code_of(d->repeat_key), true);
		d->repeat_ns = clock_now_ns() + REPEAT_EVERY_NS;
	}
	return d->repeat_ns;
}
