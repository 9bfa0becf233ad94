/* SPDX-License-Identifier: MIT
 *
 * I/O APICs (82093AA data sheet; ACPI 6.5 5.2.12.3 and 5.2.12.5), and the handlers of device
 * interrupts.  All interrupts of devices go to the boot CPU.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/apic.h"
#include "kernel/lib/errno.h"
#include "kernel/log/log.h"

#define IOAPIC_VERSION	   1
#define IOAPIC_REDIRECT(n) (0x10 + 2 * (n))
#define REDIRECT_LOW	   (1U << 13)
#define REDIRECT_LEVEL	   (1U << 15)
#define REDIRECT_MASKED	   (1U << 16)

#define ISA_IRQS	   16
#define MESSAGES	   8 /* devices that send messages */
#define MESSAGE_ADDRESS	   0xfee00000U
_Static_assert(VECTOR_IRQ_BASE + ISA_IRQS + MESSAGES - 1 <= VECTOR_IRQ_LAST, "a vector for each");

struct ioapic {
	volatile u32 *registers; /* [0] selects a register, [4] is its value */
	u32 gsi_base, entries;
};

static struct ioapic ioapics[ACPI_IOAPICS_MAX];
static u32 ioapic_count;
static irq_handler_t handlers[ISA_IRQS + MESSAGES];

static u32 ioapic_read(struct ioapic *io, u32 index)
{
	io->registers[0] = index;
	return io->registers[4];
}

static void ioapic_write(struct ioapic *io, u32 index, u32 value)
{
	io->registers[0] = index;
	io->registers[4] = value;
}

void ioapic_init(void)
{
	for (u32 i = 0; i < acpi_info.ioapic_count; i++) {
		struct ioapic *io = &ioapics[ioapic_count];
		u32 version;

		io->registers = mmio_map(acpi_info.ioapics[i].address, 32, CACHE_UNCACHED);
		if (!io->registers)
			continue;
		version = ioapic_read(io, IOAPIC_VERSION);
		if (version == UINT32_MAX)
			continue; /* there is no I/O APIC */
		io->gsi_base = acpi_info.ioapics[i].gsi_base;
		io->entries = (version >> 16 & 0xff) + 1;
		for (u32 n = 0; n < io->entries; n++)
			ioapic_write(io, IOAPIC_REDIRECT(n), REDIRECT_MASKED);
		ioapic_count++;
		log_info("ioapic: interrupts %u to %u", io->gsi_base,
			 io->gsi_base + io->entries - 1);
	}
}

static struct ioapic *ioapic_of(u32 gsi)
{
	for (u32 i = 0; i < ioapic_count; i++)
		if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].entries)
			return &ioapics[i];
	return NULL;
}

int irq_request_isa(u32 isa_irq, irq_handler_t handler)
{
	u32 apic_id = cpu_get(0)->apic_id, gsi = isa_irq, n;
	u32 flags = 0; /* the default of the ISA bus: edge, active high */
	struct ioapic *io;

	for (u32 i = 0; i < acpi_info.override_count; i++) {
		const struct acpi_override *o = &acpi_info.overrides[i];

		if (o->isa_irq == isa_irq) {
			gsi = o->gsi;
			flags =
			    (o->active_low ? REDIRECT_LOW : 0) | (o->level ? REDIRECT_LEVEL : 0);
		}
	}
	io = ioapic_of(gsi);
	/* The destination has eight bits, and 255 means all CPUs.  Larger ids would need interrupt
	 * remapping. */
	if (!io || apic_id >= 255)
		return -ENODEV;
	__atomic_store_n(&handlers[isa_irq], handler, __ATOMIC_RELEASE);
	n = gsi - io->gsi_base;
	ioapic_write(io, IOAPIC_REDIRECT(n) + 1, apic_id << 24);
	ioapic_write(io, IOAPIC_REDIRECT(n), (VECTOR_IRQ_BASE + isa_irq) | flags);
	return 0;
}

void irq_release_isa(u32 isa_irq)
{
	for (u32 i = 0; i < ioapic_count; i++)
		for (u32 n = 0; n < ioapics[i].entries; n++)
			if ((ioapic_read(&ioapics[i], IOAPIC_REDIRECT(n)) & 0xff) ==
			    VECTOR_IRQ_BASE + isa_irq)
				ioapic_write(&ioapics[i], IOAPIC_REDIRECT(n), REDIRECT_MASKED);
}

/* SDM 3A 11.11: the address names the CPU, the data the vector (edge, fixed delivery). */
int irq_request_message(irq_handler_t handler, u64 *address, u32 *data)
{
	u32 apic_id = cpu_get(0)->apic_id;

	for (u32 n = ISA_IRQS; n < ARRAY_SIZE(handlers) && apic_id < 255; n++) {
		irq_handler_t none = NULL;

		if (!__atomic_compare_exchange_n(&handlers[n], &none, handler, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		*address = MESSAGE_ADDRESS | apic_id << 12;
		*data = VECTOR_IRQ_BASE + n;
		return 0;
	}
	return -ENODEV;
}

void irq_dispatch(u8 vector)
{
	u32 n = vector - VECTOR_IRQ_BASE;
	irq_handler_t handler;

	if (n >= ARRAY_SIZE(handlers))
		return;
	handler = __atomic_load_n(&handlers[n], __ATOMIC_ACQUIRE);
	if (handler)
		handler();
}
