/* SPDX-License-Identifier: MIT
 *
 * futex_waitv: waiting for several words, time-outs, signals, errors.
 */

#include "check.h"

enum { FUTEX_WAKE = 1, FUTEX_REQUEUE = 3, FUTEX_WAKE_PRIVATE = 129 };

#define N	128
#define U32	2
#define PRIVATE 128

struct word {
	uint64_t value, address;
	uint32_t flags, reserved;
};

static uint32_t *words; /* shared with children */
static struct word w[N + 1];

static void set_up(int n, uint32_t flags)
{
	for (int i = 0; i <= n; i++) {
		words[i] = (uint32_t)i;
		w[i] = (struct word){(uint64_t)i, (uintptr_t)&words[i], flags, 0};
	}
}

static long waitv(void *list, unsigned n, unsigned flags, struct timespec *t, int clock)
{
	return syscall(449, list, n, flags, t, clock);
}

static long wake(int i, int op)
{
	return syscall(SYS_futex, &words[i], op, 1, NULL, NULL, 0);
}

static void errors(void)
{
	struct timespec bad = {0, 1000000000}, zero = {0, 0};

	set_up(N, U32);
	CHECK_ERR(waitv(w, 0, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(w, N + 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(NULL, 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(w, 1, 1, NULL, 0), EINVAL);
	CHECK_ERR(waitv(BAD, 1, 0, NULL, 0), EFAULT);
	CHECK_ERR(waitv(w, 1, 0, &bad, CLOCK_MONOTONIC), EINVAL);
	CHECK_ERR(waitv(w, 1, 0, BAD, CLOCK_MONOTONIC), EFAULT);
	CHECK_ERR(waitv(w, 1, 0, &zero, CLOCK_BOOTTIME), EINVAL);
	/* In the list. */
	w[3].reserved = 1;
	CHECK_ERR(waitv(w, 4, 0, &zero, CLOCK_MONOTONIC), EINVAL);
	CHECK_ERR(waitv(w, 3, 0, &zero, CLOCK_MONOTONIC), ETIMEDOUT);
	set_up(N, 0);
	CHECK_ERR(waitv(w, 2, 0, &zero, CLOCK_MONOTONIC), EINVAL);
	set_up(N, U32 | 16);
	CHECK_ERR(waitv(w, 2, 0, &zero, CLOCK_MONOTONIC), EINVAL);
	set_up(N, U32);
	w[1].value = 1UL << 32;
	CHECK_ERR(waitv(w, 2, 0, &zero, CLOCK_MONOTONIC), EINVAL);
	set_up(N, U32);
	w[1].address = (uintptr_t)BAD;
	CHECK_ERR(waitv(w, 2, 0, &zero, CLOCK_MONOTONIC), EFAULT);
	w[1].address = (uintptr_t)&words[1] + 1;
	CHECK_ERR(waitv(w, 2, 0, &zero, CLOCK_MONOTONIC), EINVAL);
	w[1].address = 0;
	CHECK_ERR(waitv(w, 2, 0, &zero, CLOCK_MONOTONIC), EFAULT);
	set_up(N, U32);
	words[N - 1] = 0;
	CHECK_ERR(waitv(w, N, 0, NULL, 0), EAGAIN);
	CHECK_EQ(wake(0, FUTEX_WAKE), 0);
}

static void timeouts(void)
{
	const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};

	set_up(N, U32 | PRIVATE);
	for (int i = 0; i < 2; i++) {
		struct timespec t, now;

		clock_gettime(clocks[i], &t);
		t.tv_nsec += 30000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_sec++;
			t.tv_nsec -= 1000000000;
		}
		CHECK_ERR(waitv(w, 5, 0, &t, clocks[i]), ETIMEDOUT);
		clock_gettime(clocks[i], &now);
		CHECK(now.tv_sec > t.tv_sec ||
		      (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec));
	}
}

static atomic_int go;
static void *waker(void *arg)
{
	int i = (int)(uintptr_t)arg;

	while (!go)
		sched_yield();
	while (wake(i, FUTEX_WAKE_PRIVATE) == 0)
		sched_yield();
	return NULL;
}

static void woken(void)
{
	pthread_t thread;

	set_up(N, U32 | PRIVATE);
	for (int i = 0; i < N; i += 21) {
		go = 0;
		MUST(-pthread_create(&thread, NULL, waker, (void *)(uintptr_t)i));
		go = 1;
		CHECK_EQ(waitv(w, N, 0, NULL, 0), i);
		pthread_join(thread, NULL);
		CHECK_EQ(wake(i, FUTEX_WAKE_PRIVATE), 0);
	}
	/* Shared with another process. */
	set_up(N, U32);
	pid_t child = SPAWN(while (wake(7, FUTEX_WAKE) == 0) sched_yield());
	CHECK_EQ(waitv(w, 10, 0, NULL, 0), 7);
	CHECK_EQ(wait_status(child), 0);
	/* One word twice: one wake-up is enough. */
	w[1] = w[0];
	child = SPAWN(while (wake(0, FUTEX_WAKE) == 0) sched_yield());
	CHECK(waitv(w, 2, 0, NULL, 0) <= 1);
	CHECK_EQ(wait_status(child), 0);
	/* Moved to another word. */
	set_up(N, U32);
	child =
	    SPAWN(while (syscall(SYS_futex, &words[1], FUTEX_REQUEUE, 0, 1L, &words[20], 0) != 1)
		      sched_yield();
		  CHECK_EQ(wake(1, FUTEX_WAKE), 0); CHECK_EQ(wake(20, FUTEX_WAKE), 1));
	CHECK_EQ(waitv(w, 4, 0, NULL, 0), 1);
	CHECK_EQ(wait_status(child), 0);
}

static void signals(void)
{
	pid_t parent = getpid(), child;

	set_up(N, U32);
	handle(SIGUSR1, catch, 0);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	CHECK_ERR(waitv(w, 3, 0, NULL, 0), EINTR);
	CHECK_EQ(wait_status(child), 0);
	handle(SIGUSR1, catch, SA_RESTART);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1); sleep_ms(20);
		      while (wake(2, FUTEX_WAKE) == 0) sleep_ms(1));
	CHECK_EQ(waitv(w, 3, 0, NULL, 0), 2);
	CHECK_EQ(caught[SIGUSR1], 2);
	CHECK_EQ(wait_status(child), 0);
}

