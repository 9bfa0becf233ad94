/* SPDX-License-Identifier: MIT
 *
 * The seeded scheduler: a race that a seed shows, it shows again.  Where there is no
 * /proc/self/sched_seed (on Linux) what has no counterpart passes unseen.
 *
 * seeded SEED: one lost update by that seed, for comparing machines.
 */
#include "check.h"

#include <dirent.h>
#include <sched.h>

#define SEEDS  40
#define ROUNDS 3

struct outcome {
	bool hung;
	long value;
	unsigned long steps, switches, hash;
	int holder;
};

static volatile long counter;
static atomic_long sure_counter;
static atomic_int arrived;
static int thread_count;
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static volatile bool ready;
static struct outcome *shared; /* the child's */

static bool there(void)
{
	return access("/proc/self/sched_seed", F_OK) == 0;
}

static bool seed_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	close(fd);
	errno = error;
	return done;
}

static void seed_set(unsigned long seed)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu\n", seed);
	if (there())
		CHECK(seed_write("/proc/self/sched_seed", text));
}

/* Of a process, or 0: of the caller, who then does the same steps whatever its number is. */
static unsigned long seed_read(pid_t pid, struct outcome *o)
{
	char path[64] = "/proc/self/sched_seed", text[256];
	unsigned long seed = 0;
	ssize_t n;
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/sched_seed", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	CHECK_EQ(sscanf(text, "seed %lu\nsteps %lu\nswitches %lu\nhash 0x%lx\nholder %d\n", &seed,
			&o->steps, &o->switches, &o->hash, &o->holder),
		 5);
	return seed;
}

/* --- The programs ------------------------------------------------------------------------------
 */

static void wait_for_all(void)
{
	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < thread_count)
		sched_yield();
}

static void *add(void *unused)
{
	(void)unused;
	wait_for_all();
	for (int i = 0; i < ROUNDS; i++)
		counter = counter + 1;
	return NULL;
}

static void *add_locked(void *unused)
{
	(void)unused;
	wait_for_all();
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&first);
		counter = counter + 1;
		pthread_mutex_unlock(&first);
	}
	return NULL;
}

static void *add_atomic(void *unused)
{
	(void)unused;
	wait_for_all();
	for (int i = 0; i < ROUNDS; i++)
		atomic_fetch_add_explicit(&sure_counter, 1, memory_order_relaxed);
	return NULL;
}

static long run_threads(int count, void *(*body)(void *), void *(*other)(void *))
{
	pthread_t t[4];

	thread_count = count;
	for (int i = 0; i < count; i++)
		pthread_create(&t[i], NULL, i ? other : body, NULL);
	for (int i = 0; i < count; i++)
		pthread_join(t[i], NULL);
	return counter + atomic_load(&sure_counter);
}

static long two_add(void)
{
	return run_threads(2, add, add);
}

static long four_add(void)
{
	return run_threads(4, add, add);
}

static long four_add_locked(void)
{
	return run_threads(4, add_locked, add_locked);
}

static long four_add_atomic(void)
{
	return run_threads(4, add_atomic, add_atomic);
}

/* Looks at the flag before it has the lock, and does not look again. */
static void *wait_wrongly(void *unused)
{
	(void)unused;
	wait_for_all();
	if (!ready) {
		pthread_mutex_lock(&first);
		pthread_cond_wait(&changed, &first);
		pthread_mutex_unlock(&first);
	}
	return NULL;
}

static void *announce(void *unused)
{
	(void)unused;
	wait_for_all();
	pthread_mutex_lock(&first);
	ready = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&first);
	return NULL;
}

static long lost_wakeup(void)
{
	return run_threads(2, wait_wrongly, announce);
}

static void *lock_two(pthread_mutex_t *a, pthread_mutex_t *b)
{
	wait_for_all();
	pthread_mutex_lock(a);
	pthread_mutex_lock(b);
	counter = counter + 1;
	pthread_mutex_unlock(b);
	pthread_mutex_unlock(a);
	return NULL;
}

static void *lock_upwards(void *unused)
{
	return (void)unused, lock_two(&first, &second);
}

static void *lock_downwards(void *unused)
{
	return (void)unused, lock_two(&second, &first);
}

static long opposite_order(void)
{
	return run_threads(2, lock_upwards, lock_downwards);
}

/* Two processes and a word that they share. */
static long processes_add(void)
{
	volatile long *word = map_shared(PAGE);
	pid_t pid = fork();

	for (int i = 0; i < 20; i++)
		*word = *word + 1;
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return *word;
}

/* --- Running one with a seed -------------------------------------------------------------------
 */

/* Does each thread of a process sleep in a futex?  One that waits for a lock of the kernel goes on
 * some day, however long a busy host keeps the CPU of the thread that has it. */
