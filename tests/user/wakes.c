/* SPDX-License-Identifier: MIT
 *
 * Of many that wait for one thing, those that can go on are woken, and no others: counted by the
 * context switches of those that stay.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include "check.h"

#define WAITERS 60
/* One switch for each would be WAITERS.  A waiter may be switched from once more while it falls
 * asleep, some may get what the first that was woken left, and each is preempted now and then. */
#define FEW	  12
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Linux wakes all here. */
#define HEDDLE_WAKES_FEW(event)                                                                    \
	do {                                                                                       \
		if (access("/proc/heddle", F_OK) == 0) {                                           \
			WAKES_FEW(true, event);                                                    \
		} else {                                                                           \
			event;                                                                     \
			one_ends();                                                                \
		}                                                                                  \
	} while (0)

static pid_t pids[WAITERS];
static int p[2];
static char page[PAGE];

static long switches_of(pid_t pid)
{
	char path[40], line[100];
	long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	if (f)
		fclose(f);
	return n;
}

static long switches(void)
{
	long n = 0;

	for (int i = 0; i < WAITERS; i++)
		n += pids[i] ? switches_of(pids[i]) : 0;
	return n;
}

/* Start the waiters; returns when all sleep. */
#define START_WAITERS(...)                                                                         \
	do {                                                                                       \
		for (int i_ = 0; i_ < WAITERS; i_++)                                               \
			pids[i_] = SPAWN(__VA_ARGS__);                                             \
		for (int i_ = 0; i_ < WAITERS; i_++)                                               \
			WAIT_UNTIL(process_state(pids[i_]) == 'S');                                \
	} while (0)

/* Wait for one of them to end well. */
static void one_ends(void)
{
	int status;
	pid_t pid = MUST(wait(&status));

	CHECK_EQ(status, 0);
	for (int i = 0; i < WAITERS; i++)
		if (pids[i] == pid)
			pids[i] = 0;
}

static void all_end(void)
{
	int left = 0;

	for (int i = 0; i < WAITERS; i++)
		left += pids[i] != 0;
	while (left--)
		one_ends();
	CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

/* `event` lets one of the waiters go on, or none if `ends` is false: the others are not woken. */
#define WAKES_FEW(ends, event)                                                                     \
	do {                                                                                       \
		long before_ = switches(), woken_;                                                 \
		event;                                                                             \
		if (ends) {                                                                        \
			one_ends();                                                                \
			before_ = MIN(before_, switches());                                        \
		}                                                                                  \
		sleep_ms(20);                                                                      \
		woken_ = switches() - before_;                                                     \
		if (woken_ > FEW)                                                                  \
			printf("# %s: %ld switches of %d waiters, wanted at most %d\n", #event,    \
			       woken_, WAITERS, FEW);                                              \
		CHECK(woken_ <= FEW);                                                              \
	} while (0)

static void pipe_readers(void)
{
	char c = 'x';

	SKIP_IF(!has_proc(), "no /proc");
	MUST(pipe(p));
	START_WAITERS(CHECK_EQ(read(p[0], &c, 1), 1));
	for (int i = 0; i < 5; i++)
		WAKES_FEW(true, CHECK_EQ(write(p[1], &c, 1), 1));
	/* Each leaves the rest to the next one. */
	CHECK_EQ(write(p[1], page, WAITERS - 5), WAITERS - 5);
	all_end();
	close(p[0]);
	close(p[1]);
}

static void pipe_writers(void)
{
	SKIP_IF(!has_proc(), "no /proc");
	MUST(pipe(p));
	while (fcntl(p[1], F_SETFL, O_NONBLOCK), write(p[1], page, PAGE) == PAGE)
		;
	fcntl(p[1], F_SETFL, 0);
	START_WAITERS(CHECK_EQ(write(p[1], page, PAGE), PAGE));
	for (int i = 0; i < 5; i++)
		WAKES_FEW(true, CHECK_EQ(read(p[0], page, PAGE), PAGE));
	for (int i = 0; i < WAITERS - 5; i++)
		CHECK_EQ(read(p[0], page, PAGE), PAGE);
	all_end();
	close(p[0]);
	close(p[1]);
}

/* The one that was woken fails and takes nothing: another one gets the byte. */
static void passed_on(void)
{
	pid_t bad, good;
	char c;

	MUST(pipe(p));
	bad = SPAWN(CHECK_ERR(read(p[0], BAD, 1), EFAULT));
	WAIT_UNTIL(is_asleep(bad));
	good = SPAWN(CHECK_EQ(read(p[0], &c, 1), 1));
	WAIT_UNTIL(is_asleep(good));
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(wait_status(bad), 0);
	CHECK_EQ(wait_status(good), 0);
	close(p[0]);
	close(p[1]);
}

static void fifo_openers(void)
{
	int fd, more[5];

	SKIP_IF(!has_proc(), "no /proc");
	MUST(mkfifo("fifo", 0600));
	START_WAITERS(MUST(open("fifo", O_RDONLY)));
	for (int i = 0; i < 5; i++)
		WAKES_FEW(false, more[i] = MUST(open("fifo", O_RDONLY | O_NONBLOCK)));
	for (int i = 0; i < 5; i++)
		close(more[i]); /* Linux wakes all here */
	fd = MUST(open("fifo", O_WRONLY));
	all_end();
	close(fd);
	unlink("fifo");
}

static void socket_readers(void)
{
	char c = 'x';

	SKIP_IF(!has_proc() || !has_call(SYS_socketpair), "no sockets");
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	START_WAITERS(CHECK_EQ(read(p[0], &c, 1), 1));
	for (int i = 0; i < 5; i++)
		WAKES_FEW(true, CHECK_EQ(write(p[1], &c, 1), 1));
	for (int i = 0; i < WAITERS - 5; i++)
		CHECK_EQ(write(p[1], &c, 1), 1);
	all_end();
	close(p[0]);
	close(p[1]);
}

static void accepters(void)
{
	struct sockaddr_un at = {AF_UNIX, "listener"};
	int l, clients[WAITERS];

	SKIP_IF(!has_proc() || !has_call(SYS_socketpair), "no sockets");
	l = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(l, (struct sockaddr *)&at, sizeof(at)));
	MUST(listen(l, WAITERS));
	START_WAITERS(MUST(accept(l, NULL, NULL)));
	for (int i = 0; i < WAITERS; i++)
		clients[i] = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	for (int i = 0; i < 5; i++)
		WAKES_FEW(true, MUST(connect(clients[i], (struct sockaddr *)&at, sizeof(at))));
	for (int i = 5; i < WAITERS; i++)
		MUST(connect(clients[i], (struct sockaddr *)&at, sizeof(at)));
	all_end();
	for (int i = 0; i < WAITERS; i++)
		close(clients[i]);
	close(l);
	unlink("listener");
}

