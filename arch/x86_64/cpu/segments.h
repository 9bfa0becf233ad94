/* SPDX-License-Identifier: MIT
 *
 * The segment registers DS, ES, FS and GS of user mode.
 *
 * The kernel does not use the selectors in them (it addresses memory through bases alone, and a
 * trap does not change them), so the registers keep those of the user thread that ran last.  A
 * selector that user mode can load names a flat segment.  Loading FS or GS takes the base from the
 * descriptor, 0 (SDM 3A 3.4.4), except that AMD processors keep the base when the selector is null
 * (APM 2 4.5.3).  So whoever loads one of the two writes its base afterwards.
 */
#pragma once

#include "arch/x86_64/cpu/arch_thread.h"

#define READ_SELECTOR(segment)                                                                     \
	({                                                                                         \
		u32 selector_;                                                                     \
		__asm__ volatile("movl %%" #segment ", %0" : "=r"(selector_));                     \
		selector_;                                                                         \
	})

/* Not 0: one of the four registers holds a selector other than 0. */
static inline u32 segments_loaded(void)
{
	return READ_SELECTOR(ds) | READ_SELECTOR(es) | READ_SELECTOR(fs) | READ_SELECTOR(gs);
}

/* The registers of the user thread that runs into `t`, which is its own. */
void segments_save(struct arch_thread *t);

/* Selectors of `t` into the registers, then its bases of FS and GS. */
void segments_load(const struct arch_thread *t);

/* arch_prctl(): another base of FS or GS for the calling thread, with the selector 0. */
void segments_set_fs_base(struct arch_thread *t, u64 base);
void segments_set_gs_base(struct arch_thread *t, u64 base);
