/* SPDX-License-Identifier: MIT
 *
 * Local APIC (x2APIC where there is) and I/O APICs.  SDM 3A chapter 11; 82093AA data sheet.
 */
#pragma once

#include "kernel/lib/base.h"

/* Find and enable the local APIC of the boot CPU (mode, MMIO), mask the old PICs; after acpi_init()
 * and paging_init(). */
void apic_init(void);
void apic_init_cpu(void); /* on every other CPU */

/* The memory-mapped registers; NULL in x2APIC mode. */
volatile u32 *apic_registers(void);

/* Acknowledge the interrupt in service. */
void apic_eoi(void);

/* Send `vector` to the CPU with that APIC id, or NMI, INIT, start-up.  Any context; waits a bounded
 * time for delivery. */
void apic_send_ipi(u32 apic_id, u8 vector);
void apic_send_nmi(u32 apic_id);
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);

/* This CPU's timer: one shot, VECTOR_TIMER at `deadline` (clock_now_ns() time); in the past means
 * at once.  Where the deadline is further away than the counter reaches (2 s at worst), the
 * interrupt comes early, and the handler arms the timer again.  Interrupts off. */
void apic_timer_arm(u64 deadline_ns);

/* Measure the APIC timer against the clock, once; boot CPU, after clock_init(). */
void apic_timer_calibrate(void);

/* I/O APICs: route a global system interrupt to a vector on a CPU. */
void ioapic_init(void);
typedef void (*irq_handler_t)(void);

/* Take ISA interrupt `isa_irq` (overrides of the MADT applied): call
 * `handler` from the interrupt, EOI done by the caller of it.  0, or -ENODEV. */
int irq_request_isa(u32 isa_irq, irq_handler_t handler);

/* From the roof: the handler of a device vector. */
void irq_dispatch(u8 vector);
