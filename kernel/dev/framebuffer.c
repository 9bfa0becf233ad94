/* SPDX-License-Identifier: MIT
 *
 * Characters on a framebuffer of pixels.  It is mapped write-combining, and it is only written,
 * because reads of such memory are slower by orders of magnitude (SDM 3A 12.3.1).
 */
#include "arch/x86_64/mmu/paging.h"
#include "kernel/dev/boot_display.h"
#include "kernel/dev/display.h"
#include "kernel/dev/font.h"
#include "kernel/dev/pixel.h"
#include "kernel/log/log.h"

#define PICTURE_PIXELS 3 /* the least for a square of a picture: a camera must see it */

static u8 *pixels;
static u32 width, height, pitch, pixel_bytes;
static u32 scale;	/* each pixel of the font is a square of so many pixels */
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
	const struct boot_display *d = &boot_display;

	width = d->width;
	height = d->height;
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
	scale = font_scale(d->width, d->height);
	*columns = d->width / (FONT_WIDTH * scale);
	*rows = d->height / (FONT_HEIGHT * scale);
	return true;
}

/* Set `count` pixels to a colour; the address after them. */
static u8 *put_pixels(u8 *to, u32 colour, u32 count)
{
	for (; count; count--, to += pixel_bytes)
		pixel_put(to, pixel_bytes, colour);
	return to;
}

/* Draw one line of pixels of a character, of which the highest bit of `bits` is the first; the
 * address after it. */
static u8 *draw_line(u8 *to, u8 bits, u32 foreground, u32 background)
{
	/* What two neighbouring pixels are, by their bits: the first lies at the lower address. */
	const u64 pairs[4] = {
	    background | (u64)background << 32, background | (u64)foreground << 32,
	    foreground | (u64)background << 32, foreground | (u64)foreground << 32};

	if (scale == 1 && pixel_bytes == 4) {
		for (u32 x = 0; x < FONT_WIDTH / 2; x++, bits <<= 2, to += 8)
			*(volatile u64 *)to = pairs[bits >> 6];
		return to;
	}
	for (u32 x = 0; x < FONT_WIDTH; x++, bits <<= 1)
		to = put_pixels(to, bits & 0x80 ? foreground : background, scale);
	return to;
}

static u8 glyph_line(const struct vt_cell *cell, const u8 *glyph, u32 y)
{
	u8 bits = cell->flags & VT_UNDERLINE && y == FONT_HEIGHT - 2 ? 0xff : glyph[y];

	return cell->flags & VT_CURSOR ? ~bits : bits;
}

/* Line of pixels by line of pixels through all cells, so that the processor can gather neighbouring
 * writes into transfers of 64 bytes. */
static void framebuffer_draw(u32 column, u32 row, const struct vt_cell *cells, u32 count)
{
	u8 *line = pixels + (size_t)row * FONT_HEIGHT * scale * pitch +
		   (size_t)column * FONT_WIDTH * scale * pixel_bytes;
	const u8 *glyphs[DRAW_CELLS];

	for (u32 i = 0; i < count; i++)
		glyphs[i] = font_find(cells[i].code);
	for (u32 y = 0; y < FONT_HEIGHT * scale; y++, line += pitch) {
		u8 *to = line;

		for (u32 i = 0; i < count; i++)
			to = draw_line(to, glyph_line(&cells[i], glyphs[i], y / scale),
				       palette[cells[i].colours & 15],
				       palette[cells[i].colours >> 4]);
	}
}

/* At most as high as the screen and half as wide. */
static u32 framebuffer_picture(const u8 *dark, u32 side)
{
	u32 squares = side + 2 * PICTURE_MARGIN, size = MIN(height, width / 2) / squares;
	u32 left = width - size * squares;

	if (size < PICTURE_PIXELS)
		return 0;
	for (u32 y = 0; y < size * squares; y++) {
		u8 *to = pixels + (size_t)y * pitch + (size_t)left * pixel_bytes;

		for (u32 x = 0; x < squares; x++)
			to = put_pixels(
			    to, palette[picture_is_dark(dark, side, x, y / size) ? 0 : 15], size);
	}
	return left / (FONT_WIDTH * scale);
}

const struct display_driver framebuffer_driver = {
    .name = "framebuffer",
    .open = framebuffer_open,
    .draw = framebuffer_draw,
    .picture = framebuffer_picture,
};
