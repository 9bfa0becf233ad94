/* SPDX-License-Identifier: MIT
 *
 * The explorer's stand-in: the CPU of an actor has its number.
 */
#pragma once

#include "arch/x86_64/cpu/cpu.h"
#include "kernel/lib/base.h"
#include "kernel/lib/cpumask.h"
#include "kernel/log/panic.h"

struct arch_thread;
struct pmap;
struct thread;

struct cpu {
	struct thread *current;
	u32 preempt_count, need_resched, id, irq_depth;
	u64 kernel_sp;
	struct pmap *pmap;
	bool pmap_lazy;
	struct arch_thread *fpu_owner;
};

extern struct cpu explore_cpus[ACTORS];
extern u32 cpu_count;
extern struct cpumask cpus_online;

/* The variables are in a section whose name is known to the linker, and there are only their
 * places. */
extern char __start_percpu[], explore_percpu[ACTORS][4096];

#define DEFINE_PER_CPU(type, name) __section("percpu") typeof(type) name
#define per_cpu_ptr(var, id)	   ((typeof(var) *)(explore_percpu[id] + ((char *)&(var)-__start_percpu)))
#define this_cpu_ptr(var)	   per_cpu_ptr(var, explore_self())
#define this_cpu_read(field)	   (this_cpu()->field)

static inline struct cpu *this_cpu(void)
{
	return &explore_cpus[explore_self()];
}

static inline struct cpu *cpu_get(u32 id)
{
	return &explore_cpus[id];
}

static inline struct thread *current_thread(void)
{
	return this_cpu()->current;
}

static inline u32 this_cpu_id(void)
{
	return this_cpu()->id;
}

static inline u32 preempt_count(void)
{
	return this_cpu()->preempt_count;
}

static inline bool preemptible(void)
{
	return irqs_enabled() && !preempt_count() && !this_cpu()->irq_depth;
}

static inline void preempt_disable(void)
{
	this_cpu()->preempt_count++;
}

static inline bool need_resched(void)
{
	return READ_ONCE(this_cpu()->need_resched);
}

extern void (*preempt_hook)(void); /* NULL: each thread has a CPU of its own */

static inline void preempt_enable(void)
{
	this_cpu()->preempt_count--;
	if (preempt_hook && need_resched() && !preempt_count() && irqs_enabled())
		preempt_hook();
}
