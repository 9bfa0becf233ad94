/* SPDX-License-Identifier: MIT
 *
 * Characters on a framebuffer of pixels.  It is mapped write-combining, and it is only written,
 * because reads of such memory are slower by orders of magnitude (SDM 3A 12.3.1).
 */
#include "arch/x86_64/mmu/paging.h"
#include "boot/boot_info.h"
#include "kernel/dev/display.h"
#include "kernel/dev/font.h"
#include "kernel/log/log.h"

static u8 *pixels;
static u32 pitch, pixel_bytes;
static u32 palette[16]; /* the colours as values of a pixel */

/* The 16 colours of the VGA, as 0xrrggbb. */
static const u32 colours[16] = {
    0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
    0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

/* Move an 8-bit colour component to its position and size in a pixel. */
static u32 component(u32 value, u32 shift, u32 bits)
{
	return (bits < 8 ? value >> (8 - bits) : value << (bits - 8)) << shift;
}

static bool framebuffer_open(u32 *columns, u32 *rows)
{
	const struct boot_display *d = &boot_info.display;

	pitch = d->pitch;
	pixel_bytes = (d->bits_per_pixel + 7) / 8;
	if (pixel_bytes < 2 || pixel_bytes > 4 || pitch < d->width * pixel_bytes) {
		log_warn("display: not used: %u bits a pixel, %u bytes a line are not supported",
			 d->bits_per_pixel, pitch);
		return false;
	}
	if (!font_count) {
		log_warn("display: not used: this kernel was built without a font");
		return false;
	}
	pixels = mmio_map(d->address, (size_t)pitch * d->height, CACHE_WRITE_COMBINING);
	if (!pixels) {
		log_warn("display: not used: its memory cannot be mapped");
		return false;
	}
	for (u32 i = 0; i < ARRAY_SIZE(palette); i++)
		palette[i] = component(colours[i] >> 16, d->red_shift, d->red_bits) |
			     component(colours[i] >> 8 & 0xff, d->green_shift, d->green_bits) |
			     component(colours[i] & 0xff, d->blue_shift, d->blue_bits);
	*columns = d->width / FONT_WIDTH;
	*rows = d->height / FONT_HEIGHT;
	return true;
}

/* Draw one line of a character: eight pixels, of which the highest bit of `bits` is the first. */
static void draw_line(u8 *to, u8 bits, u32 foreground, u32 background)
{
	for (u32 x = 0; x < FONT_WIDTH; x++, bits <<= 1, to += pixel_bytes) {
		u32 colour = bits & 0x80 ? foreground : background;

		switch (pixel_bytes) {
		case 4:
			*(volatile u32 *)to = colour;
			break;
		case 3:
			*(volatile u8 *)to = colour;
			*(volatile u8 *)(to + 1) = colour >> 8;
			*(volatile u8 *)(to + 2) = colour >> 16;
			break;
		default:
			*(volatile u16 *)to = colour;
		}
	}
}

static void framebuffer_draw(u32 column, u32 row, struct vt_cell cell)
{
	u8 *to = pixels + (size_t)row * FONT_HEIGHT * pitch + column * FONT_WIDTH * pixel_bytes;
	u32 foreground = palette[cell.colours & 15], background = palette[cell.colours >> 4];
	const u8 *glyph = font_find(cell.code);

	for (u32 y = 0; y < FONT_HEIGHT; y++, to += pitch) {
		u8 bits = glyph[y];

		if (cell.flags & VT_UNDERLINE && y == FONT_HEIGHT - 2)
			bits = 0xff;
		draw_line(to, cell.flags & VT_CURSOR ? ~bits : bits, foreground, background);
	}
}

const struct display_driver framebuffer_driver = {
    .name = "framebuffer",
    .open = framebuffer_open,
    .draw = framebuffer_draw,
};
