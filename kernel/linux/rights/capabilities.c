/* SPDX-License-Identifier: MIT
 *
 * Capabilities, the parts into which the power of root is divided: capabilities(7), capget(2) and
 * the options of prctl(2) that concern them.  Files have none of their own.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/sys/calls.h"
#include "kernel/task/process_events.h"

#define BIT(capability) (1UL << (capability))

/* Those that concern files: they follow the user id for files. */
#define CAPABILITIES_OF_FILES                                                                      \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |     \
	 BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE))

/* The sets with which init starts.  A thread's sets are stored exclusive-or these, so that a thread
 * whose memory is zero has them. */
static const struct capability_sets first = {
    .effective = CAPABILITY_ALL, .permitted = CAPABILITY_ALL, .bounding = CAPABILITY_ALL};

struct thread_rights {
	u32 changes;		       /* odd: the thread changes its ids and sets */
	struct capability_sets stored; /* exclusive-or `first` */
	struct capability_sets saved;  /* and own ids for files, during access() */
	u32 own_fsuid, own_fsgid;      /* while the ids for files are the real ones: access() */
};

static DEFINE_PER_THREAD(struct thread_rights, rights);

static struct capability_sets exclusive_or(struct capability_sets s, struct capability_sets with)
{
	return (struct capability_sets){
	    s.effective ^ with.effective,     s.permitted ^ with.permitted,
	    s.inheritable ^ with.inheritable, s.bounding ^ with.bounding,
	    s.ambient ^ with.ambient,	      s.securebits ^ with.securebits};
}

/* Of what other threads read or write at the same time. */
static void copy_words(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(u32); i++)
		WRITE_ONCE(((u32 *)to)[i], READ_ONCE(((const u32 *)from)[i]));
}

