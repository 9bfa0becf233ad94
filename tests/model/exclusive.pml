/* SPDX-License-Identifier: MIT
 *
 * A wake-up wakes one of several waiters.  It is not lost with one that leaves by a signal, nor
 * with one that takes less than there is.
 *
 * Models:
 *   kernel/task/wait.c wait_on() wait_wake_one() wait_wake_sleeper()
 *   kernel/task/mutex.c mutex_wait()
 *   kernel/ipc/pipe.c pipe_read()
 *
 * WAITERS threads take tokens, as readers take bytes.  A waker puts in one token or two, and wakes
 * one waiter; it does so ROUNDS times.  The first waiter may get a signal at any moment, and leaves
 * if it was not woken; it wakes no other then (a pipe's does, and accept() does not).  Which of the waiters is woken is left open.  That a single sleep and its
 * wake-up do not miss each other is shown by wait.pml.
 *
 * Actors: -DWAITERS=2, -DWAITERS=3
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  wait_on() does not look at `woken` again after a signal
 *   2  a reader that leaves bytes does not wake the next one
 *   3  the waiter joins the queue after it has released the guard
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef WAITERS
#define WAITERS 2
#endif
#define ROUNDS 2

byte tokens = 0;
bool guard = false, signal = false;
bool listed[WAITERS], woken[WAITERS];

inline lock(l)
{
	atomic { !l -> l = true }
}

inline unlock(l)
{
	l = false
}

/* wait_wake_one(): under the lock of the queue, any of those in it. */
inline wake_one()
{
	atomic {
		if
		:: listed[0] -> listed[0] = false; woken[0] = true
		:: listed[1] -> listed[1] = false; woken[1] = true
#if WAITERS == 3
		:: listed[2] -> listed[2] = false; woken[2] = true
#endif
		:: else
		fi
	}
}

/* wait_on() and mutex_wait(); `ended`: by a signal. */
inline sleep(me)
{
#if MUTANT == 3
	unlock(guard);
	atomic { woken[me] = false; listed[me] = true };
#else
	atomic { woken[me] = false; listed[me] = true };
	unlock(guard);
#endif
end_sleep:
	if	/* sleep_until_woken() */
	:: woken[me] -> ended = false
	:: me == 0 && signal -> ended = true
	fi;
	atomic {
		listed[me] = false;
#if MUTANT != 1
		if
		:: woken[me] -> ended = false
		:: else
		fi
#endif
	};
	lock(guard)
}

proctype waiter(byte me)
{
	bool ended = false, more = false;

	lock(guard);
	do
	:: ended -> break
	:: !ended && tokens > 0 -> tokens--; more = tokens > 0; break
	:: !ended && tokens == 0 -> sleep(me)
	od;
	unlock(guard);
#if MUTANT != 2
	if
	:: more -> wake_one()
	:: else
	fi
#endif
}

proctype waker()
{
	byte i;

	for (i : 1 .. ROUNDS) {
		lock(guard);
		if
		:: tokens = tokens + 1
		:: tokens = tokens + 2
		fi;
		unlock(guard);
		wake_one()
	}
}

proctype signaler()
{
	signal = true
}

/* When nothing can go on, no waiter sleeps beside a token. */
proctype check()
{
	byte i;

	timeout;
	for (i : 0 .. WAITERS - 1) {
		assert(tokens == 0 || !listed[i])
	}
}

init
{
	byte i;

	atomic {
		for (i : 0 .. WAITERS - 1) { run waiter(i) };
		run waker();
		run signaler();
		run check()
	}
}
