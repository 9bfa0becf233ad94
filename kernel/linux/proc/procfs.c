/* SPDX-License-Identifier: MIT
 *
 * /proc.  The files of the machine are created at boot and stay in memory.  For the directories of
 * processes and threads, which exist here and once more below heddle/, each lookup creates an
 * inode, which the last inode_put() frees.
 */
#include "kernel/fs/file_table.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/linux/fixed_files.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/linux/rights.h"
#include "kernel/mem/slab.h"

#define PROC_MAGIC 0x9fa0

enum proc_kind { ROOT, MACHINE_FILE, PID_DIR, TASK_DIR, PID_FILE, FD_DIR, FD_LINK, FD_INFO };

/* inode->private: describes the file that an inode stands for. */
struct proc_entry {
	enum proc_kind kind;
	pid_t pid;
	tid_t tid;	/* for files of a process: its PID */
	bool in_thread; /* below task/ */
	bool heddle;	/* below heddle/ */
	u32 number; /* FD_LINK, FD_INFO: the descriptor; a file of a process: its index, from 1 */
	const struct proc_pid_file *file; /* TASK_DIR, PID_FILE, FD_DIR */
	const char *constant;		  /* MACHINE_FILE: text, or the target of a link; or */
	void (*make)(struct text *t);
	int (*write)(const char *text, size_t length);
};

static struct superblock *proc;
static const struct proc_pid_file LINKER_SET_ENTRY(proc_pid_files, struct proc_pid_file)
    task_directory = {.name = "task", .mode = S_IFDIR | 0555},
    fdinfo_directory = {.name = "fdinfo", .mode = S_IFDIR | 0500, .per_thread = true};
static struct lock_class content_class = {"proc text", 0};

pid_t procfs_file_pid(const struct file *file)
{
	return ((const struct proc_entry *)file->inode->private)->pid;
}

/* --- Text and targets ------------------------------------------------------------------------- */

static struct file *fd_file(pid_t pid, u32 fd)
{
	struct file_table *table = procinfo_files(pid);
	struct file *f;

	if (!table)
		return NULL;
	f = fd_get_from(table, fd, 0);
	file_table_put(table);
	return f;
}

/* Is this a link or a file of a process into which the caller must not look? */
static bool is_hidden(const struct proc_entry *e)
{
	bool personal = e->kind == FD_LINK || e->kind == FD_INFO ||
			(e->kind == PID_FILE && (e->file->inspects || S_ISLNK(e->file->mode)));
	struct thread *t = personal ? thread_find(e->tid) : NULL;
	bool hidden = t && !may_inspect(t);

	if (t)
		thread_put(t);
	return hidden;
}

/* The open file that a link leads to, with a reference, or ERR_PTR. */
static struct file *entry_file(const struct proc_entry *e)
{
	if (e->kind == PID_FILE)
		return e->file->follow(e->pid, e->in_thread ? e->tid : 0);
	return fd_file(e->pid, e->number) ?: ERR_PTR(-ENOENT);
}

static bool leads_to_file(const struct proc_entry *e)
{
	return e->kind == FD_LINK || (e->file && e->file->follow);
}

static int make_file_target(const struct proc_entry *e, struct text *t)
{
	struct file *f = entry_file(e);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	if (f->path)
		text_printf(t, "%s%s", f->path->text, f->inode->nlink ? "" : " (deleted)");
	else if (f->ops->name)
		text_printf(t, "anon_inode:%s", f->ops->name);
	else
		text_printf(t, "%s:[%llu]",
			    S_ISFIFO(f->inode->mode)   ? "pipe"
			    : S_ISSOCK(f->inode->mode) ? "socket"
						       : "anon_inode",
			    (unsigned long long)f->inode->ino);
	file_put(f);
	return 0;
}

/* The text of /proc/PID/fdinfo/FD. */
static int make_file_info(const struct proc_entry *e, struct text *t)
{
	struct file *f = fd_file(e->pid, e->number);

	if (!f)
		return -ENOENT;
	text_printf(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", READ_ONCE(f->position),
		    f->flags, mount_number(f->inode->sb), f->inode->ino);
	if (f->ops->show)
		f->ops->show(f, t);
	file_put(f);
	return 0;
}

