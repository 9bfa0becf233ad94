/* SPDX-License-Identifier: MIT
 *
 * Variables of extensions of which every thread, or every process, has its own copy.  The core does
 * not use them, so they are not members of the two structures; each is defined in the file that
 * uses it.  Their memory follows the structure in the same allocation, so it needs no second
 * allocation that could fail, and it is freed with the structure.  It is zero at first.
 *
 * linker.ld places the variables at address 0, so that the "address" of one is its offset from the
 * end of the structure.  Only the macros below may use that address.
 */
#pragma once

#include "kernel/task/process.h"
#include "kernel/task/thread.h"

#define DECLARE_PER_THREAD(type, name) extern typeof(type) name
#define DEFINE_PER_THREAD(type, name)  __section(".per_thread") __aligned(8) typeof(type) name
#define DEFINE_PER_PROCESS(type, name) __section(".per_process") __aligned(8) typeof(type) name

/* A pointer to the copy of the thread `t`, or of the process `p`. */
#define per_thread(t, name)  ((typeof(name) *)((uintptr_t)((t) + 1) + (uintptr_t) & (name)))
#define per_process(p, name) ((typeof(name) *)((uintptr_t)((p) + 1) + (uintptr_t) & (name)))

/* The "addresses" of these are the number of bytes to allocate after each structure. */
extern char __per_thread_size[], __per_process_size[];

_Static_assert(sizeof(struct thread) % 8 == 0 && sizeof(struct process) % 8 == 0, "alignment");
