/* SPDX-License-Identifier: MIT
 *
 * The line discipline: it makes lines from typed bytes, with editing, echo and signals (POSIX
 * chapter 11, termios(3)).  If these leave a choice, it does what Linux does.
 */
#include "arch/x86_64/pc/random.h"
#include "kernel/dev/tty_job.h"
#include "kernel/dev/tty_ldisc.h"
#include "kernel/dev/utf8.h"
#include "kernel/lib/string.h"
#include "kernel/task/signal.h"

#define MASK	     (TTY_INPUT_SIZE - 1)
#define ECHO_RESERVE 512 /* the part of CONSOLE_RESERVE for echo; the log has the rest */

static bool local(const struct tty *tty, u32 flag)
{
	return tty->termios.c_lflag & flag;
}

static bool is_char(const struct tty *tty, int which, u8 byte)
{
	return byte && tty->termios.c_cc[which] == byte; /* 0 is _POSIX_VDISABLE */
}

/* --- Output ----------------------------------------------------------------------------------- */

static u32 column_after(const struct tty *tty, u32 column, u8 byte)
{
	if (byte == '\r')
		return 0;
	if (byte == '\t')
		return (column | 7) + 1;
	if (byte == '\b')
		return column ? column - 1 : 0;
	if (byte < ' ' || byte == 0x7f)
		return column;
	return utf8_is_continuation(byte) && tty->termios.c_iflag & IUTF8 ? column : column + 1;
}

void tty_out_byte(struct tty_out *out, u8 byte)
{
	struct tty *tty = out->tty;
	u32 flags = tty->termios.c_oflag;

	if (flags & OPOST) {
		u32 column = column_after(tty, tty->column, byte);

		if (byte == '\n' && flags & ONLCR) {
			out->text[out->length++] = '\r';
			column = 0;
		}
		tty->column = column;
	}
	out->text[out->length++] = byte;
}

/* Send the echo now.  It is lost if output is stopped, or if the device has no room left that is
 * reserved for echo. */
static void echo_flush(struct tty_out *out)
{
	struct tty *tty = out->tty;

	if (!tty->stopped && tty->ops->room(tty) > -ECHO_RESERVE)
		tty->ops->output(tty, out->text, out->length);
	out->length = 0;
}

static void echo_raw(struct tty_out *out, u8 byte)
{
	if (out->length + TTY_OUT_PER_BYTE > sizeof(out->text))
		echo_flush(out);
	tty_out_byte(out, byte);
}

static void echo(struct tty_out *out, u8 byte)
{
	bool control = byte < ' ' || byte == 0x7f;

	if (control && byte != '\t' && byte != '\n' && local(out->tty, ECHOCTL)) {
		echo_raw(out, '^');
		byte ^= 0x40;
	}
	echo_raw(out, byte);
}

void tty_wake_writers(struct tty *tty)
{
	wait_wake_one(&tty->writers);
	wait_wake_one(&tty->drainers);
	poll_queue_wake(&tty->writable);
}

/* A reader wakes the next one if it leaves something. */
static void wake_reader(struct tty *tty)
{
	wait_wake_one(&tty->readers);
	poll_queue_wake(&tty->readable);
}

void tty_set_stopped(struct tty *tty, bool stopped)
{
	tty->stopped = stopped || tty->held;
	if (!tty->stopped)
		tty_wake_writers(tty);
}

/* --- The ring --------------------------------------------------------------------------------- */

static bool is_line_end(const struct tty *tty, u32 i)
{
	return tty->ring->line_ends[(i & MASK) / 8] >> i % 8 & 1;
}

static void set_line_end(struct tty *tty, u32 i, bool on)
{
	u8 *bits = &tty->ring->line_ends[(i & MASK) / 8];

	*bits = on ? *bits | 1U << i % 8 : *bits & ~(1U << i % 8);
}

static bool is_eof(const struct tty *tty, u32 i)
{
	return is_line_end(tty, i) && !tty->ring->bytes[i & MASK];
}

/* Append a byte to the ring; false if it is full.  In canonical mode the last place is kept for the
 * end of a line, so that a line that fills the ring can still be ended. */
static bool append(struct tty *tty, u8 byte, bool line_end)
{
	u32 used = tty->input_head - tty->input_tail;

	if (used + (local(tty, ICANON) && !line_end) >= TTY_INPUT_SIZE)
		return false;
	tty->ring->bytes[tty->input_head & MASK] = byte;
	set_line_end(tty, tty->input_head, line_end);
	tty->input_head++;
	if (line_end) {
		tty->canon_head = tty->input_head;
		tty->lines++;
	}
	return true;
}

