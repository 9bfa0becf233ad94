/* SPDX-License-Identifier: MIT
 *
 * Files in memory: private and shared mappings, beyond the end, truncation, what open mode allows.
 */
#include "check.h"

#define RW (PROT_READ | PROT_WRITE)

static int make(const char *path, size_t size)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644));

	for (size_t i = 0; i < size; i += 4) {
		uint32_t word = i;

		CHECK_EQ(write(fd, &word, 4), 4);
	}
	return fd;
}

static void private_mapping(void)
{
	int fd = make("private", 3 * PAGE + 100);
	uint32_t word, *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	for (int i = 0; i < 3 * 1024 + 25; i++)
		if (!CHECK_EQ(p[i], i * 4))
			break;
	/* Behind the end zeros, to the page's end. */
	CHECK_EQ(p[3 * 1024 + 25], 0);
	CHECK_EQ(p[4 * 1024 - 1], 0);
	/* Writes stay here. */
	p[1024] = 77;
	CHECK_EQ(pread(fd, &word, 4, PAGE), 4);
	CHECK_EQ(word, PAGE);
	/* The file's change is seen where nothing was written (Linux and POSIX allow it). */
	word = 88;
	CHECK_EQ(pwrite(fd, &word, 4, PAGE), 4);
	CHECK_EQ(p[1024], 77);
	CHECK_EQ(IN_CHILD(CHECK_EQ(p[1024], 77); p[1024] = 78), 0);
	CHECK_EQ(p[1024], 77);
	/* An offset; closed and unlinked, the mapping stays. */
	uint32_t *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
	close(fd);
	unlink("private");
	CHECK_EQ(q[5], 2 * PAGE + 20);
	munmap(p, 4 * PAGE);
	munmap(q, PAGE);
}

static void advice(void)
{
	int fd = make("advice", 2 * PAGE);
	uint32_t *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);
	uint32_t *q = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	SKIP_IF(!has_advice(), "no madvise()");
	/* A private page is dropped: the file's contents are back. */
	p[1024] = 77;
	q[1024] = 88;
	CHECK_EQ(p[1024], 77);
	CHECK_EQ(madvise(p, 2 * PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(p[1024], 88);
	CHECK_EQ(msync(q, 2 * PAGE, MS_SYNC), 0);
	munmap(p, 2 * PAGE);
	munmap(q, 2 * PAGE);
	close(fd);
}

static void shared_mapping(void)
{
	int fd = make("shared", 2 * PAGE);
	uint32_t word, *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	uint32_t *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);

	p[1024] = 1234;
	CHECK_EQ(q[0], 1234);
	CHECK_EQ(pread(fd, &word, 4, PAGE), 4);
	CHECK_EQ(word, 1234);
	word = 4321;
	CHECK_EQ(pwrite(fd, &word, 4, PAGE), 4);
	CHECK_EQ(p[1024], 4321);
	CHECK_EQ(IN_CHILD(p[1024] = 5; p[0] = 6), 0);
	CHECK_EQ(q[0], 5);
	/* Grown after it was mapped. */
	munmap(p, 2 * PAGE);
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK_EQ(IN_CHILD(p[3 * 1024] = 1), KILLED(SIGBUS));
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	p[3 * 1024] = 9;
	CHECK_EQ(pread(fd, &word, 4, 3 * PAGE), 4);
	CHECK_EQ(word, 9);
	/* Shrunk: gone for all; the rest of the last page is zeros when it grows again. */
	CHECK_EQ(ftruncate(fd, 2000), 0);
	CHECK_EQ(IN_CHILD((void)*(volatile uint32_t *)&p[3 * 1024]), KILLED(SIGBUS));
	CHECK_EQ(IN_CHILD((void)*(volatile uint32_t *)&q[0]), KILLED(SIGBUS));
	CHECK_EQ(p[0], 6);
	CHECK_EQ(p[600], 0);
	CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
	CHECK_EQ(p[3 * 1024], 0);
	CHECK_EQ(p[600], 0);
	/* System calls see the end as well. */
	CHECK_EQ(ftruncate(fd, 100), 0);
	int null = MUST(open("/dev/zero", O_RDONLY));
	CHECK_ERR(read(null, p + 2048, 10), EFAULT);
	close(null);
	munmap(p, 4 * PAGE);
	munmap(q, PAGE);
	close(fd);
}

/* Private copies of pages behind the new end go as well. */
static void truncated_private(void)
{
	int fd = make("truncated", 4 * PAGE);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	p[3 * PAGE] = 1;
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK_EQ(IN_CHILD(p[3 * PAGE]++), KILLED(SIGBUS));
	CHECK_EQ(IN_CHILD(p[2 * PAGE]++), KILLED(SIGBUS));
	p[0]++;
	munmap(p, 4 * PAGE);
	close(fd);
}

static void modes(void)
{
	int rw = make("modes", PAGE), ro = MUST(open("modes", O_RDONLY)),
	    wo = MUST(open("modes", O_WRONLY)), dir = MUST(open(".", O_RDONLY));
	char *p;

	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0), EACCES);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dir, 0), ENODEV);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rw, 100), EINVAL);
	/* The descriptor is looked up first, and the mode of the file is looked at last. */
	CHECK_ERR(mmap(NULL, 0, PROT_READ, MAP_SHARED, 99, 0), EBADF);
	CHECK_ERR(mmap(NULL, 0, PROT_WRITE, MAP_SHARED, wo, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, PROT_WRITE, 0, wo, 0), EINVAL);
	CHECK_ERR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK_ERR(mprotect(p, PAGE, RW), EACCES);
	munmap(p, PAGE);
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0);
	p[0] = 1;
	munmap(p, PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rw, 0);
	CHECK_EQ(mprotect(p, PAGE, RW), 0);
	p[4] = 55;
	char c;
	CHECK_EQ(pread(ro, &c, 1, 4), 1);
	CHECK_EQ(c, 55);
	munmap(p, PAGE);
	close(rw), close(ro), close(wo), close(dir);
	int zero = MUST(open("/dev/zero", O_RDWR));
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, zero, 0);
	if (CHECK(p != MAP_FAILED)) {
		CHECK_EQ(p[9], 0);
		p[9] = 1;
		munmap(p, PAGE);
	}
	close(zero);
}

/* read() into a mapping of the same file, and back. */
static void onto_itself(void)
{
	int fd = make("itself", 4 * PAGE);
	uint32_t *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_EQ(pread(fd, p, PAGE, 2 * PAGE), PAGE);
	CHECK_EQ(p[3], 2 * PAGE + 12);
	CHECK_EQ(pwrite(fd, p + 1024, PAGE, 3 * PAGE), PAGE);
	CHECK_EQ(p[3 * 1024 + 3], PAGE + 12);
	munmap(p, 4 * PAGE);
	close(fd);
}

int main(void)
{
	check_start_in_directory();
	RUN(private_mapping);
	RUN(advice);
	RUN(shared_mapping);
	RUN(truncated_private);
	RUN(modes);
	RUN(onto_itself);
	return check_end();
}
