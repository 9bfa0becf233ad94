/* SPDX-License-Identifier: MIT
 *
 * ptrace(2) in the life of a thread: clone, execve, and the end of a tracee and of a tracer.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "kernel/lib/string.h"
#include "kernel/linux/ptrace/ptrace.h"
#include "kernel/proc/internal.h"
#include "kernel/task/process_events.h"

#define CALL_STOP      (SIGTRAP | 0x80) /* a stop at a system call, with PTRACE_O_TRACESYSGOOD */
#define CLONE_PTRACE   0x2000UL
#define CLONE_UNTRACED 0x800000UL

/* Stop with a PTRACE_EVENT_* if the tracer wants it. */
static void report_event(int event, u64 message)
{
	if (ptrace_of(current_thread())->options & 1U << event)
		(void)ptrace_stop_with_notice(SIGTRAP | event << 8, message);
}

/* Stop for this event at the end of the system call. */
static void note_event(struct thread *t, int event, tid_t tid)
{
	ptrace_of(t)->noted_event = event;
	ptrace_of(t)->noted_tid = tid;
	__atomic_fetch_or(&t->pending_work, WORK_PTRACE_CALL, __ATOMIC_SEQ_CST);
}

static void remember_maker(struct thread *t)
{
	ptrace_of(t)->maker = current_thread()->tid;
	if (ptrace_of(current_thread())->step_flag)
		thread_frame(t)->rflags &= ~RFLAGS_TF;
}

static void flush_debug_registers(struct thread *t)
{
	u64 flags = irq_save();

	if (READ_ONCE(t->pending_work) & WORK_DEBUG_REGS) {
		__atomic_fetch_and(&t->pending_work, ~WORK_DEBUG_REGS, __ATOMIC_SEQ_CST);
		memset(ptrace_of(t)->debug, 0, sizeof(ptrace_of(t)->debug));
		ptrace_load_debug_registers(t);
	}
	irq_restore(flags);
}

/* Another thread leads the process now, so nothing reports the end of the old leader. */
static void forget_old_leader(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct thread *old = *per_process(p, ptrace_leader);

	if (old && old != p->leader) {
		ptrace_unrelate(old);
		thread_put(old);
	}
	if (ptrace_of(p->leader)->tracer)
		*per_process(p, ptrace_leader) = p->leader;
	spin_unlock_irq(&process_lock, flags);
}

/* A new program: its stop comes at the end of the call. */
static void note_exec(struct process *p)
{
	struct thread *t = current_thread();

	flush_debug_registers(t);
	forget_old_leader(p);
	if (ptrace_on(t))
		note_event(t, PTRACE_EVENT_EXEC, ptrace_of(t)->tid);
	ptrace_of(t)->tid = t->tid;
}

ON_EVENT(clone, remember_maker);
ON_EVENT(exec, note_exec);

/* Start `t`, which the calling tracee has made.  If the tracer wants to, it traces `t`, too, and
 * the caller stops to report it. */
void ptrace_start(struct thread *t, u64 clone_flags, u64 exit_signal)
{
	struct thread *self = current_thread();
	struct ptrace *own = ptrace_of(self);
	int event = clone_flags & CLONE_VFORK ? PTRACE_EVENT_VFORK
		    : exit_signal != SIGCHLD  ? PTRACE_EVENT_CLONE
					      : PTRACE_EVENT_FORK;
	struct siginfo info = {.signo = SIGSTOP};
	tid_t tid = t->tid;
	u64 flags;

	if (clone_flags & CLONE_UNTRACED || !(own->options & 1U << event))
		event = 0;
	flags = spin_lock_irq(&process_lock);
	if ((event || clone_flags & CLONE_PTRACE) &&
	    !ptrace_relate(t, own->tracer, own->options, own->seized)) {
		if (!own->seized) {
			u64 inner = spin_lock_irq(&t->process->signals.lock);

			(void)signal_send_locked(t->process, t, SIGSTOP, &info, NULL);
			spin_unlock_irq(&t->process->signals.lock, inner);
		}
		thread_notify(t, own->seized ? WORK_PTRACE_TRAP : WORK_SIGNAL);
	}
	spin_unlock_irq(&process_lock, flags);
	/* The tracer may want to see the end of the call. */
	note_event(self, clone_flags & CLONE_VFORK ? PTRACE_EVENT_VFORK_DONE : 0, tid);
	thread_start(t);
	if (event)
		report_event(event, (u64)tid);
}

