/* SPDX-License-Identifier: MIT
 *
 * The terminal emulator.  Rows and columns count from 0 in this file, and from 1 in the sequences.
 * Scrolling exchanges pointers to lines and copies no cell.
 */
#include "kernel/dev/vt.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

#define DIM_FOREGROUND 8

/* What the graphics set of the VT100 shows for 0x5f to 0x7e. */
static const u16 vt100_graphics[] = {
    0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b,
    0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c,
    0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

enum { GROUND, ESCAPE, CONTROL, SKIP, SELECT_G0, SELECT_G1, COMMAND, STRING };

/* --- The screen ------------------------------------------------------------------------------- */

/* Erase cells [from, to) of line y.  They get the current background (terminfo: bce). */
static void erase(struct vt *vt, u32 y, u32 from, u32 to)
{
	u8 colours = vt->cursor.background << 4 | VT_FOREGROUND;

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
 * everything (2); ED with 3 also erases the history. */
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
	if (what == 3)
		vt->history_count = 0;
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
	if (vt->cursor.y == (n > 0 ? vt->bottom - 1 : vt->top)) {
		if (n > 0 && vt->top == 0 && vt->bottom == vt->rows)
			vt_history_add(vt);
		scroll(vt, vt->top, vt->bottom, n);
	} else {
		move_to(vt, vt->cursor.x, (s64)vt->cursor.y + n);
	}
	vt->cursor.wrap = false;
}

static void print(struct vt *vt, u32 code)
{
	struct vt_cursor *c = &vt->cursor;
	u8 foreground = c->dim ? DIM_FOREGROUND : c->foreground | (c->bold ? 8 : 0);

	if (c->graphics[c->set] && code >= 0x5f && code <= 0x7e)
		code = vt100_graphics[code - 0x5f];
	if (c->wrap) {
		c->x = 0;
		index_line(vt, 1);
	}
	if (vt->insert)
		shift_cells(vt, 1);
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

/* The column of the next tab stop, or the last column. */
static u32 next_tab(const struct vt *vt)
{
	for (u32 x = vt->cursor.x + 1; x < vt->columns; x++)
		if (vt->tabs[x / 64] >> x % 64 & 1)
			return x;
	return vt->columns - 1;
}

static void reset_tabs(struct vt *vt)
{
	memset(vt->tabs, 0x01, sizeof(vt->tabs)); /* the lowest bit of each byte: every 8 columns */
}

/* Add to what the terminal types, if there is room for all of it. */
static void answer(struct vt *vt, const char *text)
{
	size_t length = strlen(text);

	if (length > sizeof(vt->answer) - vt->answer_length)
		return;
	memcpy(vt->answer + vt->answer_length, text, length);
	vt->answer_length += length;
}

/* --- Control functions ------------------------------------------------------------------------ */

/* The alternate screen of xterm, with modes 47, 1047 and 1049. */
static void set_screen(struct vt *vt, u32 mode, bool on)
{
	if (mode == 1049 && on && !vt->alternate)
		vt->saved[0] = vt->cursor;
	if (mode == 1047 && !on && vt->alternate)
		erase_lines(vt, 0, vt->rows);
	if (mode == 1049 && !on && vt->alternate)
		vt->cursor = vt->saved[0];
	vt_set_alternate(vt, on);
	if (mode == 1049 && on)
		erase_lines(vt, 0, vt->rows);
}

/* DECAWM, DECTCEM, and modes of xterm. */
static void set_private_modes(struct vt *vt, bool on)
{
	for (u32 i = 0; i < vt->parameter_count; i++) {
		u32 mode = vt->parameters[i];

		if (mode == 7)
			vt->autowrap = on;
		else if (mode == 25)
			vt->cursor_visible = on;
		else if (mode == 47 || mode == 1047 || mode == 1049)
			set_screen(vt, mode, on);
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
	vt_set_alternate(vt, false);
	vt->cursor = (struct vt_cursor){0};
	vt_rendition_reset(&vt->cursor);
	vt->saved[0] = vt->saved[1] = vt->cursor;
	vt->top = 0;
	vt->bottom = vt->rows;
	vt->autowrap = vt->cursor_visible = true;
	vt->insert = false;
	reset_tabs(vt);
	erase_lines(vt, 0, vt->rows);
}

/* DSR: the terminal works (5); the cursor is there (6).  ECMA-48 8.3.35 and 8.3.14. */
static void report(struct vt *vt, u32 what)
{
	char text[16];

	if (what == 5)
		answer(vt, "\033[0n");
	if (what != 6)
		return;
	snprintf(text, sizeof(text), "\033[%u;%uR", vt->cursor.y + 1, vt->cursor.x + 1);
	answer(vt, text);
}

static void clear_tabs(struct vt *vt, u32 what)
{
	if (what == 0)
		vt->tabs[vt->cursor.x / 64] &= ~(1UL << vt->cursor.x % 64);
	else if (what == 3)
		memset(vt->tabs, 0, sizeof(vt->tabs));
}

/* Execute a control sequence that is not private; `final` is its last byte. */
static void control(struct vt *vt, u8 final)
{
	struct vt_cursor *c = &vt->cursor;
	u32 first = vt->parameters[0], second = vt->parameter_count > 1 ? vt->parameters[1] : 0;
	s32 n = MAX(first, 1U);

	if (final == 'A')
		move_to(vt, c->x, (s64)c->y - n);
	else if (final == 'B' || final == 'e')
		move_to(vt, c->x, (s64)c->y + n);
	else if (final == 'C' || final == 'a')
		move_to(vt, (s64)c->x + n, c->y);
	else if (final == 'D')
		move_to(vt, (s64)c->x - n, c->y);
	else if (final == 'E' || final == 'F')
		move_to(vt, 0, (s64)c->y + (final == 'E' ? n : -n));
	else if (final == 'G' || final == '`')
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
		vt_rendition(vt);
	else if (final == 'r')
		set_scroll_region(vt, n, second);
	else if (final == 'h' || final == 'l')
		vt->insert = first == 4 ? final == 'h' : vt->insert;
	else if (final == 's')
		vt->saved[vt->alternate] = *c;
	else if (final == 'u')
		*c = vt->saved[vt->alternate];
	else if (final == 'n')
		report(vt, first);
	else if (final == 'c')
		answer(vt, "\033[?6c"); /* DA: a VT102 */
	else if (final == 'g')
		clear_tabs(vt, first);
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
			set_private_modes(vt, byte == 'h');
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
	} else if (byte == ']') {
		vt->state = COMMAND;
	} else if (byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
		vt->state = STRING; /* skipped up to BEL or ESC \ */
	} else if (byte == '(' || byte == ')') {
		vt->state = byte == '(' ? SELECT_G0 : SELECT_G1;
	} else if (byte == '%' || byte == '#') {
		vt->state = SKIP;
		vt->skip = 1;
	} else if (byte == '7') {
		vt->saved[vt->alternate] = vt->cursor;
	} else if (byte == '8') {
		vt->cursor = vt->saved[vt->alternate];
	} else if (byte == 'E') {
		move_to(vt, 0, vt->cursor.y);
		index_line(vt, 1);
	} else if (byte == 'H') {
		vt->tabs[vt->cursor.x / 64] |= 1UL << vt->cursor.x % 64;
	} else if (byte == 'D' || byte == 'M') {
		index_line(vt, byte == 'D' ? 1 : -1);
	} else if (byte == 'c') {
		reset(vt);
	}
}

/* After "ESC ]".  The Linux console's "ESC ] R" and "ESC ] P" with seven digits change the palette
 * and have no end mark; others, such as titles, are strings. */
static void command_byte(struct vt *vt, u8 byte)
{
	vt->state = byte == 'R' ? GROUND : byte == 'P' ? SKIP : STRING;
	vt->skip = 7;
}

/* Execute a C0 control character.  They also work inside sequences. */
static void control_character(struct vt *vt, u8 byte)
{
	vt->utf8.missing = 0;
	if (byte == 0x1b)
		vt->state = ESCAPE;
	else if (byte == 0x18 || byte == 0x1a || (byte == '\a' && vt->state >= COMMAND))
		vt->state = GROUND;
	else if (vt->state >= COMMAND)
		return;
	else if (byte == '\b')
		move_to(vt, (s64)vt->cursor.x - 1, vt->cursor.y);
	else if (byte == '\t')
		move_to(vt, next_tab(vt), vt->cursor.y);
	else if (byte >= '\n' && byte <= '\f')
		index_line(vt, 1);
	else if (byte == '\r')
		move_to(vt, 0, vt->cursor.y);
	else if (byte == 0x0e || byte == 0x0f)
		vt->cursor.set = byte == 0x0e;
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

/* Process a byte that is no control character. */
static void other_byte(struct vt *vt, u8 byte)
{
	switch (vt->state) {
	case GROUND:
		ground_byte(vt, byte);
		break;
	case ESCAPE:
		escape_byte(vt, byte);
		break;
	case CONTROL:
		control_byte(vt, byte);
		break;
	case SKIP:
		vt->state = --vt->skip ? SKIP : GROUND;
		break;
	case SELECT_G0:
	case SELECT_G1:
		vt->cursor.graphics[vt->state == SELECT_G1] = byte == '0';
		vt->state = GROUND;
		break;
	case COMMAND:
		command_byte(vt, byte);
		break;
	}
}

void vt_write(struct vt *vt, const char *text, size_t length)
{
	vt_view_scroll(vt, INT32_MIN);
	/* The rows of the old and of the new cursor must be drawn again. */
	vt->dirty[vt->cursor.y] = true;
	for (size_t i = 0; i < length; i++) {
		u8 byte = text[i];

		if (byte < ' ')
			control_character(vt, byte);
		else
			other_byte(vt, byte);
	}
	vt->dirty[vt->cursor.y] = true;
}

void vt_init(struct vt *vt, u32 columns, u32 rows, u32 history, void *memory)
{
	struct vt_cell *cells;

	memset(vt, 0, sizeof(*vt));
	vt->columns = columns;
	vt->rows = rows;
	vt->history_size = history;
	vt->lines = memory;
	vt->other = vt->lines + rows;
	vt->history = vt->other + rows;
	cells = (struct vt_cell *)(vt->history + history);
	for (u32 i = 0; i < 2 * rows + history; i++)
		vt->lines[i] = cells + (size_t)i * columns;
	vt->dirty = (bool *)(cells + (size_t)(2 * rows + history) * columns);
	reset(vt);
	vt_set_alternate(vt, true);
	erase_lines(vt, 0, rows);
	vt_set_alternate(vt, false);
}
