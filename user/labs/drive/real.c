/* SPDX-License-Identifier: MIT
 *
 * The threads of a level as real threads, in a child process.
 *
 * Each thread runs one line when it is told to, then waits again.  Locks, semaphores and read-write
 * locks are those of the C library; conditions and barriers are made with one condition variable,
 * because the level decides which thread a signal wakes.  The memory is the machine's, but it is
 * memory of the child: the caller compares it with the memory that it expects.
 */
#include "../../lab/lab.h"
#include "drive.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct real {
	sem_t go[MAX_THREADS], done;
	struct state is;
} * real; /* shared with the child */

static pid_t child;
static bool differs;
static const struct level *level;

/* One of these for each name of the level. */
static union {
	pthread_mutex_t mutex;
	sem_t semaphore;
	pthread_rwlock_t rwlock;
} objects[MAX_NAMES];
static pthread_mutex_t bed = PTHREAD_MUTEX_INITIALIZER; /* protects real->is */
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

static void objects_begin(void)
{
	for (int i = 0; i < level->name_count; i++) {
		if (level->names[i].kind == LOCK)
			pthread_mutex_init(&objects[i].mutex, NULL);
		else if (level->names[i].kind == RWLOCK)
			pthread_rwlock_init(&objects[i].rwlock, NULL);
		else if (level->names[i].kind == SEMAPHORE)
			sem_init(&objects[i].semaphore, 0, level->names[i].start[0]);
	}
}

/* The calls that may block.  They come before the machine's step: a thread that the machine lets
 * run must not block here. */
static void block(const struct line *line, int relock)
{
	if (relock) {
		pthread_mutex_lock(&objects[relock - 1].mutex);
		return;
	}
	switch (line->op) {
	case LOCK_:
		pthread_mutex_lock(&objects[line->target].mutex);
		break;
	case SEM_WAIT:
		while (sem_wait(&objects[line->target].semaphore) < 0)
			;
		break;
	case READ_LOCK:
		pthread_rwlock_rdlock(&objects[line->target].rwlock);
		break;
	case WRITE_LOCK:
		pthread_rwlock_wrlock(&objects[line->target].rwlock);
		break;
	default:
		break;
	}
}

/* The calls that release; and trylock(), if the expression took a lock. */
static void release(const struct line *line, const struct state *before, const struct state *after)
{
	if (line->op == SEM_POST)
		sem_post(&objects[line->target].semaphore);
	if (line->op == READ_UNLOCK || line->op == WRITE_UNLOCK)
		pthread_rwlock_unlock(&objects[line->target].rwlock);
	for (int i = 0; i < level->name_count; i++) {
		int cell = level->names[i].cell;

		if (level->names[i].kind != LOCK)
			continue;
		if (before->cells[cell] && !after->cells[cell])
			pthread_mutex_unlock(&objects[i].mutex);
		else if (!before->cells[cell] && after->cells[cell] && line->op != LOCK_ &&
			 pthread_mutex_trylock(&objects[i].mutex) != 0)
			differs = true;
	}
}

/* Runs the next line of a thread. */
static void really(int t)
{
	struct state *is = &real->is, before = *is;
	const struct line *line = next_line(level, is, t);
	bool relock = is->relock[t];

	block(line, is->relock[t]);
	pthread_mutex_lock(&bed);
	make_step(level, is, t);
	if (!is->failed && !relock)
		release(line, &before, is);
	pthread_cond_broadcast(&woken);
	sem_post(&real->done);
	while (is->asleep[t])
		pthread_cond_wait(&woken, &bed);
	pthread_mutex_unlock(&bed);
}

static void *driven(void *arg)
{
	int t = (int)(intptr_t)arg;

	while (!has_ended(level, &real->is, t)) {
		while (sem_wait(&real->go[t]) < 0) /* wait for permission to run one line */
			;
		really(t);
	}
	return NULL;
}

static int driven_process(void *unused)
{
	char name[2] = "A";
	pid_t parent = getppid();

	(void)unused;
	objects_begin();
	for (int t = 0; t < level->thread_count; t++, name[0]++)
		lab_thread(name, driven, (void *)(intptr_t)t);
	while (getppid() == parent) /* until SIGKILL: a deadlock never ends by itself */
		sleep(1);
	return 0;
}

void real_end(void)
{
	if (child) {
		kill(child, SIGKILL);
		lab_wait(child);
	}
	child = 0;
}

/* Waits until a thread has run its line.  Returns false on time-out. */
static bool is_done(int ms)
{
	while (sem_trywait(&real->done) < 0) {
		if (ms-- == 0)
			return false;
		usleep(1000);
	}
	return true;
}

void real_begin(const struct level *which)
{
	real_end();
	if (!real) {
		real = lab_shared(sizeof(*real));
		atexit(real_end);
	}
	level = which;
	differs = false;
	real->is = state_begin(level);
	sem_init(&real->done, 1, 0);
	for (int t = 0; t < MAX_THREADS; t++)
		sem_init(&real->go[t], 1, 0);
	child = lab_fork("driven", driven_process, NULL);
}

void real_step(const struct history *h)
{
	char thread = h->schedule[h->moves - 1];

	sem_post(&real->go[thread - 'A']);
	if (!is_done(20000))
		lab_die("thread %c did not complete its line", thread);
	differs |= !same_state(&h->states[h->moves], &real->is);
}

bool real_differs(void)
{
	return differs;
}

bool real_stuck(const struct level *which, const struct state *s)
{
	for (int t = 0; t < which->thread_count; t++)
		if (!has_ended(which, s, t))
			sem_post(&real->go[t]);
	return !is_done(200);
}
