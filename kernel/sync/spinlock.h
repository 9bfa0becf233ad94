/* SPDX-License-Identifier: MIT
 *
 * Spinlocks.  Each belongs to a class; debug builds record the order between classes and stop on
 * the first inversion (lockdep.h).  Holding one keeps preemption off.  A lock that an interrupt
 * handler also takes is always taken with interrupts off (the _irq forms).
 */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "kernel/lib/panic.h"

struct lock_class {
	const char *name;
	u16 id; /* given at first use by the checker */
};

struct spinlock {
	u32 locked;
	u32 owner; /* CPU id + 1, 0: free */
	struct lock_class *class;
	const void *where; /* caller that took it */
};

#define SPINLOCK_INIT(lock_class) {0, 0, (lock_class), NULL}

/* A lock and a class of its own, for single locks. */
#define DEFINE_SPINLOCK(name)                                                                      \
	static struct lock_class name##_class = {#name, 0};                                        \
	struct spinlock name = SPINLOCK_INIT(&name##_class)

void spinlock_init(struct spinlock *lock, struct lock_class *class);

/* Interrupts may be on: no handler takes this lock. */
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

/* With interrupts off; the returned flags are given back at the unlock. */
u64 spin_lock_irq(struct spinlock *lock);
void spin_unlock_irq(struct spinlock *lock, u64 flags);

/* Does the calling CPU hold it? */
bool spin_held(const struct spinlock *lock);
#define assert_held(lock) assert(spin_held(lock))

/* A sleeping function may be called here: no spinlock held, interrupts on.  Debug builds check. */
void might_sleep(void);

/* For the panic report: locks held by a CPU, oldest first.  Debug builds only; else nothing. */
void locks_held_print(u32 cpu, void (*print)(const char *fmt, ...));
