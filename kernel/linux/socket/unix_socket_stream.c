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
	u32 charge;		    /* memory that it counts for */
	struct socket_files *files; /* received together with the first byte; or NULL */
};

/* In all functions the lock of the ring is held, if they do not say otherwise.  Functions for rare
 * cases are __noinline: inline code would take registers from the path that every byte takes. */

static bool same(const struct ucred *a, const struct ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* pipe_move(), with inline code for bytes in one page of the ring that is there already. */
static __always_inline ssize_t ring_move(struct pipe *p, struct io_buffer *io, u64 position,
					 size_t n, bool write)
{
	struct page *page = p->pages[position / PAGE_SIZE & (p->count - 1)];
	char *at;

	if (unlikely(!page || n > PAGE_SIZE - position % PAGE_SIZE))
		return pipe_move(p, io, position, n, write);
	at = (char *)page_to_virt(page) + position % PAGE_SIZE;
	return write ? io_get(io, at, n) : io_put(io, at, n);
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Note who sends the next `n` bytes, and their files.  0, -ENOMEM, or -ETOOMANYREFS. */
static __noinline int mark_add(struct socket *to, size_t n, struct socket_message *m)
{
	u64 start = to->ring_start + to->ring->head;
	struct mark *mark = kmalloc(sizeof(*mark));
	int error = 0;

	if (!mark)
		return -ENOMEM;
	if (m->files)
		error = flight_begin(to, m->files);
	if (error) {
		kfree(mark);
		return error;
	}
	*mark = (struct mark){.start = start, .end = start + n, .cred = m->cred, .files = m->files};
	mark->charge = (u32)sizeof(*mark);
	if (m->files)
		mark->charge += m->files->count * (u32)sizeof(struct file *);
	to->queued += mark->charge;
	list_push_back(&to->marks, &mark->link);
	m->files = NULL;
	return 0;
}

/* The ids of the sender of the last byte that was sent to this socket. */
static const struct ucred *last_sender(const struct socket *to)
{
	return list_empty(&to->marks) ? &to->sender
				      : &list_entry(to->marks.prev, struct mark, link)->cred;
}

/* Make room in the ring for `n` bytes.  0 or an error. */
static __noinline int ring_grow(struct pipe *p, size_t n)
{
	int error = 0;

	while (!error && pipe_room(p) < n)
		error = pipe_set_count(p, 2 * p->count);
	return error;
}

/* The first copy of a piece of `n` bytes has stopped after `done` bytes, or with an error.  Copy
 * the rest.  0 or an error. */
static __noinline int piece_end(struct pipe *p, struct io_buffer *io, size_t n, ssize_t done)
{
	while (done >= 0 && done < (ssize_t)n) {
		ssize_t got = pipe_move(p, io, p->head + (u64)done, n - (size_t)done, true);

		done = got > 0 ? done + got : got ?: -EFAULT;
	}
	return done < 0 ? (int)done : 0;
}

/* Append a piece as a whole, or nothing.  0 or an error. */
static int piece_add(struct socket *to, struct io_buffer *io, size_t n, struct socket_message *m)
{
	struct pipe *p = to->ring;
	int error = unlikely(pipe_room(p) < n) ? ring_grow(p, n) : 0;
	ssize_t got;

	if (unlikely(error))
		return error;
	got = ring_move(p, io, p->head, n, true);
	if (unlikely(got < (ssize_t)n))
		error = piece_end(p, io, n, got);
	if (!error && unlikely(m->files || !same(last_sender(to), &m->cred)))
		error = mark_add(to, n, m);
	if (!error)
		pipe_add(p, n);
	return error;
}

/* Wait for room.  0 or an error.  As on Linux, a sender that slept sees ECONNRESET before EPIPE. */
static __noinline int room_wait(struct file *f, struct socket *to, u32 flags, u64 deadline)
{
	int error = -EAGAIN;

	if (socket_may_wait(f, flags))
		error = mutex_wait(&to->ring->lock, &to->room, deadline);
	return error ?: socket_error_take(f->private);
}

/* An empty queue need not be woken: a thread that joins it looks at the ring afterwards, or under
 * the lock of the ring. */
static void wake_reader(struct socket *to)
{
	if (!list_empty(&to->readable.waiters))
		wait_wake_one(&to->readable);
}

/* Send all of `io`, at least a byte.  The number of bytes, or an error before the first piece. */
static ssize_t send(struct file *f, struct socket *from, struct socket *to, struct io_buffer *io,
		    struct socket_message *m)
{
	u64 deadline = socket_deadline(READ_ONCE(from->send_timeout));
	ssize_t done = 0;
	int error = 0;
	bool more;

	mutex_lock(&to->ring->lock);
	do {
		if (READ_ONCE(from->shutdown) & SHUT_SEND || READ_ONCE(to->dead)) {
			error = -EPIPE;
		} else if (socket_has_room(from, to)) {
			size_t most = MIN(READ_ONCE(from->send_size) / 2, (u32)PIECE_MAX);
			size_t n = MIN(io->remaining, most);

			error = piece_add(to, io, n, m);
			done += error ? 0 : (ssize_t)n;
		} else {
			if (done)
				wake_reader(to);
			error = room_wait(f, to, m->flags, deadline);
		}
	} while (io->remaining && !error);
	/* Room wakes one sender, which may be this one, also if it ends with an error: the next one
	 * goes on, or is woken when there is room. */
	more = !list_empty(&to->room.waiters) && socket_has_room(from, to);
	mutex_unlock(&to->ring->lock);
	if (more)
		wait_wake_one(&to->room);
	if (done)
		wake_reader(to);
	return done ?: socket_wait_error(error, READ_ONCE(from->send_timeout));
}

ssize_t stream_send(struct file *f, struct io_buffer *io, struct socket_message *m)
{
	struct socket *from = f->private;
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
		result = send(f, from, to, io, m);
	if (unlikely(result == -EPIPE) && !(m->flags & MSG_NOSIGNAL))
		signal_send_self(SIGPIPE);
	return result;
}

/* --- Receiving -------------------------------------------------------------------------------- */

/* Must senders be told of room?  They are told once. */
static bool senders_due(struct socket *s)
{
	if (s->wake_below == NOBODY_WAITS || socket_queued(s) > s->wake_below)
		return false;
	s->wake_below = NOBODY_WAITS;
	return true;
}

/* Wait for bytes, for which senders get the room that there is.  0, RECEIVE_END or an error. */
static __noinline int bytes_wait(struct file *f, u32 flags, u64 deadline)
{
	struct socket *s = f->private;
	int error;

	if (senders_due(s)) {
		mutex_unlock(&s->ring->lock);
		socket_wake_senders(s);
		mutex_lock(&s->ring->lock);
		return 0; /* the caller looks again */
	}
	error = socket_receive_state(s);
	if (error)
		return error;
	if (!socket_may_wait(f, flags))
		return -EAGAIN;
	return mutex_wait(&s->ring->lock, &s->readable, deadline);
}

/* Free pages of an empty ring that has grown. */
static __noinline void pages_put_surplus(struct pipe *p)
{
	for (u32 i = PAGES_KEPT; i < p->count; i++)
		if (p->pages[i]) {
			page_put(p->pages[i]);
			p->pages[i] = NULL;
		}
}

/* The byte with this mark is read: its sender is that of the bytes before the next mark. */
static __noinline void mark_drop(struct socket *s, struct mark *mark)
{
	s->sender = mark->cred;
	s->queued -= mark->charge;
	list_remove(&mark->link);
	kfree(mark);
}

/* Count `n` bytes as read.  `mark` is that of the first one, or NULL. */
static void consume(struct socket *s, struct mark *mark, size_t n)
{
	struct pipe *p = s->ring;

	if (mark)
		mark_drop(s, mark);
	if (p->tail + n != p->head) {
		WRITE_ONCE(p->tail, p->tail + n);
		return;
	}
	/* Begin at the first page again, as pipe_take() does. */
	s->ring_start += p->head;
	WRITE_ONCE(p->head, 0);
	WRITE_ONCE(p->tail, 0);
	if (unlikely(p->count > PAGES_KEPT))
		pages_put_surplus(p);
}

/* The mark of the byte at `at` of the ring, or NULL.  Lower *end to the end of the bytes that one
 * copy may take from there: the next mark, or the last byte that comes with the same files, which
 * must not be mixed with those of the next message.  The search begins at *last, which is a mark
 * before that byte or NULL, and leaves there the last mark that is not behind the byte. */
static __noinline struct mark *mark_at(struct socket *s, u64 at, u64 *end, struct mark **last)
{
	struct mark *mark = *last ?: list_first(&s->marks, struct mark, link), *found = NULL;
	u64 stop = s->ring_start + *end;

	at += s->ring_start;
	while (&mark->link != &s->marks && mark->start <= at) {
		*last = mark;
		mark = list_entry(mark->link.next, struct mark, link);
	}
	if (*last && (*last)->start == at) {
		found = *last;
		stop = found->files ? found->end : stop;
	}
	if (&mark->link != &s->marks)
		stop = MIN(stop, mark->start);
	*end = stop - s->ring_start;
	return found;
}

/* Put the files that come with a mark into *m.  0 or -ENOMEM. */
static __noinline int files_receive(struct socket *s, struct mark *mark, struct socket_message *m)
{
	if (m->flags & MSG_PEEK) {
		m->files = socket_files_copy(mark->files);
		return m->files ? 0 : -ENOMEM;
	}
	flight_end(s, mark->files);
	m->files = mark->files;
	mark->files = NULL;
	return 0;
}

/* Put the sender of the bytes that begin with `mark`, or before the first one (NULL), into *m. */
static void describe(struct socket *s, struct mark *mark, struct socket_message *m)
{
	struct unix_name *name = s->peer ? __atomic_load_n(&s->peer->name, __ATOMIC_ACQUIRE) : NULL;

	if (unlikely(name))
		m->address = name->address;
	m->cred = mark ? mark->cred : s->sender;
}

/* Copy what is there to the user, up to the end of the bytes that come with files.  The number of
 * bytes, 0 at the end, or an error before the first byte. */
static ssize_t receive(struct file *f, struct socket *s, struct io_buffer *io,
		       struct socket_message *m)
{
	u64 deadline = socket_deadline(READ_ONCE(s->receive_timeout));
	struct pipe *p = s->ring;
	struct mark *last = NULL; /* with MSG_PEEK: of the bytes before `at` */
	bool files = false;
	ssize_t done = 0;
	int error = 0;

	do {
		u64 at = p->tail + (m->flags & MSG_PEEK ? (u64)done : 0), end = p->head;
		struct mark *mark = NULL; /* of the byte at `at` */
		ssize_t got;

		if (at == end) {
			if (done && (m->flags & (MSG_PEEK | MSG_WAITALL)) != MSG_WAITALL)
				break;
			error = bytes_wait(f, m->flags, deadline);
			continue;
		}
		if (unlikely(!list_empty(&s->marks)))
			mark = mark_at(s, at, &end, &last);
		/* unix(7): all bytes of one read must have the same sender ids. */
		if (mark && done && READ_ONCE(s->pass_cred) && !same(&m->cred, &mark->cred))
			break;
		got = ring_move(p, io, at, MIN(io->remaining, end - at), false);
		if (got < 0) {
			error = (int)got;
			break;
		}
		files = mark && mark->files;
		if (!done || files)
			describe(s, mark, m);
		if (files)
			error = files_receive(s, mark, m);
		done += got;
		if (!(m->flags & MSG_PEEK)) {
			consume(s, mark, (size_t)got);
			last = NULL;
		}
	} while (!error && !files && io->remaining);
	return done ?: error == RECEIVE_END ? 0 : error;
}

ssize_t stream_receive(struct file *f, struct io_buffer *io, struct socket_message *m)
{
	struct socket *s = f->private;
	ssize_t result;
	bool due;

	if (READ_ONCE(s->state) != SOCKET_CONNECTED)
		return -EINVAL;
	mutex_lock(&s->ring->lock);
	result = receive(f, s, io, m);
	due = senders_due(s);
	mutex_unlock(&s->ring->lock);
	if (due)
		socket_wake_senders(s);
	/* Bytes wake one reader: pass on what is left.  (poll() is not to hear of it again.) */
	if (!pipe_empty(s->ring) && !list_empty(&s->readable.waiters))
		wait_wake_sleeper(&s->readable);
	if (unlikely(result < 0))
		return socket_wait_error((int)result, READ_ONCE(s->receive_timeout));
	return result;
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
	s->queued = 0;
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
