/* SPDX-License-Identifier: MIT
 *
 * Futexes, raw and as the C library uses them: waiting, time-outs, requeueing, bit sets; robust,
 * priority-inheriting and process-shared mutexes.
 */
#include <semaphore.h>
#include <sys/utsname.h>

#include "check.h"

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP = 5,
	FUTEX_LOCK_PI = 6,
	FUTEX_UNLOCK_PI = 7,
	FUTEX_TRYLOCK_PI = 8,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_PRIVATE = 128,
	FUTEX_REALTIME = 256,
};

static long futex(void *word, int op, long value, const void *timeout, void *word2, long value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static int word, other;
static atomic_int woken;

static void errors(void)
{
	struct timespec t = {0, 1000000}, bad = {0, -1};
	char *p = page_end();

	word = 5;
	CHECK_ERR(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, &t, NULL, 0), ETIMEDOUT);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, BAD, NULL, 0), EFAULT);
	CHECK_ERR(futex((char *)&word + 1, FUTEX_WAIT, 5, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(p, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex(NULL, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex((void *)0xffff800000000000, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex(&word, 77, 5, NULL, NULL, 0), ENOSYS);
	CHECK_ERR(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_WAKE_BITSET, 5, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 4), EAGAIN);
	CHECK_EQ(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 0);
}

static void timeouts(void)
{
	struct timespec t = {0, 20000000}, now;
	long start = now_ms();

	word = 5;
	CHECK_ERR(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE, 5, &t, NULL, 0), ETIMEDOUT);
	CHECK(now_ms() - start >= 20);
	/* Absolute with bits, on both clocks. */
	for (int i = 0; i < 2; i++) {
		start = now_ms();
		clock_gettime(i ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
		now.tv_nsec += 20000000;
		if (now.tv_nsec >= 1000000000)
			now.tv_sec++, now.tv_nsec -= 1000000000;
		CHECK_ERR(
		    futex(&word, FUTEX_WAIT_BITSET | (i ? FUTEX_REALTIME : 0), 5, &now, NULL, -1),
		    ETIMEDOUT);
		CHECK(now_ms() - start >= 18);
		CHECK_ERR(
		    futex(&word, FUTEX_WAIT_BITSET | (i ? FUTEX_REALTIME : 0), 5, &now, NULL, -1),
		    ETIMEDOUT);
	}
	/* A signal's handler ends a wait without restart, and not one with. */
	handle(SIGUSR1, catch, 0);
	pid_t sender = signal_often(SIGUSR1, 30000);
	CHECK_ERR(futex(&word, FUTEX_WAIT, 5, NULL, NULL, 0), EINTR);
	end_signals(sender);
	handle(SIGUSR1, SIG_DFL, 0);
}

static void *waiter(void *arg)
{
	long bits = (long)arg;

	while (futex(&word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE, 0, NULL, NULL, bits) < 0 &&
	       errno == EINTR)
		;
	woken++;
	return NULL;
}

/* Starts so many that wait; true when all sleep. */
static bool wait_all(pthread_t *t, int count, const long *bits)
{
	word = woken = 0;
	for (int i = 0; i < count; i++)
		if (!CHECK_EQ(pthread_create(&t[i], NULL, waiter, (void *)bits[i]), 0))
			return false;
	/* Seen by moving them to where they are: nothing is woken, the count is told. */
	return WAIT_UNTIL(
	    futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 0, (void *)1000L, &word, 0) == count);
}

static void waking(void)
{
	static const long bits[4] = {1, 2, 3, -1};
	pthread_t t[4];

	if (!wait_all(t, 4, bits))
		return;
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, 10, NULL, NULL, 4), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, 10, NULL, NULL, 2), 2);
	WAIT_UNTIL(woken == 3);
	/* Another kind of key, another word: nobody. */
	CHECK_EQ(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* A count of 0, or less, stands for one. */
static void waking_none(void)
{
	static const long bits[4] = {-1, -1, -1, -1};
	pthread_t t[4];

	if (!wait_all(t, 4, bits))
		return;
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 0, NULL, NULL, 0), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, -1, NULL, NULL, 0), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE, INT32_MIN, NULL, NULL, 1), 1);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void requeueing(void)
{
	static const long bits[4] = {-1, -1, -1, -1};
	pthread_t t[4];

	if (!wait_all(t, 4, bits))
		return;
	/* One is woken, two move, one stays. */
	CHECK_EQ(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, (void *)2L, &other, 0), 3);
	WAIT_UNTIL(woken == 1);
	CHECK_EQ(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 2);
	CHECK_EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (!wait_all(t, 2, bits))
		return;
	CHECK_EQ(futex(&word, FUTEX_REQUEUE | FUTEX_PRIVATE, 0, (void *)5L, &other, 0), 2);
	CHECK_EQ(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE, 10, NULL, NULL, 0), 2);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}

