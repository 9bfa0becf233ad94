/* SPDX-License-Identifier: MIT
 *
 * What standard output can draw, and the layout of text.
 *
 * All texts are UTF-8.  If the screen cannot draw a character, put() replaces it with a similar one
 * of the same width, so that columns stay aligned.
 */
#include "internal.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE 27

struct screen screen = {.width = 80, .rows = 24};

static bool locale_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (int i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

void screen_open(bool plain, bool ascii)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	const char *width = getenv("LAB_WIDTH"); /* of what comes after a pipe */
	bool terminal = isatty(STDOUT_FILENO);
	struct winsize size;

	if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
		screen.width = size.ws_col;
		screen.rows = size.ws_row;
	} else if (width && atoi(width) >= 20) {
		screen.width = atoi(width);
	}
	screen.overwrites = terminal && !plain && term && strcmp(term, "dumb") != 0;
	screen.colours = screen.overwrites && !(no_colour && *no_colour);
	/* Heddle's console accepts UTF-8 and shows it in a PC's text mode too. */
	if (plain || ascii)
		screen.glyphs = GLYPHS_ASCII;
	else if (access("/proc/heddle", F_OK) == 0)
		screen.glyphs = GLYPHS_CP437;
	else
		screen.glyphs = locale_is_utf8() ? GLYPHS_UTF8 : GLYPHS_ASCII;
}

/* --- characters --------------------------------------------------------------------------------
 */

static const struct {
	const char *utf8;
	char ascii;
	bool cp437;
} glyphs[] = {
    {"─", '-', true},  {"│", '|', true},  {"┌", '+', true},   {"┐", '+', true},	  {"└", '+', true},
    {"┘", '+', true},  {"┼", '+', true},  {"═", '=', true},   {"█", '#', true},	  {"▌", '#', true},
    {"▐", '#', true},  {"░", '.', true},  {"▒", ':', true},   {"▓", '%', true},	  {"√", '+', true},
    {"·", '.', true},  {"µ", 'u', true},  {"≥", '>', true},   {"≤", '<', true},	  {"→", '>', true},
    {"←", '<', true},  {"↑", '^', true},  {"↓", 'v', true},   {"±", '~', true},	  {"≈", '~', true},
    {"²", '2', true},  {"°", 'o', true},  {"×", 'x', false},  {"–", '-', false},  {"—", '-', false},
    {"“", '"', false}, {"”", '"', false}, {"‘", '\'', false}, {"’", '\'', false}, {"…", '.', false},
};

static bool continues(char byte)
{
	return (byte & 0xc0) == 0x80;
}

int text_width(const char *utf8)
{
	int width = 0;

	for (; *utf8; utf8++)
		width += !continues(*utf8);
	return width;
}

/* The text of Linux's and Heddle's consoles would scroll away: wait for a key after each screenful.  After q the rest of
 * the text is not printed. */
static void line_ends(void)
{
	char key;

	if (!screen.pages || ++screen.lines < screen.rows - 1)
		return;
	key = key_choose("-- Enter: continue; a: all the rest; q: leave --", "\n aq");
	printf("\r\033[K");
	screen.lines = 0;
	screen.pages = key != 'a';
	screen.left = key == 'q';
}

static void put_bytes(const char *text, size_t bytes)
{
	for (size_t i = 0, length; i < bytes && !screen.left; i += length) {
		char replacement = '?';

		length = 1;
		while (i + length < bytes && continues(text[i + length]))
			length++;
		for (size_t g = 0; length > 1 && g < sizeof(glyphs) / sizeof(*glyphs); g++) {
			if (strncmp(glyphs[g].utf8, text + i, length) != 0)
				continue;
			replacement = glyphs[g].ascii;
			if (screen.glyphs == GLYPHS_CP437 && glyphs[g].cp437)
				replacement = 0;
		}
		if (length > 1 && screen.glyphs == GLYPHS_UTF8)
			replacement = 0;
		/* Control characters in a text must not reach the terminal. */
		if (length == 1 && ((unsigned char)text[i] >= ' ' || text[i] == '\n') &&
		    text[i] != 0x7f)
			putchar(text[i]);
		else if (length > 1 && !replacement)
			fwrite(text + i, 1, length, stdout);
		else
			putchar(replacement);
		if (text[i] == '\n')
			line_ends();
	}
}

