/* SPDX-License-Identifier: MIT
 *
 * Mounts, and the start of the file systems.
 */
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define RAMFS_MAGIC   0x858458f6
#define TMPFS_MAGIC   0x01021994

struct list vfs_mounts = LIST_INIT(vfs_mounts);

struct superblock *vfs_mount(const char *path, const char *type, u64 magic, u32 mode)
{
	struct superblock *sb;
	struct inode *dir;

	require(!vfs_create(NULL, path, S_IFDIR | 0755, 0));
	dir = vfs_lookup(NULL, path, 0);
	sb = superblock_create(type, magic, mode);
	require(!IS_ERR(dir) && !IS_ERR(sb));
	sb->covered = dir;
	dir->mounted = sb->root;
	list_push_back(&vfs_mounts, &sb->link);
	return sb;
}

void vfs_init(void)
{
	inode_init();
	file_init();
	vfs_root_superblock = superblock_create("ramfs", RAMFS_MAGIC, 0755);
	require(!IS_ERR(vfs_root_superblock));
	list_push_back(&vfs_mounts, &vfs_root_superblock->link);
	vfs_mount("/dev", "devtmpfs", TMPFS_MAGIC, 0755);
	vfs_mount("/dev/shm", "tmpfs", TMPFS_MAGIC, 01777);
	vfs_mount("/tmp", "tmpfs", TMPFS_MAGIC, 01777);
	devfs_init();
}