/* Move a page to another address.  A kernel that has no mremap() leaves it where it is. */
static int *move_page(volatile int *p)
{
	int *q = mremap((void *)p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map(PAGE));

	return q == MAP_FAILED && errno == ENOSYS ? (int *)p : q;
}

/* Between processes: the same word at another address, and in a file. */
/* The key of a shared futex is its page, so that the page must be there and readable. */
static void pages_of_shared_words(void)
{
	int *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = MUST(open("word", O_RDWR | O_CREAT, 0644));
	int *cut = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int *gone[3] = {none, (int *)((char *)cut + PAGE), BAD};

	MUST(ftruncate(fd, 1));
	word = 0;
	for (int i = 0; i < 3; i++) {
		CHECK_ERR(futex(gone[i], FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
		CHECK_ERR(futex(gone[i], FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
		CHECK_ERR(futex(&word, FUTEX_CMP_REQUEUE, 1, NULL, gone[i], 0), EFAULT);
		CHECK_EQ(futex(gone[i], FUTEX_WAKE | FUTEX_PRIVATE, 1, NULL, NULL, 0), 0);
	}
	CHECK_EQ(futex((char *)cut + PAGE - 4, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	MUST(mprotect(none, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	munmap(none, PAGE);
	munmap(cut, 2 * PAGE);
	close(fd);
	unlink("word");
}

static void shared_words(void)
{
	int fd = MUST(open("word", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(fd, PAGE));
	int *memory[2] = {map_shared(PAGE),
			  mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)};

	for (int i = 0; i < 2; i++) {
		volatile int *p = memory[i];
		pid_t child = SPAWN(
		    int *q = i ? mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			       : move_page(p);
		    CHECK(q != MAP_FAILED && (q != p || errno == ENOSYS));
		    while (q[0] == 0) futex(q, FUTEX_WAIT, 0, NULL, NULL, 0); q[1] = q[0] + 1);
		sleep_ms(20);
		p[0] = 7;
		WAIT_UNTIL((futex((void *)p, FUTEX_WAKE, 1, NULL, NULL, 0), p[1] == 8));
		CHECK_EQ(wait_status(child), 0);
		CHECK_EQ(p[1], 8);
	}
	/* Private memory's key does not reach a child's copy. */
	word = 0;
	pid_t child = SPAWN(struct timespec t = {0, 50000000};
			    CHECK_ERR(futex(&word, FUTEX_WAIT, 0, &t, NULL, 0), ETIMEDOUT));
	while (waitpid(child, NULL, WNOHANG) == 0) {
		CHECK_EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
		sleep_ms(5);
	}
	close(fd);
}

struct common {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	sem_t sem;
	long value, turn;
};

static struct common *common_new(bool robust)
{
	struct common *c = map_shared(PAGE);
	pthread_mutexattr_t m;
	pthread_condattr_t k;

	pthread_mutexattr_init(&m);
	pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
	if (robust)
		pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init(&c->mutex, &m), 0);
	pthread_condattr_init(&k);
	pthread_condattr_setpshared(&k, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_cond_init(&c->cond, &k), 0);
	CHECK_EQ(sem_init(&c->sem, 1, 0), 0);
	return c;
}

static void across_processes(void)
{
	enum { CHILDREN = 6 };
	struct common *c = common_new(false);
	pid_t children[CHILDREN];

	for (int i = 0; i < CHILDREN; i++)
		children[i] =
		    SPAWN(for (int k = 0; k < 200; k++) {
			    pthread_mutex_lock(&c->mutex);
			    c->value++;
			    pthread_mutex_unlock(&c->mutex);
		    };
			  sem_post(&c->sem); pthread_mutex_lock(&c->mutex);
			  while (c->turn != i) pthread_cond_wait(&c->cond, &c->mutex); c->turn++;
			  pthread_cond_broadcast(&c->cond); pthread_mutex_unlock(&c->mutex));
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(sem_wait(&c->sem), 0);
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQ(wait_status(children[i]), 0);
	CHECK_EQ(c->value, CHILDREN * 200);
	CHECK_EQ(c->turn, CHILDREN);
}

static void *lock_and_end(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void robust(void)
{
	struct common *c;
	pthread_t t;
	void *head;
	size_t size;

	SKIP_IF(syscall(SYS_get_robust_list, 0, &head, &size) && errno == ENOSYS,
		"no robust lists");
	c = common_new(true);
	/* The owner dies: a thread, a process by exit, by a signal, by exec; with a waiter too. */
	pthread_create(&t, NULL, lock_and_end, &c->mutex);
	pthread_join(t, NULL);
	CHECK_EQ(pthread_mutex_lock(&c->mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&c->mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&c->mutex), 0);
	CHECK_EQ(IN_CHILD(pthread_mutex_lock(&c->mutex)), 0);
	CHECK_EQ(pthread_mutex_trylock(&c->mutex), EOWNERDEAD);
	pthread_mutex_consistent(&c->mutex);
	pthread_mutex_unlock(&c->mutex);
	for (int i = 0; i < 2; i++) {
		c->value = 0;
		pid_t child =
		    SPAWN(pthread_mutex_lock(&c->mutex); c->value = 1;
			  if (i) execl(self_path(), "futexes", "sleep", (char *)NULL); pause());
		WAIT_UNTIL(c->value == 1);
		pid_t wait =
		    SPAWN(CHECK_EQ(pthread_mutex_lock(&c->mutex), EOWNERDEAD);
			  pthread_mutex_consistent(&c->mutex); pthread_mutex_unlock(&c->mutex));
		sleep_ms(20);
		kill(child, SIGKILL);
		CHECK_EQ(wait_status(wait), 0);
		CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	}
	/* Not made consistent: lost for good. */
	CHECK_EQ(IN_CHILD(pthread_mutex_lock(&c->mutex)), 0);
	CHECK_EQ(pthread_mutex_lock(&c->mutex), EOWNERDEAD);
	pthread_mutex_unlock(&c->mutex);
	CHECK_EQ(pthread_mutex_lock(&c->mutex), ENOTRECOVERABLE);
	/* The list's head: errors. */
	CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &size), 0);
	CHECK_EQ(size, 24);
	CHECK_ERR(syscall(SYS_set_robust_list, head, 23), EINVAL);
	CHECK_ERR(syscall(SYS_get_robust_list, 99999999, &head, &size), ESRCH);
	/* A list that leads nowhere, or in a circle, harms nobody. */
	CHECK_EQ(IN_CHILD(MUST(syscall(SYS_set_robust_list, BAD, 24))), 0);
	CHECK_EQ(IN_CHILD(static void *circle[3]; static void *node[2]; circle[0] = node;
			  node[0] = node; MUST(syscall(SYS_set_robust_list, circle, 24))),
		 0);
}

/* A thread that a death notice woke dies before it takes the lock: the next one is woken. */
static void death_notices(void)
{
	static struct {
		void *list;
		long offset;
		volatile int *pending;
	} head;
	struct timespec t = {30, 0};
	volatile int *lock = map_shared(PAGE);
	struct utsname u;
	int major, minor;
	size_t size;
	void *old;

	SKIP_IF(syscall(SYS_get_robust_list, 0, &old, &size) && errno == ENOSYS, "no robust lists");
	uname(&u);
	SKIP_IF(access("/proc/heddle", F_OK) != 0 &&
		    sscanf(u.release, "%d.%d", &major, &minor) == 2 && major * 100 + minor < 602,
		"Linux does it since 6.2");
	lock[0] = (int)0xc0000000; /* FUTEX_WAITERS, FUTEX_OWNER_DIED, no owner */
	pid_t next = SPAWN(CHECK_EQ(futex((void *)lock, FUTEX_WAIT, lock[0], &t, NULL, 0), 0));
	WAIT_UNTIL(is_asleep(next));
	CHECK_EQ(IN_CHILD(head.list = &head; head.pending = lock;
			  MUST(syscall(SYS_set_robust_list, &head, 24))),
		 0);
	CHECK_EQ(wait_status(next), 0);
	CHECK_EQ(lock[0], (int)0xc0000000);
}

static pthread_mutex_t pi;
static long pi_count;

static void *use_pi(void *arg)
{
	for (int i = 0; i < 100; i++) {
		if (pthread_mutex_lock(&pi))
			return (void *)1;
		pi_count++;
		pthread_mutex_unlock(&pi);
	}
	return arg;
}

static void priority_inheritance(void)
{
	pthread_mutexattr_t m;
	pthread_t t[8];
	void *result;
	int tid = syscall(SYS_gettid);

	word = 0;
	SKIP_IF(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0) && errno == ENOSYS,
		"no PI futexes");
	MUST(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	pthread_mutexattr_init(&m);
	CHECK_EQ(pthread_mutexattr_setprotocol(&m, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutex_init(&pi, &m), 0);
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, use_pi, NULL);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], &result);
		CHECK_EQ(result, 0);
	}
	CHECK_EQ(pi_count, 800);
	/* Raw. */
	word = 0;
	CHECK_EQ(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word, tid);
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(word, 0);
	CHECK_ERR(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	CHECK_EQ(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	word = 99999999;
	CHECK_ERR(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
}

static pthread_mutex_t timed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static struct timespec soon(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	return t;
}

static void *time_out(void *arg)
{
	struct timespec t = soon();

	(void)arg;
	return (void *)(long)pthread_mutex_timedlock(&timed, &t);
}

static void timed_waits(void)
{
	struct timespec t;
	pthread_t thread;
	void *result;
	sem_t s;

	pthread_mutex_lock(&timed);
	pthread_create(&thread, NULL, time_out, NULL);
	pthread_join(thread, &result);
	CHECK_EQ(result, ETIMEDOUT);
	t = soon();
	CHECK_EQ(pthread_cond_timedwait(&never, &timed, &t), ETIMEDOUT);
	pthread_mutex_unlock(&timed);
	sem_init(&s, 0, 0);
	t = soon();
	CHECK_ERR(sem_timedwait(&s, &t), ETIMEDOUT);
}

/* A thread that does nothing: the kernel clears the word of its TID at its end, and wakes one. */
static int child_function(void *arg)
{
	(void)arg;
	return 0;
}

static void cleared_tid(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int *tid = map_shared(PAGE);
	/* VM FS FILES SIGHAND THREAD SYSVSEM, PARENT_SETTID, CHILD_CLEARTID; no storage of its own.
	 */
	int flags = 0x00350f00, n, seen;
	int clone(int (*)(void *), void *, int, void *, ...);

	tid[0] = -1;
	n = clone(child_function, stack + sizeof(stack), flags, NULL, tid, NULL, tid);
	CHECK(n > 0);
	while ((seen = tid[0]) != 0)
		futex((void *)tid, FUTEX_WAIT, seen, NULL, NULL, 0);
	WAIT_UNTIL(syscall(SYS_tkill, n, 0) < 0);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "sleep") == 0)
		pause();
	check_start_in_directory();
	RUN(errors);
	RUN(timeouts);
	RUN(waking);
	RUN(waking_none);
	RUN(requeueing);
	RUN(pages_of_shared_words);
	RUN(shared_words);
	RUN(across_processes);
	RUN(robust);
	RUN(death_notices);
	RUN(priority_inheritance);
	RUN(timed_waits);
	RUN(cleared_tid);
	return check_end();
}
