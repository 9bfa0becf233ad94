/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: checks that a lock is free when taken, and held when given back.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/log/panic.h"

struct lock_class {
	const char *name;
	u16 id;
};

struct spinlock {
	bool locked;
};

#define DEFINE_SPINLOCK(name) struct spinlock name

static inline void spinlock_init(struct spinlock *lock, struct lock_class *class)
{
	lock->locked = false;
	class->id = 1;
}

static inline u64 spin_lock_irq(struct spinlock *lock)
{
	u64 flags = irq_save();

	require(!lock->locked);
	lock->locked = true;
	host_preempt_count++;
	return flags;
}

static inline void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	require(lock->locked && !host_irqs);
	lock->locked = false;
	host_preempt_count--;
	irq_restore(flags);
}

static inline void might_sleep(void)
{
	require(host_irqs && !host_preempt_count);
}

#define assert_held(lock) require((lock)->locked)
