/* SPDX-License-Identifier: MIT
 *
 * What a process has used, for itself and for others.
 */
#pragma once

struct process;
struct resource_use;

/* Fill *use with the resource use of the threads of `p`, living and ended, without its children;
 * and with the largest number of resident pages so far.  Takes process_lock, and releases it now and
 * then if interrupts are on. */
void process_resource_use(struct process *p, struct resource_use *use);
