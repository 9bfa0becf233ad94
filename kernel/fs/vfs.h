/* SPDX-License-Identifier: MIT
 *
 * Files: inodes, names in directories, open files, paths, mounts.  There is one tree of file
 * systems, all in RAM (root, /tmp, /dev, /proc and others).
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
#define O_PATH	    010000000
#define O_EXEC	    040000000 /* for the kernel only: execute permission is checked */
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
struct text;

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

/* The operations of an inode; each may be NULL.  Directories have their entries in memory
 * (directory.c).  Directories of /proc also have entries that are computed: lookup and next. */
struct inode_ops {
	/* Returns the inode of a computed entry, with a reference, or ERR_PTR(-ENOENT).  The caller
	 * holds dir->lock. */
	struct inode *(*lookup)(struct inode *dir, const char *name, size_t length);
	/* Get the computed entry at *position (opaque, starts at 0): fill name, ino and mode, and
	 * advance the position.  False at the end.  The caller holds dir->lock. */
	bool (*next)(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino,
		     u32 *mode);
	/* Copy the target of a symbolic link to `buf`, not terminated, and return its length.  May
	 * sleep. */
	ssize_t (*readlink)(struct inode *link, char *buf, size_t size);
	/* Returns the file, with a reference, of a link that leads to a file and not to a path
	 * (/proc/PID/fd/N, /proc/PID/exe).  ERR_PTR. */
	struct file *(*follow_file)(struct inode *link);
	/* The last reference to the inode is gone; its memory is freed afterwards.  May sleep. */
	void (*release)(struct inode *inode);
	/* A regular file: may its content be written (`write`), or its size become `size`?  A write
	 * that does not extend the file has size 0.  0 or an error.  Any context. */
	int (*may_change)(struct inode *inode, u64 size, bool write);
};

/* The operations of an open file. */
struct file_ops {
	const char *name; /* of files without a path, for /proc: "[eventfd]"; NULL: none */
	/* Returns 0 or an error; may set file->private.  NULL: nothing to do. */
	int (*open)(struct file *file);
	/* The last reference is gone.  NULL: nothing to do. */
	void (*release)(struct file *file);
	/* Move bytes at *position and advance it; files without a position ignore it.  Returns the
	 * number of bytes, 0 at the end, or an error (-ERESTARTSYS for a signal).  Sleeps. */
	ssize_t (*read)(struct file *file, struct io_buffer *io, u64 *position);
	ssize_t (*write)(struct file *file, struct io_buffer *io, u64 *position);
	bool stream; /* the file is a device without a position */
	/* Add lines to /proc/PID/fdinfo/FD.  NULL: nothing to add. */
	void (*show)(struct file *file, struct text *text);
	long (*ioctl)(struct file *file, u32 request, u64 argument); /* NULL: -ENOTTY */
	/* Returns the POLL* bits that are true now; see poll_wait().  NULL: always readable and
	 * writable. */
	u32 (*poll)(struct file *file, struct poll_table *table);
	/* Returns the object to map, with a reference, or ERR_PTR.  NULL: -ENODEV. */
	struct vm_object *(*map)(struct file *file, u64 offset, u64 length, u32 prot, u32 flags);
};

/* A mounted file system.  All are mounted during the boot, and none is unmounted. */
struct superblock {
	const char *type;	/* "ramfs", "tmpfs", "proc", ... */
	u64 device;		/* st_dev */
	u64 magic;		/* statfs f_type */
	bool fixed;		/* names cannot be made, removed or renamed: /proc */
	/* Instead of ramfs_inode(), which makes files of this type; NULL for RAM files. */
	struct inode *(*make)(struct superblock *sb, u32 mode, u64 rdev, const char *target);
	u64 next_ino;		/* atomic */
	struct inode *root;
	struct inode *covered;	/* the directory that it is mounted on; NULL for the root */
	struct list link;	/* in the list of all mounts */
};

struct inode {
	struct refcount refs;
	struct superblock *sb;
	const struct inode_ops *ops;
	const struct file_ops *file_ops;
	u64 ino;
	u32 mode;		 /* type and permissions */
	u32 uid, gid;
	u64 rdev;		 /* device number of a device node */
	u32 nlink;
	bool linkable;		 /* has never had a name, and may get one: O_TMPFILE */
	s32 use;		 /* > 0: files open for writing; < 0: programs that run it.
				    For kernel/linux/files/text_busy.c, atomic */
	u64 size;
	struct timespec atime, mtime, ctime;
	struct mutex lock;	 /* guards content of a directory, size, nlink, attributes */
	/* parent and self: directories only, under vfs_tree_lock. */
	struct inode *parent;	 /* parent directory, with a reference; the root of a file system
				    points to itself, without a reference */
	struct entry *self;	 /* its entry in `parent`; NULL: removed, or root of a mount */
	struct inode *mounted;	 /* root of the file system that is mounted here, or NULL; fixed */
	struct treap by_name, by_number; /* entries of a directory, for directory.c */
	u64 last_number;
	void *private;		 /* target of a link, or data of /proc; freed with the inode */
	struct vm_object *object;/* content of a regular RAM file */
	union {			 /* under the lock */
		void *pipe;	 /* struct pipe of a FIFO that is open, or NULL */
		void *socket;	 /* socket that is bound to this name, without a reference */
	};
};

