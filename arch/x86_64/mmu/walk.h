/* SPDX-License-Identifier: MIT
 *
 * Page tables from inside, for paging.c and the file that builds the kernel's half.
 */
#pragma once

#include "arch/x86_64/mmu/paging.h"

/* Four levels of tables (SDM 3A 4.5).  The shift of a level is the number of address bits that one
 * entry of its tables spans. */
#define ROOT_SHIFT    39
#define TABLE_SHIFT   9 /* address bits that index one table */
#define TABLE_ENTRIES (1U << TABLE_SHIFT)
#define USER_ENTRIES  (TABLE_ENTRIES / 2) /* of the root: the lower half is the user's */

static inline u64 table_index(u64 address, unsigned shift)
{
	return address >> shift & (TABLE_ENTRIES - 1);
}

/* PTE_GLOBAL if the processor has it, else 0. */
extern u64 pte_global;

/* The lines of the kernel's half of each root that are in use, as in pte_set(). */
extern u64 kernel_root_lines;

/* Returns the entry for `address` in the table whose entries span 1 << `shift` bytes (12, 21, 30 or
 * 39).  `create`: make missing tables on the way.  NULL: there is no such table, no memory, or a
 * larger page maps the address. */
u64 *page_table_entry(struct pmap *pmap, u64 address, unsigned shift, bool create);