static bool all_wait_for_others(pid_t pid)
{
	char path[300], text[32];
	bool all = true;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && all && (e = readdir(d))) {
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/syscall", pid, e->d_name);
		f = fopen(path, "r");
		all = f && fgets(text, sizeof(text), f) && strtol(text, NULL, 10) == SYS_futex;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return d && all;
}

static struct outcome run_seed(unsigned long seed, long (*program)(void))
{
	struct outcome before, after = {0};
	long end = now_ms() + 120000;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		seed_set(seed);
		shared->value = program();
		_exit(seed_read(0, shared) != seed);
	}
	/* Where no member is ready and none becomes so, none ever will. */
	for (int idle = 0; idle < 3 && now_ms() < end;) {
		int status;

		if (waitpid(pid, &status, WNOHANG) == pid) {
			CHECK_EQ(status, 0);
			shared->hung = false;
			return *shared;
		}
		sleep_ms(2);
		before = after;
		seed_read(pid, &after);
		idle = !after.holder && after.steps == before.steps && after.steps &&
			       all_wait_for_others(pid)
			   ? idle + 1
			   : 0;
	}
	CHECK(now_ms() < end);
	after.hung = true;
	kill(-pid, SIGKILL);
	wait_status(pid);
	return after;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->hung == b->hung && a->value == b->value && a->steps == b->steps &&
	       a->switches == b->switches && a->hash == b->hash;
}

/* How many of the seeds fail, each run twice; `good`: what is right. */
static int failures(long (*program)(void), long good, int seeds)
{
	int failed = 0;

	for (int seed = 1; seed <= seeds; seed++) {
		struct outcome a = run_seed(seed, program), b = run_seed(seed, program);

		if (!CHECK(same(&a, &b)))
			printf("# seed %d: hung %d %d, value %ld %ld, steps %lu %lu, switches %lu "
			       "%lu, hash %#lx %#lx\n",
			       seed, a.hung, b.hung, a.value, b.value, a.steps, b.steps, a.switches,
			       b.switches, a.hash, b.hash);
		failed += a.hung || a.value != good;
	}
	printf("# %d of %d seeds fail\n", failed, seeds);
	return failed;
}

static void some_fail(long (*program)(void), long good)
{
	int failed;

	if (!there())
		return;
	failed = failures(program, good, SEEDS);
	CHECK(failed > 0 && failed < SEEDS);
}

static void none_fail(long (*program)(void), long good)
{
	if (there())
		CHECK_EQ(failures(program, good, SEEDS / 4), 0);
}

static void lost_update_of_two(void)
{
	some_fail(two_add, 2 * ROUNDS);
}

static void lost_update_of_four(void)
{
	some_fail(four_add, 4 * ROUNDS);
}

static void mutex_loses_none(void)
{
	none_fail(four_add_locked, 4 * ROUNDS);
}

static void atomic_loses_none(void)
{
	none_fail(four_add_atomic, 4 * ROUNDS);
}

static void lost_wake_up(void)
{
	some_fail(lost_wakeup, 0);
}

static void deadlock(void)
{
	some_fail(opposite_order, 2);
}

static void shared_memory(void)
{
	some_fail(processes_add, 40);
}

/* Others that compute and call the kernel beside it change nothing. */
static void load_beside(void)
{
	struct outcome quiet[5], loaded;
	pid_t load[3];

	if (!there())
		return;
	for (int i = 0; i < 5; i++)
		quiet[i] = run_seed(100 + i, four_add);
	for (int i = 0; i < 3; i++)
		load[i] = SPAWN(for (;;) if (i) getppid());
	for (int i = 0; i < 5; i++) {
		loaded = run_seed(100 + i, four_add);
		CHECK(same(&quiet[i], &loaded));
	}
	for (int i = 0; i < 3; i++) {
		kill(load[i], SIGKILL);
		CHECK_EQ(wait_status(load[i]), KILLED(SIGKILL));
	}
}

static void *make_files(void *unused)
{
	char name[32];

	wait_for_all();
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "member%ld", counter++);
		close(open(name, O_CREAT | O_RDWR, 0600));
		unlink(name);
	}
	return (void)unused, NULL;
}

static long two_make_files(void)
{
	return run_threads(2, make_files, make_files);
}

/* ... nor do the kernel's locks that they hold. */
static void locks_beside(void)
{
	struct outcome quiet, loaded;
	pid_t load[3];

	if (!there())
		return;
	quiet = run_seed(7, two_make_files);
	for (int i = 0; i < 3; i++)
		load[i] = SPAWN(for (;;) {
			char name[32];

			snprintf(name, sizeof(name), "stranger%d", i);
			close(open(name, O_CREAT | O_RDWR, 0600));
			unlink(name);
		});
	for (int i = 0; i < 10; i++) {
		loaded = run_seed(7, two_make_files);
		CHECK(same(&quiet, &loaded));
	}
	for (int i = 0; i < 3; i++) {
		kill(load[i], SIGKILL);
		CHECK_EQ(wait_status(load[i]), KILLED(SIGKILL));
	}
}

