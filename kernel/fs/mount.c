/* SPDX-License-Identifier: MIT
 *
 * The start, and mounts.
 */
#include "kernel/fs/internal.h"
#include "kernel/fs/procfs.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define RAMFS_MAGIC 0x858458f6
#define TMPFS_MAGIC 0x01021994
#define PROC_MAGIC  0x9fa0

static struct lock_class mount_class = {"mounts", 0};
static struct mutex mount_mutex = MUTEX_INIT(mount_mutex, &mount_class); /* guards the list */
static struct list mounts = LIST_INIT(mounts);				 /* in order of mounting */

struct superblock *vfs_root_superblock;

/* With the directory's lock, so that it is not being removed, nor something else mounted. */
static struct superblock *mount_locked(struct inode *dir, const char *type, u64 magic, u32 mode)
{
	struct superblock *sb;

	if (!dir->nlink)
		return ERR_PTR(-ENOENT);
	if (dir->mounted)
		return ERR_PTR(-EBUSY);
	sb = superblock_create(type, magic, mode);
	if (IS_ERR(sb))
		return sb;
	inode_get(dir);
	spin_lock(&vfs_tree_lock);
	sb->covered = dir;
	WRITE_ONCE(dir->mounted, sb->root);
	spin_unlock(&vfs_tree_lock);
	mutex_lock(&mount_mutex);
	list_push_back(&mounts, &sb->link);
	mutex_unlock(&mount_mutex);
	return sb;
}

static struct superblock *mount_on(const char *path, const char *type, u64 magic, u32 mode)
{
	struct inode *dir = vfs_lookup(NULL, path, 0);
	struct superblock *sb;

	if (IS_ERR(dir))
		return (struct superblock *)dir;
	if (!S_ISDIR(dir->mode)) {
		sb = ERR_PTR(-ENOTDIR);
	} else if (dir->sb->fixed && dir != dir->sb->root) {
		/* Inodes of /proc are made anew for each lookup: nothing would stay mounted. */
		sb = ERR_PTR(-EINVAL);
	} else {
		mutex_lock(&dir->lock);
		sb = mount_locked(dir, type, magic, mode);
		mutex_unlock(&dir->lock);
	}
	inode_put(dir);
	return sb;
}

int vfs_mount(const char *type, const char *path)
{
	struct superblock *sb = ERR_PTR(-ENODEV);

	if (!strcmp(type, "tmpfs"))
		sb = mount_on(path, "tmpfs", TMPFS_MAGIC, 01777);
	else if (!strcmp(type, "ramfs"))
		sb = mount_on(path, "ramfs", RAMFS_MAGIC, 0755);
	else if (!strcmp(type, "proc") || !strcmp(type, "devtmpfs"))
		sb = ERR_PTR(-EBUSY); /* there is one of each, and it is mounted */
	return IS_ERR(sb) ? (int)PTR_ERR(sb) : 0;
}

int vfs_unmount(const char *path)
{
	struct inode *root = vfs_lookup(NULL, path, 0);
	int error;

	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	error = root == root->sb->root ? -EBUSY : -EINVAL;
	inode_put(root);
	return error;
}

/* /proc/mounts; blanks in a path as octal numbers, as getmntent(3) wants them. */
int vfs_mounts_text(pid_t pid, tid_t tid, struct text *t)
{
	char *path = kmalloc(PATH_MAX);
	struct superblock *sb;

	if (!path)
		return -ENOMEM;
	mutex_lock(&mount_mutex);
	list_for_each (sb, &mounts, link) {
		if (vfs_path_of(sb->root, path, PATH_MAX) < 0)
			continue;
		text_printf(t, "%s ", sb->type);
		for (const char *c = path; *c; c++)
			text_printf(t, strchr(" \t\n\\", *c) ? "\\%03o" : "%c", *c);
		text_printf(t, " %s rw,relatime 0 0\n", sb->type);
	}
	mutex_unlock(&mount_mutex);
	kfree(path);
	return 0;
}

void vfs_init(void)
{
	static const struct {
		const char *path, *type;
		u64 magic;
		u32 mode;
	} all[] = {{"/proc", "proc", PROC_MAGIC, 0555},
		   {"/dev", "devtmpfs", TMPFS_MAGIC, 0755},
		   {"/dev/shm", "tmpfs", TMPFS_MAGIC, 01777},
		   {"/tmp", "tmpfs", TMPFS_MAGIC, 01777}};

	inode_init();
	file_init();
	vfs_root_superblock = superblock_create("ramfs", RAMFS_MAGIC, 0755);
	require(!IS_ERR(vfs_root_superblock));
	list_push_back(&mounts, &vfs_root_superblock->link);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct superblock *sb;

		require(!vfs_create(NULL, all[i].path, S_IFDIR | 0755, 0));
		sb = mount_on(all[i].path, all[i].type, all[i].magic, all[i].mode);
		require(!IS_ERR(sb));
		if (all[i].magic == PROC_MAGIC)
			procfs_init(sb);
	}
	devfs_init();
}
