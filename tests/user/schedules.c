/* SPDX-License-Identifier: MIT
 *
 * Schedules of a seed group (/proc/self/sched_schedule): a strategy chooses at each sched_yield(),
 * and what it chose can be replayed.  Where there is no such file (on Linux) nothing is tested.
 */
#include "check.h"

#include <sched.h>

#define THREADS 3
#define TURNS	12
#define FILE_	"/proc/self/sched_schedule"

static struct run {
	char order[THREADS * TURNS + 1];
	int count;
	char schedule[4000];
	unsigned long points, switches, hash;
	int holder;
} * shared;

static bool there(void)
{
	return access(FILE_, F_OK) == 0;
}

/* 0 or the error of a write. */
static int give(const char *text)
{
	int fd = open(FILE_, O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, text, strlen(text));
	int error = n == (ssize_t)strlen(text) ? 0 : errno;

	close(fd);
	return error;
}

static void read_back(struct run *r)
{
	char text[8192];
	int fd = open(FILE_, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	const char *words;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	CHECK_EQ(sscanf(text, "strategy %*s\npoints %lu\nswitches %lu\nhash 0x%lx\nholder %d\n",
			&r->points, &r->switches, &r->hash, &r->holder),
		 4);
	words = strstr(text, "schedule");
	snprintf(r->schedule, sizeof(r->schedule), "%s", words ? words + strlen("schedule") : "?");
	r->schedule[strcspn(r->schedule, "\n")] = '\0';
}

static void *turns(void *argument)
{
	for (int i = 0; i < TURNS; i++) {
		sched_yield();
		shared->order[shared->count++] = (char)('a' + (long)argument);
	}
	return NULL;
}

/* Three threads take turns by a schedule, in a child. */
static struct run run_by(const char *schedule)
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (!pid) {
		pthread_t threads[THREADS];

		CHECK_EQ(give(schedule), 0);
		for (long i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, turns, (void *)i), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		read_back(shared);
		_exit(check_failures != 0);
	}
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(shared->count, THREADS * TURNS);
	return *shared;
}

static bool same(const struct run *a, const struct run *b)
{
	return !strcmp(a->order, b->order) && a->points == b->points &&
	       a->switches == b->switches && a->hash == b->hash &&
	       !strcmp(a->schedule, b->schedule);
}

static void bad_values(void)
{
	static const char *const bad[] = {"",
					  "random",
					  "random x",
					  "random 1 2",
					  "pct 1",
					  "pct 1 0 9",
					  "pct 1 17 9",
					  "pct 1 3 0",
					  "pct 1 3 9 ",
					  "replay 1.2",
					  "replay 1.2>",
					  "replay 1,2>3",
					  "replay 1.2>3x",
					  "yield",
					  "replay 1.2>99999999999",
					  "add 1.2>3",
					  "none"};

	if (!there())
		return;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (!CHECK(give(bad[i]) != 0))
			printf("# \"%s\" is taken\n", bad[i]);
	CHECK_EQ(give("random x"), EINVAL);
}

/* Without a word each thread runs to its end; a word is one change. */
static void defaults_and_words(void)
{
	struct run r;

	if (!there())
		return;
	r = run_by("replay");
	CHECK(!strcmp(r.order, "aaaaaaaaaaaabbbbbbbbbbbbcccccccccccc"));
	CHECK(!strcmp(r.schedule, ""));
	r = run_by("replay 1.3>2  2.2>3");
	CHECK(!strcmp(r.order, "aabccccccccccccaaaaaaaaaabbbbbbbbbbb"));
	CHECK(!strcmp(r.schedule, " 1.3>2 2.2>3"));
	/* What cannot be chosen is skipped: a thread that is not ready, a point that is not. */
	r = run_by("replay 1.3>9 1.99>2 7.1>2");
	CHECK(!strcmp(r.order, "aaaaaaaaaaaabbbbbbbbbbbbcccccccccccc"));
	CHECK(!strcmp(r.schedule, ""));
}

