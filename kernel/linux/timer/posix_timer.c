/* SPDX-License-Identifier: MIT
 *
 * POSIX timers.  Each timer contains its own entry for the signal queue, so its signal cannot be
 * lost for lack of memory.  A timer is queued only once: while it is queued, further expirations
 * count as overruns.
 */
#include "kernel/linux/timer/posix_timer.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/abi.h"
#include "kernel/linux/clock_events.h"
#include "kernel/linux/cpu_alarm.h"
#include "kernel/linux/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define MOVED_AT_ONCE 16 /* timers that follow the clock while limits.lock is held */

struct posix_timer {
	struct treap_node node; /* struct process_timers.by_id */
	int id, clock, notify;
	struct process *process;
	struct thread *thread;		  /* SIGEV_THREAD_ID: with a reference */
	struct repeating_timer repeating; /* for a clock of CPU time only the interval */
	u64 ahead_ns;			  /* set to a time of CLOCK_REALTIME: how far that was
					   * ahead of the monotonic clock; else 0 */
	struct cpu_alarm alarm;		  /* for a clock of CPU time; alarm.clock has references */
	struct queued_signal signal;
};

/* Under limits.lock. */
struct process_timers {
	struct treap by_id;
	int next_id;
};

static DEFINE_PER_PROCESS(struct process_timers, process_timers);

/* Count one more timer of the user, or one less.  Like a queued signal, since each brings its entry
 * (timer_create(2), "NOTES").  False: RLIMIT_SIGPENDING is reached. */
static bool count_timer(struct process *p, s32 change)
{
	u64 limit = process_limit(p, RLIMIT_SIGPENDING), flags = spin_lock_irq(&p->signals.lock);
	bool counted = user_count_signal(p, change, limit);

	spin_unlock_irq(&p->signals.lock, flags);
	return counted;
}

/* Send the signal of a timer to the thread `only`, or with NULL to the process: queue `entry`, or
 * if it is still queued, add `count` to the overruns in it. */
static void signal_send_timer(struct process *p, struct thread *only, struct queued_signal *entry,
			      u32 count)
{
	u64 flags = spin_lock_irq(&p->signals.lock);
	sigset_t pending = only ? signal_own(only) : p->signals.pending;
	s64 overrun = count;

	if (list_empty(&entry->link) || !(pending & SIGNAL_BIT(entry->info.signo))) {
		entry->info.timer.overrun = (s32)MIN(overrun - 1, (s64)INT32_MAX);
		(void)signal_send_locked(p, only, entry->info.signo, NULL, entry);
	} else {
		overrun += entry->info.timer.overrun;
		entry->info.timer.overrun = (s32)MIN(overrun, (s64)INT32_MAX);
	}
	spin_unlock_irq(&p->signals.lock, flags);
	signal_sent(p);
}

/* Remove the entry of a timer from its queue. */
static void signal_cancel_timer(struct process *p, struct queued_signal *entry)
{
	u64 flags = spin_lock_irq(&p->signals.lock);

	/* The pending bit stays.  So the signal is delivered once more, without the siginfo of the
	 * timer. */
	list_remove(&entry->link);
	list_remove(&entry->same);
	spin_unlock_irq(&p->signals.lock, flags);
}

static void notify(struct posix_timer *t, u32 times)
{
	if (times && t->notify != SIGEV_NONE)
		signal_send_timer(t->process, t->thread, &t->signal, times);
}

static void timer_fired(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, repeating.timer);
	u64 flags = spin_lock_irq(&t->process->limits.lock);
	u32 times = repeating_timer_expire(&t->repeating);

	spin_unlock_irq(&t->process->limits.lock, flags);
	notify(t, times);
}

static bool is_on_cpu_clock(const struct posix_timer *t)
{
	return t->alarm.clock.process;
}

static void alarm_fired(struct cpu_alarm *alarm)
{
	struct posix_timer *t = container_of(alarm, struct posix_timer, alarm);
	u64 now = cpu_clock_ns(&alarm->clock), flags = spin_lock_irq(&t->process->limits.lock);
	u64 interval = t->repeating.interval_ns, expires = alarm->expires_ns, times = 0;

	if (expires && expires <= now) {
		times = interval ? 1 + (now - expires) / interval : 1;
		cpu_alarm_set_at(alarm, interval ? expires + times * interval : 0, now);
	}
	spin_unlock_irq(&t->process->limits.lock, flags);
	notify(t, (u32)MIN(times, (u64)INT32_MAX));
}

