/* SPDX-License-Identifier: MIT
 *
 * Variables of which every thread, or every process, has its own: what the core does not need, so
 * that it is no member of the two structures, but stands in the file that uses it.  The memory lies
 * behind the structure, in the same allocation: it costs no allocation of its own, which could
 * fail, and is freed with the structure.  It is zero at first.
 *
 * linker.ld gathers the variables at address 0, so that the "address" of one is its distance from
 * the end of the structure.  It must never be used but by the macros below.
 */
#pragma once

#include "kernel/task/process.h"
#include "kernel/task/thread.h"

#define DECLARE_PER_THREAD(type, name) extern typeof(type) name
#define DEFINE_PER_THREAD(type, name)  __section(".per_thread") __aligned(8) typeof(type) name
#define DEFINE_PER_PROCESS(type, name) __section(".per_process") __aligned(8) typeof(type) name

/* That of the thread `t`, or of the process `p`; a pointer. */
#define per_thread(t, name)  ((typeof(name) *)((uintptr_t)((t) + 1) + (uintptr_t) & (name)))
#define per_process(p, name) ((typeof(name) *)((uintptr_t)((p) + 1) + (uintptr_t) & (name)))

/* The "addresses" of these are the bytes to allocate behind each structure. */
extern char __per_thread_size[], __per_process_size[];

_Static_assert(sizeof(struct thread) % 8 == 0 && sizeof(struct process) % 8 == 0, "alignment");
