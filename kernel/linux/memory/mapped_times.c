/* SPDX-License-Identifier: MIT
 *
 * The times of files that are written through shared mappings (mmap(2)): mtime and ctime change
 * when the pages are unmapped, by munmap(), exec, the end of the process, or msync().  The
 * processor notes in the page-table entry that a page was written; pages_zap() collects that.
 */
#include "kernel/linux/memory/mapped_times.h"

#include "kernel/fs/vfs.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

static void update(struct inode *inode)
{
	if (!inode->object ||
	    !__atomic_exchange_n(&inode->object->written, false, __ATOMIC_RELAXED))
		return;
	mutex_lock(&inode->lock);
	inode_touch(inode, false, true);
	mutex_unlock(&inode->lock);
}

static void freed_event(struct region *r)
{
	update(r->file->inode);
}

static const struct region_events LINKER_SET_ENTRY(region_events, struct region_events) events = {
    .freed = freed_event};

/* Unmap the pages of the first region in [*start, end), and set *start to its end.  Returns its
 * file, with a reference, if it is a shared mapping of one; else NULL. */
static struct file *unmap_next(struct address_space *as, u64 *start, u64 end)
{
	struct region *r = region_find(as, *start);
	struct file *f = NULL;

	if (r && r->start < end && r->shared && r->file) {
		f = r->file;
		file_get(f);
		pages_zap(r, MAX(r->start, *start), MIN(r->end, end), true);
	}
	*start = r ? r->end : end;
	return f;
}

/* The lock of an inode comes before that of an address space. */
void mapped_times_update(struct address_space *as, u64 start, u64 end)
{
	while (start < end) {
		struct file *f;

		rwlock_read_lock(&as->lock);
		f = unmap_next(as, &start, end);
		rwlock_read_unlock(&as->lock);
		if (!f)
			continue;
		update(f->inode);
		file_put(f);
	}
}
