/* SPDX-License-Identifier: MIT
 *
 * Spinlocks: read until the lock looks free, and only then try to take it.  There is no queue: if
 * there are more virtual than real CPUs, a fair queue makes all wait for a waiter whose virtual CPU
 * does not run.
 */
#include "kernel/sync/spinlock.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "kernel/sync/lockdep.h"

#define STUCK_NS (60 * NSEC_PER_SEC)

void spin_wait(struct spinlock *lock, const void *where)
{
	u64 start = clock_now_ns();

	for (u64 spins = 1; READ_ONCE(lock->owner) || !spin_try(lock); spins++) {
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

void spin_check_acquire(struct spinlock *lock, const void *where, u32 lockdep_flags)
{
	lockdep_acquire(lock->class, lock, where, lockdep_flags);
}

void spin_check_release(struct spinlock *lock)
{
	require(spin_held(lock) || panic_in_progress);
	lockdep_release(lock, false);
}

void sleep_check(void)
{
	if (current_thread() && !preemptible())
		panic(
		    "sleeping function called at %p with preemption count %u, interrupt depth %u, "
		    "interrupts %s",
		    __builtin_return_address(0), preempt_count(), this_cpu_read(irq_depth),
		    irqs_enabled() ? "on" : "off");
}
