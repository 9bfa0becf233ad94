/* SPDX-License-Identifier: MIT
 *
 * Magic keys (Linux: Documentation/admin-guide/sysrq.rst): a person asks the kernel itself for
 * something, by a letter after Alt-SysRq or after a break on the serial line.  The extension
 * kernel/watch/sysrq serves them; without it they do nothing.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"
#include "kernel/lib/linker_set.h"

/* How long after a break a letter is a magic key. */
#define SYSRQ_BREAK_NS (5 * (u64)NSEC_PER_SEC)

struct sysrq_server {
	void (*key)(u8 key);
	/* Called in an NMI.  Returns whether the server has sent it to this CPU. */
	bool (*nmi)(const struct trap_frame *frame);
};
LINKER_SET(sysrq_servers, struct sysrq_server);

/* Serve a magic key.  Called without locks, in any context except NMI. */
static inline void sysrq_key(u8 key)
{
	linker_set_for_each(server, sysrq_servers) server->key(key);
}
