/* SPDX-License-Identifier: MIT
 *
 * The RAM file system.  A directory holds its entries in two trees: by name, and by a number that
 * grows with each entry made, which is the position that readdir() resumes at.  A file's content is
 * a memory object.
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"

#define RAMFS_MAGIC    0x858458f6
#define RAMFS_FILE_MAX INT64_MAX
#define LINKS_MAX      UINT32_MAX

struct ramfs_entry {
	struct rb_node by_name, by_number;
	struct inode *inode; /* with a reference */
	u64 number;
	size_t length;
	char name[];
};

/* inode->private of a directory; under its lock. */
struct ramfs_directory {
	struct rb_tree by_name, by_number;
	u64 last_number;
	struct ramfs_entry *self; /* the entry that leads here; under vfs_tree_lock */
};

static const struct inode_ops ramfs_ops;
static const struct file_ops ramfs_file_ops;

static struct ramfs_directory *directory(struct inode *inode)
{
	return inode->private;
}

/* --- Entries ---------------------------------------------------------------------------------- */

static int name_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int order = memcmp(a, b, MIN(a_length, b_length));

	return order ? order : (a_length > b_length) - (a_length < b_length);
}

/* NULL: not there, and *parent and *link are where it belongs. */
static struct ramfs_entry *entry_find(struct inode *dir, const char *name, size_t length,
				      struct rb_node **parent, struct rb_node ***link)
{
	struct rb_node **at = &directory(dir)->by_name.root, *above = NULL;

	while (*at) {
		struct ramfs_entry *e = rb_entry(*at, struct ramfs_entry, by_name);
		int order = name_compare(name, length, e->name, e->length);

		if (!order)
			return e;
		above = *at;
		at = order < 0 ? &above->left : &above->right;
	}
	if (link) {
		*parent = above;
		*link = at;
	}
	return NULL;
}

static struct ramfs_entry *entry_alloc(const char *name, size_t length)
{
	struct ramfs_entry *e = kzalloc(sizeof(*e) + length);

	if (e) {
		e->length = length;
		memcpy(e->name, name, length);
	}
	return e;
}

/* Lead `e` to `inode`, which is in `dir` now.  A directory's parent and name change along. */
static void entry_set(struct ramfs_entry *e, struct inode *dir, struct inode *inode)
{
	struct inode *old;

	e->inode = inode;
	if (!S_ISDIR(inode->mode))
		return;
	inode_get(dir);
	dir->nlink++;
	spin_lock(&vfs_tree_lock);
	old = inode->parent;
	inode->parent = dir;
	directory(inode)->self = e;
	spin_unlock(&vfs_tree_lock);
	if (old) {
		old->nlink--;
		inode_put(old);
	}
}

static void entry_insert(struct inode *dir, struct ramfs_entry *e, struct rb_node *parent,
			 struct rb_node **link)
{
	struct ramfs_directory *d = directory(dir);
	struct rb_node *last = rb_last(&d->by_number);

	e->number = ++d->last_number;
	rb_insert(&d->by_name, &e->by_name, parent, link);
	rb_insert(&d->by_number, &e->by_number, last, last ? &last->right : &d->by_number.root);
	dir->size++;
}

static void entry_remove(struct inode *dir, struct ramfs_entry *e)
{
	rb_remove(&directory(dir)->by_name, &e->by_name);
	rb_remove(&directory(dir)->by_number, &e->by_number);
	dir->size--;
	kfree(e);
}

/* `inode` loses a name in `dir`; both are locked, or nobody else knows them. */
static void inode_unlinked(struct inode *dir, struct inode *inode)
{
	if (S_ISDIR(inode->mode)) {
		dir->nlink--;
		inode->nlink = 0;
		spin_lock(&vfs_tree_lock);
		directory(inode)->self = NULL;
		spin_unlock(&vfs_tree_lock);
	} else {
		inode->nlink--;
	}
	inode_put(inode);
}

/* --- Inodes ----------------------------------------------------------------------------------- */

