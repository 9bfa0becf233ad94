/* SPDX-License-Identifier: MIT
 *
 * Files that a file system has from boot on, such as those of /proc and of the trace.
 */
#include "kernel/linux/fixed_files.h"

#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"

#define SYSFS_MAGIC 0x62656572

void superblock_add(struct superblock *sb, const char *path, struct inode *inode)
{
	struct inode *dir = sb->root;

	require(!IS_ERR(inode));
	for (;;) {
		const char *slash = strchr(path, '/');
		size_t length = slash ? (size_t)(slash - path) : strlen(path);
		struct inode *next = inode;

		mutex_lock(&dir->lock);
		if (slash)
			next = directory_lookup(dir, path, length);
		if (IS_ERR(next) || !slash) {
			if (slash)
				next = inode_create(sb, S_IFDIR | 0555, NULL, NULL);
			require(!IS_ERR(next));
			require(!directory_enter(dir, path, length, next));
		}
		mutex_unlock(&dir->lock);
		inode_put(next); /* the directory entry has its own reference */
		if (!slash)
			return;
		dir = next;
		path = slash + 1;
	}
}

/* --- /sys ------------------------------------------------------------------------------------- */

static struct superblock *sysfs;

struct superblock *sysfs_get(void)
{
	if (!sysfs) {
		sysfs = vfs_mount("/sys", "sysfs", SYSFS_MAGIC, 0555);
		require(!vfs_create(NULL, "/sys/kernel", S_IFDIR | 0755, 0));
	}
	return sysfs;
}

/* After all extensions have entered their files. */
static void sysfs_close(void)
{
	if (sysfs)
		sysfs->fixed = true;
}

INIT_CALL(90, sysfs_close);
