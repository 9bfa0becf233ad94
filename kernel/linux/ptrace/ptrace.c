/* SPDX-License-Identifier: MIT
 *
 * Tracer and tracee: attaching, stopping, resuming, ending.  ptrace(2) describes all of it.
 *
 * Locks: process_lock guards the relation and the state of a stop.  Marks that are set where
 * process_lock cannot be taken are bits of thread.pending_work.
 */
#include "kernel/linux/ptrace/ptrace.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/segments.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/rights.h"
#include "kernel/proc/internal.h"
#include "kernel/task/sched.h"

DEFINE_PER_PROCESS(struct thread *, ptrace_leader); /* under process_lock */
DEFINE_PER_PROCESS(u32, ptrace_tracees);		    /* likewise */

/* --- The relation ----------------------------------------------------------------------------- */

/* Make `tracer` the tracer of `t`.  The caller holds process_lock and signals.lock of `t`, whose
 * present group stop becomes a stop of ptrace() if it was counted in it already. */
static void relate(struct thread *t, struct thread *tracer, u32 options, bool seized)
{
	struct ptrace *s = ptrace_of(t), *own = ptrace_of(tracer);
	const struct stop_state *stop = &t->process->stop;
	u32 work = WORK_PTRACED;

	if (!own->tracees.next)
		list_init(&own->tracees);
	if (!s->queue.name)
		wait_queue_init(&s->queue, "ptrace_stop");
	thread_get(t);
	list_push_back(&own->tracees, &s->link);
	++*per_process(tracer->process, ptrace_tracees);
	tracer->process->child_events++; /* ptrace_wait() begins again */
	s->tracer = tracer;
	s->by_parent = tracer->process == t->process->parent;
	s->options = options;
	s->seized = seized;
	s->calls = s->step = false;
	s->noted_event = 0;
	s->tid = t->tid;
	if (t == t->process->leader)
		*per_process(t->process, ptrace_leader) = t;
	if (stop->stopped && t->signals.stop_generation == stop->generation)
		work |= WORK_PTRACE_TRAP;
	__atomic_fetch_or(&t->pending_work, work, __ATOMIC_SEQ_CST);
	if (work & WORK_PTRACE_TRAP)
		thread_wake_from(t, THREAD_STOPPED);
}

/* A process has news of its tracees: its wait() and ptrace_attach() look again.  process_lock is
 * held. */
static void tell_process(struct process *tracer)
{
	tracer->child_events++;
	wait_wake_one(&tracer->child_wait);
}

void ptrace_unrelate(struct thread *t)
{
	struct ptrace *s = ptrace_of(t);

	list_remove(&s->link);
	--*per_process(s->tracer->process, ptrace_tracees);
	tell_process(s->tracer->process); /* there may be nothing left to wait for */
	s->tracer = NULL;
	s->options = 0;
	if (*per_process(t->process, ptrace_leader) == t)
		*per_process(t->process, ptrace_leader) = NULL;
	s->calls = s->step = false;
	__atomic_fetch_and(&t->pending_work,
			   ~(WORK_PTRACED | WORK_TRACE_CALLS | WORK_PTRACE_CALL | WORK_PTRACE_TRAP |
			     WORK_PTRACE_NOTIFY),
			   __ATOMIC_SEQ_CST);
}

/* The thread of the calling process's parent that created it or, if it has ended, another. */
static struct thread *maker(void)
{
	struct process *parent = current_process()->parent;
	struct thread *t, *found = NULL;

	list_for_each (t, &parent->threads, process_link)
		if (!ptrace_of(t)->leaves &&
		    (!found || t->tid == ptrace_of(current_thread())->maker))
			found = t;
	return parent == kernel_process ? NULL : found;
}

long ptrace_relate(struct thread *t, struct thread *tracer, u32 options, bool seized)
{
	long result = -EPERM;
	u64 flags;

	assert_held(&process_lock);
	flags = spin_lock_irq(&t->process->signals.lock);
	if (tracer && !t->exited && !ptrace_of(t)->tracer) {
		relate(t, tracer, options, seized);
		result = 0;
	}
	spin_unlock_irq(&t->process->signals.lock, flags);
	return result;
}

