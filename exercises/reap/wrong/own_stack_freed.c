/* SPDX-License-Identifier: MIT
 *
 * Wrong: the thread drops its own reference before the switch, and so frees the stack on which it
 * runs.
 */
void thread_exit_final(void)
{
	struct thread *t = current_thread();

	trace_value(TRACE_EXIT, 0);
	irq_disable();
	if (this_cpu()->fpu_owner == t)
		this_cpu()->fpu_owner = NULL;
	/* No waker changes the state DEAD.  finish_switch() drops the running thread's reference
	 * once this stack is no longer in use. */
	thread_set_state(THREAD_DEAD);
	thread_put(t);
	schedule();
	panic("thread %d runs after its end", t->tid);
}
