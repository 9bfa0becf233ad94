/* SPDX-License-Identifier: MIT
 *
 * What the kernel has around the code under test: memory, mutexes, the log, time.  There is one
 * thread, so a mutex is only checked: no one unlocks what is not locked, or locks twice.
 */
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/mem/slab.h"
#include "kernel/task/mutex.h"
#include "tests/fuzz/fuzz.h"

#define KMALLOC_MAX (4UL << 20)

u64 live_objects;
u32 fail_after;
u64 host_now = 1000000;
bool panic_in_progress;

void panic(const char *format, ...)
{
	dprintf(2, "panic: %s\n", format);
	abort();
}

void log_printf(enum log_level level, const char *format, ...)
{
}

u64 clock_now_ns(void)
{
	return host_now;
}

u64 clock_realtime_ns(void)
{
	return host_now;
}

/* --- Memory ------------------------------------------------------------------------------------
 */

void *kmalloc(size_t size)
{
	if (size > KMALLOC_MAX || (fail_after && !--fail_after))
		return NULL;
	live_objects++;
	return malloc(size);
}

void *kzalloc(size_t size)
{
	void *memory = kmalloc(size);

	return memory ? memset(memory, 0, size) : NULL;
}

void kfree(void *object)
{
	live_objects -= object != NULL;
	free(object);
}

struct slab_cache {
	size_t size;
};

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *cache = malloc(sizeof(*cache));

	cache->size = size;
	return cache;
}

void *slab_alloc(struct slab_cache *cache)
{
	return kmalloc(cache->size);
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	return kzalloc(cache->size);
}

void slab_free(struct slab_cache *cache, void *object)
{
	kfree(object);
}

/* --- Mutexes -----------------------------------------------------------------------------------
 */

#define HELD ((struct thread *)1)

struct lock_class mutex_guard_class = {"mutex", 0}, wait_queue_class = {"wait queue", 0};

void mutex_init(struct mutex *m, struct lock_class *class)
{
	m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
	HOLDS(!m->owner);
	m->owner = HELD;
}

void mutex_lock_nested(struct mutex *m)
{
	mutex_lock(m);
}

void mutex_unlock(struct mutex *m)
{
	HOLDS(m->owner);
	m->owner = NULL;
}
