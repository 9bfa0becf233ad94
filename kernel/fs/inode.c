/* SPDX-License-Identifier: MIT
 *
 * The life of inodes and superblocks.
 *
 * Order of locks: a directory before what is in it, an ancestor before its descendants; then files.
 * inode_put() takes no inode's lock, so that it may be called wherever one may sleep.
 */
#include "kernel/fs/internal.h"

#include "arch/x86_64/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"

static struct lock_class directory_class = {"directory", 0};
static struct lock_class inode_class = {"inode", 0};
static struct lock_class superblock_class = {"superblock inodes", 0};
static struct slab_cache *inode_cache;

void inode_init(void)
{
	inode_cache = slab_cache_create("inode", sizeof(struct inode), 8);
}

static struct timespec time_now(void)
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
	refcount_get(&sb->refs);
	inode->sb = sb;
	inode->ops = ops;
	inode->file_ops = file_ops;
	inode->ino = __atomic_fetch_add(&sb->next_ino, 1, __ATOMIC_RELAXED);
	inode->mode = mode;
	inode->nlink = 1;
	mutex_init(&inode->lock, S_ISDIR(mode) ? &directory_class : &inode_class);
	inode->atime = inode->mtime = inode->ctime = time_now();
	spin_lock(&sb->inodes_lock);
	list_push_back(&sb->inodes, &inode->sb_link);
	spin_unlock(&sb->inodes_lock);
	return inode;
}

void inode_get(struct inode *inode)
{
	refcount_get(&inode->refs);
}

/* A loop, not a recursion: a removed directory may be the last holder of a long chain of parents.
 */
void inode_put(struct inode *inode)
{
	while (inode && refcount_put(&inode->refs)) {
		struct inode *parent = inode->parent != inode ? inode->parent : NULL;
		struct superblock *sb = inode->sb;

		if (inode->ops && inode->ops->release)
			inode->ops->release(inode);
		spin_lock(&sb->inodes_lock);
		list_remove(&inode->sb_link);
		spin_unlock(&sb->inodes_lock);
		slab_free(inode_cache, inode);
		superblock_put(sb);
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

struct superblock *superblock_create(const char *type, u64 magic)
{
	static u64 next_device = 1;
	struct superblock *sb = kzalloc(sizeof(*sb));

	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->type = type;
	sb->magic = magic;
	sb->device = __atomic_fetch_add(&next_device, 1, __ATOMIC_RELAXED);
	sb->next_ino = 1;
	refcount_init(&sb->refs, 1);
	spinlock_init(&sb->inodes_lock, &superblock_class);
	list_init(&sb->inodes);
	list_init(&sb->link);
	return sb;
}

void superblock_put(struct superblock *sb)
{
	if (refcount_put(&sb->refs))
		kfree(sb);
}
