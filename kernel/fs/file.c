/* SPDX-License-Identifier: MIT
 *
 * Open files: their creation and release, and reading, writing, seeking and listing.
 */
#include "kernel/fs/file_events.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/vm/address_space.h"

static struct lock_class position_class = {"file position", 0};
static struct slab_cache *file_cache;
static struct superblock anonymous = {.type = "anon_inodefs", .device = 1, .magic = 0x09041934};

void file_init(void)
{
	static const struct region_file_hooks hooks = {file_get, file_put};

	vm_set_file_hooks(&hooks);
	file_cache = slab_cache_create("file", sizeof(struct file), 8);
}

struct file *file_create(struct inode *inode, const struct file_ops *ops, u32 flags)
{
	struct file *f = slab_alloc_zeroed(file_cache);

	if (!f)
		return ERR_PTR(-ENOMEM);
	refcount_init(&f->refs, 1);
	mutex_init(&f->position_lock, &position_class);
	inode_get(inode);
	f->inode = inode;
	f->ops = ops;
	f->flags = flags;
	return f;
}

struct file *file_create_anonymous(const struct file_ops *ops, u32 flags, void *private, u32 mode)
{
	struct inode *inode = inode_create(&anonymous, mode, NULL, NULL);
	struct file *f;

	if (IS_ERR(inode))
		return (struct file *)inode;
	inode_own(inode, inode);
	f = file_create(inode, ops, flags);
	inode_put(inode);
	if (!IS_ERR(f))
		f->private = private;
	return f;
}

void file_path_put(struct path_text *path)
{
	if (path && refcount_put(&path->refs))
		kfree(path);
}

void file_put(struct file *f)
{
	if (!refcount_put(&f->refs))
		return;
	file_event(release, f);
	if (f->ops->release)
		f->ops->release(f);
	file_path_put(f->path);
	inode_put(f->inode);
	slab_free(file_cache, f);
}

/* Whether the file has a position.  Pipes and sockets have none, and devices with `stream`. */
static bool file_seekable(const struct file *f)
{
	u32 type = f->inode->mode & S_IFMT;

	return type == S_IFREG || type == S_IFDIR || (type == S_IFCHR && !f->ops->stream);
}

static __noinline ssize_t transfer_at_own_position(struct file *f, struct io_buffer *io, bool write)
{
	ssize_t n;

	mutex_lock(&f->position_lock);
	n = (write ? f->ops->write : f->ops->read)(f, io, &f->position);
	mutex_unlock(&f->position_lock);
	return n;
}

/* Only a regular file has a position that position_lock protects.  A terminal has none, so a reader
 * that sleeps in it does not block a writer. */
ssize_t file_transfer(struct file *f, struct io_buffer *io, bool write, u64 *at)
{
	typeof(f->ops->read) fn = write ? f->ops->write : f->ops->read;
	u32 access = f->flags & O_ACCMODE;

	if (at && (s64)*at < 0)
		return -EINVAL;
	if (at && !file_seekable(f))
		return -ESPIPE;
	if (access != write && access != O_RDWR) /* O_RDONLY is 0, O_WRONLY is 1 */
		return -EBADF;
	if (!fn)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (!at && S_ISREG(f->inode->mode))
		return transfer_at_own_position(f, io, write);
	return fn(f, io, at ?: &f->position);
}

/* An error is returned only if no byte was read. */
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 position)
{
	struct io_buffer io;
	ssize_t got = 1;

	io_init_kernel(&io, buf, n);
	while (io.remaining && got > 0)
		got = file_transfer(f, &io, false, &position);
	return io.remaining == n && got < 0 ? got : (ssize_t)(n - io.remaining);
}

static s64 seek_otherwise(const struct file *f, s64 offset, int whence)
{
	linker_set_for_each(events, file_events) if (events->seek) return events->seek(f, offset,
										       whence);
	return -EINVAL;
}

/* The position that lseek(2) sets, or an error. */
static s64 seek_target(const struct file *f, s64 offset, int whence)
{
	s64 base = 0, target;

	if (whence == SEEK_CUR)
		base = (s64)f->position;
	else if (whence == SEEK_END && !S_ISDIR(f->inode->mode))
		base = (s64)READ_ONCE(f->inode->size);
	else if (whence != SEEK_SET)
		return seek_otherwise(f, offset, whence);
	if (__builtin_add_overflow(base, offset, &target))
		return -EOVERFLOW;
	return target < 0 ? -EINVAL : target;
}

