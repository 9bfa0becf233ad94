/* SPDX-License-Identifier: MIT
 *
 * The segment registers of user mode.
 *
 * The kernel does not use the selectors in DS, ES, FS and GS (it addresses memory through bases
 * alone, and a trap does not change them), so the registers keep those of the user thread that ran
 * last.  Every selector that user mode can load names a flat segment.  Loading FS or GS sets its
 * base to that of the descriptor, which is 0 (SDM 3A 3.4.4); AMD processors keep the base if the
 * selector is null (APM 2 4.5.3).  So code that loads one of the two must write its base after it.
 */
#pragma once

#include "arch/x86_64/cpu/arch_thread.h"

#define READ_SELECTOR(segment)                                                                     \
	({                                                                                         \
		u32 selector_;                                                                     \
		__asm__ volatile("movl %%" #segment ", %0" : "=r"(selector_));                     \
		selector_;                                                                         \
	})

/* Returns nonzero if one of the four registers holds a selector other than 0. */
static inline u32 segments_loaded(void)
{
	return READ_SELECTOR(ds) | READ_SELECTOR(es) | READ_SELECTOR(fs) | READ_SELECTOR(gs);
}

/* Save the registers, which belong to the user thread that runs, in `t` of this thread. */
void segments_save(struct arch_thread *t);

/* Load the selectors of `t`, then its bases of FS and GS. */
void segments_load(const struct arch_thread *t);

/* Load the kernel's SS, for a thread that may leave the kernel by SYSRET.  A trap from user mode
 * has loaded a null selector (SDM 3A 6.14.4).  SYSRET of AMD processors sets only the selector and
 * keeps the attributes of SS (APM 3, SYSRET); with those of a null selector, 32-bit code cannot use
 * its stack. */
void segments_load_stack(void);

/* For arch_prctl(): set the base of FS or GS of the calling thread, and its selector to 0. */
void segments_set_fs_base(struct arch_thread *t, u64 base);
void segments_set_gs_base(struct arch_thread *t, u64 base);