/* --- Sockets ---------------------------------------------------------------------------------- */

static void stream_readers(void)
{
	char c = 'x';

	SKIP_IF(!has_proc() || !has_call(SYS_socketpair), "no sockets");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	START_WAITERS(CHECK_EQ(read(p[0], &c, 1), 1));
	for (int i = 0; i < 5; i++)
		HEDDLE_WAKES_FEW(CHECK_EQ(write(p[1], &c, 1), 1));
	CHECK_EQ(write(p[1], page, WAITERS - 5), WAITERS - 5);
	all_end();
	close(p[0]);
	close(p[1]);
}

#define PIECE 2048
static int pieces; /* in a full pair */

/* A pair whose first end can be sent no more pieces by the second. */
static void full_pair(int type)
{
	int least = 1;

	MUST(socketpair(AF_UNIX, type, 0, p));
	MUST(setsockopt(p[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)));
	for (pieces = 0; send(p[1], page, PIECE, MSG_DONTWAIT) == PIECE; pieces++)
		;
}

/* Take what filled it, and not what writers add meanwhile. */
static void drain(void)
{
	for (int i = 0; i < pieces && recv(p[0], page, PIECE, MSG_DONTWAIT) > 0; i++)
		;
}

/* Both read and wait until one has ended: how many fit differs between the systems. */
static void writers(int type)
{
	SKIP_IF(!has_proc() || !has_call(SYS_socketpair), "no sockets");
	full_pair(type);
	START_WAITERS(CHECK_EQ(send(p[1], page, PIECE, 0), PIECE));
	for (int i = 0; i < 5; i++)
		HEDDLE_WAKES_FEW(drain());
	for (;;) {
		int left = 0;

		drain();
		sleep_ms(1);
		for (int i = 0; i < WAITERS; i++)
			left += pids[i] && process_state(pids[i]) != 'Z';
		if (!left)
			break;
	}
	all_end();
	close(p[0]);
	close(p[1]);
}

static void stream_writers(void)
{
	writers(SOCK_STREAM);
}

static void datagram_writers(void)
{
	writers(SOCK_DGRAM);
}

