/* SPDX-License-Identifier: MIT
 *
 * The file operations of UNIX sockets (open, read, write, poll, close), and their options.
 */
#include "kernel/linux/errno.h"
#include "kernel/linux/socket/unix_socket_internal.h"

#include "kernel/lib/abi.h"

/* The defaults of Linux (net.core.wmem_max and others). */
#define BUFFER_MAX	 212992
#define SEND_SIZE_MIN	 4608
#define RECEIVE_SIZE_MIN 2304

static ssize_t socket_read(struct file *f, struct io_buffer *io, u64 *position)
{
	struct socket_message m;
	ssize_t n;

	if (!io->remaining)
		return 0;
	socket_message_init(&m, 0);
	n = unix_receive(f, io, &m);
	if (m.files)
		socket_files_put(m.files);
	return n;
}

static ssize_t socket_write(struct file *f, struct io_buffer *io, u64 *position)
{
	struct socket_message m;

	socket_message_init(&m, 0);
	return unix_send(f, io, &m);
}

/* The bits of poll(2) that follow from the socket itself.  s->lock is held. */
static u32 poll_state(struct socket *s)
{
	u32 bits = 0;

	if (READ_ONCE(s->error))
		bits |= POLLERR;
	if (s->shutdown == (SHUT_RECEIVE | SHUT_SEND))
		bits |= POLLHUP;
	if (s->shutdown & SHUT_RECEIVE)
		bits |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&s->packets) || !list_empty(&s->pending) ||
	    (s->ring && !pipe_empty(s->ring)))
		bits |= POLLIN | POLLRDNORM;
	if (socket_is_connection(s) &&
	    (s->state == SOCKET_UNCONNECTED || s->state == SOCKET_CONNECTING))
		bits |= POLLHUP;
	return bits;
}

static u32 socket_poll(struct file *f, struct poll_table *table)
{
	struct socket *s = f->private, *peer;
	bool room;
	u32 bits;

	poll_wait_for(table, &s->readable, POLL_READ_BITS);
	poll_wait_for(table, &s->writable, POLL_WRITE_BITS);
	spin_lock(&s->lock);
	bits = poll_state(s);
	room = s->state != SOCKET_LISTENING;
	spin_unlock(&s->lock);
	peer = room ? socket_peer_get(s) : NULL;
	if (peer) {
		room = socket_poll_room(s, peer);
		socket_put(peer);
	}
	return room ? bits | POLLOUT | POLLWRNORM | POLLWRBAND : bits;
}

static long socket_ioctl(struct file *f, u32 request, u64 argument)
{
	struct socket *s = f->private;
	bool listening;
	u64 n;

	if (request != FIONREAD)
		return -ENOTTY;
	spin_lock(&s->lock);
	listening = s->state == SOCKET_LISTENING;
	n = socket_is_connection(s) ? s->bytes : packets_first_length(s);
	spin_unlock(&s->lock);
	if (s->ring)
		n = stream_length(s);
	return listening ? -EINVAL : put_user_u32((u32 *)argument, (u32)n);
}

/* A socket cannot be opened, for example through /proc/PID/fd. */
static int socket_open(struct file *f)
{
	return -ENXIO;
}

static void socket_release(struct file *f)
{
	if (f->private)
		socket_close(f->private, false);
}

static const struct file_ops socket_ops = {
    .open = socket_open,
    .release = socket_release,
    .read = socket_read,
    .write = socket_write,
    .ioctl = socket_ioctl,
    .poll = socket_poll,
};

/* --- New sockets ------------------------------------------------------------------------------ */

/* Create an open file for `s`, whose reference it takes over, or without a socket if `s` is
 * NULL. */
static struct file *socket_file(struct socket *s, u32 flags)
{
	return file_create_anonymous(&socket_ops, O_RDWR | flags, s, S_IFSOCK | 0777);
}

