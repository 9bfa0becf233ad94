/* SPDX-License-Identifier: MIT
 *
 * What System V objects and POSIX message queues share.
 */
#include "kernel/linux/ipc_parts.h"

#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/slab_stats.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"
#include "kernel/vm/usercopy.h"

static u64 allocated; /* bytes, atomic */

static u64 allocated_most(void)
{
	static u64 most;
	struct page_stats stats;

	if (!READ_ONCE(most)) {
		page_stats_read(&stats);
		WRITE_ONCE(most, stats.total * PAGE_SIZE / 8);
	}
	return most;
}

void *ipc_alloc(size_t size)
{
	void *object = kzalloc(size);

	if (object && __atomic_add_fetch(&allocated, kmalloc_bytes(object), __ATOMIC_RELAXED) >
			  allocated_most()) {
		ipc_free(object);
		object = NULL;
	}
	return object;
}

void ipc_free(void *object)
{
	if (object)
		__atomic_sub_fetch(&allocated, kmalloc_bytes(object), __ATOMIC_RELAXED);
	kfree(object);
}

int handoff_sleep(struct handoff *h, struct list *waiting, struct spinlock *guard, const char *name,
		  u64 deadline_ns)
{
	struct thread *t = current_thread();
	int result;

	h->thread = t;
	t->wait.name = name;
	list_push_back(waiting, &h->link);
	spin_unlock(guard);
	might_sleep();
	result = sleep_until_woken(&h->woken, deadline_ns, WAIT_SIGNALS);
	spin_lock(guard);
	list_remove(&h->link);
	t->wait.name = NULL;
	return h->woken ? h->result : result;
}

void handoff_wake(struct handoff *h, int result)
{
	struct thread *t = h->thread;

	list_remove(&h->link);
	if (!t) /* the place of a walk */
		return;
	h->result = result;
	/* The sleeper takes the guard, which the caller holds, before its stack goes. */
	__atomic_store_n(&h->woken, true, __ATOMIC_RELEASE);
	thread_wake(t);
}

void handoff_wake_all(struct list *waiting, struct spinlock *guard, int result)
{
	for (u32 n = 1; !list_empty(waiting); n++) {
		handoff_wake(list_first(waiting, struct handoff, link), result);
		if (n % 16 == 0) {
			spin_unlock(guard);
			spin_lock(guard);
		}
	}
}

struct handoff *handoff_walk(struct list *waiting, struct handoff *at, struct spinlock *guard)
{
	struct list *next;

	if (++at->result % 16 == 0) {
		spin_unlock(guard);
		spin_lock(guard);
	}
	do { /* over the places of other walks */
		next = at->link.next;
		if (next == waiting || next == &at->link)
			return NULL;
		list_remove(&at->link);
		list_push_front(next, &at->link);
	} while (!list_entry(next, struct handoff, link)->thread);
	return list_entry(next, struct handoff, link);
}

void room_init(struct room_waiters *w)
{
	list_init(&w->calls);
	w->least = UINT64_MAX;
}

int room_sleep(struct room_waiters *w, struct handoff *h, struct spinlock *guard, const char *name,
	       u64 deadline_ns)
{
	w->least = MIN(w->least, h->size);
	w->began++;
	return handoff_sleep(h, &w->calls, guard, name, deadline_ns);
}

/* If no further one began to wait in the walk, it has seen all. */
struct handoff *room_first_fit(struct room_waiters *w, struct spinlock *guard,
			       u64 (*room)(const void *owner), const void *owner)
{
	struct handoff at = {0}, *h;
	u64 least = UINT64_MAX;
	u32 began = w->began;

	if (list_empty(&w->calls) || w->least > room(owner))
		return NULL;
	list_push_front(&w->calls, &at.link);
	while ((h = handoff_walk(&w->calls, &at, guard)) && h->size > room(owner))
		least = MIN(least, h->size);
	list_remove(&at.link);
	if (!h && w->began == began)
		w->least = least;
	return h;
}

struct message *message_load(u64 user, size_t size)
{
	struct message *m = ipc_alloc(sizeof(*m) + size);

	if (!m)
		return ERR_PTR(-ENOMEM);
	m->size = size;
	if (!copy_from_user(m->data, (void *)user, size))
		return m;
	ipc_free(m);
	return ERR_PTR(-EFAULT);
}

int file_set_path(struct file *f, const char *format, ...)
{
	struct path_text *path;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	path = kmalloc(sizeof(*path) + (size_t)n + 1);
	if (!path)
		return -ENOMEM;
	refcount_init(&path->refs, 1);
	va_start(args, format);
	vsnprintf(path->text, (size_t)n + 1, format, args);
	va_end(args);
	f->path = path;
	return 0;
}

int numbers_write(const char *text, u64 *to, u32 count, u64 most)
{
	u64 number[4];
	char word[24];

	for (u32 i = 0; i < count; i++) {
		size_t n = 0;

		while (*text == ' ' || *text == '\t')
			text++;
		while (*text > ' ' && n < sizeof(word) - 1)
			word[n++] = *text++;
		word[n] = '\0';
		if (parse_u64(word, 10, &number[i]) || number[i] > most)
			return -EINVAL;
	}
	for (u32 i = 0; i < count; i++)
		WRITE_ONCE(to[i], number[i]);
	return 0;
}
