/* SPDX-License-Identifier: MIT
 *
 * The seeded scheduler (seed.h).
 */
#include "kernel/watch/seed/seed.h"

#include "arch/x86_64/cpu/trap_frame.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/linux/tracer.h"
#include "kernel/mem/slab.h"
#include "kernel/task/probe.h"
#include "kernel/task/runqueue.h"
#include "kernel/watch/seed/schedule.h"

#define CHOICES_MAX 64 /* the next holder is one of the 64 members that have waited longest */
#define WAIT_NS	    (100 * NSEC_PER_MSEC) /* timeout of a holder at a kernel lock */
#define PATIENCE    20 /* the holder gives way after so many; a paused machine causes only one */
#define SCALES	    8  /* preemption points are up to 2^0 .. 2^7 steps apart, 16 on average */

/* Number of steps to the next preemption point.  Short distances are likely, to hit races of a few
 * instructions; long ones let the other threads advance far. */
static u64 random_distance(struct seed_group *g)
{
	u64 r = seed_random(&g->random);

	return 1 + (r >> 32 & ((1U << r % SCALES) - 1));
}

struct seed_group *seed_group_create(u64 seed)
{
	struct seed_group *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	refcount_init(&g->refs, 1);
	list_init(&g->ready);
	g->seed = g->random = seed;
	g->last = UINT32_MAX;
	g->left = random_distance(g);
	g->hash = 0xcbf29ce484222325; /* initial value of FNV-1a */
	return g;
}

void seed_group_get(struct seed_group *g)
{
	refcount_get(&g->refs);
}

void seed_group_put(struct seed_group *g)
{
	if (!refcount_put(&g->refs))
		return;
	schedule_free(g->schedule);
	kfree(g);
}

/* FNV-1a, byte by byte. */
static void hash_add(struct seed_group *g, u64 value)
{
	for (u32 i = 0; i < 8; i++)
		g->hash = (g->hash ^ (value >> 8 * i & 0xff)) * 0x100000001b3;
}

static void set_holder(struct seed_group *g, struct thread *t)
{
	u32 number = t->seed->number;

	g->holder = t;
	if (number == g->last)
		return;
	g->last = number;
	g->switches++;
	hash_add(g, number);
	hash_add(g, g->steps);
}

/* A member becomes ready.  True if it is the holder and so belongs into the run queue; else it has
 * been put into the list of the group.  The lock of the group's run queue is held. */
bool seed_admit(struct thread *t)
{
	struct seed_group *g = t->seed->group;

	if (!g)
		return true;
	if (!g->holder)
		set_holder(g, t);
	if (g->holder == t)
		return true;
	list_push_back(&g->ready, &t->run_link);
	g->ready_count++;
	return false;
}

/* A ready member is being removed from its list.  True if it is the holder, and so is in the run
 * queue; else it is in the list of the group.  The lock of the group's run queue is held. */
bool seed_withdraw(struct thread *t)
{
	struct seed_group *g = t->seed->group;

	if (!g || g->holder == t)
		return true;
	g->ready_count--;
	return false;
}

u32 seed_group_cpu(const struct thread *t)
{
	return t->seed->group ? t->seed->group->cpu : MAX_CPUS;
}

bool seed_same_group(const struct thread *a, const struct thread *b)
{
	return seed_group_of(a) && seed_group_of(a) == seed_group_of(b);
}

/* Make a ready member the holder (NULL: the group has none) and put it into the run queue, at the
 * front unless `to_back`. */
static void pass_to(struct runqueue *rq, struct seed_group *g, struct thread *t, bool to_back,
		    u64 now_ns)
{
	g->holder = NULL;
	if (!t)
		return;
	runqueue_take(rq, t);
	set_holder(g, t);
	t->turn = to_back ? TURN_NEW : TURN_REST;
	t->slice_left_ns = rq->turn_end_ns - now_ns; /* used if another thread runs before it */
	runqueue_push(rq, t, now_ns);
}