long ptrace_trace_me(void)
{
	u64 flags = spin_lock_irq(&process_lock);
	long result = ptrace_relate(current_thread(), maker(), 0, false);

	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* Has the thread been told to stop, and will it do so without a signal? */
static bool is_about_to_stop(const struct thread *t)
{
	const struct ptrace *s = ptrace_of(t);
	u32 work = __atomic_load_n(&t->pending_work, __ATOMIC_SEQ_CST);

	return s->tracer == current_thread() && !s->stopped && work & WORK_PTRACE_TRAP &&
	       !(work & WORK_KILLED);
}

long ptrace_attach(struct thread *t, bool seize, u32 options)
{
	struct process *self = current_process();
	long result;
	u64 flags;

	if (!t->is_user || t->process == current_process() || !may_attach(t))
		return -EPERM;
	flags = spin_lock_irq(&process_lock);
	result = ptrace_relate(t, current_thread(), options, seize);
	if (!result && !seize)
		(void)signal_send_thread(t, SIGSTOP, NULL);
	/* A thread of a stopped process is in a stop of ptrace() when the caller returns.  The end
	 * of the thread wakes this queue, too. */
	while (!result && is_about_to_stop(t)) {
		u32 seen = self->child_events;

		if (wait_sleep_irq(&self->child_wait, &process_lock, WAIT_FOREVER, WAIT_KILLABLE) < 0)
			break;
		if (self->child_events != seen) /* as in process_wait() */
			wait_wake_one(&self->child_wait);
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* The parent of `p`, which is a zombie, may see it now.  If it will not wait, `p` leaves the tables
 * and *reap is set.  The caller holds process_lock. */
static void pass_on_end(struct process *p, struct process **reap)
{
	if (signal_notify_end(p)) {
		process_unlink(p);
		*reap = p;
	}
}

void ptrace_let_go(struct thread *t, struct process **reap)
{
	struct ptrace *s = ptrace_of(t);

	ptrace_unrelate(t);
	if (s->ended) {
		tid_free(t->tid);
	} else if (t->process->zombie) {
		pass_on_end(t->process, reap);
	} else {
		s->stopped = false;
		wait_wake_all(&s->queue);
		/* A group stop of its process concerns the thread from now on. */
		thread_notify(t, WORK_SIGNAL);
	}
}

/* --- Stopping --------------------------------------------------------------------------------- */

int ptrace_end_status(const struct thread *t)
{
	return t == t->process->leader ? t->process->group_exit_code : ptrace_of(t)->code;
}

void ptrace_tell_tracer(struct thread *t, int code, int status)
{
	struct process *tracer = ptrace_of(t)->tracer->process;
	struct siginfo info = {.signo = SIGCHLD, .code = code};
	struct sigaction action = signal_action_of(tracer->signals.actions, SIGCHLD, false);
	bool quiet = code != CLD_EXITED && code != CLD_KILLED && action.flags & SA_NOCLDSTOP;
	u64 user, kernel;

	thread_times(t, &user, &kernel);
	info.child.pid = t->tid;
	info.child.uid = t->credentials.uid;
	info.child.status = status;
	info.child.utime = (s64)(user / (NSEC_PER_SEC / 100)); /* clock ticks */
	info.child.stime = (s64)(kernel / (NSEC_PER_SEC / 100));
	if (!quiet && action.handler != SIG_IGN)
		(void)signal_send_process(tracer, SIGCHLD, &info);
	tell_process(tracer);
}

/* Must a thread that listens stop again? */
static bool must_trap(const struct thread *t)
{
	return __atomic_load_n(&t->pending_work, __ATOMIC_SEQ_CST) &
	       (WORK_PTRACE_TRAP | WORK_PTRACE_NOTIFY);
}

/* What the tracer may read of the calling thread, which stops. */
static void prepare_registers(struct thread *t)
{
	struct ptrace *s = ptrace_of(t);

	if (s->step_flag)
		thread_frame(t)->rflags &= ~RFLAGS_TF;
	s->step_flag = s->step = false;
	fpu_registers_save(&t->arch);
	segments_save(&t->arch);
}

/* Stop the calling thread.  wait() reports `code`: a signal, or more; `info` is what
 * PTRACE_GETSIGINFO reads and PTRACE_SETSIGINFO changes, NULL in a group stop.  Returns the signal
 * with which the tracer resumes the thread, 0 for none; `code` if there was no stop, because the
 * thread is killed or has no tracer any more.  Sleeps. */
static int ptrace_stop(int code, struct siginfo *info, u64 message)
{
	struct thread *t = current_thread();
	struct ptrace *s = ptrace_of(t);
	bool event_stop = code >> 8 == PTRACE_EVENT_STOP;
	u64 flags;

	prepare_registers(t);
	flags = spin_lock_irq(&process_lock);
	if (!s->tracer || is_killed(t)) {
		spin_unlock_irq(&process_lock, flags);
		return code;
	}
	/* Any stop answers PTRACE_INTERRUPT; only PTRACE_EVENT_STOP tells that a group stop has
	 * ended. */
	__atomic_fetch_and(&t->pending_work,
			   ~(WORK_PTRACE_TRAP | (event_stop ? WORK_PTRACE_NOTIFY : 0)),
			   __ATOMIC_SEQ_CST);
	s->code = code;
	s->info = info;
	s->message = message;
	s->listening = false;
	s->stopped = true;
	ptrace_tell_tracer(t, !info || event_stop ? CLD_STOPPED : CLD_TRAPPED, code & 0x7f);
	while (s->stopped && !(s->listening && must_trap(t)))
		if (wait_sleep_irq(&s->queue, &process_lock, WAIT_FOREVER, WAIT_KILLABLE) < 0)
			break;
	s->stopped = s->listening = false;
	s->info = NULL;
	code = s->code;
	s->code = 0;
	spin_unlock_irq(&process_lock, flags);
	return code;
}

int ptrace_stop_with_notice(int code, u64 message)
{
	struct thread *t = current_thread();
	struct siginfo info = {.signo = code & 0x7f, .code = code};

	info.kill.pid = t->pid;
	info.kill.uid = t->credentials.uid;
	return ptrace_stop(code, &info, message);
}

/* --- Stops, as the core asks for them --------------------------------------------------------- */

/* The calling thread has taken a signal.  Its tracer may change it, or discard it: true.  The
 * caller holds signals.lock, which is released during the stop. */
bool ptrace_discards(struct thread *t, int *signal, struct siginfo *info)
{
	struct process *p = t->process;
	struct thread *tracer;
	u64 flags;

	p->stop.dequeued = true; /* the tracer may put a stop signal in the place of any other */
	spin_unlock(&p->signals.lock);
	irq_enable(); /* the caller's spin_lock_irq() has disabled them */
	*signal = ptrace_stop(*signal, info, 0);
	if (*signal && *signal != info->signo) {
		flags = spin_lock_irq(&process_lock);
		tracer = ptrace_of(t)->tracer;
		*info = (struct siginfo){.signo = *signal, .code = SI_USER};
		info->kill.pid = tracer ? tracer->pid : 0;
		info->kill.uid = tracer ? READ_ONCE(tracer->credentials.uid) : 0;
		spin_unlock_irq(&process_lock, flags);
	}
	(void)spin_lock_irq(&p->signals.lock); /* the caller has the flags */
	if (!*signal || !(t->signals.mask & SIGNAL_BIT(*signal)))
		return !*signal;
	(void)signal_send_locked(p, t, *signal, info, NULL); /* until it is unblocked */
	return true;
}

/* The calling thread is counted in a group stop and stops by ptrace_trap().  Its tracer reports
 * that; if this is the parent, wait() must not report the stop a second time.  The caller holds
 * signals.lock. */
void ptrace_group_stop(struct thread *t)
{
	struct process *p = t->process;

	__atomic_fetch_or(&t->pending_work, WORK_PTRACE_TRAP, __ATOMIC_SEQ_CST);
	if (t == p->leader && ptrace_of(t)->by_parent)
		p->stop.reported = true;
}

/* SIGCONT has ended a group stop of `t`.  The caller holds signals.lock. */
void ptrace_continued(struct thread *t)
{
	struct ptrace *s = ptrace_of(t);

	if (!s->seized)
		return;
	thread_notify(t, WORK_PTRACE_NOTIFY);
	if (READ_ONCE(s->listening)) /* pairs with ptrace_listen() */
		wait_wake_all(&s->queue);
}

/* The calling thread does not stop after all, since the group stop has ended.  Its tracer may wait
 * for the stop in ptrace_attach(). */
static void cancel_trap(struct thread *t)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct thread *tracer = ptrace_of(t)->tracer;

	__atomic_fetch_and(&t->pending_work, ~(WORK_PTRACE_TRAP | WORK_PTRACE_NOTIFY),
			   __ATOMIC_SEQ_CST);
	if (tracer)
		tell_process(tracer->process);
	spin_unlock_irq(&process_lock, flags);
}

/* A group stop, its end, or PTRACE_INTERRUPT. */
void ptrace_trap(struct thread *t)
{
	struct process *p = t->process;
	u64 flags = spin_lock_irq(&p->signals.lock);
	int signal = p->stop.stopped ? p->stop.signal : 0;

	spin_unlock_irq(&p->signals.lock, flags);
	if (ptrace_on(t) && ptrace_of(t)->seized)
		(void)ptrace_stop_with_notice((signal ? signal : SIGTRAP) | PTRACE_EVENT_STOP << 8,
					      0);
	else if (ptrace_on(t) && signal)
		(void)ptrace_stop(signal, NULL, 0);
	else
		cancel_trap(t);
}

/* The calling thread is about to return to user mode; `handler_begins`: to a signal handler, whose
 * beginning ends a single step. */
void ptrace_resumed(struct trap_frame *frame, bool handler_begins)
{
	struct ptrace *s = ptrace_of(current_thread());

	if (s->step && handler_begins)
		(void)ptrace_stop_with_notice(SIGTRAP, 0);
	if (s->step && !(frame->rflags & RFLAGS_TF)) {
		frame->rflags |= RFLAGS_TF;
		s->step_flag = true;
	}
}
