/* host-sources: kernel/fs/cpio.c */
/* SPDX-License-Identifier: MIT
 *
 * The cpio reader against good, cut and hostile archives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/fs/cpio.h"
#include "kernel/lib/errno.h"

#define TESTS 13

static int failed, number;

static void check(int ok, const char *name)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++number, name);
	failed += !ok;
}

struct archive {
	char bytes[65536];
	size_t size;
};

static void pad(struct archive *a)
{
	while (a->size % 4)
		a->bytes[a->size++] = 0;
}

static void add_raw(struct archive *a, const char *magic, const char *name, unsigned name_size,
		    const char *data, unsigned size, unsigned sum)
{
	a->size += (size_t)sprintf(a->bytes + a->size,
				   "%s%08x%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", magic,
				   7, 0100644, 0, 0, 1, 1234, size, 8, 1, 0, 0, name_size, sum);
	memcpy(a->bytes + a->size, name, strlen(name) + 1);
	a->size += strlen(name) + 1;
	pad(a);
	memcpy(a->bytes + a->size, data, strlen(data));
	a->size += strlen(data);
	pad(a);
}

static void add(struct archive *a, const char *name, const char *data)
{
	add_raw(a, "070701", name, (unsigned)strlen(name) + 1, data, (unsigned)strlen(data), 0);
}

static void add_trailer(struct archive *a)
{
	add(a, "TRAILER!!!", "");
}

struct seen {
	char text[4096];
	size_t data_bytes;
	int stop_after;
};

static int visit(void *context, const struct cpio_entry *e)
{
	struct seen *s = context;
	size_t n = strlen(s->text);
	unsigned sum = 0;

	for (size_t i = 0; i < e->size; i++) /* the sanitizer watches */
		sum += (unsigned char)e->data[i];
	s->data_bytes += e->size + (sum & 0);
	snprintf(s->text + n, sizeof(s->text) - n, "%s:%.*s ", e->name, (int)e->size, e->data);
	return s->stop_after && !--s->stop_after ? -ENOMEM : 0;
}

/* In a block of exactly that size, so that one byte too far is found. */
static ssize_t walk(const void *bytes, size_t size, struct seen *s, size_t *offset)
{
	char *exact = malloc(size ? size : 1);
	int stop_after = s->stop_after;
	ssize_t n;

	memcpy(exact, bytes, size);
	memset(s, 0, sizeof(*s));
	s->stop_after = stop_after;
	n = cpio_walk(exact, size, visit, s, offset);
	free(exact);
	return n;
}

int main(void)
{
	static struct archive a, b;
	struct seen s = {0};
	size_t offset, i;
	unsigned state = 1;
	bool ok;

	printf("1..%d\n", TESTS);

	add(&a, "one", "first");
	add(&a, "dir/two", "");
	add_trailer(&a);
	check(walk(a.bytes, a.size, &s, &offset) == 2 && !strcmp(s.text, "one:first dir/two: "),
	      "two files");

	b = a;
	b.size += 512;
	add(&b, "three", "3");
	add_trailer(&b);
	check(walk(b.bytes, b.size, &s, &offset) == 3 && strstr(s.text, "three:3"),
	      "two archives with zeros between");

	ok = true;
	for (i = 1; i < a.size - 3; i++) {
		ssize_t n = walk(a.bytes, i, &s, &offset);

		ok = ok && n == -E2BIG && offset <= i;
	}
	check(ok, "cut short at every byte");
	check(walk(a.bytes, 116 + 8, &s, &offset) == -E2BIG && !strcmp(s.text, "one:first "),
	      "what came before the cut is kept");
	check(walk(a.bytes, 0, &s, &offset) == -EINVAL, "empty");
	memset(b.bytes, 0, 4096);
	check(walk(b.bytes, 4096, &s, &offset) == -EINVAL, "zeros alone");
	check(walk("hello, world", 12, &s, &offset) == -EINVAL, "not cpio");

	b = a;
	b.bytes[20] = 'g';
	check(walk(b.bytes, b.size, &s, &offset) == -EINVAL && offset == 0, "no hexadecimal digit");

	b.size = 0;
	add_raw(&b, "070701", "x", 0xffffffff, "", 0, 0);
	ok = walk(b.bytes, b.size, &s, &offset) == -EINVAL;
	b.size = 0;
	add_raw(&b, "070701", "x", 0, "", 0, 0);
	ok = ok && walk(b.bytes, b.size, &s, &offset) == -EINVAL;
	b.size = 0;
	add_raw(&b, "070701", "x", 3, "abcd", 4, 0);
	ok = ok && walk(b.bytes, b.size, &s, &offset) == -EINVAL;
	check(ok, "names of a wrong length");

	b.size = 0;
	add_raw(&b, "070701", "x", 2, "abc", 0xffffffff, 0);
	ok = walk(b.bytes, b.size, &s, &offset) == -E2BIG;
	b.size = 0;
	add_raw(&b, "070701", "x", 2, "abc", 0xfffffffd, 0);
	ok = ok && walk(b.bytes, b.size, &s, &offset) == -E2BIG;
	check(ok, "content longer than the archive");

	b.size = 0;
	add_raw(&b, "070702", "x", 2, "abc", 3, 'a' + 'b' + 'c');
	add_trailer(&b);
	check(walk(b.bytes, b.size, &s, &offset) == -EINVAL && !offset, "the crc form is refused");

	s.stop_after = 1;
	check(walk(a.bytes, a.size, &s, &offset) == -ENOMEM && !strcmp(s.text, "one:first "),
	      "the visitor's error ends the walk");

	ok = true;
	s.stop_after = 0;
	for (i = 0; i < 200000; i++) {
		b = a;
		for (int changes = 1 + (int)(i % 4); changes; changes--) {
			state = state * 1103515245 + 12345;
			b.bytes[(state >> 8) % a.size] = "0123456789abcdef\0F/x"[state >> 27 & 15];
		}
		walk(b.bytes, b.size, &s, &offset);
		ok = ok && offset <= b.size;
	}
	check(ok, "random damage");
	return failed != 0;
}
