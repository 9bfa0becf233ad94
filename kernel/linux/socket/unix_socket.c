/* SPDX-License-Identifier: MIT
 *
 * UNIX sockets: making and closing connections.
 */
#include "kernel/linux/errno.h"
#include "kernel/linux/list_splice.h"
#include "kernel/linux/socket/unix_socket_internal.h"

#define BACKLOG_MAX 4096 /* Linux's default of net.core.somaxconn */

/* --- Closing ---------------------------------------------------------------------------------- */

/* Shut down the peer of a connection that is closed at this end, and wake its threads.  `reset`: it
 * also gets ECONNRESET. */
static void hang_up(struct socket *peer, bool reset)
{
	spin_lock(&peer->lock);
	WRITE_ONCE(peer->shutdown, SHUT_RECEIVE | SHUT_SEND);
	if (reset)
		WRITE_ONCE(peer->error, ECONNRESET);
	spin_unlock(&peer->lock);
	socket_wake_all(peer);
}

void socket_close(struct socket *s, bool embryo)
{
	struct list packets = LIST_INIT(packets), pending = LIST_INIT(pending);
	struct socket *peer;
	bool unread;

	unix_name_withdraw(s);
	spin_lock(&s->lock);
	s->dead = true;
	peer = s->peer;
	s->peer = NULL;
	if (!s->ring)
		packets_steal(s, &packets);
	list_splice(&pending, &s->pending);
	spin_unlock(&s->lock);
	unread = s->ring ? stream_discard(s) : !list_empty(&packets);
	if (peer) {
		socket_unblock(s);
		if (socket_is_connection(s))
			hang_up(peer, embryo || unread);
	}
	/* After the peer has its error: senders of it.  Also those that wait in connect(). */
	socket_wake_all(s);
	if (peer)
		socket_put(peer);
	while (!list_empty(&pending)) {
		struct socket *n = list_first(&pending, struct socket, pending_link);

		list_remove(&n->pending_link);
		flight_leave_listener(n);
		socket_close(n, true);
	}
	packets_drop(s, &packets);
	socket_put(s);
}

/* --- Connections ------------------------------------------------------------------------------ */

int unix_listen(struct file *f, u32 backlog)
{
	struct socket *s = f->private;
	struct ucred cred;
	int error = 0;

	if (!socket_is_connection(s))
		return -EOPNOTSUPP;
	cred = socket_current_cred(true);
	spin_lock(&s->lock);
	if (!s->name || (s->state != SOCKET_UNCONNECTED && s->state != SOCKET_LISTENING)) {
		error = -EINVAL;
	} else {
		s->state = SOCKET_LISTENING;
		s->backlog = MIN(backlog, (u32)BACKLOG_MAX);
		s->cred = cred;
	}
	spin_unlock(&s->lock);
	if (!error)
		wait_wake_all(&s->writable); /* the backlog may have grown */
	return error;
}

/* One more connection than `backlog` may wait, as on Linux. */
static bool backlog_full(const struct socket *l)
{
	return l->pending_count > l->backlog;
}

int socket_accept(struct socket *l, bool may_wait, struct socket **accepted)
{
	u64 deadline = socket_deadline(l->receive_timeout);
	int error = 0;

	spin_lock(&l->lock);
	while (!error && list_empty(&l->pending)) {
		if (l->state != SOCKET_LISTENING || l->shutdown & SHUT_RECEIVE)
			error = -EINVAL;
		else if (!may_wait)
			error = -EAGAIN;
		else
			error = wait_sleep(&l->readable, &l->lock, deadline, WAIT_SIGNALS);
	}
	if (!error) {
		*accepted = list_first(&l->pending, struct socket, pending_link);
		list_remove(&(*accepted)->pending_link);
		l->pending_count--;
	}
	spin_unlock(&l->lock);
	if (error)
		return socket_wait_error(error, l->receive_timeout);
	wait_wake_one(&l->writable);
	flight_leave_listener(*accepted);
	return 0;
}

/* Wait until the listener has room, and add the new connection `s` to its list.  *cred becomes the
 * ids of the listener. */
static int listener_add(struct socket *l, struct socket *s, bool may_wait, u64 deadline,
			struct ucred *cred)
{
	int error = 0;
	bool more;

	spin_lock(&l->lock);
	while (!error) {
		if (l->state != SOCKET_LISTENING || l->dead || l->shutdown & SHUT_RECEIVE)
			error = -ECONNREFUSED;
		else if (!backlog_full(l))
			break;
		else if (!may_wait)
			error = -EAGAIN;
		else
			error = wait_sleep(&l->writable, &l->lock, deadline, WAIT_SIGNALS);
	}
	if (!error) {
		s->name = l->name;
		refcount_get(&s->name->refs);
		s->listener = l;
		*cred = l->cred;
		list_push_back(&l->pending, &s->pending_link);
		l->pending_count++;
	}
	more = !backlog_full(l);
	spin_unlock(&l->lock);
	if (more) /* an accept() wakes one; this one may have failed */
		wait_wake_sleeper(&l->writable);
	if (!error)
		wait_wake_one(&l->readable);
	return error;
}

