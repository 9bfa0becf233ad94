/* SPDX-License-Identifier: MIT
 *
 * Memory objects (object.h): a radix tree of pages with 64 slots a node.
 */
#include "kernel/vm/object.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define INDEX_BITS 52 /* a 64-bit offset has 52 bits of page index */

static struct lock_class object_class = {"vm_object", 0};
static struct lock_class mappings_class = {"vm_object_mappings", 0};

struct vm_object *vm_object_create(u64 size, enum page_use use)
{
	static u64 last_id;
	struct vm_object *o = kzalloc(sizeof(*o));

	if (!o)
		return ERR_PTR(-ENOMEM);
	refcount_init(&o->refs, 1);
	mutex_init(&o->lock, &object_class);
	mutex_init(&o->mappings_lock, &mappings_class);
	list_init(&o->mappings);
	o->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	o->size = size;
	o->page_use = (u8)use;
	return o;
}

void vm_object_get(struct vm_object *o)
{
	refcount_get(&o->refs);
}

/* The slot of `index`; with `create`, missing nodes are made.  NULL: a node is missing, or no
 * memory. */
static void **slot_find(struct vm_object *o, u64 index, bool create)
{
	struct radix_node *node;

	require(index >> INDEX_BITS == 0);
	while (!o->height || index >> (NODE_BITS * o->height)) {
		if (!create)
			return NULL;
		node = kzalloc(sizeof(*node));
		if (!node)
			return NULL;
		node->slot[0] = o->pages;
		o->pages = node;
		o->height++;
	}
	node = o->pages;
	for (u32 level = o->height - 1; level; level--) {
		void **next = &node->slot[index >> (NODE_BITS * level) & (NODE_SLOTS - 1)];

		if (!*next && create)
			*next = kzalloc(sizeof(*node));
		if (!*next)
			return NULL;
		node = *next;
	}
	return &node->slot[index & (NODE_SLOTS - 1)];
}

/* Free the pages from `first` on (an index inside this node), and the nodes below that become
 * empty. Returns whether this node is empty now. */
static bool node_cut(struct vm_object *o, struct radix_node *node, u32 level, u64 first)
{
	u64 span = 1UL << (NODE_BITS * level);
	bool empty = true;

	for (u32 i = 0; i < NODE_SLOTS; i++) {
		u64 at = i * span;

		if (!node->slot[i])
			continue;
		if (at + span <= first) {
			empty = false;
		} else if (level == 0) {
			page_put(node->slot[i]);
			o->page_count--;
			node->slot[i] = NULL;
		} else if (node_cut(o, node->slot[i], level - 1, first > at ? first - at : 0)) {
			kfree(node->slot[i]);
			node->slot[i] = NULL;
		} else {
			empty = false;
		}
	}
	return empty;
}

static void object_cut(struct vm_object *o, u64 first)
{
	if (!o->height || !node_cut(o, o->pages, o->height - 1, first))
		return;
	kfree(o->pages);
	o->pages = NULL;
	o->height = 0;
}

void vm_object_put(struct vm_object *o)
{
	if (!refcount_put(&o->refs))
		return;
	require(list_empty(&o->mappings));
	object_cut(o, 0);
	kfree(o);
}

/* May files take one page more?  All files together may take half of the memory.  Counting the
 * pages is slow, so it is done rarely: a sixteenth of what is left may be taken before they are
 * counted again. */
static bool content_has_room(void)
{
	static s64 budget;
	struct page_stats stats;
	s64 left;

	if (__atomic_sub_fetch(&budget, 1, __ATOMIC_RELAXED) >= 0)
		return true;
	page_stats_read(&stats);
	left = (s64)(stats.total / 2) - (s64)stats.used[PAGE_FILE];
	__atomic_store_n(&budget, MAX(left / 16, (s64)0), __ATOMIC_RELAXED);
	return left > 0;
}

/* vm_object_page() for a caller that holds o->lock. */
static int object_page(struct vm_object *o, u64 index, bool create, struct page **out)
{
	void **slot = slot_find(o, index, create);

	*out = slot ? *slot : NULL;
	if (!*out && create) {
		if (o->is_content && !content_has_room())
			return -ENOSPC;
		*out = slot ? page_alloc_zeroed(o->page_use) : NULL;
		if (!*out)
			return -ENOMEM;
		*slot = *out;
		o->page_count++;
	}
	if (*out)
		page_get(*out);
	return 0;
}

int vm_object_page(struct vm_object *o, u64 index, bool create, struct page **out)
{
	int err;

	mutex_lock(&o->lock);
	err = object_page(o, index, create, out);
	mutex_unlock(&o->lock);
	return err;
}

int vm_object_pages(struct vm_object *o, u64 first, u32 count, u64 index, bool create,
		    struct page **pages)
{
	void **slot = NULL;
	u64 size;
	int err;

	mutex_lock(&o->lock);
	size = DIV_ROUND_UP(o->size, PAGE_SIZE);
	err = index < size ? 0 : -ENXIO;
	/* The tree is walked once for each node, not once for each page. */
	for (u32 i = 0; i < count; i++) {
		u64 at = first + i;

		slot = slot && at % NODE_SLOTS ? slot + 1 : slot_find(o, at, false);
		pages[i] = slot && at < size ? *slot : NULL;
		if (pages[i])
			page_get(pages[i]);
	}
	if (!err && create && !pages[index - first])
		err = object_page(o, index, true, &pages[index - first]);
	mutex_unlock(&o->lock);
	for (u32 i = 0; err && i < count; i++)
		if (pages[i])
			page_put(pages[i]);
	return err;
}

int vm_object_resize(struct vm_object *o, u64 size)
{
	u64 first = DIV_ROUND_UP(size, PAGE_SIZE);
	struct object_mapping *m;
	bool cut;

	mutex_lock(&o->lock);
	cut = size <= o->size; /* also pages beyond the end: FALLOC_FL_KEEP_SIZE */
	WRITE_ONCE(o->size, size);
	if (cut) {
		void **last;

		/* Before any page is unmapped: fault_object() in fault.c relies on this order. */
		__atomic_fetch_add(&o->generation, 1, __ATOMIC_SEQ_CST);
		object_cut(o, first);
		last = size % PAGE_SIZE ? slot_find(o, size / PAGE_SIZE, false) : NULL;
		if (last && *last)
			memset((char *)page_to_virt(*last) + size % PAGE_SIZE, 0,
			       PAGE_SIZE - size % PAGE_SIZE);
	}
	mutex_unlock(&o->lock);
	if (!cut)
		return 0;
	mutex_lock(&o->mappings_lock);
	list_for_each (m, &o->mappings, link)
		m->unmap(m, first);
	mutex_unlock(&o->mappings_lock);
	return 0;
}
