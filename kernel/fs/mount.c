/* SPDX-License-Identifier: MIT
 *
 * Mounts.
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

#define TMPFS_MAGIC 0x01021994

static struct lock_class mount_class = {"mounts", 0};
static struct mutex mount_mutex = MUTEX_INIT(mount_mutex, &mount_class); /* guards the list */
static struct list mounts = LIST_INIT(mounts);				 /* in order of mounting */

struct superblock *vfs_root_superblock;

static struct superblock *tmpfs_mount(void)
{
	struct superblock *sb = ramfs_mount();

	if (!IS_ERR(sb)) {
		sb->type = "tmpfs";
		sb->magic = TMPFS_MAGIC;
		sb->root->mode = S_IFDIR | 01777;
	}
	return sb;
}

static const struct {
	const char *type;
	struct superblock *(*mount)(void);
} types[] = {{"ramfs", ramfs_mount},
	     {"tmpfs", tmpfs_mount},
	     {"proc", procfs_mount},
	     {"devtmpfs", devfs_mount}};

void mount_init(void)
{
	vfs_root_superblock = ramfs_mount();
	require(!IS_ERR(vfs_root_superblock));
	strscpy(vfs_root_superblock->path, "/", sizeof(vfs_root_superblock->path));
	list_push_back(&mounts, &vfs_root_superblock->link);
}

/* Nobody has it any more. */
static void superblock_destroy(struct superblock *sb)
{
	if (sb->evict)
		sb->evict(sb);
	inode_put(sb->root);
	superblock_put(sb);
}

static int attach(struct superblock *sb, struct inode *dir)
{
	int error = 0;
	ssize_t n = vfs_path_of(dir, sb->path, sizeof(sb->path));

	if (n < 0)
		return n == -ERANGE ? -ENAMETOOLONG : (int)n;
	/* With its lock, so that the directory is not being removed, nor something else mounted. */
	mutex_lock(&dir->lock);
	if (!dir->nlink) {
		error = -ENOENT;
	} else if (dir->mounted) {
		error = -EBUSY;
	} else {
		inode_get(dir);
		spin_lock(&vfs_tree_lock);
		sb->covered = dir;
		WRITE_ONCE(dir->mounted, sb->root);
		spin_unlock(&vfs_tree_lock);
		list_push_back(&mounts, &sb->link);
	}
	mutex_unlock(&dir->lock);
	return error;
}

static int mount_on(const char *type, struct inode *dir)
{
	struct superblock *sb = ERR_PTR(-ENODEV);
	int error;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	/* Other inodes of /proc are made anew for each lookup: nothing would stay mounted there. */
	if (!dir->ops->create && dir != dir->sb->root)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i].type))
			sb = types[i].mount();
	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	mutex_lock(&mount_mutex);
	error = attach(sb, dir);
	mutex_unlock(&mount_mutex);
	if (error)
		superblock_destroy(sb);
	return error;
}

int vfs_mount(const char *type, const char *path)
{
	struct inode *dir = vfs_lookup(NULL, path, 0);
	int error;

	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	error = mount_on(type, dir);
	inode_put(dir);
	return error;
}

/* Out of the tree first, so that nobody comes in while it is asked who is there. */
static int detach(struct superblock *sb)
{
	struct inode *covered = sb->covered;
	bool busy;

	if (!covered)
		return sb == vfs_root_superblock ? -EBUSY : -EINVAL;
	spin_lock(&vfs_tree_lock);
	busy = sb->root->mounted;
	if (!busy) {
		WRITE_ONCE(covered->mounted, NULL);
		sb->covered = NULL;
	}
	spin_unlock(&vfs_tree_lock);
	if (busy)
		return -EBUSY;
	if (sb->busy(sb)) {
		spin_lock(&vfs_tree_lock);
		sb->covered = covered;
		WRITE_ONCE(covered->mounted, sb->root);
		spin_unlock(&vfs_tree_lock);
		return -EBUSY;
	}
	list_remove(&sb->link);
	inode_put(covered);
	return 0;
}

int vfs_unmount(const char *path)
{
	struct inode *root = vfs_lookup(NULL, path, 0);
	struct superblock *sb;
	int error = -EINVAL;

	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	sb = root->sb;
	if (root == sb->root) {
		mutex_lock(&mount_mutex);
		inode_put(root); /* not to be counted; the mount holds it until it is detached */
		error = detach(sb);
		mutex_unlock(&mount_mutex);
		if (!error)
			superblock_destroy(sb);
	} else {
		inode_put(root);
	}
	return error;
}

/* Blanks in a path as octal numbers, as getmntent(3) wants them. */
static void escape(char *out, size_t size, const char *path)
{
	size_t n = 0;

	for (; *path && n + 5 < size; path++) {
		if (strchr(" \t\n\\", *path))
			n += (size_t)scnprintf(out + n, size - n, "\\%03o", *path);
		else
			out[n++] = *path;
	}
	out[n] = '\0';
}

size_t vfs_mounts_text(char *buf, size_t size)
{
	struct superblock *sb;
	char path[4 * sizeof(sb->path) + 8];
	size_t n = 0;

	mutex_lock(&mount_mutex);
	list_for_each (sb, &mounts, link) {
		escape(path, sizeof(path), sb->path);
		n += (size_t)scnprintf(buf + n, size - n, "%s %s %s rw,relatime 0 0\n", sb->type,
				       path, sb->type);
	}
	mutex_unlock(&mount_mutex);
	return n;
}
