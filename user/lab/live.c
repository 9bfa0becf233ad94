/* SPDX-License-Identifier: MIT
 *
 * Draws the whole screen repeatedly and reads keys without Enter.
 */
#include "internal.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static pid_t owner; /* the process that uses the screen, 0: none.  A child inherits the handlers and
		       must not use them. */
static volatile sig_atomic_t resized;
static int row, column; /* the position of the next text */

/* Also called from a signal handler. */
void lab_live_close(void)
{
	/* Clear the screen too: some terminals have no alternate screen. */
	static const char end[] = "\033[?25h\033[0m\033[H\033[J\033[?1049l";

	if (!owner || owner != getpid())
		return;
	(void)!write(STDOUT_FILENO, end, sizeof(end) - 1);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	owner = 0;
}

static void ended_by(int signal)
{
	lab_live_close();
	raise(signal); /* the handler is reset (SA_RESETHAND): now the signal ends the process */
}

static void on_resize(int signal)
{
	(void)signal;
	resized = true;
}

bool lab_live_open(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = ended_by, .sa_flags = SA_RESETHAND};
	static bool registered;
	struct termios mode;

	if (!screen.overwrites || tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	mode = before;
	mode.c_lflag &= ~(ICANON | ECHO);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	mode.c_cc[VSUSP] = _POSIX_VDISABLE; /* Ctrl-Z would leave the screen as it is */
	owner = getpid();
	if (!registered)
		atexit(lab_live_close);
	registered = true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
	signal(SIGWINCH, on_resize);
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	printf("\033[?1049h\033[?25l");
	return true;
}

void lab_live_begin(int *columns, int *rows)
{
	if (resized)
		screen_open(false, screen.glyphs == GLYPHS_ASCII);
	resized = false;
	row = column = 0;
	*columns = screen.width;
	*rows = screen.rows;
	printf("\033[H");
}

static void put_args(enum lab_colour colour, const char *format, va_list args)
{
	char *text = text_of_args(format, args);
	const char *next;
	int width = text_width(text);

	/* What does not fit is cut: a line that wraps would move all the others. */
	if (row < screen.rows && column < screen.width) {
		if (column + width > screen.width)
			text[text_fit(text, screen.width - column, &next)] = 0;
		put_colour((enum colour)colour);
		put(text);
		put_colour(PLAIN);
	}
	column += width;
	free(text);
}

void lab_live_put(enum lab_colour colour, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_args(colour, format, args);
	va_end(args);
}

void lab_live_newline(void)
{
	/* After the last column of a line the cursor is still on that column: do not clear it. */
	if (row < screen.rows)
		fputs(column < screen.width ? "\033[K" : "", stdout);
	if (++row < screen.rows)
		fputs("\r\n", stdout);
	column = 0;
}

void lab_live_line(enum lab_colour colour, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_args(colour, format, args);
	va_end(args);
	lab_live_newline();
}

void lab_live_end(void)
{
	if (row < screen.rows)
		fputs("\033[J", stdout);
	fflush(stdout);
}

/* --- keys ---------------------------------------------------------------------------------------
 *
 * A key sends a character or an escape sequence: ESC [ parameters letter, ESC O letter, ESC
 * character; on the Linux console also ESC [ [ letter.  A slow line can deliver it in pieces, so
 * after ESC [ the rest is awaited.  ESC alone is the Escape key; if [ or O follows it later, they
 * were one sequence. */

#define PIECE_MS 100  /* after ESC */
#define REST_MS	 2000 /* after ESC [ */

static bool after_escape; /* the last byte was ESC, and was returned as a key */

/* Returns a byte, -1 if there is none in time, or -2 at the end of input. */
static int read_byte(int timeout_ms)
{
	struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned char c;

	if (poll(&key, 1, timeout_ms) <= 0)
		return -1;
	return read(STDIN_FILENO, &c, 1) == 1 ? c : -2;
}

/* The rest of a sequence, after ESC [ or ESC O. */
static int sequence(void)
{
	int c = read_byte(REST_MS), first = c;

	if (c == '[') { /* ESC [ [ A: F1 on the Linux console */
		(void)read_byte(REST_MS);
		return LAB_KEY_OTHER;
	}
	while (c >= 0x20 && c <= 0x3F) /* parameters */
		c = read_byte(REST_MS);
	if (c == first && c >= 'A' && c <= 'D')
		return LAB_KEY_UP + c - 'A';
	return LAB_KEY_OTHER;
}

static int escape(void)
{
	int c = read_byte(PIECE_MS);

	if (c == -1) {
		after_escape = true;
		return LAB_KEY_ESCAPE;
	}
	return c == '[' || c == 'O' ? sequence() : LAB_KEY_OTHER;
}

int lab_live_key(int timeout_ms)
{
	bool continues = after_escape;
	int c = read_byte(timeout_ms);

	if (c == -1)
		return 0;
	after_escape = false;
	if (continues && (c == '[' || c == 'O'))
		return sequence();
	if (c == '\033')
		return escape();
	if (c >= 0x80) { /* a character of UTF-8: its other bytes follow */
		for (int rest = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0; rest > 0; rest--)
			(void)read_byte(PIECE_MS);
		return LAB_KEY_OTHER;
	}
	return c == -2 ? 'q' : c;
}
