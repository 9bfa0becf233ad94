/* SPDX-License-Identifier: MIT
 *
 * epoll: level and edge triggered, one-shot, exclusive, epolls in epolls, closing, threads,
 * signals, time-outs, errors.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "check.h"

static int ep, p[2];

static int control(int op, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = 0x1234567800000000 + (uint64_t)fd};

	return epoll_ctl(ep, op, fd, &e);
}

static int add(int fd, uint32_t events)
{
	return control(EPOLL_CTL_ADD, fd, events);
}

static void del(int fd)
{
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), 0);
}

/* The bits that are reported for the only ready descriptor, which must be `fd`; 0: none is ready.
 */
static uint32_t bits_of(int fd)
{
	struct epoll_event e[4] = {0};
	int n = epoll_wait(ep, e, 4, 0);

	if (n == 0)
		return 0;
	CHECK_EQ(n, 1);
	CHECK_EQ(e[0].data.u64, 0x1234567800000000 + (uint64_t)fd);
	return e[0].events;
}

static int ready_in(int epoll)
{
	struct epoll_event e[20];

	return epoll_wait(epoll, e, 20, 0);
}

static void put(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

static void take(int fd)
{
	char c;

	CHECK_EQ(read(fd, &c, 1), 1);
}

static void begin(void)
{
	ep = MUST(epoll_create1(0));
	MUST(pipe(p));
}

static void end(void)
{
	close(ep);
	close(p[0]);
	close(p[1]);
}

/* --- What is reported ------------------------------------------------------------------------- */

static void errors(void)
{
	int file = MUST(open("/", O_RDONLY)), other = MUST(epoll_create(1));
	struct epoll_event e[2] = {{.events = EPOLLIN}};
	struct timespec bad = {0, 1000000000};
	char byte[8];

	begin();
	CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_EQ(fcntl(other, F_GETFD), 0);
	close(other);
	other = MUST(epoll_create1(EPOLL_CLOEXEC));
	CHECK_EQ(fcntl(other, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(other, F_GETFL) & O_ACCMODE, O_RDWR);

	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, 999, e), EBADF);
	CHECK_ERR(epoll_ctl(999, EPOLL_CTL_ADD, p[0], e), EBADF);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], BAD), EFAULT);
	CHECK_ERR(epoll_ctl(999, EPOLL_CTL_ADD, p[0], BAD), EFAULT);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, file, e), EPERM);
	CHECK_ERR(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], e), EINVAL);
	CHECK_ERR(epoll_ctl(file, EPOLL_CTL_ADD, p[1], e), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, e), EINVAL);
	CHECK_ERR(epoll_ctl(ep, 77, p[0], e), EINVAL);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), ENOENT);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], e), ENOENT);
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	CHECK_ERR(add(p[0], EPOLLIN), EEXIST);
	put(p[1]);

	CHECK_ERR(epoll_wait(999, e, 1, 0), EBADF);
	CHECK_ERR(epoll_wait(p[0], e, 1, 0), EINVAL);
	CHECK_ERR(epoll_wait(ep, e, 0, 0), EINVAL);
	CHECK_ERR(epoll_wait(ep, e, -1, 0), EINVAL);
	CHECK_ERR(epoll_wait(ep, e, INT_MAX / 12 + 1, 0), EINVAL);
	CHECK_ERR(epoll_wait(ep, BAD, 1, 0), EFAULT);
	CHECK_ERR(epoll_wait(ep, (void *)0xffff800000000000, 1, 0), EFAULT);
	/* An event that could not be written is not lost. */
	CHECK_EQ(epoll_wait(ep, e, 1, 0), 1);
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, e, 1, 0, &bad, 4), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, e, 1, 0, BAD, 8), EFAULT);
	CHECK_ERR(syscall(SYS_epoll_pwait2, ep, e, 1, &bad, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_pwait2, ep, e, 1, BAD, NULL, 0), EFAULT);
	CHECK_ERR(read(ep, byte, 8), EINVAL);
	CHECK_ERR(write(ep, byte, 8), EINVAL);
	if (has_proc())
		CHECK_EQ(strcmp(fd_target(ep), "anon_inode:[eventpoll]"), 0);
	end();
	close(file);
	close(other);
}

