/* SPDX-License-Identifier: MIT
 *
 * Changing user and group ids.  A process whose effective user id is 0 may do everything; there
 * are no supplementary groups.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

#define KEEP UINT32_MAX /* -1: leave as it is */

/* The three ids of one kind, in the calling thread: the C library calls for each thread. */
struct ids {
	u32 *real, *effective, *saved, *file;
};

static struct ids ids_of(bool group)
{
	struct credentials *c = &current_thread()->credentials;

	return group ? (struct ids){&c->gid, &c->egid, &c->sgid, &c->fsgid}
		     : (struct ids){&c->uid, &c->euid, &c->suid, &c->fsuid};
}

static bool ids_contain(const struct ids *i, u32 id)
{
	return id == KEEP || id == *i->real || id == *i->effective || id == *i->saved;
}

/* setresuid(2), setresgid(2). */
static long ids_set_all(bool group, u64 real, u64 effective, u64 saved)
{
	struct ids i = ids_of(group);
	u32 *id[3] = {i.real, i.effective, i.saved},
	    to[3] = {(u32)real, (u32)effective, (u32)saved};
	bool allowed = is_privileged() ||
		       (ids_contain(&i, to[0]) && ids_contain(&i, to[1]) && ids_contain(&i, to[2]));

	for (u32 n = 0; n < 3 && allowed; n++)
		if (to[n] != KEEP)
			WRITE_ONCE(*id[n], to[n]);
	WRITE_ONCE(*i.file, *i.effective);
	return allowed ? 0 : -EPERM;
}

/* setuid(2), setgid(2): a privileged process sets all three, others the effective one. */
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

static long ids_put(bool group, u64 real, u64 effective, u64 saved)
{
	struct ids i = ids_of(group);

	if (put_user_u32((u32 *)real, *i.real) || put_user_u32((u32 *)effective, *i.effective))
		return -EFAULT;
	return put_user_u32((u32 *)saved, *i.saved);
}

CALL(setuid, ids_set(false, a))
CALL(setgid, ids_set(true, a))
CALL(setresuid, ids_set_all(false, a, b, c))
CALL(setresgid, ids_set_all(true, a, b, c))
CALL(getresuid, ids_put(false, a, b, c))
CALL(getresgid, ids_put(true, a, b, c))

#define NGROUPS_MAX 65536

CALL(getgroups, (s32)a < 0 ? -EINVAL : 0)
CALL(setgroups, !is_privileged() ? -EPERM : (u32)a > NGROUPS_MAX ? -EINVAL : 0)
