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

/* `n`'s right child takes its place, and `n` becomes the child's left child. */
static void rotate_left(struct rb_tree *tree, struct rb_node *n)
{
	struct rb_node *child = n->right;

	replace(tree, n, child);
	n->right = child->left;
	if (n->right)
		n->right->parent = n;
	child->left = n;
	n->parent = child;
}

static void rotate_right(struct rb_tree *tree, struct rb_node *n)
{
	struct rb_node *child = n->left;

	replace(tree, n, child);
	n->left = child->right;
	if (n->left)
		n->left->parent = n;
	child->right = n;
	n->parent = child;
}

static void rotate(struct rb_tree *tree, struct rb_node *n, bool left)
{
	if (left)
		rotate_left(tree, n);
	else
		rotate_right(tree, n);
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
		bool on_left = p == grand->left;
		struct rb_node *uncle = on_left ? grand->right : grand->left;

		if (is_red(uncle)) {
			p->red = uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (n == (on_left ? p->right : p->left)) { /* bent: make it straight */
			rotate(tree, p, on_left);
			p = n;
		}
		p->red = false;
		grand->red = true;
		rotate(tree, grand, !on_left);
		break;
	}
	tree->root->red = false;
}

/* The ways through `n` (may be NULL), a child of `parent`, are one black node short. */
static void mend_black(struct rb_tree *tree, struct rb_node *n, struct rb_node *parent)
{
	while (parent && !is_red(n)) {
		bool on_left = n == parent->left;
		struct rb_node *sibling = on_left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (sibling->red) {
			sibling->red = false;
			parent->red = true;
			rotate(tree, parent, on_left);
			sibling = on_left ? parent->right : parent->left;
		}
		near = on_left ? sibling->left : sibling->right;
		far = on_left ? sibling->right : sibling->left;
		if (!is_red(near) && !is_red(far)) {
			sibling->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		if (!is_red(far)) {
			near->red = false;
			sibling->red = true;
			rotate(tree, sibling, !on_left);
			far = sibling;
			sibling = near;
		}
		sibling->red = parent->red;
		parent->red = false;
		far->red = false;
		rotate(tree, parent, on_left);
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

/* The lowest or highest node of the subtree at `n`. */
static struct rb_node *outermost(struct rb_node *n, bool left)
{
	struct rb_node *next;

	while (n && (next = left ? n->left : n->right))
		n = next;
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, bool right)
{
	struct rb_node *child = right ? n->right : n->left;

	if (child)
		return outermost(child, right);
	while (n->parent && n == (right ? n->parent->right : n->parent->left))
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	return outermost(tree->root, true);
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	return outermost(tree->root, false);
}

struct rb_node *rb_next(const struct rb_node *n)
{
	return neighbour(n, true);
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	return neighbour(n, false);
}
