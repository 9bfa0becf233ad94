/* SPDX-License-Identifier: MIT
 *
 * System V shared memory: shmget(2), shmop(2), shmctl(2).  A segment is a memory object.  Each of
 * its mappings is a region that has the file of the segment, so the regions tell what is attached,
 * and the list of mappings of the object is the one count of them.
 */
#include "kernel/fs/vfs.h"
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/proc_file.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/sysv/ids.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

#define SHM_RDONLY  010000
#define SHM_RND	    020000
#define SHM_REMAP   040000
#define SHM_EXEC    0100000

#define SHM_HUGETLB 04000

#define SHM_DEST    01000 /* bits of the mode: removed, but still attached */
#define SHM_LOCKED  02000

#define SHM_LOCK    11
#define SHM_UNLOCK  12
#define SHM_STAT    13

struct segment {
	struct ipc ipc;
	u64 size;		  /* bytes, as shmget() was told */
	struct vm_object *object; /* with a reference */
	struct file *file;	  /* of its regions.  The table's reference ends with ipc.removed */
	s32 creator;
	/* Under ipc.lock. */
	u32 attaching; /* shmat() calls whose region is not made yet */
	s32 last;      /* the process that attached or detached last */
	s64 attached, detached;
};

struct shmid_ds { /* of the ABI */
	struct ipc_perm perm;
	u64 size;
	s64 attached, detached, changed;
	s32 creator, last;
	u64 attaches, unused[2];
};

static u64 limit_shmmax = UINT64_MAX - (1UL << 24), limit_shmall = UINT64_MAX - (1UL << 24),
	   limit_shmmni = 4096;
static u64 pages_total; /* of all segments; under ids.change */
static struct lock_class segment_class = {"shm segment", 0};
static struct ipc_ids ids;

static struct segment *segment_of(struct ipc *o)
{
	return container_of(o, struct segment, ipc);
}

static u64 segment_pages(const struct segment *s)
{
	return DIV_ROUND_UP(s->size, PAGE_SIZE);
}

/* --- Making and removing ---------------------------------------------------------------------- */

static void file_release(struct file *f)
{
	ipc_put(f->private);
}

static const struct file_ops segment_ops = {.release = file_release};

/* The file that /proc/PID/maps shows for the regions; it has a reference to the segment. */
static struct file *segment_file(struct segment *s)
{
	struct file *f = file_create_anonymous(&segment_ops, O_RDWR, s, S_IFREG | 0777);

	if (IS_ERR(f))
		return f;
	refcount_get(&s->ipc.refs);
	if (!file_set_path(f, "/SYSV%08x (deleted)", s->ipc.key))
		return f;
	file_put(f);
	return ERR_PTR(-ENOMEM);
}

static struct ipc *segment_make(struct ipc_ids *table, u32 key, u32 flags, u64 size)
{
	struct segment *s;

	if (size < 1 || size > limit_shmmax || flags & SHM_HUGETLB) /* there are no huge pages */
		return ERR_PTR(-EINVAL);
	if (DIV_ROUND_UP(size, PAGE_SIZE) > limit_shmall - MIN(limit_shmall, pages_total) ||
	    size > INT64_MAX)
		return ERR_PTR(-ENOSPC);
	s = ipc_alloc(sizeof(*s));
	if (!s)
		return ERR_PTR(-ENOMEM);
	ipc_init(&s->ipc, table, key, flags, &segment_class);
	s->size = size;
	s->creator = current_process()->pid;
	s->object = vm_object_create(size, PAGE_FILE);
	s->file = IS_ERR(s->object) ? (struct file *)s->object : segment_file(s);
	if (IS_ERR(s->file)) {
		ipc_put(&s->ipc);
		return ERR_PTR(-ENOMEM);
	}
	s->object->is_content = true;
	pages_total += segment_pages(s);
	return &s->ipc;
}

static void segment_free(struct ipc *o)
{
	struct segment *s = segment_of(o);

	if (!IS_ERR(s->object))
		vm_object_put(s->object);
	ipc_free(s);
}

/* With no region and no shmat() under way there can be no new one. */
static bool segment_unused(const struct ipc *o)
{
	const struct segment *s = container_of(o, const struct segment, ipc);

	return !s->attaching && list_empty(&s->object->mappings);
}

static void segment_dropped(struct ipc *o)
{
	pages_total -= segment_pages(segment_of(o));
	file_put(segment_of(o)->file);
}

/* --- Attaching and detaching ------------------------------------------------------------------ */

