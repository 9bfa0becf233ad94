/* SPDX-License-Identifier: MIT
 *
 * Files and names of /proc, used inside the kernel.
 */
#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "tests/kernel/knames.h"
#include "tests/kernel/ktest.h"

KTEST(proc_cannot_be_changed)
{
	struct file *f = vfs_open(NULL, "/proc/nothing", O_CREAT | O_WRONLY, 0644);

	KEXPECT_EQ(PTR_ERR(f), -EACCES);
	if (!IS_ERR(f))
		file_put(f);
	KEXPECT_EQ(vfs_unlink(NULL, "/proc/version", false), -EPERM);
}

KTEST(proc_files_and_names)
{
	struct file *f = vfs_open(NULL, "/proc/sys/kernel/ostype", O_RDONLY, 0);
	char buf[64];

	KEXPECT(!IS_ERR(f));
	KEXPECT_EQ(file_read_kernel(f, buf, sizeof(buf), 0), 6);
	KEXPECT(!memcmp(buf, "Linux\n", 6));
	KEXPECT_EQ(file_read_kernel(f, buf, sizeof(buf), 3), 3);
	file_put(f);
	KEXPECT_EQ(lookup_error("/proc/version/.."), -ENOTDIR);
	KEXPECT_EQ(lookup_error("/proc/sys/kernel/../vm"), 0);
	KEXPECT_EQ(lookup_error("/proc/0"), -ENOENT);
	KEXPECT_EQ(lookup_error("/proc/00001"), -ENOENT);
}