/* Threads hand a count on, each waits for two words. */
#define RING   4
#define ROUNDS 1000
static uint32_t at[RING];

static void *ring(void *arg)
{
	int me = (int)(uintptr_t)arg, next = (me + 1) % RING;
	uint32_t unused = 0;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		while (__atomic_load_n(&at[me], __ATOMIC_SEQ_CST) < round) {
			struct word two[2] = {{0, (uintptr_t)&unused, U32 | PRIVATE, 0},
					      {round - 1, (uintptr_t)&at[me], U32 | PRIVATE, 0}};
			long n = waitv(two, 2, 0, NULL, 0);

			CHECK(n == 1 || (n < 0 && errno == EAGAIN));
		}
		__atomic_store_n(&at[next], me == RING - 1 ? round + 1 : round, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &at[next], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

static void handed_on(void)
{
	pthread_t thread[RING];

	at[0] = 1;
	for (int i = 0; i < RING; i++)
		MUST(-pthread_create(&thread[i], NULL, ring, (void *)(uintptr_t)i));
	for (int i = 0; i < RING; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(at[0], ROUNDS + 1);
}

int main(void)
{
	check_start();
	words = map_shared(PAGE);
	RUN(errors);
	RUN(timeouts);
	RUN(woken);
	RUN(signals);
	RUN(handed_on);
	return check_end();
}
