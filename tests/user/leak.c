/* SPDX-License-Identifier: MIT
 *
 * leak [ROUNDS]: fork-exec-exit-wait and threads, so many rounds; then as many frames and objects
 * of the kernel are in use as before; and after more at once than ever before.  Linux does not
 * tell, so there only the rounds are run.
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

static int rounds = 200;

/* What /proc/heddle says when every CPU's caches have given theirs back: frames free or in slabs,
 * and objects in use, cache by cache.  (How many slabs a few living objects are strewn over is
 * chance.) */
struct count {
	int lines;
	char names[64][24];
	long values[64];
};

static void add(struct count *c, const char *name, long value)
{
	if (c->lines == 64)
		return;
	strcpy(c->names[c->lines], name);
	c->values[c->lines++] = value;
}

static void read_count(struct count *c)
{
	FILE *frames = fopen("/proc/heddle/frames", "r"), *slabs;
	long value, strewn = 0;
	char name[24];
	int fd;

	memset(c, 0, sizeof(*c));
	if (!frames)
		return;
	fd = MUST(open("/proc/sys/vm/drop_caches", O_WRONLY));
	CHECK_EQ(write(fd, "1\n", 2), 2);
	close(fd);
	slabs = fopen("/proc/heddle/slab", "r");
	while (fscanf(frames, "%23s %ld", name, &value) == 2)
		if (strcmp(name, "free") == 0 || strcmp(name, "slab") == 0)
			strewn += value;
		else if (strcmp(name, "failed") != 0 && strcmp(name, "free_in_cpu_caches") != 0)
			add(c, name, value);
	add(c, "free or in slabs", strewn);
	while (slabs && fscanf(slabs, "%23s %ld %*[^\n]", name, &value) == 2)
		add(c, name, value);
	fclose(frames);
	if (CHECK(slabs))
		fclose(slabs);
	CHECK(c->lines > 10);
}

/* The same ten times in a row: what has just ended may still be taken apart. */
static void settled_count(struct count *c)
{
	long end = now_ms() + 5000;
	struct count last;

	read_count(c);
	for (int same = 0; c->lines > 0 && same < 10 && now_ms() < end;) {
		last = *c;
		sleep_ms(10);
		read_count(c);
		same = memcmp(&last, c, sizeof(last)) == 0 ? same + 1 : 0;
	}
}

