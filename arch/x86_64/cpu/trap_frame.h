/* SPDX-License-Identifier: MIT
 *
 * The registers that every entry to the kernel pushes.  Interrupts, exceptions and system calls
 * push the same structure, so signals, fork() and the debugger need to know only this one.
 */
#pragma once

#include "kernel/lib/base.h"

/* The `vector` of a system call.  Its `error` is the number of the call (Linux's orig_rax), or -1
 * if the call must not be restarted. */
enum { VECTOR_SYSCALL = 256 };

struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector; /* 0..255, or VECTOR_SYSCALL */
	u64 error;  /* the processor's error code, 0 if it pushes none */
	u64 rip, cs, rflags, rsp, ss;
};

static inline bool frame_is_user(const struct trap_frame *f)
{
	return f->cs & 3;
}
