/* SPDX-License-Identifier: MIT
 *
 * The terminal emulator's ear: from bytes to characters and control functions (ECMA-48; private
 * modes by the VT102 manual and console_codes(4)).  Rows and columns count from 0 here, from 1 in
 * the sequences.
 */
#include "kernel/dev/vt_screen.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

enum { GROUND, ESCAPE, CONTROL, CHARSET, IGNORE_ONE, STRING, STRING_ESCAPE, COMMAND, HASH };

/* The nearest of sixteen colours. */
static u8 colour_from_rgb(u32 red, u32 green, u32 blue)
{
	u32 most = MAX(red, MAX(green, blue)), half = most / 2;
	u8 hue = (red > half ? 1 : 0) | (green > half ? 2 : 0) | (blue > half ? 4 : 0);

	if (most < 0x30)
		return 0;
	if (hue == 7 && most < 0x90)
		return 8;
	return hue | (most >= 0xc8 ? 8 : 0);
}

static u8 colour_from_256(u32 n)
{
	if (n < 16)
		return n;
	if (n >= 232) {
		u32 grey = 8 + (n - 232) * 10;

		return colour_from_rgb(grey, grey, grey);
	}
	n -= 16;
	return colour_from_rgb(n / 36 * 51, n / 6 % 6 * 51, n % 6 * 51);
}

/* 38 and 48: "5;n" or "2;r;g;b".  Returns the index of the last parameter used. */
static u32 colour_extended(struct vt *vt, u32 i, u8 *colour)
{
	const u32 *p = vt->parameters + i;
	u32 left = vt->parameter_count - i;

	if (left >= 3 && p[1] == 5) {
		*colour = colour_from_256(p[2] & 255);
		return i + 2;
	}
	if (left >= 5 && p[1] == 2) {
		*colour = colour_from_rgb(p[2] & 255, p[3] & 255, p[4] & 255);
		return i + 4;
	}
	return vt->parameter_count;
}

/* SGR, ECMA-48 8.3.117. */
static void select_rendition(struct vt *vt)
{
	struct vt_cursor *c = &vt->cursor;

	for (u32 i = 0; i < vt->parameter_count; i++) {
		u32 p = vt->parameters[i];

		switch (p) {
		case 0:
			vt_rendition_reset(c);
			break;
		case 1:
			c->bold = true;
			break;
		case 22:
			c->bold = false;
			break;
		case 4:
		case 24:
			c->underline = p == 4;
			break;
		case 7:
		case 27:
			c->reverse = p == 7;
			break;
		case 30 ... 37:
			c->foreground = p - 30;
			break;
		case 38:
			i = colour_extended(vt, i, &c->foreground);
			break;
		case 39:
			c->foreground = VT_DEFAULT_FOREGROUND;
			break;
		case 40 ... 47:
			c->background = p - 40;
			break;
		case 48:
			i = colour_extended(vt, i, &c->background);
			break;
		case 49:
			c->background = VT_DEFAULT_BACKGROUND;
			break;
		case 90 ... 97:
			c->foreground = p - 90 + 8;
			break;
		case 100 ... 107:
			c->background = p - 100 + 8;
			break;
		}
	}
}

static void set_private_mode(struct vt *vt, u32 mode, bool on)
{
	switch (mode) {
	case 1: /* DECCKM */
		vt->cursor_keys = on;
		break;
	case 6: /* DECOM */
		vt->cursor.origin = on;
		vt_move_to(vt, 0, on ? vt->top : 0);
		break;
	case 7: /* DECAWM */
		vt->autowrap = on;
		vt->cursor.wrap = false;
		break;
	case 25: /* DECTCEM */
		vt->cursor_visible = on;
		break;
	case 47:
	case 1047:
	case 1049: /* xterm's alternate screen; 1049 saves the cursor and begins with an empty one
		    */
		if (vt->alternate == on)
			break;
		if (mode == 1049 && on)
			vt->main_cursor = vt->cursor;
		vt_show_other_screen(vt, on);
		if (mode == 1049 && on)
			vt_erase_lines(vt, 0, vt->rows);
		else if (mode == 1049)
			vt->cursor = vt->main_cursor;
		break;
	}
}

static void set_modes(struct vt *vt, bool on)
{
	for (u32 i = 0; i < vt->parameter_count; i++)
		if (vt->prefix == '?')
			set_private_mode(vt, vt->parameters[i], on);
		else if (!vt->prefix && vt->parameters[i] == 4) /* IRM */
			vt->insert = on;
}

