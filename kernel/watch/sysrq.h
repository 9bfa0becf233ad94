/* SPDX-License-Identifier: MIT
 *
 * What a magic key does.  Any extension of kernel/watch can define one; kernel/watch/sysrq serves
 * them, and without it they do nothing.
 */
#pragma once

#include "kernel/lib/linker_set.h"

enum sysrq_when {
	SYSRQ_AT_ONCE, /* in the interrupt: it is short, and takes no lock */
	SYSRQ_TWICE,   /* in a thread; in the interrupt if the key is typed again before that */
	SYSRQ_THREAD,  /* in a thread, where it may sleep */
};

struct sysrq_command {
	char key;
	enum sysrq_when when;
	const char *help;
	void (*serve)(void);
};
LINKER_SET(sysrq_commands, struct sysrq_command);

/* SYSRQ_COMMANDS(variable) = {{'m', SYSRQ_THREAD, "memory", show_memory}, ...}; */
#define SYSRQ_COMMANDS(variable)                                                                   \
	static const struct sysrq_command LINKER_SET_ENTRY(sysrq_commands, struct sysrq_command)   \
	    variable[]
