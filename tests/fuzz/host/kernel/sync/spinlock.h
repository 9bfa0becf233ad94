/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in: one thread, so a lock is only checked.
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

#define SPINLOCK_INIT(lock_class)                                                                  \
	{                                                                                          \
		false                                                                              \
	}
#define DEFINE_SPINLOCK(name) struct spinlock name

static inline void spinlock_init(struct spinlock *lock, struct lock_class *class)
{
	lock->locked = false;
}

static inline void spin_lock(struct spinlock *lock)
{
	require(!lock->locked);
	lock->locked = true;
}

static inline void spin_unlock(struct spinlock *lock)
{
	require(lock->locked);
	lock->locked = false;
}

static inline u64 spin_lock_irq(struct spinlock *lock)
{
	spin_lock(lock);
	return 0;
}

static inline void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	spin_unlock(lock);
}

static inline void might_sleep(void)
{
}

#define assert_held(lock) require((lock)->locked)
