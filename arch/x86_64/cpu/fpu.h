/* SPDX-License-Identifier: MIT
 *
 * The state of FPU, SSE and AVX.  XSAVE is used if the processor has it, else FXSAVE.  The kernel
 * itself is compiled without these registers.
 *
 * The state of a thread is in the registers of a CPU while the thread uses them, and else in its
 * area.  CR0.TS tells the two apart: it is set when a thread begins to run, the first instruction
 * that uses the registers raises #NM, and fpu_claim() clears it.  So a switch saves only what was
 * used since the last switch, and loads nothing for a thread that does not use it.  A thread that
 * used them in each of its last turns gets them at the switch, without the exception.
 *
 * TS alone does not hide the registers: some processors let a program read them by speculation
 * before #NM arrives (CVE-2018-3665).  So they never hold the state of another address space while
 * a program runs: a switch to another one loads the state of its thread at once, used or not.
 * Threads of one address space can read each other's state anyway.
 */
#pragma once

#include "kernel/lib/base.h"

struct arch_thread;
struct fpu_area; /* fpu_area_size bytes, 64-byte aligned */

extern u32 fpu_area_size; /* bytes of an area for the enabled features */
extern u64 fpu_xcr0;	  /* XCR0; 0 without XSAVE */
extern u32 fpu_mxcsr_mask; /* the bits that MXCSR may have (SDM 1 11.6.6) */

/* Set CR0, CR4.OSFXSR and OSXSAVE, and XCR0 of the calling CPU.  On the boot CPU, also compute
 * fpu_area_size. */
void fpu_init_cpu(void);

/* The part of a switch from `prev` to `next`, of which either may be a kernel thread.
 * `other_space`: the registers may hold the state of another address space than that of `next`.
 * Interrupts off. */
void fpu_switch(struct arch_thread *prev, struct arch_thread *next, bool other_space);

/* Let the calling thread use the registers until it is switched away, with its state in them.
 * Preemption off. */
void fpu_claim(struct arch_thread *self);

/* Save the state of the calling thread in its area, if it is in the registers alone. */
void fpu_save(struct arch_thread *self);

/* Give the calling thread the initial state. */
void fpu_reset(struct arch_thread *self);

/* Copy the state of the calling thread to its user memory, or replace it from there (`load`): the
 * components `features` of XCR0, or with 0 the image of FXSAVE.  The caller has checked the range.  False
 * if a page is not there, or the area is not valid (SDM 1 13.8.1); after a load that failed the thread
 * has the initial state. */
bool fpu_move_user(struct arch_thread *self, u64 user, u64 features, bool load);
