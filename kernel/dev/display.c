/* SPDX-License-Identifier: MIT
 *
 * The display as a console.  A writer only changes cells in memory; drawing, which takes a thousand
 * times as long, is left to a thread, at most 60 times a second.  The log, and all before that
 * thread runs, is drawn at once: the line that is missing is always the one that matters.
 */
#include "arch/x86_64/clock.h"
#include "boot/boot_info.h"
#include "kernel/dev/console.h"
#include "kernel/dev/display.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/sched/thread.h"

#define FRAME_NS (NSEC_PER_SEC / 60)

/* Bytes taken under the lock at a time: each may move all lines. */
#define PIECE 64

DEFINE_SPINLOCK(
    display_lock); /* guards vt, shown, and the screen itself; nothing is locked inside */
static struct vt vt;
static struct vt_cell *shown; /* what is on the screen: it is never read back */
static const struct display_driver *driver;

DEFINE_SPINLOCK(display_work_lock);
static bool work;	/* something to draw; under display_work_lock */
static bool has_thread; /* who does it */
static struct wait_queue work_queue;

static void display_draw_row(u32 y)
{
	for (u32 x = 0; x < vt.columns; x++) {
		struct vt_cell cell = vt.lines[y][x], *there = &shown[y * vt.columns + x];

		if (vt.cursor_visible && y == vt.cursor.y && x == vt.cursor.x)
			cell.flags |= VT_CURSOR;
		if (!memcmp(&cell, there, sizeof(cell)))
			continue;
		driver->draw(x, y, cell);
		*there = cell;
	}
}

/* Row by row, so that interrupts are off for one row's time only. */
static void display_flush(struct console *c)
{
	for (u32 y = 0; y < vt.rows; y++) {
		u64 flags;
		bool locked;

		if (!READ_ONCE(vt.dirty[y]))
			continue;
		locked = console_lock(&display_lock, &flags);
		vt.dirty[y] = false;
		display_draw_row(y);
		console_unlock(&display_lock, flags, locked);
	}
}

static void display_flush_later(struct console *c)
{
	bool wake;
	u64 flags;

	if (!READ_ONCE(has_thread) || READ_ONCE(panic_in_progress)) {
		display_flush(c);
		return;
	}
	flags = spin_lock_irq(&display_work_lock);
	wake = !work;
	work = true;
	spin_unlock_irq(&display_work_lock, flags);
	if (wake)
		wait_wake_one(&work_queue);
}

static void display_write(struct console *c, const char *text, size_t length)
{
	while (length) {
		size_t n = MIN(length, (size_t)PIECE);
		u64 flags;
		bool locked = console_lock(&display_lock, &flags);

		vt_write(&vt, text, n);
		WRITE_ONCE(console_cursor_keys, vt.cursor_keys);
		console_unlock(&display_lock, flags, locked);
		text += n;
		length -= n;
	}
}

/* What the emulator has to tell the program, typed on its behalf. */
static void display_send_answers(void)
{
	char text[sizeof(vt.answer)];
	u64 flags = spin_lock_irq(&display_lock);
	u32 n = vt.answer_length;

	memcpy(text, vt.answer, n);
	vt.answer_length = 0;
	spin_unlock_irq(&display_lock, flags);
	for (u32 i = 0; i < n && !console_is_remote; i++)
		tty_input(&console_tty, text[i]);
}

static void display_thread(void *argument)
{
	WRITE_ONCE(has_thread, true);
	for (;;) {
		u64 flags = spin_lock_irq(&display_work_lock);

		while (!work)
			wait_sleep_irq(&work_queue, &display_work_lock, WAIT_FOREVER, 0);
		work = false;
		spin_unlock_irq(&display_work_lock, flags);
		display_flush(argument);
		display_send_answers();
		sleep_until(clock_now_ns() + FRAME_NS, 0);
	}
}

static void display_start(struct console *c)
{
	struct thread *t = kthread_create("display", display_thread, c);

	if (IS_ERR(t))
		log_warn("display: no thread (%ld), drawing at once", PTR_ERR(t));
}

static struct console display_console = {
    .name = "tty0",
    .write = display_write,
    .flush = display_flush,
    .flush_later = display_flush_later,
    .start = display_start,
};

void display_init(void)
{
	u32 columns, rows;
	void *memory;

	if (boot_info.display.type == BOOT_DISPLAY_NONE)
		return;
	driver =
	    boot_info.display.type == BOOT_DISPLAY_PIXELS ? &framebuffer_driver : &vga_text_driver;
	if (!driver->open(&columns, &rows))
		return;
	columns = MIN(columns, (u32)VT_COLUMNS_MAX);
	rows = MIN(rows, (u32)VT_ROWS_MAX);
	memory = kmalloc(vt_memory_size(columns, rows));
	shown = kzalloc((size_t)columns * rows * sizeof(*shown)); /* code 0: differs from all */
	if (columns < 2 || rows < 2 || !memory || !shown) {
		log_warn("display: %ux%u characters, or no memory: left dark", columns, rows);
		kfree(memory);
		kfree(shown);
		return;
	}
	vt_init(&vt, columns, rows, memory);
	wait_queue_init(&work_queue, "display");
	display_console.columns = columns;
	display_console.rows = rows;
	console_register(&display_console);
	log_info("display: %s, %ux%u characters", driver->name, columns, rows);
}
