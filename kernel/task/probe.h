/* SPDX-License-Identifier: MIT
 *
 * Probes: the named places where the core calls extensions that watch or steer threads.  This is
 * all that the core knows of kernel/watch/trace, kernel/watch/seed and kernel/dev.  Each probe is inline and
 * folds to nothing where its extension is not built; what it does then is a function of the
 * extension, out of line.  (The probes of the lock-order checker: kernel/sync/lockdep.h.)
 */
#pragma once

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/extensions.h"
#include "kernel/task/thread.h"

struct runqueue;
struct trap_frame;
struct tty;

/* --- Trace ------------------------------------------------------------------------------------ */

/* What can be recorded, in the order of the trace's file available_events. */
enum trace_type {
	TRACE_SWITCH,  /* other: next; value: TRACE_SWITCH_* */
	TRACE_WAKING,  /* other: woken; value: the CPU where it last ran */
	TRACE_MIGRATE, /* other: the thread; value: from CPU | to CPU << 16 */
	TRACE_FORK,    /* other: child */
	TRACE_EXEC,    /* value: the TID before; text: path */
	TRACE_EXIT,
	TRACE_SYS_ENTER,    /* value: number; args */
	TRACE_SYS_EXIT,	    /* value: number; args[0]: result */
	TRACE_FAULT_USER,   /* value: error code; args: address, instruction */
	TRACE_FAULT_KERNEL, /* the same, of the kernel's access to user memory */
	TRACE_IRQ_ENTRY,    /* value: vector */
	TRACE_IRQ_EXIT,	    /* value: vector */
	TRACE_TLB_FLUSH,    /* no event of its own: a part of TRACE_SWITCH */
	TRACE_MARK,	    /* text; cannot be switched off */
	TRACE_TYPES
};

/* Bits of a switch's value.  The first two are those of trace_mask. */
#define TRACE_SWITCH_RECORDED  (1U << TRACE_SWITCH)    /* a line sched_switch */
#define TRACE_SWITCH_ROOT      (1U << TRACE_TLB_FLUSH) /* a line tlb_flush: the root changed */
#define TRACE_SWITCH_PREEMPTED (1U << 16)	       /* prev was preempted */
#define TRACE_SWITCH_STATE     24 /* from here on: of prev, enum thread_state */

/* Bit per type: which events are recorded now. */
extern u32 trace_mask;

static inline bool trace_on(enum trace_type type)
{
	return WITH_TRACE && unlikely(READ_ONCE(trace_mask) >> type & 1);
}

/* The calling CPU switches.  Under the run queue's lock; `current` is still prev or already next. */
void trace_write_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
			u32 value);

/* The calling thread wakes `woken`.  Interrupts off. */
void trace_write_waking(const struct thread *woken, u64 now_ns);

/* The calling thread and `other`, which stays valid; now_ns 0: the clock has not been read. */
void trace_write_thread(enum trace_type type, const struct thread *other, u32 value, u64 now_ns);

/* The calling thread, a number and up to six more. */
void trace_write_values(enum trace_type type, u32 value, const u64 *args, size_t count);

#define TRACE_TEXT 80 /* bytes of an event's text, with the NUL */

/* The calling thread and a text, which may be cut.  Returns the bytes taken, or -EBADF if this type
 * is not recorded now. */
ssize_t trace_write_text(enum trace_type type, u32 value, const char *text, size_t length);

static inline void trace_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
				bool root_changed, bool preempted)
{
	u32 value = WITH_TRACE ? READ_ONCE(trace_mask) & (TRACE_SWITCH_RECORDED |
							  (u32)root_changed << TRACE_TLB_FLUSH)
			       : 0;

	if (value)
		trace_write_switch(prev, next, now_ns,
				   (preempted ? TRACE_SWITCH_PREEMPTED : 0) | value);
}

static inline void trace_waking(const struct thread *woken, u64 now_ns)
{
	if (trace_on(TRACE_WAKING))
		trace_write_waking(woken, now_ns);
}

static inline void trace_thread(enum trace_type type, const struct thread *other, u32 value,
				u64 now_ns)
{
	if (trace_on(type))
		trace_write_thread(type, other, value, now_ns);
}

static inline void trace_value(enum trace_type type, u32 value)
{
	if (trace_on(type))
		trace_write_values(type, value, NULL, 0);
}

static inline void trace_values(enum trace_type type, u32 value, const u64 *args, size_t count)
{
	if (trace_on(type))
		trace_write_values(type, value, args, count);
}

