/* SPDX-License-Identifier: MIT
 *
 * System V message queues: msgget(2), msgop(2), msgctl(2).  A sender gives its message to the first
 * waiting receiver that wants it.  A receiver that has made room puts the message of a waiting
 * sender into the queue, and that one the next sender's.  So a thread is woken when its call is
 * done.
 */
#include "kernel/linux/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/proc_file.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/sysv/ids.h"
#include "kernel/sys/calls.h"

#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000

#define MSG_STAT    11

/* The oldest message of each type is in two trees, and has the others of its type in a list: so
 * none of the ways to choose one looks at others that are not wanted. */
struct msg_queue {
	struct ipc ipc;
	/* Under ipc.lock. */
	struct treap by_type, by_age;	/* struct message.node and .by_age */
	u64 last_number;		/* of the messages */
	u64 bytes, count;		/* of the messages */
	u64 most;			/* bytes, and messages, in the queue */
	s64 sent, received;		/* seconds: the last msgsnd() and msgrcv() */
	s32 sender, receiver;		/* the processes that called them */
	struct room_waiters senders;	/* threads that wait: struct msg_call.handoff */
	struct list receivers;		/* struct msg_call.handoff.link */
};

/* A msgsnd() or msgrcv() call. */
struct msg_call {
	struct handoff handoff;
	s32 pid;
	struct message *message; /* to be sent, or received */
	s64 type;		 /* of the message; receive: the argument of msgrcv() */
	u64 number;		 /* send: of the message, once it is in the queue */
	u32 flags;
	size_t room; /* receive: the longest message that fits */
};

struct msqid_ds { /* of the ABI */
	struct ipc_perm perm;
	s64 sent, received, changed;
	u64 bytes, count, most;
	s32 sender, receiver;
	u64 unused[2];
};

static u64 limit_msgmax = 8192, limit_msgmnb = 16384, limit_msgmni = 32000;
static u64 messages_total, bytes_total; /* in all queues; atomic */
static struct lock_class queue_class = {"message queue", 0};
static struct ipc_ids ids;

static struct msg_queue *queue_of(struct ipc *o)
{
	return container_of(o, struct msg_queue, ipc);
}

/* --- Sending and receiving; q->ipc.lock is held ------------------------------------------------
 */

static void count(struct msg_queue *q, const struct message *m, int by)
{
	u64 messages = (u64)by, bytes = messages * m->size;

	q->count += messages;
	q->bytes += bytes;
	__atomic_fetch_add(&messages_total, messages, __ATOMIC_RELAXED);
	__atomic_fetch_add(&bytes_total, bytes, __ATOMIC_RELAXED);
}

static u64 room(const void *queue)
{
	const struct msg_queue *q = queue;

	return q->bytes < q->most ? q->most - q->bytes : 0;
}

static bool fits(const struct msg_queue *q, const struct message *m)
{
	return q->bytes + m->size <= q->most && q->count < q->most;
}

/* Walk down to a type: the oldest message of it, or NULL; then *parent and *link are its place. */
static struct message *find(struct msg_queue *q, s64 type, struct treap_node **parent,
			    struct treap_node ***link)
{
	*parent = NULL;
	*link = &q->by_type.root;
	while (**link) {
		struct message *m = treap_entry(**link, struct message, node);

		if (m->type == type)
			return m;
		*parent = **link;
		*link = &(*parent)->child[type > m->type];
	}
	return NULL;
}

static struct message *oldest_of(struct msg_queue *q, s64 type)
{
	struct treap_node *parent, **link;

	return find(q, type, &parent, &link);
}

static void enter_by_age(struct msg_queue *q, struct message *m)
{
	struct treap_node *parent = NULL, **link = &q->by_age.root;

	while (*link) {
		parent = *link;
		link =
		    &parent->child[m->number > treap_entry(parent, struct message, by_age)->number];
	}
	treap_insert(&q->by_age, &m->by_age, parent, link);
}

