/* SPDX-License-Identifier: MIT
 *
 * A treap is a binary search tree by key and a heap by a pseudo-random rank: no node has a higher
 * rank than its parent.  So it has the shape of a tree whose keys were inserted in random order: a
 * search takes about 1.4 log2(n) steps, in whatever order the keys came.
 */
#include "kernel/lib/treap.h"

/* The rank of a node is a hash of its address, so it needs no memory.  Neighbours in memory get
 * unrelated ranks. */
static u64 rank(const struct treap_node *n)
{
	u64 r = (u64)n * GOLDEN_RATIO_64;

	return (r ^ r >> 32) * GOLDEN_RATIO_64;
}

/* Put `by`, which may be NULL, in the place of `n`.  (child[] is left and right: treap.h.) */
static void replace(struct treap *tree, struct treap_node *n, struct treap_node *by)
{
	if (!n->parent)
		tree->root = by;
	else
		n->parent->child[n == n->parent->right] = by;
	if (by)
		by->parent = n->parent;
}

/* Rotate: `n` and its parent exchange their places in the heap; the order of the keys stays. */
static void lift(struct treap *tree, struct treap_node *n)
{
	struct treap_node *down = n->parent;
	bool side = n == down->right;

	replace(tree, down, n);
	down->child[side] = n->child[!side];
	if (down->child[side])
		down->child[side]->parent = down;
	n->child[!side] = down;
	down->parent = n;
}

void treap_insert(struct treap *tree, struct treap_node *n, struct treap_node *parent,
		  struct treap_node **link)
{
	*n = (struct treap_node){.parent = parent};
	*link = n;
	while (n->parent && rank(n) > rank(n->parent))
		lift(tree, n);
}

/* Rotate `n` down until it has at most one child, then put that child in its place. */
void treap_remove(struct treap *tree, struct treap_node *n)
{
	while (n->left && n->right)
		lift(tree, rank(n->left) > rank(n->right) ? n->left : n->right);
	replace(tree, n, n->left ? n->left : n->right);
}

/* Returns the lowest (side 0) or highest (side 1) node of the subtree at `n`. */
static struct treap_node *outermost(struct treap_node *n, bool side)
{
	while (n && n->child[side])
		n = n->child[side];
	return n;
}

/* Returns the previous (side 0) or next (side 1) node in the order of the keys. */
static struct treap_node *neighbour(const struct treap_node *n, bool side)
{
	if (n->child[side])
		return outermost(n->child[side], !side);
	while (n->parent && n == n->parent->child[side])
		n = n->parent;
	return n->parent;
}

struct treap_node *treap_first(const struct treap *tree)
{
	return outermost(tree->root, 0);
}

struct treap_node *treap_last(const struct treap *tree)
{
	return outermost(tree->root, 1);
}

struct treap_node *treap_next(const struct treap_node *n)
{
	return neighbour(n, 1);
}

struct treap_node *treap_prev(const struct treap_node *n)
{
	return neighbour(n, 0);
}
