/* SPDX-License-Identifier: MIT
 *
 * What this processor can do, read once from CPUID and switched on per CPU.
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

/* Read CPUID into cpu_features; boot CPU, once.  Stops with a message where something that Heddle
 * cannot do without is missing (long mode, SSE2, FXSR, NX is optional). */
void features_detect(void);

/* Switch on, on the calling CPU, what cpu_features lists: CR0.WP, CR4, EFER.NXE and SCE, PAT.
 * Returns false, having logged it, where this CPU lacks what the boot CPU has. */
bool features_enable_cpu(void);

/* Words for /proc/cpuinfo's "flags". */
size_t features_flags_text(char *buf, size_t size);
