/* SPDX-License-Identifier: MIT
 *
 * The entries of a directory, in two trees: one is sorted by a hash of the name, which costs less
 * to compare, and then by the name; the other by the number at which readdir() resumes.  names.c
 * changes them.
 */
#include "kernel/fs/internal.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define DYNAMIC (1UL << 32) /* positions of entries that are not in memory */

static u32 name_hash(const char *name, size_t length)
{
	u32 hash = (u32)length;

	while (length--)
		hash = (hash ^ (u8)*name++) * 16777619; /* as FNV-1a does */
	return hash;
}

static int name_compare(u32 hash, const char *name, size_t length, const struct entry *e)
{
	if (hash != e->hash)
		return hash < e->hash ? -1 : 1;
	return length == e->length ? memcmp(name, e->name, length) : (int)(length - e->length);
}

struct entry *entry_find(struct inode *dir, const char *name, size_t length, struct place *place)
{
	struct treap_node **at = &dir->by_name.root, *parent = NULL;
	u32 hash = name_hash(name, length);

	while (*at) {
		struct entry *e = treap_entry(*at, struct entry, by_name);
		int order = name_compare(hash, name, length, e);

		if (!order)
			return e;
		parent = *at;
		at = order < 0 ? &parent->left : &parent->right;
	}
	if (place)
		*place = (struct place){parent, at};
	return NULL;
}

struct entry *entry_alloc(const char *name, size_t length)
{
	struct entry *e = kzalloc(sizeof(*e) + length);

	if (e) {
		e->hash = name_hash(name, length);
		e->length = (u32)length;
		memcpy(e->name, name, length);
	}
	return e;
}

void entry_insert(struct inode *dir, struct entry *e, const struct place *place)
{
	struct treap_node *last = treap_last(&dir->by_number);

	e->number = ++dir->last_number;
	treap_insert(&dir->by_name, &e->by_name, place->parent, place->link);
	treap_insert(&dir->by_number, &e->by_number, last,
		     last ? &last->right : &dir->by_number.root);
	dir->size++;
}

void entry_remove(struct inode *dir, struct entry *e)
{
	treap_remove(&dir->by_name, &e->by_name);
	treap_remove(&dir->by_number, &e->by_number);
	dir->size--;
	kfree(e);
}

void entry_set(struct entry *e, struct inode *dir, struct inode *inode)
{
	struct inode *old;

	e->inode = inode;
	if (!S_ISDIR(inode->mode))
		return;
	inode_get(dir);
	dir->nlink++;
	spin_lock(&vfs_tree_lock);
	old = inode->parent;
	inode->parent = dir;
	inode->self = e;
	spin_unlock(&vfs_tree_lock);
	if (old) {
		old->nlink--;
		inode_put(old);
	}
}

void entry_lost(struct inode *dir, struct inode *inode)
{
	inode->nlink--;
	if (S_ISDIR(inode->mode)) {
		dir->nlink--;
		inode->nlink = 0;
		spin_lock(&vfs_tree_lock);
		inode->self = NULL;
		spin_unlock(&vfs_tree_lock);
	}
	inode_touch(inode, false, false);
}

struct inode *directory_lookup(struct inode *dir, const char *name, size_t length)
{
	struct entry *e = entry_find(dir, name, length, NULL);

	if (e) {
		inode_get(e->inode);
		return e->inode;
	}
	return dir->ops && dir->ops->lookup ? dir->ops->lookup(dir, name, length)
					    : ERR_PTR(-ENOENT);
}

u64 names_room(struct page_stats *s)
{
	page_stats_read(s);
	return s->total / 4 - MIN(s->total / 4, s->used[PAGE_SLAB] + s->used[PAGE_KERNEL]);
}

int directory_enter(struct inode *dir, const char *name, size_t length, struct inode *inode)
{
	struct page_stats stats;
	struct place place;
	struct entry *e;

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	if (entry_find(dir, name, length, &place))
		return -EEXIST;
	if (!names_room(&stats))
		return -ENOSPC;
	e = entry_alloc(name, length);
	if (!e)
		return -ENOMEM;
	inode_get(inode);
	entry_insert(dir, e, &place);
	entry_set(e, dir, inode);
	inode_touch(dir, false, true);
	return 0;
}

bool directory_next(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino, u32 *mode)
{
	struct treap_node *n = dir->by_number.root;
	struct entry *found = NULL;
	bool more;

	while (n) {
		struct entry *e = treap_entry(n, struct entry, by_number);

		if (e->number >= *position)
			found = e;
		n = e->number >= *position ? n->left : n->right;
	}
	if (found) {
		memcpy(name, found->name, found->length);
		name[found->length] = '\0';
		*ino = found->inode->ino;
		*mode = found->inode->mode;
		*position = found->number + 1;
		return true;
	}
	if (!dir->ops || !dir->ops->next)
		return false;
	*position = MAX(*position, DYNAMIC) - DYNAMIC;
	more = dir->ops->next(dir, position, name, ino, mode);
	*position += DYNAMIC;
	return more;
}
