/* SPDX-License-Identifier: MIT
 *
 * Streams: the bytes lie in a ring of pages, as in a pipe, of the socket that receives them.
 *
 * The lock of the ring is held while bytes are copied.  What a waiter tests changes under it, or
 * before socket_wake_all() takes it: so mutex_wait() misses no wake-up.
 */
#include "kernel/ipc/pipe_internal.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/list_splice.h"
#include "kernel/linux/pipe_count.h"
#include "kernel/linux/socket/unix_socket_internal.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/signal.h"

/* A write of at most so many bytes becomes visible to the reader at once.  Half of SO_SNDBUF is a
 * limit, too (Linux). */
#define PIECE_MAX  32768

#define PAGES_KEPT 16 /* of an empty ring */

/* From a position of the stream on, the bytes have another sender than those before, or files come
 * with them. */
struct mark {
	struct list link; /* in socket.marks, by position */
	u64 start, end;	  /* of the bytes of the message */
	struct ucred cred;
	struct socket_files *files; /* received together with the first byte; or NULL */
};

/* In all functions the lock of the ring is held, if they do not say otherwise. */

static bool same(const struct ucred *a, const struct ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Note who sends the next `n` bytes, and their files.  0, -ENOMEM, or -ETOOMANYREFS. */
static int mark_add(struct socket *to, size_t n, struct socket_message *m)
{
	struct mark *last = list_entry(to->marks.prev, struct mark, link), *mark;
	const struct ucred *before = list_empty(&to->marks) ? &to->sender : &last->cred;
	u64 start = to->ring_start + to->ring->head;
	int error = 0;

	if (!m->files && same(before, &m->cred))
		return 0;
	mark = kmalloc(sizeof(*mark));
	if (!mark)
		return -ENOMEM;
	if (m->files)
		error = flight_begin(to, m->files);
	if (error) {
		kfree(mark);
		return error;
	}
	*mark = (struct mark){.start = start, .end = start + n, .cred = m->cred, .files = m->files};
	list_push_back(&to->marks, &mark->link);
	m->files = NULL;
	return 0;
}

/* Append a piece as a whole, or nothing.  0 or an error. */
static int piece_add(struct socket *to, struct io_buffer *io, size_t n, struct socket_message *m)
{
	struct pipe *p = to->ring;
	size_t done = 0;
	int error = 0;

	while (!error && pipe_room(p) < n)
		error = pipe_set_count(p, 2 * p->count);
	while (!error && done < n) {
		ssize_t got = pipe_move(p, io, p->head + done, n - done, true);

		if (got <= 0)
			error = got ? (int)got : -EFAULT;
		done += (size_t)got;
	}
	if (!error)
		error = mark_add(to, n, m);
	if (!error)
		pipe_add(p, n);
	return error;
}

/* Wait for room.  0 or an error.  As on Linux, a sender that slept sees ECONNRESET before EPIPE. */
static int room_wait(struct socket *from, struct socket *to, bool may_wait, u64 deadline)
{
	int error = may_wait ? mutex_wait(&to->ring->lock, &to->room, deadline) : -EAGAIN;

	return error ?: socket_error_take(from);
}

/* An empty queue need not be woken: a thread that joins it looks at the ring afterwards, or under
 * the lock of the ring. */
static void wake_reader(struct socket *to)
{
	if (!list_empty(&to->readable.waiters))
		wait_wake_one(&to->readable);
}

/* Send all of `io`.  The number of bytes, or an error before the first piece. */
static ssize_t send(struct socket *from, struct socket *to, struct io_buffer *io,
		    struct socket_message *m, bool may_wait)
{
	u64 timeout = READ_ONCE(from->send_timeout), deadline = socket_deadline(timeout);
	size_t most = MIN(READ_ONCE(from->send_size) / 2, (u32)PIECE_MAX);
	ssize_t done = 0;
	int error = 0;
	bool more;

	mutex_lock(&to->ring->lock);
	while (io->remaining && !error) {
		if (READ_ONCE(from->shutdown) & SHUT_SEND || READ_ONCE(to->dead)) {
			error = -EPIPE;
		} else if (socket_has_room(from, to)) {
			size_t n = MIN(io->remaining, most);

			error = piece_add(to, io, n, m);
			done += error ? 0 : (ssize_t)n;
		} else {
			if (done)
				wake_reader(to);
			error = room_wait(from, to, may_wait, deadline);
		}
	}
	/* Room wakes one sender, which may be this one, also if it ends with an error: the next one
	 * goes on, or is woken when there is room. */
	more = !list_empty(&to->room.waiters) && socket_has_room(from, to);
	mutex_unlock(&to->ring->lock);
	if (more)
		wait_wake_one(&to->room);
	if (done)
		wake_reader(to);
	return done ?: socket_wait_error(error, timeout);
}

ssize_t stream_send(struct socket *from, struct io_buffer *io, struct socket_message *m,
		    bool may_wait)
{
	/* The peer of a connection stays until the file is closed. */
	struct socket *to = __atomic_load_n(&from->peer, __ATOMIC_ACQUIRE);
	ssize_t result = 0;

	if (m->address.length)
		return READ_ONCE(from->state) == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!to)
		return -ENOTCONN;
	if (READ_ONCE(from->shutdown) & SHUT_SEND)
		result = -EPIPE;
	else if (io->remaining)
		result = send(from, to, io, m, may_wait);
	if (result == -EPIPE && !(m->flags & MSG_NOSIGNAL))
		signal_send_self(SIGPIPE);
	return result;
}

