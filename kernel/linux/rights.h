/* SPDX-License-Identifier: MIT
 *
 * What other extensions ask of kernel/linux/rights: probes, as in kernel/task/probe.h.  Without it
 * everything is allowed.
 */
#pragma once

#include "kernel/fs/rights.h"
#include "kernel/linux/text.h"
#include "kernel/task/probe.h"

bool rights_owns(const struct inode *inode);
bool rights_in_group(u32 gid);
bool rights_may_give(const struct inode *inode, u32 uid, u32 gid);
u32 rights_lost_bits(const struct inode *inode);
bool rights_may_inspect(struct thread *t, bool change);
u64 rights_queued_signals(struct process *p);
bool rights_count_files(u32 uid, s32 change);
bool rights_count_pipe_pages(u32 uid, s32 change);
void rights_show_groups(struct thread *t, struct text *text);
void rights_show_capabilities(struct thread *t, struct text *text);

/* May the calling thread do what only the owner of the file may? */
static inline bool is_owner(const struct inode *inode)
{
	return !WITH_RIGHTS || rights_owns(inode);
}

/* Is the calling thread in this group? */
static inline bool is_member(u32 gid)
{
	return !WITH_RIGHTS || rights_in_group(gid);
}

/* May it give the file to this user and this group (-1: no change)? */
static inline bool may_give(const struct inode *inode, u32 uid, u32 gid)
{
	return !WITH_RIGHTS || rights_may_give(inode, uid, gid);
}

/* The set-id bits that a file, not a directory, loses when its owner changes. */
static inline u32 lost_set_id_bits(const struct inode *inode)
{
	return WITH_RIGHTS ? rights_lost_bits(inode) : inode->mode & 06000;
}

/* May the calling thread look into the memory and the files of `t`: ptrace(2), "Ptrace access mode
 * checking", PTRACE_MODE_READ_FSCREDS? */
static inline bool may_inspect(struct thread *t)
{
	return !WITH_RIGHTS || rights_may_inspect(t, false);
}

/* May it change them: PTRACE_MODE_ATTACH_REALCREDS? */
static inline bool may_attach(struct thread *t)
{
	return !WITH_RIGHTS || rights_may_inspect(t, true);
}

/* The queued signals of the user of `p`.  The caller holds signals.lock. */
static inline u64 queued_signals(struct process *p)
{
	return WITH_RIGHTS ? rights_queued_signals(p) : 0;
}

/* Add to the open files in flight of a user, which is that of the calling thread if there are more.
 * False: it has too many already. */
static inline bool count_files_in_flight(u32 uid, s32 change)
{
	return !WITH_RIGHTS || rights_count_files(uid, change);
}

/* Add to the pages of the enlarged pipes of a user.  False: it would have too many, and the calling
 * thread has no capability for more (pipe(7), "/proc files"). */
static inline bool count_pipe_pages(u32 uid, s32 change)
{
	return !WITH_RIGHTS || rights_count_pipe_pages(uid, change);
}

/* Add the lines of /proc/PID/status. */
static inline void show_groups(struct thread *t, struct text *text)
{
	if (WITH_RIGHTS)
		rights_show_groups(t, text);
}

static inline void show_capabilities(struct thread *t, struct text *text)
{
	if (WITH_RIGHTS)
		rights_show_capabilities(t, text);
}
