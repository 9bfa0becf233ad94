/* SPDX-License-Identifier: MIT
 *
 * oom        what /proc shows of the choice that is made when memory runs out
 * oom fill   memory runs out: for a virtual machine only (tests/system/test_bad.py)
 */
#include <sched.h>
#include <sys/prctl.h>

#include "check.h"

#define ADJUST "/proc/self/oom_score_adj"

static long number_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 1)
		return -9999;
	close(fd);
	return atol(text);
}

/* 0 or an errno. */
static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int error = write(fd, text, strlen(text)) < 0 ? errno : 0;

	close(fd);
	return error;
}

static void set_adjustment(int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", value);
	CHECK_EQ(write_text(ADJUST, text), 0);
	CHECK_EQ(number_in(ADJUST), value);
}

/* --- On both systems -------------------------------------------------------------------------- */

static void adjustments(void)
{
	long at_first = number_in(ADJUST);
	char path[64];

	CHECK(at_first >= -1000 && at_first < 900);
	set_adjustment(900);
	CHECK_EQ(write_text(ADJUST, "1001"), EINVAL);
	CHECK_EQ(write_text(ADJUST, "-1001"), EINVAL);
	CHECK_EQ(write_text(ADJUST, "many"), EINVAL);
	CHECK_EQ(write_text(ADJUST, "+901\n"), 0);
	CHECK_EQ(number_in(ADJUST), 901);
	/* Inherited, and kept by each thread's file. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(number_in(ADJUST), 901); set_adjustment(950)), 0);
	CHECK_EQ(number_in(ADJUST), 901);
	snprintf(path, sizeof(path), "/proc/self/task/%d/oom_score_adj", getpid());
	CHECK_EQ(number_in(path), 901);
	CHECK_EQ(number_in("/proc/999999/oom_score_adj"), -9999);
}

/* From 0 to 1,333: two thirds of the memory's thousandths, oom_score_adj and 1,000. */
static void scores(void)
{
	long score;

	set_adjustment(950);
	score = number_in("/proc/self/oom_score");
	if (!CHECK(score >= 1290 && score <= 1325))
		printf("# score %ld\n", score);
	set_adjustment(1000);
	CHECK(number_in("/proc/self/oom_score") >= score + 32);
	CHECK_EQ(number_in("/proc/1/oom_score"), 0); /* never */
}

/* A vfork() child has the memory of its parent, which is the one to choose.  (The child of vfork()
 * notes what it reads in memory that both have.) */
static void of_vfork(void)
{
	static volatile long score;
	pid_t child;

	set_adjustment(500);
	child = vfork();
	if (!child) {
		score = number_in("/proc/self/oom_score");
		_exit(0);
	}
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(score, 0);
	CHECK(number_in("/proc/self/oom_score") > 0);
}

/* Without CAP_SYS_RESOURCE the value does not go below what it was set to with it. */
static void without_capability(void)
{
	struct {
		unsigned version;
		int pid;
	} header = {0x20080522, 0};
	unsigned data[2][3];

	CHECK_EQ(IN_CHILD(MUST(syscall(SYS_capget, &header, data)); data[0][0] &= ~(1U << 24);
			  data[0][1] &= ~(1U << 24); MUST(syscall(SYS_capset, &header, data));
			  set_adjustment(1000); CHECK_EQ(write_text(ADJUST, "-1000"), EACCES);
			  CHECK_EQ(number_in(ADJUST), 1000)),
		 0);
}

/* --- Only where memory may run out ------------------------------------------------------------ */

static long available_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static long kills(void)
{
	char line[128];
	long count = -1;
	FILE *f = fopen("/proc/vmstat", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "oom_kill %ld", &count) == 1)
			break;
	if (f)
		fclose(f);
	return count;
}

static void take_all(void)
{
	for (;;) {
		char *p = map(1 << 20);

		if (p != MAP_FAILED)
			memset(p, 1, 1 << 20);
	}
}

