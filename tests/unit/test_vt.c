/* host-sources: kernel/dev/vt.c kernel/dev/vt_screens.c kernel/dev/vt_rendition.c kernel/dev/utf8.c */
/* SPDX-License-Identifier: MIT
 *
 * The terminal emulator, compared with what a VT102 or the Linux console shows.
 */
#include <stdbool.h>

#include "kernel/dev/vt.h"
#include "tests/unit/host.h"

#define HISTORY 10

static struct vt vt;
static void *memory;

static void screen(u32 columns, u32 rows)
{
	free(memory);
	memory = malloc(vt_memory_size(columns, rows, HISTORY));
	vt_init(&vt, columns, rows, HISTORY, memory);
}

static void say(const char *text)
{
	vt_write(&vt, text, strlen(text));
}

/* Line y with trailing blanks cut, what is not ASCII as '#'. */
static const char *line(u32 y)
{
	static char text[VT_COLUMNS_MAX + 1];
	u32 end = 0;

	for (u32 x = 0; x < vt.columns; x++) {
		u16 code = vt_view_line(&vt, y)[x].code;

		text[x] = code < 0x80 ? code : '#';
		if (code != ' ')
			end = x + 1;
	}
	text[end] = 0;
	return text;
}

#define LINE(y, wanted)                                                                            \
	do {                                                                                       \
		if (strcmp(line(y), wanted))                                                       \
			printf("# line %u: \"%s\"\n", y, line(y));                                 \
		CHECK(!strcmp(line(y), wanted));                                                   \
	} while (0)

#define AT(cx, cy)                                                                                 \
	do {                                                                                       \
		CHECK_EQ(vt.cursor.x, cx);                                                         \
		CHECK_EQ(vt.cursor.y, cy);                                                         \
	} while (0)

static void printing_wraps_and_scrolls(void)
{
	screen(10, 3);
	say("0123456789");
	AT(9, 0); /* the wrap is still to come */
	say("a\r\nb\r\nc");
	LINE(0, "a");
	LINE(1, "b");
	LINE(2, "c");
	AT(1, 2);
	say("\033[?7l\r0123456789XY");
	LINE(2, "012345678Y");
	AT(9, 2);
	say("\033[?7h\r\tT");
	LINE(2, "01234567TY");
}

static void cursor_moves(void)
{
	screen(20, 10);
	say("\033[5;7H");
	AT(6, 4);
	say("\033[A\033[2C\033[B\033[D");
	AT(7, 4);
	say("\033[99;99H");
	AT(19, 9);
	say("\033[H\033[A\033[D");
	AT(0, 0);
	say("\033[4G\033[3d");
	AT(3, 2);
	say("\0337\033[H\0338");
	AT(3, 2);
	say("\033[>c\033[?6n\033[!p");
	AT(3, 2); /* passed over */
	say("x\033[Ey\033[2Fz\033[4`\033[2e\033[a");
	LINE(2, "   x");
	LINE(3, "y");
	AT(4, 3);
	LINE(1, "z");
	say("\033[s\033[H\033[u");
	AT(4, 3);
	say("\033E");
	AT(0, 4);
}

static void erasing_and_editing(void)
{
	screen(10, 4);
	say("abcdefghij\033[5G\033[K");
	LINE(0, "abcd");
	say("\033[2G\033[1K");
	LINE(0, "  cd");
	say("\rabcdef\033[3G\033[2@");
	LINE(0, "ab  cdef");
	say("\033[2P");
	LINE(0, "abcdef");
	say("\033[3X");
	LINE(0, "ab   f");
	say("\033[H1\033[2H2\033[3H3\033[4H4\033[2H\033[L");
	LINE(1, "");
	LINE(2, "2");
	LINE(3, "3");
	say("\033[2M");
	LINE(1, "3");
	LINE(2, "");
	say("\033[J");
	LINE(1, "");
	say("\033[2J");
	LINE(0, "");
	AT(0, 1);
}

static void scroll_regions(void)
{
	screen(5, 5);
	say("1\r\n2\r\n3\r\n4\r\n5\033[2;4r");
	AT(0, 0);
	say("\033[4H\n");
	LINE(0, "1");
	LINE(1, "3");
	LINE(2, "4");
	LINE(3, "");
	LINE(4, "5");
	say("\033[2H\033M");
	LINE(1, "");
	LINE(2, "3");
	LINE(3, "4");
	say("\033[r\033[1Hx\033[5;1H\n");
	LINE(0, "");
	LINE(1, "3");
}

