/* SPDX-License-Identifier: MIT
 *
 * Calls that look through thousands of the same kind: the values and the undo structures of
 * semaphore sets, signals sent to the threads of one process, or to all processes (crowds.h).
 */
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>

#include "crowds.h"

static int begun_waiting, set;

static void count(int *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static void start_waiting(void *(*fn)(void *))
{
	start_threads(fn);
	WAIT_UNTIL(__atomic_load_n(&begun_waiting, __ATOMIC_RELAXED) >= many);
	usleep(20000);
}

/* --- Semaphores ------------------------------------------------------------------------------- */

static int change(int id, int number, int by, int flags)
{
	return semop(id, &(struct sembuf){(unsigned short)number, (short)by, (short)flags}, 1);
}

/* Each waits at a semaphore of its own, far from the next one's. */
static void *lower(void *number)
{
	count(&begun_waiting);
	(void)change(set, 8 * (int)(long)number, -1, 0);
	return number;
}

static void semaphores_all(void)
{
	int n = 8 * (many < 4000 ? many : 4000);
	unsigned short *value = calloc((size_t)n, sizeof(*value));

	set = MUST(semget(IPC_PRIVATE, n, 0600));
	for (int i = 0; i < n; i++)
		value[i] = (unsigned short)(i % 100);
	CHECK_EQ(semctl(set, 0, SETALL, value), 0);
	memset(value, 0, (size_t)n * sizeof(*value));
	CHECK_EQ(semctl(set, 0, GETALL, value), 0);
	CHECK(value[1] == 1 && value[n - 1] == (n - 1) % 100);
	CHECK_EQ(semctl(set, n - 1, GETPID), getpid());
	memset(value, 0, (size_t)n * sizeof(*value));
	CHECK_EQ(semctl(set, 0, SETALL, value), 0);
	start_waiting(lower);
	WAIT_UNTIL(semctl(set, 0, GETNCNT) == 1 && semctl(set, n - 8, GETNCNT) == 1);
	for (int i = 0; i < n; i++)
		value[i] = 1;
	CHECK_EQ(semctl(set, 0, SETALL, value), 0);
	CHECK_EQ(semctl(set, 0, GETALL, value), 0);
	CHECK(value[0] == 0 && value[1] == 1 && value[n - 8] == 0);
	CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
}

#define MOST 32000

static int moving;

/* Move what the first semaphore has to the last one, and back. */
static void *move(void *unused)
{
	while (__atomic_load_n(&moving, __ATOMIC_RELAXED)) {
		for (short by = -1; by <= 1; by += 2) {
			struct sembuf both[] = {{0, by, IPC_NOWAIT},
						{MOST - 1, (short)-by, IPC_NOWAIT}};

			CHECK(semop(set, both, 2) == 0 || errno == EAGAIN);
		}
	}
	return unused;
}

/* GETALL and SETALL happen at one moment: both ends always have 20 together. */
static void semaphores_at_once(void)
{
	unsigned short *value = calloc(MOST, sizeof(*value));
	pthread_t t;

	set = MUST(semget(IPC_PRIVATE, MOST, 0600));
	moving = 1;
	MUST(pthread_create(&t, NULL, move, NULL));
	for (int i = 0; i < many / 4; i++) {
		if (i % 4 == 0) {
			for (int j = 0; j < MOST; j++)
				value[j] = 10;
			CHECK_EQ(semctl(set, 0, SETALL, value), 0);
		}
		CHECK_EQ(semctl(set, 0, GETALL, value), 0);
		CHECK_EQ(value[0] + value[MOST - 1], 20);
		CHECK_EQ(value[MOST / 2], 10);
	}
	__atomic_store_n(&moving, 0, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
	free(value);
}

/* One process has an undo structure in each of many sets. */
static void undos_of_sets(void)
{
	int *sets = calloc((size_t)many, sizeof(*sets)), n = 0;

	while (n < many && (sets[n] = semget(IPC_PRIVATE, 1, 0600)) >= 0)
		CHECK_EQ(change(sets[n++], 0, 1, SEM_UNDO), 0);
	CHECK(n > 10);
	for (int i = 0; i < n; i += 1 + n / 8)
		CHECK_EQ(change(sets[i], 0, 1, SEM_UNDO), 0);
	for (int i = 0; i < n; i++) {
		CHECK_EQ(semctl(sets[i], 0, GETVAL), 1 + (i % (1 + n / 8) == 0));
		CHECK_EQ(semctl(sets[i], 0, IPC_RMID), 0);
	}
	set = MUST(semget(IPC_PRIVATE, 1, 0600));
	CHECK_EQ(change(set, 0, 1, SEM_UNDO), 0);
	CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
	free(sets);
}

/* Many processes have an undo structure in one set. */
static void undos_of_processes(void)
{
	set = MUST(semget(IPC_PRIVATE, 2, 0600));
	signal(SIGTERM, SIG_IGN);
	for (int i = 0; i < many; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			signal(SIGTERM, SIG_DFL);
			change(set, 0, 1, SEM_UNDO);
			change(set, 1, 1, 0);
			for (;;)
				pause();
		}
		CHECK(pid > 0);
	}
	CHECK_EQ(change(set, 1, -many, 0), 0);
	CHECK_EQ(semctl(set, 0, GETVAL), many);
	CHECK_EQ(semctl(set, 0, SETVAL, 5), 0);
	CHECK_EQ(kill(0, SIGTERM), 0);
	for (int i = 0; i < many; i++)
		CHECK(wait(NULL) > 0);
	CHECK_EQ(semctl(set, 0, GETVAL), 5);
	CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
}

/* --- Signals ---------------------------------------------------------------------------------- */

/* One signal, and many of another one. */
static void *send_to_self(void *unused)
{
	CHECK_EQ(pthread_kill(pthread_self(), SIGRTMIN), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(pthread_kill(pthread_self(), SIGRTMIN + 1), 0);
	count(&begun_waiting);
	return wait_for_ever(unused);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void handle_all(void)
{
	sigset_t block = set_of(SIGRTMIN);

	allow_queued(20 * (rlim_t)many);
	sigaddset(&block, SIGRTMIN + 1);
	sigaddset(&block, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &block, NULL);
	for (int i = 0; i < 3; i++)
		handle(SIGRTMIN + i, on_signal, 0);
}

/* One that no thread has; then one that each thread has beside another that it keeps. */
static void signals_kept_by_threads(void)
{
	sigset_t pending;

	handle_all();
	CHECK_EQ(pthread_kill(pthread_self(), SIGRTMIN), 0);
	CHECK_EQ(pthread_kill(pthread_self(), SIGRTMIN + 1), 0);
	start_waiting(send_to_self);
	signal(SIGRTMIN + 2, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGRTMIN) && !sigismember(&pending, SIGRTMIN + 1));
	signal(SIGRTMIN, SIG_IGN);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGRTMIN));
}

