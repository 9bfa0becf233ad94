/* SPDX-License-Identifier: MIT
 *
 * Memory objects: pages by index that several address spaces may map, made on first touch.  Shared
 * anonymous memory is one; so is the content of every file of the RAM file system, which read() and
 * write() copy from and to.
 */
#pragma once

#include "kernel/lib/refcount.h"
#include "kernel/mem/page.h"
#include "kernel/sched/mutex.h"

struct vm_object {
	struct refcount refs;
	struct mutex lock; /* guards everything below */
	void *pages;	   /* a radix tree of struct page *, by index */
	u64 page_count;	   /* frames in it */
	u64 size;	   /* bytes; faults at and beyond the last page of it give SIGBUS */
	u64 limit_pages;   /* of page_count; 0: none */
	u64 id;		   /* unique; for futex keys */
};

/* An empty object of `size` bytes with one reference.  ERR_PTR(-ENOMEM). */
struct vm_object *vm_object_create(u64 size);
void vm_object_get(struct vm_object *o);
void vm_object_put(struct vm_object *o); /* the last one frees the pages; sleeps */

/* The page at `index` with a reference for the caller; a hole is filled with a zeroed page where
 * `create`, else *out is NULL (it reads as zeros).  0, -ENOMEM, -ENOSPC (limit).  Sleeps. */
int vm_object_page(struct vm_object *o, u64 index, bool create, struct page **out);

/* Cut or extend; pages past the end go, the tail of the last one is zeroed, and mappings of them
 * are taken away through the hook that address spaces register.  Sleeps. */
int vm_object_resize(struct vm_object *o, u64 size);

/* Take a page that already holds data (initramfs) over as `index`.  0 or -ENOMEM. */
int vm_object_adopt(struct vm_object *o, u64 index, struct page *page);
