/* SPDX-License-Identifier: MIT
 *
 * What the files of bench share.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096UL

/* Memory shared by the two tasks of a benchmark, which are threads or processes. */
struct shared {
	int word;	     /* the futex; or: 1: the partner is ready, 2: it must stop */
	unsigned long count; /* the partner's operations */
	int64_t ns;	     /* the partner's time */
};

/* The other task of a benchmark: runs `run` in a thread or a process, on CPU `cpu`. */
struct partner {
	void (*run)(void);
	int cpu;
	pthread_t thread;
	pid_t pid;
};

extern struct shared *shared;
extern int cpus[2];
extern char *self;	 /* the path of this program */
extern char exit_word[]; /* the argument with which it ends at once */

void die(const char *what); /* print `what` and errno, and exit */
int64_t now(void);	    /* nanoseconds; with -c cycles */
void close_both(int fds[2]);
void reap(pid_t pid); /* wait for a child, which must have succeeded */
void echo(int from, int to); /* write each byte that comes from `from` to `to`, until its end */
int64_t vfork_exec_with(char **argv, long n); /* run this program n times */
void partner_start(struct partner *p, int as_process);
void partner_end(struct partner *p);

/* Two tasks have yielded to each other, `n` and `partner` times: the time of n switches. */
int64_t time_of_switches(int64_t time, long n, unsigned long partner);

/* Each benchmark does n operations and returns the nanoseconds that all of them took. */

/* messages.c */
int64_t condvar(long n);
int64_t socket_byte(long n);
int64_t pipe_kib(long n);
int64_t socket_kib(long n);

/* files.c */
int64_t proc_stat(long n);
int64_t proc_maps(long n);
int64_t dir_stat(long n);
int64_t dir_rename(long n);

/* others.c */
int64_t exec_argument(long n);
int64_t file_fault(long n);
int64_t fault_signal(long n);
int64_t signal_caught(long n);
int64_t yield_fpu(long n);
int64_t set_action(long n);
int64_t unknown_call(long n);
