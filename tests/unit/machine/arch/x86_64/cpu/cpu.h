/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: the interrupt flag is a variable.
 */
#pragma once

#include "kernel/lib/base.h"

extern bool host_irqs;

static inline bool irqs_enabled(void)
{
	return host_irqs;
}

static inline u64 irq_save(void)
{
	u64 flags = host_irqs;

	host_irqs = false;
	return flags;
}

static inline void irq_restore(u64 flags)
{
	host_irqs = flags;
}
