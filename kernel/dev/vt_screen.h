/* SPDX-License-Identifier: MIT
 *
 * What vt_parse.c has done to the screen.  Counts are clamped; `n` < 0 means the other way.
 */
#pragma once

#include "kernel/dev/vt.h"

#define VT_DEFAULT_FOREGROUND 7
#define VT_DEFAULT_BACKGROUND 0

void vt_print(struct vt *vt, u32 code);

void vt_erase(struct vt *vt, u32 y, u32 from, u32 to);
void vt_erase_lines(struct vt *vt, u32 from, u32 to);
void vt_erase_display(struct vt *vt, u32 what);
void vt_erase_line(struct vt *vt, u32 what);
void vt_alignment(struct vt *vt);
void vt_scroll(struct vt *vt, u32 top, u32 bottom, s32 n);
void vt_shift_cells(struct vt *vt, s32 n);
void vt_insert_lines(struct vt *vt, s32 n);

void vt_move_to(struct vt *vt, s64 x, s64 y);
void vt_move_rows(struct vt *vt, s64 n);
void vt_index_down(struct vt *vt);
void vt_index_up(struct vt *vt);
void vt_tab_to(struct vt *vt, s32 step, u32 count);

void vt_set_scroll_region(struct vt *vt);
void vt_show_other_screen(struct vt *vt, bool alternate);
void vt_rendition_reset(struct vt_cursor *c);
void vt_soft_reset(struct vt *vt);
void vt_reset(struct vt *vt);
