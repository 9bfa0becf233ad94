/* SPDX-License-Identifier: MIT
 *
 * The machine of scenarios in which each thread has a CPU of its own: a thread that sleeps waits on
 * its CPU, in schedule(), until it is woken.
 */
#pragma once

#include "kernel/task/thread.h"
#include "tests/unit/explore/explore.h"

extern struct thread explore_threads[ACTORS];

/* Set up the threads, and their CPUs. */
void machine_setup(void);

/* The calling thread ends, and is freed. */
void machine_exit(void);

/* The body of an actor that is the clock: lets the timer of another actor expire, at any time. */
void machine_clock(void);
