/* SPDX-License-Identifier: MIT
 *
 * Page tables from inside: for the files that build the kernel's half.
 */
#pragma once

#include "arch/x86_64/mmu/paging.h"

/* PTE_GLOBAL where the processor has it, else 0. */
extern u64 pte_global;

/* The entry for `address` in the table whose entries span 1 << `shift` bytes (12, 21, 30, 39), with
 * tables made on the way where `create`.  NULL: no table, no memory, or a large page above it. */
u64 *page_table_entry(struct pmap *pmap, u64 address, unsigned shift, bool create);