/* Only a part of the events can be written: the others stay. */
static void half_written(void)
{
	char *last = page_end();
	struct epoll_event e[2];

	begin();
	for (int i = 0; i < 2; i++)
		CHECK_EQ(add(i ? p[1] : p[0], EPOLLIN | EPOLLOUT | EPOLLET), 0);
	put(p[1]);
	CHECK_EQ(epoll_wait(ep, (void *)(last - 12), 2, 0), 1);
	CHECK_ERR(epoll_wait(ep, (void *)last, 2, 0), EFAULT);
	CHECK_EQ(epoll_wait(ep, e, 2, 0), 1);
	CHECK_EQ(epoll_wait(ep, e, 2, 0), 0);
	end();
}

static void level(void)
{
	begin();
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	CHECK_EQ(bits_of(p[0]), 0);
	put(p[1]);
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	take(p[0]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	take(p[0]);
	CHECK_EQ(bits_of(p[0]), 0);
	/* Added when it is ready already, and changed. */
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLRDNORM), 0);
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLRDNORM);
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLOUT), 0);
	CHECK_EQ(bits_of(p[0]), 0);
	del(p[0]);
	CHECK_EQ(add(p[1], EPOLLOUT | EPOLLIN), 0);
	CHECK_EQ(bits_of(p[1]), EPOLLOUT);
	/* Errors are always reported. */
	CHECK_EQ(control(EPOLL_CTL_MOD, p[1], 0), 0);
	CHECK_EQ(bits_of(p[1]), 0);
	close(p[0]);
	CHECK_EQ(bits_of(p[1]), EPOLLERR);
	p[0] = -1;
	end();
}

static void edge(void)
{
	static char page[PAGE];

	begin();
	CHECK_EQ(add(p[0], EPOLLIN | EPOLLET), 0);
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(bits_of(p[0]), 0);
	/* Each write reports again, whether or not all was read. */
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(bits_of(p[0]), 0);
	take(p[0]);
	CHECK_EQ(bits_of(p[0]), 0);
	put(p[1]);
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(bits_of(p[0]), 0);
	/* A write that is read again before the wait. */
	for (int i = 0; i < 3; i++)
		take(p[0]);
	put(p[1]);
	take(p[0]);
	CHECK_EQ(bits_of(p[0]), 0);
	/* Changing the item looks anew. */
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET), 0);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(bits_of(p[0]), 0);
	del(p[0]);
	/* Room comes when the pipe was full. */
	take(p[0]);
	CHECK_EQ(add(p[1], EPOLLOUT | EPOLLET), 0);
	CHECK_EQ(bits_of(p[1]), EPOLLOUT);
	put(p[1]);
	CHECK_EQ(bits_of(p[1]), 0);
	take(p[0]);
	MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
	while (write(p[1], page, PAGE) == PAGE)
		;
	CHECK_EQ(bits_of(p[1]), 0);
	CHECK_EQ(read(p[0], page, PAGE), PAGE);
	CHECK_EQ(bits_of(p[1]), EPOLLOUT);
	CHECK_EQ(bits_of(p[1]), 0);
	end();
}

