/* SPDX-License-Identifier: MIT
 *
 * Declarations shared by the files of the UNIX sockets.
 *
 * The locks of two sockets are never held together.  A sender locks the receiver.  connect() locks
 * the listener, releases it, and then locks its own socket.  This is enough because the peer of a
 * stream never changes until the socket is closed.
 */
#pragma once

#include "arch/x86_64/pc/clock.h"
#include "kernel/ipc/pipe_internal.h"
#include "kernel/linux/socket/unix_socket.h"
#include "kernel/task/process.h"

/* A name, shared by a listener and the sockets that it accepted. */
struct unix_name {
	struct refcount refs;
	struct inode *inode; /* of a path name, with a reference; NULL: an abstract name */
	struct unix_address address;
};

enum socket_state { SOCKET_UNCONNECTED, SOCKET_CONNECTING, SOCKET_CONNECTED, SOCKET_LISTENING };

struct socket {
	struct refcount refs;
	u32 type;
	bool is_netlink;     /* made as one of AF_NETLINK: only the kernel sends to it */
	struct mutex reader; /* held while packets are copied to the user.  A packet is removed
				only under it, or by the last close */

	struct spinlock lock; /* protects the following members */
	enum socket_state state;
	u32 shutdown; /* SHUT_* */
	bool dead;    /* its file is closed */
	bool binding; /* a bind() has begun and not ended */
	bool reuse_address, pass_cred;
	int error;	     /* to be reported once, positive; atomic, read without the lock */
	struct socket *peer; /* with a reference */
	struct unix_name *name;
	struct ucred cred;   /* of the peer when it connected; of a listener: its own */
	struct list packets; /* received, if the socket is not a stream */
	u32 queued;	     /* bytes of memory of the packets; of a stream: of its marks,
				under ring->lock */
	u64 bytes;	     /* bytes of data in the packets */
	u32 wake_below;	     /* wake senders when no more bytes than this wait here; or
				NOBODY_WAITS; of a stream: under ring->lock */
	struct list pending; /* of a listener: connections that are not accepted yet */
	u32 pending_count, backlog;
	u32 send_size, receive_size;	   /* SO_SNDBUF, SO_RCVBUF */
	u64 send_timeout, receive_timeout; /* ns; 0: none */

	struct wait_queue readable; /* data, or a connection to accept */
	struct wait_queue writable; /* poll(): room at the peer; connect(): room of this listener */
	struct wait_queue room;	    /* threads that wait for room to send to this socket */
	struct list blocked;	    /* sockets that are polled and found no room here; under ... */
	struct list blocked_link;   /* ... the lock of unix_socket_packet.c */

	/* Of a stream (unix_socket_stream.c); under ring->lock. */
	struct pipe *ring;   /* the bytes received; NULL: not a stream */
	u64 ring_start;	     /* the position of the stream at which the ring begins */
	struct ucred sender; /* of the bytes before the first mark */
	struct list marks;

	struct list pending_link;  /* protected by the lock of the listener */
	struct list abstract_link; /* protected by the mutex of unix_socket_name.c */

	/* Protected by flight_lock (unix_socket_flight.c). */
	struct socket *listener; /* the listener that has not accepted this connection yet */
	u32 in_flight;		 /* number of times that this socket is in flight */
	u32 holding; /* number of sockets in flight to it, or to its connections in `pending` */
};

#define NOBODY_WAITS UINT32_MAX

/* --- The socket itself (unix_socket_object.c) ------------------------------------------------- */

/* Create a socket without a name and a peer, with one reference.  NULL if there is no memory. */
struct socket *socket_create(u32 type);

static inline void socket_get(struct socket *s)
{
	refcount_get(&s->refs);
}

void socket_put(struct socket *s); /* sleeps */

/* The ids of the caller: effective ids for connections, real ids for messages (unix(7)). */
static inline struct ucred socket_current_cred(bool effective)
{
	const struct thread *t = current_thread();
	const struct credentials *c = &t->credentials;

	return (struct ucred){t->pid, effective ? c->euid : c->uid, effective ? c->egid : c->gid};
}

struct socket *socket_of(const struct file *f); /* NULL if `f` is no socket */

/* If there is nothing to receive: 0 (wait), RECEIVE_END (end of file), or an error. */
#define RECEIVE_END 1
int socket_receive_state(struct socket *s);

/* The peer with a reference, or NULL. */
struct socket *socket_peer_get(struct socket *s);

static inline bool socket_is_connection(const struct socket *s)
{
	return s->type != SOCK_DGRAM;
}

/* May the call on `f` sleep?  The deadline of a timeout (0: none).  The error that a call returns
 * after wait_sleep() has returned `error`. */
static inline bool socket_may_wait(const struct file *f, u32 message_flags)
{
	return !(message_flags & MSG_DONTWAIT || READ_ONCE(f->flags) & O_NONBLOCK);
}

static inline u64 socket_deadline(u64 timeout)
{
	return timeout ? clock_now_ns() + timeout : WAIT_FOREVER;
}

int socket_wait_error(int error, u64 timeout);

