/* host-sources: kernel/dev/machine/tsc_rate.c kernel/dev/machine/errata.c
 * kernel/dev/machine/iommu_units.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * Decisions about the machine: from values of CPUID to the rate of the TSC and to errata, from ACPI
 * tables to the units that remap interrupts.
 */
#include "kernel/dev/machine/errata.h"
#include "kernel/dev/machine/iommu.h"
#include "kernel/dev/machine/tsc_rate.h"
#include "kernel/lib/string.h"
#include "tests/unit/host.h"

#define INTEL(m) .intel = true, .family = 6, .model = m

static void tsc_rates(void)
{
	static const struct {
		struct tsc_leaves in;
		u64 hz;
		const char *by;
		bool rough;
	} cases[] = {
	    {{INTEL(0x3c)}, 0, NULL, false}, /* Haswell has neither leaf */
	    {{.family = 0x17, .model = 0x31}, 0, NULL, false},
	    /* Ice Lake tells its crystal. */
	    {{INTEL(0x7e), .leaf_15 = {2, 78, 38400000, 0}, .leaf_16 = {1500, 3900, 100, 0}},
	     1497600000,
	     "CPUID 15h",
	     false},
	    {{INTEL(0x97), .leaf_15 = {2, 166, 38400000, 0}}, 3187200000, "CPUID 15h", false},
	    /* Skylake, Kaby Lake, Apollo Lake and Denverton do not. */
	    {{INTEL(0x5e), .leaf_15 = {2, 284, 0, 0}, .leaf_16 = {3400, 4000, 100, 0}},
	     3408000000,
	     "CPUID 15h and the model's crystal",
	     false},
	    {{INTEL(0x9e), .leaf_15 = {2, 300, 0, 0}},
	     3600000000,
	     "CPUID 15h and the model's crystal",
	     false},
	    {{INTEL(0x5c), .leaf_15 = {3, 171, 0, 0}},
	     1094400000,
	     "CPUID 15h and the model's crystal",
	     false},
	    {{INTEL(0x5f), .leaf_15 = {2, 176, 0, 0}},
	     2200000000,
	     "CPUID 15h and the model's crystal",
	     false},
	    /* Model 55h: the base frequency decides between 25 and 24 MHz. */
	    {{INTEL(0x55), .leaf_15 = {2, 168, 0, 0}, .leaf_16 = {2100, 3700, 100, 0}},
	     2100000000,
	     "CPUID 15h and the model's crystal",
	     false},
	    {{INTEL(0x55), .leaf_15 = {2, 300, 0, 0}, .leaf_16 = {3600, 4300, 100, 0}},
	     3600000000,
	     "CPUID 15h and the model's crystal",
	     false},
	    /* No crystal fits: only leaf 16h is left, which is rounded.  Its upper half is
	     * reserved. */
	    {{INTEL(0x55), .leaf_15 = {2, 200, 0, 0}, .leaf_16 = {0xffff0000 | 3600, 0, 0, 0}},
	     3600000000,
	     "CPUID 16h, roughly",
	     true},
	    {{INTEL(0xaa), .leaf_15 = {2, 200, 0, 0}}, 0, NULL, false},
	    /* The same model number of another vendor or family has no crystal of Intel's. */
	    {{.family = 6, .model = 0x5e, .leaf_15 = {2, 284, 0, 0}}, 0, NULL, false},
	    {{.intel = true, .family = 15, .model = 0x5e, .leaf_15 = {2, 284, 0, 0}},
	     0,
	     NULL,
	     false},
	    {{INTEL(0x5e), .leaf_15 = {0, 284, 24000000, 0}}, 0, NULL, false},
	    {{INTEL(0x5e), .leaf_15 = {2, 0, 24000000, 0}}, 0, NULL, false},
	    /* A ratio of 32 bits does not overflow. */
	    {{INTEL(0x97), .leaf_15 = {0xffffffff, 0xffffffff, 38400000, 0}},
	     38400000,
	     "CPUID 15h",
	     false},
	    /* The hypervisor knows better than the leaf of the processor. */
	    {{INTEL(0x5e), .leaf_15 = {2, 284, 0, 0}, .hypervisor = "KVMKVMKVM",
	      .leaf_40000010 = {2592000, 1000000, 0, 0}},
	     2592000000,
	     "the hypervisor",
	     false},
	    {{.family = 0x19,
	      .hypervisor = "VMwareVMware",
	      .leaf_40000010 = {4200000, 66000, 0, 0}},
	     4200000000,
	     "the hypervisor",
	     false},
	    {{INTEL(0x9e), .leaf_15 = {2, 300, 0, 0}, .hypervisor = "Microsoft Hv",
	      .leaf_40000010 = {1, 2, 3, 4}},
	     3600000000,
	     "CPUID 15h and the model's crystal",
	     false},
	    {{INTEL(0x5e), .leaf_15 = {2, 284, 0, 0}, .hypervisor = "TCGTCGTCGTCG"},
	     3408000000,
	     "CPUID 15h and the model's crystal",
	     false},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tsc_known known = tsc_rate_decide(&cases[i].in);

		if (known.hz != cases[i].hz)
			printf("# case %u\n", i);
		CHECK_EQ(known.hz, cases[i].hz);
		CHECK_EQ(known.rough, cases[i].rough);
		CHECK(!known.by == !cases[i].by && (!known.by || !strcmp(known.by, cases[i].by)));
		CHECK(!known.uneven);
	}
}