/* The timer with the lowest number that is at least `id`, or NULL.  limits.lock is held. */
static struct posix_timer *timer_from(struct process *p, int id)
{
	struct treap_node *n = per_process(p, process_timers)->by_id.root;
	struct posix_timer *found = NULL;

	while (n) {
		struct posix_timer *t = treap_entry(n, struct posix_timer, node);

		if (t->id >= id)
			found = t;
		n = n->child[t->id < id];
	}
	return found;
}

/* The same for just this number. */
static struct posix_timer *timer_find(struct process *p, int id)
{
	struct posix_timer *t = timer_from(p, id);

	return t && t->id == id ? t : NULL;
}

/* Give the timer the next free number.  limits.lock is held. */
static void timer_link(struct process *p, struct posix_timer *t)
{
	struct process_timers *all = per_process(p, process_timers);
	struct treap_node *parent = NULL, **link = &all->by_id.root;

	do
		t->id = all->next_id++ & INT32_MAX;
	while (timer_find(p, t->id));
	while (*link) {
		parent = *link;
		link = &parent->child[treap_entry(parent, struct posix_timer, node)->id < t->id];
	}
	treap_insert(&all->by_id, &t->node, parent, link);
}

static struct thread *event_thread(const struct sigevent *event)
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
	timer_cancel_sync(&t->repeating.timer);
	if (is_on_cpu_clock(t)) {
		cpu_alarm_cancel_sync(&t->alarm);
		cpu_clock_put(&t->alarm.clock);
	}
	signal_cancel_timer(t->process, &t->signal);
	if (t->thread)
		thread_put(t->thread);
	(void)count_timer(t->process, -1);
	kfree(t);
}

int posix_timer_create(int clock, const struct sigevent *event, int *id)
{
	static const struct sigevent alarm = {.signal = SIGALRM};
	struct process *p = current_process();
	bool has_value = event;
	struct cpu_clock cpu = {0};
	struct posix_timer *t;
	int result = 0;
	u64 flags, now;

	if (!event)
		event = &alarm;
	if (event->notify != SIGEV_SIGNAL && event->notify != SIGEV_NONE &&
	    event->notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	if (event->notify != SIGEV_NONE && (event->signal < 1 || event->signal > SIGNAL_COUNT))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
	    clock != CLOCK_TAI) {
		result = cpu_clock_get(clock, &cpu);
		if (result)
			return clock_read(clock, &now) ? result : -EOPNOTSUPP;
	}
	t = count_timer(p, 1) ? kzalloc(sizeof(*t)) : ERR_PTR(-EAGAIN);
	if (!t)
		(void)count_timer(p, -1);
	if (!t || IS_ERR(t)) {
		if (cpu.process)
			cpu_clock_put(&cpu);
		return t ? (int)PTR_ERR(t) : -ENOMEM;
	}
	cpu_alarm_init(&t->alarm, &cpu, alarm_fired);
	t->process = p;
	t->clock = clock;
	t->notify = event->notify;
	timer_init(&t->repeating.timer, timer_fired);
	list_init(&t->signal.link);
	list_init(&t->signal.same);
	if (event->notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID) &&
	    !(t->thread = event_thread(event))) {
		timer_free(t);
		return -EINVAL;
	}
	t->signal.preallocated = true;
	t->signal.info.signo = event->signal;
	t->signal.info.code = SI_TIMER;

	flags = spin_lock_irq(&p->limits.lock);
	timer_link(p, t);
	*id = t->signal.info.timer.timer_id = t->id;
	t->signal.info.timer.value = has_value ? event->value : (u64)t->id;
	spin_unlock_irq(&p->limits.lock, flags);
	return 0;
}

/* Set the timer by its own clock, whose time is `now`.  limits.lock is held. */
static void set_by_clock(struct posix_timer *t, bool absolute, const struct timer_setting *setting,
			 u64 now)
{
	u64 value = setting->value_ns;

	if (value && !absolute)
		value += now;
	t->repeating.interval_ns = value ? setting->interval_ns : 0;
	cpu_alarm_set_at(&t->alarm, value, now);
}

/* The same on the monotonic clock. */
static void set_by_time(struct posix_timer *t, bool absolute, const struct timer_setting *setting)
{
	u64 now = clock_now_ns(), value = setting->value_ns, ahead = clock_realtime_ns() - now;

	t->ahead_ns = 0;
	/* CLOCK_REALTIME is ahead of the monotonic clock. */
	if (value && absolute && (t->clock == CLOCK_REALTIME || t->clock == CLOCK_TAI)) {
		value = value > ahead ? value - ahead : 1;
		t->ahead_ns = ahead;
	}
	else if (value && !absolute)
		value += now;
	repeating_timer_set(&t->repeating, value, value ? setting->interval_ns : 0);
}

