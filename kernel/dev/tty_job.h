/* SPDX-License-Identifier: MIT
 *
 * What terminals ask of process groups and sessions.
 */
#pragma once

#include "kernel/task/process.h"

struct tty;

/* Is there a member of `group` in `session`? */
bool process_group_exists(pid_t group, pid_t session);

/* Is `p` the leader of its session? */
bool process_leads_session(const struct process *p);

/* Set the controlling terminal of all processes in the session to `tty`; if `old` is not NULL, only
 * of those whose terminal is `old`. */
void process_session_set_tty(pid_t session, struct tty *old, struct tty *tty);

/* Does the calling thread block `signal`, or does its process ignore it? */
bool signal_is_refused(int signal);
