/* SPDX-License-Identifier: MIT
 *
 * timerfd_create(2): timers that are read.  A timer that repeats is not started again before its
 * expirations have been read: read() counts those that have passed.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/fs/rights.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/clock_events.h"
#include "kernel/linux/poll_queue.h"
#include "kernel/linux/timer_setting.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define TFD_TIMER_ABSTIME	1
#define TFD_TIMER_CANCEL_ON_SET 2

#define CLOCK_REALTIME_ALARM	8
#define CLOCK_BOOTTIME_ALARM	9

static struct lock_class timerfd_class = {"timerfd", 0};
static struct lock_class list_class = {"timerfds", 0};
static struct mutex list_lock = MUTEX_INIT(list_lock, &list_class);
static struct list realtime_list = LIST_INIT(realtime_list); /* struct timerfd.link; list_lock */

struct timerfd {
	struct list link; /* in realtime_list, if that is its clock */
	bool is_realtime;

	struct spinlock lock; /* irq */
	struct timer timer;
	bool absolute;	      /* a time of CLOCK_REALTIME; else the times are clock_now_ns() */
	bool canceled_by_set; /* TFD_TIMER_CANCEL_ON_SET */
	bool clock_was_set;   /* ... and that has happened */
	bool expired;	      /* counted in `ticks`, and not started again */
	u64 next_ns;	      /* when it expires or has expired; 0: not armed */
	u64 interval_ns;
	u64 ticks;		   /* expirations that have not been read */
	struct wait_queue readers; /* threads in read() */
	struct poll_queue pollers; /* poll() */
};

/* In the functions with a timer below, t->lock is held. */

static u64 time_of(const struct timerfd *t)
{
	return t->absolute ? clock_realtime_ns() : clock_now_ns();
}

static void start(struct timerfd *t)
{
	u64 ahead = t->absolute ? clock_boot_time_ns() : 0;

	t->expired = false;
	timer_start(&t->timer, t->next_ns > ahead ? t->next_ns - ahead : 1);
}

/* One reader takes all ticks, so one is woken, before thousands that poll. */
static void wake(struct timerfd *t)
{
	wait_wake_one(&t->readers);
	poll_queue_wake(&t->pollers);
}

static void timerfd_fired(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	u64 flags = spin_lock_irq(&t->lock);

	if (t->next_ns && !t->expired) { /* else it has just been set anew, or read */
		if (time_of(t) < t->next_ns) {
			start(t);
		} else {
			t->expired = true;
			t->ticks++;
			wake(t);
		}
	}
	spin_unlock_irq(&t->lock, flags);
}

/* Count the expirations that have passed since the timer expired, and start it again.  Nothing is
 * counted, and the first is taken back, if the clock was set back.  `now`: time_of(t). */
static void advance(struct timerfd *t, u64 now)
{
	u64 passed = 0;

	if (!t->expired || !t->interval_ns)
		return;
	if (now >= t->next_ns)
		passed = (now - t->next_ns) / t->interval_ns + 1;
	t->ticks += passed - 1;
	t->next_ns += passed * t->interval_ns;
	start(t);
}

static struct timer_setting setting_of(struct timerfd *t)
{
	u64 now = time_of(t), left = 0;

	advance(t, now);
	if (t->next_ns && !t->expired && t->next_ns > now)
		left = t->next_ns - now;
	return (struct timer_setting){left, t->interval_ns};
}

/* Whether the clock was set under a timer that is to be told.  It is told once. */
static bool take_cancel(struct timerfd *t)
{
	if (!t->canceled_by_set || !t->clock_was_set)
		return false;
	t->clock_was_set = false;
	return true;
}

/* 0, or -ECANCELED: the clock was set before this call; the timer is set all the same. */
static int set(struct timerfd *t, u32 mode, const struct timer_setting *s)
{
	bool absolute = mode & TFD_TIMER_ABSTIME;

	/* If the timer's function runs just now, it finds that nothing is due. */
	(void)timer_cancel(&t->timer);
	t->canceled_by_set = t->is_realtime && absolute && mode & TFD_TIMER_CANCEL_ON_SET;
	t->absolute = t->is_realtime && absolute;
	t->ticks = 0;
	t->interval_ns = s->interval_ns;
	t->next_ns = s->value_ns;
	if (!s->value_ns)
		return 0;
	if (!absolute)
		t->next_ns += clock_now_ns();
	start(t);
	return take_cancel(t) ? -ECANCELED : 0;
}

/* --- The file --------------------------------------------------------------------------------- */

