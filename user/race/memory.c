/* SPDX-License-Identifier: MIT
 *
 * The heap under `make race`: freed blocks are not used again, so each later access to one is
 * found, and each block has a margin at both ends.  Also the functions of <string.h> that copy or
 * compare memory: each is one access to each of its ranges.
 */
#include "user/race/runtime.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 8192
#define MARGIN	   32

static struct block {
	uint64_t start;
	size_t size;
	bool freed;
} blocks[BLOCKS_MAX];
static int block_count;
static uint64_t lowest = UINT64_MAX, highest;

static struct block *block_at(uint64_t start)
{
	for (int i = block_count; i-- > 0;)
		if (blocks[i].start == start)
			return &blocks[i];
	return NULL;
}

void rt_heap_check(uint32_t pc, const void *address, size_t size)
{
	uint64_t a = (uint64_t)address;

	if (a + size <= lowest || a >= highest)
		return;
	for (struct block *b = blocks; b < blocks + block_count; b++) {
		if (a + size <= b->start - MARGIN || a >= b->start + b->size + MARGIN)
			continue;
		if (!b->freed && a >= b->start && a + size <= b->start + b->size)
			return;
		rt_log(RACE_BAD_ACCESS, pc, true, address, size, b->start);
		rt_give_up(RACE_BAD_MEMORY,
			   b->freed ? "use after free" : "access beyond a block of malloc()");
	}
}

static void *allocate(size_t size, uint32_t pc)
{
	char *p;

	if (!rt_shared || !rt_self || rt_self->inside || block_count == BLOCKS_MAX)
		return calloc(1, size);
	p = calloc(1, size + 2 * MARGIN);
	if (!p)
		return NULL;
	p += MARGIN;
	blocks[block_count++] = (struct block){(uint64_t)p, size, false};
	if ((uint64_t)p - MARGIN < lowest)
		lowest = (uint64_t)p - MARGIN;
	if ((uint64_t)p + size + MARGIN > highest)
		highest = (uint64_t)p + size + MARGIN;
	rt_log(RACE_MALLOC, pc, false, p, 0, size);
	return p;
}

static void release(void *p, uint32_t pc)
{
	struct block *b = block_at((uint64_t)p);
	bool seen;

	if (!p || !b) {
		free(p);
		return;
	}
	seen = rt_point();
	if (b->freed && seen) {
		rt_log(RACE_BAD_FREE, pc, true, p, 0, 0);
		rt_give_up(RACE_BAD_MEMORY, "a block is freed twice");
	}
	if (seen)
		rt_log(RACE_FREE, pc, true, p, 0, 0);
	b->freed = true;
}

void *race_malloc(size_t size);
void *race_malloc(size_t size)
{
	return allocate(size, CALLER);
}

void *race_calloc(size_t n, size_t size);
void *race_calloc(size_t n, size_t size)
{
	size_t bytes;

	/* allocate() gives zeros. */
	return __builtin_mul_overflow(n, size, &bytes) ? NULL : allocate(bytes, CALLER);
}

void *race_realloc(void *old, size_t size);
void *race_realloc(void *old, size_t size)
{
	struct block *b = old ? block_at((uint64_t)old) : NULL;
	void *p;

	if (old && !b)
		return realloc(old, size);
	p = allocate(size, CALLER);
	if (p && old) {
		memcpy(p, old, b->size < size ? b->size : size);
		release(old, CALLER);
	}
	return p;
}

void race_free(void *p);
void race_free(void *p)
{
	release(p, CALLER);
}

/* --- Ranges ------------------------------------------------------------------------------------
 */

void *race_memcpy(void *to, const void *from, size_t n);
void *race_memcpy(void *to, const void *from, size_t n)
{
	if (n) {
		rt_access(CALLER, from, n, false);
		rt_access(CALLER, to, n, true);
	}
	return memcpy(to, from, n);
}

void *race_memmove(void *to, const void *from, size_t n);
void *race_memmove(void *to, const void *from, size_t n)
{
	if (n) {
		rt_access(CALLER, from, n, false);
		rt_access(CALLER, to, n, true);
	}
	return memmove(to, from, n);
}

void *race_memset(void *to, int c, size_t n);
void *race_memset(void *to, int c, size_t n)
{
	if (n)
		rt_access(CALLER, to, n, true);
	return memset(to, c, n);
}

char *race_strcpy(char *to, const char *from);
char *race_strcpy(char *to, const char *from)
{
	rt_access(CALLER, from, strlen(from) + 1, false);
	rt_access(CALLER, to, strlen(from) + 1, true);
	return strcpy(to, from);
}

size_t race_strlen(const char *s);
size_t race_strlen(const char *s)
{
	rt_access(CALLER, s, strlen(s) + 1, false);
	return strlen(s);
}

int race_strcmp(const char *a, const char *b);
int race_strcmp(const char *a, const char *b)
{
	rt_access(CALLER, a, strlen(a) + 1, false);
	rt_access(CALLER, b, strlen(b) + 1, false);
	return strcmp(a, b);
}