static struct inode *ramfs_inode(struct superblock *sb, u32 mode, u64 rdev, const char *target)
{
	struct inode *inode = inode_create(sb, mode, &ramfs_ops, &ramfs_file_ops);
	struct page_stats stats;
	bool failed = false;

	if (IS_ERR(inode))
		return inode;
	inode->rdev = rdev;
	if (S_ISDIR(mode)) {
		inode->file_ops = NULL;
		inode->nlink = 2;
		inode->private = kzalloc(sizeof(struct ramfs_directory));
		failed = !inode->private;
	} else if (S_ISLNK(mode)) {
		inode->private = kstrdup(target);
		failed = !inode->private;
		inode->size = strlen(target);
	} else if (S_ISREG(mode)) {
		inode->object = vm_object_create(0);
		failed = IS_ERR(inode->object);
		if (failed) {
			inode->object = NULL;
		} else {
			page_stats_read(&stats);
			inode->object->limit_pages = stats.total / 2;
		}
	}
	if (failed) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	return inode;
}

static void ramfs_release(struct inode *inode)
{
	if (inode->object)
		vm_object_put(inode->object);
	kfree(inode->private);
}

static struct inode *ramfs_lookup(struct inode *dir, const char *name, size_t length)
{
	struct ramfs_entry *e = entry_find(dir, name, length, NULL, NULL);

	if (!e)
		return ERR_PTR(-ENOENT);
	inode_get(e->inode);
	return e->inode;
}

/* Enter `inode`, whose reference the entry takes over, under a new name. */
static int ramfs_enter(struct inode *dir, const char *name, size_t length, struct inode *inode)
{
	struct rb_node *parent, **link;
	struct ramfs_entry *e;

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	if (entry_find(dir, name, length, &parent, &link))
		return -EEXIST;
	e = entry_alloc(name, length);
	if (!e)
		return -ENOMEM;
	entry_insert(dir, e, parent, link);
	entry_set(e, dir, inode);
	return 0;
}

static struct inode *ramfs_create(struct inode *dir, const char *name, size_t length, u32 mode,
				  u64 rdev, const char *target)
{
	struct inode *inode = ramfs_inode(dir->sb, mode, rdev, target);
	int error;

	if (IS_ERR(inode))
		return inode;
	inode_get(inode); /* the entry's */
	error = ramfs_enter(dir, name, length, inode);
	if (!error)
		return inode;
	inode_put(inode);
	inode_put(inode);
	return ERR_PTR(error);
}

static int ramfs_link(struct inode *dir, const char *name, size_t length, struct inode *target)
{
	int error;

	if (target->nlink == LINKS_MAX)
		return -EMLINK;
	inode_get(target);
	error = ramfs_enter(dir, name, length, target);
	if (error)
		inode_put(target);
	else
		target->nlink++;
	return error;
}

static bool is_full_directory(struct inode *inode)
{
	return S_ISDIR(inode->mode) && directory(inode)->by_name.root;
}

static int ramfs_unlink(struct inode *dir, const char *name, size_t length, bool is_directory)
{
	struct ramfs_entry *e = entry_find(dir, name, length, NULL, NULL);
	struct inode *inode;

	if (!e)
		return -ENOENT;
	inode = e->inode;
	if (is_full_directory(inode))
		return -ENOTEMPTY;
	inode_unlinked(dir, inode);
	entry_remove(dir, e);
	return 0;
}

static int ramfs_rename(struct inode *old_dir, const char *old_name, size_t old_length,
			struct inode *new_dir, const char *new_name, size_t new_length, u32 flags)
{
	struct rb_node *parent, **link;
	struct ramfs_entry *from = entry_find(old_dir, old_name, old_length, NULL, NULL);
	struct ramfs_entry *to = entry_find(new_dir, new_name, new_length, &parent, &link);
	struct inode *replaced = to ? to->inode : NULL;

