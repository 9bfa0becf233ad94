/* SPDX-License-Identifier: MIT
 *
 * What the files of this room tell each other and nobody else.
 */
#pragma once

#include "kernel/fs/vfs.h"

#define SYMLINKS_MAX 40 /* in one walk; path_resolution(7) */

/* Guards what makes the tree of directories: inode.parent, inode.mounted, superblock.covered and
 * the names of directories.  A leaf lock, held for as long as it takes to copy a path. */
extern struct spinlock vfs_tree_lock;

extern struct superblock *vfs_root_superblock;

/* The result of a walk. */
struct path_walk {
	struct inode *dir;   /* where the last component is looked up; with a reference */
	struct inode *inode; /* what the path leads to, mounts crossed; with a reference.  NULL:
				only the last component does not exist */
	const char *name;    /* the last component, not terminated; length 0: the path is "/" */
	size_t length;
	bool slash;	     /* slashes stand after it: a directory is meant */
	struct file *via;    /* a link of /proc to an open file was the last step; with a reference */
	char *buffer;	     /* the rest of the path, once a symbolic link was followed */
};

#define PATH_FOLLOW	  1 /* a symbolic link as last component */
#define PATH_FOLLOW_SLASH 2 /* one with a slash after it */

/* 0 or an error; after 0 path_walk_end() is owed. */
int path_walk(struct inode *at, const char *path, u32 flags, struct path_walk *w);
void path_walk_end(struct path_walk *w);
bool path_is_dot(const struct path_walk *w); /* ".", ".." or "/": no name to make or remove */

/* Cross into what is mounted on `inode`, taking over its reference. */
struct inode *mount_cross(struct inode *inode);

struct inode *context_root(void); /* of the calling process; with a reference */
u32 context_umask(void);

/* Make `name` in `dir`, whose lock is held. */
struct inode *vfs_make(struct inode *dir, const char *name, size_t length, u32 mode, u64 rdev,
		       const char *target);

void inode_init(void); /* caches */
void file_init(void);
void mount_init(void); /* the root */
void devfs_init(void); /* the devices that need no hardware */
struct superblock *devfs_mount(void);
void superblock_put(struct superblock *sb);
struct file *file_create(struct inode *inode, const struct file_ops *ops, u32 flags);

const struct file_ops *device_ops(u64 rdev); /* NULL: no driver */
const struct file_ops *fifo_ops(void);
