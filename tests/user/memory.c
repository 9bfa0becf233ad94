/* SPDX-License-Identifier: MIT
 *
 * Anonymous memory: mmap, munmap, mprotect, mremap, madvise, brk, the stack; copy-on-write and
 * sharing over fork; sizes that cannot be.
 */
#include "check.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* How an access ends in a child: 0, or the signal. */
static int touch(volatile char *p, bool write)
{
	return IN_CHILD(if (write) * p = 1; else * p);
}

static bool readable(void *p)
{
	return touch(p, false) == 0;
}

static void shapes(void)
{
	char *p = map(16 * PAGE), *q;

	for (int i = 0; i < 16; i++) {
		CHECK_EQ(p[i * PAGE], 0);
		p[i * PAGE] = i + 1;
	}
	/* A hole in the middle, filled again: zeros there, the rest untouched. */
	CHECK_EQ(munmap(p + 4 * PAGE, 3 * PAGE), 0);
	CHECK_EQ(p[3 * PAGE], 4);
	CHECK_EQ(p[7 * PAGE], 8);
	CHECK_EQ(touch(p + 5 * PAGE, false), KILLED(SIGSEGV));
	CHECK_EQ(munmap(p + 4 * PAGE, 3 * PAGE), 0);
	q = mmap(p + 4 * PAGE, 3 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK(q == p + 4 * PAGE);
	CHECK_EQ(q[PAGE], 0);
	q[PAGE] = 99;
	/* Over what is there. */
	q = mmap(p + 8 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK_EQ(q[0], 0);
	CHECK_EQ(p[10 * PAGE], 11);
	CHECK_ERR(mmap(p + 8 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	/* A hint is taken where it is free. */
	CHECK_EQ(munmap(p + 12 * PAGE, PAGE), 0);
	CHECK(mmap(p + 12 * PAGE, PAGE, RW, ANON, -1, 0) == p + 12 * PAGE);
	CHECK(mmap(p + 12 * PAGE, PAGE, RW, ANON, -1, 0) != p + 12 * PAGE);
	/* Over several at once. */
	CHECK_EQ(munmap(p, 16 * PAGE), 0);
	CHECK(!readable(p) && !readable(p + 15 * PAGE));
	/* Not a multiple of a page: rounded up. */
	p = mmap(NULL, 100, RW, ANON, -1, 0);
	p[4095] = 1;
	CHECK_EQ(munmap(p, 1), 0);
	CHECK(!readable(p));
}

static void errors(void)
{
	char *p = map(PAGE);

	CHECK_ERR(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF);
	CHECK_ERR(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, 1, 5), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, NULL, -1L, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(syscall(SYS_mmap, NULL, -PAGE, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(syscall(SYS_mmap, NULL, 1L << 47, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(syscall(SYS_mmap, 0x7ffffffff000, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERR(syscall(SYS_mmap, 0xffff800000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERR(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERR(munmap(p, 0), EINVAL);
	CHECK_ERR(munmap(p, -PAGE), EINVAL);
	CHECK_ERR(munmap((void *)0xffff800000000000, PAGE), EINVAL);
	CHECK_EQ(munmap((void *)0x100000000000, 1L << 40), 0);
	CHECK_ERR(syscall(SYS_mprotect, p + 1, PAGE, RW), EINVAL);
	CHECK_EQ(mprotect(p, 0, RW), 0);
	CHECK_ERR(mprotect((void *)0x10000, PAGE, RW), ENOMEM);
	CHECK_ERR(syscall(SYS_mprotect, p, -PAGE, RW), ENOMEM);
	CHECK_ERR(syscall(SYS_mprotect, p, PAGE, 0x80), EINVAL);
	munmap(p, PAGE);
}

static void errors_of_advice(void)
{
	char *p = map(PAGE);

	SKIP_IF(!has_advice(), "no madvise()");
	CHECK_ERR(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 4711), EINVAL);
	CHECK_ERR(madvise((void *)0x10000, PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_ERR(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mremap, p, PAGE, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mremap, p, PAGE, PAGE, 64), EINVAL);
	CHECK_ERR(mremap((void *)0x10000, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERR(syscall(SYS_mremap, p, PAGE, 1L << 47, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERR(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERR(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERR(msync((void *)0x10000, PAGE, MS_SYNC), ENOMEM);
	munmap(p, PAGE);
}

static void protection(void)
{
	char *p = map(8 * PAGE);

	memset(p, 7, 8 * PAGE);
	CHECK_EQ(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ), 0);
	CHECK_EQ(mprotect(p + 3 * PAGE, 2 * PAGE, PROT_NONE), 0);
	CHECK_EQ(touch(p + PAGE, true), 0);
	CHECK_EQ(touch(p + 2 * PAGE, false), 0);
	CHECK_EQ(touch(p + 2 * PAGE, true), KILLED(SIGSEGV));
	CHECK_EQ(touch(p + 3 * PAGE, false), KILLED(SIGSEGV));
	CHECK_EQ(touch(p + 4 * PAGE, false), KILLED(SIGSEGV));
	CHECK_EQ(touch(p + 5 * PAGE, true), 0);
	/* System calls obey too. */
	int pipes[2];
	MUST(pipe(pipes));
	CHECK_EQ(write(pipes[1], p + 2 * PAGE, 5), 5);
	CHECK_ERR(read(pipes[0], p + 2 * PAGE, 5), EFAULT);
	CHECK_ERR(write(pipes[1], p + 3 * PAGE, 5), EFAULT);
	close(pipes[0]), close(pipes[1]);
	/* What was there is there again. */
	CHECK_EQ(mprotect(p, 8 * PAGE, RW), 0);
	for (int i = 0; i < 8 * PAGE; i += 1000)
		CHECK_EQ(p[i], 7);
	p[3 * PAGE] = 8;
	/* Partly unmapped: an error. */
	CHECK_EQ(munmap(p + 6 * PAGE, PAGE), 0);
	CHECK_ERR(mprotect(p + 5 * PAGE, 3 * PAGE, PROT_READ), ENOMEM);
	/* Code can be made and called. */
	memcpy(p, "\xb8\x2a\0\0\0\xc3", 6);
	CHECK_EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	CHECK_EQ(((int (*)(void))p)(), 42);
	munmap(p, 8 * PAGE);
}

static void remapping(void)
{
	char *p = map(8 * PAGE), *q, *r;

	SKIP_IF(!has_advice(), "no mremap()");
	for (int i = 0; i < 8; i++)
		p[i * PAGE] = i + 1;
	/* Smaller: the end is gone. */
	CHECK(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p);
	CHECK(!readable(p + 4 * PAGE));
	/* Larger in place, as it is free. */
	CHECK(mremap(p, 4 * PAGE, 6 * PAGE, 0) == p);
	CHECK_EQ(p[3 * PAGE], 4);
	CHECK_EQ(p[4 * PAGE], 0);
	/* Something is in the way: it moves, or not. */
	q = mmap(p + 6 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	q[0] = 77;
	CHECK_ERR(mremap(p, 6 * PAGE, 10 * PAGE, 0), ENOMEM);
	r = mremap(p, 6 * PAGE, 10 * PAGE, MREMAP_MAYMOVE);
	CHECK(r != MAP_FAILED && r != p);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(r[i * PAGE], i + 1);
	CHECK_EQ(r[9 * PAGE], 0);
	CHECK(!readable(p));
	CHECK_EQ(q[0], 77);
	/* To a place of choice, over what is there. */
	CHECK(mremap(r, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	CHECK_EQ(q[0], 1);
	CHECK_EQ(q[PAGE], 2);
	CHECK(!readable(r));
	CHECK_EQ(r[2 * PAGE], 3);
	CHECK_ERR(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE), EINVAL);
	CHECK_ERR(mremap(q, PAGE, PAGE, MREMAP_FIXED, r), EINVAL);
	munmap(q, 2 * PAGE);
	munmap(r, 10 * PAGE);
	/* Large, many times. */
	p = map(PAGE);
	p[0] = 1;
	for (long pages = 1; pages < 4096; pages *= 2) {
		p = mremap(p, pages * PAGE, 2 * pages * PAGE, MREMAP_MAYMOVE);
		if (!CHECK(p != MAP_FAILED))
			return;
		CHECK_EQ(p[(pages - 1) * PAGE], 1);
		p[(2 * pages - 1) * PAGE] = 1;
	}
	CHECK_EQ(p[0], 1);
	munmap(p, 4096 * PAGE);
}

static void advice(void)
{
	char *p = map(8 * PAGE);

	SKIP_IF(!has_advice(), "no madvise()");
	memset(p, 5, 8 * PAGE);
	CHECK_EQ(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(p[0], 5);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 0);
	CHECK_EQ(p[3 * PAGE], 5);
	CHECK_EQ(madvise(p, 8 * PAGE, MADV_WILLNEED), 0);
	CHECK_EQ(madvise(p, 8 * PAGE, MADV_NORMAL), 0);
	CHECK_ERR(madvise(p, PAGE, 4711), EINVAL);
	CHECK_EQ(mlock(p, 8 * PAGE), 0);
	CHECK_EQ(munlock(p, 8 * PAGE), 0);
	munmap(p, 8 * PAGE);
	CHECK_ERR(mlock(p, PAGE), ENOMEM);
	CHECK_ERR(munlock(p, PAGE), ENOMEM);
	CHECK_ERR(msync(p, PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), ENOMEM);
}

static void program_break(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *end = start + 100 * PAGE;

	SKIP_IF(!has_advice(), "no heap");
	CHECK(start != NULL);
	CHECK_EQ(syscall(SYS_brk, end), end);
	CHECK_EQ(end[-1], 0);
	memset(start, 3, 100 * PAGE);
	CHECK_EQ(syscall(SYS_brk, start + PAGE), start + PAGE);
	CHECK_EQ(syscall(SYS_brk, end), end);
	CHECK_EQ(end[-1], 0);
	/* Odd sizes, and what cannot be: the break stays. */
	CHECK_EQ(syscall(SYS_brk, end + 5), end + 5);
	CHECK_EQ(syscall(SYS_brk, -1L), end + 5);
	CHECK_EQ(syscall(SYS_brk, 0x10), end + 5);
	CHECK_EQ(syscall(SYS_brk, start), start);
}

/* Few pages of many are there: a child has these, and no others. */
static void sparse_pages(void)
{
	/* The most last: a page leaves its mark in the table. */
	static const int steps[] = {511, 129, 127, 65, 64, 63, 17, 16, 9, 8, 7, 1};
	enum { COUNT = 1100 }; /* more than two tables */

	for (size_t n = 0; n < COUNT_OF(steps); n++) {
		char *p = map(COUNT * PAGE);
		int wrong = 0;

		for (int i = 0; i < COUNT; i += steps[n])
			p[i * PAGE] = 1;
		CHECK_EQ(IN_CHILD(for (int i = 0; i < COUNT; i++) wrong += p[i * PAGE] != !(i % steps[n]);
				  CHECK_EQ(wrong, 0)),
			 0);
		munmap(p, COUNT * PAGE);
	}
}

static void copy_on_write(void)
{
	enum { SIZE = 64 };
	int *p = map(SIZE * PAGE), pipes[2], pipes2[2];
	pid_t a;
	char c;

	for (int i = 0; i < SIZE; i++)
		p[i * 1024] = i;
	MUST(pipe(pipes));
	MUST(pipe(pipes2));
	a = SPAWN(for (int i = 0; i < SIZE; i += 2) p[i * 1024] = 1000 + i;
		  MUST(write(pipes[1], "x", 1)); CHECK_EQ(read(pipes2[0], &c, 1), 1);
		  for (int i = 0; i < SIZE; i++) CHECK_EQ(p[i * 1024], i % 2 ? i : 1000 + i));
	CHECK_EQ(read(pipes[0], &c, 1), 1);
	for (int i = 0; i < SIZE; i++) {
		CHECK_EQ(p[i * 1024], i);
		p[i * 1024] = 2000 + i;
	}
	MUST(write(pipes2[1], "x", 1));
	CHECK_EQ(wait_status(a), 0);
	for (int i = 0; i < SIZE; i++)
		CHECK_EQ(p[i * 1024], 2000 + i);
	/* Three generations; the system call's writes copy as well. */
	a = SPAWN(
	    p[0] = 1;
	    CHECK_EQ(IN_CHILD(CHECK_EQ(p[0], 1); p[0] = 2; MUST(write(pipes[1], "data", 4));
			      CHECK_EQ(read(pipes[0], p, 4), 4); CHECK_EQ(memcmp(p, "data", 4), 0)),
		     0);
	    CHECK_EQ(p[0], 1));
	CHECK_EQ(wait_status(a), 0);
	CHECK_EQ(p[0], 2000);
	/* Read before written: the page of zeros is nobody's. */
	char *z = map(4 * PAGE);
	CHECK_EQ(z[0] + z[PAGE], 0);
	CHECK_EQ(IN_CHILD(z[0] = 1; CHECK_EQ(z[PAGE], 0)), 0);
	CHECK_EQ(z[0], 0);
	z[0] = 9;
	CHECK_EQ(z[PAGE], 0);
	munmap(z, 4 * PAGE);
	munmap(p, SIZE * PAGE);
	close(pipes[0]), close(pipes[1]), close(pipes2[0]), close(pipes2[1]);
}

static void shared(void)
{
	int *p = map_shared(16 * PAGE);

	/* Also pages that the child touches first. */
	p[0] = 1;
	CHECK_EQ(IN_CHILD(CHECK_EQ(p[0], 1); p[0] = 2; p[1024] = 3;
			  CHECK_EQ(IN_CHILD(p[2048] = p[1024] + 1), 0)),
		 0);
	CHECK_EQ(p[0], 2);
	CHECK_EQ(p[1024], 3);
	CHECK_EQ(p[2048], 4);
	munmap(p, 16 * PAGE);
	/* Counted by four processes at once. */
	p = map_shared(PAGE);
	for (int i = 0; i < 4; i++)
		SPAWN(for (int k = 0; k < 10000; k++) __atomic_fetch_add(p, 1, __ATOMIC_RELAXED));
	while (wait(NULL) > 0)
		;
	CHECK_EQ(p[0], 40000);
	munmap(p, PAGE);
}

static void shared_and_moved(void)
{
	int *p = map_shared(16 * PAGE), *q;

	SKIP_IF(!has_advice(), "no mremap()");
	/* Unmapped in part and moved, it is the same memory. */
	pid_t a = SPAWN(while (__atomic_load_n(&p[3072], __ATOMIC_ACQUIRE) != 5) sleep_ms(1);
			p[4096] = 6);
	q = mremap(p + 3072, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	if (CHECK(q != MAP_FAILED)) {
		q = mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 14 * 1024);
		CHECK(q == p + 14 * 1024);
		__atomic_store_n(&q[0], 5, __ATOMIC_RELEASE);
		CHECK_EQ(wait_status(a), 0);
		CHECK_EQ(q[1024], 6);
	}
	munmap(p, 16 * PAGE);
}

static int __attribute__((noinline)) deep(int levels)
{
	volatile char frame[4000];

	memset((char *)frame, levels, sizeof(frame));
	return (levels ? deep(levels - 1) : 0) + (frame[3999] == (char)levels);
}

static void stack(void)
{
	struct rlimit r;

	SKIP_IF(!has_call(SYS_prlimit64), "no limits");
	CHECK_EQ(getrlimit(RLIMIT_STACK, &r), 0);
	CHECK(r.rlim_cur >= 8 * 1024 * 1024);
	CHECK_EQ(IN_CHILD(CHECK_EQ(deep(1790), 1791)), 0); /* 7 MiB */
	/* A lower limit binds at once. */
	r.rlim_cur = 1024 * 1024;
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_STACK, &r)); deep(1790)), KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_STACK, &r)); CHECK_EQ(deep(200), 201)), 0);
}

/* Many regions, and a walk over them. */
static void many(void)
{
	enum { COUNT = 2000 };
	char *p = mmap(NULL, COUNT * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	for (int i = 0; i < COUNT; i += 2)
		if (!CHECK_EQ(mprotect(p + i * PAGE, PAGE, RW), 0))
			return;
	for (int i = 0; i < COUNT; i += 2)
		p[i * PAGE] = i % 100;
	for (int i = 0; i < COUNT; i += 2)
		CHECK_EQ(p[i * PAGE], i % 100);
	CHECK_EQ(touch(p + PAGE, false), KILLED(SIGSEGV));
	CHECK_EQ(mprotect(p, COUNT * PAGE, RW), 0);
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[98 * PAGE], 98);
	CHECK_EQ(munmap(p, COUNT * PAGE), 0);
	/* A large reservation costs nothing. */
	p = mmap(NULL, 1L << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK(mmap(p + (1L << 39), PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + (1L << 39));
	p[1L << 39] = 1;
	CHECK_EQ(munmap(p, 1L << 40), 0);
	p = mmap(NULL, 64 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
	CHECK_EQ(p[63 * PAGE], 0);
	munmap(p, 64 * PAGE);
}

int main(void)
{
	check_start();
	RUN(shapes);
	RUN(errors);
	RUN(errors_of_advice);
	RUN(protection);
	RUN(remapping);
	RUN(advice);
	RUN(program_break);
	RUN(sparse_pages);
	RUN(copy_on_write);
	RUN(shared);
	RUN(shared_and_moved);
	RUN(stack);
	RUN(many);
	return check_end();
}
