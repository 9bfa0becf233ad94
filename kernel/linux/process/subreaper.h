/* SPDX-License-Identifier: MIT
 *
 * The attribute of prctl(PR_SET_CHILD_SUBREAPER).
 */
#pragma once

#include "kernel/task/process.h"

/* Does the process adopt orphans among its descendants? */
bool *subreaper_of(struct process *p);
