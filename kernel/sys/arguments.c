/* SPDX-License-Identifier: MIT
 *
 * Arguments that several system calls take from the user: strings, vectors, sets, threads, times.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

char *string_get(u64 user)
{
	char *text = kmalloc(PATH_MAX);
	ssize_t n;

	if (!text)
		return ERR_PTR(-ENOMEM);
	n = copy_string_from_user(text, (const char *)user, PATH_MAX);
	if (n >= 0)
		return text;
	kfree(text);
	return ERR_PTR(n);
}

/* Check a vector as readv(2) says and cut it at RW_MAX.  Returns how many bytes are left. */
static ssize_t iovec_check(struct iovec *iov, u32 count)
{
	u64 sum = 0, room = RW_MAX;

	for (u32 i = 0; i < count; i++) {
		if (iov[i].length > INT64_MAX - sum)
			return -EINVAL;
		sum += iov[i].length;
		if (!user_range_ok(iov[i].base, iov[i].length))
			return -EFAULT;
		iov[i].length = MIN(iov[i].length, room);
		room -= iov[i].length;
	}
	return (ssize_t)(RW_MAX - room);
}

int user_vector_get(struct user_vector *v, u64 user, u64 count)
{
	ssize_t n;

	if (count > IOV_MAX)
		return -EINVAL;
	v->iov = v->small;
	if (count > IOV_ON_STACK)
		v->iov = kmalloc(count * sizeof(*v->iov));
	if (!v->iov)
		return -ENOMEM;
	n = copy_from_user(v->iov, (void *)user, count * sizeof(*v->iov));
	if (!n)
		n = iovec_check(v->iov, (u32)count);
	v->io = (struct io_buffer){.next = v->iov, .remaining = (size_t)n};
	if (n < 0)
		user_vector_put(v);
	return (int)MIN(n, 0);
}

void user_vector_put(struct user_vector *v)
{
	if (v->iov != v->small)
		kfree(v->iov);
}

int sigset_get(sigset_t *set, u64 user, u64 size)
{
	if (size != sizeof(*set))
		return -EINVAL;
	return copy_from_user(set, (void *)user, sizeof(*set));
}

struct thread *thread_by_argument(tid_t tid)
{
	if (tid)
		return tid > 0 ? thread_find(tid) : NULL;
	thread_get(current_thread());
	return current_thread();
}

/* --- Times ------------------------------------------------------------------------------------ */

int time_get(u64 user, u64 unit, u64 *ns)
{
	s64 t[2]; /* seconds, and their fraction */

	if (copy_from_user(t, (void *)user, sizeof(t)))
		return -EFAULT;
	if (t[0] < 0 || (u64)t[1] >= NSEC_PER_SEC / unit)
		return -EINVAL;
	if ((u64)t[0] >= WAIT_FOREVER / NSEC_PER_SEC)
		*ns = WAIT_FOREVER;
	else
		*ns = (u64)t[0] * NSEC_PER_SEC + (u64)t[1] * unit;
	return 0;
}

int time_put(u64 user, u64 unit, u64 ns)
{
	u64 t[2] = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / unit};

	return copy_to_user((void *)user, t, sizeof(t));
}

struct timeval timeval_of(u64 ns)
{
	return (struct timeval){(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
}

u64 deadline_after(u64 ns)
{
	u64 now = clock_now_ns();

	return ns >= WAIT_FOREVER - now ? WAIT_FOREVER : now + ns;
}

u64 deadline_of_realtime(u64 realtime_ns)
{
	u64 now = clock_realtime_ns();

	if (realtime_ns == WAIT_FOREVER)
		return WAIT_FOREVER;
	return realtime_ns <= now ? 0 : deadline_after(realtime_ns - now);
}

u64 time_left(u64 deadline_ns)
{
	u64 now = clock_now_ns();

	return deadline_ns > now ? deadline_ns - now : 0;
}
