/* SPDX-License-Identifier: MIT
 *
 * Scenarios of spinlocks, mutexes and rwlocks.
 */
#include "kernel/task/mutex.h"
#include "tests/unit/explore/machine.h"

static struct lock_class class = {"explored", 0};
static struct spinlock spinlock;
static struct mutex mutex;
static struct rwlock rwlock;
static int inside, written[2];

static void setup(void)
{
	machine_setup();
	spinlock_init(&spinlock, &class);
	mutex_init(&mutex, &class);
	rwlock_init(&rwlock, &class);
	inside = written[0] = written[1] = 0;
}

/* --- Spinlock --------------------------------------------------------------------------------- */

static void spin(void)
{
	spin_lock(&spinlock);
	EXPECT(READ_ONCE(inside) == 0);
	WRITE_ONCE(inside, 1);
	WRITE_ONCE(inside, 0);
	spin_unlock(&spinlock);
}

static void spin_end(void)
{
	EXPECT(!spinlock.owner && !inside);
}

static const struct scenario spin2 = {
    "spinlock-2", setup, NULL, spin_end, {{"one", spin}, {"two", spin}}};
static const struct scenario spin3 = {
    "spinlock-3", setup, NULL, spin_end, {{"one", spin}, {"two", spin}, {"three", spin}}};

/* --- Mutex ------------------------------------------------------------------------------------ */

static void lock_once(void)
{
	mutex_lock(&mutex);
	EXPECT(++inside == 1);
	inside--;
	mutex_unlock(&mutex);
}

static void lock_twice(void)
{
	lock_once();
	lock_once();
}

static void try_once(void)
{
	if (mutex_trylock(&mutex)) {
		EXPECT(++inside == 1);
		inside--;
		mutex_unlock(&mutex);
	}
}

static void mutex_end(void)
{
	EXPECT(!mutex.owner && !mutex.waiters && list_empty(&mutex.queue.waiters) && !inside);
}

static const struct scenario mutex2 = {
    "mutex-2", setup, NULL, mutex_end, {{"one", lock_twice}, {"two", lock_twice}}};
static const struct scenario mutex3 = {
    "mutex-3", setup, NULL, mutex_end, {{"one", lock_once}, {"two", lock_once}, {"try", try_once}}};
static const struct scenario mutex33 = {
    "mutex-33",
    setup,
    NULL,
    mutex_end,
    {{"one", lock_once}, {"two", lock_once}, {"three", lock_once}},
    .large = true};

/* --- Rwlock ----------------------------------------------------------------------------------- */

static void read_once(void)
{
	rwlock_read_lock(&rwlock);
	EXPECT(READ_ONCE(written[0]) == READ_ONCE(written[1]));
	rwlock_read_unlock(&rwlock);
}

static void write_once(void)
{
	rwlock_write_lock(&rwlock);
	WRITE_ONCE(written[0], written[0] + 1);
	WRITE_ONCE(written[1], written[1] + 1);
	rwlock_write_unlock(&rwlock);
}

static void rwlock_end(void)
{
	EXPECT(!rwlock.holders && !rwlock.waiters && !rwlock.writers_waiting && !rwlock.writer);
	EXPECT(list_empty(&rwlock.readers_queue.waiters) &&
	       list_empty(&rwlock.writers_queue.waiters));
	EXPECT(written[0] == written[1]);
}

static const struct scenario rw2 = {
    "rwlock-2", setup, NULL, rwlock_end, {{"reader", read_once}, {"writer", write_once}}};
static const struct scenario rrw = {
    "rwlock-rrw",
    setup,
    NULL,
    rwlock_end,
    {{"reader 1", read_once}, {"reader 2", read_once}, {"writer", write_once}},
    .large = true};
static const struct scenario rww = {
    "rwlock-rww",
    setup,
    NULL,
    rwlock_end,
    {{"reader", read_once}, {"writer 1", write_once}, {"writer 2", write_once}},
    .large = true};

const struct scenario *const explore_scenarios[] = {&spin2, &spin3, &mutex2, &mutex3, &mutex33,
						    &rw2,   &rrw,   &rww,    NULL};
