/* SPDX-License-Identifier: MIT
 *
 * /proc: the tree of the machine's files, which only grows, and the directories of processes and
 * threads, of which an inode is made for each lookup and freed at its last inode_put().
 */
#include "kernel/fs/file_table.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/proc_entry.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define PROC_MAGIC    0x9fa0
#define PID_FILE_SETS 8

DEFINE_SPINLOCK(nodes_lock);
static struct proc_node root_node = {
    .name = "", .mode = S_IFDIR | 0555, .ino = 1, .children = LIST_INIT(root_node.children)};
static u64 next_node_ino = 2;
static const struct procfs_process_hooks *hooks;
static struct {
	const struct procfs_pid_file *files;
	size_t count;
} pid_file_sets[PID_FILE_SETS];

static const struct inode_ops proc_directory_ops, proc_file_ops, proc_link_ops, proc_magic_ops;

void procfs_set_process_hooks(const struct procfs_process_hooks *h)
{
	hooks = h;
}

void procfs_add_pid_files(const struct procfs_pid_file *files, size_t count)
{
	size_t i = 0;

	while (pid_file_sets[i].files)
		require(++i < PID_FILE_SETS);
	pid_file_sets[i].count = count;
	pid_file_sets[i].files = files;
}

/* --- The machine's tree ----------------------------------------------------------------------- */

static struct proc_node *node_find(struct proc_node *dir, const char *name, size_t length)
{
	struct proc_node *n, *found = NULL;

	spin_lock(&nodes_lock);
	list_for_each (n, &dir->children, link)
		if (n->length == length && !memcmp(n->name, name, length))
			found = n;
	spin_unlock(&nodes_lock);
	return found;
}

/* `path` is a constant of the caller's and lives on.  At start alone: no memory stops the kernel.
 */
static struct proc_node *node_add(const char *path, u32 mode)
{
	struct proc_node *dir = &root_node, *n;

	for (;;) {
		const char *slash = strchr(path, '/');
		size_t length = slash ? (size_t)(slash - path) : strlen(path);

		n = node_find(dir, path, length);
		if (!n) {
			n = kzalloc(sizeof(*n));
			require(n);
			n->name = path;
			n->length = length;
			n->mode = slash ? S_IFDIR | 0555 : mode;
			n->ino = next_node_ino++;
			list_init(&n->children);
			spin_lock(&nodes_lock);
			n->index =
			    list_empty(&dir->children)
				? 1
				: list_entry(dir->children.prev, struct proc_node, link)->index + 1;
			list_push_back(&dir->children, &n->link);
			spin_unlock(&nodes_lock);
		}
		if (!slash)
			return n;
		dir = n;
		path = slash + 1;
	}
}

void procfs_add(const char *path, void (*make)(struct text *t),
		int (*write)(const char *text, size_t length))
{
	struct proc_node *n = node_add(path, S_IFREG | (write ? 0644 : 0444));

	n->make = make;
	n->write = write;
}

void procfs_add_link(const char *path, const char *target)
{
	node_add(path, S_IFLNK | 0777)->target = target;
}

static void make_self(struct text *t)
{
	if (hooks)
		text_printf(t, "%d", hooks->current_pid());
}

static void make_thread_self(struct text *t)
{
	if (hooks)
		text_printf(t, "%d/task/%d", hooks->current_pid(), hooks->current_tid());
}

/* --- Inodes ----------------------------------------------------------------------------------- */

static bool process_exists(pid_t pid)
{
	return hooks && hooks->next_pid(pid) == pid;
}

static bool thread_exists(pid_t pid, tid_t tid)
{
	return hooks && hooks->next_tid(pid, tid) == tid;
}

/* The index-th file of a process, or of a thread; NULL past the last. */
static const struct procfs_pid_file *pid_file(u64 index, bool in_thread)
{
	for (size_t i = 0; i < PID_FILE_SETS; i++)
		for (size_t j = 0; j < pid_file_sets[i].count; j++)
			if ((!in_thread || pid_file_sets[i].files[j].per_thread) && !index--)
				return &pid_file_sets[i].files[j];
	return NULL;
}

