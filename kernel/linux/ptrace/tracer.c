/* SPDX-License-Identifier: MIT
 *
 * What a tracer does with its tracees: wait for them, hold them, resume them.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/ptrace/ptrace.h"
#include "kernel/linux/tracer.h"
#include "kernel/proc/inspect.h"
#include "kernel/proc/internal.h"
#include "kernel/task/sched.h"

#define HOLD_RETRY_NS (20 * NSEC_PER_USEC) /* a thread that stops needs about this time */

/* --- wait() ----------------------------------------------------------------------------------- */

static bool is_wanted(const struct thread *t, enum wait_id type, pid_t id)
{
	return type == WAIT_ID_ALL || (type == WAIT_ID_PID && t->tid == id) ||
	       (type == WAIT_ID_GROUP && t->process->job.group == id);
}

static void result_fill(struct thread *t, struct wait_result *w, int code, int status)
{
	*w = (struct wait_result){
	    .pid = t->tid, .uid = t->credentials.uid, .code = code, .status = status,
	    .use = t->process->use.ended_threads}; /* as in wait.c */
}

/* Fill *w and return true if the tracee has something to report, as report_child() of wait.c. */
static bool report_tracee(struct thread *t, u32 options, struct wait_result *w,
			  struct process **reap)
{
	struct ptrace *s = ptrace_of(t);
	int ignored;

	if (s->ended || (t == t->process->leader && t->process->zombie)) {
		if (!(options & WEXITED))
			return false;
		result_fill(t, w, wait_status_code(ptrace_end_status(t), &ignored),
			    ptrace_end_status(t));
		if (!(options & WNOWAIT)) {
			ptrace_let_go(t, reap);
			thread_put(t);
		}
		return true;
	}
	if (!s->stopped || s->listening || !s->code)
		return false;
	result_fill(t, w, CLD_TRAPPED, s->code << 8 | 0x7f);
	if (!(options & WNOWAIT))
		s->code = 0;
	return true;
}

/* report_any() of wait.c for the tracees of the calling process; `answer` is its answer for the
 * children, which is not 1.  After a pause it begins again if something has changed. */
int ptrace_wait(int answer, u32 type, pid_t id, u32 options, struct wait_result *w,
		struct process **reap)
{
	struct process *self = current_process();
	struct thread *tracer;
	struct ptrace *s;
	u32 n = 0, events;

	assert_held(&process_lock);
	if (!*per_process(self, ptrace_tracees))
		return answer;
again:
	events = self->child_events + self->use.ended_count;
	list_for_each (tracer, &self->threads, process_link) {
		process_lock_pause(++n);
		if (self->child_events + self->use.ended_count != events)
			goto again; /* else `tracer` is still in the list */
		if (!ptrace_of(tracer)->tracees.next)
			continue;
		list_for_each (s, &ptrace_of(tracer)->tracees, link) {
			struct thread *t = ptrace_thread(s);

			process_lock_pause(++n);
			if (self->child_events + self->use.ended_count != events)
				goto again;
			if (!is_wanted(t, type, id))
				continue;
			if (report_tracee(t, options, w, reap))
				return 1;
			answer = 0;
		}
	}
	return answer;
}

/* --- Holding ---------------------------------------------------------------------------------- */

/* Is `t` a tracee of the caller that has stopped?  With process_lock held. */
static bool is_stopped(const struct thread *t)
{
	const struct ptrace *s = ptrace_of(t);

	return s->tracer == current_thread() && s->stopped && !s->listening;
}

static bool has_left_cpu(const struct thread *t)
{
	return READ_ONCE(t->state) == THREAD_BLOCKED &&
	       !__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE);
}

/* Let SIGKILL wake the thread, or no longer.  Full barrier: thread_notify() sets WORK_KILLED before
 * it reads the flags, so either it sees ours, or our caller sees WORK_KILLED. */
static void set_killable(struct thread *t, bool killable)
{
	__atomic_exchange_n(&t->wait.flags, killable ? WAIT_KILLABLE : 0, __ATOMIC_SEQ_CST);
}

