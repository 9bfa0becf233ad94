/* SPDX-License-Identifier: MIT
 *
 * The VFS, the RAM file system and /dev, used inside the kernel.
 */
#include "kernel/fs/file_table.h"
#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "tests/kernel/knames.h"
#include "tests/kernel/ktest.h"

#define DIR "/tmp/ktest_fs"

static int open_error(const char *path, u32 flags)
{
	struct file *f = vfs_open(NULL, path, flags, 0644);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	file_put(f);
	return 0;
}

static ssize_t write_text(struct file *f, const char *text)
{
	struct io_buffer io;

	io_init_kernel(&io, (void *)(uintptr_t)text, strlen(text));
	return file_transfer(f, &io, true, NULL);
}

KTEST(fs_errors)
{
	static char long_name[NAME_MAX + 2];

	KEXPECT_EQ(make_directory(DIR), 0);
	KEXPECT_EQ(make_directory(DIR), -EEXIST);
	KEXPECT_EQ(make_directory("/"), -EEXIST);
	KEXPECT_EQ(make_directory(DIR "/sub/"), 0);
	KEXPECT_EQ(make_directory(DIR "/none/x"), -ENOENT);
	KEXPECT_EQ(make(DIR "/f"), 0);
	KEXPECT_EQ(make(DIR "/f"), -EEXIST);
	KEXPECT_EQ(make_directory(DIR "/f/x"), -ENOTDIR);
	KEXPECT_EQ(open_error(DIR "/f/", O_RDONLY), -ENOTDIR);
	KEXPECT_EQ(open_error(DIR "/f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	KEXPECT_EQ(open_error(DIR "/none", O_RDONLY), -ENOENT);
	KEXPECT_EQ(open_error("", O_RDONLY), -ENOENT);
	KEXPECT_EQ(open_error(DIR "/new/", O_CREAT | O_WRONLY), -EISDIR);
	KEXPECT_EQ(open_error(DIR, O_WRONLY), -EISDIR);
	KEXPECT_EQ(open_error(DIR "/.", O_CREAT), -EISDIR);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, false), -EISDIR);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, true), -ENOTEMPTY);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/f", true), -ENOTDIR);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/f/", false), -ENOTDIR);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/sub/.", true), -EINVAL);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/sub/..", true), -ENOTEMPTY);
	KEXPECT_EQ(vfs_unlink(NULL, "/tmp", true), -EBUSY);
	memset(long_name, 'x', NAME_MAX + 1);
	KEXPECT_EQ(make(long_name), -ENAMETOOLONG);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/sub", true), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/f", false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, true), 0);
	KEXPECT_EQ(lookup_error(DIR), -ENOENT);
}

KTEST(fs_symlinks)
{
	static const char loop[] = DIR "/loop";
	struct file *f;
	char name[64];

	KEXPECT_EQ(make_directory(DIR), 0);
	KEXPECT_EQ(vfs_symlink(NULL, DIR "/dangling", "made"), 0);
	KEXPECT_EQ(open_error(DIR "/dangling", O_RDONLY), -ENOENT);
	KEXPECT_EQ(open_error(DIR "/dangling", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
	KEXPECT_EQ(open_error(DIR "/dangling", O_CREAT | O_WRONLY), 0);
	KEXPECT_EQ(open_error(DIR "/dangling", O_NOFOLLOW), -ELOOP);
	KEXPECT_EQ(make_directory(DIR "/dangling"), -EEXIST);
	f = vfs_open(NULL, DIR "/./dangling", O_RDONLY, 0);
	KEXPECT(!IS_ERR(f) && !strcmp(f->path->text, DIR "/made"));
	if (!IS_ERR(f))
		file_put(f);
	KEXPECT_EQ(vfs_symlink(NULL, loop, loop), 0);
	KEXPECT_EQ(lookup_error(loop), -ELOOP);
	/* A chain of 40 symbolic links is followed, one of 41 is not. */
	for (int i = 1; i <= 41; i++) {
		char target[64];

		snprintf(name, sizeof(name), DIR "/%d", i);
		snprintf(target, sizeof(target), i == 1 ? "made" : "../ktest_fs/%d", i - 1);
		KEXPECT_EQ(vfs_symlink(NULL, name, target), 0);
	}
	KEXPECT_EQ(lookup_error(DIR "/40"), 0);
	KEXPECT_EQ(lookup_error(DIR "/41"), -ELOOP);
	KEXPECT_EQ(vfs_symlink(NULL, DIR "/root", "/"), 0);
	KEXPECT_EQ(lookup_error(DIR "/root/tmp/../.." DIR "/made"), 0);
	KEXPECT_EQ(lookup_error(DIR "/root"), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), DIR "/%d", i);
		KEXPECT_EQ(vfs_unlink(NULL, name, false), 0);
	}
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/root", false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, loop, false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/dangling", false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR "/made", false), 0);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, true), 0);
}

