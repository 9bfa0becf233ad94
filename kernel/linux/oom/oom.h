/* SPDX-License-Identifier: MIT
 *
 * What the two files of this folder share: who is ended when memory has run out.
 */
#pragma once

#include "kernel/task/process.h"

#define OOM_NEVER INT64_MIN
#define OOM_MOST  1000 /* oom_score_adj; -OOM_MOST: never chosen */

/* What the choice looks at, and what is told about the one that is chosen. */
struct candidate {
	pid_t pid, parent;
	char name[16], parent_name[16]; /* as in struct thread */
	bool is_login;			/* leads a session on a terminal that init has begun */
	s32 adjustment;			/* oom_score_adj */
	u64 anon, file, shared, tables; /* its memory in frames, by kind */
};

static inline u64 candidate_frames(const struct candidate *c)
{
	return c->anon + c->file + c->shared + c->tables;
}

/* Fill *c, and return how good a choice the process is, as Linux counts: its frames, plus
 * oom_score_adj thousandths of the `total` frames.  OOM_NEVER: init, a process without memory of
 * its own (it ends, or has that of init or of its parent, as after vfork(): then the parent counts),
 * and one whose oom_score_adj is -1000.  Takes
 * process_lock. */
s64 candidate_points(struct process *p, u64 total, struct candidate *c);
