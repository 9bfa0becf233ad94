/* SPDX-License-Identifier: MIT
 *
 * What every fuzz target uses.  A target is a file NAME.c in this folder with the function
 * LLVMFuzzerTestOneInput(), which libFuzzer calls with bytes of its choice.  Its first lines say
 *how it is built, as those of a unit do (tests/unit/host.h), and which mistake it must find:
 *
 *	/ * host-sources: kernel files that it is linked with * /
 *	/ * host-flags: further flags of the compiler * /
 *	/ * fuzz-flags: flags of libFuzzer * /
 *	/ * mutant: FILE: text => other text * /
 *
 * The C library's headers are not included here, because some of their types have the names of the
 * kernel's.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/string.h"

void *malloc(size_t size);
void free(void *memory);
void abort(void) noreturn;
int dprintf(int fd, const char *format, ...) __printf(2, 3);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What must be true of every input.  libFuzzer keeps the input for which it is not. */
#define HOLDS(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			dprintf(2, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The bytes that have not been used yet.  Behind the end, numbers are 0. */
struct input {
	const u8 *at, *end;
};

static inline size_t input_left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

static inline u8 input_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* A number of `bytes` bytes, little-endian. */
static inline u64 input_number(struct input *in, u32 bytes)
{
	u64 value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= (u64)input_byte(in) << 8 * i;
	return value;
}

/* Copy the next `n` bytes, or those that are left, and fill up with zeros. */
static inline void input_bytes(struct input *in, void *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((u8 *)to)[i] = input_byte(in);
}

/* A copy of exactly `n` bytes, so that the address sanitizer sees each access outside.  The caller
 * frees it. */
static inline void *exact_copy(const void *from, size_t n)
{
	u8 *copy = malloc(n);

	for (size_t i = 0; i < n; i++)
		copy[i] = ((const u8 *)from)[i];
	return copy;
}

/* --- host/around.c, for the targets that link it ---------------------------------------------- */

extern u64 live_objects; /* of kmalloc() and of slab caches: allocated and not freed */
extern u32 fail_after;	 /* so many allocations succeed, then one fails; 0: none fails */
extern u64 host_now;	 /* what clock_now_ns() returns */
