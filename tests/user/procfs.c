/* SPDX-License-Identifier: MIT
 *
 * /proc, read by the same parsers on both: what ps, top, free, uptime, mount and nproc need.
 */
#include <dirent.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "check.h"

static char text[65536];

static ssize_t read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, done = 0;

	if (!CHECK(fd >= 0)) {
		printf("# %s\n", path);
		return -1;
	}
	/* In small pieces, to see that they fit together. */
	while ((n = read(fd, text + done, 100)) > 0)
		done += n;
	text[done] = '\0';
	close(fd);
	return done;
}

/* The number after "name:" in what was read. */
static long field(const char *name)
{
	char *at = text;

	for (; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':')
			return strtol(at + strlen(name) + 1, NULL, 0);
	}
	return -1;
}

static void own_stat(void)
{
	long f[60] = {0};
	char *at, state, name[32];
	int n = 3;

	MUST(setpriority(PRIO_PROCESS, 0, -3));
	CHECK(read_file("/proc/self/stat") > 0);
	MUST(setpriority(PRIO_PROCESS, 0, 0));
	CHECK_EQ(atoi(text), getpid());
	CHECK_EQ(sscanf(strchr(text, '('), "(%15[^)]) %c", name, &state), 2);
	CHECK_EQ(strcmp(name, "procfs"), 0);
	CHECK_EQ(state, 'R');
	for (at = strrchr(text, ')') + 4; n < 53 && *at && *at != '\n'; n++)
		f[n] = strtol(at, &at, 10);
	CHECK_EQ(n, 52); /* fields, counted from 0 */
	CHECK_EQ(*at, '\n');
	CHECK_EQ(f[17], 17);				       /* priority */
	CHECK_EQ(f[18], -3);				       /* nice */
	CHECK(strstr(text, " 18446744073709551615 ") != NULL); /* of RSS */
	CHECK_EQ(f[37], SIGCHLD);
	CHECK(f[26] > f[25] && f[27] > f[26] && f[48] > f[47] && f[50] > f[49]);
	CHECK_EQ(f[3], getppid());
	CHECK_EQ(f[4], getpgrp());
	CHECK_EQ(f[5], getsid(0));
	CHECK_EQ(f[19], 1);		   /* threads */
	CHECK(f[21] > 0);		   /* start, ticks */
	CHECK(f[22] > 100000);		   /* bytes */
	CHECK(f[23] >= 0 && f[23] < 5000); /* pages */
	CHECK(f[38] >= 0 && f[38] < sysconf(_SC_NPROCESSORS_CONF));
}

static void own_status(void)
{
	CHECK(read_file("/proc/self/status") > 0);
	CHECK(strncmp(text, "Name:\tprocfs\n", 13) == 0);
	CHECK_EQ(field("Pid"), getpid());
	CHECK_EQ(field("PPid"), getppid());
	CHECK_EQ(field("Tgid"), getpid());
	CHECK_EQ(field("Threads"), 1);
	CHECK_EQ(field("Uid"), getuid());
	CHECK(field("VmRSS") > 20);
	CHECK(field("VmSize") >= field("VmRSS"));
	CHECK(strstr(text, "State:\tR (running)\n") != NULL);
	mask(SIG_BLOCK, SIGUSR1);
	read_file("/proc/self/status");
	CHECK(strstr(text, "SigBlk:\t0000000000000200\n") != NULL);
	mask(SIG_UNBLOCK, SIGUSR1);
}

static void own_memory(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *line;
	unsigned long start, end, before = 0;
	int stacks = 0, programs = 0, heaps = 0, mine = 0;
	char rights[8], name[256];

	CHECK(syscall(SYS_brk, syscall(SYS_brk, 0) + 4096) > 0);
	CHECK(read_file("/proc/self/maps") > 0);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		name[0] = '\0';
		CHECK(sscanf(line, "%lx-%lx %4s %*x %*x:%*x %*d %255s", &start, &end, rights,
			     name) >= 3);
		CHECK(start >= before && end > start && start % PAGE == 0);
		before = end;
		stacks += strcmp(name, "[stack]") == 0;
		heaps += strcmp(name, "[heap]") == 0;
		programs += strstr(name, "procfs") != NULL;
		mine += start <= (unsigned long)p && (unsigned long)p + 3 * PAGE <= end &&
			strcmp(rights, "r--p") == 0;
	}
	CHECK_EQ(stacks, 1);
	CHECK_EQ(heaps, 1);
	CHECK_EQ(mine, 1);
	CHECK(programs >= 2);
	munmap(p, 3 * PAGE);
	CHECK(read_file("/proc/self/statm") > 0);
	CHECK(strtol(text, NULL, 10) > 10);
}