static u64 pid_file_index(const struct procfs_pid_file *file)
{
	u64 index = 0;

	while (pid_file(index, false) != file)
		index++;
	return index;
}

/* The same for each lookup of the same thing: the thread's (or process's) number, whether below
 * task/, descriptor or not, and the file in it.  The machine's own are small numbers. */
static u64 entry_ino(const struct proc_entry *e)
{
	u64 base = (u64)e->tid << 20 | (u64)e->in_thread << 19;

	switch (e->kind) {
	case NODE:
		return e->node->ino;
	case PID_FILE:
		return base | (pid_file_index(e->file) + 2);
	case FD_LINK:
		return base | 1UL << 18 | e->fd;
	case TASK_DIR:
		return base | 1;
	default:
		return base;
	}
}

static u32 entry_mode(const struct proc_entry *e)
{
	switch (e->kind) {
	case NODE:
		return e->node->mode;
	case PID_FILE:
		return e->file->mode;
	case FD_LINK:
		return S_IFLNK | 0700;
	default:
		return S_IFDIR | 0555;
	}
}

static struct inode *proc_inode(struct superblock *sb, struct inode *parent,
				const struct proc_entry *e)
{
	u32 mode = entry_mode(e);
	bool magic = e->kind == FD_LINK || (e->kind == PID_FILE && e->file->follow);
	struct proc_entry *copy = kmalloc(sizeof(*copy));
	struct inode *inode;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	*copy = *e;
	inode = inode_create(sb, mode,
			     S_ISDIR(mode)    ? &proc_directory_ops
			     : !S_ISLNK(mode) ? &proc_file_ops
			     : magic	      ? &proc_magic_ops
					      : &proc_link_ops,
			     S_ISREG(mode) ? &proc_text_ops : NULL);
	if (IS_ERR(inode)) {
		kfree(copy);
		return inode;
	}
	inode->private = copy;
	inode->ino = entry_ino(e);
	if (S_ISDIR(mode)) {
		inode->nlink = 2;
		inode->parent = parent ? parent : inode;
		if (parent)
			inode_get(parent);
	}
	return inode;
}

static void proc_release(struct inode *inode)
{
	kfree(inode->private);
}

