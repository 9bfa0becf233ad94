/* SPDX-License-Identifier: MIT
 *
 * Spinlocks.  Each belongs to a class; debug builds record the order between classes and stop on
 * the first inversion (lockdep.h).  Holding one keeps preemption off.  A lock that an interrupt
 * handler also takes is always taken with interrupts off (the _irq forms).
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/log/panic.h"

struct lock_class {
	const char *name;
	u16 id; /* given at first use by the checker */
};

struct spinlock {
	u32 owner; /* the lock itself: CPU id + 1, 0: free */
	struct lock_class *class;
	const void *where; /* that took it */
};

#define SPINLOCK_INIT(lock_class)                                                                  \
	{                                                                                          \
		0, (lock_class), NULL                                                              \
	}

/* A lock and a class of its own, for single locks. */
#define DEFINE_SPINLOCK(name)                                                                      \
	static struct lock_class name##_class = {#name, 0};                                        \
	struct spinlock name = SPINLOCK_INIT(&name##_class)

void spinlock_init(struct spinlock *lock, struct lock_class *class);

/* The address of this instruction. */
#define code_here()                                                                                \
	({                                                                                         \
		const void *here_;                                                                 \
		__asm__ volatile("1: leaq 1b(%%rip), %0" : "=r"(here_));                           \
		here_;                                                                             \
	})

/* The lock is held by another CPU. */
void spin_wait(struct spinlock *lock, const void *where);

/* Debug builds. */
void spin_check_acquire(struct spinlock *lock, const void *where, u32 lockdep_flags);
void spin_check_release(struct spinlock *lock);

static inline bool spin_try(struct spinlock *lock)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(&lock->owner, &free, this_cpu_id() + 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Inline, as every path takes several.  `where` is this very instruction. */
static __always_inline void spin_acquire(struct spinlock *lock, u32 lockdep_flags)
{
	preempt_disable();
	if (HEDDLE_DEBUG)
		spin_check_acquire(lock, code_here(), lockdep_flags);
	if (unlikely(!spin_try(lock)))
		spin_wait(lock, code_here());
	__asm__ volatile("1: movq $1b, %0" : "=m"(lock->where)); /* one store, no register */
}

static __always_inline void spin_release(struct spinlock *lock)
{
	if (HEDDLE_DEBUG)
		spin_check_release(lock);
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
}

enum lockdep_flags {
	LOCKDEP_SLEEPING = 1, /* a mutex: belongs to the thread */
	LOCKDEP_NESTED = 2,   /* a second one of its class is fine: the caller knows their order */
	LOCKDEP_IRQS_ON = 4,  /* interrupts were on before it was taken */
};

/* Reading the flags register costs more than the lock does: only where it is looked at. */
static inline u32 lockdep_irqs_flag(void)
{
	return HEDDLE_DEBUG && irqs_enabled() ? LOCKDEP_IRQS_ON : 0;
}

/* Interrupts may be on: no handler takes this lock. */
static __always_inline void spin_lock(struct spinlock *lock)
{
	spin_acquire(lock, lockdep_irqs_flag());
}

/* Two locks of one class, the caller knowing their order (by address): for the second. */
static __always_inline void spin_lock_nested(struct spinlock *lock)
{
	spin_acquire(lock, LOCKDEP_NESTED | lockdep_irqs_flag());
}

static __always_inline void spin_unlock(struct spinlock *lock)
{
	spin_release(lock);
	preempt_enable();
}

/* With interrupts off; the returned flags are given back at the unlock. */
static __always_inline u64 spin_lock_irq(struct spinlock *lock)
{
	u64 flags = irq_save();

	spin_acquire(lock, 0);
	return flags;
}

static __always_inline void spin_unlock_irq(struct spinlock *lock, u64 flags)
{
	spin_release(lock);
	irq_restore(flags);
	preempt_enable();
}

/* Does the calling CPU hold it? */
static inline bool spin_held(const struct spinlock *lock)
{
	return READ_ONCE(lock->owner) == this_cpu_id() + 1;
}
/* While the kernel stops, waiters go on without: the panic to be reported is not theirs. */
#define assert_held(lock) assert(spin_held(lock) || panic_in_progress)

/* Stop the kernel unless a sleeping function may be called here: no spinlock held, not inside an
 * interrupt, interrupts on.  Debug builds check; in others it folds to nothing. */
void sleep_check(void);

static __always_inline void might_sleep(void)
{
	if (HEDDLE_DEBUG)
		sleep_check();
}
