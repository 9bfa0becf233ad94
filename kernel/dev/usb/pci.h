/* SPDX-License-Identifier: MIT
 *
 * As much of PCI as a USB controller needs: finding it, its registers, and its interrupt (PCI Local
 * Bus 3.0 chapter 6).  The configuration space is reached by ports 0xcf8 and 0xcfc.
 */
#pragma once

#include "arch/x86_64/pc/apic.h"
#include "kernel/lib/base.h"

struct pci_device {
	u32 address; /* bus << 16 | device << 11 | function << 8 */
	u16 vendor, id;
};

u32 pci_read(const struct pci_device *d, u32 offset);
void pci_write(const struct pci_device *d, u32 offset, u32 value);

/* Find the `n`-th function, from 0, with this class code (three bytes: class, subclass,
 * interface).  False: there are not so many. */
bool pci_find(u32 class, u32 n, struct pci_device *found);

/* Map the registers behind base address register 0 (memory only); `*size` gets their size.  NULL:
 * the firmware gave them no address, or there is no room. */
volatile void *pci_registers(const struct pci_device *d, size_t *size);

/* Switch the device on (power state D0, memory, bus master) and its interrupt pin off. */
void pci_enable(const struct pci_device *d);

/* Let the device's interrupts call `handler` on the boot CPU, by MSI-X or MSI.  `registers` is what
 * pci_registers() returned.  Returns 0, or -ENODEV if the device has neither, or no vector is free.
 */
int pci_message_interrupt(const struct pci_device *d, volatile void *registers, size_t size,
			  irq_handler_t handler);
