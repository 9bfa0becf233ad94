/* SPDX-License-Identifier: MIT
 *
 * mlock(2), mlock2(2), mlockall(2), munlock(2).  Pages are never paged out, so locking makes them present and counts them
 * (RLIMIT_MEMLOCK, VmLck).
 */
#include "kernel/fs/rights.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/memory/memory.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define MAP_LOCKED   0x2000
#define MAP_POPULATE 0x8000

#define MLOCK_ONFAULT 1
#define MAP_KNOWN     0x7c17f97f /* flags of mmap(2): MAP_SHARED_VALIDATE rejects others */
#define MCL_CURRENT   1
#define MCL_FUTURE    2
#define MCL_ONFAULT   4

/* MCL_FUTURE and MCL_ONFAULT of mlockall(): for what is mapped from now on. */
static DEFINE_PER_PROCESS(u32, lock_future);

static void forget_future(struct process *p)
{
	*per_process(p, lock_future) = 0;
}

ON_EVENT(exec, forget_future);

/* Bytes of [start, end) that are locked.  as->lock is held. */
static u64 locked_in(struct address_space *as, u64 start, u64 end)
{
	u64 sum = 0;

	for (struct region *r = region_find(as, start); r && r->start < end; r = region_next(r))
		if (r->advice & REGION_LOCKED)
			sum += MIN(r->end, end) - MAX(r->start, start);
	return sum;
}

/* May the caller lock `bytes` more than are locked outside of [start, end)?  0, -EPERM if it may
 * lock nothing, -ENOMEM. */
static int may_lock(struct address_space *as, u64 bytes, u64 start, u64 end)
{
	u64 limit = current_limit(RLIMIT_MEMLOCK);

	if (capable(CAP_IPC_LOCK))
		return 0;
	if (!limit)
		return -EPERM;
	rwlock_read_lock(&as->lock);
	bytes += locked_in(as, 0, USER_MAX) - locked_in(as, start, end);
	rwlock_read_unlock(&as->lock);
	return bytes > limit ? -ENOMEM : 0;
}

/* The range of mlock(): whole pages.  False: it wraps around. */
static bool lock_range(u64 address, u64 length, u64 *start, u64 *end)
{
	*start = ALIGN_DOWN(address, PAGE_SIZE);
	return !__builtin_add_overflow(address, length, end) &&
	       (*end = ALIGN_UP(*end, PAGE_SIZE)) >= *start;
}

SYSCALL3(mlock2, address, length, flags)
{
	struct address_space *as = current_space();
	u64 start, end;
	int error;

	if (flags & ~(u64)MLOCK_ONFAULT || !lock_range(address, length, &start, &end))
		return -EINVAL;
	error = may_lock(as, end - start, start, end);
	if (!error && start == end)
		return 0;
	if (!error)
		error = end > USER_MAX ? -ENOMEM : regions_advise(as, start, end, REGION_LOCKED, 0);
	if (!error && !(flags & MLOCK_ONFAULT))
		error = address_space_populate(as, start, end - start);
	return error;
}

CALL(mlock, sys_mlock2(a, b, 0, 0, 0, 0))

SYSCALL2(munlock, address, length)
{
	u64 start, end;

	if (!lock_range(address, length, &start, &end))
		return -EINVAL;
	if (start == end)
		return 0;
	return end > USER_MAX ? -ENOMEM
			      : regions_advise(current_space(), start, end, 0, REGION_LOCKED);
}

/* Make all regions present.  A hole or a page without memory does not matter (mlockall(2)). */
static void populate_all(struct address_space *as)
{
	u64 at = 0, end = 0;

	do {
		struct region *r;

		rwlock_read_lock(&as->lock);
		r = region_find(as, end);
		if (r) {
			at = r->start;
			end = r->end;
		}
		rwlock_read_unlock(&as->lock);
		if (!r)
			return;
	} while (address_space_populate(as, at, end - at) != -EINTR);
}

SYSCALL1(mlockall, flags)
{
	struct address_space *as = current_space();
	int error;

	if (!flags || flags & ~7UL || flags == MCL_ONFAULT)
		return -EINVAL;
	error = may_lock(as, flags & MCL_CURRENT ? READ_ONCE(as->mapped_bytes) : 0, 0, USER_MAX);
	if (error)
		return error;
	*per_process(current_process(), lock_future) =
	    flags & MCL_FUTURE ? flags & (MCL_FUTURE | MCL_ONFAULT) : 0;
	if (!(flags & MCL_CURRENT))
		return 0;
	(void)regions_advise(as, 0, USER_MAX, REGION_LOCKED, 0);
	if (!(flags & MCL_ONFAULT))
		populate_all(as);
	return 0;
}

SYSCALL0(munlockall)
{
	*per_process(current_process(), lock_future) = 0;
	(void)regions_advise(current_space(), 0, USER_MAX, 0, REGION_LOCKED);
	return 0;
}

/* --- mmap() ----------------------------------------------------------------------------------- */

static bool locks(u32 flags)
{
	return flags & MAP_LOCKED || *per_process(current_process(), lock_future);
}

static int may_map(u64 length, u32 flags)
{
	int error = locks(flags) ? may_lock(current_space(), length, 0, 0) : 0;

	if ((flags & MAP_SHARED_VALIDATE) == MAP_SHARED_VALIDATE && flags & ~(u32)MAP_KNOWN)
		return -EOPNOTSUPP;
	return error == -ENOMEM ? -EAGAIN : error;
}

/* The mapping is valid even if not all of it could be made present (mmap(2)). */
static void mapped(struct address_space *as, u64 start, u64 length, u32 flags)
{
	bool on_fault = *per_process(current_process(), lock_future) & MCL_ONFAULT;

	if (locks(flags))
		(void)regions_advise(as, start, start + length, REGION_LOCKED, 0);
	if (flags & (MAP_POPULATE | MAP_LOCKED) || (locks(flags) && !on_fault))
		(void)address_space_populate(as, start, length);
}

static const struct region_events LINKER_SET_ENTRY(region_events, struct region_events) events = {
    .may_map = may_map, .mapped = mapped};
