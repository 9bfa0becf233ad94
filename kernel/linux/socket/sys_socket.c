/* SPDX-License-Identifier: MIT
 *
 * The system calls of sockets: arguments, messages with control data, options.  The only family is
 * AF_UNIX.
 */
#include "kernel/lib/string.h"
#include "kernel/linux/errno.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/socket/unix_socket_internal.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define SOCK_RAW	3
#define SOCK_TYPE_MAX	11
#define SOCK_TYPE_MASK	0xf
#define SOL_SOCKET	1
#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2
#define CONTROL_MAX	131072 /* net.core.optmem_max of Linux */

/* The value of `call`, in which `file` is the socket of descriptor `fd`; or -EBADF, -ENOTSOCK. */
#define ON_SOCKET(fd, call) WITH_FILE(fd, unix_is_socket(file) ? (call) : -ENOTSOCK)

/* --- Addresses -------------------------------------------------------------------------------- */

static int address_get(struct unix_address *a, u64 user, u64 length)
{
	*a = (struct unix_address){.length = (u32)length};
	if ((u32)length > UNIX_ADDRESS_EMPTY + UNIX_PATH_MAX)
		return -EINVAL;
	return (u32)length ? copy_from_user(&a->family, (void *)user, (u32)length) : 0;
}

/* Copy the address to the user, as much as there is room for, and set *user_length to the length of
 * the whole address. */
static int address_put(struct unix_address *a, u64 user, u64 user_length)
{
	u32 room;

	if (get_user_u32(&room, (u32 *)user_length))
		return -EFAULT;
	if ((s32)room < 0)
		return -EINVAL;
	/* unix(7): the NUL at the end of a path counts. */
	if (a->length > UNIX_ADDRESS_EMPTY && a->path[0])
		a->length = UNIX_ADDRESS_EMPTY + (u32)strlen(a->path) + 1;
	if (copy_to_user((void *)user, &a->family, MIN(room, a->length)))
		return -EFAULT;
	return put_user_u32((u32 *)user_length, a->length);
}

/* --- Creating --------------------------------------------------------------------------------- */