KTEST(fs_content)
{
	struct file *f = vfs_open(NULL, "/tmp/ktest_file", O_CREAT | O_RDWR | O_TRUNC, 0600);
	struct file *appender;
	char buf[16];

	KEXPECT(!IS_ERR(f));
	KEXPECT_EQ(write_text(f, "hello"), 5);
	KEXPECT_EQ(file_seek(f, 3 * PAGE_SIZE - 2, 0), 3 * PAGE_SIZE - 2);
	KEXPECT_EQ(write_text(f, "across"), 6);
	KEXPECT_EQ(f->inode->size, 3 * PAGE_SIZE + 4);
	KEXPECT_EQ(f->inode->object->page_count, 3);
	KEXPECT_EQ(file_read_kernel(f, buf, 8, PAGE_SIZE - 4), 8);
	KEXPECT(!memcmp(buf, "\0\0\0\0\0\0\0\0", 8));
	KEXPECT_EQ(file_read_kernel(f, buf, sizeof(buf), 3 * PAGE_SIZE - 2), 6);
	KEXPECT(!memcmp(buf, "across", 6));
	KEXPECT_EQ(vfs_truncate(f->inode, 2), 0);
	KEXPECT_EQ(vfs_truncate(f->inode, 8), 0);
	KEXPECT_EQ(file_read_kernel(f, buf, sizeof(buf), 0), 8);
	KEXPECT(!memcmp(buf, "he\0\0\0\0\0\0", 8));
	KEXPECT_EQ(vfs_truncate(f->inode, UINT64_MAX), -EFBIG);
	KEXPECT_EQ(file_seek(f, -1, 0), -EINVAL);
	KEXPECT_EQ(file_seek(f, INT64_MAX, 0), INT64_MAX);
	KEXPECT_EQ(write_text(f, "x"), -EFBIG);
	KEXPECT_EQ(file_seek(f, 1, 1), -EOVERFLOW);

	appender = vfs_open(NULL, "/tmp/ktest_file", O_WRONLY | O_APPEND, 0);
	KEXPECT(!IS_ERR(appender));
	KEXPECT_EQ(write_text(appender, "end"), 3);
	KEXPECT_EQ(f->inode->size, 11);
	KEXPECT_EQ(file_read_kernel(appender, buf, 1, 0), -EBADF);
	file_put(appender);

	KEXPECT_EQ(vfs_unlink(NULL, "/tmp/ktest_file", false), 0);
	KEXPECT_EQ(f->inode->nlink, 0);
	KEXPECT_EQ(file_read_kernel(f, buf, 2, 0), 2);
	file_put(f);
}

/* While the directory is read, half of its entries are removed.  Each other entry must be read
 * exactly once. */
KTEST(fs_readdir_is_stable)
{
	char name[NAME_MAX + 1], path[64];
	struct inode *dir;
	u64 position = 0, ino;
	u32 mode, seen = 0;

	make_directory(DIR);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), DIR "/%d", i);
		make(path);
	}
	dir = vfs_lookup(NULL, DIR, 0);
	KEXPECT(!IS_ERR(dir));
	for (;;) {
		bool more;

		mutex_lock(&dir->lock);
		more = directory_next(dir, &position, name, &ino, &mode);
		mutex_unlock(&dir->lock);
		if (!more)
			break;
		seen++;
		snprintf(path, sizeof(path), DIR "/%s", name);
		KEXPECT_EQ(vfs_unlink(NULL, path, false), 0);
	}
	KEXPECT_EQ(seen, 100);
	inode_put(dir);
	KEXPECT_EQ(vfs_unlink(NULL, DIR, true), 0);
}

KTEST(fs_mounts)
{
	KEXPECT_EQ(vfs_unlink(NULL, "/dev/shm", true), -EBUSY);
	KEXPECT_EQ(lookup_error("/dev/shm/../shm/../../tmp"), 0);
	KEXPECT_EQ(lookup_error("/dev/null/.."), -ENOTDIR);
}

KTEST(fs_devices)
{
	struct file *f = vfs_open(NULL, "/dev/zero", O_RDWR, 0);
	char buf[4] = "xxxx";

	KEXPECT(!IS_ERR(f));
	KEXPECT_EQ(file_read_kernel(f, buf, 4, 0), 4);
	KEXPECT(!memcmp(buf, "\0\0\0\0", 4));
	file_put(f);
	f = vfs_open(NULL, "/dev/full", O_WRONLY, 0);
	KEXPECT(!IS_ERR(f));
	KEXPECT_EQ(write_text(f, "x"), -ENOSPC);
	file_put(f);
}
