/* SPDX-License-Identifier: MIT
 *
 * The list of consoles that are in use, and how the log and programs write to them.
 */
#include "arch/x86_64/pc/console.h"
#include "boot/cmdline.h"
#include "kernel/lib/string.h"

static struct console *consoles;
void (*console_event)(int event);

/* Returns the position, from 1 on, of the last console= that names `c` ("ttyS0,115200" does too);
 * 0: none names it. */
static u32 console_rank(const struct console *c)
{
	size_t length = strlen(c->name);
	char value[32];
	u32 rank = 0;

	for (u32 i = 0; cmdline_get_nth("console", i, value, sizeof(value)); i++)
		if (!strncmp(value, c->name, length) && (!value[length] || value[length] == ','))
			rank = i + 1;
	return rank;
}

/* Write text of the log, whose lines end with \n only: consoles need \r\n. */
static void sink_write(struct log_sink *sink, const char *text, size_t length)
{
	struct console *c = container_of(sink, struct console, sink);
	char buf[128];
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			buf[used++] = '\r';
		buf[used++] = text[i];
		if (used + 2 > sizeof(buf) || i + 1 == length) {
			c->ops->write(c, buf, used);
			used = 0;
		}
	}
	if (c->ops->flush)
		c->ops->flush(c, true);
}

static void sink_drain(struct log_sink *sink)
{
	struct console *c = container_of(sink, struct console, sink);

	if (c->ops->drain)
		c->ops->drain(c);
}

void console_register(struct console *c)
{
	char any[2];

	if (cmdline_get_nth("console", 0, any, sizeof(any)) && !console_rank(c))
		return;
	c->sink.write = sink_write;
	c->sink.drain = sink_drain;
	c->next = consoles;
	__atomic_store_n(&consoles, c, __ATOMIC_RELEASE);
	log_sink_add(&c->sink);
}

struct console *console_first(void)
{
	return __atomic_load_n(&consoles, __ATOMIC_ACQUIRE);
}

void console_write(const char *text, size_t length)
{
	for (struct console *c = console_first(); c; c = c->next) {
		c->ops->write(c, text, length);
		if (c->ops->flush)
			c->ops->flush(c, false);
	}
}

s32 console_room(void)
{
	s32 room = CONSOLE_ROOM_MAX;

	for (struct console *c = console_first(); c; c = c->next)
		if (c->ops->room)
			room = MIN(room, c->ops->room(c));
	return room;
}

void console_size(u32 *columns, u32 *rows)
{
	const struct console *best = NULL;

	/* If ranks are equal, the display wins over the serial port, which was registered earlier
	 * and so comes later in the list. */
	for (const struct console *c = consoles; c; c = c->next)
		if (!best || console_rank(c) > console_rank(best))
			best = c;
	*columns = best ? best->columns : 80;
	*rows = best ? best->rows : 24;
}

void console_start(void)
{
	for (struct console *c = consoles; c; c = c->next)
		if (c->ops->start)
			c->ops->start(c);
}

bool console_lock(struct spinlock *lock, u64 *flags)
{
	*flags = irq_save();
	if (READ_ONCE(panic_in_progress) || spin_held(lock))
		return false;
	spin_lock_irq(lock);
	return true;
}

void console_unlock(struct spinlock *lock, u64 flags, bool locked)
{
	if (locked)
		spin_unlock_irq(lock, flags);
	else
		irq_restore(flags);
}
