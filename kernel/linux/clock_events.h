/* SPDX-License-Identifier: MIT
 *
 * Functions of extensions that run when CLOCK_REALTIME has been set (clock_settime()).
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct clock_events {
	void (*realtime_set)(void); /* the clock has its new time; may sleep */
};
LINKER_SET(clock_events, struct clock_events);

#define CLOCK_EVENTS(variable)                                                                     \
	static const struct clock_events LINKER_SET_ENTRY(clock_events, struct clock_events)       \
	    variable
