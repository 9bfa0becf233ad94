/* SPDX-License-Identifier: MIT
 *
 * Memory and strings.  The kernel must not use vector registers.  Short pieces are moved by plain
 * 64-bit moves, long ones by `rep movsq` and `rep stosq`.  Intel's processors then move whole cache
 * lines (fast-string operation, SDM 1 7.3.9.3); the oldest AMD64 ones need 15 cycles and one more a
 * word (AMD 25112, 8.3), which a loop does not beat.  So no feature flag is tested.  `rep stosb`
 * would need one (ERMS), and an emulator does it byte by byte.  The stores may become visible in
 * any order among each other, but not after a later store (SDM 3A 8.2.4).  DF is 0: SYSCALL clears
 * it (SFMASK), and every other entry of the kernel executes CLD.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"

#define REP_WORDS 16 /* from this length on, the start of a string instruction pays */

/* Eight bytes at any address, of any type. */
struct word {
	u64 v;
} __packed __attribute__((may_alias));

/* The compiler recognizes a loop that copies or sets memory and replaces it by a call of memcpy()
 * or memset(), which would then call itself.  The barriers prevent that. */
static inline void words_copy(struct word *d, const struct word *s, size_t words)
{
	if (words >= REP_WORDS) {
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words)::"memory");
		return;
	}
	for (; words; words--) {
		(d++)->v = (s++)->v;
		barrier();
	}
}

static inline void words_set(struct word *d, u64 v, size_t words)
{
	if (words >= REP_WORDS) {
		__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(v) : "memory");
		return;
	}
	for (; words; words--) {
		(d++)->v = v;
		barrier();
	}
}

/* Copy from low to high addresses.  `dst` may overlap `src` if it is lower. */
static inline void copy_forward(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	words_copy(dst, src, n / 8);
	for (size_t i = n & ~7UL; i < n; i++) {
		d[i] = s[i];
		barrier();
	}
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_forward(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if ((uintptr_t)d - (uintptr_t)s >= n) {
		copy_forward(dst, src, n);
		return dst;
	}
	/* `dst` begins inside `src`: copy from the end. */
	for (; n; n--) {
		d[n - 1] = s[n - 1];
		barrier();
	}
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;

	words_set(dst, (u8)c * 0x0101010101010101UL, n / 8);
	for (size_t i = n & ~7UL; i < n; i++) {
		d[i] = (u8)c;
		barrier();
	}
	return dst;
}

void page_clear(void *page)
{
	words_set(page, 0, PAGE_SIZE / 8);
}

void page_copy(void *dst, const void *src)
{
	words_copy(dst, src, PAGE_SIZE / 8);
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n >= 8 && ((const struct word *)x)->v == ((const struct word *)y)->v; n -= 8)
		x += 8, y += 8;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n; n--, p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n]) {
		n++;
		barrier();
	}
	return n;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		dst[i] = src[i];
		if (!src[i])
			return (ssize_t)i;
	}
	if (size)
		dst[size - 1] = '\0';
	return -E2BIG;
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a' + 10) : UINT32_MAX;
}

int parse_u64(const char *s, unsigned base, u64 *value)
{
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x';
	u64 v = 0;

	if (base == 0)
		base = hex ? 16 : s[0] == '0' ? 8 : 10;
	if (base == 16 && hex)
		s += 2;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned digit = digit_value(*s);

		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit, &v))
			return -ERANGE;
	}
	*value = v;
	return 0;
}
