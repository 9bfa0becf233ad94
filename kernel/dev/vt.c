/* SPDX-License-Identifier: MIT
 *
 * The terminal emulator.  Rows and columns count from 0 in this file, and from 1 in the sequences.
 * Scrolling exchanges pointers to lines and copies no cell.
 */
#include "kernel/dev/vt.h"
#include "kernel/lib/string.h"

#define DEFAULT_FOREGROUND 7
#define DEFAULT_BACKGROUND 0

enum { GROUND, ESCAPE, CONTROL, SKIP_ONE, STRING };

/* --- The screen ------------------------------------------------------------------------------- */

/* Erase cells [from, to) of line y.  They get the current background (terminfo: bce). */
static void erase(struct vt *vt, u32 y, u32 from, u32 to)
{
	u8 colours = vt->cursor.background << 4 | DEFAULT_FOREGROUND;

	for (u32 x = from; x < to; x++)
		vt->lines[y][x] = (struct vt_cell){' ', colours, 0};
	vt->dirty[y] = true;
}

static void erase_lines(struct vt *vt, u32 from, u32 to)
{
	for (u32 y = from; y < to; y++)
		erase(vt, y, 0, vt->columns);
}

/* EL and ED erase from the cursor to the end (`what` 0), from the beginning to the cursor (1), or
 * everything (2). */
static void erase_line(struct vt *vt, u32 what)
{
	const struct vt_cursor *c = &vt->cursor;

	erase(vt, c->y, what == 0 ? c->x : 0, what == 1 ? c->x + 1 : vt->columns);
}

static void erase_display(struct vt *vt, u32 what)
{
	if (what < 2)
		erase_line(vt, what);
	erase_lines(vt, what == 0 ? vt->cursor.y + 1 : 0, what == 1 ? vt->cursor.y : vt->rows);
}

static void reverse(struct vt_cell **lines, u32 from, u32 to)
{
	for (; from + 1 < to; from++, to--) {
		struct vt_cell *line = lines[from];

		lines[from] = lines[to - 1];
		lines[to - 1] = line;
	}
}

/* Scroll lines [top, bottom) up by n lines, or down if n < 0; the new lines are empty.  Three
 * reversals rotate the pointers. */
static void scroll(struct vt *vt, u32 top, u32 bottom, s32 n)
{
	u32 amount = MIN((u32)(n < 0 ? -n : n), bottom - top);
	u32 middle = n < 0 ? bottom - amount : top + amount;

	reverse(vt->lines, top, middle);
	reverse(vt->lines, middle, bottom);
	reverse(vt->lines, top, bottom);
	memset(vt->dirty + top, true, bottom - top);
	if (n < 0)
		erase_lines(vt, top, top + amount);
	else
		erase_lines(vt, bottom - amount, bottom);
}

/* Insert n empty cells at the cursor, or delete -n cells if n < 0. */
static void shift_cells(struct vt *vt, s32 n)
{
	u32 x = vt->cursor.x, room = vt->columns - x, amount = MIN((u32)(n < 0 ? -n : n), room);
	struct vt_cell *cell = vt->lines[vt->cursor.y] + x;

	if (n > 0) {
		memmove(cell + amount, cell, (room - amount) * sizeof(*cell));
		erase(vt, vt->cursor.y, x, x + amount);
	} else {
		memmove(cell, cell + amount, (room - amount) * sizeof(*cell));
		erase(vt, vt->cursor.y, vt->columns - amount, vt->columns);
	}
}

/* IL and DL have an effect only if the cursor is in the scroll region. */
static void insert_lines(struct vt *vt, s32 n)
{
	if (vt->cursor.y >= vt->top && vt->cursor.y < vt->bottom)
		scroll(vt, vt->cursor.y, vt->bottom, -n);
}

static void move_to(struct vt *vt, s64 x, s64 y)
{
	struct vt_cursor *c = &vt->cursor;

	c->x = MAX(MIN(x, (s64)vt->columns - 1), (s64)0);
	c->y = MAX(MIN(y, (s64)vt->rows - 1), (s64)0);
	c->wrap = false;
}

/* Move the cursor one line down (n = 1) or up (n = -1); at the edge of the scroll region, scroll.
 */
static void index_line(struct vt *vt, s32 n)
{
	if (vt->cursor.y == (n > 0 ? vt->bottom - 1 : vt->top))
		scroll(vt, vt->top, vt->bottom, n);
	else
		move_to(vt, vt->cursor.x, (s64)vt->cursor.y + n);
	vt->cursor.wrap = false;
}

