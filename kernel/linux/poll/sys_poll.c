/* SPDX-License-Identifier: MIT
 *
 * poll() and select(): look at all files, sleep on the wait queues of all of them, look again.
 */
#include "kernel/fs/file_table.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/deadline.h"
#include "kernel/linux/poll/poll_wait.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define ITEMS_ON_STACK 16
#define SELECT_IN      (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SELECT_OUT     (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SELECT_EXCEPT  POLLPRI

struct pollfd { /* of the ABI */
	int fd;
	u16 events, revents;
};

struct poll_item {
	int fd;
	u32 wanted;	   /* bits that end the wait */
	struct file *file; /* with a reference while the call lasts; NULL: skip this item */
	u16 revents;
};

static u32 poll_round(struct poll_item *items, u32 n, struct poll_waits *waits)
{
	u32 ready = 0;

	for (u32 i = 0; i < n; i++) {
		struct poll_item *item = &items[i];

		if (waits)
			waits->entries.wanted = item->wanted;
		if (item->file)
			item->revents =
			    (u16)(file_poll(item->file, waits ? &waits->entries.table : NULL) &
				  item->wanted);
		if (!item->revents)
			continue;
		ready++;
		if (waits)
			waits->entries.only_look = true; /* this call will not sleep any more */
	}
	return ready;
}

/* Wait until an item is ready.  Returns the number of ready items, 0 at the deadline, -EINTR, or
 * -ENOMEM. */
static long poll_items(struct poll_item *items, u32 n, u64 deadline_ns)
{
	struct poll_waits waits;
	long ready;
	int error = 0;

	if (!time_left(deadline_ns))
		return poll_round(items, n, NULL);
	poll_waits_init(&waits);
	for (;;) {
		ready = poll_round(items, n, &waits);
		if (ready || error)
			break;
		error = waits.entries.error;
		if (error)
			break;
		waits.entries.only_look = true;
		error = poll_waits_sleep(&waits, deadline_ns);
	}
	poll_entries_release(&waits.entries);
	return ready || error == -ETIMEDOUT ? ready : error;
}

static void items_put(struct poll_item *items, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (items[i].file)
			file_put(items[i].file);
}

/* ppoll(), pselect(): set the signal mask of the call.  The old mask returns on the way to user
 * mode, after a handler has run. */
static int mask_enter(u64 user, u64 size)
{
	sigset_t mask;
	int error;

	if (!user)
		return 0;
	error = sigset_get(&mask, user, size);
	if (!error)
		signal_set_temporary_mask(mask);
	return error;
}

/* Write the time that is left to the user; a bad address is ignored. */
static void rest_put(u64 timeout, u64 unit, u64 deadline_ns)
{
	if (timeout)
		(void)!time_put(timeout, unit, time_left(deadline_ns));
}

/* --- poll ------------------------------------------------------------------------------------- */

/* Poll `n` files; `items` is room for as many and gets the results.  The number that are ready, or
 * an error. */
static long poll_files(const struct pollfd *fds, struct poll_item *items, u32 n, u64 deadline_ns)
{
	long result;

	for (u32 i = 0; i < n; i++) {
		int fd = fds[i].fd;

		items[i] = (struct poll_item){.wanted = fds[i].events | POLLERR | POLLHUP};
		items[i].file = fd >= 0 ? fd_get((u32)fd, O_PATH) : NULL;
		items[i].revents = fd >= 0 && !items[i].file ? POLLNVAL : 0;
	}
	result = poll_items(items, n, deadline_ns);
	items_put(items, n);
	return result;
}

/* The array is copied once.  Only `revents` is written back: another thread may have changed the
 * rest. */
static long do_poll(u64 user, u64 count, u64 deadline_ns)
{
	struct {
		struct poll_item items[ITEMS_ON_STACK];
		struct pollfd fds[ITEMS_ON_STACK];
	} small;
	struct poll_item *items = small.items;
	struct pollfd *fds = small.fds;
	u32 n = (u32)count;
	long result;

	if (n > current_limit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > ITEMS_ON_STACK) {
		items = kmalloc(n * (sizeof(*items) + sizeof(*fds)));
		fds = (struct pollfd *)(items + n);
	}
	if (!items)
		return -ENOMEM;
	result = copy_from_user(fds, (void *)user, n * sizeof(*fds));
	if (!result)
		result = poll_files(fds, items, n, deadline_ns);
	for (u32 i = 0; result >= 0 && i < n; i++)
		if (copy_to_user(&((struct pollfd *)user)[i].revents, &items[i].revents,
				 sizeof(items[i].revents)))
			result = -EFAULT;
	if (items != small.items)
		kfree(items);
	return result;
}

static u64 poll_restart(struct thread *t)
{
	long result = do_poll(t->restart.arg[0], t->restart.arg[1], t->restart.arg[2]);

	if (result != -EINTR)
		return (u64)result;
	t->restart.fn = poll_restart;
	return (u64)-ERESTART_RESTARTBLOCK;
}

SYSCALL3(poll, user, count, timeout_ms)
{
	struct thread *t = current_thread();

	t->restart.arg[0] = user;
	t->restart.arg[1] = count;
	t->restart.arg[2] =
	    (s32)timeout_ms < 0 ? WAIT_FOREVER : deadline_after((u32)timeout_ms * NSEC_PER_MSEC);
	return (long)poll_restart(t);
}

