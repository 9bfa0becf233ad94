/* SPDX-License-Identifier: MIT
 *
 * What the boot loader reports, in one form for all boot loaders.
 */
#pragma once

#include "kernel/lib/base.h"

#define BOOT_MEMORY_MAX	 512
#define BOOT_LOW_END	 0x10000UL /* firmware of some machines writes to the lowest 64 KiB */
#define BOOT_MEMORY_LIMIT (1UL << 46) /* 64 TiB, the direct map's size; the rest is not used */
#define BOOT_MODULES_MAX 16
#define BOOT_CMDLINE_MAX 2048

/* If two ranges contain the same bytes, the higher type wins: it allows less. */
enum boot_memory_type {
	BOOT_MEMORY_USABLE,
	BOOT_MEMORY_TAKEN, /* RAM in use: image, modules, boot information, lowest 64 KiB */
	BOOT_MEMORY_ACPI, /* ACPI tables: RAM that the kernel must not write */
	BOOT_MEMORY_NVS,
	BOOT_MEMORY_RESERVED, /* also every unknown type */
};

struct boot_memory {
	paddr_t base; /* bytes; both are whole pages */
	u64 length;
	enum boot_memory_type type;
};

/* Returns whether a range is RAM that the kernel may write. */
static inline bool boot_memory_is_ram(const struct boot_memory *m)
{
	return m->type == BOOT_MEMORY_USABLE || m->type == BOOT_MEMORY_TAKEN;
}

struct boot_module {
	paddr_t start, end; /* end is one past the last byte */
};

struct boot_info {
	const char *protocol;  /* "multiboot2" or "PVH" */
	char cmdline[BOOT_CMDLINE_MAX];
	u32 memory_count, memory_left_out; /* left out: ranges that did not fit */
	struct boot_memory memory[BOOT_MEMORY_MAX]; /* sorted by base, no overlaps */
	u32 module_count;
	struct boot_module modules[BOOT_MODULES_MAX];
	paddr_t rsdp;	       /* of ACPI, or the boot loader's copy of it; 0: none */
	paddr_t info_start, info_end; /* the structure of the boot loader */
	paddr_t trampoline_page; /* a free page below 1 MiB for trampoline.S; 0: none */
	u64 entry_tsc;	       /* TSC at the first instruction */
};

/* boot_parse() fills it before kernel_main() is called; it does not change after that. */
extern struct boot_info boot_info;

/* Fill boot_info from the data of the boot loader: `magic` was in eax, `info` in ebx.  boot.S calls
 * it in 64-bit mode, on the boot stack, interrupts off.  Never fails: a field whose data is missing
 * or broken stays empty, and kernel_main() reports this when it has a console. */
void boot_parse(u32 magic, paddr_t info);

/* Returns whether all of [start, end) lies in one usable range of the map. */
bool boot_range_usable(paddr_t start, paddr_t end);
