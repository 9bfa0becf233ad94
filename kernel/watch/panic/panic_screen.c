/* SPDX-License-Identifier: MIT
 *
 * The screen after a panic: the cause, where it happened, and a QR code of both, so that a
 * photograph is a report.  It is drawn last; the log has all of it already.  A panic in here ends
 * the machine (stop.c).
 */
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/identity.h"
#include "kernel/log/log.h"
#include "kernel/log/panic_display.h"
#include "kernel/watch/panic/log_tail.h"
#include "kernel/watch/panic/panic_report.h"
#include "kernel/watch/panic/qr.h"

#define NORMAL	  0x07
#define BRIGHT	  0x0f
#define TITLE	  0x1f /* white on red */
#define SMALL_QR  6    /* the largest version that 25 lines of text have room for */
#define LAST_ROWS 3
#define LOG_TAIL                                                                                   \
	(32 * 1024) /* bytes of the log in which the beginning of the panic is looked for */

static const struct panic_display *screen;
static u32 width; /* the columns beside the code */
static u32 row;

/* --- The text in the code --------------------------------------------------------------------- */

/* A line as in the log, without its indent, and without an address that has a name. */
static const char *without_address(const char *line)
{
	const char *space;

	while (*line == ' ')
		line++;
	space = strchr(line, ' ');
	return line[0] == '0' && line[1] == 'x' && space && space[1] != '0' ? space + 1 : line;
}

/* Write what a report needs: the version, the cause, the thread and the backtrace; with `brief` the
 * cause and the functions alone. */
static size_t make_code_text(char *text, size_t size, bool brief)
{
	size_t n = 0;

	if (!brief)
		n = (size_t)scnprintf(text, size, "Heddle %s, %lu bytes, %u CPUs, %s\n",
				      SYSTEM_RELEASE, (u64)(__kernel_end - __kernel_start),
				      cpu_count, cpu_features.brand);
	n += (size_t)scnprintf(text + n, size - n, "kernel panic: %s\n", stop_message);
	for (u32 i = 0; i < panic_line_count; i++) {
		const struct panic_line *line = &panic_lines[i];

		if (!line->detail && (!brief || line->text[0] == ' '))
			n += (size_t)scnprintf(text + n, size - n, "%s\n",
					       without_address(line->text));
	}
	return n;
}

/* Draw the code, a smaller one with less of the text if there is no room. */
static void draw_code(void)
{
	static char text[QR_BYTES_MAX + 1];
	static u8 dark[QR_SIDE_MAX * QR_SIDE_MAX];
	static const u8 versions[] = {QR_VERSION_MAX, SMALL_QR};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		size_t length = make_code_text(text, qr_capacity(versions[i]) + 1, i > 0);
		u32 side = qr_encode(dark, text, length, versions[i]);
		u32 left = side ? screen->picture(dark, side) : 0;

		if (left) {
			width = left - 1;
			return;
		}
	}
}

/* --- The text beside it ----------------------------------------------------------------------- */

/* Draw a text in as many rows as it needs, at most up to `end`. */
static void draw_text(const char *text, u8 colours, u32 end)
{
	size_t length = strlen(text);

	do {
		size_t n = MIN(length, (size_t)width);

		if (row >= end)
			return;
		screen->row(row++, width, text, n, colours);
		text += n;
		length -= n;
	} while (length);
}

static void draw_report(bool details, u32 end)
{
	for (u32 i = 0; i < panic_line_count; i++)
		if (panic_lines[i].detail == details)
			draw_text(details ? panic_lines[i].text
					  : without_address(panic_lines[i].text),
				  NORMAL, end);
}

static char *find(char *text, const char *wanted)
{
	size_t length = strlen(wanted);

	for (; *text; text++)
		if (!strncmp(text, wanted, length))
			return text;
	return NULL;
}

/* Draw the lines of the log before the panic, as many as there is room for, cut at the right. */
static void draw_log(u32 end)
{
	static char text[LOG_TAIL + 1];
	u32 rows = end > row + 1 ? end - row - 1 : 0;
	char *line, *next, *stop;

	text[log_read(text, LOG_TAIL)] = '\0';
	stop = find(text, "kernel panic: ");
	if (!stop || !rows)
		return;
	while (stop > text && stop[-1] != '\n')
		stop--;
	for (line = stop; line > text && rows; rows--)
		for (line--; line > text && line[-1] != '\n';)
			line--;
	draw_text("", NORMAL, end);
	for (; line < stop; line = next + 1) {
		next = strchr(line, '\n');
		screen->row(row++, width, line, (size_t)(next - line), NORMAL);
	}
}

static void clear(void)
{
	width = screen->columns;
	for (row = 0; row < screen->rows;)
		screen->row(row++, width, "", 0, NORMAL);
	row = 0;
}

static void panic_screen_draw(void)
{
	u32 end;
	char cause[512];

	screen = WITH_DEV ? display_take() : NULL;
	if (!screen || screen->rows < 2 * LAST_ROWS)
		return;
	clear();
	draw_code();
	end = screen->rows - LAST_ROWS;
	snprintf(cause, sizeof(cause), "kernel panic: %s", stop_message);
	draw_text("Heddle has stopped: its kernel met an error.", TITLE, end);
	draw_text("", NORMAL, end);
	draw_text(cause, BRIGHT, end);
	draw_text("", NORMAL, end);
	draw_report(false, end);
	draw_text("", NORMAL, end);
	draw_report(true, end);
	draw_log(end);
	row = screen->rows - LAST_ROWS + 1;
	draw_text(width < screen->columns ? "To report this, photograph the screen with the code."
					  : "To report this, photograph the screen.",
		  BRIGHT, screen->rows);
}

PANIC_NOTE(90, panic_screen_draw);
