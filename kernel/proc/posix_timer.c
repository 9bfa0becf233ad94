/* SPDX-License-Identifier: MIT
 *
 * POSIX timers.  Each has its own entry for the signal queue, so that a timer's signal can never be
 * lost for want of memory, and is queued once: expirations meanwhile are counted as overruns.
 */
#include "kernel/proc/posix_timer.h"

#include "arch/x86_64/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"

#define TIMERS_MAX    1024 /* a process */
#define PERIOD_MIN_NS (100 * NSEC_PER_USEC)
#define TIME_MAX_NS   (1UL << 61)

struct posix_timer {
	struct list link; /* process->posix_timers */
	int id, clock, notify;
	struct process *process;
	struct thread *thread; /* SIGEV_THREAD_ID: with a reference */
	struct timer timer;
	u64 expires_ns, interval_ns; /* on the monotonic clock; 0: not armed */
	struct queued_signal signal;
};

static void timer_fired(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	struct process *p = t->process;
	u64 now = clock_now_ns(), flags = spin_lock_irq(&p->limits_lock);
	u32 times = 0;

	if (t->expires_ns && t->expires_ns <= now) {
		u64 passed = t->interval_ns ? (now - t->expires_ns) / t->interval_ns + 1 : 1;

		times = (u32)MIN(passed, (u64)INT32_MAX);
		t->expires_ns = t->interval_ns ? t->expires_ns + passed * t->interval_ns : 0;
		/* A period as short as a program likes must not keep the CPU in here. */
		if (t->expires_ns)
			timer_start(timer, MAX(t->expires_ns, now + PERIOD_MIN_NS));
	}
	spin_unlock_irq(&p->limits_lock, flags);
	if (times && t->notify != SIGEV_NONE)
		signal_send_timer(p, t->thread, &t->signal, times);
}

/* limits_lock is held. */
static struct posix_timer *timer_find(struct process *p, int id)
{
	struct posix_timer *t;

	list_for_each (t, &p->posix_timers, link)
		if (t->id == id)
			return t;
	return NULL;
}

static struct thread *event_thread(const struct posix_timer_event *event)
{
	struct thread *t = thread_find(event->tid);

	if (t && t->process != current_process()) {
		thread_put(t);
		t = NULL;
	}
	return t;
}

static void timer_free(struct posix_timer *t)
{
	timer_cancel_sync(&t->timer);
	signal_cancel_timer(t->process, &t->signal);
	if (t->thread)
		thread_put(t->thread);
	kfree(t);
}

int posix_timer_create(int clock, const struct posix_timer_event *event, int *id)
{
	struct process *p = current_process();
	struct posix_timer *t;
	int result = 0;
	u64 flags;

	if (clock != 0 && clock != 1 && clock != 7)
		return -EINVAL;
	if (event->notify != SIGEV_SIGNAL && event->notify != SIGEV_NONE &&
	    event->notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	if (event->notify != SIGEV_NONE && (event->signal < 1 || event->signal > SIGNAL_COUNT))
		return -EINVAL;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->process = p;
	t->clock = clock;
	t->notify = event->notify;
	if (event->notify == SIGEV_THREAD_ID && !(t->thread = event_thread(event))) {
		kfree(t);
		return -EINVAL;
	}
	timer_init(&t->timer, timer_fired);
	list_init(&t->signal.link);
	t->signal.preallocated = true;
	t->signal.info.signo = event->signal;
	t->signal.info.code = SI_TIMER;

	flags = spin_lock_irq(&p->limits_lock);
	if (p->timer_count >= TIMERS_MAX) {
		result = -EAGAIN;
	} else {
		do
			t->id = p->next_timer_id++ & INT32_MAX;
		while (timer_find(p, t->id));
		*id = t->signal.info.timer.timer_id = t->id;
		t->signal.info.timer.value = event->value_is_id ? (u64)t->id : event->value;
		list_push_back(&p->posix_timers, &t->link);
		p->timer_count++;
	}
	spin_unlock_irq(&p->limits_lock, flags);
	if (result < 0)
		timer_free(t);
	return result;
}

static void spec_read(const struct posix_timer *t, struct posix_timer_spec *spec)
{
	u64 now = clock_now_ns();

	spec->interval_ns = t->interval_ns;
	spec->value_ns = !t->expires_ns ? 0 : t->expires_ns > now ? t->expires_ns - now : 1;
}

int posix_timer_settime(int id, bool absolute, const struct posix_timer_spec *spec,
			struct posix_timer_spec *old)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits_lock), now = clock_now_ns();
	u64 value = MIN(spec->value_ns, TIME_MAX_NS);
	struct posix_timer *t = timer_find(p, id);

	if (t) {
		if (old)
			spec_read(t, old);
		(void)timer_cancel(&t->timer);
		if (value && absolute && t->clock == 0) {
			u64 ahead = clock_realtime_ns() - now; /* of the wall clock */

			value = value > ahead ? value - ahead : 1;
		} else if (value && !absolute) {
			value += now;
		}
		t->expires_ns = value;
		t->interval_ns = MIN(spec->interval_ns, TIME_MAX_NS);
		if (value)
			timer_start(&t->timer, value);
	}
	spin_unlock_irq(&p->limits_lock, flags);
	return t ? 0 : -EINVAL;
}

int posix_timer_gettime(int id, struct posix_timer_spec *spec)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits_lock);
	struct posix_timer *t = timer_find(p, id);

	if (t)
		spec_read(t, spec);
	spin_unlock_irq(&p->limits_lock, flags);
	return t ? 0 : -EINVAL;
}

int posix_timer_getoverrun(int id)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits_lock);
	struct posix_timer *t = timer_find(p, id);
	int overrun = t ? READ_ONCE(t->signal.last_overrun) : -EINVAL;

	spin_unlock_irq(&p->limits_lock, flags);
	return overrun;
}

int posix_timer_delete(int id)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits_lock);
	struct posix_timer *t = timer_find(p, id);

	if (t) {
		list_remove(&t->link);
		t->expires_ns = 0;
		p->timer_count--;
	}
	spin_unlock_irq(&p->limits_lock, flags);
	if (!t)
		return -EINVAL;
	timer_free(t);
	return 0;
}

void posix_timers_release(struct process *p)
{
	for (;;) {
		u64 flags = spin_lock_irq(&p->limits_lock);
		struct list *link = list_pop_front(&p->posix_timers);

		if (link) {
			list_entry(link, struct posix_timer, link)->expires_ns = 0;
			p->timer_count--;
		}
		spin_unlock_irq(&p->limits_lock, flags);
		if (!link)
			return;
		timer_free(list_entry(link, struct posix_timer, link));
	}
}
