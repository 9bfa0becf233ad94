/* SPDX-License-Identifier: MIT
 *
 * ioctl() of terminals: ioctl_tty(2).
 */
#include "kernel/dev/tty_job.h"
#include "kernel/dev/tty_ldisc.h"
#include "kernel/fs/rights.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/group.h"
#include "kernel/task/process.h"
#include "kernel/task/process_events.h"
#include "kernel/task/signal.h"

#define TCGETS	       0x5401
#define TCSETS	       0x5402
#define TCSETSW	       0x5403
#define TCSETSF	       0x5404
#define TCGETA	       0x5405
#define TCSETA	       0x5406
#define TCSETAW	       0x5407
#define TCSETAF	       0x5408
#define TCSBRK	       0x5409
#define TCXONC	       0x540a
#define TCFLSH	       0x540b
#define TIOCEXCL       0x540c
#define TIOCNXCL       0x540d
#define TIOCSCTTY      0x540e
#define TIOCGPGRP      0x540f
#define TIOCSPGRP      0x5410
#define TIOCOUTQ       0x5411
#define TIOCSTI	       0x5412
#define TIOCGWINSZ     0x5413
#define TIOCSWINSZ     0x5414
#define TIOCNOTTY      0x5422
#define TIOCSETD       0x5423
#define TIOCGETD       0x5424
#define TCSBRKP	       0x5425
#define TIOCGSID       0x5429
#define TIOCGLCKTRMIOS 0x5456
#define TIOCSLCKTRMIOS 0x5457
#define TIOCGEXCL      0x80045440

enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };

/* The settings before POSIX: the lower half of the flags, and fewer characters. */
struct termio {
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[8];
	u8 padding;
};

static bool is_current(struct tty *tty)
{
	return READ_ONCE(current_process()->job.tty) == tty;
}

/* Copy a structure of the terminal to the user: to the stack first, under the lock, so that the
 * user sees no half-changed one. */
static long get(struct tty *tty, void *user, const void *what, size_t size)
{
	u8 copy[sizeof(struct termios)];
	u64 flags = spin_lock_irq(&tty->lock);

	memcpy(copy, what, size);
	spin_unlock_irq(&tty->lock, flags);
	return copy_to_user(user, copy, size);
}

static long get_termio(struct tty *tty, void *user)
{
	u64 flags = spin_lock_irq(&tty->lock);
	struct termios t = tty->termios;
	struct termio old = {
	    (u16)t.c_iflag, (u16)t.c_oflag, (u16)t.c_cflag, (u16)t.c_lflag, t.c_line, {0}, 0};

	spin_unlock_irq(&tty->lock, flags);
	memcpy(old.c_cc, t.c_cc, sizeof(old.c_cc));
	return copy_to_user(user, &old, sizeof(old));
}

/* Keep what TIOCSLCKTRMIOS has locked: a set bit, or a character whose lock is not 0. */
static void keep_locked(const struct tty *tty, struct termios *t)
{
	const struct termios *lock = &tty->locked, *now = &tty->termios;

	t->c_iflag ^= (t->c_iflag ^ now->c_iflag) & lock->c_iflag;
	t->c_oflag ^= (t->c_oflag ^ now->c_oflag) & lock->c_oflag;
	t->c_cflag ^= (t->c_cflag ^ now->c_cflag) & lock->c_cflag;
	t->c_lflag ^= (t->c_lflag ^ now->c_lflag) & lock->c_lflag;
	t->c_line = lock->c_line ? now->c_line : t->c_line;
	for (size_t i = 0; i < sizeof(t->c_cc); i++)
		t->c_cc[i] = lock->c_cc[i] ? now->c_cc[i] : t->c_cc[i];
}

static long set_locked(struct tty *tty, const void *user)
{
	struct termios lock;
	u64 flags;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&lock, user, sizeof(lock)))
		return -EFAULT;
	flags = spin_lock_irq(&tty->lock);
	tty->locked = lock;
	spin_unlock_irq(&tty->lock, flags);
	return 0;
}

