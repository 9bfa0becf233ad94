/* SPDX-License-Identifier: MIT
 *
 * The values of arguments, in the process of a program.
 */
#include "fuzz.h"

#include <ctype.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

/* --- Memory ----------------------------------------------------------------------------------- */

/* The worker maps all of this once, at fixed addresses, so that a program means the same each time;
 * its children have copies on write. */
enum {
	BUF = 0x20000000,  /* 64 KiB that can be written */
	AREA = 0x21000000, /* 256 KiB, for calls that change mappings */
	END = 0x22000000,  /* behind it nothing is mapped */
	RO = 0x23000000,
	NONE = 0x24000000,
	HOLE = 0x25000000,
	LAZY = 0x26000000,   /* 64 KiB that have not been touched */
	COW = 0x27000000,    /* 64 KiB, copied on write */
	SHM = 0x28000000,    /* 64 KiB that all programs of the worker share */
	BEYOND = 0x29000000, /* pages of a file behind its end */
	STACKS = 0x2a000000, /* for CALL_CLONE */
	SCRATCH = 0x2b000000,
	SCRATCH_SIZE = 0x4000, /* of each lane; a page behind it is not mapped */
};

static void map_at(long address, long size, int prot, int flags, int fd)
{
	void *m = mmap((void *)address, (size_t)size, prot, flags | MAP_FIXED, fd, 0);

	if (m == MAP_FAILED)
		perror("fuzz: mmap");
	else if (prot & PROT_WRITE && fd < 0 && address != LAZY)
		memset(m, 0x41, (size_t)size);
}

