/* SPDX-License-Identifier: MIT
 *
 * leak [ROUNDS]: fork-exec-exit-wait and threads, so many rounds; then as many frames are free as
 * before.  Linux does not tell, so there only the rounds are run.
 */
#include "check.h"

static int rounds = 200;

/* Free frames, when the caches of every CPU have given theirs back; -1 where nobody tells. */
static long free_frames(void)
{
	char name[32];
	long value, found = -1;
	FILE *f;
	int fd;

	f = fopen("/proc/heddle/frames", "r");
	if (!f)
		return -1;
	fclose(f);
	fd = MUST(open("/proc/sys/vm/drop_caches", O_WRONLY));
	CHECK_EQ(write(fd, "1\n", 2), 2);
	close(fd);
	f = fopen("/proc/heddle/frames", "r");
	while (f && fscanf(f, "%31s %ld", name, &value) == 2)
		if (strcmp(name, "free") == 0)
			found = value;
	if (f)
		fclose(f);
	CHECK(found > 0);
	return found;
}

/* The same ten times in a row: what has just ended may still be taken apart. */
static long settled_frames(void)
{
	long end = now_ms() + 5000, last = free_frames(), next;

	for (int same = 0; last >= 0 && same < 10 && now_ms() < end; last = next) {
		sleep_ms(10);
		next = free_frames();
		same = next == last ? same + 1 : 0;
	}
	return last;
}

static void one_process(void)
{
	CHECK_EQ(IN_CHILD(execl("/proc/self/exe", "leak", "exit", (char *)NULL)), EXITED(5));
}

static void *nothing(void *arg)
{
	return arg;
}

static void some_threads(void)
{
	pthread_t t[10];

	for (int i = 0; i < 10; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, nothing, NULL), 0);
	for (int i = 0; i < 10; i++)
		pthread_join(t[i], NULL);
}

/* Memory of all kinds, pipes, files, signals, timers. */
static void everything(void)
{
	char *p = map(64 * PAGE), *s = map_shared(64 * PAGE);
	int fd = open("file", O_RDWR | O_CREAT, 0644), pipes[2];
	timer_t timer;

	memset(p, 1, 64 * PAGE);
	memset(s, 1, 32 * PAGE);
	MUST(ftruncate(fd, 16 * PAGE));
	char *m = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(m, 1, 16 * PAGE);
	MUST(pipe(pipes));
	MUST(write(pipes[1], p, 30000));
	CHECK_EQ(IN_CHILD(p[0] = 2; s[40 * PAGE] = 3;
			  timer_create(CLOCK_MONOTONIC, NULL, &timer); mask(SIG_BLOCK, SIGRTMIN);
			  for (int i = 0; i < 20; i++) sigqueue(getpid(), SIGRTMIN,
								(union sigval){0});
			  char *q = mremap(p, 64 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
			  q[99 * PAGE] = 1; raise(SIGKILL)),
		 KILLED(SIGKILL));
	munmap(p, 64 * PAGE);
	munmap(s, 64 * PAGE);
	munmap(m, 16 * PAGE);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
	unlink("file");
}

/* In a child, so that only what the kernel keeps is counted; once to fill its caches. */
static void compare(void (*what)(void), int times)
{
	long before, after;

	IN_CHILD(for (int i = 0; i < 10; i++) what());
	before = settled_frames();
	CHECK_EQ(IN_CHILD(for (int i = 0; i < times && check_failures == 0; i++) what()), 0);
	after = settled_frames();
	CHECK_EQ(after, before);
}

static void processes(void)
{
	compare(one_process, rounds);
}

static void threads(void)
{
	compare(some_threads, rounds / 10);
}

static void mixture(void)
{
	compare(everything, rounds / 10);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 5;
	check_start_in_directory();
	if (argc > 1)
		rounds = atoi(argv[1]);
	RUN(processes);
	RUN(threads);
	RUN(mixture);
	return check_end();
}