/* The thread sleeps in ptrace_stop().  Keep it there.  False if it is to end. */
static bool keep(struct thread *t)
{
	set_killable(t, false);
	if (!is_killed(t) && has_left_cpu(t))
		return true;
	set_killable(t, true);
	thread_wake(t);
	return false;
}

struct thread *ptrace_hold(tid_t tid)
{
	struct thread *t = thread_find(tid);
	bool stopped;
	u64 flags;

	while (t) {
		flags = spin_lock_irq(&process_lock);
		stopped = is_stopped(t) && !is_killed(t);
		spin_unlock_irq(&process_lock, flags);
		if (!stopped)
			break;
		/* It has announced its stop, and is about to leave its CPU. */
		if (has_left_cpu(t)) {
			if (keep(t))
				return t;
			break;
		}
		if (sleep_until(clock_now_ns() + HOLD_RETRY_NS, WAIT_KILLABLE) < 0)
			break;
	}
	if (t)
		thread_put(t);
	return ERR_PTR(-ESRCH);
}

void ptrace_unhold(struct thread *t)
{
	set_killable(t, true);
	if (is_killed(t))
		thread_wake(t);
	thread_put(t);
}

/* --- Resuming --------------------------------------------------------------------------------- */

long ptrace_resume(struct thread *t, int signal, bool calls, bool step)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct ptrace *s = ptrace_of(t);
	long result = is_stopped(t) ? 0 : -ESRCH;

	if (!result) {
		s->code = signal;
		s->calls = calls;
		s->step = step;
		if (calls || step)
			__atomic_fetch_or(&t->pending_work, WORK_TRACE_CALLS, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&t->pending_work, ~WORK_TRACE_CALLS, __ATOMIC_SEQ_CST);
		s->stopped = false;
		wait_wake_all(&s->queue);
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

long ptrace_detach(struct thread *t, int signal)
{
	u64 flags = spin_lock_irq(&process_lock);
	long result = is_stopped(t) ? 0 : -ESRCH;
	struct process *reap = NULL;

	if (!result) {
		ptrace_of(t)->code = signal;
		ptrace_let_go(t, &reap);
	}
	spin_unlock_irq(&process_lock, flags);
	if (!result)
		thread_put(t);
	return result;
}

long ptrace_interrupt(struct thread *t)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct ptrace *s = ptrace_of(t);
	long result = s->tracer != current_thread() ? -ESRCH : s->seized ? 0 : -EIO;

	if (!result) {
		thread_notify(t, WORK_PTRACE_TRAP);
		if (s->listening)
			wait_wake_all(&s->queue);
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* The mark is set before the bits of pending_work are read: ptrace_continued() sets the bit before
 * it reads the mark. */
long ptrace_listen(struct thread *t)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct ptrace *s = ptrace_of(t);
	long result = is_stopped(t) ? 0 : -ESRCH;

	if (!result && (!s->seized || !s->info || s->info->code >> 8 != PTRACE_EVENT_STOP))
		result = -EIO;
	if (!result) {
		__atomic_store_n(&s->listening, true, __ATOMIC_SEQ_CST);
		wait_wake_all(&s->queue); /* it looks whether it must stop again */
	}
	spin_unlock_irq(&process_lock, flags);
	return result;
}

/* --- What others ask -------------------------------------------------------------------------- */

bool ptrace_single_steps(const struct thread *t)
{
	return ptrace_of(t)->step;
}

bool ptrace_is_stopped(const struct thread *t)
{
	return READ_ONCE(ptrace_of(t)->stopped);
}

tid_t ptrace_tracer_of(const struct thread *t)
{
	u64 flags = spin_lock_irq(&process_lock);
	const struct thread *tracer = ptrace_of(t)->tracer;
	tid_t tid = tracer ? tracer->tid : 0;

	spin_unlock_irq(&process_lock, flags);
	return tid;
}
