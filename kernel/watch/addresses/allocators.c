/* SPDX-License-Identifier: MIT
 *
 * The allocators' functions as the rest of the kernel sees them in a build with SANITIZE=addresses:
 * the linker's --wrap lets each call of F come to __wrap_F() here, which calls the true function,
 * __real_F().  They keep the state of each object, leave bytes behind each that must not be used,
 * and let a freed object wait before it is given out again, so that a late use still meets it.
 *
 * For the reports, the last word of each object, which is behind what its user may use, and a word
 * for each frame contain the place in the code that has allocated it or, once it is free, freed it.
 *
 * Memory that is given out unwritten contains a word that was chosen at boot.  Where this word is
 * copied to a user, memory that was not initialised has become visible.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/slab_cache.h"
#include "kernel/sync/spinlock.h"
#include "kernel/watch/addresses/addresses.h"
#include "kernel/watch/symbols.h"

/* The linker makes these names; no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define CALLER	    ((u64)__builtin_return_address(0))
#define REDZONE	    16
#define WAITING	    1024			  /* freed objects that are not given out yet */
#define OBJECT_MOST 2048			  /* of slab_cache_create() */
#define LARGEST	    (PAGE_SIZE << PAGE_ORDER_MAX) /* of kmalloc() */

/* --- Places ----------------------------------------------------------------------------------- */

static u32 sizes[SLAB_CACHES_MAX]; /* as asked for, without the redzone; 0: of kmalloc() */

/* The word of the object or the frame that contains `address`; NULL: it has none.  The word of a
 * free frame that had objects is the number of their cache: their own words are still there. */
static u64 *place_of(u64 address)
{
	u64 *place = frame_place(address), offset = address % PAGE_SIZE;
	struct page *p = virt_to_page((void *)address);
	struct slab_cache *cache;

	if (place && p->use == PAGE_SLAB)
		cache = &slab_caches[p->slab_cache];
	else if (place && READ_ONCE(*place) - 1 < SLAB_CACHES_MAX)
		cache = &slab_caches[*place - 1];
	else
		return place;
	if (ALIGN_UP(sizes[cache - slab_caches], 8) + 8 > cache->size ||
	    offset >= cache->size * cache->objects_per_slab)
		return NULL;
	return (u64 *)(address - offset % cache->size + cache->size - 8);
}

u64 address_place(u64 address)
{
	u64 *place = place_of(address);

	return place ? READ_ONCE(*place) : 0;
}

void place_format(char *buf, size_t size, u64 address)
{
	u8 state = address_state((void *)address);
	bool freed = state == ADDRESS_FREED || state == ADDRESS_FREE_FRAME;
	u64 place = address_place(address);
	size_t length;

	*buf = 0;
	if (!place)
		return;
	length = (size_t)scnprintf(buf, size, ", %s by ", freed ? "freed" : "allocated");
	symbol_format(buf + length, size - length, place);
}

static void object_set_place(void *object, u64 where)
{
	u64 *place = place_of((u64)object);

	if (place)
		WRITE_ONCE(*place, where);
}

static void frames_set_place(struct page *p, unsigned order, u64 where)
{
	for (u64 i = 0; i < 1UL << order; i++) {
		u64 *place = frame_place((u64)page_to_virt(p + i));

		if (place)
			WRITE_ONCE(*place, where);
	}
}

/* --- Memory that was not initialised ---------------------------------------------------------- */

static u32 unwritten = 0x5eedfeedU;

static void fill(void *memory, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
		*(u32 *)((u8 *)memory + i) = unwritten;
}

/* Variables on the stack have the compiler's pattern (-ftrivial-auto-var-init=pattern). */
#define UNWRITTEN_VARIABLE 0xfefefefeU

static void check_written(const void *memory, size_t size, u64 where)
{
	bool stack = (u64)memory - KSTACK_AREA_BASE < KSTACK_AREA_SIZE;
	u32 wrong = stack ? UNWRITTEN_VARIABLE : unwritten;
	char name[64], place[80] = ", on the stack";

	for (u64 a = ALIGN_UP((u64)memory, 4); a + 4 <= (u64)memory + size; a += 4) {
		if (*(const u32 *)a != wrong)
			continue;
		symbol_format(name, sizeof(name), where);
		if (!stack)
			place_format(place, sizeof(place), a);
		panic("byte %lu of %lu that %s copies to a user was not initialised%s",
		      (unsigned long)(a - (u64)memory), (unsigned long)size, name, place);
	}
}

