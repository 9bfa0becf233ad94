/* SPDX-License-Identifier: MIT
 *
 * RLIMIT_CPU.
 */
#pragma once

struct process;

/* The limit of the process has changed. */
void cpu_limit_changed(struct process *p);