void memory_prepare(void)
{
	int anonymous = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	int file = memfd_create("beyond", 0);

	map_at(BUF, 0x10000, rw, anonymous, -1);
	memset((void *)BUF, 0, 0x1000);
	map_at(AREA, 0x40000, rw, anonymous, -1);
	map_at(END - 4 * PAGE, 4 * PAGE, rw, anonymous, -1);
	map_at(RO, 0x10000, PROT_READ, anonymous, -1);
	map_at(NONE, 0x10000, PROT_NONE, anonymous, -1);
	map_at(LAZY, 0x10000, rw, anonymous, -1);
	map_at(COW, 0x10000, rw, anonymous, -1);
	map_at(SHM, 0x10000, rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	map_at(BEYOND, 0x4000, rw, MAP_SHARED, file);
	map_at(STACKS, 0x40000, rw, anonymous, -1);
	for (int lane = 0; lane < LANES; lane++)
		map_at(SCRATCH + lane * 0x10000L, SCRATCH_SIZE, rw, anonymous, -1);
	close(file);
}

long clone_stack(void)
{
	static int next;

	return STACKS + 0x8000L * (1 + __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % 8);
}

/* What lies in the lane's scratch memory: strings and arrays of the present call. */
static long scratch_used[LANES];

void resolve_begin(int lane)
{
	scratch_used[lane] = 0;
}

static long scratch_put(int lane, const void *bytes, long size, bool at_end)
{
	long start = SCRATCH + lane * 0x10000L, at;

	at = at_end ? start + SCRATCH_SIZE - size : start + scratch_used[lane];
	if (!at_end && scratch_used[lane] + size > SCRATCH_SIZE)
		return 0;
	if (!at_end)
		scratch_used[lane] += (size + 15) & ~15L;
	memcpy((void *)at, bytes, (size_t)size);
	return at;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

enum { FIRST_FD = 10 };
static const char *const fd_names[] = {
    "file",  "dir",   "pipe",  "pipe.w", "stream", "stream2", "dgram", "listen",
    "epoll", "event", "timer", "signal", "ptm",	   "pts",     "pidfd", "memfd",
    "mq",    "proc",  "null",  "path",	 "tmp",	   "fifo",
};
enum { FDS = sizeof(fd_names) / sizeof(fd_names[0]) };

static int fd_index(const char *name, size_t n)
{
	for (int i = 0; i < FDS; i++)
		if (strlen(fd_names[i]) == n && !strncmp(fd_names[i], name, n))
			return i;
	return -1;
}

static void place(int fd, const char *name)
{
	int at = FIRST_FD + fd_index(name, strlen(name));

	if (fd >= 0 && fd != at) {
		dup2(fd, at);
		close(fd);
	}
}

static void place_two(int fds[2], int failed, const char *first, const char *second)
{
	if (!failed) {
		place(fds[0], first);
		place(fds[1], second);
	}
}

static void fd_listen(void)
{
	struct sockaddr_un a = {AF_UNIX, "s"};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	unlink("s");
	if (s >= 0) {
		(void)!bind(s, (struct sockaddr *)&a, sizeof(a));
		(void)!listen(s, 4);
	}
	place(s, "listen");
}

static void fd_terminal(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), other;

	if (master < 0)
		return;
	grantpt(master);
	unlockpt(master);
	other = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
	place(other, "pts");
	place(master, "ptm");
}

static pid_t child_pid;

static void fd_child(void)
{
	child_pid = fork();
	if (child_pid == 0) {
		for (int i = 0; i < 100; i++)
			usleep(10000);
		_exit(3);
	}
	if (child_pid > 0)
		place((int)syscall(SYS_pidfd_open, child_pid, 0), "pidfd");
}

/* More descriptors than the program names cost time, so only those are opened. */
static void fd_open(const char *name)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 100};
	sigset_t set;
	int fds[2];

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (!strcmp(name, "file")) {
		int f = open("a", O_RDWR | O_CREAT, 0644);

		(void)!write(f, (void *)COW, 5000);
		lseek(f, 0, SEEK_SET);
		place(f, name);
	} else if (!strcmp(name, "dir")) {
		mkdir("d", 0755);
		place(open("d", O_RDONLY | O_DIRECTORY), name);
	} else if (!strcmp(name, "pipe") || !strcmp(name, "pipe.w")) {
		int failed = pipe2(fds, O_NONBLOCK);

		place_two(fds, failed, "pipe", "pipe.w");
		if (!failed)
			(void)!write(FIRST_FD + fd_index("pipe.w", 6), (void *)COW, 100);
	} else if (!strcmp(name, "stream") || !strcmp(name, "stream2")) {
		place_two(fds, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), "stream",
			  "stream2");
	} else if (!strcmp(name, "dgram")) {
		place(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), name);
	} else if (!strcmp(name, "listen")) {
		fd_listen();
	} else if (!strcmp(name, "epoll")) {
		place(epoll_create1(0), name);
	} else if (!strcmp(name, "event")) {
		place(eventfd(1, 0), name);
	} else if (!strcmp(name, "timer")) {
		place(timerfd_create(CLOCK_MONOTONIC, 0), name);
	} else if (!strcmp(name, "signal")) {
		place(signalfd(-1, &set, SFD_NONBLOCK), name);
	} else if (!strcmp(name, "ptm") || !strcmp(name, "pts")) {
		fd_terminal();
	} else if (!strcmp(name, "pidfd")) {
		fd_child();
	} else if (!strcmp(name, "memfd")) {
		int f = memfd_create("m", MFD_ALLOW_SEALING);

		(void)!ftruncate(f, 20000);
		place(f, name);
	} else if (!strcmp(name, "mq")) {
		place(mq_open("/a", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes), name);
	} else if (!strcmp(name, "proc")) {
		place(open("/proc/self/maps", O_RDONLY), name);
	} else if (!strcmp(name, "null")) {
		place(open("/dev/null", O_RDWR), name);
	} else if (!strcmp(name, "path")) {
		place(open(".", O_PATH), name);
	} else if (!strcmp(name, "tmp")) {
		place(open(".", O_TMPFILE | O_RDWR, 0600), name);
	} else if (!strcmp(name, "fifo")) {
		mkfifo("f", 0644);
		place(open("f", O_RDWR | O_NONBLOCK), name);
	}
}

void resolve_prepare(const struct program *p)
{
	bool wanted[FDS] = {false};

	child_pid = 0;
	for (int i = 0; i < p->count; i++)
		for (int k = 0; k < MAX_ARGS; k++)
			for (const char *at = p->lines[i].args[k]; (at = strchr(at, '@'));) {
				size_t n = strspn(++at, "abcdefghijklmnopqrstuvwxyz0123456789.");
				int index = fd_index(at, n);

				if (index >= 0)
					wanted[index] = true;
			}
	for (int i = 0; i < p->count && !wanted[fd_index("pidfd", 5)]; i++)
		for (int k = 0; k < MAX_ARGS; k++)
			if (strstr(p->lines[i].args[k], "child"))
				wanted[fd_index("pidfd", 5)] = true;
	for (int i = 0; i < FDS; i++)
		if (wanted[i] && fcntl(FIRST_FD + i, F_GETFD) < 0)
			fd_open(fd_names[i]);
}

/* --- Values ----------------------------------------------------------------------------------- */