static bool is_segment(const struct region *r)
{
	return r->file && r->file->ops == &segment_ops;
}

/* A region is gone, by shmdt(), munmap(), exec or exit. */
static void region_freed(struct region *r)
{
	struct segment *s;
	bool removed;

	if (!is_segment(r))
		return;
	s = r->file->private;
	spin_lock(&s->ipc.lock);
	s->last = current_process()->pid;
	s->detached = ipc_now();
	removed = s->ipc.mode & IPC_DEST;
	spin_unlock(&s->ipc.lock);
	if (removed)
		ipc_reap(&s->ipc);
}

static const struct region_events LINKER_SET_ENTRY(region_events, struct region_events) events = {
    .freed = region_freed,
};

/* The request for mapping the segment as the flags of shmat() say.  0 or -EINVAL. */
static int attach_request(struct map_request *q, u64 address, u32 flags)
{
	*q = (struct map_request){.prot = PROT_READ, .flags = MAP_SHARED};
	if (address)
		q->flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	q->address = flags & SHM_RND ? ALIGN_DOWN(address, PAGE_SIZE) : address;
	if (q->address & ~PAGE_MASK || (!q->address && flags & SHM_REMAP))
		return -EINVAL;
	q->max_prot = PROT_READ | PROT_EXEC;
	if (!(flags & SHM_RDONLY)) {
		q->prot |= PROT_WRITE;
		q->max_prot |= PROT_WRITE;
	}
	if (flags & SHM_EXEC)
		q->prot |= PROT_EXEC;
	return 0;
}

/* Begin an attachment: from now on the segment stays.  0, -EACCES, -EIDRM. */
static int attach_begin(struct segment *s, const struct map_request *q)
{
	u32 wanted =
	    IPC_READ | (q->prot & PROT_WRITE ? IPC_WRITE : 0) | (q->prot & PROT_EXEC ? 0111 : 0);
	int error = ipc_access(&s->ipc, wanted);

	spin_lock(&s->ipc.lock);
	if (!error && s->ipc.removed)
		error = -EIDRM;
	if (!error)
		s->attaching++;
	spin_unlock(&s->ipc.lock);
	return error;
}

static void attach_end(struct segment *s, bool done)
{
	bool removed;

	spin_lock(&s->ipc.lock);
	s->attaching--;
	if (done) {
		s->last = current_process()->pid;
		s->attached = ipc_now();
	}
	removed = s->ipc.mode & IPC_DEST;
	spin_unlock(&s->ipc.lock);
	if (removed)
		ipc_reap(&s->ipc);
}

SYSCALL3(shmat, id, address, flags)
{
	struct map_request q;
	struct ipc *o;
	struct segment *s;
	long result = attach_request(&q, address, (u32)flags);

	o = result ? ERR_PTR(result) : ipc_find(&ids, id, IPC_BY_ID);
	if (IS_ERR(o))
		return PTR_ERR(o);
	s = segment_of(o);
	result = attach_begin(s, &q);
	if (!result) {
		q.length = s->size;
		q.object = s->object;
		q.file = s->file;
		result = address_space_map(current_space(), &q);
		if (result == -EEXIST)
			result = -EINVAL;
		attach_end(s, result > 0);
	}
	ipc_put(o);
	return result;
}

/* All parts of the segment that was attached at `address` go, also if others lie between them. */
SYSCALL1(shmdt, address)
{
	struct address_space *as = current_space();
	struct list dead = LIST_INIT(dead);
	struct file *file = NULL;
	struct region *r, *next;
	u64 end = USER_MAX;

	if (address & ~PAGE_MASK)
		return -EINVAL;
	rwlock_write_lock(&as->lock);
	for (r = region_find(as, address); r && r->start < end; r = next) {
		next = region_next(r);
		if (!is_segment(r) || r->start < address || (file && r->file != file) ||
		    r->start - address != r->object_page << PAGE_SHIFT)
			continue;
		file = r->file;
		end = address + ALIGN_UP(((struct segment *)file->private)->size, PAGE_SIZE);
		pages_zap(r, r->start, r->end, true);
		region_unlink(r, &dead);
	}
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	return file ? 0 : -EINVAL;
}

/* --- What the segments are -------------------------------------------------------------------- */

static u64 segment_size(const struct ipc *o)
{
	return container_of(o, const struct segment, ipc)->size;
}

static u64 count_attaches(struct segment *s)
{
	struct object_mapping *m;
	u64 n = 0;

	mutex_lock(&s->object->mappings_lock);
	list_for_each (m, &s->object->mappings, link)
		n++;
	mutex_unlock(&s->object->mappings_lock);
	return n;
}

