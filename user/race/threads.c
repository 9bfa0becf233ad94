/* SPDX-License-Identifier: MIT
 *
 * POSIX threads under `make race`.  Each function makes a scheduling point, calls the C library's
 * own function, which may sleep in the kernel, and records what happened.
 *
 * Time does not pass: a wait with a time limit gives the other threads a turn and then times out,
 * and sleep() gives them a turn.
 */
#include "user/race/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WRAP(type, name, ...)                                                                      \
	type race_##name(__VA_ARGS__);                                                             \
	type race_##name(__VA_ARGS__)

/* --- Threads ---------------------------------------------------------------------------------- */

static int created = 1; /* numbers as the kernel gives them: in the order of creation */

struct start {
	void *(*function)(void *);
	void *argument;
	struct rt_thread *thread;
};

static void ended(void *unused)
{
	(void)unused;
	rt_settle();
	rt_log(RACE_END, CALLER, false, NULL, 0, 0);
	rt_self->low = rt_self->high = 0;
	rt_self->ended = true;
	rt_self->inside++;
}

static void *begin(void *argument)
{
	struct start start = *(struct start *)argument;
	void *result;

	start.thread->inside = 0;
	rt_thread_started(start.thread);
	rt_log(RACE_START, (uint32_t)(uintptr_t)start.function + 1, false, NULL, 0, 0);
	free(argument);
	pthread_cleanup_push(ended, NULL);
	result = start.function(start.argument);
	pthread_cleanup_pop(1);
	return result;
}

WRAP(int, pthread_create, pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *argument)
{
	struct start *start;
	int error;

	if (!rt_point())
		return pthread_create(t, a, f, argument);
	if (created == RACE_THREADS)
		rt_give_up(RACE_UNSUPPORTED, "more than 59 threads are created");
	start = malloc(sizeof(*start));
	*start = (struct start){f, argument, &rt_threads[created]};
	rt_threads[created].number = (uint8_t)created;
	rt_log(RACE_CREATE, CALLER, true, f, 0, (uint64_t)created);
	error = pthread_create(t, a, begin, start);
	if (!error)
		rt_threads[created++].id = *t;
	return error;
}

/* The number of the thread, for the record. */
static uint64_t number_of(pthread_t t)
{
	for (int i = 0; i < created; i++)
		if (rt_threads[i].id == t)
			return (uint64_t)i;
	return RACE_NO_THREAD;
}

WRAP(int, pthread_join, pthread_t t, void **result)
{
	uint64_t number = number_of(t);
	bool seen = rt_point();
	int error;

	if (seen && number < RACE_NO_THREAD && !rt_threads[number].ended) {
		rt_log(RACE_JOIN_WAIT, CALLER, true, NULL, 0, number);
		seen = false;
	}
	error = pthread_join(t, result);
	if (rt_self && !rt_self->inside && rt_shared)
		rt_log(RACE_JOIN, CALLER, seen, NULL, 0, number);
	return error;
}

WRAP(int, sched_yield, void)
{
	if (rt_point_yield())
		rt_log(RACE_YIELD, CALLER, true, NULL, 0, 0);
	return 0;
}

static void sleeps(uint32_t pc, uint64_t ns)
{
	if (rt_point_yield())
		rt_log(RACE_SLEEP, pc, true, NULL, 0, ns);
}

WRAP(unsigned int, sleep, unsigned int s)
{
	sleeps(CALLER, s * 1000000000ull);
	return 0;
}

WRAP(int, usleep, useconds_t us)
{
	sleeps(CALLER, us * 1000ull);
	return 0;
}

