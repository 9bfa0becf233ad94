/* SPDX-License-Identifier: MIT
 *
 * Spinlocks.  Each belongs to a class; debug builds check the order between classes (lockdep.h).
 * While a CPU holds one, preemption is off.  A lock that an interrupt handler also takes must
 * always be taken with interrupts off (the _irq forms): otherwise the handler could interrupt the
 * holder and wait for it for ever.  docs/rooms/sync.md lists all locks of the kernel in their
 * order.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/log/panic.h"

struct lock_class {
	const char *name;
	u16 id; /* the checker sets it at first use */
};

struct spinlock {
	u32 owner; /* the id of the CPU that holds the lock, plus 1; 0: free */
	struct lock_class *class;
	const void *where; /* address of the code that took it, for reports */
};

#define SPINLOCK_INIT(lock_class)                                                                  \
	{                                                                                          \
		0, (lock_class), NULL                                                              \
	}

/* Define a lock together with a class that contains only this lock. */
#define DEFINE_SPINLOCK(name)                                                                      \
	static struct lock_class name##_class = {#name, 0};                                        \
	struct spinlock name = SPINLOCK_INIT(&name##_class)

static inline void spinlock_init(struct spinlock *lock, struct lock_class *class)
{
	*lock = (struct spinlock)SPINLOCK_INIT(class);
}

/* Returns the address of this instruction. */
#define code_here()                                                                                \
	({                                                                                         \
		const void *here_;                                                                 \
		__asm__ volatile("1: leaq 1b(%%rip), %0" : "=r"(here_));                           \
		here_;                                                                             \
	})

/* Wait for a lock that another CPU holds, and take it.  Panics after a minute; during a panic,
 * returns without the lock.  `where`: the code that takes it. */
void spin_wait(struct spinlock *lock, const void *where);

/* The checks of debug builds. */
void spin_check_acquire(struct spinlock *lock, const void *where, u32 lockdep_flags);
void spin_check_release(struct spinlock *lock);

/* Take the lock if it is free.  Acquire: no later access of the caller is moved before it. */
static inline bool spin_try(struct spinlock *lock)
{
	u32 nobody = 0;

	return __atomic_compare_exchange_n(&lock->owner, &nobody, this_cpu_id() + 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Inline, because every path takes several locks. */
static __always_inline void spin_acquire(struct spinlock *lock, u32 lockdep_flags)
{
	preempt_disable();
	if (HEDDLE_DEBUG)
		spin_check_acquire(lock, code_here(), lockdep_flags);
	if (unlikely(!spin_try(lock)))
		spin_wait(lock, code_here());
	/* lock->where = the address of this very instruction. */
	__asm__ volatile("1: movq $1b, %0" : "=m"(lock->where));
}

/* Release: all earlier accesses of the caller are visible before the lock is free. */
static __always_inline void spin_release(struct spinlock *lock)
{
	if (HEDDLE_DEBUG)
		spin_check_release(lock);
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
}

enum lockdep_flags {
	LOCKDEP_SLEEPING = 1, /* a mutex or rwlock: the thread holds it, not the CPU */
	LOCKDEP_NESTED = 2,   /* the second lock of one class: the caller guarantees the order */
	LOCKDEP_IRQS_ON = 4,  /* interrupts were on before it was taken */
};

/* Reading the flags register takes longer than taking the lock, so only debug builds do it. */
static inline u32 lockdep_irqs_flag(void)
{
	return HEDDLE_DEBUG && irqs_enabled() ? LOCKDEP_IRQS_ON : 0;
}

/* Take a lock that no interrupt handler takes; interrupts may be on.  Does not sleep. */
static __always_inline void spin_lock(struct spinlock *lock)
{
	spin_acquire(lock, lockdep_irqs_flag());
}

/* Take the second lock of one class.  The caller guarantees the order of the two (by address, or
 * parent before child). */
static __always_inline void spin_lock_nested(struct spinlock *lock)
{
	spin_acquire(lock, LOCKDEP_NESTED | lockdep_irqs_flag());
}

static __always_inline void spin_unlock(struct spinlock *lock)
{
	spin_release(lock);
	preempt_enable();
}

/* Disable interrupts and take the lock.  Returns the old flags, for spin_unlock_irq().  (Linux
 * calls this spin_lock_irqsave().) */
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

/* Returns whether the calling CPU holds the lock. */
static inline bool spin_held(const struct spinlock *lock)
{
	return READ_ONCE(lock->owner) == this_cpu_id() + 1;
}

/* During a panic, spin_wait() returns without the lock.  This assertion must not fail then and hide
 * the first panic. */
#define assert_held(lock) assert(spin_held(lock) || panic_in_progress)

/* A function that may sleep calls might_sleep() at its beginning.  Debug builds panic if a spinlock
 * is held, in an interrupt handler, or if interrupts are off.  In other builds it folds to nothing.
 */
void sleep_check(void);

static __always_inline void might_sleep(void)
{
	if (HEDDLE_DEBUG)
		sleep_check();
}
