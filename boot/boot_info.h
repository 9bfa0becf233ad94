/* SPDX-License-Identifier: MIT
 *
 * What the boot loader told us, in one form whichever loader it was.
 */
#pragma once

#include "kernel/lib/base.h"

#define BOOT_MEMORY_MAX	 512
#define BOOT_LOW_END	 0x10000UL /* firmware scribbles over the lowest 64 KiB of some machines */
#define BOOT_MEMORY_LIMIT (1UL << 46) /* 64 TiB, the direct map's size: what is above is left alone */
#define BOOT_MODULES_MAX 16
#define BOOT_CMDLINE_MAX 2048

/* Of two that claim the same bytes the higher counts, which allows less. */
enum boot_memory_type {
	BOOT_MEMORY_USABLE,
	BOOT_MEMORY_TAKEN, /* RAM in use: image, modules, loader's information, lowest 64 KiB */
	BOOT_MEMORY_ACPI, /* ACPI tables: RAM, not ours to write */
	BOOT_MEMORY_NVS,
	BOOT_MEMORY_RESERVED, /* also every type we do not know */
};

struct boot_memory {
	paddr_t base; /* bytes; both are whole pages */
	u64 length;
	enum boot_memory_type type;
};

struct boot_module {
	paddr_t start, end; /* end is one past the last byte */
};

enum boot_display_type { BOOT_DISPLAY_NONE, BOOT_DISPLAY_TEXT, BOOT_DISPLAY_PIXELS };

struct boot_display {
	enum boot_display_type type;
	paddr_t address;      /* may lie above 4 GiB */
	u32 pitch;	      /* bytes a line */
	u32 width, height;    /* pixels, or characters for TEXT */
	u8 bits_per_pixel;    /* 15, 16, 24, 32 */
	u8 red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

struct boot_info {
	const char *protocol;  /* "multiboot2" or "PVH" */
	char cmdline[BOOT_CMDLINE_MAX];
	u32 memory_count, memory_left_out; /* the map was too long */
	struct boot_memory memory[BOOT_MEMORY_MAX]; /* sorted by base, no overlaps */
	u32 module_count;
	struct boot_module modules[BOOT_MODULES_MAX];
	paddr_t rsdp;	       /* or the loader's copy of it; 0: none */
	paddr_t info_start, info_end; /* the loader's own structure */
	paddr_t trampoline_page; /* a free page below 1 MiB where other CPUs can begin; 0: none */
	struct boot_display display;
	u64 entry_tsc;	       /* TSC at the first instruction */
};

/* Filled before kernel_main() is called; not changed afterwards. */
extern struct boot_info boot_info;

/* Turn what the loader left (`magic` as it was in eax, `info` in ebx) into boot_info.  Called by
 * boot.S in 64-bit mode, on the boot stack, interrupts off.  Never fails: what is missing or broken
 * is left empty, and kernel_main() complains once it has a console. */
void boot_parse(u32 magic, paddr_t info);

/* Does all of [start, end) lie in one usable range of the map? */
bool boot_range_usable(paddr_t start, paddr_t end);
