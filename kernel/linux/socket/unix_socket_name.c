/* SPDX-License-Identifier: MIT
 *
 * Names of UNIX sockets (unix(7)).  A path leads to an inode, and the inode to its socket.
 * Abstract names are in a list.
 */
#include "kernel/linux/socket/unix_socket_internal.h"

#include "kernel/fs/internal.h"
#include "kernel/fs/rights.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/mem/slab.h"

#define AUTOMATIC_NAMES 0x100000 /* five hexadecimal digits */

static struct lock_class names_class = {"socket names", 0};
static struct mutex names_mutex = MUTEX_INIT(names_mutex, &names_class);
static struct list abstract_names = LIST_INIT(abstract_names);

void unix_name_put(struct unix_name *name)
{
	if (!name || !refcount_put(&name->refs))
		return;
	inode_put(name->inode);
	kfree(name);
}

static bool is_abstract(const struct unix_address *a)
{
	return !a->path[0];
}

/* Each type of sockets has its own abstract names.  names_mutex is held. */
static struct socket *abstract_find(const struct unix_address *a, u32 type)
{
	struct socket *s;

	list_for_each (s, &abstract_names, abstract_link)
		if (s->type == type && s->name->address.length == a->length &&
		    !memcmp(s->name->address.path, a->path, a->length - UNIX_ADDRESS_EMPTY))
			return s;
	return NULL;
}

static struct socket *path_find(const char *path, u32 type)
{
	struct inode *inode = vfs_lookup(NULL, path, 0);
	struct socket *s = NULL;

	if (IS_ERR(inode))
		return (struct socket *)inode;
	if (may_access(inode, MAY_WRITE)) {
		inode_put(inode);
		return ERR_PTR(-EACCES);
	}
	mutex_lock(&inode->lock);
	if (S_ISSOCK(inode->mode))
		s = inode->socket;
	if (s && s->type != type)
		s = ERR_PTR(-EPROTOTYPE);
	else if (s)
		socket_get(s);
	mutex_unlock(&inode->lock);
	inode_put(inode);
	return s ?: ERR_PTR(-ECONNREFUSED);
}

struct socket *unix_name_find(const struct unix_address *a, u32 type)
{
	struct socket *s;

	if (a->length <= UNIX_ADDRESS_EMPTY || a->family != AF_UNIX)
		return ERR_PTR(-EINVAL);
	if (!is_abstract(a))
		return path_find(a->path, type);
	mutex_lock(&names_mutex);
	s = abstract_find(a, type);
	if (s)
		socket_get(s);
	mutex_unlock(&names_mutex);
	return s ?: ERR_PTR(-ECONNREFUSED);
}

void unix_name_withdraw(struct socket *s)
{
	struct inode *inode = s->name ? s->name->inode : NULL;

	if (inode) {
		mutex_lock(&inode->lock);
		if (inode->socket == s) /* an accepted socket has its listener's name */
			inode->socket = NULL;
		mutex_unlock(&inode->lock);
	} else {
		mutex_lock(&names_mutex);
		list_remove(&s->abstract_link);
		mutex_unlock(&names_mutex);
	}
}

/* --- bind(2) ---------------------------------------------------------------------------------- */

/* Make a socket file.  Returns its inode with a reference, or ERR_PTR. */
static struct inode *make_file(const char *path)
{
	struct path_walk w;
	struct inode *inode;
	int error = path_walk_to_new(NULL, path, false, &w);

	if (error)
		return ERR_PTR(error);
	mutex_lock(&w.dir->lock);
	inode = vfs_make(w.dir, w.name, w.length, S_IFSOCK | (0777 & ~context_umask()), 0, NULL);
	mutex_unlock(&w.dir->lock);
	path_walk_end(&w);
	return inode;
}

static int publish_path(struct socket *s, struct unix_name *name)
{
	struct inode *inode = make_file(name->address.path);

	if (IS_ERR(inode))
		return PTR_ERR(inode) == -EEXIST ? -EADDRINUSE : (int)PTR_ERR(inode);
	name->inode = inode;
	mutex_lock(&inode->lock);
	__atomic_store_n(&s->name, name, __ATOMIC_RELEASE);
	inode->socket = s;
	mutex_unlock(&inode->lock);
	return 0;
}

static int publish_abstract(struct socket *s, struct unix_name *name)
{
	int error = 0;

	mutex_lock(&names_mutex);
	if (abstract_find(&name->address, s->type)) {
		error = -EADDRINUSE;
	} else {
		__atomic_store_n(&s->name, name, __ATOMIC_RELEASE);
		list_push_back(&abstract_names, &s->abstract_link);
	}
	mutex_unlock(&names_mutex);
	return error;
}

/* Choose a free name of NUL and five hexadecimal digits (unix(7), autobind). */
static int publish_automatic(struct socket *s, struct unix_name *name)
{
	static u32 next;
	int error = -EADDRINUSE;

	name->address.length = UNIX_ADDRESS_EMPTY + 6;
	for (u32 i = 0; i < AUTOMATIC_NAMES && error == -EADDRINUSE; i++) {
		u32 number = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % AUTOMATIC_NAMES;

		snprintf(name->address.path + 1, sizeof(name->address.path) - 1, "%05x", number);
		error = publish_abstract(s, name);
	}
	return error == -EADDRINUSE ? -ENOSPC : error;
}

/* A socket gets a name only once.  If two threads bind it at the same time, one fails at once. */
static int bind_claim(struct socket *s)
{
	bool taken;

	spin_lock(&s->lock);
	taken = s->name || s->binding;
	if (!taken)
		s->binding = true;
	spin_unlock(&s->lock);
	return taken ? -EINVAL : 0;
}

static int bind_to(struct socket *s, const struct unix_address *a)
{
	struct unix_name *name;
	int error = bind_claim(s);

	if (error)
		return error;
	name = kzalloc(sizeof(*name));
	if (!name) {
		error = -ENOMEM;
	} else {
		refcount_init(&name->refs, 1);
		name->address = *a;
		if (a->length == UNIX_ADDRESS_EMPTY)
			error = publish_automatic(s, name);
		else
			error = is_abstract(a) ? publish_abstract(s, name) : publish_path(s, name);
	}
	spin_lock(&s->lock);
	s->binding = false;
	spin_unlock(&s->lock);
	if (error)
		unix_name_put(name);
	return error;
}

int unix_bind(struct file *f, const struct unix_address *a)
{
	if (a->length < UNIX_ADDRESS_EMPTY || a->family != AF_UNIX)
		return -EINVAL;
	return bind_to(f->private, a);
}

int unix_bind_automatically(struct socket *s)
{
	static const struct unix_address any = {.length = UNIX_ADDRESS_EMPTY, .family = AF_UNIX};
	int error = READ_ONCE(s->name) ? 0 : bind_to(s, &any);

	return error == -EINVAL ? 0 : error; /* -EINVAL: another thread has bound it already */
}
