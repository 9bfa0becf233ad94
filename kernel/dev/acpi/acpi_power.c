/* SPDX-License-Identifier: MIT
 *
 * Switching the machine off, and resetting it.
 */
#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/power.h"
#include "kernel/dev/acpi/aml.h"
#include "kernel/dev/acpi/fadt.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"

#define PM1_SLEEP_TYPE_SHIFT	 10
#define PM1_SLEEP_TYPE_MASK	 (7U << PM1_SLEEP_TYPE_SHIFT)
#define PM1_SLEEP_ENABLE	 (1U << 13)
#define SLEEP_CONTROL_TYPE_SHIFT 2
#define SLEEP_CONTROL_ENABLE	 (1U << 5)
#define SLEEP_STATUS_WAKE	 (1U << 7)

#define KEYBOARD_STATUS		 0x64 /* read */
#define KEYBOARD_COMMAND	 0x64 /* written */
#define KEYBOARD_INPUT_FULL	 0x02
#define KEYBOARD_RESET		 0xfe /* pulse the reset line */

#define RESET_CONTROL_PORT	 0xcf9

static struct aml_s5 s5;
static bool s5_known;
static struct acpi_block reset, sleep_control, sleep_status;

static void acpi_power_init(void)
{
	if (fadt.flags & FADT_RESET_REGISTER)
		acpi_block_open(&reset, &fadt.reset, 0, 1);
	if (fadt.flags & FADT_HARDWARE_REDUCED) {
		acpi_block_open(&sleep_control, &fadt.sleep_control, 0, 1);
		acpi_block_open(&sleep_status, &fadt.sleep_status, 0, 1);
	}
	s5_known = acpi_code_any(aml_find_s5, &s5);
	if (!s5_known && fadt.header.length)
		log_warn("acpi: no _S5 in the DSDT: power off will not work");
}

EARLY_INIT_CALL(03, acpi_power_init);

/* Write the sleep type, and then the same with the enable bit (ACPI 6.5, 4.8.3.2.1). */
static void pm1_sleep(const struct acpi_block *b, u8 type)
{
	u32 value = acpi_read(b, 0, 2) & ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);

	value |= (u32)type << PM1_SLEEP_TYPE_SHIFT;
	acpi_write(b, 0, 2, value);
	acpi_write(b, 0, 2, value | PM1_SLEEP_ENABLE);
}

static void acpi_power_off(void)
{
	const struct acpi_block *a = &acpi_pm1a_control, *b = &acpi_pm1b_control;

	if (s5_known && acpi_block_is_there(&sleep_control)) { /* 4.8.3.7 */
		acpi_write(&sleep_status, 0, 1, SLEEP_STATUS_WAKE);
		acpi_write(&sleep_control, 0, 1,
			   (u32)s5.type_a << SLEEP_CONTROL_TYPE_SHIFT | SLEEP_CONTROL_ENABLE);
	} else if (s5_known && acpi_block_is_there(a)) {
		acpi_mode_enter(); /* in legacy mode the firmware ignores writes to PM1 */
		/* If the machine has both blocks, set both types before either is enabled. */
		acpi_write(b, 0, 2,
			   (acpi_read(b, 0, 2) & ~PM1_SLEEP_TYPE_MASK) |
			       (u32)s5.type_b << PM1_SLEEP_TYPE_SHIFT);
		pm1_sleep(a, s5.type_a);
		pm1_sleep(b, s5.type_b);
	}
	clock_delay_us(100000);
}

/* The keyboard controller's output port holds the reset line of most PCs, also of some on which no
 * other way works.  A machine without the controller ignores the write. */
static void keyboard_reset(void)
{
	for (u32 i = 0; i < 100 && inb(KEYBOARD_STATUS) & KEYBOARD_INPUT_FULL; i++)
		clock_delay_us(10);
	outb(KEYBOARD_COMMAND, KEYBOARD_RESET);
	clock_delay_us(50000);
}

/* The reset control register of the chipset: a change of bit 2 from 0 to 1 while bit 1 is set makes
 * a hard reset. */
static void chipset_reset(void)
{
	outb(RESET_CONTROL_PORT, 0x02);
	clock_delay_us(100);
	outb(RESET_CONTROL_PORT, 0x06);
	clock_delay_us(50000);
}

/* What the FADT says, then what PCs have in common.  Takes at most 160 ms. */
static void acpi_reset(void)
{
	acpi_write(&reset, 0, 1, fadt.reset_value);
	clock_delay_us(50000);
	keyboard_reset();
	chipset_reset();
}

MACHINE_END(acpi_end) = {acpi_power_off, acpi_reset};