int socket_error_take(struct socket *s); /* the pending error (negative) or 0; clears it */

/* Set the peer of `s`, which no other thread can reach yet, and its ids, which are the caller's.
 * Takes a reference to `peer`. */
void socket_make_peer(struct socket *s, struct socket *peer);

/* Send to the socket `to`; returns what unix_send() returns (unix_socket_data.c). */
ssize_t socket_send_to(struct socket *s, struct socket *to, struct io_buffer *io,
		       struct socket_message *m, bool may_wait);

/* --- Names (unix_socket_name.c) --------------------------------------------------------------- */

/* Find the socket of a name; the caller gets a reference.  ERR_PTR(-ECONNREFUSED, -EPROTOTYPE,
 * -EINVAL, or an error of the path walk).  Sleeps. */
struct socket *unix_name_find(const struct unix_address *address, u32 type);
void unix_name_put(struct unix_name *name); /* NULL: no effect.  Sleeps. */
void unix_name_withdraw(struct socket *s);  /* after this unix_name_find() does not find it */
int unix_bind_automatically(struct socket *s);

/* --- Packets (unix_socket_packet.c) ----------------------------------------------------------- */

/* A packet has at most a page of memory.  A datagram consists of several packets that are queued
 * together.  The last one is marked. */
struct packet {
	struct list link;
	struct unix_name *from;	    /* with a reference; NULL: the sender had no name */
	struct socket_files *files; /* received together with the first byte */
	struct ucred cred;
	u32 length; /* of the data */
	u32 charge; /* memory that it counts for */
	bool last;  /* the last packet of its datagram */
	char data[];
};

/* The bytes that wait at `s`, and the memory of what belongs to them.  s->lock is held, or of a
 * stream that of the ring. */
static inline u64 socket_queued(const struct socket *s)
{
	return s->queued + (s->ring ? s->ring->head - s->ring->tail : 0);
}

/* Can `from` send to `to` without waiting for room?  If not, a wake-up is arranged for a thread
 * that sleeps in to->room.  to->lock is held, or of a stream that of the ring. */
static inline bool socket_has_room(struct socket *from, struct socket *to)
{
	if (likely(socket_queued(to) < from->send_size))
		return true;
	/* Wake senders only when the queue has fallen to a quarter, not at each packet. */
	to->wake_below = MIN(to->wake_below, from->send_size / 4);
	return false;
}

/* The same for poll() of `from`, whose peer is `to`: the wake-up is that of from->writable.  No
 * lock is held. */
bool socket_poll_room(struct socket *from, struct socket *to);

/* `s` is not polled as a sender to its old peer any more. */
void socket_unblock(struct socket *s);

/* There is room at `s`: wake those that poll for it, and one of the threads that wait to send to
 * it; that one wakes the next.  Sleeps. */
void socket_wake_senders(struct socket *s);

/* Wake all that wait to receive from this socket, or to send to it or through it.  Sleeps. */
void socket_wake_all(struct socket *s);

/* Free packets that have been removed from the queue of `s`.  Sleeps. */
void packets_drop(struct socket *s, struct list *packets);

/* Move all packets from the queue of `s` to the list `to`.  s->lock is held. */
void packets_steal(struct socket *s, struct list *to);

/* The length of the first datagram (FIONREAD).  s->lock is held. */
u64 packets_first_length(const struct socket *s);

/* --- Streams (unix_socket_stream.c) ----------------------------------------------------------- */

/* unix_send() and unix_receive() of a stream. */
ssize_t stream_send(struct file *f, struct io_buffer *io, struct socket_message *m);
ssize_t stream_receive(struct file *f, struct io_buffer *io, struct socket_message *m);

bool stream_discard(struct socket *s); /* drop all that was received: was there something? */
u64 stream_length(struct socket *s);   /* bytes to be read */

/* --- Files in flight (unix_socket_flight.c) --------------------------------------------------- */

/* Count `files` as in flight for the user of the calling thread, and the sockets among them as in
 * flight to `to`: 0 or -ETOOMANYREFS.  flight_end() counts them back. */
int flight_begin(struct socket *to, struct socket_files *files);
void flight_end(struct socket *to, const struct socket_files *files);

/* Copy the list, with a reference to each file.  NULL if there is no memory. */
struct socket_files *socket_files_copy(const struct socket_files *files);

/* The connection `s` has been accepted, or its listener closes. */
void flight_leave_listener(struct socket *s);

/* --- Connections (unix_socket.c) -------------------------------------------------------------- */

/* Close a socket whose file has been closed, or (`embryo`) that was never accepted and so has no
 * file.  Sleeps. */
void socket_close(struct socket *s, bool embryo);

/* Take the first pending connection of a listener, with its reference.  0 or an error of accept(2).
 * Sleeps for a connection if `may_wait` is true. */
int socket_accept(struct socket *listener, bool may_wait, struct socket **accepted);

/* Change the peer of a datagram socket (NULL: to none).  Takes over the reference to `peer`.
 * Sleeps. */
void socket_set_datagram_peer(struct socket *s, struct socket *peer);