/* Interrupts are off, so that readers do not wait for long. */
void rights_set(const struct credentials *ids, const struct capability_sets *sets)
{
	struct thread *t = current_thread();
	struct thread_rights *r = per_thread(t, rights);
	struct capability_sets stored = exclusive_or(*sets, first);
	u64 flags = irq_save();

	WRITE_ONCE(r->changes, r->changes + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* before what follows */
	copy_words(&t->credentials, ids, sizeof(*ids));
	copy_words(&r->stored, &stored, sizeof(stored));
	__atomic_store_n(&r->changes, r->changes + 1, __ATOMIC_RELEASE);
	irq_restore(flags);
}

void rights_of(const struct thread *t, struct credentials *ids, struct capability_sets *sets)
{
	const struct thread_rights *r = per_thread(t, rights);
	struct capability_sets stored;
	u32 before;

	do {
		before = __atomic_load_n(&r->changes, __ATOMIC_ACQUIRE);
		copy_words(ids, &t->credentials, sizeof(*ids));
		copy_words(&stored, &r->stored, sizeof(stored));
		__atomic_thread_fence(__ATOMIC_ACQUIRE); /* after what precedes */
	} while (before % 2 || before != READ_ONCE(r->changes));
	*sets = exclusive_or(stored, first);
}

struct capability_sets capabilities_of(const struct thread *t)
{
	struct capability_sets sets;
	struct credentials ids;

	if (t == current_thread())
		return exclusive_or(per_thread(t, rights)->stored, first);
	rights_of(t, &ids, &sets);
	return sets;
}

void capabilities_set(const struct capability_sets *sets)
{
	const struct credentials ids = current_thread()->credentials;

	rights_set(&ids, sets);
}

bool rights_capable(u32 capability)
{
	return capabilities_of(current_thread()).effective & BIT(capability);
}

void capabilities_follow_ids(const struct credentials *old, const struct credentials *new,
			     struct capability_sets *s)
{
	if (s->securebits & SECURE_NO_SETUID_FIXUP)
		return;
	if ((!old->uid || !old->euid || !old->suid) && new->uid &&new->euid &&new->suid) {
		if (!(s->securebits & SECURE_KEEP_CAPS))
			s->permitted = s->effective = 0;
		s->ambient = 0;
	}
	if (!old->euid && new->euid)
		s->effective = 0;
	else if (old->euid && !new->euid)
		s->effective = s->permitted;
	else if (!old->fsuid && new->fsuid)
		s->effective &= ~CAPABILITIES_OF_FILES;
	else if (old->fsuid && !new->fsuid)
		s->effective |= s->permitted & CAPABILITIES_OF_FILES;
}

/* access(2) asks as whom the program was started: by the real ids, and without privileges if the
 * real user is not root. */
void rights_use_real_ids(bool real)
{
	struct thread *t = current_thread();
	struct thread_rights *r = per_thread(t, rights);
	struct capability_sets s = capabilities_of(t);
	struct credentials c = t->credentials;

	if (real) {
		r->own_fsuid = c.fsuid;
		r->own_fsgid = c.fsgid;
		r->saved = s;
		c.fsuid = c.uid;
		c.fsgid = c.gid;
		if (!(s.securebits & SECURE_NO_SETUID_FIXUP))
			s.effective = c.uid ? 0 : s.permitted;
	} else {
		c.fsuid = r->own_fsuid;
		c.fsgid = r->own_fsgid;
		s = r->saved;
	}
	rights_set(&c, &s);
}

/* --- Inheriting ------------------------------------------------------------------------------- */

static void inherit(struct thread *t)
{
	*per_thread(t, rights) = *per_thread(current_thread(), rights);
}

ON_EVENT(clone, inherit);

/* --- capget(), capset() ----------------------------------------------------------------------- */

#define CAPABILITY_VERSION_1 0x19980330 /* 32 bits */
#define CAPABILITY_VERSION_2 0x20071026
#define CAPABILITY_VERSION_3 0x20080522

/* The number of 32-bit words of a set in this version; -EINVAL after the version has been set to
 * the newest; -EFAULT. */
static int version_words(u64 header)
{
	u32 version;

	if (get_user_u32(&version, (u32 *)header))
		return -EFAULT;
	if (version == CAPABILITY_VERSION_1)
		return 1;
	if (version == CAPABILITY_VERSION_2 || version == CAPABILITY_VERSION_3)
		return 2;
	return put_user_u32((u32 *)header, CAPABILITY_VERSION_3) ? -EFAULT : -EINVAL;
}

SYSCALL2(capget, header, data)
{
	int words = version_words(header);
	struct capability_sets s;
	struct thread *t;
	u32 pid;

	if (words < 0 || !data)
		return words == -EINVAL && !data ? 0 : MIN(words, 0);
	if (get_user_u32(&pid, (u32 *)(header + 4)))
		return -EFAULT;
	if ((s32)pid < 0)
		return -EINVAL;
	t = thread_by_argument((tid_t)pid);
	if (!t)
		return -ESRCH;
	s = capabilities_of(t);
	thread_put(t);
	for (int i = 0; i < words; i++) {
		const u32 part[3] = {(u32)(s.effective >> 32 * i), (u32)(s.permitted >> 32 * i),
				     (u32)(s.inheritable >> 32 * i)};

		if (copy_to_user((void *)(data + (u64)i * sizeof(part)), part, sizeof(part)))
			return -EFAULT;
	}
	return 0;
}

SYSCALL2(capset, header, data)
{
	struct capability_sets s = capabilities_of(current_thread());
	u64 set[3] = {0}, own = s.permitted | s.inheritable;
	int words = version_words(header);
	u32 pid, part[3];

	if (words < 0)
		return words;
	if (get_user_u32(&pid, (u32 *)(header + 4)))
		return -EFAULT;
	if (pid && (tid_t)pid != current_thread()->tid)
		return -EPERM;
	for (int i = 0; i < words; i++) {
		if (copy_from_user(part, (void *)(data + (u64)i * sizeof(part)), sizeof(part)))
			return -EFAULT;
		for (u32 n = 0; n < 3; n++)
			set[n] |= (u64)part[n] << 32 * i & CAPABILITY_ALL;
	}
	if ((!capable(CAP_SETPCAP) && set[2] & ~own) || set[2] & ~(s.inheritable | s.bounding) ||
	    set[1] & ~s.permitted || set[0] & ~set[1])
		return -EPERM;
	s.effective = set[0];
	s.permitted = set[1];
	s.inheritable = set[2];
	s.ambient &= s.permitted & s.inheritable;
	capabilities_set(&s);
	return 0;
}

/* --- prctl() ---------------------------------------------------------------------------------- */

static long bounding_read(u64 capability, u64 b, u64 c, u64 d)
{
	if (capability > CAP_LAST)
		return -EINVAL;
	return capabilities_of(current_thread()).bounding >> capability & 1;
}

static long bounding_drop(u64 capability, u64 b, u64 c, u64 d)
{
	struct capability_sets s = capabilities_of(current_thread());

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (capability > CAP_LAST)
		return -EINVAL;
	s.bounding &= ~BIT(capability);
	capabilities_set(&s);
	return 0;
}

static long keep_read(u64 a, u64 b, u64 c, u64 d)
{
	return !!(capabilities_of(current_thread()).securebits & SECURE_KEEP_CAPS);
}

static long keep_set(u64 keep, u64 b, u64 c, u64 d)
{
	struct capability_sets s = capabilities_of(current_thread());

	if (keep > 1)
		return -EINVAL;
	if (s.securebits & SECURE_KEEP_CAPS << 1)
		return -EPERM;
	s.securebits = (s.securebits & ~(u64)SECURE_KEEP_CAPS) | (keep ? SECURE_KEEP_CAPS : 0);
	capabilities_set(&s);
	return 0;
}

static long securebits_read(u64 a, u64 b, u64 c, u64 d)
{
	return (long)capabilities_of(current_thread()).securebits;
}

static long securebits_set(u64 bits, u64 b, u64 c, u64 d)
{
	struct capability_sets s = capabilities_of(current_thread());
	u64 locks = s.securebits & SECURE_ALL_LOCKS;

	if (bits & ~(u64)(SECURE_ALL | SECURE_ALL_LOCKS) || locks & ~bits ||
	    locks >> 1 & (bits ^ s.securebits) || !capable(CAP_SETPCAP))
		return -EPERM;
	s.securebits = bits;
	capabilities_set(&s);
	return 0;
}

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

static long ambient(u64 what, u64 capability, u64 c, u64 d)
{
	struct capability_sets s = capabilities_of(current_thread());

	if (c || d || (what == AMBIENT_CLEAR_ALL ? capability != 0 : capability > CAP_LAST))
		return -EINVAL;
	switch (what) {
	case AMBIENT_IS_SET:
		return s.ambient >> capability & 1;
	case AMBIENT_RAISE:
		if (!(s.permitted & s.inheritable & BIT(capability)) ||
		    s.securebits & SECURE_NO_AMBIENT)
			return -EPERM;
		s.ambient |= BIT(capability);
		break;
	case AMBIENT_LOWER:
		s.ambient &= ~BIT(capability);
		break;
	case AMBIENT_CLEAR_ALL:
		s.ambient = 0;
		break;
	default:
		return -EINVAL;
	}
	capabilities_set(&s);
	return 0;
}

PRCTL_OPTIONS(capability_options) = {
    {7, keep_read},	   {8, keep_set},	 {23, bounding_read}, {24, bounding_drop},
    {27, securebits_read}, {28, securebits_set}, {47, ambient},
};
