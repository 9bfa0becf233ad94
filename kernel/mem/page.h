/* SPDX-License-Identifier: MIT
 *
 * Page frames: a buddy allocator over all usable memory, with a small cache of single frames on
 * each CPU, and a ledger of what every frame is for.
 */
#pragma once

#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/list.h"

/* What a frame is used for.  The ledger counts frames by this. */
enum page_use {
	PAGE_FREE,
	PAGE_RESERVED, /* image, firmware, page array: never freed */
	PAGE_KERNEL,   /* buffers of the kernel */
	PAGE_SLAB,
	PAGE_TABLE,    /* page tables */
	PAGE_KSTACK,
	PAGE_ANON,     /* a program's own memory */
	PAGE_OBJECT,   /* shared memory */
	PAGE_FILE,     /* files' content */
	PAGE_PIPE,
	PAGE_USES
};

struct page {
	u32 refs;  /* mappings and other holders; 0: free */
	u8 use;	   /* enum page_use */
	u8 order;  /* of the block this page is the head of */
	u16 flags;	  /* PAGE_* below; page.c's own */
	struct list link; /* free lists, slabs; its owner's otherwise */
	union {
		void *owner; /* NULL at first; the owner's */
		struct {     /* PAGE_SLAB: slab.c's own */
			u16 slab_free;	 /* offset of the first free object */
			u16 slab_in_use; /* objects handed out */
			u32 slab_cache;	 /* which cache */
		};
	};
};

#define PAGE_NOT_RAM  1 /* a hole, device memory, or the firmware's */
#define PAGE_IN_BUDDY 2 /* head of a block in a free list */

#define PAGE_ORDER_MAX 10 /* blocks of up to 4 MiB */

extern struct page *page_array; /* of frame 0 on; page_array_frames entries */
extern u64 page_array_frames;

static inline paddr_t page_to_phys(const struct page *p)
{
	return (paddr_t)(p - page_array) << PAGE_SHIFT;
}

/* NULL for an address that is no RAM of ours (device memory). */
struct page *phys_to_page(paddr_t address);

static inline void *page_to_virt(const struct page *p)
{
	return phys_to_virt(page_to_phys(p));
}

static inline struct page *virt_to_page(const void *v)
{
	return &page_array[virt_to_phys(v) >> PAGE_SHIFT];
}

/* Take over all usable memory of boot_info but what is in use (image, modules, early frames, the
 * first MiB's low pages that the trampoline needs).  Boot CPU, once, after paging_init(). */
void page_init(void);

/* 2^order frames in a row, with one reference on the head.  Not zeroed.  NULL: no memory.  Any
 * context but NMI.  A failing request asks the shrinkers first where `may sleep` holds. */
struct page *page_alloc(unsigned order, enum page_use use);

/* One zeroed frame. */
struct page *page_alloc_zeroed(enum page_use use);

/* A zeroed frame for a page table, at any time during the boot as well; 0: no memory.  Before
 * page_init() the frame comes from early_frame_alloc(), and is never freed. */
paddr_t page_table_frame_alloc(void);
void page_table_frame_free(paddr_t frame);

/* References: get by somebody who holds one; put frees at zero. */
void page_get(struct page *p);
void page_put(struct page *p);
u32 page_refs(const struct page *p);

/* Give back frames that the boot loader occupied (modules once unpacked): whole pages inside
 * [start, end). */
void page_release_boot_range(paddr_t start, paddr_t end);

/* A function that gives caches back, called when memory is short and by page_drain_all(), the last
 * one registered first.  May be called from any context that may sleep.  At bring-up only. */
void shrinker_register(void (*shrink)(void));

/* Empty every cache (CPU caches, slabs, shrinkers), so that the count of free frames is exact:
 * behind /proc/sys/vm/drop_caches.  Sleeps. */
void page_drain_all(void);

/* Return the free frames that the calling CPU caches to the free lists.  Any context. */
void page_drain_this_cpu(void);

/* May the caller wait?  Interrupts on, no spinlock held, not in a handler. */
bool page_may_reclaim(void);

struct page_stats {
	u64 total;	      /* frames managed: free and used, without PAGE_RESERVED */
	u64 free;	      /* free, CPU caches included */
	u64 used[PAGE_USES];  /* the ledger; PAGE_RESERVED: RAM that was never ours to give */
	u64 cached;	      /* of the free ones: in CPU caches */
	u64 image, array, boot_tables; /* of PAGE_RESERVED: the kernel, page_array, page tables */
	u64 failed;	      /* requests that got NULL */
};
void page_stats_read(struct page_stats *stats);
u64 page_free_count(void);

/* Allocation failure on demand: the n-th allocation from now on fails (page and slab together);
 * 0: none.  Boot parameter fail_nth=, and tests. */
void alloc_fail_nth(u64 n);

/* True: this allocation is the one to fail.  For page.c and slab.c. */
bool alloc_should_fail(void);
