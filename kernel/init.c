/* SPDX-License-Identifier: MIT
 *
 * The root file system, and what process 1 (init) does before its program runs: it opens the
 * console and finds the program.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/power.h"
#include "boot/boot_info.h"
#include "boot/cmdline.h"
#include "kernel/fs/file_table.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/log/log.h"
#include "kernel/log/panic.h"
#include "kernel/main.h"
#include "kernel/mem/page.h"
#include "kernel/proc/life.h"

#define WORDS_MAX	 32
#define MEMORY_USUAL_MIB 64 /* with less, it may be memory that is missing */

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

/* If no program can be run: why files are missing. */
static char root_problem[160] = "the RAM file system has no program to begin with";

void unpack_modules(void)
{
	if (!boot_info.module_count)
		snprintf(root_problem, sizeof(root_problem),
			 memory_mib() < MEMORY_USUAL_MIB
			     ? "the boot loader loaded no RAM file system: %lu MiB of memory may "
			       "be too few for it"
			     : "the boot loader loaded no RAM file system: name one in its "
			       "configuration (QEMU: -initrd)",
			 memory_mib());
	for (u32 i = 0; i < boot_info.module_count; i++) {
		struct boot_module *m = &boot_info.modules[i];
		ssize_t n = initramfs_unpack(phys_to_virt(m->start), m->end - m->start);

		if (n == -ENOMEM || n == -ENOSPC)
			snprintf(root_problem, sizeof(root_problem),
				 "%lu MiB of memory are too few: the RAM file system of %lu MiB "
				 "did not fit",
				 memory_mib(), (m->end - m->start) >> 20);
		else if (n < 0)
			snprintf(
			    root_problem, sizeof(root_problem),
			    "the RAM file system is damaged (module %u of %lu bytes, error %ld)", i,
			    m->end - m->start, -n);
		if (n < 0)
			log_error("initramfs: %s; the files before that are kept", root_problem);
		else
			log_info("initramfs: %ld entries from %lu KiB", n,
				 (m->end - m->start) / 1024);
		page_release_boot_range(MAX(m->start, BOOT_LOW_END), m->end);
	}
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
		if (error == -ENOMEM)
			cannot_start("%lu MiB of memory are too few to run %s", memory_mib(),
				     candidates[i]);
		if (error != -ENOENT)
			log_warn("init: %s failed (error %ld)", candidates[i], -error);
	}
	cannot_start("%s (no init found: none of /init, /sbin/init, /etc/init, /bin/init, /bin/sh "
		     "can be run; init=PATH names another program)",
		     root_problem);
}

void init_start(void)
{
	process_start_init(init_begin);
}
