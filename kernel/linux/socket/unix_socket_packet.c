/* SPDX-License-Identifier: MIT
 *
 * The queue of packets that a UNIX socket has received, and the room in it.
 */
#include "kernel/linux/socket/unix_socket_internal.h"
#include "kernel/mem/slab.h"

struct wait_queue datagram_room = WAIT_QUEUE_INIT(datagram_room, "socket_write");

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
		n += p->end - p->start;
		if (p->last)
			break;
	}
	return n;
}

bool socket_has_room(struct socket *from, struct socket *to)
{
	if (to->queued < from->send_size)
		return true;
	/* Wake senders only when the queue has fallen to a quarter, not at each packet. */
	to->wake_below = MIN(to->wake_below, from->send_size / 4);
	return false;
}

void socket_wake_senders(struct socket *s)
{
	struct socket *peer;

	if (s->type == SOCK_DGRAM) {
		wait_wake_all(&datagram_room);
		return;
	}
	peer = socket_peer_get(s);
	if (peer) {
		wait_wake_all(&peer->writable);
		socket_put(peer);
	}
}
