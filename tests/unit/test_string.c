/* host-sources: kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * Memory and strings, against libc.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "tests/unit/host.h"

#define SIZE 600

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void fill(u8 *p)
{
	for (int i = 0; i < SIZE; i++)
		p[i] = (u8)host_random();
}

/* Every small length and offset, and random larger ones: moves within one buffer overlap. */
static void memory_moves(void)
{
	u8 ours[SIZE], theirs[SIZE];

	for (int i = 0; i < 40000; i++) {
		size_t limit = i < 20000 ? 40 : SIZE / 2;
		size_t from = host_random() % limit, to = host_random() % limit;
		size_t n = host_random() % limit;

		fill(ours);
		libc_memmove(theirs, ours, SIZE);
		CHECK(memmove(ours + to, ours + from, n) == ours + to);
		libc_memmove(theirs + to, theirs + from, n);
		CHECK(!libc_memcmp(ours, theirs, SIZE));
		memset(ours + to, (int)from, n);
		libc_memset(theirs + to, (int)from, n);
		CHECK(!libc_memcmp(ours, theirs, SIZE));
		memcpy(ours + from, theirs + SIZE / 2, n);
		libc_memmove(theirs + from, theirs + SIZE / 2, n);
		CHECK(!libc_memcmp(ours, theirs, from + n));
	}
}

static void memory_compares(void)
{
	u8 a[SIZE], b[SIZE];

	fill(a);
	libc_memmove(b, a, SIZE);
	for (int i = 0; i < SIZE; i++) {
		CHECK_EQ(memcmp(a, b, SIZE), 0);
		b[i] ^= (u8)(1 + host_random() % 255);
		CHECK_EQ(sign(memcmp(a, b, SIZE)), sign(libc_memcmp(a, b, SIZE)));
		CHECK_EQ(memcmp(a, b, (size_t)i), 0);
		b[i] = a[i];
	}
	CHECK_EQ(memcmp(a, b, 0), 0);
	CHECK(memchr("abc", 'c', 3) && !memchr("abc", 'c', 2) && !memchr("abc", 'x', 4));
}

static void pages(void)
{
	u8 *a = aligned_alloc(PAGE_SIZE, PAGE_SIZE), *b = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	for (size_t i = 0; i < PAGE_SIZE; i++)
		a[i] = (u8)host_random();
	page_copy(b, a);
	CHECK(!libc_memcmp(a, b, PAGE_SIZE));
	page_clear(a);
	for (size_t i = 0; i < PAGE_SIZE; i++)
		if (a[i])
			CHECK(!"clear");
	free(a);
	free(b);
}

static void strings(void)
{
	const char *words[] = {"", "a", "ab", "abc", "b", "abd", "\xff", "a\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (size_t j = 0; j < ARRAY_SIZE(words); j++)
			CHECK_EQ(sign(strcmp(words[i], words[j])),
				 sign(libc_strcmp(words[i], words[j])));
	CHECK_EQ(strncmp("abc", "abd", 2), 0);
	CHECK(strncmp("abc", "abd", 3) < 0);
	CHECK_EQ(strlen("hello"), 5);
	CHECK_EQ(strnlen("hello", 3), 3);
	const char *s = "banana";
	CHECK(strchr(s, 'n') == s + 2 && strrchr(s, 'n') == s + 4 && !strchr(s, 'x'));
	CHECK(strchr(s, 0) == s + 6 && strrchr(s, 0) == s + 6);
}

static void bounded_copy(void)
{
	char buf[4] = "zzz";

	CHECK_EQ(strscpy(buf, "abc", 4), 3);
	CHECK(!libc_strcmp(buf, "abc"));
	CHECK_EQ(strscpy(buf, "wxyz", 4), -E2BIG);
	CHECK(!libc_strcmp(buf, "wxy"));
	CHECK_EQ(strscpy(buf, "", 1), 0);
	CHECK_EQ(strscpy(buf, "a", 1), -E2BIG);
	CHECK_EQ(strscpy(buf, "a", 0), -E2BIG);
	CHECK(buf[0] == 0);
}

static void numbers(void)
{
	u64 v = 7;

	CHECK(!parse_u64("0", 0, &v) && v == 0);
	CHECK(!parse_u64("18446744073709551615", 0, &v) && v == UINT64_MAX);
	CHECK_EQ(parse_u64("18446744073709551616", 0, &v), -ERANGE);
	CHECK_EQ(parse_u64("99999999999999999999", 0, &v), -ERANGE);
	CHECK(!parse_u64("0xFfffffffffffffff", 0, &v) && v == UINT64_MAX);
	CHECK(!parse_u64("0x10", 16, &v) && v == 16);
	CHECK(!parse_u64("10", 16, &v) && v == 16);
	CHECK(!parse_u64("010", 0, &v) && v == 8);
	CHECK(!parse_u64("010", 10, &v) && v == 10);
	for (const char **bad = (const char *[]){"", "0x", "x", "1x", "-1", " 1", "08", NULL}; *bad;
	     bad++)
		CHECK_EQ(parse_u64(*bad, 0, &v), -EINVAL);
}

int main(void)
{
	RUN(memory_moves);
	RUN(memory_compares);
	RUN(pages);
	RUN(strings);
	RUN(bounded_copy);
	RUN(numbers);
	return host_done();
}
