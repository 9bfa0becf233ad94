/* SPDX-License-Identifier: MIT
 *
 * A terminal emulator: it turns a stream of bytes into a grid of cells.  It knows the part of
 * ECMA-48 and console_codes(4) that programs use with TERM=linux.  Each character fills one cell.
 * It does not answer requests, such as for the position of the cursor.  It accesses no hardware and
 * takes no lock; its caller locks.
 */
#pragma once

#include "kernel/dev/utf8.h"

#define VT_COLUMNS_MAX 512
#define VT_ROWS_MAX    256

#define VT_UNDERLINE 1
#define VT_CURSOR    2 /* the code that draws sets it in the cell at the cursor */

struct vt_cell {
	u16 code;   /* Unicode; U+FFFD for a code of more than 16 bits */
	u8 colours; /* background << 4 | foreground; the numbers of SGR, bright ones + 8 */
	u8 flags;
};

struct vt_cursor {
	u32 x, y;
	bool wrap; /* the last column is written, so the next character starts a new line */
	bool bold, underline, reverse;
	u8 foreground, background;
};

struct vt {
	u32 columns, rows;
	struct vt_cell **lines; /* [rows]: the visible lines */
	bool *dirty;		/* [rows]: changed since the code that draws has cleared this */
	struct vt_cursor cursor, saved;
	u32 top, bottom; /* lines [top, bottom) scroll */
	bool autowrap, cursor_visible;
	struct utf8 utf8;
	u8 state;
	bool is_private; /* a byte marks the control sequence as private (ECMA-48 5.4.1) */
	bool question;	 /* that byte is '?' */
	u32 parameter_count, parameters[16];
};

/* The bytes of memory that vt_init() needs for a screen of this size. */
size_t vt_memory_size(u32 columns, u32 rows);

/* Make an empty screen of 2x2 to VT_COLUMNS_MAX x VT_ROWS_MAX cells.  `memory` must stay valid. */
void vt_init(struct vt *vt, u32 columns, u32 rows, void *memory);

/* Show bytes of a program: characters and control sequences. */
void vt_write(struct vt *vt, const char *text, size_t length);
