/* SPDX-License-Identifier: MIT
 *
 * The display as a console.  A writer only changes cells in memory.  A thread draws them, at most
 * 60 times a second, because drawing takes a thousand times as long.  Log messages, and all output
 * before that thread runs, are drawn immediately, so that they can be read after a crash.
 */
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/console.h"
#include "boot/cmdline.h"
#include "kernel/dev/boot_display.h"
#include "kernel/dev/display.h"
#include "kernel/dev/early_screen.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic_display.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/thread.h"

#define FRAME_NS (NSEC_PER_SEC / 60)

/* The number of bytes that are processed in one hold of the lock: each may scroll all lines. */
#define PIECE	      64

#define HISTORY_BYTES (1UL << 20)

DEFINE_SPINLOCK(display_lock); /* guards the variables below, and the screen itself */
static struct vt vt;
static struct vt_cell *shown; /* a copy of the screen, which is never read back */
static const struct display_driver *driver;
static bool work;	/* the thread has something to draw */
static bool has_thread; /* the thread runs */
static bool taken;	/* by display_take() */
static bool answers;	/* the last console= names the display, or there is none */
static struct wait_queue work_queue;

/* Draw what has changed among cells [from, to) of row y. */
static void draw_cells(u32 y, u32 from, u32 to)
{
	u32 count = 0; /* changed cells in a row before x */

	const struct vt_cell *line = vt_view_line(&vt, y);

	for (u32 x = from; x < to; x++) {
		struct vt_cell cell = line[x], *there = &shown[y * vt.columns + x];

		if (vt.cursor_visible && y == vt.cursor.y + vt.view && x == vt.cursor.x)
			cell.flags |= VT_CURSOR;
		if (memcmp(&cell, there, sizeof(cell))) {
			*there = cell;
			count++;
		} else if (count) {
			driver->draw(x - count, y, there - count, count);
			count = 0;
		}
	}
	if (count)
		driver->draw(to - count, y, &shown[y * vt.columns + to - count], count);
}

/* Draw all changed rows.  The lock is released after each piece of a row, so that interrupts are
 * off only for the time of DRAW_CELLS cells. */
static void display_draw(void)
{
	for (u32 y = 0; y < vt.rows && !READ_ONCE(taken); y++) {
		if (!__atomic_exchange_n(&vt.dirty[y], false, __ATOMIC_RELAXED))
			continue;
		for (u32 x = 0; x < vt.columns; x += DRAW_CELLS) {
			u64 flags;
			bool locked = console_lock(&display_lock, &flags);

			draw_cells(y, x, MIN(x + DRAW_CELLS, vt.columns));
			console_unlock(&display_lock, flags, locked);
		}
	}
}

/* Let the thread draw. */
static void wake_thread(void)
{
	u64 flags = spin_lock_irq(&display_lock);
	bool wake = !work;

	work = true;
	spin_unlock_irq(&display_lock, flags);
	if (wake)
		wait_wake_one(&work_queue);
}

static void display_flush(struct console *c, bool now)
{
	if (now || !READ_ONCE(has_thread) || READ_ONCE(panic_in_progress))
		display_draw();
	else
		wake_thread();
}

void display_scroll(s32 half_screens)
{
	u64 flags;

	if (!READ_ONCE(has_thread) || (!half_screens && !READ_ONCE(vt.view)))
		return;
	flags = spin_lock_irq(&display_lock);
	vt_view_scroll(&vt, half_screens ? half_screens * (s32)(vt.rows / 2) : INT32_MIN);
	spin_unlock_irq(&display_lock, flags);
	wake_thread();
}

static void display_write(struct console *c, const char *text, size_t length)
{
	for (size_t n; length; text += n, length -= n) {
		u64 flags;
		bool locked = console_lock(&display_lock, &flags);

		n = MIN(length, (size_t)PIECE);
		vt_write(&vt, text, n);
		console_unlock(&display_lock, flags, locked);
	}
}

u32 display_answers(char text[VT_ANSWER_MAX])
{
	u64 flags;
	u32 length;

	if (!READ_ONCE(vt.answer_length))
		return 0;
	flags = spin_lock_irq(&display_lock);
	length = vt.answer_length;
	memcpy(text, vt.answer, length);
	vt.answer_length = 0;
	spin_unlock_irq(&display_lock, flags);
	return answers ? length : 0;
}

