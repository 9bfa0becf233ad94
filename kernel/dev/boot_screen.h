/* SPDX-License-Identifier: MIT
 *
 * Letters on the screen before the kernel has memory, page tables or locks: finding the screen in
 * the boot information, and drawing one letter.  refuse_32.c compiles this for 32-bit mode,
 * early_screen.c for 64-bit mode.  No function here calls another file.
 */
#pragma once

#include "kernel/dev/boot_display.h"
#include "kernel/dev/font.h"
#include "kernel/dev/pixel.h"

/* The text screen that a BIOS leaves behind, and its note of the mode (VGA modes 2 and 3: 80
 * columns of text). */
#define VGA_TEXT_ADDRESS 0xb8000
#define BIOS_VIDEO_MODE	 0x449

#define TEXT_ATTRIBUTE	 0x0700 /* grey on black, in the upper byte of a cell */

struct boot_screen {
	enum boot_display_type type;
	u8 *memory;
	u32 pitch, pixel_bytes, ink; /* ink: the value of a white pixel */
	u32 scale, columns, rows;
	const struct font_glyph *font;
	u32 font_count;
};

/* The tag of Multiboot2 that describes the screen (Multiboot2 Specification 2.0, 3.6.12). */
struct boot_display_tag {
	u32 type, size;
	u64 address;
	u32 pitch, width, height;
	u8 bits_per_pixel, kind;
	u16 reserved;
	u8 red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits; /* kind 1 */
} __packed;

#define BOOT_DISPLAY_TAG       8
#define BOOT_EFI32_TAG	       11
#define BOOT_EFI64_TAG	       12
#define BOOT_DISPLAY_RGB       1
#define BOOT_DISPLAY_TEXT_KIND 2

/* Read one tag of at least `size` bytes.  A tag that is too short or of another kind leaves `d` as
 * it is. */
static inline void boot_display_read(struct boot_display *d, const struct boot_display_tag *t)
{
	if (t->type != BOOT_DISPLAY_TAG || t->size < offsetof(struct boot_display_tag, red_shift))
		return;
	if (t->kind == BOOT_DISPLAY_RGB && t->size >= sizeof(*t)) {
		d->type = BOOT_DISPLAY_PIXELS;
		d->red_shift = t->red_shift;
		d->red_bits = t->red_bits;
		d->green_shift = t->green_shift;
		d->green_bits = t->green_bits;
		d->blue_shift = t->blue_shift;
		d->blue_bits = t->blue_bits;
	} else if (t->kind == BOOT_DISPLAY_TEXT_KIND) {
		d->type = BOOT_DISPLAY_TEXT;
	} else {
		return;
	}
	d->address = t->address;
	d->pitch = t->pitch;
	d->width = t->width;
	d->height = t->height;
	d->bits_per_pixel = t->bits_per_pixel;
}

/* Nothing describes the screen: if a BIOS has set VGA text mode, that is it. */
static inline void boot_display_vga_text(struct boot_display *d)
{
	const volatile u8 *mode = (const volatile u8 *)BIOS_VIDEO_MODE;

	__asm__("" : "+r"(mode)); /* the compiler takes low addresses for members of NULL */
	if (*mode == 2 || *mode == 3)
		*d = (struct boot_display){.type = BOOT_DISPLAY_TEXT,
					   .address = VGA_TEXT_ADDRESS,
					   .pitch = 160,
					   .width = 80,
					   .height = 25};
}

/* Find the screen in the boot information of Multiboot2 at `info`.  GRUB does not describe text
 * mode if the VGA BIOS lacks VBE.  Under UEFI nothing sets the variables of a BIOS. */
static inline void boot_display_multiboot2(struct boot_display *d, uintptr_t info)
{
	u32 total = *(const u32 *)info, at = 8;
	bool uefi = false;

	while (at + 8 <= total) {
		const struct boot_display_tag *t = (const void *)(info + at);

		if (!t->type || t->size < 8 || t->size > total - at)
			break;
		boot_display_read(d, t);
		uefi |= t->type == BOOT_EFI32_TAG || t->type == BOOT_EFI64_TAG;
		at += ALIGN_UP(t->size, 8);
	}
	if (d->type == BOOT_DISPLAY_NONE && !uefi)
		boot_display_vga_text(d);
}

/* Prepare to draw on `d`, whose memory is mapped at `memory`; `scale` as in font_scale().  Returns
 * false if letters cannot be drawn there: no screen, an unknown size of a pixel, no font. */
static inline bool boot_screen_open(struct boot_screen *s, const struct boot_display *d,
				    void *memory, u32 scale, const struct font_glyph *font,
				    u32 font_count)
{
	s->type = d->type;
	s->memory = memory;
	s->pitch = d->pitch;
	s->font = font;
	s->font_count = font_count;
	s->columns = d->width;
	s->rows = d->height;
	if (d->type == BOOT_DISPLAY_PIXELS) {
		s->scale = scale;
		s->columns /= FONT_WIDTH * scale;
		s->rows /= FONT_HEIGHT * scale;
		s->pixel_bytes = (d->bits_per_pixel + 7u) / 8;
		s->ink = ((1u << d->red_bits) - 1) << d->red_shift |
			 ((1u << d->green_bits) - 1) << d->green_shift |
			 ((1u << d->blue_bits) - 1) << d->blue_shift;
		if (!font_count || s->pixel_bytes < 2 || s->pixel_bytes > 4 ||
		    d->pitch < d->width * s->pixel_bytes)
			return false;
	}
	return d->type != BOOT_DISPLAY_NONE && s->columns && s->rows;
}

/* Make the whole screen black. */
static inline void boot_screen_clear(struct boot_screen *s, u32 height)
{
	u16 empty = s->type == BOOT_DISPLAY_TEXT ? TEXT_ATTRIBUTE | ' ' : 0;
	u32 value = (u32)empty << 16 | empty;
	volatile u32 *words = (volatile u32 *)s->memory;

	for (u32 i = 0; i < s->pitch / 4 * height; i++)
		words[i] = value;
}

/* Draw a letter of ASCII; any other byte becomes a question mark. */
static inline void boot_screen_letter(const struct boot_screen *s, u32 column, u32 row, char c)
{
	u32 width = FONT_WIDTH * s->scale, height = FONT_HEIGHT * s->scale, code, glyph = 0;
	u8 *to = s->memory + (uintptr_t)s->pitch * row * height;

	code = c >= ' ' && c < 0x7f ? (u8)c : '?';
	if (s->type == BOOT_DISPLAY_TEXT) {
		to = s->memory + (uintptr_t)s->pitch * row + column * 2;
		*(volatile u16 *)to = (u16)(TEXT_ATTRIBUTE | code);
		return;
	}
	/* The font is sorted by code. */
	while (glyph + 1 < s->font_count && s->font[glyph].code < code)
		glyph++;
	to += column * width * s->pixel_bytes;
	for (u32 y = 0; y < height; y++, to += s->pitch) {
		u8 bits = s->font[glyph].rows[y / s->scale];

		for (u32 x = 0; x < width; x++)
			pixel_put(to + x * s->pixel_bytes, s->pixel_bytes,
				  bits & 0x80 >> x / s->scale ? s->ink : 0);
	}
}