static void colours(void)
{
	struct vt_cell *cell;

	screen(20, 2);
	cell = vt.lines[0];
	say("a\033[31;42mb\033[1mc\033[7md\033[0me\033[38;5;196;91mf\033[48;2;0;0;255;104mg\033[4;39;49mh");
	CHECK_EQ(cell[0].colours, 0x07);
	CHECK_EQ(cell[1].colours, 0x21);
	CHECK_EQ(cell[2].colours, 0x29);
	CHECK_EQ(cell[3].colours, 0x92);
	CHECK_EQ(cell[4].colours, 0x07);
	CHECK_EQ(cell[5].colours, 0x09);
	CHECK_EQ(cell[6].colours, 0xc9);
	CHECK_EQ(cell[7].colours, 0x07);
	CHECK_EQ(cell[7].flags, VT_UNDERLINE);
	say("\033[m\033[44m\033[K\033[m");
	CHECK_EQ(cell[12].colours, 0x47);
	say("\033[H\033[2ma\033[22mb\033[38;5;9mc\033[38;5;46md\033[38;5;240me\033[38;2;0;0;150mf\033[38;5mg");
	CHECK_EQ(cell[0].colours, 0x08);
	CHECK_EQ(cell[1].colours, 0x07);
	CHECK_EQ(cell[2].colours, 0x09);
	CHECK_EQ(cell[3].colours, 0x0a);
	CHECK_EQ(cell[4].colours, 0x08);
	CHECK_EQ(cell[5].colours, 0x04);
	CHECK_EQ(cell[6].colours, 0x04);
}

static void characters(void)
{
	screen(20, 2);
	say("\xc3\xa4\xe2\x94\x80\xf0\x9f\x98\x80|\033(0qx\033(B|\xff\xc3(\xe4\xb8\xad|");
	CHECK_EQ(vt.lines[0][0].code, 0xe4);
	CHECK_EQ(vt.lines[0][1].code, 0x2500);
	CHECK_EQ(vt.lines[0][2].code, 0xfffd); /* beyond 16 bits */
	LINE(0, "###|##|##(#|");
}

static void strings_are_passed_over(void)
{
	screen(20, 2);
	say("a\033]0;title\ab\033]2;other\033\\c\033Pd\ncs\033\\d");
	LINE(0, "abcd");
	say("\r\033]R1\033]P1f0f0f02\033%G3\033#84");
	LINE(0, "1234");
	say("\033[31;\030h\033[1\b\033[?25l");
	CHECK(!vt.cursor_visible);
}

static void questions_are_answered(void)
{
	screen(20, 10);
	say("\033[3;7H\033[6n\033[5n\033[c\033[4n");
	CHECK_EQ(vt.answer_length, 15);
	CHECK(!memcmp(vt.answer, "\033[3;7R\033[0n\033[?6c", 15));
	for (u32 i = 0; i < 10; i++)
		say("\033[6n"); /* no answer is cut */
	CHECK_EQ(vt.answer_length, 27);
}

/* The graphics of the VT100, as ncurses draws frames with TERM=linux: smacs is ^N. */
static void graphics(void)
{
	screen(20, 2);
	say("\033)0\016lqk\017lq\033(0x_\033(Bx\0337\016m\0338m\033c\016l");
	CHECK_EQ(vt.lines[0][0].code, 'l'); /* after a reset, G1 is ASCII */
	screen(20, 2);
	say("\033)0\016lqk\017lq\033(0x_\033(Bx\0337\016m\0338m");
	CHECK_EQ(vt.lines[0][0].code, 0x250c);
	CHECK_EQ(vt.lines[0][1].code, 0x2500);
	CHECK_EQ(vt.lines[0][2].code, 0x2510);
	CHECK_EQ(vt.lines[0][5].code, 0x2502);
	CHECK_EQ(vt.lines[0][6].code, 0xa0);
	LINE(0, "###lq##xm");
}

static void tabs_and_inserting(void)
{
	screen(40, 2);
	say("\033[3g\033[6G\033H\033[12G\033H\ra\tb\tc\td");
	LINE(0, "a    b     c                           d");
	say("\033[6G\033[g\r\tX");
	LINE(0, "a    b     X                           d");
	say("\033[4h\033[2Gyz\033[4l\033[1Gb");
	LINE(0, "byz    b     X");
	say("\033c\tt");
	LINE(0, "        t");
}

static void history(void)
{
	screen(10, 3);
	for (u32 i = 0; i < 20; i++) {
		char text[8];

		snprintf(text, sizeof(text), "\r\n%u", i);
		say(text);
	}
	LINE(0, "17");
	vt_view_scroll(&vt, 2);
	CHECK(vt.dirty[0] && vt.dirty[2]);
	LINE(0, "15");
	LINE(1, "16");
	LINE(2, "17");
	vt_view_scroll(&vt, 100); /* there are ten */
	LINE(0, "7");
	vt_view_scroll(&vt, -1);
	LINE(0, "8");
	say("x"); /* output returns */
	LINE(0, "17");
	LINE(2, "19x");
	/* What an editor scrolls is not kept, nor what leaves a part of the screen. */
	say("\033[?1049h\n\n\n\n\n\033[?1049l\033[1;2r\033[2H\n\n\033[r");
	vt_view_scroll(&vt, 1);
	LINE(0, "16");
	say("\033[?1049h");
	vt_view_scroll(&vt, 1);
	LINE(0, "");
	say("\033[?1049l\033[3J");
	vt_view_scroll(&vt, 5);
	CHECK_EQ(vt.view, 0);
}

