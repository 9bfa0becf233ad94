/* SPDX-License-Identifier: MIT
 *
 * The programs that the gdb tours look at (tools/gdb/tours.py): one small scene for each, run again
 * and again.  The tours set breakpoints on the functions below by name, so none of them is inlined.
 *
 *   tour [switch|syscall|fork|page-fault|smp|futex|signal|race] [TIMES]
 *
 * gdb chooses the scene: it writes to `scene` at choose_scene().
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP __attribute__((noipa)) /* a place where a tour stops */

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void set_name(const char *name)
{
	prctl(PR_SET_NAME, name);
}

/* Pins the calling thread to this CPU, or to CPU 0 if the machine does not have it. */
STOP void move_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, fn, arg);
	if (errno)
		die("pthread_create");
	return thread;
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	return pid;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- switch: A and B are threads of one process, C is a process of its own ---- */

static volatile int turns;  /* each process has its own after fork() */
static volatile int *ready; /* shared by all three: the number that have set their name */

STOP void give_way(void)
{
	turns++;
	sched_yield();
}

static void take_turns(const char *name)
{
	set_name(name);
	__atomic_add_fetch(ready, 1, __ATOMIC_RELAXED);
	while (*ready < 3)
		sched_yield();
	for (int i = 0; i < 100; i++)
		give_way();
}

static void *thread_b(void *unused)
{
	(void)unused;
	take_turns("B");
	return NULL;
}

static void scene_switch(void)
{
	pthread_t b;
	pid_t c;

	if (!ready)
		ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ready == MAP_FAILED)
		die("mmap");
	*ready = turns = 0;
	move_to_cpu(0);		   /* B and C inherit it */
	b = start(thread_b, NULL); /* start B before C: they run in the order A, B, C */
	c = fork_or_die();
	if (c == 0) {
		take_turns("C");
		_exit(0);
	}
	take_turns("A");
	pthread_join(b, NULL);
	waitpid(c, NULL, 0);
}

/* ---- syscall ---- */

static volatile pid_t parent;

STOP void ask_kernel(void)
{
	parent = getppid();
}

static void scene_syscall(void)
{
	ask_kernel();
	pause_ms(1);
}

/* ---- fork: parent and child share each page until one of them writes to it ---- */

static volatile struct {
	long value;
	char rest[8184];
} page __attribute__((aligned(4096))) = {.value = 1};

STOP void child_writes(void)
{
	page.value = 2;
}

STOP void child_ends(void)
{
	_exit(7);
}

STOP pid_t make_child(void)
{
	return fork_or_die();
}

STOP void parent_waits(pid_t child)
{
	int status;

	waitpid(child, &status, 0);
}

static void scene_fork(void)
{
	pid_t child;

	page.value = 1;
	child = make_child();
	if (child == 0) {
		set_name("child");
		child_writes();
		child_ends();
	}
	parent_waits(child);
}

/* ---- page-fault ---- */

static sigjmp_buf after_fault;

STOP void on_segv(int number)
{
	siglongjmp(after_fault, number);
}

STOP void touch(volatile long *address)
{
	*address = 1;
}

/* Reads an address where nothing is mapped. */
STOP void touch_nothing(volatile long *address)
{
	(void)*address;
}

static void scene_page_fault(void)
{
	long *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = {.sa_handler = on_segv};

	if (memory == MAP_FAILED)
		die("mmap");
	touch(memory);
	munmap(memory, 4096);
	sigaction(SIGSEGV, &action, NULL);
	if (sigsetjmp(after_fault, 1) == 0)
		touch_nothing((long *)64);
}

/* ---- another thread's sleep ---- */

static volatile pid_t sleeper_tid; /* of a thread whose next wait in the kernel is the meant one */

static void will_sleep(void)
{
	sleeper_tid = syscall(SYS_gettid);
}

/* However long that thread, its CPU or the host takes for it. */
static void wait_for_sleep(void)
{
	char path[48], text[128], *state;
	ssize_t n;
	int fd;

	do {
		pause_ms(1);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", sleeper_tid);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n < 0 ? 0 : n] = 0;
		state = strrchr(text, ')');
	} while (!state || state[2] != 'S');
	sleeper_tid = 0;
}

