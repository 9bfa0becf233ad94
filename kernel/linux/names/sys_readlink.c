/* SPDX-License-Identifier: MIT
 *
 * Reading symbolic links: readlink().
 */
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

static long read_link(struct inode *link, u64 buffer, u64 size)
{
	char *text;
	ssize_t n;

	if (!S_ISLNK(link->mode) || !link->ops->readlink)
		return -EINVAL;
	text = kmalloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	n = link->ops->readlink(link, text, PATH_MAX);
	if (n > 0) {
		n = MIN(n, (ssize_t)size);
		if (copy_to_user((void *)buffer, text, (size_t)n))
			n = -EFAULT;
	}
	kfree(text);
	return n;
}

static long read_link_at(u64 dirfd, u64 path, u64 buffer, u64 size, u32 flags)
{
	if ((s32)size <= 0)
		return -EINVAL;
	return WITH_INODE(path_inode(dirfd, path, AT_SYMLINK_NOFOLLOW | flags),
			  read_link(inode, buffer, (u32)size));
}

CALL(readlink, read_link_at(AT_CWD, a, b, c, 0))
CALL(readlinkat, read_link_at(a, b, c, d, AT_EMPTY_PATH))