struct file {
	struct refcount refs;
	const struct file_ops *ops;
	struct inode *inode;	/* with a reference; each anonymous file has an inode too */
	struct path_text *path; /* the path by which it was opened, for /proc; may be NULL */
	u32 flags;		/* O_*: access mode and status flags; fcntl(F_SETFL) changes them */
	struct mutex position_lock; /* guards position; held during read() of a regular file too */
	u64 position;
	s8 use;			/* what it has added to inode->use */
	void *private;		/* private data of `ops` */
	struct list *watchers;	/* for kernel/linux/epoll */
};

/* An absolute path ("/bin/ls") with a reference count. */
struct path_text {
	struct refcount refs;
	char text[];
};

/* --- Start -------------------------------------------------------------------------------------*/

void vfs_init(void); /* mount the root, /dev, /dev/shm and /tmp, and make the device nodes */

/* --- Inodes ----------------------------------------------------------------------------------- */

void inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* sleeps */

/* Set atime if `access`, mtime and ctime if `modify`, only ctime if neither.  The caller holds the
 * lock of the inode. */
void inode_touch(struct inode *inode, bool access, bool modify);

/* --- Paths ------------------------------------------------------------------------------------ */

/* A relative path starts at the directory `at`, or at the working directory if `at` is NULL. */

/* Find the inode of a path.  flags: AT_SYMLINK_NOFOLLOW.  Returns it with a reference, or
 * ERR_PTR(-ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EACCES).  Sleeps. */
struct inode *vfs_lookup(struct inode *at, const char *path, u32 flags);

/* open(2).  Returns the file with one reference, or ERR_PTR.  Sleeps; a FIFO sleeps until its other
 * end is opened. */
struct file *vfs_open(struct inode *at, const char *path, u32 flags, u32 mode);

/* mkdir(2), mknod(2) and so on, by the type in `mode`.  Return 0 or an error.  Sleep. */
int vfs_create(struct inode *at, const char *path, u32 mode, u64 rdev);
int vfs_symlink(struct inode *at, const char *path, const char *target);
int vfs_unlink(struct inode *at, const char *path, bool directory); /* directory: rmdir(2) */

/* Call inode_ops.may_change, if the inode has it. */
static inline int inode_may_change(struct inode *inode, u64 size, bool write)
{
	bool asks = inode->ops && inode->ops->may_change;

	return asks ? inode->ops->may_change(inode, size, write) : 0;
}

/* Set the size of a regular file.  0, -EISDIR, -EINVAL or -EFBIG.  Sleeps. */
int vfs_truncate(struct inode *inode, u64 size);

struct stat vfs_stat(struct inode *inode); /* sleeps */

/* Get the first entry of a directory at or after *position (opaque, starts at 0), without "." and
 * "..": fill name, ino and mode, and advance the position.  False at the end.  The caller holds
 * dir->lock. */
bool directory_next(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino, u32 *mode);

/* Write the absolute path of a directory to `buf`, terminated.  Returns the length without the NUL,
 * -ERANGE or -ENOENT (the directory was removed). */
ssize_t vfs_path_of(struct inode *directory, char *buf, size_t size);

/* --- Open files --------------------------------------------------------------------------------*/

/* Make an anonymous file (pipe, socket), which has no path.  `mode` is the mode of its inode.
 * ERR_PTR(-ENOMEM). */
struct file *file_create_anonymous(const struct file_ops *ops, u32 flags, void *private, u32 mode);
static inline void file_get(struct file *f)
{
	refcount_get(&f->refs);
}

void file_put(struct file *f); /* the last one closes the file; sleeps */

/* read(2) and write(2): check the access mode, and move bytes at the position of the file (`at`
 * NULL) or at *at, which advances (pread, pwrite).  Returns the number of bytes, 0 at the end, or
 * an error.  Sleeps. */
ssize_t file_transfer(struct file *f, struct io_buffer *io, bool write, u64 *at);

/* Read `n` bytes into memory of the kernel (exec).  Returns the number of bytes, fewer than `n`
 * only at the end of the file or after an error.  Sleeps. */
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 position);

/* lseek(2) and ioctl(2).  -ESPIPE: the file has no position; -ENOTTY: it has no ioctl().  Sleep. */
s64 file_seek(struct file *f, s64 offset, int whence);
long file_ioctl(struct file *f, u32 request, u64 argument);

/* Map the file as the request says, and set the object and the file of the request.  Returns what
 * address_space_map() returns, -EACCES or -ENODEV. */
long file_map(struct file *f, struct address_space *as, struct map_request *request);
/* The POLL* bits of a file; see poll_wait() for `table`. */
static inline u32 file_poll(struct file *f, struct poll_table *table)
{
	if (!f->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, table);
}

/* getdents64(2).  Sleeps. */
ssize_t file_readdir(struct file *f, void *user_dirents, size_t size);

/* --- Character devices -------------------------------------------------------------------------*/

#define MAKEDEV(major, minor) (((u64)(major) << 8) | (minor))

/* --- initramfs ---------------------------------------------------------------------------------*/

/* Unpack cpio archives (newc; several may follow each other) into the root.  Later files replace
 * earlier ones.  Returns the number of entries, -EINVAL (not cpio, or broken) or -E2BIG (cut
 * short); the files before the error are kept.  Each name and size is checked. */
ssize_t initramfs_unpack(const void *archive, size_t size);
