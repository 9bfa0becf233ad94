/* SPDX-License-Identifier: MIT
 *
 * How characters look: SGR, ECMA-48 8.3.117.
 */
#include "kernel/dev/vt.h"

void vt_rendition_reset(struct vt_cursor *c)
{
	c->foreground = VT_FOREGROUND;
	c->background = VT_BACKGROUND;
	c->bold = c->dim = c->underline = c->reverse = false;
}

/* The colour of 16 that is nearest to a colour: a component counts from half its range on, and the
 * bright colours are those with a component of more than three quarters. */
static u8 nearest(u32 red, u32 green, u32 blue)
{
	u32 most = MAX(MAX(red, green), blue), half = MAX(most / 2, 48U);

	if (most < 48)
		return 0;
	return (red > half) | (green > half) << 1 | (blue > half) << 2 | (most > 192 ? 8 : 0);
}

/* A colour of xterm's 256: the 16, a cube of 6x6x6, and 24 greys. */
static u8 nearest_of_256(u32 n)
{
	static const u8 levels[6] = {0, 95, 135, 175, 215, 255};
	u32 grey = 8 + (n - 232) * 10;

	if (n < 16)
		return n;
	if (n > 231)
		return grey < 48 ? 0 : grey < 128 ? 8 : grey < 208 ? 7 : 15;
	n -= 16;
	return nearest(levels[n / 36], levels[n / 6 % 6], levels[n % 6]);
}

/* Parameters 38 and 48: "5;n" or "2;r;g;b" follow, of which *i becomes the last. */
static void extended_colour(const struct vt *vt, u32 *i, u8 *colour)
{
	const u32 *p = vt->parameters + *i + 1;
	u32 left = vt->parameter_count - *i - 1;

	if (left >= 2 && p[0] == 5) {
		*colour = nearest_of_256(p[1] & 0xff);
		*i += 2;
	} else if (left >= 4 && p[0] == 2) {
		*colour = nearest(p[1], p[2], p[3]);
		*i += 4;
	} else {
		*i += left;
	}
}

static void set(struct vt *vt, u32 p)
{
	struct vt_cursor *c = &vt->cursor;

	if (p == 0)
		vt_rendition_reset(c);
	else if (p == 1 || p == 2 || p == 22) {
		c->bold = p == 1;
		c->dim = p == 2;
	} else if (p == 4 || p == 24)
		c->underline = p == 4;
	else if (p == 7 || p == 27)
		c->reverse = p == 7;
	else if (p >= 30 && p <= 39)
		c->foreground = p == 39 ? VT_FOREGROUND : p - 30;
	else if (p >= 40 && p <= 49)
		c->background = p == 49 ? VT_BACKGROUND : p - 40;
	else if (p >= 90 && p <= 97)
		c->foreground = p - 90 + 8;
	else if (p >= 100 && p <= 107)
		c->background = p - 100 + 8;
}

void vt_rendition(struct vt *vt)
{
	for (u32 i = 0; i < vt->parameter_count; i++) {
		u32 p = vt->parameters[i];

		if (p == 38 || p == 48)
			extended_colour(vt, &i,
					p == 38 ? &vt->cursor.foreground : &vt->cursor.background);
		else
			set(vt, p);
	}
}