static void edge_sockets(void)
{
	char text[8];
	int s[2];

	begin();
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_EQ(add(s[0], EPOLLIN | EPOLLRDHUP | EPOLLET), 0);
	CHECK_EQ(write(s[1], "1234", 4), 4);
	CHECK_EQ(bits_of(s[0]), EPOLLIN);
	CHECK_EQ(bits_of(s[0]), 0);
	/* Neither reading a part nor what goes the other way is an event. */
	CHECK_EQ(read(s[0], text, 1), 1);
	CHECK_EQ(bits_of(s[0]), 0);
	CHECK_EQ(write(s[0], "5", 1), 1);
	CHECK_EQ(read(s[1], text, 1), 1);
	CHECK_EQ(bits_of(s[0]), 0);
	CHECK_EQ(write(s[1], "5", 1), 1);
	CHECK_EQ(bits_of(s[0]), EPOLLIN);
	CHECK_EQ(read(s[0], text, 8), 4);
	MUST(shutdown(s[1], SHUT_WR));
	CHECK_EQ(bits_of(s[0]), EPOLLIN | EPOLLRDHUP);
	CHECK_EQ(bits_of(s[0]), 0);
	close(s[1]);
	CHECK_EQ(bits_of(s[0]), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	close(s[0]);
	/* Datagrams. */
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	CHECK_EQ(add(s[0], EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 2; i++) {
		put(s[1]);
		CHECK_EQ(bits_of(s[0]), EPOLLIN);
		CHECK_EQ(bits_of(s[0]), 0);
	}
	take(s[0]);
	CHECK_EQ(bits_of(s[0]), 0);
	close(s[0]);
	close(s[1]);
	end();
}

static void edge_eventfd(void)
{
	int fd = MUST(eventfd(0, EFD_SEMAPHORE));

	begin();
	CHECK_EQ(add(fd, EPOLLIN | EPOLLET), 0);
	MUST(eventfd_write(fd, 2));
	CHECK_EQ(bits_of(fd), EPOLLIN);
	CHECK_EQ(bits_of(fd), 0);
	CHECK_EQ(read(fd, &(eventfd_t){0}, 8), 8);
	CHECK_EQ(bits_of(fd), 0);
	MUST(eventfd_write(fd, 1));
	CHECK_EQ(bits_of(fd), EPOLLIN);
	CHECK_EQ(control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT | EPOLLET), 0);
	CHECK_EQ(bits_of(fd), EPOLLIN | EPOLLOUT);
	CHECK_EQ(read(fd, &(eventfd_t){0}, 8), 8);
	CHECK_EQ(bits_of(fd), EPOLLIN | EPOLLOUT);
	CHECK_EQ(bits_of(fd), 0);
	close(fd);
	end();
}

static void one_shot(void)
{
	begin();
	CHECK_EQ(add(p[0], EPOLLIN | EPOLLONESHOT), 0);
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	put(p[1]);
	CHECK_EQ(bits_of(p[0]), 0);
	CHECK_ERR(add(p[0], EPOLLIN), EEXIST);
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT | EPOLLET), 0);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	/* While it is disabled it reports no end either. */
	close(p[1]);
	CHECK_EQ(bits_of(p[0]), 0);
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLONESHOT), 0);
	CHECK_EQ(bits_of(p[0]), EPOLLHUP);
	CHECK_EQ(bits_of(p[0]), 0);
	p[1] = -1;
	end();
}

/* Level-triggered files take turns. */
static void turns(void)
{
	int fd[10], seen[10] = {0};
	struct epoll_event e[3];

	begin();
	for (int i = 0; i < 10; i++) {
		struct epoll_event in = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

		fd[i] = MUST(eventfd(1, 0));
		MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &in));
	}
	for (int round = 0; round < 10; round++) {
		CHECK_EQ(epoll_wait(ep, e, 3, 0), 3);
		for (int i = 0; i < 3; i++)
			seen[e[i].data.u32]++;
	}
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(seen[i], 3);
		close(fd[i]);
	}
	CHECK_EQ(ready_in(ep), 0);
	end();
}

/* --- What is watched -------------------------------------------------------------------------- */

static void closing(void)
{
	int copy, mine;

	begin();
	/* The open file counts, not the descriptor. */
	copy = MUST(dup(p[0]));
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	CHECK_EQ(add(copy, EPOLLIN), 0);
	put(p[1]);
	CHECK_EQ(ready_in(ep), 2);
	del(copy);
	mine = p[0];
	close(p[0]);
	CHECK_EQ(bits_of(mine), EPOLLIN);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, mine, NULL), EBADF);
	/* Another file under the old number is another item. */
	CHECK_EQ(MUST(dup2(p[1], mine)), mine);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, mine, NULL), ENOENT);
	CHECK_EQ(add(mine, EPOLLIN), 0);
	CHECK_EQ(bits_of(mine), EPOLLIN);
	del(mine);
	CHECK_EQ(bits_of(mine), EPOLLIN);
	close(copy);
	CHECK_EQ(ready_in(ep), 0);
	p[0] = mine;
	end();

	/* A child keeps the file open. */
	begin();
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	int go[2];
	MUST(pipe(go));
	pid_t child = SPAWN(close(go[1]); (void)!read(go[0], &copy, 1));
	put(p[1]);
	mine = p[0];
	close(p[0]);
	CHECK_EQ(bits_of(mine), EPOLLIN);
	close(go[1]);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(ready_in(ep), 0);
	close(go[0]);
	p[0] = -1;
	end();
}

static void forked(void)
{
	struct epoll_event e;
	pid_t child;

	begin();
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	/* The set is shared: parent and child see each other's changes. */
	child = SPAWN(CHECK_EQ(epoll_wait(ep, &e, 1, 20000), 1);
		      CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET), 0));
	sleep_ms(10);
	put(p[1]);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(bits_of(p[0]), EPOLLIN);
	CHECK_EQ(bits_of(p[0]), 0);
	end();
}