/* One of those that wait gets an error and sends nothing: the other one goes on. */
static void writer_fails(void)
{
	int least = 1, to, from[2];
	struct sockaddr_un name = {AF_UNIX, "receiver"};
	pid_t pid[2];

	SKIP_IF(!has_call(SYS_socketpair), "no sockets");
	to = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	MUST(bind(to, (struct sockaddr *)&name, sizeof(name)));
	for (int i = 0; i < 2; i++) {
		from[i] = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
		MUST(connect(from[i], (struct sockaddr *)&name, sizeof(name)));
		MUST(setsockopt(from[i], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)));
	}
	while (send(from[0], page, PIECE, MSG_DONTWAIT) == PIECE)
		;
	while (send(from[1], page, PIECE, MSG_DONTWAIT) == PIECE)
		;
	for (int i = 0; i < 2; i++) {
		pid[i] = SPAWN(CHECK(send(from[i], page, PIECE, MSG_NOSIGNAL) == PIECE ||
				     (i == 0 && errno == EPIPE)));
		WAIT_UNTIL(is_asleep(pid[i]));
	}
	MUST(shutdown(from[0], SHUT_WR));
	while (recv(to, page, PIECE, MSG_DONTWAIT) > 0)
		;
	CHECK_EQ(wait_status(pid[0]), 0);
	CHECK_EQ(wait_status(pid[1]), 0);
	for (int i = 0; i < 2; i++)
		close(from[i]);
	close(to);
	unlink("receiver");
}

static void connectors(void)
{
	struct sockaddr_un at = {AF_UNIX, "listener"};
	int l, accepted;

	SKIP_IF(!has_proc() || !has_call(SYS_socketpair), "no sockets");
	l = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(l, (struct sockaddr *)&at, sizeof(at)));
	MUST(listen(l, 0));
	accepted = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(connect(accepted, (struct sockaddr *)&at, sizeof(at)));
	START_WAITERS(int s = socket(AF_UNIX, SOCK_STREAM, 0);
		      MUST(connect(s, (struct sockaddr *)&at, sizeof(at))));
	close(accepted);
	for (int i = 0; i < 5; i++)
		WAKES_FEW(true, close(MUST(accept(l, NULL, NULL))));
	for (int i = 0; i < WAITERS - 4; i++)
		close(MUST(accept(l, NULL, NULL)));
	all_end();
	close(l);
	unlink("listener");
}

/* Who waits for room is not woken by data. */
static void pollers_of_room(void)
{
	struct pollfd f = {.events = POLLOUT};
	char c = 'x';

	SKIP_IF(!has_proc() || !has_call(SYS_socketpair) || !has_call(SYS_poll), "no sockets");
	full_pair(SOCK_STREAM);
	f.fd = p[1];
	START_WAITERS(CHECK_EQ(poll(&f, 1, -1), 1));
	for (int i = 0; i < 3; i++)
		WAKES_FEW(false, CHECK_EQ(write(p[0], &c, 1), 1));
	drain();
	all_end();
	close(p[0]);
	close(p[1]);
}

/* --- eventfd and message queues --------------------------------------------------------------- */

static void eventfd_readers(void)
{
	eventfd_t n;
	int fd;

	SKIP_IF(!has_proc() || !has_call(SYS_eventfd2), "no eventfd");
	fd = MUST(eventfd(0, EFD_SEMAPHORE));
	START_WAITERS(CHECK_EQ(eventfd_read(fd, &n), 0));
	for (int i = 0; i < 5; i++)
		HEDDLE_WAKES_FEW(CHECK_EQ(eventfd_write(fd, 1), 0));
	CHECK_EQ(eventfd_write(fd, WAITERS - 5), 0);
	all_end();
	close(fd);
}

#define MOST (UINT64_MAX - 1)

static void eventfd_writers(void)
{
	eventfd_t n;
	int fd;

	SKIP_IF(!has_proc() || !has_call(SYS_eventfd2), "no eventfd");
	fd = MUST(eventfd(0, 0));
	MUST(eventfd_write(fd, MOST));
	START_WAITERS(CHECK_EQ(eventfd_write(fd, MOST - 1), 0));
	for (int i = 0; i < 5; i++)
		HEDDLE_WAKES_FEW(CHECK_EQ(eventfd_read(fd, &n), 0));
	for (int i = 5; i < WAITERS; i++) {
		CHECK_EQ(eventfd_read(fd, &n), 0);
		one_ends();
	}
	/* Each that goes on lets the next one go on. */
	CHECK_EQ(eventfd_read(fd, &n), 0);
	MUST(eventfd_write(fd, MOST));
	START_WAITERS(CHECK_EQ(eventfd_write(fd, 1), 0));
	CHECK_EQ(eventfd_read(fd, &n), 0);
	all_end();
	close(fd);
	/* One that does not fit does not keep back one that does. */
	fd = MUST(eventfd(0, EFD_SEMAPHORE));
	MUST(eventfd_write(fd, MOST));
	pids[0] = SPAWN(eventfd_write(fd, 100));
	WAIT_UNTIL(is_asleep(pids[0]));
	pids[1] = SPAWN(CHECK_EQ(eventfd_write(fd, 1), 0));
	WAIT_UNTIL(is_asleep(pids[1]));
	CHECK_EQ(eventfd_read(fd, &n), 0);
	CHECK_EQ(wait_status(pids[1]), 0);
	MUST(kill(pids[0], SIGKILL));
	CHECK_EQ(wait_status(pids[0]), SIGKILL);
	close(fd);
}

