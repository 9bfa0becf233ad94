/* SPDX-License-Identifier: MIT
 *
 * Balanced search trees whose links lie in the members: treaps (Aragon and Seidel 1989).  The
 * caller orders: it descends, links, and asks for the balance.
 */
#pragma once

#include "kernel/lib/base.h"

struct treap_node {
	struct treap_node *parent;
	union {
		struct {
			struct treap_node *left, *right;
		};
		struct treap_node *child[2]; /* the same two, for code that goes either way */
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

/* Take `n`, which is in the tree, out of it. */
void treap_remove(struct treap *tree, struct treap_node *n);

/* In order: first, last, next and previous; NULL where there is none. */
struct treap_node *treap_first(const struct treap *tree);
struct treap_node *treap_last(const struct treap *tree);
struct treap_node *treap_next(const struct treap_node *n);
struct treap_node *treap_prev(const struct treap_node *n);
