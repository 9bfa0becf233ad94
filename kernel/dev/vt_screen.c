/* SPDX-License-Identifier: MIT
 *
 * The terminal emulator's screen: cells, cursor, scroll region.  The old lines are moved about by
 * their pointers only.
 */
#include "kernel/dev/vt_screen.h"
#include "kernel/lib/string.h"

/* DEC special graphics, from 0x5f to 0x7e (VT102 manual, table 5-13). */
static const u16 line_drawing[32] = {
    0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b,
    0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c,
    0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

/* Erased cells keep the background that is set (as terminfo's bce says of TERM=linux). */
static struct vt_cell blank(const struct vt *vt)
{
	return (struct vt_cell){' ', vt->cursor.background << 4 | VT_DEFAULT_FOREGROUND, 0};
}

/* Erase cells [from, to) of line y. */
void vt_erase(struct vt *vt, u32 y, u32 from, u32 to)
{
	for (u32 x = from; x < to; x++)
		vt->lines[y][x] = blank(vt);
	vt->dirty[y] = true;
}

void vt_erase_lines(struct vt *vt, u32 from, u32 to)
{
	for (u32 y = from; y < to; y++)
		vt_erase(vt, y, 0, vt->columns);
}

static void reverse(struct vt_cell **lines, u32 from, u32 to)
{
	for (; from + 1 < to; from++, to--) {
		struct vt_cell *line = lines[from];

		lines[from] = lines[to - 1];
		lines[to - 1] = line;
	}
}

/* Move lines [top, bottom) up by n (down where n < 0); what comes in is empty.  Only the pointers
 * to the lines move: a rotation, made of three reversals. */
void vt_scroll(struct vt *vt, u32 top, u32 bottom, s32 n)
{
	u32 amount = MIN((u32)(n < 0 ? -n : n), bottom - top);
	u32 middle = n < 0 ? bottom - amount : top + amount;

	reverse(vt->lines, top, middle);
	reverse(vt->lines, middle, bottom);
	reverse(vt->lines, top, bottom);
	memset(vt->dirty + top, true, bottom - top);
	if (n < 0)
		vt_erase_lines(vt, top, top + amount);
	else
		vt_erase_lines(vt, bottom - amount, bottom);
}

/* Open n cells at the cursor (n < 0: close them). */
void vt_shift_cells(struct vt *vt, s32 n)
{
	u32 x = vt->cursor.x, room = vt->columns - x, amount = MIN((u32)(n < 0 ? -n : n), room);
	struct vt_cell *cell = vt->lines[vt->cursor.y] + x;

	if (n > 0) {
		memmove(cell + amount, cell, (room - amount) * sizeof(*cell));
		vt_erase(vt, vt->cursor.y, x, x + amount);
	} else {
		memmove(cell, cell + amount, (room - amount) * sizeof(*cell));
		vt_erase(vt, vt->cursor.y, vt->columns - amount, vt->columns);
	}
}

/* Rows count from the scroll region's top in origin mode, and stay inside it. */
void vt_move_to(struct vt *vt, s64 x, s64 y)
{
	struct vt_cursor *c = &vt->cursor;
	s64 low = c->origin ? vt->top : 0, high = c->origin ? vt->bottom : vt->rows;

	c->x = MAX(MIN(x, (s64)vt->columns - 1), (s64)0);
	c->y = MAX(MIN(y, high - 1), low);
	c->wrap = false;
}

/* CUU and CUD stop at the margins of the scroll region if they start inside. */
void vt_move_rows(struct vt *vt, s64 n)
{
	struct vt_cursor *c = &vt->cursor;
	s64 y = c->y + n;

	if (n < 0 && c->y >= vt->top)
		y = MAX(y, (s64)vt->top);
	if (n > 0 && c->y < vt->bottom)
		y = MIN(y, (s64)vt->bottom - 1);
	vt_move_to(vt, c->x, y);
}

void vt_index_down(struct vt *vt)
{
	if (vt->cursor.y + 1 == vt->bottom)
		vt_scroll(vt, vt->top, vt->bottom, 1);
	else if (vt->cursor.y + 1 < vt->rows)
		vt->cursor.y++;
	vt->cursor.wrap = false;
}

void vt_index_up(struct vt *vt)
{
	if (vt->cursor.y == vt->top)
		vt_scroll(vt, vt->top, vt->bottom, -1);
	else if (vt->cursor.y)
		vt->cursor.y--;
	vt->cursor.wrap = false;
}

void vt_tab_to(struct vt *vt, s32 step, u32 count)
{
	s64 x = vt->cursor.x;

	while (count--)
		do {
			x += step;
		} while (x > 0 && x < (s64)vt->columns - 1 && !(vt->tabs[x / 8] >> x % 8 & 1));
	vt_move_to(vt, x, vt->cursor.y);
}

void vt_print(struct vt *vt, u32 code)
{
	struct vt_cursor *c = &vt->cursor;
	u32 width = unicode_width(code);
	u8 foreground = c->foreground | (c->bold ? 8 : 0);
	struct vt_cell cell = {.flags = c->underline ? VT_UNDERLINE : 0};

	if (!width)
		return;
	if (c->graphics[c->charset] && code >= 0x5f && code <= 0x7e)
		code = line_drawing[code - 0x5f];
	vt->last = code;
	if (vt->autowrap && (c->wrap || c->x + width > vt->columns)) {
		c->x = 0;
		vt_index_down(vt);
	}
	c->x = MIN(c->x, vt->columns - width);
	if (vt->insert)
		vt_shift_cells(vt, width);
	cell.code = code > 0xffff ? UTF8_INVALID : code;
	cell.colours =
	    c->reverse ? foreground << 4 | c->background : c->background << 4 | foreground;
	vt->lines[c->y][c->x] = cell;
	if (width == 2) {
		cell.code = ' ';
		vt->lines[c->y][c->x + 1] = cell;
	}
	vt->dirty[c->y] = true;
	if (c->x + width < vt->columns)
		c->x += width;
	else
		c->wrap = vt->autowrap;
}

void vt_rendition_reset(struct vt_cursor *c)
{
	c->foreground = VT_DEFAULT_FOREGROUND;
	c->background = VT_DEFAULT_BACKGROUND;
	c->bold = c->underline = c->reverse = false;
}

void vt_soft_reset(struct vt *vt)
{
	vt->cursor = (struct vt_cursor){.x = vt->cursor.x, .y = vt->cursor.y};
	vt_rendition_reset(&vt->cursor);
	vt->saved = vt->cursor;
	vt->saved.x = vt->saved.y = 0;
	vt->top = 0;
	vt->bottom = vt->rows;
	vt->autowrap = vt->cursor_visible = true;
	vt->insert = vt->cursor_keys = false;
}

void vt_show_other_screen(struct vt *vt, bool alternate)
{
	struct vt_cell **lines = vt->lines;

	if (vt->alternate == alternate)
		return;
	vt->alternate = alternate;
	vt->lines = vt->other;
	vt->other = lines;
	memset(vt->dirty, true, vt->rows);
}

void vt_reset(struct vt *vt)
{
	vt_show_other_screen(vt, false);
	vt->cursor.x = vt->cursor.y = 0;
	vt_soft_reset(vt);
	vt->main_cursor = vt->saved;
	memset(vt->tabs, 1, sizeof(vt->tabs)); /* every eighth column */
	vt_erase_lines(vt, 0, vt->rows);
}

/* ED and EL: from the cursor to the end, from the beginning to the cursor, all. */
void vt_erase_display(struct vt *vt, u32 what)
{
	const struct vt_cursor *c = &vt->cursor;

	if (what > 3)
		return;
	if (what == 0) {
		vt_erase(vt, c->y, c->x, vt->columns);
		vt_erase_lines(vt, c->y + 1, vt->rows);
	} else {
		vt_erase_lines(vt, 0, what == 1 ? c->y : vt->rows);
		if (what == 1)
			vt_erase(vt, c->y, 0, c->x + 1);
	}
}

void vt_erase_line(struct vt *vt, u32 what)
{
	if (what <= 2)
		vt_erase(vt, vt->cursor.y, what == 0 ? vt->cursor.x : 0,
			 what == 1 ? vt->cursor.x + 1 : vt->columns);
}

void vt_set_scroll_region(struct vt *vt)
{
	u32 top = vt->parameters[0], bottom = vt->parameter_count > 1 ? vt->parameters[1] : 0;

	top = top ? top - 1 : 0;
	if (!bottom || bottom > vt->rows)
		bottom = vt->rows;
	if (top + 1 >= bottom)
		return;
	vt->top = top;
	vt->bottom = bottom;
	vt_move_to(vt, 0, vt->cursor.origin ? top : 0);
}

/* IL and DL: only with the cursor inside the scroll region. */
void vt_insert_lines(struct vt *vt, s32 n)
{
	if (vt->cursor.y < vt->top || vt->cursor.y >= vt->bottom)
		return;
	vt_scroll(vt, vt->cursor.y, vt->bottom, -n);
	vt->cursor.x = 0;
	vt->cursor.wrap = false;
}

/* DECALN: a screen full of E. */
void vt_alignment(struct vt *vt)
{
	for (u32 y = 0; y < vt->rows; y++) {
		vt_erase(vt, y, 0, vt->columns);
		for (u32 x = 0; x < vt->columns; x++)
			vt->lines[y][x].code = 'E';
	}
}

size_t vt_memory_size(u32 columns, u32 rows)
{
	return 2 * rows * (sizeof(struct vt_cell *) + columns * sizeof(struct vt_cell)) +
	       rows * sizeof(bool);
}

void vt_init(struct vt *vt, u32 columns, u32 rows, void *memory)
{
	struct vt_cell *cells;

	memset(vt, 0, sizeof(*vt));
	vt->columns = columns;
	vt->rows = rows;
	vt->lines = memory;
	vt->other = vt->lines + rows;
	cells = (struct vt_cell *)(vt->other + rows);
	vt->dirty = (bool *)(cells + (size_t)2 * rows * columns);
	for (u32 y = 0; y < 2 * rows; y++)
		vt->lines[y] = cells + (size_t)y * columns;
	vt->alternate = true; /* so that vt_reset() shows, and clears, the main screen last */
	vt_soft_reset(vt);
	vt_erase_lines(vt, 0, rows);
	vt_reset(vt);
}
