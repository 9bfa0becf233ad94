/* SPDX-License-Identifier: MIT
 *
 * The files that an epoll watches.  An item keeps entries in the wait queues of its file, and each
 * wake-up of them puts it into the list of those that may be ready.
 */
#include "kernel/fs/file_events.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/epoll/epoll.h"
#include "kernel/linux/proc_file.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"

#define MEMORY_SHARE 25 /* all items may use this part of the memory: 4%, as on Linux */

static struct lock_class watch_class = {"epoll watch", 0};
struct mutex epoll_watch_lock = MUTEX_INIT(epoll_watch_lock, &watch_class);
static u64 item_count; /* in all epolls; atomic */

static u64 item_limit(void)
{
	struct page_stats stats;

	page_stats_read(&stats);
	return stats.total * PAGE_SIZE / MEMORY_SHARE /
	       (sizeof(struct epoll_item) + sizeof(struct poll_entry));
}

/* --- Wake-ups --------------------------------------------------------------------------------- */

/* Wake those that poll the epoll itself.  The caller may hold the lock of another wait queue, which
 * may be the pollers' of an epoll in this one.  epoll_nest_check() limits how many epolls are
 * reached. */
static void wake_pollers(struct epoll *ep)
{
	if (!list_empty(&ep->pollers.queue.waiters))
		poll_queue_wake(&ep->pollers);
}

/* Does a wake-up that can mean `bits` concern the item?  ep->guard is held. */
static bool item_wants(const struct epoll_item *item, u32 bits)
{
	u32 events = item->events & ~EPOLL_FLAGS;

	return events && poll_concerns(events, bits); /* 0: disabled */
}

void epoll_item_ready(struct epoll_item *item)
{
	assert_held(&item->epoll->guard);
	if (list_empty(&item->ready_link))
		list_push_back(&item->epoll->ready, &item->ready_link);
}

/* A wait queue of the item's file was woken.  Wake one call of epoll_wait(): it takes what is
 * ready, and wakes the next one if something is left.  Any context. */
static void item_wake(struct waiter *w)
{
	struct poll_entry *e = container_of(w, struct poll_entry, waiter);
	struct epoll_item *item = container_of(e->all, struct epoll_item, entries);
	struct epoll *ep = item->epoll;
	u64 flags = spin_lock_irq(&ep->guard);
	bool wanted = item_wants(item, e->bits);

	w->woken = wanted && !list_empty(&ep->waiters.waiters);
	if (wanted) {
		epoll_item_ready(item);
		wait_wake_one(&ep->waiters);
	}
	spin_unlock_irq(&ep->guard, flags);
	if (wanted)
		wake_pollers(ep);
}

u32 epoll_item_poll(struct epoll_item *item)
{
	return file_poll(item->file, NULL) & item->events;
}

/* The file may have been ready before its queues had our entries. */
static void item_check(struct epoll_item *item, u32 bits)
{
	struct epoll *ep = item->epoll;
	u64 flags;

	if (!(bits & item->events))
		return;
	flags = spin_lock_irq(&ep->guard);
	epoll_item_ready(item);
	wait_wake_one(&ep->waiters);
	spin_unlock_irq(&ep->guard, flags);
	wake_pollers(ep);
}

void epoll_catch_up(struct epoll *ep)
{
	struct epoll_item *item;

	if (!poll_queues_are_late())
		return;
	mutex_lock_nested(&ep->lock); /* epoll_nest_check() has made sure of an order */
	list_for_each (item, &ep->late, late_link) {
		struct poll_entry *e = item->entries.first;

		if (epoll_of(item->file))
			epoll_catch_up(epoll_of(item->file));
		for (; e; e = e->next)
			if (e->late)
				poll_queue_catch_up(e->late);
	}
	mutex_unlock(&ep->lock);
}

/* --- The set ---------------------------------------------------------------------------------- */

static int item_compare(const struct epoll_item *item, const struct file *file, int fd)
{
	if (item->file != file)
		return file < item->file ? -1 : 1;
	return fd < item->fd ? -1 : fd > item->fd;
}

/* Returns the item of this file and descriptor; or NULL, and where it would be in the tree. */
static struct epoll_item *find_place(struct epoll *ep, const struct file *file, int fd,
				     struct treap_node **parent, struct treap_node ***link)
{
	*parent = NULL;
	*link = &ep->items.root;
	while (**link) {
		struct epoll_item *item = treap_entry(**link, struct epoll_item, node);
		int order = item_compare(item, file, fd);

		if (!order)
			return item;
		*parent = **link;
		*link = &(*parent)->child[order > 0];
	}
	return NULL;
}

struct epoll_item *epoll_find(struct epoll *ep, const struct file *file, int fd)
{
	struct treap_node *parent, **link;

	return find_place(ep, file, fd, &parent, &link);
}

/* Enter the item into the ring of its file. */
static int watch(struct epoll_item *item)
{
	struct epoll *inner = epoll_of(item->file);
	int error = 0;

	mutex_lock(&epoll_watch_lock);
	if (item->file->watchers)
		list_push_back(item->file->watchers, &item->file_link);
	else
		item->file->watchers = &item->file_link;
	if (inner) {
		list_push_back(&item->epoll->nested, &item->nested_link);
		error = epoll_nest_check(item->epoll, inner);
	}
	mutex_unlock(&epoll_watch_lock);
	return error;
}