/* A decimal number without leading zeros; -1 where it is none. */
static s32 parse_number(const char *name, size_t length)
{
	s32 n = 0;

	if (!length || length > 9 || (*name == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

static struct file *fd_file(pid_t pid, u32 fd)
{
	struct file_table *table = hooks ? hooks->files(pid) : NULL;
	struct file *f;

	if (!table)
		return NULL;
	f = fd_get_from(table, fd);
	file_table_put(table);
	return f;
}

/* Fill `e`, which has the directory's PID and TID, with what `name` is there: 0 or -ENOENT. */
static int entry_lookup(const struct proc_entry *dir, const char *name, size_t length,
			struct proc_entry *e)
{
	s32 number = parse_number(name, length);
	const struct procfs_pid_file *file;
	struct file *f;

	switch (dir->kind) {
	case NODE:
		e->kind = NODE;
		e->node = node_find(dir->node, name, length);
		if (e->node)
			return 0;
		e->kind = PID_DIR;
		e->pid = e->tid = number;
		return dir->node == &root_node && number > 0 && process_exists(number) ? 0
										       : -ENOENT;
	case TASK_DIR:
		e->kind = TID_DIR;
		e->tid = number;
		e->in_thread = true;
		return number > 0 && thread_exists(dir->pid, number) ? 0 : -ENOENT;
	case PID_FILE: /* fd */
		f = number >= 0 ? fd_file(dir->pid, (u32)number) : NULL;
		if (!f)
			return -ENOENT;
		file_put(f);
		e->kind = FD_LINK;
		e->fd = (u32)number;
		return 0;
	default:
		break;
	}
	if (dir->kind == PID_DIR && length == 4 && !memcmp(name, "task", 4)) {
		e->kind = TASK_DIR;
		return 0;
	}
	for (u64 i = 0; (file = pid_file(i, dir->in_thread)); i++) {
		if (strlen(file->name) == length && !memcmp(file->name, name, length)) {
			e->kind = PID_FILE;
			e->file = file;
			return thread_exists(dir->pid, dir->tid) || process_exists(dir->pid)
				   ? 0
				   : -ENOENT;
		}
	}
	return -ENOENT;
}

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t length)
{
	struct proc_entry e = *(struct proc_entry *)dir->private;
	int error = entry_lookup(dir->private, name, length, &e);

	return error ? ERR_PTR(error) : proc_inode(dir->sb, dir, &e);
}

/* --- Listing ---------------------------------------------------------------------------------- */

/* In the root the machine's files have positions below this, and process n this plus n. */
#define PID_POSITION (1UL << 32)

static struct proc_node *node_from(struct proc_node *dir, u64 index)
{
	struct proc_node *n, *found = NULL;

	spin_lock(&nodes_lock);
	list_for_each (n, &dir->children, link) {
		if (n->index >= index) {
			found = n;
			break;
		}
	}
	spin_unlock(&nodes_lock);
	return found;
}

/* The entry at *position in `dir`: fill `e` and its name.  False past the end. */
static bool entry_next(const struct proc_entry *dir, u64 *position, struct proc_entry *e,
		       char *name)
{
	struct file_table *table;
	s64 number = -1;

	switch (dir->kind) {
	case NODE:
		e->kind = NODE;
		e->node = *position < PID_POSITION ? node_from(dir->node, *position) : NULL;
		if (e->node) {
			snprintf(name, NAME_MAX + 1, "%.*s", (int)e->node->length, e->node->name);
			*position = e->node->index + 1;
			return true;
		}
		if (dir->node != &root_node || !hooks)
			return false;
		*position = MAX(*position, PID_POSITION + 1);
		number = hooks->next_pid((pid_t)(*position - PID_POSITION));
		if (number <= 0)
			return false;
		*position = PID_POSITION + (u64)number + 1;
		e->kind = PID_DIR;
		e->pid = e->tid = (pid_t)number;
		break;
	case TASK_DIR:
		number = hooks->next_tid(dir->pid, (tid_t)MAX(*position, 1UL));
		e->kind = TID_DIR;
		e->tid = (tid_t)number;
		e->in_thread = true;
		*position = (u64)number + 1;
		break;
	case PID_FILE: /* fd */
		table = hooks->files(dir->pid);
		if (table) {
			number = file_table_next(table, (u32)*position);
			file_table_put(table);
		}
		e->kind = FD_LINK;
		e->fd = (u32)number;
		*position = (u64)number + 1;
		break;
	default:
		if (dir->kind == PID_DIR && *position == 0) {
			e->kind = TASK_DIR;
			strscpy(name, "task", NAME_MAX + 1);
		} else {
			e->kind = PID_FILE;
			e->file = pid_file(*position - (dir->kind == PID_DIR), dir->in_thread);
			if (!e->file)
				return false;
			strscpy(name, e->file->name, NAME_MAX + 1);
		}
		++*position;
		return true;
	}
	snprintf(name, NAME_MAX + 1, "%lld", (long long)number);
	return number >= 0;
}

static int proc_next_entry(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino,
			   u32 *mode)
{
	struct proc_entry e = *(struct proc_entry *)dir->private;
	u64 at = *position;

	if (!entry_next(dir->private, &at, &e, name))
		return 0;
	*position = at;
	*ino = entry_ino(&e);
	*mode = entry_mode(&e);
	return 1;
}

static size_t proc_name(struct inode *dir, char name[NAME_MAX + 1])
{
	const struct proc_entry *e = dir->private;

	switch (e->kind) {
	case NODE:
		return (size_t)scnprintf(name, NAME_MAX + 1, "%.*s", (int)e->node->length,
					 e->node->name);
	case TASK_DIR:
		return (size_t)scnprintf(name, NAME_MAX + 1, "task");
	case PID_FILE:
		return (size_t)scnprintf(name, NAME_MAX + 1, "%s", e->file->name);
	default:
		return (size_t)scnprintf(name, NAME_MAX + 1, "%d", e->tid);
	}
}

/* --- Links ------------------------------------------------------------------------------------ */

static struct file *proc_follow_file(struct inode *link)
{
	const struct proc_entry *e = link->private;
	struct file *f;

	if (e->kind == PID_FILE)
		return e->file->follow(e->pid, e->tid);
	f = fd_file(e->pid, e->fd);
	return f ? f : ERR_PTR(-ENOENT);
}

static int make_fd_target(const struct proc_entry *e, struct text *t)
{
	struct file *f = fd_file(e->pid, e->fd);
	const char *what = "anon_inode";

	if (!f)
		return -ENOENT;
	if (f->path) {
		text_printf(t, "%s%s", f->path->text, f->inode->nlink ? "" : " (deleted)");
	} else {
		if (S_ISFIFO(f->inode->mode))
			what = "pipe";
		else if ((f->inode->mode & S_IFMT) == S_IFSOCK)
			what = "socket";
		text_printf(t, "%s:[%llu]", what, (unsigned long long)f->inode->ino);
	}
	file_put(f);
	return 0;
}

int proc_entry_make(const struct proc_entry *e, struct text *t)
{
	int error = 0;

	if (e->kind == FD_LINK)
		error = make_fd_target(e, t);
	else if (e->kind == PID_FILE)
		error = e->file->make ? e->file->make(e->pid, e->tid, t) : 0;
	else if (e->node->target)
		text_write(t, e->node->target, strlen(e->node->target));
	else if (e->node->make)
		e->node->make(t);
	return !error && t->failed ? -ENOMEM : error;
}

int proc_entry_write(const struct proc_entry *e, const char *text, size_t length)
{
	if (e->kind == PID_FILE)
		return e->file->write ? e->file->write(e->pid, e->tid, text, length) : -EIO;
	return e->node->write ? e->node->write(text, length) : -EIO;
}

static ssize_t proc_readlink(struct inode *link, char *buf, size_t size)
{
	struct text t = {0};
	ssize_t n = proc_entry_make(link->private, &t);

	if (!n && !t.length)
		n = -ENOENT;
	if (!n) {
		n = (ssize_t)MIN(t.length, size);
		memcpy(buf, t.data, (size_t)n);
	}
	kfree(t.data);
	return n;
}

static const struct inode_ops proc_directory_ops = {
    .lookup = proc_lookup,
    .next_entry = proc_next_entry,
    .name = proc_name,
    .release = proc_release,
};
static const struct inode_ops proc_file_ops = {.release = proc_release};
static const struct inode_ops proc_link_ops = {.readlink = proc_readlink, .release = proc_release};
static const struct inode_ops proc_magic_ops = {
    .readlink = proc_readlink,
    .follow_file = proc_follow_file,
    .release = proc_release,
};

/* --- Mounting --------------------------------------------------------------------------------- */

/* Any inode but the root, and any reference to it but the mount's. */
static bool proc_busy(struct superblock *sb)
{
	return refcount_read(&sb->refs) > 2 || refcount_read(&sb->root->refs) > 1;
}

struct superblock *procfs_mount(void)
{
	struct superblock *sb = superblock_create("proc", PROC_MAGIC);
	const struct proc_entry root = {.kind = NODE, .node = &root_node};
	struct inode *inode;

	if (IS_ERR(sb))
		return sb;
	if (!node_find(&root_node, "self", 4)) {
		node_add("self", S_IFLNK | 0777)->make = make_self;
		node_add("thread-self", S_IFLNK | 0777)->make = make_thread_self;
	}
	inode = proc_inode(sb, NULL, &root);
	if (IS_ERR(inode)) {
		superblock_put(sb);
		return (struct superblock *)inode;
	}
	sb->root = inode;
	sb->busy = proc_busy;
	return sb;
}

void procfs_count_threads(u32 *threads, pid_t *last_pid)
{
	*threads = 0;
	*last_pid = 0;
	for (pid_t pid = 0; hooks && (pid = hooks->next_pid(pid + 1)) > 0;) {
		*last_pid = pid;
		for (tid_t tid = 0; (tid = hooks->next_tid(pid, tid + 1)) > 0;)
			++*threads;
	}
}
