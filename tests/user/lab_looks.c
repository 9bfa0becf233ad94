/* SPDX-License-Identifier: MIT
 *
 * What labs look at: pagemap, smaps, schedstat, and the status of single threads.
 */
#include <sys/prctl.h>

#include "check.h"

#define PRESENT	  (1UL << 63)
#define SWAPPED	  (1UL << 62)
#define OBJECT	  (1UL << 61)
#define EXCLUSIVE (1UL << 56)
#define FRAME	  ((1UL << 55) - 1)
#define USER_END  0x7ffffffff000UL

static char text[1 << 18];

static size_t read_text(const char *format, int number)
{
	char path[64];
	ssize_t n, done = 0;
	int fd;

	snprintf(path, sizeof(path), format, number, number);
	fd = open(path, O_RDONLY);
	if (!CHECK(fd >= 0))
		return 0;
	while ((n = read(fd, text + done, sizeof(text) - 1 - (size_t)done)) > 0)
		done += n;
	text[done] = '\0';
	close(fd);
	return (size_t)done;
}

/* The sum of the numbers after "name:" at the beginning of lines; -1: there is none. */
static long sum_of(const char *name)
{
	long sum = -1;

	for (char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':')
			sum = (sum < 0 ? 0 : sum) + strtol(at + strlen(name) + 1, NULL, 10);
	}
	return sum;
}

/* --- pagemap ---------------------------------------------------------------------------------- */

static int open_pagemap(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	return (int)MUST(open(path, O_RDONLY));
}

static uint64_t entry_of(pid_t pid, const void *address)
{
	int fd = open_pagemap(pid);
	uint64_t entry = 0;

	CHECK_EQ(pread(fd, &entry, 8, (long)((uintptr_t)address / PAGE * 8)), 8);
	close(fd);
	return entry;
}

static void pagemap_entries(void)
{
	char *p = map(4 * PAGE), *s = map_shared(2 * PAGE);
	uint64_t e;

	CHECK_EQ(entry_of(getpid(), p), 0);
	p[0] = 1;
	e = entry_of(getpid(), p + 123);
	CHECK((e & PRESENT) && !(e & (SWAPPED | OBJECT)) && (e & EXCLUSIVE) && (e & FRAME));
	CHECK_EQ(entry_of(getpid(), p + PAGE) & PRESENT, 0);
	/* Read but never written: the page of zeros, one for all. */
	CHECK_EQ(*(volatile char *)(p + PAGE) + *(volatile char *)(p + 2 * PAGE), 0);
	e = entry_of(getpid(), p + PAGE);
	CHECK(e & PRESENT);
	CHECK_EQ(e & FRAME, entry_of(getpid(), p + 2 * PAGE) & FRAME);
	p[PAGE] = 1;
	CHECK((entry_of(getpid(), p + PAGE) & FRAME) != (e & FRAME));
	s[0] = 1;
	e = entry_of(getpid(), s);
	CHECK((e & PRESENT) && (e & OBJECT) && (e & FRAME));
	/* Still there though nobody may touch it. */
	e = entry_of(getpid(), p);
	MUST(mprotect(p, PAGE, PROT_NONE));
	CHECK_EQ(entry_of(getpid(), p) & FRAME, e & FRAME);
	munmap(p, 4 * PAGE), munmap(s, 2 * PAGE);
	CHECK_EQ(entry_of(getpid(), p), 0);
}

static void pagemap_reads(void)
{
	int fd = open_pagemap(getpid());
	static uint64_t entries[8192];
	char *p = map(1024 * PAGE);
	long at = (long)((uintptr_t)p / PAGE * 8), seen = 0;

	p[0] = p[700 * PAGE] = 1;
	CHECK_EQ(lseek(fd, at, SEEK_SET), at);
	CHECK_EQ(read(fd, entries, 1024 * 8), 1024 * 8);
	for (int i = 0; i < 1024; i++)
		seen += entries[i] >> 63;
	CHECK_EQ(seen, 2);
	CHECK(entries[0] && entries[700]);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), at + 1024 * 8);
	CHECK_ERR(pread(fd, entries, 7, at), EINVAL);
	CHECK_ERR(pread(fd, entries, 12, at), EINVAL);
	CHECK_ERR(pread(fd, entries, 8, at + 4), EINVAL);
	CHECK_EQ(pread(fd, entries, 0, at), 0);
	CHECK_ERR(pread(fd, BAD, 8, at), EFAULT);
	/* The last page of the user's half, and beyond. */
	CHECK_EQ(pread(fd, entries, 64, (long)(USER_END / PAGE * 8) - 8), 8);
	CHECK_EQ(pread(fd, entries, 64, (long)(USER_END / PAGE * 8)), 0);
	CHECK_EQ(pread(fd, entries, 64, (long)(USER_END / PAGE * 16)), 0);
	CHECK_ERR(write(fd, entries, 8), EBADF);
	close(fd);
	munmap(p, 1024 * PAGE);
}

