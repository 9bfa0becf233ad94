/* SPDX-License-Identifier: MIT
 *
 * What programs set about their scheduling, and read back: policies, attributes, real-time
 * priorities, priorities of input and output; and who may.
 */
#include <sched.h>

#include "check.h"

#define SCHED_DEADLINE_	    6
#define RESET_ON_FORK	    0x40000000
#define FLAG_RESET_ON_FORK  1
#define FLAG_KEEP_POLICY    8
#define FLAG_KEEP_PARAMS    16
#define IOPRIO(class, data) ((class) << 13 | (data))

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t more[8];
};

static int setattr(pid_t pid, void *attr, unsigned flags)
{
	return (int)syscall(SYS_sched_setattr, pid, attr, flags);
}

static int getattr(pid_t pid, void *attr, unsigned size, unsigned flags)
{
	return (int)syscall(SYS_sched_getattr, pid, attr, size, flags);
}

static int set_scheduler(pid_t pid, int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return (int)syscall(SYS_sched_setscheduler, pid, policy, &param);
}

static int policy_of(pid_t pid)
{
	return (int)syscall(SYS_sched_getscheduler, pid);
}

static void attributes(void)
{
	int given = getpriority(PRIO_PROCESS, 0); /* which even root may not be allowed to lower */
	struct attr a = {.size = 48, .nice = 5}, got = {0};

	CHECK_EQ(IN_CHILD(
		     CHECK_EQ(getattr(0, &got, 48, 0), 0); CHECK_EQ(got.policy, SCHED_OTHER);
		     CHECK_EQ(got.nice, given); CHECK_EQ(got.size >= 48, true);
		     CHECK_EQ(setattr(0, &a, 0), 0); CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
		     a.policy = SCHED_BATCH; a.nice = 9; a.flags = FLAG_RESET_ON_FORK;
		     CHECK_EQ(setattr(0, &a, 0), 0); CHECK_EQ(policy_of(0), SCHED_BATCH | RESET_ON_FORK);
		     CHECK_EQ(getattr(0, &got, 48, 0), 0); CHECK_EQ(got.flags, FLAG_RESET_ON_FORK);
		     CHECK_EQ(got.nice, 9);
		     CHECK_EQ(IN_CHILD(CHECK_EQ(policy_of(0), SCHED_BATCH);
				       CHECK_EQ(getpriority(PRIO_PROCESS, 0), 9)),
			      0);
		     a = (struct attr){.size = 48, .policy = SCHED_RR, .priority = 7};
		     CHECK_EQ(setattr(0, &a, 0), 0); CHECK_EQ(policy_of(0), SCHED_RR);
		     struct sched_param p = {0}; CHECK_EQ(syscall(SYS_sched_getparam, 0, &p), 0);
		     CHECK_EQ(p.sched_priority, 7); a.flags = FLAG_KEEP_POLICY; a.priority = 8;
		     a.policy = SCHED_OTHER; CHECK_EQ(setattr(0, &a, 0), 0);
		     CHECK_EQ(policy_of(0), SCHED_RR); CHECK_EQ(syscall(SYS_sched_getparam, 0, &p), 0);
		     CHECK_EQ(p.sched_priority, 8);
		     /* Real time has no nice value, but it comes back. */
		     CHECK_EQ(getattr(0, &got, 48, 0), 0); CHECK_EQ(got.nice, 0);
		     CHECK_EQ(set_scheduler(0, SCHED_OTHER, 0), 0);
		     CHECK_EQ(getpriority(PRIO_PROCESS, 0), 9)),
		 0);
}

