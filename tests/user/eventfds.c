/* SPDX-License-Identifier: MIT
 *
 * eventfd: counting, semaphores, overflow, waiting, poll, errors.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "check.h"

static uint64_t get(int fd)
{
	uint64_t value = 77;

	CHECK_EQ(read(fd, &value, 8), 8);
	return value;
}

static void put(int fd, uint64_t value)
{
	CHECK_EQ(write(fd, &value, 8), 8);
}

static int bits(int fd)
{
	struct pollfd f = {fd, POLLIN | POLLOUT, 0};

	poll(&f, 1, 0);
	return f.revents;
}

static void counting(void)
{
	int fd = MUST(eventfd(5, EFD_NONBLOCK));
	uint64_t wide[2] = {1, 1};

	CHECK_EQ(get(fd), 5);
	CHECK_ERR(read(fd, wide, 8), EAGAIN);
	put(fd, 3);
	put(fd, 4);
	put(fd, 0);
	CHECK_EQ(get(fd), 7);
	put(fd, 0);
	CHECK_ERR(read(fd, wide, 8), EAGAIN);
	/* A longer buffer is allowed for read() alone. */
	CHECK_ERR(write(fd, wide, 16), EINVAL);
	put(fd, 9);
	CHECK_EQ(read(fd, wide, 16), 8);
	CHECK_EQ(wide[0], 9);
	close(fd);
	fd = MUST(syscall(SYS_eventfd, 0xffffffffU));
	CHECK_EQ(get(fd), 0xffffffffU);
	close(fd);
}

