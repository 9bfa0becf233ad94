/* SPDX-License-Identifier: MIT
 *
 * Extended attributes (xattr(7)): no file has any.  The calls check their arguments and then answer
 * as on a file system that does not support attributes.
 */
#include "kernel/linux/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_FLAGS    3 /* XATTR_CREATE | XATTR_REPLACE */

/* 0, -EFAULT, -ERANGE. */
static int name_check(u64 user)
{
	char name[XATTR_NAME_MAX + 1];
	ssize_t n = copy_string_from_user(name, (const char *)user, sizeof(name));

	if (n == -EFAULT)
		return -EFAULT;
	return n <= 0 ? -ERANGE : 0;
}

/* 0, -EFAULT, -E2BIG, -ENOMEM. */
static int value_check(u64 user, u64 size)
{
	void *value;
	int error;

	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (!size)
		return 0;
	value = kmalloc(size);
	if (!value)
		return -ENOMEM;
	error = copy_from_user(value, (void *)user, size);
	kfree(value);
	return error;
}

static int set_check(u64 name, u64 value, u64 size, u64 flags)
{
	int error = (u32)flags & ~XATTR_FLAGS ? -EINVAL : 0;

	error = error ?: name_check(name);
	return error ?: value_check(value, size);
}

#define FOLLOWED    path_inode(AT_CWD, a, 0)
#define LINK	    path_inode(AT_CWD, a, AT_SYMLINK_NOFOLLOW)
#define SET(inode)  (set_check(b, c, d, e) ?: WITH_INODE(inode, -EOPNOTSUPP))
#define NAME(inode) (name_check(b) ?: WITH_INODE(inode, -EOPNOTSUPP))

CALL(setxattr, SET(FOLLOWED))
CALL(lsetxattr, SET(LINK))
CALL(fsetxattr, set_check(b, c, d, e) ?: WITH_FILE(a, -EOPNOTSUPP))
CALL(getxattr, NAME(FOLLOWED))
CALL(lgetxattr, NAME(LINK))
CALL(fgetxattr, name_check(b) ?: WITH_FILE(a, -EOPNOTSUPP))
CALL(removexattr, NAME(FOLLOWED))
CALL(lremovexattr, NAME(LINK))
CALL(fremovexattr, name_check(b) ?: WITH_FILE(a, -EOPNOTSUPP))
CALL(listxattr, WITH_INODE(FOLLOWED, 0))
CALL(llistxattr, WITH_INODE(LINK, 0))
CALL(flistxattr, WITH_FILE(a, 0))
