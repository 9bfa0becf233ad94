/* SPDX-License-Identifier: MIT
 *
 * The queues: making and opening them, and the messages in them.  A sender gives its message to the
 * receiver that has waited longest.  A receiver that has made room puts the message of the sender
 * that has waited longest into the queue.
 */
#include "kernel/linux/mqueue/mqueue.h"

#include "kernel/fs/file_events.h"
#include "kernel/fs/rights.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/linux/limits.h"
#include "kernel/linux/proc_file.h"
#include "kernel/mem/slab.h"
#include "kernel/task/process.h"

#define MQUEUE_MAGIC 0x19800202

/* What Linux lets a user with CAP_SYS_RESOURCE choose, and what its own structures cost of
 * RLIMIT_MSGQUEUE. */
#define HARD_MOST	65536
#define HARD_SIZE_MOST	(16 << 20)
#define MESSAGE_CHARGE	48
#define PRIORITY_CHARGE 48
#define LIMIT_DEFAULT	819200

#define STATUS_SIZE	80 /* of what read() gives */

struct superblock *mqueue_superblock;

static struct lock_class queue_class = {"POSIX queue", 0};
static struct lock_class queues_class = {"POSIX queues", 0};
static struct spinlock queues_lock = SPINLOCK_INIT(&queues_class); /* guards the next two */
static struct list queues = LIST_INIT(queues);
static u64 queue_count;

static u64 limit_msg_max = 10, limit_msgsize_max = 8192, limit_queues_max = 256,
	   limit_msg_default = 10, limit_msgsize_default = 8192;

/* --- Messages; q->lock is held ---------------------------------------------------------------- */

struct mq_call {
	struct handoff handoff;
	struct message *message;
};

static void insert(struct mqueue *q, struct message *m)
{
	struct treap_node *parent = NULL, **link = &q->messages.root;

	while (*link) {
		parent = *link;
		link = m->type > treap_entry(parent, struct message, node)->type ? &parent->left
										 : &parent->right;
	}
	treap_insert(&q->messages, &m->node, parent, link);
	q->count++;
	q->bytes += m->size;
}

static struct message *take(struct mqueue *q)
{
	struct message *m = treap_entry(treap_first(&q->messages), struct message, node);

	treap_remove(&q->messages, &m->node);
	q->count--;
	q->bytes -= m->size;
	return m;
}

/* The call that has waited longest in a list, or NULL. */
static struct mq_call *waiting(struct list *calls)
{
	return list_empty(calls) ? NULL : list_first(calls, struct mq_call, handoff.link);
}

static int wait(struct file *f, struct mq_call *c, struct list *calls, const char *name,
		u64 deadline)
{
	int result;

	if (READ_ONCE(f->flags) & O_NONBLOCK)
		return -EAGAIN;
	result = handoff_sleep(&c->handoff, calls, &mqueue_of(f)->lock, name, deadline);
	return result == -EINTR ? -ERESTARTSYS : result;
}

int mqueue_send(struct file *f, struct message *m, u64 deadline_ns)
{
	struct mq_call c = {.message = m}, *receiver;
	struct notification told = {0};
	struct mqueue *q = mqueue_of(f);
	bool added = false;
	int error = 0;

	spin_lock(&q->lock);
	receiver = waiting(&q->receivers);
	if (q->count >= q->most) {
		error = wait(f, &c, &q->senders, "mq_send", deadline_ns);
	} else if (receiver) {
		receiver->message = m;
		handoff_wake(&receiver->handoff, 0);
	} else {
		insert(q, m);
		added = true;
		if (q->count == 1) {
			told = q->notification;
			q->notification.owner = NULL;
		}
	}
	spin_unlock(&q->lock);
	if (added) /* without the lock, for many may poll */
		wait_wake_one(&q->readable);
	notification_end(&told, MQ_ARRIVED);
	return error;
}

int mqueue_receive(struct file *f, struct message **m, u64 deadline_ns)
{
	struct mqueue *q = mqueue_of(f);
	struct mq_call c = {0}, *sender;
	bool has_room = false;
	int error = 0;

	spin_lock(&q->lock);
	if (!q->count) {
		error = wait(f, &c, &q->receivers, "mq_receive", deadline_ns);
		*m = c.message;
	} else {
		*m = take(q);
		sender = waiting(&q->senders);
		if (sender) {
			insert(q, sender->message);
			handoff_wake(&sender->handoff, 0);
		} else {
			has_room = true;
		}
	}
	spin_unlock(&q->lock);
	if (has_room)
		wait_wake_one(&q->writable);
	return error;
}

