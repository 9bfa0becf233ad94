/* SPDX-License-Identifier: MIT
 *
 * futex() wait against wake, requeue and time-out: no wake-up is lost, a list of waiters is changed
 * under its own lock only, and a waiter is not used after its thread has returned.
 *
 * Models:
 *   kernel/ipc/futex.c futex_waiter_begin() futex_waiter_enqueue() futex_waiter_wake()
 *   kernel/ipc/futex.c futex_waiter_sleep() futex_waiter_end() bucket_requeue() futex_requeue()
 *
 * WAITERS threads wait for word A while it is 0, some with a time-out.  One thread sets A to 1,
 * wakes one waiter and moves the rest to word B; then it wakes all of B.  The sleep itself is
 * modelled in wait.pml: here a thread that sleeps goes on when it was woken, or when its time is up.
 * Then it ends: its last switch takes the lock of its run queue.
 *
 * Actors: -DWAITERS=1, -DWAITERS=2, -DWAITERS=3
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  the word is read before the lock of the bucket is taken
 *   2  futex_waiter_end() does not look again whether a requeue has changed the bucket
 *   3  `woken` is set before the lock of the thread's run queue is taken
 *   4  the waker changes the word after the call and not before
 *   5  bucket_requeue() moves the waiter but leaves its `bucket`
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef WAITERS
#define WAITERS 2
#endif
#define NOWHERE 2

byte word = 0;
bool locked[2];			/* bucket 0 is of A, 1 of B */
byte place[WAITERS] = NOWHERE;	/* the list that the waiter is in */
byte bucket[WAITERS];		/* its field `bucket` */
bool woken[WAITERS];
bool alive[WAITERS];		/* struct futex_waiter, on the stack of the thread */
bool ended[WAITERS];		/* struct thread is gone */
bool queue_locked[WAITERS];	/* the lock of the run queue where the thread is */
byte finished = 0;

inline lock(b)
{
	atomic { !locked[b] -> locked[b] = true }
}

proctype waiter(byte me; bool has_timeout)
{
	byte value, b;

#if MUTANT == 1
	value = word;
	lock(0);
#else
	lock(0);
	value = word;
#endif
	if
	:: value == 0 ->
		d_step { alive[me] = true; bucket[me] = 0; place[me] = 0 };
		locked[0] = false
	:: else ->
		locked[0] = false;
		goto out	/* EAGAIN */
	fi;
	/* sleep_until_woken() */
	if
	:: woken[me]
	:: has_timeout
	fi;
	/* futex_waiter_end() */
	if
	:: woken[me] -> goto out
	:: else
	fi;
	do
	::	b = bucket[me];
		lock(b);
#if MUTANT == 2
		break
#else
		if
		:: b == bucket[me] -> break
		:: else -> locked[b] = false
		fi
#endif
	od;
	if
	:: !woken[me] ->
		assert(place[me] == b);	/* removed under the lock of the list that it is in */
		place[me] = NOWHERE
	:: else
	fi;
	locked[b] = false;
out:	alive[me] = false;
	atomic { !queue_locked[me] -> ended[me] = true };
	finished++
}

/* futex_waiter_wake(): the waiter is not used after `woken` was stored, the thread is. */
inline wake(i)
{
	assert(alive[i]);
	place[i] = NOWHERE;
#if MUTANT == 3
	woken[i] = true;
	atomic { !queue_locked[i] -> queue_locked[i] = true };
#else
	atomic { !queue_locked[i] -> queue_locked[i] = true };
	woken[i] = true;
#endif
	assert(!ended[i]);
	queue_locked[i] = false
}

proctype waker()
{
	byte i, n = 0;

#if MUTANT != 4
	word = 1;
#endif
	/* FUTEX_REQUEUE: wake one, move the rest. */
	lock(0);
	lock(1);
	for (i : 0 .. WAITERS - 1) {
		if
		:: place[i] == 0 && n == 0 -> wake(i); n = 1
		:: place[i] == 0 && n == 1 ->
			place[i] = 1;
#if MUTANT != 5
			bucket[i] = 1
#endif
		:: else
		fi
	}
	locked[1] = false;
	locked[0] = false;
#if MUTANT == 4
	word = 1;
#endif
	/* FUTEX_WAKE of B. */
	lock(1);
	for (i : 0 .. WAITERS - 1) {
		if
		:: place[i] == 1 -> wake(i)
		:: else
		fi
	}
	locked[1] = false
}

init
{
	byte i;

	atomic {
		for (i : 0 .. WAITERS - 1) { run waiter(i, i == WAITERS - 1) }
		run waker()
	}
	/* No wake-up is lost: otherwise spin reports an invalid end state here. */
	finished == WAITERS
}
