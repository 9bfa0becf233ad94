/* SPDX-License-Identifier: MIT
 *
 * Panic: the kernel stops because something that must be true is not.
 */
#pragma once

#include "kernel/lib/base.h"

/* Stop the kernel with a message that says why.  Calls the handler, which stops the other CPUs and
 * reports; without a handler, logs the message and halts.  Any context. */
void panic(const char *fmt, ...) noreturn __printf(1, 2);

/* Set the function that panic() calls with its message.  stop.c does so. */
typedef void (*panic_handler_t)(const char *message) noreturn;
void panic_set_handler(panic_handler_t handler);

/* True from the first panic on.  Code that waits for a lock must then continue without it. */
extern bool panic_in_progress;

/* A condition that is checked in all builds. */
#define require(cond)                                                                              \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			panic("%s:%d: %s: required: %s", __FILE__, __LINE__, __func__, #cond);     \
	} while (0)

/* A condition that is checked in debug builds only. */
#define assert(cond)                                                                               \
	do {                                                                                       \
		if (HEDDLE_DEBUG)                                                                  \
			require(cond);                                                             \
	} while (0)