static void threads_exec_signals(void)
{
	handle_all();
	start_waiting(send_to_self);
	execl("/proc/self/exe", "crowd_lists", "nothing", (char *)NULL);
	CHECK(0);
}

/* Of kill(-1), which a user without rights sends: so it reaches these processes only. */
#define ALONE 54321

static struct {
	int ready, got, got_by_grandchild;
} *all;
static int generation;

/* In a session of its own a process is not ended with the others of the crowd's group. */
static void end_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void fork_once(int signal)
{
	(void)signal;
	if (generation) {
		count(&all->got_by_grandchild);
	} else if (fork() == 0) {
		end_with_parent();
		generation++;
	} else {
		count(&all->got);
	}
}

/* Each of many processes gets the signal once, and none that is made later gets it. */
static void signals_to_all_that_fork(void)
{
	int n = many / 4;

	all = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (setuid(ALONE))
		return;
	handle(SIGUSR1, fork_once, 0);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			end_with_parent();
			if (i % 2)
				setsid(); /* neighbours are of different sessions */
			count(&all->ready);
			for (;;)
				pause();
		}
		CHECK(pid > 0);
	}
	WAIT_UNTIL(__atomic_load_n(&all->ready, __ATOMIC_RELAXED) == n);
	CHECK_EQ(kill(-1, SIGUSR1), 0);
	WAIT_UNTIL(__atomic_load_n(&all->got, __ATOMIC_RELAXED) >= n);
	usleep(50000);
	CHECK_EQ(all->got, n);
	CHECK_EQ(all->got_by_grandchild, 0);
}

/* A user without rights asks for ever whether it may send a signal to all: others fork all the same. */
static void forks_beside_refusals(void)
{
	int status;
	pid_t last;

	start_children(true);
	if (fork() == 0) {
		if (setuid(ALONE))
			_exit(0);
		for (;;)
			kill(-1, 0);
	}
	usleep(100000);
	last = fork();
	if (last == 0) { /* a walk over the PIDs reaches it at its end */
		alarm(200);
		for (int i = 0; i < 200; i++) {
			pid_t pid = fork();

			if (pid == 0)
				_exit(0);
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
		}
		_exit(check_failures != 0);
	}
	CHECK(waitpid(last, &status, 0) == last && status == 0);
}

static void nothing(void)
{
}

static const struct crowd crowds[] = {
    {"nothing", nothing},
    {"semaphores_all", semaphores_all},
    {"semaphores_at_once", semaphores_at_once},
    {"undos_of_sets", undos_of_sets},
    {"undos_of_processes", undos_of_processes},
    {"signals_kept_by_threads", signals_kept_by_threads},
    {"threads_exec_signals", threads_exec_signals},
    {"signals_to_all_that_fork", signals_to_all_that_fork},
    {"forks_beside_refusals", forks_beside_refusals},
};

int main(int argc, char **argv)
{
	return run_crowds(argc, argv, crowds, COUNT_OF(crowds));
}