static void attribute_errors(void)
{
	struct attr a = {.size = 48}, got;

	CHECK_ERR(setattr(0, NULL, 0), EINVAL);
	CHECK_ERR(setattr(0, BAD, 0), EFAULT);
	CHECK_ERR(setattr(-1, &a, 0), EINVAL);
	CHECK_ERR(setattr(0, &a, 1), EINVAL);
	CHECK_ERR(setattr(4000000, &a, 0), ESRCH);
	a.flags = 1ULL << 40;
	CHECK_ERR(setattr(0, &a, 0), EINVAL);
	a.flags = 0;
	a.policy = 99;
	CHECK_ERR(setattr(0, &a, 0), EINVAL);
	a.policy = SCHED_RR;
	CHECK_ERR(setattr(0, &a, 0), EINVAL);
	a.priority = 100;
	CHECK_ERR(setattr(0, &a, 0), EINVAL);
	a = (struct attr){.size = 47};
	CHECK_ERR(setattr(0, &a, 0), E2BIG);
	CHECK(a.size >= 48);
	a = (struct attr){.size = 5000};
	CHECK_ERR(setattr(0, &a, 0), E2BIG);
	a = (struct attr){.size = sizeof(a)};
	a.more[7] = 1;
	CHECK_ERR(setattr(0, &a, 0), E2BIG);
	a.more[7] = 0;
	CHECK_EQ(setattr(0, &a, 0), 0);
	a.size = 0;
	CHECK_EQ(setattr(0, &a, 0), 0);
	CHECK_ERR(getattr(0, NULL, 48, 0), EINVAL);
	CHECK_ERR(getattr(0, BAD, 48, 0), EFAULT);
	CHECK_ERR(getattr(0, &got, 47, 0), EINVAL);
	CHECK_ERR(getattr(0, &got, 5000, 0), EINVAL);
	CHECK_ERR(getattr(0, &got, 48, 1), EINVAL);
	CHECK_ERR(getattr(-1, &got, 48, 0), EINVAL);
	CHECK_ERR(getattr(4000000, &got, 48, 0), ESRCH);
	/* A deadline whose numbers do not fit. */
	a = (struct attr){.size = 48, .policy = SCHED_DEADLINE_, .runtime = 2000, .deadline = 1000};
	CHECK_ERR(setattr(0, &a, 0), EINVAL);
	a.runtime = 0;
	CHECK_ERR(setattr(0, &a, 0), EINVAL);
	CHECK_ERR(set_scheduler(0, SCHED_DEADLINE_, 0), EINVAL);
	CHECK_EQ(sched_get_priority_max(SCHED_DEADLINE_), 0);
	CHECK_ERR(sched_get_priority_max(4), EINVAL);
	CHECK_ERR(sched_get_priority_min(8), EINVAL);
}

static void reset_on_fork(void)
{
	static const int policies[] = {SCHED_FIFO, SCHED_RR};

	for (size_t i = 0; i < COUNT_OF(policies); i++)
		CHECK_EQ(IN_CHILD(CHECK_EQ(set_scheduler(0, policies[i] | RESET_ON_FORK, 5), 0);
				  CHECK_EQ(policy_of(0), policies[i] | RESET_ON_FORK);
				  CHECK_EQ(IN_CHILD(struct sched_param p = {.sched_priority = 3};
						    CHECK_EQ(policy_of(0), SCHED_OTHER);
						    syscall(SYS_sched_getparam, 0, &p);
						    CHECK_EQ(p.sched_priority, 0)),
					   0)),
			 0);
	CHECK_EQ(IN_CHILD(MUST(setpriority(PRIO_PROCESS, 0, -7));
			  CHECK_EQ(set_scheduler(0, SCHED_OTHER | RESET_ON_FORK, 0), 0);
			  CHECK_EQ(IN_CHILD(CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
					    CHECK_EQ(policy_of(0), SCHED_OTHER)),
				   0)),
		 0);
}

static void interval(void)
{
	struct timespec t = {5, 5};

	CHECK_EQ(IN_CHILD(CHECK_EQ(set_scheduler(0, SCHED_FIFO, 1), 0);
			  CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &t), 0);
			  CHECK_EQ(t.tv_sec, 0); CHECK_EQ(t.tv_nsec, 0);
			  CHECK_EQ(set_scheduler(0, SCHED_RR, 1), 0);
			  CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &t), 0);
			  CHECK(t.tv_sec == 0 && t.tv_nsec > 0)),
		 0);
}