/* Make the text of a file or the target of a link in *t.  The caller frees t->data, after an error
 * too. */
static int entry_make(const struct proc_entry *e, struct text *t)
{
	int error = 0;

	if (is_hidden(e))
		return -EACCES;
	if (leads_to_file(e))
		error = make_file_target(e, t);
	else if (e->kind == FD_INFO)
		error = make_file_info(e, t);
	else if (e->kind == PID_FILE)
		error = procinfo_make(e->file, e->pid, e->in_thread ? e->tid : 0, t);
	else if (e->constant)
		text_write(t, e->constant, strlen(e->constant));
	else if (e->make)
		e->make(t);
	return !error && t->failed ? -ENOMEM : error;
}

static ssize_t proc_readlink(struct inode *link, char *buf, size_t size)
{
	struct text t = {0};
	ssize_t n = entry_make(link->private, &t);

	if (!n && !t.length)
		n = -ENOENT;
	if (!n) {
		n = (ssize_t)MIN(t.length, size);
		memcpy(buf, t.data, (size_t)n);
	}
	kfree(t.data);
	return n;
}

static struct file *proc_follow_file(struct inode *link)
{
	return is_hidden(link->private) ? ERR_PTR(-EACCES) : entry_file(link->private);
}

/* --- Content of files ------------------------------------------------------------------------- */

/* The text of an open file.  It is made anew when it is read from offset 0. */
struct content {
	struct mutex lock; /* protects the text */
	struct text text;
};

static int content_open(struct file *file)
{
	struct content *c;

	if (is_hidden(file->inode->private))
		return -EACCES;
	c = kzalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock, &content_class);
	file->private = c;
	return 0;
}

static void content_release(struct file *file)
{
	struct content *c = file->private;

	kfree(c->text.data);
	kfree(c);
}

static ssize_t content_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct content *c = file->private;
	ssize_t n = 0;

	mutex_lock(&c->lock);
	if (!*position || !c->text.data) {
		c->text.length = 0;
		c->text.failed = false;
		n = entry_make(file->inode->private, &c->text);
	}
	if (!n && *position < c->text.length) {
		n = io_put(io, c->text.data + *position, c->text.length - *position);
		*position += (u64)MAX(n, 0);
	}
	mutex_unlock(&c->lock);
	return n;
}

/* Each write() sets one value; a newline at its end, as from echo(1), is removed. */
static ssize_t content_write(struct file *file, struct io_buffer *io, u64 *position)
{
	const struct proc_entry *e = file->inode->private;
	size_t length = io->remaining;
	ssize_t n;
	char *text;

	if (e->kind == PID_FILE ? !e->file->write : !e->write)
		return -EIO;
	n = text_take(io, &text);
	if (n < 0)
		return n;
	n = e->kind == PID_FILE ? e->file->write(e->pid, e->tid, text, (size_t)n)
				: e->write(text, (size_t)n);
	kfree(text);
	if (n)
		return n;
	*position += length;
	return (ssize_t)length;
}

static const struct file_ops content_ops = {
    .open = content_open,
    .release = content_release,
    .read = content_read,
    .write = content_write,
};

/* --- Directories of processes and threads ----------------------------------------------------- */

static bool belongs(const struct proc_pid_file *file, const struct proc_entry *dir)
{
	if (dir->in_thread && !file->per_thread)
		return false;
	return file->heddle == dir->heddle || file == &task_directory;
}

/* Set *e to the file of a process or thread with this name or, if it is NULL, this index. */
static bool find_file(const struct proc_entry *dir, const char *name, size_t length, u64 index,
		      struct proc_entry *e)
{
	u32 at = 0;

	linker_set_for_each(file, proc_pid_files)
	{
		if (!belongs(file, dir))
			continue;
		if (name ? !strncmp(file->name, name, length) && !file->name[length]
			 : at == index) {
			e->file = file;
			e->number = at + 1;
			e->kind = file == &task_directory ? TASK_DIR
				  : S_ISDIR(file->mode)	  ? FD_DIR
							  : PID_FILE;
			return procinfo_exists(dir->pid);
		}
		at++;
	}
	return false;
}

