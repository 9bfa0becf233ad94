/* SPDX-License-Identifier: MIT
 *
 * Identifiers, keys and permissions of System V objects (svipc(7)): shared memory, semaphore sets
 * and message queues.
 *
 * Lock order: ipc_ids.change, then ipc.lock; ipc_ids.lock is taken alone or under `change`.
 */
#pragma once

#include "kernel/lib/treap.h"
#include "kernel/linux/text.h"
#include "kernel/sync/refcount.h"
#include "kernel/task/mutex.h"

/* Commands and flags of the calls; see also proc_file.h for what /proc shows. */
#define IPC_RMID    0
#define IPC_SET	    1
#define IPC_STAT    2
#define IPC_INFO    3
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000

#define IPC_PRIVATE 0
#define IPC_DEST    01000 /* a bit of the mode: it has been removed, but is still in use */

#define IPC_READ    0444
#define IPC_WRITE   0222

/* struct ipc64_perm of the ABI: the beginning of each structure that IPC_STAT returns. */
struct ipc_perm {
	u32 key, uid, gid, cuid, cgid, mode;
	u16 sequence, pad[3];
	u64 unused[2];
};

/* The beginning of each object. */
struct ipc_ids;
struct ipc {
	struct ipc_ids *ids;  /* the table of its kind */
	struct refcount refs; /* the table has one */
	u32 id;		      /* the index in the table, and above it the sequence number */
	u32 key;	      /* guarded by ipc_ids.change */
	struct treap_node by_key;
	u32 cuid, cgid;	      /* of the creator */
	struct spinlock lock; /* guards what follows, and the object itself */
	u32 uid, gid, mode;
	bool removed;
	s64 changed; /* seconds: the last IPC_SET and the like */
};

/* All objects of one kind. */
struct ipc_ids {
	struct mutex change;  /* serializes the calls that make and remove objects */
	struct spinlock lock; /* guards the table, which changes under `change` too */
	struct ipc **slot;
	u32 size, used;	    /* slots, and how many are in use */
	u32 next, sequence; /* the slot to try next; how often the search began anew */
	struct treap by_key;
	const u64 *limit;   /* the greatest number of objects */
	size_t stat_size;   /* of the structure that IPC_STAT returns */
	size_t time_offset; /* of the time of the last change in it */

	/* Make an object for the get call with this size; ERR_PTR.  Called with `change` held. */
	struct ipc *(*make)(struct ipc_ids *ids, u32 key, u32 flags, u64 size);
	u64 (*size_of)(const struct ipc *o); /* a get call with a larger size is EINVAL */
	/* Fill in what follows the permissions and is not the time of change.  Sleeps. */
	void (*stat)(struct ipc *o, void *structure);
	/* NULL, or check and set what IPC_SET sets besides permissions.  The caller holds o->lock.
	 * Returns 0 or an error. */
	int (*set)(struct ipc *o, const void *structure);
	/* IPC_INFO, or with `usage` SHM_INFO and the like: fill in at most 128 bytes, return how
	 * many. */
	size_t (*info)(void *structure, bool usage);
	u32 stat_command; /* SHM_STAT and the like; then come SHM_INFO and SHM_STAT_ANY */
	/* NULL, or may an object go that IPC_RMID has removed?  The caller holds o->lock. */
	bool (*may_go)(const struct ipc *o);
	/* NULL, or the object goes: wake those that wait for it.  The caller holds o->lock. */
	void (*removed)(struct ipc *o);
	void (*dropped)(struct ipc *o); /* NULL, or it has left the table; `change` is held */
	void (*free)(struct ipc *o);	/* the last reference is gone; sleeps */
};

extern struct lock_class ipc_change_class, ipc_table_class;
#define IPC_IDS_LOCKS(ids)                                                                         \
	.change = MUTEX_INIT((ids).change, &ipc_change_class),                                     \
	.lock = SPINLOCK_INIT(&ipc_table_class)

s64 ipc_now(void); /* seconds of CLOCK_REALTIME */

/* The get calls.  The id, -EACCES, -EEXIST, -ENOENT, -ENOSPC, -EINVAL, -ENOMEM.  Sleeps. */
long ipc_get(struct ipc_ids *ids, u64 key, u64 flags, u64 size);

/* Set the beginning of a new object, for `make`. */
void ipc_init(struct ipc *o, struct ipc_ids *ids, u32 key, u32 flags, struct lock_class *class);

/* How an argument names an object. */
enum ipc_name { IPC_BY_ID, IPC_BY_INDEX };

/* Returns the object with a reference, or ERR_PTR(-EINVAL). */
struct ipc *ipc_find(struct ipc_ids *ids, u64 number, enum ipc_name name);
void ipc_put(struct ipc *o); /* sleeps */

/* May the caller read (IPC_READ), change (IPC_WRITE) or both?  0 or -EACCES. */
int ipc_access(const struct ipc *o, u32 wanted);
/* Is the caller the owner, the creator or root?  0 or -EPERM. */
int ipc_check_owner(const struct ipc *o);

/* The commands that all control calls have.  Sleeps. */
long ipc_control(struct ipc_ids *ids, u64 id, u32 command, u64 user);

/* Remove the object from the table if IPC_RMID has asked for it and it may go.  Sleeps. */
void ipc_reap(struct ipc *o);

u32 ipc_highest(struct ipc_ids *ids); /* the highest index in use, or 0.  Sleeps. */

/* Write the file /proc/sysvipc/NAME: `header`, and what `show` adds for each object. */
void ipc_list(struct ipc_ids *ids, struct text *t, const char *header,
	      void (*show)(struct ipc *o, struct ipc_perm *p, struct text *t));
