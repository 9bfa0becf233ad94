/* SPDX-License-Identifier: MIT
 *
 * scale: what one operation costs while there are many of something: threads, processes, regions,
 * descriptors, threads that wait for one thing, timers, files, busy threads.  It uses only POSIX
 * and Linux calls, so that the same program measures both kernels.
 *
 *   scale [-m MOST] [NAME...]
 *
 * Prints a line `name_COUNT<TAB>nanoseconds` for 10, 100, 1,000 and 10,000 of each (at most MOST);
 * the value is "-" where the system cannot have so many.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST   10000
#define ROUNDS 20    /* operations whose mean is the result */
#define STACK  16384 /* bytes of a thread's stack */
#define PAGE   4096
#define FOLDER "/tmp/scale"

static pthread_t threads[MOST];
static pid_t children[MOST];
static timer_t timers[MOST];
static int ends[2]; /* to wait at, and to wake from */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static volatile int ended;
static volatile unsigned long went_on; /* how often a waiter did */
static char *regions;
static int last_descriptor;

static void die(const char *what)
{
	fprintf(stderr, "scale: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void *wait_for_gate(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return NULL;
}

static void *end_at_once(void *unused)
{
	return unused;
}

/* Start n threads with small stacks.  Returns how many there are. */
static int start_threads(int n, void *(*run)(void *))
{
	pthread_attr_t attr;
	int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (i = 0; i < n && !pthread_create(&threads[i], &attr, run, NULL); i++)
		;
	pthread_attr_destroy(&attr);
	return i;
}

static int threads_begin(int n)
{
	pthread_mutex_lock(&gate);
	return start_threads(n, wait_for_gate);
}

static void threads_once(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, end_at_once, NULL) || pthread_join(t, NULL))
		die("pthread_create");
}

static void threads_end(int n)
{
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* --- Processes -------------------------------------------------------------------------------- */

static int processes_begin(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] < 0)
			break;
		if (!children[i])
			for (;;)
				pause();
	}
	return i;
}

static void processes_once(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) != child)
		die("fork");
}

static void processes_end(int n)
{
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < n; i++)
		waitpid(children[i], NULL, 0);
}

/* --- Regions ---------------------------------------------------------------------------------- */

/* Every other page of one large mapping gets another protection, which makes n regions. */
static int regions_begin(int n)
{
	regions = mmap(NULL, (size_t)n * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (regions == MAP_FAILED)
		die("mmap");
	for (int i = 1; i < n; i += 2)
		if (mprotect(regions + (size_t)i * PAGE, PAGE, PROT_READ | PROT_WRITE))
			return 0;
	return n;
}

static void regions_once(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		die("mmap");
	*page = 1;
	munmap(page, PAGE);
}

static void regions_end(int n)
{
	munmap(regions, (size_t)n * PAGE);
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static int descriptors_begin(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		int fd = dup(0);

		if (fd < 0)
			break;
		last_descriptor = fd;
	}
	return i;
}

static void descriptors_once(void)
{
	close(dup(0));
}

static void descriptors_end(int n)
{
	for (int i = 0; i < n; i++)
		close(last_descriptor - i);
}

/* --- Threads that wait for one thing ---------------------------------------------------------- */

static void *read_bytes(void *unused)
{
	char byte;

	while (read(ends[0], &byte, 1) == 1)
		went_on++; /* all threads are on one CPU, and few run at a time */
	return unused;
}

static int readers_begin(int n)
{
	if (pipe(ends))
		die("pipe");
	return start_threads(n, read_bytes);
}

static int socket_readers_begin(int n)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		die("socketpair");
	return start_threads(n, read_bytes);
}

static void wait_for_one(unsigned long before)
{
	while (went_on == before)
		sched_yield();
}

static void readers_once(void)
{
	unsigned long before = went_on;

	if (write(ends[1], "", 1) != 1)
		die("write");
	wait_for_one(before);
}

/* All read the end of file. */
static void readers_end(int n)
{
	close(ends[1]);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	close(ends[0]);
}

#define PIECE 2048 /* the smallest buffer of a socket takes two or three of these */
static char piece[PIECE];

static void *write_pieces(void *unused)
{
	while (send(ends[1], piece, PIECE, MSG_NOSIGNAL) == PIECE)
		went_on++;
	return unused;
}

static int socket_writers_begin(int n)
{
	int least = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)))
		die("socketpair");
	while (send(ends[1], piece, PIECE, MSG_DONTWAIT) == PIECE)
		;
	return start_threads(n, write_pieces);
}

static void socket_writers_once(void)
{
	unsigned long before = went_on;

	while (went_on == before)
		if (recv(ends[0], piece, PIECE, MSG_DONTWAIT) < 0)
			sched_yield();
}

/* All get EPIPE. */
static void socket_writers_end(int n)
{
	close(ends[0]);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	close(ends[1]);
}

static struct sockaddr_un listener = {AF_UNIX, "\0scale"};

static void *accept_connections(void *unused)
{
	int fd;

	while ((fd = accept(ends[0], NULL, NULL)) >= 0) {
		close(fd);
		went_on++;
	}
	return unused;
}