	if (!from)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE) {
		struct inode *moved = from->inode;

		if (!to)
			return -ENOENT;
		entry_set(from, old_dir, replaced);
		entry_set(to, new_dir, moved);
		inode_touch(replaced, false, false);
		inode_touch(moved, false, false);
		return 0;
	}
	if (new_length > NAME_MAX)
		return -ENAMETOOLONG;
	if (replaced) {
		if (is_full_directory(replaced))
			return -ENOTEMPTY;
		inode_unlinked(new_dir, replaced);
	} else {
		to = entry_alloc(new_name, new_length);
		if (!to)
			return -ENOMEM;
		entry_insert(new_dir, to, parent, link);
	}
	entry_set(to, new_dir, from->inode);
	inode_touch(from->inode, false, false);
	entry_remove(old_dir, from);
	return 0;
}

/* The first entry whose number is not below *position. */
static int ramfs_next_entry(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino,
			    u32 *mode)
{
	struct rb_node *n = directory(dir)->by_number.root;
	struct ramfs_entry *found = NULL;

	while (n) {
		struct ramfs_entry *e = rb_entry(n, struct ramfs_entry, by_number);

		if (e->number >= *position)
			found = e;
		n = e->number >= *position ? n->left : n->right;
	}
	if (!found)
		return 0;
	memcpy(name, found->name, found->length);
	name[found->length] = '\0';
	*ino = found->inode->ino;
	*mode = found->inode->mode;
	*position = found->number + 1;
	return 1;
}

static size_t ramfs_name(struct inode *dir, char name[NAME_MAX + 1])
{
	struct ramfs_entry *self = directory(dir)->self;

	if (!self)
		return 0;
	memcpy(name, self->name, self->length);
	return self->length;
}

static ssize_t ramfs_readlink(struct inode *link, char *buf, size_t size)
{
	size_t n = MIN(link->size, size);

	memcpy(buf, link->private, n);
	return (ssize_t)n;
}

static int ramfs_truncate(struct inode *inode, u64 size)
{
	int error;

	if (size > RAMFS_FILE_MAX)
		return -EFBIG;
	error = vm_object_resize(inode->object, size);
	if (!error)
		WRITE_ONCE(inode->size, size);
	return error;
}

static const struct inode_ops ramfs_ops = {
    .lookup = ramfs_lookup,
    .create = ramfs_create,
    .link = ramfs_link,
    .unlink = ramfs_unlink,
    .rename = ramfs_rename,
    .next_entry = ramfs_next_entry,
    .name = ramfs_name,
    .readlink = ramfs_readlink,
    .truncate = ramfs_truncate,
    .release = ramfs_release,
};

/* --- Content ---------------------------------------------------------------------------------- */

/* May files take one page more?  All together at most half of memory.  The ledger is read only once
 * in a while: a sixteenth of what is left may be written before it is read again. */
static bool content_has_room(void)
{
	static s64 budget;
	struct page_stats stats;
	s64 left;

	if (__atomic_sub_fetch(&budget, 1, __ATOMIC_RELAXED) >= 0)
		return true;
	page_stats_read(&stats);
	left = (s64)(stats.total / 2) - (s64)stats.used[PAGE_OBJECT];
	__atomic_store_n(&budget, MAX(left / 16, (s64)0), __ATOMIC_RELAXED);
	return left > 0;
}

/* read(2)'s access time, as mount(8)'s relatime: only where it says more than the others do. */
static void content_accessed(struct inode *inode)
{
	if (inode->atime.seconds > inode->mtime.seconds)
		return;
	mutex_lock(&inode->lock);
	inode_touch(inode, true, false);
	mutex_unlock(&inode->lock);
}

static ssize_t ramfs_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct inode *inode = file->inode;
	ssize_t done = 0, n = 0;

	while (io->remaining) {
		u64 size = READ_ONCE(inode->size), offset = *position % PAGE_SIZE;
		struct page *page;
		size_t chunk;

		if (*position >= size)
			break;
		chunk = MIN(MIN(PAGE_SIZE - offset, size - *position), io->remaining);
		n = vm_object_page(inode->object, *position / PAGE_SIZE, false, &page);
		if (n)
			break;
		if (page) {
			n = io_put(io, (char *)page_to_virt(page) + offset, chunk);
			page_put(page);
		} else {
			n = io_put_zeros(io, chunk);
		}
		if (n <= 0)
			break;
		done += n;
		*position += (u64)n;
		if ((size_t)n < chunk)
			break;
	}
	content_accessed(inode);
	return done ? done : n;
}

