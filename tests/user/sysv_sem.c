/* SPDX-License-Identifier: MIT
 *
 * System V semaphores: sets, operations that happen together, undo, waiting and being woken.
 */
#include <grp.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#include "check.h"

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static key_t key;

static int new_set(int count)
{
	return MUST(semget(IPC_PRIVATE, count, 0600));
}

static void set(int id, int n, int value)
{
	CHECK_EQ(semctl(id, n, SETVAL, (union semun){.val = value}), 0);
}

static int get(int id, int n)
{
	return semctl(id, n, GETVAL);
}

static int op(int id, int n, int change, int flags)
{
	return semop(id, &(struct sembuf){n, change, flags}, 1);
}

static struct semid_ds stat_of(int id)
{
	struct semid_ds ds = {0};

	CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
	return ds;
}

static void remove_set(int id)
{
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void simple(void)
{
	int id = new_set(3);

	CHECK_EQ(get(id, 0), 0);
	CHECK_EQ(op(id, 0, 2, 0), 0);
	CHECK_EQ(op(id, 0, -1, 0), 0);
	CHECK_EQ(get(id, 0), 1);
	CHECK_EQ(semctl(id, 0, GETPID), getpid());
	CHECK_EQ(semctl(id, 1, GETPID), 0);
	CHECK_EQ(op(id, 1, 0, 0), 0);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_ERR(op(id, 0, -2, IPC_NOWAIT), EAGAIN);
	CHECK_ERR(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(get(id, 0), 1);
	CHECK_ERR(op(id, 3, 1, 0), EFBIG);
	CHECK_ERR(op(id, 0, 32767, 0), ERANGE);
	CHECK_EQ(op(id, 0, 32766, 0), 0);
	CHECK_ERR(semop(id, &(struct sembuf){0}, 0), EINVAL);
	CHECK_ERR(semop(id, BAD, 1), EFAULT);
	CHECK_ERR(semop(id, BAD, 501), E2BIG);
	CHECK_ERR(semop(-1, &(struct sembuf){0}, 1), EINVAL);
	remove_set(id);
	CHECK_ERR(op(id, 0, 1, 0), EINVAL);
}

static void sets(void)
{
	int id = MUST(semget(key, 5, IPC_CREAT | IPC_EXCL | 0640));
	struct semid_ds ds = stat_of(id);

	CHECK_EQ(semget(key, 5, 0), id);
	CHECK_EQ(semget(key, 0, 0), id);
	CHECK_ERR(semget(key, 6, 0), EINVAL);
	CHECK_ERR(semget(key, 5, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERR(semget(key + 1, 5, 0), ENOENT);
	CHECK_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	CHECK_EQ(ds.sem_perm.mode, 0640);
	CHECK_EQ(ds.sem_perm.__key, key);
	CHECK_EQ(ds.sem_nsems, 5);
	CHECK_EQ(ds.sem_otime, 0);
	CHECK(ds.sem_ctime >= time(NULL) - 20 && ds.sem_ctime <= time(NULL) + 1);
	CHECK_EQ(op(id, 4, 1, 0), 0);
	ds = stat_of(id);
	CHECK(ds.sem_otime >= ds.sem_ctime);
	ds.sem_perm.uid = 12;
	ds.sem_perm.mode = 0600;
	CHECK_EQ(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), 0);
	CHECK_EQ(stat_of(id).sem_perm.uid, 12);
	CHECK_EQ(stat_of(id).sem_perm.mode, 0600);
	remove_set(id);
	CHECK_ERR(semctl(id, 0, IPC_RMID), EINVAL);
	CHECK_ERR(semget(key, 5, 0), ENOENT);
}

static void values(void)
{
	int id = new_set(4);
	unsigned short v[4] = {1, 2, 3, 32767}, w[4] = {0};

	CHECK_EQ(semctl(id, 0, SETALL, (union semun){.array = v}), 0);
	CHECK_EQ(semctl(id, 0, GETALL, (union semun){.array = w}), 0);
	CHECK_EQ(memcmp(v, w, sizeof(v)), 0);
	CHECK_EQ(semctl(id, 2, GETPID), getpid());
	v[0] = 7;
	v[3] = 32768;
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){.array = v}), ERANGE);
	CHECK_EQ(get(id, 0), 1);
	CHECK_ERR(semctl(id, 0, SETVAL, (union semun){.val = -1}), ERANGE);
	CHECK_ERR(semctl(id, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
	CHECK_ERR(semctl(id, 4, SETVAL, (union semun){.val = 1}), EINVAL);
	CHECK_ERR(semctl(id, -1, GETVAL), EINVAL);
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){.array = BAD}), EFAULT);
	CHECK_ERR(semctl(id, 0, GETALL, (union semun){.array = BAD}), EFAULT);
	CHECK_ERR(semctl(id, 0, 4711), EINVAL);
	remove_set(id);
}

