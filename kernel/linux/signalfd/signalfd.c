/* SPDX-License-Identifier: MIT
 *
 * signalfd(2): signals that are read.  A file has a mask alone: what can be read are the signals of
 * the thread that reads and of its process.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/poll_queue.h"
#include "kernel/linux/text.h"
#include "kernel/linux/timer_setting.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define SI_SIGIO (-5)

struct signalfd {
	sigset_t mask; /* one word, changed atomically */
	struct wait_queue readers;
};

/* Those who poll a file of this kind wait for the signals of their process.  The wait queue cannot
 * lie in the file, which several processes share.  Nor can it end with the process, for an epoll
 * may keep an entry in it: then it is freed once it is empty, when another process ends. */
struct signal_pollers {
	struct list link; /* in `left` */
	struct poll_queue pollers;
	u32 tellers; /* calls of signalfd_tell() that use it */
};

static struct lock_class pollers_class = {"signal pollers", 0};
static struct spinlock pollers_lock = SPINLOCK_INIT(&pollers_class); /* irq; guards what follows */
static struct list left = LIST_INIT(left); /* those of processes that have ended */
static struct signal_pollers of_many = {   /* of those for which there was no memory */
					.pollers = POLL_QUEUE_INIT(of_many.pollers, "signalfd")};
static DEFINE_PER_PROCESS(struct signal_pollers *, signal_pollers); /* NULL: it has never polled */

/* The pollers of the calling process. */
static struct poll_queue *own_pollers(void)
{
	struct signal_pollers **own = per_process(current_process(), signal_pollers), *new;
	u64 flags;

	if (READ_ONCE(*own))
		return &READ_ONCE(*own)->pollers;
	new = kzalloc(sizeof(*new));
	if (new)
		poll_queue_init(&new->pollers, "signalfd");
	flags = spin_lock_irq(&pollers_lock);
	if (!*own) {
		WRITE_ONCE(*own, new ?: &of_many);
		new = NULL; /* else another thread was faster */
	}
	spin_unlock_irq(&pollers_lock, flags);
	kfree(new);
	return &READ_ONCE(*own)->pollers;
}

/* A poller is in the queue before it looks at the pending signals, under signals.lock; the sender
 * has set them under that lock.  So either it sees the signal, or we see its queue. */
void signalfd_tell(struct process *p)
{
	struct signal_pollers **own = per_process(p, signal_pollers), *s;
	u64 flags;

	if (!READ_ONCE(*own))
		return;
	flags = spin_lock_irq(&pollers_lock);
	s = *own;
	if (s)
		s->tellers++;
	spin_unlock_irq(&pollers_lock, flags);
	if (!s)
		return;
	poll_queue_wake(&s->pollers);
	flags = spin_lock_irq(&pollers_lock);
	s->tellers--;
	spin_unlock_irq(&pollers_lock, flags);
}

static bool is_unused(struct signal_pollers *s)
{
	struct wait_queue *q = &s->pollers.queue;
	bool unused;

	spin_lock(&q->lock); /* the last one that left it has released the lock */
	unused = !s->tellers && list_empty(&q->waiters); /* no mark: the timer has woken all */
	spin_unlock(&q->lock);
	return unused;
}

/* The process ends.  Look at two that are left, so that they become fewer. */
static void leave(struct process *p)
{
	struct signal_pollers **own = per_process(p, signal_pollers), *s;
	u64 flags;

	if (!READ_ONCE(*own))
		return;
	flags = spin_lock_irq(&pollers_lock);
	if (*own != &of_many)
		list_push_front(&left, &(*own)->link);
	WRITE_ONCE(*own, NULL);
	for (u32 n = 0; n < 2 && !list_empty(&left); n++) {
		s = list_entry(list_pop_front(&left), struct signal_pollers, link);
		if (is_unused(s))
			kfree(s);
		else
			list_push_back(&left, &s->link);
	}
	spin_unlock_irq(&pollers_lock, flags);
}

ON_EVENT(exit, leave);

/* --- Reading ---------------------------------------------------------------------------------- */

/* struct signalfd_siginfo of the ABI. */
struct signal_record {
	s32 signo, error, code;
	s32 pid;
	u32 uid;
	s32 fd;
	u32 timer_id, band, overrun, trap;
	s32 status, number;
	u64 value, user_time, system_time, address;
	u16 address_bits, pad;
	s32 call;
	u64 call_address;
	u32 arch;
	u8 unused[28];
};
_Static_assert(sizeof(struct signal_record) == 128, "layout of the ABI");

/* The union of struct siginfo has what the signal and its code say (signal_send_thread() and others
 * fill it). */
static struct signal_record record_of(const struct siginfo *i)
{
	bool kernel = i->code > SI_USER && i->code < SI_KERNEL;
	struct signal_record r = {.signo = i->signo, .error = i->error, .code = i->code};

