/* SPDX-License-Identifier: MIT
 *
 * Treaps: by their keys a search tree, by their ranks a heap, no node ranking above its parent.
 * Ranks are as good as random, so the tree is one that random insertions would have made: a way
 * down takes about 1.4 log2(n) steps, whatever the order of the keys.
 */
#include "kernel/lib/treap.h"

/* A node's address, scrambled: neighbours in memory get ranks that have nothing to do with each
 * other. */
static u64 rank(const struct treap_node *n)
{
	u64 r = (u64)n * GOLDEN_RATIO_64;

	return (r ^ r >> 32) * GOLDEN_RATIO_64;
}

/* Put `by` (or nothing) where `n` is. */
static void replace(struct treap *tree, struct treap_node *n, struct treap_node *by)
{
	if (!n->parent)
		tree->root = by;
	else
		n->parent->child[n == n->parent->right] = by;
	if (by)
		by->parent = n->parent;
}

/* `n` takes its parent's place, which becomes its child; the order stays. */
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

/* Sink it to where nothing hangs on it. */
void treap_remove(struct treap *tree, struct treap_node *n)
{
	while (n->left && n->right)
		lift(tree, rank(n->left) > rank(n->right) ? n->left : n->right);
	replace(tree, n, n->left ? n->left : n->right);
}

/* The lowest (side 0) or highest node of the subtree at `n`. */
static struct treap_node *outermost(struct treap_node *n, bool side)
{
	while (n && n->child[side])
		n = n->child[side];
	return n;
}

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
