/* SPDX-License-Identifier: MIT
 *
 * An orderly end of the machine that a person has asked for without a shell.
 */
#include "kernel/dev/machine/shutdown.h"

#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/pc/power.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"
#include "kernel/task/process.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"

#define INIT_NS	 (10 * (u64)NSEC_PER_SEC) /* for init to end all programs */
#define TERM_NS	 (2 * (u64)NSEC_PER_SEC)  /* from SIGTERM to SIGKILL */
#define KILL_NS	 (1 * (u64)NSEC_PER_SEC)
#define CHECK_NS (50 * NSEC_PER_MSEC)

static struct lock_class shutdown_class = {"shutdown", 0};
static struct spinlock shutdown_lock = SPINLOCK_INIT(&shutdown_class); /* irq */
static struct wait_queue shutdown_wait = WAIT_QUEUE_INIT(shutdown_wait, "shutdown");
static const char *requested; /* under shutdown_lock: the cause */

/* Does init have a handler for the signal, or does it block the signal to wait for it? */
static bool init_knows(int signal)
{
	struct signals *s = &init_process->signals;
	u64 flags = spin_lock_irq(&s->lock);
	struct thread *leader = init_process->leader;
	bool knows = leader && s->actions &&
		     (leader->signals.mask & SIGNAL_BIT(signal) ||
		      READ_ONCE(s->actions->of[signal - 1].handler) > (u64)SIG_IGN);

	spin_unlock_irq(&s->lock, flags);
	return knows;
}

/* Send the signal (0: none) to all processes except init.  Is there one that has not ended? */
static bool programs_left(int signal)
{
	bool left = false;
	struct process *p;
	pid_t from = 2;

	while ((p = process_next(from))) {
		left |= !READ_ONCE(p->zombie);
		(void)signal_send_member(p, signal, NULL);
		from = p->pid + 1;
		process_put(p);
	}
	return left;
}

/* Send the signal to all programs, and wait until they have ended. */
static void end_programs(int signal, u64 ns)
{
	u64 end = clock_now_ns() + ns;

	(void)programs_left(signal);
	while (programs_left(0) && clock_now_ns() < end)
		sleep_until(clock_now_ns() + CHECK_NS, 0);
}

static void shut_down(const char *cause)
{
	if (init_process && init_knows(SIGUSR2)) {
		log_info("%s: init ends all programs, then the machine is switched off. Press "
			 "again to switch off at once",
			 cause);
		signal_send_process(init_process, SIGUSR2, NULL);
		sleep_until(clock_now_ns() + INIT_NS, 0);
		log_warn("%s: init did not switch the machine off within %lu s", cause,
			 (unsigned long)(INIT_NS / NSEC_PER_SEC));
	} else {
		log_info("%s: all programs are ended, then the machine is switched off. Press "
			 "again to switch off at once",
			 cause);
	}
	(void)programs_left(SIGCONT);
	end_programs(SIGTERM, TERM_NS);
	end_programs(SIGKILL, KILL_NS);
	log_info("%s: switching off", cause);
	power_off(EXIT_STATUS_OK);
}

static void shutdown_thread(void *unused)
{
	u64 flags = spin_lock_irq(&shutdown_lock);

	while (!requested)
		wait_sleep_irq(&shutdown_wait, &shutdown_lock, WAIT_FOREVER, 0);
	spin_unlock_irq(&shutdown_lock, flags);
	shut_down(requested);
}

void shutdown_request(const char *cause)
{
	u64 flags = spin_lock_irq(&shutdown_lock);
	bool again = requested;

	requested = cause;
	spin_unlock_irq(&shutdown_lock, flags);
	if (again) {
		log_info("%s, again: switching off at once", cause);
		power_off(EXIT_STATUS_OK);
	}
	wait_wake_all(&shutdown_wait);
}

static void shutdown_init(void)
{
	if (IS_ERR(kthread_create("shutdown", shutdown_thread, NULL)))
		log_warn("power button: not used: no memory for its thread");
}

INIT_CALL(93, shutdown_init);
