/* SPDX-License-Identifier: MIT
 *
 * /dev/pts: a name for each pair of pseudo-terminals whose master is open.
 */
#include "kernel/dev/pty.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"

#define DEVPTS_MAGIC 0x1cd1

static struct inode *pts_lookup(struct inode *dir, const char *name, size_t length)
{
	struct inode *inode;
	u64 n = 0;

	if (length > 3 || (length > 1 && name[0] == '0'))
		return ERR_PTR(-ENOENT);
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return ERR_PTR(-ENOENT);
		n = n * 10 + (u64)(name[i] - '0');
	}
	inode = pty_inode_get(n);
	return inode ? inode : ERR_PTR(-ENOENT);
}

static bool pts_next(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino, u32 *mode)
{
	for (u64 n = *position; n < PTY_MAX; n++) {
		struct inode *inode = pty_inode_get(n);

		if (!inode)
			continue;
		snprintf(name, NAME_MAX + 1, "%lu", n);
		*ino = inode->ino;
		*mode = inode->mode;
		inode_put(inode);
		*position = n + 1;
		return true;
	}
	return false;
}

static void devpts_init(void)
{
	static const struct inode_ops directory_ops = {.lookup = pts_lookup, .next = pts_next};

	devpts = vfs_mount("/dev/pts", "devpts", DEVPTS_MAGIC, 0755);
	devpts->fixed = true;
	devpts->root->ops = &directory_ops;
}

INIT_CALL(10, devpts_init);
