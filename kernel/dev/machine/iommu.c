/* SPDX-License-Identifier: MIT
 *
 * Heddle programs no IOMMU: its drivers write physical addresses, and interrupts have the plain
 * format.  A unit that firmware left on would block both, so it is switched off.  VT-d
 * specification, register descriptions; AMD IOMMU specification, MMIO registers.
 */
#include "kernel/dev/machine/iommu.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi_table.h"
#include "arch/x86_64/pc/apic.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"

#define UNITS_MAX   64
#define PATIENCE_NS (100 * NSEC_PER_MSEC)

/* VT-d: the registers for global commands, global status and protected memory. */
#define VTD_COMMAND	 0x18
#define VTD_STATUS	 0x1c
#define VTD_PROTECTED	 0x64
#define VTD_KEPT	 0x96ffffff /* not the bits that start a single action */
#define VTD_TRANSLATION	 (1u << 31)
#define VTD_INTERRUPTS	 (1u << 25)
#define PROTECTED_ENABLE (1u << 31)
#define PROTECTED_STATUS (1u << 0)

/* AMD: the control register. */
#define AMD_CONTROL 0x18
#define AMD_ENABLE  (1u << 0)
#define AMD_QUEUES  0x3000f01c /* event log, commands, peripheral pages, guest log */

/* Wait until none of `bits` is set.  Returns whether this is so. */
static bool bits_clear(const volatile u32 *reg, u32 bits)
{
	u64 end = clock_now_ns() + PATIENCE_NS;

	while (*reg & bits && clock_now_ns() < end)
		cpu_relax();
	return !(*reg & bits);
}

/* Clear one bit of what is on (one at a time; the status tells when it is done). */
static bool vtd_clear(volatile u32 *regs, u32 bit)
{
	if (!(regs[VTD_STATUS / 4] & bit))
		return true;
	regs[VTD_COMMAND / 4] = regs[VTD_STATUS / 4] & VTD_KEPT & ~bit;
	return bits_clear(&regs[VTD_STATUS / 4], bit);
}

/* Both switch a unit off.  They return whether it is off now; `*was` tells what was on. */
static bool vtd_stop(volatile u32 *regs, const char **was)
{
	u32 on = regs[VTD_STATUS / 4] & (VTD_TRANSLATION | VTD_INTERRUPTS);
	bool is_protecting = regs[VTD_PROTECTED / 4] & PROTECTED_STATUS, is_off;

	if (on || is_protecting)
		*was = on & VTD_INTERRUPTS ? "interrupt remapping" : "protection against DMA";
	if (is_protecting)
		regs[VTD_PROTECTED / 4] &= ~PROTECTED_ENABLE;
	is_off = bits_clear(&regs[VTD_PROTECTED / 4], PROTECTED_STATUS);
	is_off &= vtd_clear(regs, VTD_TRANSLATION);
	is_off &= vtd_clear(regs, VTD_INTERRUPTS);
	return is_off;
}

static bool amd_stop(volatile u32 *regs, const char **was)
{
	if (!(regs[AMD_CONTROL / 4] & AMD_ENABLE))
		return true;
	*was = "interrupt remapping";
	regs[AMD_CONTROL / 4] &= ~AMD_QUEUES;
	regs[AMD_CONTROL / 4] &= ~AMD_ENABLE;
	return bits_clear(&regs[AMD_CONTROL / 4], AMD_ENABLE);
}

static void unit_stop(paddr_t base, bool amd)
{
	volatile u32 *regs = mmio_map(base, PAGE_SIZE, CACHE_UNCACHED);
	const char *was = NULL;

	if (!regs || regs[0] == UINT32_MAX)
		return;
	if (!(amd ? amd_stop : vtd_stop)(regs, &was))
		log_error("iommu: firmware left %s on at 0x%lx, and it cannot be switched off: if "
			  "keys do nothing, switch off %s in the settings of the firmware",
			  was, base, amd ? "IOMMU" : "VT-d");
	else if (was)
		log_warn("iommu: firmware left %s on at 0x%lx: it is switched off now, since "
			 "devices would not reach the kernel through it",
			 was, base);
}

/* The I/O APICs are masked and no driver has started, so no interrupt is lost. */
static void iommu_init(void)
{
	static paddr_t bases[UNITS_MAX];
	const struct acpi_header *dmar = acpi_table_find("DMAR", 0);
	const struct acpi_header *table = dmar ?: acpi_table_find("IVRS", 0);
	u32 count =
	    table ? iommu_units((const u8 *)table, table->length, !dmar, bases, UNITS_MAX) : 0;

	for (u32 i = 0; i < count; i++)
		unit_stop(bases[i], !dmar);
	if (count)
		log_info("iommu: %u unit%s of %s, off", count, count > 1 ? "s" : "",
			 dmar ? "VT-d" : "AMD");
	if (!apic_registers() && table)
		log_info("iommu: the local APICs are in x2APIC mode without interrupt remapping: "
			 "if keys do nothing, switch off x2APIC in the settings of the firmware");
}

EARLY_INIT_CALL(01, iommu_init);
