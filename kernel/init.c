/* SPDX-License-Identifier: MIT
 *
 * What process 1 (init) does before its program runs: it opens the console and finds the program.
 */
#include "arch/x86_64/pc/clock.h"
#include "boot/cmdline.h"
#include "kernel/fs/file_table.h"
#include "kernel/lib/errno.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/main.h"
#include "kernel/proc/life.h"

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
void init_directory(void)
{
	struct inode *root = vfs_lookup(NULL, "/", 0);

	if (IS_ERR(root))
		panic("no root directory (error %ld)", -PTR_ERR(root));
	kernel_process->fs->cwd = root;
	kernel_process->fs->umask = 022;
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

void init_start(void)
{
	process_start_init(init_begin);
}
