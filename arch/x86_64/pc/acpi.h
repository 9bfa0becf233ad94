/* SPDX-License-Identifier: MIT
 *
 * The few ACPI tables that Heddle reads (ACPI 6.5 chapter 5): MADT, HPET, FADT, and _S5 from the
 * bytes of the DSDT.  Every length and checksum is checked; a broken table is logged and ignored.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"

#define ACPI_IOAPICS_MAX   16
#define ACPI_OVERRIDES_MAX 32

struct acpi_override {
	u8 isa_irq;
	u32 gsi;
	bool active_low, level;
};

struct acpi_info {
	u32 cpu_count;		/* enabled CPUs in the MADT, the boot CPU first */
	u32 cpu_apic_ids[MAX_CPUS];
	paddr_t lapic_address;
	u32 ioapic_count;
	struct {
		paddr_t address;
		u32 gsi_base;
	} ioapics[ACPI_IOAPICS_MAX];
	u32 override_count;
	struct acpi_override overrides[ACPI_OVERRIDES_MAX];
	bool has_8259;		/* there are 8259 PICs, which must be masked */
	paddr_t hpet_address;	/* 0: none */
	u32 pm_timer_port;	/* 0: none */
	bool pm_timer_32bit;
	bool has_i8042;		/* by IAPC_BOOT_ARCH; true if the FADT has no such field */
	bool has_rtc;		/* CMOS clock */
	u8 rtc_century;		/* CMOS register of the century; 0: none */
};

extern struct acpi_info acpi_info;

/* Read the tables into acpi_info.  Without tables, one CPU and the usual addresses are assumed. */
void acpi_init(void);

/* Read the FADT that acpi_init() found: legacy devices, PM timer, power off.  Right after it. */
void acpi_fadt_read(void);

/* Switch the machine off or reset it, by the registers of the FADT; acpi_reset() then also tries
 * the chipset.  Return only if that did not work. */
void acpi_power_off(void);
void acpi_reset(void);
