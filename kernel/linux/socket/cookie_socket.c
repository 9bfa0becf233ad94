/* SPDX-License-Identifier: MIT
 *
 * Sockets of AF_NETLINK (kernel/linux/cookie_socket.h): datagram sockets without a name and a peer,
 * to which only the kernel sends.
 */
#include "kernel/linux/cookie_socket.h"

#include "kernel/linux/socket/unix_socket_internal.h"

static bool is_netlink(struct file *f)
{
	return unix_is_socket(f) && socket_of(f)->is_netlink;
}

static void send(struct file *f, void *data, size_t size)
{
	struct socket_message m = {0};
	struct io_buffer io;

	io_init_kernel(&io, data, size);
	(void)socket_send_to(socket_of(f), socket_of(f), &io, &m, false);
}

static const struct cookie_socket LINKER_SET_ENTRY(cookie_sockets, struct cookie_socket) entry = {
    .is = is_netlink,
    .send = send,
};