/* All operations of a call or none, each seeing what those before it did. */
static void together(void)
{
	int id = new_set(3);
	struct sembuf both[] = {{0, -1, 0}, {1, -1, 0}};
	struct sembuf twice[] = {{0, -1, IPC_NOWAIT}, {0, -1, IPC_NOWAIT}};
	struct sembuf around[] = {{2, 0, IPC_NOWAIT}, {2, 3, 0}, {2, -2, IPC_NOWAIT}};
	struct sembuf too_large[] = {{0, 1, 0}, {2, 32767, 0}};
	pid_t child;

	set(id, 0, 1);
	CHECK_ERR(semop(id, twice, 2), EAGAIN);
	CHECK_EQ(get(id, 0), 1);
	CHECK_EQ(semop(id, around, 3), 0);
	CHECK_EQ(get(id, 2), 1);
	CHECK_ERR(semop(id, around, 3), EAGAIN);
	CHECK_ERR(semop(id, too_large, 2), ERANGE);
	CHECK_EQ(get(id, 0), 1);
	child = SPAWN(CHECK_EQ(semop(id, both, 2), 0));
	WAIT_UNTIL(semctl(id, 1, GETNCNT) == 1);
	/* It waits for the second; the first is not taken meanwhile. */
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_EQ(get(id, 0), 1);
	CHECK_EQ(op(id, 0, -1, 0), 0);
	CHECK_EQ(op(id, 1, 1, 0), 0);
	CHECK_EQ(get(id, 1), 1);
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	CHECK_EQ(op(id, 0, 2, 0), 0);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(get(id, 0), 1);
	CHECK_EQ(get(id, 1), 0);
	remove_set(id);
}

static void waiting(void)
{
	int id = new_set(2), status;
	pid_t down = SPAWN(CHECK_EQ(op(id, 0, -3, 0), 0)), zero, more;

	set(id, 1, 2);
	zero = SPAWN(CHECK_EQ(op(id, 1, 0, 0), 0));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	WAIT_UNTIL(semctl(id, 1, GETZCNT) == 1);
	CHECK_EQ(semctl(id, 0, GETZCNT), 0);
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	more = SPAWN(CHECK_EQ(op(id, 0, -1, 0), 0));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 2);
	/* Enough for the second, which does not wait for the first. */
	CHECK_EQ(op(id, 0, 1, 0), 0);
	CHECK_EQ(wait_status(more), 0);
	CHECK_EQ(get(id, 0), 0);
	CHECK_EQ(waitpid(down, &status, WNOHANG), 0);
	set(id, 0, 4);
	CHECK_EQ(wait_status(down), 0);
	CHECK_EQ(get(id, 0), 1);
	CHECK_EQ(semctl(id, 0, GETPID), down);
	CHECK_EQ(op(id, 1, -1, 0), 0);
	CHECK_EQ(waitpid(zero, &status, WNOHANG), 0);
	CHECK_EQ(op(id, 1, -1, 0), 0);
	CHECK_EQ(wait_status(zero), 0);
	/* One that is woken may let others go on. */
	set(id, 0, 0);
	zero = SPAWN(CHECK_EQ(op(id, 1, -1, 0), 0));
	WAIT_UNTIL(semctl(id, 1, GETNCNT) == 1);
	down =
	    SPAWN(struct sembuf pass[] = {{0, -1, 0}, {1, 1, 0}}; CHECK_EQ(semop(id, pass, 2), 0));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	CHECK_EQ(op(id, 0, 1, 0), 0);
	CHECK_EQ(wait_status(down), 0);
	CHECK_EQ(wait_status(zero), 0);
	remove_set(id);
}