SYSCALL5(ppoll, user, count, timeout, mask, mask_size)
{
	u64 deadline;
	long result = deadline_get(timeout, TIMESPEC, &deadline);

	if (!result)
		result = mask_enter(mask, mask_size);
	if (result)
		return result;
	result = do_poll(user, count, deadline);
	rest_put(timeout, TIMESPEC, deadline);
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* --- select ----------------------------------------------------------------------------------- */

/* The three sets, in and out. */
struct select_sets {
	u32 n;
	u32 words; /* of each set */
	u64 *bits; /* in, out, except: `words` each */
	struct poll_item *items;
};

static const u32 select_wanted[3] = {SELECT_IN, SELECT_OUT, SELECT_EXCEPT};

static u64 *set_word(struct select_sets *s, u32 set, u32 fd)
{
	return &s->bits[set * s->words + fd / 64];
}

/* Make an item of each descriptor that is in a set; the number of items, or -EBADF. */
static int select_items(struct select_sets *s)
{
	u32 n = 0;

	for (u32 fd = 0; fd < s->n; fd++) {
		u32 wanted = 0;

		for (u32 set = 0; set < 3; set++)
			if (*set_word(s, set, fd) >> (fd % 64) & 1)
				wanted |= select_wanted[set];
		if (!wanted)
			continue;
		s->items[n] = (struct poll_item){.fd = (int)fd, .wanted = wanted};
		s->items[n].file = fd_get(fd, O_PATH);
		if (!s->items[n].file) {
			items_put(s->items, n);
			return -EBADF;
		}
		n++;
	}
	return (int)n;
}

/* Clear the bits of what is not ready.  The number that remains: a descriptor counts in each
 * set. */
static long select_results(struct select_sets *s, u32 n)
{
	long count = 0;

	for (u32 i = 0; i < n; i++) {
		u32 fd = (u32)s->items[i].fd;

		for (u32 set = 0; set < 3; set++) {
			u64 *word = set_word(s, set, fd), bit = 1UL << (fd % 64);

			if (!(*word & bit))
				continue;
			if (s->items[i].revents & select_wanted[set])
				count++;
			else
				*word &= ~bit;
		}
	}
	return count;
}

static long select_run(struct select_sets *s, const u64 user[3], u64 deadline_ns)
{
	long result;
	int n;

	for (u32 set = 0; set < 3; set++)
		if (user[set] &&
		    copy_from_user(set_word(s, set, 0), (void *)user[set], s->words * 8))
			return -EFAULT;
	n = select_items(s);
	if (n < 0)
		return n;
	result = poll_items(s->items, (u32)n, deadline_ns);
	items_put(s->items, (u32)n);
	if (result < 0)
		return result;
	result = select_results(s, (u32)n);
	for (u32 set = 0; set < 3; set++)
		if (user[set] && copy_to_user((void *)user[set], set_word(s, set, 0), s->words * 8))
			return -EFAULT;
	return result;
}

static long do_select(u64 count, u64 in, u64 out, u64 except, u64 deadline_ns)
{
	const u64 user[3] = {in, out, except};
	struct select_sets s;
	long result = -ENOMEM;

	if ((s32)count < 0)
		return -EINVAL;
	s.n = MIN((u32)count, READ_ONCE(current_process()->files->size));
	s.words = (s.n + 63) / 64;
	s.bits = kzalloc(MAX(s.words, 1U) * 3 * sizeof(u64));
	s.items = kmalloc(MAX(s.n, 1U) * sizeof(*s.items));
	if (s.bits && s.items)
		result = select_run(&s, user, deadline_ns);
	kfree(s.bits);
	kfree(s.items);
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* As deadline_get(), of a timeval.  As on Linux its microseconds may be more than a second. */
static long select_deadline(u64 user, u64 *deadline_ns)
{
	s64 seconds, rest, t[2]; /* seconds and microseconds */

	*deadline_ns = WAIT_FOREVER;
	if (!user)
		return 0;
	if (copy_from_user(t, (void *)user, sizeof(t)))
		return -EFAULT;
	rest = t[1] % 1000000;
	if (__builtin_add_overflow(t[0], t[1] / 1000000, &seconds) || seconds < 0 || rest < 0)
		return -EINVAL;
	if ((u64)seconds < WAIT_FOREVER / NSEC_PER_SEC)
		*deadline_ns =
		    deadline_after((u64)seconds * NSEC_PER_SEC + (u64)rest * NSEC_PER_USEC);
	return 0;
}

SYSCALL5(select, count, in, out, except, timeout)
{
	u64 deadline;
	long result = select_deadline(timeout, &deadline);

	if (result)
		return result;
	result = do_select(count, in, out, except, deadline);
	rest_put(timeout, TIMEVAL, deadline);
	return result;
}

/* A call has six arguments at most, so the last one points to the address and size of the mask. */
SYSCALL6(pselect6, count, in, out, except, timeout, mask_argument)
{
	u64 mask[2] = {0, 0}, deadline;
	long result = 0;

	if (mask_argument && copy_from_user(mask, (void *)mask_argument, sizeof(mask)))
		return -EFAULT;
	result = deadline_get(timeout, TIMESPEC, &deadline);
	if (!result)
		result = mask_enter(mask[0], mask[1]);
	if (result)
		return result;
	result = do_select(count, in, out, except, deadline);
	rest_put(timeout, TIMESPEC, deadline);
	return result;
}