/* Under the inode's lock.  Bytes, or an error where none were written. */
static ssize_t content_write(struct inode *inode, struct io_buffer *io, u64 position)
{
	ssize_t done = 0, n = 0;

	while (io->remaining) {
		u64 offset = position % PAGE_SIZE;
		size_t chunk = MIN(PAGE_SIZE - offset, io->remaining);
		struct page *page;

		n = position >= RAMFS_FILE_MAX ? -EFBIG : content_has_room() ? 0 : -ENOSPC;
		if (!n)
			n = vm_object_page(inode->object, position / PAGE_SIZE, true, &page);
		if (n)
			break;
		chunk = MIN(chunk, RAMFS_FILE_MAX - position);
		n = io_get(io, (char *)page_to_virt(page) + offset, chunk);
		page_put(page);
		if (n <= 0)
			break;
		done += n;
		position += (u64)n;
		if (position > inode->size) {
			ssize_t error = vm_object_resize(inode->object, position);

			if (error)
				return error;
			WRITE_ONCE(inode->size, position);
		}
		if ((size_t)n < chunk)
			break;
	}
	return done ? done : n;
}

static ssize_t ramfs_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct inode *inode = file->inode;
	ssize_t n;

	mutex_lock(&inode->lock);
	if (file->flags & O_APPEND)
		*position = inode->size;
	n = content_write(inode, io, *position);
	if (n > 0) {
		*position += (u64)n;
		inode_touch(inode, false, true);
	}
	mutex_unlock(&inode->lock);
	return n;
}

static struct vm_object *ramfs_map(struct file *file, u64 offset, u64 length, u32 prot, u32 flags)
{
	vm_object_get(file->inode->object);
	return file->inode->object;
}

static const struct file_ops ramfs_file_ops = {
    .read = ramfs_read,
    .write = ramfs_write,
    .map = ramfs_map,
};

/* --- Mounting --------------------------------------------------------------------------------- */

/* Has somebody a reference besides the tree's own?  A directory is held by its entry (the root: by
 * the mount) and by its subdirectories, a file by each of its names. */
static bool ramfs_busy(struct superblock *sb)
{
	struct inode *inode;
	bool busy = false;

	spin_lock(&sb->inodes_lock);
	list_for_each (inode, &sb->inodes, sb_link) {
		u32 own = S_ISDIR(inode->mode) && inode->nlink ? inode->nlink - 1 : inode->nlink;

		busy = busy || inode->mounted || refcount_read(&inode->refs) > own;
	}
	spin_unlock(&sb->inodes_lock);
	return busy;
}

/* From the leaves up, without a recursion. */
static void ramfs_evict(struct superblock *sb)
{
	struct inode *dir = sb->root;
	struct rb_node *first;

	while ((first = rb_first(&directory(dir)->by_name)) || dir != sb->root) {
		struct ramfs_entry *e = rb_entry(first, struct ramfs_entry, by_name);

		if (!first) {
			dir = dir->parent;
		} else if (is_full_directory(e->inode)) {
			dir = e->inode;
		} else {
			inode_unlinked(dir, e->inode);
			entry_remove(dir, e);
		}
	}
}

struct superblock *ramfs_mount(void)
{
	struct superblock *sb = superblock_create("ramfs", RAMFS_MAGIC);

	if (IS_ERR(sb))
		return sb;
	sb->root = ramfs_inode(sb, S_IFDIR | 0755, 0, NULL);
	if (IS_ERR(sb->root)) {
		struct inode *error = sb->root;

		superblock_put(sb);
		return (struct superblock *)error;
	}
	sb->root->parent = sb->root;
	sb->busy = ramfs_busy;
	sb->evict = ramfs_evict;
	return sb;
}