/* A call of one operation does not overtake one of several that has waited longer. */
static void first_come(void)
{
	int id = new_set(2);
	struct sembuf both[] = {{0, -1, 0}, {1, -1, 0}};
	pid_t first, second;

	set(id, 1, 1);
	first = SPAWN(CHECK_EQ(semop(id, both, 2), 0));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	second = SPAWN(CHECK_EQ(op(id, 0, -1, 0), 0));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 2);
	CHECK_EQ(op(id, 0, 1, 0), 0);
	CHECK_EQ(get(id, 1), 0);
	CHECK_EQ(semctl(id, 0, GETPID), first);
	CHECK_EQ(op(id, 0, 1, 0), 0);
	CHECK_EQ(wait_status(first), 0);
	CHECK_EQ(wait_status(second), 0);
	remove_set(id);
}

static void interrupted(void)
{
	int id = new_set(1);
	struct timespec none = {0, 0}, bad = {0, 1000000000}, some = {0, 20000000};
	struct sembuf down = {0, -1, 0};
	pid_t child;

	CHECK_ERR(semtimedop(id, &down, 1, &none), EAGAIN);
	CHECK_ERR(semtimedop(id, &down, 1, &some), EAGAIN);
	CHECK_ERR(semtimedop(id, &down, 1, &bad), EINVAL);
	CHECK_ERR(semtimedop(id, &down, 1, BAD), EFAULT);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	/* Never restarted, also with SA_RESTART. */
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
		  NULL);
	child = SPAWN(CHECK_ERR(op(id, 0, -1, 0), EINTR));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	kill(child, SIGUSR1);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	child = SPAWN(op(id, 0, -1, 0));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	kill(child, SIGKILL);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	child = SPAWN(CHECK_ERR(op(id, 0, -1, 0), EIDRM));
	WAIT_UNTIL(semctl(id, 0, GETNCNT) == 1);
	remove_set(id);
	CHECK_EQ(wait_status(child), 0);
}

static void undo(void)
{
	int id = new_set(2), other = new_set(1), p[2];
	pid_t child;
	char c;

	set(id, 0, 5);
	CHECK_EQ(IN_CHILD(op(id, 0, -3, SEM_UNDO); op(id, 1, 4, SEM_UNDO); op(id, 0, 1, SEM_UNDO);
			  op(other, 0, 2, SEM_UNDO); op(id, 0, -1, 0); CHECK_EQ(get(id, 0), 2)),
		 0);
	CHECK_EQ(get(id, 0), 4);
	CHECK_EQ(get(id, 1), 0);
	CHECK_EQ(get(other, 0), 0);
	/* A value is not changed below zero. */
	CHECK_EQ(IN_CHILD(op(id, 1, 4, SEM_UNDO); op(id, 1, -3, 0)), 0);
	CHECK_EQ(get(id, 1), 0);
	/* The end wakes those who can go on then, also if it is a kill. */
	set(id, 0, 1);
	MUST(pipe(p));
	child = SPAWN(op(id, 0, -1, SEM_UNDO); write(p[1], "x", 1); pause());
	CHECK_EQ(read(p[0], &c, 1), 1);
	kill(child, SIGKILL);
	CHECK_EQ(op(id, 0, -1, 0), 0);
	CHECK_EQ(semctl(id, 0, GETPID), getpid());
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK_EQ(get(id, 0), 0);
	/* Not inherited; kept over exec; forgotten when the value is set. */
	set(id, 0, 5);
	CHECK_EQ(IN_CHILD(op(id, 0, -2, SEM_UNDO); CHECK_EQ(IN_CHILD(op(id, 0, -1, 0)), 0);
			  CHECK_EQ(get(id, 0), 2)),
		 0);
	CHECK_EQ(get(id, 0), 4);
	CHECK_EQ(IN_CHILD(op(id, 0, -2, SEM_UNDO); execl(self_path(), "x", "nothing", NULL)),
		 EXITED(0));
	CHECK_EQ(get(id, 0), 4);
	CHECK_EQ(IN_CHILD(op(id, 0, -2, SEM_UNDO); set(id, 0, 9)), 0);
	CHECK_EQ(get(id, 0), 9);
	CHECK_EQ(IN_CHILD(op(id, 0, -2, SEM_UNDO); remove_set(other); remove_set(id)), 0);
	close(p[0]);
	close(p[1]);
}

