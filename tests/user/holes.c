/* SPDX-License-Identifier: MIT
 *
 * Space of files: fallocate(), data and holes, and the space that statfs() reports.
 */
#include <sys/statfs.h>
#include <sys/uio.h>

#include "check.h"

static int fd;
static char big[64 * 4096], zeros[64 * 4096];

static off_t size_of(void)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st.st_size;
}

static long blocks_of(void)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st.st_blocks;
}

static void open_new(void)
{
	fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0644));
}

static void allocation(void)
{
	open_new();
	CHECK_EQ(fallocate(fd, 0, 0, 10 * PAGE), 0);
	CHECK_EQ(size_of(), 10 * PAGE);
	CHECK_EQ(blocks_of(), 10 * PAGE / 512);
	CHECK_EQ(pread(fd, big, 10 * PAGE, 0), 10 * PAGE);
	CHECK(memcmp(big, zeros, 10 * PAGE) == 0);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10 * PAGE, 5 * PAGE), 0);
	CHECK_EQ(size_of(), 10 * PAGE);
	CHECK_EQ(blocks_of(), 15 * PAGE / 512);
	CHECK_EQ(pwrite(fd, "abc", 3, 5 * PAGE), 3);
	CHECK_EQ(fallocate(fd, 0, 5 * PAGE, 1), 0); /* data stays */
	CHECK_EQ(pread(fd, big, 3, 5 * PAGE), 3);
	CHECK(memcmp(big, "abc", 3) == 0);
	CHECK_EQ(fallocate(fd, 0, 20 * PAGE + 7, 3), 0);
	CHECK_EQ(size_of(), 20 * PAGE + 10);
	MUST(ftruncate(fd, PAGE)); /* frees what lies beyond */
	CHECK_EQ(blocks_of(), PAGE / 512);
	CHECK_EQ(posix_fallocate(fd, 0, 3 * PAGE), 0);
	CHECK_EQ(size_of(), 3 * PAGE);
	close(fd);
}

static void holes_punched(void)
{
	char *m;

	open_new();
	memset(big, 'x', sizeof(big));
	CHECK_EQ(write(fd, big, 8 * PAGE), 8 * PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, 3 * PAGE), 0);
	CHECK_EQ(size_of(), 8 * PAGE);
	CHECK_EQ(blocks_of(), 5 * PAGE / 512);
	CHECK_EQ(pread(fd, big, 8 * PAGE, 0), 8 * PAGE);
	CHECK(big[2 * PAGE - 1] == 'x' && big[5 * PAGE] == 'x');
	CHECK(memcmp(big + 2 * PAGE, zeros, 3 * PAGE) == 0);
	/* Parts of pages. */
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 6 * PAGE - 10, 20), 0);
	CHECK_EQ(blocks_of(), 5 * PAGE / 512);
	CHECK_EQ(pread(fd, big, 40, 6 * PAGE - 20), 40);
	CHECK(big[9] == 'x' && big[10] == 0 && big[29] == 0 && big[30] == 'x');
	/* Through a mapping. */
	m = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(m[PAGE], 'x');
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE), 0);
	CHECK_EQ(m[PAGE], 0);
	m[PAGE] = 'y';
	CHECK_EQ(pread(fd, big, 1, PAGE), 1);
	CHECK_EQ(big[0], 'y');
	munmap(m, 8 * PAGE);
	/* A private copy stays. */
	m = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	m[7 * PAGE] = 'p';
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * PAGE, PAGE), 0);
	CHECK_EQ(m[7 * PAGE], 'p');
	munmap(m, 8 * PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE, PAGE), 0);
	CHECK_EQ(size_of(), 8 * PAGE);
	close(fd);
}

/* Pages beyond the end of a file are freed by each truncation that does not extend it, and on tmpfs
 * by a hole there. */
static void beyond_the_end(void)
{
	open_new();
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 256 * PAGE), 0);
	CHECK_EQ(size_of(), 0);
	CHECK_EQ(blocks_of(), 256 * PAGE / 512);
	MUST(ftruncate(fd, 0));
	CHECK_EQ(blocks_of(), 0);
	CHECK_EQ(write(fd, big, PAGE), PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 16 * PAGE), 0);
	MUST(ftruncate(fd, PAGE));
	CHECK_EQ(size_of(), PAGE);
	CHECK_EQ(blocks_of(), PAGE / 512);
	close(fd);
	SKIP_IF(!has_call(SYS_memfd_create), "no memfd");
	fd = MUST(syscall(SYS_memfd_create, "file", 0));
	CHECK_EQ(write(fd, big, 10), 10);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 16 * PAGE), 0);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8 * PAGE, 8 * PAGE), 0);
	CHECK_EQ(blocks_of(), 8 * PAGE / 512);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 16 * PAGE), 0);
	CHECK_EQ(blocks_of(), PAGE / 512);
	CHECK_EQ(size_of(), 10);
	close(fd);
}