static int acceptors_begin(int n)
{
	ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	if (ends[0] < 0 || bind(ends[0], (struct sockaddr *)&listener, sizeof(listener)) ||
	    listen(ends[0], 10))
		die("listen");
	return start_threads(n, accept_connections);
}

static void acceptors_once(void)
{
	unsigned long before = went_on;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&listener, sizeof(listener)))
		die("connect");
	wait_for_one(before);
	close(fd);
}

static void acceptors_end(int n)
{
	shutdown(ends[0], SHUT_RDWR);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	close(ends[0]);
}

static void *read_numbers(void *unused)
{
	eventfd_t one;

	while (!eventfd_read(ends[0], &one) && !ended)
		went_on++;
	return unused;
}

static int eventfds_begin(int n)
{
	ended = 0;
	ends[0] = eventfd(0, EFD_SEMAPHORE);
	if (ends[0] < 0)
		return 0;
	return start_threads(n, read_numbers);
}

static void eventfds_once(void)
{
	unsigned long before = went_on;

	if (eventfd_write(ends[0], 1))
		die("eventfd");
	wait_for_one(before);
}

static void eventfds_end(int n)
{
	ended = 1;
	if (n && eventfd_write(ends[0], (eventfd_t)n))
		die("eventfd");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	close(ends[0]);
}

static mqd_t queue;

static void *receive_messages(void *unused)
{
	char byte;

	while (mq_receive(queue, &byte, 1, NULL) == 1 && !ended)
		went_on++;
	return unused;
}

static int mqueues_begin(int n)
{
	struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 1};

	ended = 0;
	queue = mq_open("/scale", O_RDWR | O_CREAT, 0600, &attributes);
	if (queue == (mqd_t)-1)
		return 0;
	return start_threads(n, receive_messages);
}

static void mqueues_once(void)
{
	unsigned long before = went_on;

	if (mq_send(queue, "", 1, 0))
		die("mq_send");
	wait_for_one(before);
}

static void mqueues_end(int n)
{
	ended = 1;
	for (int i = 0; i < n; i++)
		if (mq_send(queue, "", 1, 0))
			die("mq_send");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (n)
		mq_close(queue);
	mq_unlink("/scale");
}

/* Each has an epoll of its own with EPOLLEXCLUSIVE. */
static void *poll_pipe(void *unused)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int ep = epoll_create1(0);
	char byte;

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &event))
		die("epoll");
	while (epoll_wait(ep, &event, 1, -1) == 1 && read(ends[0], &byte, 1) == 1)
		went_on++;
	close(ep);
	return unused;
}

static int pollers_begin(int n)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur < (rlim_t)n + 10)
		return 0;
	if (pipe(ends))
		die("pipe");
	n = start_threads(n, poll_pipe);
	for (int i = 0; i < 3; i++) /* let all of them wait */
		sched_yield();
	return n;
}

/* --- Processes that poll for their own signals ------------------------------------------------- */

static void poll_signals(void)
{
	sigset_t set;
	struct signalfd_siginfo info;
	struct pollfd p = {.events = POLLIN};

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p.fd = signalfd(-1, &set, 0);
	if (p.fd < 0 || write(ends[1], "", 1) != 1)
		_exit(1);
	while (poll(&p, 1, -1) == 1 && read(p.fd, &info, sizeof(info)) == sizeof(info))
		if (write(ends[1], "", 1) != 1)
			break;
	_exit(1);
}

static int signalfds_begin(int n)
{
	char byte;
	int i;

	if (pipe(ends))
		die("pipe");
	for (i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] < 0)
			break;
		if (!children[i])
			poll_signals();
		if (read(ends[0], &byte, 1) != 1)
			die("read");
	}
	return i;
}

static void signalfds_once(void)
{
	char byte;

	if (kill(children[0], SIGUSR1) || read(ends[0], &byte, 1) != 1)
		die("kill");
}

static void signalfds_end(int n)
{
	processes_end(n);
	close(ends[0]);
	close(ends[1]);
}

/* --- System V objects ------------------------------------------------------------------------- */

static int object;

static int messages_begin(int n)
{
	long type = 1;
	int i;

	object = msgget(IPC_PRIVATE, 0600);
	for (i = 0; i < n && !msgsnd(object, &type, 0, IPC_NOWAIT); i++)
		;
	return i;
}

static void messages_once(void)
{
	long type = 2;

	if (msgsnd(object, &type, 0, 0) || msgrcv(object, &type, 0, 2, 0))
		die("msgrcv");
}

static void messages_end(int n)
{
	(void)n;
	msgctl(object, IPC_RMID, NULL);
}

static void *lower(void *unused)
{
	struct sembuf down = {0, -1, 0};

	while (!semop(object, &down, 1))
		went_on++;
	return unused;
}

static int semaphores_begin(int n)
{
	object = semget(IPC_PRIVATE, 1, 0600);
	return object < 0 ? 0 : start_threads(n, lower);
}

static void semaphores_once(void)
{
	struct sembuf up = {0, 1, 0};
	unsigned long before = went_on;

	if (semop(object, &up, 1))
		die("semop");
	wait_for_one(before);
}

