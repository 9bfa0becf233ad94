/* SPDX-License-Identifier: MIT
 *
 * The memory of the terminal emulator: the main and the alternate screen, the lines that have left
 * the main screen, and which of all these is looked at.
 */
#include "kernel/dev/vt.h"
#include "kernel/lib/string.h"

size_t vt_memory_size(u32 columns, u32 rows, u32 history)
{
	return (2UL * rows + history) *
		   (sizeof(struct vt_cell *) + columns * sizeof(struct vt_cell)) +
	       rows * sizeof(bool);
}

void vt_history_add(struct vt *vt)
{
	struct vt_cell **oldest, *line = vt->lines[0];

	if (vt->alternate || !vt->history_size)
		return;
	oldest = &vt->history[vt->history_next];
	vt->lines[0] = *oldest;
	*oldest = line;
	vt->history_next = (vt->history_next + 1) % vt->history_size;
	vt->history_count = MIN(vt->history_count + 1, vt->history_size);
}

void vt_set_alternate(struct vt *vt, bool alternate)
{
	struct vt_cell **lines = vt->lines;

	if (vt->alternate == alternate)
		return;
	vt->alternate = alternate;
	vt->lines = vt->other;
	vt->other = lines;
	memset(vt->dirty, true, vt->rows);
}

const struct vt_cell *vt_view_line(const struct vt *vt, u32 y)
{
	if (y >= vt->view)
		return vt->lines[y - vt->view];
	return vt->history[(vt->history_next + vt->history_size - vt->view + y) % vt->history_size];
}

void vt_view_scroll(struct vt *vt, s32 lines)
{
	s64 most = vt->alternate ? 0 : vt->history_count;
	u32 view = (u32)MAX(MIN((s64)vt->view + lines, most), 0L);

	if (view != vt->view)
		memset(vt->dirty, true, vt->rows);
	vt->view = view;
}
