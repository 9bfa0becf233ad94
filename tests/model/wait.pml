/* SPDX-License-Identifier: MIT
 *
 * A sleep against wake-ups and time-outs: no wake-up is lost, and no thread runs on two CPUs.
 *
 * Models:
 *   kernel/task/wait.c wake_waiter() sleep_until_woken() wait_on()
 *   kernel/task/sched.h thread_set_state()
 *   kernel/task/wakeup.c wake_if()
 *   kernel/task/sched.c switch_away() finish_switch()
 *
 * One thread sleeps on a queue.  WAKERS other CPUs wake it; a timer may wake it at any moment, too.
 * IDLE CPUs take the thread from the run queue.  A lock is a bit; code between two locks is
 * interleaved in every way.  A store that is no locked instruction may be seen late (SDM 3A 8.2.2):
 * here the only such stores that matter are those of mutants 1 and 5.
 *
 * Actors: -DWAKERS=1, -DWAKERS=2, -DWAKERS=2 -DCPUS=3
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  thread_set_state() stores the state without a full barrier
 *   2  the condition is tested before the state is set
 *   3  wake_if() queues the thread although it is still on a CPU
 *   4  switch_away() gives up on_cpu before the thread has left its stack
 *   5  wake_if() sets the flag without a full barrier, so that others see it after the state is read
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef WAKERS
#define WAKERS 2
#endif
#ifndef CPUS
#define CPUS 2
#endif

mtype = { RUNNABLE, BLOCKED };

mtype state = RUNNABLE;
mtype late = RUNNABLE;	/* mutant 1: a store that other CPUs do not see yet */
bool buffered = false;
bool woken = false, listed = false, condition = false, finished = false;
bool on_cpu = true, on_queue = false, on_stack = true;
bool chosen = false;
bool queue_lock = false, rq_lock = false;
byte running = 1;	/* CPUs that run the thread's code */

inline lock(l)
{
	atomic { !l -> l = true }
}

inline unlock(l)
{
	l = false
}

/* The thread on its own CPU. */
inline set_state(s)
{
#if MUTANT == 1
	atomic { late = s; buffered = true }
#else
	state = s
#endif
}

/* switch_away(): stay if the state is RUNNABLE, else leave the CPU until a CPU has taken us. */
inline switch_away()
{
	lock(rq_lock);
	if
	:: buffered -> state = late; buffered = false	/* a locked instruction drains the buffer */
	:: else
	fi;
	if
	:: state == RUNNABLE -> unlock(rq_lock)
	:: else ->
#if MUTANT == 4
		on_cpu = false;
		unlock(rq_lock);
		atomic { running--; on_stack = false };
#else
		/* The next thread runs finish_switch() on its own stack. */
		atomic { running--; on_stack = false };
		on_cpu = false;
		unlock(rq_lock);
#endif
		atomic { chosen -> chosen = false };
	fi
}

proctype sleeper()
{
	bool seen;

	/* wait_on(): in the queue before the guard is released. */
	lock(queue_lock);
	listed = true;
	unlock(queue_lock);
	do
	::
#if MUTANT == 2
		seen = woken;
		set_state(BLOCKED);
#else
		set_state(BLOCKED);
		seen = woken;
#endif
		if
		:: seen -> break
		:: else -> switch_away()
		fi
	od;
	set_state(RUNNABLE);
	if
	:: buffered -> state = late; buffered = false
	:: else
	fi;
	lock(queue_lock);
	listed = false;
	unlock(queue_lock);
	finished = true
}

/* wake_if(); `flag`: with a flag to set. */
inline wake_if(flag)
{
	lock(rq_lock);
#if MUTANT == 5
	was_blocked = state == BLOCKED;
	woken = woken || flag;
#else
	woken = woken || flag;
	was_blocked = state == BLOCKED;
#endif
	if
	:: atomic { was_blocked && state == BLOCKED -> state = RUNNABLE };
		if
#if MUTANT == 3
		:: true -> on_queue = true
#else
		:: !on_cpu -> on_queue = true
		:: else	/* it has not left its stack: its own choose_next() finds it runnable */
#endif
		fi
	:: else
	fi;
	unlock(rq_lock)
}

/* wait_wake_one(). */
proctype waker()
{
	bool was_blocked;

	lock(queue_lock);
	if
	:: listed -> listed = false; wake_if(true)
	:: else
	fi;
	unlock(queue_lock)
}

/* A timer, or a signal: it wakes the thread without its condition. */
proctype disturber()
{
	bool was_blocked;

	wake_if(false)
}

/* The processor writes its store buffer at any moment. */
proctype buffer()
{
end:	do
	:: atomic { buffered -> state = late; buffered = false }
	od
}

/* A CPU with nothing to do takes the thread: choose_next(), context_switch(). */
proctype cpu()
{
end:	do
	:: atomic { on_queue && !rq_lock -> rq_lock = true };
		if
		:: on_queue ->
			on_queue = false;
			assert(!on_stack);	/* the other CPU has left the stack */
			on_cpu = true;
			atomic { on_stack = true; running++; assert(running == 1) };
			chosen = true
		:: else
		fi;
		unlock(rq_lock)
	od
}

init
{
	byte i;

	atomic {
		run sleeper();
		run disturber();
		run buffer();
		for (i : 1 .. CPUS) { run cpu() }
	}
	/* The first waker comes at any moment after the thread is in the queue; without that there
	 * would be nothing to wait for. */
	listed;
	atomic { for (i : 1 .. WAKERS) { run waker() } }
}

/* No lost wake-up: in the end the thread has finished.  Spin reports a state in which nothing can
 * go on and the sleeper is not at its end (an invalid end state). */