	if (i->code == SI_TIMER) {
		r.timer_id = (u32)i->timer.timer_id;
		r.overrun = (u32)i->timer.overrun;
		r.value = i->timer.value;
		r.number = (s32)i->timer.value;
	} else if (i->code == SI_SIGIO || (kernel && i->signo == SIGIO)) {
		r.band = (u32)i->kill.pid; /* the place of si_band, and of si_fd */
		r.fd = (s32)i->kill.value;
	} else if (kernel && i->signo == SIGCHLD) {
		r.pid = i->child.pid;
		r.uid = i->child.uid;
		r.status = i->child.status;
		r.user_time = (u64)i->child.utime;
		r.system_time = (u64)i->child.stime;
	} else if (kernel) {
		r.address = i->fault.address;
	} else {
		r.pid = i->kill.pid;
		r.uid = i->kill.uid;
		r.value = i->code < 0 ? i->kill.value : 0;
		r.number = (s32)r.value;
	}
	return r;
}

/* Take a signal.  0, -EAGAIN or -ERESTARTSYS.  While the thread waits it can take what it blocks.
 */
static int signal_get(struct signalfd *s, bool may_wait, struct siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&p->signals.lock);
	int error = may_wait ? 0 : -EAGAIN;
	bool taken;

	while (!(taken = signal_take(READ_ONCE(s->mask), info)) && !error) {
		t->signals.wait_set = READ_ONCE(s->mask);
		signal_recalculate(t); /* clear an old WORK_SIGNAL, which would end the sleep */
		(void)wait_sleep_irq(&s->readers, &p->signals.lock, WAIT_FOREVER, WAIT_SIGNALS);
		t->signals.wait_set = 0;
		signal_recalculate(t);
		if (thread_interrupted(WAIT_SIGNALS))
			error = -ERESTARTSYS; /* not by a signal that another thread has taken */
	}
	if (may_wait)
		signal_retarget(p); /* another thread may wait for what else came */
	spin_unlock_irq(&p->signals.lock, flags);
	return taken ? 0 : error;
}

static ssize_t signalfd_read(struct file *f, struct io_buffer *io, u64 *position)
{
	bool may_wait = !(READ_ONCE(f->flags) & O_NONBLOCK);
	ssize_t done = 0, n = 0;
	struct siginfo info;

	if (io->remaining < sizeof(struct signal_record))
		return -EINVAL;
	while (io->remaining >= sizeof(struct signal_record)) {
		struct signal_record r;

		n = signal_get(f->private, may_wait && !done, &info);
		if (n < 0)
			break;
		r = record_of(&info);
		n = io_put(io, &r, sizeof(r));
		if (n < (ssize_t)sizeof(r))
			break;
		done += n;
	}
	return done ?: n < 0 ? n : -EFAULT;
}

static u32 signalfd_poll(struct file *f, struct poll_table *table)
{
	struct signalfd *s = f->private;
	struct thread *t = current_thread();
	struct process *p = t->process;
	sigset_t pending;
	u64 flags;

	if (table)
		poll_queue_wait_for(table, own_pollers(), POLL_READ_BITS);
	flags = spin_lock_irq(&p->signals.lock);
	pending = signal_own(t) | p->signals.pending;
	spin_unlock_irq(&p->signals.lock, flags);
	return pending & READ_ONCE(s->mask) ? POLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->private);
}

static void signalfd_show(struct file *f, struct text *text)
{
	struct signalfd *s = f->private;

	text_printf(text, "sigmask:\t%016lx\n", READ_ONCE(s->mask));
}

static const struct file_ops signalfd_ops = {
    .show = signalfd_show,
    .name = "[signalfd]",
    .release = signalfd_release,
    .read = signalfd_read,
    .poll = signalfd_poll,
};

/* --- The system calls ------------------------------------------------------------------------- */

static int create(sigset_t mask, u32 flags)
{
	struct signalfd *s = kzalloc(sizeof(*s));
	struct file *f;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	wait_queue_init(&s->readers, "signalfd");
	f = file_create_anonymous(&signalfd_ops, O_RDWR | (flags & O_NONBLOCK), s, 0600);
	if (IS_ERR(f)) {
		kfree(s);
		return PTR_ERR(f);
	}
	return fd_install(f, 0, flags & O_CLOEXEC);
}

static int set_mask(struct file *f, int fd, sigset_t mask)
{
	struct signalfd *s = f->private;
	struct process *p = current_process();
	u64 flags;

	if (f->ops != &signalfd_ops)
		return -EINVAL;
	flags = spin_lock_irq(&p->signals.lock);
	WRITE_ONCE(s->mask, mask);
	spin_unlock_irq(&p->signals.lock, flags);
	wait_wake_all(&s->readers);
	signalfd_tell(p);
	return fd;
}

SYSCALL4(signalfd4, fd, user, size, flags)
{
	sigset_t mask;
	int error = sigset_get(&mask, user, size);

	if (!error && (u32)flags & ~(O_CLOEXEC | O_NONBLOCK))
		error = -EINVAL;
	if (error)
		return error;
	mask &= ~SIGNAL_UNBLOCKABLE;
	if ((s32)fd == -1)
		return create(mask, (u32)flags);
	return WITH_FILE(fd, set_mask(file, (int)fd, mask));
}

CALL(signalfd, sys_signalfd4(a, b, c, 0, 0, 0))