/* Choose the next holder at random.  If no member is ready, the group has no holder. */
static void choose_holder(struct runqueue *rq, struct seed_group *g, bool to_back, u64 now_ns)
{
	struct thread *t = NULL;
	u64 n = 0;

	if (g->ready_count > 1)
		n = seed_random(&g->random) % MIN(g->ready_count, (u32)CHOICES_MAX);
	list_for_each (t, &g->ready, run_link)
		if (!n--)
			break;
	pass_to(rq, g, g->ready_count ? t : NULL, to_back, now_ns);
}

/* The running member of a group with a schedule gives up the CPU: one decision. */
static void decide(struct runqueue *rq, struct seed_group *g, struct thread *prev, bool to_back,
		   u64 now_ns)
{
	struct thread *next;

	g->steps++;
	next = schedule_choose(g, prev);
	if (next != prev)
		pass_to(rq, g, next, to_back, now_ns);
}

/* The running member gives up the CPU; `choose` is true if another member is to run.  If it is the
 * holder, and either goes to sleep or `choose` is true, the next holder is chosen and put into the
 * run queue, at the front unless `to_back`.  rq->lock is held. */
void seed_pass_on(struct runqueue *rq, struct thread *prev, bool choose, bool to_back, u64 now_ns)
{
	struct seed_group *g = prev->seed->group;

	/* A thread that has just joined runs although it is not the holder yet. */
	if (!g || g->holder != prev)
		return;
	if (prev->state != THREAD_RUNNABLE && prev->seed->stays)
		return;
	if (g->schedule) {
		if (prev->state != THREAD_RUNNABLE || choose)
			decide(rq, g, prev, to_back, now_ns);
	} else if (prev->state != THREAD_RUNNABLE || (choose && g->ready_count))
		choose_holder(rq, g, to_back, now_ns);
}

static void trace_preemption(u64 rip, u64 step)
{
	char text[TRACE_TEXT];

	if (trace_on(TRACE_MARK))
		trace_write_text(TRACE_MARK, 0, text,
				 (size_t)scnprintf(text, sizeof(text),
						   "sched_seed_preempt: pid=%d rip=%#lx step=%lu",
						   current_thread()->tid, rip, step));
}

/* Count one step of the running member, which continues at `rip`, and preempt it if this is a
 * preemption point.  Interrupts are off and no lock is held. */
void seed_step(u64 rip)
{
	struct runqueue *rq = this_runqueue();
	struct thread *t = current_thread();
	struct seed_group *g;
	bool choose = false;
	u64 step = 0;

	spin_lock(&rq->lock);
	g = t->seed->group; /* other threads may change it, under this lock */
	if (g && g->holder == t && !g->schedule) {
		step = ++g->steps;
		if (!--g->left) {
			g->left = random_distance(g);
			choose = g->ready_count;
		}
	}
	spin_unlock(&rq->lock);
	if (!choose)
		return;
	trace_preemption(rip, step);
	sched_yield_member();
}

/* Handle a debug exception.  False if the kernel had not set TF.  SYSCALL itself raises no debug
 * exception, since SFMASK clears TF: entry.c counts that step (seed_call_done()). */
bool seed_single_step(struct trap_frame *frame)
{
	if (!current_thread()->seed->stepping)
		return false;
	seed_step(frame->rip);
	return !is_ptrace_stepping(current_thread());
}

/* Clear TF before other code copies rflags, above all into a signal frame. */
void seed_trap_flag_clear(struct trap_frame *frame)
{
	struct seed_member *m = current_thread()->seed;

	if (m->stepping && !is_ptrace_stepping(current_thread()))
		frame->rflags &= ~RFLAGS_TF;
	m->stepping = false;
}

void seed_trap_flag_set(struct trap_frame *frame)
{
	struct seed_member *m = current_thread()->seed;

	if (!READ_ONCE(m->group) || !m->counts_steps)
		return;
	frame->rflags |= RFLAGS_TF;
	m->stepping = true;
}

/* wait_sleep() for a kernel lock, which is never held for long.  A lock that a thread outside the
 * group holds must not change the order of members: the caller stays the holder while it sleeps. */
