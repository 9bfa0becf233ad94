/* SPDX-License-Identifier: MIT
 *
 * The kernel's half of every address space.
 *
 *   0x0000000000001000 .. 0x00007ffffffff000  user; the last 16 KiB for the vDSO
 *   0xffff888000000000 + 64 TiB               direct map of physical memory
 *   0xffffc90000000000 + 512 GiB              kernel stacks, each with a guard page below
 *   0xffffd00000000000 + 512 GiB              device memory
 *   0xffffffff80000000 + 1 GiB                the kernel's image
 */
#pragma once

#include "kernel/lib/base.h"

/* Enumerations, so that gdb reads them from the debug information. */
enum {
	USER_MIN = 0x0000000000001000,
	USER_MAX = 0x00007ffffffff000, /* one past the last user byte */
	VVAR_BASE = 0x00007fffffffb000, /* the data of the vDSO; its code is in the next pages */
	DIRECT_MAP_BASE = 0xffff888000000000,
	DIRECT_MAP_SIZE = 0x0000400000000000,
	KSTACK_AREA_BASE = 0xffffc90000000000,
	KSTACK_AREA_SIZE = 0x0000008000000000, /* one top-level entry */
	MMIO_BASE = 0xffffd00000000000,
	MMIO_SIZE = 0x0000008000000000,
	KERNEL_BASE = 0xffffffff80000000, /* virtual = physical + KERNEL_BASE in the image */
};

/* Bytes of a kernel stack, without its guard page.  All tests together used 2,728 of them at most,
 * interrupts included, and a panic 3,360 (docs/rooms/mem.md).  Debug builds, in which code is tried
 * out, have twice as much. */
enum { KSTACK_SIZE = HEDDLE_DEBUG ? 16384 : 8192 };

/* The address of RAM in the direct map.  Until paging_init(), that is all of the first 4 GiB. */
static inline void *phys_to_virt(paddr_t p)
{
	return (void *)(p + DIRECT_MAP_BASE);
}

/* The physical address of a byte in the direct map or in the kernel's image. */
static inline paddr_t virt_to_phys(const void *v)
{
	u64 a = (u64)v;

	return a >= KERNEL_BASE ? a - KERNEL_BASE : a - DIRECT_MAP_BASE;
}

/* The image's sections, from linker.ld. */
extern char __kernel_start[], __kernel_end[];
extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[], __bss_start[], __bss_end[];
extern char __boot_start[], __boot_end[]; /* physical addresses, identity; take the address only */
extern char boot_stack_guard[], boot_stack_top[]; /* KSTACK_SIZE bytes above an unmapped page */
