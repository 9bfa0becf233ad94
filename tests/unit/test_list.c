/* host-sources: */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * Lists against an array as the model.
 */
#include "kernel/linux/list_splice.h"
#include "tests/unit/host.h"

struct item {
	int value;
	struct list link;
};

static bool holds(struct list *head, const int *values, int n)
{
	struct item *it;
	int i = 0;

	list_for_each (it, head, link) {
		if (i == n || it->value != values[i] || it->link.prev->next != &it->link)
			return false;
		i++;
	}
	return i == n;
}

static void pushes_and_pops(void)
{
	struct list head = LIST_INIT(head);
	struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};

	CHECK(list_empty(&head) && !list_pop_front(&head));
	list_push_back(&head, &b.link);
	list_push_back(&head, &c.link);
	list_push_front(&head, &a.link);
	CHECK(holds(&head, (int[]){1, 2, 3}, 3));
	CHECK(list_first(&head, struct item, link) == &a);
	list_remove(&b.link);
	list_remove(&b.link); /* in no list: no harm */
	CHECK(holds(&head, (int[]){1, 3}, 2));
	CHECK(list_pop_front(&head) == &a.link && list_pop_front(&head) == &c.link);
	CHECK(list_empty(&head) && list_empty(&c.link));
}

static void splices(void)
{
	struct list x = LIST_INIT(x), y = LIST_INIT(y);
	struct item it[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}};

	list_splice(&x, &y);
	CHECK(list_empty(&x));
	for (int i = 0; i < 4; i++)
		list_push_back(i < 2 ? &x : &y, &it[i].link);
	list_splice(&x, &y);
	CHECK(holds(&x, (int[]){0, 1, 2, 3}, 4) && list_empty(&y));
	list_splice(&y, &x);
	CHECK(holds(&y, (int[]){0, 1, 2, 3}, 4) && list_empty(&x));
}

static void removes_while_walking(void)
{
	struct list head = LIST_INIT(head);
	struct item it[10], *pos, *tmp;

	for (int i = 0; i < 10; i++) {
		it[i].value = i;
		list_push_back(&head, &it[i].link);
	}
	list_for_each_safe (pos, tmp, &head, link)
		if (pos->value % 3)
			list_remove(&pos->link);
	CHECK(holds(&head, (int[]){0, 3, 6, 9}, 4));
}

int main(void)
{
	RUN(pushes_and_pops);
	RUN(splices);
	RUN(removes_while_walking);
	return host_done();
}