static void display_thread(void *argument)
{
	WRITE_ONCE(has_thread, true);
	for (;;) {
		u64 flags = spin_lock_irq(&display_lock), start;

		while (!work)
			wait_sleep_irq(&work_queue, &display_lock, WAIT_FOREVER, 0);
		work = false;
		start = clock_now_ns();
		spin_unlock_irq(&display_lock, flags);
		display_draw();
		/* Others get their share also if drawing takes longer than a frame lasts. */
		sleep_until(MAX(start + FRAME_NS, clock_now_ns() + FRAME_NS / 4), 0);
	}
}

static void display_start(struct console *c)
{
	struct thread *t = kthread_create("display", display_thread, c);

	if (IS_ERR(t))
		log_warn(
		    "display: cannot create its thread (error %ld): each write() draws at once",
		    -PTR_ERR(t));
}

static const struct console_ops display_ops = {
    .write = display_write,
    .flush = display_flush,
    .start = display_start,
};

static struct console display_console = {.name = "tty0", .is_display = true, .ops = &display_ops};

static bool last_console_is(const char *name)
{
	char value[32];
	bool last = true;

	for (u32 i = 0; cmdline_get_nth("console", i, value, sizeof(value)); i++)
		last = !strcmp(value, name);
	return last;
}

/* How many lines that have scrolled away are kept: what fits into 1 MiB, or into 1/64 of a small
 * memory. */
static u32 history_lines(u32 columns, u32 rows)
{
	struct page_stats stats;
	size_t line = vt_memory_size(columns, 0, 1), screens = vt_memory_size(columns, rows, 0),
	       room;

	page_stats_read(&stats);
	room = MIN(HISTORY_BYTES, stats.total * PAGE_SIZE / 64);
	return room > screens ? (u32)((room - screens) / line) : 0;
}

void display_init(void)
{
	u32 columns, rows, history;
	void *memory;

	if (boot_display.type == BOOT_DISPLAY_NONE)
		return;
	driver = boot_display.type == BOOT_DISPLAY_PIXELS ? &framebuffer_driver : &vga_text_driver;
	if (!driver->open(&columns, &rows))
		return;
	columns = MIN(columns, (u32)VT_COLUMNS_MAX);
	rows = MIN(rows, (u32)VT_ROWS_MAX);
	history = history_lines(columns, rows);
	memory = kmalloc(vt_memory_size(columns, rows, history));
	/* The zeros differ from every cell, so the first drawing draws all cells. */
	shown = kzalloc((size_t)columns * rows * sizeof(*shown));
	if (columns < 2 || rows < 2 || !memory || !shown) {
		log_warn("display: not used: %ux%u characters are too few, or memory is full",
			 columns, rows);
		kfree(memory);
		kfree(shown);
		return;
	}
	vt_init(&vt, columns, rows, history, memory);
	wait_queue_init(&work_queue, "display");
	answers = last_console_is("tty0");
	display_console.columns = columns;
	display_console.rows = rows;
	early_screen_end();
	console_register(&display_console);
	log_info("display: %s, %ux%u characters, %u lines to scroll back to", driver->name, columns,
		 rows, history);
}

static void panic_row(u32 row, u32 width, const char *text, size_t length, u8 colours)
{
	for (u32 x = 0; x < width; x += DRAW_CELLS) {
		struct vt_cell cells[DRAW_CELLS];
		u32 count = MIN(width - x, (u32)DRAW_CELLS);

		for (u32 i = 0; i < count; i++)
			cells[i] = (struct vt_cell){.code = x + i < length ? (u8)text[x + i] : ' ',
						    .colours = colours};
		driver->draw(x, row, cells, count);
	}
}

const struct panic_display *display_take(void)
{
	static struct panic_display panic_display = {.row = panic_row};

	if (!vt.rows)
		return NULL;
	WRITE_ONCE(taken, true);
	panic_display.columns = vt.columns;
	panic_display.rows = vt.rows;
	panic_display.picture = driver->picture;
	return &panic_display;
}
