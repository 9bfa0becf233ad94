/* SPDX-License-Identifier: MIT
 *
 * Memory objects: pages by index that several address spaces may map, made on first touch.  Shared
 * anonymous memory is one; so is the content of every file of the RAM file system, which read() and
 * write() copy from and to.
 *
 * Order of locks: address_space.lock, then vm_object.lock or vm_object.mappings_lock (never both),
 * then address_space.page_table_lock.
 */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/mem/page.h"
#include "kernel/sync/refcount.h"
#include "kernel/task/mutex.h"

struct vm_object {
	struct refcount refs;
	u64 id;		   /* unique; for futex keys */
	u64 generation;	   /* counts cuts: a fault that saw another one starts anew; atomic */
	struct mutex lock; /* guards everything below, but the mappings */
	void *pages;	   /* a radix tree of struct page *, by index */
	u32 height;	   /* levels of the tree */
	u64 page_count;	   /* frames in it */
	u64 size;	   /* bytes; faults at and beyond the last page of it give SIGBUS */
	u8 page_use;	   /* enum page_use of its frames */
	bool is_content;   /* of a file: at most half of memory for all such together */
	struct mutex mappings_lock; /* guards the list and where its members lie */
	struct list mappings;	    /* struct object_mapping.link */
};

/* A place where an object is mapped: part of whatever maps it. */
struct object_mapping {
	struct list link;
	/* Take the pages from `first_page` of the object on out of the mapping, copies of them too,
	 * as after a cut.  Called under mappings_lock; sleeps. */
	void (*unmap)(struct object_mapping *mapping, u64 first_page);
};

/* An empty object of `size` bytes, PAGE_OBJECT or PAGE_FILE by `use`, with one reference.  ERR_PTR(-ENOMEM). */
struct vm_object *vm_object_create(u64 size, enum page_use use);
void vm_object_get(struct vm_object *o);
void vm_object_put(struct vm_object *o); /* the last one frees the pages; sleeps */

/* The page at `index` with a reference for the caller; a hole is filled with a zeroed page where
 * `create`, else *out is NULL (it reads as zeros).  0, -ENOMEM, -ENOSPC (no room for files).  Sleeps. */
int vm_object_page(struct vm_object *o, u64 index, bool create, struct page **out);

/* For faults: pages[i] becomes the page at first + i where there is one, with a reference, else
 * NULL.  The one at `index`, of these, is made where `create`.  As above, and -ENXIO where `index`
 * is beyond the size.  Sleeps. */
int vm_object_pages(struct vm_object *o, u64 first, u32 count, u64 index, bool create,
		    struct page **pages);

/* Cut or extend; pages past the end go, the tail of the last one is zeroed, and mappings of them
 * are taken away.  Sleeps. */
int vm_object_resize(struct vm_object *o, u64 size);