static void semaphores_end(int n)
{
	semctl(object, 0, IPC_RMID);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void usage_once(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
}

/* --- Timers ----------------------------------------------------------------------------------- */

static void timer_arm(timer_t t, long seconds)
{
	struct itimerspec value = {.it_value = {seconds, 0}};

	if (timer_settime(t, 0, &value, NULL))
		die("timer_settime");
}

static int timers_begin(int n)
{
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	int i;

	for (i = 0; i < n && !timer_create(CLOCK_MONOTONIC, &none, &timers[i]); i++)
		timer_arm(timers[i], 10000 + i);
	return i;
}

static void timers_once(void)
{
	static long more;

	timer_arm(timers[0], 20000 + ++more);
}

static void timers_end(int n)
{
	for (int i = 0; i < n; i++)
		timer_delete(timers[i]);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void file_name(char *name, int i)
{
	sprintf(name, FOLDER "/file%d", i);
}

static int files_begin(int n)
{
	char name[64];
	int i;

	mkdir(FOLDER, 0700);
	for (i = 0; i < n; i++) {
		int fd;

		file_name(name, i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	return i;
}

static void files_once(void)
{
	int fd = open(FOLDER "/another", O_CREAT | O_WRONLY, 0600);

	if (fd < 0 || close(fd) || unlink(FOLDER "/another"))
		die(FOLDER);
}

static void files_end(int n)
{
	char name[64];

	for (int i = 0; i < n; i++) {
		file_name(name, i);
		unlink(name);
	}
	rmdir(FOLDER);
}

/* --- Busy threads ----------------------------------------------------------------------------- */

static void *work_until_end(void *unused)
{
	while (!ended)
		;
	return unused;
}

static int hogs_begin(int n)
{
	ended = 0;
	return start_threads(n, work_until_end);
}

/* A sleep of a millisecond; what it takes above that is the wait for the CPU. */
static void hogs_once(void)
{
	struct timespec millisecond = {0, 1000000};

	nanosleep(&millisecond, NULL);
}

static void hogs_end(int n)
{
	ended = 1;
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static const struct subject {
	const char *name;
	int most;
	int (*begin)(int n); /* how many there are */
	void (*once)(void);
	void (*end)(int n);
} subjects[] = {
    {"threads", MOST, threads_begin, threads_once, threads_end},
    {"processes", MOST, processes_begin, processes_once, processes_end},
    {"regions", MOST, regions_begin, regions_once, regions_end},
    {"descriptors", MOST, descriptors_begin, descriptors_once, descriptors_end},
    {"readers", MOST, readers_begin, readers_once, readers_end},
    {"socket_readers", MOST, socket_readers_begin, readers_once, readers_end},
    {"socket_writers", MOST, socket_writers_begin, socket_writers_once, socket_writers_end},
    {"acceptors", MOST, acceptors_begin, acceptors_once, acceptors_end},
    {"eventfds", MOST, eventfds_begin, eventfds_once, eventfds_end},
    {"mqueues", MOST, mqueues_begin, mqueues_once, mqueues_end},
    {"pollers", MOST, pollers_begin, readers_once, readers_end},
    {"signalfds", MOST, signalfds_begin, signalfds_once, signalfds_end},
    {"messages", MOST, messages_begin, messages_once, messages_end},
    {"semaphores", MOST, semaphores_begin, semaphores_once, semaphores_end},
    {"usage", MOST, threads_begin, usage_once, threads_end},
    {"timers", MOST, timers_begin, timers_once, timers_end},
    {"files", MOST, files_begin, files_once, files_end},
    {"hogs", 10, hogs_begin, hogs_once, hogs_end},
};

static void measure(const struct subject *s, int n)
{
	int there = s->begin(n);

	if (there == n) {
		double begin;

		/* The first ones fill caches, and let threads come to their first wait. */
		for (int i = 0; i < ROUNDS; i++)
			s->once();
		begin = now();
		for (int i = 0; i < ROUNDS; i++)
			s->once();
		printf("%s_%d\t%.1f\n", s->name, n, (now() - begin) / ROUNDS);
	} else {
		printf("%s_%d\t-\n", s->name, n);
	}
	fflush(stdout);
	s->end(there);
}

int main(int argc, char **argv)
{
	struct rlimit many = {2 * MOST, 2 * MOST};
	int most = MOST, option;
	cpu_set_t one;

	while ((option = getopt(argc, argv, "m:")) != -1) {
		most = option == 'm' ? atoi(optarg) : 0;
		if (most < 1 || most > MOST) {
			fprintf(stderr, "usage: scale [-m MOST] [NAME...]\n");
			return 2;
		}
	}
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	setrlimit(RLIMIT_NOFILE, &many);
	setrlimit(RLIMIT_NPROC, &many);
	setrlimit(RLIMIT_SIGPENDING, &many);
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		const struct subject *s = &subjects[i];
		int asked = optind == argc;

		for (int j = optind; j < argc; j++)
			asked |= !strcmp(argv[j], s->name);
		for (int n = s->most < 100 ? 1 : 10; asked && n <= s->most && n <= most; n *= 10)
			measure(s, n);
	}
	return 0;
}