void seed_wait_for_lock(struct wait_queue *q, struct spinlock *guard)
{
	struct seed_member *m = current_thread()->seed;
	int result;

	if (!READ_ONCE(m->group)) {
		(void)wait_sleep(q, guard, WAIT_FOREVER, 0);
		return;
	}
	m->stays = true;
	result = wait_sleep(q, guard, clock_now_ns() + WAIT_NS, 0);
	m->stays = false;
	m->waits = result != -ETIMEDOUT ? 0 : m->queue == q ? m->waits + 1 : 1;
	m->queue = q;
	if (m->waits < PATIENCE)
		return;
	m->waits = 0;
	/* The owner of the lock may wait for another lock, which a member held when it joined.  Let
	 * another member run, so that this lock can be released. */
	spin_unlock(guard);
	sched_yield_member();
	spin_lock(guard);
}

void seed_member_set_stays(bool stays)
{
	current_thread()->seed->stays = stays;
}

/* --- Joining and leaving ---------------------------------------------------------------------- */

/* Make the CPU of a running thread reschedule, as the thread may have to leave that CPU or to give
 * way to another member.  Interrupts are off. */
static void disturb(struct thread *t)
{
	u32 cpu = t->cpu;

	__atomic_store_n(&cpu_get(cpu)->need_resched, 1, __ATOMIC_SEQ_CST);
	if (cpu != this_cpu_id())
		smp_reschedule(cpu);
}

int seed_member_create(struct thread *t)
{
	struct seed_member *m;

	if (t->seed)
		return 0;
	m = kzalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	/* Release: *m is initialized before the CPU of the thread can see it. */
	__atomic_store_n(&t->seed, m, __ATOMIC_RELEASE);
	__atomic_fetch_or(&t->pending_work, WORK_SEEDED, __ATOMIC_SEQ_CST);
	return 0;
}

void seed_member_free(struct thread *t)
{
	if (t->seed->group)
		seed_group_put(t->seed->group);
	kfree(t->seed);
}

void seed_join(struct thread *t, struct seed_group *g)
{
	t->seed->group = g;
	if (!g)
		return;
	seed_group_get(g);
	t->seed->counts_steps = !g->schedule;
	t->seed->points = 0;
	if (g->schedule)
		schedule_join(g->schedule, t->seed);
	t->seed->number = __atomic_fetch_add(&g->members, 1, __ATOMIC_RELAXED);
}

void seed_move(struct thread *t, struct seed_group *g)
{
	u64 flags = irq_save();
	struct runqueue *rq = runqueue_lock_of(t);
	struct seed_group *old = t->seed->group;
	bool queued = t->on_queue;

	if (queued)
		runqueue_take(rq, t);
	/* The holder is in the run queue of the group's CPU, whose lock is held here; other members
	 * need not be on that CPU. */
	if (old && old->holder == t)
		choose_holder(rq, old, true, clock_now_ns());
	if (g && !g->members)
		g->cpu = this_cpu_id();
	seed_join(t, g);
	if (t->on_cpu) {
		if (g && g->cpu == t->cpu && !g->holder)
			set_holder(g, t);
		else
			disturb(t);
	}
	if (queued)
		balance_enqueue(rq, t, true, clock_now_ns());
	else
		spin_unlock(&rq->lock);
	irq_restore(flags);
	if (old)
		seed_group_put(old);
}

int seed_join_parent(struct thread *t)
{
	struct seed_member *parent = current_thread()->seed;

	if (!parent->group && !parent->stepping)
		return 0;
	if (seed_member_create(t))
		return -ENOMEM;
	t->seed->stepping = parent->stepping; /* TF is in its trap frame, a copy of the parent's */
	seed_join(t, parent->group);
	return 0;
}

void seed_read(struct seed_group *g, struct seed_counters *counters)
{
	struct runqueue *rq = runqueue_of(g->cpu);
	u64 flags = spin_lock_irq(&rq->lock);

	*counters = (struct seed_counters){.steps = g->steps,
					   .switches = g->switches,
					   .hash = g->hash,
					   .holder = g->holder ? g->holder->tid : 0};
	spin_unlock_irq(&rq->lock, flags);
}
