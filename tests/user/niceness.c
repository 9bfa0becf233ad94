/* SPDX-License-Identifier: MIT
 *
 * Nice values of threads, process groups and users. The user of these tests has no other processes,
 * so that the host's keep their values.
 */
#include "check.h"

#define USER 54321

/* Starts a process that waits to be killed, in the process group `group` (0: one of its own). */
static pid_t start(pid_t group)
{
	pid_t pid = SPAWN(for (;;) pause());

	setpgid(pid, group);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

/* What the caller gave us; even root may not be allowed to lower it. */
static int given;

/* What was added to it since. */
static int nice_of(int which, int who)
{
	errno = 0;
	return getpriority(which, (id_t)who) - given;
}

static int set_nice(int which, int who, int nice)
{
	return setpriority(which, (id_t)who, given + nice);
}

static void group(void)
{
	pid_t a = start(0), b = start(a), c = start(0);

	CHECK_EQ(set_nice(PRIO_PROCESS, b, 7), 0);
	CHECK_EQ(nice_of(PRIO_PGRP, a), 0); /* the most favoured one's */
	CHECK_EQ(set_nice(PRIO_PGRP, a, 9), 0);
	CHECK_EQ(nice_of(PRIO_PROCESS, a), 9);
	CHECK_EQ(nice_of(PRIO_PROCESS, b), 9);
	CHECK_EQ(nice_of(PRIO_PROCESS, c), 0);
	CHECK_EQ(nice_of(PRIO_PGRP, a), 9);
	CHECK_EQ(set_nice(PRIO_PROCESS, a, 12), 0);
	CHECK_EQ(nice_of(PRIO_PGRP, a), 9);
	end(a);
	CHECK_EQ(nice_of(PRIO_PGRP, a), 9); /* a group outlives its first process */
	end(b);
	CHECK_ERR(getpriority(PRIO_PGRP, (id_t)a), ESRCH);
	CHECK_ERR(set_nice(PRIO_PGRP, a, 1), ESRCH);
	CHECK_ERR(getpriority(PRIO_PGRP, (id_t)-1), ESRCH);
	end(c);
}

static void own_group(void)
{
	CHECK_EQ(IN_CHILD(setpgid(0, 0); pid_t other = start(getpid());
			  CHECK_EQ(set_nice(PRIO_PGRP, 0, 4), 0);
			  CHECK_EQ(nice_of(PRIO_PROCESS, other), 4);
			  CHECK_EQ(nice_of(PRIO_PROCESS, 0), 4); CHECK_EQ(nice_of(PRIO_PGRP, 0), 4);
			  end(other)),
		 0);
	CHECK_EQ(nice_of(PRIO_PROCESS, 0), 0);
}

/* The process group is the leader's, and each of its threads gets the value. */
static void *waiter(void *pipe_end)
{
	char c;

	(void)!read(*(int *)pipe_end, &c, 1);
	return (void *)(long)nice_of(PRIO_PROCESS, 0);
}

static void threads_of_a_group(void)
{
	CHECK_EQ(IN_CHILD({
			 int ends[2];
			 pthread_t t;
			 void *nice;

			 setpgid(0, 0);
			 MUST(pipe(ends));
			 CHECK_EQ(pthread_create(&t, NULL, waiter, &ends[0]), 0);
			 CHECK_EQ(set_nice(PRIO_PGRP, 0, 6), 0);
			 close(ends[1]);
			 CHECK_EQ(pthread_join(t, &nice), 0);
			 CHECK_EQ((long)nice, 6);
		 }),
		 0);
}

static void user(void)
{
	CHECK_EQ(
	    IN_CHILD(MUST(setuid(USER)); pid_t a = start(0), b = start(0);
		     CHECK_EQ(set_nice(PRIO_PROCESS, a, 3), 0);
		     CHECK_EQ(nice_of(PRIO_USER, 0), 0); CHECK_EQ(set_nice(PRIO_USER, 0, 5), 0);
		     CHECK_EQ(nice_of(PRIO_PROCESS, a), 5); CHECK_EQ(nice_of(PRIO_PROCESS, b), 5);
		     CHECK_EQ(nice_of(PRIO_PROCESS, 0), 5); CHECK_EQ(nice_of(PRIO_USER, USER), 5);
		     /* One that may not be favoured again fails the call; the rest get it. */
		     CHECK_EQ(set_nice(PRIO_PROCESS, a, 10), 0);
		     CHECK_ERR(set_nice(PRIO_USER, 0, 8), EACCES);
		     CHECK_EQ(nice_of(PRIO_PROCESS, a), 10); CHECK_EQ(nice_of(PRIO_PROCESS, b), 8);
		     end(a); end(b)),
	    0);
	CHECK_ERR(getpriority(PRIO_USER, USER), ESRCH);
	CHECK_ERR(set_nice(PRIO_USER, USER, 1), ESRCH);
}

static void others_are_left_alone(void)
{
	pid_t roots = start(0);

	CHECK_EQ(IN_CHILD(MUST(setuid(USER));
			  CHECK_ERR(set_nice(PRIO_PGRP, roots, 5), EPERM);
			  CHECK_EQ(nice_of(PRIO_PGRP, roots), 0)),
		 0);
	CHECK_EQ(nice_of(PRIO_PROCESS, roots), 0);
	CHECK_ERR(set_nice(3, 0, 0), EINVAL);
	CHECK_ERR(getpriority(-1, 0), EINVAL);
	end(roots);
}

int main(void)
{
	check_start();
	given = getpriority(PRIO_PROCESS, 0);
	RUN(group);
	RUN(own_group);
	RUN(threads_of_a_group);
	RUN(user);
	RUN(others_are_left_alone);
	return check_end();
}
