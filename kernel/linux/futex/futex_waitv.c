/* SPDX-License-Identifier: MIT
 *
 * futex_waitv(): wait for the first of several words.
 */
#include "kernel/ipc/futex_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define WORDS_MAX      128
#define FUTEX2_U32     2
#define FUTEX2_PRIVATE 128

struct futex_word { /* struct futex_waitv of the ABI */
	u64 value, address;
	u32 flags, reserved;
};

static int words_get(struct futex_word *words, u64 user, u32 n)
{
	if (copy_from_user(words, (void *)user, n * sizeof(*words)))
		return -EFAULT;
	for (u32 i = 0; i < n; i++)
		if ((words[i].flags & ~FUTEX2_PRIVATE) != FUTEX2_U32 || words[i].reserved ||
		    words[i].value > UINT32_MAX)
			return -EINVAL;
	return 0;
}

/* Leave all buckets.  The index of the last waiter that was woken, or -1. */
static long waiters_end(struct futex_waiter *w, u32 n)
{
	long woken = -1;

	for (u32 i = 0; i < n; i++)
		if (futex_waiter_end(&w[i]))
			woken = i;
	return woken;
}

/* Enqueue a waiter for each word, and sleep if all are as expected.  The index of a word that was
 * woken, or an error. */
static long wait_any(const struct futex_word *words, struct futex_waiter *w, u32 n, u64 deadline_ns)
{
	struct thread *t = current_thread();
	bool woken = false;
	long error = 0, index;
	u32 i = 0;

	while (i < n && !error) {
		error =
		    futex_waiter_begin(&w[i], words[i].address, !(words[i].flags & FUTEX2_PRIVATE),
				       (u32)words[i].value, FUTEX_BITSET_ANY, &woken);
		i += !error;
	}
	if (!error) {
		t->wait.name = "futex";
		error = sleep_until_woken(&woken, deadline_ns, WAIT_SIGNALS);
		t->wait.name = NULL;
	}
	index = waiters_end(w, i);
	return index >= 0 ? index : error == -EINTR ? -ERESTARTSYS : error;
}

static int deadline_of(u64 user, u64 clock, u64 *deadline_ns)
{
	int error;

	*deadline_ns = WAIT_FOREVER;
	if (!user)
		return 0;
	if ((int)clock != CLOCK_REALTIME && (int)clock != CLOCK_MONOTONIC)
		return -EINVAL;
	error = time_get(user, TIMESPEC, deadline_ns);
	if (!error && (int)clock == CLOCK_REALTIME)
		*deadline_ns = deadline_of_realtime(*deadline_ns);
	return error;
}

SYSCALL5(futex_waitv, user, count, flags, timeout, clock)
{
	struct futex_waiter *waiters;
	struct futex_word *words;
	u32 n = (u32)count;
	u64 deadline;
	long result;

	if ((u32)flags || !n || n > WORDS_MAX || !user)
		return -EINVAL;
	result = deadline_of(timeout, clock, &deadline);
	if (result)
		return result;
	waiters = kmalloc(n * sizeof(*waiters));
	words = kmalloc(n * sizeof(*words));
	result = waiters && words ? words_get(words, user, n) : -ENOMEM;
	if (!result)
		result = wait_any(words, waiters, n, deadline);
	kfree(words);
	kfree(waiters);
	return result;
}
