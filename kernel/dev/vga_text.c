/* SPDX-License-Identifier: MIT
 *
 * VGA text mode: cells of a character in code page 437 and an attribute, at 0xb8000.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "boot/boot_info.h"
#include "kernel/dev/display.h"
#include "kernel/lib/log.h"

#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5

static u8 *cells;
static u32 pitch;

/* Code page 437 from 0x80 on. */
static const u16 cp437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static u8 to_cp437(u16 code)
{
	if (code >= ' ' && code < 0x7f)
		return code;
	for (u32 i = 0; i < ARRAY_SIZE(cp437); i++)
		if (cp437[i] == code)
			return 0x80 + i;
	switch (code) {
	case 0x2190:
		return 0x1b;
	case 0x2191:
		return 0x18;
	case 0x2192:
		return 0x1a;
	case 0x2193:
		return 0x19;
	case 0x25c6:
		return 0x04;
	}
	return '?';
}

/* VGA numbers its colours blue, green, red; SGR red, green, blue. */
static u8 to_vga_colour(u8 c)
{
	return (c & 0x0a) | (c & 1) << 2 | (c & 4) >> 2;
}

static bool vga_text_open(u32 *columns, u32 *rows)
{
	const struct boot_display *d = &boot_info.display;

	pitch = d->pitch ? d->pitch : d->width * 2;
	cells = mmio_map(d->address, (size_t)pitch * d->height, CACHE_UNCACHED);
	if (!cells) {
		log_warn("display: cannot be mapped");
		return false;
	}
	/* The emulator draws the cursor: hide the hardware's (cursor start register, bit 5). */
	outb(CRTC_INDEX, 0x0a);
	outb(CRTC_DATA, 0x20);
	*columns = d->width;
	*rows = d->height;
	return true;
}

static void vga_text_draw(u32 column, u32 row, struct vt_cell cell)
{
	u8 foreground = to_vga_colour(cell.colours & 15),
	   background = to_vga_colour(cell.colours >> 4);
	u8 attribute =
	    cell.flags & VT_CURSOR ? foreground << 4 | background : background << 4 | foreground;

	/* Bit 7 blinks as the BIOS leaves it: no bright backgrounds. */
	*(volatile u16 *)(cells + (size_t)row * pitch + column * 2) =
	    (u16)(attribute & 0x7f) << 8 | to_cp437(cell.code);
}

const struct display_driver vga_text_driver = {
    .name = "VGA text",
    .open = vga_text_open,
    .draw = vga_text_draw,
};
