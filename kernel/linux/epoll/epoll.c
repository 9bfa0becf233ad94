/* SPDX-License-Identifier: MIT
 *
 * Waiting for the files of an epoll, and the epoll as a file.
 */
#include "kernel/linux/epoll/epoll.h"

#include "kernel/lib/errno.h"
#include "kernel/linux/list_splice.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

static struct lock_class lock_class = {"epoll", 0}, guard_class = {"epoll guard", 0};
static struct lock_class waiters_class = {"epoll waiters", 0};
static struct lock_class pollers_class = {"epoll pollers", 0};

/* --- Looking at the files that may be ready --------------------------------------------------- */

/* Move the ready list to `work`.  Items that are woken from now on come into the ready list again,
 * so one scan looks at each item once.  The caller holds ep->lock. */
static void scan_begin(struct epoll *ep, struct list *work)
{
	u64 flags = spin_lock_irq(&ep->guard);

	list_init(work);
	list_splice(work, &ep->ready);
	ep->scanning = true;
	spin_unlock_irq(&ep->guard, flags);
}

static struct epoll_item *scan_next(struct epoll *ep, struct list *work)
{
	u64 flags = spin_lock_irq(&ep->guard);
	struct list *link = list_pop_front(work);

	spin_unlock_irq(&ep->guard, flags);
	return link ? list_entry(link, struct epoll_item, ready_link) : NULL;
}

/* Keep what was not looked at in front of the ready list.  If something is ready, the next call of
 * epoll_wait() can go on. */
static void scan_end(struct epoll *ep, struct list *work)
{
	u64 flags = spin_lock_irq(&ep->guard);

	list_splice(work, &ep->ready);
	list_splice(&ep->ready, work);
	ep->scanning = false;
	if (!list_empty(&ep->ready))
		wait_wake_one(&ep->waiters);
	spin_unlock_irq(&ep->guard, flags);
}

/* Put an item in front of `work` again, unless a wake-up has put it into the ready list. */
static void scan_put_back(struct epoll_item *item, struct list *work)
{
	u64 flags = spin_lock_irq(&item->epoll->guard);

	if (list_empty(&item->ready_link))
		list_push_front(work, &item->ready_link);
	spin_unlock_irq(&item->epoll->guard, flags);
}

/* Write the event of an item that has been reported.  A level-triggered item stays ready until a
 * later look finds that its file is not. */
static int report(struct epoll_item *item, u32 bits, u64 user)
{
	struct epoll_event event = {bits, item->data};
	u64 flags;

	if (copy_to_user((void *)user, &event, sizeof(event)))
		return -EFAULT;
	flags = spin_lock_irq(&item->epoll->guard);
	if (item->events & EPOLL_ONESHOT)
		item->events &= EPOLL_FLAGS;
	else if (!(item->events & EPOLL_EDGE))
		epoll_item_ready(item);
	spin_unlock_irq(&item->epoll->guard, flags);
	return 0;
}

/* Write at most `max` events.  Their number, or -EFAULT if the first could not be written. */
static long collect(struct epoll *ep, u64 user, u32 max)
{
	struct epoll_item *item;
	struct list work;
	int error = 0;
	u32 n = 0;

	mutex_lock(&ep->lock);
	scan_begin(ep, &work);
	while (n < max && !error && (item = scan_next(ep, &work))) {
		u32 bits = epoll_item_poll(item);

		if (!bits)
			continue;
		error = report(item, bits, user + n * sizeof(struct epoll_event));
		if (error)
			scan_put_back(item, &work);
		else
			n++;
	}
	scan_end(ep, &work);
	mutex_unlock(&ep->lock);
	return n ? (long)n : error;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* ep->guard is held. */
static bool may_collect(const struct epoll *ep)
{
	return !list_empty(&ep->ready) || ep->scanning;
}

/* Sleep until something may be ready.  0, -ETIMEDOUT or -EINTR. */
static int wait_ready(struct epoll *ep, u64 deadline_ns)
{
	u64 flags = spin_lock_irq(&ep->guard);
	int result = 0;

	while (!may_collect(ep) && !result)
		result = time_left(deadline_ns)
			     ? wait_sleep_irq(&ep->waiters, &ep->guard, deadline_ns, WAIT_SIGNALS)
			     : -ETIMEDOUT;
	if (may_collect(ep))
		result = 0;
	spin_unlock_irq(&ep->guard, flags);
	return result;
}

long epoll_wait(struct epoll *ep, u64 user, u32 max, u64 deadline_ns)
{
	int ended;
	long n;

	do {
		ended = wait_ready(ep, deadline_ns);
		/* Also if one is ready: an edge that it hears of later would be reported twice. */
		epoll_catch_up(ep);
		if (ended && !wait_ready(ep, 0))
			ended = 0;
		n = ended ? 0 : collect(ep, user, max);
	} while (!n && !ended);
	return ended == -EINTR ? -EINTR : n;
}

/* --- The file --------------------------------------------------------------------------------- */

static u32 epoll_poll(struct file *f, struct poll_table *table)
{
	struct epoll *ep = f->private;
	struct epoll_item *item;
	struct list work;
	u32 bits = 0;

	poll_queue_wait_for(table, &ep->pollers, POLL_READ_BITS);
	epoll_catch_up(ep);
	mutex_lock_nested(&ep->lock); /* epoll_nest_check() has made sure of an order */
	scan_begin(ep, &work);
	while (!bits && (item = scan_next(ep, &work)))
		if (epoll_item_poll(item)) {
			scan_put_back(item, &work);
			bits = POLLIN | POLLRDNORM;
		}
	scan_end(ep, &work);
	mutex_unlock(&ep->lock);
	return bits;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;

	mutex_lock(&ep->lock);
	while (ep->items.root)
		epoll_remove(treap_entry(ep->items.root, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static const struct file_ops epoll_ops = {
    .name = epoll_name,
    .release = epoll_release,
    .poll = epoll_poll,
};

struct file *epoll_create(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep));
	struct file *f;

	if (!ep)
		return ERR_PTR(-ENOMEM);
	refcount_init(&ep->refs, 1);
	mutex_init(&ep->lock, &lock_class);
	spinlock_init(&ep->guard, &guard_class);
	list_init(&ep->late);
	list_init(&ep->ready);
	list_init(&ep->nested);
	wait_queue_init(&ep->waiters, "epoll");
	poll_queue_init(&ep->pollers, "epoll");
	/* Both are woken under the lock of another wait queue. */
	spinlock_init(&ep->waiters.lock, &waiters_class);
	spinlock_init(&ep->pollers.queue.lock, &pollers_class);
	f = file_create_anonymous(&epoll_ops, O_RDWR, ep, 0600);
	if (IS_ERR(f))
		kfree(ep);
	else
		ep->file = f;
	return f;
}
