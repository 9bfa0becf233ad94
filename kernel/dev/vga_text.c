/* SPDX-License-Identifier: MIT
 *
 * VGA text mode: cells of a character and an attribute, at 0xb8000.  Only the ASCII part of its
 * code page 437 is used.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "kernel/dev/boot_display.h"
#include "kernel/dev/display.h"
#include "kernel/log/log.h"

#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5

#define UPPER_HALF 0xdf /* of a cell, in code page 437 */
#define LIGHT	   7	/* grey: a bright background would blink */

static u8 *cells;
static u32 width, height, pitch;

/* Bits 0 to 2 of a colour are blue, green, red in VGA, and red, green, blue in SGR: swap bits 0 and
 * 2. */
static u8 to_vga_colour(u8 c)
{
	return (c & 0x0a) | (c & 1) << 2 | (c & 4) >> 2;
}

static bool vga_text_open(u32 *columns, u32 *rows)
{
	const struct boot_display *d = &boot_display;

	pitch = d->pitch ? d->pitch : d->width * 2;
	cells = mmio_map(d->address, (size_t)pitch * d->height, CACHE_UNCACHED);
	if (!cells) {
		log_warn("display: not used: its memory cannot be mapped");
		return false;
	}
	/* The emulator draws the cursor, so hide the hardware cursor (bit 5 of the cursor start
	 * register). */
	outb(CRTC_INDEX, 0x0a);
	outb(CRTC_DATA, 0x20);
	*columns = width = d->width;
	*rows = height = d->height;
	return true;
}

static void draw_cell(u32 column, u32 row, struct vt_cell cell)
{
	u8 foreground = to_vga_colour(cell.colours & 15),
	   background = to_vga_colour(cell.colours >> 4);
	u8 attribute =
	    cell.flags & VT_CURSOR ? foreground << 4 | background : background << 4 | foreground;

	/* The BIOS sets up bit 7 to mean "blink", so bright backgrounds are not possible: clear
	 * it. */
	*(volatile u16 *)(cells + (size_t)row * pitch + column * 2) =
	    (u16)(attribute & 0x7f) << 8 | (cell.code >= ' ' && cell.code < 0x7f ? cell.code : '?');
}

static void vga_text_draw(u32 column, u32 row, const struct vt_cell *cells, u32 count)
{
	for (u32 i = 0; i < count; i++)
		draw_cell(column + i, row, cells[i]);
}

/* A square is half a cell, which is about as wide as high. */
static u32 vga_text_picture(const u8 *dark, u32 side)
{
	u32 squares = side + 2 * PICTURE_MARGIN;

	if (squares > 2 * height || squares > width * 3 / 4)
		return 0;
	for (u32 y = 0; y < squares; y += 2)
		for (u32 x = 0; x < squares; x++) {
			u32 upper = picture_is_dark(dark, side, x, y) ? 0 : LIGHT;
			u32 lower = picture_is_dark(dark, side, x, y + 1) ? 0 : LIGHT;

			*(volatile u16 *)(cells + (size_t)(y / 2) * pitch +
					  (width - squares + x) * 2) =
			    (u16)((lower << 4 | upper) << 8 | UPPER_HALF);
		}
	return width - squares;
}

const struct display_driver vga_text_driver = {
    .name = "VGA text",
    .open = vga_text_open,
    .draw = vga_text_draw,
    .picture = vga_text_picture,
};