static void own_links(void)
{
	char link[PATH_MAX], want[PATH_MAX];
	ssize_t n;
	int fd = MUST(open("file", O_RDWR | O_CREAT, 0644)), count = 0;
	struct dirent *e;
	DIR *d;

	n = readlink("/proc/self", link, sizeof(link));
	link[n > 0 ? n : 0] = '\0';
	CHECK_EQ(atoi(link), getpid());
	n = readlink("/proc/self/exe", link, sizeof(link));
	CHECK(n > 7 && memcmp(link + n - 7, "/procfs", 7) == 0);
	n = readlink("/proc/self/cwd", link, sizeof(link));
	CHECK_EQ(n, strlen(check_directory));
	CHECK_EQ(readlink("/proc/self/root", link, sizeof(link)), 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, want, sizeof(want));
	want[n > 0 ? n : 0] = '\0';
	CHECK(strncmp(want, check_directory, strlen(check_directory)) == 0);
	CHECK_EQ(strcmp(want + strlen(check_directory), "/file"), 0);
	/* Opened through it, it is the same file. */
	MUST(write(fd, "text", 4));
	int again = MUST(open(link, O_RDONLY));
	CHECK_EQ(read(again, want, 10), 4);
	close(again);
	int pipes[2];
	MUST(pipe(pipes));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", pipes[0]);
	CHECK(readlink(link, want, sizeof(want)) > 6 && memcmp(want, "pipe:[", 6) == 0);
	d = opendir("/proc/self/fd");
	while ((e = readdir(d)))
		count += e->d_name[0] != '.';
	CHECK_EQ(count, 7);
	closedir(d);
	close(fd), close(pipes[0]), close(pipes[1]);
	static const char *const absent[] = {
	    "absent", "sta",  "stat2",	       "task/0",	"fd/00",    "fd/0x", "fd/-1",
	    "../01",  "../0", "../4294967297", "fd/4294967296", "task/abc", "fd/1a"};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		snprintf(link, sizeof(link), "/proc/self/%s", absent[i]);
		CHECK_ERR(open(link, O_RDONLY), ENOENT);
	}
	CHECK_ERR(open("/proc/99999999/stat", O_RDONLY), ENOENT);
	CHECK_ERR(readlink("/proc/self/fd/99", link, 10), ENOENT);
}

static void others(void)
{
	char path[64], *line;
	struct dirent *e;
	bool self = false, child_seen = false;
	pid_t child;
	DIR *d;

	child = SPAWN(execl("/proc/self/exe", "procfs", "pause", "", "last", (char *)NULL));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
	WAIT_UNTIL(read_file(path) == 19);
	CHECK_EQ(memcmp(text, "procfs\0pause\0\0last\0", 19), 0);
	WAIT_UNTIL(process_state(child) == 'S');
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	CHECK(read_file(path) > 0);
	d = opendir("/proc");
	while ((e = readdir(d))) {
		self |= atoi(e->d_name) == getpid();
		child_seen |= atoi(e->d_name) == child;
	}
	closedir(d);
	CHECK(self && child_seen);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", child, child);
	CHECK(read_file(path) > 0);
	snprintf(path, sizeof(path), "/proc/%d/environ", child);
	CHECK(read_file(path) >= 0);
	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	CHECK_EQ(read_file(path), strlen("exe\n"));
	line = text;
	CHECK_EQ(strcmp(line, "exe\n"), 0);
	/* An open file of one that is gone. */
	int fd = MUST(open(path, O_RDONLY));
	kill(child, SIGKILL);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	(void)!read(fd, text, 10);
	close(fd);
	CHECK_ERR(open(path, O_RDONLY), ENOENT);
	CHECK(read_file("/proc/1/stat") > 0);
	CHECK_EQ(atoi(text), 1);
}

