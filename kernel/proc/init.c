/* SPDX-License-Identifier: MIT
 *
 * Process 1 (init).  It is built here step by step; all other user processes descend from it.
 */
#include "arch/x86_64/pc/clock.h"
#include "boot/cmdline.h"
#include "kernel/lib/errno.h"
#include "kernel/log/log.h"
#include "kernel/proc/internal.h"
#include "kernel/task/probe.h"

#define WORDS_MAX 32

static const char *const environment[] = {"HOME=/", "TERM=linux",
					  "PATH=/bin:/sbin:/usr/bin:/usr/sbin", NULL};
static const char *const candidates[] = {"/init", "/sbin/init", "/etc/init", "/bin/init",
					 "/bin/sh"};

/* Standard input, output and error. */
static void open_console(void)
{
	for (int fd = 0; fd < 3; fd++) {
		struct file *console = vfs_open(NULL, "/dev/console", O_RDWR, 0);

		if (IS_ERR(console)) {
			log_warn("init: no /dev/console (error %ld)", -PTR_ERR(console));
			return;
		}
		(void)fd_install(console, 0, false);
	}
}

/* Kernel threads that use files run with the working directory, umask and descriptor table of
 * process 0; init inherits the first two. */
void process_start_directory(void)
{
	struct inode *root = vfs_lookup(NULL, "/", 0);

	if (IS_ERR(root))
		panic("no root directory (error %ld)", -PTR_ERR(root));
	kernel_process->fs.cwd = root;
	kernel_process->fs.umask = 022;
	kernel_process->files = file_table_create();
	if (IS_ERR(kernel_process->files))
		panic("no memory for the first process");
}

/* Exec `path` as init, with the words of the command line that are meant for init. */
static long try_init(const char *path)
{
	const char *argv[WORDS_MAX + 2] = {path};
	long error;

	argv[1 + cmdline_init_words(argv + 1, WORDS_MAX)] = NULL;
	error = process_exec(path, (u64)argv, (u64)environment, true);
	if (!error)
		log_info("init: running %s, %llu ms after the start", path,
			 (unsigned long long)(clock_now_ns() / NSEC_PER_MSEC));
	return error;
}

/* The first function of process 1.  On return the thread goes to user mode and runs the program. */
static void init_begin(void *unused)
{
	static char path[256];
	long error;

	open_console();
	if (cmdline_get("init", path, sizeof(path))) {
		error = try_init(path);
		if (error)
			panic("requested init %s failed (error %ld)", path, -error);
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(candidates); i++) {
		error = try_init(candidates[i]);
		if (!error)
			return;
		if (error != -ENOENT)
			log_warn("init: %s failed (error %ld)", candidates[i], -error);
	}
	panic("no init found: none of /init, /sbin/init, /etc/init, /bin/init, /bin/sh can be run. "
	      "Was an initramfs loaded? (init=PATH names another program)");
}

void process_start_init(void)
{
	struct process *p = process_create(kernel_process);
	struct thread *t = thread_create_user("init", init_begin, NULL);
	u64 flags, inner;

	if (!p || IS_ERR(t))
		panic("no memory for init");
	p->fs.umask = kernel_process->fs.umask;
	p->fs.cwd = kernel_process->fs.cwd;
	inode_get(p->fs.cwd);
	p->files = file_table_create();
	if (IS_ERR(p->files))
		panic("no memory for init");
	p->pid = p->job.group = p->job.session = t->tid = 1; /* tid_alloc() never returns 1 */
	p->leader = t;
	init_process = p;
	flags = spin_lock_irq(&process_lock);
	process_link(p, kernel_process);
	inner = spin_lock_irq(&p->signals.lock);
	thread_link(t, p);
	spin_unlock_irq(&p->signals.lock, inner);
	spin_unlock_irq(&process_lock, flags);
	seed_start(t);
	process_put(p); /* the PID hash and the thread hold their own references */
	thread_start(t);
}
