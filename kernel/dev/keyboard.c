/* SPDX-License-Identifier: MIT
 *
 * A PS/2 keyboard at an i8042 controller (IBM PS/2 technical reference), with US layout.  The
 * controller translates the scan codes to set 1.  Keys send what they send on the Linux console.
 */
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/console.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/init.h"

#define DATA		   0x60
#define STATUS		   0x64 /* read */
#define COMMAND		   0x64 /* written */
#define IRQ		   1

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL  0x02
#define STATUS_AUXILIARY   0x20 /* the byte is from the mouse */

#define POLLS		   20000 /* reads of the status before it gives up; one takes about 1 us */

static const char plain[] = "\0\0331234567890-=\x7f\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
			    "\0*\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
			    "789-456+1230.";
static const char shifted[] = "\0\033!@#$%^&*()_+\x7f\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
			      "\0*\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
			      "789-456+1230.";

#define KEYS 0x54 /* the number of scan codes in these tables */
_Static_assert(sizeof(plain) == KEYS + 1 && sizeof(shifted) == KEYS + 1, "a key is missing");

/* What the cursor block (scan codes 0x47 to 0x53) sends: a letter stands for "ESC [ letter", a
 * digit for "ESC [ digit ~".  The keys of the keypad have the same codes and always send digits. */
static const char cursor_block[] = "1A5-DGC+4B623";

static const char *const function_keys[12] = {
    "\033[[A",	"\033[[B",  "\033[[C",	"\033[[D",  "\033[[E",	"\033[17~",
    "\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~",
};

/* Only the interrupt handler uses these variables, and it never runs on two CPUs at a time. */
static bool shift_left, shift_right, control_left, control_right, alt_left, alt_right;
static bool caps_lock, extended;

static void send(u16 port, u8 byte)
{
	for (u32 i = 0; i < POLLS && inb(STATUS) & STATUS_INPUT_FULL; i++)
		cpu_relax();
	outb(port, byte);
}

/* Read a byte from the controller.  Returns -1 if none arrives in time. */
static int receive(void)
{
	for (u32 i = 0; i < POLLS; i++) {
		if (inb(STATUS) & STATUS_OUTPUT_FULL)
			return inb(DATA);
		cpu_relax();
	}
	return -1;
}

static void type(const char *text)
{
	while (*text)
		tty_input(&console_tty, *text++);
}

static void type_cursor_key(u8 code)
{
	char key = cursor_block[code - 0x47];
	char text[] = {0x1b, '[', key, key >= 'A' ? 0 : '~', 0};

	type(text);
}

static void type_character(u8 code)
{
	bool shift = shift_left || shift_right;
	char byte = plain[code];

	if (byte >= 'a' && byte <= 'z' && caps_lock)
		shift = !shift;
	byte = shift ? shifted[code] : byte;
	if (!byte)
		return;
	/* Ctrl as on a VT220: @ to ~ and the blank keep their five low bits; ? gives DEL and /
	 * gives 0x1f. */
	if ((control_left || control_right) && (byte == '?' || byte == '/'))
		byte = byte == '?' ? 0x7f : 0x1f;
	else if ((control_left || control_right) && (byte == ' ' || (byte >= '@' && byte <= '~')))
		byte &= 0x1f;
	if (alt_left || alt_right)
		tty_input(&console_tty, 0x1b);
	tty_input(&console_tty, byte);
}

/* Process a key that only changes the meaning of other keys.  False: it is another key. */
static bool modifier(u8 code, bool pressed)
{
	switch (code) {
	case 0x2a:
	case 0x36:
		if (!extended) /* E0 2A and E0 36 are no keys: they surround codes of others */
			*(code == 0x2a ? &shift_left : &shift_right) = pressed;
		return true;
	case 0x1d:
		*(extended ? &control_right : &control_left) = pressed;
		return true;
	case 0x38:
		*(extended ? &alt_right : &alt_left) = pressed;
		return true;
	case 0x3a:
		caps_lock ^= pressed;
		return true;
	}
	return false;
}

static void key(u8 code)
{
	if (code >= 0x47 && code <= 0x53 && extended)
		type_cursor_key(code);
	else if (code >= 0x3b && code <= 0x44)
		type(function_keys[code - 0x3b]);
	else if (code == 0x57 || code == 0x58)
		type(function_keys[10 + code - 0x57]);
	else if (code < KEYS && (!extended || code == 0x1c || code == 0x35))
		type_character(code); /* the extended ones are Enter and / of the keypad */
}

static void scan_code(u8 byte)
{
	bool pressed = !(byte & 0x80);

	if (byte == 0xe0) {
		extended = true;
	} else if (byte < 0xfa && byte != 0) { /* the others are answers of the keyboard */
		if (!modifier(byte & 0x7f, pressed) && pressed)
			key(byte);
		extended = false;
	}
}

static void keyboard_interrupt(void)
{
	for (u32 i = 0; i < 16; i++) {
		u8 status = inb(STATUS), byte;

		if (!(status & STATUS_OUTPUT_FULL))
			break;
		byte = inb(DATA);
		if (!(status & STATUS_AUXILIARY))
			scan_code(byte);
	}
}

static void keyboard_init(void)
{
	int configuration;

	if (!acpi_info.has_i8042 || inb(STATUS) == 0xff)
		return;
	send(COMMAND, 0xad); /* disable both devices while the controller is set up */
	send(COMMAND, 0xa7);
	for (u32 i = 0; i < 16 && inb(STATUS) & STATUS_OUTPUT_FULL; i++)
		inb(DATA);
	send(COMMAND, 0x20);
	configuration = receive();
	if (configuration < 0) {
		log_warn("keyboard: not used: the controller does not answer");
		return;
	}
	/* Enable interrupt, translation and clock of the keyboard; disable the mouse interrupt. */
	send(COMMAND, 0x60);
	send(DATA, (configuration | 0x41) & ~0x12);
	send(COMMAND, 0xae);
	send(DATA, 0xf4); /* start to scan; the keyboard acknowledges with a byte */
	receive();
	if (irq_request_isa(IRQ, keyboard_interrupt)) {
		log_warn("keyboard: not used: cannot get IRQ %d", IRQ);
		return;
	}
	/* A byte that arrived before the interrupt was routed raises none, and would block all
	 * later bytes: drop it. */
	if (inb(STATUS) & STATUS_OUTPUT_FULL)
		inb(DATA);
}

INIT_CALL(90, keyboard_init);
