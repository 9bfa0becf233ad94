/* SPDX-License-Identifier: MIT
 *
 * What processes can share besides memory: open descriptors, the working directory with the umask,
 * and the signal actions (clone(2), unshare(2)).
 */
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"

/* The same object, with one more reference. */
#define again(object) (refcount_get(&(object)->refs), (object))

/* NULL: no memory.  Sleeps. */
static struct fs_context *fs_context_copy(struct fs_context *from)
{
	struct fs_context *fs = kmalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	refcount_init(&fs->refs, 1);
	mutex_init(&fs->lock, &fs_context_class);
	mutex_lock(&from->lock);
	fs->umask = from->umask;
	fs->cwd = from->cwd;
	inode_get(fs->cwd);
	mutex_unlock(&from->lock);
	return fs;
}

void fs_context_put(struct fs_context *fs)
{
	if (!fs || !refcount_put(&fs->refs))
		return;
	inode_put(fs->cwd);
	kfree(fs);
}

void process_discard(struct process *child)
{
	if (child->space)
		address_space_put(child->space);
	if (child->files)
		file_table_put(child->files);
	fs_context_put(child->fs);
	if (child->executable)
		file_put(child->executable);
	process_put(child);
}

int process_share(struct process *child, struct process *p, u64 share)
{
	child->fs = share & CLONE_FS ? again(p->fs) : fs_context_copy(p->fs);
	child->signals.actions = share & CLONE_SIGHAND ? again(p->signals.actions)
						       : signal_actions_copy(p->signals.actions);
	child->files = share & CLONE_FILES ? again(p->files) : file_table_copy(p->files);
	if (IS_ERR(child->files))
		child->files = NULL;
	return child->fs && child->signals.actions && child->files ? 0 : -ENOMEM;
}

int process_unshare(u64 unshare)
{
	struct process *p = current_process(), *spare;
	u64 flags, inner;
	int error;

	/* What no other process uses needs no copy. */
	unshare &= (refcount_read(&p->files->refs) > 1 ? CLONE_FILES : 0UL) |
		   (refcount_read(&p->fs->refs) > 1 ? CLONE_FS : 0UL) |
		   (refcount_read(&p->signals.actions->refs) > 1 ? CLONE_SIGHAND : 0UL);
	if (!unshare)
		return 0;
	spare = process_create(p); /* takes the copies, and then what was shared */
	if (!spare)
		return -ENOMEM;
	error = process_share(spare, p, ~unshare);
	if (!error) {
		flags = spin_lock_irq(&process_lock);
		inner = spin_lock_irq(&p->signals.lock);
		SWAP(p->files, spare->files);
		SWAP(p->fs, spare->fs);
		SWAP(p->signals.actions, spare->signals.actions);
		spin_unlock_irq(&p->signals.lock, inner);
		spin_unlock_irq(&process_lock, flags);
	}
	process_discard(spare);
	return error;
}