/* ---- smp: A on CPU 0 and B on CPU 1 ---- */

static volatile int word; /* B sleeps on it */
static volatile int b_spins, b_may_stop;

/* <linux/futex.h> belongs to the kernel; musl does not install it. */
#define FUTEX_WAIT	   0
#define FUTEX_WAKE	   1
#define FUTEX_PRIVATE_FLAG 128

static long futex(volatile int *address, int operation, int value)
{
	return syscall(SYS_futex, address, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

STOP void wake_partner(void)
{
	word = 1;
	futex(&word, FUTEX_WAKE, 1);
}

STOP void partner_awake(void)
{
}

STOP void partner_moved(void)
{
}

STOP void unmap(void *memory)
{
	munmap(memory, 4096);
}

static void *partner(void *unused)
{
	(void)unused;
	set_name("B");
	move_to_cpu(1);
	will_sleep();
	while (!word)
		futex(&word, FUTEX_WAIT, 0);
	partner_awake();
	b_spins = 1;
	while (!b_may_stop)
		;
	move_to_cpu(0);
	partner_moved();
	return NULL;
}

static void scene_smp(void)
{
	long *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t b;

	if (memory == MAP_FAILED)
		die("mmap");
	word = b_spins = b_may_stop = 0;
	move_to_cpu(0);
	set_name("A");
	b = start(partner, NULL);
	wait_for_sleep();
	pause_ms(20); /* time for CPU 1 to become idle and halt */
	wake_partner();
	while (!b_spins)
		sched_yield();
	touch(memory);
	unmap(memory);
	b_may_stop = 1;
	pthread_join(b, NULL);
}

/* ---- futex: a lock word: 0 free, 1 taken, 2 taken and a thread may be waiting ---- */

static volatile int lock_word;

STOP void lock_wait(void)
{
	/* A thread that gets the lock here cannot know whether others wait, so it stores 2. */
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE))
		futex(&lock_word, FUTEX_WAIT, 2);
}

