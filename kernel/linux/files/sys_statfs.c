/* SPDX-License-Identifier: MIT
 *
 * statfs(2).  The file systems in RAM share one share of the memory, so each reports all of it.
 */
#include "kernel/fs/internal.h"
#include "kernel/linux/files/space.h"
#include "kernel/sys/calls.h"

/* struct statfs of the ABI, 120 bytes. */
struct statfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize, flags;
	u64 spare[4];
};

/* A name with its inode takes this much memory, or less. */
#define NAMES_PER_PAGE 4

static long put_statfs(struct inode *inode, u64 user)
{
	bool in_ram = !inode->sb->fixed && inode->sb->root;
	struct statfs s = {
	    .type = inode->sb->magic,
	    .bsize = PAGE_SIZE,
	    .fsid = inode->sb->device,
	    .namelen = NAME_MAX,
	    .frsize = PAGE_SIZE,
	};
	struct page_stats pages;

	if (in_ram) {
		s.ffree = names_room(&pages) * NAMES_PER_PAGE;
		s.blocks = content_limit(&pages);
		s.bfree = s.bavail = content_room(&pages);
		s.files = MAX(pages.total, s.ffree);
	}
	return copy_to_user((void *)user, &s, sizeof(s));
}

CALL(statfs, WITH_INODE(path_inode(AT_CWD, a, 0), put_statfs(inode, b)))
CALL(fstatfs, WITH_INODE(fd_inode(a), put_statfs(inode, b)))