static void answer(struct vt *vt, const char *text)
{
	size_t length = strlen(text);

	if (vt->answer_length + length > sizeof(vt->answer))
		return;
	memcpy(vt->answer + vt->answer_length, text, length);
	vt->answer_length += length;
}

/* DSR: 5 "are you well?", 6 "where is the cursor?" */
static void report_status(struct vt *vt)
{
	u32 top = vt->cursor.origin ? vt->top : 0;
	char text[32];

	if (vt->parameters[0] == 5) {
		answer(vt, "\033[0n");
	} else if (vt->parameters[0] == 6) {
		snprintf(text, sizeof(text), "\033[%u;%uR", vt->cursor.y - top + 1,
			 vt->cursor.x + 1);
		answer(vt, text);
	}
}

static void restore_cursor(struct vt *vt)
{
	vt->cursor = vt->saved;
}

/* The final byte of a control sequence without prefix or intermediate bytes. */
static void control(struct vt *vt, u8 final)
{
	struct vt_cursor *c = &vt->cursor;
	u32 first = vt->parameters[0], n = MAX(first, 1U);
	u32 second = vt->parameter_count > 1 ? MAX(vt->parameters[1], 1U) : 1;
	s64 origin = c->origin ? vt->top : 0;

	switch (final) {
	case '@':
		vt_shift_cells(vt, n);
		break;
	case 'A':
		vt_move_rows(vt, -(s64)n);
		break;
	case 'B':
	case 'e':
		vt_move_rows(vt, n);
		break;
	case 'C':
	case 'a':
		vt_move_to(vt, (s64)c->x + n, c->y);
		break;
	case 'D':
		vt_move_to(vt, (s64)c->x - n, c->y);
		break;
	case 'E':
	case 'F':
		c->x = 0;
		vt_move_rows(vt, final == 'E' ? (s64)n : -(s64)n);
		break;
	case 'G':
	case '`':
		vt_move_to(vt, (s64)n - 1, c->y);
		break;
	case 'H':
	case 'f':
		vt_move_to(vt, (s64)second - 1, origin + n - 1);
		break;
	case 'd':
		vt_move_to(vt, c->x, origin + n - 1);
		break;
	case 'I':
		vt_tab_to(vt, 1, MIN(n, vt->columns));
		break;
	case 'Z':
		vt_tab_to(vt, -1, MIN(n, vt->columns));
		break;
	case 'J':
		vt_erase_display(vt, first);
		break;
	case 'K':
		vt_erase_line(vt, first);
		break;
	case 'X':
		vt_erase(vt, c->y, c->x, MIN(c->x + n, vt->columns));
		break;
	case 'L':
		vt_insert_lines(vt, n);
		break;
	case 'M':
		vt_insert_lines(vt, -(s32)n);
		break;
	case 'P':
		vt_shift_cells(vt, -(s32)n);
		break;
	case 'S':
		vt_scroll(vt, vt->top, vt->bottom, n);
		break;
	case 'T':
		vt_scroll(vt, vt->top, vt->bottom, -(s32)n);
		break;
	case 'b':
		for (n = vt->last ? MIN(n, vt->columns * vt->rows) : 0; n; n--)
			vt_print(vt, vt->last);
		break;
	case 'c':
		if (!first)
			answer(vt, "\033[?6c"); /* a VT102 */
		break;
	case 'g':
		if (first == 0)
			vt->tabs[c->x / 8] &= ~(1U << c->x % 8);
		else if (first == 3)
			memset(vt->tabs, 0, sizeof(vt->tabs));
		break;
	case 'm':
		select_rendition(vt);
		break;
	case 'n':
		report_status(vt);
		break;
	case 'r':
		vt_set_scroll_region(vt);
		break;
	case 's':
		vt->saved = *c;
		break;
	case 'u':
		restore_cursor(vt);
		break;
	}
}

/* A byte inside "ESC [ ... final". */
static void control_byte(struct vt *vt, u8 byte)
{
	u32 *p = &vt->parameters[vt->parameter_count - 1];

	if (byte >= '0' && byte <= '9') {
		*p = MIN(*p * 10 + (byte - '0'), 9999U);
	} else if (byte == ';' || byte == ':') {
		if (vt->parameter_count < ARRAY_SIZE(vt->parameters))
			vt->parameters[vt->parameter_count++] = 0;
	} else if (byte >= '<' && byte <= '?') {
		vt->prefix = byte;
	} else if (byte >= ' ' && byte <= '/') {
		vt->intermediate = byte;
	} else if (byte == '[') {
		vt->state = IGNORE_ONE; /* what a function key sends on the Linux console */
	} else if (byte >= '@' && byte <= '~') {
		vt->state = GROUND;
		if (byte == 'h' || byte == 'l')
			set_modes(vt, byte == 'h');
		else if (byte == 'p' && vt->intermediate == '!')
			vt_soft_reset(vt);
		else if (!vt->prefix && !vt->intermediate)
			control(vt, byte);
	}
}

