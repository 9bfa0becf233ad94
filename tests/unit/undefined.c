/* SPDX-License-Identifier: MIT
 *
 * Mistakes, for tests/unit/test_undefined.py: each line prints its name, the words of
 * kernel/watch/undefined/calls.c, the place in them, and the line of the mistake.
 */
#include <setjmp.h>
#include <stdio.h>

#include "kernel/watch/undefined/undefined.h"

struct pair {
	u64 first, second;
};

/* The compiler does not know what these hold. */
static volatile u32 number_64 = 64, number_1 = 1, number_0;
static volatile s32 most = INT32_MAX, least = INT32_MIN, minus_1 = -1;
static volatile s64 most_long = INT64_MAX;
static u8 bytes[16] = {2};
static struct pair *volatile no_pair;
static bool *volatile odd = (bool *)bytes;
static u32 *volatile word = (u32 *)(bytes + 1);
static char *volatile low = (char *)16;
static u32 five[5];
static volatile u64 seen;

static jmp_buf back;
static int line;

void undefined_found(const struct source_place *at, u64 return_address, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(" at %s:%u (%d)\n", at->file, at->line, line);
	longjmp(back, 1);
}

static __noinline __attribute__((nonnull)) void want(const void *p)
{
	seen = (u64)p;
}

static __noinline __attribute__((returns_nonnull)) void *give(void)
{
	line = __LINE__ + 1;
	return no_pair;
}

/* Each on one line. */
#define MISTAKE(name, ...)                                                                         \
	static __noinline void name(void)                                                          \
	{                                                                                          \
		printf(#name ": ");                                                                \
		line = __LINE__;                                                                   \
		__VA_ARGS__;                                                                       \
		printf("no report\n");                                                             \
	}

MISTAKE(shift, seen = number_1 << number_64)
MISTAKE(shift_back, seen = (u64)(most_long >> minus_1))
MISTAKE(shift_negative, seen = (u64)(minus_1 << number_1))
MISTAKE(shift_far, seen = (u64)(most << number_1))
MISTAKE(add, seen = (u64)(most + (s32)number_1))
MISTAKE(subtract, seen = (u64)(least - (s32)number_1))
MISTAKE(multiply, seen = (u64)(most_long * (minus_1 - 1)))
MISTAKE(negate, seen = (u64)-least)
MISTAKE(divide, seen = (u64)(least / minus_1))
MISTAKE(divide_by_zero, seen = number_1 / number_0)
MISTAKE(rest_by_zero, seen = (u64)(minus_1 % (s32)number_0))
MISTAKE(wide, __int128 w = (__int128)most_long << 64; seen = (u64)((w + w) >> 64))
MISTAKE(behind, seen = five[number_64])
MISTAKE(before, seen = five[minus_1])
MISTAKE(null_read, seen = no_pair->first)
MISTAKE(null_member, seen = (u64)&no_pair->second)
MISTAKE(null_write, *(u32 *)no_pair = 1)
MISTAKE(too_small, seen = ((struct pair *)(five + 4))->second)
MISTAKE(misaligned, seen = *word)
MISTAKE(wrap, char *p = low; p -= number_64; seen = (u64)p)
MISTAKE(boolean, seen = *odd)
MISTAKE(bit, seen = (u64)__builtin_ctz(number_0))
MISTAKE(bit_down, seen = (u64)__builtin_clz(number_0))
MISTAKE(length, char text[minus_1]; seen = (u64)text)
MISTAKE(argument, want(no_pair))
MISTAKE(result, seen = (u64)give())
MISTAKE(unreachable, if (number_1) __builtin_unreachable())

static void run(void (*mistake)(void))
{
	if (!setjmp(back))
		mistake();
}

int main(void)
{
	static void (*const all[])(void) = {
	    shift,     shift_back,  shift_negative, shift_far,	  add,	      subtract,	  multiply,
	    negate,    divide,	    divide_by_zero, rest_by_zero, wide,	      behind,	  before,
	    null_read, null_member, null_write,	    too_small,	  misaligned, wrap,	  boolean,
	    bit,       bit_down,    length,	    argument,	  result,     unreachable};

	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		run(all[i]);
	return 0;
}
