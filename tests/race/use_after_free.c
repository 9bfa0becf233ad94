/* SPDX-License-Identifier: MIT
 *
 * Use after free: a reference count that is not atomic.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
	int references;
	char text[16];
};

static void drop(struct page *p)
{
	p->references--;
	if (!p->references)
		free(p);
}

static void *reader(void *argument)
{
	struct page *p = argument;

	if (p->text[0] != 'h')
		exit(1);
	drop(p);
	return NULL;
}

int main(void)
{
	struct page *p = malloc(sizeof(*p));
	pthread_t a, b;

	*p = (struct page){2, "hello"};
	pthread_create(&a, NULL, reader, p);
	pthread_create(&b, NULL, reader, p);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
