/* SPDX-License-Identifier: MIT
 *
 * Address spaces as a whole: creation, the copy for fork, the end.
 */
#include "kernel/vm/address_space.h"

#include "arch/x86_64/pc/tlb.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

DEFINE_SPINLOCK(address_spaces_lock);
struct list address_spaces = LIST_INIT(address_spaces);

static struct lock_class space_class = {"address_space", 0};
static struct lock_class page_table_class = {"page_table", 0};

struct address_space *address_space_create(void)
{
	struct address_space *as = kzalloc(sizeof(*as));

	if (!as)
		return ERR_PTR(-ENOMEM);
	if (pmap_init(&as->pmap)) {
		kfree(as);
		return ERR_PTR(-ENOMEM);
	}
	refcount_init(&as->refs, 1);
	rwlock_init(&as->lock, &space_class);
	spinlock_init(&as->page_table_lock, &page_table_class);
	as->layout.mmap_top = USER_MAX;
	spin_lock(&address_spaces_lock);
	list_push_back(&address_spaces, &as->all_link);
	spin_unlock(&address_spaces_lock);
	return as;
}

void address_space_get(struct address_space *as)
{
	refcount_get(&as->refs);
}

void address_space_put(struct address_space *as)
{
	struct list dead = LIST_INIT(dead);

	if (!refcount_put(&as->refs))
		return;
	spin_lock(&address_spaces_lock);
	list_remove(&as->all_link);
	spin_unlock(&address_spaces_lock);
	/* No flush is needed: no thread can use this space any more.  A CPU that has the root still
	 * loaded, lazily, drops it in pmap_destroy() before that frees pages and tables in one walk. */
	for (struct treap_node *n = treap_first(&as->regions); n; n = treap_next(n)) {
		if (region_of(n)->shared) /* note what it has written */
			pages_zap(region_of(n), region_of(n)->start, region_of(n)->end, false);
		region_retire(region_of(n), &dead);
	}
	require(pmap_destroy(&as->pmap) == address_space_resident(as));
	regions_free(&dead);
	kfree(as);
}

/* Copy a region for the child.  Its pages are copied too, unless a fault can get them from the
 * object. */
static bool fork_region(struct address_space *child, struct region *r, struct fork_progress *p)
{
	struct region *copy;

	if (r->advice & REGION_DONTFORK)
		return true;
	copy = region_create(r);
	if (!copy)
		return false;
	copy->space = child;
	copy->advice &= ~REGION_LOCKED;
	region_link(copy, r);
	return r->shared || r->advice & REGION_WIPEONFORK || pages_fork(r, copy, p);
}

struct address_space *address_space_fork(struct address_space *as)
{
	struct address_space *child = address_space_create();
	struct fork_progress progress = {.base = USER_MAX};
	bool ok = true;

	if (IS_ERR(child))
		return child;
	rwlock_write_lock(&as->lock);
	child->layout = as->layout;
	for (struct treap_node *n = treap_first(&as->regions); n && ok; n = treap_next(n))
		ok = fork_region(child, region_of(n), &progress);
	/* One flush for all regions, before as->lock is released.  From then on no thread of this
	 * space can write through an old TLB entry to a page that is now shared.  The child does
	 * not run yet. */
	if (progress.downgraded)
		tlb_shootdown(&as->pmap, USER_MIN, USER_MAX);
	rwlock_write_unlock(&as->lock);
	if (ok)
		return child;
	address_space_put(child);
	return ERR_PTR(-ENOMEM);
}

int address_space_futex_key(struct address_space *as, u64 address, struct futex_key *key)
{
	struct region *r;
	int err = 0;

	rwlock_read_lock(&as->lock);
	r = region_at(as, address);
	if (!r || !(r->prot & PROT_READ)) {
		err = -EFAULT;
	} else if (r->shared) {
		key->object = r->object->id | 1UL << 63;
		key->offset = (r->object_page << PAGE_SHIFT) + (address - r->start);
		if ((key->offset & PAGE_MASK) >= READ_ONCE(r->object->size))
			err = -EFAULT; /* a load would get SIGBUS */
	}
	rwlock_read_unlock(&as->lock);
	return err;
}