static bool exe_ends_with(pid_t pid, const char *end)
{
	char path[64], link[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return n > (ssize_t)strlen(end) && !strcmp(link + n - strlen(end), end);
}

static void removed_program(void)
{
	int from = MUST(open("/proc/self/exe", O_RDONLY));
	int to = MUST(open("program", O_WRONLY | O_CREAT, 0755));
	ssize_t n;
	pid_t child;

	while ((n = MUST(read(from, text, sizeof(text)))))
		CHECK_EQ(write(to, text, n), n);
	close(from), close(to);
	child = SPAWN(execl("program", "program", "pause", (char *)NULL));
	WAIT_UNTIL(exe_ends_with(child, "/program"));
	MUST(unlink("program"));
	CHECK(exe_ends_with(child, "/program (deleted)"));
	kill(child, SIGKILL);
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
}

static _Atomic pid_t child;
static atomic_bool all_ended;

/* Read the child's file from its beginning until it has none any more, over and over. */
static void *look_at_child(void *format)
{
	char path[64], text[4096];

	while (!all_ended) {
		int fd;

		snprintf(path, sizeof(path), format, child);
		fd = open(path, O_RDONLY);
		while (fd >= 0 && pread(fd, text, sizeof(text), 0) > 0 && !all_ended)
			;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void *signal_child(void *unused)
{
	siginfo_t info = {.si_code = SI_QUEUE};

	while (!all_ended)
		(void)syscall(SYS_rt_sigqueueinfo, child, SIGURG, &info);
	return unused;
}

/* Whoever holds a process that is waited for meanwhile must find nothing of it that is gone. */
static void ended(void)
{
	static char *const files[] = {"/proc/%d/sched_seed", "/proc/heddle/%d/ledger",
				      "/proc/%d/stat"};
	pthread_t threads[COUNT_OF(files) + 1];
	struct timespec start, now;

	child = getpid();
	for (size_t i = 0; i < COUNT_OF(files); i++)
		MUST(pthread_create(&threads[i], NULL, look_at_child, files[i]));
	MUST(pthread_create(&threads[COUNT_OF(files)], NULL, signal_child, NULL));
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (!CHECK(pid > 0))
			break;
		child = pid;
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < start.tv_sec + 3);
	all_ended = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void processors(void)
{
	int count = 0, n = sysconf(_SC_NPROCESSORS_ONLN), cpus = 0, numbers;
	long value;
	char *line, *at;

	CHECK(read_file("/proc/cpuinfo") > 0);
	for (line = text; (line = strstr(line, "processor\t:")); line++)
		CHECK_EQ(atoi(line + 12), count++);
	CHECK_EQ(count, n);
	CHECK(strstr(text, "model name\t: ") && strstr(text, "flags\t\t: ") &&
	      strstr(text, " sse2"));
	CHECK(strstr(text, "cpu MHz\t\t: ") != NULL);
	/* cpu, cpu0...: at least 8 numbers each, which grow. */
	CHECK(read_file("/proc/stat") > 0);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, "cpu", 3) != 0)
			continue;
		numbers = 0;
		at = strchr(line, ' ');
		while (at && *at) {
			char *end;

			value = strtol(at, &end, 10);
			if (end == at)
				break;
			numbers += value >= 0;
			at = end;
		}
		CHECK(numbers >= 8);
		cpus++;
	}
	CHECK_EQ(cpus, n + 1);
	CHECK(read_file("/proc/stat") > 0);
	CHECK(strstr(text, "\nctxt ") && strstr(text, "\nbtime ") && strstr(text, "\nprocesses "));
}