static void queue_receivers(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 1};
	char c = 'x';
	char name[32];
	mqd_t q;

	SKIP_IF(!has_proc() || !has_call(SYS_mq_open), "no message queues");
	snprintf(name, sizeof(name), "/wakes-%d", getpid());
	q = MUST(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes));
	mq_unlink(name);
	START_WAITERS(CHECK_EQ(mq_receive(q, &c, 1, NULL), 1));
	for (int i = 0; i < 5; i++)
		WAKES_FEW(true, CHECK_EQ(mq_send(q, &c, 1, 0), 0));
	for (int i = 5; i < WAITERS; i++)
		CHECK_EQ(mq_send(q, &c, 1, 0), 0);
	all_end();
	mq_close(q);
}

/* --- epoll ------------------------------------------------------------------------------------ */

static void wait_exclusively(int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int ep = MUST(epoll_create1(0));
	char c[8];

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
	CHECK(read(fd, c, sizeof(c)) > 0);
}

/* Of many epolls with EPOLLEXCLUSIVE one is told of each event. */
static void exclusive_epolls(void)
{
	char eight[8] = {1};

	SKIP_IF(!has_proc() || !has_call(SYS_epoll_create1), "no epoll");
	for (int kind = 0; kind < 3; kind++) {
		size_t n = kind == 2 ? 8 : 1;

		if (kind == 0)
			MUST(pipe(p));
		else if (kind == 1)
			MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
		else
			p[0] = MUST(p[1] = eventfd(0, 0));
		START_WAITERS(wait_exclusively(p[0]));
		for (int i = 0; i < 5; i++)
			WAKES_FEW(true, CHECK_EQ(write(p[1], eight, n), n));
		for (int i = 5; i < WAITERS; i++) {
			CHECK_EQ(write(p[1], eight, n), n);
			one_ends();
		}
		close(p[0]);
		close(p[1]);
	}
}

/* --- Terminals -------------------------------------------------------------------------------- */

/* Open a pair of terminals without echo and lines. */
static bool open_terminals(void)
{
	struct termios raw;

	p[1] = posix_openpt(O_RDWR | O_NOCTTY);
	if (p[1] < 0)
		return false;
	MUST(grantpt(p[1]));
	MUST(unlockpt(p[1]));
	p[0] = MUST(open(ptsname(p[1]), O_RDWR | O_NOCTTY));
	MUST(tcgetattr(p[0], &raw));
	cfmakeraw(&raw);
	MUST(tcsetattr(p[0], TCSANOW, &raw));
	return true;
}

static void terminal_readers(void)
{
	char c = 'x';

	SKIP_IF(!has_proc() || !open_terminals(), "no terminals");
	for (int way = 0; way < 2; way++) { /* of the slave, of the master */
		int from = p[way], to = p[!way];

		START_WAITERS(CHECK_EQ(read(from, &c, 1), 1));
		for (int i = 0; i < 5; i++)
			WAKES_FEW(true, CHECK_EQ(write(to, &c, 1), 1));
		CHECK_EQ(write(to, page, WAITERS - 5), WAITERS - 5);
		all_end();
	}
	/* A line that wakes one is left to the next ones. */
	struct termios lines;
	MUST(tcgetattr(p[0], &lines));
	lines.c_lflag |= ICANON;
	MUST(tcsetattr(p[0], TCSANOW, &lines));
	START_WAITERS(CHECK_EQ(read(p[0], &c, 1), 1));
	page[WAITERS - 1] = '\n';
	memset(page, 'x', WAITERS - 1);
	CHECK_EQ(write(p[1], page, WAITERS), WAITERS);
	all_end();
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	check_start_in_directory();
	RUN(pipe_readers);
	RUN(pipe_writers);
	RUN(passed_on);
	RUN(fifo_openers);
	RUN(socket_readers);
	RUN(stream_readers);
	RUN(stream_writers);
	RUN(datagram_writers);
	RUN(writer_fails);
	RUN(accepters);
	RUN(connectors);
	RUN(pollers_of_room);
	RUN(eventfd_readers);
	RUN(eventfd_writers);
	RUN(queue_receivers);
	RUN(exclusive_epolls);
	RUN(terminal_readers);
	return check_end();
}
