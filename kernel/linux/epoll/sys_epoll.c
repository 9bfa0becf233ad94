/* SPDX-License-Identifier: MIT
 *
 * The system calls of epoll.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/deadline.h"
#include "kernel/linux/epoll/epoll.h"
#include "kernel/sys/calls.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EVENTS_MAX    ((u32)INT32_MAX / (u32)sizeof(struct epoll_event))

/* What may stand beside EPOLLEXCLUSIVE. */
#define EXCLUSIVE_EVENTS                                                                           \
	(POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLL_WAKEUP | EPOLL_EDGE | EPOLL_EXCLUSIVE)

SYSCALL1(epoll_create1, flags)
{
	struct file *f;

	if ((u32)flags & ~O_CLOEXEC)
		return -EINVAL;
	f = epoll_create();
	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, 0, flags & O_CLOEXEC);
}

CALL(epoll_create, (s32)a <= 0 ? -EINVAL : sys_epoll_create1(0, 0, 0, 0, 0, 0))

/* The checks that need no lock. */
static int check_control(const struct file *f, u32 operation, const struct file *target,
			 const struct epoll_event *event)
{
	if (!target->ops->poll) /* always ready, such as a regular file */
		return -EPERM;
	if (f == target || !epoll_of(f))
		return -EINVAL;
	if (operation == EPOLL_CTL_DEL || !(event->events & EPOLL_EXCLUSIVE))
		return 0;
	return operation == EPOLL_CTL_MOD || epoll_of(target) || event->events & ~EXCLUSIVE_EVENTS
		   ? -EINVAL
		   : 0;
}

static int control(struct file *f, u32 operation, struct file *target, int fd,
		   struct epoll_event *event)
{
	struct epoll *ep = epoll_of(f);
	int error = check_control(f, operation, target, event);
	struct epoll_item *item;

	if (error)
		return error;
	event->events |= POLLERR | POLLHUP;
	mutex_lock(&ep->lock);
	item = epoll_find(ep, target, fd);
	switch (operation) {
	case EPOLL_CTL_ADD:
		error = item ? -EEXIST : epoll_add(ep, target, fd, event);
		break;
	case EPOLL_CTL_DEL:
		error = item ? 0 : -ENOENT;
		if (item)
			epoll_remove(item);
		break;
	case EPOLL_CTL_MOD:
		error = !item ? -ENOENT : item->events & EPOLL_EXCLUSIVE ? -EINVAL : 0;
		if (!error)
			epoll_modify(item, event);
		break;
	default:
		error = -EINVAL;
	}
	mutex_unlock(&ep->lock);
	return error;
}

SYSCALL4(epoll_ctl, epoll_fd, operation, fd, user)
{
	struct epoll_event event = {0};

	if ((u32)operation != EPOLL_CTL_DEL && copy_from_user(&event, (void *)user, sizeof(event)))
		return -EFAULT;
	return WITH_FILE(epoll_fd, ({
				 struct file *f = file;
				 WITH_FILE(fd, control(f, (u32)operation, file, (int)fd, &event));
			 }));
}

static long wait_file(struct file *f, u64 user, u64 max, u64 deadline_ns)
{
	if ((s32)max <= 0 || (u32)max > EVENTS_MAX)
		return -EINVAL;
	if (!user_range_ok(user, (u32)max * sizeof(struct epoll_event)))
		return -EFAULT;
	return epoll_of(f) ? epoll_wait(epoll_of(f), user, (u32)max, deadline_ns) : -EINVAL;
}

/* With a signal mask during the call, if `mask` is not 0.  No signal handler restarts the call. */
static long do_wait(u64 fd, u64 user, u64 max, u64 deadline_ns, u64 mask, u64 mask_size)
{
	sigset_t set;
	int error = mask ? sigset_get(&set, mask, mask_size) : 0;

	if (error)
		return error;
	if (mask)
		signal_set_temporary_mask(set);
	return WITH_FILE(fd, wait_file(file, user, max, deadline_ns));
}

static u64 deadline_of_ms(u64 timeout)
{
	return (s32)timeout < 0 ? WAIT_FOREVER : deadline_after((u32)timeout * NSEC_PER_MSEC);
}

CALL(epoll_wait, do_wait(a, b, c, deadline_of_ms(d), 0, 0))
CALL(epoll_pwait, do_wait(a, b, c, deadline_of_ms(d), e, f))

SYSCALL6(epoll_pwait2, fd, user, max, timeout, mask, mask_size)
{
	u64 deadline;
	int error = deadline_get(timeout, TIMESPEC, &deadline);

	return error ?: do_wait(fd, user, max, deadline, mask, mask_size);
}
