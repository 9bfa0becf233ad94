/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: the test gives the ports, and the interrupt flag is a variable.
 */
#pragma once

#include "tests/unit/machine/arch/x86_64/cpu/cpu.h"

u8 inb(u16 port);
void outb(u16 port, u8 value);

static inline void cpu_relax(void)
{
}