/* What all entries of a directory have in common. */
static struct proc_entry entry_below(const struct proc_entry *dir)
{
	return (struct proc_entry){.kind = PID_DIR,
				   .pid = dir->pid,
				   .tid = dir->tid,
				   .in_thread = dir->in_thread,
				   .heddle = dir->heddle};
}

/* Fill *e with the first entry of `dir` at or after *position, and set *position behind it.  False
 * if there is none.  The position of a process or descriptor is its number, the position of a
 * thread one more than the TID before it. */
static bool entry_next(const struct proc_entry *dir, u64 *position, struct proc_entry *e)
{
	s64 number = (s64)MIN(*position, (u64)INT32_MAX);
	struct file_table *table;

	*e = entry_below(dir);
	switch (dir->kind) {
	case ROOT:
		number = procinfo_next_pid((pid_t)MAX(number, 1L));
		e->pid = e->tid = (pid_t)number;
		break;
	case TASK_DIR:
		number = procinfo_next_tid(dir->pid, (tid_t)MAX(number, 1L) - 1);
		e->tid = (tid_t)number;
		e->in_thread = true;
		break;
	case FD_DIR:
		table = procinfo_files(dir->pid);
		if (!table)
			return false;
		number = procinfo_next_fd(table, (u32)number);
		file_table_put(table);
		e->kind = dir->file == &fdinfo_directory ? FD_INFO : FD_LINK;
		e->number = (u32)number;
		break;
	default:
		if (!find_file(dir, NULL, 0, (u64)number, e))
			return false;
	}
	*position = (u64)number + 1;
	return number >= 0;
}

static void entry_name(const struct proc_entry *e, char name[NAME_MAX + 1])
{
	if (e->file)
		strscpy(name, e->file->name, NAME_MAX + 1);
	else
		snprintf(name, NAME_MAX + 1, "%u", e->kind == PID_DIR ? (u32)e->tid : e->number);
}

/* The inode number: each lookup of the same file gives the same one.  Files of the machine have
 * small numbers. */
static u64 entry_ino(const struct proc_entry *e)
{
	return (u64)e->tid << 20 | (u64)e->in_thread << 19 | (u64)(e->kind == FD_LINK) << 18 |
	       (u64)(e->kind == FD_INFO) << 16 | (u64)e->heddle << 17 | e->number;
}

static u32 entry_mode(const struct proc_entry *e)
{
	if (e->file)
		return e->file->mode;
	return e->kind == FD_LINK   ? S_IFLNK | 0700
	       : e->kind == FD_INFO ? FILE_MODE
				    : S_IFDIR | 0555;
}

static bool proc_next(struct inode *dir, u64 *position, char name[NAME_MAX + 1], u64 *ino,
		      u32 *mode)
{
	struct proc_entry e;

	if (!entry_next(dir->private, position, &e))
		return false;
	entry_name(&e, name);
	*ino = entry_ino(&e);
	*mode = entry_mode(&e);
	return true;
}

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t length);
static const struct inode_ops directory_ops = {.lookup = proc_lookup, .next = proc_next};

static struct inode *proc_inode(struct superblock *sb, const struct proc_entry *e, u32 mode)
{
	static const struct inode_ops link_ops = {.readlink = proc_readlink};
	static const struct inode_ops magic_ops = {.readlink = proc_readlink,
						   .follow_file = proc_follow_file};
	struct proc_entry *copy = kmalloc(sizeof(*copy));
	struct inode *inode;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	*copy = *e;
	inode = inode_create(sb, mode,
			     S_ISDIR(mode)	? &directory_ops
			     : !S_ISLNK(mode)	? NULL
			     : leads_to_file(e) ? &magic_ops
						: &link_ops,
			     !S_ISREG(mode)	       ? NULL
			     : e->file && e->file->ops ? e->file->ops
						       : &content_ops);
	if (IS_ERR(inode))
		kfree(copy);
	else
		inode->private = copy;
	return inode;
}