static inline void trace_text(enum trace_type type, u32 value, const char *text, size_t length)
{
	if (trace_on(type))
		(void)trace_write_text(type, value, text, length);
}

/* --- Seeds ------------------------------------------------------------------------------------ */

/* What the seeded scheduler (docs/seed.md) keeps of a thread; NULL for a thread that has never been
 * in a seed group, and in a kernel without seeds. */
static inline struct seed_member *thread_seed(const struct thread *t)
{
	return WITH_SEED ? t->seed : NULL;
}

/* The functions of the extension; `t` (`prev`, the caller) has a seed member.  docs: seed.h. */
void seed_first(struct thread *t);
int seed_join_parent(struct thread *t);
void seed_member_free(struct thread *t);
u32 seed_group_cpu(const struct thread *t);
bool seed_same_group(const struct thread *a, const struct thread *b);
bool seed_admit(struct thread *t);
bool seed_withdraw(struct thread *t);
void seed_pass_on(struct runqueue *rq, struct thread *prev, bool choose, bool to_back, u64 now_ns);
void seed_wait_for_lock(struct wait_queue *q, struct spinlock *guard);
void seed_member_set_stays(bool stays);
void seed_step(u64 rip);
bool seed_single_step(struct trap_frame *frame);
void seed_trap_flag_clear(struct trap_frame *frame);
void seed_trap_flag_set(struct trap_frame *frame);

/* The caller's new thread, which no table has yet, joins the caller's group: 0 or -ENOMEM.
 * process_lock is held. */
static inline int seed_inherit(struct thread *t)
{
	return unlikely(thread_seed(current_thread())) ? seed_join_parent(t) : 0;
}

/* The first thread of init, before it starts. */
static inline void seed_start(struct thread *t)
{
	if (WITH_SEED)
		seed_first(t);
}

/* Nothing refers to the thread any more. */
static inline void seed_thread_free(struct thread *t)
{
	if (unlikely(thread_seed(t)))
		seed_member_free(t);
}

/* The only CPU where the thread may run, MAX_CPUS: its affinity decides.  The run queue's lock is
 * held. */
static inline u32 seed_cpu(const struct thread *t)
{
	return unlikely(thread_seed(t)) ? seed_group_cpu(t) : MAX_CPUS;
}

/* The thread becomes ready, or is taken out again.  True: it belongs into the run queue, or is
 * there; else its group keeps it, which it does with all but one.  The run queue's lock is held. */
static inline bool seed_may_queue(struct thread *t)
{
	return likely(!thread_seed(t)) || seed_admit(t);
}

static inline bool seed_is_queued(struct thread *t)
{
	return likely(!thread_seed(t)) || seed_withdraw(t);
}

/* A switch from `prev` to `next` begins a turn, except inside a group.  The run queue's lock is
 * held. */
static inline bool seed_keeps_turn(const struct thread *prev, const struct thread *next)
{
	return unlikely(thread_seed(next)) && seed_same_group(prev, next);
}

/* The calling thread stays the holder of its group while it sleeps, from now on or no longer: for a
 * wait whose length must not change the order of members. */
static inline void seed_set_stays(bool stays)
{
	if (unlikely(thread_seed(current_thread())))
		seed_member_set_stays(stays);
}

/* A system call is done.  Interrupts off. */
static inline void seed_call_done(const struct trap_frame *frame)
{
	if (unlikely(thread_seed(current_thread())))
		seed_step(frame->rip);
}

/* A single step in user mode.  True: it was the seed's.  Interrupts off. */
static inline bool seed_take_step(struct trap_frame *frame)
{
	return unlikely(thread_seed(current_thread())) && seed_single_step(frame);
}

/* The calling thread has come from user mode, goes back to it.  Interrupts off. */
static inline void seed_leave_user(struct trap_frame *frame)
{
	if (unlikely(thread_seed(current_thread())))
		seed_trap_flag_clear(frame);
}

static inline void seed_enter_user(struct trap_frame *frame)
{
	if (unlikely(thread_seed(current_thread())))
		seed_trap_flag_set(frame);
}

/* --- Terminals -------------------------------------------------------------------------------- */

pid_t tty_foreground(const struct tty *tty);

/* The foreground process group of a terminal; -1 without one. */
static inline pid_t terminal_foreground(const struct tty *tty)
{
	return WITH_DEV && tty ? tty_foreground(tty) : -1;
}
