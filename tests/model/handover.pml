/* SPDX-License-Identifier: MIT
 *
 * A thread moves between the run queues of CPUs: by a wake-up, by a CPU that steals it, by a change of
 * its affinity.  It is never on two CPUs, nor in two queues, nor in none while it is runnable; its
 * stack is not freed while a CPU uses it; no CPU halts beside a thread that waits for it.
 *
 * Models:
 *   kernel/task/sched.c switch_away() choose_next() finish_switch() thread_exit_final()
 *   kernel/task/balance.c migrate() enqueue_on() balance_enqueue() balance_steal() balance_wake_cpu()
 *   kernel/task/runqueue.h runqueue_push() runqueue_take() runqueue_lock_of() balance_may_run()
 *   kernel/task/wakeup.c wake_if() thread_start()
 *   kernel/task/idle.c idle_poll() sched_idle_loop()
 *   kernel/task/thread.c thread_put()
 *   kernel/linux/sched/affinity.c sched_set_affinity()
 *
 * CPUs run THREADS threads.  A running thread sleeps, is preempted, wakes any, changes the affinity of
 * the first, ends, or starts a new thread on the stack of one that was freed; an interrupt wakes a thread
 * from an idle CPU.  All of this goes on for ever, in every order.  What the C code reads without a lock
 * as a hint (lengths of queues, which CPU is idle) is any value here: choose_cpu() chooses any CPU that is
 * allowed, and a queue gives any of its threads.  Three CPUs neither halt nor poll.  With two threads
 * or three CPUs, the first CPU gets all interrupts.
 *
 * Actors: -DTHREADS=1, -DTHREADS=1 -DCPUS=3, -DTHREADS=2
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  migrate() does not ask the affinity again after it has locked the other queue
 *   2  runqueue_lock_of() does not look again whether the thread has moved
 *   3  finish_switch() forgets a thread that choose_next() did not queue
 *   4  finish_switch() reads the state after it has queued the thread
 *   5  switch_away() releases the queue before it has left the stack
 *   6  idle_poll() clears `polling` after its last look at need_resched
 *   7  choose_next() queues a thread whose affinity does not allow this CPU any more
 *   8  thread_exit_final() drops the reference of the running thread itself
 *   9  sched_set_affinity() leaves a thread in its queue
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef THREADS
#define THREADS 2
#endif
#ifndef CPUS
#define CPUS 2
#endif
#define IDLE THREADS	/* the idle thread of a CPU */

mtype = { RUNNABLE, BLOCKED, NEW, DEAD, FREED };

/* Threads.  A mask is a set of CPUs, one bit for each. */
mtype state[THREADS];
byte cpu_of[THREADS], affinity[THREADS], refs[THREADS];
bool on_cpu[THREADS], on_queue[THREADS];
byte in_queue[THREADS];	/* the queue that run_link is in, if on_queue */
byte using[THREADS];	/* CPUs that use the kernel stack */
byte moving[THREADS];	/* CPUs that have it in their hands, on the way to a queue */

/* CPUs. */
bool locked[CPUS], need_resched[CPUS], polling[CPUS], interrupt[CPUS], halted[CPUS], idle[CPUS];
byte telling[CPUS];	/* others that are about to set need_resched, or to send the interrupt */

#define allowed(t, c) (affinity[t] >> (c) & 1)
#define ALL	      ((1 << CPUS) - 1)
#define waits(t, c)   (on_queue[t] && in_queue[t] == (c))
#if THREADS == 1
#define queued(c)     waits(0, c)
#else
#define queued(c)     (waits(0, c) || waits(1, c))
#endif

inline choose_cpu(t)
{
	if
	:: allowed(t, 0) -> to = 0
	:: allowed(t, 1) -> to = 1
#if CPUS == 3
	:: allowed(t, 2) -> to = 2
#endif
	fi
}

inline push(t, c)
{
	assert(locked[c] && cpu_of[t] == c && !on_queue[t] && state[t] == RUNNABLE && allowed(t, c));
	on_queue[t] = true;
	in_queue[t] = c
}

inline take(t, c)
{
	assert(locked[c] && waits(t, c));
	on_queue[t] = false;
	in_queue[t] = 0
}

inline put(t)
{
	atomic {
		refs[t]--;
		if
		:: refs[t] == 0 ->
			assert(state[t] == DEAD && using[t] == 0 && !on_queue[t] && moving[t] == 0);
			state[t] = FREED;
			cpu_of[t] = 0;
			affinity[t] = 0
		:: else
		fi
	}
}

/* balance_wake_cpu(), which is also the end of sched_set_affinity(). */
inline wake_cpu(c)
{
#if CPUS == 3
	atomic { need_resched[c] = true; telling[c]-- }
#else
	need_resched[c] = true;
	atomic {
		if
		:: c != me && !polling[c] -> interrupt[c] = true
		:: else
		fi;
		telling[c]--
	}
#endif
}