/* 64 GiB of address space of which nothing is there. */
static void pagemap_sparse(void)
{
	size_t size = 1 << 20;
	uint64_t *entries = map(size), seen = 0;
	int fd = open_pagemap(getpid());
	long begin = now_ms();

	for (long at = 0; at < 128; at++) {
		CHECK_EQ(pread(fd, entries, size, (0x100000000000 / PAGE) * 8 + at * (long)size),
			 size);
		for (size_t i = 0; i < size / 8; i += 511)
			seen |= entries[i];
	}
	CHECK_EQ(seen, 0);
	CHECK(now_ms() - begin < 120000);
	close(fd);
	munmap(entries, size);
}

/* One frame for both until one of them writes. */
static void pagemap_fork(void)
{
	int *step = map_shared(PAGE);
	char *p = map(2 * PAGE);
	uint64_t parents[2], childs[2], shared = 0;
	pid_t pid;

	*step = 0;
	p[0] = p[PAGE] = 1;
	pid = SPAWN({
		WAIT_UNTIL(__atomic_load_n(step, __ATOMIC_ACQUIRE) == 1);
		p[0] = 2;
		__atomic_store_n(step, 2, __ATOMIC_RELEASE);
		WAIT_UNTIL(__atomic_load_n(step, __ATOMIC_ACQUIRE) == 3);
	});
	for (int i = 0; i < 2; i++) {
		parents[i] = entry_of(getpid(), p + i * PAGE);
		childs[i] = entry_of(pid, p + i * PAGE);
		CHECK_EQ(parents[i] & FRAME, childs[i] & FRAME);
		CHECK_EQ(parents[i] & EXCLUSIVE, 0);
	}
	shared = entry_of(getpid(), step) & FRAME;
	__atomic_store_n(step, 1, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(step, __ATOMIC_ACQUIRE) == 2);
	CHECK_EQ(entry_of(getpid(), p) & FRAME, parents[0] & FRAME);
	CHECK((entry_of(pid, p) & FRAME) != (parents[0] & FRAME));
	CHECK(entry_of(pid, p) & EXCLUSIVE);
	CHECK(entry_of(getpid(), p) & EXCLUSIVE);
	CHECK_EQ(entry_of(getpid(), p + PAGE) & FRAME, entry_of(pid, p + PAGE) & FRAME);
	/* What was shared on purpose stays so. */
	CHECK_EQ(entry_of(getpid(), step) & FRAME, shared);
	CHECK_EQ(entry_of(pid, step) & FRAME, shared);
	__atomic_store_n(step, 3, __ATOMIC_RELEASE);
	CHECK_EQ(wait_status(pid), EXITED(0));
	munmap(p, 2 * PAGE), munmap(step, PAGE);
}

static void pagemap_ended(void)
{
	pid_t pid = SPAWN(pause());
	int fd = open_pagemap(pid);
	uint64_t entry;

	CHECK_EQ(pread(fd, &entry, 8, 0), 8);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	CHECK_EQ(pread(fd, &entry, 8, 0), 0);
	close(fd);
}

/* --- smaps ------------------------------------------------------------------------------------ */

/* Of a process that stands still: the parts of each region make its Rss, and all regions the
 * process's. */
static void smaps_sums(void)
{
	char *p = map(300 * PAGE), *line, *next;
	long rss = 0, parts = 0, size = 0, shown = 0;
	pid_t pid;

	memset(p, 1, 200 * PAGE);
	pid = SPAWN({
		memset(p, 2, 50 * PAGE);
		raise(SIGSTOP);
	});
	waitpid(pid, NULL, WUNTRACED);
	CHECK(read_text("/proc/%d/smaps", pid) > 0);
	for (line = text; line && *line; line = next) {
		char name[32];
		long value;

		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		if (sscanf(line, "%31[A-Za-z_]: %ld kB", name, &value) != 2)
			continue;
		if (strcmp(name, "Size") == 0)
			CHECK_EQ(parts, rss);
		if (strcmp(name, "Size") == 0)
			size = value, parts = rss = 0;
		if (strcmp(name, "Rss") == 0)
			rss = value;
		if (strcmp(name, "Pss") == 0)
			CHECK(value <= rss);
		if (strncmp(name, "Shared_C", 8) == 0 || strncmp(name, "Shared_D", 8) == 0 ||
		    strncmp(name, "Private_C", 9) == 0 || strncmp(name, "Private_D", 9) == 0)
			parts += value;
		CHECK(rss <= size);
	}
	CHECK_EQ(parts, rss);
	CHECK(sum_of("Private_Dirty") >= 200);
	CHECK(sum_of("Shared_Dirty") >= 600);
	CHECK(sum_of("Anonymous") >= 800);
	CHECK(sum_of("Pss") < sum_of("Rss"));
	rss = sum_of("Rss");
	size = sum_of("Size");
	shown = sum_of("Anonymous");
	CHECK(strstr(text, "\nVmFlags: ") != NULL);
	CHECK(read_text("/proc/%d/smaps_rollup", pid) > 0);
	CHECK(strstr(text, "[rollup]\n") != NULL);
	CHECK_EQ(sum_of("Rss"), rss);
	CHECK_EQ(sum_of("Anonymous"), shown);
	CHECK(read_text("/proc/%d/status", pid) > 0);
	/* Linux counts on each CPU apart. */
	CHECK(labs(sum_of("VmRSS") - rss) < 600);
	CHECK(labs(sum_of("VmSize") - size) < 20);
	CHECK(sum_of("VmPeak") >= sum_of("VmSize"));
	CHECK(sum_of("VmPTE") > 0);
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	munmap(p, 300 * PAGE);
}

