/* SPDX-License-Identifier: MIT
 *
 * link() and rename(), called inside the kernel.
 */
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/names/names.h"
#include "tests/kernel/knames.h"
#include "tests/kernel/ktest.h"

#define DIR "/tmp/ktest_names"

static struct stat stat_of(const char *path)
{
	struct inode *inode = vfs_lookup(NULL, path, AT_SYMLINK_NOFOLLOW);
	struct stat st = {0};

	if (!IS_ERR(inode)) {
		st = vfs_stat(inode);
		inode_put(inode);
	}
	return st;
}

static int rename_in(const char *from, const char *to, u32 flags)
{
	char old_path[64], new_path[64];

	snprintf(old_path, sizeof(old_path), DIR "/%s", from);
	snprintf(new_path, sizeof(new_path), DIR "/%s", to);
	return vfs_rename(NULL, old_path, NULL, new_path, flags);
}

KTEST(names_rename)
{
	char path[64];
	struct inode *deep;

	make_directory(DIR);
	make_directory(DIR "/a");
	make_directory(DIR "/a/b");
	make_directory(DIR "/c");
	make(DIR "/f");
	make(DIR "/a/g");
	KEXPECT_EQ(rename_in("a", "a/b/x", 0), -EINVAL);
	KEXPECT_EQ(rename_in("a", "a", 0), 0);
	KEXPECT_EQ(rename_in("a/b", "a", 0), -ENOTEMPTY);
	KEXPECT_EQ(rename_in("a/b", "f", 0), -ENOTDIR);
	KEXPECT_EQ(rename_in("f", "c", 0), -EISDIR);
	KEXPECT_EQ(rename_in("f", "new/", 0), -ENOTDIR);
	KEXPECT_EQ(rename_in("c", "a", 0), -ENOTEMPTY);
	KEXPECT_EQ(rename_in("f", "a/g", RENAME_NOREPLACE), -EEXIST);
	KEXPECT_EQ(rename_in("none", "x", 0), -ENOENT);
	KEXPECT_EQ(rename_in(".", "x", 0), -EBUSY);
	KEXPECT_EQ(vfs_rename(NULL, DIR "/f", NULL, "/dev/f", 0), -EXDEV);
	KEXPECT_EQ(vfs_rename(NULL, "/dev/shm", NULL, "/dev/x", 0), -EBUSY);
	KEXPECT_EQ(vfs_rename(NULL, "/tmp", NULL, "/x", 0), -EBUSY);

	KEXPECT_EQ(rename_in("a/b", "c", 0), 0); /* replaces an empty directory */
	KEXPECT_EQ(stat_of(DIR "/a").st_nlink, 2);
	KEXPECT_EQ(stat_of(DIR).st_nlink, 4);
	KEXPECT_EQ(rename_in("a", "c/d/", 0), 0);
	KEXPECT_EQ(stat_of(DIR).st_nlink, 3);
	deep = vfs_lookup(NULL, DIR "/c/d", 0);
	KEXPECT(!IS_ERR(deep));
	KEXPECT(vfs_path_of(deep, path, sizeof(path)) == (ssize_t)strlen(DIR "/c/d"));
	KEXPECT(!strcmp(path, DIR "/c/d"));
	KEXPECT_EQ(vfs_path_of(deep, path, 5), -ERANGE);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/f", false), 0);
	KEXPECT_EQ(rename_in("c/d/g", "f", 0), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/c/d", true), 0);
	KEXPECT_EQ(vfs_path_of(deep, path, sizeof(path)), -ENOENT);
	KEXPECT_EQ(vfs_create(deep, "x", S_IFDIR | 0755, 0), -ENOENT);
	inode_put(deep);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/f", false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/c", true), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, true), 0);
}

KTEST(names_link)
{
	KEXPECT_EQ(make_directory(DIR), 0);
	KEXPECT_EQ(make_directory(DIR "/sub"), 0);
	KEXPECT_EQ(make(DIR "/f"), 0);
	KEXPECT_EQ(vfs_link(NULL, DIR "/sub", NULL, DIR "/l", 0), -EPERM);
	KEXPECT_EQ(vfs_link(NULL, DIR "/f", NULL, "/dev/f", 0), -EXDEV);
	KEXPECT_EQ(vfs_link(NULL, DIR "/f", NULL, DIR "/l", 0), 0);
	KEXPECT_EQ(stat_of(DIR "/f").st_nlink, 2);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/f", false), 0);
	KEXPECT_EQ(stat_of(DIR "/l").st_nlink, 1);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/l", false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/sub", true), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, true), 0);
}
