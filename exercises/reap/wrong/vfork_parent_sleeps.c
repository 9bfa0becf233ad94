/* SPDX-License-Identifier: MIT
 *
 * Wrong: the parent of vfork() is not woken when its child ends.
 */
/* Make `p` a zombie: reparent its children, signal and wake its parent, and wake those that wait
 * for `p` itself.  Processes that no wait() will report go to `later`. */
static void become_zombie(struct process *p, struct list *later)
{
	struct process *child, *next;
	bool linked_group; /* our group was not orphaned, because of this parent */

	assert_held(&process_lock);
	linked_group =
	    p->parent->job.group != p->job.group && p->parent->job.session == p->job.session;
	p->zombie = true;
	list_for_each_safe (child, next, &p->children, sibling_link)
		reparent_child(child, reaper_of(p), later);
	if (linked_group && process_group_orphaned_locked(p->job.group, p))
		hang_up_orphans(p->job.group);
	/* Zombies are at the front of the list, so that wait() finds one at once. */
	list_remove(&p->sibling_link);
	list_push_front(&p->parent->children, &p->sibling_link);
	if (ptrace_on(p->leader) && ptrace_keeps(p->leader, 0))
		return;
	if (signal_notify_end(p)) /* the parent will not wait */
		reap_later(p, later);
}
