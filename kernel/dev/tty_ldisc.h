/* SPDX-License-Identifier: MIT
 *
 * The line discipline of a terminal: the names of termios, and the functions that tty_io.c and
 * tty_ioctl.c call.
 */
#pragma once

#include "kernel/dev/tty.h"

/* Indices into c_cc. */
enum {
	VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL,
	VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2,
};

/* c_iflag */
#define ISTRIP	0000040
#define INLCR	0000100
#define IGNCR	0000200
#define ICRNL	0000400
#define IXON	0002000
#define IXANY	0004000
#define IUTF8	0040000

/* c_oflag */
#define OPOST  0000001
#define ONLCR  0000004

/* c_cflag */
#define B38400 0000017
#define CS8    0000060
#define CREAD  0000200
#define HUPCL  0002000

/* c_lflag */
#define ISIG	0000001
#define ICANON	0000002
#define ECHO	0000010
#define ECHOE	0000020
#define ECHOK	0000040
#define ECHONL	0000100
#define NOFLSH	0000200
#define TOSTOP	0000400
#define ECHOCTL 0001000
#define ECHOKE	0004000
#define IEXTEN	0100000

/* Output after OPOST processing that is not sent to the device yet. */
struct tty_out {
	struct tty *tty;
	u32 length;
	char text[128];
};
#define TTY_OUT_PER_BYTE 2 /* one byte becomes at most two: CR and LF */

/* The caller of each function below holds tty->lock. */

/* Post-process one byte and append the result to `out`, which must have room for TTY_OUT_PER_BYTE
 * bytes. */
void tty_out_byte(struct tty_out *out, u8 byte);

/* The number of bytes that a read() could return now; in canonical mode only whole lines count. */
u32 tty_readable(const struct tty *tty);

/* Move up to n bytes from the ring to `buf`, and return their number.  In canonical mode it stops
 * at the end of a line and sets *line_done.  An EOF is removed but not counted. */
u32 tty_take(struct tty *tty, u8 *buf, u32 n, bool *line_done);

void tty_flush_input(struct tty *tty);
void tty_flush_output(struct tty *tty); /* drop the bytes that are queued at the device */

/* Wake what waits for the device.  The lock may be held or not. */
void tty_wake_writers(struct tty *tty);

/* Stop the output, or let it continue unless it is held. */
void tty_set_stopped(struct tty *tty, bool stopped);

/* Apply new settings.  If ICANON changes, the input in the ring changes its state too. */
void tty_set_termios(struct tty *tty, const struct termios *termios);
