/* SPDX-License-Identifier: MIT
 *
 * The UNIX socket itself: creating and freeing it, and helpers for all its operations.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/linux/socket/unix_socket_internal.h"
#include "kernel/mem/slab.h"

/* The default of Linux (net.core.wmem_default). */
#define BUFFER_DEFAULT 212992

static struct lock_class socket_class = {"socket", 0};
static struct lock_class reader_class = {"socket reader", 0};
static struct lock_class ring_class = {"socket ring", 0};
static struct slab_cache *socket_cache;

static void unix_socket_init(void)
{
	socket_cache = slab_cache_create("socket", sizeof(struct socket), 8);
}

INIT_CALL(50, unix_socket_init);

struct socket *socket_create(u32 type)
{
	struct socket *s = slab_alloc_zeroed(socket_cache);

	if (!s)
		return NULL;
	if (type == SOCK_STREAM) {
		s->ring = pipe_new();
		if (!s->ring) {
			slab_free(socket_cache, s);
			return NULL;
		}
		mutex_init(&s->ring->lock, &ring_class);
	}
	list_init(&s->marks);
	refcount_init(&s->refs, 1);
	s->type = type;
	mutex_init(&s->reader, &reader_class);
	spinlock_init(&s->lock, &socket_class);
	s->cred = (struct ucred){0, UINT32_MAX, UINT32_MAX};
	list_init(&s->packets);
	list_init(&s->pending);
	list_init(&s->pending_link);
	list_init(&s->abstract_link);
	list_init(&s->blocked);
	list_init(&s->blocked_link);
	s->wake_below = NOBODY_WAITS;
	s->send_size = s->receive_size = BUFFER_DEFAULT;
	wait_queue_init(&s->readable, "socket_read");
	wait_queue_init(&s->writable, "socket_write");
	wait_queue_init(&s->room, "socket_write");
	return s;
}

void socket_put(struct socket *s)
{
	if (!refcount_put(&s->refs))
		return;
	unix_name_put(s->name);
	if (s->ring) {
		pipe_pages_free(s->ring->pages, s->ring->count);
		kfree(s->ring);
	}
	slab_free(socket_cache, s);
}

struct socket *socket_of(const struct file *f)
{
	return S_ISSOCK(f->inode->mode) ? f->private : NULL;
}

bool unix_is_socket(const struct file *f)
{
	return socket_of(f);
}

struct socket *socket_peer_get(struct socket *s)
{
	struct socket *peer;

	spin_lock(&s->lock);
	peer = s->peer;
	if (peer)
		socket_get(peer);
	spin_unlock(&s->lock);
	return peer;
}

int socket_error_take(struct socket *s)
{
	return READ_ONCE(s->error) ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_RELAXED) : 0;
}

int socket_receive_state(struct socket *s)
{
	int error = socket_error_take(s);

	if (!error && READ_ONCE(s->shutdown) & SHUT_RECEIVE)
		return RECEIVE_END;
	return error;
}

/* signal(7): a call with a timeout is not restarted. */
int socket_wait_error(int error, u64 timeout)
{
	if (error == -EINTR)
		return timeout ? -EINTR : -ERESTARTSYS;
	return error == -ETIMEDOUT ? -EAGAIN : error;
}

void socket_make_peer(struct socket *s, struct socket *peer)
{
	socket_get(peer);
	s->peer = peer;
	s->cred = socket_current_cred(true);
	s->state = SOCKET_CONNECTED;
}