static void segment_stat(struct ipc *o, void *structure)
{
	struct segment *s = segment_of(o);
	struct shmid_ds *ds = structure;

	ds->size = s->size;
	ds->creator = s->creator;
	ds->attaches = count_attaches(s);
	spin_lock(&o->lock);
	ds->attached = s->attached;
	ds->detached = s->detached;
	ds->last = s->last;
	spin_unlock(&o->lock);
}

static u64 resident_pages(void)
{
	u64 n = 0;

	for (u32 i = 0; i <= ipc_highest(&ids); i++) {
		struct ipc *o = ipc_find(&ids, i, IPC_BY_INDEX);

		if (IS_ERR(o))
			continue;
		n += READ_ONCE(segment_of(o)->object->page_count);
		ipc_put(o);
	}
	return n;
}

/* struct shm_info or struct shminfo. */
static size_t segment_info(void *structure, bool usage)
{
	u64 limits[9] = {limit_shmmax, 1, limit_shmmni, limit_shmmni, limit_shmall};
	u64 used[6] = {READ_ONCE(ids.used), READ_ONCE(pages_total), usage ? resident_pages() : 0};

	memcpy(structure, usage ? used : limits, usage ? sizeof(used) : sizeof(limits));
	return usage ? sizeof(used) : sizeof(limits);
}

static struct ipc_ids ids = {
    IPC_IDS_LOCKS(ids),
    .limit = &limit_shmmni,
    .stat_size = sizeof(struct shmid_ds),
    .time_offset = offsetof(struct shmid_ds, changed),
    .make = segment_make,
    .size_of = segment_size,
    .stat_command = SHM_STAT,
    .stat = segment_stat,
    .info = segment_info,
    .may_go = segment_unused,
    .dropped = segment_dropped,
    .free = segment_free,
};

/* There is no swap, so that a segment is locked by nature; the mode shows what was asked for. */
static long set_locked(u64 id, bool lock)
{
	struct ipc *o = ipc_find(&ids, id, IPC_BY_ID);
	int error;

	if (IS_ERR(o))
		return PTR_ERR(o);
	error = capable(CAP_IPC_LOCK) ? 0 : ipc_check_owner(o);
	if (!error && lock && !capable(CAP_IPC_LOCK) && !current_limit(RLIMIT_MEMLOCK))
		error = -EPERM;
	spin_lock(&o->lock);
	if (!error)
		WRITE_ONCE(o->mode, lock ? o->mode | SHM_LOCKED : o->mode & ~(u32)SHM_LOCKED);
	spin_unlock(&o->lock);
	ipc_put(o);
	return error;
}

CALL(shmget, ipc_get(&ids, a, c, b))

SYSCALL3(shmctl, id, command, user)
{
	if ((u32)command == SHM_LOCK || (u32)command == SHM_UNLOCK)
		return set_locked(id, (u32)command == SHM_LOCK);
	return ipc_control(&ids, id, (u32)command, user);
}

/* --- /proc ------------------------------------------------------------------------------------ */

static void show(struct ipc *o, struct ipc_perm *p, struct text *t)
{
	struct segment *s = segment_of(o);
	struct shmid_ds ds;

	segment_stat(o, &ds);
	text_printf(t, "%21lu %5d %5d  %5lu ", ds.size, ds.creator, ds.last, ds.attaches);
	text_printf(t, "%5u %5u %5u %5u %10ld %10ld %10ld ", p->uid, p->gid, p->cuid, p->cgid,
		    ds.attached, ds.detached, READ_ONCE(o->changed));
	text_printf(t, "%21lu %21u\n", READ_ONCE(s->object->page_count) * PAGE_SIZE, 0);
}

static void make_shm(struct text *t)
{
	ipc_list(
	    &ids, t,
	    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
	    "cuid  cgid      atime      dtime      ctime                   rss                "
	    "  swap\n",
	    show);
}

PROC_LIMIT(shmmax, UINT64_MAX)
PROC_LIMIT(shmall, UINT64_MAX)
PROC_LIMIT(shmmni, 32768)

PROC_FILES(files) = {
    {"sysvipc/shm", .make = make_shm},	    {"sys/kernel/shm_rmid_forced", .constant = "0\n"},
    PROC_LIMIT_FILE("sys/kernel/", shmmax), PROC_LIMIT_FILE("sys/kernel/", shmall),
    PROC_LIMIT_FILE("sys/kernel/", shmmni),
};
