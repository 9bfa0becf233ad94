/* SPDX-License-Identifier: MIT
 *
 * Thousands of what is not a thread, a child, a page or a descriptor: waiters, messages, locks,
 * files, tracees, signals (crowds.h).
 */
#include <mqueue.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "crowds.h"

#define FUTEX_WAIT	      0
#define FUTEX_WAKE	      1
#define FUTEX_REQUEUE	      3
#define FUTEX_LOCK_PI	      6
#define FUTEX_UNLOCK_PI	      7
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI  12

/* --- Threads that wait for one thing ---------------------------------------------------------- */

static int word, other, ends[2];

/* Start threads in `fn`, and let them come to where they wait. */
static void start_waiting(void *(*fn)(void *))
{
	start_threads(fn);
	usleep(20000);
}

static void *wait_for_word(void *unused)
{
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return unused;
}

static void futex_requeued(void)
{
	start_waiting(wait_for_word);
	/* Moved to where they are: the number of those that wait. */
	WAIT_UNTIL(syscall(SYS_futex, &word, FUTEX_REQUEUE, 0, INT_MAX, &word, 0) == many);
	CHECK_EQ(syscall(SYS_futex, &word, FUTEX_REQUEUE, 1, INT_MAX, &other, 0), many);
	CHECK_EQ(syscall(SYS_futex, &other, FUTEX_WAKE, INT_MAX, NULL, NULL, 0), many - 1);
}

static int owners;

