/* SPDX-License-Identifier: MIT
 *
 * What `race` (user/race.c), which runs a program under many schedules, and the runtime in that
 * program share: one block of memory, descriptor RACE_FD of the program.  See docs/race.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RACE_FD	       100
#define RACE_THREADS   60
#define RACE_EVENTS    40000
#define RACE_SCHEDULE  (64 * 1024)
#define RACE_NO_THREAD 255

/* The kinds of events, and their names for tools/race.py. */
#define RACE_KINDS(X)                                                                              \
	X(READ, "read")                                                                            \
	X(WRITE, "write") X(ATOMIC_READ, "atomic-read") X(ATOMIC_WRITE, "atomic-write")            \
	    X(ATOMIC_CHANGE, "atomic-change") X(FENCE, "fence") X(LOCK_WAIT, "lock-wait")          \
		X(LOCK, "lock") X(LOCK_FAILED, "lock-failed") X(UNLOCK, "unlock") X(COND_WAIT,     \
										    "cond-wait")   \
		    X(COND_WAKE, "cond-wake") X(COND_TIMEOUT, "cond-timeout") X(SIGNAL, "signal")  \
			X(BROADCAST, "broadcast") X(SEM_WAIT, "sem-wait") X(SEM_TAKE, "sem-take")  \
			    X(SEM_FAILED, "sem-failed") X(SEM_POST, "sem-post")                    \
				X(BARRIER_WAIT, "barrier-wait") X(BARRIER_PASS, "barrier-pass")    \
				    X(CREATE, "create") X(START, "start") X(END, "end")            \
					X(JOIN_WAIT, "join-wait") X(JOIN, "join")                  \
					    X(YIELD, "yield") X(SLEEP, "sleep") X(ONCE, "once")    \
						X(MALLOC, "malloc") X(FREE, "free")                \
						    X(EXIT, "exit") X(CRASH, "crash")              \
							X(BAD_ACCESS, "bad-access")                \
							    X(BAD_FREE, "bad-free")

#define RACE_ENUM(name, text) RACE_##name,
enum race_kind { RACE_KINDS(RACE_ENUM) RACE_KIND_COUNT };
#undef RACE_ENUM

/* Locks: the value of events LOCK, LOCK_WAIT and UNLOCK. */
enum race_lock { RACE_MUTEX, RACE_READ_LOCK, RACE_WRITE_LOCK, RACE_SPIN_LOCK };

struct race_event {
	uint8_t thread, kind, size;
	uint8_t owner; /* the thread in whose stack the address lies, or RACE_NO_THREAD */
	uint8_t point; /* a call of sched_yield() came before it: a decision */
	uint32_t pc;
	uint32_t frame_pc;    /* an address in the function whose frame has the address */
	int32_t frame_offset; /* from that frame's CFA */
	uint64_t address, value, old;
};

/* What the runtime found itself; the process has ended by RACE_EXIT. */
enum race_verdict { RACE_NOTHING, RACE_BAD_MEMORY, RACE_TOO_LONG, RACE_UNSUPPORTED };
#define RACE_EXIT 97

struct race_shared {
	/* Set by race. */
	uint32_t steps_max;
	uint32_t stop_at; /* call race_stop() at this event; 0: never */
	char schedule[RACE_SCHEDULE];
	/* Set by the runtime. */
	uint32_t started; /* the kernel has taken the schedule */
	uint32_t verdict;
	uint32_t steps, count, dropped;
	char message[128];
	struct race_event events[RACE_EVENTS];
};
