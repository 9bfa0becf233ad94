/* SPDX-License-Identifier: MIT
 *
 * High-resolution timers.  Each CPU keeps the timers that were started on it in a tree, and its
 * local APIC interrupts at the time of the first.
 */
#pragma once

#include "kernel/lib/treap.h"

struct timer {
	struct treap_node node;
	u64 expires_ns;			 /* clock_now_ns() time */
	void (*fn)(struct timer *timer); /* in interrupt context, on the CPU that started it */
	u32 cpu;			 /* the CPU in whose tree it is, or TIMER_NOWHERE */
};

#define TIMER_NOWHERE UINT32_MAX

void timer_init(struct timer *t, void (*fn)(struct timer *timer));

/* Start the timer on the calling CPU; if it is pending, move it to the new time.  Any context; fn
 * may start its own timer again. */
void timer_start(struct timer *t, u64 expires_ns);

/* Stop the timer.  Returns whether it was pending.  fn may still be running on another CPU. */
bool timer_cancel(struct timer *t);

/* Stop the timer, and wait until fn is not running on any CPU: afterwards the timer's memory may be
 * freed.  Must not be called by fn, nor with a lock held that fn takes. */
void timer_cancel_sync(struct timer *t);

/* Call the functions of the timers that have expired.  Called by the interrupt VECTOR_TIMER. */
void timer_interrupt(void);
