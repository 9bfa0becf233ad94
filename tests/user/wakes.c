/* SPDX-License-Identifier: MIT
 *
 * Of many that wait for one thing, those that can go on are woken, and no others: counted by the
 * context switches of those that stay.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "check.h"

#define WAITERS 60
/* One switch for each would be WAITERS.  A waiter may be switched from once more while it falls
 * asleep, and another one may get what the first that was woken left. */
#define FEW	  6
#define MIN(a, b) ((a) < (b) ? (a) : (b))

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
	for (int i = 0; i < WAITERS; i++)
		if (pids[i])
			one_ends();
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
		sleep_ms(50);                                                                      \
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

int main(void)
{
	check_start_in_directory();
	RUN(pipe_readers);
	RUN(pipe_writers);
	RUN(passed_on);
	RUN(fifo_openers);
	RUN(socket_readers);
	RUN(accepters);
	return check_end();
}
