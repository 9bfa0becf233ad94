/* SPDX-License-Identifier: MIT
 *
 * Sending and receiving on UNIX sockets; here: datagrams and sequenced packets.
 */
#include "kernel/linux/socket/unix_socket_internal.h"

#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/list_splice.h"
#include "kernel/mem/slab.h"

#define PACKET_DATA_MAX (PAGE_SIZE - sizeof(struct packet))
#define SEND_OVERHEAD	32 /* a datagram is at most SO_SNDBUF - 32 bytes long (Linux) */

/* Copy `n` bytes of `io` into new packets, added to `packets`; the caller frees these, after an
 * error too.  0, -ENOMEM, -EFAULT. */
static int packets_make(struct list *packets, struct io_buffer *io, size_t n)
{
	struct packet *p;

	do {
		u32 piece = (u32)MIN(n, PACKET_DATA_MAX);

		p = kmalloc(sizeof(*p) + piece);
		if (!p)
			return -ENOMEM;
		*p = (struct packet){.length = piece, .charge = (u32)sizeof(*p) + piece};
		list_push_back(packets, &p->link);
		if (io_get(io, p->data, piece) != (ssize_t)piece)
			return -EFAULT;
		n -= piece;
	} while (n);
	p->last = true;
	return 0;
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* An error if `to` can never receive from `from`, else 0.  to->lock is held. */
static int refusal(const struct socket *from, const struct socket *to)
{
	if (from->type == SOCK_DGRAM && to->dead)
		return -ECONNREFUSED;
	if (from->type == SOCK_DGRAM && to->peer && to->peer != from)
		return -EPERM;
	if (READ_ONCE(from->shutdown) & SHUT_SEND || to->shutdown & SHUT_RECEIVE || to->dead)
		return -EPIPE;
	return 0;
}

/* Wait for room and move the packets to the queue of `to`.  0, -EAGAIN, -EINTR, -ETIMEDOUT or the
 * error of refusal(). */
static int enqueue(struct socket *from, struct socket *to, struct list *packets, bool may_wait,
		   u64 deadline)
{
	struct packet *p;
	u32 charge = 0;
	u64 bytes = 0;
	bool more;
	int error;

	list_for_each (p, packets, link) {
		charge += p->charge;
		bytes += p->length;
	}
	spin_lock(&to->lock);
	for (;;) {
		error = refusal(from, to);
		if (error || socket_has_room(from, to))
			break;
		error =
		    may_wait ? wait_sleep(&to->room, &to->lock, deadline, WAIT_SIGNALS) : -EAGAIN;
		if (!error) /* as on Linux, a sender that slept sees ECONNRESET before EPIPE */
			error = socket_error_take(from);
		if (error)
			break;
	}
	if (!error) {
		list_splice(&to->packets, packets);
		WRITE_ONCE(to->queued, to->queued + charge);
		to->bytes += bytes;
	}
	/* Room wakes one sender.  This one may have been it, also if it ends with an error: the
	 * next one goes on, or is woken when there is room. */
	more = !list_empty(&to->room.waiters) && socket_has_room(from, to);
	spin_unlock(&to->lock);
	if (more)
		wait_wake_one(&to->room);
	if (!error)
		wait_wake_one(&to->readable);
	return error;
}

/* Send a datagram. */
static int send_datagram(struct socket *from, struct socket *to, struct io_buffer *io,
			 struct socket_message *m, bool may_wait)
{
	struct list packets = LIST_INIT(packets);
	u64 deadline = socket_deadline(READ_ONCE(from->send_timeout));
	int error = packets_make(&packets, io, io->remaining);
	struct packet *p, *first;

	if (!error) {
		list_for_each (p, &packets, link) {
			p->cred = m->cred;
			p->from = READ_ONCE(from->name);
			if (p->from)
				refcount_get(&p->from->refs);
		}
		first = list_first(&packets, struct packet, link);
		if (m->files)
			error = flight_begin(to, m->files);
		if (m->files && !error) {
			first->files = m->files;
			first->charge += m->files->count * (u32)sizeof(struct file *);
			m->files = NULL;
		}
	}
	if (!error)
		error = enqueue(from, to, &packets, may_wait, deadline);
	packets_drop(to, &packets);
	return error;
}

/* The socket to which to send, with a reference, or ERR_PTR. */
static struct socket *destination(struct socket *s, const struct unix_address *address)
{
	if (s->type == SOCK_DGRAM && address->length)
		return unix_name_find(address, s->type);
	return socket_peer_get(s) ?: ERR_PTR(-ENOTCONN);
}

ssize_t socket_send_to(struct socket *s, struct socket *to, struct io_buffer *io,
		       struct socket_message *m, bool may_wait)
{
	size_t n = io->remaining;
	int error = socket_error_take(s);

	if (!error && READ_ONCE(s->shutdown) & SHUT_SEND)
		error = -EPIPE;
	if (error)
		return error;
	if (n > READ_ONCE(s->send_size) - SEND_OVERHEAD)
		return -EMSGSIZE;
	error = send_datagram(s, to, io, m, may_wait);
	if (error == -ECONNREFUSED && !m->address.length) /* the peer is closed: disconnect */
		socket_set_datagram_peer(s, NULL);
	return error ? socket_wait_error(error, READ_ONCE(s->send_timeout)) : (ssize_t)n;
}

/* unix_send() of a socket that is no stream.  __noinline: streams do not save its registers. */
static __noinline ssize_t packet_send(struct file *f, struct io_buffer *io,
				      struct socket_message *m)
{
	bool may_wait = socket_may_wait(f, m->flags);
	struct socket *s = f->private, *to;
	ssize_t result;

	if (s->pass_cred && (result = unix_bind_automatically(s)))
		return result;
	to = destination(s, &m->address);
	if (IS_ERR(to))
		return PTR_ERR(to);
	result = socket_send_to(s, to, io, m, may_wait);
	socket_put(to);
	return result;
}

ssize_t unix_send(struct file *f, struct io_buffer *io, struct socket_message *m)
{
	struct socket *s = f->private;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!m->has_cred)
		m->cred = socket_current_cred(false);
	return s->ring ? stream_send(f, io, m) : packet_send(f, io, m);
}