/* The first owners release the lock, the next one ends with it, and the last one keeps it. */
static void *own_lock(void *unused)
{
	int n;

	CHECK_EQ(syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	n = __atomic_add_fetch(&owners, 1, __ATOMIC_SEQ_CST);
	if (n < 4)
		CHECK_EQ(syscall(SYS_futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	else if (n > 4)
		wait_for_ever(NULL);
	return unused;
}

static void pi_owners(void)
{
	CHECK_EQ(syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	start_waiting(own_lock);
	CHECK_EQ(syscall(SYS_futex, &word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	WAIT_UNTIL(__atomic_load_n(&owners, __ATOMIC_SEQ_CST) == 5);
}

static void *wait_for_lock(void *unused)
{
	syscall(SYS_futex, &word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &other, 0);
	return wait_for_ever(unused);
}

static void pi_requeued(void)
{
	long n, moved = 0;

	start_waiting(wait_for_lock);
	/* The first call gives the lock to one thread, which keeps it. */
	WAIT_UNTIL((n = syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PI, 1, INT_MAX, &other, 0),
		    moved += n > 0 ? n : 0) == many);
}

static void *poll_pipe(void *unused)
{
	struct pollfd p = {.fd = ends[0], .events = POLLIN};

	CHECK_EQ(poll(&p, 1, -1), 1);
	return unused;
}

static void pipe_polled(void)
{
	MUST(pipe(ends));
	start_waiting(poll_pipe);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	usleep(1000);
}

static void *write_pipe(void *unused)
{
	CHECK_ERR(write(ends[1], "x", 1), EPIPE);
	return unused;
}

static void pipe_full(void)
{
	static char full[65536];

	MUST(pipe(ends));
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(write(ends[1], full, sizeof(full)), sizeof(full));
	start_waiting(write_pipe);
	close(ends[0]);
	usleep(1000);
}

static void *read_event(void *unused)
{
	uint64_t n;

	CHECK_EQ(read(ends[0], &n, 8), 8);
	return unused;
}

static void event_read(void)
{
	uint64_t n = (uint64_t)many;

	ends[0] = eventfd(0, EFD_SEMAPHORE);
	start_waiting(read_event);
	CHECK_EQ(write(ends[0], &n, 8), 8);
	usleep(1000);
}

static void *wait_for_child(void *unused)
{
	waitpid(-1, NULL, 0);
	return unused;
}

static void child_awaited(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	start_waiting(wait_for_child);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	WAIT_UNTIL(kill(pid, 0) < 0); /* one of the threads has got it */
}

static void *wait_for_pidfd(void *fd)
{
	struct pollfd p = {.fd = ends[0], .events = POLLIN};

	CHECK_EQ(poll(&p, 1, -1), 1);
	return fd;
}

static void child_polled(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ends[0] = (int)syscall(SYS_pidfd_open, pid, 0);
	start_waiting(wait_for_pidfd);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	usleep(1000);
}

/* --- Signals ---------------------------------------------------------------------------------- */

static void on_signal(int signal)
{
	(void)signal;
}

static void queue_many(int signal)
{
	sigset_t set = set_of(signal);

	allow_queued(2 * (rlim_t)many);
	handle(signal, on_signal, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < many; i++)
		CHECK_EQ(sigqueue(getpid(), signal, (union sigval){.sival_int = i}), 0);
}

static void signals_queued(void)
{
	sigset_t set = set_of(SIGRTMIN + 1);

	queue_many(SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){0}), 0);
	for (int i = 0; i < many; i++)
		CHECK(sigwaitinfo(&set, NULL) > 0);
	queue_many(SIGRTMIN + 1);
	signal(SIGRTMIN + 1, SIG_IGN);
	queue_many(SIGRTMIN + 2);
}

static void *queue_to_self(void *unused)
{
	CHECK_EQ(pthread_kill(pthread_self(), SIGUSR2), 0);
	return wait_for_ever(unused);
}

static void signals_of_threads(void)
{
	sigset_t set = set_of(SIGUSR2);

	handle(SIGUSR2, on_signal, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start_waiting(queue_to_self);
	signal(SIGUSR2, SIG_IGN);
}

/* One of many threads takes it: the last one. */
static void *take_signal(void *number)
{
	sigset_t set = set_of(SIGUSR1);

	if ((long)number == many - 1)
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return wait_for_ever(number);
}

static void signal_taken(void)
{
	sigset_t set = set_of(SIGUSR1);

	handle(SIGUSR1, catch, 0);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start_waiting(take_signal);
	for (int i = 1; i <= 3; i++) {
		kill(getpid(), SIGUSR1);
		WAIT_UNTIL(caught[SIGUSR1] == i);
	}
}

static void signals_to_all(void)
{
	signal(SIGUSR1, SIG_IGN);
	start_children(true);
	CHECK_EQ(kill(-1, 0), 0);
	CHECK_EQ(kill(0, SIGUSR1), 0);
}

/* --- Terminals -------------------------------------------------------------------------------- */

static int terminal(void)
{
	int on = 0, number, fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	char name[32];

	MUST(ioctl(fd, TIOCSPTLCK, &on));
	MUST(ioctl(fd, TIOCGPTN, &number));
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	MUST(setsid());
	ends[1] = open(name, O_RDWR);
	return fd;
}

/* A session of thousands loses its terminal, after ^C and ^Z. */
static void terminal_closed(void)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		fd = terminal();
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		start_children(true);
		CHECK_EQ(write(fd, "\3", 1), 1);
		CHECK_EQ(write(fd, "\32", 1), 1);
		CHECK_EQ(ioctl(fd, TIOCSIG, SIGINT), 0);
		close(ends[1]);
		close(fd);
		signal(SIGTERM, SIG_DFL);
		kill(0, SIGTERM);
		pause();
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* A stopped group of thousands becomes an orphan. */
static void group_orphaned(void)
{
	pid_t maker = fork(), pid;

	if (maker == 0) {
		pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			start_children(true);
			kill(0, SIGSTOP);
			_exit(0);
		}
		setpgid(pid, pid);
		CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
		_exit(check_failures != 0);
	}
	CHECK_EQ(wait_status(maker), 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void tracees(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < many; i++) {
			pid = fork();
			if (pid == 0) {
				ptrace(PTRACE_TRACEME);
				raise(SIGSTOP);
				for (;;)
					pause();
			}
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
		}
		CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WALL), 0);
		_exit(check_failures != 0);
	}
	CHECK_EQ(wait_status(pid), 0);
}

/* --- Messages --------------------------------------------------------------------------------- */

static void packets(void)
{
	int pair[2], size = 1 << 24;
	char c = 0;

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		MUST(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair));
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		for (int i = 0; i < many; i++)
			(void)!write(pair[0], &c, 1);
		close(pair[1]);
		close(pair[0]);
	}
}

