/* SPDX-License-Identifier: MIT
 *
 * Functions of extensions that run when a file is opened, and when a descriptor or an open file is
 * closed.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/lib/linker_set.h"

struct file_table;

/* Each function may be NULL.  It runs without spinlocks and may sleep.  It must be cheap for a file
 * that the extension does not know, because it runs at every close. */
struct file_events {
	/* `f` is about to be opened by its path with these flags (O_*).  0, or the error that
	 * open() returns; release() is called after an error, too. */
	int (*open)(struct file *f, u32 flags);
	/* open() with O_TMPFILE: see vfs_open(). */
	struct file *(*open_unnamed)(struct inode *at, const char *path, u32 flags, u32 mode);
	/* The position that lseek() sets, for a `whence` that the base does not know; or an error. */
	s64 (*seek)(const struct file *f, s64 offset, int whence);
	/* A descriptor of `t` that refers to `f` has been removed: by close(), dup2() or exec, or
	 * because the last process that uses `t` ends.  The caller still has a reference to `f`. */
	void (*close)(struct file_table *t, struct file *f);
	/* The last reference to `f` is gone.  Its file_ops.release has not run yet. */
	void (*release)(struct file *f);
};
LINKER_SET(file_events, struct file_events);

#define FILE_EVENTS(variable)                                                                      \
	static const struct file_events LINKER_SET_ENTRY(file_events, struct file_events) variable

/* Call one of the functions above: file_event(release, f). */
#define file_event(what, ...)                                                                      \
	linker_set_for_each(events_, file_events) if (events_->what) events_->what(__VA_ARGS__)
