/* SPDX-License-Identifier: MIT
 *
 * Doubly linked lists whose links lie in the members.  A list is a ring through its head; a node
 * that is in no list points at itself, so list_remove() of it does no harm.
 */
#pragma once

#include "kernel/lib/base.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_between(struct list *n, struct list *prev, struct list *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

/* Add `n` at the front, or at the back, of the list. */
static inline void list_push_front(struct list *head, struct list *n)
{
	list_insert_between(n, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *n)
{
	list_insert_between(n, head->prev, head);
}

/* Take `n` out of whatever list it is in and leave it pointing at itself. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* The first node, taken out; NULL where the list is empty. */
static inline struct list *list_pop_front(struct list *head)
{
	struct list *n = head->next;

	if (n == head)
		return NULL;
	list_remove(n);
	return n;
}

/* Move all of `from` to the back of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)

#define list_for_each(pos, head, member)                                                           \
	for (pos = list_entry((head)->next, typeof(*pos), member); &pos->member != (head);         \
	     pos = list_entry(pos->member.next, typeof(*pos), member))

/* As list_for_each(), and `pos` may be removed in the body; `tmp` is a second cursor. */
#define list_for_each_safe(pos, tmp, head, member)                                                 \
	for (pos = list_entry((head)->next, typeof(*pos), member),                                 \
	    tmp = list_entry(pos->member.next, typeof(*pos), member);                              \
	     &pos->member != (head);                                                               \
	     pos = tmp, tmp = list_entry(tmp->member.next, typeof(*tmp), member))
