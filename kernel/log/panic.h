/* SPDX-License-Identifier: MIT
 *
 * The kernel stops: a broken rule.
 */
#pragma once

#include "kernel/lib/base.h"

/* Stop the kernel, saying why.  The roof gives the function that stops the other CPUs and prints
 * registers, backtrace, locks and last events; before that the message alone is logged and the
 * processor halts.  Any context. */
void panic(const char *fmt, ...) noreturn __printf(1, 2);

typedef void (*panic_handler_t)(const char *message) noreturn;
void panic_set_handler(panic_handler_t handler);

/* True from the first panic on: locks are no longer to be waited for. */
extern bool panic_in_progress;

/* Checked always. */
#define require(cond)                                                                              \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			panic("%s:%d: %s: required: %s", __FILE__, __LINE__, __func__, #cond);     \
	} while (0)

/* Checked in debug builds. */
#define assert(cond)                                                                               \
	do {                                                                                       \
		if (HEDDLE_DEBUG)                                                                  \
			require(cond);                                                             \
	} while (0)