/* If two threads connect the same socket at the same time, one fails at once. */
static int connect_claim(struct socket *s)
{
	int error = 0;

	spin_lock(&s->lock);
	if (s->state == SOCKET_CONNECTED)
		error = -EISCONN;
	else if (s->state == SOCKET_CONNECTING)
		error = -EALREADY;
	else if (s->state == SOCKET_LISTENING)
		error = -EINVAL;
	else
		s->state = SOCKET_CONNECTING;
	spin_unlock(&s->lock);
	return error;
}

/* Create the other end of the connection and add it to the listener.  Another thread may accept,
 * use and close it before this function locks `s`. */
static int connect_to_listener(struct socket *s, struct socket *l, bool may_wait)
{
	u64 deadline = socket_deadline(s->send_timeout);
	struct socket *other = socket_create(s->type);
	struct ucred listener_cred;
	int error;

	if (!other)
		return -ENOMEM;
	error = connect_claim(s);
	if (error) {
		socket_put(other);
		return error;
	}
	socket_make_peer(other, s);
	socket_get(other); /* for s->peer */
	error = listener_add(l, other, may_wait, deadline, &listener_cred);
	spin_lock(&s->lock);
	s->state = error ? SOCKET_UNCONNECTED : SOCKET_CONNECTED;
	if (!error) {
		__atomic_store_n(&s->peer, other, __ATOMIC_RELEASE);
		s->cred = listener_cred;
	}
	spin_unlock(&s->lock);
	if (error) {
		socket_put(s);
		socket_put(other);
		socket_put(other);
	}
	socket_wake_all(s);
	return socket_wait_error(error, s->send_timeout);
}

void socket_set_datagram_peer(struct socket *s, struct socket *peer)
{
	struct list packets = LIST_INIT(packets);
	struct socket *old;
	bool lost;

	mutex_lock(&s->reader);
	spin_lock(&s->lock);
	old = s->peer;
	s->peer = peer;
	s->state = peer ? SOCKET_CONNECTED : SOCKET_UNCONNECTED;
	if (old && old != peer)
		packets_steal(s, &packets);
	spin_unlock(&s->lock);
	mutex_unlock(&s->reader);
	socket_unblock(s);
	socket_wake_all(s);
	lost = !list_empty(&packets);
	packets_drop(s, &packets);
	if (!old)
		return;
	/* As on Linux, a peer that is connected to us gets ECONNRESET if we have discarded its
	 * packets. */
	spin_lock(&old->lock);
	lost = lost && old->peer == s && !old->dead;
	if (lost)
		WRITE_ONCE(old->error, ECONNRESET);
	spin_unlock(&old->lock);
	if (lost)
		socket_wake_all(old);
	socket_put(old);
}

/* Connect datagram socket `s`.  Takes over the reference to `to`. */
static int connect_datagrams(struct socket *s, struct socket *to)
{
	bool others;

	spin_lock(&to->lock);
	others = to->peer && to->peer != s;
	spin_unlock(&to->lock);
	if (others) {
		socket_put(to);
		return -EPERM;
	}
	socket_set_datagram_peer(s, to);
	return 0;
}

int unix_connect(struct file *f, const struct unix_address *address)
{
	struct socket *s = f->private, *to;
	int error;

	if (address->length < UNIX_ADDRESS_EMPTY)
		return -EINVAL;
	if (s->type == SOCK_DGRAM && address->family == AF_UNSPEC) {
		socket_set_datagram_peer(s, NULL);
		return 0;
	}
	if (s->pass_cred && (error = unix_bind_automatically(s)))
		return error;
	to = unix_name_find(address, s->type);
	if (IS_ERR(to))
		return (int)PTR_ERR(to);
	if (s->type == SOCK_DGRAM)
		return connect_datagrams(s, to);
	error = connect_to_listener(s, to, socket_may_wait(f, 0));
	socket_put(to);
	return error;
}

int unix_shutdown(struct file *f, u32 how)
{
	struct socket *s = f->private, *peer = socket_peer_get(s);
	/* If one end does not send any more, the other end does not receive; and vice versa. */
	u32 others = (how & SHUT_SEND ? SHUT_RECEIVE : 0) | (how & SHUT_RECEIVE ? SHUT_SEND : 0);

	spin_lock(&s->lock);
	WRITE_ONCE(s->shutdown, s->shutdown | how);
	spin_unlock(&s->lock);
	if (peer) {
		spin_lock(&peer->lock);
		if (socket_is_connection(s))
			WRITE_ONCE(peer->shutdown, peer->shutdown | others);
		spin_unlock(&peer->lock);
		socket_wake_all(peer);
		socket_put(peer);
	}
	socket_wake_all(s);
	return 0;
}

int unix_name(struct file *f, bool peer, struct unix_address *address)
{
	struct socket *s = f->private, *of = peer ? socket_peer_get(s) : s;
	struct unix_name *name;

	if (!of)
		return -ENOTCONN;
	name = __atomic_load_n(&of->name, __ATOMIC_ACQUIRE);
	*address = name ? name->address
			: (struct unix_address){.length = UNIX_ADDRESS_EMPTY, .family = AF_UNIX};
	if (peer)
		socket_put(of);
	return 0;
}