/* enqueue_on() and migrate(): the queue `q` is locked, and is that of the thread's CPU; `to` is chosen. */
inline enqueue_on(t)
{
	do
	:: atomic { cpu_of[t] == to -> break }
	:: atomic { cpu_of[t] != to -> cpu_of[t] = to; locked[q] = false; q = to };
		atomic {
			!locked[q] -> locked[q] = true;
#if MUTANT != 1
			if
			:: !allowed(t, to) -> choose_cpu(t)
			:: else
			fi
#endif
		}
	od;
	atomic {
		push(t, to);
		assert(moving[t] == 1);
		moving[t] = 0;
		locked[q] = false;
		q = 0;
		if
		:: idle[to] -> telling[to]++
		:: else -> to = CPUS
		fi
	};
	if
	:: to < CPUS -> wake_cpu(to)
	:: else
	fi;
	to = 0
}

/* runqueue_lock_of(): `q` is the queue of the CPU that the thread had when the caller looked. */
inline lock_of(t)
{
	do
	:: atomic { !locked[q] && q != cpu_of[t] ->
#if MUTANT == 2
			locked[q] = true; break
#else
			q = cpu_of[t]	/* lock it, see that the thread has moved, unlock it */
#endif
		}
	:: atomic { !locked[q] && q == cpu_of[t] -> locked[q] = true; break }
	od
}

/* wake_if(), thread_start(): `from` is BLOCKED or NEW.  The caller has a reference. */
inline wake(t, from)
{
	atomic {
		lock_of(t);
		if
		:: state[t] == from ->
			state[t] = RUNNABLE;
			if
			:: !on_cpu[t] -> moving[t]++; choose_cpu(t)
			:: else -> locked[q] = false; q = CPUS /* its choose_next() finds it runnable */
			fi
		:: else -> locked[q] = false; q = CPUS
		fi
	};
	if
	:: q < CPUS -> enqueue_on(t)
	:: else -> q = 0
	fi
}

/* sched_set_affinity(). */
inline set_affinity(t)
{
	atomic {
		lock_of(t);
		if
		:: affinity[t] = ALL
		:: affinity[t] = 1
		:: affinity[t] = 2
		fi;
		if
#if MUTANT != 9
		:: !allowed(t, q) && on_queue[t] -> take(t, q); moving[t]++; choose_cpu(t)
#endif
		:: !allowed(t, q) && !on_queue[t] && on_cpu[t] ->
			telling[q]++;
			to = q;
			locked[q] = false;
			q = CPUS
		:: else -> locked[q] = false; q = CPUS + 1
		fi
	};
	if
	:: q < CPUS -> enqueue_on(t)
	:: q == CPUS -> wake_cpu(to)
	:: q > CPUS
	fi;
	atomic { q = 0; to = 0 }
}

/* switch_away(), and finish_switch() on the stack of the next thread. */
inline switch_away(preempted)
{
	atomic {
		!locked[me] -> locked[me] = true;
		need_resched[me] = false;
		prev = cur;
		if
		:: prev != IDLE && preempted -> state[prev] = RUNNABLE
		:: else
		fi;
		/* choose_next() */
		if
#if MUTANT == 7
		:: prev != IDLE && state[prev] == RUNNABLE -> push(prev, me)
#else
		:: prev != IDLE && state[prev] == RUNNABLE && allowed(prev, me) -> push(prev, me)
#endif
		:: else
		fi;
		if
		:: waits(0, me) -> cur = 0
#if THREADS == 2
		:: waits(1, me) -> cur = 1
#endif
		:: else -> cur = IDLE
		fi;
		if
		:: cur != IDLE -> take(cur, me); assert(allowed(cur, me))
		:: else
		fi;
		idle[me] = cur == IDLE;
		if
		:: cur == prev -> locked[me] = false
		:: cur != prev && cur != IDLE ->
			assert(!on_cpu[cur]);
			on_cpu[cur] = true
		:: cur != prev && cur == IDLE
		fi
	};
	if
	:: atomic { cur == prev -> prev = 0 }
	:: cur != prev ->
#if MUTANT == 5
		atomic {
			if
			:: prev != IDLE -> on_cpu[prev] = false
			:: else
			fi;
			locked[me] = false
		};
#endif
		atomic {	/* context_switch() */
			if
			:: prev != IDLE -> using[prev]--
			:: else
			fi;
			if
			:: cur != IDLE ->
				assert(using[cur] == 0);
				using[cur] = 1
			:: else
			fi
		};
#if MUTANT != 5
		if
		:: atomic { prev == IDLE -> locked[me] = false }
		:: prev != IDLE ->
			atomic { dead = state[prev] == DEAD; on_cpu[prev] = false };
			if
#if MUTANT != 3
			:: atomic { state[prev] == RUNNABLE && !on_queue[prev] ->
					moving[prev]++; q = me; choose_cpu(prev) };
				enqueue_on(prev)
			:: atomic { else -> locked[me] = false }
#else
			:: locked[me] = false
#endif
			fi;
			if
#if MUTANT == 4
			:: state[prev] == DEAD -> put(prev)
#else
			:: dead -> put(prev)
#endif
			:: else
			fi
		fi;
#endif
		atomic { prev = 0; dead = false }
	fi
}

