/* SPDX-License-Identifier: MIT
 *
 * The state of FPU, SSE and AVX.  XSAVE is used if the processor has it, else FXSAVE.  The state is
 * saved and loaded at every switch of user threads: lazy switching leaks it (CVE-2018-3665).  The
 * kernel itself is compiled without these registers.
 */
#pragma once

#include "kernel/lib/base.h"

struct fpu_area; /* fpu_area_size bytes, 64-byte aligned */

extern u32 fpu_area_size; /* bytes of an area for the enabled features */
extern u64 fpu_xcr0;	  /* XCR0; 0 without XSAVE */

/* Set CR0, CR4.OSFXSR and OSXSAVE, and XCR0 of the calling CPU.  On the boot CPU, also compute
 * fpu_area_size. */
void fpu_init_cpu(void);

/* Store the state that a program starts with: FCW 0x37f, MXCSR 0x1f80, all registers zero. */
void fpu_area_init(struct fpu_area *area);

/* Save the registers in an area, or load them from it.  Preemption off. */
void fpu_save(struct fpu_area *area);
void fpu_restore(const struct fpu_area *area);

/* Like fpu_save(), but write all components.  XSAVEOPT does not write those in their initial state
 * (SDM 1 13.9), but a program that reads its signal frame expects them. */
void fpu_save_whole(struct fpu_area *area);

/* Returns true if fpu_restore() of `area` cannot fault: header bits within XCR0, reserved bits of
 * MXCSR clear.  The bytes may come from a signal frame, that is, from the user.  Clears in `area`
 * the bits that Linux clears. */
bool fpu_area_sanitize(struct fpu_area *area);
