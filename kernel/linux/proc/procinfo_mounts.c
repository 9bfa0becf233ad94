/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/mounts and /proc/PID/mountinfo.  All processes see the same mounts.
 */
#include "kernel/fs/internal.h"
#include "kernel/linux/proc/procinfo.h"

#define FIRST_MOUNT 20 /* the number of the root's mount; no program expects a certain one */

u32 mount_number(const struct superblock *sb)
{
	struct superblock *each;
	u32 number = FIRST_MOUNT;

	list_for_each (each, &vfs_mounts, link) {
		if (each == sb)
			return number;
		number++;
	}
	return 0; /* files without a path: pipes, sockets */
}

/* What programs are told about a mount: none is of a device, and all can be written. */
static bool mount_path(struct superblock *sb, char *path, size_t size)
{
	return vfs_path_of(sb->root, path, size) > 0;
}

static int make_mounts(pid_t pid, tid_t tid, struct text *t)
{
	struct superblock *sb;
	char path[32];

	list_for_each (sb, &vfs_mounts, link)
		if (mount_path(sb, path, sizeof(path)))
			text_printf(t, "%s %s %s rw,relatime 0 0\n", sb->type, path, sb->type);
	return 0;
}

static int make_mountinfo(pid_t pid, tid_t tid, struct text *t)
{
	struct superblock *sb;
	char path[32];

	list_for_each (sb, &vfs_mounts, link)
		if (mount_path(sb, path, sizeof(path)))
			text_printf(t, "%u %u %lu:%lu / %s rw,relatime - %s %s rw\n",
				    mount_number(sb),
				    sb->covered ? mount_number(sb->covered->sb) : 1,
				    sb->device >> 8, sb->device & 0xff, path, sb->type, sb->type);
	return 0;
}

PROC_PID_FILES(mounts) = {
    {.name = "mounts", .mode = FILE_MODE, .per_thread = true, .make = make_mounts},
    {.name = "mountinfo", .mode = FILE_MODE, .per_thread = true, .make = make_mountinfo},
};
