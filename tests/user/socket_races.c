/* SPDX-License-Identifier: MIT
 *
 * UNIX sockets: sleepers, many processes, ends that close meanwhile.
 */
#include "sockets.h"

static void blocked_reader(void)
{
	char c[16];
	pid_t pid;

	/* The peer writes, closes, or a signal comes. */
	pair(SOCK_STREAM);
	pid = SPAWN(close(p[0]); CHECK_EQ(read(p[1], c, 16), 2); CHECK_EQ(read(p[1], c, 16), 0));
	close(p[1]);
	until_asleep(pid);
	CHECK_EQ(write(p[0], "ab", 2), 2);
	until_asleep(pid);
	close(p[0]);
	CHECK_EQ(wait_status(pid), 0);

	pair(SOCK_STREAM);
	pid =
	    SPAWN(handle(SIGUSR1, catch, 0); CHECK_ERR(read(p[1], c, 1), EINTR);
		  CHECK_EQ(caught[SIGUSR1], 1); handle(SIGUSR1, catch, SA_RESTART);
		  write(p[1], "r", 1); CHECK_EQ(read(p[1], c, 1), 1); CHECK_EQ(caught[SIGUSR1], 2));
	until_asleep(pid);
	kill(pid, SIGUSR1);
	CHECK_EQ(read(p[0], c, 1), 1);
	until_asleep(pid);
	kill(pid, SIGUSR1);
	sleep_ms(20);
	CHECK_EQ(write(p[0], "x", 1), 1);
	CHECK_EQ(wait_status(pid), 0);
	close_pair();

	/* One that is shut down by another thread of the same process. */
	pair(SOCK_STREAM);
	pid = SPAWN(CHECK_EQ(read(p[1], c, 1), 0));
	until_asleep(pid);
	CHECK_EQ(shutdown(p[1], SHUT_RD), 0);
	CHECK_EQ(wait_status(pid), 0);
	close_pair();
}

/* One write with something for each of two sleepers. */
static void two_blocked_readers(void)
{
	pid_t pid[2];
	char c;

	pair(SOCK_STREAM);
	for (int i = 0; i < 2; i++) {
		pid[i] = SPAWN(CHECK_EQ(read(p[1], &c, 1), 1));
		until_asleep(pid[i]);
	}
	CHECK_EQ(write(p[0], "ab", 2), 2);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(wait_status(pid[i]), 0);
	close_pair();
}

static void blocked_writer(void)
{
	pid_t pid;

	for (int way = 0; way < 3; way++) {
		pair(SOCK_STREAM);
		pid = SPAWN(close(p[1]); while (write(p[0], big, 1000) > 0);
			    CHECK_EQ(errno, way < 2 ? EPIPE : ECONNRESET));
		until_asleep(pid);
		if (way == 0)
			shutdown(p[1], SHUT_RD);
		if (way == 1)
			shutdown(p[0], SHUT_WR);
		if (way == 2)
			close(p[1]);
		CHECK_EQ(wait_status(pid), 0);
		close_pair();
	}
	pair(SOCK_STREAM);
	pid = SPAWN(close(p[1]); CHECK_EQ(write(p[0], big, sizeof(big)), sizeof(big)));
	close(p[0]);
	CHECK_EQ(read_all(p[1], big, sizeof(big)), sizeof(big));
	CHECK_EQ(read(p[1], big, 1), 0);
	close(p[1]);
	CHECK_EQ(wait_status(pid), 0);
	/* Datagrams to one that goes. */
	int to = make(SOCK_DGRAM, "to");
	pid = SPAWN(int from = make(SOCK_DGRAM, "from"); do_connect(from, "to"); close(to);
		    while (write(from, big, 5000) > 0); CHECK_EQ(errno, ECONNREFUSED));
	until_asleep(pid);
	close(to);
	CHECK_EQ(wait_status(pid), 0);
}

static void poll_wakes(void)
{
	struct pollfd f;
	char c[16];
	pid_t pid;
	int l;

	pair(SOCK_STREAM);
	f = (struct pollfd){.fd = p[1], .events = POLLIN};
	pid = SPAWN(CHECK_EQ(poll(&f, 1, 20000), 1); CHECK_EQ(f.revents, POLLIN));
	until_asleep(pid);
	write(p[0], "x", 1);
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(read(p[1], c, 16), 1);
	pid = SPAWN(close(p[0]); CHECK_EQ(poll(&f, 1, 20000), 1);
		    CHECK_EQ(f.revents, POLLIN | POLLHUP));
	until_asleep(pid);
	close(p[0]);
	CHECK_EQ(wait_status(pid), 0);
	close(p[1]);

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		pair(type);
		while (send(p[0], big, 1000, MSG_DONTWAIT) > 0)
			;
		f = (struct pollfd){.fd = p[0], .events = POLLOUT};
		pid = SPAWN(CHECK_EQ(poll(&f, 1, 20000), 1); CHECK_EQ(f.revents, POLLOUT));
		until_asleep(pid);
		while (recv(p[1], big, 1000, MSG_DONTWAIT) > 0)
			;
		CHECK_EQ(wait_status(pid), 0);
		close_pair();
	}

	l = make_listener(SOCK_STREAM, "polled", 5);
	f = (struct pollfd){.fd = l, .events = POLLIN};
	pid = SPAWN(CHECK_EQ(poll(&f, 1, 20000), 1); CHECK_EQ(f.revents, POLLIN));
	until_asleep(pid);
	make_client(SOCK_STREAM, "polled");
	CHECK_EQ(wait_status(pid), 0);
	syscall(SYS_close_range, 3, ~0U, 0);
}

