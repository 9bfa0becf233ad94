/* SPDX-License-Identifier: MIT
 *
 * Memory and strings as in ISO C; strscpy() as in Linux.
 */
#pragma once

#include "kernel/lib/base.h"

/* As in ISO C and POSIX. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copy at most size-1 bytes and always add a NUL.  Returns the length copied, or -E2BIG if the
 * source is longer. */
ssize_t strscpy(char *dst, const char *src, size_t size);

/* Clear or copy one page, page-aligned. */
void page_clear(void *page);
void page_copy(void *dst, const void *src);

/* Parse the whole string as an unsigned number in `base` (0: the prefix 0x or 0 decides).  Returns
 * 0, -EINVAL, or -ERANGE. */
int parse_u64(const char *s, unsigned base, u64 *value);
