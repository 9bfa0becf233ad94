/* SPDX-License-Identifier: MIT
 *
 * membarrier(2): a full memory barrier in all threads that run, so that one side of a pair of
 * barriers costs its thread nothing.
 */
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define GLOBAL			    1U
#define GLOBAL_EXPEDITED	    2U
#define REGISTER_GLOBAL_EXPEDITED   4U
#define PRIVATE_EXPEDITED	    8U
#define REGISTER_PRIVATE_EXPEDITED  16U
#define PRIVATE_EXPEDITED_SYNC_CORE 32U
#define REGISTER_PRIVATE_SYNC_CORE  64U
#define GET_REGISTRATIONS	    512U
#define REGISTER_ALL                                                                               \
	(REGISTER_GLOBAL_EXPEDITED | REGISTER_PRIVATE_EXPEDITED | REGISTER_PRIVATE_SYNC_CORE)
#define COMMANDS                                                                                   \
	(GLOBAL | GLOBAL_EXPEDITED | PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_SYNC_CORE |             \
	 REGISTER_ALL | GET_REGISTRATIONS)

/* The REGISTER_* commands that the process has given since it began its program (atomic), and those
 * that were in force when the thread was made: a new process begins with those of its parent. */
static DEFINE_PER_PROCESS(u32, registered);
static DEFINE_PER_THREAD(u32, inherited);

static u32 registrations(void)
{
	return __atomic_load_n(per_process(current_process(), registered), __ATOMIC_RELAXED) |
	       *per_thread(current_thread(), inherited);
}

static void inherit(struct thread *t)
{
	*per_thread(t, inherited) = registrations();
}

static void forget(struct process *p)
{
	*per_process(p, registered) = 0;
	*per_thread(current_thread(), inherited) = 0;
}

ON_EVENT(clone, inherit);
ON_EVENT(exec, forget);

/* CPUID is a full barrier, and it serializes: what is fetched afterwards is new code, too. */
static void serialize(void *unused)
{
	(void)cpuid(0, 0);
}

/* A full barrier on this CPU and on others of `cpus`, which other CPUs may change. */
static long barrier_on(const struct cpumask *cpus)
{
	struct cpumask others;

	preempt_disable();
	/* Full barrier: the caller's accesses come before the reading of `cpus`.  Pairs with
	 * cpumask_set() in pmap_switch(): a CPU that is not in the set yet does all accesses of the
	 * thread that it switches to after ours. */
	serialize(NULL);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	others = *cpus;
	cpumask_clear(&others, this_cpu_id());
	if (!cpumask_empty(&others))
		smp_call(&others, serialize, NULL);
	preempt_enable();
	return 0;
}

static long private_barrier(u32 state, u32 needed)
{
	return state & needed ? barrier_on(&current_thread()->pmap->active) : -EPERM;
}

SYSCALL2(membarrier, command, flags)
{
	u32 now = registrations();

	if (flags)
		return -EINVAL;
	switch ((u32)command) {
	case 0: /* query */
		return COMMANDS;
	case GLOBAL:
	case GLOBAL_EXPEDITED:
		return barrier_on(&cpus_online);
	case PRIVATE_EXPEDITED:
		return private_barrier(now, REGISTER_PRIVATE_EXPEDITED);
	case PRIVATE_EXPEDITED_SYNC_CORE:
		return private_barrier(now, REGISTER_PRIVATE_SYNC_CORE);
	case REGISTER_GLOBAL_EXPEDITED:
	case REGISTER_PRIVATE_EXPEDITED:
	case REGISTER_PRIVATE_SYNC_CORE:
		__atomic_fetch_or(per_process(current_process(), registered), (u32)command,
				  __ATOMIC_RELAXED);
		return 0;
	case GET_REGISTRATIONS:
		return now;
	}
	return -EINVAL;
}