static void append(struct msg_queue *q, struct message *m)
{
	struct treap_node *parent, **link;
	struct message *oldest = find(q, m->type, &parent, &link);

	m->number = ++q->last_number;
	list_init(&m->same);
	if (oldest) {
		list_push_back(&oldest->same, &m->same);
	} else {
		treap_insert(&q->by_type, &m->node, parent, link);
		enter_by_age(q, m);
	}
	count(q, m, 1);
}

/* Remove the oldest of its type.  The next oldest takes its places. */
static void take(struct msg_queue *q, struct message *m)
{
	struct message *next = list_entry(m->same.next, struct message, same);
	struct treap_node *parent, **link;

	treap_remove(&q->by_type, &m->node);
	treap_remove(&q->by_age, &m->by_age);
	list_remove(&m->same);
	if (next != m) {
		find(q, next->type, &parent, &link);
		treap_insert(&q->by_type, &next->node, parent, link);
		enter_by_age(q, next);
	}
	count(q, m, -1);
}

/* Does the receiver take messages of this type?  For a negative type see choose(). */
static bool wants(const struct msg_call *receiver, s64 type)
{
	if (receiver->type < 0)
		return type <= (receiver->type == INT64_MIN ? INT64_MAX : -receiver->type);
	if (!receiver->type)
		return true;
	return (receiver->type == type) == !(receiver->flags & MSG_EXCEPT);
}

/* Give the message to the receiver.  0, or -E2BIG if it is too long for it. */
static int give(struct msg_queue *q, struct msg_call *receiver, struct message *m)
{
	if (m->size > receiver->room && !(receiver->flags & MSG_NOERROR))
		return -E2BIG;
	receiver->message = m;
	q->receiver = receiver->pid;
	q->received = ipc_now();
	return 0;
}

/* Put the message of a sender into the queue.  Then the sender calls pass_on(). */
static void accept(struct msg_queue *q, struct msg_call *sender)
{
	q->sender = sender->pid;
	q->sent = ipc_now();
	append(q, sender->message);
	sender->number = sender->message->number;
}

/* There may be room: let that sender go on which has waited longest of those whose messages fit. */
static void accept_waiting(struct msg_queue *q)
{
	struct handoff *h = room_first_fit(&q->senders, &q->ipc.lock, room, q);

	if (h && q->count < q->most) {
		accept(q, container_of(h, struct msg_call, handoff));
		handoff_wake(h, 0);
	}
}

/* Give the message that the sender has put into the queue to a receiver that waits for it, and let
 * the next sender go on.  In the walk others get the lock for moments, and may take the message:
 * those of a type are taken in the order of their numbers. */
static void pass_on(struct msg_queue *q, const struct msg_call *sender)
{
	struct handoff at = {0}, *h;
	struct message *m;

	list_push_front(&q->receivers, &at.link);
	while ((h = handoff_walk(&q->receivers, &at, &q->ipc.lock)) &&
	       (m = oldest_of(q, sender->type)) && m->number <= sender->number) {
		struct msg_call *r = container_of(h, struct msg_call, handoff);
		int error;

		if (!wants(r, m->type))
			continue;
		error = give(q, r, m);
		if (!error)
			take(q, m);
		handoff_wake(h, error);
	}
	list_remove(&at.link);
	accept_waiting(q);
}

/* The message that the receiver gets: the oldest that it wants, or with a negative type the oldest
 * of the lowest type.  NULL: there is none. */
static struct message *choose(struct msg_queue *q, const struct msg_call *receiver)
{
	struct treap_node *n =
	    receiver->type < 0 ? treap_first(&q->by_type) : treap_first(&q->by_age);
	struct message *m;

