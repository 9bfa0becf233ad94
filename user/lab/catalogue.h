/* SPDX-License-Identifier: MIT
 *
 * All labs, in the order of the course.
 */
#pragma once

static const struct {
	const char *name, *title;
} catalogue[] = {
    {"registers", "each thread has its own registers"},
    {"stack", "each thread has its own stack, last in, first out"},
    {"memory", "a process has its own memory; its threads share it"},
    {"resources", "files, directory, signals: the process's or the thread's?"},
    {"many", "many processes, one program"},
    {"background", "what runs when nothing seems to run"},
    {"overhead", "every page frame of a process and of a thread"},
    {"creation", "fork, exec, pthread_create: what they cost, and why"},
    {"termination", "how processes and threads end, and what is left over"},
    {"scale", "from one to 10,000 processes and threads"},
    {"switching", "a switch between processes, and between threads"},
    {"concurrency", "several threads on one CPU: they take turns"},
    {"parallelism", "several CPUs: threads run at the same time"},
    {"io", "while one thread waits, another runs"},
    {"responsive", "one thread computes, another answers the keys"},
    {"threading", "POSIX, C11, Win32: three libraries, the same calls"},
    {"isolation", "what one process may not do to another"},
    {"stability", "what ends when one crashes"},
    {"races", "lost updates, lost wake-ups, deadlock; and how to avoid them"},
    {"dependence", "one stops: which others must wait"},
    {"gil", "an interpreter's lock: threads that only take turns"},
    {"ipc", "pipes, sockets, shared memory, shared variables"},
    {"browser", "a browser: each tab is a process of three threads"},
    {"drive", "you are the scheduler: break a program"},
};

#define CATALOGUE (sizeof(catalogue) / sizeof(*catalogue))
