/* SPDX-License-Identifier: MIT
 *
 * The few ACPI tables that the base reads (ACPI 6.5 chapter 5): MADT, HPET, and the PM timer of the
 * FADT.  Every length and checksum is checked; a broken table is logged and ignored.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"
#include "kernel/lib/init.h"

#define ACPI_IOAPICS_MAX   16
#define ACPI_OVERRIDES_MAX 32

struct acpi_override {
	u8 isa_irq;
	u32 gsi;
	bool active_low, level;
};

struct acpi_info {
	u32 cpu_count; /* enabled CPUs in the MADT, the boot CPU first */
	u32 cpu_apic_ids[MAX_CPUS];
	paddr_t lapic_address;
	bool wants_x2apic; /* a CPU has an id that xAPIC mode cannot name */
	u32 ioapic_count;
	struct {
		paddr_t address;
		u32 gsi_base;
	} ioapics[ACPI_IOAPICS_MAX];
	u32 override_count;
	struct acpi_override overrides[ACPI_OVERRIDES_MAX];
	bool has_8259;	      /* there are 8259 PICs, which must be masked */
	paddr_t hpet_address; /* 0: none */
	u32 sci_irq;	      /* ISA interrupt by which ACPI reports events; 0: none */
	u32 pm_timer_port;    /* 0: none */
	bool pm_timer_32bit;
};

extern struct acpi_info acpi_info;

/* Read the tables into acpi_info.  Without tables, one CPU and the usual addresses are assumed. */
void acpi_init(void);

/* Called on the boot CPU after acpi_init() and before APICs and clocks are set up, interrupts off:
 * corrects what is known of the machine.  Memory works; time, interrupts and threads do not. */
LINKER_SET(machine_init_calls, struct init_call);
#define MACHINE_INIT_CALL(order, function) INIT_CALL_IN(machine_init_calls, order, function)
