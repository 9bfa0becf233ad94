/* SPDX-License-Identifier: MIT
 *
 * The start, and mounts.
 */
#include "kernel/fs/internal.h"
#include "kernel/linux/proc/procfs.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define RAMFS_MAGIC   0x858458f6
#define TMPFS_MAGIC   0x01021994
#define PROC_MAGIC    0x9fa0
#define SYSFS_MAGIC   0x62656572
#define TRACEFS_MAGIC 0x74726163

static struct list mounts = LIST_INIT(mounts); /* in order of mounting */

/* A new file system, on a directory that is there.  At the start alone: nobody else is about. */
static struct superblock *mount_on(const char *path, const char *type, u64 magic, u32 mode)
{
	struct inode *dir = vfs_lookup(NULL, path, 0);
	struct superblock *sb = superblock_create(type, magic, mode);

	require(!IS_ERR(dir) && !IS_ERR(sb));
	sb->covered = dir;
	dir->mounted = sb->root;
	list_push_back(&mounts, &sb->link);
	return sb;
}

/* /proc/mounts. */
int vfs_mounts_text(pid_t pid, tid_t tid, struct text *t)
{
	struct superblock *sb;
	char path[32];

	list_for_each (sb, &mounts, link)
		if (vfs_path_of(sb->root, path, sizeof(path)) > 0)
			text_printf(t, "%s %s %s rw,relatime 0 0\n", sb->type, path, sb->type);
	return 0;
}

void vfs_init(void)
{
	static const struct {
		const char *path, *type;
		u64 magic;
		u32 mode;
	} all[] = {{"/proc", "proc", PROC_MAGIC, 0555},
		   {"/sys", "sysfs", SYSFS_MAGIC, 0555},
		   {"/sys/kernel", NULL, 0, 0},
		   {"/sys/kernel/tracing", "tracefs", TRACEFS_MAGIC, 0555},
		   {"/dev", "devtmpfs", TMPFS_MAGIC, 0755},
		   {"/dev/shm", "tmpfs", TMPFS_MAGIC, 01777},
		   {"/tmp", "tmpfs", TMPFS_MAGIC, 01777}};

	struct superblock *sysfs = NULL;

	inode_init();
	file_init();
	vfs_root_superblock = superblock_create("ramfs", RAMFS_MAGIC, 0755);
	require(!IS_ERR(vfs_root_superblock));
	list_push_back(&mounts, &vfs_root_superblock->link);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct superblock *sb;

		require(!vfs_create(NULL, all[i].path, S_IFDIR | 0755, 0));
		if (!all[i].type)
			continue;
		sb = mount_on(all[i].path, all[i].type, all[i].magic, all[i].mode);
		if (all[i].magic == PROC_MAGIC)
			procfs_init(sb);
		if (all[i].magic == SYSFS_MAGIC)
			sysfs = sb;
		if (all[i].magic == TRACEFS_MAGIC)
			tracefs_init(sb);
	}
	sysfs->fixed = true;
	devfs_init();
}