static void one_process(void)
{
	CHECK_EQ(IN_CHILD(execl(self_path(), "leak", "exit", (char *)NULL)), EXITED(5));
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
	CHECK_EQ(IN_CHILD(p[0] = 2; s[40 * PAGE] = 3; timer_create(CLOCK_MONOTONIC, NULL, &timer);
			  mask(SIG_BLOCK, SIGRTMIN); for (int i = 0; i < 20; i++)
			      sigqueue(getpid(), SIGRTMIN, (union sigval){0});
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

static void send_file(int to, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = {
	    {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c};

	m.msg_controllen = sizeof(c);
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	(void)!sendmsg(to, &m, MSG_DONTWAIT);
}

/* Sockets closed with messages and connections waiting, and some sent over themselves. */
static void some_sockets(void)
{
	struct sockaddr_un name = {AF_UNIX, "socket"};
	int a[2], b[2], l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, b));
	MUST(bind(l, (struct sockaddr *)&name, sizeof(name)));
	MUST(listen(l, 5));
	MUST(connect(c, (struct sockaddr *)&name, sizeof(name)));
	CHECK_EQ(write(c, "hello", 5), 5);
	CHECK_EQ(write(b[0], "hello", 5), 5);
	send_file(a[0], a[1]); /* a[1] waits at a[1] */
	send_file(a[0], b[1]); /* two that wait at each other */
	send_file(b[0], a[1]);
	send_file(c, l); /* a listener at what it has not accepted */
	unlink("socket");
	syscall(SYS_close_range, 3, ~0U, 0);
}

static bool same_counts(const struct count *a, const struct count *b)
{
	return a->lines == b->lines && memcmp(a->values, b->values, sizeof(a->values)) == 0;
}

/* In a child, so that only what the kernel keeps is counted; once to fill its caches.  On a busy
 * machine a CPU may stand still while it takes apart what has ended, and looks settled: what is
 * lost is lost at each of three tries. */
static void compare(void (*what)(void), int times)
{
	struct count before, after;

	IN_CHILD(for (int i = 0; i < 10; i++) what());
	for (int try = 0; try < 3; try++) {
		settled_count(&before);
		CHECK_EQ(IN_CHILD(for (int i = 0; i < times && check_failures == 0; i++) what()),
			 0);
		settled_count(&after);
		if (same_counts(&after, &before))
			return;
	}
	CHECK_EQ(after.lines, before.lines);
	for (int i = 0; i < after.lines; i++)
		if (!CHECK_EQ(after.values[i], before.values[i]))
			printf("# that is: %s\n", before.names[i]);
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

static void sockets(void)
{
	compare(some_sockets, rounds / 10);
}

/* --- Many at once, which no load before had: what tables grew to is freed ----------------------
 */

/* Frames in use, slabs not counted; 0: not on Heddle. */
static long frames_in_use(void)
{
	struct count c;
	long frames = 0;

	settled_count(&c);
	for (int i = 0; i < c.lines && strcmp(c.names[i], "free or in slabs") != 0; i++)
		if (strcmp(c.names[i], "total") != 0)
			frames += c.values[i];
	return frames;
}

static void many_ids(int n)
{
	int ids[1000];

	for (int kind = 0; kind < 3; kind++) {
		for (int i = 0; i < n; i++)
			ids[i] = MUST(kind == 0	  ? msgget(IPC_PRIVATE, 0600)
				      : kind == 1 ? semget(IPC_PRIVATE, 1, 0600)
						  : shmget(IPC_PRIVATE, 1, 0600));
		for (int i = 0; i < n; i++)
			MUST(kind == 0	 ? msgctl(ids[i], IPC_RMID, NULL)
			     : kind == 1 ? semctl(ids[i], 0, IPC_RMID)
					 : shmctl(ids[i], IPC_RMID, NULL));
	}
}

static void many_terminals(int n)
{
	for (int i = 0; i < n / 10; i++)
		MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
}

static void many_files(int n)
{
	char name[24];

	for (int remove = 0; remove < 2; remove++)
		for (int i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "many%d", i);
			if (remove)
				MUST(unlink(name));
			else
				close(MUST(open(name, O_CREAT | O_WRONLY, 0600)));
		}
}

static void many_processes(int n)
{
	for (int i = 0; i < n / 4; i++)
		if (MUST(fork()) == 0) {
			pause();
			_exit(1);
		}
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	for (int i = 0; i < n / 4; i++)
		wait(NULL);
}

static void many_names(int n)
{
	for (int i = 0; i < n / 10; i++) {
		struct sockaddr_un name = {AF_UNIX, ""};
		int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

		snprintf(name.sun_path + 1, 20, "leak%d", i);
		MUST(bind(fd, (struct sockaddr *)&name, sizeof(name)));
	}
}

static void peaks(void)
{
	static void (*const what[])(int) = {many_ids, many_terminals, many_files, many_processes,
					    many_names};

	for (size_t i = 0; i < COUNT_OF(what); i++) {
		long before, more = 0;

		CHECK_EQ(IN_CHILD(setpgid(0, 0); what[i](20)), 0);
		before = frames_in_use();
		CHECK_EQ(IN_CHILD(setpgid(0, 0); what[i](800)), 0);
		for (int try = 0; try < 3; try++) {
			more = frames_in_use() - before;
			if (more <= 0)
				break;
		}
		if (!CHECK(more <= 0))
			printf("# after peak %zu: %ld frames more\n", i, more);
	}
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
	RUN(sockets);
	RUN(peaks);
	return check_end();
}
