/* SPDX-License-Identifier: MIT
 *
 * Open files that UNIX sockets carry.
 *
 * A socket that waits in a queue of a socket that waits in a queue ... could hold itself and never
 * be freed, or be the first of a chain too long to be freed by recursion.  So there are no two in a
 * row: what is in flight does not hold sockets.
 */
#include "kernel/linux/socket/unix_socket_internal.h"

#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"

DEFINE_SPINLOCK(flight_lock); /* guards the counts in all sockets */

/* The socket that holds what is queued at `s`: its listener as long as nobody else has it. */
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

int flight_begin(struct socket *to, const struct socket_files *files)
{
	int error = 0;

	spin_lock(&flight_lock);
	for (u32 i = 0; i < files->count; i++) {
		struct socket *s = socket_of(files->file[i]);

		if (s && (s->holding || s == holder_of(to) || holder_of(to)->in_flight))
			error = -ETOOMANYREFS;
	}
	if (!error)
		flight_count(to, files, 1);
	spin_unlock(&flight_lock);
	return error;
}

void flight_end(struct socket *to, const struct socket_files *files)
{
	spin_lock(&flight_lock);
	flight_count(to, files, -1);
	spin_unlock(&flight_lock);
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
