/* SPDX-License-Identifier: MIT
 *
 * The lock-order checker (lockdep.h).  Each lock class gets a small number.  For each class `order`
 * has the set of classes that were ever acquired while it was held, directly or through others.
 */
#include "kernel/sync/lockdep.h"

#include "arch/x86_64/pc/stop.h"
#include "kernel/log/log.h"
#include "kernel/task/thread.h"
#include "kernel/watch/symbols.h"
#include "kernel/watch/sysrq.h"

#define CLASSES_MAX (LOCKDEP ? 128 : 1)
#define WORDS	    ((CLASSES_MAX + 63) / 64)

static u32 class_count = 1; /* 0 means that a class has no number yet */
static u64 order[CLASSES_MAX][WORDS];
static const void *order_where[CLASSES_MAX][CLASSES_MAX];
static bool taken_in_irq[CLASSES_MAX], taken_irqs_on[CLASSES_MAX];
static u32 graph_lock;

static DEFINE_PER_CPU(struct held_locks, cpu_locks);

static void graph_acquire(void)
{
	while (__atomic_exchange_n(&graph_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static void graph_release(void)
{
	__atomic_store_n(&graph_lock, 0, __ATOMIC_RELEASE);
}

/* Has class `b` ever been acquired while class `a` was held? */
static bool is_before(u32 a, u32 b)
{
	return order[a][b / 64] >> (b % 64) & 1;
}

/* Give the class a number.  Panics if there are too many. */
static void class_number(struct lock_class *class)
{
	u64 flags = irq_save();

	graph_acquire();
	if (!class->id) {
		if (class_count == CLASSES_MAX) {
			graph_release();
			panic("lock checker: more than %d lock classes", CLASSES_MAX);
		}
		__atomic_store_n(&class->id, (u16)class_count++, __ATOMIC_RELEASE);
	}
	graph_release();
	irq_restore(flags);
}

/* Record that `after` is acquired while `before` is held; panic if this makes a cycle.  `order` is
 * kept transitively closed: each class that precedes `before` also precedes `after` and all classes
 * that follow `after`. */
static void record_order(const struct held_lock *before, struct lock_class *after,
			 const void *where)
{
	u32 a = before->class->id, b = after->id;
	u64 flags;

	if (is_before(a, b))
		return;
	flags = irq_save();
	graph_acquire();
	for (u32 x = 1; x < class_count && !is_before(b, a); x++) {
		if (x != a && !is_before(x, a))
			continue;
		for (u32 y = 1; y < class_count; y++) {
			if (is_before(x, y) || (y != b && !is_before(b, y)))
				continue;
			order_where[x][y] = where;
			__atomic_fetch_or(&order[x][y / 64], 1UL << (y % 64), __ATOMIC_RELEASE);
		}
	}
	graph_release();
	irq_restore(flags);
	if (is_before(b, a))
		panic(
		    "lock order: %s taken at %p while %s is held (from %p); but %s was taken after "
		    "%s before, at %p",
		    after->name, where, before->class->name, before->where, before->class->name,
		    after->name, order_where[b][a]);
}

/* Check the acquisition of a lock against each lock that is held: same lock, same class, order. */
static void check_against(const struct held_locks *locks, struct lock_class *class,
			  const void *lock, const void *where, bool nested)
{
	for (u32 i = 0; i < locks->count; i++) {
		const struct held_lock *h = &locks->held[i];

		if (h->lock == lock)
			panic("lock %s taken twice: at %p, held since %p", class->name, where,
			      h->where);
		if (!h->class)
			continue;
		if (h->class != class)
			record_order(h, class, where);
		else if (!nested)
			panic("two locks of class %s: at %p, the other held since %p", class->name,
			      where, h->where);
	}
}

/* The spinlocks held by the calling CPU, or the sleeping locks held by its thread.  NULL if there
 * is no thread yet, before sched_init(). */
static struct held_locks *locks_of(bool sleeping)
{
	struct thread *t = current_thread();

	if (!sleeping)
		return this_cpu_ptr(cpu_locks);
	return t ? &t->held : NULL;
}

void lockdep_record_acquire(struct lock_class *class, const void *lock, const void *where,
			    u32 flags)
{
	struct held_locks *locks, *of_thread;
	u64 irqs;

	if (!LOCKDEP || panic_in_progress)
		return;
	irqs = irq_save();
	if (class) {
		if (!class->id)
			class_number(class);
		check_against(this_cpu_ptr(cpu_locks), class, lock, where, flags & LOCKDEP_NESTED);
		of_thread = this_cpu_read(irq_depth) ? NULL : locks_of(true);
		if (of_thread)
			check_against(of_thread, class, lock, where, flags & LOCKDEP_NESTED);
		if (this_cpu_read(irq_depth))
			taken_in_irq[class->id] = true;
		if (flags & LOCKDEP_IRQS_ON)
			taken_irqs_on[class->id] = true;
		if (taken_in_irq[class->id] && taken_irqs_on[class->id])
			panic("lock %s is taken by an interrupt handler, and with interrupts on: "
			      "at %p",
			      class->name, where);
	}
	locks = locks_of(flags & LOCKDEP_SLEEPING);
	if (locks) {
		if (locks->count == LOCKDEP_HELD_MAX)
			panic("lock checker: more than %d locks held at %p", LOCKDEP_HELD_MAX,
			      where);
		locks->held[locks->count++] = (struct held_lock){lock, class, where};
	}
	irq_restore(irqs);
}

void lockdep_record_release(const void *lock, bool sleeping)
{
	struct held_locks *locks;
	u64 irqs;

	if (!LOCKDEP || panic_in_progress)
		return;
	irqs = irq_save();
	locks = locks_of(sleeping);
	for (u32 i = locks ? locks->count : 0; i > 0; i--) {
		if (locks->held[i - 1].lock != lock)
			continue;
		locks->count--;
		for (u32 j = i - 1; j < locks->count; j++)
			locks->held[j] = locks->held[j + 1];
		break;
	}
	irq_restore(irqs);
}

/* Print the spinlocks held by a CPU, oldest first, and for the calling CPU also the sleeping locks
 * of its thread.  Returns their number. */
static u32 report_locks_of(u32 cpu)
{
	const struct held_locks *lists[2] = {per_cpu_ptr(cpu_locks, cpu), NULL};
	char where[64];
	u32 count = 0;

	if (cpu == this_cpu_id())
		lists[1] = locks_of(true);
	for (u32 l = 0; l < 2; l++)
		for (u32 i = 0; lists[l] && i < MIN(lists[l]->count, (u32)LOCKDEP_HELD_MAX); i++) {
			const struct held_lock *h = &lists[l]->held[i];

			symbol_format(where, sizeof(where), (u64)h->where);
			log_error("  CPU %u: %s %p taken at %s", cpu,
				  h->class ? h->class->name : "(tried)", h->lock, where);
			count++;
		}
	return count;
}

static void report_locks(void)
{
	u32 count = 0;

	log_error("locks held%s:", LOCKDEP ? "" : " (not known: only `make DEBUG=1' records them)");
	cpumask_for_each (cpu, &cpus_online)
		count += LOCKDEP ? report_locks_of(cpu) : 0;
	if (LOCKDEP && !count)
		log_error("  none");
}

PANIC_NOTE(30, report_locks);

SYSRQ_COMMANDS(lock_command) = {
    {'d', SYSRQ_TWICE, "spinlocks that each CPU holds (debug builds)", report_locks},
};
