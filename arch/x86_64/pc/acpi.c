/* SPDX-License-Identifier: MIT
 *
 * Reading ACPI tables (ACPI 6.5 chapter 5).  Lengths, checksums and counts are checked, and broken
 * tables are ignored.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/acpi_table.h"
#include "boot/boot_info.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

#define TABLE_MAX (4UL << 20) /* bytes; a longer table is taken as damaged */

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length; /* from here on: revision 2 */
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

#define RSDP_V1_LENGTH 20

struct acpi_info acpi_info;
static const struct acpi_header *root; /* the XSDT or RSDT; NULL: there is none */
static u32 root_entry_size;
static u32 cpus_ignored; /* more than MAX_CPUS, or an x2APIC id without x2APIC */

static bool checksum_ok(const void *data, size_t length)
{
	const u8 *p = data;
	u8 sum = 0;

	while (length--)
		sum += *p++;
	return !sum;
}

/* Tables may lie in memory of any type, so each is mapped separately. */
const struct acpi_header *acpi_table_map(paddr_t address, const char *signature)
{
	const struct acpi_header *h;
	u32 length;

	h = address ? mmio_map(address, sizeof(*h), CACHE_WRITE_BACK) : NULL;
	if (!h || memcmp(h->signature, signature, 4))
		return NULL;
	length = h->length;
	if (length < sizeof(*h) || length > TABLE_MAX)
		goto broken;
	h = mmio_map(address, length, CACHE_WRITE_BACK);
	if (h && checksum_ok(h, length))
		return h;
broken:
	log_warn("acpi: table %s at 0x%lx is damaged: ignored", signature, address);
	return NULL;
}

/* ---- MADT ------------------------------------------------------------------------------------ */

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};

#define MADT_CPU_ENABLED     1
#define MADT_PCAT_COMPAT     1
#define MADT_POLARITY	     3 /* of an override's flags; 0: as usual on the bus */
#define MADT_TRIGGER	     (3 << 2)
#define APIC_BROADCAST_ID    0xff
#define LAPIC_USUAL_ADDRESS  0xfee00000
#define IOAPIC_USUAL_ADDRESS 0xfec00000

struct madt {
	struct acpi_header header;
	u32 lapic_address, flags;
	u8 entries[];
} __packed;

union madt_entry {
	struct {
		u8 type, length;
	} __packed;
	struct {
		u8 type, length, uid, apic_id;
		u32 flags;
	} __packed lapic;
	struct {
		u8 type, length, id, reserved;
		u32 address, gsi_base;
	} __packed ioapic;
	struct {
		u8 type, length, bus, isa_irq;
		u32 gsi;
		u16 flags;
	} __packed override;
	struct {
		u8 type, length;
		u16 reserved;
		u64 address;
	} __packed lapic_address;
	struct {
		u8 type, length;
		u16 reserved;
		u32 apic_id, flags, uid;
	} __packed x2apic;
};

static u32 boot_apic_id(void)
{
	if (cpu_features.x2apic && cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx)
		return cpuid(0xb, 0).edx;
	return cpuid(1, 0).ebx >> 24;
}

/* The list already begins with the boot CPU.  Some firmware lists a CPU twice, once as each type.
 */
static void cpu_add(u32 apic_id, u32 flags)
{
	if (!(flags & MADT_CPU_ENABLED))
		return;
	for (u32 i = 0; i < acpi_info.cpu_count; i++)
		if (acpi_info.cpu_apic_ids[i] == apic_id)
			return;
	if (acpi_info.cpu_count == MAX_CPUS ||
	    (apic_id >= APIC_BROADCAST_ID && !cpu_features.x2apic)) {
		cpus_ignored++;
		return;
	}
	acpi_info.cpu_apic_ids[acpi_info.cpu_count++] = apic_id;
	acpi_info.wants_x2apic |= apic_id >= APIC_BROADCAST_ID;
}

/* What is usual: edge, active high; for the SCI level, active low (ACPI 6.5, 5.2.9, SCI_INT). */
static void override_add(u8 isa_irq, u32 gsi, u32 flags)
{
	bool is_sci = acpi_info.sci_irq && isa_irq == acpi_info.sci_irq;

	if (acpi_info.override_count < ACPI_OVERRIDES_MAX)
		acpi_info.overrides[acpi_info.override_count++] = (struct acpi_override){
		    .isa_irq = isa_irq,
		    .gsi = gsi,
		    .active_low =
			flags & MADT_POLARITY ? (flags & MADT_POLARITY) == MADT_POLARITY : is_sci,
		    .level = flags & MADT_TRIGGER ? (flags & MADT_TRIGGER) == MADT_TRIGGER : is_sci,
		};
}