/* --- Receiving -------------------------------------------------------------------------------- */

/* Must senders be told of room?  They are told once. */
static bool senders_due(struct socket *s)
{
	if (s->wake_below == NOBODY_WAITS || s->ring->head - s->ring->tail > s->wake_below)
		return false;
	s->wake_below = NOBODY_WAITS;
	return true;
}

/* Wait for bytes, for which senders get the room that there is.  0, RECEIVE_END or an error. */
static int bytes_wait(struct socket *s, bool may_wait, u64 deadline)
{
	int error;

	if (senders_due(s)) {
		mutex_unlock(&s->ring->lock);
		socket_wake_senders(s);
		mutex_lock(&s->ring->lock);
		return 0; /* the caller looks again */
	}
	error = socket_receive_state(s);
	if (!error)
		error = may_wait ? mutex_wait(&s->ring->lock, &s->readable, deadline) : -EAGAIN;
	return error;
}

/* Count `n` bytes as read.  `mark` is that of the first one, or NULL. */
static void consume(struct socket *s, struct mark *mark, size_t n)
{
	struct pipe *p = s->ring;

	if (mark) {
		s->sender = mark->cred;
		list_remove(&mark->link);
		kfree(mark);
	}
	if (p->tail + n == p->head) { /* the ring begins at 0 again */
		s->ring_start += p->head;
		for (u32 i = PAGES_KEPT; i < p->count; i++)
			if (p->pages[i]) {
				page_put(p->pages[i]);
				p->pages[i] = NULL;
			}
	}
	(void)pipe_take(p, n);
}

/* The mark at this position of the stream, or the first one after it; NULL: there is none. */
static struct mark *mark_from(struct socket *s, u64 at)
{
	struct mark *mark;

	list_for_each (mark, &s->marks, link)
		if (mark->start >= at)
			return mark;
	return NULL;
}

/* Put sender and files of the bytes that begin with `mark`, or before the first one (NULL), into
 * *m.  0 or -ENOMEM. */