static ssize_t timerfd_read(struct file *f, struct io_buffer *io, u64 *position)
{
	struct timerfd *t = f->private;
	u64 ticks = 0, flags;
	int error = 0;
	ssize_t n;

	if (io->remaining < sizeof(ticks))
		return -EINVAL;
	flags = spin_lock_irq(&t->lock);
	while (!t->ticks && !error)
		error = READ_ONCE(f->flags) & O_NONBLOCK
			    ? -EAGAIN
			    : wait_sleep_irq(&t->readers, &t->lock, WAIT_FOREVER, WAIT_SIGNALS);
	if (!error) {
		if (take_cancel(t))
			error = -ECANCELED;
		else
			advance(t, time_of(t));
		ticks = t->ticks;
		t->ticks = 0;
	}
	spin_unlock_irq(&t->lock, flags);
	if (error || !ticks)
		return error == -EINTR ? -ERESTARTSYS : error;
	n = io_put(io, &ticks, sizeof(ticks));
	return n == sizeof(ticks) ? n : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *t = f->private;
	u64 flags;
	bool expired;

	poll_queue_wait_for(table, &t->pollers, POLL_READ_BITS);
	/* Under the lock: its epolls have heard of what is seen here. */
	flags = spin_lock_irq(&t->lock);
	expired = t->ticks;
	spin_unlock_irq(&t->lock, flags);
	return expired ? POLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;
	u64 flags;

	mutex_lock(&list_lock);
	list_remove(&t->link);
	mutex_unlock(&list_lock);
	flags = spin_lock_irq(&t->lock);
	t->next_ns = 0; /* a function that runs now does not start it again */
	spin_unlock_irq(&t->lock, flags);
	timer_cancel_sync(&t->timer);
	poll_queue_release(&t->pollers);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
    .name = "[timerfd]",
    .release = timerfd_release,
    .read = timerfd_read,
    .poll = timerfd_poll,
};

/* CLOCK_REALTIME has been set: absolute times of it come earlier or later. */
static void realtime_set(void)
{
	struct timerfd *t;

	mutex_lock(&list_lock);
	list_for_each (t, &realtime_list, link) {
		u64 flags = spin_lock_irq(&t->lock);
		bool canceled = t->canceled_by_set;

		if (canceled) {
			t->clock_was_set = true;
			t->ticks++;
		}
		if (t->absolute && t->next_ns && !t->expired)
			start(t);
		spin_unlock_irq(&t->lock, flags);
		if (canceled) /* without the lock, for many may poll */
			wake(t);
	}
	mutex_unlock(&list_lock);
}

CLOCK_EVENTS(timerfd_clock_events) = {realtime_set};

/* --- The system calls ------------------------------------------------------------------------- */

static bool clock_ok(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

SYSCALL2(timerfd_create, clock, flags)
{
	struct timerfd *t;
	struct file *f;

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK) || !clock_ok((int)clock))
		return -EINVAL;
	if ((int)clock >= CLOCK_REALTIME_ALARM && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	spinlock_init(&t->lock, &timerfd_class);
	timer_init(&t->timer, timerfd_fired);
	wait_queue_init(&t->readers, "timerfd");
	poll_queue_init(&t->pollers, "timerfd");
	t->pollers.one = true;
	list_init(&t->link);
	t->is_realtime = (int)clock == CLOCK_REALTIME || (int)clock == CLOCK_REALTIME_ALARM;
	f = file_create_anonymous(&timerfd_ops, O_RDWR | ((u32)flags & O_NONBLOCK), t, 0600);
	if (IS_ERR(f)) {
		kfree(t);
		return PTR_ERR(f);
	}
	mutex_lock(&list_lock);
	if (t->is_realtime)
		list_push_back(&realtime_list, &t->link);
	mutex_unlock(&list_lock);
	return fd_install(f, 0, flags & O_CLOEXEC);
}

/* Read the setting into *old, and replace it by *new if that is not NULL. */
static int exchange(struct file *f, u32 mode, const struct timer_setting *new,
		    struct timer_setting *old)
{
	struct timerfd *t = f->private;
	int error = 0;
	u64 flags;

	if (f->ops != &timerfd_ops)
		return -EINVAL;
	flags = spin_lock_irq(&t->lock);
	*old = setting_of(t);
	if (new)
		error = set(t, mode, new);
	spin_unlock_irq(&t->lock, flags);
	return error;
}

SYSCALL4(timerfd_settime, fd, mode, user, old_user)
{
	struct timer_setting new, old;
	int error = timer_setting_get(user, TIMESPEC, &new);

	if (!error && (u32)mode & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		error = -EINVAL;
	if (!error)
		error = (int)WITH_FILE(fd, exchange(file, (u32)mode, &new, &old));
	if (!error && old_user)
		error = timer_setting_put(old_user, TIMESPEC, &old);
	return error;
}

SYSCALL2(timerfd_gettime, fd, user)
{
	struct timer_setting now;
	int error = (int)WITH_FILE(fd, exchange(file, 0, NULL, &now));

	return error ?: timer_setting_put(user, TIMESPEC, &now);
}
