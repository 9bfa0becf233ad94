/* SPDX-License-Identifier: MIT
 *
 * The frequency of the TSC as the processor or the hypervisor tells it.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/calibrate.h"

/* What the decision depends on.  A leaf that CPUID does not have is zero. */
struct tsc_leaves {
	bool intel;
	u32 family, model;
	struct cpuid_result leaf_15, leaf_16;
	char hypervisor[13];		   /* its signature; empty: there is none */
	struct cpuid_result leaf_40000010; /* only of a hypervisor whose leaf 40000000h covers it */
};

/* Decide by CPUID alone, from the most to the least trusted: the hypervisor's leaf 40000010h, leaf
 * 15h with its crystal, leaf 15h with the crystal of the model, leaf 16h.  `uneven` stays false.
 * SDM 2A, CPUID; SDM 3B 19.7.3. */
struct tsc_known tsc_rate_decide(const struct tsc_leaves *l);
