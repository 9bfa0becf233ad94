# SPDX-License-Identifier: MIT
"""The explorer's units, and mistakes that it must find: one text of the kernel in the place of another."""
import collections

LOCKS = ["machine.c", "cpus.c", "kernel/sync/spinlock.c", "kernel/task/mutex.c", "kernel/task/rwlock.c",
         "kernel/task/wait.c", "kernel/task/wakeup.c", "kernel/task/runqueue.c"]
UNITS = {
    "locks": LOCKS,
    "waits": LOCKS,
    "futexes": [*LOCKS, "kernel/ipc/futex.c"],
    "runqueues": ["switching.c", "cpus.c", "kernel/sync/spinlock.c", "kernel/task/wait.c",
                  "kernel/task/wakeup.c", "kernel/task/runqueue.c", "kernel/task/sched.c",
                  "kernel/task/balance.c", "kernel/task/idle.c"],
}

Mutant = collections.namedtuple("Mutant", "name unit scenario fence file old new words options")
FEW = ("-b", "0", "-p", "2")  # enough; for scenarios that are large, or mistakes that destroy lists


def mutant(name, scenario, file, old, new, words, fence=False, options=()):
    """`fence`: it must be found only if stores are seen late.  `options`: of the explorer."""
    unit = {"spinlock": "locks", "mutex": "locks", "rwlock": "locks", "wait": "waits",
            "futex": "futexes", "sched": "runqueues"}[scenario.partition("-")[0]]
    return Mutant(name, unit, scenario, fence, file, old, new, words, options)


SPINLOCK, MUTEX, RWLOCK = "kernel/sync/spinlock.h", "kernel/task/mutex.c", "kernel/task/rwlock.c"
WAIT, WAKEUP, FUTEX = "kernel/task/wait.c", "kernel/task/wakeup.c", "kernel/ipc/futex.c"
SCHED = "kernel/task/sched.h"

