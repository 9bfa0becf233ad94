/* SPDX-License-Identifier: MIT
 *
 * epoll (epoll(7)): a set of open files that lasts from call to call, with a list of those that are
 * ready.
 *
 * Lock order: the `lock` of an epoll, that of an epoll in it, epoll_watch_lock.  A wake-up comes
 * under the lock of a file's wait queue; then the order is: that lock, `guard`, `waiters.lock`, and
 * without `guard`: that lock, that of `pollers`, that of `pollers` of the epoll around.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/linux/poll_entries.h"
#include "kernel/linux/poll_queue.h"

#define EPOLL_EXCLUSIVE (1U << 28)
#define EPOLL_WAKEUP	(1U << 29) /* ignored: nothing suspends the machine */
#define EPOLL_ONESHOT	(1U << 30)
#define EPOLL_EDGE	(1U << 31) /* EPOLLET */
#define EPOLL_FLAGS	(EPOLL_EXCLUSIVE | EPOLL_WAKEUP | EPOLL_ONESHOT | EPOLL_EDGE)

struct epoll {
	struct refcount refs; /* of its open file, and of each release of a file that it watches */
	struct file *file;    /* without a reference */

	struct mutex lock; /* guards `items` and `late`; held while the files are looked at */
	struct treap items;
	struct list late; /* those with an entry that may be woken after the event */

	struct spinlock guard;	   /* irq */
	struct list ready;	   /* items whose file may be ready */
	bool scanning;		   /* the items of `ready` are in the list of a call: wait for it */
	struct wait_queue waiters; /* calls of epoll_wait() */
	struct poll_queue pollers; /* poll() of the epoll, and epolls that watch it */

	/* Under epoll_watch_lock. */
	struct list nested; /* items whose file is an epoll */
	u64 visit;	    /* the last check that visited it */
	int height;	    /* what the check found: how many epolls are below each other in it */
};

/* A file that an epoll watches. */
struct epoll_item {
	struct treap_node node; /* in epoll.items, by file and descriptor */
	struct epoll *epoll;
	struct file *file; /* without a reference: the item goes when the file is released */
	int fd;
	u32 events; /* under `lock` and `guard`; without an event: disabled by EPOLLONESHOT */
	u64 data;
	struct list late_link;	 /* in epoll.late or in no list */
	struct list ready_link;	 /* under `guard` */
	struct list file_link;	 /* ring of the file's items; under epoll_watch_lock */
	struct list nested_link; /* in epoll.nested; under epoll_watch_lock */
	struct poll_entries entries;
};

struct epoll_event { /* of the ABI */
	u32 events;
	u64 data;
} __packed;

/* --- Items (epoll_item.c) --------------------------------------------------------------------- */

extern struct mutex epoll_watch_lock;

/* The items of the epoll: the one of `file` and `fd`, or NULL.  The caller holds ep->lock. */
struct epoll_item *epoll_find(struct epoll *ep, const struct file *file, int fd);

/* Watch a file, of which the caller has a reference.  0, -ENOMEM, -ENOSPC (too many in all),
 * -ELOOP, -EINVAL (epoll_nest_check()).  The caller holds ep->lock.  Sleeps. */
int epoll_add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event);

/* Change what an item asks for, and look at its file.  The caller holds ep->lock. */
void epoll_modify(struct epoll_item *item, const struct epoll_event *event);

/* Remove and free an item.  The caller holds ep->lock.  Sleeps. */
void epoll_remove(struct epoll_item *item);

/* The bits of the file that the item asks for.  The caller holds ep->lock. */
u32 epoll_item_poll(struct epoll_item *item);

/* Put the item at the end of the list of those that may be ready.  The caller holds ep->guard. */
void epoll_item_ready(struct epoll_item *item);

/* Put the items whose files have had an event before this call into the list of those that may be
 * ready, and wake one thread that waits.  Sleeps. */
void epoll_catch_up(struct epoll *ep);

/* Drop a reference. */
void epoll_put(struct epoll *ep);

/* --- Epolls in epolls (epoll_nest.c) ---------------------------------------------------------- */

extern const char epoll_name[];		      /* file_ops.name */
struct epoll *epoll_of(const struct file *f); /* NULL: the file is not an epoll */

/* May `ep`, which has just got an item of it, watch `inner`?  0; -ELOOP: `ep` would watch itself,
 * or too many would lie in each other; -EINVAL: one wake-up would wake too many.  The caller holds
 * epoll_watch_lock. */
int epoll_nest_check(struct epoll *ep, struct epoll *inner);

/* --- The epoll itself (epoll.c) --------------------------------------------------------------- */

struct file *epoll_create(void); /* ERR_PTR(-ENOMEM) */

/* Wait until `deadline_ns` for files that are ready, and write at most `max` events to the user.
 * Their number, 0 at the deadline, -EINTR or -EFAULT.  Sleeps. */
long epoll_wait(struct epoll *ep, u64 user, u32 max, u64 deadline_ns);
