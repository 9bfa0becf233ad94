/* SPDX-License-Identifier: MIT
 *
 * Functions of extensions that run when a descriptor or an open file is closed.
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct file;
struct file_table;

/* Each function may be NULL.  It runs without spinlocks and may sleep.  It must be cheap for a file
 * that the extension does not know, because it runs at every close. */
struct file_events {
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
