/* SPDX-License-Identifier: MIT
 *
 * A call of a function is repeated, and each time another thread comes between one instruction
 * later: kernel code under the trap flag (SDM 3B 17.3.2).  So a race is not waited for, each of its
 * moments is tried once.
 *
 *	step_begin(1);
 *	do {
 *		step_start(hook);
 *		function();
 *	} while (step_stop());
 *	step_end();
 *
 * `hook` is called before the n-th instruction after step_start() in the n-th round, with
 *interrupts off.  The last round is the one in which the thread comes to schedule(), or does not
 *come to its n-th instruction.
 */
#pragma once

#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/log/log.h"
#include "kernel/task/sched.h"
#include "kernel/watch/symbols.h"

#define STEP_TRAP_FLAG 0x100UL

struct step_frame {
	u64 rip, cs, rflags, rsp, ss;
};

static struct {
	u32 round, stride, left; /* the hook is due in so many instructions */
	bool fired, last;
	u64 rip; /* where it came between */
	void (*hook)(struct step_frame *frame);
	u64 *gate, saved[2]; /* of the IDT */
} step;

#ifdef __clang__ /* it fears for vector registers, which no code of the kernel uses */
#pragma clang diagnostic ignored "-Winterrupt-service-routine"
#endif
static void __attribute__((interrupt, used)) step_trap(struct step_frame *frame)
{
	__asm__ volatile("movq %0, %%dr6" ::"r"(0xffff0ff0UL));
	if (step.fired || !step.hook) {
		frame->rflags &= ~STEP_TRAP_FLAG;
		return;
	}
	step.last = frame->rip == (u64)schedule;
	if (--step.left && !step.last)
		return;
	step.fired = true;
	step.rip = frame->rip;
	frame->rflags &= ~STEP_TRAP_FLAG;
	step.hook(frame);
}

/* With a stride of k only each k-th instruction is tried, for a way that is long. */
static inline void step_begin(u32 stride)
{
	struct __packed {
		u16 limit;
		u64 base;
	} idt;
	u64 handler = (u64)step_trap;

	__asm__ volatile("sidt %0" : "=m"(idt));
	step.gate = (u64 *)idt.base + 2 * VECTOR_DEBUG;
	step.saved[0] = step.gate[0];
	step.saved[1] = step.gate[1];
	/* The trap uses the stack of the thread, which the hook may leave for another thread. */
	step.gate[0] = (handler & 0xffff) | (u64)SELECTOR_KERNEL_CODE << 16 | 0x8eUL << 40 |
		       (handler >> 16 & 0xffff) << 48;
	step.gate[1] = handler >> 32;
	step.round = 0;
	step.stride = stride;
}

static inline void step_end(void)
{
	step.gate[0] = step.saved[0];
	step.gate[1] = step.saved[1];
}

static __always_inline void step_start(void (*hook)(struct step_frame *frame))
{
	step.left = 1 + step.round++ * step.stride;
	step.fired = step.last = false;
	step.hook = hook;
	__asm__ volatile("pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq" ::
			     : "memory", "cc");
}

/* Returns whether there is another round.  No function that is tested here is this long. */
static __always_inline bool step_stop(void)
{
	bool more;

	__asm__ volatile("pushfq\n\t"
			 "andq $~0x100, (%%rsp)\n\t"
			 "popfq" ::
			     : "memory", "cc");
	more = step.fired && !step.last && step.round < 2000;
	step.hook = NULL;
	return more;
}

/* Say what happened, and before which instruction the hook was called. */
static inline void step_report(const char *what)
{
	char where[64];

	symbol_format(where, sizeof(where), step.rip);
	log_info("# %s before %s", what, where);
}

/* A hook: the slice ends here, if the thread may be preempted. */
static inline void step_preempt(struct step_frame *frame)
{
	if (!(frame->rflags & 0x200) || preempt_count())
		return;
	this_cpu()->need_resched = 1;
	sched_preempt_from_irq();
}
