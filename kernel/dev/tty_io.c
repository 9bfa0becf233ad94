/* SPDX-License-Identifier: MIT
 *
 * read() and write() of terminals, and job control (POSIX 11.1).
 */
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/console.h"
#include "kernel/dev/tty_job.h"
#include "kernel/dev/tty_ldisc.h"
#include "kernel/fs/poll.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/group.h"
#include "kernel/task/probe.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"
#include "kernel/task/thread.h"

#define TTY_POLLIN  (POLLIN | POLLRDNORM)
#define TTY_POLLOUT (POLLOUT | POLLWRNORM)

static struct lock_class tty_class = {"tty", 0}, write_class = {"tty write", 0};

/* The settings that `stty sane` makes. */
static const struct termios initial_termios = {
    .c_iflag = ICRNL | IXON | IUTF8,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD | HUPCL,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 'C' & 0x1f,
	     [VQUIT] = '\\' & 0x1f,
	     [VERASE] = 0x7f,
	     [VKILL] = 'U' & 0x1f,
	     [VEOF] = 'D' & 0x1f,
	     [VMIN] = 1,
	     [VSTART] = 'Q' & 0x1f,
	     [VSTOP] = 'S' & 0x1f,
	     [VSUSP] = 'Z' & 0x1f,
	     [VWERASE] = 'W' & 0x1f},
};

void tty_init(struct tty *tty, const char *name, u64 rdev, const struct tty_ops *ops,
	      struct tty_ring *ring)
{
	memset(tty, 0, sizeof(*tty));
	memset(ring, 0, sizeof(*ring));
	tty->ring = ring;
	tty->name = name;
	tty->ops = ops;
	tty->rdev = rdev;
	tty->termios = initial_termios;
	mutex_init(&tty->write_lock, &write_class);
	spinlock_init(&tty->lock, &tty_class);
	wait_queue_init(&tty->readers, "tty input");
	wait_queue_init(&tty->writers, "tty output");
	wait_queue_init(&tty->drainers, "tty output");
	poll_queue_init(&tty->readable, "tty input");
	poll_queue_init(&tty->writable, "tty output");
	tty->readable.one = true; /* a reader wakes the next if it leaves something */
}

void tty_release(struct tty *tty)
{
	poll_queue_release(&tty->readable);
	poll_queue_release(&tty->writable);
}

/* --- Job control ------------------------------------------------------------------------------ */

void tty_open(struct tty *tty)
{
	struct process *p = current_process();
	bool taken = false;
	u64 flags;

	if (!process_leads_session(p) || READ_ONCE(p->job.tty))
		return;
	flags = spin_lock_irq(&tty->lock);
	if (!tty->session && !tty->hung_up) {
		tty->session = p->job.session;
		tty->foreground = p->job.group;
		taken = true;
	}
	spin_unlock_irq(&tty->lock, flags);
	if (!taken)
		return;
	process_session_set_tty(p->job.session, NULL, tty);
	if (READ_ONCE(tty->session) != p->job.session) /* a hang-up came before that */
		process_session_set_tty(p->job.session, tty, NULL);
}

int tty_check_background(struct tty *tty, int signal)
{
	struct process *p = current_process();
	pid_t foreground = READ_ONCE(tty->foreground), group;

	if (READ_ONCE(p->job.tty) != tty || !foreground)
		return 0;
	group = p->job.group;
	if (group == foreground)
		return 0;
	if (signal_is_refused(signal))
		return signal == SIGTTIN ? -EIO : 0;
	if (process_group_orphaned(group))
		return -EIO;
	(void)signal_send_group(group, signal, NULL);
	return -ERESTARTSYS;
}

void tty_hangup(struct tty *tty)
{
	u64 flags = spin_lock_irq(&tty->lock);
	pid_t session = tty->session, foreground = tty->foreground;

	tty->hung_up = true;
	tty->session = tty->foreground = 0;
	spin_unlock_irq(&tty->lock, flags);
	/* Before a leader that reads is woken: one that ends first takes no signal to its group. */
	if (session) {
		process_session_set_tty(session, tty, NULL);
		process_hang_up(session, foreground);
	}
	/* Without the lock, for many may poll. */
	wait_wake_all(&tty->readers);
	wait_wake_all(&tty->writers);
	wait_wake_all(&tty->drainers);
	wait_wake_all(&tty->readable.queue);
	wait_wake_all(&tty->writable.queue);
}

void tty_hangup_session(struct tty *tty, pid_t session)
{
	u64 flags = spin_lock_irq(&tty->lock);
	pid_t group = 0;

	if (tty->session == session) {
		group = tty->foreground;
		tty->session = tty->foreground = 0;
	}
	spin_unlock_irq(&tty->lock, flags);
	tty_signal_group(group, session, SIGHUP);
	tty_signal_group(group, session, SIGCONT);
}