/* Setting a semaphore forgets what would have been changed back; what comes after it counts. */
static void undo_forgotten(void)
{
	int id = new_set(2);
	unsigned short all[2] = {10, 20};

	CHECK_EQ(IN_CHILD(op(id, 0, 3, SEM_UNDO); op(id, 1, 5, SEM_UNDO); set(id, 0, 7)), 0);
	CHECK_EQ(get(id, 0), 7);
	CHECK_EQ(get(id, 1), 0);
	CHECK_EQ(IN_CHILD(op(id, 0, 3, SEM_UNDO); op(id, 1, 5, SEM_UNDO);
			  semctl(id, 0, SETALL, (union semun){.array = all})),
		 0);
	CHECK_EQ(get(id, 0), 10);
	CHECK_EQ(get(id, 1), 20);
	CHECK_EQ(IN_CHILD(op(id, 0, 3, SEM_UNDO); op(id, 1, 5, SEM_UNDO);
			  semctl(id, 0, SETALL, (union semun){.array = all});
			  op(id, 1, 2, SEM_UNDO); op(id, 0, -4, SEM_UNDO)),
		 0);
	CHECK_EQ(get(id, 0), 10);
	CHECK_EQ(get(id, 1), 20);
	remove_set(id);
}

static void *thread_up(void *id)
{
	op((int)(long)id, 0, 1, SEM_UNDO);
	return NULL;
}

