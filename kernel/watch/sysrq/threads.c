/* SPDX-License-Identifier: MIT
 *
 * The states of all threads of programs.  They are found one by one, by their numbers, so that no
 * lock is held for long however many there are.
 */
#include "arch/x86_64/cpu/clock_read.h"
#include "arch/x86_64/pc/console.h"
#include "kernel/log/log.h"
#include "kernel/task/process.h"
#include "kernel/task/sched.h"
#include "kernel/task/wait.h"
#include "kernel/watch/symbols.h"
#include "kernel/watch/sysrq.h"
#include "kernel/watch/sysrq/backtrace.h"

#define PAUSE_NS (10 * (u64)NSEC_PER_MSEC)
#define PAUSES	 100

static const char state_letters[] = "RSDTX";
static const char *const state_words[] = {"runnable", "sleeps", "blocked", "stopped", "ended"};

/* Sleep while the slowest console has no room, but not for ever: it may be stuck. */
static void wait_for_consoles(void)
{
	for (u32 i = 0; i < PAUSES && console_room() < 0; i++)
		sleep_until(clock_now_ns() + PAUSE_NS, 0);
}

static void show_locks(const struct thread *t)
{
	u32 count = LOCKDEP ? MIN(READ_ONCE(t->held.count), (u32)LOCKDEP_HELD_MAX) : 0;

	for (u32 i = 0; i < count; i++) {
		const struct held_lock *h = &t->held.held[i];
		const struct lock_class *class = READ_ONCE(h->class);
		char where[64];

		symbol_format(where, sizeof(where), (u64)READ_ONCE(h->where));
		log_info("    holds %s %p, taken at %s", class ? class->name : "(tried)", h->lock,
			 where);
	}
}

static void show_thread(struct thread *t)
{
	enum thread_state state = READ_ONCE(t->state);
	bool runs = READ_ONCE(t->on_cpu);
	const char *waits_for = runs ? NULL : READ_ONCE(t->wait.name);
	u64 user_ns, kernel_ns;
	struct backtrace b;

	thread_times(t, &user_ns, &kernel_ns);
	log_info("  %d %s (process %d): %c, %s%s%s%s; CPU %u; user %lu ms, kernel %lu ms%s", t->tid,
		 t->name, t->pid, state_letters[state], runs ? "running" : state_words[state],
		 waits_for ? " for \"" : "", waits_for ?: "", waits_for ? "\"" : "",
		 READ_ONCE(t->cpu), (unsigned long)(user_ns / NSEC_PER_MSEC),
		 (unsigned long)(kernel_ns / NSEC_PER_MSEC),
		 READ_ONCE(t->pending_work) ? "; signals pending" : "");
	show_locks(t);
	if (!runs && state != THREAD_DEAD) {
		backtrace_sleeping(&b, t);
		backtrace_log(&b);
	}
}

/* Show the threads that `wanted` selects.  Kernel threads are in no table. */
static void show_if(bool (*wanted)(const struct thread *t))
{
	u32 found = 0, shown = 0, all = READ_ONCE(threads_linked);

	for (tid_t tid = 1; tid < TID_MAX && found < all; tid++) {
		struct thread *t = thread_find(tid);

		if (!t)
			continue;
		found++;
		if (wanted(t)) {
			wait_for_consoles();
			show_thread(t);
			shown++;
		}
		thread_put(t);
	}
	log_info("  %u of %u threads of programs; and %u kernel threads, which are in no list",
		 shown, found, READ_ONCE(kthread_count));
}

static bool is_any(const struct thread *t)
{
	return true;
}

static bool is_blocked(const struct thread *t)
{
	return READ_ONCE(t->state) == THREAD_BLOCKED;
}

static void show_all(void)
{
	show_if(is_any);
}

static void show_blocked(void)
{
	show_if(is_blocked);
}

SYSRQ_COMMANDS(thread_commands) = {
    {'t', SYSRQ_THREAD, "all threads: states, backtraces, and in debug builds their locks",
     show_all},
    {'w', SYSRQ_THREAD, "threads that are blocked: their sleep ends by no signal", show_blocked},
};
