/* SPDX-License-Identifier: MIT
 *
 * Stop and continue of a process with several threads: no thread runs in user mode while the process
 * counts as stopped, none stays stopped after SIGCONT, the parent is told of each stop once and
 * misses none, and SIGKILL ends all threads.
 *
 * Models:
 *   kernel/proc/signal_deliver.c stay_stopped() begin_stop() default_action() signal_work()
 *   kernel/proc/signal_deliver.c take_signal() report_change()
 *   kernel/task/signal.c signal_send_locked() stop_or_continue() choose_thread() signal_notify_change()
 *   kernel/task/signal.c signal_retarget() send_child_signal()
 *   kernel/task/news.c signal_recalculate() news_tell() news_spread()
 *   kernel/task/dying.c signal_group_exit()
 *   kernel/task/internal.h signal_stops() signal_dying()
 *   kernel/task/wakeup.c thread_notify() thread_interrupted()
 *   kernel/proc/fork.c clone_thread()
 *   kernel/proc/exit.c leave_process()
 *   kernel/proc/wait.c report_child()
 *
 * Of THREADS threads all but the last run at first; the last but one may make it.  From user mode a
 * thread enters the kernel ACTS times by itself, and returns, sleeps in a call that signals end, makes the
 * thread, or ends.  A sender sends SIGNALS signals, each SIGSTOP or SIGCONT, and perhaps SIGKILL after
 * them.  The parent waits with WUNTRACED and WCONTINUED for ever.  That a sleep and its wake-up do not
 * miss each other is shown by wait.pml.  A section under signals.lock is one step.  Not modelled: a
 * tracer, exec, and processes of more than 16 threads, which get news in pieces.
 *
 * Actors: -DTHREADS=2 -DSIGNALS=3 -DACTS=2, -DTHREADS=3 -DSIGNALS=2
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  begin_stop() does not look whether SIGCONT has come since the signal was taken
 *   2  leave_process() does not count a thread that ends instead of stopping
 *   3  clone_thread() does not tell a new thread of a stop that is under way
 *   4  stay_stopped() sets the state after it has released the lock
 *   5  SIGKILL does not wake a thread that has stopped
 *   6  a thread that ends does not pass on a signal of the process
 *   7  clone_thread() tells the new thread, but does not count it
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef THREADS
#define THREADS 2
#endif
#ifndef SIGNALS
#define SIGNALS 2
#endif
#ifndef ACTS
#define ACTS 1
#endif

mtype = { USER, KERNEL, SLEEP, STOPPED, UNBORN, GONE };

/* Threads. */
mtype where[THREADS];	/* STOPPED: the state THREAD_STOPPED; SLEEP: a call that signals end */
bool work[THREADS];	/* WORK_SIGNAL */
byte counted[THREADS];	/* signals.stop_generation */
byte count = 0;		/* thread_count */

/* The process. */
bool stop_pending = false;	/* SIGSTOP, sent to the process */
bool stopped = false, dequeued = false, reported = false;
bool continue_pending = false, continue_notify = false;
byte generation = 0, to_stop = 0;
bool group_exiting = false;

/* What happened. */
bool want_stop = false;		/* the last signal was SIGSTOP */
bool killed = false, news = false;	/* news: child_events has changed */
byte told = 0;			/* the last stop that wait() has returned */
byte continued = 0, continued_told = 0;

#define counts_as_stopped (stopped && to_stop == 0)
#define alive(n)	  (where[n] != GONE && where[n] != UNBORN)

/* thread_notify(WORK_SIGNAL): a sleep ends; a thread in user mode gets an interrupt. */
inline notify(n)
{
	work[n] = true;
	if
	:: where[n] == SLEEP -> where[n] = KERNEL
	:: else
	fi
}

/* signal_recalculate(); `self`: the calling thread. */
inline recalculate(n, self)
{
	if
	:: group_exiting || stopped || continue_notify || stop_pending -> notify(n)
	:: else ->
		if
		:: self -> work[n] = false
		:: else
		fi
	fi
}

/* news_spread(), news_tell() */
inline spread(continues)
{
	d_step {
	for (k : 0 .. THREADS - 1) {
		if
		:: alive(k) ->
			if
			:: where[k] == STOPPED && continues -> where[k] = KERNEL
#if MUTANT != 5
			:: where[k] == STOPPED && group_exiting && !continues -> where[k] = KERNEL
#endif
			:: else
			fi;
			if
			:: group_exiting -> notify(k)
			:: else -> recalculate(k, false)
			fi
		:: else
		fi
	};
	k = 0
	}
}

inline group_exit()
{
	if
	:: !group_exiting ->
		group_exiting = true;
		stopped = false;
		spread(false)
	:: else
	fi
}

/* One turn of stay_stopped(), under the lock. */
inline stop_here()
{
	if
	:: counted[me] != generation ->
		counted[me] = generation;
		assert(to_stop > 0);
		to_stop--;
		last = to_stop == 0
	:: else
	fi;
#if MUTANT != 4
	where[me] = STOPPED
#endif
}

/* The rest of it, after the lock has been released: report_change(), schedule(). */
inline stay_stopped()
{
	do
	::	if
		:: last -> last = false; news = true
		:: else
		fi;
#if MUTANT == 4
		where[me] = STOPPED;
#endif
end_stopped:
		where[me] != STOPPED;
		if
		:: atomic { stopped && !group_exiting -> stop_here() }
		:: else -> break
		fi
	od
}