/* Threads share what is to be undone: it happens at the end of the process. */
static void undo_of_threads(void)
{
	int id = new_set(1);

	CHECK_EQ(IN_CHILD(pthread_t t; pthread_create(&t, NULL, thread_up, (void *)(long)id);
			  pthread_join(t, NULL); CHECK_EQ(get(id, 0), 1); op(id, 0, 1, SEM_UNDO)),
		 0);
	CHECK_EQ(get(id, 0), 0);
	/* The sum has the range of a value. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(op(id, 0, 32767, SEM_UNDO), 0); CHECK_EQ(op(id, 0, -1, 0), 0);
			  CHECK_EQ(op(id, 0, 1, SEM_UNDO), 0); CHECK_EQ(op(id, 0, -1, 0), 0);
			  CHECK_ERR(op(id, 0, 1, SEM_UNDO), ERANGE)),
		 0);
	remove_set(id);
}

static void rights(void)
{
	int id = MUST(semget(key, 1, IPC_CREAT | 0604));
	struct semid_ds ds;

	SKIP_IF(geteuid() != 0, "wants root");
	CHECK_EQ(IN_CHILD(setgroups(0, NULL); MUST(setgid(77)); MUST(setuid(77));
			  CHECK_EQ(get(id, 0), 0); CHECK_EQ(op(id, 0, 0, 0), 0);
			  CHECK_ERR(op(id, 0, 1, 0), EACCES);
			  CHECK_ERR(semctl(id, 0, SETVAL, (union semun){.val = 1}), EACCES);
			  CHECK_ERR(semget(key, 1, 0600), EACCES);
			  CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
			  CHECK_ERR(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), EPERM);
			  CHECK_ERR(semctl(id, 0, IPC_RMID), EPERM);),
		 0);
	remove_set(id);
}

static void lists(void)
{
	int id = new_set(3), highest, found = -1;
	struct seminfo limits, used;
	struct semid_ds ds;
	char line[300];
	FILE *f;

	highest = MUST(semctl(0, 0, IPC_INFO, (union semun){.buf = (void *)&limits}));
	CHECK_EQ(limits.semvmx, 32767);
	CHECK_EQ(limits.semopm, 500);
	CHECK_EQ(limits.semmsl, 32000);
	CHECK_EQ(limits.semmni, 32000);
	CHECK_EQ(limits.semaem, 32767);
	CHECK_EQ(semctl(0, 0, SEM_INFO, (union semun){.buf = (void *)&used}), highest);
	CHECK(used.semusz >= 1 && used.semaem >= 3);
	for (int i = 0; i <= highest; i++)
		if (semctl(i, 0, SEM_STAT, (union semun){.buf = &ds}) == id)
			found = i;
	CHECK(found >= 0);
	CHECK_EQ(semctl(found, 0, SEM_STAT_ANY, (union semun){.buf = &ds}), id);
	CHECK_EQ(ds.sem_nsems, 3);
	if (has_proc()) {
		int seen = 0, k, i, perms, count;

		f = fopen("/proc/sysvipc/sem", "r");
		if (CHECK(f)) {
			CHECK(fgets(line, sizeof(line), f));
			while (fgets(line, sizeof(line), f)) {
				CHECK_EQ(sscanf(line, "%d %d %o %d", &k, &i, &perms, &count), 4);
				seen += i == id && perms == 0600 && count == 3;
			}
			fclose(f);
		}
		CHECK_EQ(seen, 1);
		f = fopen("/proc/sys/kernel/sem", "r");
		if (CHECK(f)) {
			CHECK(fgets(line, sizeof(line), f));
			CHECK_EQ(strcmp(line, "32000\t1024000000\t500\t32000\n"), 0);
			fclose(f);
		}
	}
	remove_set(id);
}

/* A semaphore as a lock for processes, and as a barrier. */
static void many(void)
{
	enum { WORKERS = 6, ROUNDS = 200 };
	int id = new_set(2);
	volatile int *counter = map_shared(PAGE);
	pid_t child[WORKERS];

	set(id, 0, 1);
	set(id, 1, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		child[i] =
		    SPAWN(op(id, 1, -1, 0); op(id, 1, 0, 0); for (int n = 0; n < ROUNDS; n++) {
			    int undo = n % 2 ? SEM_UNDO : 0;

			    CHECK_EQ(op(id, 0, -1, undo), 0);
			    int seen = *counter;
			    if (n % 16 == 0)
				    sched_yield();
			    *counter = seen + 1;
			    CHECK_EQ(op(id, 0, 1, undo), 0);
		    });
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(wait_status(child[i]), 0);
	CHECK_EQ(*counter, WORKERS * ROUNDS);
	CHECK_EQ(get(id, 0), 1);
	remove_set(id);
}

/* All that wait for zero go on once it was zero, though the first of them raises it again. */
static void zero_for_all(void)
{
	enum { WAITERS = 400 };
	int id = new_set(1), status;

	for (int round = 0; round < 10; round++) {
		pid_t child[WAITERS];

		set(id, 0, 1);
		for (int i = 0; i < WAITERS; i++)
			child[i] = SPAWN(CHECK_EQ(op(id, 0, 0, 0), 0); op(id, 0, 1, 0));
		WAIT_UNTIL(semctl(id, 0, GETZCNT) == WAITERS);
		CHECK_EQ(op(id, 0, -1, 0), 0);
		WAIT_UNTIL(get(id, 0) == WAITERS);
		for (int i = 0; i < WAITERS; i++) {
			if (get(id, 0) < WAITERS)
				kill(child[i], SIGKILL);
			status = wait_status(child[i]);
			CHECK_EQ(status, 0);
		}
	}
	remove_set(id);
}

/* Sets vanish under those who wait, are killed, or undo. */
static void races(void)
{
	for (int round = 0; round < 10; round++) {
		int id = new_set(2);
		pid_t child[6];

		for (int i = 0; i < 6; i++)
			child[i] = SPAWN(while (op(id, i % 2, i < 2 ? 1 : -1, SEM_UNDO) == 0));
		usleep(round * 300);
		kill(child[5], SIGKILL);
		remove_set(id);
		for (int i = 0; i < 6; i++) {
			int status = wait_status(child[i]);

			CHECK(status == 0 || i == 5);
		}
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	check_start();
	if (argc > 1)
		return 0;
	key = 0x49000000 + getpid();
	RUN(simple);
	RUN(sets);
	RUN(values);
	RUN(together);
	RUN(waiting);
	RUN(first_come);
	RUN(interrupted);
	RUN(undo);
	RUN(undo_forgotten);
	RUN(undo_of_threads);
	RUN(rights);
	RUN(lists);
	RUN(many);
	RUN(zero_for_all);
	RUN(races);
	return check_end();
}
