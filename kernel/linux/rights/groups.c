/* SPDX-License-Identifier: MIT
 *
 * Supplementary groups: getgroups(2), setgroups(2).
 *
 * Threads that have the same groups by inheritance share one sorted list, which never changes.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/mem/slab.h"
#include "kernel/sync/refcount.h"
#include "kernel/sys/calls.h"
#include "kernel/task/process_events.h"

#define GROUPS_MAX 65536

struct group_list {
	struct refcount refs;
	u32 count;
	u32 gid[];
};

/* NULL: none.  Only the thread itself changes its pointer, under the lock; other threads take the
 * lock to read it. */
static DEFINE_PER_THREAD(struct group_list *, groups);
DEFINE_SPINLOCK(groups_lock);

/* With a reference, which the caller drops; NULL: none. */
static struct group_list *groups_get(struct thread *t)
{
	struct group_list *list;

	spin_lock(&groups_lock);
	list = *per_thread(t, groups);
	if (list)
		refcount_get(&list->refs);
	spin_unlock(&groups_lock);
	return list;
}

static void groups_put(struct group_list *list)
{
	if (list && refcount_put(&list->refs))
		kfree(list);
}

static void inherit(struct thread *t)
{
	if (*per_thread(current_thread(), groups))
		*per_thread(t, groups) = groups_get(current_thread());
}

static void forget(struct thread *t)
{
	groups_put(*per_thread(t, groups));
}

ON_EVENT(clone, inherit);
ON_EVENT(free, forget);

bool in_group(u32 gid)
{
	const struct group_list *list = *per_thread(current_thread(), groups);
	u32 low = 0, high = list ? list->count : 0;

	if (gid == current_thread()->credentials.fsgid)
		return true;
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (list->gid[middle] == gid)
			return true;
		if (list->gid[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Sort in ascending order, in place (heap sort): a list may have 65,536 groups. */
static void sort(u32 *v, u32 n)
{
	for (u32 start = n / 2, end = n; end > 1;) {
		u32 at, child, value;

		if (start) {
			value = v[--start];
		} else {
			value = v[--end];
			v[end] = v[0];
		}
		for (at = start; (child = 2 * at + 1) < end; at = child) {
			if (child + 1 < end && v[child] < v[child + 1])
				child++;
			if (value >= v[child])
				break;
			v[at] = v[child];
		}
		v[at] = value;
	}
}

SYSCALL2(getgroups, size, user)
{
	const struct group_list *list = *per_thread(current_thread(), groups);
	u32 count = list ? list->count : 0;

	if ((s32)size < 0 || ((s32)size && (u32)size < count))
		return -EINVAL;
	if ((s32)size && count && copy_to_user((void *)user, list->gid, count * sizeof(u32)))
		return -EFAULT;
	return count;
}

SYSCALL2(setgroups, size, user)
{
	struct group_list *list, *old;
	u32 count = (u32)size;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (count > GROUPS_MAX)
		return -EINVAL;
	list = kmalloc(sizeof(*list) + count * sizeof(u32));
	if (!list)
		return -ENOMEM;
	refcount_init(&list->refs, 1);
	list->count = count;
	if (copy_from_user(list->gid, (void *)user, count * sizeof(u32))) {
		kfree(list);
		return -EFAULT;
	}
	sort(list->gid, count);
	spin_lock(&groups_lock);
	old = *per_thread(current_thread(), groups);
	*per_thread(current_thread(), groups) = list;
	spin_unlock(&groups_lock);
	groups_put(old);
	return 0;
}

void rights_show_groups(struct thread *t, struct text *text)
{
	struct group_list *list = groups_get(t);

	text_printf(text, "Groups:\t");
	for (u32 i = 0; list && i < list->count; i++)
		text_printf(text, "%u ", list->gid[i]);
	text_printf(text, "\n");
	groups_put(list);
}
