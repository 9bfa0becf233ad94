/* SPDX-License-Identifier: MIT
 *
 * High-resolution timers: each CPU keeps its own in a tree, the local APIC fires for the first.
 */
#pragma once

#include "kernel/lib/treap.h"

struct timer {
	struct treap_node node;
	u64 expires_ns;			 /* clock_now_ns() time */
	void (*fn)(struct timer *timer); /* in interrupt context, on the CPU it was started on */
	u32 cpu;			 /* whose tree it is in; TIMER_NOWHERE where in none */
};

#define TIMER_NOWHERE UINT32_MAX

void timer_init(struct timer *t, void (*fn)(struct timer *timer));

/* (Re)start on the calling CPU.  Any context; fn itself may start its timer again. */
void timer_start(struct timer *t, u64 expires_ns);

/* Stop.  True where it was pending.  fn may still be running on another CPU. */
bool timer_cancel(struct timer *t);

/* Stop, and wait until fn is not running anywhere: after this the memory may go.  Not from fn, nor
 * with a lock held that fn takes. */
void timer_cancel_sync(struct timer *t);

/* From the roof, on VECTOR_TIMER. */
void timer_interrupt(void);