/* --- The file of a queue ---------------------------------------------------------------------- */

static ssize_t queue_read(struct file *f, struct io_buffer *io, u64 *position)
{
	struct mqueue *q = mqueue_of(f);
	char text[STATUS_SIZE + 1];
	struct notification n;
	u64 bytes;
	ssize_t got;
	int length;

	spin_lock(&q->lock);
	bytes = q->bytes;
	n = q->notification;
	length =
	    scnprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		      bytes, n.owner ? n.notify : 0, n.owner && !n.notify ? n.signal : 0,
		      n.owner ? n.owner->pid : 0);
	spin_unlock(&q->lock);
	if (*position >= (u64)length)
		return 0;
	got = io_put(io, text + *position, MIN((u64)length - *position, io->remaining));
	if (got > 0)
		*position += (u64)got;
	return got;
}

static u32 queue_poll(struct file *f, struct poll_table *table)
{
	struct mqueue *q = mqueue_of(f);
	u32 bits = 0;

	poll_wait_for(table, &q->readable, POLL_READ_BITS);
	poll_wait_for(table, &q->writable, POLL_WRITE_BITS);
	spin_lock(&q->lock);
	if (q->count)
		bits |= POLLIN | POLLRDNORM;
	if (q->count < q->most)
		bits |= POLLOUT | POLLWRNORM;
	spin_unlock(&q->lock);
	return bits;
}

const struct file_ops mqueue_ops = {.read = queue_read, .poll = queue_poll};

/* A process that closes the queue does not want its notification any more. */
static void closed(struct file_table *t, struct file *f)
{
	struct notification n;
	struct mqueue *q;

	if (f->ops != &mqueue_ops)
		return;
	q = mqueue_of(f);
	spin_lock(&q->lock);
	n = q->notification;
	if (n.owner == current_process())
		q->notification.owner = NULL;
	else
		n.owner = NULL; /* that of another process stays */
	spin_unlock(&q->lock);
	notification_end(&n, MQ_REMOVED);
}

FILE_EVENTS(events) = {.close = closed};

/* --- Making queues ---------------------------------------------------------------------------- */

static void queue_release(struct inode *inode)
{
	struct mqueue *q = inode->private;

	if (!q)
		return;
	while (q->count)
		ipc_free(take(q));
	spin_lock(&queues_lock);
	list_remove(&q->link);
	queue_count--;
	spin_unlock(&queues_lock);
}

static const struct inode_ops queue_inode_ops = {.release = queue_release};

/* 0, -EINVAL or -EOVERFLOW. */
static int attributes_check(const struct mq_attributes *a)
{
	bool free = capable(CAP_SYS_RESOURCE);
	s64 most = free ? HARD_MOST : (s64)limit_msg_max;
	s64 size_most = free ? HARD_SIZE_MOST : (s64)limit_msgsize_max;

	if (a->most <= 0 || a->size_most <= 0 || a->most > most || a->size_most > size_most)
		return -EINVAL;
	return 0;
}

/* Enter the queue into the list of all, within the limits.  0, -EMFILE or -ENOSPC. */
static int queue_enter(struct mqueue *q)
{
	u64 sum = q->charge, limit = current_limit(RLIMIT_MSGQUEUE);
	struct mqueue *other;
	int error = 0;

	spin_lock(&queues_lock);
	list_for_each (other, &queues, link)
		sum += other->uid == q->uid ? other->charge : 0;
	if (queue_count >= limit_queues_max && !capable(CAP_SYS_RESOURCE))
		error = -ENOSPC;
	else if (sum > limit)
		error = -EMFILE;
	if (!error) {
		list_push_back(&queues, &q->link);
		queue_count++;
	}
	spin_unlock(&queues_lock);
	return error;
}

static struct inode *queue_make(u32 mode, const struct mq_attributes *a)
{
	struct inode *inode;
	struct mqueue *q;
	int error = attributes_check(a);

