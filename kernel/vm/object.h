/* SPDX-License-Identifier: MIT
 *
 * Memory objects: pages by index, which several address spaces may map.  A page is allocated on
 * first use. Shared anonymous memory is an object; so is the content of each file of the RAM file
 * system, which read() and write() copy.
 *
 * Order of locks: address_space.lock, then vm_object.lock or vm_object.mappings_lock (never both),
 * then address_space.page_table_lock.
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/mem/page.h"
#include "kernel/sync/refcount.h"
#include "kernel/task/mutex.h"

#define NODE_BITS  6U
#define NODE_SLOTS (1U << NODE_BITS)

struct radix_node {
	void *slot[NODE_SLOTS]; /* nodes, or pages at the lowest level */
};

struct vm_object {
	struct refcount refs;
	u64 id;		   /* unique; for futex keys */
	u64 generation;	   /* number of truncations, atomic: a fault that sees it change starts
			    * again */
	struct mutex lock; /* guards everything below except the mappings */
	void *pages;	   /* a radix tree of struct page *, by index */
	u32 height;	   /* levels of the tree */
	u64 page_count;	   /* frames in it */
	u64 size;	   /* bytes; a fault beyond its last page is SIGBUS */
	u8 page_use;	   /* enum page_use of its frames */
	bool is_content;   /* of a file: all files together may take half of the memory */
	bool written;	   /* a mapping that wrote to it was unmapped; cleared by the reader, atomic */
	struct mutex mappings_lock; /* guards the list, and the place of its regions */
	struct list mappings;	    /* struct object_mapping.link */
};

/* One mapping of an object; a member of the structure that maps it, a region. */
struct object_mapping {
	struct list link;
	/* The object is truncated: unmap its pages from `first_page` on, and private copies of
	 * them. Called with mappings_lock held; sleeps. */
	void (*unmap)(struct object_mapping *mapping, u64 first_page);
};

/* An empty object of `size` bytes, PAGE_OBJECT or PAGE_FILE by `use`, with one reference.
 * ERR_PTR(-ENOMEM). */
struct vm_object *vm_object_create(u64 size, enum page_use use);
void vm_object_get(struct vm_object *o);
void vm_object_put(struct vm_object *o); /* the last one frees the pages; sleeps */

/* Get the page at `index` with a reference.  A hole is filled with a zeroed page if `create`; else
 * *out is NULL, and the hole reads as zeros.  0, -ENOMEM, -ENOSPC (files take half of the memory).
 * Sleeps. */
int vm_object_page(struct vm_object *o, u64 index, bool create, struct page **out);

/* For faults: set pages[i], for `count` pages from `first` on, to the page at first + i with a
 * reference, or to NULL if there is none.  Only the one at `index`, which is among these, is
 * allocated if `create`. Errors as above, and -ENXIO if `index` is beyond the size.  Sleeps. */
int vm_object_pages(struct vm_object *o, u64 first, u32 count, u64 index, bool create,
		    struct page **pages);

/* Truncate or extend.  Pages past the new end are freed and unmapped everywhere, and the rest of
 * the last page is zeroed.  Sleeps. */
int vm_object_resize(struct vm_object *o, u64 size);
