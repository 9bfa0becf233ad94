/* SPDX-License-Identifier: MIT
 *
 * The parts and the state of another process.  `space`, `files` and `fs` become NULL when its last thread exits,
 * so they are read under process_lock.
 */
#include "kernel/linux/process_parts.h"

#include "kernel/fs/file_table.h"
#include "kernel/proc/life.h"
#include "kernel/task/internal.h"
#include "kernel/task/probe.h"
#include "kernel/vm/address_space.h"

struct address_space *process_space_get(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct address_space *as = p->space;

	if (as)
		address_space_get(as);
	spin_unlock_irq(&process_lock, flags);
	return as;
}

struct file_table *process_files_get(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct file_table *files = p->files;

	if (files)
		refcount_get(&files->refs);
	spin_unlock_irq(&process_lock, flags);
	return files;
}

struct inode *process_directory_get(struct process *p)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct fs_context *fs = p->fs;
	struct inode *inode;

	if (fs)
		refcount_get(&fs->refs);
	spin_unlock_irq(&process_lock, flags);
	if (!fs)
		return NULL;
	mutex_lock(&fs->lock);
	inode = fs->cwd;
	inode_get(inode);
	mutex_unlock(&fs->lock);
	fs_context_put(fs);
	return inode;
}

/* gdb reads this array too. */
static const char state_letters[] = {
    [THREAD_RUNNABLE] = 'R', [THREAD_SLEEPING] = 'S', [THREAD_BLOCKED] = 'D',
    [THREAD_STOPPED] = 'T',  [THREAD_DEAD] = 'X',
};

char thread_state_letter(const struct thread *t)
{
	return state_letters[READ_ONCE(t->state)];
}

bool fd_next(struct file_table *t, u32 *fd)
{
	bool found;

	spin_lock(&t->lock);
	*fd = fd_scan(t, *fd, 0);
	found = *fd < t->size;
	spin_unlock(&t->lock);
	return found;
}

int fd_available(void)
{
	return MIN(fd_install(NULL, 0, false), 0);
}

/* After threads have ended it begins again, unless they do so all the time. */
void process_threads_visit(struct process *p, void (*visit)(struct thread *t, void *data), void *data)
{
	u64 flags = spin_lock_irq(&process_lock);
	u32 n = 0, ended;
	struct thread *t;

again:
	ended = p->use.ended_count;
	list_for_each (t, &p->threads, process_link) {
		visit(t, data);
		process_lock_pause(n < 65536 ? ++n : 1);
		if (p->use.ended_count != ended)
			goto again; /* else `t` is still in the list */
	}
	spin_unlock_irq(&process_lock, flags);
}

static pid_t number_of(const struct process *p, int tree)
{
	return tree == BY_PID ? 0 : tree == BY_GROUP ? p->job.group : p->job.session;
}

struct process *process_walk(int tree, const struct process *p, u32 n)
{
	pid_t number = number_of(p, tree), pid = p->pid;
	struct treap_node *node;
	struct process *next;

	if (n % 16 == 0) {
		process_lock_pause(n);
		return process_from(tree, number, pid + 1);
	}
	node = treap_next(&p->nodes[tree]);
	next = node ? treap_entry(node - tree, struct process, nodes[0]) : NULL;
	return next && number_of(next, tree) == number ? next : NULL;
}
