/* SPDX-License-Identifier: MIT
 *
 * Sockets by which the kernel sends a program a few bytes: those of AF_NETLINK.  The C libraries
 * use one for mq_notify() with SIGEV_THREAD.  The extension that has sockets defines the one entry
 * of this set; without it there are no such sockets.
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct file;

struct cookie_socket {
	bool (*is)(struct file *f);
	/* Send `size` bytes to the program that reads from `f`.  If the socket is full they are
	 * lost.  Sleeps. */
	void (*send)(struct file *f, void *data, size_t size);
};
LINKER_SET(cookie_sockets, struct cookie_socket);
