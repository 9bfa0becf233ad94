/* SPDX-License-Identifier: MIT
 *
 * The list of consoles that are in use, and how the log and programs write to them.
 */
#include "arch/x86_64/pc/console.h"
#include "boot/cmdline.h"
#include "kernel/lib/string.h"

static struct console *consoles;
void (*console_event)(int event);

/* "ttyS0,115200" names ttyS0, too. */
u32 console_rank(const struct console *c)
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
bool console_wanted(const struct console *c)
{
	char any[2];

	return !cmdline_get_nth("console", 0, any, sizeof(any)) || console_rank(c);
}

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

static bool sink_ready(struct log_sink *sink)
{
	struct console *c = container_of(sink, struct console, sink);

	return !c->ops->room || c->ops->room(c) >= 2 * LOG_RECORD_TEXT - CONSOLE_RESERVE;
}

static bool sink_drain(struct log_sink *sink)
{
	struct console *c = container_of(sink, struct console, sink);

	return !c->ops->drain || c->ops->drain(c);
}

static const struct log_sink_ops sink_ops = {
    .write = sink_write, .ready = sink_ready, .drain = sink_drain};

void console_use(struct console *c)
{
	c->in_use = c->programs = true;
	c->sink.ops = &sink_ops;
	log_sink_add(&c->sink);
}

void console_register(struct console *c)
{
	c->next = consoles;
	__atomic_store_n(&consoles, c, __ATOMIC_RELEASE);
	if (console_wanted(c))
		console_use(c);
}

struct console *console_first(void)
{
	return __atomic_load_n(&consoles, __ATOMIC_ACQUIRE);
}

struct console *console_next(struct console *c)
{
	struct console *stuck = NULL;
	bool first = !c;

	for (c = c ? c->next : console_first(); c; c = c->next) {
		if (c->programs && !READ_ONCE(c->stuck))
			return c;
		if (c->programs)
			stuck = c;
	}
	return first ? stuck : NULL;
}

void console_write(const char *text, size_t length)
{
	console_for_each(c)
	{
		c->ops->write(c, text, length);
		if (c->ops->flush)
			c->ops->flush(c, false);
	}
}

s32 console_room(void)
{
	s32 room = CONSOLE_ROOM_MAX;

	console_for_each(c) if (c->ops->room) room = MIN(room, c->ops->room(c));
	return room;
}

void console_start(void)
{
	for (struct console *c = consoles; c; c = c->next)
		if (c->in_use && c->ops->start)
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