/* A child that takes this part of the memory, and then waits. */
static pid_t holder(long kib, int adjustment)
{
	int ready[2];
	pid_t pid;
	char c;

	MUST(pipe(ready));
	pid = SPAWN(set_adjustment(adjustment); char *p = map(kib << 10); memset(p, 5, kib << 10);
		    (void)!write(ready[1], "x", 1); for (;;) {
			    sleep_ms(10);
			    for (long i = 0; i < kib << 10; i += PAGE)
				    if (p[i] != 5)
					    _exit(1);
		    });
	CHECK_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static bool lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

/* The one that takes the most, and no other; the log and /proc/heddle/oom name it. */
static void the_largest(void)
{
	pid_t small = holder(available_kib() / 4, 0);
	long before = kills();

	CHECK_EQ(IN_CHILD(take_all()), KILLED(SIGKILL));
	CHECK_EQ(kills(), before + 1);
	CHECK(lives(small));
	end(small);
}

/* A process that only serves the hog's appetite is not the one that asked. */
static void not_who_asks(void)
{
	long half = available_kib() / 2;
	pid_t large = holder(half, 0), hog;
	long before = kills();

	/* It takes no more than the rest and a little. */
	hog = SPAWN(char *p = map((half * 6 / 5) << 10); set_adjustment(-900);
		    memset(p, 1, (half * 6 / 5) << 10));
	CHECK_EQ(wait_status(large), KILLED(SIGKILL));
	CHECK_EQ(wait_status(hog), 0);
	CHECK_EQ(kills(), before + 1);
}

static void protected(void)
{
	pid_t large = holder(available_kib() / 2, -1000);

	CHECK_EQ(IN_CHILD(take_all()), KILLED(SIGKILL));
	CHECK(lives(large));
	end(large);
}

/* Nor by way of a child that has its memory for a moment, and is not protected. */
static void protected_vfork(void)
{
	volatile int *ready = map_shared(PAGE);
	pid_t large = SPAWN(set_adjustment(-1000); if (!vfork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)write_text(ADJUST, "1000");
		*ready = 1;
		for (;;)
			pause();
	});

	WAIT_UNTIL(*ready);
	CHECK_EQ(IN_CHILD(take_all()), KILLED(SIGKILL));
	CHECK(lives(large));
	end(large);
	munmap((void *)ready, PAGE);
}

static void preferred(void)
{
	pid_t small = holder(1024, 1000), hog = SPAWN(take_all());

	CHECK_EQ(wait_status(small), KILLED(SIGKILL));
	CHECK_EQ(wait_status(hog), KILLED(SIGKILL));
}

static void *take(void *arg)
{
	take_all();
	return arg;
}

static int take_in_clone(void *arg)
{
	return take(arg) != NULL;
}

/* Many threads in need at once, and two processes with one memory: one entry for each. */
static void many_at_once(void)
{
	pthread_t t;
	long before = kills();

	CHECK_EQ(
	    IN_CHILD(for (int i = 0; i < 8; i++) pthread_create(&t, NULL, take, NULL); take_all()),
	    KILLED(SIGKILL));
	CHECK_EQ(kills(), before + 1);
	CHECK_EQ(IN_CHILD(char *stack = map(65536);
			  (void)clone(take_in_clone, stack + 65536, CLONE_VM | SIGCHLD, NULL);
			  take_all()),
		 KILLED(SIGKILL));
	CHECK_EQ(kills(), before + 2);
}

/* In the copy of a system call, too: read() into memory that is not there yet. */
static void in_a_call(void)
{
	int zero = MUST(open("/dev/zero", O_RDONLY));

	CHECK_EQ(IN_CHILD(for (;;) {
			 char *p = map(1 << 20);

			 if (p != MAP_FAILED)
				 (void)!read(zero, p, 1 << 20);
		 }),
		 KILLED(SIGKILL));
	close(zero);
}

static void *nothing(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

/* A name with spaces and newlines: /proc/heddle/oom has nine columns in each line. */
static void strange_names(void)
{
	char line[256];
	int columns;
	FILE *f;

	CHECK_EQ(IN_CHILD(MUST(prctl(PR_SET_NAME, "a b)\n1 \\\033[2J")); take_all()),
		 KILLED(SIGKILL));
	CHECK_EQ(IN_CHILD(MUST(prctl(PR_SET_NAME, "")); take_all()), KILLED(SIGKILL));
	f = fopen("/proc/heddle/oom", "r");
	while (CHECK(f) && fgets(line, sizeof(line), f)) {
		columns = 0;
		for (char *c = strtok(line, " \n"); c; c = strtok(NULL, " \n"))
			columns++;
		CHECK_EQ(columns, 9);
	}
	fclose(f);
}

/* Stacks of threads that have ended are memory like any other. */
static void caches_first(void)
{
	enum { THREADS = 150 };
	long before, available;
	pthread_t t[THREADS];
	pthread_barrier_t b;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	pthread_barrier_init(&b, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], &small, nothing, &b), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	before = kills();
	available = available_kib();
	available -= 768 + available / 512; /* page tables: one of 4 KiB for 2 MiB */
	CHECK_EQ(IN_CHILD(memset(map(available << 10), 1, available << 10)), 0);
	CHECK_EQ(kills(), before);
}

int main(int argc, char *argv[])
{
	check_start();
	if (argc > 1 && strcmp(argv[1], "fill") == 0) {
		RUN(the_largest);
		RUN(not_who_asks);
		RUN(protected);
		RUN(protected_vfork);
		RUN(preferred);
		RUN(many_at_once);
		RUN(in_a_call);
		RUN(strange_names);
		RUN(caches_first);
		return check_end();
	}
	RUN(adjustments);
	RUN(scores);
	RUN(of_vfork);
	RUN(without_capability);
	return check_end();
}
