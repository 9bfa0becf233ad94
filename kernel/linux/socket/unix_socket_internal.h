/* SPDX-License-Identifier: MIT
 *
 * Between the files of the UNIX sockets.
 *
 * No two sockets are ever locked together: who sends locks the receiver, who connects the listener,
 * then itself.  That a stream's peer, once there, stays until its own end closes makes this enough.
 */
#pragma once

#include "kernel/linux/socket/unix_socket.h"

/* What socket names point to; shared by a listener and the sockets it accepted. */
struct unix_name {
	struct refcount refs;
	struct inode *inode; /* of a path, with a reference; NULL: an abstract name */
	struct unix_address address;
};

enum socket_state { SOCKET_UNCONNECTED, SOCKET_CONNECTING, SOCKET_CONNECTED, SOCKET_LISTENING };

struct socket {
	struct refcount refs;
	u32 type;
	struct mutex reader; /* taken around the copying out of packets: only who holds it removes
				them, or the last who closes */

	struct spinlock lock; /* guards what follows */
	enum socket_state state;
	u32 shutdown; /* SHUT_* */
	bool dead;    /* its file is closed */
	bool binding; /* bind() is under way */
	bool reuse_address, pass_cred;
	int error;	     /* to be told once, positive; atomic, taken without the lock */
	struct socket *peer; /* with a reference */
	struct unix_name *name;
	struct ucred cred;   /* the peer's when it connected; a listener's own */
	struct list packets; /* received */
	u32 queued;	     /* bytes of memory that they take ... */
	u64 bytes;	     /* ... and of data */
	u32 wake_below;	     /* senders wait for `queued` to fall so low; NOBODY_WAITS */
	struct list pending; /* a listener's: connected, not yet accepted */
	u32 pending_count, backlog;
	u32 send_size, receive_size;	   /* SO_SNDBUF, SO_RCVBUF */
	u64 send_timeout, receive_timeout; /* ns; 0: none */

	struct wait_queue readable; /* data, or a connection to accept */
	struct wait_queue writable; /* room at the peer; a listener's: room for connections */

	struct list pending_link;  /* under the listener's lock */
	struct list abstract_link; /* under unix_name.c's mutex */

	/* Under flight_lock (unix_socket_flight.c). */
	struct socket *listener; /* not yet accepted by this one */
	u32 in_flight;		 /* how often it is among files on their way */
	u32 holding; /* sockets on their way to it, or to what it has not yet accepted */
};

#define NOBODY_WAITS UINT32_MAX

/* --- The socket itself (unix_socket_object.c) ------------------------------------------------- */

/* A socket without a name and a peer, with one reference; NULL: no memory. */
struct socket *socket_create(u32 type);

static inline void socket_get(struct socket *s)
{
	refcount_get(&s->refs);
}

void socket_put(struct socket *s);		/* sleeps */

/* The caller's ids: what connections tell of their end (effective), and messages (real). */
void socket_current_cred(struct ucred *cred, bool effective);

struct socket *socket_of(const struct file *f); /* NULL: no socket */

/* The peer with a reference, or NULL. */
struct socket *socket_peer_get(struct socket *s);

static inline bool socket_is_connection(const struct socket *s)
{
	return s->type != SOCK_DGRAM;
}

/* May the call on `f` sleep, and until when?  What the end of a sleep means for it. */
bool socket_may_wait(const struct file *f, u32 message_flags);
u64 socket_deadline(u64 timeout);
int socket_wait_error(int error, u64 timeout);

int socket_error_take(struct socket *s); /* 0 or what it has to tell, once */

/* Wake all threads that wait to receive from this socket or to send through it. */
void socket_wake_both(struct socket *s);

/* Connect `s`, which no other thread can reach, to `peer`, with a reference and the caller's ids. */
void socket_make_peer(struct socket *s, struct socket *peer);

/* --- Names (unix_socket_name.c) --------------------------------------------------------------- */

/* The socket of this name: ERR_PTR(-ECONNREFUSED, -EPROTOTYPE, -EINVAL and the path's errors). */
struct socket *unix_name_find(const struct unix_address *address, u32 type);
void unix_name_put(struct unix_name *name); /* NULL: nothing.  Sleeps. */
void unix_name_withdraw(struct socket *s);  /* nobody finds it any more */
int unix_bind_automatically(struct socket *s);

/* --- Packets (unix_socket_packet.c) ----------------------------------------------------------- */

/* A socket queues packets of at most a page.  A datagram is a row of packets that are queued at
 * once, the last of them marked; in a stream each packet is on its own. */
struct packet {
	struct list link;
	struct unix_name *from;	    /* with a reference; NULL: the sender had none */
	struct socket_files *files; /* come with the first byte */
	struct ucred cred;
	u32 start, end; /* data not yet read; under the receiver's `reader` */
	u32 charge;	/* memory it stands for */
	bool last;	/* of its datagram */
	char data[];
};

/* Where senders to a datagram socket wait, and others' where their own is. */
extern struct wait_queue datagram_room;

static inline struct wait_queue *socket_room_queue(struct socket *sender)
{
	return sender->type == SOCK_DGRAM ? &datagram_room : &sender->writable;
}

/* Can `from` send to `to` without waiting for room?  If not, it will be woken.  Under to->lock. */
bool socket_has_room(struct socket *from, struct socket *to);

void socket_wake_senders(struct socket *s);

/* Throw away packets that have left the socket's queue. */
void packets_drop(struct socket *s, struct list *packets);

/* Take all out of the queue, to be dropped.  Under s->lock. */
void packets_steal(struct socket *s, struct list *to);

/* The first message's length: FIONREAD of datagrams.  Under s->lock. */
u64 packets_first_length(const struct socket *s);

/* --- Files on their way (unix_socket_flight.c) ------------------------------------------------ */

/* They start on their way to a socket: 0 or -ETOOMANYREFS.  They end it there. */
int flight_begin(struct socket *to, const struct socket_files *files);
void flight_end(struct socket *to, const struct socket_files *files);

/* With references of its own; NULL: no memory. */
struct socket_files *socket_files_copy(const struct socket_files *files);

/* `s` is accepted, or its listener closes. */
void flight_leave_listener(struct socket *s);

/* --- Connections (unix_socket.c) -------------------------------------------------------------- */

/* The file of the socket has been closed, or (`embryo`) it will never have one.  Sleeps. */
void socket_close(struct socket *s, bool embryo);

/* Take the first connection that waits at the listener, with its reference: 0 or an error of
 * accept(2).  Sleeps if `may_wait`. */
int socket_accept(struct socket *listener, bool may_wait, struct socket **accepted);

/* A datagram socket's peer changes to `peer`, whose reference it takes over, or to none.  Sleeps. */
void socket_set_datagram_peer(struct socket *s, struct socket *peer);