STOP void lock(void)
{
	int free = 0;

	if (!__atomic_compare_exchange_n(&lock_word, &free, 1, 0, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		lock_wait();
}

STOP void unlock(void)
{
	if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
		futex(&lock_word, FUTEX_WAKE, 1);
}

STOP void lock_is_mine(void)
{
}

static void *second(void *unused)
{
	(void)unused;
	set_name("B");
	will_sleep();
	lock();
	lock_is_mine();
	unlock();
	return NULL;
}

static void scene_futex(void)
{
	pthread_t b;

	set_name("A");
	lock();
	lock_is_mine();
	b = start(second, NULL);
	wait_for_sleep();
	unlock();
	pthread_join(b, NULL);
}

/* ---- signal: A sends one to B, which sleeps ---- */

static volatile int signals_taken;

STOP void on_user1(int number)
{
	(void)number;
	signals_taken++;
}

STOP void send_signal(pthread_t to)
{
	pthread_kill(to, SIGUSR1);
}

STOP void slept(int result, int error)
{
	(void)result;
	(void)error;
}

static void *sleeper(void *unused)
{
	struct timespec hour = {.tv_sec = 3600};
	int result;

	(void)unused;
	set_name("B");
	will_sleep();
	result = nanosleep(&hour, NULL);
	slept(result, errno);
	return NULL;
}

static void scene_signal(void)
{
	struct sigaction action = {.sa_handler = on_user1};
	pthread_t b;

	sigaction(SIGUSR1, &action, NULL);
	signals_taken = 0;
	move_to_cpu(0); /* B inherits it */
	set_name("A");
	b = start(sleeper, NULL);
	wait_for_sleep();
	send_signal(b);
	pthread_join(b, NULL);
}

/* ---- race: A and B each add 1 to a counter, under a seed by which one update is lost ---- */

#define SEEDS_MAX 1000

static volatile struct {
	long counter;
	long at_store; /* its value when A is about to store */
	char steps[8]; /* who has loaded or stored, in that order */
	int step, ready;
	unsigned long hash; /* over the switches (/proc/self/sched_seed) */
} * race;
static volatile int race_run; /* 0: looks for a seed; 1, 2: runs with it */
static volatile unsigned long runs_hash[3];

STOP long race_load(char name)
{
	long value = race->counter;

	race->steps[race->step % 8] = name;
	race->step++;
	return value;
}

STOP void race_store(char name, long value)
{
	if (name == 'A')
		race->at_store = race->counter;
	race->counter = value;
	race->steps[race->step % 8] = name;
	race->step++;
}

STOP void race_found(int seed)
{
	(void)seed;
}

STOP void race_ended(void)
{
}

static void *add_one(void *name)
{
	long value;

	set_name(name);
	__atomic_add_fetch(&race->ready, 1, __ATOMIC_RELAXED);
	while (race->ready < 2)
		sched_yield();
	value = race_load(*(char *)name);
	race_store(*(char *)name, value + 1);
	return NULL;
}

static unsigned long read_hash(void)
{
	char text[256] = "", *hash;
	int fd = open("/proc/self/sched_seed", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die("sched_seed");
	close(fd);
	hash = strstr(text, "hash ");
	return hash ? strtoul(hash + 5, NULL, 0) : 0;
}

/* In a process of its own, which is scheduled by the seed.  False if the kernel has no seeds. */
static int run_race(int seed)
{
	char text[16];
	int status, fd, length = snprintf(text, sizeof(text), "%d\n", seed);
	pid_t child;

	memset((void *)race, 0, sizeof(*race));
	child = fork_or_die();
	if (child == 0) {
		pthread_t b;

		fd = open("/proc/self/sched_seed", O_WRONLY);
		if (fd < 0 || write(fd, text, length) != length)
			_exit(1);
		close(fd);
		b = start(add_one, "B");
		add_one("A");
		pthread_join(b, NULL);
		race->hash = read_hash();
		race_ended();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return status == 0;
}

/* A has loaded, B loads and stores, A stores. */
static int lost(void)
{
	return race->counter == 1 && race->at_store == 1 &&
	       strcmp((char *)race->steps, "ABBA") == 0;
}

static void scene_race(void)
{
	int seed = 1;

	if (!race)
		race = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (race == MAP_FAILED)
		die("mmap");
	for (race_run = 0; seed < SEEDS_MAX && run_race(seed) && !lost();)
		seed++;
	if (!lost())
		return;
	race_found(seed);
	for (int i = 1; i <= 2; i++) {
		race_run = i;
		run_race(seed);
		runs_hash[i] = race->hash;
	}
	race_run = 0;
}

/* ---- all ---- */

static const struct {
	const char *name;
	void (*play)(void);
} scenes[] = {
    {"switch", scene_switch},	      {"syscall", scene_syscall}, {"fork", scene_fork},
    {"page-fault", scene_page_fault}, {"smp", scene_smp},	  {"futex", scene_futex},
    {"signal", scene_signal},	      {"race", scene_race},
};
#define SCENES ((int)(sizeof(scenes) / sizeof(scenes[0])))

static volatile int scene;

STOP void choose_scene(void)
{
}

/* While gdb stops the machine, its clock runs: long slices, so that no stop preempts a thread. */
static void lengthen_slices(void)
{
	int fd = open("/proc/sys/kernel/sched_rr_timeslice_ms", O_WRONLY);

	if (fd < 0 || write(fd, "10000", 5) != 5)
		perror("tour: sched_rr_timeslice_ms");
	close(fd);
}

int main(int argc, char *argv[])
{
	int times = argc > 2 ? atoi(argv[2]) : 0;
	cpu_set_t all;

	for (scene = 0; argc > 1 && scene < SCENES && strcmp(argv[1], scenes[scene].name);)
		scene++;
	if (scene == SCENES) {
		fprintf(stderr, "tour: there is no scene '%s'\n", argv[1]);
		return 2;
	}
	lengthen_slices();
	printf("tour: runs scenes for gdb\n");
	fflush(stdout);
	if (sched_getaffinity(0, sizeof(all), &all))
		die("sched_getaffinity");
	for (int i = 0; !times || i < times; i++) {
		choose_scene();
		scenes[scene].play();
		set_name("tour");
		sched_setaffinity(0, sizeof(all), &all);
		pause_ms(1);
	}
	return 0;
}
