/* SPDX-License-Identifier: MIT
 *
 * Red-black trees: no red node has a red child, and every way down to a leaf passes the same number
 * of black nodes.  After Cormen et al., chapter 13, with NULL for the leaves: removal therefore
 * carries the parent along.
 */
#include "kernel/lib/rbtree.h"

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

/* Where the tree points at `n`. */
static struct rb_node **link_to(struct rb_tree *tree, const struct rb_node *n)
{
	if (!n->parent)
		return &tree->root;
	return n->parent->left == n ? &n->parent->left : &n->parent->right;
}

/* Put `by` (or nothing) where `n` is. */
static void replace(struct rb_tree *tree, struct rb_node *n, struct rb_node *by)
{
	*link_to(tree, n) = by;
	if (by)
		by->parent = n->parent;
}

/* `n`'s child on the other side takes its place, and `n` becomes that one's child on `side`. */
static void rotate(struct rb_tree *tree, struct rb_node *n, bool side)
{
	struct rb_node *up = n->child[!side];

	replace(tree, n, up);
	n->child[!side] = up->child[side];
	if (n->child[!side])
		n->child[!side]->parent = n;
	up->child[side] = n;
	n->parent = up;
}

void rb_insert(struct rb_tree *tree, struct rb_node *n, struct rb_node *parent,
	       struct rb_node **link)
{
	n->parent = parent;
	n->left = n->right = NULL;
	n->red = true;
	*link = n;

	while (is_red(n->parent)) {
		struct rb_node *p = n->parent, *grand = p->parent;
		bool side = p == grand->right;
		struct rb_node *uncle = grand->child[!side];

		if (is_red(uncle)) {
			p->red = uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (n == p->child[!side]) { /* bent: make it straight */
			rotate(tree, p, side);
			p = n;
		}
		p->red = false;
		grand->red = true;
		rotate(tree, grand, !side);
		break;
	}
	tree->root->red = false;
}

/* The ways through `n` (may be NULL), a child of `parent`, are one black node short. */
static void mend_black(struct rb_tree *tree, struct rb_node *n, struct rb_node *parent)
{
	while (parent && !is_red(n)) {
		bool side = n == parent->right;
		struct rb_node *sibling = parent->child[!side];
		struct rb_node *near, *far;

		if (sibling->red) {
			sibling->red = false;
			parent->red = true;
			rotate(tree, parent, side);
			sibling = parent->child[!side];
		}
		near = sibling->child[side];
		far = sibling->child[!side];
		if (!is_red(near) && !is_red(far)) {
			sibling->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			sibling->red = true;
			rotate(tree, sibling, !side);
			far = sibling;
			sibling = near;
		}
		sibling->red = parent->red;
		parent->red = false;
		far->red = false;
		rotate(tree, parent, side);
		return;
	}
	if (n)
		n->red = false;
}

void rb_remove(struct rb_tree *tree, struct rb_node *n)
{
	struct rb_node *child, *parent;
	bool black_lost;

	if (n->left && n->right) {
		/* The next node, which has no left child, takes n's place and colour. */
		struct rb_node *next = rb_next(n);

		child = next->right;
		parent = next->parent == n ? next : next->parent;
		black_lost = !next->red;
		if (next->parent != n) {
			replace(tree, next, child);
			next->right = n->right;
			next->right->parent = next;
		}
		replace(tree, n, next);
		next->left = n->left;
		next->left->parent = next;
		next->red = n->red;
	} else {
		child = n->left ? n->left : n->right;
		parent = n->parent;
		black_lost = !n->red;
		replace(tree, n, child);
	}
	if (black_lost)
		mend_black(tree, child, parent);
}

/* The lowest (side 0) or highest node of the subtree at `n`. */
static struct rb_node *outermost(struct rb_node *n, bool side)
{
	while (n && n->child[side])
		n = n->child[side];
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, bool side)
{
	if (n->child[side])
		return outermost(n->child[side], !side);
	while (n->parent && n == n->parent->child[side])
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	return outermost(tree->root, 0);
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	return outermost(tree->root, 1);
}

struct rb_node *rb_next(const struct rb_node *n)
{
	return neighbour(n, 1);
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	return neighbour(n, 0);
}
