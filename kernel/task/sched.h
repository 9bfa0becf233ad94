/* SPDX-License-Identifier: MIT
 *
 * The scheduler: round robin on every CPU, idle CPUs take work from the longest queue.
 */
#pragma once

#include "kernel/task/thread.h"

/* Start the scheduler on the boot CPU.  The code that runs now becomes its idle thread.  After the
 * slab allocator and the clock. */
void sched_init(void);

/* The same on each other CPU, before it turns interrupts on. */
void sched_init_cpu(void);

/* Run other threads, and halt the CPU when there is none.  The idle thread of each CPU calls this
 * and never returns. */
void sched_idle_loop(void) noreturn;

/* Let other threads run.  The caller has set its own state: a RUNNABLE thread goes to the back of
 * the run queue if its slice is over, else it only lets threads go first that have slept; any other
 * state waits for a wake-up.  The caller holds no spinlock and is not in an interrupt handler; both
 * are checked. */
void schedule(void);

/* Go to the back of the run queue, and let other threads run (sched_yield(2)). */
void sched_yield(void);

/* Make a thread runnable that is SLEEPING or BLOCKED.  Returns false if it is in another state.
 * The caller must make sure that the thread exists.  Any context. */
bool thread_wake(struct thread *t);

/* Wake a thread that is in sleep_until_woken(woken, ...): set *woken, then do as thread_wake().
 * Once it is set, the sleeper may return, so the caller does not use what lies on its stack
 * afterwards.  The thread itself stays until this function has returned. */
void thread_wake_flagged(struct thread *t, bool *woken);

/* The same for a thread in `state` only (THREAD_STOPPED for SIGCONT). */
bool thread_wake_from(struct thread *t, enum thread_state state);

/* Set the state of the calling thread.  After setting it, and before schedule(), the caller must
 * test its condition again (and pending_work): a waker that came before found nothing to wake. */
static inline void thread_set_state(enum thread_state state)
{
	/* Full barrier: the state must be visible to wakers before the caller checks its
	 * condition.  Pairs with the waker, which changes the condition before it reads the state
	 * in wake_if(). */
	__atomic_exchange_n(&current_thread()->state, state, __ATOMIC_SEQ_CST);
}

/* Called at the end of an interrupt of kernel code: switch threads if a switch is due and
 * allowed. */
void sched_preempt_from_irq(void);

/* Called at each timer interrupt: `user_mode` says which mode it interrupted.  The run time of a
 * thread is measured exactly, but divided between user and kernel mode in the proportion of these
 * samples (as on Linux without CONFIG_VIRT_CPU_ACCOUNTING), so that a system call need not read the
 * clock twice. */
void sched_sample(bool user_mode);

/* The length of a slice in nanoseconds (/proc/sys/kernel/sched_rr_timeslice_ms;
 * sched_slice_us=). */
#define SCHED_SLICE_DEFAULT_NS (10 * NSEC_PER_MSEC)
u64 sched_slice_ns(void);
void sched_set_slice_ns(u64 ns); /* clamped to 100 us and 10 s */

/* Virtual round robin: a thread that slept before its slice was over goes first when it is woken,
 * for the rest of the slice.  False: it goes to the back, for a whole one
 * (/proc/sys/kernel/sched_virtual_rr; sched_virtual_rr=0). */
extern bool sched_virtual_rr;

/* A running thread is not preempted for a woken one before it has run so long, and a shorter rest
 * of a slice is not kept. */
#define SCHED_RUN_MIN_NS (100 * NSEC_PER_USEC)

struct sched_cpu_stats {
	u64 switches;	      /* from one thread to another */
	u64 switches_root;    /* those among them that wrote CR3 */
	u64 idle_ns, user_ns, kernel_ns; /* user_ns and kernel_ns never become smaller */
	u64 steals, wakeups;
	u64 migrations;	      /* threads that moved from this CPU to another */
	u32 queued;	      /* threads in the queue now, the running one not counted */
	tid_t running;
};

/* The number of threads started since the boot. */
extern u64 threads_started;