static void exclusive(void)
{
	int fd = MUST(eventfd(0, EFD_NONBLOCK)), other;

	begin();
	other = MUST(epoll_create1(0));
	CHECK_EQ(add(fd, EPOLLIN | EPOLLEXCLUSIVE), 0);
	CHECK_ERR(control(EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
	CHECK_ERR(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERR(add(p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
	CHECK_ERR(add(p[0], EPOLLRDHUP | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERR(add(other, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_EQ(add(p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP), 0);
	CHECK_EQ(bits_of(p[1]), EPOLLOUT);
	del(p[1]);
	/* Epolls of which none waits now all know. */
	struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	MUST(epoll_ctl(other, EPOLL_CTL_ADD, fd, &e));
	MUST(eventfd_write(fd, 1));
	CHECK_EQ(ready_in(ep), 1);
	CHECK_EQ(ready_in(other), 1);
	close(fd);
	close(other);
	end();
}

/* --- Epolls in epolls ------------------------------------------------------------------------- */

static int put_in(int outer, int inner, uint32_t events)
{
	struct epoll_event e = {.events = events};

	return epoll_ctl(outer, EPOLL_CTL_ADD, inner, &e);
}

static void nested(void)
{
	int outer = MUST(epoll_create1(0));
	struct pollfd f = {.events = POLLIN | POLLOUT};

	begin();
	f.fd = ep;
	CHECK_EQ(poll(&f, 1, 0), 0);
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	CHECK_EQ(put_in(outer, ep, EPOLLIN), 0);
	CHECK_EQ(ready_in(outer), 0);
	put(p[1]);
	CHECK_EQ(ready_in(outer), 1);
	CHECK_EQ(ready_in(outer), 1);
	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents, POLLIN);
	take(p[0]);
	CHECK_EQ(ready_in(outer), 0);
	CHECK_EQ(poll(&f, 1, 0), 0);
	/* Edge-triggered: each wake-up below. */
	MUST(epoll_ctl(outer, EPOLL_CTL_DEL, ep, NULL));
	CHECK_EQ(put_in(outer, ep, EPOLLIN | EPOLLET), 0);
	put(p[1]);
	CHECK_EQ(ready_in(outer), 1);
	CHECK_EQ(ready_in(outer), 0);
	put(p[1]);
	CHECK_EQ(ready_in(outer), 1);
	CHECK_EQ(ready_in(outer), 0);
	CHECK_EQ(ready_in(ep), 1);
	/* The inner one goes first, the outer one first. */
	close(ep);
	CHECK_EQ(ready_in(outer), 0);
	ep = MUST(epoll_create1(0));
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	CHECK_EQ(put_in(outer, ep, EPOLLIN), 0);
	close(outer);
	CHECK_EQ(ready_in(ep), 1);
	end();
}

static void loops(void)
{
	int e[7];

	for (int i = 0; i < 7; i++)
		e[i] = MUST(epoll_create1(0));
	CHECK_EQ(put_in(e[0], e[1], EPOLLIN), 0);
	CHECK_ERR(put_in(e[1], e[0], EPOLLIN), ELOOP);
	CHECK_EQ(put_in(e[1], e[2], EPOLLIN), 0);
	CHECK_ERR(put_in(e[2], e[0], EPOLLIN), ELOOP);
	CHECK_ERR(put_in(e[0], e[1], EPOLLIN), EEXIST);
	/* The same one twice, on two ways. */
	CHECK_EQ(put_in(e[0], e[2], EPOLLIN), 0);
	/* Not too many in each other, from below and from above. */
	CHECK_EQ(put_in(e[2], e[3], EPOLLIN), 0);
	CHECK_EQ(put_in(e[3], e[4], EPOLLIN), 0);
	CHECK_ERR(put_in(e[4], e[5], EPOLLIN), ELOOP);
	CHECK_ERR(put_in(e[5], e[0], EPOLLIN), ELOOP);
	CHECK_EQ(put_in(e[5], e[6], EPOLLIN), 0);
	CHECK_ERR(put_in(e[4], e[5], EPOLLIN), ELOOP);
	CHECK_ERR(put_in(e[3], e[5], EPOLLIN), ELOOP);
	CHECK_EQ(put_in(e[2], e[5], EPOLLIN), 0);
	/* A wake-up from the bottom comes to the top. */
	MUST(pipe(p));
	CHECK_EQ(put_in(e[4], p[0], EPOLLIN), 0);
	CHECK_EQ(put_in(e[6], p[0], EPOLLIN), 0);
	CHECK_EQ(ready_in(e[0]), 0);
	pid_t child = SPAWN(sleep_ms(20); put(p[1]));
	struct epoll_event got[4];
	CHECK_EQ(epoll_wait(e[0], got, 4, 20000) > 0, 1);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(ready_in(e[0]), 2);
	take(p[0]);
	CHECK_EQ(ready_in(e[0]), 0);
	for (int i = 0; i < 7; i++)
		close(e[i]);
	close(p[0]);
	close(p[1]);
}

/* --- Waiting ---------------------------------------------------------------------------------- */

static void timeouts(void)
{
	struct epoll_event e;
	struct timespec t = {0, 30500000}, zero = {0, 0};
	long start = now_ms();

	begin();
	CHECK_EQ(epoll_wait(ep, &e, 1, 30), 0);
	CHECK(now_ms() - start >= 30);
	start = now_ms();
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 0), 0);
	CHECK(now_ms() - start >= 30);
	CHECK_EQ(t.tv_nsec, 30500000);
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &zero, NULL, 0), 0);
	/* Added while another thread waits. */
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	pid_t child = SPAWN(sleep_ms(20); add(p[1], EPOLLOUT));
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, NULL, NULL, 0), 1);
	CHECK_EQ(e.events, EPOLLOUT);
	CHECK_EQ(wait_status(child), 0);
	end();
}

static void signals(void)
{
	struct epoll_event e;
	pid_t parent = getpid(), child;
	sigset_t none = set_of(0), now;

	begin();
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	/* Never restarted. */
	handle(SIGUSR1, catch, SA_RESTART);
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	CHECK_ERR(epoll_wait(ep, &e, 1, 20000), EINTR);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(caught[SIGUSR1], 1);
	/* The mask holds during the call. */
	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_ERR(epoll_pwait(ep, &e, 1, 20000, &none), EINTR);
	CHECK_EQ(caught[SIGUSR1], 2);
	MUST(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	/* What is ready comes first, and the signal stays blocked. */
	raise(SIGUSR1);
	put(p[1]);
	CHECK_EQ(epoll_pwait(ep, &e, 1, 20000, &none), 1);
	CHECK_EQ(caught[SIGUSR1], 2);
	take(p[0]);
	CHECK_ERR(syscall(SYS_epoll_pwait2, ep, &e, 1, NULL, &none, 8), EINTR);
	CHECK_EQ(caught[SIGUSR1], 3);
	mask(SIG_UNBLOCK, SIGUSR1);
	end();
}

/* --- Threads ---------------------------------------------------------------------------------- */

#define WAITERS 4

static struct waiters {
	atomic_int woken, events;
	int fd, timeout;
} w;

static void *waiter(void *arg)
{
	struct epoll_event e[4];
	int n;

	(void)arg;
	begin_to_wait();
	n = epoll_wait(w.fd, e, 4, w.timeout);
	if (n > 0) {
		atomic_fetch_add(&w.woken, 1);
		atomic_fetch_add(&w.events, n);
	}
	return NULL;
}

static void forget_all(void)
{
	forget_waiters();
	w.woken = w.events = 0;
}

static void start_waiters(pthread_t *threads, int n, int fd, int timeout)
{
	forget_all();
	w.fd = fd;
	w.timeout = timeout;
	for (int i = 0; i < n; i++)
		MUST(-pthread_create(&threads[i], NULL, waiter, NULL));
	wait_for_waiters(n);
}

static void join(pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void woken(void)
{
	pthread_t threads[WAITERS];

	begin();
	/* An edge goes to one thread, the next edge to the next. */
	CHECK_EQ(add(p[0], EPOLLIN | EPOLLET), 0);
	start_waiters(threads, 4, ep, 20000);
	for (int i = 1; i <= 4; i++) {
		put(p[1]);
		WAIT_UNTIL(w.woken == i);
		sleep_ms(10);
		CHECK_EQ(w.woken, i);
	}
	join(threads, 4);
	/* A level is true for all that wait. */
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLONESHOT), 0);
	for (int i = 0; i < 4; i++)
		take(p[0]);
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLIN), 0);
	start_waiters(threads, 4, ep, 20000);
	put(p[1]);
	join(threads, 4);
	CHECK_EQ(w.events, 4);
	take(p[0]);
	/* One shot: one, and one more each time that it is armed again. */
	CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT), 0);
	start_waiters(threads, 4, ep, 60000);
	put(p[1]);
	for (int i = 1; i <= 4; i++) {
		WAIT_UNTIL(w.woken == i);
		sleep_ms(30);
		CHECK_EQ(w.woken, i);
		CHECK_EQ(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT), 0);
	}
	join(threads, 4);
	CHECK_EQ(w.events, 4);
	end();
}

