/* SPDX-License-Identifier: MIT
 *
 * Processes of many threads: news (kernel/task/news.c) reach them a few at a time.  The sender holds
 * signals.lock, perhaps in an interrupt handler, and does not keep it for thousands of threads: it
 * notifies the first BATCH of them, and a timer notifies the others, a batch each time.  The timer also
 * gets its turn on a CPU whose threads never leave user mode.
 *
 * A notice has no content: a thread is notified of the present state of its process.  So one walk
 * serves all senders.  A further one makes it go once more round the list, from where it is.  If all
 * that happened is that a signal is pending, the walk ends at the first thread that can take it.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define BATCH	 16
#define PAUSE_NS 20000

/* Under signals.lock. */
struct walk {
	struct timer timer; /* goes on with the walk */
	struct process *process;
	struct list *at; /* the link of the thread that was notified last, or the list's head */
	u32 left;	 /* threads that are still to be notified; 0: there is no walk */
	bool continued;	 /* as for news_tell() */
	bool all;	 /* all threads are to be told; else only a signal is pending, */
	sigset_t wanted; /* and these are those for which no thread has been found yet */
	const struct thread *exiting;
};

static DEFINE_PER_PROCESS(struct walk, crowd_walk);

static void tell(struct walk *w, struct thread *t)
{
	sigset_t takes = w->wanted & (~t->signals.mask | t->signals.wait_set);

	if (!w->all) {
		if (t->exited || !takes)
			return;
		w->wanted &= ~takes;
		if (!w->wanted)
			w->left = 1; /* this was the last */
	}
	news_tell(t, w->continued, w->exiting);
}

static void tell_batch(struct walk *w)
{
	struct list *threads = &w->process->threads;

	for (u32 n = 0; w->left && n < BATCH; n++, w->left--) {
		w->at = w->at->next;
		if (w->at == threads)
			w->at = w->at->next;
		if (w->at != threads)
			tell(w, list_entry(w->at, struct thread, process_link));
	}
	if (w->left)
		timer_start(&w->timer, clock_now_ns() + PAUSE_NS);
	else
		w->continued = w->all = false;
}

static void go_on(struct timer *timer)
{
	struct walk *w = container_of(timer, struct walk, timer);
	u64 flags = spin_lock_irq(&w->process->signals.lock);

	tell_batch(w);
	spin_unlock_irq(&w->process->signals.lock, flags);
}

void crowd_tell(struct process *p, bool continued, const struct thread *exiting)
{
	struct walk *w = per_process(p, crowd_walk);

	if (!w->process) {
		timer_init(&w->timer, go_on);
		w->process = p;
		w->at = &p->threads;
	}
	/* The list may have two threads more than are alive: the leader, and one that is ending. */
	w->left = p->thread_count + 2;
	w->continued |= continued;
	w->all |= continued || p->group_exiting || p->exec.thread || p->stop.stopped;
	w->wanted = p->signals.pending;
	w->exiting = exiting ?: w->exiting;
	tell_batch(w);
}

/* The thread leaves the list; signals.lock is held. */
static void unlinked(struct thread *t)
{
	struct walk *w = per_process(t->process, crowd_walk);

	if (w->at == &t->process_link)
		w->at = t->process_link.prev;
}

/* The last thread ends: there will be no more news. */
static void ended(struct process *p)
{
	struct walk *w = per_process(p, crowd_walk);

	if (w->process)
		timer_cancel_sync(&w->timer);
}

ON_EVENT(unlink, unlinked);
ON_EVENT(exit, ended);