/* thread_exit() as far as leave_process(). */
inline thread_exit()
{
	atomic {
		where[me] = GONE;
		work[me] = false;
		count--;
		if
		:: count == 0 -> group_exit()
		:: else ->
#if MUTANT != 2
			if
			:: stopped && !group_exiting && counted[me] != generation ->
				assert(to_stop > 0);
				to_stop--;
				last = to_stop == 0
			:: else
			fi;
#endif
#if MUTANT != 6
			if
			:: stop_pending -> spread(false)	/* signal_retarget() */
			:: else
			fi
#endif
		fi
	};
	if
	:: last -> last = false; news = true
	:: else
	fi
}

/* signal_work(); `ends`: the thread must die. */
inline signal_work()
{
	do
	:: group_exiting -> ends = true; break
	:: atomic { !group_exiting && continue_notify -> continue_notify = false };
		news = true	/* report_change() */
	:: atomic { !group_exiting && !continue_notify && stopped -> stop_here() };
		stay_stopped()
	:: atomic { !group_exiting && !continue_notify && !stopped && stop_pending ->
			stop_pending = false;
			dequeued = true
		};
		/* default_action(), begin_stop(): the lock was released in between */
		atomic {
			if
#if MUTANT == 1
			:: !group_exiting && !stopped ->
#else
			:: !group_exiting && dequeued && !stopped ->
#endif
				stopped = true;
				reported = false;
				continue_pending = false;
				generation++;
				to_stop = count;
				spread(false)
			:: else
			fi
		}
	:: atomic { !group_exiting && !continue_notify && !stopped && !stop_pending ->
			recalculate(me, true);
			break
		}
	od
}

/* clone_thread() */
inline clone()
{
	atomic {
		if
		:: where[THREADS - 1] == UNBORN && !group_exiting ->
			where[THREADS - 1] = KERNEL;
			count++;
#if MUTANT != 7
			if
			:: stopped -> to_stop++
			:: else
			fi;
#endif
#if MUTANT != 3
			recalculate(THREADS - 1, false)
#endif
		:: else
		fi
	}
}

proctype thread(byte me)
{
	byte k = 0, acts = 0;
	bool last = false, ends = false;

end_unborn:
	where[me] != UNBORN;
	do
	:: ends -> break
	:: !ends && where[me] == KERNEL ->
		if
		:: work[me] -> signal_work()
		:: atomic { !work[me] -> where[me] = USER }	/* interrupts are off in between */
		fi
	:: !ends && where[me] == USER ->
end_user:	if
		:: atomic { work[me] -> where[me] = KERNEL }	/* the interrupt of thread_notify() */
		:: atomic { acts < ACTS -> acts++; where[me] = KERNEL };
			if
			:: true			/* a short call, or an interrupt */
			:: atomic { !work[me] -> where[me] = SLEEP };
end_sleep:			where[me] != SLEEP
			:: ends = true		/* exit() */
			:: me == THREADS - 2 && where[THREADS - 1] == UNBORN -> clone()
			fi
		fi
	od;
	thread_exit()
}

/* signal_send_locked() for both; choose_thread() gives the first living thread. */
proctype sender()
{
	byte i, k = 0;

	for (i : 1 .. SIGNALS) {
		atomic {
			if
			:: count == 0 || group_exiting
			:: count > 0 && !group_exiting ->	/* SIGSTOP */
				want_stop = true;
				if
				:: stop_pending
				:: else ->
					stop_pending = true;
					if
					:: alive(0) -> notify(0)
					:: !alive(0) && alive(1) -> notify(1)
#if THREADS == 3
					:: !alive(0) && !alive(1) -> notify(2)
#endif
					fi
				fi
			:: count > 0 && !group_exiting ->	/* SIGCONT */
				want_stop = false;
				stop_pending = false;
				dequeued = false;
				if
				:: stopped -> continue_pending = true; continue_notify = true; continued++
				:: else
				fi;
				stopped = false;
				spread(true)
			fi
		}
	};
	if
	:: atomic { killed = true; group_exit() }	/* SIGKILL */
	:: true
	fi
}

/* process_wait(WUNTRACED | WCONTINUED) for ever.  process_lock makes one step of the look and the
 * begin of the sleep. */
proctype parent()
{
	do
	:: atomic { count > 0 && counts_as_stopped && !reported ->
			reported = true;
			assert(told != generation);
			told = generation
		}
	:: atomic { count > 0 && !(counts_as_stopped && !reported) && continue_pending ->
			continue_pending = false;
			continued_told++;
			assert(continued_told <= continued)
		}
	:: atomic { else -> news = false };
end_wait:	news
	od
}

proctype check()
{
	byte i;

	timeout;
	if
	:: killed -> assert(count == 0)
	:: else
	fi;
	if
	:: count > 0 ->
		assert(stopped == want_stop && (stopped || !stop_pending) && !continue_pending && !continue_notify);
		assert(!stopped || (to_stop == 0 && told == generation));
		for (i : 0 .. THREADS - 1) {
			assert(!alive(i) || (where[i] == STOPPED) == stopped)
		}
	:: else
	fi
}

/* In each state: */
active proctype monitor()
{
end:	if
	:: atomic { counts_as_stopped && (where[0] == USER || where[0] == SLEEP) -> assert(false) }
	:: atomic { counts_as_stopped && (where[1] == USER || where[1] == SLEEP) -> assert(false) }
#if THREADS == 3
	:: atomic { counts_as_stopped && (where[2] == USER || where[2] == SLEEP) -> assert(false) }
#endif
	fi
}

init
{
	byte i;

	atomic {
		for (i : 0 .. THREADS - 1) { where[i] = USER; run thread(i) };
		where[THREADS - 1] = UNBORN;
		count = THREADS - 1;
		run sender();
		run parent();
		run check()
	}
}
