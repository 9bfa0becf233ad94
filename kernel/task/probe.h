/* SPDX-License-Identifier: MIT
 *
 * Probes: the named places where the core calls extensions that watch or control threads.  This is
 * all that the core knows of kernel/watch/trace, kernel/watch/seed, kernel/linux/ptrace,
 * kernel/linux/rights, kernel/linux/sched and kernel/dev.  Each probe is an inline function that
 * becomes no code if its extension is not built; otherwise it calls a function of the extension, out
 * of line.  Skip them at a first reading: none changes what the core does for a thread without a
 * seed and without a tracer.  (The probes of the lock-order checker are in kernel/sync/lockdep.h.)
 */
#pragma once

#include "arch/x86_64/cpu/percpu.h"
#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"

struct inode;
struct process;
struct runqueue;
struct trap_frame;
struct tty;
struct wait_result;

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
	TRACE_FAULT_KERNEL, /* the same for an access of the kernel to user memory */
	TRACE_IRQ_ENTRY,    /* value: vector */
	TRACE_IRQ_EXIT,	    /* value: vector */
	TRACE_TLB_FLUSH,    /* not a separate event: recorded as a part of TRACE_SWITCH */
	TRACE_MARK,	    /* text; cannot be switched off */
	TRACE_TYPES
};

/* Bits of the value of a TRACE_SWITCH event.  The first two are the same bits as in trace_mask. */
#define TRACE_SWITCH_RECORDED  (1U << TRACE_SWITCH)    /* a line sched_switch */
#define TRACE_SWITCH_ROOT      (1U << TRACE_TLB_FLUSH) /* a line tlb_flush: the root changed */
#define TRACE_SWITCH_PREEMPTED (1U << 16)	       /* prev was preempted */
#define TRACE_SWITCH_TURN      17 /* this bit and the next one: enum turn of next */
#define TRACE_SWITCH_STATE     24 /* this bit and higher ones: enum thread_state of prev */

/* One bit for each type: the types that are recorded now. */
extern u32 trace_mask;

static inline bool trace_on(enum trace_type type)
{
	return WITH_TRACE && unlikely(READ_ONCE(trace_mask) >> type & 1);
}

/* Record a switch of the calling CPU.  The caller holds the run queue's lock; `current` may still
 * be prev or already be next. */
void trace_write_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
			u32 value);

/* Record that the calling thread wakes `woken`.  Interrupts are off. */
void trace_write_waking(const struct thread *woken, u64 now_ns);

/* Record an event of the calling thread that concerns `other`, which must stay valid.  `now_ns` 0:
 * the function reads the clock. */
void trace_write_thread(enum trace_type type, const struct thread *other, u32 value, u64 now_ns);

/* Record an event of the calling thread with a value and up to six arguments. */
void trace_write_values(enum trace_type type, u32 value, const u64 *args, size_t count);

#define TRACE_TEXT 80 /* bytes of an event's text, with the NUL */

/* Record an event of the calling thread with a text, which may be shortened.  Returns the number of
 * bytes recorded, or -EBADF if this type is not recorded now. */
ssize_t trace_write_text(enum trace_type type, u32 value, const char *text, size_t length);

/* Stands for the function of each system call while calls are traced: records an event, calls that
 * function, and records its result. */
