/* SPDX-License-Identifier: MIT
 *
 * The machine of scenarios in which CPUs run threads in turn: the kernel's scheduler, over a switch
 * of stacks of the explorer's.  An actor is a CPU, and begins in its idle thread.
 */
#pragma once

#include "kernel/task/thread.h"
#include "tests/unit/explore/explore.h"

#define THREADS 3

extern struct thread switching_threads[THREADS];
extern u32 switching_finished; /* threads that have returned */

/* Set up `cpus` CPUs. */
void switching_setup(u32 cpus);

/* Put a thread into the queue of a CPU, before the exploration. */
void switching_thread(u32 number, u32 cpu, void (*fn)(void));

/* What an actor does: the idle thread of its CPU. */
void switching_cpu(void);

/* Interrupts of other CPUs (smp_reschedule()). */
bool switching_interrupt_due(u32 cpu);
void switching_interrupt(void);
