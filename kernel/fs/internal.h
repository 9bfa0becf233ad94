/* SPDX-License-Identifier: MIT
 *
 * What the files of this room tell each other and nobody else.
 */
#pragma once

#include "kernel/fs/vfs.h"

struct text;

/* Guards what makes the tree of directories: inode.parent and inode.self.  A leaf lock, held for as
 * long as it takes to copy a path. */
extern struct spinlock vfs_tree_lock;

extern struct superblock *vfs_root_superblock;

struct timespec time_now(void); /* CLOCK_REALTIME */

/* The result of a walk. */
struct path_walk {
	struct inode *dir;   /* where the last component is looked up; with a reference */
	struct inode *inode; /* what the path leads to, mounts crossed; with a reference.  NULL:
				only the last component does not exist */
	const char *name;    /* the last component, not terminated; length 0: the path is "/" */
	size_t length;
	bool slash;	  /* slashes stand after it: a directory is meant */
	struct file *via; /* a link of /proc to an open file was the last step; with a reference */
	char *buffer;	  /* the rest of the path, once a symbolic link was followed */
};

#define PATH_FOLLOW	  1 /* a symbolic link as last component */
#define PATH_FOLLOW_SLASH 2 /* one with a slash after it */

/* 0 or an error; after 0 path_walk_end() is owed. */
int path_walk(struct inode *at, const char *path, u32 flags, struct path_walk *w);
void path_walk_end(struct path_walk *w);

/* Walk to a name that does not exist yet.  `directory`: a slash may follow the name.  0 or an error,
 * -EEXIST among them; after 0 the caller calls path_walk_end(). */
int path_walk_to_new(struct inode *at, const char *path, bool directory, struct path_walk *w);
bool path_is_dot(const struct path_walk *w); /* ".", ".." or "/": no name to make or remove */
u32 context_umask(void);

/* A name in a directory. */
struct entry {
	struct treap_node by_name, by_number;
	struct inode *inode; /* with a reference */
	u64 number;	     /* grows with each entry made: where readdir() resumes */
	size_t length;
	char name[];
};

/* Where a new name belongs. */
struct place {
	struct treap_node *parent, **link;
};

struct entry *entry_alloc(const char *name, size_t length); /* NULL: no memory */

/* All functions of a directory below are called with its lock held. */

/* The entry of that name, or NULL; then *place, if `place` is not NULL, is where a new one belongs. */
struct entry *entry_find(struct inode *dir, const char *name, size_t length, struct place *place);
void entry_insert(struct inode *dir, struct entry *e, const struct place *place);
void entry_remove(struct inode *dir, struct entry *e); /* and free it */

/* Make `e`, which is in `dir`, refer to `inode`, and take over the caller's reference to it.  If it is
 * a directory, its parent and its own name change as well. */
void entry_set(struct entry *e, struct inode *dir, struct inode *inode);

/* Account for the loss of one name of `inode` in `dir`; both are locked.  The caller takes over the
 * reference that the entry held. */
void entry_lost(struct inode *dir, struct inode *inode);

/* Lock an inode of a directory whose lock is held. */
void inode_lock_child(struct inode *child);

/* May `child`, whose lock is held, lose its name?  0, -EBUSY: a mount point; -ENOTEMPTY. */
int inode_check_removal(const struct inode *child);

/* The inode of that name with a reference; ERR_PTR(-ENOENT).  Sleeps. */
struct inode *directory_lookup(struct inode *dir, const char *name, size_t length);
int directory_enter(struct inode *dir, const char *name, size_t length, struct inode *inode);

/* Make a file of any type (`mode`) and enter it; ERR_PTR. */
struct inode *vfs_make(struct inode *dir, const char *name, size_t length, u32 mode, u64 rdev,
		       const char *target);

struct inode *inode_create(struct superblock *sb, u32 mode, const struct inode_ops *ops,
			   const struct file_ops *file_ops); /* ERR_PTR; one reference */
struct inode *ramfs_inode(struct superblock *sb, u32 mode, u64 rdev, const char *target);
struct superblock *superblock_create(const char *type, u64 magic, u32 mode); /* ERR_PTR */

/* Make the directory `path` and mount a new, empty file system on it.  At start alone: an error stops
 * the kernel. */
struct superblock *vfs_mount(const char *path, const char *type, u64 magic, u32 mode);

/* The superblocks in the order in which they were mounted.  Fixed once the kernel has started. */
extern struct list vfs_mounts;

struct file *file_create(struct inode *inode, const struct file_ops *ops, u32 flags);

void file_path_put(struct dentry_path *path); /* NULL: nothing */
void inode_init(void);
void file_init(void);
void devfs_init(void); /* the devices that need no hardware, in /dev */

const struct file_ops *device_ops(u64 rdev); /* NULL: no driver */
