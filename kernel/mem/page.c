/* SPDX-License-Identifier: MIT
 *
 * Page frames: a binary buddy allocator (Knuth, "The Art of Computer Programming", volume 1, 2.5)
 * under one lock.  Each CPU has a stack of single frames, which serves most requests without the
 * lock.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "boot/boot_info.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/mem/early.h"
#include "kernel/mem/page.h"
#include "kernel/sync/spinlock.h"

#define CACHE_FRAMES 64
#define CACHE_ORDER  5
#define CACHE_BATCH  (1U << CACHE_ORDER) /* frames moved to or from the free lists at a time */

/* Only its own CPU writes it, with interrupts off; any CPU may read `count` and `used`. */
struct page_cpu {
	struct page *frames[CACHE_FRAMES];
	u64 count;
	s64 used[PAGE_USES]; /* allocated minus freed here; add up all CPUs */
};
static DEFINE_PER_CPU(struct page_cpu, page_cpu);

struct page *page_array;
u64 page_array_frames;

/* Free blocks by order (the first page of each is in the list), and the number of their frames. */
DEFINE_SPINLOCK(page_lock);
static struct list free_blocks[PAGE_ORDER_MAX + 1];
static u64 free_frames;

static u64 total_frames, reserved_frames, array_frames, failed_requests;
u64 alloc_fail_countdown;
static void (*shrinkers[8])(void);
static u32 shrinker_count;

static const char *const use_names[PAGE_USES] = {
    "free",	    "reserved",	      "a kernel buffer", "a slab",	 "a page table",
    "kernel stack", "program memory", "shared memory",	 "file content", "a pipe's",
};

struct page *phys_to_page(paddr_t address)
{
	u64 frame = address >> PAGE_SHIFT;

	if (frame >= page_array_frames || page_array[frame].flags & PAGE_FLAG_NOT_RAM)
		return NULL;
	return &page_array[frame];
}

static void block_push(struct page *p, unsigned order)
{
	p->order = (u8)order;
	p->flags |= PAGE_FLAG_IN_BUDDY;
	list_push_front(&free_blocks[order], &p->link);
}

static void block_remove(struct page *p)
{
	p->flags &= (u16)~PAGE_FLAG_IN_BUDDY;
	list_remove(&p->link);
}

/* Put a free block into the lists; merge it with its buddy while the buddy is completely free. */
static void block_free(struct page *p, unsigned order)
{
	u64 frame = (u64)(p - page_array);

	assert_held(&page_lock);
	free_frames += 1UL << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		u64 other = frame ^ 1UL << order;
		struct page *buddy = &page_array[other];

		if (other >= page_array_frames || !(buddy->flags & PAGE_FLAG_IN_BUDDY) ||
		    buddy->order != order)
			break;
		block_remove(buddy);
		frame &= other; /* the lower of the two buddies */
	}
	block_push(&page_array[frame], order);
}

/* Take the smallest sufficient block from the lists and split it as needed; NULL if none. */
static struct page *block_take(unsigned order)
{
	struct page *p;
	unsigned o = order;

	assert_held(&page_lock);
	while (o <= PAGE_ORDER_MAX && list_empty(&free_blocks[o]))
		o++;
	if (o > PAGE_ORDER_MAX)
		return NULL;
	p = list_first(&free_blocks[o], struct page, link);
	block_remove(p);
	while (o > order) {
		o--;
		block_push(p + (1UL << o), o);
	}
	free_frames -= 1UL << order;
	return p;
}

/* Return to the lists the `n` frames that have been longest in the cache of this CPU.  Interrupts
 * off. */
static void cache_drain(struct page_cpu *c, u64 n)
{
	u64 flags = spin_lock_irq(&page_lock);

	for (u64 i = 0; i < n; i++) {
		c->frames[i]->flags &= (u16)~PAGE_FLAG_ZEROED;
		block_free(c->frames[i], 0);
	}
	spin_unlock_irq(&page_lock, flags);
	WRITE_ONCE(c->count, c->count - n);
	memmove(c->frames, c->frames + n, c->count * sizeof(c->frames[0]));
}

void page_drain_this_cpu(void)
{
	u64 flags = irq_save();
	struct page_cpu *c = this_cpu_ptr(page_cpu);

	cache_drain(c, c->count);
	irq_restore(flags);
}

/* Fill the empty cache of this CPU with CACHE_BATCH frames or more.  The smallest blocks go first,
 * as in block_take(), but a block of up to CACHE_BATCH frames is taken whole instead of being
 * split.  Interrupts off.  Returns the number of frames; 0: no memory. */
