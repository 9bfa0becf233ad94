/* SPDX-License-Identifier: MIT
 *
 * System V semaphores: semget(2), semop(2), semctl(2).  The operations of one call happen together
 * or not at all.  A call that cannot go on waits at its semaphore, or in the set.  The thread
 * that changes a value carries out the waiting calls that can go on then, and wakes only their
 * threads.
 */
#include "kernel/linux/sysv/sem.h"

#include "kernel/linux/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/deadline.h"
#include "kernel/linux/proc_file.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define GETPID	     11
#define GETVAL	     12
#define GETALL	     13
#define GETNCNT	     14
#define GETZCNT	     15
#define SETVAL	     16
#define SETALL	     17
#define SEM_STAT     18

#define OPS_ON_STACK 16
#define OPS_MAX	     32768

struct semid_ds { /* of the ABI */
	struct ipc_perm perm;
	s64 operated, unused1, changed, unused2;
	u64 count, unused3, unused4;
};

static u64 limit_sem[4] = {32000, 1024000000, 500, 32000}; /* SEMMSL, SEMMNS, SEMOPM, SEMMNI */
#define limit_semmsl limit_sem[0]
#define limit_semmns limit_sem[1]
#define limit_semopm limit_sem[2]
static u64 semaphores_total; /* of all sets; under ids.change, except that it falls anywhere */
static struct lock_class set_class = {"semaphore set", 0};
static struct lock_class all_class = {"semaphores all", 0};
static struct ipc_ids ids;

/* --- semop(2) --------------------------------------------------------------------------------- */

/* Carry out the call, or wait until another thread does it.  set->ipc.lock is held. */
static int call_run(struct sem_set *set, struct sem_call *c, u64 deadline)
{
	int result = sem_call_do(set, c);

	if (!result && c->changes)
		sem_wake(set);
	if (result != SEM_MUST_WAIT)
		return result;
	result = sem_call_wait(set, c, deadline);
	return result == -ETIMEDOUT ? -EAGAIN : result;
}

/* Check the operations.  0 or -EFBIG. */
static int call_check(const struct sem_set *set, struct sem_call *c)
{
	for (u32 i = 0; i < c->count; i++) {
		const struct sembuf *op = &c->ops[i];

		if (op->number >= set->count)
			return -EFBIG;
		c->changes |= op->change;
		c->raises |= op->change > 0;
		c->tests_zero |= !op->change;
		c->undoes |= op->flags & SEM_UNDO && op->change;
	}
	return 0;
}

static int operate(u64 id, struct sem_call *c, u64 deadline)
{
	struct ipc *o = ipc_find(&ids, id, IPC_BY_ID);
	struct sem_set *set;
	int result;

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	set = sem_set_of(o);
	result = call_check(set, c) ?: ipc_access(o, c->changes ? IPC_WRITE : IPC_READ);
	if (!result && c->undoes) {
		c->undo = sem_undo_get(set);
		result = IS_ERR(c->undo) ? (int)PTR_ERR(c->undo) : 0;
	}
	if (!result) {
		spin_lock(&o->lock);
		result = call_run(set, c, deadline);
		spin_unlock(&o->lock);
	}
	ipc_put(o);
	return result;
}

static long semop(u64 id, u64 user_ops, u64 user_count, u64 deadline)
{
	struct sembuf small[OPS_ON_STACK];
	struct sem_call c = {.ops = small, .count = (u32)user_count, .pid = current_process()->pid};
	long result;

	if (c.count < 1 || (s32)id < 0)
		return -EINVAL;
	if (c.count > MIN(READ_ONCE(limit_semopm), (u64)OPS_MAX))
		return -E2BIG;
	if (c.count > OPS_ON_STACK)
		c.ops = kmalloc(c.count * sizeof(*c.ops));
	if (!c.ops)
		return -ENOMEM;
	result = copy_from_user(c.ops, (void *)user_ops, c.count * sizeof(*c.ops));
	if (!result)
		result = operate(id, &c, deadline);
	if (c.ops != small)
		kfree(c.ops);
	return result;
}

CALL(semop, semop(a, b, c, WAIT_FOREVER))

