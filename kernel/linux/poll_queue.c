/* SPDX-License-Identifier: MIT
 *
 * Wait queues of poll() that are woken with interrupts off (poll_queue.h).
 */
#include "kernel/linux/poll_queue.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/linux/poll_entries.h"
#include "kernel/task/probe.h"

#define AT_ONCE	 2 /* 16 timers may expire in one interrupt, or 16 epolls be woken in one go */
#define BATCH	 16
#define PAUSE_NS 20000 /* between two batches: the woken threads and others run */
#define FEW	 4     /* queues whose timers may have that pause */

static u32 walks; /* queues whose timer wakes; atomic */

/* With many queues the pauses are longer.  Each that begins later has a longer one, so that the
 * timers of those that began in one interrupt do not expire in one. */
static void start(struct poll_queue *q)
{
	u32 n = MAX(__atomic_load_n(&walks, __ATOMIC_RELAXED), (u32)FEW);

	timer_start(&q->timer, clock_now_ns() + n * (PAUSE_NS / FEW));
}

/* In the next two functions the lock of the queue is held. */

/* Wake at most `max` of the entries behind the mark.  Returns true if none is left: then the mark
 * is the last. */
static bool wake_some(struct poll_queue *q, u32 max)
{
	struct list *waiters = &q->queue.waiters, *mark = &q->mark.link;

	for (u32 n = 0; mark->next != waiters && n < max; n++) {
		struct waiter *w = list_entry(mark->next, struct waiter, link);

		list_remove(mark);
		list_push_front(&w->link, mark); /* behind it */
		w->wake(w);
		if (q->one && w->exclusive && w->woken) {
			list_remove(mark);
			list_push_back(waiters, mark);
		}
	}
	return mark->next == waiters;
}

/* The mark is in no list. */
static void begin(struct poll_queue *q)
{
	q->again = false;
	q->round++;
	list_push_front(&q->queue.waiters, &q->mark.link);
}

/* The queues share a batch. */
void poll_queue_go_on(struct timer *timer)
{
	struct poll_queue *q = container_of(timer, struct poll_queue, timer);
	u32 share = BATCH / MAX(__atomic_load_n(&walks, __ATOMIC_RELAXED), 1U);
	u64 flags = spin_lock_irq(&q->queue.lock);

	if (wake_some(q, MAX(share, 1U))) {
		list_remove(&q->mark.link);
		if (q->again)
			begin(q); /* those behind the mark were woken before the second event */
		else
			__atomic_fetch_sub(&walks, 1, __ATOMIC_RELAXED);
	}
	if (!list_empty(&q->mark.link))
		start(q);
	spin_unlock_irq(&q->queue.lock, flags);
}

void poll_queue_no_wake(struct waiter *mark)
{
}

void poll_queue_init(struct poll_queue *q, const char *name)
{
	*q = (struct poll_queue){.mark.wake = poll_queue_no_wake};
	wait_queue_init(&q->queue, name);
	timer_init(&q->timer, poll_queue_go_on);
	list_init(&q->mark.link);
}

/* How many to wake at once: all if the thread that wakes is seeded (docs/seed.md), for when the
 * timer makes a member of its group ready is chance. */
static u32 limit(void)
{
	return thread_seed(current_thread()) && !this_cpu_read(irq_depth) ? UINT32_MAX : AT_ONCE;
}

void poll_queue_wake(struct poll_queue *q)
{
	u64 flags;

	if (irqs_enabled()) {
		if (q->one)
			wait_wake_one(&q->queue);
		else
			wait_wake_all(&q->queue);
		return;
	}
	flags = irq_save();
	spin_lock_nested(&q->queue.lock); /* an epoll may be woken under the lock of one in it */
	if (!list_empty(&q->mark.link)) {
		q->again = true;
	} else {
		begin(q);
		if (wake_some(q, limit())) {
			list_remove(&q->mark.link);
		} else {
			__atomic_fetch_add(&walks, 1, __ATOMIC_RELAXED);
			start(q);
		}
	}
	spin_unlock_irq(&q->queue.lock, flags);
}

void poll_queue_wait_for(struct poll_table *t, struct poll_queue *q, u32 bits)
{
	struct poll_entry *e;

	if (!t)
		return;
	poll_wait_for(t, &q->queue, bits);
	e = container_of(t, struct poll_entries, table)->first;
	if (e && e->queue == &q->queue)
		e->late = q;
}

bool poll_queues_are_late(void)
{
	return __atomic_load_n(&walks, __ATOMIC_RELAXED);
}

/* The mark stays in the queue, for the timer. */
void poll_queue_catch_up(struct poll_queue *q)
{
	u64 flags = spin_lock_irq(&q->queue.lock);
	u32 last = q->round + q->again;

	while (!list_empty(&q->mark.link) && (s32)(last - q->round) >= 0) {
		if (wake_some(q, BATCH)) {
			if (q->round == last)
				break;
			list_remove(&q->mark.link);
			begin(q);
		}
		spin_unlock_irq(&q->queue.lock, flags); /* let interrupts and other threads in */
		flags = spin_lock_irq(&q->queue.lock);
	}
	spin_unlock_irq(&q->queue.lock, flags);
}

void poll_queue_release(struct poll_queue *q)
{
	timer_cancel_sync(&q->timer);
	if (!list_empty(&q->mark.link))
		__atomic_fetch_sub(&walks, 1, __ATOMIC_RELAXED);
}
