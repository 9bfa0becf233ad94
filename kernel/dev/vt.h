/* SPDX-License-Identifier: MIT
 *
 * A terminal emulator: it turns a stream of bytes into a grid of cells.  It knows the part of
 * ECMA-48 and console_codes(4) that programs use with TERM=linux, and the alternate screen of
 * xterm. Each character fills one cell.  It keeps lines that have left the screen at the top.  It
 * accesses no hardware and takes no lock; its caller locks.
 */
#pragma once

#include "kernel/dev/utf8.h"

#define VT_COLUMNS_MAX 512
#define VT_ROWS_MAX    256
#define VT_ANSWER_MAX  32

#define VT_FOREGROUND  7
#define VT_BACKGROUND  0

#define VT_UNDERLINE   1
#define VT_CURSOR      2 /* the code that draws sets it in the cell at the cursor */

struct vt_cell {
	u16 code;   /* Unicode; U+FFFD for a code of more than 16 bits */
	u8 colours; /* background << 4 | foreground; the numbers of SGR, bright ones + 8 */
	u8 flags;
};

struct vt_cursor {
	u32 x, y;
	bool wrap; /* the last column is written, so the next character starts a new line */
	bool bold, dim, underline, reverse;
	u8 foreground, background;
	bool graphics[2]; /* the character sets G0 and G1 are the graphics of the VT100 */
	u8 set;		  /* which of them is in use */
};

struct vt {
	u32 columns, rows;
	struct vt_cell **lines; /* [rows]: of the screen in use */
	struct vt_cell **other; /* [rows]: of the other one, main or alternate */
	bool alternate;		/* the alternate screen is in use */
	bool *dirty;		/* [rows]: changed since the code that draws has cleared this */
	/* A ring of lines that have left the main screen at the top.  The newest is before
	 * history[history_next]. */
	struct vt_cell **history;
	u32 history_size, history_count, history_next;
	u32 view; /* what is looked at begins so many lines above the screen */
	struct vt_cursor cursor, saved[2]; /* of the main and of the alternate screen */
	u32 top, bottom;		   /* lines [top, bottom) scroll */
	bool autowrap, cursor_visible, insert;
	u64 tabs[VT_COLUMNS_MAX / 64]; /* bit set: a tab stop */
	char answer[VT_ANSWER_MAX];    /* what the terminal types in answer to requests */
	u32 answer_length;	       /* the code that types it sets this to 0 */
	struct utf8 utf8;
	u8 state;
	u8 skip;	 /* bytes that are still to be ignored */
	bool is_private; /* a byte marks the control sequence as private (ECMA-48 5.4.1) */
	bool question;	 /* that byte is '?' */
	u32 parameter_count, parameters[16];
};

/* The bytes of memory that vt_init() needs for a screen of this size, and for each line of history.
 */
size_t vt_memory_size(u32 columns, u32 rows, u32 history);

/* Make an empty screen of 2x2 to VT_COLUMNS_MAX x VT_ROWS_MAX cells that keeps `history` lines.
 * `memory` must stay valid. */
void vt_init(struct vt *vt, u32 columns, u32 rows, u32 history, void *memory);

/* Show bytes of a program: characters and control sequences.  The view returns to the screen. */
void vt_write(struct vt *vt, const char *text, size_t length);

/* Line y of what is looked at. */
const struct vt_cell *vt_view_line(const struct vt *vt, u32 y);

/* Look at what is `lines` lines above what is looked at now, or below if negative, as far as there
 * are lines; INT32_MIN returns to the screen.  The alternate screen has nothing above it. */
void vt_view_scroll(struct vt *vt, s32 lines);

/* For vt.c: keep the first line of the main screen, which is about to scroll away.  Its memory
 * becomes that of the oldest line, with any contents. */
void vt_history_add(struct vt *vt);

/* For vt.c: use the alternate screen or the main one, which keep their contents. */
void vt_set_alternate(struct vt *vt, bool alternate);

/* For vt.c: the rendition that SGR 0 sets, and the one that the parameters say. */
void vt_rendition_reset(struct vt_cursor *c);
void vt_rendition(struct vt *vt);