/* Create the inode of an entry that was found in `dir`. */
static struct inode *lookup_inode(struct inode *dir, const struct proc_entry *e, const char *name,
				  size_t length)
{
	struct inode *inode = proc_inode(proc, e, entry_mode(e));
	struct thread *t;

	if (IS_ERR(inode))
		return inode;
	inode->ino = entry_ino(e);
	t = thread_find(e->tid);
	if (t) {
		inode->uid = READ_ONCE(t->credentials.euid);
		inode->gid = READ_ONCE(t->credentials.egid);
		thread_put(t);
	}
	if (S_ISDIR(inode->mode)) {
		inode_get(dir);
		inode->parent = dir;
		inode->self = entry_alloc(name, length);
		if (!inode->self) {
			inode_put(inode);
			return ERR_PTR(-ENOMEM);
		}
	}
	return inode;
}

/* In a directory of numbers the name is one.  A TID is found, but only PIDs are listed. */
static struct inode *proc_lookup(struct inode *dir, const char *name, size_t length)
{
	const struct proc_entry *d = dir->private;
	struct proc_entry e = entry_below(d);
	u64 number = 0, position;
	bool found;

	for (size_t i = 0; d->kind != PID_DIR && i < length; i++) {
		if (name[i] < '0' || name[i] > '9' || i > 8 || (i && *name == '0'))
			return ERR_PTR(-ENOENT);
		number = number * 10 + (u64)(name[i] - '0');
	}
	position = number;
	if (d->kind == PID_DIR) {
		found = find_file(d, name, length, 0, &e);
	} else if (d->kind == FD_DIR) {
		found = entry_next(d, &position, &e) && e.number == number;
	} else {
		e.tid = (tid_t)number;
		e.in_thread = d->kind == TASK_DIR;
		e.pid = e.in_thread ? d->pid : e.tid;
		found = procinfo_same_process(e.pid, e.tid);
	}
	return found ? lookup_inode(dir, &e, name, length) : ERR_PTR(-ENOENT);
}

/* --- The machine's files ---------------------------------------------------------------------- */

static void machine_add(const char *path, u32 mode, const struct proc_entry *e)
{
	superblock_add(proc, path, proc_inode(proc, e, mode));
}

static void machine_add_file(struct superblock *sb, const struct proc_file *f)
{
	const struct proc_entry e = {
	    .kind = MACHINE_FILE, .make = f->make, .write = f->write, .constant = f->constant};

	superblock_add(sb, f->path, proc_inode(sb, &e, S_IFREG | (f->write ? 0644 : 0444)));
}

static void make_self(struct text *t)
{
	text_printf(t, "%d", current_process()->pid);
}

static void make_thread_self(struct text *t)
{
	text_printf(t, "%d/task/%d", current_process()->pid, current_thread()->tid);
}

static void procfs_init(void)
{
	static const char *const device_links[][2] = {{"/dev/fd", "/proc/self/fd"},
						      {"/dev/stdin", "/proc/self/fd/0"},
						      {"/dev/stdout", "/proc/self/fd/1"},
						      {"/dev/stderr", "/proc/self/fd/2"}};
	static const struct proc_entry self = {.kind = MACHINE_FILE, .make = make_self},
				       thread_self = {.kind = MACHINE_FILE,
						      .make = make_thread_self},
				       mounts_link = {.kind = MACHINE_FILE,
						      .constant = "self/mounts"};
	static struct proc_entry root = {.kind = ROOT};
	static const struct proc_entry heddle = {.kind = ROOT, .heddle = true};

	proc = vfs_mount("/proc", "proc", PROC_MAGIC, 0555);
	proc->fixed = true;
	proc->root->ops = &directory_ops;
	proc->root->private = &root;
	machine_add("heddle", S_IFDIR | 0555, &heddle);
	machine_add("heddle/self", S_IFLNK | 0777, &self);
	machine_add("self", S_IFLNK | 0777, &self);
	machine_add("thread-self", S_IFLNK | 0777, &thread_self);
	machine_add("mounts", S_IFLNK | 0777, &mounts_link);
	linker_set_for_each(file, proc_files) machine_add_file(proc, file);
	for (size_t i = 0; i < ARRAY_SIZE(device_links); i++)
		require(!vfs_symlink(NULL, device_links[i][0], device_links[i][1]));
}

INIT_CALL(10, procfs_init);

void sysfs_add(const struct proc_file *f)
{
	machine_add_file(sysfs_get(), f);
}
