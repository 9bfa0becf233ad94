/* SPDX-License-Identifier: MIT
 *
 * User and group numbers.  Whoever has the effective user 0 may do everything; there are no
 * supplementary groups.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

#define KEEP UINT32_MAX /* -1: leave as it is */

/* The three numbers of one kind, in the process. */
struct ids {
	u32 *real, *effective, *saved;
};

static struct ids ids_of(bool group)
{
	struct process *p = current_process();

	return group ? (struct ids){&p->gid, &p->egid, &p->sgid}
		     : (struct ids){&p->uid, &p->euid, &p->suid};
}

static bool ids_contain(const struct ids *i, u32 id)
{
	return id == KEEP || id == *i->real || id == *i->effective || id == *i->saved;
}

/* Set what is not KEEP.  limits_lock is held. */
static void ids_store(const struct ids *i, u32 real, u32 effective, u32 saved)
{
	if (real != KEEP)
		WRITE_ONCE(*i->real, real);
	if (effective != KEEP)
		WRITE_ONCE(*i->effective, effective);
	if (saved != KEEP)
		WRITE_ONCE(*i->saved, saved);
}

/* setresuid(2), setresgid(2). */
static long ids_set_all(bool group, u64 real, u64 effective, u64 saved)
{
	struct ids i = ids_of(group);
	u64 flags = spin_lock_irq(&current_process()->limits_lock);
	bool allowed =
	    is_privileged() || (ids_contain(&i, (u32)real) && ids_contain(&i, (u32)effective) &&
				ids_contain(&i, (u32)saved));

	if (allowed)
		ids_store(&i, (u32)real, (u32)effective, (u32)saved);
	spin_unlock_irq(&current_process()->limits_lock, flags);
	return allowed ? 0 : -EPERM;
}

/* setuid(2), setgid(2): all three for the privileged, else the effective one. */
static long ids_set(bool group, u64 value)
{
	struct ids i = ids_of(group);
	u32 id = (u32)value;

	if (id == KEEP)
		return -EINVAL;
	if (is_privileged())
		return ids_set_all(group, id, id, id);
	if (id != *i.real && id != *i.saved)
		return -EPERM;
	return ids_set_all(group, KEEP, id, KEEP);
}

/* setreuid(2), setregid(2): the saved one follows the effective where the real one is set, or the
 * effective one to something else than the real. */
static long ids_set_two(bool group, u64 real, u64 effective)
{
	struct ids i = ids_of(group);
	u32 r = (u32)real, e = (u32)effective, saved = KEEP;

	if (!is_privileged() && r != KEEP && r != *i.real && r != *i.effective)
		return -EPERM;
	if (r != KEEP || (e != KEEP && e != *i.real))
		saved = e != KEEP ? e : *i.effective;
	return ids_set_all(group, r, e, saved);
}

static long ids_put(bool group, u64 real, u64 effective, u64 saved)
{
	struct ids i = ids_of(group);

	if (put_user_u32((u32 *)real, *i.real) || put_user_u32((u32 *)effective, *i.effective))
		return -EFAULT;
	return put_user_u32((u32 *)saved, *i.saved);
}

SYSCALL0(getuid)
{
	return current_process()->uid;
}

SYSCALL0(geteuid)
{
	return current_process()->euid;
}

SYSCALL0(getgid)
{
	return current_process()->gid;
}

SYSCALL0(getegid)
{
	return current_process()->egid;
}

SYSCALL1(setuid, id)
{
	return ids_set(false, id);
}

SYSCALL1(setgid, id)
{
	return ids_set(true, id);
}

SYSCALL2(setreuid, real, effective)
{
	return ids_set_two(false, real, effective);
}

SYSCALL2(setregid, real, effective)
{
	return ids_set_two(true, real, effective);
}

SYSCALL3(setresuid, real, effective, saved)
{
	return ids_set_all(false, real, effective, saved);
}

SYSCALL3(setresgid, real, effective, saved)
{
	return ids_set_all(true, real, effective, saved);
}

SYSCALL3(getresuid, real, effective, saved)
{
	return ids_put(false, real, effective, saved);
}

SYSCALL3(getresgid, real, effective, saved)
{
	return ids_put(true, real, effective, saved);
}

SYSCALL2(getgroups, size, user)
{
	return (s32)size < 0 ? -EINVAL : 0;
}

#define NGROUPS_MAX 65536

SYSCALL2(setgroups, size, user)
{
	if (!is_privileged())
		return -EPERM;
	return (u32)size > NGROUPS_MAX ? -EINVAL : 0;
}

/* --- Capabilities: all of them, or none ------------------------------------------------------- */

#define CAPABILITY_VERSION_3 0x20080522

struct capability_header {
	u32 version;
	s32 pid;
};

struct capability_set {
	u32 effective, permitted, inheritable;
};

static int capability_header_check(u64 user, struct capability_header *h)
{
	if (copy_from_user(h, (void *)user, sizeof(*h)))
		return -EFAULT;
	if (h->version == CAPABILITY_VERSION_3)
		return h->pid < 0 ? -EINVAL : 0;
	if (put_user_u32((u32 *)user, CAPABILITY_VERSION_3))
		return -EFAULT;
	return -EINVAL;
}

SYSCALL2(capget, user_header, user)
{
	struct capability_header h;
	struct capability_set sets[2] = {{0}};
	int error = capability_header_check(user_header, &h);
	struct process *p;

	if (error) /* asking for the version alone is no error */
		return !user && error == -EINVAL ? 0 : error;
	p = process_find(h.pid ? h.pid : current_process()->pid);
	if (!p)
		return -ESRCH;
	if (p->euid == 0)
		sets[0].effective = sets[0].permitted = sets[1].effective = sets[1].permitted =
		    UINT32_MAX;
	process_put(p);
	return copy_to_user((void *)user, sets, sizeof(sets));
}

SYSCALL2(capset, user_header, user)
{
	struct capability_header h;
	int error = capability_header_check(user_header, &h);

	if (error)
		return error;
	return !h.pid || h.pid == current_process()->pid ? 0 : -EPERM;
}
