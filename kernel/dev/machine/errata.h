/* SPDX-License-Identifier: MIT
 *
 * Processors whose local timer fails, by family, model and stepping.
 */
#pragma once

#include "kernel/lib/base.h"

/* Returns the first revision of the microcode with which the TSC deadline of an Intel processor
 * works; 0: it works with each.  Specification updates of the processors; Linux has the same table.
 */
u32 deadline_microcode(u32 family, u32 model, u32 stepping);

/* AMD's erratum 400: if all cores halt, the chipset may enter C1E, and the local timers stop
 * (revision guides of families 0Fh and 10h).  Processors with OS-visible workarounds tell it by the
 * MSRs C001_0140 and C001_0141 (APM 2, appendix A): their values; for others the length is 0. */
bool c1e_stops_timer(u32 family, u32 model, u32 stepping, u64 osvw_length, u64 osvw_status);
