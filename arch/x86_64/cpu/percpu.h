/* SPDX-License-Identifier: MIT
 *
 * Per-CPU data.  In the kernel, GS base points to the `struct cpu` of this CPU (entry.S executes
 * SWAPGS on every way in and out).  Higher floors use DEFINE_PER_CPU() variables: every CPU has its
 * own copy of them, which starts as zero.
 */
#pragma once

#include "kernel/lib/base.h"
#include "arch/x86_64/cpu/cpu.h"
#include "kernel/lib/cpumask.h"
#include "kernel/log/panic.h"

struct arch_thread;
struct thread;
struct pmap;

struct cpu {
	struct cpu *self;
	u64 percpu_offset;	/* added to a DEFINE_PER_CPU() variable's address */
	struct thread *current; /* the thread that runs here */
	u64 kernel_sp;		/* top of its kernel stack: a system call builds its frame there */
	u64 user_sp;		/* the user's rsp during the first instructions of a system call */
	u32 preempt_count;	/* > 0: preemption is off; each held spinlock adds 1 */
	u32 need_resched;	/* 1: the running thread should call the scheduler. */
	u32 id;			/* 0 .. cpu_count-1; 0 booted */
	u32 apic_id;
	u32 irq_depth;		  /* > 0: in an interrupt handler */
	struct pmap *pmap;	  /* the page tables whose root is in CR3 */
	struct arch_thread *fpu_owner; /* of the thread whose state the FPU registers hold, or NULL;
					* compared, never followed */
	u64 interrupts;		  /* interrupts that were handled here since boot */
	bool fpu_in_use;	  /* CR0.TS is clear: the running thread may use these registers */
	bool pmap_lazy;		  /* a kernel thread runs and does not need the root in CR3 */
};

/* One field of it, read by one instruction.  For `current` this is right even while preemption is
 * on, because `current` moves with the thread.  Any other field may be out of date. */
#define this_cpu_read(field)                                                                       \
	({                                                                                         \
		typeof(((struct cpu *)0)->field) value_;                                           \
		__asm__ volatile("mov %%gs:%c1, %0"                                                \
				 : "=r"(value_)                                                    \
				 : "i"(offsetof(struct cpu, field))                                \
				 : "memory");                                                      \
		value_;                                                                            \
	})

static inline struct thread *current_thread(void)
{
	return this_cpu_read(current);
}

static inline u32 this_cpu_id(void)
{
	return this_cpu_read(id);
}

/* Preemption is off while the count is above zero.  The change is one instruction, so no interrupt
 * can come between its load and its store. */
static inline void preempt_disable(void)
{
	__asm__ volatile("incl %%gs:%c0" ::"i"(offsetof(struct cpu, preempt_count)) : "memory");
}

/* Do not test need_resched: for callers after which it is soon tested anyway. */
static inline void preempt_enable_no_resched(void)
{
	__asm__ volatile("decl %%gs:%c0" ::"i"(offsetof(struct cpu, preempt_count)) : "memory");
}

static inline u32 preempt_count(void)
{
	return this_cpu_read(preempt_count);
}

/* May the caller be preempted, and may it sleep?  Each part is one instruction.  If all are true,
 * each was true on the CPU that executed it, since a CPU that runs such a thread has a count and a
 * depth of zero; if one is false, the thread does not move. */
static inline bool preemptible(void)
{
	return irqs_enabled() && !preempt_count() && !this_cpu_read(irq_depth);
}

/* The calling CPU.  Preemption must be off, which debug builds check: otherwise the thread may move
 * to another CPU before the result is used. */
static inline struct cpu *this_cpu(void)
{
	assert(!preemptible());
	return this_cpu_read(self);
}

static inline bool need_resched(void)
{
	bool n;

	__asm__ volatile("cmpl $0, %%gs:%c1"
			 : "=@ccne"(n)
			 : "i"(offsetof(struct cpu, need_resched))
			 : "memory");
	return n;
}

/* The slow path of preempt_enable(): if the count is zero and interrupts are on, call preempt_hook.
 * The scheduler sets this pointer to its preempt_schedule(). */
extern void (*preempt_hook)(void);
void preempt_due(void);

/* Decrement the count first, then test need_resched.  If an interrupt comes between the two, it may
 * switch threads itself, and need_resched is clear again when we test it. */
static inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (unlikely(need_resched()))
		preempt_due();
}

extern u32 cpu_count; /* one more than the highest id of a CPU that came online */
extern struct cpumask cpus_online;

extern struct cpu *cpus[MAX_CPUS]; /* NULL: it did not come online */

static inline struct cpu *cpu_get(u32 id)
{
	return cpus[id];
}

#define DEFINE_PER_CPU(type, name)	 __section(".percpu") typeof(type) name
#define DEFINE_PER_CPU_LARGE(type, name) __section(".percpu.large") typeof(type) name

/* The copy that belongs to this CPU (preemption off), or to the CPU `id`. */
#define this_cpu_ptr(var)                                                                          \
	(HEDDLE_DEBUG ? (void)this_cpu() : (void)0,                                                \
	 (typeof(var) *)((u64)&(var) + this_cpu_read(percpu_offset)))
#define per_cpu_ptr(var, id) ((typeof(var) *)((u64)&(var) + cpu_get(id)->percpu_offset))


/* Set up the `struct cpu` of the boot CPU, which is static; its per-CPU variables are the section
 * itself.  kernel_main() calls this first. */
void percpu_init_boot_cpu(void);

/* Set up `memory` for one more CPU: its struct and its copy of the per-CPU variables, all zero.
 * `memory` has percpu_size() bytes and is 64-byte aligned.  Returns the struct.  The CPU itself
 * must call percpu_load(), which loads GS base. */
size_t percpu_size(void);
struct cpu *percpu_create(void *memory, u32 id, u32 apic_id);
void percpu_load(struct cpu *cpu);
