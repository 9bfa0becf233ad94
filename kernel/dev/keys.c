/* SPDX-License-Identifier: MIT
 *
 * What keys mean, by the layout of keymap.h.  They send what they send on the Linux console.
 */
#include "kernel/dev/boot_display.h"
#include "kernel/dev/keys.h"

#include "arch/x86_64/pc/power.h"
#include "arch/x86_64/pc/sysrq.h"
#include "arch/x86_64/cpu/clock_read.h"
#include "kernel/dev/display.h"
#include "kernel/dev/keymap.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"

#define DELETE	       0x53 /* of the keypad, too */
#define KEYPAD_ENTER   0x1c /* extended */
#define KEYPAD_SLASH   0x35
#define ABNT_SLASH     0x73 /* of Brazilian keyboards; Linux's number of it follows */
#define ABNT_SLASH_KEY 89
#define PAGE_UP	       0x49
#define PAGE_DOWN      0x51
#define FOUND_BY_NS    (5 * NSEC_PER_SEC)

/* What the cursor block (scan codes 0x47 to 0x53) sends: a letter stands for "ESC [ letter", a
 * digit for "ESC [ digit ~".  The keys of the keypad have the same codes and always send digits. */
static const char cursor_block[] = "1A5-DGC+4B623";

static const char *const function_keys[12] = {
    "\033[[A",	"\033[[B",  "\033[[C",	"\033[[D",  "\033[[E",	"\033[17~",
    "\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~",
};

static struct lock_class keys_class = {"keys", 0};
static struct spinlock keys_lock = SPINLOCK_INIT(&keys_class); /* irq; the variables below */
static bool shift_left, shift_right, control_left, control_right, alt_left, alt_right;
static bool caps_lock;
static u32 dead;      /* the sign of a dead key that was pressed; 0: none */
static bool sysrq;    /* Alt-SysRq was pressed, and Alt is still down */
static u8 sysrq_down; /* the magic key that is down: it may repeat */

/* What one key sends is collected here, under the lock, and typed without it: the terminal takes
 * locks of its own. */
struct typed {
	char bytes[8];
	u32 length;
};

static void type(struct typed *t, char byte)
{
	if (t->length < sizeof(t->bytes))
		t->bytes[t->length++] = byte;
}

static void type_text(struct typed *t, const char *text)
{
	while (*text)
		type(t, *text++);
}

static void type_cursor_key(struct typed *t, u8 code)
{
	char key = cursor_block[code - 0x47];
	char text[] = {0x1b, '[', key, key >= 'A' ? 0 : '~', 0};

	type_text(t, text);
}

/* Type a character in UTF-8. */
static void type_code(struct typed *t, u32 code)
{
	if (code < 0x80) {
		type(t, (char)code);
	} else if (code < 0x800) {
		type(t, (char)(0xc0 | code >> 6));
		type(t, (char)(0x80 | (code & 0x3f)));
	} else {
		type(t, (char)(0xe0 | code >> 12));
		type(t, (char)(0x80 | (code >> 6 & 0x3f)));
		type(t, (char)(0x80 | (code & 0x3f)));
	}
}

/* Ctrl as on a VT220: @ to ~ and the blank keep their five low bits; ? gives DEL and / gives 0x1f.
 */
static u32 with_control(u32 code)
{
	if (code == '?' || code == '/')
		return code == '?' ? 0x7f : 0x1f;
	return code == ' ' || (code >= '@' && code <= '~') ? code & 0x1f : code;
}

/* The key's entry in the layout, and in *left the modifiers that the layout has not answered: if it
 * says nothing about Ctrl or Alt with this key, they change what the key types without them. */
static u16 find_entry(u32 key, u32 modifiers, u32 *left)
{
	u16 entry = keymap_get(modifiers, key);

	*left = 0;
	if (KEYMAP_TYPE(entry) == KEYMAP_LETTER && caps_lock)
		entry = keymap_get(modifiers ^ KEYMAP_SHIFT, key);
	if (entry == KEYMAP_HOLE && modifiers & (KEYMAP_CTRL | KEYMAP_ALT)) {
		entry = find_entry(key, modifiers & (KEYMAP_SHIFT | KEYMAP_ALTGR), left);
		*left = modifiers & (KEYMAP_CTRL | KEYMAP_ALT);
	}
	return entry;
}

/* The character of an entry; 0: it is none. */
static u32 character_of(u16 entry)
{
	static const char pad[] = "0123456789+-*/\r,.";
	u32 type = KEYMAP_TYPE(entry), value = entry & 0xff;

	if (type > KEYMAP_TYPES)
		return KEYMAP_UNICODE(entry);
	if (type == KEYMAP_LATIN || type == KEYMAP_LETTER || type == KEYMAP_META)
		return value;
	if (type == KEYMAP_PAD && value < sizeof(pad) - 1)
		return pad[value];
	return entry == KEYMAP_ENTER ? '\r' : 0;
}

static u32 dead_of(u16 entry)
{
	static const char signs[] = "`'^~\",_U.*=cki#o!?+-)(:n;$@";
	u32 type = KEYMAP_TYPE(entry), value = entry & 0xff;

	if (type == KEYMAP_DEAD2)
		return value;
	return type == KEYMAP_DEAD && value < sizeof(signs) - 1 ? (u8)signs[value] : 0;
}

/* A character after a dead key: the two make one, or the dead key's sign comes first.  A blank, or
 * the same key again, types the sign alone. */
