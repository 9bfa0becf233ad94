/* SPDX-License-Identifier: MIT
 *
 * The queue of packets that a UNIX socket has received, and the room in it.
 */
#include "kernel/linux/socket/unix_socket_internal.h"
#include "kernel/linux/list_splice.h"
#include "kernel/mem/slab.h"

static struct lock_class blocked_class = {"blocked senders", 0};
static struct spinlock blocked_lock = SPINLOCK_INIT(&blocked_class);

void packets_drop(struct socket *s, struct list *packets)
{
	while (!list_empty(packets)) {
		struct packet *p = list_first(packets, struct packet, link);

		list_remove(&p->link);
		if (p->files) {
			flight_end(s, p->files);
			socket_files_put(p->files);
		}
		unix_name_put(p->from);
		kfree(p);
	}
}

void packets_steal(struct socket *s, struct list *to)
{
	list_splice(to, &s->packets);
	s->queued = 0;
	s->bytes = 0;
}

u64 packets_first_length(const struct socket *s)
{
	struct packet *p;
	u64 n = 0;

	list_for_each (p, &s->packets, link) {
		n += p->length;
		if (p->last)
			break;
	}
	return n;
}

static void block(struct socket *from, struct socket *to)
{
	spin_lock(&blocked_lock);
	/* If the peer changes, that wakes from->writable afterwards. */
	if (READ_ONCE(from->peer) == to && list_empty(&from->blocked_link))
		list_push_back(&to->blocked, &from->blocked_link);
	spin_unlock(&blocked_lock);
}

bool socket_poll_room(struct socket *from, struct socket *to)
{
	bool room;

	if (to->ring)
		mutex_lock(&to->ring->lock);
	else
		spin_lock(&to->lock);
	room = READ_ONCE(to->dead) || socket_has_room(from, to);
	if (!room)
		block(from, to);
	if (to->ring)
		mutex_unlock(&to->ring->lock);
	else
		spin_unlock(&to->lock);
	return room;
}

void socket_unblock(struct socket *s)
{
	spin_lock(&blocked_lock);
	list_remove(&s->blocked_link);
	spin_unlock(&blocked_lock);
}

void socket_wake_senders(struct socket *s)
{
	struct list woken = LIST_INIT(woken), *link;

	wait_wake_one(&s->room);
	spin_lock(&blocked_lock);
	list_splice(&woken, &s->blocked);
	while ((link = list_pop_front(&woken))) {
		struct socket *from = list_entry(link, struct socket, blocked_link);

		/* It calls socket_unblock() before it drops its own last reference. */
		socket_get(from);
		spin_unlock(&blocked_lock);
		wait_wake_one(&from->writable);
		socket_put(from);
		spin_lock(&blocked_lock);
	}
	spin_unlock(&blocked_lock);
}

void socket_wake_all(struct socket *s)
{
	/* A thread that has tested its condition under this lock is in its queue now. */
	if (s->ring) {
		mutex_lock(&s->ring->lock);
		mutex_unlock(&s->ring->lock);
	}
	wait_wake_all(&s->readable);
	wait_wake_all(&s->writable);
	wait_wake_all(&s->room);
	socket_wake_senders(s);
}
