/* SPDX-License-Identifier: MIT
 *
 * The host's stand-in for tests that name the calling thread themselves.
 */
#pragma once

#include "kernel/lib/base.h"

extern struct thread *host_thread;

static inline struct thread *current_thread(void)
{
	return host_thread;
}