/* TIOCSETD: there is one line discipline, N_TTY. */
static long set_discipline(const void *user)
{
	u32 number;

	if (copy_from_user(&number, user, sizeof(number)))
		return -EFAULT;
	return number ? -EINVAL : 0;
}

/* Change the settings.  `drain`: first wait until all output has been sent.  `flush`: discard the
 * input that has not been read.  If `old` is set, `user` points to a struct termio.  Sleeps while it drains. */
static long set_termios(struct tty *tty, const void *user, bool old, bool drain, bool flush)
{
	struct termio o = {0};
	struct termios t;
	int error;
	u64 flags;

	if (old ? copy_from_user(&o, user, sizeof(o)) : copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	error = drain ? tty_drain(tty) : 0;
	if (error)
		return error;
	flags = spin_lock_irq(&tty->lock);
	if (old) {
		t = tty->termios;
		t.c_iflag = (t.c_iflag & ~0xffffU) | o.c_iflag;
		t.c_oflag = (t.c_oflag & ~0xffffU) | o.c_oflag;
		t.c_cflag = (t.c_cflag & ~0xffffU) | o.c_cflag;
		t.c_lflag = (t.c_lflag & ~0xffffU) | o.c_lflag;
		t.c_line = o.c_line;
		memcpy(t.c_cc, o.c_cc, sizeof(o.c_cc));
	}
	keep_locked(tty, &t);
	if (flush)
		tty_flush_input(tty);
	tty_set_termios(tty, &t);
	spin_unlock_irq(&tty->lock, flags);
	return 0;
}

static long set_size(struct tty *tty, const void *user)
{
	struct winsize size;
	bool changed;
	u64 flags;

	if (copy_from_user(&size, user, sizeof(size)))
		return -EFAULT;
	flags = spin_lock_irq(&tty->lock);
	changed = memcmp(&size, &tty->size, sizeof(size));
	tty->size = size;
	spin_unlock_irq(&tty->lock, flags);
	if (changed)
		tty_signal_foreground(tty, SIGWINCH);
	return 0;
}

static long set_foreground(struct tty *tty, const void *user)
{
	u32 group;
	u64 flags;
	pid_t session;

	if (!is_current(tty))
		return -ENOTTY;
	if (get_user_u32(&group, user))
		return -EFAULT;
	if ((pid_t)group < 0)
		return -EINVAL;
	session = current_process()->job.session;
	if (!process_group_exists((pid_t)group, session))
		return -EPERM;
	flags = spin_lock_irq(&tty->lock);
	if (tty->session == session)
		tty->foreground = group;
	spin_unlock_irq(&tty->lock, flags);
	return 0;
}

static long set_controlling(struct tty *tty)
{
	if (is_current(tty))
		return 0;
	if (!process_leads_session(current_process()))
		return -EPERM;
	tty_open(tty);
	return is_current(tty) ? 0 : -EPERM;
}

static long drop_controlling(struct tty *tty)
{
	struct process *p = current_process();

	if (!is_current(tty))
		return -ENOTTY;
	if (process_leads_session(p)) {
		tty_hangup_session(tty, p->job.session);
		process_session_set_tty(p->job.session, tty, NULL);
	} else {
		WRITE_ONCE(p->job.tty, NULL);
	}
	return 0;
}

static long flush(struct tty *tty, u64 which)
{
	u64 flags;

	if (which > TCIOFLUSH)
		return -EINVAL;
	flags = spin_lock_irq(&tty->lock);
	if (which != TCOFLUSH)
		tty_flush_input(tty);
	if (which != TCIFLUSH)
		tty_flush_output(tty);
	spin_unlock_irq(&tty->lock, flags);
	return 0;
}

/* As on Linux, TCOON ends what TCOOFF has begun, and not what VSTOP has. */
static long flow(struct tty *tty, u64 action)
{
	u64 flags;
	char byte = 0;

	if (action > TCION)
		return -EINVAL;
	flags = spin_lock_irq(&tty->lock);
	if (action == TCOOFF || (action == TCOON && tty->held)) {
		tty->held = action == TCOOFF;
		tty_set_stopped(tty, tty->held);
	} else if (action >= TCIOFF) {
		byte = tty->termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
	}
	spin_unlock_irq(&tty->lock, flags);
	if (byte)
		tty->ops->output(tty, &byte, 1);
	return 0;
}

static u32 readable(struct tty *tty)
{
	u64 flags = spin_lock_irq(&tty->lock);
	u32 n = tty_readable(tty);

	spin_unlock_irq(&tty->lock, flags);
	return n;
}

/* Whether the request changes the terminal, which only the foreground may do (POSIX 11.1.4). */
static bool is_change(u32 request)
{
	return (request >= TCSETS && request <= TCSETSF) ||
	       (request >= TCSETA && request <= TCSETAF) ||
	       (request >= TCSBRK && request <= TCFLSH) || request == TCSBRKP ||
	       request == TIOCSPGRP;
}

long tty_ioctl(struct tty *tty, u32 request, u64 argument)
{
	void *user = (void *)argument;
	int error = is_change(request) ? tty_check_background(tty, SIGTTOU) : 0;

	if (error)
		return error;
	switch (request) {
	case TCGETS:
		return get(tty, user, &tty->termios, sizeof(tty->termios));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(tty, user, false, request != TCSETS, request == TCSETSF);
	case TCGETA:
		return get_termio(tty, user);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termios(tty, user, true, request != TCSETA, request == TCSETAF);
	case TIOCGLCKTRMIOS:
		return get(tty, user, &tty->locked, sizeof(tty->locked));
	case TIOCSLCKTRMIOS:
		return set_locked(tty, user);
	case TIOCGETD:
		return put_user_u32(user, 0);
	case TIOCSETD:
		return set_discipline(user);
	case TIOCEXCL:
	case TIOCNXCL:
		WRITE_ONCE(tty->exclusive, request == TIOCEXCL);
		return 0;
	case TIOCGEXCL:
		return put_user_u32(user, READ_ONCE(tty->exclusive));
	case TCSBRK:
	case TCSBRKP:
		return tty_drain(tty);
	case TCXONC:
		return flow(tty, argument);
	case TCFLSH:
		return flush(tty, argument);
	case TIOCGWINSZ:
		return get(tty, user, &tty->size, sizeof(tty->size));
	case TIOCSWINSZ:
		return set_size(tty, user);
	case TIOCGPGRP:
		return is_current(tty) ? put_user_u32(user, READ_ONCE(tty->foreground)) : -ENOTTY;
	case TIOCSPGRP:
		return set_foreground(tty, user);
	case TIOCGSID:
		return is_current(tty) ? put_user_u32(user, READ_ONCE(tty->session)) : -ENOTTY;
	case TIOCSCTTY:
		return set_controlling(tty);
	case TIOCNOTTY:
		return drop_controlling(tty);
	case TIOCSTI:
		return -EIO; /* refused, as by Linux without dev.tty.legacy_tiocsti */
	case FIONREAD:
		return put_user_u32(user, readable(tty));
	case TIOCOUTQ:
		return put_user_u32(user, tty->ops->queued(tty));
	}
	return tty->ops->ioctl ? tty->ops->ioctl(tty, request, argument) : -ENOTTY;
}

/* When the leader of a session exits, the session loses its terminal (POSIX 11.1.10). */
static void leave_terminal(struct process *p)
{
	struct tty *tty = p->job.session == p->pid ? p->job.tty : NULL;

	if (!tty)
		return;
	tty_hangup_session(tty, p->job.session);
	process_session_set_tty(p->job.session, tty, NULL);
}

ON_EVENT(exit, leave_terminal);