/* Several epolls watch one file exclusively, each with a thread: not all are woken. */
static void exclusive_wakeup(void)
{
	int fd = MUST(eventfd(0, EFD_NONBLOCK)), e[3];
	struct epoll_event in = {.events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE};
	pthread_t threads[3];

	forget_all();
	w.timeout = 60000;
	for (int i = 0; i < 3; i++) {
		w.fd = e[i] = MUST(epoll_create1(0));
		MUST(epoll_ctl(e[i], EPOLL_CTL_ADD, fd, &in));
		MUST(-pthread_create(&threads[i], NULL, waiter, NULL));
		wait_for_waiters(i + 1);
	}
	for (int i = 1; i <= 3; i++) {
		MUST(eventfd_write(fd, 1));
		WAIT_UNTIL(w.woken == i);
		sleep_ms(30);
		CHECK_EQ(w.woken, i);
	}
	join(threads, 3);
	for (int i = 0; i < 3; i++)
		close(e[i]);
	close(fd);
}

/* A descriptor is closed under a thread that waits. */
static void closed_meanwhile(void)
{
	pthread_t thread;
	int mine;

	begin();
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	start_waiters(&thread, 1, ep, 20000);
	close(ep);
	put(p[1]);
	pthread_join(thread, NULL);
	CHECK_EQ(w.events, 1);
	/* The last reference of the watched file. */
	ep = MUST(epoll_create1(0));
	take(p[0]);
	CHECK_EQ(add(p[0], EPOLLIN), 0);
	start_waiters(&thread, 1, ep, 100);
	mine = p[0];
	close(p[0]);
	close(p[1]);
	pthread_join(thread, NULL);
	CHECK_EQ(w.events, 0);
	p[0] = p[1] = -1;
	(void)mine;
	end();
}

