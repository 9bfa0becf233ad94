/* SPDX-License-Identifier: MIT
 *
 * /proc/heddle: what Linux has not.  There, every test passes without a look.
 */
#include <dirent.h>
#include <sched.h>
#include <stdarg.h>

#include "check.h"

static bool here; /* on Heddle */
static char text[65536];

static bool read_text(const char *format, ...)
{
	char path[128];
	ssize_t n, done = 0;
	va_list args;
	int fd;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_RDONLY);
	text[0] = '\0';
	if (fd < 0)
		return false;
	while ((n = read(fd, text + done, sizeof(text) - 1 - (size_t)done)) > 0)
		done += n;
	text[done] = '\0';
	close(fd);
	return done > 0;
}

/* The column-th number of the line that begins with `key`; -1: none. */
static long number_of(const char *key, int column)
{
	size_t length = strlen(key);

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) || line[length] != ' ')
			continue;
		for (line += length; --column; line += strspn(line, "0123456789"))
			line += *line == ' ';
		return (long)strtoul(line, NULL, 0);
	}
	return -1;
}

static long value_of(const char *key)
{
	return number_of(key, 1);
}

static void *wait_for(void *step)
{
	WAIT_UNTIL(__atomic_load_n((int *)step, __ATOMIC_ACQUIRE));
	return NULL;
}

/* --- Spaces ----------------------------------------------------------------------------------- */

static void spaces(void)
{
	char *p = map(8 * PAGE);
	long root, tables, copied;
	pid_t pid;

	if (!here)
		return;
	memset(p, 1, 8 * PAGE);
	CHECK(read_text("/proc/heddle/self/space"));
	root = value_of("root");
	tables = value_of("table_frames");
	CHECK(root > 0 && root % PAGE == 0);
	CHECK(tables >= 4 && tables < 100);
	CHECK(value_of("resident") > 8 && value_of("regions") > 3);
	pid = SPAWN({
		memset(p, 2, 5 * PAGE);
		raise(SIGSTOP);
	});
	waitpid(pid, NULL, WUNTRACED);
	CHECK(read_text("/proc/heddle/%d/space", pid));
	CHECK(value_of("root") != root && value_of("root") > 0);
	copied = value_of("copied");
	CHECK(copied >= 5 && copied < 30);
	CHECK(read_text("/proc/heddle/%d/counters", pid));
	CHECK_EQ(value_of("cow_copies"), copied);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	CHECK(!read_text("/proc/heddle/%d/space", pid));
	munmap(p, 8 * PAGE);
}

/* --- Ledger ----------------------------------------------------------------------------------- */

/* Frames that would be free if the process had never been; those it shares apart. */
static long frames_of(pid_t pid, long *shared)
{
	long frames = 0, n, bytes;
	char what[32];

	CHECK(read_text("/proc/heddle/%d/ledger", pid));
	*shared = 0;
	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%31s %ld %ld", what, &n, &bytes) != 3)
			continue;
		CHECK(n ? bytes == n * PAGE : bytes < 4 * PAGE * 100);
		if (strcmp(what, "anonymous_shared") == 0)
			*shared += n;
		else if (strncmp(what, "file_", 5) != 0 && strcmp(what, "shared") != 0)
			frames += n;
		else
			continue;
	}
	return frames;
}

/* What is free, or in a slab: caches emptied. */
static long free_frames(void)
{
	int fd = (int)MUST(open("/proc/sys/vm/drop_caches", O_WRONLY));

	CHECK_EQ(write(fd, "1\n", 2), 2);
	close(fd);
	CHECK(read_text("/proc/heddle/frames"));
	return value_of("free") + value_of("slab");
}

/* A new process takes as many frames as its ledger says.  What the parent has in common with it is
 * counted as the parent's. */
static bool ledger_fits(int touched)
{
	char *p = map(touched * PAGE);
	long own_before, own_after, own_shared, shared, frames, before, after;
	pid_t pid;

	before = free_frames();
	own_before = frames_of(getpid(), &own_shared) + own_shared;
	pid = SPAWN({
		memset(p, 1, (size_t)touched * PAGE);
		raise(SIGSTOP);
	});
	waitpid(pid, NULL, WUNTRACED);
	after = free_frames();
	frames = frames_of(pid, &shared);
	CHECK(value_of("anonymous") >= touched);
	CHECK_EQ(value_of("page_table_root"), 1);
	CHECK(value_of("kernel_stacks") == 2 || value_of("kernel_stacks") == 4); /* debug builds: 4 */
	CHECK(number_of("struct_thread", 2) > 300 && number_of("fpu_state", 2) >= 512);
	own_after = frames_of(getpid(), &own_shared) + own_shared;
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	munmap(p, touched * PAGE);
	return before - after == frames + own_after - own_before;
}

