/* SPDX-License-Identifier: MIT
 *
 * Who may do what: the permission bits of files (path_resolution(7)), the owner of new files, and
 * signals (kill(2)).
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/sys/calls.h"

/* --- Files ------------------------------------------------------------------------------------ */

static int access(const struct inode *inode, u32 mask)
{
	u32 mode = READ_ONCE(inode->mode), bits = mode;

	if (current_thread()->credentials.fsuid == inode->uid)
		bits >>= 6;
	else if (in_group(inode->gid))
		bits >>= 3;
	if (!(mask & ~bits))
		return 0;
	/* The superuser may execute a file only if somebody may. */
	if ((S_ISDIR(mode) || !(mask & MAY_EXEC) || mode & 0111) && capable(CAP_DAC_OVERRIDE))
		return 0;
	if ((S_ISDIR(mode) ? !(mask & MAY_WRITE) : mask == MAY_READ) &&
	    capable(CAP_DAC_READ_SEARCH))
		return 0;
	return -EACCES;
}

int rights_access(const struct inode *inode, u32 mask)
{
	int error = access(inode, mask & ~MAY_OWN);

	return !error && mask & MAY_OWN && !rights_owns(inode) ? -EPERM : error;
}

bool rights_owns(const struct inode *inode)
{
	return current_thread()->credentials.fsuid == inode->uid || capable(CAP_FOWNER);
}

bool rights_in_group(u32 gid)
{
	return in_group(gid);
}

bool rights_may_give(const struct inode *inode, u32 uid, u32 gid)
{
	bool own = current_thread()->credentials.fsuid == inode->uid;

	if (uid != UINT32_MAX && !(own && uid == inode->uid) && !capable(CAP_CHOWN))
		return false;
	return gid == UINT32_MAX || (own && (gid == inode->gid || in_group(gid))) ||
	       capable(CAP_CHOWN);
}

int rights_remove(const struct inode *dir, const struct inode *child)
{
	u32 fsuid = current_thread()->credentials.fsuid;

	if (may_access(dir, MAY_WRITE | MAY_EXEC))
		return -EACCES;
	if (dir->mode & 01000 && fsuid != child->uid && fsuid != dir->uid && !capable(CAP_FOWNER))
		return -EPERM;
	return 0;
}

void rights_own(struct inode *inode, const struct inode *dir)
{
	const struct credentials *c = &current_thread()->credentials;

	inode->uid = c->fsuid;
	inode->gid = c->fsgid;
	if (!(dir->mode & 02000))
		return;
	inode->gid = dir->gid;
	if (S_ISDIR(inode->mode))
		inode->mode |= 02000;
	else if ((inode->mode & 02010) == 02010 && !in_group(dir->gid) && !capable(CAP_FSETID))
		inode->mode &= ~02000U;
}

/* The set-id bits that a file must lose when its content or its owner changes: chown(2). */
u32 rights_lost_bits(const struct inode *inode)
{
	u32 mode = inode->mode, bits = mode & 04000;

	if (mode & 02000 && (mode & 0010 || (!in_group(inode->gid) && !capable(CAP_FSETID))))
		bits |= 02000;
	return bits;
}

void rights_written(struct inode *inode)
{
	if (S_ISREG(inode->mode) && !capable(CAP_FSETID))
		WRITE_ONCE(inode->mode, inode->mode & ~rights_lost_bits(inode));
}

/* --- Processes -------------------------------------------------------------------------------- */

bool rights_signal(const struct thread *from, const struct thread *to, int signal)
{
	struct credentials c, other;
	struct capability_sets sets, unused;

	if (from->process == to->process)
		return true;
	rights_of(from, &c, &sets);
	rights_of(to, &other, &unused);
	return c.euid == other.suid || c.euid == other.uid || c.uid == other.suid ||
	       c.uid == other.uid ||
	       (signal == SIGCONT &&
		READ_ONCE(from->process->job.session) == READ_ONCE(to->process->job.session)) ||
	       sets.effective >> CAP_KILL & 1;
}

static bool all_are(const struct credentials *c, u32 uid, u32 gid)
{
	return uid == c->euid && uid == c->suid && uid == c->uid && gid == c->egid &&
	       gid == c->sgid && gid == c->gid;
}

bool rights_may_inspect(struct thread *t, bool change)
{
	const struct credentials *c = &current_thread()->credentials;
	struct capability_sets own = capabilities_of(current_thread()), sets;
	u32 uid = change ? c->uid : c->fsuid, gid = change ? c->gid : c->fsgid;
	struct credentials ids;
	bool allowed;

	rights_of(t, &ids, &sets);
	allowed = t->process == current_process() ||
		  (is_dumpable(t) && all_are(&ids, uid, gid) &&
		   !(sets.permitted & ~(change ? own.permitted : own.effective))) ||
		  capable(CAP_SYS_PTRACE);
	if (allowed && change)
		tracer_note(t);
	return allowed;
}