static void seeds_repeat(void)
{
	static const char *const strategies[] = {"random %d", "pct %d 3 40"};
	int different = 0;
	struct run last = {0};

	for (size_t i = 0; there() && i < COUNT_OF(strategies); i++)
		for (int seed = 1; seed <= 6; seed++) {
			char text[64], replay[5000];
			struct run a, b, c;

			snprintf(text, sizeof(text), strategies[i], seed);
			a = run_by(text);
			b = run_by(text);
			CHECK(same(&a, &b));
			snprintf(replay, sizeof(replay), "replay%s", a.schedule);
			c = run_by(replay);
			CHECK(same(&a, &c));
			different += strcmp(a.order, last.order) != 0;
			last = a;
		}
	if (there())
		CHECK(different > 6);
}

/* PCT of depth 1 has no change: priorities alone decide, so each thread runs to its end. */
static void pct_of_depth_one(void)
{
	for (int seed = 1; there() && seed <= 6; seed++) {
		char text[64];
		struct run r;
		int changes = 0;

		snprintf(text, sizeof(text), "pct %d 1 40", seed);
		r = run_by(text);
		for (int i = 1; i < r.count; i++)
			changes += r.order[i] != r.order[i - 1];
		CHECK_EQ(changes, THREADS - 1);
	}
}

static void *yields(void *argument)
{
	int fd = open(FILE_, O_WRONLY | O_CLOEXEC);

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(write(fd, "yield", 5), 5);
		sched_yield();
		shared->order[shared->count++] = (char)('a' + (long)argument);
	}
	close(fd);
	return NULL;
}

/* A yield prefers the next thread, in every strategy. */
static void yielding(void)
{
	pid_t pid = there() ? fork() : 0;

	if (!there())
		return;
	if (!pid) {
		pthread_t threads[2];

		memset(shared, 0, sizeof(*shared));
		CHECK_EQ(give("replay"), 0);
		for (long i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, yields, (void *)i);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		CHECK(!strcmp(shared->order, "ababab"));
		_exit(check_failures != 0);
	}
	CHECK_EQ(wait_status(pid), 0);
}

/* A thread that never gives way on its own has at most 200 turns in a row while others are ready.
 */
static void *spin(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&shared->holder, __ATOMIC_SEQ_CST))
		sched_yield();
	return NULL;
}

static void spinning_ends(void)
{
	pid_t pid = there() ? fork() : 0;

	if (!there())
		return;
	if (!pid) {
		pthread_t thread;

		memset(shared, 0, sizeof(*shared));
		CHECK_EQ(give("replay 0.1>1"), 0);
		pthread_create(&thread, NULL, spin, NULL);
		sched_yield();
		shared->holder = 1;
		pthread_join(thread, NULL);
		_exit(check_failures != 0);
	}
	CHECK_EQ(wait_status(pid), 0);
}

/* A long list comes in several writes; more than there is room for is refused. */
static void long_lists(void)
{
	pid_t pid = there() ? fork() : 0;
	char part[4096] = "add";
	int parts = 0, error;

	if (!there())
		return;
	if (pid) {
		CHECK_EQ(wait_status(pid), 0);
		return;
	}
	for (int i = 0; i < 300; i++)
		strcat(part, " 9.9>9");
	CHECK_EQ(give("replay"), 0);
	while (!(error = give(part)) && parts < 100)
		parts++;
	CHECK_EQ(error, ENOSPC);
	CHECK_EQ(parts, 4096 / 300);
	_exit(check_failures != 0);
}

int main(void)
{
	check_start_in_directory();
	shared = map_shared(sizeof(*shared));
	RUN(bad_values);
	RUN(defaults_and_words);
	RUN(seeds_repeat);
	RUN(pct_of_depth_one);
	RUN(yielding);
	RUN(spinning_ends);
	RUN(long_lists);
	return check_end();
}
