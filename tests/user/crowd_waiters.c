/* SPDX-License-Identifier: MIT
 *
 * Thousands that wait at System V objects and eventfds, messages of thousands of types, stop
 * signals of thousands of threads, thousands of generations (crowds.h).
 */
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/signalfd.h>

#include "crowds.h"

#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif

static int id, begun_waiting, ended;

struct text {
	long type;
	char text[64];
};

/* Start threads in `fn`, and let them come to where they wait. */
static void start_waiting(void *(*fn)(void *))
{
	start_threads(fn);
	WAIT_UNTIL(__atomic_load_n(&begun_waiting, __ATOMIC_RELAXED) >= many);
	usleep(20000);
}

static void end_waiting(void)
{
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) >= many);
}

static void count(int *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

/* --- Messages --------------------------------------------------------------------------------- */

static int send(long type, size_t size)
{
	struct text m = {type, "x"};

	return msgsnd(id, &m, size, IPC_NOWAIT);
}

static long receive(long type, int flags)
{
	struct text m = {0, ""};

	return msgrcv(id, &m, sizeof(m.text), type, flags | IPC_NOWAIT) < 0 ? -errno : m.type;
}

static void messages_of_one_type(void)
{
	id = MUST(msgget(IPC_PRIVATE, 0600));
	for (int i = 0; i < many; i++)
		CHECK_EQ(send(5, 1), 0);
	CHECK_EQ(receive(6, 0), -ENOMSG);
	CHECK_EQ(receive(5, MSG_EXCEPT), -ENOMSG);
	CHECK_EQ(receive(-4, 0), -ENOMSG);
	CHECK_EQ(send(4, 1), 0);
	CHECK_EQ(receive(5, MSG_EXCEPT), 4);
	CHECK_EQ(send(6, 1), 0);
	CHECK_EQ(receive(6, 0), 6);
	CHECK_EQ(receive(0, 0), 5);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void messages_of_many_types(void)
{
	id = MUST(msgget(IPC_PRIVATE, 0600));
	for (int i = many; i > 0; i--)
		CHECK_EQ(send(i, 1), 0);
	CHECK_EQ(receive(many + 1, 0), -ENOMSG);
	CHECK_EQ(receive(-many, 0), 1);
	CHECK_EQ(receive(-1, 0), -ENOMSG);
	CHECK_EQ(receive(many, MSG_EXCEPT), many - 1);
	CHECK_EQ(receive(0, 0), many);
	CHECK_EQ(receive(many / 2, 0), many / 2);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void *receive_own(void *number)
{
	struct text m;

	count(&begun_waiting);
	(void)!msgrcv(id, &m, sizeof(m.text), 10 + (long)number, 0);
	count(&ended);
	return NULL;
}

/* Each waits for a type of its own; the last gets its message, and the queue is removed. */
static void receivers_of_types(void)
{
	id = MUST(msgget(IPC_PRIVATE, 0600));
	start_waiting(receive_own);
	CHECK_EQ(send(1, 1), 0);
	CHECK_EQ(send(10 + many - 1, 1), 0);
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) == 1);
	CHECK_EQ(receive(0, 0), 1);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
	end_waiting();
}

/* The last needs less room than the others. */
static void *send_blocking(void *number)
{
	struct text m = {1, "x"};

	count(&begun_waiting);
	(void)!msgsnd(id, &m, (long)number == many - 1 ? 1 : 60, 0);
	count(&ended);
	return NULL;
}

static void senders(void)
{
	id = MUST(msgget(IPC_PRIVATE, 0600));
	while (send(1, 64) == 0 || send(2, 1) == 0)
		;
	CHECK_EQ(send(3, 0), 0);
	start_waiting(send_blocking);
	CHECK_EQ(receive(3, 0), 3);
	CHECK_EQ(receive(0, 0), 1);
	CHECK_EQ(receive(0, 0), 1);
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) >= 1);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
	end_waiting();
}

/* --- Semaphores ------------------------------------------------------------------------------- */

static int change(int number, int by)
{
	return semop(id, &(struct sembuf){(unsigned short)number, (short)by, 0}, 1);
}

/* The last wants less than the others. */
static void *lower(void *number)
{
	count(&begun_waiting);
	(void)change(0, (long)number == many - 1 ? -1 : -2);
	count(&ended);
	return NULL;
}

static void *await_zero(void *unused)
{
	count(&begun_waiting);
	(void)change(1, 0);
	count(&ended);
	return unused;
}

static void *lower_two(void *unused)
{
	struct sembuf both[] = {{0, -1, 0}, {1, -1, 0}};

	count(&begun_waiting);
	(void)semop(id, both, 2);
	count(&ended);
	return unused;
}

static void semaphores_lowered(void)
{
	id = MUST(semget(IPC_PRIVATE, 2, 0600));
	start_waiting(lower);
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == many);
	CHECK_EQ(change(0, 1), 0);
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) == 1);
	CHECK_EQ(semctl(id, 0, GETNCNT), many - 1);
	CHECK_EQ(change(0, many), 0);
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) == 1 + many / 2);
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
	end_waiting();
}

