/* SPDX-License-Identifier: MIT
 *
 * The state of FPU, SSE and AVX: XSAVE where there is, FXSAVE where not.  Saved and restored
 * eagerly at switches of user threads (lazy switching leaks state: CVE-2018-3665).  The kernel
 * itself is compiled without such registers.
 */
#pragma once

#include "kernel/lib/base.h"

struct fpu_area; /* fpu_area_size bytes, 64-byte aligned */

extern u32 fpu_area_size; /* bytes of an area for the features switched on */
extern u64 fpu_xcr0;	  /* XCR0; 0 without XSAVE */

/* Per CPU: CR0, CR4.OSFXSR/OSXSAVE, XCR0.  The boot CPU's call also sizes the area. */
void fpu_init_cpu(void);

/* The state that a program starts with: FCW 0x37f, MXCSR 0x1f80, all registers zero. */
void fpu_area_init(struct fpu_area *area);

/* Between the registers and an area.  Preemption off. */
void fpu_save(struct fpu_area *area);
void fpu_restore(const struct fpu_area *area);

/* As fpu_save(), and no part is left out: XSAVEOPT does not write what is in its initial state (SDM
 * 1, 13.9), which a program that reads its signal frame does not expect. */
void fpu_save_whole(struct fpu_area *area);

/* True where `area`, whose bytes may come from a user's signal frame, can be restored without a
 * fault (header's bits within XCR0, MXCSR's reserved bits clear).  It may be mended: bits are
 * cleared in place where Linux clears them. */
bool fpu_area_sanitize(struct fpu_area *area);

/* The registers XMM0 to XMM15 in a saved area. */
void fpu_area_xmm(const struct fpu_area *area, u8 xmm[16][16]);
