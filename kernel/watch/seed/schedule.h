/* SPDX-License-Identifier: MIT
 *
 * Schedules of a seed group (docs/race.md): the group is scheduled by strategy instead of by
 * instruction count.  A member gives up the CPU only at a *decision*: when it calls sched_yield(),
 * sleeps or ends.  The strategy then chooses the next holder among the ready members.
 *
 * Each decision is recorded.  A decision is named by the number of the member and by how many
 * decisions this member has made before: 1.12 is the twelfth decision of member 1.  `1.12>2` says
 * that member 2 was chosen there although the default was another member.  A list of such words is
 * a complete description of a schedule and can be replayed.
 */
#pragma once

#include "kernel/lib/base.h"

struct seed_group;
struct seed_member;
struct text;
struct thread;

/* One decision.  `ready` has a bit for each member below 64 that could be chosen. */
struct seed_decision {
	u32 member, point, chosen, by_default;
	u64 ready;
};

/* Create a schedule from its description: "random SEED", "pct SEED DEPTH STEPS" or "replay
 * [WORD...]".  ERR_PTR(-EINVAL) or ERR_PTR(-ENOMEM).  Sleeps. */
struct schedule *schedule_create(const char *text);
void schedule_free(struct schedule *s);

/* Append words to the list that is replayed.  0, -EINVAL or -ENOSPC. */
int schedule_add(struct schedule *s, const char *text);

/* A member joins; sets its priority. */
void schedule_join(struct schedule *s, struct seed_member *m);

/* Make a decision: the member that runs next, which may be `prev` if it is runnable.  NULL: no
 * member is ready.  The lock of the group's run queue is held. */
struct thread *schedule_choose(struct seed_group *g, struct thread *prev);

/* Add the words of the schedule so far, or one line for each decision.  Sleep. */
void schedule_write(const struct schedule *s, struct text *text);
void schedule_write_decisions(const struct schedule *s, struct text *text);
const char *schedule_strategy(const struct schedule *s);
