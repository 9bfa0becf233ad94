/* SPDX-License-Identifier: MIT
 *
 * Who may do what with files: probes, as in kernel/task/probe.h, through which core and base ask
 * the extension kernel/linux/rights.  Without it every thread is root's and everything is allowed.
 */
#pragma once

#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"

/* Capabilities that the kernel asks for: capabilities(7). */
enum capability {
	/* clang-format off */
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_KILL,
	CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_LINUX_IMMUTABLE, CAP_IPC_LOCK = 14, CAP_IPC_OWNER,
	CAP_SYS_PTRACE = 19, CAP_SYS_ADMIN = 21, CAP_SYS_BOOT, CAP_SYS_NICE, CAP_SYS_RESOURCE,
	CAP_SYS_TIME, CAP_MKNOD = 27, CAP_LEASE, CAP_MAC_OVERRIDE = 32, CAP_WAKE_ALARM = 35, CAP_LAST = 40,
	/* clang-format on */
};
bool rights_capable(u32 capability);

/* Has the calling thread this capability?  Without the extension every thread is root's. */
static inline bool capable(enum capability capability)
{
	return !WITH_RIGHTS || rights_capable(capability);
}

#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
#define MAY_OWN	  8 /* what only the owner may: -EPERM */

int rights_access(const struct inode *inode, u32 mask);
int rights_remove(const struct inode *dir, const struct inode *child);
void rights_own(struct inode *inode, const struct inode *dir);
void rights_written(struct inode *inode);
void rights_use_real_ids(bool real);

/* May the calling thread access the file so (MAY_*)?  0, -EACCES or -EPERM.  What every user
 * may do needs no look at the ids. */
static inline int may_access(const struct inode *inode, u32 mask)
{
	u32 mode = inode->mode, all = mode & mode >> 3 & mode >> 6 & 7;

	if (!WITH_RIGHTS)
		return mask & MAY_EXEC && !S_ISDIR(mode) && !(mode & 0111) ? -EACCES : 0;
	return mask & ~all ? rights_access(inode, mask) : 0;
}

/* May it remove the entry of `child` from `dir`?  0, -EACCES, or -EPERM (sticky directory). */
static inline int may_remove(const struct inode *dir, const struct inode *child)
{
	return WITH_RIGHTS ? rights_remove(dir, child) : 0;
}

/* Set owner and group of a new file in `dir`, and its set-group-ID bit. */
static inline void inode_own(struct inode *inode, const struct inode *dir)
{
	if (WITH_RIGHTS)
		rights_own(inode, dir);
}

/* Clear the set-id bits of a file whose content changes.  The caller holds the inode's lock. */
static inline void inode_written(struct inode *inode)
{
	if (WITH_RIGHTS && inode->mode & 06000)
		rights_written(inode);
}

/* From now on the real ids count for files, or no longer: access(2). */
static inline void use_real_ids(bool real)
{
	if (WITH_RIGHTS)
		rights_use_real_ids(real);
}