static void connections(void)
{
	struct sockaddr_un a = {AF_UNIX, "\0crowd"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), n = 0;

	may_open(4096);
	MUST(bind(listener, (struct sockaddr *)&a, sizeof(a)));
	MUST(listen(listener, 4096));
	for (int i = 0; i < many && i < 4000; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			break;
		n++;
	}
	CHECK(n > 100);
	close(listener);
}

static void messages(void)
{
	struct {
		long type;
		char text[1];
	} m = {1, "x"};
	int id = msgget(IPC_PRIVATE, 0600), n = 0;

	MUST(id);
	while (n < many && msgsnd(id, &m, 1, IPC_NOWAIT) == 0)
		n++;
	CHECK_ERR(msgrcv(id, &m, 1, 2, IPC_NOWAIT), ENOMSG);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void posix_messages(void)
{
	struct mq_attr a = {.mq_maxmsg = many, .mq_msgsize = 8};
	mqd_t q;
	int n = 0;

	setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
	while ((q = mq_open("/crowd", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &a)) == (mqd_t)-1 &&
	       a.mq_maxmsg > 10)
		a.mq_maxmsg /= 2;
	while (n < many && mq_send(q, "x", 1, (unsigned)n % 100) == 0)
		n++;
	CHECK(n > 5);
	mq_unlink("/crowd");
	mq_close(q);
}

/* --- System V semaphores and memory ----------------------------------------------------------- */

static void *lower(void *unused)
{
	struct sembuf b = {0, -1, 0};

	semop(word, &b, 1);
	return unused;
}

static void semaphores(void)
{
	struct sembuf b = {0, 1, SEM_UNDO};

	word = semget(IPC_PRIVATE, 250, 0600);
	for (int i = 0; i < 250; i++) {
		b.sem_num = (unsigned short)i;
		CHECK_EQ(semop(word, &b, 1), 0);
	}
	b = (struct sembuf){0, -1, 0};
	CHECK_EQ(semop(word, &b, 1), 0);
	start_waiting(lower);
	b = (struct sembuf){0, (short)(many / 2), 0};
	CHECK_EQ(semop(word, &b, 1), 0);
	CHECK_EQ(semctl(word, 0, IPC_RMID), 0);
}

static void shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);

	for (int i = 0; i < many; i++)
		CHECK(shmat(id, NULL, 0) != (void *)-1);
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void *lock_file(void *unused)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	fcntl(ends[0], 38 /* F_OFD_SETLKW */, &l);
	return unused;
}

static void locks_awaited(void)
{
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
	int fd = open("/tmp/crowd", O_CREAT | O_RDWR, 0600);

	ends[0] = open("/tmp/crowd", O_RDWR);
	CHECK_EQ(fcntl(fd, 37 /* F_OFD_SETLK */, &l), 0);
	start_waiting(lock_file);
	l.l_type = F_UNLCK;
	CHECK_EQ(fcntl(fd, 37, &l), 0);
	usleep(1000);
	unlink("/tmp/crowd");
}

