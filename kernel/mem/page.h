/* SPDX-License-Identifier: MIT
 *
 * Page frames: a buddy allocator for all usable memory, a small cache of single frames on each CPU,
 * and a ledger that counts the frames of each use.
 */
#pragma once

#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/list.h"

/* The use of a frame.  The ledger counts the frames of each use. */
enum page_use {
	PAGE_FREE,
	PAGE_RESERVED, /* image, firmware, page array: never freed */
	PAGE_KERNEL,   /* buffers of the kernel */
	PAGE_SLAB,
	PAGE_TABLE,    /* page tables */
	PAGE_KSTACK,
	PAGE_ANON,     /* private memory of programs */
	PAGE_OBJECT,   /* shared memory */
	PAGE_FILE,     /* content of files */
	PAGE_PIPE,
	PAGE_USES
};

struct page {
	u32 refs;  /* references: mappings and other users; 0: free */
	u8 use;	   /* enum page_use */
	u8 order;  /* of the block that begins with this page */
	u16 flags; /* PAGE_FLAG_*; only page.c uses them */
	struct list link; /* in a free list or slab list; else for the user of the page */
	union {
		void *owner; /* for the user of the page; NULL after page_alloc() */
		u64 table_lines; /* PAGE_TABLE: see pte_set() */
		struct {     /* PAGE_SLAB: only slab.c uses these */
			u16 slab_free;	 /* offset of the first free object */
			u16 slab_in_use; /* number of allocated objects */
			u32 slab_cache;	 /* index of the cache */
		};
	};
};

#define PAGE_FLAG_NOT_RAM  1 /* a hole, device memory, or used by firmware */
#define PAGE_FLAG_IN_BUDDY 2 /* the first page of a block in a free list */
#define PAGE_FLAG_ZEROED   4 /* contained only zeros when it came into the cache of a CPU */

#define PAGE_ORDER_MAX 10 /* blocks of up to 4 MiB */

extern struct page *page_array; /* indexed by frame number; page_array_frames entries */
extern u64 page_array_frames;

static inline paddr_t page_to_phys(const struct page *p)
{
	return (paddr_t)(p - page_array) << PAGE_SHIFT;
}

/* Returns NULL if the address is not RAM that the kernel may use (device memory). */
struct page *phys_to_page(paddr_t address);

static inline void *page_to_virt(const struct page *p)
{
	return phys_to_virt(page_to_phys(p));
}

static inline struct page *virt_to_page(const void *v)
{
	return &page_array[virt_to_phys(v) >> PAGE_SHIFT];
}

/* Take over all free memory (boot_range_next()).  On the boot CPU, once, after paging_init(). */
void page_init(void);

/* Allocate 2^order contiguous frames, not zeroed, with one reference on the first.  NULL: no
 * memory. Any context except NMI.  If no frame is free and the caller may sleep (preemptible()), the
 * shrinkers run and the allocation is tried again. */
struct page *page_alloc(unsigned order, enum page_use use);

/* Allocate one zeroed frame; the same rules hold. */
struct page *page_alloc_zeroed(enum page_use use);

/* Free a frame that is the caller's alone and contains only zeros.  page_alloc_zeroed() need not
 * clear it.  Any context except NMI. */
void page_free_zeroed(struct page *p);

/* Allocate a zeroed frame for a page table; 0: no memory.  Works also before page_init(): then the
 * frame comes from early_frame_alloc() and is never freed. */
paddr_t page_table_frame_alloc(void);

/* Add or drop a reference.  The caller of page_get() must hold one already.  page_put() of the last
 * reference frees the frames.  Any context except NMI. */
void page_put(struct page *p);
void noreturn page_misused(const struct page *p, const char *how); /* panics */
static inline void page_get(struct page *p)
{
	u32 old = __atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);

	if (unlikely(old == 0 || old >= INT32_MAX))
		page_misused(p, "has no reference that could be shared, or too many");
}

static inline u32 page_refs(const struct page *p)
{
	return __atomic_load_n(&p->refs, __ATOMIC_ACQUIRE);
}

/* Free the whole pages in [start, end), which the boot loader had filled (a module that has been
 * unpacked). */
void page_release_boot_range(paddr_t start, paddr_t end);

/* Register a function that frees cached memory.  page_drain_all() calls all of them, the last
 * registered first, in a context that may sleep.  At bring-up only. */
void shrinker_register(void (*shrink)(void));

/* Call all shrinkers and empty the frame caches of all CPUs.  After that the number of free frames
 * is exact (/proc/sys/vm/drop_caches).  Sleeps. */
void page_drain_all(void);

/* Move the free frames in the cache of the calling CPU to the free lists.  Any context except NMI.
 */
void page_drain_this_cpu(void);

struct page_stats {
	u64 total;	      /* frames managed: free and used, without PAGE_RESERVED */
	u64 free;	      /* including those in CPU caches */
	u64 used[PAGE_USES];  /* the ledger; PAGE_RESERVED: RAM that was never managed */
	u64 cached;	      /* the part of `free` in CPU caches */
	u64 image, array, boot_tables; /* parts of PAGE_RESERVED: kernel, page_array, page tables */
	u64 failed;	      /* allocations that returned NULL */
};
void page_stats_read(struct page_stats *stats);
u64 page_free_count(void);

/* For tests (boot parameter fail_nth=): make the n-th allocation from now on fail, pages and slab
 * objects counted together; 0: none. */
extern u64 alloc_fail_countdown; /* allocations up to the one that fails, and its own; atomic */
static inline void alloc_fail_nth(u64 n)
{
	WRITE_ONCE(alloc_fail_countdown, n);
}

/* Count an allocation.  True: it must fail.  For page.c and slab.c.  If several CPUs count the last
 * ones at once, the count goes on below 0, where it fails none for 2^64 allocations. */
static inline bool alloc_should_fail(void)
{
	return unlikely(READ_ONCE(alloc_fail_countdown)) &&
	       !__atomic_sub_fetch(&alloc_fail_countdown, 1, __ATOMIC_RELAXED);
}