/* For a user without privilege. */
static void for_others(void)
{
	struct rlimit none = {0, 0};
	struct attr a = {.size = 48, .policy = SCHED_DEADLINE_, .runtime = 10000000,
			 .deadline = 30000000, .period = 30000000};
	pid_t mine = SPAWN(pause());

	if (!has_call(SYS_setuid) || !has_call(SYS_setrlimit)) {
		kill(mine, SIGKILL);
		wait_status(mine);
		SKIP_IF(true, "no setuid()");
	}
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_NICE, &none)); MUST(setrlimit(RLIMIT_RTPRIO, &none));
			  MUST(set_scheduler(0, SCHED_OTHER | RESET_ON_FORK, 0)); MUST(setuid(65534));
			  CHECK_ERR(set_scheduler(0, SCHED_RR, 1), EPERM);
			  CHECK_ERR(set_scheduler(0, SCHED_OTHER, 0), EPERM);
			  CHECK_EQ(set_scheduler(0, SCHED_BATCH | RESET_ON_FORK, 0), 0);
			  CHECK_EQ(set_scheduler(0, SCHED_IDLE | RESET_ON_FORK, 0), 0);
			  CHECK_ERR(set_scheduler(0, SCHED_OTHER | RESET_ON_FORK, 0), EPERM);
			  CHECK_ERR(setattr(0, &a, 0), EPERM);
			  CHECK_ERR(set_scheduler(mine, SCHED_BATCH, 0), EPERM);
			  CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 4)), EPERM);
			  CHECK_ERR(syscall(SYS_ioprio_set, 1, mine, IOPRIO(2, 4)), EPERM)),
		 0);
	CHECK_EQ(policy_of(mine), SCHED_OTHER);
	kill(mine, SIGKILL);
	wait_status(mine);
}

static void io_priorities(void)
{
	CHECK_EQ(IN_CHILD(
		     CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 0);
		     CHECK_EQ(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 6)), 0);
		     CHECK_EQ(syscall(SYS_ioprio_get, 1, getpid()), IOPRIO(2, 6));
		     CHECK_EQ(IN_CHILD(CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), IOPRIO(2, 6));
				       MUST(setpgid(0, 0));
				       CHECK_EQ(syscall(SYS_ioprio_get, 2, 0), IOPRIO(2, 6));
				       CHECK_EQ(syscall(SYS_ioprio_set, 2, 0, IOPRIO(3, 0)), 0);
				       CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), IOPRIO(3, 0))),
			      0);
		     CHECK_EQ(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 0)), 0);
		     CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), IOPRIO(1, 0))),
		 0);
	CHECK_ERR(syscall(SYS_ioprio_get, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, 1, 4000000), ESRCH);
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, IOPRIO(4, 0)), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 1)), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 4000000, IOPRIO(2, 0)), ESRCH);
	CHECK_ERR(syscall(SYS_ioprio_set, 9, 0, IOPRIO(2, 0)), EINVAL);
}

static void use_cpus(int one, int other)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(one, &set);
	CPU_SET(other, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

/* All that wait in the longest queue are pinned to its CPU: an idle CPU takes a thread out of
 * another queue. */
static void other_queue(void)
{
	enum { PINNED = 4, ALL = PINNED + 2 };
	volatile int *ready = map_shared(PAGE), *go = ready + ALL, *moved = go + 1;
	int cpus[3], count = 0;
	pid_t pids[ALL];
	cpu_set_t all;

	MUST(sched_getaffinity(0, sizeof(all), &all));
	for (int i = 0; i < CPU_SETSIZE && count < 3; i++)
		if (CPU_ISSET(i, &all))
			cpus[count++] = i;
	if (count < 3)
		return;
	for (int i = 0; i < ALL; i++)
		pids[i] = SPAWN({
			int own = cpus[i >= PINNED];
			unsigned now = (unsigned)own;

			use_cpus(own, own);
			ready[i] = 1;
			while (i < PINNED || !*go)
				;
			use_cpus(own, cpus[2]);
			while ((int)now != cpus[2])
				MUST(syscall(SYS_getcpu, &now, NULL, NULL));
			*moved = 1;
			pause();
		});
	for (int i = 0; i < ALL; i++)
		WAIT_UNTIL(ready[i]);
	*go = 1;
	WAIT_UNTIL(*moved);
	for (int i = 0; i < ALL; i++) {
		kill(pids[i], SIGKILL);
		CHECK_EQ(wait_status(pids[i]), KILLED(SIGKILL));
	}
}

int main(void)
{
	check_start();
	RUN(attributes);
	RUN(attribute_errors);
	RUN(reset_on_fork);
	RUN(interval);
	RUN(for_others);
	RUN(io_priorities);
	RUN(other_queue);
	return check_end();
}
