/* SPDX-License-Identifier: MIT
 *
 * memfd_create(2): a file in RAM without a name, and the seals that make it safe to share
 * (fcntl(2), F_ADD_SEALS).
 */
#include "kernel/fs/file_table.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "kernel/sys/fcntl_command.h"
#include "kernel/vm/address_space.h"

#define MFD_CLOEXEC	    1
#define MFD_ALLOW_SEALING   2
#define MFD_NAME_MAX	    249

#define F_ADD_SEALS	    1033
#define F_GET_SEALS	    1034
#define F_SEAL_SEAL	    1
#define F_SEAL_SHRINK	    2
#define F_SEAL_GROW	    4
#define F_SEAL_WRITE	    8
#define F_SEAL_FUTURE_WRITE 16
#define F_SEAL_ALL	    31

static struct superblock memfd_superblock = {.type = "tmpfs", .device = 1, .magic = 0x01021994};

/* inode->private: the seals.  Changed under inode->lock. */
static u32 *seals_of(const struct inode *inode)
{
	return inode->private;
}

static int may_change(struct inode *inode, u64 size, bool write)
{
	u32 seals = READ_ONCE(*seals_of(inode));

	if (write && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (seals & F_SEAL_GROW && size > inode->size)
		return -EPERM;
	return seals & F_SEAL_SHRINK && !write && size < inode->size ? -EPERM : 0;
}

static const struct inode_ops memfd_ops = {.may_change = may_change};

/* Is the file mapped so that it can be written? */
static bool has_writable_mapping(struct inode *inode)
{
	struct object_mapping *m;
	bool found = false;

	mutex_lock(&inode->object->mappings_lock);
	list_for_each (m, &inode->object->mappings, link) {
		struct region *r = container_of(m, struct region, mapping);

		found |= r->shared && r->max_prot & PROT_WRITE;
	}
	mutex_unlock(&inode->object->mappings_lock);
	return found;
}

static long add_seals(struct file *f, u32 fd, u64 seals)
{
	struct inode *inode = f->inode;
	u32 *has = seals_of(inode), old;
	long error = 0;

	if (inode->ops != &memfd_ops || seals & ~(u64)F_SEAL_ALL)
		return -EINVAL;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	mutex_lock(&inode->lock);
	old = *has;
	if (old & F_SEAL_SEAL) {
		error = -EPERM;
	} else {
		/* First the seal, then the look: file_map() does it the other way round. */
		__atomic_store_n(has, old | (u32)seals, __ATOMIC_SEQ_CST);
		if (seals & F_SEAL_WRITE && !(old & F_SEAL_WRITE) && has_writable_mapping(inode)) {
			WRITE_ONCE(*has, old);
			error = -EBUSY;
		}
	}
	mutex_unlock(&inode->lock);
	return error;
}

static long get_seals(struct file *f, u32 fd, u64 unused)
{
	return f->inode->ops == &memfd_ops ? (long)READ_ONCE(*seals_of(f->inode)) : -EINVAL;
}

static const struct fcntl_command LINKER_SET_ENTRY(fcntl_commands,
						   struct fcntl_command) commands[] = {
    {F_ADD_SEALS, add_seals},
    {F_GET_SEALS, get_seals},
};

/* The path that /proc shows: "/memfd:NAME".  ERR_PTR. */
static struct path_text *memfd_path(u64 user_name)
{
	static const char prefix[] = "/memfd:";
	char *name = string_get(user_name);
	struct path_text *path;

	if (IS_ERR(name))
		return PTR_ERR(name) == -ENAMETOOLONG ? ERR_PTR(-EINVAL) : (struct path_text *)name;
	path = ERR_PTR(-EINVAL);
	if (strlen(name) <= MFD_NAME_MAX) {
		path = kmalloc(sizeof(*path) + sizeof(prefix) + strlen(name));
		if (!path)
			path = ERR_PTR(-ENOMEM);
	}
	if (!IS_ERR(path)) {
		refcount_init(&path->refs, 1);
		memcpy(path->text, prefix, sizeof(prefix) - 1);
		memcpy(path->text + sizeof(prefix) - 1, name, strlen(name) + 1);
	}
	kfree(name);
	return path;
}

/* ERR_PTR(-ENOMEM). */
static struct inode *memfd_inode(u32 seals)
{
	struct inode *inode = ramfs_inode(&memfd_superblock, S_IFREG | 0777, 0, NULL);

	if (IS_ERR(inode))
		return inode;
	inode->private = kmalloc(sizeof(seals));
	if (!inode->private) {
		inode_put(inode);
		return ERR_PTR(-ENOMEM);
	}
	*seals_of(inode) = seals;
	inode->ops = &memfd_ops;
	inode->nlink = 0;
	inode->uid = current_thread()->credentials.fsuid;
	inode->gid = current_thread()->credentials.fsgid;
	return inode;
}

SYSCALL2(memfd_create, user_name, flags)
{
	struct path_text *path;
	struct inode *inode;
	struct file *f;

	if (flags & ~(u64)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	path = memfd_path(user_name);
	if (IS_ERR(path))
		return PTR_ERR(path);
	inode = memfd_inode(flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL);
	if (IS_ERR(inode)) {
		file_path_put(path);
		return PTR_ERR(inode);
	}
	f = file_create(inode, inode->file_ops, O_RDWR | O_LARGEFILE);
	inode_put(inode);
	if (IS_ERR(f)) {
		file_path_put(path);
		return PTR_ERR(f);
	}
	f->path = path;
	return fd_install(f, 0, flags & MFD_CLOEXEC);
}