/* --- What must work as ever --------------------------------------------------------------------
 */

static volatile unsigned long flags_seen;

static void note_flags(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	flags_seen = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
}

/* A member's flags show no single step to its handlers, and no SIGTRAP comes. */
static void signals(void)
{
	CHECK_EQ(IN_CHILD({
			 seed_set(3);
			 handle_info(SIGUSR1, note_flags, 0);
			 raise(SIGUSR1);
			 CHECK(flags_seen && !(flags_seen & 0x100));
			 handle_info(SIGSEGV, note_flags, SA_RESETHAND);
			 CHECK_EQ(IN_CHILD(*(volatile char *)BAD = 1), KILLED(SIGSEGV));
			 seed_set(0);
		 }),
		 EXITED(0));
}

/* It can be stopped, go on, and be killed, whoever is the holder. */
static void stop_and_kill(void)
{
	for (int seed = 1; seed <= 4; seed++) {
		pid_t pid = SPAWN({
			setpgid(0, 0);
			seed_set(seed);
			fork();
			for (;;)
				getppid();
		});
		int status;

		setpgid(pid, pid);
		sleep_ms(seed * 3);
		kill(-pid, SIGSTOP);
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		kill(-pid, SIGCONT);
		CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
		kill(-pid, SIGKILL);
		CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	}
}

/* Programs that are run by members are members; sleeps end. */
static void programs(void)
{
	CHECK_EQ(IN_CHILD({
			 pid_t pid;

			 seed_set(9);
			 pid = vfork();
			 if (pid == 0) {
				 execl("/bin/sh", "sh", "-c", "x=$(echo a | cat); test $x = a",
				       NULL);
				 _exit(9);
			 }
			 CHECK_EQ(wait_status(pid), EXITED(0));
			 sleep_ms(5);
		 }),
		 EXITED(0));
}

/* Affinity can be set and asked for as ever. */
static void affinity(void)
{
	CHECK_EQ(IN_CHILD({
			 cpu_set_t all;
			 cpu_set_t one;
			 cpu_set_t now;

			 MUST(sched_getaffinity(0, sizeof(all), &all));
			 seed_set(5);
			 for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
				 if (!CPU_ISSET(cpu, &all))
					 continue;
				 CPU_ZERO(&one);
				 CPU_SET(cpu, &one);
				 MUST(sched_setaffinity(0, sizeof(one), &one));
				 MUST(sched_getaffinity(0, sizeof(now), &now));
				 CHECK(CPU_EQUAL(&one, &now));
				 seed_set(cpu % 2); /* out, or into another group */
				 getppid();
			 }
			 seed_set(0);
			 CHECK(CPU_ISSET(sched_getcpu(), &one));
		 }),
		 EXITED(0));
}

/* Threads that run already come in, and go out again. */
static atomic_bool enough;
static atomic_long turns[3];

static void *spin(void *turn)
{
	while (!atomic_load(&enough))
		atomic_fetch_add((atomic_long *)turn, 1);
	return NULL;
}

static void in_and_out(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, spin, &turns[i]);
	for (int round = 0; round < 20; round++) {
		long before[3];

		for (int i = 0; i < 3; i++)
			before[i] = turns[i];
		seed_set(round % 3 == 2 ? 0 : round + 1);
		for (int i = 0; i < 3; i++)
			WAIT_UNTIL(turns[i] > before[i]);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	seed_set(0);
}

static void bad_values(void)
{
	struct outcome o;

	if (!there())
		return;
	CHECK(!seed_write("/proc/self/sched_seed", "x") && errno == EINVAL);
	CHECK(!seed_write("/proc/self/sched_seed", "-1") && errno == EINVAL);
	CHECK(!seed_write("/proc/self/sched_seed", "99999999999999999999") && errno);
	CHECK_EQ(seed_read(0, &o), 0);
	seed_set(77);
	CHECK_EQ(seed_read(0, &o), 77);
	seed_set(0);
	CHECK_EQ(seed_read(0, &o), 0);
	CHECK_EQ(o.steps, 0);
}

int main(int argc, char **argv)
{
	check_start_in_directory();
	shared = map_shared(PAGE);
	if (argc > 1) {
		struct outcome o = run_seed(strtoul(argv[1], NULL, 10), four_add);

		printf("value %ld steps %lu switches %lu hash %#lx\n", o.value, o.steps, o.switches,
		       o.hash);
		return check_end();
	}

	RUN(bad_values);
	RUN(lost_update_of_two);
	RUN(lost_update_of_four);
	RUN(mutex_loses_none);
	RUN(atomic_loses_none);
	RUN(lost_wake_up);
	RUN(deadlock);
	RUN(shared_memory);
	RUN(load_beside);
	RUN(locks_beside);
	RUN(signals);
	RUN(stop_and_kill);
	RUN(programs);
	RUN(affinity);
	RUN(in_and_out);
	return check_end();
}
