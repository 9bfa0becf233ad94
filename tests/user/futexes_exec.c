/* SPDX-License-Identifier: MIT
 *
 * Locks with owners over the ends of programs and threads: who execs is as good an owner as before,
 * and who waits for an owner without a robust list hears of its end.
 */
#include "check.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define FUTEX_LOCK_PI	 6
#define FUTEX_UNLOCK_PI	 7
#define FUTEX_WAITERS	 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_TID_MASK	 0x3fffffffU

static unsigned *word;
static volatile int result = -1;

static long lock(void)
{
	return syscall(SYS_futex, word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static void *locker(void *arg)
{
	result = lock() ? errno : 0;
	if (!result)
		syscall(SYS_futex, word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return arg;
}

static void wait_for_waiter(void)
{
	while (!(__atomic_load_n(word, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
		usleep(1000);
}

static void owner_after_exec(void)
{
	pthread_t t;

	CHECK_EQ(lock(), 0);
	MUST(pthread_create(&t, NULL, locker, NULL));
	wait_for_waiter();
	CHECK_EQ(syscall(SYS_futex, word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	pthread_join(t, NULL);
	CHECK_EQ(result, 0);
}

static void owner_ends(void)
{
	pid_t child =
	    SPAWN(syscall(SYS_set_robust_list, NULL, 24); MUST(lock()); wait_for_waiter());

	while (!__atomic_load_n(word, __ATOMIC_SEQ_CST))
		usleep(1000);
	CHECK_EQ(lock(), 0);
	CHECK_EQ(*word & FUTEX_TID_MASK, getpid());
	CHECK(*word & FUTEX_OWNER_DIED);
	CHECK_EQ(wait_status(child), EXITED(0));
}

int main(int argc, char **argv)
{
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc == 1) {
		static unsigned long head[3] = {(unsigned long)head};

		MUST(syscall(SYS_set_robust_list, head, sizeof(head)));
		execl(self_path(), argv[0], "again", NULL);
		return 1;
	}
	RUN(owner_after_exec);
	RUN(owner_ends);
	return check_end();
}