static void print(struct vt *vt, u32 code)
{
	struct vt_cursor *c = &vt->cursor;
	u8 foreground = c->foreground | (c->bold ? 8 : 0);

	if (c->wrap) {
		c->x = 0;
		index_line(vt, 1);
	}
	vt->lines[c->y][c->x] = (struct vt_cell){
	    .code = code > 0xffff ? UTF8_INVALID : code,
	    .colours =
		c->reverse ? foreground << 4 | c->background : c->background << 4 | foreground,
	    .flags = c->underline ? VT_UNDERLINE : 0,
	};
	vt->dirty[c->y] = true;
	if (c->x + 1 < vt->columns)
		c->x++;
	else
		c->wrap = vt->autowrap;
}

/* --- Control functions ------------------------------------------------------------------------ */

static void rendition_reset(struct vt_cursor *c)
{
	c->foreground = DEFAULT_FOREGROUND;
	c->background = DEFAULT_BACKGROUND;
	c->bold = c->underline = c->reverse = false;
}

/* SGR, ECMA-48 8.3.117. */
static void select_rendition(struct vt *vt)
{
	struct vt_cursor *c = &vt->cursor;

	for (u32 i = 0; i < vt->parameter_count; i++) {
		u32 p = vt->parameters[i];

		if (p == 0)
			rendition_reset(c);
		else if (p == 1 || p == 22)
			c->bold = p == 1;
		else if (p == 4 || p == 24)
			c->underline = p == 4;
		else if (p == 7 || p == 27)
			c->reverse = p == 7;
		else if (p == 38 || p == 48) /* skip "5;n" and "2;r;g;b": there is no palette */
			i += i + 1 < vt->parameter_count && vt->parameters[i + 1] == 2 ? 4 : 2;
		else if (p >= 30 && p <= 39)
			c->foreground = p == 39 ? DEFAULT_FOREGROUND : p - 30;
		else if (p >= 40 && p <= 49)
			c->background = p == 49 ? DEFAULT_BACKGROUND : p - 40;
		else if (p >= 90 && p <= 97)
			c->foreground = p - 90 + 8;
		else if (p >= 100 && p <= 107)
			c->background = p - 100 + 8;
	}
}

/* DECAWM and DECTCEM. */
static void set_modes(struct vt *vt, bool on)
{
	for (u32 i = 0; i < vt->parameter_count; i++) {
		if (vt->parameters[i] == 7)
			vt->autowrap = on;
		else if (vt->parameters[i] == 25)
			vt->cursor_visible = on;
	}
}

static void set_scroll_region(struct vt *vt, u32 first, u32 last)
{
	if (!last || last > vt->rows)
		last = vt->rows;
	if (first >= last)
		return;
	vt->top = first - 1;
	vt->bottom = last;
	move_to(vt, 0, 0);
}

static void reset(struct vt *vt)
{
	vt->cursor = (struct vt_cursor){0};
	rendition_reset(&vt->cursor);
	vt->saved = vt->cursor;
	vt->top = 0;
	vt->bottom = vt->rows;
	vt->autowrap = vt->cursor_visible = true;
	erase_lines(vt, 0, vt->rows);
}

/* Execute a control sequence that is not private; `final` is its last byte. */
static void control(struct vt *vt, u8 final)
{
	struct vt_cursor *c = &vt->cursor;
	u32 first = vt->parameters[0], second = vt->parameter_count > 1 ? vt->parameters[1] : 0;
	s32 n = MAX(first, 1U);

	if (final == 'A')
		move_to(vt, c->x, (s64)c->y - n);
	else if (final == 'B')
		move_to(vt, c->x, (s64)c->y + n);
	else if (final == 'C')
		move_to(vt, (s64)c->x + n, c->y);
	else if (final == 'D')
		move_to(vt, (s64)c->x - n, c->y);
	else if (final == 'G')
		move_to(vt, n - 1, c->y);
	else if (final == 'H' || final == 'f')
		move_to(vt, (s64)second - 1, n - 1);
	else if (final == 'd')
		move_to(vt, c->x, n - 1);
	else if (final == 'J')
		erase_display(vt, first);
	else if (final == 'K')
		erase_line(vt, first);
	else if (final == 'X')
		erase(vt, c->y, c->x, MIN(c->x + n, vt->columns));
	else if (final == 'L' || final == 'M')
		insert_lines(vt, final == 'L' ? n : -n);
	else if (final == '@' || final == 'P')
		shift_cells(vt, final == '@' ? n : -n);
	else if (final == 'm')
		select_rendition(vt);
	else if (final == 'r')
		set_scroll_region(vt, n, second);
}

