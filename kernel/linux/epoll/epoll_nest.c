/* SPDX-License-Identifier: MIT
 *
 * Epolls that watch epolls: no loops, and no wake-up that spreads without bound.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/epoll/epoll.h"

#define NESTS_MAX 4   /* an epoll in an epoll in ...: so many times, as on Linux */
#define PATHS_MAX 500 /* ways from one epoll up to others: each is taken by its wake-ups */

const char epoll_name[] = "[eventpoll]";
static u64 visits; /* under epoll_watch_lock */

struct epoll *epoll_of(const struct file *f)
{
	return f->ops->name == epoll_name ? f->private : NULL;
}

/* The first of the items by which epolls watch this one, or NULL, and the one after. */
static struct epoll_item *first_parent(const struct epoll *ep)
{
	struct list *first = ep->file->watchers;

	return first ? list_entry(first, struct epoll_item, file_link) : NULL;
}

static struct epoll_item *next_parent(const struct epoll *ep, const struct epoll_item *item)
{
	struct list *next = item->file_link.next;

	return next == ep->file->watchers ? NULL : list_entry(next, struct epoll_item, file_link);
}

/* How many epolls lie above each other on the longest way up; subtracts each step from *paths, and
 * gives up when that is below 0. */
static int way_up(const struct epoll *ep, int *paths)
{
	int longest = 0;

	for (struct epoll_item *item = first_parent(ep); item && *paths >= 0;
	     item = next_parent(ep, item)) {
		--*paths;
		longest = MAX(longest, 1 + way_up(item->epoll, paths));
	}
	return longest;
}

/* Visit `ep` and all epolls in it, each once, and set their heights.  0; -ELOOP: `top` is one of
 * them; -EINVAL: one has too many ways up. */
static int visit_down(struct epoll *ep, const struct epoll *top)
{
	int paths = PATHS_MAX, error = 0;
	struct epoll_item *item;

	if (ep == top)
		return -ELOOP;
	if (ep->visit == visits)
		return 0;
	ep->visit = visits;
	ep->height = 0;
	list_for_each (item, &ep->nested, nested_link) {
		struct epoll *inner = epoll_of(item->file);

		error = visit_down(inner, top);
		if (error)
			return error;
		ep->height = MAX(ep->height, inner->height + 1);
	}
	(void)way_up(ep, &paths);
	return paths < 0 ? -EINVAL : 0;
}

int epoll_nest_check(struct epoll *ep, struct epoll *inner)
{
	int paths = PATHS_MAX, error;

	visits++;
	error = visit_down(inner, ep);
	if (!error && inner->height + 1 + way_up(ep, &paths) > NESTS_MAX)
		error = -ELOOP;
	return error;
}
