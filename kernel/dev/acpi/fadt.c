/* SPDX-License-Identifier: MIT
 *
 * Reading the FADT, and the registers that it names.
 */
#include "kernel/dev/acpi/fadt.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"

#define BOOT_8042	(1u << 1)
#define BOOT_NO_RTC	(1u << 5)

#define PM1_SCI_ENABLED (1u << 0)
#define MODE_MS		3000 /* as long as Linux waits */
#define SSDTS_MAX	64

struct fadt fadt;
struct acpi_block acpi_pm1a_control, acpi_pm1b_control;

/* IAPC_BOOT_ARCH has no meaning in ACPI 1.0. */
bool fadt_has_i8042(void)
{
	return fadt.header.revision < 2 || fadt.boot_flags & BOOT_8042;
}

bool fadt_has_rtc(void)
{
	return fadt.header.revision < 2 || !(fadt.boot_flags & BOOT_NO_RTC);
}

bool acpi_block_open(struct acpi_block *b, const struct acpi_address *x, u32 old, u32 bytes)
{
	*b = (struct acpi_block){0};
	if (x->address && x->space == ACPI_SPACE_MEMORY)
		b->memory = mmio_map(x->address, bytes, CACHE_UNCACHED);
	else if (x->address && x->space == ACPI_SPACE_IO && x->address <= 0xffff)
		b->port = (u16)x->address;
	else if (old <= 0xffff)
		b->port = (u16)old;
	return acpi_block_is_there(b);
}

bool acpi_block_is_there(const struct acpi_block *b)
{
	return b->memory || b->port;
}

/* Only ACPI has ports of 16 bits. */
static void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port) : "memory");
}

static u16 inw(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

u32 acpi_read(const struct acpi_block *b, u32 offset, u32 bytes)
{
	if (b->memory)
		return bytes == 1 ? b->memory[offset] : *(const volatile u16 *)(b->memory + offset);
	if (b->port)
		return bytes == 1 ? inb((u16)(b->port + offset)) : inw((u16)(b->port + offset));
	return 0;
}

void acpi_write(const struct acpi_block *b, u32 offset, u32 bytes, u32 value)
{
	if (b->memory && bytes == 1)
		b->memory[offset] = (u8)value;
	else if (b->memory)
		*(volatile u16 *)(b->memory + offset) = (u16)value;
	else if (b->port && bytes == 1)
		outb((u16)(b->port + offset), (u8)value);
	else if (b->port)
		outw((u16)(b->port + offset), (u16)value);
}

bool acpi_code_any(bool (*test)(const u8 *aml, const u8 *end, void *arg), void *arg)
{
	const struct acpi_header *t = acpi_table_map(fadt.x_dsdt, "DSDT");

	if (!t)
		t = acpi_table_map(fadt.dsdt, "DSDT");
	for (u32 n = 0; n <= SSDTS_MAX; n++) {
		if (t && test((const u8 *)(t + 1), (const u8 *)t + t->length, arg))
			return true;
		t = acpi_table_find("SSDT", n);
		if (!t)
			break;
	}
	return false;
}

bool acpi_mode_enter(void)
{
	const struct acpi_block *b = &acpi_pm1a_control;

	if (fadt.flags & FADT_HARDWARE_REDUCED || acpi_read(b, 0, 2) & PM1_SCI_ENABLED)
		return true; /* such a machine has no other mode */
	if (!acpi_block_is_there(b) || !fadt.smi_command || !fadt.acpi_enable)
		return false;
	outb((u16)fadt.smi_command, fadt.acpi_enable);
	for (u32 ms = 0; ms < MODE_MS; ms++) {
		if (acpi_read(b, 0, 2) & PM1_SCI_ENABLED)
			return true;
		clock_delay_us(1000);
	}
	return false;
}

static void fadt_init(void)
{
	const struct acpi_header *t = acpi_table_find("FACP", 0);

	if (!t)
		return;
	memcpy(&fadt, t, MIN(t->length, sizeof(fadt)));
	if (fadt.flags & FADT_HARDWARE_REDUCED)
		return;
	acpi_block_open(&acpi_pm1a_control, &fadt.x_pm1a_control, fadt.pm1a_control, 2);
	acpi_block_open(&acpi_pm1b_control, &fadt.x_pm1b_control, fadt.pm1b_control, 2);
}

EARLY_INIT_CALL(02, fadt_init);
