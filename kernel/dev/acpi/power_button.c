/* SPDX-License-Identifier: MIT
 *
 * The power button as a fixed feature of ACPI (ACPI 6.5, 4.8.2.1, 4.8.3.1): a bit of the PM1 event
 * registers, and an interrupt, the SCI.
 */
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/apic.h"
#include "boot/cmdline.h"
#include "kernel/dev/acpi/fadt.h"
#include "kernel/dev/machine/shutdown.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"

#define PM1_POWER_BUTTON (1U << 8) /* in the status and in the enable register */
#define STRAY_MAX	 10000	   /* interrupts without a cause, one after another */

/* The event blocks.  The first half of each has the status, the second the enable bits. */
static struct acpi_block blocks[2];
static u32 half;
static u32 strays;

/* The SCI is level-triggered and shared.  Only the button is enabled, but a device may hold the
 * line for a reason that only AML code knows how to end: then the line is masked. */
static void sci_interrupt(void)
{
	bool pressed = false;

	for (u32 i = 0; i < ARRAY_SIZE(blocks); i++)
		if (acpi_read(&blocks[i], 0, 2) & PM1_POWER_BUTTON) {
			acpi_write(&blocks[i], 0, 2, PM1_POWER_BUTTON); /* a 1 clears */
			pressed = true;
		}
	strays = pressed ? 0 : strays + 1;
	if (strays == STRAY_MAX) {
		irq_release_isa(acpi_info.sci_irq);
		log_warn("power button: not used any more: interrupt %u is raised without an end",
			 acpi_info.sci_irq);
	}
	if (pressed)
		shutdown_request("power button");
}

/* General-purpose events need AML code.  The firmware may have enabled some. */
static void disable_general_events(void)
{
	const struct {
		const struct acpi_address *x;
		u32 old, bytes;
	} gpe[] = {{&fadt.x_gpe0, fadt.gpe0, fadt.gpe0_length},
		   {&fadt.x_gpe1, fadt.gpe1, fadt.gpe1_length}};

	for (u32 i = 0; i < ARRAY_SIZE(gpe); i++) {
		u32 bytes = gpe[i].bytes; /* the second half has the enable bits (4.8.4.1) */
		struct acpi_block b;

		if (!bytes || !acpi_block_open(&b, gpe[i].x, gpe[i].old, bytes))
			continue;
		for (u32 n = bytes / 2; n < bytes; n++)
			acpi_write(&b, n, 1, 0);
	}
}

static void enable(u32 events)
{
	for (u32 i = 0; i < ARRAY_SIZE(blocks); i++) {
		acpi_write(&blocks[i], half, 2, events);
		acpi_write(&blocks[i], 0, 2, PM1_POWER_BUTTON);
	}
}

static void power_button_init(void)
{
	const char *problem = NULL;
	char word[2];

	half = fadt.pm1_event_length / 2;
	if (fadt.flags & FADT_HARDWARE_REDUCED || half < 2 ||
	    !acpi_block_open(&blocks[0], &fadt.x_pm1a_event, fadt.pm1a_event, 2 * half))
		return; /* there are no such registers */
	acpi_block_open(&blocks[1], &fadt.x_pm1b_event, fadt.pm1b_event, 2 * half);
	if (cmdline_get("nobutton", word, sizeof(word)))
		return;
	enable(0);
	disable_general_events();
	if (!acpi_mode_enter())
		problem = "the firmware does not enter ACPI mode";
	else if (acpi_info.sci_irq > 15 || irq_request_isa(acpi_info.sci_irq, sci_interrupt))
		problem = "its interrupt cannot be used";
	if (problem) {
		log_warn("power button: not used: %s", problem);
		return;
	}
	enable(PM1_POWER_BUTTON);
	log_info("power button: switches off in order (interrupt %u)%s", acpi_info.sci_irq,
		 fadt.flags & FADT_POWER_BUTTON_METHOD
		     ? ", if this machine has it as a fixed feature; its tables deny that"
		     : "");
}

INIT_CALL(94, power_button_init);