extern void fuzz_handler(int signal), fuzz_restorer(void);
extern volatile int lane_tids[LANES];

struct reader {
	const char *at;
	int lane;
	const volatile long *results;
};

static long parse_value(struct reader *r);

static const struct {
	const char *name;
	long value;
} places[] = {
    {"null", 0},
    {"buf", BUF},
    {"area", AREA},
    {"end", END},
    {"ro", RO},
    {"none", NONE},
    {"hole", HOLE},
    {"lazy", LAZY},
    {"cow", COW},
    {"shm", SHM},
    {"beyond", BEYOND},
    {"noncanon", 1L << 47},
    {"kernel", -0x7f000000L},
    {"code", 0x401000},
};

static long named(struct reader *r, const char *name, size_t n)
{
	long value;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strlen(places[i].name) == n && !strncmp(places[i].name, name, n))
			return places[i].value;
	if (n == 4 && !strncmp(name, "self", n))
		return syscall(SYS_getpid);
	if (n == 5 && !strncmp(name, "child", n))
		return child_pid > 0 ? child_pid : 999999;
	if (n == 4 && !strncmp(name, "tid", 3))
		return lane_tids[name[3] == '2' ? 2 : 1];
	if (n == 7 && !strncmp(name, "handler", n))
		return (long)fuzz_handler;
	if (n == 8 && !strncmp(name, "restorer", n))
		return (long)fuzz_restorer;
	return name_value(name, n, &value) ? value : 0;
}

static long parse_part(struct reader *r)
{
	const char *name = r->at;
	long value;

	if (*name == '@') {
		size_t n = strspn(name + 1, "abcdefghijklmnopqrstuvwxyz0123456789.");

		r->at += n + 1;
		return FIRST_FD + fd_index(name + 1, n);
	}
	if (*name == 'r' && isdigit((unsigned char)name[1])) {
		value = strtol(name + 1, (char **)&r->at, 10);
		return value >= 0 && value < MAX_LINES ? r->results[value] : -1;
	}
	if (isdigit((unsigned char)*name) || *name == '-')
		return (long)strtoul(name, (char **)&r->at, 0);
	r->at += strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	if (r->at == name) {
		r->at++; /* what it does not understand is 0 */
		return 0;
	}
	return named(r, name, (size_t)(r->at - name));
}

/* The bytes up to `quote`, with \xNN. */
static size_t parse_bytes(struct reader *r, char quote, char *bytes, size_t size)
{
	size_t n = 0;

	for (r->at++; *r->at && *r->at != quote;) {
		char c = *r->at++, number[3];

		if (c == '\\' && r->at[0] == 'x' && r->at[1] && r->at[2]) {
			number[0] = r->at[1], number[1] = r->at[2], number[2] = '\0';
			c = (char)strtol(number, NULL, 16);
			r->at += 3;
		}
		if (n < size)
			bytes[n++] = c;
	}
	r->at += *r->at == quote;
	return n;
}

static long parse_array(struct reader *r, bool at_end)
{
	uint64_t words[48] = {0};
	size_t n = 0;

	r->at++;
	while (*r->at && *r->at != ']' && n < 40) {
		if (*r->at == '\'') {
			n += (parse_bytes(r, '\'', (char *)&words[n], 8 * (48 - n)) + 7) / 8;
		} else {
			words[n] = (uint64_t)parse_value(r);
			if (*r->at == ':') {
				r->at++;
				words[n] = (uint32_t)words[n] | (uint64_t)parse_value(r) << 32;
			}
			n++;
		}
		r->at += *r->at == ',';
	}
	r->at += *r->at == ']';
	return scratch_put(r->lane, words, (long)n * 8, at_end);
}

static long parse_value(struct reader *r)
{
	char text[ARG_SIZE] = "";
	long value;
	size_t n;

	if (*r->at == '"') {
		n = parse_bytes(r, '"', text, sizeof(text) - 1);
		return scratch_put(r->lane, text, (long)n + 1, false);
	}
	if (*r->at == '[')
		return parse_array(r, false);
	if (r->at[0] == '^' && r->at[1] == '[') {
		r->at++;
		return parse_array(r, true);
	}
	value = parse_part(r);
	while (*r->at == '+' || *r->at == '-') {
		bool minus = *r->at++ == '-';
		long more = parse_part(r);

		value += minus ? -more : more;
	}
	return value;
}

long resolve(const char *arg, int lane, const volatile long *results)
{
	struct reader r = {arg, lane, results};

	return *arg ? parse_value(&r) : 0;
}
