/* SPDX-License-Identifier: MIT
 *
 * Finding a PCI device and switching it on.
 */
#include "kernel/dev/usb/pci.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "kernel/lib/errno.h"
#include "kernel/sync/spinlock.h"

#define CONFIG_ADDRESS	 0xcf8
#define CONFIG_DATA	 0xcfc
#define CONFIG_ENABLE	 0x80000000U

#define PCI_ID		 0x00
#define PCI_COMMAND	 0x04 /* the status is its upper half */
#define PCI_CLASS	 0x08
#define PCI_HEADER	 0x0c
#define PCI_BAR0	 0x10
#define PCI_CAPABILITIES 0x34

#define COMMAND_MEMORY	 (1U << 1)
#define COMMAND_MASTER	 (1U << 2)
#define COMMAND_NO_PIN	 (1U << 10)
#define STATUS_LIST	 (1U << 20) /* there is a list of capabilities */
#define HEADER_MANY	 (1U << 23) /* the device has more than one function */

#define CAPABILITY_POWER 1
#define CAPABILITY_MSI	 5
#define CAPABILITY_MSIX	 17

#define BAR_IO		 1U
#define BAR_TYPE	 6U
#define BAR_64BIT	 4U
#define BAR_FLAGS	 15U

static struct lock_class pci_class = {"pci", 0};
static struct spinlock pci_lock = SPINLOCK_INIT(&pci_class); /* irq; the two ports */

static void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

u32 pci_read(const struct pci_device *d, u32 offset)
{
	u64 flags = spin_lock_irq(&pci_lock);
	u32 value;

	outl(CONFIG_ADDRESS, CONFIG_ENABLE | d->address | (offset & 0xfc));
	value = inl(CONFIG_DATA);
	spin_unlock_irq(&pci_lock, flags);
	return value;
}

void pci_write(const struct pci_device *d, u32 offset, u32 value)
{
	u64 flags = spin_lock_irq(&pci_lock);

	outl(CONFIG_ADDRESS, CONFIG_ENABLE | d->address | (offset & 0xfc));
	outl(CONFIG_DATA, value);
	spin_unlock_irq(&pci_lock, flags);
}

bool pci_find(u32 class, u32 n, struct pci_device *found)
{
	for (u32 slot = 0; slot < 256 * 32; slot++) {
		struct pci_device d = {.address = slot << 11};
		u32 functions = 1;

		for (u32 f = 0; f < functions; f++) {
			u32 id;

			d.address = slot << 11 | f << 8;
			id = pci_read(&d, PCI_ID);
			if (id == UINT32_MAX)
				continue;
			if (f == 0 && pci_read(&d, PCI_HEADER) & HEADER_MANY)
				functions = 8;
			if (pci_read(&d, PCI_CLASS) >> 8 != class || n-- > 0)
				continue;
			d.vendor = (u16)id;
			d.id = (u16)(id >> 16);
			*found = d;
			return true;
		}
	}
	return false;
}

/* The size of what a base address register maps: bits that cannot be set are its size (6.2.5.1).
 * Decoding is off meanwhile. */
static u64 bar_size(const struct pci_device *d, u32 bar, bool wide)
{
	u32 command = pci_read(d, PCI_COMMAND), low = pci_read(d, bar), high = 0;
	u64 mask = UINT32_MAX;

	pci_write(d, PCI_COMMAND, command & 0xffff & ~COMMAND_MEMORY);
	pci_write(d, bar, UINT32_MAX);
	mask = pci_read(d, bar) & ~BAR_FLAGS;
	pci_write(d, bar, low);
	if (wide) {
		high = pci_read(d, bar + 4);
		pci_write(d, bar + 4, UINT32_MAX);
		mask |= (u64)pci_read(d, bar + 4) << 32;
		pci_write(d, bar + 4, high);
	} else {
		mask |= (u64)UINT32_MAX << 32;
	}
	pci_write(d, PCI_COMMAND, command & 0xffff);
	return ~mask + 1;
}

volatile void *pci_registers(const struct pci_device *d, size_t *size)
{
	u32 low = pci_read(d, PCI_BAR0);
	bool wide = (low & BAR_TYPE) == BAR_64BIT;
	paddr_t address = low & ~BAR_FLAGS;

	if (low & BAR_IO)
		return NULL;
	if (wide)
		address |= (paddr_t)pci_read(d, PCI_BAR0 + 4) << 32;
	*size = bar_size(d, PCI_BAR0, wide);
	if (!address || !*size || *size > 16 << 20)
		return NULL;
	return mmio_map(address, *size, CACHE_UNCACHED);
}

/* The offset of a capability, or 0.  A list that is a circle ends, too. */
static u32 capability(const struct pci_device *d, u8 wanted)
{
	u32 at = pci_read(d, PCI_CAPABILITIES) & 0xfc;

	if (!(pci_read(d, PCI_COMMAND) & STATUS_LIST))
		return 0;
	for (u32 i = 0; i < 48 && at >= 0x40; i++) {
		u32 head = pci_read(d, at);

		if ((head & 0xff) == wanted)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

void pci_enable(const struct pci_device *d)
{
	u32 power = capability(d, CAPABILITY_POWER);

	if (power && pci_read(d, power + 4) & 3) {
		pci_write(d, power + 4, pci_read(d, power + 4) & ~3U);
		clock_delay_us(10000); /* PCI Power Management 1.2, 5.4: from D3 to D0 */
	}
	pci_write(d, PCI_COMMAND,
		  (pci_read(d, PCI_COMMAND) & 0xffff) | COMMAND_MEMORY | COMMAND_MASTER |
		      COMMAND_NO_PIN);
}

/* MSI-X: the table of vectors lies behind one of the base address registers (6.8.2).  Only one
 * behind register 0 is used, which is mapped already. */
static bool set_msix(const struct pci_device *d, volatile void *registers, size_t size, u64 address,
		     u32 data)
{
	u32 at = capability(d, CAPABILITY_MSIX), table = at ? pci_read(d, at + 4) : 1;
	volatile u32 *entry = (volatile u32 *)((uintptr_t)registers + (table & ~7U));

	if (table & 7 || (table & ~7U) + 16 > size)
		return false;
	pci_write(d, at, pci_read(d, at) | 3U << 30); /* on, all vectors masked */
	entry[0] = (u32)address;
	entry[1] = (u32)(address >> 32);
	entry[2] = data;
	entry[3] = 0; /* not masked */
	pci_write(d, at, (pci_read(d, at) | 1U << 31) & ~(1U << 30));
	return true;
}

static bool set_msi(const struct pci_device *d, u64 address, u32 data)
{
	u32 at = capability(d, CAPABILITY_MSI), head = at ? pci_read(d, at) : 0;

	if (!at)
		return false;
	pci_write(d, at + 4, (u32)address);
	if (head & 1U << 23) { /* addresses of 64 bits */
		pci_write(d, at + 8, (u32)(address >> 32));
		pci_write(d, at + 12, data);
	} else {
		pci_write(d, at + 8, data);
	}
	pci_write(d, at, (head & ~(7U << 20)) | 1U << 16); /* on, one vector */
	return true;
}

int pci_message_interrupt(const struct pci_device *d, volatile void *registers, size_t size,
			  irq_handler_t handler)
{
	u64 address;
	u32 data;
	int error = irq_request_message(handler, &address, &data);

	if (error)
		return error;
	return set_msix(d, registers, size, address, data) || set_msi(d, address, data) ? 0
											: -ENODEV;
}