static void directory(void)
{
	char name[64];

	mkdir("/tmp/crowd", 0700);
	for (int i = 0; i < many; i++) {
		snprintf(name, sizeof(name), "/tmp/crowd/%d", i);
		if (i % 2)
			CHECK_EQ(symlink("/", name), 0);
		else
			CHECK_EQ(close(open(name, O_CREAT | O_WRONLY, 0600)), 0);
	}
	CHECK(list("/tmp/crowd") >= many);
	for (int i = 0; i < many; i++) {
		snprintf(name, sizeof(name), "/tmp/crowd/%d", i);
		CHECK_EQ(unlink(name), 0);
	}
	CHECK_EQ(rmdir("/tmp/crowd"), 0);
}

static void mappings(void)
{
	int fd = open("/tmp/crowd", O_CREAT | O_RDWR, 0600);

	CHECK_EQ(ftruncate(fd, 16 * PAGE), 0);
	for (int i = 0; i < many; i++) {
		char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, i % 16 * PAGE);

		m[0] = 1;
	}
	CHECK_EQ(ftruncate(fd, 0), 0);
	read_file("/proc/self/maps");
	unlink("/tmp/crowd");
}

/* 400 MiB: more than 100,000 frames. */
static void frames(void)
{
	size_t size = (size_t)many * 100 << 10;
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t at = 0; at < size; at += PAGE)
		m[at] = 1;
}

/* --- Timers ----------------------------------------------------------------------------------- */

static void timers_read(void)
{
	struct itimerspec when = {.it_value.tv_sec = 1};
	struct epoll_event event = {.events = EPOLLIN}, some[64];
	struct timespec now;
	int set = epoll_create(1), n = 0;

	may_open(4096);
	clock_gettime(CLOCK_MONOTONIC, &now);
	when.it_value.tv_sec = now.tv_sec + 2;
	while (n < many && n < 4000) {
		int fd = timerfd_create(CLOCK_MONOTONIC, 0);

		CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL), 0);
		CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
		n++;
	}
	CHECK(epoll_wait(set, some, 64, -1) > 0);
	usleep(10000);
}

static void timers_signal(void)
{
	struct itimerspec when = {.it_value.tv_nsec = 1};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	sigset_t set = set_of(SIGRTMIN);
	struct timespec now;
	timer_t t;

	allow_queued(2 * (rlim_t)many);
	sigprocmask(SIG_BLOCK, &set, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	when.it_value.tv_sec = now.tv_sec + 2;
	for (int i = 0; i < many; i++) {
		if (timer_create(CLOCK_MONOTONIC, &event, &t))
			break;
		CHECK_EQ(timer_settime(t, TIMER_ABSTIME, &when, NULL), 0);
	}
	sleep(3);
}

static void affinities(void)
{
	cpu_set_t set;

	start_threads(wait_for_ever);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	CHECK_EQ(setpriority(PRIO_USER, 0, 1), 0);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
}

static void nothing(void)
{
}

static const struct crowd crowds[] = {
    {"nothing", nothing},
    {"futex_requeued", futex_requeued},
    {"pi_owners", pi_owners},
    {"pi_requeued", pi_requeued},
    {"pipe_polled", pipe_polled},
    {"pipe_full", pipe_full},
    {"event_read", event_read},
    {"child_awaited", child_awaited},
    {"child_polled", child_polled},
    {"signals_queued", signals_queued},
    {"signals_of_threads", signals_of_threads},
    {"signal_taken", signal_taken},
    {"signals_to_all", signals_to_all},
    {"terminal_closed", terminal_closed},
    {"group_orphaned", group_orphaned},
    {"tracees", tracees},
    {"packets", packets},
    {"connections", connections},
    {"messages", messages},
    {"posix_messages", posix_messages},
    {"semaphores", semaphores},
    {"shared_memory", shared_memory},
    {"locks_awaited", locks_awaited},
    {"directory", directory},
    {"mappings", mappings},
    {"frames", frames},
    {"timers_read", timers_read},
    {"timers_signal", timers_signal},
    {"affinities", affinities},
};

int main(int argc, char **argv)
{
	return run_crowds(argc, argv, crowds, COUNT_OF(crowds));
}
