/* host-sources: kernel/dev/tty_io.c kernel/dev/tty_ldisc.c kernel/dev/tty_ioctl.c kernel/dev/utf8.c */
/* host-flags: -iquote tests/unit/locks */
/* SPDX-License-Identifier: MIT
 *
 * The line discipline, read(), write(), ioctl() and job control of a terminal.  Who would sleep gets
 * the next event of a script instead.
 */
#include "tests/unit/tty.h"

/* --- Helpers ---------------------------------------------------------------------------------- */

static bool shown(const char *wanted)
{
	bool ok = screen_length == strlen(wanted) && !memcmp(screen, wanted, screen_length);

	if (!ok)
		printf("# shown: \"%.*s\"\n", (int)screen_length, screen);
	screen_length = 0;
	return ok;
}

static char got[8192];

static ssize_t get(size_t n, bool nonblock)
{
	struct io_buffer io = {.remaining = n};

	memset(got, 0, sizeof(got));
	io_memory = got;
	return tty_read(&tty, &io, nonblock);
}

static bool reads(size_t n, const char *wanted)
{
	ssize_t length = get(n, false);
	bool ok = length == (ssize_t)strlen(wanted) && !memcmp(got, wanted, length);

	if (!ok)
		printf("# read %ld: \"%s\"\n", (long)length, got);
	return ok;
}

static ssize_t put(const char *text, bool nonblock)
{
	struct io_buffer io = {.remaining = strlen(text)};
	ssize_t n;

	io_memory = (char *)text + strlen(text);
	n = tty_write(&tty, &io, nonblock);
	if (n == (ssize_t)strlen(text))
		CHECK_EQ(io.remaining, 0);
	return n;
}

static void set(u32 lflag_off, u32 lflag_on)
{
	struct termios t;

	tty_ioctl(&tty, 0x5401, (u64)&t);
	t.c_lflag = (t.c_lflag & ~lflag_off) | lflag_on;
	CHECK_EQ(tty_ioctl(&tty, 0x5402, (u64)&t), 0);
}