static void errors(void)
{
	struct rlimit old, small = {3 * PAGE, RLIM_INFINITY};
	int reader, p[2];

	open_new();
	reader = MUST(open("file", O_RDONLY));
	MUST(pipe(p));
	CHECK_ERR(fallocate(fd, 0, -1, 10), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, -1), EINVAL);
	CHECK_ERR(fallocate(fd, 0, INT64_MAX, 10), EFBIG);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, 0x8000, 0, PAGE), EOPNOTSUPP);
	CHECK_ERR(fallocate(reader, 0, 0, PAGE), EBADF);
	CHECK_ERR(fallocate(99, 0, 0, PAGE), EBADF);
	CHECK_ERR(fallocate(p[1], 0, 0, PAGE), ESPIPE);
	CHECK_EQ(IN_CHILD({
			 handle(SIGXFSZ, catch, 0);
			 MUST(getrlimit(RLIMIT_FSIZE, &old));
			 MUST(setrlimit(RLIMIT_FSIZE, &small));
			 CHECK_ERR(fallocate(fd, 0, 0, 4 * PAGE), EFBIG);
			 CHECK_EQ(caught[SIGXFSZ], 1);
			 CHECK_EQ(fallocate(fd, 0, 0, 3 * PAGE), 0);
		 }),
		 0);
	close(reader);
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void seeking(void)
{
	int p[2], directory;

	open_new();
	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 0, SEEK_HOLE), ENXIO);
	CHECK_EQ(pwrite(fd, big, PAGE, 16 * PAGE), PAGE);
	CHECK_EQ(pwrite(fd, big, PAGE, 40 * PAGE), PAGE);
	CHECK_EQ(pwrite(fd, "x", 1, 1L << 32), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 16 * PAGE);
	CHECK_EQ(lseek(fd, 16 * PAGE + 5, SEEK_DATA), 16 * PAGE + 5);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 16 * PAGE + 5);
	CHECK_EQ(lseek(fd, 5, SEEK_HOLE), 5);
	CHECK_EQ(lseek(fd, 16 * PAGE + 5, SEEK_HOLE), 17 * PAGE);
	CHECK_EQ(lseek(fd, 17 * PAGE, SEEK_DATA), 40 * PAGE);
	CHECK_EQ(lseek(fd, 41 * PAGE, SEEK_DATA), 1L << 32);
	CHECK_EQ(lseek(fd, 1L << 32, SEEK_HOLE), (1L << 32) + 1);
	CHECK_ERR(lseek(fd, (1L << 32) + 1, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, (1L << 32) + 1, SEEK_HOLE), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 0, 5), EINVAL);
	MUST(ftruncate(fd, 1L << 40)); /* a large hole at the end */
	CHECK_ERR(lseek(fd, (1L << 32) + PAGE, SEEK_DATA), ENXIO);
	CHECK_EQ(lseek(fd, (1L << 32) + PAGE, SEEK_HOLE), (1L << 32) + PAGE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16 * PAGE, PAGE), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 40 * PAGE);
	MUST(pipe(p));
	CHECK_ERR(lseek(p[0], 0, SEEK_DATA), ESPIPE);
	directory = MUST(open(".", O_RDONLY));
	CHECK_ERR(lseek(directory, 0, 77), EINVAL);
	close(directory);
	close(p[0]);
	close(p[1]);
	close(fd);
}

/* A mapped write moves the time of modification, by msync() at the latest; and again after that. */
static void times_of_mappings(void)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	struct stat st;
	char *m;

	open_new();
	MUST(ftruncate(fd, 2 * PAGE));
	m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int round = 0; round < 3; round++) {
		MUST(futimens(fd, old));
		MUST(fstat(fd, &st));
		CHECK_EQ(st.st_mtime, 1000);
		m[round] = 'x';
		if (round == 2)
			munmap(m, 2 * PAGE);
		else
			MUST(msync(m, 2 * PAGE, MS_SYNC));
		MUST(fstat(fd, &st));
		CHECK(st.st_mtime > 1000);
	}
	/* So does a write by the kernel to a page that was only read. */
	char x = 'x';
	m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(m[PAGE], 0);
	MUST(futimens(fd, old));
	CHECK_EQ(process_vm_writev(getpid(), &(struct iovec){&x, 1}, 1, &(struct iovec){m + PAGE, 1}, 1, 0), 1);
	munmap(m, 2 * PAGE);
	MUST(fstat(fd, &st));
	CHECK(st.st_mtime > 1000);
	/* To map a file is an access of it; reading through the mapping changes no time. */
	MUST(futimens(fd, old));
	m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(fstat(fd, &st));
	CHECK(st.st_atime > 1000);
	MUST(futimens(fd, old));
	CHECK_EQ(m[0], 'x');
	MUST(msync(m, 2 * PAGE, MS_SYNC));
	munmap(m, 2 * PAGE);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_mtime, 1000);
	close(fd);
}

/* mprotect() forgets no write, and is none. */
static void times_after_mprotect(void)
{
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	struct stat st;
	char *m;

	open_new();
	MUST(ftruncate(fd, PAGE));
	for (int none = 0; none < 2; none++) {
		m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		MUST(futimens(fd, old));
		m[0] = 'x';
		MUST(mprotect(m, PAGE, none ? PROT_NONE : PROT_READ));
		munmap(m, PAGE);
		MUST(fstat(fd, &st));
		CHECK(st.st_mtime > 1000);
	}
	m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	MUST(futimens(fd, old));
	CHECK_EQ(m[0], 'x');
	MUST(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(m[0], 'x');
	munmap(m, PAGE);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_mtime, 1000);
	close(fd);
}

int main(void)
{
	check_start_in_directory();
	RUN(allocation);
	RUN(holes_punched);
	RUN(beyond_the_end);
	RUN(errors);
	RUN(seeking);
	RUN(times_of_mappings);
	RUN(times_after_mprotect);
	return check_end();
}