size_t __real_usercopy_raw_out(void *dst, const void *src, size_t n);

size_t __wrap_usercopy_raw_out(void *dst, const void *src, size_t n)
{
	addresses_check((u64)src, n, false, CALLER);
	check_written(src, n, CALLER);
	return __real_usercopy_raw_out(dst, src, n);
}

size_t __real_usercopy_raw_in(void *dst, const void *src, size_t n);

size_t __wrap_usercopy_raw_in(void *dst, const void *src, size_t n)
{
	addresses_check((u64)dst, n, true, CALLER);
	return __real_usercopy_raw_in(dst, src, n);
}

/* --- Freed objects wait ----------------------------------------------------------------------- */

struct waiting {
	struct slab_cache *cache; /* NULL: of kmalloc() */
	void *object;
};

static struct waiting waiting[WAITING];
static u32 waiting_next;
DEFINE_SPINLOCK(waiting_lock);

void __real_slab_free(struct slab_cache *cache, void *object);
void __real_kfree(void *object);

static void give_back(const struct waiting *w)
{
	if (w->cache)
		__real_slab_free(w->cache, w->object);
	else if (w->object)
		__real_kfree(w->object);
}

/* Let the new one wait, and give back the one that has waited longest. */
static void wait_freed(struct waiting freed)
{
	u64 flags = spin_lock_irq(&waiting_lock);
	struct waiting oldest = waiting[waiting_next];

	waiting[waiting_next] = freed;
	waiting_next = (waiting_next + 1) % WAITING;
	spin_unlock_irq(&waiting_lock, flags);
	give_back(&oldest);
}

/* For lack of memory, and for tests that count what is in use. */
static void give_all_back(void)
{
	for (u32 i = 0; i < WAITING; i++)
		wait_freed((struct waiting){0});
}

/* --- Objects ---------------------------------------------------------------------------------- */

static void check_free(const void *object, u64 where)
{
	char name[64], freed[80];

	if (address_state(object) < ADDRESS_FREED)
		return;
	symbol_format(name, sizeof(name), where);
	place_format(freed, sizeof(freed), (u64)object);
	panic("%s frees %p, which is %s%s", name, object,
	      address_state(object) == ADDRESS_REDZONE ? "behind an object" : "free", freed);
}

struct slab_cache *__real_slab_cache_create(const char *name, size_t size, size_t align);

struct slab_cache *__wrap_slab_cache_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *cache = __real_slab_cache_create(
	    name, size + REDZONE <= OBJECT_MOST ? size + REDZONE : size, align);

	sizes[cache - slab_caches] = (u32)size;
	return cache;
}

void *__real_slab_alloc(struct slab_cache *cache);

static void *cache_alloc(struct slab_cache *cache, u64 where)
{
	u32 size = sizes[cache - slab_caches];
	void *object = __real_slab_alloc(cache);

	if (!object)
		return NULL;
	addresses_forbid(object, cache->size, ADDRESS_REDZONE);
	addresses_allow(object, size);
	object_set_place(object, where);
	fill(object, size);
	return object;
}

void *__wrap_slab_alloc(struct slab_cache *cache)
{
	return cache_alloc(cache, CALLER);
}

void *__wrap_slab_alloc_zeroed(struct slab_cache *cache)
{
	void *object = cache_alloc(cache, CALLER);

	return object ? memset(object, 0, sizes[cache - slab_caches]) : NULL;
}

void __wrap_slab_free(struct slab_cache *cache, void *object)
{
	check_free(object, CALLER);
	object_set_place(object, CALLER);
	addresses_forbid(object, cache->size, ADDRESS_FREED);
	wait_freed((struct waiting){cache, object});
}

/* All of the block that kmalloc() has given out for an object. */
static void block_forbid(void *object, enum address_state state, u64 where)
{
	struct page *p = virt_to_page(object);
	u64 size = PAGE_SIZE << p->order;

	if (p->use == PAGE_SLAB) {
		size = slab_caches[p->slab_cache].size;
		object_set_place(object, where);
	} else {
		frames_set_place(p, p->order, where);
	}
	addresses_forbid(object, size, state);
}

