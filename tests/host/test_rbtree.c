/* host-sources: kernel/lib/rbtree.c */
/* host-flags: -include tests/host/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * Red-black trees: the invariants after each of many random insertions and removals.
 */
#include "tests/host/host.h"
#include "kernel/lib/rbtree.h"

#define KEYS 400

struct item {
	int key;
	bool in;
	struct rb_node node;
};

static struct item items[KEYS];
static struct rb_tree tree;

/* Black height of the subtree; -1 where a rule is broken. */
static int black_height(const struct rb_node *n, const struct rb_node *parent)
{
	int left, right;

	if (!n)
		return 1;
	if (n->parent != parent || (n->red && (!parent || parent->red)))
		return -1;
	left = black_height(n->left, n);
	right = black_height(n->right, n);
	return left < 0 || left != right ? -1 : left + !n->red;
}

static bool is_sound(void)
{
	const struct rb_node *n = rb_first(&tree), *last = NULL;

	if (black_height(tree.root, NULL) < 0)
		return false;
	for (int i = 0; i < KEYS; i++) {
		if (!items[i].in)
			continue;
		if (n != &items[i].node || rb_prev(n) != last)
			return false;
		last = n;
		n = rb_next(n);
	}
	return !n && rb_last(&tree) == last;
}

static void insert(struct item *it)
{
	struct rb_node **link = &tree.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < rb_entry(parent, struct item, node)->key ? &parent->left
									  : &parent->right;
	}
	rb_insert(&tree, &it->node, parent, link);
	it->in = true;
}

static void toggle(struct item *it)
{
	if (it->in) {
		rb_remove(&tree, &it->node);
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
	CHECK(!tree.root && !rb_first(&tree) && !rb_last(&tree));
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