static void memory(void)
{
	struct sysinfo s;
	long total;

	CHECK(read_file("/proc/meminfo") > 0);
	total = field("MemTotal");
	CHECK(total > 10000);
	CHECK(field("MemFree") > 0 && field("MemFree") < total);
	CHECK(field("MemAvailable") > 0 && field("MemAvailable") <= total);
	CHECK(field("Buffers") >= 0 && field("Cached") >= 0 && field("SReclaimable") >= 0);
	CHECK(field("SwapTotal") >= 0 && field("Shmem") >= 0);
	CHECK_EQ(sysinfo(&s), 0);
	CHECK_EQ(s.totalram * s.mem_unit / 1024, total);
	CHECK(s.procs > 1 && s.uptime > 0);
	CHECK_ERR(syscall(SYS_sysinfo, BAD), EFAULT);
}

/* The text of a file, up to its first 8 KiB. */
static const char *text_of(const char *path)
{
	static char text[8192];
	int fd = (int)MUST(open(path, O_RDONLY));
	ssize_t n, done = 0;

	while ((n = read(fd, text + done, sizeof(text) - 1 - (size_t)done)) > 0)
		done += n;
	text[done] = 0;
	close(fd);
	return text;
}

static void descriptors(void)
{
	int fd = (int)MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	unsigned long pos, flags, ino;
	struct stat s;
	int mount;
	char path[64];

	lseek(fd, 42, SEEK_SET);
	fstat(fd, &s);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK_EQ(sscanf(text_of(path), "pos: %lu flags: %lo mnt_id: %d ino: %lu", &pos, &flags,
			&mount, &ino),
		 4);
	CHECK_EQ(pos, 42);
	CHECK_EQ(flags & O_ACCMODE, O_RDONLY);
	CHECK_EQ(ino, s.st_ino);
	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	CHECK_EQ(access(path, R_OK), 0);
	close(fd);
	CHECK_ERR(open(path, O_RDONLY), ENOENT);
	/* Files of other kinds add lines. */
	fd = (int)MUST(syscall(SYS_eventfd2, 26, 0));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK(strstr(text_of(path), "eventfd-count:               1a\n") != NULL);
	close(fd);
	sigset_t set = set_of(SIGINT);
	fd = (int)MUST(syscall(SYS_signalfd4, -1, &set, 8, 0));
	CHECK(strstr(text_of(path), "sigmask:\t0000000000000002\n") != NULL);
	close(fd);
	fd = (int)MUST(syscall(SYS_pidfd_open, getpid(), 0));
	CHECK_EQ(atoi(strstr(text_of(path), "\nPid:") + 5), getpid());
	close(fd);
}

static void limits(void)
{
	struct rlimit old, new;
	char soft[32], hard[32];
	const char *line;

	getrlimit(RLIMIT_NOFILE, &old);
	new = old;
	new.rlim_cur = 77;
	MUST(setrlimit(RLIMIT_NOFILE, &new));
	line = strstr(text_of("/proc/self/limits"), "Max open files");
	CHECK(line && sscanf(line, "Max open files %31s %31s files", soft, hard) == 2);
	CHECK_EQ(atoi(soft), 77);
	CHECK_EQ(strtoul(hard, NULL, 10), old.rlim_max);
	MUST(setrlimit(RLIMIT_NOFILE, &old));
	CHECK(strstr(text_of("/proc/self/limits"), "Limit                     Soft Limit") != NULL);
}

static void mounts(void)
{
	char type[32] = "";
	const char *line = strstr(text_of("/proc/self/mountinfo"), " /proc ");

	CHECK(line && (line = strstr(line, " - ")) && sscanf(line, " - %31s", type) == 1);
	CHECK(!strcmp(type, "proc"));
}