enum { SERVERS = 4, CLIENTS = 4, TIMES = 50 };

static void serve(int l)
{
	char c[8];

	for (;;) {
		int s = accept(l, NULL, NULL);

		if (!CHECK(s >= 0) || read(s, c, 8) != 4)
			_exit(1);
		if (memcmp(c, "stop", 4) == 0)
			_exit(check_failures != 0);
		CHECK_EQ(write(s, c, 4), 4);
		close(s);
	}
}

static void ask(const char *text)
{
	int c = make_client(SOCK_STREAM, "many");
	char answer[8];

	CHECK_EQ(write(c, text, 4), 4);
	CHECK_EQ(read(c, answer, 8), strcmp(text, "stop") ? 4 : 0);
	close(c);
}

static void one_listener_for_many(void)
{
	int l = make_listener(SOCK_STREAM, "many", 2);
	pid_t servers[SERVERS], clients[CLIENTS];

	for (int i = 0; i < SERVERS; i++)
		servers[i] = SPAWN(serve(l));
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = SPAWN(for (int k = 0; k < TIMES; k++) ask("text"));
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(wait_status(clients[i]), 0);
	for (int i = 0; i < SERVERS; i++)
		ask("stop");
	for (int i = 0; i < SERVERS; i++)
		CHECK_EQ(wait_status(servers[i]), 0);
	close(l);
}

/* Ends that several processes share: each message comes to one, none is lost. */
static void shared_ends(void)
{
	pid_t readers[4], writers[4];
	_Atomic int *sum = map_shared(PAGE);
	int value;

	pair(SOCK_SEQPACKET);
	for (int i = 0; i < 4; i++)
		readers[i] = SPAWN(close(p[0]); while (read(p[1], &value, sizeof(value)) ==
						       sizeof(value)) *sum += value);
	for (int i = 0; i < 4; i++)
		writers[i] = SPAWN(for (value = 1; value <= 1000; value++)
				       CHECK_EQ(write(p[0], &value, sizeof(value)), sizeof(value)));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_status(writers[i]), 0);
	close_pair();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_status(readers[i]), 0);
	CHECK_EQ(*sum, 4 * 1000 * 1001 / 2);
}

static void *closer(void *arg)
{
	sleep_ms(1 + (long)arg % 3);
	close(p[0]);
	return NULL;
}

/* One end closes while the other is used in every way. */
static void closing_races(void)
{
	pthread_t t;

	for (long i = 0; i < 60; i++) {
		struct pollfd f = {.events = POLLIN};

		pair(i % 2 ? SOCK_STREAM : SOCK_SEQPACKET);
		f.fd = p[1];
		CHECK_EQ(pthread_create(&t, NULL, closer, (void *)i), 0);
		if (i % 3 == 0)
			CHECK_EQ(poll(&f, 1, 20000), 1);
		else if (i % 3 == 1)
			CHECK_EQ(read(p[1], big, 10), 0);
		else
			while (send(p[1], big, 1000, MSG_NOSIGNAL) > 0)
				;
		pthread_join(t, NULL);
		close(p[1]);
	}
}

/* Whatever the program sends over itself, a bound amount remains, and the machine lives. */
static void circles(void)
{
	for (int i = 0; i < 50; i++) {
		int a[2], b[2];

		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
		MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
		send_files(a[0], "x", 1, &a[1], 1);
		send_files(a[0], "x", 1, &a[0], 1);
		send_files(a[0], "x", 1, &b[1], 1);
		send_files(b[0], "x", 1, &a[1], 1);
		for (int k = 0; k < 2; k++) {
			close(a[k]);
			close(b[k]);
		}
		int l = make_listener(SOCK_STREAM, "circle", 5),
		    c = make_client(SOCK_STREAM, "circle");
		send_files(c, "x", 1, &l, 1);
		close(l);
		close(c);
	}
}

int main(void)
{
	check_start_in_directory();
	handle(SIGPIPE, catch, 0);
	RUN(blocked_reader);
	RUN(two_blocked_readers);
	RUN(blocked_writer);
	RUN(poll_wakes);
	RUN(one_listener_for_many);
	RUN(shared_ends);
	RUN(closing_races);
	RUN(circles);
	return check_end();
}
