/* SPDX-License-Identifier: MIT
 *
 * The checker of addresses, and what the compiler's calls (calls.c) and the allocators' wrappers
 * (allocators.c) tell it.
 */
#pragma once

#include "kernel/lib/base.h"

/* The state of eight bytes of memory: 0: all may be used; 1 to 7: so many of them, from the first;
 * else none, and why. */
enum address_state {
	ADDRESS_FREED = 0x80, /* an object that was freed, or never allocated */
	ADDRESS_REDZONE,      /* behind an object */
	ADDRESS_FREE_FRAME,
};

/* Memory of `size` bytes is about to be read or written by the code at `where`: panic if it must
 * not be.  Any context. */
void addresses_check(u64 address, u64 size, bool write, u64 where);

/* The `size` bytes from `address` on, a multiple of 8, may be used, or may not.  Any context. */
void addresses_allow(const void *address, u64 size);
void addresses_forbid(const void *address, u64 size, enum address_state state);

/* The state of the eight bytes at `address`; 0 if that is memory that is not watched. */
u8 address_state(const void *address);

/* Where the object or the frame that contains `address` was allocated or, if it is free, freed: an
 * address of the kernel's code.  0: that is not known. */
u64 address_place(u64 address);

/* Write this as ", allocated by name+0x12" or ", freed by name+0x12"; "" if it is not known. */
void place_format(char *buf, size_t size, u64 address);

/* The word that says this of a frame; NULL: it is not watched. */
u64 *frame_place(u64 address);
