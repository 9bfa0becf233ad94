/* SPDX-License-Identifier: MIT
 *
 * Messages between two tasks on one CPU: condition variables, sockets, and many bytes at once.
 */
#include "user/bench/bench.h"

#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (64 * 1024)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long turns, all_turns; /* even: the first thread's turn */

/* Take every second turn. */
static void take_turns(int mine)
{
	pthread_mutex_lock(&mutex);
	while (turns < all_turns) {
		if (turns % 2 == mine) {
			turns++;
			pthread_cond_signal(&changed);
		} else {
			pthread_cond_wait(&changed, &mutex);
		}
	}
	pthread_mutex_unlock(&mutex);
}

static void condvar_partner(void)
{
	take_turns(1);
}

/* One operation is a turn of each of two threads. */
int64_t condvar(long n)
{
	struct partner partner = {.run = condvar_partner, .cpu = cpus[0]};
	int64_t start, end;

	turns = 0;
	all_turns = 2 * n;
	partner_start(&partner, 0);
	start = now();
	take_turns(0);
	end = now();
	partner_end(&partner);
	return end - start;
}

static int ends[2];
static char buffer[CHUNK];

static void echo_partner(void)
{
	close(ends[0]);
	echo(ends[1], ends[1]);
}

int64_t socket_byte(long n)
{
	struct partner partner = {.run = echo_partner, .cpu = cpus[0]};
	int64_t start, end;
	char byte = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		die("socketpair");
	partner_start(&partner, 1);
	close(ends[1]);
	if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
		die("socketpair");
	start = now();
	while (n--)
		if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
			die("socketpair");
	end = now();
	close(ends[0]);
	partner_end(&partner);
	return end - start;
}

static void drain_partner(void)
{
	close(ends[1]);
	while (read(ends[0], buffer, sizeof(buffer)) > 0)
		;
	_exit(0);
}

/* Write n KiB to `ends[1]`, in pieces of 64 KiB, while a process reads them from `ends[0]`. */
static int64_t move_kib(long n)
{
	struct partner partner = {.run = drain_partner, .cpu = cpus[0]};
	int64_t start;

	partner_start(&partner, 1);
	close(ends[0]);
	start = now();
	for (size_t left = (size_t)n * 1024; left;) {
		ssize_t put = write(ends[1], buffer, left < CHUNK ? left : CHUNK);

		if (put < 0)
			die("write");
		left -= put;
	}
	close(ends[1]);
	partner_end(&partner);
	return now() - start;
}

int64_t pipe_kib(long n)
{
	if (pipe(ends) < 0)
		die("pipe");
	return move_kib(n);
}

int64_t socket_kib(long n)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		die("socketpair");
	return move_kib(n);
}