static void semaphores(void)
{
	int fd = MUST(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	uint64_t value;

	CHECK_EQ(get(fd), 1);
	CHECK_EQ(get(fd), 1);
	CHECK_ERR(read(fd, &value, 8), EAGAIN);
	put(fd, 1000);
	CHECK_EQ(get(fd), 1);
	CHECK_EQ(bits(fd), POLLIN | POLLOUT);
	close(fd);
}

static void overflow(void)
{
	int fd = MUST(eventfd(0, EFD_NONBLOCK));
	uint64_t value = 1;

	CHECK_EQ(bits(fd), POLLOUT);
	put(fd, UINT64_MAX - 2);
	CHECK_EQ(bits(fd), POLLIN | POLLOUT);
	put(fd, 1);
	CHECK_EQ(bits(fd), POLLIN);
	CHECK_ERR(write(fd, &value, 8), EAGAIN);
	value = UINT64_MAX;
	CHECK_ERR(write(fd, &value, 8), EINVAL);
	put(fd, 0);
	CHECK_EQ(get(fd), UINT64_MAX - 1);
	CHECK_EQ(bits(fd), POLLOUT);
	close(fd);
}

static void errors(void)
{
	int fd = MUST(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)), flags = fcntl(fd, F_GETFL);
	uint64_t value = 1;
	struct stat s;

	CHECK_ERR(eventfd(0, ~0), EINVAL);
	CHECK_ERR(eventfd(0, 2), EINVAL);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(flags & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_ERR(read(fd, &value, 7), EINVAL);
	CHECK_ERR(read(fd, &value, 0), EINVAL);
	CHECK_ERR(write(fd, &value, 7), EINVAL);
	CHECK_ERR(write(fd, BAD, 8), EFAULT);
	CHECK_ERR(write(fd, page_end() - 4, 8), EFAULT);
	CHECK_EQ(get(fd), 1);
	/* What cannot be given to the reader is lost. */
	put(fd, 1);
	CHECK_ERR(read(fd, BAD, 8), EFAULT);
	CHECK_ERR(read(fd, &value, 8), EAGAIN);
	CHECK_ERR(ftruncate(fd, 0), EINVAL);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK_EQ(s.st_mode & 0777, 0600);
	if (has_proc())
		CHECK_EQ(strcmp(fd_target(fd), "anon_inode:[eventfd]"), 0);
	close(fd);
	CHECK_ERR(read(fd, &value, 8), EBADF);
}

/* As many readers go on as there is to take. */
struct shared {
	int fd;
	atomic_int asleep, done;
};

static void *reader(void *arg)
{
	struct shared *s = arg;

	atomic_fetch_add(&s->asleep, 1);
	get(s->fd);
	atomic_fetch_add(&s->done, 1);
	return NULL;
}

static void *writer(void *arg)
{
	struct shared *s = arg;

	atomic_fetch_add(&s->asleep, 1);
	put(s->fd, 10);
	atomic_fetch_add(&s->done, 1);
	return NULL;
}

static void waiting(void)
{
	struct shared s = {.fd = MUST(eventfd(0, EFD_SEMAPHORE))};
	pthread_t threads[6];

	for (int i = 0; i < 6; i++)
		MUST(-pthread_create(&threads[i], NULL, reader, &s));
	WAIT_UNTIL(s.asleep == 6);
	sleep_ms(20);
	put(s.fd, 4);
	WAIT_UNTIL(s.done == 4);
	sleep_ms(20);
	CHECK_EQ(s.done, 4);
	put(s.fd, 2);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	close(s.fd);

	/* Writers wait for room. */
	s = (struct shared){.fd = MUST(eventfd(0, 0))};
	put(s.fd, UINT64_MAX - 1);
	for (int i = 0; i < 3; i++)
		MUST(-pthread_create(&threads[i], NULL, writer, &s));
	WAIT_UNTIL(s.asleep == 3);
	sleep_ms(20);
	CHECK_EQ(s.done, 0);
	CHECK_EQ(get(s.fd), UINT64_MAX - 1);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(get(s.fd), 30);
	close(s.fd);
}

static void interrupted(void)
{
	int fd = MUST(eventfd(0, 0));
	pid_t parent = getpid(), child;
	uint64_t value;

	handle(SIGUSR1, catch, 0);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	CHECK_ERR(read(fd, &value, 8), EINTR);
	CHECK_EQ(wait_status(child), 0);
	handle(SIGUSR1, catch, SA_RESTART);
	child =
	    SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1); sleep_ms(20); put(fd, 9));
	while (caught[SIGUSR1] < 2 && get(fd) != 9)
		;
	CHECK_EQ(caught[SIGUSR1], 2);
	CHECK_EQ(wait_status(child), 0);
	close(fd);
}

/* The child has the same counter, also a child that execs it. */
static void inherited(void)
{
	int fd = MUST(eventfd(0, 0)), copy = MUST(dup(fd));
	struct pollfd f = {fd, POLLIN, 0};
	pid_t child = SPAWN(close(fd); sleep_ms(20); put(copy, 6));

	CHECK_EQ(poll(&f, 1, 20000), 1);
	CHECK_EQ(get(copy), 6);
	CHECK_EQ(wait_status(child), 0);
	close(fd);
	close(copy);
}

/* Two threads pass a number to and fro. */
static int ways[2];

static void *echo(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3000; i++)
		put(ways[1], get(ways[0]));
	return NULL;
}

static void ping_pong(void)
{
	pthread_t thread;

	ways[0] = MUST(eventfd(0, 0));
	ways[1] = MUST(eventfd(0, 0));
	MUST(-pthread_create(&thread, NULL, echo, NULL));
	for (uint64_t i = 1; i <= 3000; i++) {
		put(ways[0], i);
		if (!CHECK_EQ(get(ways[1]), i))
			break;
	}
	pthread_join(thread, NULL);
	close(ways[0]);
	close(ways[1]);
}

int main(void)
{
	check_start();
	RUN(counting);
	RUN(semaphores);
	RUN(overflow);
	RUN(errors);
	RUN(waiting);
	RUN(interrupted);
	RUN(inherited);
	RUN(ping_pong);
	return check_end();
}