MUTANTS = [
    mutant("spin-test-then-set", "spinlock-2", SPINLOCK,
           """	u32 nobody = 0;

	return __atomic_compare_exchange_n(&lock->owner, &nobody, this_cpu_id() + 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);""",
           """	if (READ_ONCE(lock->owner))
		return false;
	WRITE_ONCE(lock->owner, this_cpu_id() + 1);
	return true;""",
           "a lock is tested, then taken"),
    mutant("mutex-release", "mutex-2", MUTEX,
           "__atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);",
           "__atomic_store_n(&m->owner, NULL, __ATOMIC_RELEASE);",
           "the owner without a barrier, then the waiters", fence=True),
    mutant("mutex-no-retest", "mutex-2", MUTEX,
           """		if (try_acquire(m)) {
			result = 0; /* also""",
           """		bool first = !m->queue.name[0];

		m->queue.name = "";
		if (!first && try_acquire(m)) {
			result = 0; /* also""",
           "no test between being counted and sleeping"),
    mutant("mutex-no-guard", "mutex-2", MUTEX,
           """	spin_lock(&m->guard);
	wait_wake_one(&m->queue);
	spin_unlock(&m->guard);""",
           """	wait_wake_one(&m->queue);""",
           "the wake-up without the guard"),
    mutant("rwlock-release", "rwlock-2", RWLOCK,
           "__atomic_store_n(&l->holders, 0, __ATOMIC_SEQ_CST);",
           "__atomic_store_n(&l->holders, 0, __ATOMIC_RELEASE);",
           "the holders without a barrier, then the waiters", fence=True),
    mutant("rwlock-count", "rwlock-2", RWLOCK,
           "while (!__atomic_compare_exchange_n(&l->holders, &holders, holders + 1, false,\n"
           "					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));",
           "while (0);\n\tWRITE_ONCE(l->holders, holders + 1);",
           "a reader counts itself in two steps"),
    mutant("rwlock-readers", "rwlock-2", RWLOCK,
           "		wait_wake_all(&l->readers_queue); /* without the guard, for they may be many */",
           "		(void)writers;", "readers are not woken"),
    mutant("wait-no-barrier", "wait", SCHED,
           "__atomic_exchange_n(&current_thread()->state, state, __ATOMIC_SEQ_CST);",
           "WRITE_ONCE(current_thread()->state, state);",
           "the state without a barrier, then the condition", fence=True),
    mutant("wait-test-first", "wait", WAIT,
           """		thread_set_state(flags & WAIT_SIGNALS ? THREAD_SLEEPING : THREAD_BLOCKED);
		if (woken && __atomic_load_n(woken, __ATOMIC_ACQUIRE))
			break;
""",
           """		if (woken && __atomic_load_n(woken, __ATOMIC_ACQUIRE))
			break;
		thread_set_state(flags & WAIT_SIGNALS ? THREAD_SLEEPING : THREAD_BLOCKED);
""",
           "the condition, then the state"),
    mutant("wait-flag-no-barrier", "wait", WAKEUP,
           "(void)__atomic_exchange_n(woken_flag, true, __ATOMIC_SEQ_CST);",
           "__atomic_store_n(woken_flag, true, __ATOMIC_RELEASE);",
           "the flag without a barrier, then the state", fence=True),
    mutant("wait-wake-first", "wait", WAIT,
           "	thread_wake_flagged(t, &w->woken);\n",
           """	thread_wake(t);
	__atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
""",
           "the wake-up, then the condition"),
    mutant("wait-guard-first", "wait", WAIT,
           """	wait_queue_add(q, &w);
	spin_unlock(guard);
""",
           """	spin_unlock(guard);
	wait_queue_add(q, &w);
""",
           "the guard is released before the thread is in the queue"),
    mutant("wait-signal", "wait-passed-on", WAIT,
           """	wait_queue_remove(q, &w);
	t->wait = (struct thread_wait){0};
	return w.woken ? 0 : result; /* after a signal too: this wake-up must not be lost */
}

int wait_sleep(""",
           """	wait_queue_remove(q, &w);
	t->wait = (struct thread_wait){0};
	return result;
}

int wait_sleep(""",
           "woken, but the signal counts", options=FEW),
    mutant("wait-mutex", "wait-mutex", MUTEX,
           """	wait_queue_add(q, &w);
	mutex_unlock(m);
""",
           """	mutex_unlock(m);
	wait_queue_add(q, &w);
""",
           "the mutex is released before the thread is in the queue"),
    mutant("futex-word-first", "futex", FUTEX,
           """		b = futex_bucket_lock(address, shared, &key);
		if (IS_ERR(b))
			return PTR_ERR(b);
		if (!get_user_u32_nofault(&value, (u32 *)address))
			break;
""",
           """		int fault = get_user_u32_nofault(&value, (u32 *)address);

		b = futex_bucket_lock(address, shared, &key);
		if (IS_ERR(b))
			return PTR_ERR(b);
		if (!fault)
			break;
""",
           "the word is read before the lock is taken"),
    mutant("futex-bucket-once", "futex-requeue", FUTEX,
           "		if (b == w->bucket)\n			break;", "		break;",
           "the bucket of a waiter is read once", options=FEW),
    mutant("futex-flag-early", "futex", FUTEX,
           "	thread_wake_flagged(w->thread, &w->woken); /* *w may be gone now */",
           """	struct thread *t = w->thread;

	__atomic_store_n(&w->woken, true, __ATOMIC_SEQ_CST);
	thread_wake(t);""",
           "the flag is set before the lock of the run queue is taken"),
    mutant("futex-waiter-used", "futex", FUTEX,
           "	thread_wake_flagged(w->thread, &w->woken); /* *w may be gone now */",
           "	thread_wake_flagged(w->thread, &w->woken);\n	list_remove(&w->link);",
           "a waiter is used after its flag is set"),
    mutant("futex-requeue-bucket", "futex-requeue", FUTEX,
           "			WRITE_ONCE(w->bucket, to);\n", "",
           "a requeued waiter does not know its bucket", options=FEW),
    mutant("futex-enqueue-late", "futex", FUTEX,
           """		futex_waiter_enqueue(w, b, &key, bitset, 0);
		w->any_woken = any_woken;
	} else {""",
           """		spin_unlock(&b->lock);
		spin_lock(&b->lock);
		futex_waiter_enqueue(w, b, &key, bitset, 0);
		w->any_woken = any_woken;
	} else {""",
           "the lock is released between the word and the list"),
    mutant("sched-queued-on-cpu", "sched-apart", WAKEUP,
           "	if (woken && !t->on_cpu)", "	if (woken)",
           "a thread is queued that has not left its CPU", options=FEW),
    mutant("sched-poll", "sched-pinned", "kernel/task/balance.c",
           "__atomic_store_n(&cpu_get(cpu)->need_resched, 1, __ATOMIC_SEQ_CST);",
           "__atomic_store_n(&cpu_get(cpu)->need_resched, 1, __ATOMIC_RELEASE);",
           "need_resched without a barrier, then polling", fence=True, options=("-b", "8", "-p", "2")),
    mutant("sched-preempted", "sched-preempt", "kernel/task/sched.c",
           "	if (reason == SWITCH_PREEMPTED)\n		prev->state = THREAD_RUNNABLE;\n", "",
           "a thread that is preempted stays asleep", options=FEW),
    mutant("sched-no-wake", "sched-pinned", "kernel/task/balance.c",
           "	if (wake)\n		balance_wake_cpu(to);", "	(void)wake;",
           "an idle CPU is not told"),
]