static int describe(struct socket *s, struct mark *mark, struct socket_message *m)
{
	struct unix_name *name = s->peer ? __atomic_load_n(&s->peer->name, __ATOMIC_ACQUIRE) : NULL;

	if (name)
		m->address = name->address;
	m->cred = mark ? mark->cred : s->sender;
	if (!mark || !mark->files)
		return 0;
	if (m->flags & MSG_PEEK) {
		m->files = socket_files_copy(mark->files);
		return m->files ? 0 : -ENOMEM;
	}
	flight_end(s, mark->files);
	m->files = mark->files;
	mark->files = NULL;
	return 0;
}

/* Copy what is there to the user, up to the end of the bytes that come with files.  The number of
 * bytes, 0 at the end, or an error before the first byte. */
static ssize_t receive(struct socket *s, struct io_buffer *io, struct socket_message *m,
		       bool may_wait, u64 deadline)
{
	bool peek = m->flags & MSG_PEEK, all = m->flags & MSG_WAITALL, described = false;
	struct pipe *p = s->ring;
	bool files = false;
	ssize_t done = 0;
	int error = 0;

	do {
		u64 at = p->tail + (peek ? (u64)done : 0), end = p->head;
		struct mark *mark = mark_from(s, s->ring_start + at);
		bool begins = mark && mark->start == s->ring_start + at;
		ssize_t got;

		if (at == end) {
			if (done && (peek || !all))
				break;
			error = bytes_wait(s, may_wait, deadline);
			continue;
		}
		/* unix(7): all bytes of one read must have the same sender ids. */
		if (begins && described && READ_ONCE(s->pass_cred) && !same(&m->cred, &mark->cred))
			break;
		files = begins && mark->files;
		if (files) /* those of the next message must not be mixed with these */
			end = mark->end - s->ring_start;
		else if (begins && mark->link.next != &s->marks)
			end = list_entry(mark->link.next, struct mark, link)->start - s->ring_start;
		else if (mark && !begins)
			end = mark->start - s->ring_start;
		got = pipe_move(p, io, at, MIN(io->remaining, end - at), false);
		if (got < 0) {
			error = (int)got;
			break;
		}
		done += got;
		if (files || !described)
			error = describe(s, begins ? mark : NULL, m);
		described = true;
		if (!peek)
			consume(s, begins ? mark : NULL, (size_t)got);
	} while (!error && !files && io->remaining);
	return done ?: error == RECEIVE_END ? 0 : error;
}

ssize_t stream_receive(struct socket *s, struct io_buffer *io, struct socket_message *m,
		       bool may_wait)
{
	u64 timeout = READ_ONCE(s->receive_timeout);
	ssize_t result;
	bool due;

	if (READ_ONCE(s->state) != SOCKET_CONNECTED)
		return -EINVAL;
	mutex_lock(&s->ring->lock);
	result = receive(s, io, m, may_wait, socket_deadline(timeout));
	due = senders_due(s);
	mutex_unlock(&s->ring->lock);
	if (due)
		socket_wake_senders(s);
	/* Bytes wake one reader: pass on what is left.  (poll() is not to hear of it again.) */
	if (!pipe_empty(s->ring) && !list_empty(&s->readable.waiters))
		wait_wake_sleeper(&s->readable);
	return result < 0 ? socket_wait_error((int)result, timeout) : result;
}

/* The lock is not held. */
bool stream_discard(struct socket *s)
{
	struct list marks = LIST_INIT(marks), *link;
	struct pipe *p = s->ring;
	bool unread;

	mutex_lock(&p->lock);
	unread = !pipe_empty(p);
	list_splice(&marks, &s->marks);
	(void)pipe_take(p, p->head - p->tail);
	mutex_unlock(&p->lock);
	while ((link = list_pop_front(&marks))) {
		struct mark *mark = list_entry(link, struct mark, link);

		if (mark->files)
			flight_end(s, mark->files);
		socket_files_put(mark->files);
		kfree(mark);
	}
	return unread;
}

u64 stream_length(struct socket *s)
{
	u64 n;

	mutex_lock(&s->ring->lock);
	n = s->ring->head - s->ring->tail;
	mutex_unlock(&s->ring->lock);
	return n;
}
