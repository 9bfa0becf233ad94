/* SPDX-License-Identifier: MIT
 *
 * threads [ROUNDS]: 64 threads under mutex, condition variable, barrier, rwlock and semaphore give
 * the right answer; thread-local storage, detaching, cancelling, once; affinity.
 */
#include <sched.h>
#include <semaphore.h>

#include "check.h"

enum { THREADS = 64 };

static int rounds = 3;
static pthread_t threads[THREADS];

static void start_all(void *(*function)(void *))
{
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, function, (void *)i), 0);
}

/* The sum of what they return. */
static long join_all(void)
{
	long sum = 0;
	void *result;

	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(threads[i], &result), 0);
		sum += (long)result;
	}
	return sum;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *count(void *arg)
{
	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		if (i % 50 == 0)
			sched_yield();
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void mutex(void)
{
	counter = 0;
	start_all(count);
	CHECK_EQ(join_all(), THREADS * (THREADS - 1) / 2);
	CHECK_EQ(counter, THREADS * 200);
}

/* A ring: each waits for its turn and hands on. */
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static long turn;

static void *take_turns(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < 4; i++) {
		pthread_mutex_lock(&lock);
		while (turn % THREADS != me)
			pthread_cond_wait(&turned, &lock);
		turn++;
		pthread_cond_broadcast(&turned);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void condition(void)
{
	turn = 0;
	start_all(take_turns);
	join_all();
	CHECK_EQ(turn, THREADS * 4);
}

static pthread_barrier_t barrier;
static long slots[2][THREADS];

/* Each sums its neighbours' values of the step before; the sum doubles every step. */
static void *steps(void *arg)
{
	long me = (long)arg, serial = 0;

	slots[0][me] = 1;
	for (int i = 0; i < 10; i++) {
		long *from = slots[i % 2], *to = slots[(i + 1) % 2];

		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
		to[me] = from[me] + from[(me + 1) % THREADS];
	}
	pthread_barrier_wait(&barrier);
	return (void *)serial;
}

static void barriers(void)
{
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	start_all(steps);
	CHECK_EQ(join_all(), 10);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(slots[0][i], 1024);
	pthread_barrier_destroy(&barrier);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2];

static void *read_write(void *arg)
{
	long wrong = 0;

	for (int i = 0; i < 50; i++) {
		if (((long)arg + i) % 8 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			pair[0]++;
			if (i % 3 == 0)
				sched_yield();
			pair[1]++;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			wrong += pair[0] != pair[1];
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return (void *)wrong;
}

static void reader_writer(void)
{
	pair[0] = pair[1] = 0;
	start_all(read_write);
	CHECK_EQ(join_all(), 0);
	CHECK_EQ(pair[0], THREADS * 50 / 8);
	CHECK_EQ(pair[1], pair[0]);
}

static sem_t items, places;
static long ring[4];
static atomic_long put_at, taken_at;

static void *produce_or_consume(void *arg)
{
	long sum = 0;

	for (int i = 1; i <= 50; i++) {
		if ((long)arg % 2) {
			sem_wait(&places);
			__atomic_store_n(&ring[put_at++ % 4], 1, __ATOMIC_SEQ_CST);
			sem_post(&items);
		} else {
			sem_wait(&items);
			taken_at++;
			sum++;
			sem_post(&places);
		}
	}
	return (void *)sum;
}

static void semaphores(void)
{
	int value;

	put_at = taken_at = 0;
	sem_init(&items, 0, 0);
	sem_init(&places, 0, 4);
	start_all(produce_or_consume);
	CHECK_EQ(join_all(), THREADS / 2 * 50);
	CHECK_EQ(put_at, taken_at);
	sem_getvalue(&places, &value);
	CHECK_EQ(value, 4);
	CHECK_ERR(sem_trywait(&items), EAGAIN);
}

static __thread long local = 5;
static pthread_key_t key;
static atomic_long destroyed;

static void destroy(void *value)
{
	destroyed += (long)value;
}

static void *use_local(void *arg)
{
	local += (long)arg;
	pthread_setspecific(key, (void *)((long)arg + 1));
	sched_yield();
	return (void *)(local - 5 - (long)arg);
}

static void storage(void)
{
	destroyed = 0;
	CHECK_EQ(pthread_key_create(&key, destroy), 0);
	start_all(use_local);
	CHECK_EQ(join_all(), 0);
	CHECK_EQ(local, 5);
	CHECK_EQ(destroyed, THREADS * (THREADS + 1) / 2);
	pthread_key_delete(key);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_long once_count, detached_count;

static void do_once(void)
{
	sleep_ms(2);
	once_count++;
}

static void *call_once(void *arg)
{
	(void)arg;
	pthread_once(&once, do_once);
	return (void *)once_count;
}

static void *count_detached(void *arg)
{
	(void)arg;
	detached_count++;
	return NULL;
}

static void once_and_detached(void)
{
	pthread_attr_t attributes;
	pthread_t t;

	start_all(call_once);
	CHECK_EQ(join_all(), THREADS);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	detached_count = 0;
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t, &attributes, count_detached, NULL), 0);
	WAIT_UNTIL(detached_count == THREADS);
}

static atomic_int cleaned;

static void clean(void *arg)
{
	(void)arg;
	cleaned++;
}

static void *wait_for_ever(void *arg)
{
	int pipes[2];
	char c;

	if (pipe(pipes) < 0)
		return NULL;
	pthread_cleanup_push(clean, NULL);
	if ((long)arg == 0)
		(void)!read(pipes[0], &c, 1);
	else if ((long)arg == 1)
		pause();
	else if ((long)arg == 2)
		sleep(1000);
	else
		for (;;)
			pthread_testcancel();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancelling(void)
{
	pthread_t t;
	void *result;

	for (long how = 0; how < 4; how++) {
		cleaned = 0;
		CHECK_EQ(pthread_create(&t, NULL, wait_for_ever, (void *)how), 0);
		if (how % 2)
			sleep_ms(5);
		CHECK_EQ(pthread_cancel(t), 0);
		CHECK_EQ(pthread_join(t, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
		/* It may have been cancelled before it pushed. */
		CHECK(cleaned <= 1);
	}
	syscall(SYS_close_range, 3, ~0U, 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static void many_short(void)
{
	pthread_t t;
	void *result;

	for (long i = 0; i < 300; i++) {
		if (!CHECK_EQ(pthread_create(&t, NULL, nothing, (void *)i), 0))
			return;
		CHECK_EQ(pthread_join(t, &result), 0);
		CHECK_EQ(result, i);
	}
}

static void *where(void *arg)
{
	cpu_set_t set;
	unsigned cpu;

	CPU_ZERO(&set);
	CPU_SET((long)arg, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
		CHECK_EQ(cpu, arg);
		sched_yield();
	}
	return NULL;
}

static void affinity(void)
{
	cpu_set_t all, none, now;
	pthread_t t;

	SKIP_IF(!check_has_affinity(), "no affinity");
	CPU_ZERO(&none);
	CPU_ZERO(&all);
	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(all), &all) > 0);
	CHECK_EQ(CPU_COUNT(&all), sysconf(_SC_NPROCESSORS_ONLN));
	CHECK_ERR(sched_setaffinity(0, sizeof(none), &none), EINVAL);
	CHECK_ERR(sched_setaffinity(99999999, sizeof(all), &all), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getaffinity, 0, 1, &all), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setaffinity, 0, 8, BAD), EFAULT);
	for (long cpu = 0; cpu < 16; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			pthread_create(&t, NULL, where, (void *)cpu);
			pthread_join(t, NULL);
		}
	sched_getaffinity(0, sizeof(now), &now);
	CHECK(CPU_EQUAL(&now, &all));
	/* Inherited. */
	CPU_ZERO(&none);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&none); i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &none);
	CHECK_EQ(IN_CHILD(MUST(sched_setaffinity(0, sizeof(none), &none));
			  CHECK_EQ(IN_CHILD(sched_getaffinity(0, sizeof(now), &now);
					    CHECK(CPU_EQUAL(&now, &none))),
				   0)),
		 0);
	CHECK_EQ(sched_yield(), 0);
}

static void policies(void)
{
	struct sched_param param = {0};

	SKIP_IF(syscall(SYS_sched_getscheduler, 0) < 0 && errno == ENOSYS, "no policies");
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	/* Inherited, together with the nice value. */
	CHECK_EQ(IN_CHILD(MUST(setpriority(PRIO_PROCESS, 0, 7));
			  MUST(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param));
			  CHECK_EQ(IN_CHILD(CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7); CHECK_EQ(
						syscall(SYS_sched_getscheduler, 0), SCHED_BATCH)),
				   0)),
		 0);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, 77, &param), EINVAL);
	CHECK_EQ(sched_get_priority_max(SCHED_RR), 99);
	CHECK_EQ(sched_get_priority_min(SCHED_FIFO), 1);
	CHECK_EQ(sched_get_priority_max(SCHED_OTHER), 0);
}

static void all_rounds(void)
{
	for (int i = 0; i < rounds && check_failures == 0; i++) {
		mutex();
		condition();
		barriers();
		reader_writer();
	}
}

int main(int argc, char *argv[])
{
	check_start();
	if (argc > 1) {
		rounds = atoi(argv[1]);
		RUN(all_rounds);
		return check_end();
	}
	RUN(all_rounds);
	RUN(semaphores);
	RUN(storage);
	RUN(once_and_detached);
	RUN(cancelling);
	RUN(many_short);
	RUN(affinity);
	RUN(policies);
	return check_end();
}
