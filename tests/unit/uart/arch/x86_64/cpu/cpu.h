/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: the test gives the ports, and the interrupt flag is a variable.
 */
#pragma once

#include "kernel/lib/base.h"

extern bool host_irqs;

u8 inb(u16 port);
void outb(u16 port, u8 value);

static inline void cpu_relax(void)
{
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
