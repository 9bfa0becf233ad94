/* SPDX-License-Identifier: MIT
 *
 * The fixed description table (ACPI 6.5, 5.2.9): PM timer, legacy devices, and how the machine is
 * switched off and reset.  Heddle has no AML interpreter; it searches the bytes of the DSDT for the
 * values of sleep state S5.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/acpi_fadt.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

/* The fields that are used.  Fields that an older version of the table lacks are zero. */
struct fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u8 unused_1[4];
	u32 smi_command;
	u8 acpi_enable;
	u8 unused_2[11];
	u32 pm1a_control, pm1b_control;
	u8 unused_3[4];
	u32 pm_timer;
	u8 unused_4[11];
	u8 pm_timer_length;
	u8 unused_5[16];
	u8 century;
	u16 boot_flags;
	u8 unused_6;
	u32 flags; /* revision 1 ends here */
	struct acpi_address reset;
	u8 reset_value;
	u8 unused_7[11];
	u64 x_dsdt;
	struct acpi_address unused_8[2], x_pm1a_control, x_pm1b_control, unused_9, x_pm_timer;
} __packed;

_Static_assert(offsetof(struct fadt, pm_timer) == 76, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, century) == 108, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, flags) == 112, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "ACPI 6.5 table 5.9");
_Static_assert(offsetof(struct fadt, x_pm_timer) == 208, "ACPI 6.5 table 5.9");

#define FLAG_TIMER_32BIT     (1u << 8)
#define FLAG_RESET_REGISTER  (1u << 10)
#define BOOT_8042	     (1u << 1)
#define BOOT_NO_RTC	     (1u << 5)

#define PM1_SCI_ENABLED	     (1u << 0)
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_TYPE_MASK  (7u << PM1_SLEEP_TYPE_SHIFT)
#define PM1_SLEEP_ENABLE     (1u << 13)

#define AML_NAME	     0x08
#define AML_PACKAGE	     0x12
#define AML_BYTE	     0x0a
#define AML_WORD	     0x0b

#define RESET_CONTROL_PORT   0xcf9

static struct fadt fadt;
static bool s5_known;
static u8 s5_type_a, s5_type_b;
static u16 reset_port;
static u8 *reset_memory; /* mapped at start, so that it can be written in any context */

/* Returns a small integer of a package (ACPI 6.5, 20.2.3), and advances `*at` past it. */
static u8 aml_integer(const u8 **at, const u8 *end)
{
	const u8 *p = *at;
	u8 value = p < end ? *p : 0; /* ZeroOp and OneOp are their own value */

	if ((value == AML_BYTE || value == AML_WORD) && p + 1 < end) {
		p += value == AML_BYTE ? 1 : 2;
		value = (*at)[1];
	}
	*at = p + 1;
	return value;
}

/* Search the AML code for Name (_S5, Package (..) {type for PM1a, type for PM1b, ..}) (ACPI 6.5,
 * 7.4.2).  Returns whether it is there. */
static bool s5_find(const u8 *aml, const u8 *end)
{
	for (const u8 *p = aml; p + 8 < end; p++) {
		const u8 *at = p + 4;

		if (memcmp(p, "_S5_", 4) || *at != AML_PACKAGE)
			continue;
		if (p - aml < 1 || (p[-1] != AML_NAME && (p[-1] != '\\' || p[-2] != AML_NAME)))
			continue;
		/* Skip the operator, the length (bits 7:6 of its first byte: how many more bytes it
		 * has) and the number of elements. */
		at += 2 + (at[1] >> 6) + 1;
		s5_type_a = aml_integer(&at, end) & 7;
		s5_type_b = aml_integer(&at, end) & 7;
		return true;
	}
	return false;
}

