/* SPDX-License-Identifier: MIT
 *
 * Linker sets: constant arrays whose entries are defined in different source files.  A room defines
 * the type of the entries and walks over the set.  A file of any higher room adds an entry by
 * defining it; if the file is not linked, the entry is not there.  linker.ld collects the section
 * of each set, which may be empty.
 */
#pragma once

#include "kernel/lib/base.h"

/* In a header: declare the set `name` with entries of `type`. */
#define LINKER_SET(name, type) extern const type __set_##name[], __set_##name##_end[]

/* In a source: `static const TYPE LINKER_SET_ENTRY(name, TYPE) variable = {...};`.  The alignment
 * is that of the type, since compilers align large objects more and would leave gaps in the array.
 */
#define LINKER_SET_ENTRY(name, type) __used __section(".set." #name) __aligned(__alignof__(type))

/* The same with a number of two digits: the set is in the order of these numbers. */
#define LINKER_SET_ENTRY_AT(name, order, type)                                                     \
	__used __section(".set." #name "." #order) __aligned(__alignof__(type))

/* For each entry.  Without numbers, the order depends on the names of the files. */
#define linker_set_for_each(entry, name)                                                           \
	for (typeof(&__set_##name[0]) entry = __set_##name; entry < __set_##name##_end; entry++)
