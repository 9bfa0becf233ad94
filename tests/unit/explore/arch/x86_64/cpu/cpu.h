/* SPDX-License-Identifier: MIT
 *
 * The explorer's stand-in: an actor has a CPU of its own, whose interrupt flag is a variable.
 */
#pragma once

#include "tests/unit/explore/explore.h"

#define RFLAGS_IF (1UL << 9)

extern u64 explore_irqs[ACTORS];

static inline bool irqs_enabled(void)
{
	return explore_irqs[explore_self()];
}

static inline void irq_enable(void)
{
	explore_irqs[explore_self()] = RFLAGS_IF;
}

static inline void irq_disable(void)
{
	explore_irqs[explore_self()] = 0;
}

static inline u64 irq_save(void)
{
	u64 flags = explore_irqs[explore_self()];

	irq_disable();
	return flags;
}

static inline void irq_restore(u64 flags)
{
	if (flags & RFLAGS_IF)
		irq_enable();
}

void cpu_relax(void);
void cpu_idle_halt(void);

#define MSR_FS_BASE	   0
#define MSR_KERNEL_GS_BASE 0

static inline void wrmsr(u32 msr, u64 value)
{
}