/* The table of a child is as large as its highest open descriptor needs, and the parent's stays. */
static void table_after_fork(void)
{
	long parents, childs; /* bytes */
	int ends[2];
	pid_t pid;

	if (!here)
		return;
	MUST(pipe(ends));
	CHECK_EQ(dup2(0, 1000), 1000);
	CHECK_EQ(close(1000), 0);
	CHECK(read_text("/proc/heddle/%d/ledger", getpid()));
	parents = number_of("file_table", 2);
	CHECK(parents > 8000);
	pid = SPAWN({
		CHECK_EQ(write(ends[1], "", 1), 1);
		pause();
	});
	CHECK_EQ(read(ends[0], &(char){0}, 1), 1);
	CHECK(read_text("/proc/heddle/%d/ledger", pid));
	childs = number_of("file_table", 2);
	CHECK(childs > 0 && childs < parents / 8);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	CHECK(read_text("/proc/heddle/%d/ledger", getpid()));
	CHECK_EQ(number_of("file_table", 2), parents);
	close(ends[0]);
	close(ends[1]);
}

static void *wait_for_end(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void start_threads(long n)
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	while (n-- > 0 && CHECK_EQ(pthread_create(&t, &small, wait_for_end, NULL), 0))
		;
}

static long kept_frames(void)
{
	CHECK(read_text("/proc/heddle/frames"));
	return value_of("kstack");
}

/* Stacks of ended threads are kept, but no more than a 64th of the memory after a process has ended. */
static void kept_stacks(void)
{
	long most;

	if (!here)
		return;
	CHECK(read_text("/proc/heddle/frames"));
	most = value_of("total") / 64;
	CHECK_EQ(IN_CHILD(start_threads(most / 2 + 100); CHECK(kept_frames() > most)), 0);
	for (int i = 0; i < 100 && kept_frames() > most; i++) {
		CHECK_EQ(IN_CHILD(usleep(1000)), 0);
	}
	CHECK(kept_frames() <= most);
}