u32 tty_readable(const struct tty *tty)
{
	u32 n;

	if (!local(tty, ICANON))
		return tty->input_head - tty->input_tail;
	if (!tty->lines)
		return 0;
	n = tty->canon_head - tty->input_tail;
	for (u32 i = tty->input_tail; i != tty->canon_head; i++)
		n -= is_eof(tty, i);
	return n;
}

u32 tty_take(struct tty *tty, u8 *buf, u32 n, bool *line_done)
{
	bool canonical = local(tty, ICANON);
	u32 end = canonical ? tty->canon_head : tty->input_head, done = 0;

	*line_done = false;
	while (tty->input_tail != end && !*line_done) {
		u32 i = tty->input_tail;
		bool eof = canonical && is_eof(tty, i);

		/* An EOF directly after the last byte asked for belongs to this read. */
		if (done == n && !(eof && n))
			break;
		tty->input_tail++;
		if (!eof)
			buf[done++] = tty->ring->bytes[i & MASK];
		if (canonical && is_line_end(tty, i)) {
			tty->lines--;
			*line_done = true;
		}
	}
	if (!canonical)
		tty->canon_head = tty->input_tail;
	return done;
}

void tty_flush_input(struct tty *tty)
{
	tty->input_tail = tty->canon_head = tty->input_head;
	tty->lines = 0;
	if (tty->ops->input_taken)
		tty->ops->input_taken(tty);
}

void tty_flush_output(struct tty *tty)
{
	tty->ops->discard(tty);
	tty_wake_writers(tty);
}

void tty_set_termios(struct tty *tty, const struct termios *termios)
{
	u32 changed = tty->termios.c_lflag ^ termios->c_lflag;

	tty->termios = *termios;
	if (changed & ICANON) {
		memset(tty->ring->line_ends, 0, sizeof(tty->ring->line_ends));
		tty->lines = 0;
		tty->canon_head = tty->input_tail;
		if (termios->c_lflag & ICANON && tty->input_head != tty->input_tail) {
			/* The bytes that were typed before canonical mode count as one line. */
			set_line_end(tty, tty->input_head - 1, true);
			tty->canon_head = tty->input_head;
			tty->lines = 1;
		}
	}
	if (tty->stopped && !(termios->c_iflag & IXON))
		tty_set_stopped(tty, false);
	/* With the new rules the input may be enough for a reader that waits. */
	wake_reader(tty);
}

/* --- Editing ---------------------------------------------------------------------------------- */

/* The column of the cursor after the echo of the bytes [canon_head, end). */
static u32 edit_column(const struct tty *tty, u32 end)
{
	u32 column = tty->line_column;

	for (u32 i = tty->canon_head; i != end; i++) {
		u8 byte = tty->ring->bytes[i & MASK];

		if (byte != '\t' && (byte < ' ' || byte == 0x7f))
			column += local(tty, ECHOCTL) ? 2 : 0;
		else
			column = column_after(tty, column, byte);
	}
	return column;
}

/* Shorten the line to `end`, and erase the echo of the bytes that are removed. */
static void rub_out(struct tty_out *out, u32 end)
{
	struct tty *tty = out->tty;
	u32 columns = edit_column(tty, tty->input_head) - edit_column(tty, end);

	tty->input_head = end;
	while (columns--) {
		echo_raw(out, '\b');
		echo_raw(out, ' ');
		echo_raw(out, '\b');
	}
}

/* The index at which the last character begins; with IUTF8 it may have continuation bytes. */
static u32 character_start(const struct tty *tty, u32 end)
{
	u32 i = end - 1;

	if (tty->termios.c_iflag & IUTF8)
		while (i != tty->canon_head && utf8_is_continuation(tty->ring->bytes[i & MASK]))
			i--;
	return i;
}

static bool is_word(u8 byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= 'A' && byte <= 'Z') || byte == '_' || byte >= 0x80;
}

/* The index at which the last word begins.  Bytes after the word that belong to no word are
 * skipped. */
static u32 word_start(const struct tty *tty, u32 end)
{
	bool seen = false;

	for (; end != tty->canon_head; end--) {
		bool word = is_word(tty->ring->bytes[(end - 1) & MASK]);

		if (seen && !word)
			break;
		seen |= word;
	}
	return end;
}

static void edit_erase(struct tty_out *out, u8 byte, bool word)
{
	struct tty *tty = out->tty;
	u32 end;

	if (tty->input_head == tty->canon_head)
		return;
	end = word ? word_start(tty, tty->input_head) : character_start(tty, tty->input_head);
	if (local(tty, ECHO) && local(tty, ECHOE)) {
		rub_out(out, end);
		return;
	}
	tty->input_head = end;
	if (local(tty, ECHO))
		echo(out, byte);
}