/* --- Receiving (s->reader is held) ------------------------------------------------------------ */

/* The packet after `p`, or the first one if `p` is NULL.  NULL if there is none. */
static struct packet *packet_after(struct socket *s, const struct packet *p)
{
	const struct list *at = p ? &p->link : &s->packets;
	struct packet *next = NULL;

	spin_lock(&s->lock);
	if (at->next != &s->packets)
		next = list_entry(at->next, struct packet, link);
	spin_unlock(&s->lock);
	return next;
}

/* Remove the packet from the queue and free it. */
static void packet_consume(struct socket *s, struct packet *p)
{
	struct list used = LIST_INIT(used);
	bool wake;

	spin_lock(&s->lock);
	s->bytes -= p->length;
	list_remove(&p->link);
	list_push_back(&used, &p->link);
	WRITE_ONCE(s->queued, s->queued - p->charge);
	wake = s->wake_below != NOBODY_WAITS && s->queued <= s->wake_below;
	if (wake)
		s->wake_below = NOBODY_WAITS;
	spin_unlock(&s->lock);
	if (wake)
		socket_wake_senders(s);
	packets_drop(s, &used);
}

/* Set sender, ids and files of the packet in *m.  0 or -ENOMEM. */
static int packet_describe(struct socket *s, struct packet *p, struct socket_message *m)
{
	if (p->from)
		m->address = p->from->address;
	m->cred = p->cred;
	if (!p->files)
		return 0;
	if (m->flags & MSG_PEEK) {
		m->files = socket_files_copy(p->files);
		return m->files ? 0 : -ENOMEM;
	}
	flight_end(s, p->files);
	m->files = p->files;
	p->files = NULL;
	return 0;
}

/* Release `reader`, wait for a packet, and take `reader` again. */
static int receive_wait(struct socket *s, bool may_wait, u64 deadline)
{
	int error = 0;

	mutex_unlock(&s->reader);
	spin_lock(&s->lock);
	if (list_empty(&s->packets)) {
		error = socket_receive_state(s);
		if (!may_wait && (!error || (error > 0 && s->type == SOCK_DGRAM)))
			error = -EAGAIN; /* Linux reports end of file to sleepers only */
		if (!error)
			error = wait_sleep(&s->readable, &s->lock, deadline, WAIT_SIGNALS);
	}
	spin_unlock(&s->lock);
	mutex_lock(&s->reader);
	return error;
}

static ssize_t receive_datagram(struct socket *s, struct io_buffer *io, struct socket_message *m,
				bool may_wait, u64 deadline)
{
	bool peek = m->flags & MSG_PEEK, last = false;
	struct packet *p = NULL;
	ssize_t done = 0, length = 0;
	int error = socket_error_take(s); /* reported before queued data, unlike in a stream */

	while (!error && !(p = packet_after(s, NULL)))
		error = receive_wait(s, may_wait, deadline);
	if (error)
		return error == RECEIVE_END ? 0 : error;
	error = packet_describe(s, p, m);
	/* After an error the datagram is discarded, except with MSG_PEEK. */
	while (!last) {
		u32 size = p->length;
		ssize_t n = error ? 0 : io_put(io, p->data, MIN(io->remaining, size));

		if (n < 0 || (n < (ssize_t)size && io->remaining))
			error = error ?: -EFAULT;
		else
			done += n;
		length += size;
		last = p->last;
		if (!peek)
			packet_consume(s, p);
		if (!last)
			p = packet_after(s, peek ? p : NULL);
	}
	if (error)
		return error;
	m->truncated = done < length;
	return m->flags & MSG_TRUNC ? length : done;
}

/* unix_receive() of a socket that is no stream. */
static __noinline ssize_t packet_receive(struct file *f, struct io_buffer *io,
					 struct socket_message *m)
{
	bool may_wait = socket_may_wait(f, m->flags);
	struct socket *s = f->private;
	u64 timeout = READ_ONCE(s->receive_timeout);
	ssize_t result;

	if (socket_is_connection(s) && READ_ONCE(s->state) != SOCKET_CONNECTED)
		return -ENOTCONN;
	mutex_lock(&s->reader);
	result = receive_datagram(s, io, m, may_wait, socket_deadline(timeout));
	mutex_unlock(&s->reader);
	/* A packet wakes one reader: pass on what is left.  (poll() is not to hear of it again.) */
	if (READ_ONCE(s->queued) && !list_empty(&s->readable.waiters))
		wait_wake_sleeper(&s->readable);
	return result < 0 ? socket_wait_error((int)result, timeout) : result;
}

ssize_t unix_receive(struct file *f, struct io_buffer *io, struct socket_message *m)
{
	struct socket *s = f->private;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	return s->ring ? stream_receive(f, io, m) : packet_receive(f, io, m);
}
