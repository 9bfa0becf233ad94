/* SPDX-License-Identifier: MIT
 *
 * Running one program: in a child with rights, a working directory and limits of its own.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_UID = 1000, MOST_FORKS = 8, LIMIT_MS = 400, STUCK_MS = 20000 };

/* What the processes of a program share with the worker.  Its page is mapped in each of them. */
static struct shared {
	uint64_t calls;
	int ready, forks;
} * shared;
volatile uint64_t *calls_made;

static const struct program *program;
static int fail_file;
static volatile long results[MAX_LINES];
volatile int lane_tids[LANES];
static volatile int lanes_done;

void fuzz_handler(int signal);
void fuzz_restorer(void);

void execute_prepare(void)
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	calls_made = &shared->calls;
	memory_prepare();
}

/* Without the C library's errno: it lies in memory that a clone may not have. */
static long raw(long number, const long *a)
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

__asm__(".globl fuzz_restorer\nfuzz_restorer:\n\tmov $15, %eax\n\tsyscall\n");

void fuzz_handler(int signal)
{
}

static void lane_run(int lane, int first, int last);

struct rest {
	int lane, first;
};

/* A clone runs the next two lines of its lane. */
static int clone_main(void *argument)
{
	struct rest *rest = argument;
	const long zeros[MAX_ARGS] = {0};

	lane_run(rest->lane, rest->first, rest->first + 2);
	raw(SYS_exit, zeros);
	return 0;
}

static bool may_fork(void)
{
	return __atomic_fetch_add(&shared->forks, 1, __ATOMIC_RELAXED) < MOST_FORKS;
}

static long special(int call, long argument, int lane, int line)
{
	static struct rest rests[MOST_FORKS];
	static int next;
	const long zeros[MAX_ARGS] = {0};
	char number[24];
	struct rest *rest;

	if (call == CALL_FAIL) {
		int n = snprintf(number, sizeof(number), "%ld\n", argument);

		return write(fail_file, number, (size_t)n);
	}
	if (!may_fork())
		return -EAGAIN;
	if (call == CALL_FORK)
		return raw(SYS_fork, zeros);
	rest = &rests[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % MOST_FORKS];
	*rest = (struct rest){lane, line + 1};
	/* Not the thread's pointer: the clone would share the parent's. */
	return clone(clone_main, (void *)clone_stack(), (int)argument & ~0x80000, rest,
		     (void *)0x20000000, NULL, (void *)0x20000004);
}

static void line_run(int lane, int line)
{
	const struct line *l = &program->lines[line];
	const struct call *c = &calls[l->call];
	long a[MAX_ARGS], result;

	resolve_begin(lane);
	for (int i = 0; i < MAX_ARGS; i++)
		a[i] = resolve(l->args[i], lane, results);
	__atomic_fetch_add(&shared->calls, 1, __ATOMIC_RELAXED);
	if (c->number < 0)
		result = special(c->number, a[0], lane, line);
	else if (c->number == SYS_clone3 && !may_fork())
		result = -EAGAIN;
	else if (program->root && c->arguments[0] == '!')
		result = -EPERM;
	else
		result = raw(c->number, a);
	results[line] = result;
}

static void lane_run(int lane, int first, int last)
{
	for (int i = first; i < last && i < program->count; i++)
		if (program->lines[i].lane == lane)
			line_run(lane, i);
}

static bool lane_used(int lane)
{
	for (int i = 0; i < program->count; i++)
		if (program->lines[i].lane == lane)
			return true;
	return false;
}

static void lane_start(int lane)
{
	lane_tids[lane] = (int)syscall(SYS_gettid);
	/* All lanes begin at the same moment, as far as there are CPUs; none waits for long. */
	__atomic_fetch_sub(&shared->ready, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 200 && __atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) > 0; i++)
		sched_yield();
	for (int i = 0; i < program->repeat; i++)
		lane_run(lane, 0, MAX_LINES);
	__atomic_fetch_add(&lanes_done, 1, __ATOMIC_SEQ_CST);
}

static void *lane_thread(void *lane)
{
	lane_start((int)(long)lane);
	return NULL;
}

static void limit(int which, rlim_t most)
{
	setrlimit(which, &(struct rlimit){most, most});
}

