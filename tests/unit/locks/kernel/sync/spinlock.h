/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in for spinlocks whose functions the test gives itself.
 */
#pragma once

#include "kernel/lib/base.h"

struct lock_class {
	const char *name;
	u16 id;
};

struct spinlock {
	struct lock_class *class;
};

#define DEFINE_SPINLOCK(name) struct spinlock name

void spinlock_init(struct spinlock *lock, struct lock_class *class);
u64 spin_lock_irq(struct spinlock *lock);
void spin_unlock_irq(struct spinlock *lock, u64 flags);