/* Threads wait, write, add, remove and close at the same time. */
#define FDS 8
static struct churn {
	atomic_bool stop;
	atomic_long taken;
	int outer, inner;
} churn;

static void *churn_wait(void *arg)
{
	struct epoll_event e[3];

	while (!churn.stop) {
		int n = epoll_wait(arg ? churn.outer : churn.inner, e, 3, 5);

		if (n > 0)
			atomic_fetch_add(&churn.taken, n);
		else
			CHECK_EQ(n, 0);
	}
	return NULL;
}

static void *churn_files(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int fd[FDS];

	for (int i = 0; i < FDS; i++)
		fd[i] = -1;
	while (!churn.stop) {
		int i = rand_r(&seed) % FDS;
		struct epoll_event e = {.events = EPOLLIN};

		if (rand_r(&seed) % 2)
			e.events |= EPOLLET;
		if (fd[i] < 0) {
			fd[i] = MUST(eventfd(0, EFD_NONBLOCK));
			MUST(epoll_ctl(churn.inner, EPOLL_CTL_ADD, fd[i], &e));
			continue;
		}
		switch (rand_r(&seed) % 6) {
		case 0:
			close(fd[i]);
			fd[i] = -1;
			break;
		case 1:
			MUST(epoll_ctl(churn.inner, EPOLL_CTL_DEL, fd[i], NULL));
			MUST(epoll_ctl(churn.inner, EPOLL_CTL_ADD, fd[i], &e));
			break;
		case 2:
			MUST(epoll_ctl(churn.inner, EPOLL_CTL_MOD, fd[i], &e));
			break;
		case 3:
			(void)!read(fd[i], &(eventfd_t){0}, 8);
			break;
		default:
			MUST(eventfd_write(fd[i], 1));
		}
	}
	for (int i = 0; i < FDS; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return NULL;
}

/* Epolls come and go around the inner one. */
static void *churn_epolls(void *arg)
{
	(void)arg;
	while (!churn.stop) {
		int e = MUST(epoll_create1(0)), f = MUST(epoll_create1(0));

		CHECK_EQ(put_in(e, f, EPOLLIN), 0);
		CHECK_EQ(put_in(f, churn.inner, EPOLLIN | EPOLLET), 0);
		ready_in(e);
		bool outer_first = rand() % 2;
		close(outer_first ? e : f);
		close(outer_first ? f : e);
	}
	return NULL;
}

static void all_at_once(void)
{
	pthread_t threads[8];

	churn.stop = false;
	churn.taken = 0;
	churn.inner = MUST(epoll_create1(0));
	churn.outer = MUST(epoll_create1(0));
	CHECK_EQ(put_in(churn.outer, churn.inner, EPOLLIN | EPOLLET), 0);
	for (int i = 0; i < 2; i++)
		MUST(-pthread_create(&threads[i], NULL, churn_wait, NULL));
	MUST(-pthread_create(&threads[2], NULL, churn_wait, &churn));
	for (int i = 3; i < 7; i++)
		MUST(-pthread_create(&threads[i], NULL, churn_files, (void *)(uintptr_t)i));
	MUST(-pthread_create(&threads[7], NULL, churn_epolls, NULL));
	sleep_ms(700);
	WAIT_UNTIL(churn.taken > 10);
	churn.stop = true;
	join(threads, 8);
	CHECK_EQ(ready_in(churn.inner), 0);
	close(churn.inner);
	close(churn.outer);
}

/* A token goes round by edges alone: none may be lost. */
#define STATIONS 4
#define ROUNDS	 500
static int station[STATIONS];

static void *pass_on(void *arg)
{
	int i = (int)(uintptr_t)arg, fd = MUST(epoll_create1(0));

	CHECK_EQ(put_in(fd, station[i], EPOLLIN | EPOLLET), 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct epoll_event e;
		eventfd_t value;

		if (!CHECK_EQ(epoll_wait(fd, &e, 1, 20000), 1))
			break;
		CHECK_EQ(eventfd_read(station[i], &value), 0);
		MUST(eventfd_write(station[(i + 1) % STATIONS], 1));
	}
	close(fd);
	return NULL;
}

static void token(void)
{
	pthread_t threads[STATIONS];

	for (int i = 0; i < STATIONS; i++)
		station[i] = MUST(eventfd(0, EFD_NONBLOCK));
	for (int i = 0; i < STATIONS; i++)
		MUST(-pthread_create(&threads[i], NULL, pass_on, (void *)(uintptr_t)i));
	MUST(eventfd_write(station[0], 1));
	join(threads, STATIONS);
	for (int i = 0; i < STATIONS; i++)
		close(station[i]);
}

/* Many files in one set. */
static void many(void)
{
	static int fd[400];
	struct epoll_event e[50];
	int seen = 0;

	begin();
	for (int i = 0; i < 400; i++) {
		fd[i] = MUST(eventfd(0, 0));
		CHECK_EQ(add(fd[i], EPOLLIN | EPOLLET), 0);
	}
	for (int i = 0; i < 400; i += 2)
		MUST(eventfd_write(fd[i], 1));
	for (int n; (n = epoll_wait(ep, e, 50, 0)) > 0; seen += n)
		for (int i = 0; i < n; i++)
			CHECK_EQ(((int)e[i].data.u32 - fd[0]) % 2, 0);
	CHECK_EQ(seen, 200);
	for (int i = 0; i < 400; i++)
		close(fd[i]);
	CHECK_EQ(add(p[1], EPOLLOUT), 0);
	CHECK_EQ(bits_of(p[1]), EPOLLOUT);
	end();
}

int main(void)
{
	check_start();
	RUN(errors);
	RUN(half_written);
	RUN(level);
	RUN(edge);
	RUN(edge_sockets);
	RUN(edge_eventfd);
	RUN(one_shot);
	RUN(turns);
	RUN(closing);
	RUN(forked);
	RUN(exclusive);
	RUN(nested);
	RUN(loops);
	RUN(timeouts);
	RUN(signals);
	RUN(woken);
	RUN(exclusive_wakeup);
	RUN(closed_meanwhile);
	RUN(all_at_once);
	RUN(token);
	RUN(many);
	return check_end();
}