static void drop_rights(int worker)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_AS, 300 << 20);
	limit(RLIMIT_NOFILE, 96);
	if (program->root)
		return;
	limit(RLIMIT_NPROC, 40);
	(void)!setgroups(0, NULL);
	(void)!setgid((gid_t)(FIRST_UID + worker));
	(void)!setuid((uid_t)(FIRST_UID + worker));
	/* As after exec: its own processes may trace it, and its files of /proc are its own. */
	prctl(PR_SET_DUMPABLE, 1);
}

/* What sleeps is interrupted every 5 ms, in the first thread; at the end in all. */
static void child_main(int worker, int coverage)
{
	struct itimerval tick = {{0, 5000}, {0, 5000}};
	struct sigaction action = {.sa_handler = fuzz_handler};
	int threads = 0, pid = getpid();
	pthread_attr_t small;
	pthread_t thread;

	setsid();
	drop_rights(worker);
	resolve_prepare(program);
	sigaction(SIGALRM, &action, NULL);
	shared->ready = lane_used(0) + lane_used(1) + lane_used(2) + lane_used(3);
	shared->forks = 0;
	(void)!write(coverage, "1", 1);
	close(coverage);
	if (lane_used(3) && fork() == 0) {
		setitimer(ITIMER_REAL, &tick, NULL);
		lane_start(3);
		_exit(0);
	}
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (long lane = 1; lane <= 2; lane++)
		if (lane_used((int)lane) &&
		    pthread_create(&thread, &small, lane_thread, (void *)lane) == 0)
			threads++;
	setitimer(ITIMER_REAL, &tick, NULL);
	lane_start(0);
	for (int i = 0; i < 10 && lanes_done < threads + 1; i++) {
		syscall(SYS_tgkill, pid, lane_tids[1], SIGALRM);
		syscall(SYS_tgkill, pid, lane_tids[2], SIGALRM);
		usleep(1000);
	}
	syscall(SYS_exit_group, 0);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Kill what the program has left behind: the worker is the subreaper of all of it. */
static void kill_rest(int worker, pid_t session)
{
	pid_t pid;

	if (program->root) {
		kill(-session, SIGKILL);
		return;
	}
	pid = fork();
	if (pid == 0) {
		(void)!setuid((uid_t)(FIRST_UID + worker));
		kill(-1, SIGKILL);
		_exit(0);
	}
}

static int reap(int worker, pid_t first)
{
	long start = now_ms();
	int status, killed = 0;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, WNOHANG | __WALL);
		if (pid < 0 && errno == ECHILD)
			return killed;
		if (pid > 0) {
			first = pid == first ? -first : first;
			continue;
		}
		/* The main process has its time; the rest is killed as soon as that has ended. */
		if (first < 0 || now_ms() - start > LIMIT_MS) {
			if (first > 0) {
				kill(first, SIGKILL);
				killed = 1;
			}
			kill_rest(worker, abs(first));
			usleep(500);
		} else {
			usleep(200);
		}
		if (now_ms() - start > STUCK_MS)
			return -1;
	}
}

/* Empties a directory, if it has anything in it. */
static void clear_directory(int parent, const char *path, int depth)
{
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (e->d_type == DT_DIR && depth < 10)
			clear_directory(fd, e->d_name, depth + 1);
		unlinkat(fd, e->d_name, e->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	closedir(d);
}

void execute_directory(int worker)
{
	char path[32];

	snprintf(path, sizeof(path), "/tmp/fuzz%d", worker);
	mkdir(path, 0777);
	chown(path, (uid_t)(FIRST_UID + worker), (gid_t)(FIRST_UID + worker));
	chmod(path, 0755);
	if (chdir(path) < 0)
		perror(path);
	clear_directory(AT_FDCWD, ".", 0);
}

/* Does it make objects that outlive it?  Their tables grow, and do not shrink. */
static bool makes_objects(const struct program *p)
{
	for (int i = 0; i < p->count; i++) {
		int number = calls[p->lines[i].call].number;

		if (number == SYS_shmget || number == SYS_semget || number == SYS_msgget)
			return true;
	}
	return false;
}

int execute(const struct program *p, int worker, int coverage, int fail)
{
	int result;
	pid_t pid;

	program = p;
	fail_file = fail;
	execute_directory(worker);
	(void)!write(coverage, "c", 1);
	for (int i = 0; (pid = fork()) < 0 && i < 100; i++)
		usleep(1000);
	if (pid < 0) {
		perror("fuzz: fork");
		return 0;
	}
	if (pid == 0)
		child_main(worker, coverage);
	result = reap(worker, pid);
	(void)!write(fail, "0\n", 2);
	if (makes_objects(p))
		objects_remove();
	return result;
}
