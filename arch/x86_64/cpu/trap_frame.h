/* SPDX-License-Identifier: MIT
 *
 * What every entry to the kernel pushes, interrupts, exceptions and system calls alike, so that
 * signals, fork and the debugger see one shape.  Offsets are known to entry.S.
 */
#pragma once

#include "kernel/lib/base.h"

/* `vector` of a frame that a system call made; `error` then is the call's number (Linux's
 * orig_rax), or -1 once it is not to be restarted any more. */
enum { VECTOR_SYSCALL = 256 };

struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector; /* 0..255, or VECTOR_SYSCALL */
	u64 error;  /* the processor's error code, 0 where it pushes none */
	u64 rip, cs, rflags, rsp, ss;
};

static inline bool frame_is_user(const struct trap_frame *f)
{
	return f->cs & 3;
}