SYSCALL4(semtimedop, id, ops, count, timeout)
{
	u64 deadline;
	int error = deadline_get(timeout, TIMESPEC, &deadline);

	return error ?: semop(id, ops, count, deadline);
}

/* --- Sets ------------------------------------------------------------------------------------- */

static struct ipc *set_make(struct ipc_ids *table, u32 key, u32 flags, u64 count)
{
	struct sem_set *set;

	if (!count)
		return ERR_PTR(-EINVAL);
	if (READ_ONCE(semaphores_total) + count > limit_semmns)
		return ERR_PTR(-ENOSPC);
	set = ipc_alloc(sizeof(*set) + count * sizeof(set->semaphores[0]));
	if (!set)
		return ERR_PTR(-ENOMEM);
	ipc_init(&set->ipc, table, key, flags, &set_class);
	set->count = (u32)count;
	for (u32 i = 0; i < set->count; i++) {
		room_init(&set->semaphores[i].to_rise);
		list_init(&set->semaphores[i].to_be_zero);
		list_init(&set->semaphores[i].changed_link);
	}
	list_init(&set->waiting);
	list_init(&set->changed);
	mutex_init(&set->all_mutex, &all_class);
	__atomic_fetch_add(&semaphores_total, count, __ATOMIC_RELAXED);
	return &set->ipc;
}

static void set_removed(struct ipc *o)
{
	struct sem_set *set = sem_set_of(o);

	handoff_wake_all(&set->waiting, &o->lock, -EIDRM);
	for (u32 i = 0; i < set->count; i++) {
		handoff_wake_all(&set->semaphores[i].to_rise.calls, &o->lock, -EIDRM);
		handoff_wake_all(&set->semaphores[i].to_be_zero, &o->lock, -EIDRM);
		if (i % 256 == 255) {
			spin_unlock(&o->lock);
			spin_lock(&o->lock);
		}
	}
	__atomic_fetch_sub(&semaphores_total, set->count, __ATOMIC_RELAXED);
}

static void set_free(struct ipc *o)
{
	ipc_free(sem_set_of(o));
}

static u64 set_size(const struct ipc *o)
{
	return container_of(o, const struct sem_set, ipc)->count;
}

static void set_stat(struct ipc *o, void *structure)
{
	struct semid_ds *ds = structure;

	ds->count = sem_set_of(o)->count;
	ds->operated = READ_ONCE(sem_set_of(o)->operated);
}

/* struct seminfo. */
static size_t set_info(void *structure, bool usage)
{
	u32 semmns = (u32)limit_semmns, semopm = (u32)limit_semopm;
	u32 value[10] = {
	    semmns,
	    (u32)limit_sem[3],
	    semmns,
	    semmns,
	    (u32)limit_semmsl,
	    semopm,
	    semopm,
	    usage ? READ_ONCE(ids.used) : 20,
	    SEM_VALUE_MAX,
	    usage ? (u32)READ_ONCE(semaphores_total) : SEM_VALUE_MAX,
	};

	memcpy(structure, value, sizeof(value));
	return sizeof(value);
}

static struct ipc_ids ids = {
    IPC_IDS_LOCKS(ids),
    .limit = &limit_sem[3],
    .stat_size = sizeof(struct semid_ds),
    .time_offset = offsetof(struct semid_ds, changed),
    .make = set_make,
    .size_of = set_size,
    .stat_command = SEM_STAT,
    .stat = set_stat,
    .info = set_info,
    .removed = set_removed,
    .free = set_free,
};

SYSCALL3(semget, key, count, flags)
{
	if ((s32)count < 0 || (u32)count > limit_semmsl)
		return -EINVAL;
	return ipc_get(&ids, key, flags, (u32)count);
}

/* --- semctl(2) -------------------------------------------------------------------------------- */

/* The commands about one semaphore. */
static long one_do(struct sem_set *set, u32 number, u32 command, u16 value)
{
	long result = -EIDRM;

	spin_lock(&set->ipc.lock);
	if (!set->ipc.removed) {
		struct semaphore *s = sem_at(set, number);

		result = command == GETVAL    ? s->value
			 : command == GETPID  ? s->pid
			 : command == GETNCNT ? s->waiting[0]
			 : command == GETZCNT ? s->waiting[1]
					      : 0;
		if (command == SETVAL) {
			s->turn++;
			s->value = value;
			s->pid = current_process()->pid;
			sem_changed(set, s);
			set->ipc.changed = ipc_now();
			sem_wake(set);
		}
	}
	spin_unlock(&set->ipc.lock);
	return result;
}