/* A reference to a thread from a table. */
inline get(n)
{
	t = n;
	refs[t]++;
	q = cpu_of[t]
}

inline wake_some()
{
	atomic {
		if
		:: state[0] != FREED -> get(0)
#if THREADS == 2
		:: state[1] != FREED -> get(1)
		:: state[0] == FREED && state[1] == FREED -> t = IDLE
#else
		:: state[0] == FREED -> t = IDLE
#endif
		fi
	};
	if
	:: t != IDLE -> wake(t, BLOCKED); put(t)
	:: else
	fi;
	t = 0
}

/* What the running thread does. */
inline thread_turn()
{
	assert(using[cur] == 1 && on_cpu[cur]);
	assert(allowed(cur, me) || need_resched[me] || telling[me]);
	if
	:: atomic { interrupt[me] -> interrupt[me] = false }
	:: switch_away(true)
	:: state[cur] = BLOCKED;
		if
		:: switch_away(false)
		:: switch_away(true)
		:: state[cur] = RUNNABLE	/* its condition is true already */
		fi
	:: wake_some()
	:: atomic { state[0] != FREED -> get(0) };
		set_affinity(t);
		put(t);
		t = 0
	:: state[cur] = DEAD;
#if MUTANT == 8
		put(cur);
#endif
		switch_away(false)
#if THREADS > 1
	:: atomic { cur == 0 && state[1] == FREED -> t = 1; assert(using[t] == 0);
			state[t] = NEW; cpu_of[t] = me; affinity[t] = ALL; refs[t] = 2; q = me };
		wake(t, NEW);
		put(t);
		t = 0
#endif
	fi
}

/* cpu_idle_halt(): interrupts are on again, until the first one has been handled. */
inline halt()
{
	if
	:: atomic { interrupt[me] -> interrupt[me] = false; halted[me] = false }
	:: atomic { me == 0 || THREADS == 1 -> halted[me] = false };
		wake_some()	/* a device, or a timer */
	fi
}

/* One turn of sched_idle_loop().  Interrupts are off but where it says so. */
inline idle_turn()
{
	atomic {
		if
		:: need_resched[me] || queued(me) -> q = CPUS
		:: else ->	/* balance_steal(): any other queue that has threads */
			if
			:: me != 0 && queued(0) -> q = 0
			:: me != 1 && queued(1) -> q = 1
#if CPUS == 3
			:: me != 2 && queued(2) -> q = 2
#endif
			:: else -> q = CPUS + 1
			fi
		fi
	};
	if
	:: atomic { q == CPUS -> q = 0 }; switch_away(false)
	:: q < CPUS ->
		atomic {
			!locked[q] -> locked[q] = true;
			if
			:: waits(0, q) && allowed(0, me) -> t = 0
#if THREADS == 2
			:: waits(1, q) && allowed(1, me) -> t = 1
#endif
			:: else -> t = IDLE
			fi;
			if
			:: t != IDLE -> take(t, q); moving[t]++; to = me
			:: else -> locked[q] = false; q = CPUS; t = 0
			fi
		};
		if
		:: q < CPUS -> enqueue_on(t); t = 0; switch_away(false)
		:: else -> q = 0
		fi
#if CPUS == 2
	:: atomic { q > CPUS -> q = 0; interrupt[me] = false; polling[me] = true };
		/* idle_poll(): interrupts are on */
		if
		:: need_resched[me]
		:: true		/* the time is over */
		fi;
#if MUTANT == 6
		if
		:: need_resched[me] -> polling[me] = false
		:: else -> polling[me] = false; halted[me] = true; halt()
		fi
#else
		polling[me] = false
#endif
	:: atomic { q > CPUS -> q = 0; halted[me] = true }; halt()
#else
	:: atomic { q > CPUS -> q = 0 };
		if
		:: me == 0 -> wake_some()
		:: true
		fi
#endif
	fi
}

proctype cpu(byte me)
{
	byte cur = IDLE, prev = 0, t = 0, to = 0, q = 0;
	bool dead = false;

	do
	:: cur != IDLE -> thread_turn()
	:: cur == IDLE -> idle_turn()
	od
}

/* What must hold in each state. */
#define LOST(t)  (state[t] == RUNNABLE && !on_cpu[t] && !on_queue[t] && moving[t] == 0 && \
		  !locked[cpu_of[t]])
#define STUCK(c) (halted[c] && queued(c) && !interrupt[c] && telling[c] == 0)

active proctype monitor()
{
end:	if
	:: atomic { LOST(0) -> assert(false) }
#if THREADS == 2
	:: atomic { LOST(1) -> assert(false) }
#endif
	:: atomic { STUCK(0) -> assert(false) }
	:: atomic { STUCK(1) -> assert(false) }
	:: atomic { moving[0] > 1 -> assert(false) }
	fi
}

init
{
	byte i;

	atomic {
		for (i : 0 .. THREADS - 1) {
			state[i] = BLOCKED;
			affinity[i] = ALL;
			refs[i] = 1
		};
		for (i : 0 .. CPUS - 1) { idle[i] = true; run cpu(i) }
	}
}