	if (error)
		return ERR_PTR(error);
	inode = inode_create(mqueue_superblock, S_IFREG | mode, &queue_inode_ops, &mqueue_ops);
	q = IS_ERR(inode) ? NULL : kzalloc(sizeof(*q));
	if (!q) {
		if (!IS_ERR(inode))
			inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	q->most = (u64)a->most;
	q->size_most = (u64)a->size_most;
	q->uid = current_thread()->credentials.uid;
	q->charge = q->most * (q->size_most + MESSAGE_CHARGE) +
		    MIN(q->most, (u64)MQ_PRIORITY_MAX) * PRIORITY_CHARGE;
	spinlock_init(&q->lock, &queue_class);
	list_init(&q->senders);
	list_init(&q->receivers);
	wait_queue_init(&q->readable, "mq_poll");
	wait_queue_init(&q->writable, "mq_poll");
	error = queue_enter(q);
	if (error) {
		kfree(q);
		inode_put(inode);
		return ERR_PTR(error);
	}
	inode->private = q;
	inode->size = STATUS_SIZE;
	return inode;
}

static struct mq_attributes defaults(void)
{
	return (struct mq_attributes){.most = (s64)MIN(limit_msg_default, limit_msg_max),
				      .size_most =
					  (s64)MIN(limit_msgsize_default, limit_msgsize_max)};
}

/* A file that is made in the file system by open(2) is a queue, too. */
static struct inode *make_by_name(struct superblock *sb, u32 mode, u64 rdev, const char *target)
{
	struct mq_attributes a = defaults();

	return S_ISREG(mode) ? queue_make(mode & 07777, &a) : ERR_PTR(-EPERM);
}

/* --- Opening ---------------------------------------------------------------------------------- */

int mqueue_check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strnlen(name, NAME_MAX + 1) > NAME_MAX)
		return -ENAMETOOLONG;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

/* May the caller open the queue so?  0 or -EACCES. */
static int open_check(const struct inode *inode, u32 flags)
{
	static const u32 wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE};

	return may_access(inode, wanted[flags & O_ACCMODE]);
}

/* The inode of the queue, with a reference, which is made if the flags say so.  ERR_PTR.  The
 * caller holds the lock of the directory. */
static struct inode *find_or_make(const char *name, u32 flags, u32 mode,
				  const struct mq_attributes *attributes)
{
	struct inode *dir = mqueue_superblock->root, *inode;
	size_t length = strlen(name);
	struct mq_attributes a = defaults();
	int error = 0;

	inode = directory_lookup(dir, name, length);
	if (!IS_ERR(inode)) {
		if (flags & O_CREAT && flags & O_EXCL)
			error = -EEXIST;
		error = error ?: open_check(inode, flags);
	} else if (PTR_ERR(inode) == -ENOENT && flags & O_CREAT) {
		if (may_access(dir, MAY_WRITE | MAY_EXEC))
			return ERR_PTR(-EACCES);
		inode = queue_make(mode & 07777 & ~context_umask(), attributes ?: &a);
		return IS_ERR(inode) ? inode : vfs_enter(dir, name, length, inode);
	}
	if (!error)
		return inode;
	inode_put(inode);
	return ERR_PTR(error);
}

struct file *mqueue_open(const char *name, u32 flags, u32 mode,
			 const struct mq_attributes *attributes)
{
	struct inode *dir = mqueue_superblock->root, *inode;
	struct file *f;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);
	mutex_lock(&dir->lock);
	inode = find_or_make(name, flags, mode, attributes);
	mutex_unlock(&dir->lock);
	if (IS_ERR(inode))
		return (struct file *)inode;
	f = file_create(inode, &mqueue_ops, flags & (O_ACCMODE | O_NONBLOCK));
	inode_put(inode);
	if (IS_ERR(f) || !file_set_path(f, "/%s", name))
		return f;
	file_put(f);
	return ERR_PTR(-ENOMEM);
}

static void mqueue_start(void)
{
	kernel_process->limits.value[RLIMIT_MSGQUEUE] =
	    (struct rlimit){LIMIT_DEFAULT, LIMIT_DEFAULT};
	mqueue_superblock = vfs_mount("/dev/mqueue", "mqueue", MQUEUE_MAGIC, 01777);
	mqueue_superblock->make = make_by_name;
}

INIT_CALL(50, mqueue_start);

PROC_LIMIT(msg_max, HARD_MOST)
PROC_LIMIT(msgsize_max, HARD_SIZE_MOST)
PROC_LIMIT(queues_max, INT32_MAX)
PROC_LIMIT(msg_default, HARD_MOST)
PROC_LIMIT(msgsize_default, HARD_SIZE_MOST)

PROC_FILES(files) = {
    PROC_LIMIT_FILE("sys/fs/mqueue/", msg_max),
    PROC_LIMIT_FILE("sys/fs/mqueue/", msgsize_max),
    PROC_LIMIT_FILE("sys/fs/mqueue/", queues_max),
    PROC_LIMIT_FILE("sys/fs/mqueue/", msg_default),
    PROC_LIMIT_FILE("sys/fs/mqueue/", msgsize_default),
};
