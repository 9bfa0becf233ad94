/* SPDX-License-Identifier: MIT
 *
 * Scenarios of futexes: wait, wake and requeue, with a signal that ends a wait.
 */
#include "kernel/ipc/futex_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/task/process.h"
#include "kernel/vm/usercopy.h"
#include "tests/unit/explore/machine.h"

static u32 word, other;
static struct process process;
static u32 woken;

int get_user_u32_nofault(u32 *value, const u32 *user)
{
	*value = READ_ONCE(*user);
	return 0;
}

int fault_in_user(u64 address, bool write)
{
	return 0;
}

int address_space_futex_key(struct address_space *space, u64 address, struct futex_key *key)
{
	return 0;
}

static void setup(void)
{
	machine_setup();
	word = other = woken = 0;
	futex_init();
	for (u32 i = 0; i < ACTORS; i++) {
		explore_threads[i].process = &process;
		explore_ignore(per_cpu_ptr(futex_counters, i), sizeof(futex_counters));
	}
}

static void end(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++)
		EXPECT(list_empty(&futex_buckets[i].waiters) && !futex_buckets[i].lock.owner);
}

static long wait(void)
{
	return futex_wait((u64)&word, false, 0, WAIT_FOREVER, FUTEX_BITSET_ANY);
}

static long wake(u32 *address, u32 count)
{
	return futex_wake((u64)address, false, count, FUTEX_BITSET_ANY);
}

static void waiter(void)
{
	long result;

	do {
		result = wait();
		EXPECT(result == 0 || result == -EAGAIN);
	} while (!READ_ONCE(word));
	machine_exit();
}

static void waker(void)
{
	WRITE_ONCE(word, 1);
	EXPECT(wake(&word, 1) <= 1);
}

static void waker_of_all(void)
{
	WRITE_ONCE(word, 1);
	wake(&word, 9);
}

static void waiter_signals(void)
{
	long result = wait();

	EXPECT(result == 0 || result == -EINTR);
	if (!result)
		__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
}

static void signal_first(void)
{
	thread_notify(&explore_threads[0], WORK_SIGNAL);
}

/* Who was woken returns 0, and nobody else does. */
static void mover(void)
{
	long moved = futex_requeue((u64)&word, (u64)&other, false, 0, 1, false, 0);
	long n = wake(&other, 1);

	EXPECT(moved <= 1 && n <= moved);
	__atomic_fetch_sub(&woken, (u32)n, __ATOMIC_SEQ_CST);
}

static void mover_end(void)
{
	EXPECT(woken == 0);
	end();
}

static void chain(void)
{
	WRITE_ONCE(word, 1);
	futex_requeue((u64)&word, (u64)&other, false, 1, 1, false, 0);
	wake(&other, 1);
}

static const struct scenario one = {
    "futex", setup, NULL, end, {{"waiter", waiter}, {"waker", waker}}};
static const struct scenario two = {
    "futex-all",
    setup,
    NULL,
    end,
    {{"waiter 1", waiter}, {"waiter 2", waiter}, {"waker", waker_of_all}}};
static const struct scenario requeue = {
    "futex-requeue",
    setup,
    NULL,
    mover_end,
    {{"waiter", waiter_signals}, {"mover", mover}, {"signal", signal_first}}};
static const struct scenario requeue_two = {
    "futex-chain",
    setup,
    NULL,
    end,
    {{"waiter 1", waiter}, {"waiter 2", waiter}, {"mover", chain}}};

const struct scenario *const explore_scenarios[] = {&one, &two, &requeue, &requeue_two, NULL};
