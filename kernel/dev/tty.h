/* SPDX-License-Identifier: MIT
 *
 * Terminals: the line discipline of POSIX chapter 11 and Linux's termios(3), for the console.
 */
#pragma once

#include "kernel/task/mutex.h"
#include "kernel/task/wait.h"
#include "kernel/vm/usercopy.h"

/* struct termios of the Linux system-call ABI (TCGETS). */
struct termios {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[19];
};

struct winsize {
	u16 rows, columns, x_pixels, y_pixels;
};

#define TTY_INPUT_SIZE 4096 /* a power of two */

struct tty;

/* The device behind a terminal.  Any context. */
struct tty_ops {
	/* Of nothing, too: so a device goes on whose interrupt was lost. */
	void (*output)(struct tty *tty, const char *text, size_t length);
	/* Bytes that output() takes from a write() now without waiting for the device; may be
	 * negative.  tty_notify() follows when there is room again. */
	s32 (*room)(struct tty *tty);
	u32 (*queued)(struct tty *tty);	  /* bytes not sent yet; tty_notify() follows when all are */
	void (*discard)(struct tty *tty); /* forget them */
};

struct tty {
	const char *name;	  /* "console" */
	const struct tty_ops *ops;
	struct mutex write_lock;  /* one write() at a time; waiting for it is waiting for the output */
	struct spinlock lock;	  /* irq; guards all below */
	struct termios termios;
	struct winsize size;
	/* Indices run on for ever; their place in the ring is the remainder. */
	u8 input[TTY_INPUT_SIZE];
	u8 line_ends[TTY_INPUT_SIZE / 8]; /* bit set: a line's last byte; a NUL there is an EOF */
	u32 input_head, input_tail; /* bytes [tail, head) are to be read, or being edited */
	u32 canon_head;		  /* bytes before this are whole lines */
	u32 lines;		  /* whole lines in the ring */
	u32 column;		  /* of the cursor, for tabs and erasing */
	u32 line_column;	  /* where the line being edited began */
	bool stopped;		  /* output, by VSTOP or TCOOFF */
	struct wait_queue readers, writers;
	pid_t session;		  /* 0: no session has it as its controlling terminal */
	pid_t foreground;	  /* process group */
};

extern struct tty console_tty;

void tty_init(struct tty *tty, const char *name, const struct tty_ops *ops);

/* The device has room again, or has sent all: wake those that wait for it.  Interrupt handlers. */
void tty_notify(struct tty *tty);

/* open(): a session leader without a terminal gets this one, if it is nobody's (POSIX 11.1.3).  Not
 * to be called where O_NOCTTY was given, nor for /dev/tty. */
void tty_open(struct tty *tty);

/* A byte has been typed: edit, echo, signal.  Any context. */
void tty_input(struct tty *tty, u8 byte);

/* read(): by ICANON, VMIN and VTIME; -EAGAIN where `nonblock`, -ERESTARTSYS for a signal, -EIO from
 * the background where SIGTTIN cannot stop it.  Sleeps. */
ssize_t tty_read(struct tty *tty, struct io_buffer *io, bool nonblock);

/* write(): with OPOST; TOSTOP from the background.  Returns when all is queued at the device, or
 * after a signal, the bytes that were; -ERESTARTSYS if none was, -EAGAIN where `nonblock`.  Sleeps.
 */
ssize_t tty_write(struct tty *tty, struct io_buffer *io, bool nonblock);

/* tcdrain(): sleep until all that was written is sent.  0 or -ERESTARTSYS. */
int tty_drain(struct tty *tty);

/* ioctl(): TCGETS, TCSETS*, TCFLSH, TCSBRK, TCXONC, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP, TIOCSPGRP,
 * TIOCSCTTY, TIOCNOTTY, TIOCGSID, FIONREAD, TIOCOUTQ.  -ENOTTY for others.  Sleeps. */
long tty_ioctl(struct tty *tty, u32 request, u64 argument);

/* For poll: readable and writable as POLLIN | POLLOUT bits.  The queues are `readers`, `writers`. */
u32 tty_poll_bits(struct tty *tty);

/* The caller is about to use (`signal` SIGTTIN) or change (SIGTTOU) its terminal: 0, or from the
 * background -EIO or, its group having been sent the signal, -ERESTARTSYS. */
int tty_check_background(struct tty *tty, int signal);

/* The session's leader has ended: SIGHUP and SIGCONT to the foreground, nobody's terminal any more. */
void tty_hangup_session(struct tty *tty);
