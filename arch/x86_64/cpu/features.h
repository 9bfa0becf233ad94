/* SPDX-License-Identifier: MIT
 *
 * The features of the processor: read once from CPUID, enabled on each CPU.
 */
#pragma once

#include "kernel/lib/base.h"

struct cpu_features {
	char vendor[13];
	char brand[49];
	u32 family, model, stepping;
	u8 physical_bits;  /* of addresses, at most 52 */
	bool nx, pages_1g, pge, pat, mce, smep, smap, umip;
	bool fxsr, sse2, xsave, xsaveopt, avx, avx512;
	bool x2apic, tsc_deadline, invariant_tsc, hypervisor, rdrand, rdseed;
	u32 cpuid1_edx; /* AT_HWCAP */
};

extern struct cpu_features cpu_features; /* of the boot CPU */

/* The features that the kernel tests: Linux's names, where CPUID tells of them, and the fields of
 * cpu_features as offsets.  The last one has no name. */
extern const struct feature {
	char name[19];
	u8 word, bit, field;
} features[];

/* Read CPUID into cpu_features.  On the boot CPU, once.  Tests nothing: boot.S has tested for long
 * mode, and a processor that has it has FXSAVE and SSE2 too. */
void features_detect(void);

/* Enable the features of cpu_features on the calling CPU: CR0.WP, CR4, EFER.NXE and SCE, PAT.
 * Returns false, and logs why, if this CPU lacks a feature that the boot CPU has. */
bool features_enable_cpu(void);