/* What note_event() has noted, at the end of the call. */
static void report_noted(void)
{
	struct thread *t = current_thread();
	struct ptrace *s = ptrace_of(t);
	struct siginfo info = {.signo = SIGTRAP, .code = SI_USER};
	int event = s->noted_event;

	s->noted_event = 0;
	info.kill.pid = t->pid;
	info.kill.uid = t->credentials.uid;
	if (event)
		report_event(event, (u64)s->noted_tid);
	if (event == PTRACE_EVENT_EXEC && !s->seized && !(s->options & 1U << event))
		(void)signal_send_thread(t, SIGTRAP, &info); /* the stop of old tracers */
}

static void tell_end(struct thread *t)
{
	int status, code = wait_status_code(ptrace_end_status(t), &status);

	ptrace_tell_tracer(t, code, status);
}

/* The traced thread `t` has ended with this wait status.  True: its tracer sees that first.  Until
 * then the TID stays in use, and the parent of a process whose leader this is does not see the end.
 * The relation ends at once if the tracer is that parent.  The caller holds process_lock and a
 * reference. */
bool ptrace_keeps(struct thread *t, int wait_status)
{
	struct ptrace *s = ptrace_of(t);
	struct process *p = t->process;

	if (t == p->leader && s->tracer->process == p->parent) {
		ptrace_unrelate(t);
		thread_put(t);
		return false;
	}
	s->ended = t != p->leader;
	s->code = wait_status;
	tell_end(t);
	return true;
}

/* --- System calls ----------------------------------------------------------------------------- */

/* Send the calling thread the signal with which its tracer has resumed it.  `signal` is the code of
 * the stop if the thread was killed instead, or has no tracer any more. */
static void take_over(int signal)
{
	struct thread *t = current_thread();

	if (signal && signal <= SIGNAL_COUNT && ptrace_on(t) && !is_killed(t))
		(void)signal_send_thread(t, signal, NULL);
}

/* At the start of a system call.  The tracer may change the number of the call and its arguments in
 * the frame; -1: no call. */
void ptrace_call(struct trap_frame *frame)
{
	struct thread *t = current_thread();
	struct ptrace *s = ptrace_of(t);
	u64 flags;

	if (s->calls)
		take_over(ptrace_stop_with_notice(
		    s->options & PTRACE_O_TRACESYSGOOD ? CALL_STOP : SIGTRAP, MESSAGE_CALL_ENTRY));
	s->skipped_result = frame->rax;
	flags = spin_lock_irq(&process_lock);
	if (s->tracer)
		__atomic_fetch_or(&t->pending_work, WORK_PTRACE_CALL, __ATOMIC_SEQ_CST);
	spin_unlock_irq(&process_lock, flags);
	if (is_killed(t))
		frame->error = (u64)-1;
}

/* At the end of a traced system call.  If the tracer has skipped the call, the result is the one
 * that it has set.  A single step ends here, since the processor
 * raises no debug exception after SYSCALL. */
void ptrace_call_done(struct trap_frame *frame)
{
	struct thread *t = current_thread();
	struct ptrace *s = ptrace_of(t);

	__atomic_fetch_and(&t->pending_work, ~WORK_PTRACE_CALL, __ATOMIC_SEQ_CST);
	if (!ptrace_on(t))
		return;
	if (s->noted_event)
		report_noted();
	if ((s32)frame->error == -1 && frame->rax == (u64)-ENOSYS)
		frame->rax = s->skipped_result;
	if (s->step)
		signal_force_fault(SIGTRAP, TRAP_BRKPT, frame->rip);
	else if (s->calls)
		take_over(ptrace_stop_with_notice(
		    s->options & PTRACE_O_TRACESYSGOOD ? CALL_STOP : SIGTRAP, MESSAGE_CALL_EXIT));
}

/* --- The end ---------------------------------------------------------------------------------- */

/* The calling thread ends.  As a tracee it stops once more if its tracer wants that.  As a tracer
 * it lets all its tracees go. */
void ptrace_exit(int wait_status)
{
	struct ptrace *own = ptrace_of(current_thread());

	report_event(PTRACE_EVENT_EXIT, (u64)wait_status);
	for (;;) {
		u64 flags = spin_lock_irq(&process_lock);
		struct process *reap = NULL;
		struct thread *tracee;
		struct ptrace *s;

		own->leaves = true;
		if (!own->tracees.next || list_empty(&own->tracees)) {
			spin_unlock_irq(&process_lock, flags);
			break;
		}
		s = list_first(&own->tracees, struct ptrace, link);
		tracee = ptrace_thread(s);
		if (s->options & PTRACE_O_EXITKILL)
			(void)signal_send_thread(tracee, SIGKILL, NULL);
		if (s->info && s->info->code == s->code)
			s->code = 0; /* no signal, but a notice */
		ptrace_let_go(tracee, &reap);
		spin_unlock_irq(&process_lock, flags);
		if (reap)
			process_reap(reap);
		thread_put(tracee);
	}
}