static void deadlines(void)
{
	CHECK_EQ(deadline_microcode(6, 0x3c, 3), 0x22);
	CHECK_EQ(deadline_microcode(6, 0x45, 1), 0x20);
	CHECK_EQ(deadline_microcode(6, 0x3f, 2), 0x3a);
	CHECK_EQ(deadline_microcode(6, 0x3f, 4), 0x0f);
	CHECK_EQ(deadline_microcode(6, 0x3f, 3), 0);
	CHECK_EQ(deadline_microcode(6, 0x56, 5), 0x0e000003);
	CHECK_EQ(deadline_microcode(6, 0x5e, 3), 0xb2);
	CHECK_EQ(deadline_microcode(6, 0x55, 4), 0x02000014);
	CHECK_EQ(deadline_microcode(6, 0x55, 7), 0); /* Cascade Lake */
	CHECK_EQ(deadline_microcode(6, 0x9e, 12), 0x52);
	CHECK_EQ(deadline_microcode(6, 0x2a, 7), 0); /* Sandy Bridge */
	CHECK_EQ(deadline_microcode(6, 0x97, 2), 0);
	CHECK_EQ(deadline_microcode(15, 0x3c, 3), 0);
}

static void erratum_400(void)
{
	CHECK(!c1e_stops_timer(0xf, 0x41, 1, 0, 0));
	CHECK(c1e_stops_timer(0xf, 0x41, 2, 0, 0));
	CHECK(c1e_stops_timer(0xf, 0x6b, 1, 0, 0));
	CHECK(!c1e_stops_timer(0x10, 2, 0, 0, 0));
	CHECK(c1e_stops_timer(0x10, 2, 1, 0, 0));
	CHECK(c1e_stops_timer(0x10, 10, 0, 0, 0));
	CHECK(!c1e_stops_timer(0x11, 3, 1, 0, 0));
	CHECK(!c1e_stops_timer(0x15, 2, 0, 0, 0));
	CHECK(!c1e_stops_timer(0x17, 1, 1, 0, 0));
	/* Workarounds that the system can see decide, if they reach as far as number 1. */
	CHECK(!c1e_stops_timer(0x10, 10, 0, 2, 0));
	CHECK(c1e_stops_timer(0x10, 10, 0, 2, 2));
	CHECK(c1e_stops_timer(0x12, 1, 0, 4, 2));
	CHECK(c1e_stops_timer(0x10, 10, 0, 1, 0));
}

static u8 table[256];
static u32 length;

static void entry_add(u16 type, u16 entry_length, u64 base)
{
	libc_memset(table + length, 0, entry_length);
	libc_memmove(table + length, &type, 2);
	libc_memmove(table + length + 2, &entry_length, 2);
	if (entry_length >= 16)
		libc_memmove(table + length + 8, &base, 8);
	length += entry_length;
}

static void remapping_units(void)
{
	paddr_t bases[4];

	length = 48;
	CHECK_EQ(iommu_units(table, 36, false, bases, 4), 0);
	CHECK_EQ(iommu_units(table, length, false, bases, 4), 0);
	entry_add(0, 24, 0xfed90000); /* DRHD */
	entry_add(1, 32, 0x12345000); /* reserved memory, no unit */
	entry_add(0, 16, 0xfed91000);
	entry_add(0x100, 16, 0x1000); /* another type, whose low byte is 0 */
	CHECK_EQ(iommu_units(table, length, false, bases, 4), 2);
	CHECK_EQ(bases[0], 0xfed90000);
	CHECK_EQ(bases[1], 0xfed91000);
	CHECK_EQ(iommu_units(table, length, false, bases, 1), 1);

	/* IVRS: one unit in three formats, and a second one.  The high byte of the type is flags.
	 */
	length = 48;
	entry_add(0xb010, 24, 0xfeb80000);
	entry_add(0xb011, 40, 0xfeb80000);
	entry_add(0x20, 32, 0x77777777);
	entry_add(0xb040, 40, 0xfeb80000);
	entry_add(0x0010, 24, 0xfeb00000);
	CHECK_EQ(iommu_units(table, length, true, bases, 4), 2);
	CHECK_EQ(bases[0], 0xfeb80000);
	CHECK_EQ(bases[1], 0xfeb00000);
}

/* The table lies at the end of its memory: the sanitizer sees what is read beyond. */
static void damaged_tables(void)
{
	paddr_t bases[4];

	for (u32 size = 36; size <= 120; size++)
		for (u32 round = 0; round < 300; round++) {
			u8 *copy = malloc(size);
			u32 found;

			for (u32 i = 0; i < size; i++)
				copy[i] = host_random() % 5 ? (u8)(host_random() % 24) : 0;
			found = iommu_units(copy, size, round % 2, bases, 4);
			CHECK(found <= 4);
			free(copy);
		}
}

int main(void)
{
	RUN(tsc_rates);
	RUN(deadlines);
	RUN(erratum_400);
	RUN(remapping_units);
	RUN(damaged_tables);
	return host_done();
}
