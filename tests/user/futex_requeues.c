/* SPDX-License-Identifier: MIT
 *
 * Requeueing to a PI futex: waiters of a word get the lock one by one.
 */
#include "check.h"

enum {
	WAKE = 1,
	LOCK_PI = 6,
	UNLOCK_PI = 7,
	WAIT_REQUEUE_PI = 11,
	CMP_REQUEUE_PI = 12,
	PRIVATE = 128,
	REALTIME = 256,
};
#define TID_MASK 0x3fffffffU

static uint32_t word, lock;
static atomic_int waiting, passed, timed_out;

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

static void *waiter(void *arg)
{
	long result;

	(void)arg;
	waiting++;
	result = futex(&word, WAIT_REQUEUE_PI, word, NULL, &lock, 0);
	if (CHECK_EQ(result, 0) && CHECK_EQ(lock & TID_MASK, syscall(SYS_gettid))) {
		passed++;
		unlock_pi();
	}
	return NULL;
}

static void start(pthread_t *threads, int n)
{
	waiting = passed = 0;
	for (int i = 0; i < n; i++)
		MUST(-pthread_create(&threads[i], NULL, waiter, NULL));
	WAIT_UNTIL(waiting == n);
	sleep_ms(30);
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
	t.tv_sec += (t.tv_nsec + 300000000) / 1000000000;
	t.tv_nsec = (t.tv_nsec + 300000000) % 1000000000;
	waiting++;
	CHECK_ERR(futex(&word, WAIT_REQUEUE_PI | REALTIME, word, &t, arg, 0), ETIMEDOUT);
	timed_out++;
	return NULL;
}

static void timeouts(void)
{
	uint32_t other = 0;
	pthread_t thread;

	word = lock = 0;
	waiting = timed_out = 0;
	MUST(-pthread_create(&thread, NULL, short_waiter, &other));
	WAIT_UNTIL(waiting == 1);
	sleep_ms(30);
	CHECK_ERR(requeue(1, 1), EINVAL);
	pthread_join(thread, NULL);
	MUST(-pthread_create(&thread, NULL, short_waiter, &lock));
	WAIT_UNTIL(waiting == 2);
	sleep_ms(30);
	lock_pi();
	CHECK_EQ(requeue(1, 1), 1);
	pthread_join(thread, NULL);
	CHECK_EQ(timed_out, 2);
	CHECK_EQ(lock & TID_MASK, syscall(SYS_gettid));
	unlock_pi();
	CHECK_EQ(lock, 0);
}

/* A condition variable: rounds of waiting, moving and passing on. */
#define THREADS 4
#define ROUNDS	150
static atomic_int stop, rounds[THREADS];

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
	return NULL;
}

static void condition(void)
{
	pthread_t threads[THREADS];
	long sum = 0, got = 0;

	word = lock = 0;
	stop = 0;
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
	for (int i = 0; i < 50; i++) {
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

int main(void)
{
	check_start();
	RUN(errors);
	RUN(moved);
	RUN(given);
	RUN(timeouts);
	RUN(condition);
	return check_end();
}
