/* SPDX-License-Identifier: MIT
 *
 * Terminals, with the line discipline of POSIX chapter 11 and of termios(3) on Linux.
 */
#pragma once

#include "kernel/linux/poll_queue.h"
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

struct inode;
struct tty;

/* The device behind a terminal.  Any context. */
struct tty_ops {
	/* Send `text`.  With length 0, a device whose interrupt was lost continues to send. */
	void (*output)(struct tty *tty, const char *text, size_t length);
	/* The number of bytes that output() accepts from a write() without waiting for the device;
	 * may be negative.  The device calls tty_notify() when it has room again. */
	s32 (*room)(struct tty *tty);
	u32 (*queued)(struct tty *tty);	  /* bytes not sent yet; tty_notify() when all are sent */
	void (*discard)(struct tty *tty); /* drop the bytes that are not sent yet */
	/* The rest may be NULL.  The ring of input has room again: a reader has taken bytes, or the
	 * input was flushed.  The caller holds tty->lock. */
	void (*input_taken)(struct tty *tty);
	/* A file is opened, by a name that has this inode, and the last reference to it is gone.
	 * open() returns 0 or an error. */
	int (*open)(struct tty *tty, const struct inode *inode);
	/* A program has written: type what the device answers.  The caller holds tty->write_lock. */
	void (*written)(struct tty *tty);
	/* Serve a request that tty_ioctl() does not know.  Returns -ENOTTY for others.  Sleeps. */
	long (*ioctl)(struct tty *tty, u32 request, u64 argument);
	void (*close)(struct tty *tty);
};

/* Typed bytes that are not read yet. */
struct tty_ring {
	u8 bytes[TTY_INPUT_SIZE];
	u8 line_ends[TTY_INPUT_SIZE / 8]; /* bit set: last byte of a line; with a NUL byte: EOF */
};

struct tty {
	const char *name; /* "console" */
	const struct tty_ops *ops;
	u64 rdev;			/* its device number, for /proc/PID/stat */
	struct mutex write_lock;	/* a write() holds it, also while it waits for the device */
	struct spinlock lock;		/* irq; guards all below */
	struct termios termios, locked; /* `locked`: what of `termios` cannot be changed */
	struct winsize size;
	struct tty_ring *ring;
	/* The four indices only grow; the place in the ring is the index modulo its size. */
	u32 input_head, input_tail; /* bytes [tail, head): not read yet, or in the edited line */
	u32 canon_head;		    /* the bytes before this index form whole lines */
	u32 lines;		    /* whole lines in the ring */
	u32 column;		    /* of the cursor; tabs and erasing need it */
	u32 line_column;	    /* the column at which the edited line began */
	bool stopped;		    /* VSTOP or TCOOFF has stopped the output */
	bool held;		    /* TCOOFF has: only TCOON lets it continue */
	bool exclusive;		    /* TIOCEXCL: only CAP_SYS_ADMIN can open it */
	bool hung_up;		    /* for ever: reads return 0, all else fails with -EIO */
	struct wait_queue readers;  /* threads in read() */
	struct wait_queue writers;  /* one in write() */
	struct wait_queue drainers; /* those in tcdrain(), each of which wakes the next */
	struct poll_queue readable, writable; /* poll() */
	pid_t session;	  /* 0: no session has it as its controlling terminal */
	pid_t foreground; /* process group */
};

extern struct tty console_tty;

/* Initialize a terminal that no session controls, with the settings of `stty sane`.  `name`,
 * `ops` and `ring` must stay valid. */
void tty_init(struct tty *tty, const char *name, u64 rdev, const struct tty_ops *ops,
	      struct tty_ring *ring);

/* The terminal is used no more, until tty_init(). */
void tty_release(struct tty *tty);

/* The device behind the terminal is gone: end all waits, and take the terminal from its session,
 * whose leader gets SIGHUP and SIGCONT (POSIX 11.1.10).  Sleeps. */
void tty_hangup(struct tty *tty);

/* Wake the threads that wait for the device: it has room again, or has sent all bytes.  Interrupt
 * handlers call it. */
void tty_notify(struct tty *tty);

/* open(): make this the controlling terminal of the caller's session, if the caller leads a session
 * without one and no other session has this one (POSIX 11.1.3).  Do not call it with O_NOCTTY, or
 * for /dev/tty. */
void tty_open(struct tty *tty);

/* Process `n` typed bytes: edit the line, echo, send signals.  No byte from elsewhere comes between
 * them, as the bytes of one key or one answer belong together, unless one of them sends a signal.
 * Interrupts are off for all of them: callers have 32 at most.  Any context. */
void tty_input(struct tty *tty, const char *bytes, u32 n);

/* Send a signal to a group of the session, or to the foreground group, if there is one.  After the end
 * of a group its number may be that of a group of another session: then nothing is sent.  The caller
 * does not hold tty->lock.  Any context. */
void tty_signal_group(pid_t group, pid_t session, int signal);
void tty_signal_foreground(struct tty *tty, int signal);

/* read(), with the rules of ICANON, VMIN and VTIME.  Returns the number of bytes, -EAGAIN if it
 * would wait and `nonblock` is set, -ERESTARTSYS if a signal ended the wait or SIGTTIN was sent,
 * -EIO in the background if SIGTTIN cannot stop the process.  Sleeps. */
ssize_t tty_read(struct tty *tty, struct io_buffer *io, bool nonblock);

/* write(), with the rules of OPOST and, in the background, TOSTOP.  Returns the number of bytes
 * that are queued at the device: all, or fewer after a signal or with `nonblock`.  If none is
 * queued: -ERESTARTSYS or -EAGAIN.  Sleeps. */
ssize_t tty_write(struct tty *tty, struct io_buffer *io, bool nonblock);

/* tcdrain(): sleep until the device has sent all bytes.  Returns 0 or -ERESTARTSYS. */
int tty_drain(struct tty *tty);

/* ioctl(): TCGETS, TCSETS*, TCGETA, TCSETA*, TCFLSH, TCSBRK, TCXONC, TIOCGWINSZ, TIOCSWINSZ,
 * TIOCGPGRP, TIOCSPGRP, TIOCSCTTY, TIOCNOTTY, TIOCGSID, TIOCGLCKTRMIOS, TIOCSLCKTRMIOS, TIOCGETD,
 * TIOCSETD, TIOCEXCL, TIOCNXCL, TIOCGEXCL, FIONREAD, TIOCOUTQ.  -ENOTTY for others.  Sleeps. */
long tty_ioctl(struct tty *tty, u32 request, u64 argument);

/* The state of the terminal as bits of poll(2).  The caller waits on `readable` and `writable`. */
u32 tty_poll_bits(struct tty *tty);

/* Call this before the caller reads from its terminal (`signal` SIGTTIN) or changes it (SIGTTOU).
 * Returns 0 if it may.  In the background: -ERESTARTSYS after the signal was sent to the caller's
 * group, or -EIO (POSIX 11.1.4). */
int tty_check_background(struct tty *tty, int signal);

/* Take the terminal from `session`, whose leader has ended or has dropped it: send SIGHUP and
 * SIGCONT to the foreground group.  No session controls the terminal afterwards.  Does nothing if
 * another session has it: `session` had it before a hang-up. */
void tty_hangup_session(struct tty *tty, pid_t session);
