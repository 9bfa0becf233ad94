/* SPDX-License-Identifier: MIT
 *
 * Process groups and sessions (POSIX 2.4.4, 11.1; setpgid(2), setsid(2)).  No lock is held by the callers of these functions; none of them sleeps.
 */
#pragma once

#include "kernel/lib/base.h"

struct process;

/* setpgid(pid, group).  0, -ESRCH, -EPERM, -EACCES, -EINVAL. */
int process_set_group(pid_t pid, pid_t group);

/* setsid().  Returns the new session's number, or -EPERM. */
int process_new_session(void);
