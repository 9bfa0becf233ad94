/* SPDX-License-Identifier: MIT
 *
 * The line discipline behind a terminal: termios' names, and what tty_io.c and tty_ioctl.c need of it.
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

/* Output on its way: after OPOST, before the device. */
struct tty_out {
	struct tty *tty;
	u32 length;
	char text[128];
};
#define TTY_OUT_PER_BYTE 2 /* what one byte can become: CR and LF */

/* Post-process one byte into `out`, which must have room for TTY_OUT_PER_BYTE.  All below: under
 * tty->lock. */
void tty_out_byte(struct tty_out *out, u8 byte);

/* Bytes that a read() could take now: in canonical mode those of whole lines. */
u32 tty_readable(const struct tty *tty);

/* Take up to n bytes out for a reader; in canonical mode not beyond a line's end, and then
 * *line_done.  An EOF is taken and not counted. */
u32 tty_take(struct tty *tty, u8 *buf, u32 n, bool *line_done);

void tty_flush_input(struct tty *tty);
void tty_flush_output(struct tty *tty); /* what is queued at the device */
void tty_set_stopped(struct tty *tty, bool stopped);

/* Put new settings in force; pending input changes its state where ICANON does. */
void tty_set_termios(struct tty *tty, const struct termios *termios);
