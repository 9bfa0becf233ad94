/* host-sources: arch/x86_64/pc/acpi.c kernel/dev/acpi/fadt.c kernel/dev/acpi/aml.c
 * tests/fuzz/host/around.c */
/* host-flags: -iquote tests/fuzz/host -iquote tests/unit/locks */
/* fuzz-flags: -max_len=4096 */
/* mutant: arch/x86_64/pc/acpi.c: e->length > table->length - at => e->length > table->length */
/* SPDX-License-Identifier: MIT
 *
 * ACPI tables, from the RSDP on.  Nothing outside of a table is read; a table that is used has its
 * signature, its length and a right checksum; counts and ids are those that the tables can hold.
 */
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "boot/boot_info.h"
#include "kernel/dev/acpi/aml.h"
#include "kernel/dev/acpi/fadt.h"
#include "tests/fuzz/fuzz.h"

#define RAM_BASE   0xe0000UL
#define RAM_SIZE   32768UL
#define MAPS_MAX   4096
#define TABLES_MAX 12

struct cpu_features cpu_features;
struct boot_info boot_info;

static u8 ram[RAM_SIZE];
static u32 used;
static void *maps[MAPS_MAX];
static u32 map_count;

/* Each mapping is a copy of exactly the bytes that were asked for. */
void *mmio_map(paddr_t address, size_t size, enum cache_type cache)
{
	if (address < RAM_BASE || address - RAM_BASE > RAM_SIZE ||
	    size > RAM_SIZE - (address - RAM_BASE) || map_count == MAPS_MAX)
		return NULL;
	return maps[map_count++] = exact_copy(ram + (address - RAM_BASE), size);
}

void clock_delay_us(u64 us)
{
}

static u8 sum_of(const void *from, size_t n)
{
	u8 sum = 0;

	while (n--)
		sum += ((const u8 *)from)[n];
	return sum;
}

/* Put a table with a right checksum into the memory; its address. */
static paddr_t put_table(const char *signature, const void *body, u32 n, u32 wrong)
{
	struct acpi_header h = {.length = sizeof(h) + n, .revision = 4};
	u8 *at = ram + used;

	if (used + h.length > RAM_SIZE)
		return 0;
	memcpy(h.signature, signature, 4);
	h.length += wrong & 1 ? 7 : 0;
	memcpy(at, &h, sizeof(h));
	memcpy(at + sizeof(h), body, n);
	((struct acpi_header *)at)->checksum = -sum_of(at, sizeof(h) + n) + (wrong >> 1 & 1);
	used += ALIGN_UP(sizeof(h) + n, 4U);
	return RAM_BASE + (paddr_t)(at - ram);
}

static const char signatures[][5] = {"APIC", "FACP", "HPET", "SSDT", "DSDT", "DMAR"};

static void put_root(const u64 *entries, u32 count, u8 how)
{
	struct {
		char signature[8];
		u8 sum;
		char oem[6];
		u8 revision;
		u32 rsdt, length;
		u64 xsdt;
		u8 extended_sum, reserved[3];
	} __packed r = {.signature = "RSD PTR ", .revision = how & 1 ? 2 : 0, .length = 36};
	u32 narrow[TABLES_MAX + 1];

	for (u32 i = 0; i < count; i++)
		narrow[i] = (u32)entries[i];
	r.rsdt = (u32)put_table("RSDT", narrow, count * 4 + (how >> 6 & 3), 0);
	r.xsdt = how & 2 ? put_table("XSDT", entries, count * 8 + (how >> 4 & 3), 0) : 0;
	r.sum = -sum_of(&r, 20) + (how == 0x55);
	r.extended_sum = -sum_of(&r, sizeof(r)) + (how == 0x57);
	if (used + sizeof(r) > RAM_SIZE)
		return;
	memcpy(ram + used, &r, sizeof(r));
	boot_info.rsdp = RAM_BASE + used;
	used += sizeof(r);
}

static void put_tables(struct input *in)
{
	u8 how = input_byte(in);
	u64 entries[TABLES_MAX + 1];
	u32 count = 0;
	paddr_t dsdt = 0;

	while (count < TABLES_MAX && input_left(in)) {
		u8 kind = input_byte(in);
		u32 n = input_byte(in) * (kind & 0x80 ? 2U : 1U), which = kind & 7;
		const char *signature = signatures[which % ARRAY_SIZE(signatures)];
		u8 body[512];

		input_bytes(in, body, n);
		if (!memcmp(signature, "FACP", 4) && n >= 112) {
			memcpy(body + 4, &dsdt, 4);
			memcpy(body + 104, &dsdt, 8);
		}
		entries[count] = put_table(signature, body, n, kind >> 3 & 3);
		if (!memcmp(signature, "DSDT", 4))
			dsdt = entries[count];
		count++;
	}
	put_root(entries, count, how);
}

static void check_info(void)
{
	const struct acpi_info *a = &acpi_info;

	HOLDS(a->cpu_count >= 1 && a->cpu_count <= MAX_CPUS);
	for (u32 i = 0; i < a->cpu_count; i++)
		for (u32 k = 0; k < i; k++)
			HOLDS(a->cpu_apic_ids[i] != a->cpu_apic_ids[k]);
	for (u32 i = 1; i < a->cpu_count; i++)
		HOLDS(a->cpu_apic_ids[i] < 255 || (cpu_features.x2apic && a->wants_x2apic));
	HOLDS(a->ioapic_count <= ACPI_IOAPICS_MAX && a->override_count <= ACPI_OVERRIDES_MAX);
	HOLDS(a->sci_irq <= 0xffff);
}

static void check_tables(void)
{
	struct aml_s5 s5;
	struct aml_ged ged;

	for (u32 i = 0; i < ARRAY_SIZE(signatures); i++) {
		const struct acpi_header *t;

		for (u32 n = 0; n <= TABLES_MAX && (t = acpi_table_find(signatures[i], n)); n++) {
			HOLDS(!memcmp(t->signature, signatures[i], 4) && t->length >= sizeof(*t));
			HOLDS(!sum_of(t, t->length));
			if (i == 1 && !n)
				memcpy(&fadt, t, MIN(t->length, sizeof(fadt)));
		}
	}
	if (acpi_code_any(aml_find_s5, &s5))
		HOLDS(s5.type_a < 8 && s5.type_b < 8);
	(void)acpi_code_any(aml_find_i8042, NULL);
	(void)acpi_code_any(aml_find_ged, &ged);
}

/* acpi_init() is called once in the kernel's life.  Here the root that it knows must go first. */
static void forget_root(void)
{
	memset(ram, 0, sizeof(ram));
	memcpy(ram, "RSD PTR ", 8);
	ram[15] = 2; /* the revision; both roots are at 0 */
	ram[8] = -sum_of(ram, 20);
	ram[32] = -sum_of(ram, 36);
	boot_info.rsdp = RAM_BASE;
	acpi_init();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};

	forget_root();
	memset(ram, 0, sizeof(ram));
	memset(&acpi_info, 0, sizeof(acpi_info));
	memset(&fadt, 0, sizeof(fadt));
	boot_info.rsdp = 0;
	used = 0;
	cpu_features.x2apic = input_byte(&in) & 1;
	put_tables(&in);
	acpi_init();
	check_info();
	check_tables();
	while (map_count)
		free(maps[--map_count]);
	return 0;
}
