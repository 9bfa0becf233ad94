/* SPDX-License-Identifier: MIT
 *
 * Wrong: a zombie gets a new parent, but the new parent is not told, so the zombie of a dead parent
 * stays.
 */
/* Make `reaper` the parent of `child`.  A zombie that it ignores goes to `later`.  process_lock is
 * held. */
static void reparent_child(struct process *child, struct process *reaper, struct list *later)
{
	struct process *old = child->parent;

	list_remove(&child->sibling_link);
	child->parent = reaper;
	child->exit_signal = SIGCHLD;
	if (child->zombie) {
		list_push_front(&reaper->children, &child->sibling_link);
		(void)later;
		return;
	}
	list_push_back(&reaper->children, &child->sibling_link);
	if (child->signals.parent_death)
		(void)signal_send_process(child, child->signals.parent_death, NULL);
	/* The old parent may have been what kept the child's group from being orphaned: a parent in
	 * another group of the same session. */
	if (child->job.group != old->job.group && child->job.session == old->job.session &&
	    process_group_orphaned_locked(child->job.group, NULL))
		hang_up_orphans(child->job.group);
}