/* --- From bytes to control functions ---------------------------------------------------------- */

/* Process a byte of a control sequence, "ESC [ ... final". */
static void control_byte(struct vt *vt, u8 byte)
{
	u32 *p = &vt->parameters[vt->parameter_count - 1];

	if (byte >= '0' && byte <= '9') {
		*p = MIN(*p * 10 + (byte - '0'), 9999U);
	} else if (byte == ';' || byte == ':') {
		if (vt->parameter_count < ARRAY_SIZE(vt->parameters))
			vt->parameters[vt->parameter_count++] = 0;
	} else if (byte < '@') {
		vt->is_private = true;
		vt->question |= byte == '?';
	} else {
		vt->state = GROUND;
		if ((byte == 'h' || byte == 'l') && vt->question)
			set_modes(vt, byte == 'h');
		else if (!vt->is_private)
			control(vt, byte);
	}
}

static void escape_byte(struct vt *vt, u8 byte)
{
	vt->state = GROUND;
	if (byte == '[') {
		vt->state = CONTROL;
		vt->is_private = vt->question = false;
		vt->parameter_count = 1;
		vt->parameters[0] = 0;
	} else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
		vt->state = STRING; /* titles and similar texts: skipped up to BEL or ESC \ */
	} else if (byte == '(' || byte == ')' || byte == '%' || byte == '#') {
		vt->state = SKIP_ONE; /* selects a character set: there is only UTF-8 */
	} else if (byte == '7') {
		vt->saved = vt->cursor;
	} else if (byte == '8') {
		vt->cursor = vt->saved;
	} else if (byte == 'D' || byte == 'M') {
		index_line(vt, byte == 'D' ? 1 : -1);
	} else if (byte == 'c') {
		reset(vt);
	}
}

/* Execute a C0 control character.  They also work inside sequences. */
static void control_character(struct vt *vt, u8 byte)
{
	vt->utf8.missing = 0;
	if (byte == 0x1b)
		vt->state = ESCAPE;
	else if (byte == 0x18 || byte == 0x1a || (byte == '\a' && vt->state == STRING))
		vt->state = GROUND;
	else if (vt->state == STRING)
		return;
	else if (byte == '\b')
		move_to(vt, (s64)vt->cursor.x - 1, vt->cursor.y);
	else if (byte == '\t')
		move_to(vt, (vt->cursor.x | 7) + 1, vt->cursor.y);
	else if (byte >= '\n' && byte <= '\f')
		index_line(vt, 1);
	else if (byte == '\r')
		move_to(vt, 0, vt->cursor.y);
}

static void ground_byte(struct vt *vt, u8 byte)
{
	bool again;

	do {
		u32 code = utf8_next(&vt->utf8, byte, &again);

		if (code != UTF8_MORE && code != 0x7f)
			print(vt, code);
	} while (again);
}

void vt_write(struct vt *vt, const char *text, size_t length)
{
	/* The rows of the old and of the new cursor must be drawn again. */
	vt->dirty[vt->cursor.y] = true;
	for (size_t i = 0; i < length; i++) {
		u8 byte = text[i];

		if (byte < ' ')
			control_character(vt, byte);
		else if (vt->state == GROUND)
			ground_byte(vt, byte);
		else if (vt->state == ESCAPE)
			escape_byte(vt, byte);
		else if (vt->state == CONTROL)
			control_byte(vt, byte);
		else if (vt->state == SKIP_ONE)
			vt->state = GROUND;
	}
	vt->dirty[vt->cursor.y] = true;
}

size_t vt_memory_size(u32 columns, u32 rows)
{
	return rows * (sizeof(struct vt_cell *) + columns * sizeof(struct vt_cell) + sizeof(bool));
}

void vt_init(struct vt *vt, u32 columns, u32 rows, void *memory)
{
	struct vt_cell *cells;

	memset(vt, 0, sizeof(*vt));
	vt->columns = columns;
	vt->rows = rows;
	vt->lines = memory;
	cells = (struct vt_cell *)(vt->lines + rows);
	vt->dirty = (bool *)(cells + (size_t)rows * columns);
	for (u32 y = 0; y < rows; y++)
		vt->lines[y] = cells + (size_t)y * columns;
	reset(vt);
}