s64 file_seek(struct file *f, s64 offset, int whence)
{
	s64 target;

	if (!file_seekable(f))
		return -ESPIPE;
	mutex_lock(&f->position_lock);
	target = seek_target(f, offset, whence);
	if (target >= 0)
		f->position = (u64)target;
	mutex_unlock(&f->position_lock);
	return target;
}

long file_ioctl(struct file *f, u32 request, u64 argument)
{
	return f->ops->ioctl ? f->ops->ioctl(f, request, argument) : -ENOTTY;
}

/* The access mode of the file limits the mapping (mmap(2)). */
long file_map(struct file *f, struct address_space *as, struct map_request *q)
{
	bool shared = (q->flags & (MAP_SHARED | MAP_PRIVATE)) != MAP_PRIVATE;
	u32 mode = f->flags & O_ACCMODE;
	long result = 0;

	if (mode == O_WRONLY || (shared && q->prot & PROT_WRITE && mode != O_RDWR))
		return -EACCES;
	if (!f->ops->map)
		return -ENODEV;
	q->object = f->ops->map(f, q->offset, q->length, q->prot, q->flags);
	if (IS_ERR(q->object))
		return PTR_ERR(q->object);
	q->file = f;
	if (shared)
		result = inode_may_change(f->inode, 0, true);
	if (shared && (mode != O_RDWR || result))
		q->max_prot = PROT_READ | PROT_EXEC;
	if (!(shared && q->prot & PROT_WRITE) || !result)
		result = address_space_map(as, q);
	/* A seal was added in the meantime.  add_seals() sets the seal before it looks for
	 * mappings, so one of the two sees the other. */
	if (shared && !q->max_prot && result > 0 && inode_may_change(f->inode, 0, true)) {
		(void)address_space_unmap(as, (u64)result, q->length);
		result = -EPERM;
	}
	vm_object_put(q->object);
	return result;
}

/* --- Directories ------------------------------------------------------------------------------ */

struct dirent64 { /* the format of getdents64(2) */
	u64 ino;
	s64 next; /* position of the entry after this */
	u16 length;
	u8 type;
	char name[NAME_MAX + 1 + 5];
};
_Static_assert(offsetof(struct dirent64, name) == 19, "layout of the ABI");

/* Fill `d` with the entry at *position and advance it.  Returns 1, 0 at the end, or an error.
 * Position 0 is ".", 1 is "..", and a position of directory_next() is increased by 2.  The caller
 * holds the lock of the directory. */
static int next_dirent(struct inode *dir, u64 *position, struct dirent64 *d)
{
	u64 at = *position - 2;
	u32 mode = S_IFDIR;
	bool more = true;
	size_t used;

	if (!dir->nlink)
		return -ENOENT;
	if (*position < 2) {
		strscpy(d->name, *position ? ".." : ".", sizeof(d->name));
		spin_lock(&vfs_tree_lock);
		d->ino = *position ? dir->parent->ino : dir->ino;
		spin_unlock(&vfs_tree_lock);
		++*position;
	} else {
		more = directory_next(dir, &at, d->name, &d->ino, &mode);
		*position = at + 2;
	}
	used = offsetof(struct dirent64, name) + strlen(d->name) + 1;
	d->next = (s64)*position;
	d->type = (u8)(mode >> 12);
	d->length = (u16)ALIGN_UP(used, 8UL);
	memset((char *)d + used, 0, d->length - used);
	return more;
}

static ssize_t list_entries(struct file *f, char *user, size_t size)
{
	struct dirent64 d = {0};
	size_t done = 0;
	int result;

	for (;;) {
		u64 position = f->position;

		mutex_lock(&f->inode->lock);
		result = next_dirent(f->inode, &position, &d);
		mutex_unlock(&f->inode->lock);
		if (result <= 0)
			break;
		result = d.length > size - done ? -EINVAL : copy_to_user(user + done, &d, d.length);
		if (result)
			break;
		done += d.length;
		f->position = position;
	}
	return done ? (ssize_t)done : result;
}

ssize_t file_readdir(struct file *f, void *user_dirents, size_t size)
{
	ssize_t n;

	if (!S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	mutex_lock(&f->position_lock);
	n = list_entries(f, user_dirents, size);
	mutex_unlock(&f->position_lock);
	return n;
}
