/* SPDX-License-Identifier: MIT
 *
 * Red-black trees whose links lie in the members.  The caller orders: it descends, links, and asks
 * for the balance (Cormen et al., "Introduction to Algorithms", chapter 13).
 */
#pragma once

#include "kernel/lib/base.h"

struct rb_node {
	struct rb_node *parent;
	union {
		struct {
			struct rb_node *left, *right;
		};
		struct rb_node *child[2]; /* the same two, for code that goes either way */
	};
	bool red;
};

struct rb_tree {
	struct rb_node *root;
};

#define rb_entry(node, type, member) container_of(node, type, member)

/* Link `n` as the child of `parent` at `*link` (`&parent->left`, `&parent->right`, or `&tree->root`
 * with parent NULL), and rebalance. */
void rb_insert(struct rb_tree *tree, struct rb_node *n, struct rb_node *parent,
	       struct rb_node **link);

/* Take `n`, which is in the tree, out of it. */
void rb_remove(struct rb_tree *tree, struct rb_node *n);

/* In order: first, last, next and previous; NULL where there is none. */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