static void madt_entry_read(const union madt_entry *e)
{
	static const u8 lengths[] = {
	    [MADT_LAPIC] = sizeof(e->lapic),	   [MADT_IOAPIC] = sizeof(e->ioapic),
	    [MADT_OVERRIDE] = sizeof(e->override), [MADT_LAPIC_ADDRESS] = sizeof(e->lapic_address),
	    [MADT_X2APIC] = sizeof(e->x2apic),
	};

	if (e->type >= ARRAY_SIZE(lengths) || e->length < lengths[e->type])
		return;
	switch (e->type) {
	case MADT_LAPIC:
		if (e->lapic.apic_id != APIC_BROADCAST_ID)
			cpu_add(e->lapic.apic_id, e->lapic.flags);
		break;
	case MADT_X2APIC:
		cpu_add(e->x2apic.apic_id, e->x2apic.flags);
		break;
	case MADT_IOAPIC:
		if (acpi_info.ioapic_count < ACPI_IOAPICS_MAX) {
			acpi_info.ioapics[acpi_info.ioapic_count].address = e->ioapic.address;
			acpi_info.ioapics[acpi_info.ioapic_count++].gsi_base = e->ioapic.gsi_base;
		}
		break;
	case MADT_OVERRIDE:
		override_add(e->override.isa_irq, e->override.gsi, e->override.flags);
		break;
	case MADT_LAPIC_ADDRESS:
		acpi_info.lapic_address = e->lapic_address.address;
		break;
	}
}

static void madt_read(const struct acpi_header *table)
{
	const struct madt *m = (const struct madt *)table;
	u32 at = sizeof(*m);

	if (table->length < sizeof(*m))
		return;
	acpi_info.lapic_address = m->lapic_address;
	acpi_info.has_8259 = m->flags & MADT_PCAT_COMPAT;
	acpi_info.ioapic_count = 0;
	if (acpi_info.sci_irq)
		override_add((u8)acpi_info.sci_irq, acpi_info.sci_irq, 0); /* a later one counts */
	while (at + 2 <= table->length) {
		const union madt_entry *e = (const void *)((const u8 *)m + at);

		if (e->length < 2 || e->length > table->length - at)
			break;
		madt_entry_read(e);
		at += e->length;
	}
	if (cpus_ignored)
		log_warn("acpi: %u processors not used: more than %u, or their ids need x2APIC",
			 cpus_ignored, MAX_CPUS);
}

/* ---- HPET ------------------------------------------------------------------------------------ */

struct hpet {
	struct acpi_header header;
	u32 id;
	struct acpi_address base;
	u8 number;
	u16 minimum_tick;
	u8 attributes;
} __packed;

static void hpet_read(const struct acpi_header *table)
{
	const struct hpet *h = (const struct hpet *)table;

	if (table->length >= sizeof(*h) && h->base.space == ACPI_SPACE_MEMORY)
		acpi_info.hpet_address = h->base.address;
}

/* ---- FADT ------------------------------------------------------------------------------------ */

static void fadt_read(const struct acpi_header *table)
{
	struct fadt f = {0};

	memcpy(&f, table, MIN(table->length, sizeof(f)));
	acpi_info.sci_irq = f.flags & FADT_HARDWARE_REDUCED ? 0 : f.sci_irq;
	acpi_info.pm_timer_port = f.pm_timer_length == 4 ? f.pm_timer : 0;
	acpi_info.pm_timer_32bit = f.flags & FADT_TIMER_32BIT;
	if (f.x_pm_timer.space == ACPI_SPACE_IO && f.x_pm_timer.address)
		acpi_info.pm_timer_port = (u32)f.x_pm_timer.address;
}

/* ---- The root -------------------------------------------------------------------------------- */

const struct acpi_header *acpi_table_find(const char *signature, u32 n)
{
	for (u32 at = sizeof(*root); root && at + root_entry_size <= root->length;
	     at += root_entry_size) {
		const struct acpi_header *h;
		paddr_t entry = 0;

		memcpy(&entry, (const u8 *)root + at, root_entry_size);
		h = acpi_table_map(entry, signature);
		if (h && !n--)
			return h;
	}
	return NULL;
}

static void table_read(const char *signature, void (*read)(const struct acpi_header *table))
{
	const struct acpi_header *table = acpi_table_find(signature, 0);

	if (table)
		read(table);
}

static void root_set(paddr_t address, const char *signature, u32 entry_size)
{
	root = acpi_table_map(address, signature);
	root_entry_size = entry_size;
}

void acpi_init(void)
{
	const struct rsdp *r = NULL;

	if (boot_info.rsdp)
		r = mmio_map(boot_info.rsdp, sizeof(*r), CACHE_WRITE_BACK);
	if (r && (memcmp(r->signature, "RSD PTR ", 8) || !checksum_ok(r, RSDP_V1_LENGTH)))
		r = NULL;
	acpi_info.cpu_apic_ids[0] = boot_apic_id();
	acpi_info.cpu_count = 1;
	acpi_info.lapic_address = LAPIC_USUAL_ADDRESS;
	acpi_info.ioapic_count = 1;
	acpi_info.ioapics[0].address = IOAPIC_USUAL_ADDRESS;
	acpi_info.has_8259 = true;

	if (r && r->revision >= 2 && checksum_ok(r, sizeof(*r)))
		root_set(r->xsdt, "XSDT", 8);
	if (r && !root)
		root_set(r->rsdt, "RSDT", 4);
	table_read("FACP", fadt_read);
	table_read("APIC", madt_read);
	table_read("HPET", hpet_read);
	if (!root)
		log_warn(
		    "acpi: no tables: using one processor, and devices at their usual addresses");
	else
		log_info("acpi: %u processors, %u I/O APICs", acpi_info.cpu_count,
			 acpi_info.ioapic_count);
}