void *__real_kmalloc(size_t size);

static void *allocate(size_t size, u64 where)
{
	/* The largest block has no room for bytes behind the object. */
	size_t zone = size > LARGEST - REDZONE ? 0 : REDZONE;
	void *object = __real_kmalloc(size + zone);

	if (!object)
		return NULL;
	block_forbid(object, ADDRESS_REDZONE, where);
	addresses_allow(object, size);
	fill(object, size);
	return object;
}

void *__wrap_kmalloc(size_t size)
{
	return allocate(size, CALLER);
}

void *__wrap_kzalloc(size_t size)
{
	void *object = allocate(size, CALLER);

	return object ? memset(object, 0, size) : NULL;
}

static bool is_object(const void *object)
{
	struct page *p = virt_to_page(object);
	u64 offset = (u64)object % PAGE_SIZE;

	return p->use == PAGE_SLAB ? offset % slab_caches[p->slab_cache].size == 0
				   : p->use == PAGE_KERNEL && offset == 0;
}

void __wrap_kfree(void *object)
{
	if (!object)
		return;
	check_free(object, CALLER);
	if (!is_object(object))
		__real_kfree(object); /* panics */
	block_forbid(object, ADDRESS_FREED, CALLER);
	wait_freed((struct waiting){NULL, object});
}

/* --- Frames ----------------------------------------------------------------------------------- */

static struct page *given(struct page *p, unsigned order, bool written, u64 where)
{
	if (!p)
		return NULL;
	addresses_allow(page_to_virt(p), PAGE_SIZE << order);
	frames_set_place(p, order, where);
	if (p->use == PAGE_SLAB) { /* its objects are free, and have no places yet */
		addresses_forbid(page_to_virt(p), PAGE_SIZE, ADDRESS_FREED);
		memset(page_to_virt(p), 0, PAGE_SIZE);
	} else if (!written) {
		fill(page_to_virt(p), PAGE_SIZE << order);
	}
	return p;
}

struct page *__real_page_alloc(unsigned order, enum page_use use);

struct page *__wrap_page_alloc(unsigned order, enum page_use use)
{
	return given(__real_page_alloc(order, use), order, false, CALLER);
}

struct page *__real_page_alloc_zeroed(enum page_use use);

struct page *__wrap_page_alloc_zeroed(enum page_use use)
{
	return given(__real_page_alloc_zeroed(use), 0, true, CALLER);
}

paddr_t __real_page_table_frame_alloc(void);

paddr_t __wrap_page_table_frame_alloc(void)
{
	paddr_t frame = __real_page_table_frame_alloc();

	if (frame)
		given(phys_to_page(frame), 0, true, CALLER);
	return frame;
}

void __real_page_clear(void *page);

/* The frame allocator clears a frame before it gives it out. */
void __wrap_page_clear(void *page)
{
	addresses_allow(page, PAGE_SIZE);
	__real_page_clear(page);
}

void __real_page_put(struct page *p);

static void frames_freed(struct page *p, u64 where)
{
	if (p->use == PAGE_SLAB)
		frames_set_place(p, 0, p->slab_cache + 1);
	/* Of an object of kmalloc() that has waited, the place is that of kfree(). */
	else if (p->use != PAGE_KERNEL || address_state(page_to_virt(p)) != ADDRESS_FREED)
		frames_set_place(p, p->order, where);
	addresses_forbid(page_to_virt(p), PAGE_SIZE << p->order, ADDRESS_FREE_FRAME);
}

/* The caller that drops the last reference has the only one, so no other can be made before the
 * frame is free. */
void __wrap_page_put(struct page *p)
{
	if (page_refs(p) == 1)
		frames_freed(p, CALLER);
	__real_page_put(p);
}

void __real_page_free_zeroed(struct page *p);

void __wrap_page_free_zeroed(struct page *p)
{
	frames_freed(p, CALLER);
	__real_page_free_zeroed(p);
}

static void allocators_init(void)
{
	unwritten = (u32)rdtsc() | 1;
	shrinker_register(give_all_back);
}

EARLY_INIT_CALL(6, allocators_init);
