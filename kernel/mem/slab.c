/* SPDX-License-Identifier: MIT
 *
 * The slab allocator (Bonwick 1994).  A slab is one frame that is divided into objects from its
 * first byte on.  Its struct page describes it, and its free objects contain the list of free
 * objects.
 */
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/slab_cache.h"

#define NO_OBJECT UINT16_MAX

/* The objects that a CPU has freed last, for its next allocations: these need no lock.  Only the
 * CPU itself accesses them, with interrupts off.  For their slabs they are in use. */
struct slab_stack {
	u64 count;
	void *objects[15]; /* so that it fills two cache lines */
};
static DEFINE_PER_CPU(struct slab_stack[SLAB_CACHES_MAX], slab_stacks);

struct slab_cache slab_caches[SLAB_CACHES_MAX];
u32 slab_cache_count;
static struct lock_class cache_lock_class = {"slab_cache", 0};

static const u16 kmalloc_sizes[] = {16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048};
static const char *const kmalloc_names[ARRAY_SIZE(kmalloc_sizes)] = {
    "kmalloc-16",  "kmalloc-32",  "kmalloc-64",	 "kmalloc-96",	 "kmalloc-128",
    "kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1024", "kmalloc-2048"};

/* The smallest sufficient cache, by the size in steps that were begun. */
#define KMALLOC_MOST 2048
#define KMALLOC_STEP 16
static struct slab_cache *kmalloc_caches[KMALLOC_MOST / KMALLOC_STEP + 1];

/* The first word of a free object: a mark, and the offset of the next free object in the slab. */
#define FREE_MARK      0x5ac3f19d72e40000UL
#define FREE_MARK_MASK (~0xffffUL)
#define FREED_BYTE     0x6b
#define NEW_BYTE       0xa5

/* In debug builds: fill a freed object, so that a second free and a write after the free are found.
 * Not with SANITIZE=addresses, where HEDDLE_DEBUG is 2: that finds them without writing there. */
static void object_mark_freed(struct slab_cache *cache, void *object)
{
	if ((*(u64 *)object & FREE_MARK_MASK) == FREE_MARK)
		panic("%s object %p freed twice", cache->name, object);
	memset((u8 *)object + 8, FREED_BYTE, cache->size - 8);
	*(u64 *)object = FREE_MARK | NO_OBJECT;
}

/* Check that nothing has written to a free object, and fill it with NEW_BYTE. */
static void object_mark_new(struct slab_cache *cache, void *object)
{
	const u8 *bytes = object;

	if ((*(u64 *)object & FREE_MARK_MASK) != FREE_MARK)
		panic("%s object %p was written to while it was free: it begins 0x%lx", cache->name,
		      object, *(u64 *)object);
	for (u32 i = 8; i < cache->size; i++)
		if (bytes[i] != FREED_BYTE)
			panic("%s object %p was written to while it was free: byte %u is 0x%x",
			      cache->name, object, i, bytes[i]);
	memset(object, NEW_BYTE, cache->size);
}

/* Take the first free object; NULL: every slab is full. */
static void *slab_pop(struct slab_cache *cache)
{
	struct page *slab = list_first(&cache->partial, struct page, link);
	u64 *object;

	assert_held(&cache->lock);
	if (list_empty(&cache->partial))
		return NULL;
	object = (u64 *)((char *)page_to_virt(slab) + slab->slab_free);
	cache->in_use++;
	slab->slab_in_use++;
	slab->slab_free = (u16)*object;
	if (slab->slab_free == NO_OBJECT)
		list_remove(&slab->link);
	return object;
}

/* Add a slab to the cache, and take its first object: so no slab is without one in use.  NULL: no
 * memory. */
static void *cache_grow(struct slab_cache *cache)
{
	struct page *slab = page_alloc(0, PAGE_SLAB);
	void *first;
	char *base;
	u64 flags;

	if (!slab)
		return NULL;
	base = page_to_virt(slab);
	slab->slab_cache = (u32)(cache - slab_caches);
	slab->slab_in_use = 0;
	slab->slab_free = NO_OBJECT;
	for (u32 i = cache->objects_per_slab; i--;) {
		void *object = base + i * cache->size;

		if (HEDDLE_DEBUG == 1)
			memset(object, FREED_BYTE, cache->size);
		*(u64 *)object = FREE_MARK | slab->slab_free;
		slab->slab_free = (u16)(i * cache->size);
	}
	flags = spin_lock_irq(&cache->lock);
	cache->slabs++;
	list_push_front(&cache->partial, &slab->link);
	first = slab_pop(cache);
	spin_unlock_irq(&cache->lock, flags);
	return first;
}

/* Take an object from this CPU's stack; NULL: it is empty. */
static __always_inline void *stack_pop(struct slab_cache *cache)
{
	u64 flags = irq_save();
	struct slab_stack *s = &(*this_cpu_ptr(slab_stacks))[cache - slab_caches];
	void *object = s->count ? s->objects[--s->count] : NULL;

	irq_restore(flags);
	return object;
}

