/* SPDX-License-Identifier: MIT
 *
 * The keyboard's layout, as Linux keeps it (keymaps(5), ioctl_console(2)): a table for each
 * combination of modifier keys, with an entry of 16 bits for each key.
 */
#pragma once

#include "kernel/lib/base.h"

#define KEYMAP_TABLES 16 /* combinations of the modifiers below */
#define KEYMAP_KEYS   128

#define KEYMAP_SHIFT  1
#define KEYMAP_ALTGR  2
#define KEYMAP_CTRL   4
#define KEYMAP_ALT    8

/* An entry is type << 8 | value, or a Unicode character whose upper four bits are inverted. */
#define KEYMAP_UNICODE(entry) ((entry) ^ 0xf000)
#define KEYMAP_TYPE(entry)    ((entry) >> 8)
enum {
	KEYMAP_LATIN = 0,
	KEYMAP_SPECIAL = 2,
	KEYMAP_PAD = 3,
	KEYMAP_DEAD = 4,
	KEYMAP_META = 8,
	KEYMAP_LETTER = 11, /* Caps Lock exchanges it with the entry for Shift */
	KEYMAP_DEAD2 = 13,
	KEYMAP_TYPES = 15
};
#define KEYMAP_ENTER 0x0201
#define KEYMAP_HOLE  0x0200

/* The entry of a key.  Until a layout is loaded, the tables are those of US keyboards. */
u16 keymap_get(u32 table, u32 key);

/* Change an entry.  Returns 0, or -EINVAL if there is no such table or key. */
int keymap_set(u32 table, u32 key, u16 entry);

/* Does the right Alt key choose characters?  Otherwise it is a second Alt key. */
bool keymap_has_altgr(void);

/* The character that a dead key and the next character make; 0: none. */
u32 keymap_compose(u32 dead, u32 code);

/* ioctl() of the console's keyboard: KDGKBENT, KDSKBENT, KDGKBMODE, KDSKBMODE, KDGKBTYPE,
 * KDGETMODE. -ENOTTY for others. */
struct tty;
long keymap_ioctl(struct tty *tty, u32 request, u64 argument);
