/* SPDX-License-Identifier: MIT
 *
 * Requeueing to a PI futex: waiters of a word get the lock one by one.  FUTEX_WAKE_OP.
 */
#include "check.h"

enum {
	WAIT = 0,
	WAKE_OP = 5,
	LOCK_PI = 6,
	UNLOCK_PI = 7,
	WAIT_REQUEUE_PI = 11,
	CMP_REQUEUE_PI = 12,
	PRIVATE = 128,
	REALTIME = 256,
};
#define TID_MASK 0x3fffffffU

static uint32_t word, lock;
static atomic_int passed, timed_out;

static long futex(uint32_t *a, int op, long value, void *timeout, uint32_t *b, long value3)
{
	return syscall(SYS_futex, a, op | PRIVATE, value, timeout, b, value3);
}

static void lock_pi(void)
{
	uint32_t none = 0;

	if (!__atomic_compare_exchange_n(&lock, &none, (uint32_t)syscall(SYS_gettid), false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		CHECK_EQ(futex(&lock, LOCK_PI, 0, NULL, NULL, 0), 0);
}

static void unlock_pi(void)
{
	uint32_t mine = (uint32_t)syscall(SYS_gettid);

	if (!__atomic_compare_exchange_n(&lock, &mine, 0, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		CHECK_EQ(futex(&lock, UNLOCK_PI, 0, NULL, NULL, 0), 0);
}

static long requeue(long wake, long move)
{
	return futex(&word, CMP_REQUEUE_PI, wake, (void *)move, &lock, word);
}

static void forget_all(void)
{
	forget_waiters();
	passed = timed_out = 0;
}

static void *waiter(void *arg)
{
	long result;

	(void)arg;
	begin_to_wait();
	result = futex(&word, WAIT_REQUEUE_PI, word, NULL, &lock, 0);
	if (CHECK_EQ(result, 0) && CHECK_EQ(lock & TID_MASK, syscall(SYS_gettid))) {
		passed++;
		unlock_pi();
	}
	return NULL;
}

static void start(pthread_t *threads, int n)
{
	forget_all();
	for (int i = 0; i < n; i++)
		MUST(-pthread_create(&threads[i], NULL, waiter, NULL));
	wait_for_waiters(n);
}

static void join(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void errors(void)
{
	struct timespec bad = {0, 1000000000}, past = {1, 0};

	word = lock = 0;
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI, 0, NULL, &word, 0), EINVAL);
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI, 1, NULL, &lock, 0), EAGAIN);
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI, 0, &bad, &lock, 0), EINVAL);
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI, 0, &past, &lock, 0), ETIMEDOUT);
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI | REALTIME, 0, &past, &lock, 0), ETIMEDOUT);
	CHECK_ERR(futex(BAD, WAIT_REQUEUE_PI, 0, &past, &lock, 0), EFAULT);
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI, 0, &past, (uint32_t *)((char *)&lock + 1), 0),
		  EINVAL);
	CHECK_ERR(futex(&word, CMP_REQUEUE_PI, 0, NULL, &lock, 0), EINVAL);
	CHECK_ERR(futex(&word, CMP_REQUEUE_PI, 2, NULL, &lock, 0), EINVAL);
	CHECK_ERR(futex(&word, CMP_REQUEUE_PI, 1, NULL, &word, 0), EINVAL);
	CHECK_ERR(futex(&word, CMP_REQUEUE_PI, 1, NULL, &lock, 1), EAGAIN);
	CHECK_EQ(futex(&word, CMP_REQUEUE_PI, 1, (void *)5, &lock, 0), 0);
	CHECK_EQ(lock, 0);
}

/* The lock is taken: all are moved, and get it after each other. */
static void moved(void)
{
	pthread_t threads[5];

	word = lock = 0;
	start(threads, 5);
	lock_pi();
	CHECK_EQ(requeue(1, 1), 2);
	CHECK_EQ(requeue(1, INT_MAX), 3);
	CHECK_EQ(requeue(1, INT_MAX), 0);
	CHECK(lock >> 31);
	sleep_ms(20);
	CHECK_EQ(passed, 0);
	unlock_pi();
	join(threads, 5);
	CHECK_EQ(passed, 5);
	CHECK_EQ(lock, 0);
}

/* The lock is free: the first gets it at once. */
static void given(void)
{
	pthread_t threads[3];

	word = lock = 0;
	start(threads, 3);
	CHECK_EQ(requeue(1, 0), 1);
	WAIT_UNTIL(passed == 1);
	CHECK_EQ(requeue(1, INT_MAX), 2);
	join(threads, 3);
	CHECK_EQ(passed, 3);
	CHECK_EQ(lock, 0);
}

/* A wait for another lock does not match, and a time-out after the move leaves the lock alone. */
static void *short_waiter(void *arg)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec++;
	begin_to_wait();
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI | REALTIME, word, &t, arg, 0), ETIMEDOUT);
	timed_out++;
	return NULL;
}

