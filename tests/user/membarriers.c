/* SPDX-License-Identifier: MIT
 *
 * membarrier: registration, errors, and that it is a barrier.
 */
#include <sys/membarrier.h>

#include "check.h"

#define GET_REGISTRATIONS 512

static int barrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

static void commands(void)
{
	int all = (int)MUST(barrier(MEMBARRIER_CMD_QUERY));

	CHECK_EQ(all & 0x7f, 0x7f);
	CHECK_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 4, 0), EINVAL);
	CHECK_ERR(barrier(3), EINVAL);
	CHECK_ERR(barrier(-1), EINVAL);
	CHECK_ERR(barrier(1 << 20), EINVAL);
	CHECK_EQ(barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED), 0);
	CHECK_EQ(barrier(MEMBARRIER_CMD_GLOBAL), 0);
}

static void registration(void)
{
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), EPERM);
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE), EPERM);
	CHECK_EQ(barrier(GET_REGISTRATIONS), 0);
	CHECK_EQ(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED), 0);
	CHECK_EQ(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED), 0);
	CHECK_EQ(barrier(GET_REGISTRATIONS), MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	CHECK_EQ(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), 0);
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE), EPERM);
	CHECK_EQ(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE), 0);
	CHECK_EQ(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE), 0);
	CHECK_EQ(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED), 0);
	/* A child inherits it, another program does not. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), 0)), 0);
	CHECK_EQ(IN_CHILD(execl(self_path(), "membarriers", "new", NULL)), 0);
}

/* Dekker's two flags: of two threads that each set theirs and then read the other's, one at least
 * sees the other's.  One side has no barrier of its own: a compiler barrier alone. */
static volatile int x, y, seen_x, seen_y;
static atomic_int turn;

static void *light_side(void *arg)
{
	(void)arg;
	for (int i = 1; i <= 300; i++) {
		while (turn < i * 2 - 1)
			;
		x = 1;
		__asm__ volatile("" ::: "memory");
		seen_y = y;
		atomic_fetch_add(&turn, 1);
		while (turn < i * 2 + 1 && i < 300)
			sched_yield();
	}
	return NULL;
}

static void is_barrier(void)
{
	pthread_t thread;
	int both = 0;

	MUST(-pthread_create(&thread, NULL, light_side, NULL));
	for (int i = 1; i <= 300; i++) {
		x = y = 0;
		atomic_store(&turn, i * 2 - 1);
		y = 1;
		barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		seen_x = x;
		while (turn < i * 2)
			sched_yield();
		both += !seen_x && !seen_y;
	}
	pthread_join(thread, NULL);
	CHECK_EQ(both, 0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "new") == 0)
		return barrier(GET_REGISTRATIONS) != 0;
	check_start();
	RUN(commands);
	RUN(registration);
	RUN(is_barrier);
	return check_end();
}
