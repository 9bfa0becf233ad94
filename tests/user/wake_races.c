/* SPDX-License-Identifier: MIT
 *
 * No wake-up is lost.  Threads put units into a small channel, and others take them out.  Some are
 * regular: they wait as long as it takes.  The others are visitors: they come once a round, and a
 * signal sends them away, perhaps just when they were woken.  Then the wake-up must go to another
 * thread: otherwise the round does not end.
 *
 *   wake_races [-n ROUNDS] [CHANNEL...]
 */
#include <mqueue.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#include "check.h"

#define TOKENS	 24 /* a round */
#define REGULARS 3  /* of each side */
#define VISITORS 4
#define STUCK_S	 100 /* a round that makes no progress for so long has lost a wake-up */

static int ends[2];
static mqd_t queue;
static _Thread_local char buffer[PAGE];

/* --- Channels --------------------------------------------------------------------------------- */

/* put() and take() move up to n units and return how many, or -1 with EINTR. */
struct channel {
	const char *name;
	size_t token; /* units that are moved by one call, if it is not cut short */
	bool (*open)(void);
	ssize_t (*put)(size_t n);
	ssize_t (*take)(size_t n);
};

static ssize_t put_bytes(size_t n)
{
	return write(ends[1], buffer, n);
}

static ssize_t take_bytes(size_t n)
{
	return read(ends[0], buffer, n);
}

static bool open_pipe(void)
{
	MUST(pipe(ends));
	MUST(fcntl(ends[1], F_SETPIPE_SZ, (int)PAGE));
	return true;
}

static bool open_sockets(int type)
{
	int least = 1;

	if (!has_call(SYS_socketpair))
		return false;
	MUST(socketpair(AF_UNIX, type, 0, ends));
	MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)));
	return true;
}

static bool open_stream(void)
{
	return open_sockets(SOCK_STREAM);
}

static bool open_sequence(void)
{
	return open_sockets(SOCK_SEQPACKET);
}

static bool open_datagram(void)
{
	return open_sockets(SOCK_DGRAM);
}

/* From the master to the slave. */
static bool open_terminals(void)
{
	struct termios raw;

	ends[1] = posix_openpt(O_RDWR | O_NOCTTY);
	if (ends[1] < 0)
		return false;
	MUST(grantpt(ends[1]));
	MUST(unlockpt(ends[1]));
	ends[0] = MUST(open(ptsname(ends[1]), O_RDWR | O_NOCTTY));
	MUST(tcgetattr(ends[0], &raw));
	cfmakeraw(&raw);
	MUST(tcsetattr(ends[0], TCSANOW, &raw));
	return true;
}

#define THIRD ((UINT64_MAX - 1) / 3) /* an eventfd has room for three of these */

static bool open_eventfd(void)
{
	if (!has_call(SYS_eventfd2))
		return false;
	ends[0] = ends[1] = MUST(eventfd(0, 0));
	return true;
}

static ssize_t put_number(size_t n)
{
	(void)n;
	return eventfd_write(ends[1], THIRD) ? -1 : 1;
}

static ssize_t take_number(size_t n)
{
	eventfd_t value;

	(void)n;
	return eventfd_read(ends[0], &value) ? -1 : (ssize_t)(value / THIRD);
}

static bool open_queue(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 3, .mq_msgsize = 1};
	char name[32];

	if (!has_call(SYS_mq_open))
		return false;
	snprintf(name, sizeof(name), "/wake_races-%d", getpid());
	queue = MUST(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes));
	mq_unlink(name);
	return true;
}

static ssize_t put_message(size_t n)
{
	return mq_send(queue, buffer, n, 0) ? -1 : 1;
}

static ssize_t take_message(size_t n)
{
	return mq_receive(queue, buffer, n, NULL);
}

static struct sockaddr_un listener = {AF_UNIX, ""}; /* an abstract name */

static bool open_listener(void)
{
	if (!has_call(SYS_socketpair))
		return false;
	snprintf(listener.sun_path + 1, 32, "wake_races-%d", getpid());
	ends[0] = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(ends[0], (struct sockaddr *)&listener, sizeof(listener)));
	MUST(listen(ends[0], 1));
	return true;
}

static ssize_t put_connection(size_t n)
{
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	int result = connect(fd, (struct sockaddr *)&listener, sizeof(listener)), error = errno;

	close(fd);
	errno = error;
	return result ? -1 : (ssize_t)n;
}

static ssize_t take_connection(size_t n)
{
	int fd = accept(ends[0], NULL, NULL);

	return fd < 0 ? -1 : (close(fd), (ssize_t)n);
}

