/* SPDX-License-Identifier: MIT
 *
 * Wrong: the area is copied, but it holds what the last switch saved, not what the registers hold
 * now.
 */
/* Create a thread with a TID, and with the caller's registers except RAX = 0 and what `args`
 * change.  It is in no table and no process yet.  ERR_PTR(-ENOMEM, -EAGAIN).  Sleeps. */
static struct thread *copy_thread(const struct clone_args *args)
{
	struct thread *self = current_thread(), *t;
	u64 flags = args->flags;
	struct trap_frame *frame;
	tid_t tid;

	t = thread_create_user(self->name, child_begin,
			       flags & CLONE_CHILD_SETTID ? (void *)args->child_tid : NULL);
	if (IS_ERR(t))
		return t;
	tid = tid_alloc();
	if (tid < 0) {
		thread_put(t);
		return ERR_PTR(tid);
	}
	t->tid = tid;
	frame = thread_frame(t);
	*frame = *thread_frame(self);
	frame->rax = 0;
	if (args->stack)
		frame->rsp = args->stack + args->stack_size;
	memcpy(t->arch.fpu, self->arch.fpu, fpu_area_size);
	segments_save(&self->arch);
	t->arch.segments = self->arch.segments;
	t->arch.fs_base = self->arch.fs_base;
	t->arch.gs_base = self->arch.gs_base;
	if (flags & CLONE_SETTLS) {
		t->arch.segments.fs = 0;
		t->arch.fs_base = args->tls;
	}
	t->affinity = self->affinity;
	t->credentials = self->credentials;
	t->signals.mask = self->signals.mask;
	/* An alternate stack must not serve two threads at once, so a child that shares the memory
	 * starts without one.  A vfork() child keeps it: its parent is suspended (sigaltstack(2)).
	 */
	if (!(flags & CLONE_VM) || flags & CLONE_VFORK)
		t->signals.altstack = self->signals.altstack;
	if (flags & CLONE_CHILD_CLEARTID)
		t->clear_tid_address = args->child_tid;
	process_event(clone, t);
	return t;
}
