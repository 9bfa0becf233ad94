/* SPDX-License-Identifier: MIT
 *
 * Local APIC and I/O APICs.  SDM 3A chapter 11; 82093AA data sheet.
 */
#pragma once

#include "kernel/lib/base.h"

/* Choose the mode of the local APICs, enable that of the boot CPU and mask the 8259 PICs.  After
 * acpi_init() and paging_init().  The mode is x2APIC if firmware has enabled it, or if
 * acpi_info.wants_x2apic is set: without interrupt remapping, the manual does not promise that the
 * interrupts of devices reach an x2APIC (SDM 3A 11.12.7). */
void apic_init(void);
void apic_init_cpu(void); /* enable the local APIC of another CPU, which calls this */

/* The memory-mapped registers; NULL in x2APIC mode. */
volatile u32 *apic_registers(void);

/* Acknowledge the interrupt that is being handled (end of interrupt). */
void apic_eoi(void);

/* Send `vector`, an NMI, INIT, or a start-up IPI to the CPU with this APIC id.  Busy-waits for the
 * delivery for a limited time.  Any context.  All earlier stores are visible to the receiver. */
void apic_send_ipi(u32 apic_id, u8 vector);
void apic_send_nmi(u32 apic_id);
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, u8 page);

/* Arm the timer of this CPU: one interrupt (VECTOR_TIMER) when clock_now_ns() reaches
 * `deadline_ns`; immediately if that time has passed.  The counter reaches about 2 s: for a later
 * deadline the interrupt comes early, and the handler must arm the timer again.  Interrupts off. */
void apic_timer_arm(u64 deadline_ns);

/* For the calibration: let the timer of this CPU count without interrupts, and the ticks since
 * then. It counts for at least a second, as no timer is faster than 4 GHz. */
void apic_timer_count_start(void);
u32 apic_timer_ticks(void);

/* Set the rates of the timer and of the TSC, in Hz, once; boot CPU.  If the timer does not run, the
 * machine stops with a sentence. */
void apic_timer_init(u64 timer_hz, u64 tsc_hz);

/* Find the I/O APICs and mask all their inputs. */
void ioapic_init(void);
typedef void (*irq_handler_t)(void);

/* Call `handler` on each ISA interrupt `isa_irq`, with interrupts off; overrides of the MADT are
 * applied.  The handler must not send an EOI.  Returns 0, or -ENODEV if no I/O APIC can route it.
 */
int irq_request_isa(u32 isa_irq, irq_handler_t handler);

/* Mask that interrupt again.  On the boot CPU, interrupts off. */
void irq_release_isa(u32 isa_irq);

/* Call `handler` on each message (MSI) that a PCI device sends: `*data`, written to `*address`.
 * Returns 0, or -ENODEV if no vector is free or messages cannot name the boot CPU. */
int irq_request_message(irq_handler_t handler, u64 *address, u32 *data);

/* Call the handler of a device's vector.  For trap.c. */
void irq_dispatch(u8 vector);
