/* SPDX-License-Identifier: MIT
 *
 * Changing user and group ids: setuid(2), setreuid(2), setresuid(2), setfsuid(2) and the same for
 * groups.  Each call concerns the calling thread; the C library makes it in all threads.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/sys/calls.h"

#define KEEP UINT32_MAX /* -1: leave as it is */

/* The four ids of one kind. */
struct ids {
	u32 *real, *effective, *saved, *file;
};

static struct ids ids_of(struct credentials *c, bool group)
{
	return group ? (struct ids){&c->gid, &c->egid, &c->sgid, &c->fsgid}
		     : (struct ids){&c->uid, &c->euid, &c->suid, &c->fsuid};
}

static bool may_set(bool group)
{
	return capable(group ? CAP_SETGID : CAP_SETUID);
}

int credentials_set(const struct credentials *new)
{
	struct thread *t = current_thread();
	struct capability_sets sets = capabilities_of(t);
	const struct credentials old = t->credentials;
	int error = new->uid != old.uid ? users_move_thread(new->uid) : 0;

	if (error)
		return error;
	capabilities_follow_ids(&old, new, &sets);
	/* prctl(2), PR_SET_PDEATHSIG, PR_SET_DUMPABLE: a change of the rights clears both. */
	if (old.euid != new->euid || old.egid != new->egid || old.fsuid != new->fsuid ||
	    old.fsgid != new->fsgid) {
		WRITE_ONCE(t->process->signals.parent_death, 0);
		dumpable_set(t->process, false);
	}
	rights_set(new, &sets);
	return 0;
}

static bool is_one_of(u32 id, const struct ids *i)
{
	return id == *i->real || id == *i->effective || id == *i->saved;
}

/* setuid(2), setgid(2): who may set ids sets all; others, the effective one. */
static long set_all(bool group, u32 id)
{
	struct credentials c = current_thread()->credentials;
	struct ids i = ids_of(&c, group);

	if (id == KEEP)
		return -EINVAL;
	if (may_set(group))
		*i.real = *i.saved = id;
	else if (id != *i.real && id != *i.saved)
		return -EPERM;
	*i.effective = *i.file = id;
	return credentials_set(&c);
}

/* setreuid(2), setregid(2). */
static long set_two(bool group, u32 real, u32 effective)
{
	struct credentials c = current_thread()->credentials;
	const struct credentials old = c;
	struct ids i = ids_of(&c, group);

	if (!may_set(group) && ((real != KEEP && real != *i.real && real != *i.effective) ||
				(effective != KEEP && !is_one_of(effective, &i))))
		return -EPERM;
	if (real != KEEP)
		*i.real = real;
	if (effective != KEEP)
		*i.effective = effective;
	if (real != KEEP || (effective != KEEP && effective != (group ? old.gid : old.uid)))
		*i.saved = *i.effective;
	*i.file = *i.effective;
	return credentials_set(&c);
}

/* setresuid(2), setresgid(2). */
static long set_three(bool group, u32 real, u32 effective, u32 saved)
{
	struct credentials c = current_thread()->credentials;
	struct ids i = ids_of(&c, group);
	u32 *id[3] = {i.real, i.effective, i.saved}, to[3] = {real, effective, saved};

	for (u32 n = 0; n < 3; n++)
		if (to[n] != KEEP && !is_one_of(to[n], &i) && !may_set(group))
			return -EPERM;
	for (u32 n = 0; n < 3; n++)
		if (to[n] != KEEP)
			*id[n] = to[n];
	*i.file = *i.effective;
	return credentials_set(&c);
}

/* setfsuid(2), setfsgid(2): the result is the old id, also if nothing changes. */
static long set_file(bool group, u32 id)
{
	struct credentials c = current_thread()->credentials;
	struct ids i = ids_of(&c, group);
	u32 old = *i.file;

	if (id != KEEP && id != old && (is_one_of(id, &i) || may_set(group))) {
		*i.file = id;
		(void)credentials_set(&c); /* the real id stays, so this cannot fail */
	}
	return old;
}

static long put_three(bool group, u64 real, u64 effective, u64 saved)
{
	struct ids i = ids_of(&current_thread()->credentials, group);

	if (put_user_u32((u32 *)real, *i.real) || put_user_u32((u32 *)effective, *i.effective))
		return -EFAULT;
	return put_user_u32((u32 *)saved, *i.saved);
}

CALL(setuid, set_all(false, (u32)a))
CALL(setgid, set_all(true, (u32)a))
CALL(setreuid, set_two(false, (u32)a, (u32)b))
CALL(setregid, set_two(true, (u32)a, (u32)b))
CALL(setresuid, set_three(false, (u32)a, (u32)b, (u32)c))
CALL(setresgid, set_three(true, (u32)a, (u32)b, (u32)c))
CALL(setfsuid, set_file(false, (u32)a))
CALL(setfsgid, set_file(true, (u32)a))
CALL(getresuid, put_three(false, a, b, c))
CALL(getresgid, put_three(true, a, b, c))
