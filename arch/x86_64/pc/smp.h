/* SPDX-License-Identifier: MIT
 *
 * Starting the other processors, and calling functions on them.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"

/* Start every CPU of the MADT (at most maxcpus=) by INIT-SIPI-SIPI (SDM 3A 9.4.4), all at once
 * where the trampoline allows it; wait for each a bounded time; log and leave out those that do not
 * answer.  `entry` is run on each with its GDT, IDT, paging, APIC and FPU set up, interrupts off.
 * `alloc` gives memory for its per-CPU area and stacks (NULL: that CPU is left out). */
void smp_start_all(void (*entry)(void) noreturn, void *(*alloc)(size_t bytes));

/* Run `fn(arg)` in interrupt context on every online CPU of `mask` but the caller's own, and wait
 * until all have.  Preemption off.  Answers other CPUs' calls while it waits, so two callers cannot
 * deadlock; a CPU that does not answer within ten seconds is a panic that names it. */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg);

/* Let page_drain_all() reach the caches of all CPUs.  Before any other shrinker is registered: the
 * first one runs last, when the others have filled these caches. */
void smp_call_init(void);

/* From the roof's VECTOR_CALL, and from loops that wait with interrupts off. */
void smp_call_answer(void);

/* Ask a CPU to look at need_resched (VECTOR_RESCHEDULE). */
void smp_reschedule(u32 cpu);

/* Halt all other CPUs, by NMI: for a kernel that stops. */
void smp_stop_others(void);
extern bool smp_stopping; /* the NMI handler halts when it sees this */

/* The roof's part of a CPU's set-up (MSRs of SYSCALL), run on each CPU that starts. */
extern void (*smp_cpu_setup_hook)(void);

/* From the NMI handler, when smp_stopping: halt for ever, and let the stopping CPU know. */
void smp_stop_self(void) noreturn;
