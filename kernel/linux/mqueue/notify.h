/* SPDX-License-Identifier: MIT
 *
 * mq_notify(3): one process asks to be told when a message comes into an empty queue.
 */
#pragma once

#include "kernel/lib/base.h"

struct file;
struct process;

#define MQ_COOKIE_SIZE 32

struct notification {
	struct process *owner; /* with a reference; NULL: none is registered */
	int notify, signal;    /* SIGEV_*; the number of the signal */
	u64 value;	       /* of the signal */
	struct file *socket;   /* SIGEV_THREAD: with a reference */
	u8 cookie[MQ_COOKIE_SIZE];
};

/* What ends a notification.  The values are those of the last byte of a cookie. */
enum mq_event { MQ_REFUSED, MQ_ARRIVED, MQ_REMOVED };

/* Tell the owner that a message has come, or the thread that waits for it that it has been removed,
 * and drop the references.  The notification has been taken out of its queue.  No effect if it has
 * no owner.  Sleeps. */
void notification_end(struct notification *n, enum mq_event event);

/* Make a notification for the calling process from a struct sigevent.  0, -EINVAL, -EFAULT, -EBADF
 * (no such socket). */
int notification_make(struct notification *n, u64 user_event);
