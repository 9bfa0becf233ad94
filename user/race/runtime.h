/* SPDX-License-Identifier: MIT
 *
 * The runtime that `make race` links with a learner's program.  The functions race_NAME() replace
 * NAME() of the C library in that program's own object files (tools/race.py renames the symbols);
 * the compiler calls the functions __tsan_*() before each access.
 */
#pragma once

#include "user/race/race.h"

#include <pthread.h>
#include <stddef.h>

#define FRAMES_MAX 128

/* A thread of the program. */
struct rt_thread {
	uint8_t number;
	bool ended;
	pthread_t id;
	int inside;	    /* in the runtime: accesses are not recorded */
	int64_t unsettled;  /* index of a write whose value has not been read yet; -1 */
	uint64_t low, high; /* its stack */
	int depth;
	struct {
		uint32_t pc;
		uint64_t cfa;
	} frames[FRAMES_MAX];
};

extern struct race_shared *rt_shared; /* NULL: the program runs without `race` */
extern __thread struct rt_thread *rt_self;
extern struct rt_thread rt_threads[RACE_THREADS];

#define CALLER ((uint32_t)(uintptr_t)__builtin_return_address(0))

/* A scheduling point: the kernel may let another thread run.  Records nothing.  False: the caller
 * is not watched. */
bool rt_point(void);
bool rt_point_yield(void); /* the same, and another thread is preferred */

/* Record an event.  `point`: it is what the thread does after rt_point(). */
struct race_event *rt_log(enum race_kind kind, uint32_t pc, bool point, const void *address,
			  size_t size, uint64_t value);

/* A scheduling point before a plain access, and its record.  A write's value is read later. */
void rt_access(uint32_t pc, const void *address, size_t size, bool write);

uint64_t rt_load(const void *address, size_t size);

/* End the process: the runtime has found something. */
_Noreturn void rt_give_up(enum race_verdict verdict, const char *message);

/* End the process if the bytes are in freed memory or beyond a block. */
void rt_heap_check(uint32_t pc, const void *address, size_t size);

void rt_thread_started(struct rt_thread *t);
void rt_settle(void);
