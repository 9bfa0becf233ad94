/* SPDX-License-Identifier: MIT
 *
 * /proc/PID: what a process shows of its memory, its program and its directories.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"
#include "kernel/proc/procinfo.h"

/* Text about an address space; nothing where there is none any more (as Linux). */
static int with_space(pid_t pid, struct text *text,
		      void (*show)(struct address_space *as, struct text *text))
{
	struct process *p = process_find(pid);
	struct address_space *as;

	if (!p)
		return -ESRCH;
	as = process_space_get(p);
	process_put(p);
	if (as) {
		show(as, text);
		address_space_put(as);
	}
	return 0;
}

/* --- Memory ----------------------------------------------------------------------------------- */

static void show_bytes(struct address_space *as, u64 from, u64 to, struct text *text)
{
	char *page = kmalloc(PAGE_SIZE);

	while (page && from < to) {
		ssize_t n = address_space_read(as, from, page, MIN(to - from, PAGE_SIZE));

		if (n <= 0)
			break;
		text_write(text, page, (size_t)n);
		from += (u64)n;
	}
	if (!page)
		text->failed = true;
	kfree(page);
}

static void show_cmdline(struct address_space *as, struct text *text)
{
	show_bytes(as, as->arg_start, as->arg_end, text);
}

int procinfo_cmdline(pid_t pid, tid_t tid, struct text *text)
{
	return with_space(pid, text, show_cmdline);
}

static void show_environ(struct address_space *as, struct text *text)
{
	show_bytes(as, as->env_start, as->env_end, text);
}

int procinfo_environ(pid_t pid, tid_t tid, struct text *text)
{
	return with_space(pid, text, show_environ);
}

static void show_statm(struct address_space *as, struct text *text)
{
	text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", as->mapped_bytes / PAGE_SIZE,
		    address_space_resident(as),
		    READ_ONCE(as->resident_file) + READ_ONCE(as->resident_shared),
		    DIV_ROUND_UP(as->code_end - as->code_start, PAGE_SIZE),
		    (as->mapped_bytes - MIN(as->mapped_bytes, as->code_end - as->code_start)) /
			PAGE_SIZE);
}

int procinfo_statm(pid_t pid, tid_t tid, struct text *text)
{
	int result = with_space(pid, text, show_statm);

	if (!result && !text->length)
		text_printf(text, "0 0 0 0 0 0 0\n");
	return result;
}

struct maps_walk {
	struct text *text;
	char path[PATH_MAX];
};

static int show_region(struct region *r, void *data)
{
	struct maps_walk *walk = data;
	u64 device, ino;

	region_describe(r, walk->path, sizeof(walk->path), &device, &ino);
	text_printf(walk->text, "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu", r->start, r->end,
		    r->prot & PROT_READ ? 'r' : '-', r->prot & PROT_WRITE ? 'w' : '-',
		    r->prot & PROT_EXEC ? 'x' : '-', r->shared ? 's' : 'p',
		    r->file ? r->object_page * PAGE_SIZE : 0, device >> 8, device & 0xff, ino);
	if (walk->path[0])
		text_printf(walk->text, "%*s%s", 20, "", walk->path);
	text_printf(walk->text, "\n");
	return walk->text->failed ? -ENOMEM : 0;
}

static void show_maps(struct address_space *as, struct text *text)
{
	struct maps_walk *walk = kmalloc(sizeof(*walk));

	if (!walk) {
		text->failed = true;
		return;
	}
	walk->text = text;
	(void)address_space_for_each(as, show_region, walk);
	kfree(walk);
}

int procinfo_maps(pid_t pid, tid_t tid, struct text *text)
{
	return with_space(pid, text, show_maps);
}

/* --- Files ------------------------------------------------------------------------------------ */

static int make_directory_link(pid_t pid, struct text *text, bool root)
{
	struct process *p = process_find(pid);
	struct fs_context *fs = p ? process_fs_get(p) : NULL;
	struct inode *inode;
	ssize_t n;
	char *path;

	if (p)
		process_put(p);
	if (!fs)
		return -ESRCH;
	mutex_lock(&fs->lock);
	inode = root ? fs->root : fs->cwd;
	inode_get(inode);
	mutex_unlock(&fs->lock);
	path = kmalloc(PATH_MAX);
	n = path ? vfs_path_of(inode, path, PATH_MAX) : -ENOMEM;
	if (n > 0)
		text_printf(text, "%s", path);
	kfree(path);
	inode_put(inode);
	fs_context_put(fs);
	return n < 0 ? (int)n : 0;
}

int procinfo_cwd(pid_t pid, tid_t tid, struct text *text)
{
	return make_directory_link(pid, text, false);
}

int procinfo_root(pid_t pid, tid_t tid, struct text *text)
{
	return make_directory_link(pid, text, true);
}

static struct file *executable_get(pid_t pid)
{
	struct process *p = process_find(pid);
	struct file *file = NULL;
	u64 flags;

	if (!p)
		return NULL;
	flags = spin_lock_irq(&process_lock);
	if (p->executable) {
		file = p->executable;
		file_get(file);
	}
	spin_unlock_irq(&process_lock, flags);
	process_put(p);
	return file;
}

int procinfo_exe(pid_t pid, tid_t tid, struct text *text)
{
	struct file *file = executable_get(pid);

	if (!file)
		return -ENOENT;
	if (file->path)
		text_printf(text, "%s", file->path->text);
	file_put(file);
	return 0;
}

struct file *procinfo_follow_exe(pid_t pid, tid_t tid)
{
	struct file *file = executable_get(pid);

	return file ? file : ERR_PTR(-ENOENT);
}