long trace_call(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

static inline void trace_switch(const struct thread *prev, const struct thread *next, u64 now_ns,
				bool root_changed, bool preempted)
{
	u32 value = WITH_TRACE ? READ_ONCE(trace_mask) &
				     (TRACE_SWITCH_RECORDED | (u32)root_changed << TRACE_TLB_FLUSH)
			       : 0;

	if (value)
		trace_write_switch(prev, next, now_ns,
				   (preempted ? TRACE_SWITCH_PREEMPTED : 0) |
				       (u32)next->turn << TRACE_SWITCH_TURN | value);
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

/* The data of the seeded scheduler (docs/seed.md) for a thread.  NULL if the thread has never been
 * in a seed group, and in a kernel without seeds. */
static inline struct seed_member *thread_seed(const struct thread *t)
{
	return WITH_SEED ? t->seed : NULL;
}

/* The functions of the extension, for a thread whose thread_seed() is not NULL.  seed.h documents
 * them. */
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

/* Let a new thread, which is in no table yet, join the seed group of the calling thread.  0 or
 * -ENOMEM.  The caller holds process_lock. */
static inline int seed_inherit(struct thread *t)
{
	return unlikely(thread_seed(current_thread())) ? seed_join_parent(t) : 0;
}

/* Called for the first thread of init, before it starts. */
static inline void seed_start(struct thread *t)
{
	if (WITH_SEED)
		seed_first(t);
}

/* Called when the last reference to the thread has been dropped. */
static inline void seed_thread_free(struct thread *t)
{
	if (unlikely(thread_seed(t)))
		seed_member_free(t);
}

/* The only CPU on which the thread may run; MAX_CPUS if its affinity decides.  The caller holds the
 * run queue's lock. */
static inline u32 seed_cpu(const struct thread *t)
{
	return unlikely(thread_seed(t)) ? seed_group_cpu(t) : MAX_CPUS;
}

/* Called when the thread becomes ready, and when it is removed from the queue.  True: it belongs in
 * the run queue.  False: its seed group keeps it, since at most one member of a group is in a run
 * queue.  The caller holds the run queue's lock. */
static inline bool seed_may_queue(struct thread *t)
{
	return likely(!thread_seed(t)) || seed_admit(t);
}

static inline bool seed_is_queued(struct thread *t)
{
	return likely(!thread_seed(t)) || seed_withdraw(t);
}

/* True: `next` continues the turn of `prev`, since both are members of one seed group.  Any other
 * switch begins a new turn.  The caller holds the run queue's lock. */
static inline bool seed_keeps_turn(const struct thread *prev, const struct thread *next)
{
	return unlikely(thread_seed(next)) && seed_same_group(prev, next);
}

/* Called at the end of each system call.  Interrupts are off. */
static inline void seed_call_done(const struct trap_frame *frame)
{
	if (unlikely(thread_seed(current_thread())))
		seed_step(frame->rip);
}

/* Called at a single-step exception in user mode.  True: the seeded scheduler caused it.
 * Interrupts are off. */
static inline bool seed_take_step(struct trap_frame *frame)
{
	return unlikely(thread_seed(current_thread())) && seed_single_step(frame);
}

/* Called when the calling thread has come from user mode, and before it returns there.  Interrupts
 * are off. */
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

/* --- Cores ------------------------------------------------------------------------------------ */

extern bool smt_present; /* some core runs more than one CPU (SMT); set once */
u32 smt_idle_core(const struct cpumask *allowed, u32 last);

/* A CPU of `allowed` on a core whose CPUs are all idle: `last` if it is one.  MAX_CPUS if there is
 * none, and if no core runs more than one CPU.  Interrupts are off. */
static inline u32 idle_core(const struct cpumask *allowed, u32 last)
{
	return WITH_SCHED && unlikely(smt_present) ? smt_idle_core(allowed, last) : MAX_CPUS;
}

/* --- Rights ----------------------------------------------------------------------------------- */

bool rights_signal(const struct thread *from, const struct thread *to, int signal);
int rights_admit(void);
bool rights_count_signal(struct process *p, s32 change, u64 limit);
int rights_exec(struct credentials *c, const struct inode *program, bool *secure);

/* May the calling thread send the signal to `to`: kill(2)? */
static inline bool may_signal(const struct thread *to, int signal)
{
	return !WITH_RIGHTS || rights_signal(current_thread(), to, signal);
}

/* Count the thread that the caller is about to make.  -EAGAIN: its user has as many as RLIMIT_NPROC
 * allows. */
static inline int user_admit_thread(void)
{
	return WITH_RIGHTS && current_thread()->credentials.uid ? rights_admit() : 0;
}

/* Count one more (1) or one less (-1) queued signal of the user of `p`.  False: the user would have
 * more than `limit`.  The caller holds signals.lock.  Without the extension there is no limit. */
static inline bool user_count_signal(struct process *p, s32 change, u64 limit)
{
	return !WITH_RIGHTS || rights_count_signal(p, change, limit);
}

/* Change the ids in *c to those with which `program` will run, and set *secure if it is not to
 * trust its environment (AT_SECURE).  0 or -EAGAIN. */
static inline int exec_rights(struct credentials *c, const struct inode *program, bool *secure)
{
	return WITH_RIGHTS ? rights_exec(c, program, secure) : 0;
}

/* --- signalfd --------------------------------------------------------------------------------- */

void signalfd_tell(struct process *p);

/* Called when a signal was sent to the process or to a thread of it.  Any context; the caller does not hold
 * signals.lock. */
static inline void signal_sent(struct process *p)
{
	if (WITH_SIGNALFD)
		signalfd_tell(p);
}

/* --- Processes of many threads ---------------------------------------------------------------- */

void crowd_tell(struct process *p, bool continued, const struct thread *exiting);

/* signal_send_group() for a group of many processes, a few at a time: true, and its *result; false: they
 * are few.  A group of -1: to all processes except init and the caller.  The caller holds process_lock,
 * which is released for moments; `flags` are of that. */
bool crowd_signal(pid_t group, int signal, const struct siginfo *info, u64 flags, int *result);

/* Is a signal on its way to the members of the group of `p` that has not reached `p`?  Then it cannot
 * fork: the child could miss it.  Wait until that is over, or a signal comes for the calling thread. */
bool crowd_signal_expected(const struct process *p);
void crowd_signal_await(const struct process *p);

/* In a walk over the group or session of `p`, or over all (enum process_tree), in the order of their
 * PIDs: the next one, or NULL.  At each 16th step `n` process_lock, which the caller holds, is
 * released for a moment.  (kernel/linux/process_parts.c) */
struct process *process_walk(int tree, const struct process *p, u32 n);

/* --- pidfd ------------------------------------------------------------------------------------ */

struct clone_args;
int pidfd_install(struct process *child, const struct clone_args *args);

/* CLONE_PIDFD: make a pidfd for `child`, which is in no table yet, and write it to args->pidfd. The
 * descriptor, or an error.  Sleeps. */
static inline int pidfd_make(struct process *child, const struct clone_args *args)
{
	return WITH_PROCESS ? pidfd_install(child, args) : -EINVAL;
}

/* Search the process that adopts the children of `p`, if none that lives is known.  Returns whether
 * process_lock, which the caller holds, was released.  Then that process; only right after false.
 */
bool process_find_adopter(struct process *p);
struct process *process_adopter(struct process *p);

/* --- ptrace() --------------------------------------------------------------------------------- */

/* Bits of thread.pending_work.  The sticky ones are no work: they only mark the thread, so that its
 * system calls are not plain ones (entry.S). */
#define WORK_TRAP	 (8U | 16U) /* two bits of the extension: stop soon */
#define WORK_PTRACE_CALL 32U	    /* something to do at the end of this system call */
#define WORK_PTRACED	 64U	    /* sticky: the thread has a tracer; under process_lock */
#define WORK_TRACE_CALLS 128U	    /* sticky: its system calls are traced */
#define WORK_DEBUG_REGS	 256U	    /* sticky: the thread has debug registers of its own */
#define WORK_SEEDED	 512U	    /* sticky: the thread has data of the seeded scheduler */
#define WORK_STICKY	 (WORK_PTRACED | WORK_TRACE_CALLS | WORK_DEBUG_REGS | WORK_SEEDED)

/* Has the thread one of these bits of pending_work?  Is it traced? */
static inline bool ptrace_has_work(const struct thread *t, u32 bits)
{
	return WITH_PTRACE && unlikely(READ_ONCE(t->pending_work) & bits);
}
#define ptrace_on(t) ptrace_has_work(t, WORK_PTRACED)

/* The functions of the extension (kernel/linux/ptrace/ptrace.c, which documents them). */
void ptrace_call(struct trap_frame *frame);
void ptrace_call_done(struct trap_frame *frame);
bool ptrace_discards(struct thread *t, int *signal, struct siginfo *info);
void ptrace_group_stop(struct thread *t);
void ptrace_continued(struct thread *t);
void ptrace_trap(struct thread *t);
void ptrace_resumed(struct trap_frame *frame, bool handler_begins);
void ptrace_start(struct thread *t, u64 clone_flags, u64 exit_signal);
void ptrace_exit(int wait_status);
bool ptrace_keeps(struct thread *t, int wait_status);
int ptrace_wait(int answer, u32 type, pid_t id, u32 options, struct wait_result *w,
		struct process **reap);
int ptrace_debug(struct trap_frame *frame, u64 dr6, int code);
void ptrace_load_debug_registers(const struct thread *t);

/* --- Panic ------------------------------------------------------------------------------------ */

void panic_name_cause(const struct trap_frame *frame, u64 address);

/* Panic with the cause of an exception of the kernel in words.  `address`: CR2.  Returns if no
 * extension can say more than the numbers.  Any context. */
static inline void panic_cause(const struct trap_frame *frame, u64 address)
{
	if (WITH_PANIC)
		panic_name_cause(frame, address);
}

/* --- Memory that runs out --------------------------------------------------------------------- */

/* A page fault has found no memory.  Give back what caches hold, or end a process and wait for that.
 * FAULT_DONE: try again; FAULT_SIGNAL: the caller itself is being killed.  No spinlock is held.
 * Sleeps. */
enum fault_result oom_end_one(void);

/* --- Terminals -------------------------------------------------------------------------------- */

/* Is the group orphaned: does no member have a parent in another group of the same session (POSIX
 * 3.269)?  No lock is held. */
bool process_group_orphaned(pid_t group);

/* `p` ends, and leaves its child next, or has left all (NULL): process groups that have lost their link
 * to the session with them are told.  Returns whether process_lock, which the caller holds, was
 * released for that; then the child was not looked at. */
bool process_leaves(struct process *p, const struct process *child);

pid_t tty_foreground(const struct tty *tty); /* the process group, or -1 if there is none */
u64 tty_number(const struct tty *tty);	     /* its device number */
