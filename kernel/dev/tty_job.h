/* SPDX-License-Identifier: MIT
 *
 * The functions of terminals that read or change process groups and sessions.
 */
#pragma once

#include "kernel/task/process.h"

struct tty;

/* Returns whether `session` has a member of `group`. */
bool process_group_exists(pid_t group, pid_t session);

/* Returns whether `p` leads its session. */
bool process_leads_session(const struct process *p);

/* Set the controlling terminal of all processes in the session to `tty`; if `old` is not NULL, only
 * of those whose terminal is `old`. */
void process_session_set_tty(pid_t session, struct tty *old, struct tty *tty);

/* The terminal of `session`, whose foreground group was `foreground`, is gone: send SIGHUP and
 * SIGCONT to the process that leads the session, and to the group when that process ends. */
void process_hang_up(pid_t session, pid_t foreground);

/* Returns whether the calling thread blocks `signal` or its process ignores it. */
bool signal_is_refused(int signal);
