/* SPDX-License-Identifier: MIT
 *
 * The scheduler: round robin on every CPU, idle CPUs take work from the longest queue.
 */
#pragma once

#include "kernel/task/thread.h"

/* The boot CPU: what runs now becomes its idle thread.  After slab and clock. */
void sched_init(void);

/* Every other CPU, likewise, before it turns interrupts on. */
void sched_init_cpu(void);

/* The idle thread's life. */
void sched_idle_loop(void) noreturn;

/* Give up the CPU; whoever calls this has set its own state, or is preempted.  Preconditions
 * (checked): no spinlock held, not in an interrupt. */
void schedule(void);

/* Go to the back of the run queue. */
void sched_yield(void);

/* Make a sleeping or blocked thread run again; false where it was running already.  Any context. */
bool thread_wake(struct thread *t);

/* Wake only out of `state` (THREAD_STOPPED for SIGCONT). */
bool thread_wake_from(struct thread *t, enum thread_state state);

/* Set the caller's state before schedule(), where wait.h does not fit (stop).  `work` bits that
 * arrived meanwhile are to be looked at after setting and before schedule(). */
void thread_set_state(enum thread_state state);

/* From the roof: after an interrupt of kernel code, switch if it is due and allowed. */
void sched_preempt_from_irq(void);

/* From the roof, at each timer interrupt: was it user mode that it found?  Run time is exact; its
 * parts, user and kernel, are in the proportion of these samples (as Linux does without
 * CONFIG_VIRT_CPU_ACCOUNTING), so that a system call need not read the clock twice. */
void sched_sample(bool user_mode);

/* Length of a turn in nanoseconds (/proc/sys/kernel/sched_rr_timeslice_ms; sched_slice_us=). */
#define SCHED_SLICE_DEFAULT_NS (10 * NSEC_PER_MSEC)
u64 sched_slice_ns(void);
void sched_set_slice_ns(u64 ns); /* 100 us to 10 s; else clamped */

/* Where a thread may run.  -EINVAL where no online CPU is in `mask`.  A thread that runs elsewhere
 * is moved before this returns, or at its next switch.  Sleeps. */
int sched_set_affinity(struct thread *t, const struct cpumask *mask);

struct sched_cpu_stats {
	u64 switches;	      /* all */
	u64 switches_root;    /* those that wrote CR3 */
	u64 idle_ns, user_ns, kernel_ns; /* user_ns and kernel_ns never go back */
	u64 steals, wakeups;
	u64 migrations;	      /* of threads away from here */
	u32 queued;	      /* threads in the queue now, the running one not counted */
	tid_t running;
};
void sched_stats_read(u32 cpu, struct sched_cpu_stats *stats);

u64 sched_forks_total(void);
