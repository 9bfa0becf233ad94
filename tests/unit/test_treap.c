/* host-sources: kernel/lib/treap.c */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * Treaps: links, order and height after each of many random insertions and removals.
 */
#include "kernel/lib/treap.h"
#include "tests/unit/host.h"

#define KEYS 400

struct item {
	int key;
	bool in;
	struct treap_node node;
};

static struct item items[KEYS];
static struct treap tree;

/* Height of the subtree; -1 where a link is broken. */
static int height(const struct treap_node *n, const struct treap_node *parent)
{
	int left, right;

	if (!n)
		return 0;
	left = height(n->left, n);
	right = height(n->right, n);
	return n->parent != parent || left < 0 || right < 0 ? -1 : 1 + (left > right ? left : right);
}

/* 400 keys: 9 levels would be perfect, some 20 are usual, 40 come by no chance. */
static bool is_sound(void)
{
	const struct treap_node *n = treap_first(&tree), *last = NULL;

	if (height(tree.root, NULL) < 0 || height(tree.root, NULL) > 40)
		return false;
	for (int i = 0; i < KEYS; i++) {
		if (!items[i].in)
			continue;
		if (n != &items[i].node || treap_prev(n) != last)
			return false;
		last = n;
		n = treap_next(n);
	}
	return !n && treap_last(&tree) == last;
}

static void insert(struct item *it)
{
	struct treap_node **link = &tree.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < treap_entry(parent, struct item, node)->key ? &parent->left
									  : &parent->right;
	}
	treap_insert(&tree, &it->node, parent, link);
	it->in = true;
}

static void toggle(struct item *it)
{
	if (it->in) {
		treap_remove(&tree, &it->node);
		it->in = false;
	} else {
		insert(it);
	}
}

static void random_order(void)
{
	bool sound = true;

	for (int i = 0; i < 20000; i++) {
		toggle(&items[host_random() % KEYS]);
		sound = sound && is_sound();
	}
	CHECK(sound);
}

static void ascending_then_descending(void)
{
	bool sound = true;

	for (int i = 0; i < KEYS; i++)
		if (items[i].in)
			toggle(&items[i]);
	CHECK(!tree.root && !treap_first(&tree) && !treap_last(&tree));
	for (int i = 0; i < KEYS; i++) {
		insert(&items[i]);
		sound = sound && is_sound();
	}
	for (int i = KEYS; i--;) {
		toggle(&items[i]);
		sound = sound && is_sound();
	}
	CHECK(sound && !tree.root);
}

int main(void)
{
	for (int i = 0; i < KEYS; i++)
		items[i].key = i;
	RUN(random_order);
	RUN(ascending_then_descending);
	return host_done();
}