static __noinline u64 cache_refill(struct page_cpu *c)
{
	u64 flags = spin_lock_irq(&page_lock);

	while (c->count < CACHE_BATCH) {
		unsigned order = 0;
		struct page *p;

		while (order < CACHE_ORDER && list_empty(&free_blocks[order]))
			order++;
		p = block_take(order);
		if (!p)
			break;
		for (u64 i = 0; i < 1UL << order; i++)
			c->frames[c->count + i] = p + i;
		WRITE_ONCE(c->count, c->count + (1UL << order));
	}
	spin_unlock_irq(&page_lock, flags);
	return c->count;
}

/* Try once to take a block, and count it in the ledger. */
static __always_inline struct page *page_take(unsigned order, enum page_use use)
{
	u64 flags = irq_save(), lock_flags;
	struct page_cpu *c = this_cpu_ptr(page_cpu);
	struct page *p = NULL;

	if (unlikely(order)) {
		lock_flags = spin_lock_irq(&page_lock);
		p = block_take(order);
		spin_unlock_irq(&page_lock, lock_flags);
	} else if (likely(c->count) || cache_refill(c)) {
		/* A page table must be zeroed.  If the newest frame is not, try the next one. */
		if (use == PAGE_TABLE && c->count > 1 &&
		    !(c->frames[c->count - 1]->flags & PAGE_FLAG_ZEROED))
			SWAP(c->frames[c->count - 1], c->frames[c->count - 2]);
		p = c->frames[c->count - 1];
		WRITE_ONCE(c->count, c->count - 1);
	}
	if (p)
		WRITE_ONCE(c->used[use], c->used[use] + (1L << order));
	irq_restore(flags);
	return p;
}

struct page *page_alloc(unsigned order, enum page_use use)
{
	struct page *p = NULL;

