/* SPDX-License-Identifier: MIT
 *
 * What the files of this folder share: capabilities, supplementary groups, users.
 */
#pragma once

#include "kernel/task/per_thread.h"

/* --- Capabilities (capabilities.c) ------------------------------------------------------------ */

/* The sets of a thread, one bit for each CAP_*: capabilities(7). */
struct capability_sets {
	u64 effective, permitted, inheritable, bounding, ambient;
	u64 securebits; /* SECURE_* */
};

#define CAPABILITY_ALL	       ((1UL << (CAP_LAST + 1)) - 1)

#define SECURE_NOROOT	       0x01
#define SECURE_NO_SETUID_FIXUP 0x04
#define SECURE_KEEP_CAPS       0x10
#define SECURE_NO_AMBIENT      0x40
#define SECURE_ALL	       0x55
#define SECURE_ALL_LOCKS       0xaa /* each lock is the bit above the one that it locks */

struct capability_sets capabilities_of(const struct thread *t);
void capabilities_set(const struct capability_sets *sets); /* of the calling thread */

/* Ids and sets belong together: other threads see all of a change or nothing of it.  rights_set() is for
 * the calling thread, rights_of() for any. */
void rights_set(const struct credentials *ids, const struct capability_sets *sets);
void rights_of(const struct thread *t, struct credentials *ids, struct capability_sets *sets);

/* Adapt the calling thread's capabilities to a change of its ids: a thread that stops being root
 * loses them (capabilities(7)).  They change in `sets`. */
void capabilities_follow_ids(const struct credentials *old, const struct credentials *new,
			     struct capability_sets *sets);

/* --- Looking into processes (dumpable.c) ------------------------------------------------------ */

bool is_dumpable(const struct thread *t);
void dumpable_set(struct process *p, bool dumpable); /* takes process_lock */

/* The caller may become the tracer of `t`. */
void tracer_note(struct thread *t);

/* Has the thread a tracer that may not trace all?  It must not watch how the thread gets more
 * rights. */
bool is_watched(const struct thread *t);

/* --- Ids (sys_ids.c) -------------------------------------------------------------------------- */

/* Give the calling thread these ids, and the capabilities that follow from the change.  0, or
 * -EAGAIN: no memory to count the threads of the new user. */
int credentials_set(const struct credentials *new);

/* --- Groups (groups.c) ------------------------------------------------------------------------ */

/* Is `gid` the calling thread's group for files or one of its supplementary groups? */
bool in_group(u32 gid);

/* --- Users (users.c) -------------------------------------------------------------------------- */

/* The calling thread, whose ids are the old ones still, becomes one of user `new`.  0 or -EAGAIN:
 * no memory. */
int users_move_thread(u32 new);

/* Has the calling thread's user more threads than RLIMIT_NPROC allows this thread? */
bool users_too_many_threads(void);
