/* SPDX-License-Identifier: MIT
 *
 * Mapping and accessing memory of another address space, for the self-tests.
 */
#pragma once

#include "kernel/vm/pages.h"
#include "tests/kernel/ktest.h"

#define BASE 0x10000000UL
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static inline long map(struct address_space *as, u64 address, u64 pages, u32 prot, u32 flags)
{
	struct map_request q = {
	    .address = address, .length = pages * PAGE_SIZE, .prot = prot, .flags = flags};

	return address_space_map(as, &q);
}

static inline void poke(struct address_space *as, u64 address, u32 value)
{
	KEXPECT(address_space_fault(as, address, FAULT_WRITE) <= FAULT_SPURIOUS);
	KEXPECT_EQ(address_space_write(as, address, &value, sizeof(value), false), sizeof(value));
}

static inline u32 peek(struct address_space *as, u64 address)
{
	u32 value = 0xdead;

	KEXPECT_EQ(address_space_read(as, address, &value, sizeof(value)), sizeof(value));
	return value;
}

/* The page-table entry for an address; 0: there is none. */
static inline u64 space_pte(struct address_space *as, u64 address)
{
	u64 *slot, entry;

	spin_lock(&as->page_table_lock);
	slot = pte_slot(as, address);
	entry = slot ? *slot : 0;
	spin_unlock(&as->page_table_lock);
	return entry;
}
