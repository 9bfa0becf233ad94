/* SPDX-License-Identifier: MIT
 *
 * Exit against wait against the death of the parent: each process that ends is reaped, and once; no
 * wait() sleeps beside a zombie, nor when there is nothing left to wait for; no process has a parent
 * that was freed.
 *
 * Models:
 *   kernel/proc/exit.c thread_exit() leave_process() reaper_of() reparent_child() leave_children()
 *   kernel/proc/exit.c become_zombie() reap_later() process_reap()
 *   kernel/linux/process/subreaper.c adopts() find() process_adopter() process_find_adopter()
 *   kernel/proc/wait.c process_wait() report_any() report_child()
 *   kernel/task/signal.c signal_notify_end() send_child_signal()
 *   kernel/task/process.c process_link() process_unlink()
 *   kernel/proc/fork.c link_process()
 *
 * Init has a child, the subreaper, this one has the parent, and the parent has CHILDREN.  The first
 * child makes the second, as a sibling (CLONE_PARENT) or as a child of its own, at any moment while it
 * lives.  Each but init ends at any moment; subreaper and parent may also live on, or be killed while they
 * wait.  Init (beside one child), subreaper and parent may ignore SIGCHLD; if not, they wait.  With WAITERS=2 one thread of
 * the parent waits for any child, another one for the first.  A section under process_lock is one step;
 * leave_children() releases the lock after each child.  That a sleep and its wake-up do not miss each
 * other is shown by wait.pml.  Not modelled: tracers, exit signals other than SIGCHLD.
 *
 * Actors: -DCHILDREN=1, -DCHILDREN=2, -DCHILDREN=1 -DWAITERS=2
 * Mutants (the same mistakes in C stand in docs/models.md):
 *   1  process_wait() releases the lock between its look and its place in the queue
 *   2  reparent_child() does not tell the new parent of a zombie
 *   3  process_find_adopter() does not ask whether the process that it has noted is ending
 *   4  thread_exit() makes the process a zombie before it has given its children away
 *   5  a waiter that was woken does not wake the next one
 *   6  a child whose parent ignores SIGCHLD goes without a word
 *   7  report_child() finds the zombie, and takes it out of the tables after the lock was released
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef CHILDREN
#define CHILDREN 1
#endif
#ifndef WAITERS
#define WAITERS 1
#endif
#define INIT	  0
#define SUBREAPER 1
#define PARENT	  2
#define CHILD	  3
#define PROCESSES (CHILD + CHILDREN)
#define THREADS	  (2 + WAITERS)	/* that wait: one of init, one of the subreaper, those of the parent */
#define NONE	  255

/* Processes. */
bool linked[PROCESSES], alive[PROCESSES];	/* in the tables; thread_count is not 0 */
bool zombie[PROCESSES], killed[PROCESSES], ignores[PROCESSES];
byte parent[PROCESSES];

/* Threads that wait. */
bool asleep[THREADS];	/* in child_wait of its process, not woken yet */
bool stale[THREADS];	/* child_events is not `seen` any more */
byte waiting[PROCESSES];	/* threads that are in process_wait() */

#define process_of(w)	  (w < 2 -> w : PARENT)
#define is_child(c, p)	  (linked[c] && parent[c] == (p))
#if CHILDREN == 1
#define has_child(p) (is_child(1, p) || is_child(2, p) || is_child(3, p))
#else
#define has_child(p) (is_child(1, p) || is_child(2, p) || is_child(3, p) || is_child(4, p))
#endif

/* wait_wake_one(child_wait) */
inline wake_one(p)
{
	if
	:: p < PARENT -> asleep[p] = false
	:: p == PARENT && asleep[2] -> asleep[2] = false
#if WAITERS == 2
	:: p == PARENT && asleep[3] -> asleep[3] = false
	:: p == PARENT && !asleep[2] && !asleep[3]
#else
	:: p == PARENT && !asleep[2]
#endif
	:: p > PARENT	/* a child of PARENT waits for nothing */
	fi
}

/* send_child_signal() */
inline tell(p)
{
	if
	:: p < PARENT -> stale[p] = true
	:: p == PARENT -> stale[2] = true; stale[THREADS - 1] = true
	:: else
	fi;
	wake_one(p)
}

/* process_unlink() */
inline reap(c)
{
	assert(linked[c] && zombie[c] && !has_child(c));
	linked[c] = false;
	parent[c] = INIT;
	zombie[c] = false
}

/* signal_notify_end(), reap_later() */
inline notify_end(c)
{
	if
	:: ignores[parent[c]] ->
#if MUTANT != 6
		tell(parent[c]);
#endif
		reap(c)
	:: else -> tell(parent[c])
	fi
}

