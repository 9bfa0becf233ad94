/* SPDX-License-Identifier: MIT
 *
 * Wrong: the reference of the tables to the leader is dropped twice.
 */
void process_reap(struct process *p)
{
	struct thread *leader = p->leader;

	thread_put(leader);
	thread_put(leader);
	process_put(p); /* the reference of the tree of PIDs */
}