/* --- Threads ---------------------------------------------------------------------------------- */

struct helper {
	pthread_t thread;
	pid_t tid;
	int step;
};

static void *helper_run(void *arg)
{
	struct helper *h = arg;
	char *p = map(300 * PAGE);

	prctl(PR_SET_NAME, "helper");
	sigset_t set = set_of(SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 300; i++)
		p[i * PAGE] = 1;
	for (int i = 0; i < 40; i++) /* some may be over before they begin */
		sleep_ms(1);
	__atomic_store_n(&h->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&h->step, __ATOMIC_ACQUIRE));
	munmap(p, 300 * PAGE);
	return NULL;
}

static long minor_faults(const char *format, int number)
{
	long faults = -1;

	read_text(format, number);
	sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*d %ld", &faults);
	return faults;
}

/* /proc/PID is about the whole process where there is a sum, and about the leader elsewhere. */
static void thread_files(void)
{
	struct helper h = {.step = 0};
	long before, own = minor_faults("/proc/self/task/%d/stat", getpid());

	before = minor_faults("/proc/%d/stat", getpid());
	pthread_create(&h.thread, NULL, helper_run, &h);
	WAIT_UNTIL(__atomic_load_n(&h.tid, __ATOMIC_ACQUIRE));
	CHECK(minor_faults("/proc/self/task/%d/stat", h.tid) >= 300);
	CHECK(minor_faults("/proc/self/task/%d/stat", getpid()) < own + 100);
	CHECK(minor_faults("/proc/%d/stat", getpid()) >= before + 300);
	read_text("/proc/self/task/%d/status", h.tid);
	CHECK(strncmp(text, "Name:\thelper\n", 13) == 0);
	CHECK_EQ(sum_of("Pid"), h.tid);
	CHECK_EQ(sum_of("Tgid"), getpid());
	CHECK_EQ(sum_of("Threads"), 2);
	CHECK(sum_of("voluntary_ctxt_switches") >= 20);
	CHECK(sum_of("nonvoluntary_ctxt_switches") >= 0);
	CHECK(strstr(text, "SigBlk:\t0000000000000800\n") != NULL);
	CHECK(sum_of("VmRSS") >= 1200);
	read_text("/proc/%d/status", getpid());
	CHECK(strstr(text, "SigBlk:\t0000000000000000\n") != NULL);
	CHECK_EQ(sum_of("Pid"), getpid());
	__atomic_store_n(&h.step, 1, __ATOMIC_RELEASE);
	pthread_join(h.thread, NULL);
}

static void thread_usage(void)
{
	struct rusage before, after;
	char *p = map(100 * PAGE);

	MUST(getrusage(RUSAGE_THREAD, &before));
	memset(p, 1, 100 * PAGE);
	MUST(getrusage(RUSAGE_THREAD, &after));
	CHECK(after.ru_minflt >= before.ru_minflt + 100);
	WAIT_UNTIL(!getrusage(RUSAGE_THREAD, &after) && after.ru_nvcsw >= before.ru_nvcsw + 10);
	munmap(p, 100 * PAGE);
}

static void schedstats(void)
{
	unsigned long run[2], waited[2], slices[2];

	for (int i = 0; i < 2; i++) {
		read_text(i ? "/proc/%d/task/%d/schedstat" : "/proc/%d/schedstat", getpid());
		CHECK_EQ(sscanf(text, "%lu %lu %lu", &run[i], &waited[i], &slices[i]), 3);
		for (long end = cpu_ns(CLOCK_THREAD_CPUTIME_ID) + 10000000;
		     !i && cpu_ns(CLOCK_THREAD_CPUTIME_ID) < end;)
			;
		for (int n = 0; !i && n < 30; n++)
			sleep_ms(1);
	}
	CHECK(run[1] >= run[0] + 1000000);
	CHECK(waited[1] >= waited[0]);
	CHECK(slices[1] >= slices[0] + 10);
}

int main(void)
{
	check_start();
	RUN(pagemap_entries);
	RUN(pagemap_reads);
	RUN(pagemap_sparse);
	RUN(pagemap_fork);
	RUN(pagemap_ended);
	RUN(smaps_sums);
	RUN(thread_files);
	RUN(thread_usage);
	RUN(schedstats);
	return check_end();
}