static void legacy_read(void)
{
	acpi_info.rtc_century = fadt.century;
	acpi_info.pm_timer_port = fadt.pm_timer_length == 4 ? fadt.pm_timer : 0;
	acpi_info.pm_timer_32bit = fadt.flags & FLAG_TIMER_32BIT;
	if (fadt.x_pm_timer.space == ACPI_SPACE_IO && fadt.x_pm_timer.address)
		acpi_info.pm_timer_port = (u32)fadt.x_pm_timer.address;
	/* These bits have no meaning in ACPI 1.0. */
	if (fadt.header.revision >= 2) {
		acpi_info.has_i8042 = fadt.boot_flags & BOOT_8042;
		acpi_info.has_rtc = !(fadt.boot_flags & BOOT_NO_RTC);
	}
}

void acpi_fadt_read(void)
{
	const struct acpi_header *dsdt;

	if (!acpi_fadt)
		return;
	memcpy(&fadt, acpi_fadt, MIN(acpi_fadt->length, sizeof(fadt)));
	legacy_read();
	if (fadt.flags & FLAG_RESET_REGISTER && fadt.reset.space == ACPI_SPACE_IO)
		reset_port = (u16)fadt.reset.address;
	else if (fadt.flags & FLAG_RESET_REGISTER && fadt.reset.space == ACPI_SPACE_MEMORY)
		reset_memory = mmio_map(fadt.reset.address, 1, CACHE_UNCACHED);

	dsdt = acpi_table_map(fadt.x_dsdt, "DSDT") ?: acpi_table_map(fadt.dsdt, "DSDT");
	if (dsdt)
		s5_known = s5_find((const u8 *)(dsdt + 1), (const u8 *)dsdt + dsdt->length);
	if (!s5_known)
		log_warn("acpi: no _S5 in the DSDT: power off will not work");
}

/* Returns the port of the extended address if it is valid, else the old one. */
static u16 pm1_port(const struct acpi_address *x, u32 old)
{
	if (x->space == ACPI_SPACE_IO && x->address && x->address <= 0xffff)
		return (u16)x->address;
	return old <= 0xffff ? (u16)old : 0;
}

/* Enable ACPI mode: in legacy mode the firmware ignores writes to PM1 (ACPI 6.5, 4.8.2.5). */
static void acpi_mode_enter(u16 pm1a)
{
	if (inw(pm1a) & PM1_SCI_ENABLED || !fadt.smi_command || !fadt.acpi_enable)
		return;
	outb((u16)fadt.smi_command, fadt.acpi_enable);
	for (u32 ms = 0; ms < 3000 && !(inw(pm1a) & PM1_SCI_ENABLED); ms++)
		clock_delay_us(1000);
}

static void pm1_write(u16 port, u8 type)
{
	u32 value = inw(port) & ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);

	value |= (u32)type << PM1_SLEEP_TYPE_SHIFT;
	outw(port, (u16)value);
	outw(port, (u16)(value | PM1_SLEEP_ENABLE));
}

void acpi_power_off(void)
{
	u16 pm1a = pm1_port(&fadt.x_pm1a_control, fadt.pm1a_control);
	u16 pm1b = pm1_port(&fadt.x_pm1b_control, fadt.pm1b_control);

	if (s5_known && pm1a) {
		acpi_mode_enter(pm1a);
		/* If the machine has both blocks, set both types before either is enabled. */
		if (pm1b)
			outw(pm1b, (u16)((inw(pm1b) & ~PM1_SLEEP_TYPE_MASK) |
					 s5_type_b << PM1_SLEEP_TYPE_SHIFT));
		pm1_write(pm1a, s5_type_a);
		if (pm1b)
			pm1_write(pm1b, s5_type_b);
	}
	clock_delay_us(100000);
}

void acpi_reset(void)
{
	if (reset_port)
		outb(reset_port, fadt.reset_value);
	else if (reset_memory)
		WRITE_ONCE(*reset_memory, fadt.reset_value);
	clock_delay_us(50000);

	/* The reset control register of the chipset: a change of bit 2 from 0 to 1 while bit 1 is
	 * set makes a hard reset. */
	outb(RESET_CONTROL_PORT, 0x02);
	clock_delay_us(100);
	outb(RESET_CONTROL_PORT, 0x06);
	clock_delay_us(50000);
}
