/* SPDX-License-Identifier: MIT
 *
 * The terminal of the machine.  Its output is written to all consoles, and its input comes from any
 * of them.  Programs open it by the names below.
 */
#include "arch/x86_64/pc/console.h"
#include "kernel/dev/console_choice.h"
#include "kernel/dev/display.h"
#include "kernel/dev/keymap.h"
#include "kernel/dev/tty_file.h"
#include "kernel/fs/device.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/task/probe.h"
#include "kernel/task/process.h"

#define DEVICE_TTY0 MAKEDEV(4, 0)
#define DEVICE_TTY  MAKEDEV(5, 0)

struct tty console_tty;
static struct tty_ring console_ring;

static void terminal_output(struct tty *tty, const char *text, size_t length)
{
	console_write(text, length);
}

static s32 terminal_room(struct tty *tty)
{
	return console_room();
}

/* The largest number of bytes that a console has not sent yet. */
static u32 terminal_queued(struct tty *tty)
{
	u32 queued = 0;

	console_for_each(c) if (c->ops->queued) queued = MAX(queued, c->ops->queued(c));
	return queued;
}

static void terminal_discard(struct tty *tty)
{
	console_for_each(c) if (c->ops->discard) c->ops->discard(c);
}

/* The answers are typed before the write() that asks returns, so that they come before what a
 * person types afterwards. */
static void terminal_written(struct tty *tty)
{
	char text[VT_ANSWER_MAX];

	tty_input(tty, text, display_answers(text));
}

static const struct tty_ops device = {.output = terminal_output,
				      .room = terminal_room,
				      .queued = terminal_queued,
				      .discard = terminal_discard,
				      .written = terminal_written,
				      .ioctl = keymap_ioctl};

static void terminal_event(int event)
{
	char byte = (char)event;

	if (event == CONSOLE_READY)
		tty_notify(&console_tty);
	else
		tty_input(&console_tty, &byte, 1);
}

pid_t tty_foreground(const struct tty *tty)
{
	return READ_ONCE(tty->foreground);
}

u64 tty_number(const struct tty *tty)
{
	return tty->rdev;
}

/* The terminal gets the size of the console that a person looks at (console_choose()). */
static void terminal_init(void)
{
	u32 columns, rows;

	display_init();
	console_choose(&columns, &rows);
	tty_init(&console_tty, "console", DEVICE_CONSOLE, &device, &console_ring);
	console_tty.size.columns = (u16)columns;
	console_tty.size.rows = (u16)rows;
	console_event = terminal_event;
}

EARLY_INIT_CALL(20, terminal_init);

/* The terminal that /dev/tty names.  A process that has not noticed yet that its session has lost
 * the terminal has none. */
static struct tty *controlling_terminal(void)
{
	struct tty *tty = READ_ONCE(current_process()->job.tty);

	return tty && READ_ONCE(tty->session) == current_process()->job.session ? tty : NULL;
}

/* A session leader without a terminal gets the one that it opens, unless it opens it as
 * /dev/console or /dev/tty0.  Without a controlling terminal, /dev/tty gives -ENXIO (tty(4)). */
static int terminal_open(struct file *file)
{
	u64 rdev = file->inode->rdev;
	struct tty *tty = rdev == DEVICE_TTY ? controlling_terminal() : &console_tty;
	int error;

	if (!tty)
		return -ENXIO;
	error = tty_file_open(file, tty,
			      rdev != DEVICE_TTY && rdev != DEVICE_CONSOLE && rdev != DEVICE_TTY0);
	if (!error && rdev == DEVICE_TTY && controlling_terminal() != tty) {
		tty_file_release(file); /* until it was open, another session could get it */
		error = -ENXIO;
	}
	return error;
}

static const struct file_ops terminal_ops = TTY_FILE_OPS(terminal_open);

/* /dev/tty can be opened only by processes that have the terminal already. */
DEVICES(10, terminals) = {
    {DEVICE_TTY0, "/dev/tty0", 0600, &terminal_ops},
    {MAKEDEV(4, 1), "/dev/tty1", 0600, &terminal_ops},
    {MAKEDEV(4, 64), "/dev/ttyS0", 0600, &terminal_ops},
    {DEVICE_TTY, "/dev/tty", 0666, &terminal_ops},
    {DEVICE_CONSOLE, "/dev/console", 0600, &terminal_ops},
};
