/* SPDX-License-Identifier: MIT
 *
 * One layer for all that can show text: serial port, framebuffer, VGA text.  Whatever
 * is written goes to each of them; what is typed at any reaches the same console_input().
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"

struct console {
	const char *name;  /* "ttyS0", "tty0" */
	u32 columns, rows; /* in characters */
	/* Any context, NMI too; must not wait without bound. */
	void (*write)(struct console *c, const char *text, size_t length);
	/* Where write() leaves something to be done: do it `now` (any context), or let an interrupt
	 * or a thread do it soon (wakes it: not where a lock of the scheduler may be held). */
	void (*flush)(struct console *c, bool now);
	/* Interrupts and threads work from now on; may be NULL. */
	void (*start)(struct console *c);
	struct log_sink sink;
	struct console *next;
};

/* COM1 at 115200 from the first line of C on; absent ports are found out and left alone. */
void serial_init_early(void);

/* Those that console= names (ttyS0, tty0; default: all there are) are taken and connected to the
 * log.  At bring-up only, the calling CPU being the only one. */
void console_register(struct console *c);

/* Write to all of them.  Any context, but not where a lock of the scheduler may be held. */
void console_write(const char *text, size_t length);

/* In characters, of what a person looks at: the console that the last console= names, else the
 * display, else 80x24 for serial.  After all have been registered. */
void console_size(u32 *columns, u32 *rows);

/* What is done with a byte that has been typed at any of them, in an interrupt.  Set by the terminal,
 * or else by the raw console, before console_start(). */
extern void (*console_input)(u8 byte);

/* Begin to receive; after apic_init() and once threads can be made. */
void console_start(void);

/* A console's lock.  False: go ahead without it, because the kernel has stopped, or because what was
 * interrupted on this CPU (by an NMI) holds it. */
bool console_lock(struct spinlock *lock, u64 *flags);
void console_unlock(struct spinlock *lock, u64 flags, bool locked);
