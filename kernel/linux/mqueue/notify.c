/* SPDX-License-Identifier: MIT
 *
 * mq_notify(3).  For SIGEV_THREAD the C library starts a thread that reads from a socket: the
 * kernel sends it the cookie of the request, whose last byte says what has happened.
 */
#include "kernel/linux/mqueue/notify.h"

#include "kernel/linux/cookie_socket.h"
#include "kernel/linux/errno.h"
#include "kernel/sys/calls.h"

#define SIGEV_SIGNAL 0
#define SIGEV_NONE   1
#define SIGEV_THREAD 2

#define SI_MESGQ     (-3)

struct sigevent { /* of the ABI; 64 bytes */
	u64 value;
	s32 signal, notify;
	u64 rest[6];
};

static void send_signal(const struct notification *n)
{
	struct thread *t = current_thread();
	struct siginfo info = {.signo = n->signal, .code = SI_MESGQ};

	info.kill.pid = t->pid;
	info.kill.uid = t->credentials.uid;
	info.kill.value = n->value;
	if (n->signal)
		(void)signal_send_process(n->owner, n->signal, &info);
}

static void send_cookie(struct notification *n, enum mq_event event)
{
	n->cookie[MQ_COOKIE_SIZE - 1] = (u8)event;
	linker_set_for_each(s, cookie_sockets) s->send(n->socket, n->cookie, MQ_COOKIE_SIZE);
}

void notification_end(struct notification *n, enum mq_event event)
{
	if (!n->owner)
		return;
	if (n->notify == SIGEV_SIGNAL && event == MQ_ARRIVED)
		send_signal(n);
	if (n->socket && event != MQ_REFUSED)
		send_cookie(n, event);
	if (n->socket)
		file_put(n->socket);
	process_put(n->owner);
}

/* The cookie socket of a descriptor, with a reference.  ERR_PTR(-EBADF, -ENOTSOCK, -EINVAL). */
static struct file *socket_get(u32 fd)
{
	struct file *f = fd_get(fd, O_PATH);
	int error = -EINVAL;

	if (!f)
		return ERR_PTR(-EBADF);
	if (!S_ISSOCK(f->inode->mode))
		error = -ENOTSOCK;
	linker_set_for_each(s, cookie_sockets) if (s->is(f)) return f;
	file_put(f);
	return ERR_PTR(error);
}

int notification_make(struct notification *n, u64 user_event)
{
	struct sigevent event;

	if (copy_from_user(&event, (void *)user_event, sizeof(event)))
		return -EFAULT;
	if (event.notify < SIGEV_SIGNAL || event.notify > SIGEV_THREAD)
		return -EINVAL;
	if (event.notify == SIGEV_SIGNAL && (u32)event.signal > SIGNAL_COUNT)
		return -EINVAL;
	*n = (struct notification){
	    .notify = event.notify, .signal = event.signal, .value = event.value};
	if (event.notify == SIGEV_THREAD) {
		if (copy_from_user(n->cookie, (void *)event.value, MQ_COOKIE_SIZE))
			return -EFAULT;
		n->socket = socket_get((u32)event.signal);
		if (IS_ERR(n->socket))
			return (int)PTR_ERR(n->socket);
	}
	n->owner = current_process();
	process_get(n->owner);
	return 0;
}
