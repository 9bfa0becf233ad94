/* SPDX-License-Identifier: MIT
 *
 * sigpending(), which reads without a lock what is pending for its thread, against senders: a signal
 * that is pending all the time is reported, and one that is not is not.
 *
 * Models:
 *   kernel/task/internal.h signal_own()
 *   kernel/task/signal.c stop_or_continue() signal_send_locked()
 *
 * One sender at a time, since all hold signals.lock.  It sends SIGTSTP, SIGCONT and SIGUSR1, which are
 * blocked, to the thread or to its process.  SIGCONT to the process makes a SIGTSTP of the thread
 * void without a visit to the thread; the next signal to the thread removes it.  What is pending for
 * the process is not modelled.
 *
 * Actors: -DACTS=3, -DACTS=5
 * Mutants:
 *   1  signal_own() reads what is pending before job_turn of the thread
 *   2  signal_send_locked() sets job_turn of the thread before it discards what is void
 *   3  signal_own() does not compare the two turns
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef ACTS
#define ACTS 3
#endif
#define STOP 1
#define CONT 2
#define USR  4

byte turn = 0, thread_turn = 0;	/* signals.job_turn, of the process and of the thread */
byte pending = 0;		/* thread_signals.pending */

byte truth = 0;			/* what is pending by POSIX, when no call is under way */
byte flux = 0;			/* what the call that is under way changes */
byte changed = 0;		/* what has changed since sigpending() began */

proctype sender()
{
	byte acts = 0, signal, after;
	bool to_thread;

	do
	:: acts < ACTS ->
		acts++;
		if
		:: signal = STOP
		:: signal = CONT
		:: signal = USR
		fi;
		if
		:: to_thread = true
		:: to_thread = false
		fi;
		atomic {
			after = truth;
			if
			:: signal == STOP -> after = after & (STOP | USR)
			:: signal == CONT -> after = after & (CONT | USR)
			:: else
			fi;
			if
			:: to_thread -> after = after | signal
			:: else
			fi;
			flux = truth ^ after;
			changed = changed | flux
		};
		/* stop_or_continue(). */
		if
		:: signal != USR && turn % 2 != (signal == CONT) -> turn++
		:: else
		fi;
		if
		:: to_thread && thread_turn != turn ->
#if MUTANT == 2
			thread_turn = turn;
			pending = pending & USR
#else
			pending = pending & USR;
			thread_turn = turn
#endif
		:: else
		fi;
		if
		:: to_thread -> pending = pending | signal
		:: else
		fi;
		atomic { truth = after; flux = 0 }
	:: else -> break
	od
}

proctype reader()
{
	byte own, seen;

	atomic { changed = flux };
#if MUTANT == 1
	own = pending;
	seen = thread_turn;
#else
	seen = thread_turn;
	own = pending;
#endif
#if MUTANT != 3
	if
	:: own & (STOP | CONT) && seen != turn -> own = own & USR
	:: else
	fi;
#endif
	assert(((own ^ truth) & ~changed & (STOP | CONT | USR)) == 0)
}

init
{
	atomic {
		run sender();
		run reader()
	}
}
