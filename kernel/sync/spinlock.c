/* SPDX-License-Identifier: MIT
 *
 * Spinlocks: test, then test-and-set.  No queue: with more virtual than real CPUs a fair queue
 * stalls everybody behind a waiter that does not run.
 */
#include "kernel/sync/spinlock.h"

#include "arch/x86_64/clock.h"
#include "kernel/sync/lockdep.h"

#define STUCK_NS (60 * NSEC_PER_SEC)

void spinlock_init(struct spinlock *lock, struct lock_class *class)
{
	*lock = (struct spinlock)SPINLOCK_INIT(class);
}

static bool try_acquire(struct spinlock *lock)
{
	return !READ_ONCE(lock->locked) && !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

static void __noinline wait_and_acquire(struct spinlock *lock, const void *where)
{
	u64 start = clock_now_ns();

	for (u64 spins = 1; !try_acquire(lock); spins++) {
		cpu_relax();
		if (panic_in_progress)
			return;
		if (spins % 65536 == 0 && clock_now_ns() - start > STUCK_NS)
			panic("spinlock %s: CPU %u waits at %p; CPU %d has held it for a minute, "
			      "from %p",
			      lock->class->name, this_cpu_id(), where,
			      (int)READ_ONCE(lock->owner) - 1, READ_ONCE(lock->where));
	}
}

/* Reading the flags register costs more than the lock does: only where it is looked at. */
static u32 irqs_flag(void)
{
	return HEDDLE_DEBUG && irqs_enabled() ? LOCKDEP_IRQS_ON : 0;
}

static void acquire(struct spinlock *lock, const void *where, u32 lockdep_flags)
{
	preempt_disable();
	if (HEDDLE_DEBUG)
		lockdep_acquire(lock->class, lock, where, lockdep_flags);
	if (unlikely(!try_acquire(lock)))
		wait_and_acquire(lock, where);
	WRITE_ONCE(lock->owner, this_cpu_id() + 1);
	WRITE_ONCE(lock->where, where);
}

static void release(struct spinlock *lock)
{
	if (HEDDLE_DEBUG) {
		require(spin_held(lock) || panic_in_progress);
		lockdep_release(lock, false);
	}
	WRITE_ONCE(lock->owner, 0);
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

void spin_lock(struct spinlock *lock)
{
	acquire(lock, __builtin_return_address(0), irqs_flag());
}

void spin_lock_nested(struct spinlock *lock)
{
	acquire(lock, __builtin_return_address(0), LOCKDEP_NESTED | irqs_flag());
}

void spin_unlock(struct spinlock *lock)
{
	release(lock);
	preempt_enable();
}

u64 spin_lock_irq(struct spinlock *lock)
{
	u64 flags = irq_save();

	acquire(lock, __builtin_return_address(0), 0);
	return flags;
}

void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	release(lock);
	irq_restore(flags);
	preempt_enable();
}

bool spin_held(const struct spinlock *lock)
{
	return READ_ONCE(lock->owner) == this_cpu_id() + 1;
}

void might_sleep(void)
{
	if (!HEDDLE_DEBUG || !current_thread())
		return;
	if (preempt_count() || this_cpu()->irq_depth || !irqs_enabled())
		panic(
		    "sleeping function called at %p with preemption count %u, interrupt depth %u, "
		    "interrupts %s",
		    __builtin_return_address(0), preempt_count(), this_cpu()->irq_depth,
		    irqs_enabled() ? "on" : "off");
}
