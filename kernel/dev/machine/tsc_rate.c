/* SPDX-License-Identifier: MIT
 *
 * From values of CPUID to the frequency of the TSC.
 */
#include "kernel/dev/machine/tsc_rate.h"

#include "kernel/lib/string.h"

#define MHZ 1000000UL

/* The crystals of processors whose leaf 15h leaves it out (SDM 3B, table 19-85; 5Fh is Atom C3000).
 * Those of model 55h have 24 or 25 MHz: leaf 16h decides. */
static const struct {
	u8 model;
	u64 hz;
} crystals[] = {
    {0x4e, 24000000}, {0x5e, 24000000}, {0x8e, 24000000},
    {0x9e, 24000000}, {0x5c, 19200000}, {0x5f, 25000000},
};

static u64 crystal_of_model(const struct tsc_leaves *l)
{
	for (u32 i = 0; l->intel && l->family == 6 && i < ARRAY_SIZE(crystals); i++)
		if (crystals[i].model == l->model)
			return crystals[i].hz;
	return 0;
}

/* Returns the usual crystal that makes the ratio of leaf 15h agree with the base frequency within
 * half a percent; 0: none does. */
static u64 crystal_of_base(const struct cpuid_result *ratio, u64 base_hz)
{
	static const u64 usual[] = {24000000, 25000000, 19200000, 38400000};

	for (u32 i = 0; base_hz && i < ARRAY_SIZE(usual); i++) {
		u64 hz = usual[i] * ratio->ebx / ratio->eax;

		if (hz + base_hz / 200 > base_hz && hz < base_hz + base_hz / 200)
			return usual[i];
	}
	return 0;
}

struct tsc_known tsc_rate_decide(const struct tsc_leaves *l)
{
	const struct cpuid_result *ratio = &l->leaf_15;
	u64 base_hz = (l->leaf_16.eax & 0xffff) * MHZ, crystal = ratio->ecx;
	const char *by = "CPUID 15h";

	/* Kilohertz.  Hyper-V has other leaves at these numbers. */
	if (l->hypervisor[0] && strcmp(l->hypervisor, "Microsoft Hv") && l->leaf_40000010.eax)
		return (struct tsc_known){.hz = l->leaf_40000010.eax * 1000UL,
					  .by = "the hypervisor"};
	if (ratio->eax && ratio->ebx) {
		if (!crystal) {
			by = "CPUID 15h and the model's crystal";
			crystal = crystal_of_model(l) ?: crystal_of_base(ratio, base_hz);
		}
		if (crystal)
			return (struct tsc_known){.hz = crystal * ratio->ebx / ratio->eax,
						  .by = by};
	}
	if (base_hz)
		return (struct tsc_known){.hz = base_hz, .by = "CPUID 16h, roughly", .rough = true};
	return (struct tsc_known){0};
}