static struct timer_setting read_by_clock(const struct posix_timer *t, u64 now)
{
	u64 expires = t->alarm.expires_ns;

	return (struct timer_setting){expires > now ? expires - now
				      : expires	    ? 1
						    : 0,
				      t->repeating.interval_ns};
}

/* The time of the CPU clock of the timer, or 0.  It is read without limits.lock, since that takes
 * locks of processes; the caller is the only one who could delete the timer meanwhile, or another
 * thread of its process: then the references keep the clock. */
static u64 timer_cpu_time(struct process *p, int id)
{
	struct cpu_clock clock = {0};
	u64 flags = spin_lock_irq(&p->limits.lock), now = 0;
	struct posix_timer *t = timer_find(p, id);

	if (t && is_on_cpu_clock(t)) {
		clock = t->alarm.clock;
		process_get(clock.process);
		if (clock.thread)
			thread_get(clock.thread);
	}
	spin_unlock_irq(&p->limits.lock, flags);
	if (clock.process) {
		now = cpu_clock_ns(&clock);
		cpu_clock_put(&clock);
	}
	return now;
}

int posix_timer_exchange(int id, bool absolute, const struct timer_setting *setting,
			 struct timer_setting *old)
{
	struct process *p = current_process();
	u64 now = timer_cpu_time(p, id), flags = spin_lock_irq(&p->limits.lock);
	struct posix_timer *t = timer_find(p, id);

	if (t)
		*old = is_on_cpu_clock(t) ? read_by_clock(t, now)
					  : repeating_timer_read(&t->repeating);
	if (t && setting && is_on_cpu_clock(t))
		set_by_clock(t, absolute, setting, now);
	else if (t && setting)
		set_by_time(t, absolute, setting);
	spin_unlock_irq(&p->limits.lock, flags);
	return t ? 0 : -EINVAL;
}

/* CLOCK_REALTIME has been set: move the timers that were set to one of its times, a few at a time. */
static void timers_follow(struct process *p)
{
	struct posix_timer *t = NULL;
	int from = 0;

	do {
		u64 flags = spin_lock_irq(&p->limits.lock);
		u64 ahead = clock_realtime_ns() - clock_now_ns();

		for (u32 n = 0; n < MOVED_AT_ONCE && (t = timer_from(p, from)); n++) {
			u64 expires = t->repeating.expires_ns + t->ahead_ns;

			from = t->id + 1;
			if (!t->ahead_ns || !t->repeating.expires_ns)
				continue;
			t->ahead_ns = ahead;
			repeating_timer_set(&t->repeating, expires > ahead ? expires - ahead : 1,
					    t->repeating.interval_ns);
		}
		spin_unlock_irq(&p->limits.lock, flags);
	} while (t);
}

static void realtime_set(void)
{
	struct process *p;

	for (pid_t pid = 1; (p = process_next(pid)); process_put(p)) {
		pid = p->pid + 1;
		timers_follow(p);
	}
}

CLOCK_EVENTS(posix_timer_clock_events) = {realtime_set};

int posix_timer_getoverrun(int id)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits.lock);
	struct posix_timer *t = timer_find(p, id);
	int overrun = t ? READ_ONCE(t->signal.last_overrun) : -EINVAL;

	spin_unlock_irq(&p->limits.lock, flags);
	return overrun;
}

/* After this no lookup finds the timer, and its function does not start it again.  limits.lock is
 * held. */
static void timer_unlink(struct process *p, struct posix_timer *t)
{
	treap_remove(&per_process(p, process_timers)->by_id, &t->node);
	t->repeating.expires_ns = 0;
	t->alarm.expires_ns = 0;
}

int posix_timer_delete(int id)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits.lock);
	struct posix_timer *t = timer_find(p, id);

	if (t)
		timer_unlink(p, t);
	spin_unlock_irq(&p->limits.lock, flags);
	if (!t)
		return -EINVAL;
	timer_free(t);
	return 0;
}

static void posix_timers_release(struct process *p)
{
	struct posix_timer *t;

	do {
		u64 flags = spin_lock_irq(&p->limits.lock);

		t = timer_from(p, 0);
		if (t)
			timer_unlink(p, t);
		spin_unlock_irq(&p->limits.lock, flags);
		if (t)
			timer_free(t);
	} while (t);
}

ON_EVENT(exec, posix_timers_release);
ON_EVENT(exit, posix_timers_release);
