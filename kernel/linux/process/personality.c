/* SPDX-License-Identifier: MIT
 *
 * What a thread keeps of itself for programs that ask, and what the kernel does not need: its
 * personality (personality(2)) and the slack of its timers (PR_SET_TIMERSLACK of prctl(2)).
 *
 * Addresses are never random and timers expire at their time, so ADDR_NO_RANDOMIZE and any slack
 * are served as they are. The other flags and personalities change nothing.
 */
#include "kernel/fs/vfs.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/linux/proc_file.h"
#include "kernel/linux/text.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define PR_SET_TIMERSLACK  29
#define PR_GET_TIMERSLACK  30
#define PERSONALITY_QUERY  0xffffffffU
#define SLACK_OF_PROCESS_1 50000 /* ns */

/* Slacks as differences from that of process 1, so that zeroed memory is right. */
static DEFINE_PER_THREAD(u32, personality);
static DEFINE_PER_THREAD(s64, timer_slack);
static DEFINE_PER_THREAD(s64, default_timer_slack);

static void inherit(struct thread *t)
{
	struct thread *parent = current_thread();

	*per_thread(t, personality) = *per_thread(parent, personality);
	*per_thread(t, timer_slack) = *per_thread(parent, timer_slack);
	*per_thread(t, default_timer_slack) = *per_thread(parent, timer_slack);
}

ON_EVENT(clone, inherit);

SYSCALL1(personality, wanted)
{
	u32 *kept = per_thread(current_thread(), personality), old = *kept;

	if ((u32)wanted != PERSONALITY_QUERY)
		WRITE_ONCE(*kept, (u32)wanted);
	return old;
}

/* 0 stands for the slack that the thread had when it was created. */
static long slack_set(u64 ns, u64 b, u64 c, u64 d)
{
	struct thread *t = current_thread();

	*per_thread(t, timer_slack) =
	    ns ? (s64)ns - SLACK_OF_PROCESS_1 : *per_thread(t, default_timer_slack);
	return 0;
}

static long slack_read(u64 a, u64 b, u64 c, u64 d)
{
	return *per_thread(current_thread(), timer_slack) + SLACK_OF_PROCESS_1;
}

PRCTL_OPTIONS(slack_options) = {{PR_SET_TIMERSLACK, slack_set}, {PR_GET_TIMERSLACK, slack_read}};

static void show_personality(struct thread *t, struct process *p, struct text *text)
{
	text_printf(text, "%08x\n", READ_ONCE(*per_thread(t, personality)));
}

PROC_PID_FILES(personality_files) = {
    {.name = "personality",
     .mode = S_IFREG | 0400,
     .per_thread = true,
     .inspects = true,
     .show = show_personality},
};
