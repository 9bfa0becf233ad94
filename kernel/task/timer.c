/* SPDX-License-Identifier: MIT
 *
 * Timers.  Each CPU has a tree of timers, ordered by time, and its local APIC is armed for the
 * first.  A timer is in at most one tree: `cpu` says in which, and is changed by compare and
 * exchange.
 */
#include "kernel/task/timer.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/sync/spinlock.h"

#define TIMER_BATCH 16 /* functions to call before other interrupts are allowed */

struct timer_base {
	struct spinlock lock; /* irq */
	struct treap tree;
	struct timer *first;
	struct timer *running; /* the timer whose fn this CPU is calling, or NULL */
	u64 armed_ns;	       /* the time for which the APIC is armed; 0: not armed */
};

static struct lock_class timer_class = {"timer", 0};
static DEFINE_PER_CPU(struct timer_base, base_var);

/* Per-CPU data start as zero, so the class of the lock is set at its first use. */
static struct timer_base *base_of(u32 cpu)
{
	struct timer_base *b = per_cpu_ptr(base_var, cpu);

	if (unlikely(!b->lock.class))
		b->lock.class = &timer_class;
	return b;
}

void timer_init(struct timer *t, void (*fn)(struct timer *timer))
{
	*t = (struct timer){.fn = fn, .cpu = TIMER_NOWHERE};
}

/* Arm the APIC for the first timer.  Without a timer it stays silent, if the clock is the TSC:
 * another counter must be read in each of its wraps (clock_read.c), and the APIC interrupts at
 * least every 2 s while it is armed. */
static void arm(struct timer_base *b)
{
	u64 expires_ns = b->first ? b->first->expires_ns : UINT64_MAX;

	if (!b->first && !READ_ONCE(clock_source))
		return; /* if the APIC is still armed, its interrupt finds nothing to do */
	if (b->armed_ns && b->armed_ns <= expires_ns)
		return;
	b->armed_ns = expires_ns;
	apic_timer_arm(expires_ns);
}

static void insert(struct timer_base *b, struct timer *t)
{
	struct treap_node *parent = NULL, **link = &b->tree.root;
	bool first = true;

	while (*link) {
		parent = *link;
		if (t->expires_ns < treap_entry(parent, struct timer, node)->expires_ns) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	treap_insert(&b->tree, &t->node, parent, link);
	if (first)
		b->first = t;
}

static void take_out(struct timer_base *b, struct timer *t)
{
	if (b->first == t) {
		struct treap_node *next = treap_next(&t->node);

		b->first = next ? treap_entry(next, struct timer, node) : NULL;
	}
	treap_remove(&b->tree, &t->node);
	__atomic_store_n(&t->cpu, TIMER_NOWHERE, __ATOMIC_RELEASE);
}

bool timer_cancel(struct timer *t)
{
	for (;;) {
		u32 cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct timer_base *b;
		u64 flags;

		if (cpu == TIMER_NOWHERE)
			return false;
		b = base_of(cpu);
		flags = spin_lock_irq(&b->lock);
		if (t->cpu == cpu) {
			take_out(b, t);
			spin_unlock_irq(&b->lock, flags);
			return true;
		}
		spin_unlock_irq(&b->lock, flags); /* it has moved to another CPU: try again */
	}
}

void timer_start(struct timer *t, u64 expires_ns)
{
	u64 irqs = irq_save();
	u32 nowhere;
	struct timer_base *b;

	b = base_of(this_cpu_id());
	for (;;) {
		timer_cancel(t);
		spin_lock(&b->lock);
		nowhere = TIMER_NOWHERE;
		if (__atomic_compare_exchange_n(&t->cpu, &nowhere, this_cpu_id(), false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			break;
		spin_unlock(&b->lock); /* another CPU has just started it: the last start counts */
	}
	t->expires_ns = expires_ns;
	insert(b, t);
	if (b->first == t)
		arm(b);
	spin_unlock(&b->lock);
	irq_restore(irqs);
}

void timer_cancel_sync(struct timer *t)
{
	do {
		timer_cancel(t);
		/* fn runs in an interrupt handler, so it returns soon. */
		for (u32 cpu = 0; cpu < cpu_count; cpu++)
			while (__atomic_load_n(&base_of(cpu)->running, __ATOMIC_ACQUIRE) == t)
				cpu_relax();
	} while (__atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE) != TIMER_NOWHERE);
}

void timer_interrupt(void)
{
	struct timer_base *b = base_of(this_cpu_id());
	u64 now = clock_now_ns();

	spin_lock(&b->lock);
	b->armed_ns = 0;
	/* After TIMER_BATCH functions return, so that other interrupts are handled.  The remaining
	 * timers have expired, so arm() makes this interrupt come again immediately. */
	for (u32 n = 0; b->first && n < TIMER_BATCH; n++) {
		struct timer *t = b->first;

		if (t->expires_ns > now) {
			now = clock_now_ns();
			if (t->expires_ns > now)
				break;
		}
		/* `running` must be visible before `cpu` becomes TIMER_NOWHERE.
		 * timer_cancel_sync() reads `cpu` first and `running` second, so it always sees the
		 * timer as pending or as running. */
		__atomic_store_n(&b->running, t, __ATOMIC_RELEASE);
		take_out(b, t);
		spin_unlock(&b->lock);
		t->fn(t); /* do not use `t` afterwards: its memory may have been freed */
		spin_lock(&b->lock);
		__atomic_store_n(&b->running, NULL, __ATOMIC_RELEASE);
	}
	arm(b);
	spin_unlock(&b->lock);
}
