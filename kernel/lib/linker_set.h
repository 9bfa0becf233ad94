/* SPDX-License-Identifier: MIT
 *
 * Linker sets: constant arrays whose entries stand in the files that they speak of.  A room defines
 * the type of an entry and walks over the set; a file of any room above adds an entry by defining
 * it, and takes it away by not being linked.  linker.ld gathers the section of each set, which may
 * be empty.
 */
#pragma once

#include "kernel/lib/base.h"

/* In a header: the bounds of the set `name`, whose entries are of `type`. */
#define LINKER_SET(name, type) extern const type __set_##name[], __set_##name##_end[]

/* In a source: `static const TYPE LINKER_SET_ENTRY(name, TYPE) variable = {...};`.  The alignment
 * is that of the type, since compilers align large objects more and would leave gaps in the array.
 */
#define LINKER_SET_ENTRY(name, type) __used __section(".set." #name) __aligned(__alignof__(type))

/* The same with a number of two digits: the set is walked in the order of these. */
#define LINKER_SET_ENTRY_AT(name, order, type)                                                     \
	__used __section(".set." #name "." #order) __aligned(__alignof__(type))

/* Each entry of the set, in an order that depends on the names of the files. */
#define linker_set_for_each(entry, name)                                                           \
	for (typeof(&__set_##name[0]) entry = __set_##name; entry < __set_##name##_end; entry++)
