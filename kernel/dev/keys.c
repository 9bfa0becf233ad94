/* SPDX-License-Identifier: MIT
 *
 * What keys mean, with US layout.  They send what they send on the Linux console.
 */
#include "kernel/dev/boot_display.h"
#include "kernel/dev/keys.h"

#include "arch/x86_64/pc/power.h"
#include "arch/x86_64/pc/sysrq.h"
#include "arch/x86_64/cpu/clock_read.h"
#include "kernel/dev/display.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"

static const char plain[] = "\0\0331234567890-=\x7f\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
			    "\0*\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
			    "789-456+1230.";
static const char shifted[] = "\0\033!@#$%^&*()_+\x7f\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
			      "\0*\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
			      "789-456+1230.";

#define DELETE	    0x53 /* of the keypad, too */
#define PAGE_UP	    0x49
#define PAGE_DOWN   0x51
#define FOUND_BY_NS (5 * NSEC_PER_SEC)

#define KEYS	    0x54 /* the number of scan codes in these tables */
_Static_assert(sizeof(plain) == KEYS + 1 && sizeof(shifted) == KEYS + 1, "a key is missing");

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

static void type_character(struct typed *t, u8 code)
{
	bool shift = shift_left || shift_right;
	char byte = plain[code];

	if (byte >= 'a' && byte <= 'z' && caps_lock)
		shift = !shift;
	byte = shift ? shifted[code] : byte;
	if (!byte)
		return;
	/* Ctrl as on a VT220: @ to ~ and the blank keep their five low bits; ? gives DEL and /
	 * gives 0x1f. */
	if ((control_left || control_right) && (byte == '?' || byte == '/'))
		byte = byte == '?' ? 0x7f : 0x1f;
	else if ((control_left || control_right) && (byte == ' ' || (byte >= '@' && byte <= '~')))
		byte &= 0x1f;
	if (alt_left || alt_right)
		type(t, 0x1b);
	type(t, byte);
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
	else if (code < KEYS && (!extended || code == 0x1c || code == 0x35))
		type_character(t, code); /* the extended ones are Enter and / of the keypad */
}

/* Process Alt-SysRq and the keys after it, which are not typed.  A PS/2 keyboard sends 0x54 for
 * SysRq with Alt; one on the USB has Print.  Returns the magic key to serve; 0: none.  *taken: the
 * key has no further meaning. */
static u8 magic_key(u8 code, bool extended, bool pressed, bool *taken)
{
	bool is_sysrq = extended ? code == 0x37 : code == 0x54;

	if (is_sysrq && pressed && (alt_left || alt_right))
		sysrq = true;
	if (!pressed && code == sysrq_down)
		sysrq_down = 0;
	*taken = is_sysrq || (sysrq && pressed && code < KEYS && plain[code]);
	if (is_sysrq || !*taken || code == sysrq_down)
		return 0;
	sysrq_down = code;
	return (u8)plain[code];
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
	for (u32 i = 0; i < t.length; i++)
		tty_input(&console_tty, (u8)t.bytes[i]);
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
