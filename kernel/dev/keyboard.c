/* SPDX-License-Identifier: MIT
 *
 * A PS/2 keyboard at an i8042 controller (IBM PS/2 technical reference), which
 * translates the scan codes to set 1.
 */
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/console.h"
#include "boot/cmdline.h"
#include "kernel/dev/acpi/aml.h"
#include "kernel/dev/acpi/fadt.h"
#include "kernel/dev/keys.h"
#include "kernel/lib/init.h"

#define DATA		   0x60
#define STATUS		   0x64 /* read */
#define COMMAND		   0x64 /* written */
#define IRQ		   1

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_INPUT_FULL  0x02
#define STATUS_AUXILIARY   0x20 /* the byte is from the mouse */

#define POLLS		   20000 /* reads of the status before it gives up; one takes about 1 us */

/* Only the interrupt handler uses it, and it never runs on two CPUs at a time. */
static bool extended;

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

static void scan_code(u8 byte)
{
	bool pressed = !(byte & 0x80);

	if (byte == 0xe0) {
		extended = true;
	} else if (byte < 0xfa && byte != 0) { /* the others are answers of the keyboard */
		key_event(byte & 0x7f, extended, pressed);
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

/* Is the controller to be looked for?  The FADT of many machines denies one that is there.  Linux
 * then believes the names of devices in the DSDT, and so does this. */
static bool is_expected(void)
{
	char word[2];

	if (fadt_has_i8042())
		return true;
	if (acpi_code_any(aml_find_i8042, NULL)) {
		log_info("keyboard: the FADT denies a PS/2 controller, but the tables name its "
			 "devices: looking for it");
		return true;
	}
	return cmdline_get("i8042.nopnp", word, sizeof(word));
}

/* If there is a keyboard, it works after this.  What answers nothing is left alone: reads of a port
 * without a device give ones, and each wait has an end. */
static void keyboard_init(void)
{
	int configuration;

	if (!is_expected() || inb(STATUS) == 0xff)
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
	keys_keyboard(1);
	/* A byte that arrived before the interrupt was routed raises none, and would block all
	 * later bytes: drop it. */
	if (inb(STATUS) & STATUS_OUTPUT_FULL)
		inb(DATA);
}

INIT_CALL(90, keyboard_init);
