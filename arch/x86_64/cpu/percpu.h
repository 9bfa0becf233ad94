/* SPDX-License-Identifier: MIT
 *
 * What each CPU has for itself.  GS base points at this CPU's `struct cpu` while in the kernel
 * (swapgs at the roof's entries).  Higher floors keep theirs in DEFINE_PER_CPU() variables, of
 * which every CPU has a copy; all of them start as zero.
 */
#pragma once

#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"

struct thread;
struct pmap;

struct cpu {
	struct cpu *self;
	u64 percpu_offset;	/* added to a DEFINE_PER_CPU() variable's address */
	struct thread *current; /* the thread that runs here */
	u64 kernel_sp;		/* top of its kernel stack: where a system call's frame begins */
	u64 user_sp;		/* scratch of the system-call entry */
	u32 preempt_count;	/* > 0: not to be preempted; spinlocks count here too */
	u32 need_resched;	/* the running thread should give way */
	u32 id;			/* 0 .. cpu_count-1; 0 booted */
	u32 apic_id;
	u32 irq_depth;		  /* > 0: in an interrupt handler */
	struct pmap *pmap;	  /* whose page-table root is in CR3 */
	struct thread *fpu_owner; /* whose state the FPU registers hold; NULL: nobody's */
	u64 interrupts;		  /* taken here since boot */
	bool pmap_lazy;		  /* a kernel thread runs on a root that it does not need */
};

/* The calling CPU.  With preemption on the answer may be old at once: fine for `current`, which
 * moves along with its thread, and for nothing else. */
static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(c) : "i"(offsetof(struct cpu, self)));
	return c;
}

/* One field of it, in one instruction. */
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

/* Preemption is off while the count is above zero.  One instruction each, so that an interrupt
 * between load and store cannot matter. */
static inline void preempt_disable(void)
{
	__asm__ volatile("incl %%gs:%c0" ::"i"(offsetof(struct cpu, preempt_count)) : "memory");
}

/* Without a look at need_resched: for callers that know it will be looked at soon. */
static inline void preempt_enable_no_resched(void)
{
	__asm__ volatile("decl %%gs:%c0" ::"i"(offsetof(struct cpu, preempt_count)) : "memory");
}

static inline u32 preempt_count(void)
{
	return this_cpu_read(preempt_count);
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

/* The scheduler's function, given at its start: called by preempt_enable() when the count reaches
 * zero, a switch is due and interrupts are on. */
extern void (*preempt_hook)(void);
void preempt_due(void);

/* The count is lowered first and the rest looked at afterwards: an interrupt in between that wants
 * a switch either finds the count at zero and switches by itself, or is seen here. */
static inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (unlikely(need_resched()))
		preempt_due();
}

/* CPUs that the MADT lists, those that answered, by id. */
extern u32 cpu_count; /* CPUs that ever came online; ids below it are valid */
extern struct cpumask cpus_online;
struct cpu *cpu_get(u32 id); /* of a CPU that is or was online */

#define DEFINE_PER_CPU(type, name)	 __section(".percpu") typeof(type) name
#define DEFINE_PER_CPU_LARGE(type, name) __section(".percpu.large") typeof(type) name

/* This CPU's copy (preemption off), or another's. */
#define this_cpu_ptr(var)    ((typeof(var) *)((char *)&(var) + this_cpu_read(percpu_offset)))
#define per_cpu_ptr(var, id) ((typeof(var) *)((char *)&(var) + cpu_get(id)->percpu_offset))

/* The sum over all CPUs of a per-CPU variable, or of a member of one, which consists of counters of
 * type u64, into *sum.  Counts that are made meanwhile may be missing. */
#define per_cpu_sum(var, sum)                                                                      \
	percpu_sum_counters((const u64 *)&(var), (u64 *)(sum), sizeof(var) / sizeof(u64))
void percpu_sum_counters(const u64 *counters, u64 *sum, size_t count);

/* Make the calling CPU's `struct cpu` findable: the boot CPU's is static, its per-CPU variables are
 * the section itself.  Called first thing in kernel_main(). */
void percpu_init_boot_cpu(void);

/* Memory for one more CPU: its struct and its copy of the section, zeroed.  `memory` has
 * percpu_size() bytes, 64-aligned.  Returns the struct; the CPU itself calls percpu_load(). */
size_t percpu_size(void);
struct cpu *percpu_create(void *memory, u32 id, u32 apic_id);
void percpu_load(struct cpu *cpu);