static void semaphores_zero(void)
{
	id = MUST(semget(IPC_PRIVATE, 2, 0600));
	CHECK_EQ(change(1, 1), 0);
	start_waiting(await_zero);
	WAIT_UNTIL(semctl(id, 1, GETZCNT) == many);
	CHECK_EQ(change(0, 1), 0);
	CHECK_EQ(change(1, -1), 0);
	end_waiting();
	CHECK_EQ(semctl(id, 1, GETZCNT), 0);
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static void semaphores_together(void)
{
	id = MUST(semget(IPC_PRIVATE, 2, 0600));
	start_waiting(lower_two);
	CHECK_EQ(change(0, many), 0);
	WAIT_UNTIL(semctl(id, 1, GETNCNT) == many);
	CHECK_EQ(change(1, many / 2), 0);
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) == many / 2);
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
	end_waiting();
}

/* --- Events ----------------------------------------------------------------------------------- */

static void *write_event(void *number)
{
	uint64_t value = (long)number == many - 1 ? 1 : 1000;

	count(&begun_waiting);
	CHECK_EQ(write(id, &value, 8), 8);
	count(&ended);
	return NULL;
}

static void event_written(void)
{
	uint64_t value = UINT64_MAX - 1;

	id = MUST(eventfd(0, EFD_SEMAPHORE));
	CHECK_EQ(write(id, &value, 8), 8);
	start_waiting(write_event);
	CHECK_EQ(read(id, &value, 8), 8);
	WAIT_UNTIL(__atomic_load_n(&ended, __ATOMIC_RELAXED) == 1);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(read(id, &value, 8), 8);
}

/* --- Signals ---------------------------------------------------------------------------------- */

/* One of a low number behind many of a higher one, and ignored ones behind those that are kept. */
static void signals_behind(void)
{
	sigset_t set = set_of(SIGRTMIN);

	allow_queued(2 * (rlim_t)many);
	for (int i = 1; i <= 2; i++)
		sigaddset(&set, SIGRTMIN + i);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < many; i++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){0}), 0);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGRTMIN);
	signal(SIGRTMIN + 2, SIG_IGN);
	for (int i = 0; i < many; i++) {
		siginfo_t info;

		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN + 1);
		CHECK_EQ(info.si_value.sival_int, i);
	}
}

static void *stop_self(void *unused)
{
	CHECK_EQ(pthread_kill(pthread_self(), SIGTSTP), 0);
	count(&begun_waiting);
	return wait_for_ever(unused);
}

static void stops_of_threads(void)
{
	sigset_t set = set_of(SIGTSTP), pending;

	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start_waiting(stop_self);
	raise(SIGTSTP);
	kill(getpid(), SIGCONT);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGTSTP) && sigismember(&pending, SIGCONT));
}

static void *poll_signals(void *unused)
{
	sigset_t set = set_of(SIGUSR1);
	struct pollfd p = {.fd = signalfd(-1, &set, SFD_NONBLOCK), .events = POLLIN};

	count(&begun_waiting);
	CHECK_EQ(poll(&p, 1, -1), 1);
	count(&ended);
	return unused;
}

static void signals_polled(void)
{
	sigset_t set = set_of(SIGUSR1);

	may_open((rlim_t)many + 10);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start_waiting(poll_signals);
	kill(getpid(), SIGUSR1);
	end_waiting();
}

/* --- Generations ------------------------------------------------------------------------------ */

/* Each is the child of the one before, and the last leaves children to the first, which adopts
 * them. */
static void generations(void)
{
	int ends[2], n = 0;
	char c;

	MUST(pipe(ends));
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	while (n < many && fork() == 0)
		n++;
	if (n == many) {
		int few = many;

		if (fork() == 0) {
			many = 40;
			start_children(true);
			_exit(0);
		}
		many = few;
		wait(NULL);
		CHECK_EQ(write(ends[1], "x", 1), 1);
	}
	if (n > 0)
		for (;;)
			pause();
	CHECK_EQ(read(ends[0], &c, 1), 1);
}

static void nothing(void)
{
}

static const struct crowd crowds[] = {
    {"nothing", nothing},
    {"messages_of_one_type", messages_of_one_type},
    {"messages_of_many_types", messages_of_many_types},
    {"receivers_of_types", receivers_of_types},
    {"senders", senders},
    {"semaphores_lowered", semaphores_lowered},
    {"semaphores_zero", semaphores_zero},
    {"semaphores_together", semaphores_together},
    {"event_written", event_written},
    {"signals_behind", signals_behind},
    {"stops_of_threads", stops_of_threads},
    {"signals_polled", signals_polled},
    {"generations", generations},
};

int main(int argc, char **argv)
{
	return run_crowds(argc, argv, crowds, COUNT_OF(crowds));
}