void put(const char *utf8)
{
	put_bytes(utf8, strlen(utf8));
}

void put_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_of_args(format, args);
	va_end(args);
	put(text);
	free(text);
}

void put_repeated(const char *glyph, int count)
{
	while (count-- > 0)
		put(glyph);
}

void put_padded(const char *utf8, int width, bool right)
{
	int room = width - text_width(utf8);

	if (right)
		put_repeated(" ", room);
	put(utf8);
	if (!right)
		put_repeated(" ", room);
}

void put_rule(void)
{
	put_repeated("─", screen.width - 2);
	put("\n");
}

void put_colour(enum colour colour)
{
	static const char *const codes[] = {"0", "1", "2", "32", "31", "33"};

	if (screen.colours && (colour != PLAIN || screen.coloured))
		printf("\033[%sm", codes[colour]);
	screen.coloured = colour != PLAIN;
}

void put_letter_colour(char letter)
{
	/* No black, no white; red comes last because it looks like an error. */
	static const char *const codes[] = {"36", "33", "32", "35", "34",   "96",
					    "93", "92", "95", "94", "1;36", "31"};

	screen.coloured = true;
	if (screen.colours)
		printf("\033[0;%sm", codes[(unsigned char)(letter - 'A') % 12]);
}

/* --- lines --------------------------------------------------------------------------------------
 */

size_t text_fit(const char *text, int width, const char **next)
{
	const char *at = text, *space = NULL;

	for (int cells = 0; *at && *at != '\n'; at++) {
		if (*at == ' ')
			space = at;
		if (!continues(*at) && ++cells > width)
			break;
	}
	if (!*at || *at == '\n') {
		*next = *at ? at + 1 : at;
		return at - text;
	}
	if (space && space > text) {
		*next = space + 1;
		return space - text;
	}
	*next = at > text ? at : at + 1;
	return *next - text;
}

void put_paragraph(const char *first, int indent, const char *utf8)
{
	if (first)
		put_padded(first, indent, false);
	do {
		const char *next;
		size_t bytes = text_fit(utf8, screen.width - indent - 1, &next);

		put_bytes(utf8, bytes);
		put("\n");
		utf8 = next;
		if (*utf8)
			put_repeated(" ", indent);
	} while (*utf8);
}

/* A cursor or function key sends ESC and more bytes, up to a letter or "~": they are one key. */
static void read_rest_of_key(struct termios *mode)
{
	char byte;

	mode->c_cc[VMIN] = 0;
	mode->c_cc[VTIME] = 1; /* 0.1 s */
	tcsetattr(STDIN_FILENO, TCSANOW, mode);
	while (read(STDIN_FILENO, &byte, 1) == 1)
		if (byte >= '@' && byte != '[' && byte != 'O')
			break;
}

char key_read(void)
{
	struct termios before, raw;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	char key;

	fflush(stdout);
	if (terminal) {
		raw = before;
		/* Read Ctrl-C as a key: the terminal is restored before the signal is raised. */
		raw.c_lflag &= ~(ICANON | ECHO | ISIG);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	if (read(STDIN_FILENO, &key, 1) != 1)
		key = 'q';
	if (terminal && key == ESCAPE)
		read_rest_of_key(&raw);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	if (terminal && key == before.c_cc[VINTR])
		raise(SIGINT);
	return key == '\r' ? '\n' : key;
}

char key_choose(const char *prompt, const char *keys)
{
	char key;

	printf("%s", prompt);
	while (!strchr(keys, key = tolower((unsigned char)key_read())) || !key) {
		printf("%s", screen.overwrites ? "\r\033[K" : "\n");
		if (isgraph((unsigned char)key))
			printf("'%c' does nothing here.  %s", key, prompt);
		else
			printf("That key does nothing here.  %s", prompt);
	}
	return key;
}
