/* SPDX-License-Identifier: MIT
 *
 * Creation and release of inodes and superblocks.
 *
 * Lock order: a directory before its entries, an ancestor before its descendants, directories
 * before files.  inode_put() takes no lock of an inode, so that it can be called under any of them.
 */
#include "kernel/fs/internal.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

static struct lock_class directory_class = {"directory", 0};
static struct lock_class inode_class = {"inode", 0};
static struct slab_cache *inode_cache;

DEFINE_SPINLOCK(vfs_tree_lock);

void inode_init(void)
{
	inode_cache = slab_cache_create("inode", sizeof(struct inode), 8);
}

struct timespec time_now(void)
{
	u64 now = clock_realtime_ns();

	return (struct timespec){(s64)(now / NSEC_PER_SEC), (s64)(now % NSEC_PER_SEC)};
}

struct inode *inode_create(struct superblock *sb, u32 mode, const struct inode_ops *ops,
			   const struct file_ops *file_ops)
{
	struct inode *inode = slab_alloc_zeroed(inode_cache);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	refcount_init(&inode->refs, 1);
	inode->sb = sb;
	inode->ops = ops;
	inode->file_ops = file_ops;
	inode->ino = __atomic_add_fetch(&sb->next_ino, 1, __ATOMIC_RELAXED);
	inode->mode = mode;
	inode->nlink = S_ISDIR(mode) ? 2 : 1;
	mutex_init(&inode->lock, S_ISDIR(mode) ? &directory_class : &inode_class);
	inode->atime = inode->mtime = inode->ctime = time_now();
	return inode;
}

void inode_get(struct inode *inode)
{
	refcount_get(&inode->refs);
}

/* This is a loop and not a recursion, because a removed directory may be the last holder of a long
 * chain of parents, for which the kernel stack is too small. */
void inode_put(struct inode *inode)
{
	while (inode && refcount_put(&inode->refs)) {
		struct inode *parent = inode->parent;

		if (inode->ops && inode->ops->release)
			inode->ops->release(inode);
		if (inode->object)
			vm_object_put(inode->object);
		kfree(inode->private);
		kfree(inode->self);
		slab_free(inode_cache, inode);
		inode = parent;
	}
}

void inode_touch(struct inode *inode, bool access, bool modify)
{
	struct timespec now = time_now();

	if (access)
		inode->atime = now;
	if (modify)
		inode->mtime = now;
	if (modify || !access)
		inode->ctime = now;
}

struct superblock *superblock_create(const char *type, u64 magic, u32 mode)
{
	static u64 last_device = 1; /* 1 is the device of anonymous files */
	struct superblock *sb = kzalloc(sizeof(*sb));
	struct inode *root;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->type = type;
	sb->magic = magic;
	root = inode_create(sb, S_IFDIR | mode, NULL, NULL);
	if (IS_ERR(root)) {
		kfree(sb);
		return (struct superblock *)root;
	}
	sb->device = __atomic_add_fetch(&last_device, 1, __ATOMIC_RELAXED);
	sb->root = root->parent = root;
	return sb;
}
