/* SPDX-License-Identifier: MIT
 *
 * Files: inodes, directory entries by name, open files, paths, mounts.  One tree; file systems are
 * RAM (root, /tmp, /dev), proc, trace.  Everybody is root: permission bits are kept, shown and, for
 * execute, looked at.
 */
#pragma once

#include "kernel/fs/poll.h"
#include "kernel/lib/list.h"
#include "kernel/lib/treap.h"
#include "kernel/sync/refcount.h"
#include "kernel/task/mutex.h"
#include "kernel/vm/object.h"
#include "kernel/vm/usercopy.h"

#define PATH_MAX 4096
#define NAME_MAX 255

#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFLNK	 0120000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define S_IFDIR	 0040000
#define S_IFCHR	 0020000
#define S_IFIFO	 0010000
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)

#define O_ACCMODE   00000003
#define O_RDONLY    00000000
#define O_WRONLY    00000001
#define O_RDWR	    00000002
#define O_CREAT	    00000100
#define O_EXCL	    00000200
#define O_NOCTTY    00000400
#define O_TRUNC	    00001000
#define O_APPEND    00002000
#define O_NONBLOCK  00004000
#define O_LARGEFILE 00100000
#define O_DIRECTORY 00200000
#define O_NOFOLLOW  00400000
#define O_NOATIME   01000000
#define O_CLOEXEC   02000000
#define O_EXEC	    040000000 /* not of open(2): to execute it, where it may be */
#define O_TMPFILE   (020000000 | O_DIRECTORY)

#define AT_FDCWD	    (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR	    0x200
#define AT_SYMLINK_FOLLOW   0x400
#define AT_EMPTY_PATH	    0x1000

struct inode;
struct file;
struct entry;
struct io_buffer;
struct address_space;
struct map_request;

struct timespec {
	s64 seconds;
	s64 nanoseconds;
};

/* struct stat of the x86-64 ABI, 144 bytes. */
struct stat {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	struct timespec st_atime, st_mtime, st_ctime;
	s64 unused[3];
};

/* What an inode does itself; all may be NULL.  Directories keep their entries in memory
 * (directory.c); /proc's have others besides. */
struct inode_ops {
	/* An entry of a directory that is not in memory, with a reference; ERR_PTR(-ENOENT).
	 * Under dir->lock. */
	struct inode *(*lookup)(struct inode *dir, const char *name, size_t length);
	/* The one at *position (opaque, starts at 0): fill name and advance.  False at the end. */
	bool (*next)(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino,
		     u32 *mode);
	/* Symbolic links: the target into buf (not terminated); its length.  May sleep. */
	ssize_t (*readlink)(struct inode *link, char *buf, size_t size);
	/* A link that leads to a file rather than to a path (/proc/PID/fd/N, exe): ERR_PTR. */
	struct file *(*follow_file)(struct inode *link);
};

struct file_ops {
	/* 0 or an error; may set file->private.  NULL: nothing to do. */
	int (*open)(struct file *file);
	void (*release)(struct file *file);
	/* Move bytes at *position and advance it.  Non-seekable files ignore it.  Bytes, 0 at the
	 * end, or an error (-ERESTARTSYS for a signal).  Sleep. */
	ssize_t (*read)(struct file *file, struct io_buffer *io, u64 *position);
	ssize_t (*write)(struct file *file, struct io_buffer *io, u64 *position);
	bool stream; /* of a device that has no position */
	long (*ioctl)(struct file *file, u32 request, u64 argument); /* NULL: -ENOTTY */
	/* Ready now; NULL: always POLLIN | POLLOUT.  */
	u32 (*poll)(struct file *file, struct poll_table *table);
	/* The object to map, with a reference; NULL op: -ENODEV.  */
	struct vm_object *(*map)(struct file *file, u64 offset, u64 length, u32 prot, u32 flags);
};

/* A mounted file system.  All are mounted at the start, and stay. */
struct superblock {
	const char *type;	/* "ramfs", "tmpfs", "proc", ... */
	u64 device;		/* st_dev */
	u64 magic;		/* statfs f_type */
	bool fixed;		/* nobody makes, removes or renames anything here: /proc */
	u64 next_ino;		/* atomic */
	struct inode *root;
	struct inode *covered;	/* the directory it is mounted on; NULL for the root */
	struct list link;	/* all mounts */
};

