/* SPDX-License-Identifier: MIT
 *
 * Consoles: devices that show text (serial port, framebuffer, VGA text).  The log goes to each that
 * is in use, and what programs write to those that `programs` marks.  Input from any of these goes
 * to the same function, console_event().
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
	bool (*drain)(struct console *c);   /* poll until all has left; false: not in time */
	s32 (*room)(struct console *c);	    /* bytes that a program may write now without waiting;
					     * may be negative: echo and log have CONSOLE_RESERVE
					     * more */
	u32 (*queued)(struct console *c);   /* bytes that are not sent yet */
	void (*discard)(struct console *c); /* drop these bytes */
	/* Called in the interrupt of the device, which may take bytes.  Returns whether it sent
	 * some. */
	bool (*transmit)(struct console *c);
	/* Called when interrupts and threads work. */
	void (*start)(struct console *c);
};

struct console {
	const char *name;  /* "ttyS0", "tty0" */
	u32 columns, rows; /* in characters */
	const struct console_ops *ops;
	bool is_display;
	bool in_use;   /* the log goes to it */
	bool programs; /* programs write to it, and its input is theirs */
	bool stuck;    /* it has not sent anything for seconds */
	struct log_sink sink;
	struct console *next;
};

/* Set up COM1 if it exists, at 115200 bits/s or the speed in console=ttyS0,SPEED.  kernel_main()
 * calls this among the first. */
void serial_init_early(void);

/* Add `c` to the list, and use it if console= names it or if there is no console=.  At bring-up
 * only, while this CPU is the only one. */
void console_register(struct console *c);

/* Connect `c` to the log and to programs.  At bring-up only. */
void console_use(struct console *c);

/* The list of all consoles, linked by `next`. */
struct console *console_first(void);

/* Returns the position, from 1 on, of the last console= that names `c`; 0: none names it. */
u32 console_rank(const struct console *c);

/* Returns whether console= names `c`, or names no console at all. */
bool console_wanted(const struct console *c);

/* Returns the first console that programs write to, or the next after `c`.  A stuck console is left
 * out if there is another. */
struct console *console_next(struct console *c);
#define console_for_each(c) for (struct console *c = NULL; (c = console_next(c));)

/* Write to these consoles.  Any context, but the caller must hold no lock of the scheduler. */
void console_write(const char *text, size_t length);

/* The smallest room of these consoles.  CONSOLE_READY follows when there is more room, and when all
 * bytes are sent.  Any context. */
s32 console_room(void);

/* How long to wait for CONSOLE_READY.  After that the interrupt of a device may have been lost, and
 * console_write() of no bytes makes the device continue. */
#define CONSOLE_WAIT_NS (100 * NSEC_PER_MSEC)

/* Called in an interrupt, without a console's lock: for each byte that is typed at a console, and
 * with CONSOLE_READY when a console that had no room, or bytes not sent, has sent some.  The
 * terminal sets it, or the raw console if there is no terminal, before console_start(). */
#define CONSOLE_READY (-1)
extern void (*console_event)(int event);

/* Start to receive input.  If console= names no console that exists, use all.  After apic_init(),
 * when threads can be created. */
void console_start(void);

/* Take the lock of a console, interrupts off.  False: the caller must continue without the lock,
 * because the kernel panics, or because the code that an NMI has interrupted on this CPU holds it.
 */
bool console_lock(struct spinlock *lock, u64 *flags);
void console_unlock(struct spinlock *lock, u64 flags, bool locked);