static void alternate_screen(void)
{
	static const char *const modes[] = {"47", "1047"};

	screen(10, 3);
	say("main\0337\033[?1049h");
	LINE(0, "");
	AT(4, 0);
	say("\033[Hfull\0337\033[3;3H\0338s");
	LINE(0, "fulls");
	say("\033[?1049h\033[?1049l"); /* once more: from the alternate screen */
	LINE(0, "main");
	AT(4, 0);
	say("\033[?1049l");
	AT(4, 0);
	for (u32 i = 0; i < 2; i++) {
		char text[16];

		screen(10, 3);
		snprintf(text, sizeof(text), "\r1\033[?%sh", modes[i]);
		say(text);
		say("\r2");
		LINE(0, "2");
		text[strlen(text) - 1] = 'l';
		say(text + 2);
		LINE(0, "1");
		AT(1, 0); /* the cursor is not restored */
		text[strlen(text) - 1] = 'h';
		say(text + 2);
		LINE(0, i ? "" : "2");
	}
}

static void only_what_changed_is_dirty(void)
{
	screen(10, 5);
	memset(vt.dirty, 0, 5);
	say("\033[3Hx");
	CHECK(vt.dirty[0] && !vt.dirty[1] && vt.dirty[2] && !vt.dirty[3] && !vt.dirty[4]);
}

/* A line of a shell as BusyBox edits it: typed, gone back in, a letter put in. */
static void shell_line(void)
{
	screen(40, 3);
	say("/ # \033[6nls -l /tm\bp\b\033[J\bmp /etc");
	LINE(0, "/ # ls -l /mp /etc");
	say("\r\033[J/ # ls /tmp\033[3D\033[Jxtmp\b\b\b");
	LINE(0, "/ # ls /xtmp");
	AT(9, 0);
}

/* The first screen of BusyBox vi on a new file. */
static void vi_screen(void)
{
	screen(40, 6);
	say("$ vi new\r\n\033[?1049h\033[1;1H\033[J\033[1;1H\033[2;1H~\033[3;1H~\033[4;1H~\033[5;1H~"
	    "\033[6;1H\033[K- new 1/1 100%\033[1;1H");
	LINE(0, "");
	LINE(4, "~");
	LINE(5, "- new 1/1 100%");
	AT(0, 0);
	say("h\033[1;2Hi\033[6;1H\033[7m- new [modified]\033[m\033[K\033[1;3H");
	LINE(0, "hi");
	AT(2, 0);
	say("\033[?1049l");
	LINE(0, "$ vi new");
	AT(0, 1);
}

/* Whatever comes, it stays inside its memory (the sanitizer looks). */
static void noise(void)
{
	static const char alphabet[] = "\033\033[[[;?0123456789hlmrHJKLMPSTX@ABCDbfg\r\n\t\b(0\016]Pä中x";
	char text[64];

	for (u32 size = 0; size < 8; size++) {
		screen(2 + size * 7, 2 + size % 3 * 5);
		for (u32 i = 0; i < 30000; i++) {
			for (u32 j = 0; j < sizeof(text); j++)
				text[j] = host_random() % 8 ? alphabet[host_random() % sizeof(alphabet)]
							    : (char)host_random();
			vt_write(&vt, text, sizeof(text));
			CHECK(vt.cursor.x < vt.columns && vt.cursor.y < vt.rows);
			CHECK(vt.top < vt.bottom && vt.bottom <= vt.rows);
			vt_view_scroll(&vt, (s32)(host_random() % 9) - 4);
			CHECK(vt_view_line(&vt, vt.rows - 1)[vt.columns - 1].code > 0);
		}
	}
}

int main(void)
{
	RUN(printing_wraps_and_scrolls);
	RUN(cursor_moves);
	RUN(erasing_and_editing);
	RUN(scroll_regions);
	RUN(colours);
	RUN(characters);
	RUN(strings_are_passed_over);
	RUN(questions_are_answered);
	RUN(graphics);
	RUN(tabs_and_inserting);
	RUN(history);
	RUN(alternate_screen);
	RUN(only_what_changed_is_dirty);
	RUN(shell_line);
	RUN(vi_screen);
	RUN(noise);
	free(memory);
	return host_done();
}
