/* host-sources: kernel/dev/tty_io.c kernel/dev/tty_ldisc.c kernel/dev/tty_ioctl.c kernel/dev/utf8.c
 */
/* host-flags: -iquote tests/unit/locks -Wno-unused-function -Wno-unused-variable */
/* fuzz-flags: -max_len=512 */
/* mutant: kernel/dev/tty_ldisc.c: *line_done = true; => *line_done = false; */
/* SPDX-License-Identifier: MIT
 *
 * The line discipline, compared with a simple one: what read() gives is what was typed, edited as
 * the settings say, with nothing lost, doubled or out of order; what write() sends is what was
 * written; a ring that is full loses only what comes after.
 */
#include "tests/unit/tty.h"

#undef CHECK
#define HOLDS(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* --- The simple terminal
 * -------------------------------------------------------------------------- */

/* What was typed and not read: bytes [0, whole) form lines, the rest is edited. */
static struct {
	u8 byte;
	bool ends, eof; /* the last of a line; ends it without being read */
} ring[TTY_INPUT_SIZE];
static u32 used, whole;

static bool has(u32 flag)
{
	return tty.termios.c_lflag & flag;
}

static bool is(u8 byte, int which)
{
	return byte && byte == tty.termios.c_cc[which];
}

static void put_byte(u8 byte, bool ends, bool eof)
{
	u32 room = has(ICANON) && !ends ? TTY_INPUT_SIZE - 1 : TTY_INPUT_SIZE;

	if (used >= room)
		return;
	ring[used].byte = byte;
	ring[used].ends = ends;
	ring[used++].eof = eof;
	if (ends)
		whole = used;
}

