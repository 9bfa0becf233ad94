/* SPDX-License-Identifier: MIT
 *
 * The screen that the boot loader has set up, as it describes it.
 */
#pragma once

#include "kernel/lib/base.h"

enum boot_display_type { BOOT_DISPLAY_NONE, BOOT_DISPLAY_TEXT, BOOT_DISPLAY_PIXELS };

struct boot_display {
	enum boot_display_type type;
	paddr_t address;   /* may lie above 4 GiB */
	u32 pitch;	   /* bytes a line */
	u32 width, height; /* pixels, or characters for TEXT */
	u8 bits_per_pixel; /* 15, 16, 24, 32 */
	u8 red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

/* early_screen.c fills it before the first line of the log is drawn. */
extern struct boot_display boot_display;