static void edit_kill(struct tty_out *out, u8 byte)
{
	struct tty *tty = out->tty;

	if (local(tty, ECHO) && local(tty, ECHOK) && local(tty, ECHOKE) && local(tty, ECHOE)) {
		rub_out(out, tty->canon_head);
		return;
	}
	tty->input_head = tty->canon_head;
	if (!local(tty, ECHO))
		return;
	echo(out, byte);
	if (local(tty, ECHOK))
		echo_raw(out, '\n');
}

/* Append an ordinary byte to the line and echo it. */
static void edit_insert(struct tty_out *out, u8 byte)
{
	struct tty *tty = out->tty;

	if (tty->input_head == tty->canon_head)
		tty->line_column = tty->column;
	if (append(tty, byte, false) && local(tty, ECHO))
		echo(out, byte);
}

/* Process a byte that edits or ends the line in canonical mode.  False: it is an ordinary byte. */
static bool edit(struct tty_out *out, u8 byte)
{
	struct tty *tty = out->tty;

	if (is_char(tty, VERASE, byte) || (local(tty, IEXTEN) && is_char(tty, VWERASE, byte))) {
		edit_erase(out, byte, !is_char(tty, VERASE, byte));
	} else if (is_char(tty, VKILL, byte)) {
		edit_kill(out, byte);
	} else if (byte == '\n') {
		if (append(tty, byte, true) && (local(tty, ECHO) || local(tty, ECHONL)))
			echo_raw(out, byte);
	} else if (is_char(tty, VEOF, byte)) {
		append(tty, 0, true);
	} else if (is_char(tty, VEOL, byte)) {
		if (append(tty, byte, true) && local(tty, ECHO))
			echo(out, byte);
	} else {
		return false;
	}
	return true;
}

/* The signal that `byte` sends if ISIG is set, or 0. */
static int signal_for(const struct tty *tty, u8 byte)
{
	if (!local(tty, ISIG))
		return 0;
	if (is_char(tty, VINTR, byte))
		return SIGINT;
	if (is_char(tty, VQUIT, byte))
		return SIGQUIT;
	return is_char(tty, VSUSP, byte) ? SIGTSTP : 0;
}

/* Process one input byte.  Returns the signal to send to the foreground group, or 0.  The caller
 * holds tty->lock. */
static int receive(struct tty_out *out, u8 byte)
{
	struct tty *tty = out->tty;
	u32 flags = tty->termios.c_iflag;
	int signal;

	if (flags & ISTRIP)
		byte &= 0x7f;
	if (flags & IXON && (is_char(tty, VSTART, byte) || is_char(tty, VSTOP, byte))) {
		tty_set_stopped(tty, !is_char(tty, VSTART, byte));
		return 0;
	}
	signal = signal_for(tty, byte);
	if (signal) {
		if (!local(tty, NOFLSH)) {
			tty_flush_input(tty);
			tty_flush_output(tty);
		}
		if (flags & IXON)
			tty_set_stopped(tty, false);
		if (local(tty, ECHO))
			echo(out, byte);
		return signal;
	}
	if (tty->stopped && flags & IXON && flags & IXANY)
		tty_set_stopped(tty, false);
	if (byte == '\r') {
		if (flags & IGNCR)
			return 0;
		if (flags & ICRNL)
			byte = '\n';
	} else if (byte == '\n' && flags & INLCR) {
		byte = '\r';
	}
	if (!local(tty, ICANON) || !edit(out, byte))
		edit_insert(out, byte);
	return 0;
}

void tty_signal_group(pid_t group, pid_t session, int signal)
{
	if (group && process_group_exists(group, session))
		(void)signal_send_group(group, signal, NULL);
}

void tty_signal_foreground(struct tty *tty, int signal)
{
	u64 flags = spin_lock_irq(&tty->lock);
	pid_t group = tty->foreground, session = tty->session;

	spin_unlock_irq(&tty->lock, flags);
	tty_signal_group(group, session, signal);
}

/* Process bytes up to one that sends a signal; how many. */
static u32 input(struct tty *tty, const char *bytes, u32 n)
{
	struct tty_out out = {.tty = tty};
	u64 flags = spin_lock_irq(&tty->lock);
	int signal = 0;
	bool readable;
	u32 i = 0;

	while (i < n && !signal)
		signal = receive(&out, (u8)bytes[i++]);
	readable = !local(tty, ICANON) || tty->lines;
	if (out.length)
		echo_flush(&out);
	spin_unlock_irq(&tty->lock, flags);

	random_add((u8)bytes[i - 1]);
	/* Send after the unlock: sending takes process_lock, which must not be taken under
	 * tty->lock. */
	if (signal)
		tty_signal_foreground(tty, signal);
	if (readable)
		wake_reader(tty);
	return i;
}

void tty_input(struct tty *tty, const char *bytes, u32 n)
{
	for (u32 done = 0; done < n;)
		done += input(tty, bytes + done, n - done);
}
