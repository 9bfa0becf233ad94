/* SPDX-License-Identifier: MIT
 *
 * Open files in flight: sent over a UNIX socket and not yet received.
 *
 * If sockets in flight could hold other sockets in flight, a socket could be held by a message in
 * its own queue and never be freed, or a chain could be too long to be freed by recursion.  So
 * there are never two in a row: a socket in flight holds no sockets in flight.
 */
#include "kernel/linux/errno.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/socket/unix_socket_internal.h"

#include "kernel/mem/slab.h"

DEFINE_SPINLOCK(flight_lock); /* protects the counts in all sockets */

/* The socket that keeps the packets of `s` alive: its listener until `s` has been accepted. */
static struct socket *holder_of(struct socket *s)
{
	return s->listener ?: s;
}

static void flight_count(struct socket *to, const struct socket_files *files, int by)
{
	for (u32 i = 0; i < files->count; i++) {
		struct socket *s = socket_of(files->file[i]);

		if (!s)
			continue;
		s->in_flight += by;
		to->holding += by;
		if (to->listener)
			to->listener->holding += by;
	}
}

int flight_begin(struct socket *to, struct socket_files *files)
{
	int error = 0;

	files->uid = current_thread()->credentials.uid;
	if (!count_files_in_flight(files->uid, (s32)files->count))
		return -ETOOMANYREFS;
	spin_lock(&flight_lock);
	for (u32 i = 0; i < files->count; i++) {
		struct socket *s = socket_of(files->file[i]);

		if (s && (s->holding || s == holder_of(to) || holder_of(to)->in_flight))
			error = -ETOOMANYREFS;
	}
	if (!error)
		flight_count(to, files, 1);
	spin_unlock(&flight_lock);
	if (error)
		(void)count_files_in_flight(files->uid, -(s32)files->count);
	return error;
}

void flight_end(struct socket *to, const struct socket_files *files)
{
	spin_lock(&flight_lock);
	flight_count(to, files, -1);
	spin_unlock(&flight_lock);
	(void)count_files_in_flight(files->uid, -(s32)files->count);
}

void flight_leave_listener(struct socket *s)
{
	spin_lock(&flight_lock);
	s->listener->holding -= s->holding;
	s->listener = NULL;
	spin_unlock(&flight_lock);
}

void socket_files_put(struct socket_files *files)
{
	for (u32 i = 0; files && i < files->count; i++)
		file_put(files->file[i]);
	kfree(files);
}

struct socket_files *socket_files_copy(const struct socket_files *files)
{
	size_t size = sizeof(*files) + files->count * sizeof(files->file[0]);
	struct socket_files *copy = kmalloc(size);

	if (!copy)
		return NULL;
	copy->count = files->count;
	for (u32 i = 0; i < files->count; i++) {
		copy->file[i] = files->file[i];
		file_get(copy->file[i]);
	}
	return copy;
}
