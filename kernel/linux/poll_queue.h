/* SPDX-License-Identifier: MIT
 *
 * Wait queues of poll() and epoll that are woken with interrupts off, by a timer for example.  There
 * may be thousands of entries, so the waker wakes the first few, and a timer wakes the others, a
 * few each time.
 */
#pragma once

#include "kernel/fs/poll.h"
#include "kernel/task/timer.h"

/* Only entries of poll() and epoll are in it (poll_queue_wait_for()); no thread sleeps there in
 * wait_sleep(). */
struct poll_queue {
	struct wait_queue queue;
	/* Under queue.lock. */
	struct timer timer;
	struct waiter mark; /* before the entry to wake next; in no list: all are woken */
	u32 round;	    /* grows with each wake-up of all */
	bool again;	    /* another wake-up came before the timer had woken all */
	bool one;	    /* stop after an exclusive entry that was woken */
};

#define POLL_QUEUE_INIT(q, name)                                                                   \
	{                                                                                          \
		.queue = WAIT_QUEUE_INIT((q).queue, name),                                         \
		.timer = {.fn = poll_queue_go_on, .cpu = TIMER_NOWHERE},                           \
		.mark = {.link = LIST_INIT((q).mark.link), .wake = poll_queue_no_wake}             \
	}

void poll_queue_init(struct poll_queue *q, const char *name);

/* Wake all, or with q->one up to the first exclusive one.  Any context.  If interrupts are off only
 * the first few have been woken on return. */
void poll_queue_wake(struct poll_queue *q);

/* As poll_wait_for(), for the poll operation of the file. */
void poll_queue_wait_for(struct poll_table *t, struct poll_queue *q, u32 bits);

/* Is a queue being woken by its timer? */
bool poll_queues_are_late(void);

/* Wake all that were to be woken by events before this call.  The caller has an entry in the queue,
 * and no lock of a wait queue.  Sleeps. */
void poll_queue_catch_up(struct poll_queue *q);

/* Nothing wakes the queue any more: stop the timer.  Afterwards its memory may be freed. */
void poll_queue_release(struct poll_queue *q);

/* For POLL_QUEUE_INIT(). */
void poll_queue_go_on(struct timer *timer);
void poll_queue_no_wake(struct waiter *mark);