/* process_wait() of thread `w`, until there is nothing left to wait for. */
proctype waiter(byte w)
{
	byte c = NONE, only = (w == 3 -> CHILD : NONE), me = process_of(w);

	do
	:: atomic {	/* report_any() */
		if
		:: is_child(1, me) && zombie[1] && only == NONE -> c = 1
		:: is_child(2, me) && zombie[2] && only == NONE -> c = 2
		:: is_child(3, me) && zombie[3] -> c = 3
#if CHILDREN == 2
		:: is_child(4, me) && zombie[4] && only == NONE -> c = 4
#endif
		:: else -> c = NONE
		fi;
		if
		:: c != NONE ->
#if MUTANT != 7
			if
			:: me == PARENT -> stale[2] = true; stale[THREADS - 1] = true
			:: else
			fi;
			reap(c)
#endif
		:: c == NONE && (only == NONE -> has_child(me) : is_child(3, me)) ->
			stale[w] = false;
#if MUTANT != 1
			asleep[w] = true
#endif
		:: else -> goto none	/* ECHILD */
		fi
	   };
	   if
	   :: c != NONE ->
#if MUTANT == 7
		atomic { reap(c) };
#endif
		if
		:: me == PARENT -> goto none	/* one call */
		:: else
		fi
	   :: else ->
#if MUTANT == 1
		asleep[w] = true;
#endif
end_sleep:	if
		:: atomic { !asleep[w] ->
#if MUTANT != 5
				if
				:: stale[w] -> wake_one(me)
				:: else
				fi
#endif
			}
		:: atomic { asleep[w] && killed[me] -> asleep[w] = false; goto out }
		fi
	   fi
	:: atomic { false ->
none:		if
		:: me == PARENT -> goto out
		:: else
		fi
	   };
end_none:	if
		:: has_child(me)
		:: atomic { killed[me] -> goto out }
		fi
	od;
out:	atomic { stale[w] = false; c = NONE; waiting[me]-- }
}

/* process_find_adopter(): the process that was noted in `r`, or a new search, which is one step here. */
inline adopter()
{
	if
#if MUTANT == 3
	:: r == INIT || (r == SUBREAPER && linked[r])
#else
	:: r == INIT || (r == SUBREAPER && linked[r] && alive[r])
#endif
	:: else ->
		r = parent[me];
		do
		:: r != INIT && !(r == SUBREAPER && alive[r]) -> r = parent[r]
		:: else -> break
		od
	fi
}

/* thread_exit(), when all threads but this one have ended. */
proctype process(byte me)
{
	byte r = NONE, c = 0;

	if	/* at first it is chosen how it ends, so that spin finds who sleeps for ever if not */
	:: me == SUBREAPER -> goto end_life
	:: me <= PARENT -> killed[me] = true
	:: me == PARENT -> waiting[me] == 0	/* each wait() has returned */
	:: me > PARENT
	fi;
	atomic { waiting[me] == 0 -> alive[me] = false };	/* leave_process() */
#if MUTANT == 4
	atomic { zombie[me] = true; notify_end(me) };
#endif
	/* leave_children() */
	do
	:: atomic { has_child(me) ->
		if
		:: is_child(1, me) -> c = 1
		:: is_child(2, me) -> c = 2
		:: is_child(3, me) -> c = 3
#if CHILDREN == 2
		:: is_child(4, me) -> c = 4
#endif
		fi;
		adopter();
		parent[c] = r;
		if
		:: zombie[c] ->
#if MUTANT != 2
			notify_end(c)
#endif
		:: else
		fi;
		c = 0
	   }
	:: else -> break
	od;
#if MUTANT != 4
	atomic { r = NONE; zombie[me] = true; notify_end(me) };	/* become_zombie() */
#endif
	goto out;
end_life:
	false;	/* it lives on */
out:	skip
}

#if CHILDREN == 2
/* link_process(): the first child makes the second one, while it lives. */
proctype maker()
{
	if
	:: atomic { alive[CHILD] ->
			if
			:: parent[CHILD + 1] = parent[CHILD]	/* CLONE_PARENT */
			:: parent[CHILD + 1] = CHILD
			fi;
			linked[CHILD + 1] = true;
			alive[CHILD + 1] = true;
			run process(CHILD + 1)
		}
	:: atomic { !alive[CHILD] }
	fi
}
#endif

proctype check()
{
	byte i;

	timeout;
	for (i : PARENT .. PROCESSES - 1) { assert(!linked[i]) };
	assert(alive[SUBREAPER] || !linked[SUBREAPER]);
	assert(!asleep[2] && !asleep[THREADS - 1]);
	assert(has_child(INIT) || !asleep[INIT]);
	assert(has_child(SUBREAPER) || !asleep[SUBREAPER])
}

init
{
	byte i;

	atomic {
		for (i : 0 .. CHILD) { linked[i] = true; alive[i] = true };
		parent[PARENT] = SUBREAPER;
		parent[CHILD] = PARENT;
		linked[INIT] = false;	/* its own parent is the kernel */
		for (i : 0 .. PARENT) {
			if
			:: i > INIT || CHILDREN == 1 -> ignores[i] = true
			:: true
			fi
		};
		for (i : 0 .. THREADS - 1) {
			if
			:: i < PARENT && ignores[i]
			:: waiting[process_of(i)]++; run waiter(i)
			fi
		};
		for (i : SUBREAPER .. CHILD) { run process(i) };
#if CHILDREN == 2
		run maker();
#endif
		run check()
	}
}