/* Copy or set all values; the lock is released for moments (sem_settle()).  The caller holds
 * all_mutex.  0 or -EIDRM. */
static int all_settle(struct sem_set *set, u16 *value, bool change)
{
	int result = -EIDRM;

	spin_lock(&set->ipc.lock);
	if (!set->ipc.removed) {
		set->all = value;
		set->all_pid = change ? current_process()->pid : 0;
		set->turn += change;
		for (u32 i = 0; i < set->count; i++) {
			sem_settle(set, i);
			if (i % 256 == 255) {
				spin_unlock(&set->ipc.lock);
				spin_lock(&set->ipc.lock);
			}
		}
		set->all = NULL;
		if (change) {
			set->ipc.changed = ipc_now();
			sem_wake(set);
		}
		result = 0;
	}
	spin_unlock(&set->ipc.lock);
	return result;
}

/* GETALL and SETALL. */
static long all_do(struct sem_set *set, bool change, u64 user)
{
	size_t size = set->count * sizeof(u16);
	u16 *value = kmalloc(size);
	long result = value ? 0 : -ENOMEM;

	for (u32 i = 0; i < set->count && !change && !result; i++)
		value[i] = SEM_NO_VALUE;
	if (!result && change)
		result = copy_from_user(value, (void *)user, size);
	for (u32 i = 0; i < set->count && change && !result; i++)
		result = value[i] > SEM_VALUE_MAX ? -ERANGE : 0;
	if (!result) {
		mutex_lock(&set->all_mutex);
		result = all_settle(set, value, change);
		mutex_unlock(&set->all_mutex);
	}
	if (!result && !change)
		result = copy_to_user((void *)user, value, size);
	kfree(value);
	return result;
}

static long values_do(u64 id, u32 number, u32 command, u64 argument)
{
	bool change = command == SETVAL || command == SETALL;
	struct ipc *o;
	long result;

	if (command == SETVAL && (u32)argument > SEM_VALUE_MAX)
		return -ERANGE;
	o = ipc_find(&ids, id, IPC_BY_ID);
	if (IS_ERR(o))
		return PTR_ERR(o);
	result = ipc_access(o, change ? IPC_WRITE : IPC_READ);
	if (!result && (command == GETALL || command == SETALL))
		result = all_do(sem_set_of(o), change, argument);
	else if (!result && number >= sem_set_of(o)->count)
		result = -EINVAL;
	else if (!result)
		result = one_do(sem_set_of(o), number, command, (u16)argument);
	ipc_put(o);
	return result;
}

SYSCALL4(semctl, id, number, command, argument)
{
	switch ((u32)command) {
	case GETALL:
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETVAL:
	case SETALL:
		return values_do(id, (u32)number, (u32)command, argument);
	}
	return ipc_control(&ids, id, (u32)command, argument);
}

/* --- /proc ------------------------------------------------------------------------------------ */

static void show(struct ipc *o, struct ipc_perm *p, struct text *t)
{
	text_printf(t, "%10u %5u %5u %5u %5u %10ld %10ld\n", sem_set_of(o)->count, p->uid, p->gid,
		    p->cuid, p->cgid, READ_ONCE(sem_set_of(o)->operated), READ_ONCE(o->changed));
}

static void make_sem(struct text *t)
{
	ipc_list(&ids, t,
		 "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
		 "ctime\n",
		 show);
}

static void make_limits(struct text *t)
{
	text_printf(t, "%lu\t%lu\t%lu\t%lu\n", limit_sem[0], limit_sem[1], limit_sem[2],
		    limit_sem[3]);
}

static int write_limits(const char *text, size_t length)
{
	return numbers_write(text, limit_sem, 4, INT32_MAX);
}

PROC_FILES(files) = {
    {"sysvipc/sem", .make = make_sem},
    {"sys/kernel/sem", .make = make_limits, .write = write_limits},
};
