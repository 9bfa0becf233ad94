/* SPDX-License-Identifier: MIT
 *
 * Identifiers, keys and permissions of System V objects (ids.h).
 */
#include "kernel/linux/sysv/ids.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/rights.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define INDEX_BITS    15
#define INDEX_MAX     (1U << INDEX_BITS)
#define SEQUENCE_MASK 0xffffU
#define SIZE_FIRST    16 /* slots of a new table */
#define STAT_MAX      128

struct lock_class ipc_change_class = {"ipc ids change", 0};
struct lock_class ipc_table_class = {"ipc ids", 0};

s64 ipc_now(void)
{
	return (s64)(clock_realtime_ns() / NSEC_PER_SEC);
}

/* --- Permissions ------------------------------------------------------------------------------ */

static bool caller_is_user(const struct ipc *o)
{
	u32 euid = current_thread()->credentials.euid;

	return euid == READ_ONCE(o->uid) || euid == o->cuid;
}

static bool caller_is_group(const struct ipc *o)
{
	return is_member(READ_ONCE(o->gid)) || is_member(o->cgid);
}

/* `wanted` counts whatever triple of bits it has set: the flags of a get call are such bits. */
int ipc_access(const struct ipc *o, u32 wanted)
{
	u32 granted = READ_ONCE(o->mode);

	wanted |= wanted >> 6 | wanted >> 3;
	if (caller_is_user(o))
		granted >>= 6;
	else if (caller_is_group(o))
		granted >>= 3;
	return wanted & ~granted & 7 && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_check_owner(const struct ipc *o)
{
	return caller_is_user(o) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* --- The table -------------------------------------------------------------------------------- */

struct ipc *ipc_find(struct ipc_ids *ids, u64 number, enum ipc_name name)
{
	u32 index = name == IPC_BY_ID ? (u32)number % INDEX_MAX : (u32)number;
	struct ipc *o;

	spin_lock(&ids->lock);
	o = index < ids->size ? ids->slot[index] : NULL;
	if (o && (name == IPC_BY_INDEX || o->id == (u32)number))
		refcount_get(&o->refs);
	else
		o = ERR_PTR(-EINVAL);
	spin_unlock(&ids->lock);
	return o;
}

void ipc_put(struct ipc *o)
{
	if (refcount_put(&o->refs))
		o->ids->free(o);
}

/* The object with this key, or NULL; then *parent and *link are its place. */
static struct ipc *key_find(struct ipc_ids *ids, u32 key, struct treap_node **parent,
			    struct treap_node ***link)
{
	*parent = NULL;
	*link = &ids->by_key.root;
	while (**link) {
		struct ipc *o = treap_entry(**link, struct ipc, by_key);

		if (o->key == key)
			return o;
		*parent = **link;
		*link = key < o->key ? &(*parent)->left : &(*parent)->right;
	}
	return NULL;
}

/* Make room for one object more.  0 or -ENOMEM. */
static int table_grow(struct ipc_ids *ids)
{
	u32 size = ids->size ? ids->size * 2 : SIZE_FIRST;
	struct ipc **slot, **old = ids->slot;

	if (ids->used < ids->size)
		return 0;
	slot = kzalloc(size * sizeof(struct ipc *));
	if (!slot)
		return -ENOMEM;
	spin_lock(&ids->lock);
	if (old)
		memcpy(slot, old, ids->size * sizeof(struct ipc *));
	ids->slot = slot;
	ids->size = size;
	spin_unlock(&ids->lock);
	kfree(old);
	return 0;
}

/* The last object has left the table: free what a load of many objects has made it grow to.  The
 * numbers go on as after the last slot, so that an id is not used again soon. */
static void table_shrink(struct ipc_ids *ids)
{
	struct ipc **slot = ids->slot;

	if (ids->used || ids->size <= SIZE_FIRST)
		return;
	spin_lock(&ids->lock);
	ids->slot = NULL;
	ids->size = ids->next = 0;
	spin_unlock(&ids->lock);
	ids->sequence = (ids->sequence + 1) & SEQUENCE_MASK;
	kfree(slot);
}

/* Give a new object its id and enter it.  The table has a free slot.  Slots are filled in turn, so
 * that an id is not used again soon. */
static u32 table_enter(struct ipc_ids *ids, struct ipc *o)
{
	struct treap_node *parent, **link;
	u32 index;

	do {
		if (ids->next == ids->size) {
			ids->next = 0;
			ids->sequence = (ids->sequence + 1) & SEQUENCE_MASK;
		}
		index = ids->next++;
	} while (ids->slot[index]);
	ids->used++;
	o->id = ids->sequence << INDEX_BITS | index;
	if (o->key != IPC_PRIVATE && !key_find(ids, o->key, &parent, &link))
		treap_insert(&ids->by_key, &o->by_key, parent, link);
	spin_lock(&ids->lock);
	ids->slot[index] = o;
	spin_unlock(&ids->lock);
	return o->id;
}

/* After this no get call finds the object.  The caller holds `change`. */
static void forget_key(struct ipc *o)
{
	if (o->key != IPC_PRIVATE)
		treap_remove(&o->ids->by_key, &o->by_key);
	o->key = IPC_PRIVATE;
}

void ipc_reap(struct ipc *o)
{
	struct ipc_ids *ids = o->ids;
	bool goes;

	mutex_lock(&ids->change);
	spin_lock(&o->lock);
	goes = o->mode & IPC_DEST && !o->removed && (!ids->may_go || ids->may_go(o));
	o->removed |= goes;
	if (goes && ids->removed)
		ids->removed(o);
	spin_unlock(&o->lock);
	if (goes) {
		spin_lock(&ids->lock);
		ids->slot[o->id % INDEX_MAX] = NULL;
		ids->used--;
		spin_unlock(&ids->lock);
		table_shrink(ids);
		if (ids->dropped)
			ids->dropped(o);
		ipc_put(o);
	}
	mutex_unlock(&ids->change);
}

u32 ipc_highest(struct ipc_ids *ids)
{
	u32 index;

	mutex_lock(&ids->change); /* the table may be long and empty: no spinlock for that */
	index = ids->size;
	while (index && !ids->slot[index - 1])
		index--;
	mutex_unlock(&ids->change);
	return index ? index - 1 : 0;
}

/* --- The calls that all kinds have ------------------------------------------------------------ */

void ipc_init(struct ipc *o, struct ipc_ids *ids, u32 key, u32 flags, struct lock_class *class)
{
	const struct credentials *c = &current_thread()->credentials;

	o->ids = ids;
	refcount_init(&o->refs, 1);
	spinlock_init(&o->lock, class);
	o->key = key;
	o->mode = flags & 0777;
	o->uid = o->cuid = c->euid;
	o->gid = o->cgid = c->egid;
	o->changed = ipc_now();
}

/* The object that a get call has found.  Its id or an error. */
static long found(struct ipc_ids *ids, struct ipc *o, u32 flags, u64 size)
{
	if (flags & IPC_CREAT && flags & IPC_EXCL)
		return -EEXIST;
	if (size > ids->size_of(o))
		return -EINVAL;
	return ipc_access(o, flags & 0777) ?: (long)o->id;
}

static long make(struct ipc_ids *ids, u32 key, u32 flags, u64 size)
{
	struct ipc *o;
	int error;

	if (ids->used >= MIN(READ_ONCE(*ids->limit), (u64)INDEX_MAX))
		return -ENOSPC;
	error = table_grow(ids);
	o = error ? ERR_PTR(error) : ids->make(ids, key, flags, size);
	return IS_ERR(o) ? PTR_ERR(o) : table_enter(ids, o);
}

long ipc_get(struct ipc_ids *ids, u64 user_key, u64 user_flags, u64 size)
{
	u32 key = (u32)user_key, flags = (u32)user_flags;
	struct treap_node *parent, **link;
	struct ipc *o = NULL;
	long result;

	mutex_lock(&ids->change);
	if (key != IPC_PRIVATE)
		o = key_find(ids, key, &parent, &link);
	if (o)
		result = found(ids, o, flags, size);
	else if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
		result = -ENOENT;
	else
		result = make(ids, key, flags, size);
	mutex_unlock(&ids->change);
	return result;
}

static void perm_fill(struct ipc *o, struct ipc_perm *p)
{
	spin_lock(&o->lock);
	*p = (struct ipc_perm){.key = o->key,
			       .uid = o->uid,
			       .gid = o->gid,
			       .cuid = o->cuid,
			       .cgid = o->cgid,
			       .mode = o->mode,
			       .sequence = (u16)(o->id >> INDEX_BITS)};
	spin_unlock(&o->lock);
}

static long object_stat(struct ipc_ids *ids, u64 number, enum ipc_name name, bool anybody, u64 user)
{
	struct ipc *o = ipc_find(ids, number, name);
	u64 structure[STAT_MAX / 8] = {0};
	long result;

	if (IS_ERR(o))
		return PTR_ERR(o);
	result = anybody ? 0 : ipc_access(o, IPC_READ);
	if (!result) {
		perm_fill(o, (struct ipc_perm *)structure);
		structure[ids->time_offset / 8] = (u64)READ_ONCE(o->changed);
		ids->stat(o, structure);
		result = copy_to_user((void *)user, structure, ids->stat_size);
	}
	if (!result && name == IPC_BY_INDEX)
		result = o->id;
	ipc_put(o);
	return result;
}

static long object_set(struct ipc_ids *ids, u64 id, u64 user)
{
	u64 structure[STAT_MAX / 8];
	const struct ipc_perm *p = (const struct ipc_perm *)structure;
	struct ipc *o;
	int error;

	if (copy_from_user(structure, (void *)user, ids->stat_size))
		return -EFAULT;
	o = ipc_find(ids, id, IPC_BY_ID);
	if (IS_ERR(o))
		return PTR_ERR(o);
	error = ipc_check_owner(o);
	if (!error && (p->uid == UINT32_MAX || p->gid == UINT32_MAX))
		error = -EINVAL;
	spin_lock(&o->lock);
	if (!error && o->removed)
		error = -EIDRM;
	if (!error && ids->set)
		error = ids->set(o, structure);
	if (!error) {
		WRITE_ONCE(o->uid, p->uid);
		WRITE_ONCE(o->gid, p->gid);
		WRITE_ONCE(o->mode, (o->mode & ~0777U) | (p->mode & 0777));
		WRITE_ONCE(o->changed, ipc_now());
	}
	spin_unlock(&o->lock);
	ipc_put(o);
	return error;
}

static long object_remove(struct ipc_ids *ids, u64 id)
{
	struct ipc *o = ipc_find(ids, id, IPC_BY_ID);
	int error;

	if (IS_ERR(o))
		return PTR_ERR(o);
	error = ipc_check_owner(o);
	if (!error) {
		mutex_lock(&ids->change);
		spin_lock(&o->lock);
		WRITE_ONCE(o->mode, o->mode | IPC_DEST);
		spin_unlock(&o->lock);
		forget_key(o);
		mutex_unlock(&ids->change);
		ipc_reap(o);
	}
	ipc_put(o);
	return error;
}

static long table_info(struct ipc_ids *ids, bool usage, u64 user)
{
	u64 structure[STAT_MAX / 8];
	size_t size = ids->info(structure, usage);

	return copy_to_user((void *)user, structure, size) ?: (long)ipc_highest(ids);
}

long ipc_control(struct ipc_ids *ids, u64 id, u32 command, u64 user)
{
	if ((s32)id < 0)
		return -EINVAL;
	if (command == IPC_RMID)
		return object_remove(ids, id);
	if (command == IPC_SET)
		return object_set(ids, id, user);
	if (command == IPC_STAT)
		return object_stat(ids, id, IPC_BY_ID, false, user);
	if (command == ids->stat_command || command == ids->stat_command + 2)
		return object_stat(ids, id, IPC_BY_INDEX, command != ids->stat_command, user);
	if (command == IPC_INFO || command == ids->stat_command + 1)
		return table_info(ids, command != IPC_INFO, user);
	return -EINVAL;
}

/* The number whose decimal digits are the octal digits of `mode`. */
static u32 octal(u32 mode)
{
	return (mode >> 9 & 7) * 1000 + (mode >> 6 & 7) * 100 + (mode >> 3 & 7) * 10 + (mode & 7);
}

void ipc_list(struct ipc_ids *ids, struct text *t, const char *header,
	      void (*show)(struct ipc *o, struct ipc_perm *p, struct text *t))
{
	text_printf(t, "%s", header);
	for (u32 i = 0, end = READ_ONCE(ids->size); i < end; i++) {
		struct ipc *o = ipc_find(ids, i, IPC_BY_INDEX);
		struct ipc_perm p;

		if (IS_ERR(o))
			continue;
		perm_fill(o, &p);
		text_printf(t, "%10d %10u  %4u ", (s32)p.key, o->id, octal(p.mode));
		show(o, &p, t);
		ipc_put(o);
	}
}