static void escape_byte(struct vt *vt, u8 byte)
{
	vt->state = GROUND;
	switch (byte) {
	case '[':
		vt->state = CONTROL;
		vt->prefix = vt->intermediate = 0;
		vt->parameter_count = 1;
		vt->parameters[0] = 0;
		break;
	case ']':
		vt->state = COMMAND;
		break;
	case 'P':
	case 'X':
	case '^':
	case '_':
		vt->state = STRING;
		break;
	case '(':
	case ')':
		vt->state = CHARSET;
		vt->intermediate = byte;
		break;
	case '*':
	case '+':
	case '%':
		vt->state = IGNORE_ONE;
		break;
	case '#':
		vt->state = HASH;
		break;
	case '7':
		vt->saved = vt->cursor;
		break;
	case '8':
		restore_cursor(vt);
		break;
	case 'D':
		vt_index_down(vt);
		break;
	case 'E':
		vt->cursor.x = 0;
		vt_index_down(vt);
		break;
	case 'M':
		vt_index_up(vt);
		break;
	case 'H':
		vt->tabs[vt->cursor.x / 8] |= 1U << vt->cursor.x % 8;
		break;
	case 'Z':
		answer(vt, "\033[?6c");
		break;
	case 'c':
		vt_reset(vt);
		break;
	}
}

/* C0 control characters work inside sequences too. */
static void control_character(struct vt *vt, u8 byte)
{
	switch (byte) {
	case '\b':
		vt_move_to(vt, (s64)vt->cursor.x - 1, vt->cursor.y);
		break;
	case '\t':
		vt_tab_to(vt, 1, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		vt_index_down(vt);
		break;
	case '\r':
		vt->cursor.x = 0;
		vt->cursor.wrap = false;
		break;
	case 0x0e:
	case 0x0f:
		vt->cursor.charset = byte == 0x0e;
		break;
	case 0x18:
	case 0x1a:
		vt->state = GROUND;
		break;
	case 0x1b:
		vt->state = ESCAPE;
		break;
	}
}

/* Strings (titles and such) are passed over up to BEL or ESC \. */
static bool string_byte(struct vt *vt, u8 byte)
{
	switch (vt->state) {
	case COMMAND: /* the Linux console's own: "ESC ] P" and 7 digits, "ESC ] R" */
		vt->skip = byte == 'P' ? 7 : 0;
		vt->state = byte == 'P' ? STRING : byte == 'R' ? GROUND : STRING;
		return byte != '\a' && byte != 0x1b ? true : string_byte(vt, byte);
	case STRING:
		if (byte == 0x1b)
			vt->state = STRING_ESCAPE;
		else if (byte == '\a' || byte == 0x18 || byte == 0x1a || (vt->skip && !--vt->skip))
			vt->state = GROUND;
		return true;
	case STRING_ESCAPE:
		vt->state = ESCAPE;
		if (byte != '\\')
			return false;
		vt->state = GROUND;
		return true;
	}
	return false;
}

static void vt_byte(struct vt *vt, u8 byte)
{
	bool again;
	u32 code;

	if (string_byte(vt, byte))
		return;
	if (byte < ' ') {
		vt->utf8.missing = 0;
		control_character(vt, byte);
		return;
	}
	switch (vt->state) {
	case GROUND:
		do {
			code = utf8_next(&vt->utf8, byte, &again);
			if (code != UTF8_MORE && code != 0x7f)
				vt_print(vt, code);
		} while (again);
		break;
	case ESCAPE:
		escape_byte(vt, byte);
		break;
	case CONTROL:
		control_byte(vt, byte);
		break;
	case CHARSET:
		vt->cursor.graphics[vt->intermediate == ')'] = byte == '0';
		vt->state = GROUND;
		break;
	case HASH:
		if (byte == '8')
			vt_alignment(vt);
		vt->state = GROUND;
		break;
	default: /* IGNORE_ONE */
		vt->state = GROUND;
	}
}

void vt_write(struct vt *vt, const char *text, size_t length)
{
	/* Where the cursor was and where it is are to be drawn anew. */
	vt->dirty[vt->cursor.y] = true;
	for (size_t i = 0; i < length; i++)
		vt_byte(vt, text[i]);
	vt->dirty[vt->cursor.y] = true;
}
