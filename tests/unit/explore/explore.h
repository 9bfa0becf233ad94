/* SPDX-License-Identifier: MIT
 *
 * What a scenario says to the explorer.  A scenario has up to four actors, each with a function and
 * a CPU of its own.  The explorer runs them in every order of their accesses to what they share.
 */
#pragma once

#include "kernel/lib/base.h"

#define ACTORS 4
#define STACKS 8 /* of the actors, then further ones */

struct scenario {
	const char *name;
	void (*setup)(void);	 /* before each exploration; makes the state in which all begin */
	void (*invariant)(void); /* in each state, or NULL; EXPECT() */
	void (*end)(void);	 /* when all actors have returned, or NULL; EXPECT() */
	struct {
		const char *name;
		void (*body)(void);
		bool stays; /* it need not return */
	} actor[ACTORS];
	bool (*interrupt_due)(u32 actor); /* an interrupt may come to it now; or NULL */
	void (*interrupt)(void);	  /* handles it, on the actor's stack */
	bool large;			  /* takes long: left out without -a, unless it is named */
};

extern const struct scenario *const explore_scenarios[]; /* ends with NULL */

/* The actor that runs, 0 in setup(). */
u32 explore_self(void);

/* Report the schedule that led here, and end. */
void explore_fail(const char *fmt, ...) noreturn __printf(1, 2);

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			explore_fail("%s:%d: expected: %s", __FILE__, __LINE__, #cond);            \
	} while (0)

/* Let the others run until the four bytes at `address` are `value`: no access, no barrier. */
void explore_await(const void *address, u32 value);

/* The caller is in a loop that waits for another CPU: let others run until what it read last has
 * changed. */
void explore_relax(void);

/* Let others run until an interrupt has come. */
void explore_halt(void);

/* A full barrier. */
void explore_fence(void);

/* In setup(): be this actor. */
void explore_pretend(u32 actor);

/* For actors that change stacks.  The stack of `sp` is not in use, and all above `sp` stays as it
 * is; or, with explore_unpark(), an actor goes on there, if no other one uses it. */
void explore_park(u64 sp);
void explore_unpark(u64 sp);
u64 explore_stack_top(u32 stack);

/* From now on no other actor may access these bytes: the caller frees them. */
void explore_gone(const void *address, size_t size);

/* Bytes that only count: they do not belong to the state. */
void explore_ignore(const void *address, size_t size);