	require(order <= PAGE_ORDER_MAX && use > PAGE_RESERVED && use < PAGE_USES);
	if (!alloc_should_fail()) {
		p = page_take(order, use);
		if (unlikely(!p) && preemptible()) {
			page_drain_all();
			p = page_take(order, use);
		}
	}
	if (!p) {
		__atomic_fetch_add(&failed_requests, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	list_init(&p->link);
	p->order = (u8)order;
	p->owner = NULL;
	p->use = (u8)use;
	__atomic_store_n(&p->refs, 1, __ATOMIC_RELEASE);
	return p;
}

struct page *page_alloc_zeroed(enum page_use use)
{
	struct page *p = page_alloc(0, use);

	if (p && !(p->flags & PAGE_FLAG_ZEROED))
		page_clear(page_to_virt(p));
	return p;
}

/* Free a block whose last reference has been dropped.  `zeroed`: PAGE_FLAG_ZEROED or 0. */
static __noinline void page_free(struct page *p, u16 zeroed)
{
	unsigned order = p->order, use = p->use;
	struct page_cpu *c;
	u64 flags, lock_flags;

	p->use = PAGE_FREE;
	p->flags = zeroed;
	flags = irq_save();
	c = this_cpu_ptr(page_cpu);
	WRITE_ONCE(c->used[use], c->used[use] - (1L << order));
	if (order == 0) {
		if (c->count == CACHE_FRAMES)
			cache_drain(c, CACHE_BATCH);
		c->frames[c->count] = p;
		WRITE_ONCE(c->count, c->count + 1);
	} else {
		lock_flags = spin_lock_irq(&page_lock);
		block_free(p, order);
		spin_unlock_irq(&page_lock, lock_flags);
	}
	irq_restore(flags);
}

void page_misused(const struct page *p, const char *how)
{
	panic("page frame 0x%lx (%s) %s", page_to_phys(p), use_names[p->use], how);
}

void page_put(struct page *p)
{
	u32 old = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);

	if (likely(old > 1))
		return;
	if (unlikely(old == 0))
		page_misused(p, "freed once too often");
	if (unlikely(p->use <= PAGE_RESERVED))
		page_misused(p, "freed, but it was never allocated");
	page_free(p, 0);
}

void page_free_zeroed(struct page *p)
{
	assert(page_refs(p) == 1);
	__atomic_store_n(&p->refs, 0, __ATOMIC_RELAXED);
	page_free(p, PAGE_FLAG_ZEROED);
}

/* Hand the frames [first, end) over to the allocator.  Returns how many they are. */
static u64 frames_release(u64 first, u64 end)
{
	u64 count = end - first, flags;

	for (u64 f = first; f < end; f++)
		page_array[f] = (struct page){.use = PAGE_FREE};
	while (first < end) {
		unsigned order = PAGE_ORDER_MAX;

		while (first & ((1UL << order) - 1) || first + (1UL << order) > end)
			order--;
		flags = spin_lock_irq(&page_lock);
		block_free(&page_array[first], order);
		spin_unlock_irq(&page_lock, flags);
		first += 1UL << order;
	}
	__atomic_fetch_add(&total_frames, count, __ATOMIC_RELAXED);
	return count;
}

void page_release_boot_range(paddr_t start, paddr_t end)
{
	u64 frame = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT;
	u64 last = MIN(end >> PAGE_SHIFT, page_array_frames);

	while (frame < last) {
		u64 first = frame;

		while (frame < last && page_array[frame].use == PAGE_RESERVED &&
		       !(page_array[frame].flags & PAGE_FLAG_NOT_RAM))
			frame++;
		__atomic_fetch_sub(&reserved_frames, frames_release(first, frame),
				   __ATOMIC_RELAXED);
		if (frame == first)
			frame++; /* not releasable: skip it */
	}
}

void page_init(void)
{
	paddr_t start, end, array = 0, array_end = 0, highest = 0;
	const struct boot_memory *m;
	u64 bytes, ram = 0;

	for (m = boot_info.memory; m < boot_info.memory + boot_info.memory_count; m++)
		if (boot_memory_is_ram(m))
			highest = m->base + m->length;
	page_array_frames = highest >> PAGE_SHIFT;
	bytes = ALIGN_UP(page_array_frames * sizeof(struct page), PAGE_SIZE);
	/* Put the array at the end of the largest free range. */
	for (start = 0; boot_range_next(&start, &end); start = end) {
		if (end - start >= bytes && end - start > array_end - array) {
			array = start;
			array_end = end;
		}
	}
	if (!array_end)
		panic("no %lu contiguous bytes for the array of %lu page frames", bytes,
		      page_array_frames);
	array = array_end - bytes;
	page_array = phys_to_virt(array);
	early_frames_end();
	array_frames = bytes >> PAGE_SHIFT;
	for (u64 f = 0; f < page_array_frames; f++)
		page_array[f] =
		    (struct page){.refs = 1, .use = PAGE_RESERVED, .flags = PAGE_FLAG_NOT_RAM};
	for (m = boot_info.memory; m < boot_info.memory + boot_info.memory_count; m++) {
		if (!boot_memory_is_ram(m))
			continue;
		for (u64 f = m->base >> PAGE_SHIFT; f < (m->base + m->length) >> PAGE_SHIFT; f++)
			page_array[f].flags = 0;
		ram += m->length >> PAGE_SHIFT;
	}

	for (unsigned order = 0; order <= PAGE_ORDER_MAX; order++)
		list_init(&free_blocks[order]);
	for (start = 0; boot_range_next(&start, &end); start = end) {
		u64 upto = end == array_end ? array : end;

		frames_release(start >> PAGE_SHIFT, upto >> PAGE_SHIFT);
	}
	reserved_frames = ram - total_frames;
}

void shrinker_register(void (*shrink)(void))
{
	require(shrinker_count < ARRAY_SIZE(shrinkers));
	shrinkers[shrinker_count] = shrink;
	__atomic_store_n(&shrinker_count, shrinker_count + 1, __ATOMIC_RELEASE);
}

void page_drain_all(void)
{
	might_sleep();
	for (u32 i = __atomic_load_n(&shrinker_count, __ATOMIC_ACQUIRE); i > 0; i--)
		shrinkers[i - 1]();
	page_drain_this_cpu();
}

paddr_t page_table_frame_alloc(void)
{
	struct page *p;

	if (!page_array) /* before page_init() */
		return early_frame_alloc();
	p = page_alloc_zeroed(PAGE_TABLE);
	return p ? page_to_phys(p) : 0;
}

u64 page_free_count(void)
{
	u64 n = READ_ONCE(free_frames);

	for (u32 cpu = 0; cpu < cpu_count; cpu++)
		n += READ_ONCE(per_cpu_ptr(page_cpu, cpu)->count);
	return n;
}

void page_stats_read(struct page_stats *stats)
{
	*stats = (struct page_stats){
	    .total = __atomic_load_n(&total_frames, __ATOMIC_RELAXED),
	    .free = page_free_count(),
	    .image = (ALIGN_UP(virt_to_phys(__kernel_end), PAGE_SIZE) - (paddr_t)__boot_start) >>
		     PAGE_SHIFT,
	    .array = array_frames,
	    .boot_tables = early_frame_count(),
	    .failed = __atomic_load_n(&failed_requests, __ATOMIC_RELAXED),
	};
	for (u32 cpu = 0; cpu < cpu_count; cpu++) {
		stats->cached += READ_ONCE(per_cpu_ptr(page_cpu, cpu)->count);
		for (u32 use = 0; use < PAGE_USES; use++)
			stats->used[use] += (u64)READ_ONCE(per_cpu_ptr(page_cpu, cpu)->used[use]);
	}
	stats->used[PAGE_RESERVED] = __atomic_load_n(&reserved_frames, __ATOMIC_RELAXED);
}