/* --- read() ----------------------------------------------------------------------------------- */

/* How long a reader waits: the four cases of POSIX 11.1.7. */
struct patience {
	u32 enough;	 /* the read ends when it has this many bytes */
	u64 deadline_ns; /* the wait for the next byte ends then; 0: do not wait */
	u64 interval_ns; /* each byte sets the deadline this far ahead; 0: it does not */
};

/* Compute the limits of a read of `wanted` bytes.  The caller holds tty->lock. */
static struct patience reader_patience(const struct tty *tty, size_t wanted)
{
	u64 time = tty->termios.c_cc[VTIME] * 100 * NSEC_PER_MSEC;
	u32 minimum = tty->termios.c_cc[VMIN];

	if (tty->termios.c_lflag & ICANON)
		return (struct patience){1, WAIT_FOREVER, 0};
	if (minimum)
		return (struct patience){MIN(wanted, (size_t)minimum), WAIT_FOREVER, time};
	return (struct patience){1, time ? clock_now_ns() + time : 0, 0};
}

/* Whether a reader would not wait; an EOF counts as input.  The caller holds tty->lock. */
static bool reader_has_input(const struct tty *tty)
{
	return tty->termios.c_lflag & ICANON ? tty->lines : tty->input_head != tty->input_tail;
}

/* Sleep until there is input.  Returns 0, or the error that ends the read: -ETIMEDOUT, -EAGAIN or
 * -ERESTARTSYS.  The caller holds tty->lock, which is released during the sleep. */
static int reader_wait(struct tty *tty, struct patience *p, bool nonblock)
{
	while (!reader_has_input(tty)) {
		int error;

		if (!p->deadline_ns || tty->hung_up)
			return -ETIMEDOUT; /* the read returns 0 */
		if (nonblock)
			return -EAGAIN;
		error = wait_sleep_irq(&tty->readers, &tty->lock, p->deadline_ns, WAIT_SIGNALS);
		if (tty->hung_up)
			return -EIO; /* only reads that begin later return 0 */
		if (error && !reader_has_input(tty))
			return error == -EINTR ? -ERESTARTSYS : error;
	}
	return 0;
}

ssize_t tty_read(struct tty *tty, struct io_buffer *io, bool nonblock)
{
	int error = tty_check_background(tty, SIGTTIN);
	struct patience patience;
	ssize_t total = 0;
	bool line_done = false;
	u8 buf[256];
	u64 flags;

	if (error || !io->remaining)
		return error;
	flags = spin_lock_irq(&tty->lock);
	patience = reader_patience(tty, io->remaining);
	do {
		ssize_t moved;
		u32 n;

		error = reader_wait(tty, &patience, nonblock);
		if (error)
			break;
		n = tty_take(tty, buf, MIN(io->remaining, sizeof(buf)), &line_done);
		if (tty->ops->input_taken)
			tty->ops->input_taken(tty);
		spin_unlock_irq(&tty->lock, flags);
		moved = n ? io_put(io, buf, n) : 0;
		flags = spin_lock_irq(&tty->lock);
		if (moved < 0) {
			error = moved;
			break;
		}
		total += moved;
		if (moved < n)
			break;
		if (patience.interval_ns)
			patience.deadline_ns = clock_now_ns() + patience.interval_ns;
		/* A canonical read continues up to the end of its line, another read while there
		 * are bytes. */
	} while (!line_done && io->remaining && (total < patience.enough || reader_has_input(tty)));
	if (reader_has_input(tty)) /* input wakes one reader */
		wait_wake_one(&tty->readers);
	spin_unlock_irq(&tty->lock, flags);
	return total || error == -ETIMEDOUT ? total : error;
}

/* --- write() ---------------------------------------------------------------------------------- */

/* A writer tests the device under tty->lock and sleeps with it as the guard.  A writer that has
 * tested it before is in the queue when we have had the lock. */
void tty_notify(struct tty *tty)
{
	u64 flags = spin_lock_irq(&tty->lock);

	spin_unlock_irq(&tty->lock, flags);
	tty_wake_writers(tty);
}

/* The calling thread stays the holder of its group while it sleeps, from now on or no longer: for a
 * wait whose length must not change the order of members. */
static void seed_set_stays(bool stays)
{
	if (unlikely(thread_seed(current_thread())))
		seed_member_set_stays(stays);
}

/* Sleep in `q` until the device has sent something, at most CONSOLE_WAIT_NS; after that make the device
 * continue, because its interrupt may have been lost.  Returns 0 or -ERESTARTSYS.  The caller holds
 * tty->lock.  A seeded thread stays the holder of its group, so that the speed of the device does
 * not change the order of the members. */
