/* SPDX-License-Identifier: MIT
 *
 * Balanced search trees whose links are members of the sorted structures: treaps (Aragon and Seidel
 * 1989).  The treap does not know the keys: the caller walks down the tree to find the place of a
 * node.  The caller locks.
 */
#pragma once

#include "kernel/lib/base.h"

struct treap_node {
	struct treap_node *parent;
	union {
		struct {
			struct treap_node *left, *right;
		};
		struct treap_node *child[2]; /* the same two, by side: 0 left, 1 right */
	};
};

struct treap {
	struct treap_node *root;
};

#define treap_entry(node, type, member) container_of(node, type, member)

/* Link `n` as the child of `parent` at `*link` (`&parent->left`, `&parent->right`, or `&tree->root`
 * with parent NULL), and rebalance. */
void treap_insert(struct treap *tree, struct treap_node *n, struct treap_node *parent,
		  struct treap_node **link);

/* Remove `n`, which must be in the tree. */
void treap_remove(struct treap *tree, struct treap_node *n);

/* The first, last, next or previous node in the order of the keys; NULL if there is none. */
struct treap_node *treap_first(const struct treap *tree);
struct treap_node *treap_last(const struct treap *tree);
struct treap_node *treap_next(const struct treap_node *n);
struct treap_node *treap_prev(const struct treap_node *n);
