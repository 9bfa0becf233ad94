/* SPDX-License-Identifier: MIT
 *
 * The tables of the keyboard's layout.  loadkmap(8) fills them, by the ioctl()s of Linux.
 */
#include "kernel/dev/keymap.h"
#include "kernel/dev/tty.h"
#include "kernel/dev/utf8.h"
#include "kernel/fs/rights.h"
#include "kernel/lib/errno.h"
#include "kernel/task/process.h"

#define KDGKBTYPE  0x4b33
#define KDGETMODE  0x4b3b
#define KDGKBMODE  0x4b44
#define KDSKBMODE  0x4b45
#define KDGKBENT   0x4b46
#define KDSKBENT   0x4b47

#define KB_101	   2
#define KD_TEXT	   0
#define MODE_XLATE 1
#define MODE_UTF8  3

#define KEYS	   0x54 /* the number of keys in the tables of US keyboards */
static const char plain[] = "\0\0331234567890-=\x7f\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
			    "\0*\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
			    "789-456+1230.";
static const char shifted[] = "\0\033!@#$%^&*()_+\x7f\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
			      "\0*\0 \0\0\0\0\0\0\0\0\0\0\0\0\0"
			      "789-456+1230.";
_Static_assert(sizeof(plain) == KEYS + 1 && sizeof(shifted) == KEYS + 1, "a key is missing");

static u16 entries[KEYMAP_TABLES][KEYMAP_KEYS];
static bool loaded[KEYMAP_TABLES]; /* an entry of the table has been set */

/* The dead keys, each with pairs of a character and what it becomes. */
static const struct {
	char dead;
	const char *pairs;
} composed[] = {
    {'`', "AÀEÈIÌOÒUÙaàeèiìoòuù"},
    {'\'', "AÁCĆEÉIÍLĹNŃOÓRŔSŚUÚYÝZŹaácćeéiílĺnńoórŕsśuúyýzź"},
    {'^', "AÂCĈEÊGĜHĤIÎJĴOÔSŜUÛWŴYŶaâcĉeêgĝhĥiîjĵoôsŝuûwŵyŷ"},
    {'~', "AÃIĨNÑOÕUŨaãiĩnñoõuũ"},
    {'"', "AÄEËIÏOÖUÜYŸaäeëiïoöuüyÿ"},
    {',', "CÇGĢKĶLĻNŅRŖSŞTŢcçgģkķlļnņrŗsştţ"},
    {'_', "AĀEĒIĪOŌUŪaāeēiīoōuū"},
    {'U', "AĂGĞUŬaăgğuŭ"},
    {'.', "CĊEĖGĠIİZŻcċeėgġiızż"},
    {'*', "AÅUŮaåuů"},
    {'=', "OŐUŰoőuű"},
    {'c', "CČDĎEĚLĽNŇRŘSŠTŤZŽcčdďeělľnňrřsštťzž"},
    {'k', "AĄEĘIĮUŲaąeęiįuų"},
    {'-', "DĐHĦTŦdđhħtŧ"},
    {'/', "OØoøDĐdđ"},
};

static u16 us_entry(u32 table, u32 key)
{
	u8 byte = key >= KEYS || table > KEYMAP_SHIFT ? 0 : table ? shifted[key] : plain[key];

	if (!byte)
		return KEYMAP_HOLE;
	if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
		return KEYMAP_LETTER << 8 | byte;
	return byte == '\r' ? KEYMAP_ENTER : byte;
}

u16 keymap_get(u32 table, u32 key)
{
	if (table >= KEYMAP_TABLES || key >= KEYMAP_KEYS)
		return KEYMAP_HOLE;
	return READ_ONCE(loaded[table]) ? READ_ONCE(entries[table][key]) : us_entry(table, key);
}

int keymap_set(u32 table, u32 key, u16 entry)
{
	if (table >= KEYMAP_TABLES || key >= KEYMAP_KEYS)
		return -EINVAL;
	for (u32 k = 0; k < KEYMAP_KEYS && !loaded[table]; k++)
		WRITE_ONCE(entries[table][k], us_entry(table, k));
	WRITE_ONCE(entries[table][key], entry);
	__atomic_store_n(&loaded[table], true, __ATOMIC_RELEASE);
	return 0;
}

static bool is_character(u16 entry)
{
	u32 type = KEYMAP_TYPE(entry);

	return type == KEYMAP_LATIN || type == KEYMAP_LETTER || type == KEYMAP_DEAD ||
	       type == KEYMAP_DEAD2 || type > KEYMAP_TYPES;
}

bool keymap_has_altgr(void)
{
	/* Layouts without such characters may repeat those of the plain table. */
	for (u32 key = 0; key < KEYMAP_KEYS && READ_ONCE(loaded[KEYMAP_ALTGR]); key++) {
		u16 entry = keymap_get(KEYMAP_ALTGR, key);

		if (is_character(entry) && entry != keymap_get(0, key))
			return true;
	}
	return false;
}

static u32 next_code(const char **text)
{
	struct utf8 utf8 = {0};
	u32 code = UTF8_MORE;
	bool again;

	while (code == UTF8_MORE && **text)
		code = utf8_next(&utf8, (u8) * (*text)++, &again);
	return code;
}

u32 keymap_compose(u32 dead, u32 code)
{
	for (u32 i = 0; i < ARRAY_SIZE(composed); i++) {
		const char *text = composed[i].pairs;

		while (composed[i].dead == (char)dead && dead < 0x80 && *text) {
			u32 base = next_code(&text), result = next_code(&text);

			if (base == code)
				return result;
		}
	}
	return 0;
}

/* struct kbentry of Linux. */
struct entry {
	u8 table, key;
	u16 value;
};

static long set_entry(struct tty *tty, const struct entry *e)
{
	if (READ_ONCE(current_process()->job.tty) != tty && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return keymap_set(e->table, e->key, e->value);
}

long keymap_ioctl(struct tty *tty, u32 request, u64 argument)
{
	void *user = (void *)argument;
	struct entry e;
	u8 type = KB_101;

	switch (request) {
	case KDGKBTYPE:
		return copy_to_user(user, &type, sizeof(type));
	case KDGETMODE:
		return put_user_u32(user, KD_TEXT);
	case KDGKBMODE:
		return put_user_u32(user, MODE_UTF8);
	case KDSKBMODE: /* what keys type is UTF-8 in any case */
		return argument == MODE_UTF8 || argument == MODE_XLATE ? 0 : -EINVAL;
	case KDGKBENT:
	case KDSKBENT:
		if (copy_from_user(&e, user, sizeof(e)))
			return -EFAULT;
		if (request == KDSKBENT)
			return set_entry(tty, &e);
		e.value = keymap_get(e.table, e.key);
		return copy_to_user(user, &e, sizeof(e));
	}
	return -ENOTTY;
}