/* Put an object onto this CPU's stack; false: it is full. */
static __always_inline bool stack_push(struct slab_cache *cache, void *object)
{
	u64 flags = irq_save();
	struct slab_stack *s = &(*this_cpu_ptr(slab_stacks))[cache - slab_caches];
	bool room = s->count < ARRAY_SIZE(s->objects);

	if (room)
		s->objects[s->count++] = object;
	irq_restore(flags);
	return room;
}

/* The way to the slabs, for both: out of line, so that the way to the stack saves no registers. */
static __noinline void *alloc_from_slab(struct slab_cache *cache)
{
	u64 flags = spin_lock_irq(&cache->lock);
	void *object = slab_pop(cache);

	spin_unlock_irq(&cache->lock, flags);
	return object ?: cache_grow(cache);
}

static __noinline void free_to_slab(struct slab_cache *cache, void *object)
{
	struct page *slab = virt_to_page(object);
	u64 flags = spin_lock_irq(&cache->lock);
	bool was_full = slab->slab_free == NO_OBJECT, unused = --slab->slab_in_use == 0;

	*(u64 *)object = FREE_MARK | slab->slab_free;
	slab->slab_free = (u16)((u64)object % PAGE_SIZE);
	cache->in_use--;
	if (unused) {
		list_remove(&slab->link);
		cache->slabs--;
	} else if (was_full) {
		list_push_front(&cache->partial, &slab->link);
	}
	spin_unlock_irq(&cache->lock, flags);
	if (unused)
		page_put(slab);
}

void slab_drain_this_cpu(void)
{
	void *object;

	for (u32 i = 0; i < __atomic_load_n(&slab_cache_count, __ATOMIC_ACQUIRE); i++)
		while ((object = stack_pop(&slab_caches[i])))
			free_to_slab(&slab_caches[i], object);
}

void *slab_alloc(struct slab_cache *cache)
{
	void *object;

	if (alloc_should_fail())
		return NULL;
	object = stack_pop(cache) ?: alloc_from_slab(cache);
	if (HEDDLE_DEBUG == 1 && object)
		object_mark_new(cache, object);
	return object;
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	void *object = slab_alloc(cache);

	return object ? memset(object, 0, cache->size) : NULL;
}

void slab_free(struct slab_cache *cache, void *object)
{
	struct page *slab = virt_to_page(object);

	if (slab->use != PAGE_SLAB || &slab_caches[slab->slab_cache] != cache ||
	    (u64)object % PAGE_SIZE % cache->size)
		panic("slab_free(%p): not an object of the cache %s", object, cache->name);
	if (HEDDLE_DEBUG == 1)
		object_mark_freed(cache, object);
	if (!stack_push(cache, object))
		free_to_slab(cache, object);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *cache = &slab_caches[slab_cache_count];

	require(slab_cache_count < SLAB_CACHES_MAX && size <= 2048 && align <= 64 &&
		!(align & (align - 1)));
	cache->name = name;
	cache->size = (u32)ALIGN_UP(MAX(size, 8UL), MAX(align, 8UL));
	cache->objects_per_slab = (u32)(PAGE_SIZE / cache->size);
	spinlock_init(&cache->lock, &cache_lock_class);
	list_init(&cache->partial);
	__atomic_store_n(&slab_cache_count, slab_cache_count + 1, __ATOMIC_RELEASE);
	return cache;
}

/* Flatten: most objects come from kmalloc(), so slab_alloc() and slab_free() are inlined. */
__attribute__((flatten)) void *kmalloc(size_t size)
{
	unsigned order = 0;
	struct page *p;

	if (size <= KMALLOC_MOST)
		return slab_alloc(kmalloc_caches[DIV_ROUND_UP(size, KMALLOC_STEP)]);
	for (; PAGE_SIZE << order < size; order++)
		if (order == PAGE_ORDER_MAX)
			return NULL;
	p = page_alloc(order, PAGE_KERNEL);
	return p ? page_to_virt(p) : NULL;
}

void *kzalloc(size_t size)
{
	void *object = kmalloc(size);

	return object ? memset(object, 0, size) : NULL;
}

__attribute__((flatten)) void kfree(void *object)
{
	struct page *p;

	if (!object)
		return;
	p = virt_to_page(object);
	if (p->use == PAGE_SLAB)
		slab_free(&slab_caches[p->slab_cache], object);
	else if (p->use == PAGE_KERNEL && (u64)object % PAGE_SIZE == 0)
		page_put(p);
	else
		panic("kfree(%p): not allocated", object);
}

void slab_init(void)
{
	for (u32 i = 0, size = 0; i < ARRAY_SIZE(kmalloc_sizes); i++) {
		struct slab_cache *cache =
		    slab_cache_create(kmalloc_names[i], kmalloc_sizes[i],
				      MIN(kmalloc_sizes[i] & -kmalloc_sizes[i], 64));

		for (; size <= kmalloc_sizes[i]; size += KMALLOC_STEP)
			kmalloc_caches[size / KMALLOC_STEP] = cache;
	}
	shrinker_register(slab_drain_this_cpu);
}