struct file *unix_socket_create(u32 type, u32 flags)
{
	struct socket *s = socket_create(type);
	struct file *f = s ? socket_file(s, flags) : ERR_PTR(-ENOMEM);

	if (s && IS_ERR(f))
		socket_put(s);
	return f;
}

int unix_socket_pair(u32 type, u32 flags, struct file *pair[2])
{
	for (int i = 0; i < 2; i++) {
		pair[i] = unix_socket_create(type, flags);
		if (IS_ERR(pair[i])) {
			if (i)
				file_put(pair[0]);
			return (int)PTR_ERR(pair[i]);
		}
	}
	socket_make_peer(pair[0]->private, pair[1]->private);
	socket_make_peer(pair[1]->private, pair[0]->private);
	return 0;
}

struct file *unix_accept(struct file *f, u32 flags)
{
	struct socket *l = f->private, *s = NULL;
	struct file *new;
	int error;

	if (!socket_is_connection(l))
		return ERR_PTR(-EOPNOTSUPP);
	/* The file is created first: after a connection has been taken, nothing can fail. */
	new = socket_file(NULL, flags);
	if (IS_ERR(new))
		return new;
	error = socket_accept(l, socket_may_wait(f, 0), &s);
	if (error) {
		file_put(new);
		return ERR_PTR(error);
	}
	new->private = s;
	return new;
}

/* --- Options ---------------------------------------------------------------------------------- */

int unix_option_get(struct file *f, u32 option, u32 *value)
{
	struct socket *s = f->private;

	switch (option) {
	case SO_TYPE:
		*value = s->type;
		return 0;
	case SO_DOMAIN:
		*value = s->is_netlink ? AF_NETLINK : AF_UNIX;
		return 0;
	case SO_PROTOCOL:
		*value = 0;
		return 0;
	case SO_ERROR:
		*value = (u32)-socket_error_take(s);
		return 0;
	case SO_ACCEPTCONN:
		*value = READ_ONCE(s->state) == SOCKET_LISTENING;
		return 0;
	case SO_SNDBUF:
		*value = READ_ONCE(s->send_size);
		return 0;
	case SO_RCVBUF:
		*value = READ_ONCE(s->receive_size);
		return 0;
	case SO_REUSEADDR:
		*value = READ_ONCE(s->reuse_address);
		return 0;
	case SO_PASSCRED:
		*value = READ_ONCE(s->pass_cred);
		return 0;
	}
	return -ENOPROTOOPT;
}

/* socket(7): the value is limited and doubled. */
static u32 buffer_size(u32 value, u32 least)
{
	return MAX(MIN(value, (u32)BUFFER_MAX) * 2, least);
}

int unix_option_set(struct file *f, u32 option, u32 value)
{
	struct socket *s = f->private, *peer;

	switch (option) {
	case SO_SNDBUF:
		WRITE_ONCE(s->send_size, buffer_size(value, SEND_SIZE_MIN));
		peer = socket_peer_get(s);
		if (peer) {
			wait_wake_all(&peer->room);
			socket_put(peer);
		}
		wait_wake_all(&s->writable);
		return 0;
	case SO_RCVBUF:
		WRITE_ONCE(s->receive_size, buffer_size(value, RECEIVE_SIZE_MIN));
		return 0;
	case SO_REUSEADDR:
		WRITE_ONCE(s->reuse_address, value != 0);
		return 0;
	case SO_PASSCRED:
		WRITE_ONCE(s->pass_cred, value != 0);
		return 0;
	}
	return -ENOPROTOOPT;
}

void unix_peer_cred(struct file *f, struct ucred *cred)
{
	struct socket *s = f->private;

	spin_lock(&s->lock);
	*cred = s->cred;
	spin_unlock(&s->lock);
}

u64 *unix_timeout(struct file *f, bool send)
{
	struct socket *s = f->private;

	return send ? &s->send_timeout : &s->receive_timeout;
}
