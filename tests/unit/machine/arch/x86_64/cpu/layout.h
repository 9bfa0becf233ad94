/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: "physical" memory is one array, and the image the part of it from 1 MiB on.
 */
#pragma once

#include "kernel/lib/base.h"

#define DIRECT_MAP_BASE	 ((u64)host_memory)
#define DIRECT_MAP_SIZE	 0x0000400000000000
#define KSTACK_AREA_BASE 0x0000200000000000
#define KSTACK_AREA_SIZE 0x0000008000000000
#define KSTACK_SIZE	 8192

#define HOST_MEMORY_SIZE (32UL << 20)
#define __boot_start	 ((char *)0x100000)
#define __kernel_end	 (host_memory + 0x180000)

extern char *host_memory;
extern char boot_stack_guard[];

static inline void *phys_to_virt(paddr_t p)
{
	return host_memory + p;
}

static inline paddr_t virt_to_phys(const void *v)
{
	return (paddr_t)((const char *)v - host_memory);
}
