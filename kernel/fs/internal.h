/* SPDX-License-Identifier: MIT
 *
 * The interface of this room for file systems and for code that changes names.
 */
#pragma once

#include "kernel/fs/rights.h"

/* Guards the tree of directories: inode.parent and inode.self.  A leaf lock, held at most for the
 * time that the copy of a path takes. */
extern struct spinlock vfs_tree_lock;

extern struct superblock *vfs_root_superblock;

struct timespec time_now(void); /* CLOCK_REALTIME */

/* The result of a walk. */
struct path_walk {
	struct inode *dir;   /* directory of the last component; with a reference */
	struct inode *inode; /* inode of the path, after links and mounts; with a reference.  NULL:
				everything exists except the last component */
	const char *name;    /* the last component, not terminated; length 0: the path is "/" */
	size_t length;
	bool slash;	  /* slashes follow the last component, so it must be a directory */
	struct file *via; /* open file, if the last step was a link of /proc to one; with a
			     reference */
	char *buffer;	  /* memory of the rest of the path after a symbolic link, or NULL */
};

#define PATH_FOLLOW	  1 /* follow a symbolic link that is the last component */
#define PATH_FOLLOW_SLASH 2 /* follow it if a slash comes after it */

/* Walk a path.  Returns 0, also if only the last component does not exist, or an error.  After 0
 * the caller must call path_walk_end(), which drops the references.  Sleeps. */
int path_walk(struct inode *at, const char *path, u32 flags, struct path_walk *w);
void path_walk_end(struct path_walk *w);

/* Walk to a name that must not exist yet.  `directory`: a slash may follow the name.  Returns 0 or
 * an error, for example -EEXIST.  After 0 the caller must call path_walk_end().  Sleeps. */
int path_walk_to_new(struct inode *at, const char *path, bool directory, struct path_walk *w);

/* Whether the last component is ".", ".." or "/", which cannot be made or removed. */
bool path_is_dot(const struct path_walk *w);
u32 context_umask(void); /* umask of the process */

/* A name in a directory. */
struct entry {
	struct treap_node by_name, by_number;
	struct inode *inode; /* with a reference */
	u64 number;	     /* a later entry has a larger number; readdir() resumes by it */
	u32 hash, length;    /* of the name */
	char name[];
};

/* The position in the tree by_name at which a new name is inserted. */
struct place {
	struct treap_node *parent, **link;
};

struct entry *entry_alloc(const char *name, size_t length); /* NULL: no memory */

/* In all functions with a directory `dir` below, the caller holds dir->lock. */

/* Returns the entry of that name, or NULL.  If NULL, *place is set for entry_insert(); `place` may
 * be NULL. */
struct entry *entry_find(struct inode *dir, const char *name, size_t length, struct place *place);
void entry_insert(struct inode *dir, struct entry *e, const struct place *place);
void entry_remove(struct inode *dir, struct entry *e); /* and free it */

/* Make the entry `e` of `dir` refer to `inode`, and take over the reference of the caller.  If the
 * inode is a directory, its parent and its entry change too. */
void entry_set(struct entry *e, struct inode *dir, struct inode *inode);

/* Update the inodes after `inode` has lost a name in `dir`; the caller holds both locks, and it
 * takes over the reference that the entry held. */
void entry_lost(struct inode *dir, struct inode *inode);

/* Lock an inode while the lock of its directory is held. */
void inode_lock_child(struct inode *child);

/* Whether a name of `child` may be removed: 0, -EBUSY (a mount point) or -ENOTEMPTY.  The caller
 * holds child->lock. */
int inode_check_removal(const struct inode *child);

/* Returns the inode of that name with a reference, or ERR_PTR(-ENOENT).  Sleeps. */
struct inode *directory_lookup(struct inode *dir, const char *name, size_t length);

/* The pages that names and inodes can still take, so that they do not fill the memory: the objects
 * of the kernel together may take a quarter of it before no further name is made.  Sets *s. */
u64 names_room(struct page_stats *s);

/* Add a name for `inode`, with a reference of its own.  0, -EEXIST, -ENAMETOOLONG, -ENOMEM,
 * -ENOSPC. */
int directory_enter(struct inode *dir, const char *name, size_t length, struct inode *inode);

/* Give a new inode its owner and its name, and return it.  Takes over the reference; after an error
 * the inode is gone.  ERR_PTR.  The caller holds dir->lock. */
struct inode *vfs_enter(struct inode *dir, const char *name, size_t length, struct inode *inode);

/* Make a file of the type in `mode`, add its name, and return the inode with a reference.  ERR_PTR.
 * `target` is the text of a symbolic link. */
struct inode *vfs_make(struct inode *dir, const char *name, size_t length, u32 mode, u64 rdev,
		       const char *target);

/* Make an inode with one reference and no name; ramfs_inode() makes one of a file in RAM.
 * ERR_PTR(-ENOMEM).  Sleep. */
struct inode *inode_create(struct superblock *sb, u32 mode, const struct inode_ops *ops,
			   const struct file_ops *file_ops);
struct inode *ramfs_inode(struct superblock *sb, u32 mode, u64 rdev, const char *target);

/* Make a file system that is not mounted; `mode` has the permissions of its root.
 * ERR_PTR(-ENOMEM). */
struct superblock *superblock_create(const char *type, u64 magic, u32 mode);

/* Make the directory `path` and mount a new, empty file system on it.  During the boot only: an
 * error stops the kernel. */
struct superblock *vfs_mount(const char *path, const char *type, u64 magic, u32 mode);

/* The superblocks in the order in which they were mounted.  Fixed once the kernel has started. */
extern struct list vfs_mounts;

/* Make an open file with one reference; it takes a reference to the inode.  ERR_PTR(-ENOMEM). */
struct file *file_create(struct inode *inode, const struct file_ops *ops, u32 flags);

/* Open an inode; `is_new`: without a look at its permissions.  `path` is the name for /proc and may
 * be NULL; this takes over its reference.  ERR_PTR.  Sleeps. */
struct file *open_inode(struct inode *inode, u32 flags, bool is_new, struct path_text *path);

void file_path_put(struct path_text *path); /* may be NULL */
void inode_init(void);
void file_init(void);
void devfs_init(void); /* make the nodes of all devices in /dev */

const struct file_ops *device_ops(u64 rdev); /* NULL: no driver */
