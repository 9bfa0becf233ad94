/* SPDX-License-Identifier: MIT
 *
 * process_vm_readv() and process_vm_writev(): copies between two processes.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/space_io.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/address_space.h"

/* Copy the ranges of the other process one after the other.  Returns the bytes copied until the
 * first fault, or the error if there were none. */
static ssize_t transfer_ranges(struct address_space *as, const struct iovec *ranges, u64 count,
			       struct io_buffer *io, bool write)
{
	ssize_t done = 0, n;

	for (u64 i = 0; i < count && io->remaining; i++) {
		size_t wanted = MIN(ranges[i].length, io->remaining);

		if (!wanted)
			continue;
		n = space_transfer(as, ranges[i].base, io, wanted, write, false);
		if (n > 0)
			done += n;
		else if (!done)
			return n;
		if (n != (ssize_t)wanted)
			break;
	}
	return done;
}

static ssize_t transfer_process(pid_t pid, const struct iovec *ranges, u64 count,
				struct io_buffer *io, bool write)
{
	struct thread *t = thread_find(pid);
	struct address_space *as = NULL;
	ssize_t n = -ESRCH;

	if (t && !may_inspect(t))
		n = -EPERM;
	else if (t)
		as = process_space_get(t->process);
	if (as) {
		n = transfer_ranges(as, ranges, count, io, write);
		address_space_put(as);
	}
	if (t)
		thread_put(t);
	return n;
}

static long process_vm(u64 pid, u64 local, u64 local_count, u64 remote, u64 remote_count,
		       bool write)
{
	struct user_vector own;
	struct iovec *ranges;
	long result;

	if (remote_count > IOV_MAX)
		return -EINVAL;
	result = user_vector_get(&own, local, local_count);
	if (result)
		return result;
	ranges = kmalloc(MAX(remote_count, 1UL) * sizeof(*ranges));
	result = !ranges ? -ENOMEM : 0;
	if (!result)
		result = copy_from_user(ranges, (void *)remote, remote_count * sizeof(*ranges));
	for (u64 i = 0; i < remote_count && !result; i++)
		if ((s64)ranges[i].length < 0)
			result = -EINVAL;
	if (!result && own.io.remaining)
		result = transfer_process((pid_t)pid, ranges, remote_count, &own.io, write);
	kfree(ranges);
	user_vector_put(&own);
	return result;
}

SYSCALL6(process_vm_readv, pid, local, local_count, remote, remote_count, flags)
{
	return flags ? -EINVAL : process_vm(pid, local, local_count, remote, remote_count, false);
}

SYSCALL6(process_vm_writev, pid, local, local_count, remote, remote_count, flags)
{
	return flags ? -EINVAL : process_vm(pid, local, local_count, remote, remote_count, true);
}
