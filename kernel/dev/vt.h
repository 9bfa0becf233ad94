/* SPDX-License-Identifier: MIT
 *
 * A terminal between a stream of bytes and a grid of cells: of ECMA-48 and console_codes(4) what
 * programs for TERM=linux use, each character in one cell.  It answers no questions: a program that
 * asks where the cursor is goes on without.  Knows no machine and takes no lock: its owner does.
 */
#pragma once

#include "kernel/dev/utf8.h"

#define VT_COLUMNS_MAX 512
#define VT_ROWS_MAX    256

#define VT_UNDERLINE 1
#define VT_CURSOR    2 /* set by who draws, where the cursor stands */

struct vt_cell {
	u16 code;   /* Unicode; U+FFFD for what lies beyond 16 bits */
	u8 colours; /* background << 4 | foreground, numbered as SGR does, +8 bright */
	u8 flags;
};

struct vt_cursor {
	u32 x, y;
	bool wrap; /* the last column has been written: the next character begins a new line */
	bool bold, underline, reverse;
	u8 foreground, background;
};

struct vt {
	u32 columns, rows;
	struct vt_cell **lines; /* [rows]: what is to be seen */
	bool *dirty;		/* [rows]: changed since its owner cleared it */
	struct vt_cursor cursor, saved;
	u32 top, bottom; /* lines [top, bottom) scroll */
	bool autowrap, cursor_visible;
	struct utf8 utf8;
	u8 state;
	bool is_private; /* the control sequence has a byte in it that makes it another's */
	bool question;	 /* ... namely '?' */
	u32 parameter_count, parameters[16];
};

/* Bytes that vt_init() wants for a screen of this size. */
size_t vt_memory_size(u32 columns, u32 rows);

/* An empty screen.  Sizes from 2x2 to VT_COLUMNS_MAX x VT_ROWS_MAX. */
void vt_init(struct vt *vt, u32 columns, u32 rows, void *memory);

void vt_write(struct vt *vt, const char *text, size_t length);