struct inode {
	struct refcount refs;
	struct superblock *sb;
	const struct inode_ops *ops;
	const struct file_ops *file_ops;
	u64 ino;
	u32 mode;		 /* type and permissions */
	u32 uid, gid;
	u64 rdev;		 /* of a device node */
	u32 nlink;
	u64 size;
	struct timespec atime, mtime, ctime;
	struct mutex lock;	 /* guards content of a directory, size, nlink, attributes */
	struct inode *parent;	 /* of a directory, with a reference; the root: itself, without;
				    under vfs_tree_lock */
	struct entry *self;	 /* the name of a directory there; NULL: removed.  Likewise */
	struct inode *mounted;	 /* root of what is mounted here, or NULL; fixed */
	struct treap by_name, by_number; /* entries of a directory; directory.c's */
	u64 last_number;
	void *private;		 /* target of a link, /proc's entry: freed with the inode */
	struct vm_object *object;/* content of a regular RAM file */
	union {			 /* kernel/ipc's, under the lock */
		void *pipe;	 /* of a FIFO */
		void *socket;	 /* the one that is bound to this name, without a reference */
	};
};

struct file {
	struct refcount refs;
	const struct file_ops *ops;
	struct inode *inode;	/* with a reference; anonymous files have one of their own */
	struct dentry_path *path; /* the name it was opened by, for /proc and getcwd; may be NULL */
	u32 flags;		/* O_*: access mode and status flags; changed by fcntl(F_SETFL) */
	struct mutex position_lock; /* taken around read and write of seekable files */
	u64 position;
	void *private;		/* of the ops */
};

/* A counted, absolute path ("/bin/ls"). */
struct dentry_path {
	struct refcount refs;
	char text[];
};

/* --- Start -------------------------------------------------------------------------------------*/

void vfs_init(void); /* root (RAM), /dev, /proc, /tmp, /dev/shm mounted */

/* --- Inodes ----------------------------------------------------------------------------------- */

void inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* sleeps */
void inode_touch(struct inode *inode, bool access, bool modify); /* times; ctime with modify;
								    under its lock */

/* --- Paths.  `at` is a directory to start from where the path is not absolute (NULL: cwd) ------*/

/* flags: AT_SYMLINK_NOFOLLOW.  With a reference; ERR_PTR(-ENOENT, -ENOTDIR, -ELOOP,
 * -ENAMETOOLONG, -EACCES).  Sleeps. */
struct inode *vfs_lookup(struct inode *at, const char *path, u32 flags);

/* Everything open() does.  ERR_PTR.  Sleeps (a FIFO until the other end comes). */
struct file *vfs_open(struct inode *at, const char *path, u32 flags, u32 mode);

int vfs_create(struct inode *at, const char *path, u32 mode, u64 rdev); /* mknod, mkdir by mode */
struct inode *vfs_create_socket(const char *path, u32 mode); /* with a reference; ERR_PTR */
int vfs_symlink(struct inode *at, const char *path, const char *target);
int vfs_unlink(struct inode *at, const char *path, bool directory);
struct stat vfs_stat(struct inode *inode);
int vfs_truncate(struct inode *inode, u64 size);

/* The first entry of a directory from *position (opaque, starts at 0; without "." and "..") on: fill
 * all and advance.  False at the end.  Under its lock. */
bool directory_next(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino, u32 *mode);

/* Absolute path of a directory, terminated.  Length without the NUL, or -ERANGE, -ENOENT (removed). */
ssize_t vfs_path_of(struct inode *directory, char *buf, size_t size);

/* --- Open files --------------------------------------------------------------------------------*/

/* An anonymous file (pipe, socket): no path; mode is its inode's.  ERR_PTR(-ENOMEM). */
struct file *file_create_anonymous(const struct file_ops *ops, u32 flags, void *private, u32 mode);
static inline void file_get(struct file *f)
{
	refcount_get(&f->refs);
}

void file_put(struct file *f); /* the last closes; sleeps */

/* read() and write() as the system calls do: access mode, append, at the file's own position (`at`
 * NULL) or at *at, which advances.  -EPIPE: the caller sends SIGPIPE.  Sleeps. */
ssize_t file_transfer(struct file *f, struct io_buffer *io, bool write, u64 *at);

/* Whole reads from inside the kernel (exec): bytes, short at the end. */
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 position);
s64 file_seek(struct file *f, s64 offset, int whence);
long file_ioctl(struct file *f, u32 request, u64 argument);
/* Map it where and as the request says, filling in its object and file.  As address_space_map(), and
 * -EACCES, -ENODEV. */
long file_map(struct file *f, struct address_space *as, struct map_request *request);
/* The POLL* bits of a file; see poll_wait() for `table`. */
static inline u32 file_poll(struct file *f, struct poll_table *table)
{
	if (!f->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, table);
}

ssize_t file_readdir(struct file *f, void *user_dirents, size_t size); /* getdents64() */

/* --- Character devices -------------------------------------------------------------------------*/

#define MAKEDEV(major, minor) (((u64)(major) << 8) | (minor))

/* --- initramfs ---------------------------------------------------------------------------------*/

/* Unpack a cpio archive (newc; several in a row, zero padding between) into the root, later files
 * over earlier ones.  Returns the number of entries, or -EINVAL (not cpio) / -E2BIG (cut short),
 * what came before being kept.  Every file's name and size is checked. */
ssize_t initramfs_unpack(const void *archive, size_t size);