/* Check the arguments of socket(2).  Returns the type without its flags, or an error. */
static int type_check(u64 family, u64 type, u64 protocol)
{
	u32 plain = (u32)type & SOCK_TYPE_MASK;

	if ((u32)type & ~(SOCK_TYPE_MASK | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	if ((u32)family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (plain >= SOCK_TYPE_MAX)
		return -EINVAL;
	if ((u32)protocol && (u32)protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (plain == SOCK_RAW) /* Linux treats it as SOCK_DGRAM */
		plain = SOCK_DGRAM;
	if (plain != SOCK_STREAM && plain != SOCK_DGRAM && plain != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	return (int)plain;
}

SYSCALL3(socket, family, type, protocol)
{
	bool netlink = (u32)family == AF_NETLINK;
	int plain = type_check(netlink ? AF_UNIX : family, type, protocol);
	struct file *f;

	if (plain < 0)
		return plain;
	if (netlink && plain != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (netlink && (u32)protocol)
		return -EPROTONOSUPPORT;
	f = unix_socket_create((u32)plain, (u32)type & O_NONBLOCK);
	if (netlink && !IS_ERR(f))
		socket_of(f)->is_netlink = true;
	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, 0, type & O_CLOEXEC);
}

SYSCALL4(socketpair, family, type, protocol, user)
{
	int plain = type_check(family, type, protocol), error;
	struct file *pair[2];

	if (plain < 0)
		return plain;
	error = unix_socket_pair((u32)plain, (u32)type & O_NONBLOCK, pair);
	return error ?: fd_install_pair(pair, type & O_CLOEXEC, user);
}

/* Call `fn`, which is bind() or connect(), with an address from the user. */
static long with_address(struct file *f, u64 user, u64 length,
			 int (*fn)(struct file *f, const struct unix_address *a))
{
	struct unix_address a;
	int error = address_get(&a, user, length);

	return error ?: fn(f, &a);
}

CALL(bind, ON_SOCKET(a, with_address(file, b, c, unix_bind)))
CALL(connect, ON_SOCKET(a, with_address(file, b, c, unix_connect)))
CALL(listen, ON_SOCKET(a, unix_listen(file, (u32)b)))
CALL(shutdown, ON_SOCKET(a, (u32)b > 2 ? -EINVAL : unix_shutdown(file, (u32)b + 1)))

static long accept_one(struct file *f, u64 user, u64 user_length, u32 flags)
{
	struct unix_address address;
	struct file *new;
	int error;

	if (flags & ~(O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	error = fd_available();
	if (error)
		return error;
	new = unix_accept(f, flags & O_NONBLOCK);
	if (IS_ERR(new))
		return PTR_ERR(new);
	if (user) {
		error = unix_name(new, true, &address) ?: address_put(&address, user, user_length);
		if (error) {
			file_put(new);
			return error;
		}
	}
	return fd_install(new, 0, flags & O_CLOEXEC);
}

CALL(accept4, ON_SOCKET(a, accept_one(file, b, c, (u32)d)))
CALL(accept, sys_accept4(a, b, c, 0, 0, 0))

static long name_put(struct file *f, bool peer, u64 user, u64 user_length)
{
	struct unix_address address;

	return unix_name(f, peer, &address) ?: address_put(&address, user, user_length);
}

CALL(getsockname, ON_SOCKET(a, name_put(file, false, b, c)))
CALL(getpeername, ON_SOCKET(a, name_put(file, true, b, c)))

/* --- Sending ---------------------------------------------------------------------------------- */

static long send_buffer(struct file *f, u64 buffer, u64 n, u32 flags, u64 address, u64 length)
{
	struct socket_message m = {.flags = flags};
	struct io_buffer io;
	long error = address ? address_get(&m.address, address, length) : 0;

	if (!error && !user_range_ok(buffer, n))
		error = -EFAULT;
	if (error)
		return error;
	io_init_user(&io, (void *)buffer, MIN(n, RW_MAX));
	return unix_send(f, &io, &m);
}

CALL(sendto, ON_SOCKET(a, send_buffer(file, b, c, (u32)d, e, f)))

struct msghdr { /* of the x86-64 ABI */
	u64 name;
	u32 name_length, pad0;
	u64 vector, vector_count;
	u64 control, control_length;
	u32 flags, pad1;
};

struct cmsghdr {
	u64 length;
	u32 level, type;
};

#define CMSG_ALIGN(n) ALIGN_UP(n, sizeof(u64))

/* Add the open files of `n` descriptors to m->files. */
static int rights_get(struct socket_message *m, u64 user, u64 n)
{
	struct socket_files *old = m->files, *files;
	u32 count = old ? old->count : 0, fd;

	if (n > SOCKET_FILES_MAX - count)
		return -EINVAL;
	if (!n)
		return 0;
	files = kmalloc(sizeof(*files) + (count + n) * sizeof(files->file[0]));
	if (!files)
		return -ENOMEM;
	files->count = count;
	if (old)
		memcpy(files->file, old->file, count * sizeof(files->file[0]));
	kfree(old);
	m->files = files;
	for (u64 i = 0; i < n; i++) {
		struct file *f;

		if (get_user_u32(&fd, (u32 *)(user + i * sizeof(fd))))
			return -EFAULT;
		f = fd_get(fd, 0);
		if (!f)
			return -EBADF;
		files->file[files->count++] = f;
	}
	return 0;
}

/* Read SCM_CREDENTIALS.  Root may send the ids of any living process, others only their own: real,
 * effective or saved (unix(7)). */
static int credentials_get(struct socket_message *m, u64 user, u64 n)
{
	struct ucred *c = &m->cred;
	const struct credentials *own = &current_thread()->credentials;
	struct process *p = current_process();

	if (n != sizeof(*c))
		return -EINVAL;
	if (copy_from_user(c, (void *)user, sizeof(*c)))
		return -EFAULT;
	m->has_cred = true;
	if ((c->pid != p->pid && !capable(CAP_SYS_ADMIN)) ||
	    (c->uid != own->uid && c->uid != own->euid && c->uid != own->suid &&
	     !capable(CAP_SETUID)) ||
	    (c->gid != own->gid && c->gid != own->egid && c->gid != own->sgid &&
	     !capable(CAP_SETGID)))
		return -EPERM;
	p = process_find(c->pid);
	if (!p)
		return -ESRCH;
	process_put(p);
	return 0;
}

static int control_get(struct socket_message *m, const struct msghdr *h)
{
	u64 at = h->control, left = h->control_length;
	struct cmsghdr c;
	int error = 0;

	if (left >= CONTROL_MAX)
		return -ENOBUFS;
	while (left >= sizeof(c) && !error) {
		u64 data = at + sizeof(c), n;

		if (copy_from_user(&c, (void *)at, sizeof(c)))
			return -EFAULT;
		if (c.length < sizeof(c) || c.length > left)
			return -EINVAL;
		n = c.length - sizeof(c);
		if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS)
			error = rights_get(m, data, n / sizeof(u32));
		else if (c.level == SOL_SOCKET && c.type == SCM_CREDENTIALS)
			error = credentials_get(m, data, n);
		else if (c.level == SOL_SOCKET)
			error = -EINVAL;
		at += CMSG_ALIGN(c.length);
		left -= MIN(left, CMSG_ALIGN(c.length));
	}
	return error;
}

/* Read a struct msghdr and its vector.  After success the caller calls user_vector_put(). */
static int message_get(struct msghdr *h, struct user_vector *v, u64 user)
{
	if (copy_from_user(h, (void *)user, sizeof(*h)))
		return -EFAULT;
	if (h->vector_count > IOV_MAX)
		return -EMSGSIZE;
	if (h->name && (s32)h->name_length < 0)
		return -EINVAL;
	return user_vector_get(v, h->vector, h->vector_count);
}

static long send_message(struct file *f, u64 user, u32 flags)
{
	struct socket_message m = {.flags = flags};
	struct user_vector v;
	struct msghdr h;
	long result = message_get(&h, &v, user);

	if (result)
		return result;
	if (h.name)
		result = address_get(&m.address, h.name, MIN(h.name_length, 128U));
	if (!result)
		result = control_get(&m, &h);
	if (!result)
		result = unix_send(f, &v.io, &m);
	socket_files_put(m.files);
	user_vector_put(&v);
	return result;
}

CALL(sendmsg, ON_SOCKET(a, send_message(file, b, (u32)c)))

/* --- Receiving -------------------------------------------------------------------------------- */

static long receive_buffer(struct file *f, u64 buffer, u64 n, u32 flags, u64 address,
			   u64 user_length)
{
	struct socket_message m = {.flags = flags};
	struct io_buffer io;
	long result, error;

	if (!user_range_ok(buffer, n))
		return -EFAULT;
	io_init_user(&io, (void *)buffer, MIN(n, RW_MAX));
	result = unix_receive(f, &io, &m);
	socket_files_put(m.files);
	if (result < 0 || !address)
		return result;
	error = address_put(&m.address, address, user_length);
	return error ?: result;
}

CALL(recvfrom, ON_SOCKET(a, receive_buffer(file, b, c, (u32)d, e, f)))

/* Write a control message with `n` bytes of data at h->control, or as much as there is room for,
 * and advance h->control.  If `data` is NULL they are there already.  False if it did not fit. */
static bool control_put(struct msghdr *h, u32 type, const void *data, u64 n)
{
	struct cmsghdr c = {MIN(sizeof(c) + n, h->control_length), SOL_SOCKET, type};
	u64 used;

	if (h->control_length < sizeof(c) || copy_to_user((void *)h->control, &c, sizeof(c)) ||
	    (data && copy_to_user((void *)(h->control + sizeof(c)), data, c.length - sizeof(c))))
		return false;
	used = MIN(CMSG_ALIGN(c.length), h->control_length);
	h->control += used;
	h->control_length -= used;
	return c.length == sizeof(c) + n;
}

/* Install the files as descriptors, as many as there is room for, and write them as SCM_RIGHTS.
 * False if not all were. */
static bool rights_put(struct msghdr *h, const struct socket_files *files, bool close_on_exec)
{
	u64 room = h->control_length > sizeof(struct cmsghdr)
		       ? (h->control_length - sizeof(struct cmsghdr)) / sizeof(u32)
		       : 0;
	u32 *fds = (u32 *)(h->control + sizeof(struct cmsghdr)), n = 0;

	while (n < MIN(room, files->count)) {
		int fd;

		file_get(files->file[n]);
		fd = fd_install(files->file[n], 0, close_on_exec);
		if (fd < 0)
			break;
		if (put_user_u32(&fds[n], (u32)fd)) {
			fd_close((u32)fd);
			break;
		}
		n++;
	}
	return (!n || control_put(h, SCM_RIGHTS, NULL, n * sizeof(u32))) && n == files->count;
}

static int message_put(struct file *f, struct msghdr *h, u64 user, struct socket_message *m)
{
	u64 control = h->control, length_at = user + offsetof(struct msghdr, name_length);
	u32 pass_cred = 0;

	h->flags = m->truncated ? MSG_TRUNC : 0;
	h->flags |= m->flags & MSG_CMSG_CLOEXEC;
	(void)unix_option_get(f, SO_PASSCRED, &pass_cred);
	if (pass_cred && !control_put(h, SCM_CREDENTIALS, &m->cred, sizeof(m->cred)))
		h->flags |= MSG_CTRUNC;
	if (m->files && !rights_put(h, m->files, m->flags & MSG_CMSG_CLOEXEC))
		h->flags |= MSG_CTRUNC;
	if (h->name && address_put(&m->address, h->name, length_at))
		return -EFAULT;
	if (put_user_u64((u64 *)(user + offsetof(struct msghdr, control_length)),
			 h->control - control) ||
	    put_user_u32((u32 *)(user + offsetof(struct msghdr, flags)), h->flags))
		return -EFAULT;
	return 0;
}

static long receive_message(struct file *f, u64 user, u32 flags)
{
	struct socket_message m = {.flags = flags};
	struct user_vector v;
	struct msghdr h;
	long result = message_get(&h, &v, user), error;

	if (result)
		return result;
	result = unix_receive(f, &v.io, &m);
	user_vector_put(&v);
	if (result < 0) {
		socket_files_put(m.files);
		return result;
	}
	error = message_put(f, &h, user, &m);
	socket_files_put(m.files);
	return error ?: result;
}

CALL(recvmsg, ON_SOCKET(a, receive_message(file, b, (u32)c)))

/* --- Options ---------------------------------------------------------------------------------- */

static long option_set(struct file *f, u32 level, u32 option, u64 user, u64 length)
{
	struct timeval t;
	u32 value;
	u64 ns;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if ((s32)length < (s32)sizeof(value))
		return -EINVAL;
	if (option != SO_RCVTIMEO && option != SO_SNDTIMEO)
		return get_user_u32(&value, (u32 *)user) ?: unix_option_set(f, option, value);
	if ((u32)length < sizeof(t))
		return -EINVAL;
	if (copy_from_user(&t, (void *)user, sizeof(t)))
		return -EFAULT;
	if (t.microseconds < 0 || t.microseconds >= 1000000)
		return -EDOM;
	if (t.seconds > INT32_MAX) /* more than 68 years count as no timeout */
		t.seconds = t.microseconds = 0;
	ns = (u64)t.seconds * NSEC_PER_SEC + (u64)t.microseconds * NSEC_PER_USEC;
	WRITE_ONCE(*unix_timeout(f, option == SO_SNDTIMEO), t.seconds < 0 ? 1 : ns);
	return 0;
}

CALL(setsockopt, ON_SOCKET(a, option_set(file, (u32)b, (u32)c, d, e)))

static long option_get(struct file *f, u32 level, u32 option, u64 user, u64 user_length)
{
	union {
		u32 number;
		struct ucred cred;
		struct timeval time;
	} value;
	u32 size = sizeof(value.number), room;
	int error = 0;

	if (get_user_u32(&room, (u32 *)user_length))
		return -EFAULT;
	if ((s32)room < 0)
		return -EINVAL;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (option == SO_PEERCRED) {
		unix_peer_cred(f, &value.cred);
		size = sizeof(value.cred);
	} else if (option == SO_RCVTIMEO || option == SO_SNDTIMEO) {
		value.time = timeval_of(READ_ONCE(*unix_timeout(f, option == SO_SNDTIMEO)));
		size = sizeof(value.time);
	} else {
		error = unix_option_get(f, option, &value.number);
	}
	if (error)
		return error;
	size = MIN(size, room);
	if (copy_to_user((void *)user, &value, size))
		return -EFAULT;
	return put_user_u32((u32 *)user_length, size);
}

CALL(getsockopt, ON_SOCKET(a, option_get(file, (u32)b, (u32)c, d, e)))