static const struct channel channels[] = {
    {"pipe", PAGE, open_pipe, put_bytes, take_bytes},
    {"stream", 2048, open_stream, put_bytes, take_bytes},
    {"sequence", 2048, open_sequence, put_bytes, take_bytes},
    {"datagram", 2048, open_datagram, put_bytes, take_bytes},
    {"terminal", 1500, open_terminals, put_bytes, take_bytes},
    {"eventfd", 1, open_eventfd, put_number, take_number},
    {"queue", 1, open_queue, put_message, take_message},
    {"connections", 1, open_listener, put_connection, take_connection},
};
static const struct channel *channel;

/* --- Threads ---------------------------------------------------------------------------------- */

/* Units that are still to be put in, and that were taken out. */
static _Atomic long pool, taken;
static _Atomic int round_number;
static struct visitor {
	pthread_t thread;
	bool puts;
	_Atomic int been; /* the last round that it has left */
} visitors[2 * VISITORS];

/* Get the units of a token, or of what is left.  0: there are none now. */
static long units_get(void)
{
	long n = pool, token = (long)channel->token;

	while (n && !atomic_compare_exchange_weak(&pool, &n, n > token ? n - token : 0))
		;
	return n < token ? n : token;
}

static void *put_always(void *unused)
{
	for (;;) {
		long n = units_get();

		if (!n)
			usleep(200);
		while (n > 0) {
			ssize_t moved = channel->put((size_t)n);

			if (!CHECK(moved > 0))
				return unused;
			n -= moved;
		}
	}
}

static void *take_always(void *unused)
{
	for (;;) {
		ssize_t moved = channel->take(channel->token);

		if (!CHECK(moved > 0))
			return unused;
		taken += moved;
	}
}

static void visit(bool puts)
{
	long n = puts ? units_get() : (long)channel->token;
	ssize_t moved = n ? puts ? channel->put((size_t)n) : channel->take((size_t)n) : 0;

	if (moved < 0)
		CHECK_EQ(errno, EINTR);
	moved = moved > 0 ? moved : 0;
	if (puts)
		pool += n - moved;
	else
		taken += moved;
}

static void *visit_each_round(void *argument)
{
	struct visitor *me = argument;

	for (;;) {
		int now = round_number;

		if (now == me->been) {
			usleep(100);
			continue;
		}
		visit(me->puts);
		me->been = now;
	}
	return NULL;
}

static void sent_away(int number)
{
	(void)number;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

/* Send away those who have not left the round; their number. */
static int disturb(int now)
{
	int there = 0;

	for (int i = 0; i < 2 * VISITORS; i++) {
		if (visitors[i].been == now)
			continue;
		there++;
		if (rand() % 2)
			pthread_kill(visitors[i].thread, SIGUSR1);
	}
	return there;
}

static bool one_round(void)
{
	long target = taken + TOKENS * (long)channel->token, before = -1, since = now_ms();
	int now = round_number + 1;

	pool += TOKENS * (long)channel->token;
	round_number = now;
	while (disturb(now) || taken != target) {
		if (taken != before) {
			before = taken;
			since = now_ms();
		}
		if (!CHECK(now_ms() - since < STUCK_S * 1000L)) {
			printf("# %s: round %d, %ld of %ld units are missing, %ld not put in\n",
			       channel->name, now, target - taken, TOKENS * (long)channel->token,
			       (long)pool);
			return false;
		}
		usleep((useconds_t)(rand() % 300));
	}
	return true;
}

static void start(void *(*run)(void *), void *argument, pthread_t *thread)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	MUST(-pthread_create(thread, &small, run, argument));
	pthread_attr_destroy(&small);
}

/* In a process of its own, with which the threads end. */
static void run_rounds(int rounds)
{
	struct sigaction action = {.sa_handler = sent_away};
	pthread_t thread;

	MUST(sigaction(SIGUSR1, &action, NULL));
	for (int i = 0; i < REGULARS; i++) {
		start(put_always, NULL, &thread);
		start(take_always, NULL, &thread);
	}
	for (int i = 0; i < 2 * VISITORS; i++) {
		visitors[i].puts = i % 2;
		start(visit_each_round, &visitors[i], &visitors[i].thread);
	}
	for (int i = 0; i < rounds && one_round(); i++)
		;
}

int main(int argc, char *argv[])
{
	int rounds = 10, first = 1;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		rounds = atoi(argv[2]);
		first = 3;
	}
	check_start_in_directory();
	for (size_t i = 0; i < COUNT_OF(channels); i++) {
		bool good;

		channel = &channels[i];
		if (argc > first && !check_wanted(argc, argv, channel->name))
			continue;
		if (!channel->open()) {
			printf("skip %s: not there\n", channel->name);
			continue;
		}
		good = CHECK_EQ(IN_CHILD(run_rounds(rounds)), 0);
		printf("%s %s\n", good ? "ok" : "not ok", channel->name);
		fflush(stdout);
	}
	return check_end();
}
