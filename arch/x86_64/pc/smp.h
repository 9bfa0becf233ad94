/* SPDX-License-Identifier: MIT
 *
 * Starting the other processors, calling functions on them, and stopping them.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"

/* Start all CPUs of the MADT (at most maxcpus=) at once by INIT-SIPI-SIPI (SDM 3A 9.4.4) and wait
 * for them.  CPUs that do not answer are logged and not used.  Each CPU sets up its GDT, IDT,
 * paging, APIC and FPU and then calls `entry`, interrupts off.  `alloc` allocates memory for the
 * per-CPU area and stacks of a CPU; if it returns NULL, this CPU and those after it are not
 * started. */
void smp_start_all(void (*entry)(void) noreturn, void *(*alloc)(size_t bytes));

/* Run `fn(arg)` in interrupt context on every online CPU of `mask` except the caller's, and wait
 * until all have done so.  Preemption off.  Answers calls of other CPUs while it waits, so that two
 * callers cannot deadlock.  Panics with the number of a CPU that does not answer within ten
 * seconds. */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg);

/* Make page_drain_all() also empty the frame caches of other CPUs.  Must be called before any other
 * shrinker is registered: the first one runs last, after the others have freed frames into these
 * caches. */
void smp_call_init(void);

/* Run the calls that other CPUs have requested of this CPU.  Called by the handler of VECTOR_CALL,
 * and by loops that wait with interrupts off. */
void smp_call_answer(void);

/* Interrupt a CPU (VECTOR_RESCHEDULE), so that it tests need_resched. */
void smp_reschedule(u32 cpu);

/* Halt all other CPUs by NMI, for a panic. */
void smp_stop_others(void);
extern bool smp_stopping; /* true: an NMI means that this CPU must halt */

/* A function of the entry code, which is a higher room: it sets the MSRs of SYSCALL on each CPU
 * that starts. */
extern void (*smp_cpu_setup_hook)(void);

/* Halt for ever, and record this for smp_stop_others().  Called by the NMI handler if smp_stopping.
 */
void smp_stop_self(void) noreturn;
