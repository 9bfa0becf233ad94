/* SPDX-License-Identifier: MIT
 *
 * Consoles: devices that show text (serial port, framebuffer, VGA text).  What is written goes to
 * each of them.  Input from any of them goes to the same function, console_event().
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"

#define CONSOLE_RESERVE	 1024
#define CONSOLE_ROOM_MAX INT32_MAX

struct console;

/* The operations of a kind of console.  All but write() may be NULL. */
struct console_ops {
	/* Any context, also NMI; must not wait for an unlimited time. */
	void (*write)(struct console *c, const char *text, size_t length);
	/* Finish what write() has left to do: immediately if `now` (any context), else an interrupt
	 * or a thread does it soon.  Without `now` it may wake a thread, so the caller must hold no
	 * lock of the scheduler. */
	void (*flush)(struct console *c, bool now);
	/* For consoles that queue what is written.  Any context. */
	void (*drain)(struct console *c);   /* poll until all is sent, for a limited time */
	s32 (*room)(struct console *c);	    /* bytes that a program may write now without waiting;
					     * may be negative: echo and log have CONSOLE_RESERVE
					     * more */
	u32 (*queued)(struct console *c);   /* bytes that are not sent yet */
	void (*discard)(struct console *c); /* drop these bytes */
	/* Called when interrupts and threads work. */
	void (*start)(struct console *c);
};

struct console {
	const char *name;  /* "ttyS0", "tty0" */
	u32 columns, rows; /* in characters */
	const struct console_ops *ops;
	struct log_sink sink;
	struct console *next;
};

/* Set up COM1 at 115200 bits/s, if it exists.  kernel_main() calls this among the first. */
void serial_init_early(void);

/* Use `c` and connect it to the log, if console= names it or if there is no console=.  At bring-up
 * only, while this CPU is the only one. */
void console_register(struct console *c);

/* Write to all consoles.  Any context, but the caller must hold no lock of the scheduler. */
void console_write(const char *text, size_t length);

/* The list of the consoles that are in use, linked by `next`. */
struct console *console_first(void);

/* The smallest room of all consoles.  CONSOLE_READY follows when there is more room, and when all
 * bytes are sent.  Any context. */
s32 console_room(void);

/* How long to wait for CONSOLE_READY.  After that the interrupt of a device may have been lost, and
 * console_write() of no bytes makes the device continue. */
#define CONSOLE_WAIT_NS (100 * NSEC_PER_MSEC)

/* The size, in characters, of the console that a person looks at: the one that the last console=
 * names, else the display, else 80x24 for the serial port.  After all have been registered. */
void console_size(u32 *columns, u32 *rows);

/* Called in an interrupt, without a console's lock: for each byte that is typed at a console, and
 * with CONSOLE_READY when a console that had no room, or bytes not sent, has sent some.  The
 * terminal sets it, or the raw console if there is no terminal, before console_start(). */
#define CONSOLE_READY (-1)
extern void (*console_event)(int event);

/* Start to receive input.  After apic_init(), when threads can be created. */
void console_start(void);

/* Take the lock of a console, interrupts off.  False: the caller must continue without the lock,
 * because the kernel panics, or because the code that an NMI has interrupted on this CPU holds it.
 */
bool console_lock(struct spinlock *lock, u64 *flags);
void console_unlock(struct spinlock *lock, u64 flags, bool locked);
