/* SPDX-License-Identifier: MIT
 *
 * User and group ids: whose they are, who may change them, and what they change.
 */
#include <grp.h>
#include <sys/fsuid.h>

#include "check.h"

struct ids {
	uid_t real, effective, saved;
};

/* The ids of the calling thread, as the kernel has them. */
static struct ids user_ids(void)
{
	struct ids i;

	MUST(syscall(SYS_getresuid, &i.real, &i.effective, &i.saved));
	return i;
}

#define CHECK_IDS(r, e, s)                                                                         \
	({                                                                                         \
		struct ids i_ = user_ids();                                                        \
		CHECK_EQ(i_.real, r), CHECK_EQ(i_.effective, e), CHECK_EQ(i_.saved, s);            \
	})

/* --- Whose are they? -------------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static void *other_thread(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier); /* the first thread has called setuid() */
	return (void *)(long)syscall(SYS_getuid);
}

/* setuid() of the C library changes all threads of the process. */
static void all_threads(void)
{
	CHECK_EQ(IN_CHILD(pthread_t thread; void *uid; pthread_barrier_init(&barrier, NULL, 2);
			  MUST(pthread_create(&thread, NULL, other_thread, NULL));
			  pthread_barrier_wait(&barrier); CHECK_EQ(setuid(1234), 0);
			  CHECK_IDS(1234, 1234, 1234); pthread_barrier_wait(&barrier);
			  pthread_join(thread, &uid); CHECK_EQ((long)uid, 1234);
			  CHECK_ERR(setuid(0), EPERM)),
		 0);
}

/* The call itself changes only the thread that calls it; a child inherits the ids of the thread
 * that made it. */
static void one_thread(void)
{
	CHECK_EQ(IN_CHILD(pthread_t thread; void *uid; pthread_barrier_init(&barrier, NULL, 2);
			  MUST(pthread_create(&thread, NULL, other_thread, NULL));
			  pthread_barrier_wait(&barrier); CHECK_EQ(syscall(SYS_setuid, 1234), 0);
			  CHECK_IDS(1234, 1234, 1234);
			  CHECK_EQ(IN_CHILD(CHECK_IDS(1234, 1234, 1234)), 0);
			  pthread_barrier_wait(&barrier); pthread_join(thread, &uid);
			  CHECK_EQ((long)uid, 0); CHECK_IDS(1234, 1234, 1234)),
		 0);
}

int main(void)
{
	check_start_in_directory();
	RUN(all_threads);
	RUN(one_thread);
	return check_end();
}