	if (receiver->type > 0 && !(receiver->flags & MSG_EXCEPT))
		return oldest_of(q, receiver->type);
	if (!n)
		return NULL;
	if (receiver->type < 0)
		m = treap_entry(n, struct message, node);
	else
		m = treap_entry(n, struct message, by_age);
	if (!wants(receiver, m->type) && receiver->type > 0) { /* all but this type */
		n = treap_next(n);
		m = n ? treap_entry(n, struct message, by_age) : NULL;
	}
	return m && wants(receiver, m->type) ? m : NULL;
}

static int send(struct msg_queue *q, struct msg_call *c)
{
	int result = 0;

	if (q->ipc.removed)
		return -EIDRM;
	c->handoff.size = c->message->size;
	if (fits(q, c->message))
		accept(q, c);
	else if (c->flags & IPC_NOWAIT)
		result = -EAGAIN;
	else
		result = room_sleep(&q->senders, &c->handoff, &q->ipc.lock, "msgsnd", WAIT_FOREVER);
	if (!result)
		pass_on(q, c);
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

static int wait(struct msg_queue *q, struct msg_call *c)
{
	int result =
	    handoff_sleep(&c->handoff, &q->receivers, &q->ipc.lock, "msgrcv", WAIT_FOREVER);

	return result == -EINTR ? -ERESTARTNOHAND : result;
}

static int receive(struct msg_queue *q, struct msg_call *c)
{
	struct message *m = choose(q, c);
	int error;

	if (q->ipc.removed)
		return -EIDRM;
	if (!m)
		return c->flags & IPC_NOWAIT ? -ENOMSG : wait(q, c);
	error = give(q, c, m);
	if (error)
		return error;
	take(q, m);
	accept_waiting(q);
	return 0;
}

/* --- The calls -------------------------------------------------------------------------------- */

static int call_run(u64 id, struct msg_call *c, u32 wanted,
		    int (*run)(struct msg_queue *q, struct msg_call *c))
{
	struct ipc *o = ipc_find(&ids, id, IPC_BY_ID);
	int error;

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	error = ipc_access(o, wanted);
	if (!error) {
		spin_lock(&o->lock);
		error = run(queue_of(o), c);
		spin_unlock(&o->lock);
	}
	ipc_put(o);
	return error;
}

SYSCALL4(msgsnd, id, user, size, flags)
{
	struct msg_call c = {.pid = current_process()->pid, .flags = (u32)flags};
	int error;

	if ((s64)size < 0 || size > limit_msgmax || (s32)id < 0)
		return -EINVAL;
	if (get_user_u64((u64 *)&c.type, (u64 *)user))
		return -EFAULT;
	if (c.type < 1)
		return -EINVAL;
	c.message = message_load(user + sizeof(c.type), size);
	if (IS_ERR(c.message))
		return PTR_ERR(c.message);
	c.message->type = c.type;
	error = call_run(id, &c, IPC_WRITE, send);
	if (error)
		ipc_free(c.message);
	return error;
}

SYSCALL5(msgrcv, id, user, size, type, flags)
{
	struct msg_call c = {
	    .pid = current_process()->pid, .type = (s64)type, .flags = (u32)flags, .room = size};
	int error;

	if ((s64)size < 0 || (s32)id < 0)
		return -EINVAL;
	if (flags & MSG_COPY)
		return -ENOSYS;
	error = call_run(id, &c, IPC_READ, receive);
	if (error)
		return error;
	size = MIN(size, c.message->size);
	if (put_user_u64((u64 *)user, (u64)c.message->type) ||
	    copy_to_user((void *)(user + sizeof(type)), c.message->data, size))
		error = -EFAULT;
	ipc_free(c.message);
	return error ?: (long)size;
}

/* --- Queues ----------------------------------------------------------------------------------- */

static struct ipc *queue_make(struct ipc_ids *table, u32 key, u32 flags, u64 size)
{
	struct msg_queue *q = ipc_alloc(sizeof(*q));

	if (!q)
		return ERR_PTR(-ENOMEM);
	ipc_init(&q->ipc, table, key, flags, &queue_class);
	q->most = limit_msgmnb;
	room_init(&q->senders);
	list_init(&q->receivers);
	return &q->ipc;
}

static void queue_removed(struct ipc *o)
{
	handoff_wake_all(&queue_of(o)->senders.calls, &o->lock, -EIDRM);
	handoff_wake_all(&queue_of(o)->receivers, &o->lock, -EIDRM);
}

static void queue_free(struct ipc *o)
{
	struct msg_queue *q = queue_of(o);
	struct treap_node *n;

	while ((n = treap_first(&q->by_age))) {
		struct message *m = treap_entry(n, struct message, by_age);

		take(q, m);
		ipc_free(m);
	}
	ipc_free(q);
}

static u64 queue_size(const struct ipc *o)
{
	return UINT64_MAX;
}

static void queue_stat(struct ipc *o, void *structure)
{
	struct msg_queue *q = queue_of(o);
	struct msqid_ds *ds = structure;

	spin_lock(&o->lock);
	ds->sent = q->sent;
	ds->received = q->received;
	ds->bytes = q->bytes;
	ds->count = q->count;
	ds->most = q->most;
	ds->sender = q->sender;
	ds->receiver = q->receiver;
	spin_unlock(&o->lock);
}

static int queue_set(struct ipc *o, const void *structure)
{
	const struct msqid_ds *ds = structure;

	if (ds->most > limit_msgmnb && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	queue_of(o)->most = ds->most;
	accept_waiting(queue_of(o));
	return 0;
}

/* struct msginfo. */
static size_t queue_info(void *structure, bool usage)
{
	u32 most = (u32)limit_msgmnb;
	u32 value[8] = {
	    usage ? READ_ONCE(ids.used) : (u32)(limit_msgmni * limit_msgmnb / 1024),
	    usage ? (u32)READ_ONCE(messages_total) : most,
	    (u32)limit_msgmax,
	    most,
	    (u32)limit_msgmni,
	    16,
	    usage ? (u32)READ_ONCE(bytes_total) : most,
	    UINT16_MAX,
	};

	memcpy(structure, value, sizeof(value));
	return sizeof(value);
}

static struct ipc_ids ids = {
    IPC_IDS_LOCKS(ids),
    .limit = &limit_msgmni,
    .stat_size = sizeof(struct msqid_ds),
    .time_offset = offsetof(struct msqid_ds, changed),
    .make = queue_make,
    .size_of = queue_size,
    .stat_command = MSG_STAT,
    .stat = queue_stat,
    .info = queue_info,
    .set = queue_set,
    .removed = queue_removed,
    .free = queue_free,
};

CALL(msgget, ipc_get(&ids, a, b, 0))

CALL(msgctl, ipc_control(&ids, a, (u32)b, c))

/* --- /proc ------------------------------------------------------------------------------------ */

static void show(struct ipc *o, struct ipc_perm *p, struct text *t)
{
	struct msqid_ds ds;

	queue_stat(o, &ds);
	text_printf(t, " %10lu %10lu %5d %5d ", ds.bytes, ds.count, ds.sender, ds.receiver);
	text_printf(t, "%5u %5u %5u %5u %10ld %10ld %10ld\n", p->uid, p->gid, p->cuid, p->cgid,
		    ds.sent, ds.received, READ_ONCE(o->changed));
}

static void make_msg(struct text *t)
{
	ipc_list(
	    &ids, t,
	    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  "
	    "cgid      stime      rtime      ctime\n",
	    show);
}

PROC_LIMIT(msgmax, INT32_MAX)
PROC_LIMIT(msgmnb, INT32_MAX)
PROC_LIMIT(msgmni, 32768)

PROC_FILES(files) = {
    {"sysvipc/msg", .make = make_msg},
    PROC_LIMIT_FILE("sys/kernel/", msgmax),
    PROC_LIMIT_FILE("sys/kernel/", msgmnb),
    PROC_LIMIT_FILE("sys/kernel/", msgmni),
};