WRAP(int, nanosleep, const struct timespec *t, struct timespec *rest)
{
	(void)rest;
	sleeps(CALLER, (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec);
	return 0;
}

WRAP(int, clock_nanosleep, clockid_t clock, int flags, const struct timespec *t,
     struct timespec *rest)
{
	(void)clock;
	(void)flags;
	(void)rest;
	sleeps(CALLER, (uint64_t)t->tv_nsec);
	return 0;
}

WRAP(int, pthread_once, pthread_once_t *once, void (*f)(void))
{
	if (rt_point())
		rt_log(RACE_ONCE, CALLER, true, once, 0, 0);
	return pthread_once(once, f);
}

/* --- Mutexes, readers-writer locks, spin locks -------------------------------------------------
 */

/* Take a lock: `again` waits if `try` has found it taken. */
#define TAKE(pc, object, kind, try, again)                                                         \
	bool seen = rt_point();                                                                    \
	int error = try;                                                                           \
                                                                                                   \
	if (error == EBUSY) {                                                                      \
		if (seen)                                                                          \
			rt_log(RACE_LOCK_WAIT, pc, true, object, 0, kind);                         \
		error = again;                                                                     \
		if (seen && !error)                                                                \
			rt_log(RACE_LOCK, pc, false, object, 0, kind);                             \
	} else if (seen)                                                                           \
		rt_log(error ? RACE_LOCK_FAILED : RACE_LOCK, pc, true, object, 0, kind);           \
	return error

#define TRY(pc, object, kind, try)                                                                 \
	bool seen = rt_point();                                                                    \
	int error = try;                                                                           \
                                                                                                   \
	if (seen)                                                                                  \
		rt_log(error ? RACE_LOCK_FAILED : RACE_LOCK, pc, true, object, 0, kind);           \
	return error

/* A time limit: one turn for the others, then it is over. */
#define TIMED(pc, object, kind, try)                                                               \
	bool seen = rt_point_yield();                                                              \
	int error = try;                                                                           \
                                                                                                   \
	if (seen)                                                                                  \
		rt_log(error ? RACE_LOCK_FAILED : RACE_LOCK, pc, true, object, 0, kind);           \
	return error == EBUSY ? ETIMEDOUT : error

#define RELEASE(pc, object, kind, release)                                                         \
	if (rt_point())                                                                            \
		rt_log(RACE_UNLOCK, pc, true, object, 0, kind);                                    \
	return release

static int lock_mutex(pthread_mutex_t *m, uint32_t pc)
{
	TAKE(pc, m, RACE_MUTEX, pthread_mutex_trylock(m), pthread_mutex_lock(m));
}

WRAP(int, pthread_mutex_lock, pthread_mutex_t *m)
{
	return lock_mutex(m, CALLER);
}

WRAP(int, pthread_mutex_trylock, pthread_mutex_t *m)
{
	TRY(CALLER, m, RACE_MUTEX, pthread_mutex_trylock(m));
}

WRAP(int, pthread_mutex_timedlock, pthread_mutex_t *m, const struct timespec *t)
{
	(void)t;
	TIMED(CALLER, m, RACE_MUTEX, pthread_mutex_trylock(m));
}

WRAP(int, pthread_mutex_unlock, pthread_mutex_t *m)
{
	RELEASE(CALLER, m, RACE_MUTEX, pthread_mutex_unlock(m));
}

WRAP(int, pthread_rwlock_rdlock, pthread_rwlock_t *l)
{
	TAKE(CALLER, l, RACE_READ_LOCK, pthread_rwlock_tryrdlock(l), pthread_rwlock_rdlock(l));
}

WRAP(int, pthread_rwlock_wrlock, pthread_rwlock_t *l)
{
	TAKE(CALLER, l, RACE_WRITE_LOCK, pthread_rwlock_trywrlock(l), pthread_rwlock_wrlock(l));
}

WRAP(int, pthread_rwlock_tryrdlock, pthread_rwlock_t *l)
{
	TRY(CALLER, l, RACE_READ_LOCK, pthread_rwlock_tryrdlock(l));
}

WRAP(int, pthread_rwlock_trywrlock, pthread_rwlock_t *l)
{
	TRY(CALLER, l, RACE_WRITE_LOCK, pthread_rwlock_trywrlock(l));
}

WRAP(int, pthread_rwlock_timedrdlock, pthread_rwlock_t *l, const struct timespec *t)
{
	(void)t;
	TIMED(CALLER, l, RACE_READ_LOCK, pthread_rwlock_tryrdlock(l));
}

WRAP(int, pthread_rwlock_timedwrlock, pthread_rwlock_t *l, const struct timespec *t)
{
	(void)t;
	TIMED(CALLER, l, RACE_WRITE_LOCK, pthread_rwlock_trywrlock(l));
}

WRAP(int, pthread_rwlock_unlock, pthread_rwlock_t *l)
{
	RELEASE(CALLER, l, RACE_WRITE_LOCK, pthread_rwlock_unlock(l));
}

/* A spin lock would spin for ever if its owner did not run: give the others a turn. */
static int spin(pthread_spinlock_t *l)
{
	while (pthread_spin_trylock(l))
		if (!rt_point_yield())
			return pthread_spin_lock(l);
		else
			rt_log(RACE_LOCK_WAIT, CALLER, true, (void *)l, 0, RACE_SPIN_LOCK);
	return 0;
}

WRAP(int, pthread_spin_lock, pthread_spinlock_t *l)
{
	TAKE(CALLER, (void *)l, RACE_SPIN_LOCK, pthread_spin_trylock(l), spin(l));
}

WRAP(int, pthread_spin_trylock, pthread_spinlock_t *l)
{
	TRY(CALLER, (void *)l, RACE_SPIN_LOCK, pthread_spin_trylock(l));
}

WRAP(int, pthread_spin_unlock, pthread_spinlock_t *l)
{
	RELEASE(CALLER, (void *)l, RACE_SPIN_LOCK, pthread_spin_unlock(l));
}

/* --- Condition variables ---------------------------------------------------------------------- */

WRAP(int, pthread_cond_wait, pthread_cond_t *c, pthread_mutex_t *m)
{
	bool seen = rt_point();
	int error;

	if (seen)
		rt_log(RACE_COND_WAIT, CALLER, true, c, 0, (uint64_t)m);
	error = pthread_cond_wait(c, m);
	if (seen)
		rt_log(RACE_COND_WAKE, CALLER, false, c, 0, (uint64_t)m);
	return error;
}

WRAP(int, pthread_cond_timedwait, pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t)
{
	bool seen = rt_point();

	if (!seen)
		return pthread_cond_timedwait(c, m, t);
	rt_log(RACE_COND_TIMEOUT, CALLER, true, c, 0, (uint64_t)m);
	pthread_mutex_unlock(m);
	rt_point_yield();
	rt_log(RACE_YIELD, CALLER, true, NULL, 0, 0);
	lock_mutex(m, CALLER);
	return ETIMEDOUT;
}

WRAP(int, pthread_cond_signal, pthread_cond_t *c)
{
	if (rt_point())
		rt_log(RACE_SIGNAL, CALLER, true, c, 0, 0);
	return pthread_cond_signal(c);
}

WRAP(int, pthread_cond_broadcast, pthread_cond_t *c)
{
	if (rt_point())
		rt_log(RACE_BROADCAST, CALLER, true, c, 0, 0);
	return pthread_cond_broadcast(c);
}

/* --- Semaphores and barriers -------------------------------------------------------------------
 */

static uint64_t semaphore_value(sem_t *s)
{
	int value = 0;

	sem_getvalue(s, &value);
	return (uint64_t)value;
}

WRAP(int, sem_wait, sem_t *s)
{
	bool seen = rt_point();
	int error = sem_trywait(s);

	if (!error || errno != EAGAIN) {
		if (seen)
			rt_log(RACE_SEM_TAKE, CALLER, true, s, 0, semaphore_value(s));
		return error;
	}
	if (seen)
		rt_log(RACE_SEM_WAIT, CALLER, true, s, 0, 0);
	error = sem_wait(s);
	if (seen)
		rt_log(RACE_SEM_TAKE, CALLER, false, s, 0, semaphore_value(s));
	return error;
}

static int sem_try(sem_t *s, uint32_t pc, bool timed)
{
	bool seen = timed ? rt_point_yield() : rt_point();
	int error = sem_trywait(s), number = errno;

	if (seen)
		rt_log(error ? RACE_SEM_FAILED : RACE_SEM_TAKE, pc, true, s, 0, semaphore_value(s));
	errno = timed && error ? ETIMEDOUT : number;
	return error;
}

WRAP(int, sem_trywait, sem_t *s)
{
	return sem_try(s, CALLER, false);
}

WRAP(int, sem_timedwait, sem_t *s, const struct timespec *t)
{
	(void)t;
	return sem_try(s, CALLER, true);
}

WRAP(int, sem_post, sem_t *s)
{
	if (rt_point())
		rt_log(RACE_SEM_POST, CALLER, true, s, 0, semaphore_value(s) + 1);
	return sem_post(s);
}

WRAP(int, pthread_barrier_wait, pthread_barrier_t *b)
{
	bool seen = rt_point();
	int result;

	if (seen)
		rt_log(RACE_BARRIER_WAIT, CALLER, true, b, 0, 0);
	result = pthread_barrier_wait(b);
	if (seen)
		rt_log(RACE_BARRIER_PASS, CALLER, false, b, 0, 0);
	return result;
}