static void timeouts(void)
{
	uint32_t other = 0;
	pthread_t thread;

	word = lock = 0;
	forget_all();
	MUST(-pthread_create(&thread, NULL, short_waiter, &other));
	wait_for_waiters(1);
	CHECK_ERR(requeue(1, 1), EINVAL);
	pthread_join(thread, NULL);
	forget_all();
	MUST(-pthread_create(&thread, NULL, short_waiter, &lock));
	wait_for_waiters(1);
	lock_pi();
	CHECK_EQ(requeue(1, 1), 1);
	pthread_join(thread, NULL);
	CHECK_EQ(timed_out, 1);
	CHECK_EQ(lock & TID_MASK, syscall(SYS_gettid));
	unlock_pi();
	CHECK_EQ(lock, 0);
}

/* A condition variable: rounds of waiting, moving and passing on. */
#define THREADS 4
#define ROUNDS	150
static atomic_int stop, ended, rounds[THREADS];

static void *condition_waiter(void *arg)
{
	int me = (int)(uintptr_t)arg;

	while (!stop) {
		uint32_t value;
		long result;

		lock_pi();
		value = word;
		unlock_pi();
		result = futex(&word, WAIT_REQUEUE_PI, value, NULL, &lock, 0);
		if (result) {
			CHECK(errno == EAGAIN || errno == EINTR);
			continue;
		}
		CHECK_EQ(lock & TID_MASK, syscall(SYS_gettid));
		rounds[me]++;
		unlock_pi();
	}
	ended++;
	return NULL;
}

static void condition(void)
{
	pthread_t threads[THREADS];
	long sum = 0, got = 0;

	word = lock = 0;
	stop = ended = 0;
	for (int i = 0; i < THREADS; i++)
		MUST(-pthread_create(&threads[i], NULL, condition_waiter, (void *)(uintptr_t)i));
	for (int i = 0; i < ROUNDS; i++) {
		long n;

		lock_pi();
		word++;
		n = requeue(1, INT_MAX);
		unlock_pi();
		if (CHECK(n >= 0))
			sum += n;
		if (i % 8 == 0)
			sleep_ms(1);
		else
			sched_yield();
	}
	stop = 1;
	lock_pi();
	word++;
	sum += requeue(1, INT_MAX);
	unlock_pi();
	/* Those that had read the word before wait once more. */
	while (ended < THREADS) {
		lock_pi();
		sum += requeue(1, INT_MAX);
		unlock_pi();
		sleep_ms(1);
	}
	join(threads, THREADS);
	for (int i = 0; i < THREADS; i++)
		got += rounds[i];
	CHECK_EQ(got, sum);
	CHECK_EQ(lock, 0);
}

/* FUTEX_WAKE_OP. */
#define OP(operation, argument, comparison, value)                                                 \
	((long)((uint32_t)(operation) << 28 | (uint32_t)(comparison) << 24 |                       \
		((uint32_t)(argument)&0xfff) << 12 | ((uint32_t)(value)&0xfff)))

static long wake_op(long wake, long wake2, long op)
{
	return futex(&word, WAKE_OP, wake, (void *)wake2, &lock, op);
}

static void *sleeper(void *arg)
{
	uint32_t *at = arg;

	begin_to_wait();
	while (*(volatile uint32_t *)at == 0)
		if (futex(at, WAIT, 0, NULL, NULL, 0) == 0)
			passed++;
	return NULL;
}

static void wake_ops(void)
{
	const struct {
		uint32_t before;
		long op;
		uint32_t after;
	} cases[] = {
	    {7, OP(0, -5, 0, 0), (uint32_t)-5},
	    {7, OP(1, -8, 0, 0), (uint32_t)-1},
	    {5, OP(2, 3, 0, 0), 7},
	    {7, OP(3, 2, 0, 0), 5},
	    {5, OP(4, 6, 0, 0), 3},
	    {1, OP(8 | 2, 31, 0, 0), 0x80000001},
	};
	pthread_t threads[4];

	word = 0;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		lock = cases[i].before;
		CHECK_EQ(wake_op(1, 1, cases[i].op), 0);
		CHECK_EQ(lock, cases[i].after);
	}
	CHECK_ERR(wake_op(1, 1, OP(5, 0, 0, 0)), ENOSYS);
	CHECK_ERR(wake_op(1, 1, OP(0, 0, 6, 0)), ENOSYS);
	CHECK_ERR(futex(&word, WAKE_OP, 1, NULL, BAD, 0), EFAULT);
	CHECK_ERR(futex(&word, WAKE_OP, 1, NULL, (uint32_t *)((char *)&lock + 2), 0), EINVAL);
	/* Two wait for each word; the comparison is with the old value, and with sign. */
	word = lock = 0;
	forget_all();
	for (int i = 0; i < 4; i++)
		MUST(-pthread_create(&threads[i], NULL, sleeper, i % 2 ? &lock : &word));
	wait_for_waiters(4);
	CHECK_EQ(wake_op(1, 1, OP(2, 0, 2, -1)), 1);
	WAIT_UNTIL(passed == 1);
	wait_for_waiters(4);
	CHECK_EQ(wake_op(1, 1, OP(2, 0, 4, -1)), 2);
	WAIT_UNTIL(passed == 3);
	wait_for_waiters(4);
	word = 1;
	CHECK_EQ(wake_op(10, 10, OP(0, 1, 0, 0)), 4);
	join(threads, 4);
	CHECK_EQ(passed, 7);
}

int main(void)
{
	check_start();
	RUN(errors);
	RUN(moved);
	RUN(given);
	RUN(timeouts);
	RUN(condition);
	RUN(wake_ops);
	return check_end();
}
