/* SPDX-License-Identifier: MIT
 *
 * Sockets of the UNIX domain (POSIX socket(), unix(7)): streams, datagrams and sequenced packets,
 * with names in the file system or abstract names.  Messages can carry open files.
 */
#pragma once

#include "kernel/fs/vfs.h"

#define AF_UNSPEC	 0
#define AF_UNIX		 1
#define AF_NETLINK	 16 /* only for kernel/linux/cookie_socket.h */

#define SOCK_STREAM	 1
#define SOCK_DGRAM	 2
#define SOCK_SEQPACKET	 5

#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_WAITALL	 0x100
#define MSG_NOSIGNAL	 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SHUT_RECEIVE	 1 /* bits; SHUT_* of the ABI, plus 1 */
#define SHUT_SEND	 2

#define UNIX_PATH_MAX	 108
#define SOCKET_FILES_MAX 253 /* in one message */

struct ucred { /* as on Linux */
	s32 pid;
	u32 uid, gid;
};

/* A struct sockaddr_un and its length.  A path ends with NUL, an abstract name does not. */
struct unix_address {
	u32 length; /* of `family` and `path`; 0: no address */
	u16 family;
	char path[UNIX_PATH_MAX + 1];
};
#define UNIX_ADDRESS_EMPTY 2 /* the length of an address that has only a family */

/* Open files in flight: sent, and not yet received.  Each has a reference. */
struct socket_files {
	u32 count;
	u32 uid; /* the user for which they are counted in flight */
	struct file *file[];
};
void socket_files_put(struct socket_files *files); /* NULL: no effect.  Sleeps. */

/* Data of a message other than its bytes. */
struct socket_message {
	u32 flags;		     /* MSG_* */
	bool truncated;		     /* receive: the datagram was longer */
	struct unix_address address; /* send: the destination; receive: the sender */
	bool has_cred;		     /* send: `cred` is set, instead of the ids of the caller */
	struct ucred cred;	     /* of the sender */
	struct socket_files *files;  /* send: taken over and set to NULL; receive: returned */
};

/* For a plain read() or write(): nothing but the flags.  The path in the address is not cleared. */
static inline void socket_message_init(struct socket_message *m, u32 flags)
{
	m->flags = flags;
	m->truncated = m->has_cred = false;
	m->files = NULL;
	m->address.length = 0;
}

bool unix_is_socket(const struct file *f);

/* Create one socket, or two connected ones.  `flags` may be O_NONBLOCK.  -ENOMEM.  Sleep. */
struct file *unix_socket_create(u32 type, u32 flags);
int unix_socket_pair(u32 type, u32 flags, struct file *pair[2]);

/* bind(2), listen(2), accept(2), connect(2), shutdown(2).  0 or an error of the call; unix_accept()
 * returns a file or ERR_PTR.  All may sleep. */
int unix_bind(struct file *f, const struct unix_address *address);
int unix_listen(struct file *f, u32 backlog);
struct file *unix_accept(struct file *f, u32 flags);
int unix_connect(struct file *f, const struct unix_address *address);
int unix_shutdown(struct file *f, u32 how);
int unix_name(struct file *f, bool peer, struct unix_address *address); /* -ENOTCONN */

/* Send or receive.  Returns the number of bytes, or an error.  If a stream fails with -EPIPE the
 * caller also gets SIGPIPE, unless MSG_NOSIGNAL is set.  Both sleep. */
ssize_t unix_send(struct file *f, struct io_buffer *io, struct socket_message *m);
ssize_t unix_receive(struct file *f, struct io_buffer *io, struct socket_message *m);

/* --- Options (socket(7)) ---------------------------------------------------------------------- */

#define SO_REUSEADDR  2
#define SO_TYPE	      3
#define SO_ERROR      4
#define SO_SNDBUF     7
#define SO_RCVBUF     8
#define SO_PASSCRED   16
#define SO_PEERCRED   17
#define SO_RCVTIMEO   20
#define SO_SNDTIMEO   21
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL   38
#define SO_DOMAIN     39

/* Options whose value is one number.  -ENOPROTOOPT for others. */
int unix_option_get(struct file *f, u32 option, u32 *value);
int unix_option_set(struct file *f, u32 option, u32 value);

void unix_peer_cred(struct file *f, struct ucred *cred);

/* SO_SNDTIMEO or SO_RCVTIMEO, in nanoseconds; 0: no timeout. */
u64 *unix_timeout(struct file *f, bool send);