static int device_wait(struct tty *tty, struct wait_queue *q)
{
	int result;

	seed_set_stays(true);
	result = wait_sleep_irq(q, &tty->lock, clock_now_ns() + CONSOLE_WAIT_NS, WAIT_SIGNALS);
	seed_set_stays(false);
	if (result == -ETIMEDOUT)
		tty->ops->output(tty, "", 0);
	return result == -EINTR ? -ERESTARTSYS : 0;
}

/* Whether a writer may write a byte now; *room is the room of the device, or 0 while output is
 * stopped.  The caller holds tty->lock. */
static bool writer_may_go_on(struct tty *tty, s32 *room)
{
	*room = tty->stopped ? 0 : tty->ops->room(tty);
	return *room >= TTY_OUT_PER_BYTE;
}

/* Sleep while output is stopped or the device has no room.  Returns 0, -EAGAIN or -ERESTARTSYS.
 * The caller holds tty->lock. */
static int writer_wait(struct tty *tty, bool nonblock, s32 *room)
{
	while (!writer_may_go_on(tty, room) || tty->hung_up) {
		int error;

		if (tty->hung_up)
			return -EIO;
		if (nonblock)
			return -EAGAIN;
		if (!tty->stopped)
			error = device_wait(tty, &tty->writers);
		else
			error =
			    wait_sleep_irq(&tty->writers, &tty->lock, WAIT_FOREVER, WAIT_SIGNALS);
		if (error)
			return -ERESTARTSYS;
	}
	return 0;
}

/* Post-process `n` bytes and send the result, which may be longer.  Returns how many of the `n`
 * bytes were sent, or an error if none was.  Sleeps. */
static ssize_t write_piece(struct tty *tty, const u8 *text, u32 n, bool nonblock)
{
	struct tty_out out = {.tty = tty};
	u32 done = 0;

	while (done < n) {
		u64 flags = spin_lock_irq(&tty->lock);
		s32 room = 0;
		int error = writer_wait(tty, nonblock, &room);

		room = MIN(room, (s32)sizeof(out.text));
		while (!error && done < n && (s32)out.length + TTY_OUT_PER_BYTE <= room)
			tty_out_byte(&out, text[done++]);
		spin_unlock_irq(&tty->lock, flags);
		if (error)
			return done ? (ssize_t)done : error;
		/* A display may be slow, so call it without the lock and with interrupts on. */
		tty->ops->output(tty, out.text, out.length);
		out.length = 0;
	}
	return done;
}

ssize_t tty_write(struct tty *tty, struct io_buffer *io, bool nonblock)
{
	ssize_t total = 0, n = 0;
	u8 buf[256];

	if (READ_ONCE(tty->termios.c_lflag) & TOSTOP) {
		n = tty_check_background(tty, SIGTTOU);
		if (n)
			return n;
	}
	if (nonblock && !mutex_trylock(&tty->write_lock))
		return -EAGAIN;
	if (!nonblock && mutex_lock_interruptible(&tty->write_lock))
		return -ERESTARTSYS;
	while (io->remaining && !(total && thread_interrupted(WAIT_SIGNALS))) {
		ssize_t got = io_get(io, buf, MIN(io->remaining, sizeof(buf)));

		n = got > 0 ? write_piece(tty, buf, got, nonblock) : got;
		total += MAX(n, (ssize_t)0);
		if (n > 0 && tty->ops->written)
			tty->ops->written(tty);
		if (n <= 0 || n < got)
			break;
	}
	mutex_unlock(&tty->write_lock);
	return total ? total : n;
}

int tty_drain(struct tty *tty)
{
	int error = 0;
	u64 flags;

	/* A thread that holds write_lock has not queued all its bytes yet: wait for it. */
	if (mutex_lock_interruptible(&tty->write_lock))
		return -ERESTARTSYS;
	mutex_unlock(&tty->write_lock);
	flags = spin_lock_irq(&tty->lock);
	while (!error && tty->ops->queued(tty))
		error = device_wait(tty, &tty->drainers);
	if (!error)
		wait_wake_one(&tty->drainers);
	spin_unlock_irq(&tty->lock, flags);
	return error;
}

u32 tty_poll_bits(struct tty *tty)
{
	u64 flags = spin_lock_irq(&tty->lock);
	const struct termios *t = &tty->termios;
	s32 room;
	u32 bits = writer_may_go_on(tty, &room) ? TTY_POLLOUT : 0;
	u32 minimum = t->c_lflag & ICANON || t->c_cc[VTIME] ? 1 : MAX(t->c_cc[VMIN], (u8)1);

	if (t->c_lflag & ICANON ? tty->lines : tty->input_head - tty->input_tail >= minimum)
		bits |= TTY_POLLIN;
	if (tty->hung_up)
		bits |= TTY_POLLIN | TTY_POLLOUT | POLLHUP | POLLERR;
	spin_unlock_irq(&tty->lock, flags);
	return bits;
}