/* Values that programs read at their start. */
static void settings(void)
{
	static const char *const numbers[] = {
	    "/proc/sys/kernel/threads-max",  "/proc/sys/kernel/ngroups_max",
	    "/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/pid_max",
	    "/proc/sys/fs/pipe-max-size",    "/proc/sys/fs/nr_open",
	    "/proc/sys/vm/max_map_count",    "/proc/sys/kernel/random/entropy_avail"};
	char *end, first[64];

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const char *text = text_of(numbers[i]);

		CHECK(strtoul(text, &end, 10) > 0 && !strcmp(end, "\n"));
	}
	strcpy(first, text_of("/proc/sys/kernel/random/boot_id"));
	CHECK_EQ(strlen(first), 37);
	CHECK(!strcmp(first, text_of("/proc/sys/kernel/random/boot_id")));
	CHECK(strcmp(first, text_of("/proc/sys/kernel/random/uuid")));
	CHECK(strncmp(text_of("/proc/swaps"), "Filename", 8) == 0);
	CHECK_EQ(IN_CHILD({
			 int fd = open("/proc/self/oom_score_adj", O_WRONLY);
			 CHECK_EQ(write(fd, "500\n", 4), 4);
			 CHECK_ERR(write(fd, "1001\n", 5), EINVAL);
			 CHECK_EQ(atoi(text_of("/proc/self/oom_score_adj")), 500);
			 CHECK_EQ(
			     IN_CHILD(CHECK_EQ(atoi(text_of("/proc/self/oom_score_adj")), 500)), 0);
		 }),
		 0);
}

static void processors_of_sys(void)
{
	long first = -1, last = -1;
	int n = sscanf(text_of("/sys/devices/system/cpu/online"), "%ld-%ld", &first, &last);

	CHECK(n == 1 || n == 2);
	CHECK_EQ(first, 0);
	CHECK_EQ(n == 2 ? last + 1 : 1, sysconf(_SC_NPROCESSORS_CONF));
	CHECK_EQ(atoi(text_of("/sys/devices/system/cpu/cpu0/topology/core_id")), 0);
}

static void file_system(void)
{
	struct statfs f;

	CHECK_EQ(statfs("/proc", &f), 0);
	CHECK_EQ(f.f_type, 0x9fa0);
}

static void system_wide(void)
{
	double up, idle, loads[3];
	int running, all, last;
	struct utsname u;

	CHECK(read_file("/proc/uptime") > 0);
	CHECK_EQ(sscanf(text, "%lf %lf\n", &up, &idle), 2);
	CHECK(up > 0 && idle >= 0);
	CHECK(read_file("/proc/loadavg") > 0);
	CHECK_EQ(sscanf(text, "%lf %lf %lf %d/%d %d", loads, loads + 1, loads + 2, &running, &all,
			&last),
		 6);
	CHECK(running >= 1 && all >= running && last > 0);
	CHECK(read_file("/proc/mounts") > 0);
	CHECK(strstr(text, " / ") && strstr(text, " /proc proc ") && strstr(text, " /dev "));
	CHECK(read_file("/proc/version") > 0);
	CHECK(read_file("/proc/filesystems") > 0);
	CHECK(strstr(text, "proc") != NULL);
	CHECK(read_file("/proc/sys/kernel/ostype") == 6);
	CHECK_EQ(uname(&u), 0);
	CHECK_EQ(strcmp(u.sysname, "Linux"), 0);
	CHECK_EQ(strcmp(u.machine, "x86_64"), 0);
	CHECK_ERR(syscall(SYS_uname, BAD), EFAULT);
	/* Nothing can be made there. */
	CHECK(open("/proc/new", O_CREAT | O_RDWR, 0644) < 0);
	CHECK(mkdir("/proc/new", 0755) < 0);
	CHECK(unlink("/proc/stat") < 0);
}

/* The name of a mapped file must not begin a line either. */
static void name_with_a_newline(void)
{
	int fd = MUST(open("a b\n\\c", O_CREAT | O_RDWR, 0600));
	char *p;

	MUST(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	read_file("/proc/self/maps");
	CHECK(strstr(text, "/a b\\012\\c\n") != NULL);
	munmap(p, PAGE);
	close(fd);
	unlink("a b\n\\c");
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "pause") == 0)
		for (;;)
			pause();
	check_start_in_directory();
	RUN(own_stat);
	RUN(own_status);
	RUN(own_memory);
	RUN(own_links);
	RUN(others);
	RUN(removed_program);
	RUN(ended);
	RUN(processors);
	RUN(memory);
	RUN(system_wide);
	RUN(file_system);
	RUN(descriptors);
	RUN(limits);
	RUN(mounts);
	RUN(name_with_a_newline);
	RUN(settings);
	RUN(processors_of_sys);
	return check_end();
}