static void raw(u8 min, u8 time)
{
	set(ICANON | ECHO, 0);
	tty.termios.c_cc[VMIN] = min;
	tty.termios.c_cc[VTIME] = time;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void lines_and_editing(void)
{
	fresh();
	CHECK_EQ(get(10, true), -EAGAIN);
	type("helo\x7flo\r");
	CHECK(shown("helo\b \blo\r\n"));
	CHECK(reads(100, "hello\n"));
	type("one two  \x17three\n");
	CHECK(shown("one two  \b \b\b \b\b \b\b \b\b \bthree\r\n"));
	CHECK(reads(100, "one three\n"));
	type("junk\x15ok\n");
	CHECK(shown("junk\b \b\b \b\b \b\b \bok\r\n"));
	CHECK(reads(2, "ok"));
	CHECK(reads(100, "\n"));
	type("a\x02" "b\x7f\x7f\n");
	CHECK(shown("a^Bb\b \b\b \b\b \b\r\n"));
	CHECK(reads(100, "a\n"));
	type("x\tz\x7f\x7f.\n");
	CHECK(shown("x\tz\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \b.\r\n"));
	CHECK(reads(100, "x.\n"));
	type("\xc3\xa4\xe4\xb8\xad\x7f\x7f\n");
	CHECK(shown("\xc3\xa4\xe4\xb8\xad\b \b\b \b\r\n"));
	CHECK(reads(100, "\n"));
}

/* The bytes of one key or one answer: no other comes between them, and each has its meaning. */
static void several_bytes(void)
{
	u32 before;

	fresh();
	set(ICANON, 0);
	before = locked;
	tty_input(&tty, "\033[50;5R", 7);
	CHECK_EQ(locked, before + 1);
	CHECK(reads(100, "\033[50;5R"));
	set(0, ICANON | NOFLSH);
	tty_input(&tty, "a\x03\x1a" "b\n", 5);
	CHECK_EQ(sent_signal, 20);
	CHECK(reads(100, "ab\n"));
	tty_input(&tty, "", 0);
	CHECK_EQ(get(10, true), -EAGAIN);
}

static void end_of_file(void)
{
	fresh();
	type("\x04");
	CHECK_EQ(tty_poll_bits(&tty) & 1, 1);
	CHECK_EQ(get(10, false), 0);
	type("abc\x04");
	CHECK(reads(10, "abc"));
	CHECK_EQ(get(10, true), -EAGAIN);
	type("abc\x04");
	CHECK(reads(3, "abc"));
	CHECK_EQ(get(10, true), -EAGAIN); /* the EOF went with it */
	type("ab\ncd\n");
	CHECK(reads(100, "ab\n"));
	CHECK(reads(100, "cd\n"));
	CHECK(shown("abcabcab\r\ncd\r\n"));
}

static void signals_from_the_keyboard(void)
{
	fresh();
	type("half\x03");
	CHECK_EQ(sent_signal, 2);
	CHECK_EQ(sent_group, 10);
	CHECK(shown("half^C"));
	type("x\n");
	CHECK(reads(10, "x\n"));
	type("\x1a");
	CHECK_EQ(sent_signal, 20);
	set(0, NOFLSH);
	type("half\x1c\n");
	CHECK_EQ(sent_signal, 3);
	CHECK(reads(10, "half\n"));
	set(ISIG, 0);
	sent_signal = 0;
	type("\x03\n");
	CHECK_EQ(sent_signal, 0);
	CHECK(reads(10, "\x03\n"));
}

static void reading_sleeps(void)
{
	fresh();
	script[0] = "par";
	script[1] = "tial\n";
	CHECK(reads(100, "partial\n"));
	CHECK_EQ(get(10, false), -ERESTARTSYS);
}

static void min_and_time(void)
{
	u64 before;

	fresh();
	raw(1, 0);
	type("abc");
	CHECK(reads(2, "ab"));
	CHECK(reads(10, "c"));
	CHECK_EQ(get(10, true), -EAGAIN);

	raw(4, 0);
	type("ab");
	CHECK_EQ(tty_poll_bits(&tty) & 1, 0);
	script[0] = "c", script[1] = "de", script_next = 0;
	CHECK(reads(10, "abcde"));
	script[0] = "ab", script[1] = NULL, script_next = 0;
	CHECK(reads(10, "ab")); /* a signal: what there is */
	script[0] = "ab", script_next = 0;
	CHECK(reads(2, "ab")); /* never more than asked for */

	raw(4, 5);
	before = now;
	script[0] = "a", script[1] = "b", script[2] = "+", script_next = 0;
	CHECK(reads(10, "ab"));
	CHECK(now - before >= 500 * NSEC_PER_MSEC);

	raw(0, 3);
	script[0] = "+", script_next = 0;
	CHECK_EQ(get(10, false), 0);
	script[0] = "q", script_next = 0;
	CHECK(reads(10, "q"));

	raw(0, 0);
	CHECK_EQ(get(10, false), 0);
	CHECK_EQ(get(10, true), 0);
	type("now");
	CHECK(reads(10, "now"));
}

static void changing_modes(void)
{
	u32 count;

	fresh();
	type("typed ahead");
	CHECK_EQ(tty_ioctl(&tty, 0x541b, (u64)&count), 0);
	CHECK_EQ(count, 0);
	raw(1, 0);
	tty_ioctl(&tty, 0x541b, (u64)&count);
	CHECK_EQ(count, 11);
	CHECK(reads(5, "typed"));
	set(0, ICANON | ECHO);
	CHECK(reads(100, " ahead"));
	type("gone");
	raw(1, 0);
	CHECK_EQ(tty_ioctl(&tty, 0x540b, 0), 0);
	CHECK_EQ(get(10, true), -EAGAIN);
	CHECK_EQ(tty_ioctl(&tty, 0x540b, 7), -EINVAL);
	CHECK_EQ(tty_ioctl(&tty, 0x1234, 0), -ENOTTY);
}

static void carriage_returns(void)
{
	fresh();
	raw(1, 0);
	tty.termios.c_iflag = INLCR;
	type("\r\n");
	CHECK(reads(10, "\r\r"));
	tty.termios.c_iflag = IGNCR;
	type("\r\n");
	CHECK(reads(10, "\n"));
	tty.termios.c_iflag = ICRNL | ISTRIP;
	type("\r\xe1");
	CHECK(reads(10, "\na"));
}

static void output_processing(void)
{
	char text[] = "a\nb\tc\r\nd";

	fresh();
	CHECK_EQ(put(text, false), 8);
	CHECK(shown("a\r\nb\tc\r\r\nd"));
	tty.termios.c_oflag = 0;
	put("\n\t\r", false);
	CHECK(shown("\n\t\r"));
}

static void flow_control(void)
{
	struct termios t;

	fresh();
	type("\x13");
	CHECK_EQ(put("no", true), -EAGAIN);
	CHECK_EQ(put("no", false), -ERESTARTSYS);
	CHECK_EQ(tty_poll_bits(&tty) & 4, 0);
	type("not shown");
	CHECK(shown(""));
	script[0] = "\x11", script_next = 0;
	CHECK_EQ(put("yes", false), 3);
	CHECK(shown("yes"));
	type("\x13");
	tty.termios.c_iflag |= IXANY;
	type("x");
	CHECK(shown("x"));
	CHECK_EQ(tty_ioctl(&tty, 0x540a, 0), 0);
	CHECK_EQ(put("no", true), -EAGAIN);
	/* Only TCOON ends it: no character, and no change of settings. */
	type("x\x11\x03");
	CHECK_EQ(put("no", true), -EAGAIN);
	t = tty.termios;
	t.c_iflag &= ~IXON;
	tty_set_termios(&tty, &t);
	CHECK_EQ(put("no", true), -EAGAIN);
	CHECK_EQ(tty_ioctl(&tty, 0x540a, 1), 0);
	CHECK_EQ(put("yes", true), 3);
	/* And it ends nothing else. */
	t.c_iflag |= IXON;
	tty_set_termios(&tty, &t);
	type("\x13");
	CHECK_EQ(tty_ioctl(&tty, 0x540a, 1), 0);
	CHECK_EQ(put("no", true), -EAGAIN);
	type("\x11");
	CHECK_EQ(put("yes", true), 3);
}

static void a_full_device(void)
{
	u32 n;

	fresh();
	room = 5;
	CHECK_EQ(tty_poll_bits(&tty) & 4, 4);
	CHECK_EQ(put("abc\ndef", true), 4); /* two at least for a byte, which may be a newline */
	CHECK(shown("abc\r\n"));
	CHECK_EQ(put("x", true), -EAGAIN);
	CHECK_EQ(tty_poll_bits(&tty) & 4, 0);
	CHECK_EQ(tty_ioctl(&tty, 0x5411, (u64)&n), 0); /* TIOCOUTQ */
	CHECK_EQ(n, 5);

	/* Sleeps, again and again; time without a notification is nothing. */
	script[0] = "+";
	script[1] = script[2] = script[3] = "!";
	script_next = 0;
	CHECK_EQ(put("0123456789", false), 10);
	CHECK_EQ(script_next, 4);
	CHECK(shown("0123456789"));

	/* A signal ends the sleep: with what was written, or as nothing. */
	fresh();
	room = 4;
	CHECK_EQ(put("0123456789", false), 3);
	CHECK_EQ(put("345", false), -ERESTARTSYS);

	/* tcdrain(), and what waits for it. */
	CHECK_EQ(tty_ioctl(&tty, 0x5409, 1), -ERESTARTSYS);
	script[script_next] = "!";
	wakes_of_all = wakes_of_drainer = 0;
	CHECK_EQ(tty_ioctl(&tty, 0x5409, 1), 0);
	CHECK_EQ(queued, 0);
	/* The device's interrupt wakes one of those who wait in tcdrain(), and that one the next. */
	CHECK_EQ(wakes_of_drainer, 2);
	CHECK_EQ(wakes_of_all, 0);

	/* tcflush(TCOFLUSH) */
	CHECK_EQ(put("ab", false), 2);
	CHECK_EQ(queued, 2);
	CHECK_EQ(tty_ioctl(&tty, 0x540b, 1), 0);
	CHECK_EQ(queued, 0);

	/* The keyboard's signals do so too (NOFLSH). */
	CHECK_EQ(put("cd", false), 2);
	screen_length = 0;
	type("\x03");
	CHECK(shown("^C"));
	CHECK_EQ(queued, 2); /* the echo */

	/* Echo has some room of its own, but does not wait for it. */
	fresh();
	room = 0;
	type("ab");
	CHECK(shown("ab"));
	room = -100000;
	type("cd\n");
	CHECK(shown(""));
	CHECK(reads(100, "abcd\n"));
}

static void overflow(void)
{
	fresh();
	set(ECHO, 0);
	for (u32 i = 0; i < 5000; i++)
		type_byte('a' + i % 26);
	type_byte('\n');
	CHECK_EQ(get(8192, false), 4096);
	CHECK_EQ(got[4095], '\n');
	CHECK_EQ(got[4094], 'a' + 4094 % 26);
}

static void job_control(void)
{
	u32 foreground = 11;
	struct winsize size = {.rows = 50, .columns = 132};

	fresh();
	CHECK_EQ(tty_ioctl(&tty, 0x5410, (u64)&foreground), 0);
	type("x\n");
	CHECK_EQ(get(10, false), -ERESTARTSYS);
	CHECK_EQ(sent_signal, 21);
	CHECK_EQ(sent_group, 10);
	CHECK_EQ(tty_ioctl(&tty, 0x5410, (u64)&foreground), -ERESTARTSYS);
	CHECK_EQ(sent_signal, 22);
	CHECK_EQ(put("bg", false), 2);
	ignores = true;
	CHECK_EQ(get(10, false), -EIO);
	foreground = 10;
	CHECK_EQ(tty_ioctl(&tty, 0x5410, (u64)&foreground), 0);
	CHECK(reads(10, "x\n"));
	ignores = false;
	set(0, TOSTOP);
	tty.foreground = 11;
	CHECK_EQ(put("bg", false), -ERESTARTSYS);
	orphaned = true;
	CHECK_EQ(put("bg", false), -EIO);
	CHECK_EQ(get(10, false), -EIO);
	CHECK_EQ(tty_ioctl(&tty, 0x5414, (u64)&size), 0);
	CHECK_EQ(sent_signal, 28);
	CHECK_EQ(sent_group, 11);
	sent_signal = 0;
	tty_ioctl(&tty, 0x5414, (u64)&size);
	CHECK_EQ(sent_signal, 0);
	/* The group has ended, and its number may be that of one in another session. */
	tty.foreground = 1000;
	size.rows++;
	CHECK_EQ(tty_ioctl(&tty, 0x5414, (u64)&size), 0);
	type("\3");
	CHECK_EQ(sent_signal, 0);
	tty.foreground = 10;
	type("\3");
	CHECK_EQ(sent_signal, 2);
	CHECK_EQ(sent_group, 10);
	foreground = 1000;
	CHECK_EQ(tty_ioctl(&tty, 0x5410, (u64)&foreground), -EPERM);
	foreground = -1;
	CHECK_EQ(tty_ioctl(&tty, 0x5410, (u64)&foreground), -EINVAL);
}

static void sessions(void)
{
	u32 value;

	fresh();
	tty.session = tty.foreground = 0;
	process.job.tty = NULL;
	CHECK_EQ(tty_ioctl(&tty, 0x540f, (u64)&value), -ENOTTY);
	CHECK_EQ(tty_ioctl(&tty, 0x540e, 0), -EPERM);
	leader = true;
	tty_open(&tty);
	CHECK(process.job.tty == &tty);
	CHECK_EQ(tty_ioctl(&tty, 0x540f, (u64)&value), 0);
	CHECK_EQ(value, 10);
	CHECK_EQ(tty_ioctl(&tty, 0x5429, (u64)&value), 0);
	CHECK_EQ(value, 10);
	CHECK_EQ(tty_ioctl(&tty, 0x540e, 0), 0);
	CHECK_EQ(tty_ioctl(&tty, 0x5422, 0), 0);
	CHECK(!process.job.tty);
	CHECK_EQ(sent_signal, 18); /* after SIGHUP */
	CHECK_EQ(tty.session, 0);
	tty.session = 77;
	CHECK_EQ(tty_ioctl(&tty, 0x540e, 0), -EPERM); /* another's */
	/* One that another session has got after a hang-up is not taken from it. */
	process.job.tty = &tty;
	tty.foreground = 78;
	sent_signal = 0;
	CHECK_EQ(tty_ioctl(&tty, 0x5422, 0), 0);
	CHECK(!process.job.tty);
	CHECK_EQ(sent_signal, 0);
	CHECK_EQ(tty.session, 77);
	CHECK_EQ(tty.foreground, 78);
}

/* Whatever is typed, in whatever mode: no more comes out than went in, and nothing hangs. */
static void noise(void)
{
	fresh();
	for (u32 i = 0; i < 200000; i++) {
		screen_length = 0;
		type_byte(host_random() % 4 ? host_random() % 0x20 : host_random());
		if (host_random() % 16 == 0)
			get(host_random() % 600, true);
		if (host_random() % 64 == 0) {
			struct termios t = tty.termios;

			t.c_lflag = host_random();
			t.c_iflag = host_random();
			t.c_cc[host_random() % 17] = host_random();
			lock_held = true;
			tty_set_termios(&tty, &t);
			lock_held = false;
		}
		CHECK(tty.input_head - tty.input_tail <= TTY_INPUT_SIZE);
		CHECK(tty.lines <= tty.input_head - tty.input_tail);
	}
}

int main(void)
{
	RUN(lines_and_editing);
	RUN(end_of_file);
	RUN(several_bytes);
	RUN(signals_from_the_keyboard);
	RUN(reading_sleeps);
	RUN(min_and_time);
	RUN(changing_modes);
	RUN(carriage_returns);
	RUN(output_processing);
	RUN(flow_control);
	RUN(a_full_device);
	RUN(overflow);
	RUN(job_control);
	RUN(sessions);
	RUN(noise);
	return host_done();
}
