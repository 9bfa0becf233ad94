/* host-sources: kernel/dev/vt.c kernel/dev/vt_screens.c kernel/dev/vt_rendition.c
 * kernel/dev/utf8.c */
/* fuzz-flags: -max_len=1024 */
/* mutant: kernel/dev/vt.c: MIN(y, (s64)vt->rows - 1) => MIN(y, (s64)vt->rows) */
/* SPDX-License-Identifier: MIT
 *
 * The terminal emulator.  Cursor, scroll region and lines stay inside of the screen; each line has
 * memory of its own; a row that looks different is marked for drawing; and it makes no difference
 * in how many pieces the bytes arrive.
 */
#include "kernel/dev/vt.h"
#include "tests/fuzz/fuzz.h"

struct screen {
	struct vt vt;
	void *memory;
};

static void screen_make(struct screen *s, u32 columns, u32 rows, u32 history)
{
	s->memory = malloc(vt_memory_size(columns, rows, history));
	vt_init(&s->vt, columns, rows, history, s->memory);
}

static void check_cursor(const struct vt *vt, const struct vt_cursor *c)
{
	HOLDS(c->x < vt->columns && c->y < vt->rows && c->set < 2);
	HOLDS(c->foreground < 16 && c->background < 16);
}

static void check_state(const struct vt *vt)
{
	u32 lines = 2 * vt->rows + vt->history_size;
	static bool used[2 * VT_ROWS_MAX + 256];
	struct vt_cell *cells =
	    (struct vt_cell *)((struct vt_cell **)(vt->alternate ? vt->other : vt->lines) + lines);

	check_cursor(vt, &vt->cursor);
	check_cursor(vt, &vt->saved[0]);
	check_cursor(vt, &vt->saved[1]);
	HOLDS(vt->top < vt->bottom && vt->bottom <= vt->rows);
	HOLDS(vt->parameter_count <= ARRAY_SIZE(vt->parameters));
	HOLDS(vt->answer_length <= VT_ANSWER_MAX);
	HOLDS(vt->history_count <= vt->history_size);
	HOLDS(!vt->history_size || vt->history_next < vt->history_size);
	HOLDS(vt->view <= (vt->alternate ? 0 : vt->history_count));
	memset(used, 0, lines);
	for (u32 i = 0; i < lines; i++) {
		struct vt_cell *line = i < vt->rows	  ? vt->lines[i]
				       : i < 2 * vt->rows ? vt->other[i - vt->rows]
							  : vt->history[i - 2 * vt->rows];
		u64 n = (u64)(line - cells) / vt->columns;

		HOLDS(line >= cells && n < lines && line == cells + n * vt->columns && !used[n]);
		used[n] = true;
	}
}

static bool same_cells(const struct vt_cell *a, const struct vt_cell *b, u32 columns)
{
	for (u32 x = 0; x < columns; x++)
		if (a[x].code != b[x].code || a[x].colours != b[x].colours ||
		    a[x].flags != b[x].flags)
			return false;
	return true;
}

static void check_same(const struct vt *a, const struct vt *b)
{
	HOLDS(a->cursor.x == b->cursor.x && a->cursor.y == b->cursor.y && a->view == b->view);
	HOLDS(a->answer_length == b->answer_length &&
	      !memcmp(a->answer, b->answer, a->answer_length));
	for (u32 y = 0; y < a->rows; y++)
		HOLDS(same_cells(vt_view_line(a, y), vt_view_line(b, y), a->columns));
}

/* Write the bytes at once, and check which rows are marked. */
static void write_at_once(struct vt *vt, const u8 *bytes, u32 n)
{
	static struct vt_cell before[64][64];

	for (u32 y = 0; y < vt->rows; y++) {
		memcpy(before[y], vt_view_line(vt, y), vt->columns * sizeof(struct vt_cell));
		vt->dirty[y] = false;
	}
	vt_write(vt, (const char *)bytes, n);
	for (u32 y = 0; y < vt->rows; y++)
		HOLDS(vt->dirty[y] || same_cells(before[y], vt_view_line(vt, y), vt->columns));
	HOLDS(vt->dirty[vt->cursor.y]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = {data, data + size};
	u32 columns = 2 + input_byte(&in) % 40, rows = 2 + input_byte(&in) % 12,
	    history = input_byte(&in) % 12;
	struct screen whole, pieces;

	screen_make(&whole, columns, rows, history);
	screen_make(&pieces, columns, rows, history);
	while (input_left(&in)) {
		u32 n = input_byte(&in);
		u8 *bytes;

		if (n == 255) {
			s32 lines = (s8)input_byte(&in);

			vt_view_scroll(&whole.vt, lines);
			vt_view_scroll(&pieces.vt, lines);
		} else {
			n = MIN(n, input_left(&in));
			bytes = exact_copy(in.at, n);
			in.at += n;
			write_at_once(&whole.vt, bytes, n);
			for (u32 i = 0; i < n; i++)
				vt_write(&pieces.vt, (const char *)bytes + i, 1);
			if (!n)
				vt_write(&pieces.vt, "", 0);
			free(bytes);
		}
		check_state(&whole.vt);
		check_same(&whole.vt, &pieces.vt);
		if (n & 1)
			whole.vt.answer_length = pieces.vt.answer_length = 0;
	}
	free(whole.memory);
	free(pieces.memory);
	return 0;
}