static void type_after_dead(struct typed *t, u32 code)
{
	u32 sign = dead, both = keymap_compose(sign, code);

	dead = 0;
	if (both || code == ' ' || code == sign) {
		type_code(t, both ?: sign);
	} else {
		type_code(t, sign);
		type_code(t, code);
	}
}

static void type_character(struct typed *t, u8 code)
{
	bool altgr = alt_right && keymap_has_altgr();
	u32 left, modifiers = (shift_left || shift_right ? KEYMAP_SHIFT : 0) |
			      (altgr ? KEYMAP_ALTGR : 0) |
			      (control_left || control_right ? KEYMAP_CTRL : 0) |
			      (alt_left || (alt_right && !altgr) ? KEYMAP_ALT : 0);
	u16 entry = find_entry(code, modifiers, &left);
	u32 typed = character_of(entry), sign = dead_of(entry);

	if (sign && !dead) {
		dead = sign;
		return;
	}
	typed = sign ?: typed;
	if (!typed && entry) /* not even Ctrl-@ */
		return;
	if (left & KEYMAP_CTRL)
		typed = with_control(typed);
	if (left & KEYMAP_ALT || KEYMAP_TYPE(entry) == KEYMAP_META)
		type(t, 0x1b);
	if (dead)
		type_after_dead(t, typed);
	else
		type_code(t, typed);
}

/* Process a key that only changes the meaning of other keys.  False: it is another key. */
static bool modifier(u8 code, bool extended, bool pressed)
{
	switch (code) {
	case 0x2a:
	case 0x36:
		if (!extended) /* E0 2A and E0 36 are no keys: they surround codes of others */
			*(code == 0x2a ? &shift_left : &shift_right) = pressed;
		return true;
	case 0x1d:
		*(extended ? &control_right : &control_left) = pressed;
		return true;
	case 0x38:
		*(extended ? &alt_right : &alt_left) = pressed;
		sysrq &= pressed;
		return true;
	case 0x3a:
		caps_lock ^= pressed;
		return true;
	}
	return false;
}

/* Shift with Page Up or Page Down looks at what has scrolled away; another key that types returns.
 */
static s32 scroll_key(u8 code, bool extended)
{
	if (!extended || !(shift_left || shift_right) || (code != PAGE_UP && code != PAGE_DOWN))
		return 0;
	return code == PAGE_UP ? 1 : -1;
}

static void key(struct typed *t, u8 code, bool extended)
{
	if (code >= 0x47 && code <= 0x53 && extended)
		type_cursor_key(t, code);
	else if (code >= 0x3b && code <= 0x44)
		type_text(t, function_keys[code - 0x3b]);
	else if (code == 0x57 || code == 0x58)
		type_text(t, function_keys[10 + code - 0x57]);
	else if (extended && (code == KEYPAD_ENTER || code == KEYPAD_SLASH))
		type(t, code == KEYPAD_ENTER ? '\r' : '/');
	else if (!extended)
		type_character(t, code == ABNT_SLASH ? ABNT_SLASH_KEY : code);
}

/* Process Alt-SysRq and the keys after it, which are not typed.  A PS/2 keyboard sends 0x54 for
 * SysRq with Alt; one on the USB has Print.  Returns the magic key to serve; 0: none.  *taken: the
 * key has no further meaning. */
static u8 magic_key(u8 code, bool extended, bool pressed, bool *taken)
{
	bool is_sysrq = extended ? code == 0x37 : code == 0x54;
	u32 letter = extended ? 0 : character_of(keymap_get(0, code));

	if (is_sysrq && pressed && (alt_left || alt_right))
		sysrq = true;
	if (!pressed && code == sysrq_down)
		sysrq_down = 0;
	*taken = is_sysrq || (sysrq && pressed && letter && letter < 0x80);
	if (is_sysrq || !*taken || code == sysrq_down)
		return 0;
	sysrq_down = code;
	return (u8)letter;
}

void key_event(u8 code, bool extended, bool pressed)
{
	u64 flags = spin_lock_irq(&keys_lock);
	struct typed t = {.length = 0};
	s32 scroll = 0;
	bool taken;
	u8 magic;
	bool restart =
	    code == DELETE && pressed && (control_left || control_right) && (alt_left || alt_right);

	magic = magic_key(code, extended, pressed, &taken);
	if (!modifier(code, extended, pressed) && pressed && !taken) {
		scroll = scroll_key(code, extended);
		if (!scroll)
			key(&t, code, extended);
	}
	spin_unlock_irq(&keys_lock, flags);
	if (magic)
		sysrq_key(magic);
	if (restart) {
		log_info("Ctrl-Alt-Del: the machine starts again");
		power_reset();
	}
	if (scroll || t.length)
		display_scroll(scroll);
	tty_input(&console_tty, t.bytes, t.length);
}

static int keyboards;

void keys_keyboard(int change)
{
	__atomic_fetch_add(&keyboards, change, __ATOMIC_RELAXED);
}

/* On the USB a keyboard takes a while to be found. */
static void look_for_keyboard(void *unused)
{
	sleep_until(clock_now_ns() + FOUND_BY_NS, 0);
	if (!READ_ONCE(keyboards))
		log_warn("keyboard: none found. Plug one into another USB port: it works at once. "
			 "Keyboards at Bluetooth, at I2C (some laptops) and at USB controllers "
			 "older than xHCI do not work. The boot menu has a tour of the labs "
			 "that needs no keys.");
}

/* Only a person before a screen misses it. */
static void keys_init(void)
{
	if (boot_display.type != BOOT_DISPLAY_NONE)
		kthread_create("keyboard", look_for_keyboard, NULL);
}

INIT_CALL(92, keys_init);
