/* host-sources: kernel/linux/text.c kernel/lib/format.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * The text of files that the kernel generates: numbers against libc's printf(), growth, no memory.
 */
#include "kernel/linux/text.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/vm/usercopy.h"
#include "tests/unit/host.h"

static unsigned long memory_left = ~0UL; /* how often kmalloc() still succeeds */

void *kmalloc(size_t size)
{
	return memory_left-- ? malloc(size) : NULL;
}

void kfree(void *object)
{
	free(object);
}

ssize_t io_get(struct io_buffer *io, void *dst, size_t n)
{
	return -1;
}

__attribute__((format(printf, 2, 3))) static void wanted(struct text *t, const char *fmt, ...)
{
	char text[100];
	va_list args;
	int n;

	va_start(args, fmt);
	n = libc_vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	CHECK_EQ(t->length, n);
	CHECK(t->length == (size_t)n && !libc_memcmp(t->data, text, t->length));
	t->length = 0;
}

static void number(struct text *t, u64 v)
{
	text_decimal(t, v, '\n');
	wanted(t, "%lu\n", v);
	text_hex(t, v, 8, '-');
	wanted(t, "%08lx-", v);
	text_hex(t, v, 1, ' ');
	wanted(t, "%lx ", v);
	text_fields(t, (const s64[]){(s64)v, -1}, 2);
	wanted(t, "%ld -1 ", (s64)v);
}

static void numbers(void)
{
	struct text t = {0};
	u64 power = 1;

	for (int digits = 1; digits <= 20; digits++, power *= 10)
		for (u64 v = power - 2; v != power + 12; v++)
			number(&t, v);
	for (u32 i = 0; i < 10000; i++)
		number(&t, host_random() >> host_random() % 64);
	for (u32 bit = 0; bit < 64; bit++) {
		number(&t, 1UL << bit);
		number(&t, (1UL << bit) - 1);
	}
	free(t.data);
}

static void escape(void)
{
	struct text t = {0};

	text_escape(&t, " a b\n\\", " \\");
	text_escape(&t, "", " ");
	text_escape(&t, "c\n", "\n");
	CHECK_EQ(t.length, 20);
	CHECK(t.length == 20 && !libc_memcmp(t.data, "\\040a\\040b\n\\134c\\012", 20));
	free(t.data);
}

static void growth(void)
{
	static const char line[] = "0123456789abcdef";
	struct text t = {0};
	bool good = true;

	for (u32 i = 0; i < 3000; i++) {
		text_printf(&t, "%s", line);
		text_hex(&t, 0x0123456789abcdef, 16, '\n');
	}
	CHECK_EQ(t.length, 3000 * 33);
	for (u32 i = 0; i < t.length; i++)
		good &= t.data[i] == (i % 33 == 32 ? '\n' : line[i % 33 % 16]);
	CHECK(good && t.length < t.capacity && !t.failed);
	free(t.data);
}

static void no_memory(void)
{
	struct text t = {0};

	memory_left = 1;
	for (u32 i = 0; i < 1000; i++) {
		text_decimal(&t, i, ' ');
		text_fields(&t, (const s64[]){1, 2}, 2);
		text_printf(&t, "%u", i);
	}
	CHECK(t.failed && t.length <= t.capacity);
	memory_left = ~0UL;
	free(t.data);
}

int main(void)
{
	RUN(numbers);
	RUN(escape);
	RUN(growth);
	RUN(no_memory);
	return host_done();
}
