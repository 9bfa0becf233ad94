/* SPDX-License-Identifier: MIT
 *
 * The functions that switch.S calls for a new thread.  The scheduler and the entry code, which are
 * higher rooms, set these pointers when they start.
 */
#include "arch/x86_64/cpu/switch.h"

void (*thread_entry_hook)(struct thread *previous);
void (*thread_user_return)(void);
