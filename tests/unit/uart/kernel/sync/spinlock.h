/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: checks that a lock is free when taken, and held when given back.
 */
#pragma once

#include <stdlib.h>

#include "arch/x86_64/cpu/cpu.h"
#include "kernel/log/panic.h"

struct spinlock {
	bool locked;
};

#define DEFINE_SPINLOCK(name) struct spinlock name

static inline bool spin_held(const struct spinlock *lock)
{
	return lock->locked;
}

static inline u64 spin_lock_irq(struct spinlock *lock)
{
	u64 flags = irq_save();

	if (lock->locked)
		abort();
	lock->locked = true;
	return flags;
}

static inline void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	lock->locked = false;
	irq_restore(flags);
}