/* The reverse.  The last access to the file is the store of NULL: file_released() may see it and
 * let the file go. */
static void unwatch(struct epoll_item *item)
{
	struct list *next;

	mutex_lock(&epoll_watch_lock);
	next = item->file_link.next;
	list_remove(&item->nested_link);
	list_remove(&item->file_link);
	if (next == &item->file_link)
		__atomic_store_n(&item->file->watchers, NULL, __ATOMIC_RELEASE);
	else if (item->file->watchers == &item->file_link)
		item->file->watchers = next;
	mutex_unlock(&epoll_watch_lock);
}

void epoll_remove(struct epoll_item *item)
{
	struct epoll *ep = item->epoll;
	u64 flags;

	poll_entries_release(&item->entries);
	unwatch(item);
	treap_remove(&ep->items, &item->node);
	list_remove(&item->late_link);
	flags = spin_lock_irq(&ep->guard);
	list_remove(&item->ready_link);
	spin_unlock_irq(&ep->guard, flags);
	kfree(item);
	__atomic_fetch_sub(&item_count, 1, __ATOMIC_RELAXED);
}

static struct epoll_item *item_create(struct epoll *ep, struct file *file, int fd,
				      const struct epoll_event *event)
{
	struct epoll_item *item;

	if (__atomic_add_fetch(&item_count, 1, __ATOMIC_RELAXED) > item_limit())
		item = ERR_PTR(-ENOSPC);
	else
		item = kzalloc(sizeof(*item)) ?: ERR_PTR(-ENOMEM);
	if (IS_ERR(item)) {
		__atomic_fetch_sub(&item_count, 1, __ATOMIC_RELAXED);
		return item;
	}
	item->epoll = ep;
	item->file = file;
	item->fd = fd;
	item->events = event->events;
	item->data = event->data;
	list_init(&item->late_link);
	list_init(&item->ready_link);
	list_init(&item->file_link);
	list_init(&item->nested_link);
	poll_entries_init(&item->entries, item_wake);
	item->entries.exclusive = event->events & EPOLL_EXCLUSIVE;
	return item;
}

/* May a wake-up reach the item after the event? */
static bool is_late(const struct epoll_item *item)
{
	for (const struct poll_entry *e = item->entries.first; e; e = e->next)
		if (e->late)
			return true;
	return false;
}

int epoll_add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
	struct epoll_item *item = item_create(ep, file, fd, event);
	struct treap_node *parent, **link;
	int error;
	u32 bits;

	if (IS_ERR(item))
		return (int)PTR_ERR(item);
	(void)find_place(ep, file, fd, &parent, &link);
	treap_insert(&ep->items, &item->node, parent, link);
	error = watch(item);
	if (!error) {
		bits = file_poll(file, &item->entries.table);
		error = item->entries.error;
	}
	if (error) {
		epoll_remove(item);
		return error;
	}
	if (is_late(item))
		list_push_back(&ep->late, &item->late_link);
	item_check(item, bits);
	return 0;
}

void epoll_modify(struct epoll_item *item, const struct epoll_event *event)
{
	u64 flags = spin_lock_irq(&item->epoll->guard);

	item->events = event->events;
	item->data = event->data;
	spin_unlock_irq(&item->epoll->guard, flags);
	item_check(item, file_poll(item->file, NULL));
}

/* --- Files that are released ------------------------------------------------------------------ */

/* The first item of a file, or NULL. */
static struct epoll_item *first_item(const struct file *f)
{
	return f->watchers ? list_entry(f->watchers, struct epoll_item, file_link) : NULL;
}

/* The epoll of the first item of a file, with a reference, or NULL. */
static struct epoll *first_watcher(const struct file *f)
{
	struct epoll_item *item;

	mutex_lock(&epoll_watch_lock);
	item = first_item(f);
	if (item) /* it is removed before its epoll lets go of the last reference */
		refcount_get(&item->epoll->refs);
	mutex_unlock(&epoll_watch_lock);
	return item ? item->epoll : NULL;
}

/* Remove the first item of a file, if it belongs to `ep`.  The caller holds ep->lock, so no other
 * thread removes items of it. */
static bool remove_first(const struct file *f, struct epoll *ep)
{
	struct epoll_item *item;

	mutex_lock(&epoll_watch_lock);
	item = first_item(f);
	mutex_unlock(&epoll_watch_lock);
	if (!item || item->epoll != ep)
		return false;
	epoll_remove(item);
	return true;
}

void epoll_put(struct epoll *ep)
{
	if (!refcount_put(&ep->refs))
		return;
	poll_queue_release(&ep->pollers);
	kfree(ep);
}

static void file_released(struct file *f)
{
	while (__atomic_load_n(&f->watchers, __ATOMIC_ACQUIRE)) {
		struct epoll *ep = first_watcher(f);

		if (!ep)
			break;
		mutex_lock(&ep->lock);
		while (remove_first(f, ep))
			;
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

FILE_EVENTS(epoll_file_events) = {.release = file_released};

/* --- /proc ------------------------------------------------------------------------------------ */

static void make_limit(struct text *t)
{
	text_printf(t, "%lu\n", item_limit());
}

PROC_FILES(epoll_files) = {{"sys/fs/epoll/max_user_watches", .make = make_limit}};