static bool continues(u8 byte)
{
	return tty.termios.c_iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

static bool in_word(u8 byte)
{
	return isalnum(byte) || byte == '_' || byte >= 0x80;
}

static void erase_word(void)
{
	while (used > whole && !in_word(ring[used - 1].byte))
		used--;
	while (used > whole && in_word(ring[used - 1].byte))
		used--;
}

static void canonical(u8 byte)
{
	if (is(byte, VERASE)) {
		while (used > whole + 1 && continues(ring[used - 1].byte))
			used--;
		used -= used > whole;
	} else if (has(IEXTEN) && is(byte, VWERASE)) {
		erase_word();
	} else if (is(byte, VKILL)) {
		used = whole;
	} else if (byte == '\n' || is(byte, VEOF) || is(byte, VEOL)) {
		bool eof = byte != '\n' && is(byte, VEOF);

		put_byte(eof ? 0 : byte, true, eof);
	} else {
		put_byte(byte, false, false);
	}
}

static void typed(u8 byte)
{
	u32 flags = tty.termios.c_iflag;

	byte &= flags & ISTRIP ? 0x7f : 0xff;
	if (flags & IXON && (is(byte, VSTART) || is(byte, VSTOP)))
		return;
	if (has(ISIG) && (is(byte, VINTR) || is(byte, VQUIT) || is(byte, VSUSP))) {
		if (!has(NOFLSH))
			used = whole = 0;
		return;
	}
	if (byte == '\r' && flags & IGNCR)
		return;
	if (byte == '\r' && flags & ICRNL)
		byte = '\n';
	else if (byte == '\n' && flags & INLCR)
		byte = '\r';
	if (has(ICANON))
		canonical(byte);
	else
		put_byte(byte, false, false);
}

/* ICANON goes on or off: what waits becomes one line, or bytes. */
static void mode_changed(void)
{
	for (u32 i = 0; i < used; i++)
		ring[i].ends = ring[i].eof = false;
	whole = 0;
	if (has(ICANON) && used) {
		ring[used - 1].ends = true;
		ring[used - 1].eof = !ring[used - 1].byte;
		whole = used;
	}
}

/* What a read of n bytes gives: their number, or an error. */
static ssize_t reads_now(u8 *to, u32 n)
{
	u32 i = 0, done = 0;
	bool end = false;

	if (!n)
		return 0;
	if (has(ICANON) ? !whole : !used)
		return has(ICANON) || tty.termios.c_cc[VMIN] || tty.termios.c_cc[VTIME] ? -EAGAIN
											: 0;
	while (i < (has(ICANON) ? whole : used) && !end) {
		if (done == n && !ring[i].eof)
			break;
		end = ring[i].ends;
		if (!ring[i].eof)
			to[done++] = ring[i].byte;
		i++;
	}
	memmove(ring, ring + i, (used - i) * sizeof(ring[0]));
	used -= i;
	whole -= MIN(whole, i);
	return done;
}

/* --- Both
 * ------------------------------------------------------------------------------------------ */

static const u8 *at, *end;

static u32 next(void)
{
	return at < end ? *at++ : 0;
}

static void type_bytes(void)
{
	u32 n = next(), times = next() & 7 ? 1 : 17;

	n = MIN(n, (u32)(end - at));
	for (u32 round = 0; round < times; round++)
		for (u32 i = 0; i < n; i++) {
			typed(at[i]);
			tty_input(&tty, (const char *)&at[i], 1);
		}
	at += n;
	screen_length = 0;
}

static void read_bytes(void)
{
	u32 n = next() * (next() & 1 ? 17 : 1);
	u8 *wanted = malloc(n + 1), *got = malloc(n ? n : 1);
	ssize_t length = reads_now(wanted, n);
	struct io_buffer io = {.remaining = n};

	io_memory = (char *)got;
	HOLDS(tty_read(&tty, &io, true) == length);
	HOLDS(length <= 0 || !memcmp(got, wanted, (size_t)length));
	free(wanted);
	free(got);
}

static void write_bytes(void)
{
	u32 n = next(), wanted = 0;
	bool post = tty.termios.c_oflag & OPOST && tty.termios.c_oflag & ONLCR,
	     stopped = tty.stopped;
	struct io_buffer io = {0};
	static char text[600];
	ssize_t done;

	n = MIN(n, (u32)(end - at));
	io.remaining = n;
	for (u32 i = 0; i < n; i++) {
		if (at[i] == '\n' && post)
			text[wanted++] = '\r';
		text[wanted++] = (char)at[i];
	}
	io_memory = (char *)at + n;
	screen_length = 0;
	done = tty_write(&tty, &io, true);
	HOLDS(done == (stopped && n ? -EAGAIN : (ssize_t)n));
	HOLDS(screen_length == (done > 0 ? wanted : 0) && !memcmp(screen, text, screen_length));
	at += n;
}

static void change_settings(void)
{
	struct termios t = tty.termios;
	u32 which = next();
	bool was = has(ICANON);

	t.c_lflag ^= (which & 1 ? ICANON : 0) | (which & 2 ? ECHO : 0) | (which & 4 ? ISIG : 0) |
		     (which & 8 ? IEXTEN : 0) | (which & 16 ? NOFLSH : 0) |
		     (which & 32 ? ECHOE | ECHOK : 0) | (which & 64 ? ECHOCTL : 0);
	which = next();
	t.c_iflag ^= (which & 1 ? ISTRIP : 0) | (which & 2 ? INLCR : 0) | (which & 4 ? IGNCR : 0) |
		     (which & 8 ? ICRNL : 0) | (which & 16 ? IXON : 0) | (which & 32 ? IXANY : 0) |
		     (which & 64 ? IUTF8 : 0);
	t.c_oflag ^= which & 128 ? ONLCR : 0;
	which = next() % 64;
	if (which < sizeof(t.c_cc))
		t.c_cc[which] = next();
	HOLDS(!tty_ioctl(&tty, 0x5402, (u64)&t)); /* TCSETS */
	if (was != has(ICANON))
		mode_changed();
}

static void check_count(void)
{
	u32 n = 0;
	int told;

	for (u32 i = 0; i < (has(ICANON) ? whole : used); i++)
		n += !ring[i].eof;
	HOLDS(!tty_ioctl(&tty, 0x541b, (u64)&told) && told == (int)n); /* FIONREAD */
	HOLDS(tty.input_head - tty.input_tail == used);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static void (*const steps[])(void) = {type_bytes, read_bytes, write_bytes, change_settings};

	at = data;
	end = data + size;
	fresh();
	used = whole = 0;
	while (at < end) {
		steps[next() % 4]();
		check_count();
	}
	return 0;
}
