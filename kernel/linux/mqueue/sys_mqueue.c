/* SPDX-License-Identifier: MIT
 *
 * The system calls of POSIX message queues.  The C library has removed the slash at the beginning
 * of a name.
 */
#include "kernel/linux/errno.h"
#include "kernel/linux/mqueue/mqueue.h"
#include "kernel/linux/process_parts.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

/* The value of `call`, in which `file` is the queue of descriptor `fd`; or -EBADF. */
#define ON_QUEUE(fd, call) WITH_FILE(fd, file->ops == &mqueue_ops ? (call) : -EBADF)

/* The name of a queue, which the caller frees.  ERR_PTR. */
static char *name_get(u64 user)
{
	char *name = string_get(user);
	int error = IS_ERR(name) ? 0 : mqueue_check_name(name);

	if (!error)
		return name;
	kfree(name);
	return ERR_PTR(error);
}

SYSCALL4(mq_open, user_name, flags, mode, user_attributes)
{
	struct mq_attributes a;
	struct file *f;
	char *name;
	int error;

	if (user_attributes && copy_from_user(&a, (void *)user_attributes, sizeof(a)))
		return -EFAULT;
	name = name_get(user_name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	error = fd_available(); /* before a queue is made */
	f = error ? ERR_PTR(error)
		  : mqueue_open(name, (u32)flags, (u32)mode, user_attributes ? &a : NULL);
	kfree(name);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, 0, true); /* as on Linux */
}

SYSCALL1(mq_unlink, user_name)
{
	char *name = name_get(user_name);
	long result;

	if (IS_ERR(name))
		return PTR_ERR(name);
	result = vfs_unlink(mqueue_superblock->root, name, false);
	kfree(name);
	return result;
}

/* An absolute time of CLOCK_REALTIME as a deadline.  0, -EFAULT, -EINVAL. */
static int deadline_at(u64 user, u64 *deadline)
{
	u64 ns;
	int error = user ? time_get(user, TIMESPEC, &ns) : 0;

	*deadline = user && !error ? deadline_of_realtime(ns) : WAIT_FOREVER;
	return error;
}

static long send(struct file *f, u64 user, size_t size, u32 priority, u64 deadline)
{
	struct message *m;
	int error;

	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (size > mqueue_of(f)->size_most)
		return -EMSGSIZE;
	m = message_load(user, size);
	if (IS_ERR(m))
		return PTR_ERR(m);
	m->type = priority;
	error = mqueue_send(f, m, deadline);
	if (error)
		ipc_free(m);
	return error;
}

SYSCALL5(mq_timedsend, fd, user, size, priority, timeout)
{
	u64 deadline;
	int error = (u32)priority >= MQ_PRIORITY_MAX ? -EINVAL : 0;

	error = error ?: deadline_at(timeout, &deadline);
	return error ?: ON_QUEUE(fd, send(file, user, size, (u32)priority, deadline));
}

static long receive(struct file *f, u64 user, size_t size, u64 user_priority, u64 deadline)
{
	struct message *m;
	long result;

	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (size < mqueue_of(f)->size_most)
		return -EMSGSIZE;
	result = mqueue_receive(f, &m, deadline);
	if (result)
		return result;
	result = (long)m->size;
	if ((user_priority && put_user_u32((u32 *)user_priority, (u32)m->type)) ||
	    copy_to_user((void *)user, m->data, m->size))
		result = -EFAULT;
	ipc_free(m);
	return result;
}

SYSCALL5(mq_timedreceive, fd, user, size, user_priority, timeout)
{
	u64 deadline;
	int error = deadline_at(timeout, &deadline);

	return error ?: ON_QUEUE(fd, receive(file, user, size, user_priority, deadline));
}

/* Set the notification of the queue, or with an owner of NULL remove the caller's.  0 or -EBUSY; in
 * *n is what the caller must end. */
static long notify(struct file *f, struct notification *n)
{
	struct mqueue *q = mqueue_of(f);
	struct notification old = {0};
	int error = 0;

	spin_lock(&q->lock);
	if (n->owner && q->notification.owner) {
		error = -EBUSY;
	} else if (n->owner || q->notification.owner == current_process()) {
		old = q->notification;
		q->notification = *n;
		*n = old;
	}
	spin_unlock(&q->lock);
	return error;
}

SYSCALL2(mq_notify, fd, user_event)
{
	struct notification n = {0};
	long result = user_event ? notification_make(&n, user_event) : 0;

	if (result)
		return result;
	result = ON_QUEUE(fd, notify(file, &n));
	notification_end(&n, result ? MQ_REFUSED : MQ_REMOVED);
	return result;
}

static long exchange_flags(struct file *f, bool set, u64 flags, u64 user_old)
{
	struct mqueue *q = mqueue_of(f);
	struct mq_attributes old = {.most = (s64)q->most, .size_most = (s64)q->size_most};
	u32 before;

	if (set && flags)
		before = __atomic_fetch_or(&f->flags, O_NONBLOCK, __ATOMIC_RELAXED);
	else if (set)
		before = __atomic_fetch_and(&f->flags, ~(u32)O_NONBLOCK, __ATOMIC_RELAXED);
	else
		before = READ_ONCE(f->flags);
	old.flags = before & O_NONBLOCK;
	old.count = (s64)READ_ONCE(q->count);
	return user_old ? copy_to_user((void *)user_old, &old, sizeof(old)) : 0;
}

SYSCALL3(mq_getsetattr, fd, user_new, user_old)
{
	struct mq_attributes new = {0};

	if (user_new && copy_from_user(&new, (void *)user_new, sizeof(new)))
		return -EFAULT;
	if (new.flags & ~(s64)O_NONBLOCK)
		return -EINVAL;
	return ON_QUEUE(fd, exchange_flags(file, user_new, (u64) new.flags, user_old));
}
