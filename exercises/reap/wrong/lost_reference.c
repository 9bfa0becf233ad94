/* SPDX-License-Identifier: MIT
 *
 * Wrong: the reference of the tables to the leader is never dropped: its structure, and with it the
 * process, stays.
 */
void process_reap(struct process *p)
{
	process_put(p); /* the reference of the tree of PIDs */
}
