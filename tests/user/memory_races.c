/* SPDX-License-Identifier: MIT
 *
 * Threads that map, protect, move and give back memory while others fault, fork and truncate:
 * content stays right, and nobody sees an older value after a newer one.  25 seconds of it, or 100
 * rounds.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#define P  4096UL
#define SH 64
static int rounds;
static time_t deadline; /* of this part: a busy machine does fewer rounds */
static volatile int stop;
static volatile unsigned long *shared_words; /* private memory, one page a thread pair */
static void die(const char *s)
{
	fprintf(stderr, "FAIL %s errno %d\n", s, errno);
	_exit(1);
}
static int go_on(int round, int end)
{
	return round < end && (round < 5 || time(0) < deadline);
}
static unsigned rnd(unsigned *s)
{
	*s = *s * 1103515245 + 12345;
	return *s >> 16;
}
static void *mapper(void *arg)
{
	unsigned seed = (unsigned)(long)arg * 7919 + 1;
	for (int r = 0; go_on(r, rounds); r++) {
		size_t n = 1 + rnd(&seed) % 40;
		unsigned long tag = ((unsigned long)arg << 32) | r;
		char *m =
		    mmap(0, n * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (m == MAP_FAILED)
			die("mmap");
		for (size_t i = 0; i < n; i++)
			*(unsigned long *)(m + i * P) = tag + i;
		size_t k = rnd(&seed) % n;
		if (mprotect(m + k * P, P, PROT_READ))
			die("mprotect");
		for (size_t i = 0; i < n; i++)
			if (*(unsigned long *)(m + i * P) != tag + i)
				die("content");
		if (mprotect(m + k * P, P, PROT_READ | PROT_WRITE))
			die("mprotect2");
		*(unsigned long *)(m + k * P) = tag + k;
		size_t n2 = 1 + rnd(&seed) % 60;
		char *m2 = mremap(m, n * P, n2 * P, MREMAP_MAYMOVE);
		if (m2 == MAP_FAILED)
			die("mremap");
		for (size_t i = 0; i < n && i < n2; i++)
			if (*(unsigned long *)(m2 + i * P) != tag + i)
				die("content after mremap");
		for (size_t i = n; i < n2; i++)
			if (*(unsigned long *)(m2 + i * P))
				die("not zero");
		if (rnd(&seed) % 3 == 0) {
			if (madvise(m2, n2 * P, MADV_DONTNEED))
				die("madvise");
			for (size_t i = 0; i < n2; i++)
				if (*(unsigned long *)(m2 + i * P))
					die("not zero after dontneed");
		}
		if (munmap(m2, n2 * P))
			die("munmap");
	}
	return 0;
}
/* two threads: one bumps pairs in different pages while forks go on: order must hold */
static void *writer(void *arg)
{
	volatile unsigned long *a = (void *)((char *)shared_words + (long)arg * 2 * P),
			       *b = (void *)((char *)a + P);
	for (unsigned long i = 1; !stop; i++) {
		*a = i;
		__asm__ volatile("" ::: "memory");
		*b = i;
	}
	return 0;
}
static void *reader(void *arg)
{
	volatile unsigned long *a = (void *)((char *)shared_words + (long)arg * 2 * P),
			       *b = (void *)((char *)a + P);
	while (!stop) {
		unsigned long y = *b;
		__asm__ volatile("" ::: "memory");
		unsigned long x = *a;
		if (x < y)
			die("order: older value after newer");
	}
	return 0;
}
static void *forker(void *arg)
{
	unsigned seed = 5 + (unsigned)(long)arg;
	for (int r = 0; go_on(r, rounds / 4); r++) {
		pid_t c = fork();
		if (c < 0) {
			if (errno == EAGAIN || errno == ENOMEM) {
				continue;
			}
			die("fork");
		}
		if (!c) {
			unsigned long s1 = 0, s2 = 0;
			for (int k = 0; k < SH; k++) {
				s1 += *(unsigned long *)((char *)shared_words + k * P);
			}
			usleep(rnd(&seed) % 200);
			for (int k = 0; k < SH; k++)
				s2 += *(unsigned long *)((char *)shared_words + k * P);
			if (s1 != s2)
				_exit(7);
			for (int k = 0; k < SH; k++)
				*(unsigned long *)((char *)shared_words + k * P) = -1UL;
			_exit(3);
		}
		int st;
		if (waitpid(c, &st, 0) != c)
			die("wait");
		if (st != 3 << 8) {
			fprintf(stderr, "child %x\n", st);
			die("child saw its memory change");
		}
	}
	return 0;
}
/* Two give the same pages back; to one of them, who alone writes, they must be gone afterwards,
 * also where the other was faster. */
static volatile unsigned long *given_back;
static void *giver(void *arg __attribute__((unused)))
{
	while (!stop)
		if (madvise((void *)given_back, 4 * P, MADV_DONTNEED))
			die("madvise");
	return 0;
}
static void *writing_giver(void *arg __attribute__((unused)))
{
	for (int r = 0; go_on(r, rounds * 5); r++) {
		for (int i = 0; i < 4; i++)
			given_back[i * P / 8] = 1;
		if (madvise((void *)given_back, 4 * P, MADV_DONTNEED))
			die("madvise");
		for (int i = 0; i < 4; i++)
			if (given_back[i * P / 8])
				die("a page that was given back is still there");
	}
	return 0;
}
static int fd;
static sigjmp_buf jb[8];
static __thread int jbi;
static void bus(int s __attribute__((unused)))
{
	siglongjmp(jb[jbi], 1);
}
static void *cutter(void *arg __attribute__((unused)))
{
	for (int r = 0; go_on(r, rounds); r++) {
		if (ftruncate(fd, (r % 17) * P + (r % 3) * 100))
			die("ftruncate");
	}
	return 0;
}
static void *toucher(void *arg)
{
	jbi = (long)arg;
	for (int r = 0; go_on(r, rounds); r++) {
		int prot = PROT_READ | PROT_WRITE;
		char *m =
		    mmap(0, 17 * P, prot, (r + (long)arg) & 1 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		if (m == MAP_FAILED)
			die("mmap file");
		if (!sigsetjmp(jb[jbi], 1))
			for (int i = 0; i < 17; i++) {
				m[i * P + 50] = 1;
				(void)*(volatile char *)(m + i * P + 10);
			}
		munmap(m, 17 * P);
	}
	return 0;
}
int main(int c, char **v)
{
	rounds = c > 1 ? atoi(v[1]) : 100;
	shared_words = mmap(0, SH * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset((void *)shared_words, 0, SH * P);
	given_back = mmap(0, 4 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open("/tmp/cut", O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		die("open");
	struct sigaction sa = {.sa_handler = bus, .sa_flags = SA_NODEFER};
	sigaction(SIGBUS, &sa, 0);
	pthread_t t[32], w[8];
	int n = 0, m = 0;
	pthread_create(&t[0], 0, giver, 0);
	deadline = time(0) + 5;
	writing_giver(0);
	stop = 1;
	pthread_join(t[0], 0);
	stop = 0;
	deadline = time(0) + 20;
	for (long i = 0; i < 2; i++) {
		pthread_create(&w[m++], 0, writer, (void *)i);
		pthread_create(&w[m++], 0, reader, (void *)i);
	}
	for (long i = 0; i < 3; i++)
		pthread_create(&t[n++], 0, mapper, (void *)(i + 1));
	pthread_create(&t[n++], 0, forker, (void *)1);
	pthread_create(&t[n++], 0, forker, (void *)2);
	pthread_create(&t[n++], 0, cutter, 0);
	for (long i = 0; i < 2; i++)
		pthread_create(&t[n++], 0, toucher, (void *)i);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], 0);
	stop = 1;
	for (int i = 0; i < m; i++)
		pthread_join(w[i], 0);
	puts("ok memory_races");
	return 0;
}
