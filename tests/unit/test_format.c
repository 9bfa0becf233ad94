/* host-sources: kernel/lib/format.c kernel/lib/string.c */
/* host-flags: -include tests/unit/rename.h */
/* SPDX-License-Identifier: MIT
 *
 * vsnprintf() against libc's, for every mix of flags, width and length.
 */
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "tests/unit/host.h"

/* Both with the same arguments; same text and same result. */
__attribute__((format(printf, 2, 3))) static void same(size_t size, const char *fmt, ...)
{
	char ours[200] = "?", theirs[200] = "?";
	va_list args;
	int n, m;

	va_start(args, fmt);
	n = vsnprintf(ours, size, fmt, args);
	va_end(args);
	va_start(args, fmt);
	m = libc_vsnprintf(theirs, size, fmt, args);
	va_end(args);
	if (n != m || libc_strcmp(ours, theirs))
		printf("# \"%s\" size %zu: \"%s\" %d, libc \"%s\" %d\n", fmt, size, ours, n, theirs,
		       m);
	CHECK(n == m && !libc_strcmp(ours, theirs));
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void integers(void)
{
	static const char *widths[] = {"", "1", "5", "20"};
	static const char *lengths[] = {"", "l", "ll", "z"};
	static const u64 values[] = {0,	    1,		8,	    42,	       255,
				     32768, 0x80000000, 0xffffffff, 1UL << 63, ~0UL};
	char fmt[32];

	for (unsigned flags = 0; flags < 8; flags++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
				for (const char *c = "dux"; *c; c++)
					for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
						char *p = fmt;

						*p++ = '%';
						for (int f = 0; f < 3; f++)
							if (flags >> f & 1)
								*p++ = "-0#"[f];
						for (const char *s = widths[w]; *s; s++)
							*p++ = *s;
						for (const char *s = lengths[l]; *s; s++)
							*p++ = *s;
						*p++ = *c;
						*p = 0;
						same(100, fmt, values[v]);
					}
}

static void strings_and_characters(void)
{
	same(100, "[%s] [%10s] [%-10s] [%.2s] [%5.1s]", "abc", "abc", "abc", "abc", "abc");
	same(100, "[%c] [%3c] [%-3c]", 'a', 'b', 'c');
	same(100, "[%*d] [%-*d] [%.*s]", 5, 1, 5, 2, 2, "xyz");
	same(100, "100%% %s", "");
	same(100, "%.*s", -1, "whole");
	same(100, "%p", (void *)0x123456789aUL);
	same(100, "%o %04o %lo", 0755u, 022u, ~0UL);
	same(100, "%.3s", (char[]){'a', 'b', 'c'}); /* not terminated */
}

static void short_buffers(void)
{
	char buf[8] = "zzzzzzz";

	for (size_t size = 0; size < 12; size++)
		same(size, "ab%dcd%s", 123, "efg");
	CHECK_EQ(scnprintf(buf, 4, "%d", 123456), 3);
	CHECK(!libc_strcmp(buf, "123"));
	CHECK_EQ(scnprintf(buf, 8, "%d", 1), 1);
	CHECK_EQ(scnprintf(buf, 0, "%d", 1), 0);
	CHECK_EQ(snprintf(NULL, 0, "%d", 12345), 5);
}

int main(void)
{
	RUN(integers);
	RUN(strings_and_characters);
	RUN(short_buffers);
	return host_done();
}
