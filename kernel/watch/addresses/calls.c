/* SPDX-License-Identifier: MIT
 *
 * What the compiler calls with -fsanitize=kernel-address before each access of memory: the names
 * are those of its run-time library (gcc: libsanitizer/asan).
 */
#include "kernel/watch/addresses/addresses.h"

#define CALLER ((u64)__builtin_return_address(0))

/* The compiler knows these names; no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"

#define ACCESS(n)                                                                                  \
	void __asan_load##n##_noabort(u64 address)                                                 \
	{                                                                                          \
		addresses_check(address, n, false, CALLER);                                        \
	}                                                                                          \
	void __asan_store##n##_noabort(u64 address)                                                \
	{                                                                                          \
		addresses_check(address, n, true, CALLER);                                         \
	}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(u64 address, u64 size)
{
	addresses_check(address, size, false, CALLER);
}

void __asan_storeN_noabort(u64 address, u64 size)
{
	addresses_check(address, size, true, CALLER);
}

void __asan_handle_no_return(void)
{
}