static void ledgers(void)
{
	struct {
		int touched, fits;
	} tries[] = {{10, 0}, {1000, 0}};
	pthread_t thread;
	int step = 0;
	long one;

	if (!here)
		return;
	for (size_t i = 0; i < COUNT_OF(tries); i++) {
		/* Others, who end or begin, disturb it. */
		for (int n = 0; n < 20 && !tries[i].fits; n++)
			tries[i].fits = ledger_fits(tries[i].touched);
		CHECK(tries[i].fits);
	}
	CHECK(read_text("/proc/heddle/self/ledger"));
	one = value_of("kernel_stacks");
	pthread_create(&thread, NULL, wait_for, &step);
	CHECK(read_text("/proc/heddle/self/ledger"));
	CHECK_EQ(value_of("kernel_stacks"), 2 * one);
	CHECK(read_text("/proc/heddle/self/task/%d/ledger", getpid()));
	CHECK_EQ(value_of("kernel_stacks"), one);
	CHECK_EQ(value_of("struct_process"), -1);
	__atomic_store_n(&step, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	/* A zombie. */
	pid_t pid = SPAWN();
	WAIT_UNTIL(process_state(pid) == 'Z');
	CHECK(read_text("/proc/heddle/%d/ledger", pid));
	CHECK_EQ(value_of("kernel_stacks"), one);
	CHECK_EQ(value_of("page_table_root"), -1);
	CHECK_EQ(wait_status(pid), EXITED(0));
}

/* --- Registers -------------------------------------------------------------------------------- */

static const char *const names[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
				    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static uint64_t pattern[16];
static unsigned char vectors[256];

/* All registers from the patterns, then `what`; nothing comes back. */
#define FILL_REGISTERS(what)                                                                       \
	__asm__ volatile("movdqu 0(%1), %%xmm0\n\tmovdqu 16(%1), %%xmm1\n\t"                       \
			 "movdqu 32(%1), %%xmm2\n\tmovdqu 48(%1), %%xmm3\n\t"                      \
			 "movdqu 64(%1), %%xmm4\n\tmovdqu 80(%1), %%xmm5\n\t"                      \
			 "movdqu 96(%1), %%xmm6\n\tmovdqu 112(%1), %%xmm7\n\t"                     \
			 "movdqu 128(%1), %%xmm8\n\tmovdqu 144(%1), %%xmm9\n\t"                    \
			 "movdqu 160(%1), %%xmm10\n\tmovdqu 176(%1), %%xmm11\n\t"                  \
			 "movdqu 192(%1), %%xmm12\n\tmovdqu 208(%1), %%xmm13\n\t"                  \
			 "movdqu 224(%1), %%xmm14\n\tmovdqu 240(%1), %%xmm15\n\t"                  \
			 "movq 8(%0), %%rbx\n\tmovq 16(%0), %%rcx\n\tmovq 24(%0), %%rdx\n\t"       \
			 "movq 32(%0), %%rsi\n\tmovq 40(%0), %%rdi\n\tmovq 48(%0), %%rbp\n\t"      \
			 "movq 56(%0), %%rsp\n\tmovq 64(%0), %%r8\n\tmovq 72(%0), %%r9\n\t"        \
			 "movq 80(%0), %%r10\n\tmovq 88(%0), %%r11\n\tmovq 96(%0), %%r12\n\t"      \
			 "movq 104(%0), %%r13\n\tmovq 112(%0), %%r14\n\tmovq 120(%0), %%r15\n\t"   \
			 "movq (%0), %%rax\n1:\t" what "\n\tpause\n\tjmp 1b" ::"a"(pattern),       \
			 "d"(vectors)                                                              \
			 : "memory")

static void patterns_make(uint64_t rax)
{
	for (int i = 0; i < 16; i++)
		pattern[i] = 0x0123456789abcdef * (uint64_t)(2 * i + 3);
	for (int i = 0; i < 256; i++)
		vectors[i] = (unsigned char)(i * 7 + 1);
	memset(vectors + 5 * 16, 0, 16);
	if (rax)
		pattern[0] = rax;
}

static bool vectors_shown(void)
{
	char line[64];

	for (int i = 0; i < 16; i++) {
		int n = sprintf(line, "\nxmm%d ", i);

		for (int byte = 0; byte < 16; byte++)
			n += sprintf(line + n, "%02x", vectors[16 * i + byte]);
		strcpy(line + n, "\n");
		if (!strstr(text, line))
			return false;
	}
	return true;
}

/* What the processor itself changes at a system call is not looked at. */
static bool patterns_shown(bool in_call)
{
	for (int i = 0; i < 16; i++) {
		bool lost = in_call && (i == 0 || i == 2 || i == 11);

		if (!lost && (uint64_t)value_of(names[i]) != pattern[i])
			return false;
	}
	return true;
}

static void registers_of_stopped(void)
{
	pid_t pid;
	bool good = false;

	if (!here)
		return;
	patterns_make(0);
	pid = SPAWN(FILL_REGISTERS(""));
	/* It has to come so far. */
	for (int i = 0; i < 500 && !good; i++) {
		sleep_ms(10);
		kill(pid, SIGSTOP);
		waitpid(pid, NULL, WUNTRACED);
		CHECK(read_text("/proc/heddle/%d/registers", pid));
		/* We may be woken before the thread has left its CPU. */
		good = patterns_shown(false) && vectors_shown() && strstr(text, "\nstate T\n") &&
		       value_of("on_cpu") == 0;
		kill(pid, SIGCONT);
	}
	CHECK(good);
	/* On a CPU or waiting for one. */
	CHECK(read_text("/proc/heddle/%d/task/%d/registers", pid, pid));
	CHECK(strstr(text, "\nstate R\n") != NULL);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

static void *block(void *unused)
{
	FILL_REGISTERS("syscall");
	return unused;
}

static void registers_of_blocked(void)
{
	pid_t pid;
	bool good = false;

	if (!here)
		return;
	patterns_make(SYS_pause);
	pid = SPAWN({
		pthread_t thread;

		pthread_create(&thread, NULL, block, NULL);
		pthread_join(thread, NULL);
	});
	for (int i = 0; i < 500 && !good; i++) {
		pid_t tid = 0;
		struct dirent *e;
		char path[64];
		DIR *d;

		sleep_ms(10);
		snprintf(path, sizeof(path), "/proc/heddle/%d/task", pid);
		d = opendir(path);
		while (d && (e = readdir(d)))
			if (atoi(e->d_name) != pid)
				tid = atoi(e->d_name) ?: tid;
		if (d)
			closedir(d);
		good = tid && read_text("/proc/heddle/%d/task/%d/registers", pid, tid) &&
		       strstr(text, "\nstate S\n") && patterns_shown(true) && vectors_shown() &&
		       value_of("on_cpu") == 0;
	}
	CHECK(good);
	CHECK_EQ(value_of("rip"), value_of("rcx"));
	CHECK_EQ(value_of("rflags"), value_of("r11"));
	CHECK((uint64_t)value_of("kernel_rsp") >> 47 == 0x1ffff);
	CHECK((uint64_t)value_of("kernel_rip") >> 31 == 0x1ffffffff);
	CHECK(value_of("fs_base") > 0);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

static void *nothing(void *arg)
{
	return arg;
}

/* Whoever looks at threads that begin and end sees some of them, and brings nothing down. */
static void looks_at_the_short_lived(void)
{
	long end = now_ms() + 500, seen = 0;
	char path[64];
	pid_t pid;

	if (!here)
		return;
	pid = SPAWN({
		for (;;) {
			pthread_t thread[4];

			for (int i = 0; i < 4; i++)
				pthread_create(&thread[i], NULL, nothing, NULL);
			for (int i = 0; i < 4; i++)
				pthread_join(thread[i], NULL);
			if (fork() == 0)
				_exit(0);
			waitpid(-1, NULL, 0);
		}
	});
	snprintf(path, sizeof(path), "/proc/heddle/%d/task", pid);
	while (now_ms() < end || (seen <= 10 && now_ms() < end + 60000)) {
		DIR *d = opendir(path);
		struct dirent *e;

		while (d && (e = readdir(d))) {
			seen += read_text("%s/%s/registers", path, e->d_name);
			seen += read_text("%s/%s/ledger", path, e->d_name);
			seen += read_text("%s/%s/counters", path, e->d_name);
		}
		if (d)
			closedir(d);
		seen += read_text("/proc/heddle/%d/ledger", pid);
		seen += read_text("/proc/%d/smaps", pid);
	}
	CHECK(seen > 10);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

/* --- Counters --------------------------------------------------------------------------------- */

static void *call_often(void *n)
{
	for (long i = 0; i < (long)n; i++)
		syscall(SYS_getppid);
	return NULL;
}

static long counter(const char *file, const char *key)
{
	CHECK(read_text("/proc/heddle/%s", file));
	return value_of(key);
}

static void counters(void)
{
	long before, after, cost;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;

	if (!here)
		return;
	before = counter("self/counters", "system_calls");
	cost = counter("self/counters", "system_calls") - before; /* of the look itself */
	CHECK(cost > 0 && cost < 20);
	before = counter("self/counters", "system_calls");
	call_often((void *)1000);
	after = counter("self/counters", "system_calls");
	CHECK_EQ(after - before, 1000 + cost);
	/* A mutex that nobody else wants makes none. */
	before = counter("self/counters", "system_calls");
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	CHECK_EQ(counter("self/counters", "system_calls") - before, cost);
	/* Those of threads that have ended are not lost. */
	before = counter("self/counters", "system_calls");
	pthread_create(&thread, NULL, call_often, (void *)1000);
	pthread_join(thread, NULL);
	after = counter("self/counters", "system_calls");
	CHECK(after - before >= 1000 && after - before < 1100);
	CHECK_EQ(counter("self/counters", "migrations") < 0, 0);
	before = counter("self/counters", "switches_voluntary");
	WAIT_UNTIL(counter("self/counters", "switches_voluntary") >= before + 10);
}

/* --- The machine ------------------------------------------------------------------------------ */

/* Every frame is for something. */
static void frames(void)
{
	static const char *const sums[] = {"all ", "total ", "failed ", "free_in_cpu_caches "};
	bool right = false;

	if (!here)
		return;
	/* A CPU that counts meanwhile disturbs the sum. */
	for (int n = 0; n < 100 && !right; n++) {
		long sum = 0;

		CHECK(read_text("/proc/heddle/frames"));
		for (char *line = text; line && *line; line = strchr(line, '\n')) {
			bool other = false;

			line += *line == '\n';
			for (size_t i = 0; i < COUNT_OF(sums); i++)
				other |= strncmp(line, sums[i], strlen(sums[i])) == 0;
			if (!other && *line)
				sum += strtol(strchr(line, ' '), NULL, 10);
		}
		right = sum == value_of("all");
	}
	CHECK(right);
	CHECK(value_of("all") > 8192);
	CHECK(value_of("image") > 50 && value_of("image") < 8192);
	CHECK(value_of("page_array") >= value_of("all") * 32 / PAGE);
	CHECK(value_of("boot_tables") > 0 && value_of("boot_other") >= 0);
	CHECK(value_of("file") > 100 && value_of("anon") > 3);
	CHECK(value_of("free_in_cpu_caches") <= value_of("free"));
}

static void memory_counters(void)
{
	char *p = map(100 * PAGE);
	long zeroed, copied, reused;
	pid_t pid;

	if (!here)
		return;
	zeroed = counter("memory", "zeroed_pages");
	memset(p, 1, 100 * PAGE);
	CHECK(counter("memory", "zeroed_pages") >= zeroed + 100);
	copied = counter("memory", "cow_copies");
	reused = counter("memory", "cow_reuses");
	pid = SPAWN(memset(p, 2, 60 * PAGE));
	CHECK_EQ(wait_status(pid), EXITED(0));
	CHECK(counter("memory", "cow_copies") >= copied + 60);
	memset(p, 3, 100 * PAGE); /* all are its own again */
	CHECK(counter("memory", "cow_reuses") >= reused + 100);
	munmap(p, 100 * PAGE);
}

static void switch_counters(void)
{
	long all, root, moved;
	cpu_set_t old, one;
	int cpus = 0;

	if (!here)
		return;
	all = counter("switches", "switches");
	root = counter("switches", "switches_root");
	CHECK(all >= root && root > 0);
	WAIT_UNTIL(counter("switches", "switches") >= all + 10);
	moved = counter("switches", "migrations");
	CHECK(moved >= 0);
	MUST(sched_getaffinity(0, sizeof(old), &old));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &old))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		MUST(sched_setaffinity(0, sizeof(one), &one));
		cpus++;
	}
	MUST(sched_setaffinity(0, sizeof(old), &old));
	CHECK(counter("switches", "migrations") >= moved + cpus - 1);
	CHECK(counter("self/counters", "migrations") >= cpus - 1);
}

#define FUTEX_WAIT_PRIVATE    128
#define FUTEX_WAKE_PRIVATE    129
#define FUTEX_REQUEUE_PRIVATE 131

static long futex(int *word, int operation, int value, void *last, int *word2)
{
	return syscall(SYS_futex, word, operation, value, last, word2, 0);
}

static void *futex_wait(void *word)
{
	while (__atomic_load_n((int *)word, __ATOMIC_ACQUIRE) == 0)
		futex(word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL);
	return NULL;
}

static void futex_counters(void)
{
	long waits, refused, wakes, empty, requeues;
	int word = 0, other = 0;
	pthread_t thread;

	if (!here)
		return;
	refused = counter("futex", "waits_refused");
	CHECK_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL), EAGAIN);
	CHECK(counter("futex", "waits_refused") >= refused + 1);
	empty = counter("futex", "wakes_empty");
	CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL), 0);
	CHECK(counter("futex", "wakes_empty") >= empty + 1);
	waits = counter("futex", "waits");
	wakes = counter("futex", "wakes");
	requeues = counter("futex", "requeues");
	pthread_create(&thread, NULL, futex_wait, &word);
	WAIT_UNTIL(counter("futex", "waits") > waits);
	CHECK_EQ(futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void *)1, &other), 1);
	CHECK(counter("futex", "requeues") >= requeues + 1);
	__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
	CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 1, NULL, NULL), 1);
	CHECK(counter("futex", "wakes") >= wakes + 1);
	pthread_join(thread, NULL);
}

int main(void)
{
	check_start();
	here = access("/proc/heddle", F_OK) == 0;
	RUN(spaces);
	RUN(ledgers);
	RUN(table_after_fork);
	RUN(kept_stacks);
	RUN(registers_of_stopped);
	RUN(registers_of_blocked);
	RUN(looks_at_the_short_lived);
	RUN(counters);
	RUN(frames);
	RUN(memory_counters);
	RUN(switch_counters);
	RUN(futex_counters);
	return check_end();
}
