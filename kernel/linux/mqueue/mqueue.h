/* SPDX-License-Identifier: MIT
 *
 * POSIX message queues (mq_overview(7)): a queue is the inode of a file system of its own.
 */
#pragma once

#include "kernel/fs/internal.h"
#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/mqueue/notify.h"

#define MQ_PRIORITY_MAX 32768 /* MQ_PRIO_MAX */

struct mq_attributes { /* struct mq_attr of the ABI */
	s64 flags, most, size_most, count, reserved[4];
};

struct mqueue {
	u64 most, size_most; /* messages in the queue, bytes of a message */
	u32 uid;	     /* the user whose RLIMIT_MSGQUEUE counts it */
	u64 charge;	     /* bytes that count */
	struct list link;    /* in the list of all queues */

	struct spinlock lock;		      /* guards what follows */
	struct treap messages;		      /* struct message.node: by priority, then by age */
	u64 count, bytes;		      /* of the messages */
	struct list senders, receivers;	      /* threads that wait: struct mq_call.handoff.link */
	struct wait_queue readable, writable; /* of poll() */
	struct notification notification;
};

extern const struct file_ops mqueue_ops;

static inline struct mqueue *mqueue_of(const struct file *f)
{
	return f->inode->private;
}

/* The file system of the queues, and the defaults and limits that /proc/sys/fs/mqueue shows. */
extern struct superblock *mqueue_superblock;

/* Open the queue `name`, which ends with NUL.  With O_CREAT it is made if it does not exist;
 * `attributes` may be NULL.  Returns a file or ERR_PTR.  Sleeps. */
struct file *mqueue_open(const char *name, u32 flags, u32 mode,
			 const struct mq_attributes *attributes);

/* May this be the name of a queue?  0, -ENOENT, -EACCES or -ENAMETOOLONG. */
int mqueue_check_name(const char *name);

/* Send the message and take it over, or receive one.  Both wait until `deadline_ns` unless the file
 * is O_NONBLOCK.  0, -EAGAIN, -ETIMEDOUT or -ERESTARTSYS; then the message of the sender stays the
 * caller's. */
int mqueue_send(struct file *f, struct message *m, u64 deadline_ns);
int mqueue_receive(struct file *f, struct message **m, u64 deadline_ns);
