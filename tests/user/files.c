/* SPDX-License-Identifier: MIT
 *
 * Files: open, read, write, seek, truncate, vectors; what is right and what must fail.
 */
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/uio.h>

#include "check.h"

static int fill(const char *path, const char *text)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void open_errors(void)
{
	static char name[300], path[5000];

	memset(name, 'n', 256);
	memset(path, '/', sizeof(path) - 1);
	close(fill("file", "text"));
	MUST(mkdir("dir", 0755));
	CHECK_ERR(open("absent", O_RDONLY), ENOENT);
	CHECK_ERR(open("absent/x", O_RDONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(open("file", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERR(open("dir", O_WRONLY), EISDIR);
	CHECK_ERR(open("dir", O_RDWR), EISDIR);
	CHECK_ERR(open("dir", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("new/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("file/", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("file/x", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open(name, O_RDONLY | O_CREAT, 0644), ENAMETOOLONG);
	CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
	CHECK_ERR(open(BAD, O_RDONLY), EFAULT);
	CHECK_ERR(open(page_end(), O_RDONLY), EFAULT);
	CHECK_ERR(openat(-1, "file", O_RDONLY), EBADF);
	CHECK_ERR(openat(9999, "file", O_RDONLY), EBADF);
	int fd = MUST(open("file", O_RDONLY));
	CHECK_ERR(openat(fd, "x", O_RDONLY), ENOTDIR);
	close(fd);
	fd = MUST(open("dir", O_RDONLY | O_DIRECTORY));
	close(MUST(openat(fd, "inside", O_RDWR | O_CREAT | O_EXCL, 0600)));
	CHECK_EQ(access("dir/inside", F_OK), 0);
	close(MUST(openat(fd, "../file", O_RDONLY)));
	close(fd);
	name[255] = '\0';
	close(MUST(open(name, O_RDWR | O_CREAT, 0644)));
	CHECK_EQ(unlink(name), 0);
}

static void open_flags(void)
{
	char text[32] = "";
	struct stat s;
	int fd;

	close(fill("flags", "0123456789"));
	fd = MUST(open("flags", O_RDWR | O_APPEND));
	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(write(fd, "ab", 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 12);
	CHECK_EQ(pread(fd, text, sizeof(text), 0), 12);
	CHECK_EQ(strcmp(text, "0123456789ab"), 0);
	close(fd);
	fd = MUST(open("flags", O_WRONLY | O_TRUNC));
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK_EQ(s.st_size, 0);
	CHECK_ERR(read(fd, text, 1), EBADF);
	close(fd);
	fd = MUST(open("flags", O_RDONLY));
	CHECK_ERR(write(fd, text, 1), EBADF);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	close(fd);
	fd = MUST(creat("flags", 0600));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	close(fd);
	/* A new file has its mode without the mask; a read-only mode does not hinder this open. */
	umask(027);
	fd = MUST(open("masked", O_RDWR | O_CREAT, 0466));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK_EQ(s.st_mode, S_IFREG | 0440);
	CHECK_EQ(umask(022), 027);
	close(fd);
}

static void read_write_errors(void)
{
	char *end = page_end(), buffer[64];
	int fd = fill("rw", "hello, world");
	int dir = MUST(open(".", O_RDONLY));

	CHECK_ERR(read(-1, buffer, 1), EBADF);
	CHECK_ERR(write(9999, buffer, 1), EBADF);
	CHECK_ERR(read(dir, buffer, 1), EISDIR);
	CHECK_ERR(write(dir, buffer, 1), EBADF);
	CHECK_EQ(read(fd, buffer, 0), 0);
	CHECK_EQ(write(fd, buffer, 0), 0);
	CHECK_EQ(read(fd, buffer, 10), 0);
	CHECK_ERR(pread(fd, BAD, 10, 0), EFAULT);
	CHECK_ERR(pwrite(fd, BAD, 10, 0), EFAULT);
	CHECK_ERR(pread(fd, (void *)-4096L, 10, 0), EFAULT);
	CHECK_ERR(pread(fd, (void *)0x800000000000, 10, 0), EFAULT);
	/* Half a buffer: what could be copied counts. */
	memcpy(end - 4, "ABCD", 4);
	CHECK_EQ(pwrite(fd, end - 4, 10, 0), 4);
	CHECK_EQ(pread(fd, end - 6, 12, 0), 6);
	CHECK_EQ(memcmp(end - 6, "ABCDo,", 6), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, end - 3, 12), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
	close(fd);
	close(dir);
}

static void seek(void)
{
	int fd = fill("seek", "0123456789"), pipes[2], left = -1;
	char c[16];

	CHECK_EQ(lseek(fd, 4, SEEK_SET), 4);
	CHECK_EQ(ioctl(fd, FIONREAD, &left), 0); /* the bytes from there to the end */
	CHECK_EQ(left, 6);
	CHECK_ERR(ioctl(fd, FIONREAD, BAD), EFAULT);
	CHECK_EQ(lseek(fd, 2, SEEK_CUR), 6);
	CHECK_EQ(read(fd, c, 1), 1);
	CHECK_EQ(c[0], '6');
	CHECK_EQ(lseek(fd, -1, SEEK_END), 9);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, -11, SEEK_END), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 9);
	CHECK_ERR(lseek(fd, 0, 99), EINVAL);
	CHECK_ERR(lseek(-1, 0, SEEK_SET), EBADF);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_ERR(lseek(pipes[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERR(pread(pipes[0], c, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(pipes[1], c, 1, 0), ESPIPE);
	close(pipes[0]);
	close(pipes[1]);
	/* A hole reads as zeros. */
	CHECK_EQ(lseek(fd, 100000, SEEK_SET), 100000);
	CHECK_EQ(read(fd, c, 1), 0);
	CHECK_EQ(write(fd, "z", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 100001);
	CHECK_EQ(pread(fd, c, 16, 50000), 16);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(c[i], 0);
	CHECK_EQ(pread(fd, c, 16, 99999), 2);
	CHECK_EQ(c[1], 'z');
	close(fd);
}

static void positioned(void)
{
	int fd = fill("positioned", "abcdef");
	char c[8];

	CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
	CHECK_EQ(pwrite(fd, "XY", 2, 4), 2);
	CHECK_EQ(pread(fd, c, 8, 3), 3);
	CHECK_EQ(memcmp(c, "dXY", 3), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1);
	CHECK_ERR(pread(fd, c, 1, -1), EINVAL);
	CHECK_ERR(pwrite(fd, c, 1, -1), EINVAL);
	CHECK_EQ(pread(fd, c, 1, 1L << 40), 0);
	CHECK_ERR(pread(-1, c, 1, 0), EBADF);
	close(fd);
}

static void vectors(void)
{
	char a[4] = "abc", b[8] = "defghij", *end = page_end();
	struct iovec v[3] = {{a, 3}, {NULL, 0}, {b, 7}}, many[1025];
	int fd = fill("vectors", "");

	CHECK_EQ(writev(fd, v, 3), 10);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	v[2].iov_len = 5;
	memset(a, 0, sizeof(a));
	CHECK_EQ(readv(fd, v, 3), 8);
	CHECK_EQ(memcmp(a, "abc", 3), 0);
	CHECK_EQ(memcmp(b, "defgh", 5), 0);
	CHECK_EQ(readv(fd, v, 3), 2);
	CHECK_EQ(readv(fd, v, 0), 0);
	CHECK_ERR(readv(fd, v, -1), EINVAL);
	for (int i = 0; i < 1025; i++)
		many[i] = (struct iovec){a, 1};
	CHECK_ERR(writev(fd, many, 1025), EINVAL);
	SKIP_IF(!has_call(SYS_pwritev), "no vectors at a position");
	CHECK_EQ(pwritev(fd, many, 1024, 0), 1024);
	CHECK_ERR(writev(fd, BAD, 2), EFAULT);
	CHECK_ERR(writev(-1, v, 1), EBADF);
	v[2].iov_len = -1;
	CHECK_ERR(preadv(fd, v, 3, 0), EINVAL);
	/* The second part is bad: the first counts. */
	MUST(ftruncate(fd, 0));
	v[0] = (struct iovec){"12345", 5};
	v[1] = (struct iovec){BAD, 5};
	CHECK_EQ(pwritev(fd, v, 2, 0), 5);
	v[0] = (struct iovec){b, 2};
	CHECK_EQ(preadv(fd, v, 2, 0), 2);
	v[0] = (struct iovec){end - 2, 6};
	CHECK_EQ(preadv(fd, v, 1, 0), 2);
	v[0] = (struct iovec){BAD, 2};
	CHECK_ERR(preadv(fd, v, 1, 0), EFAULT);
	close(fd);
}

static void truncation(void)
{
	int fd = fill("trunc", "0123456789"), ro = MUST(open("trunc", O_RDONLY));
	static char zeros[8192], c[8192];

	CHECK_EQ(ftruncate(fd, 4), 0);
	CHECK_EQ(ftruncate(fd, 8000), 0);
	CHECK_EQ(pread(fd, c, sizeof(c), 0), 8000);
	CHECK_EQ(memcmp(c, "0123", 4), 0);
	CHECK_EQ(memcmp(c + 4, zeros, 7996), 0);
	CHECK_EQ(truncate("trunc", 2), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 2);
	CHECK_ERR(ftruncate(fd, -1), EINVAL);
	CHECK_ERR(truncate("trunc", -1), EINVAL);
	CHECK_ERR(ftruncate(ro, 1), EINVAL);
	CHECK_ERR(ftruncate(-1, 1), EBADF);
	CHECK_ERR(truncate(".", 0), EISDIR);
	CHECK_ERR(truncate("absent", 0), ENOENT);
	CHECK_ERR(truncate(BAD, 0), EFAULT);
	close(fd);
	close(ro);
}

static void large(void)
{
	enum { SIZE = 300007 };
	static unsigned char out[SIZE], in[SIZE];
	int fd = fill("large", "");
	struct stat s;

	for (int i = 0; i < SIZE; i++)
		out[i] = i * 7 + i / 251;
	for (int done = 0, step = 1; done < SIZE; done += step, step = step * 3 + 1)
		CHECK(write(fd, out + done, step < SIZE - done ? step : SIZE - done) > 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, in, SIZE), SIZE);
	CHECK_EQ(memcmp(in, out, SIZE), 0);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK_EQ(s.st_size, SIZE);
	CHECK(s.st_blocks >= SIZE / 512);
	close(fd);
}

static void devices(void)
{
	static char c[10000];
	struct stat s;
	int fd = MUST(open("/dev/null", O_RDWR));

	CHECK_EQ(write(fd, c, 10000), 10000);
	CHECK_EQ(read(fd, c, 10), 0);
	close(fd);
	fd = MUST(open("/dev/zero", O_RDWR));
	memset(c, 1, sizeof(c));
	CHECK_EQ(read(fd, c, 10000), 10000);
	for (int i = 0; i < 10000; i += 999)
		CHECK_EQ(c[i], 0);
	CHECK_EQ(write(fd, c, 10), 10);
	CHECK_ERR(read(fd, BAD, 10), EFAULT);
	close(fd);
	fd = MUST(open("/dev/full", O_RDWR));
	CHECK_ERR(write(fd, c, 1), ENOSPC);
	CHECK_EQ(read(fd, c, 10), 10);
	close(fd);
	fd = MUST(open("/dev/urandom", O_RDONLY));
	CHECK_EQ(read(fd, c, 256), 256);
	CHECK(memcmp(c, c + 128, 128) != 0);
	close(fd);
	CHECK_EQ(stat("/dev/null", &s), 0);
	CHECK(S_ISCHR(s.st_mode));
	CHECK_EQ(s.st_rdev, 0x103);
}

/* A signal ends a long read of a device that always has more. */
static void endless_devices(void)
{
	static const char *const names[] = {"/dev/zero", "/dev/urandom"};
	static struct iovec v[1024];
	static char all[1 << 20];

	handle(SIGUSR1, catch, 0);
	for (int i = 0; i < 1024; i++)
		v[i] = (struct iovec){all, sizeof(all)}; /* the same memory again and again */
	for (int i = 0; i < 2; i++) {
		int fd = MUST(open(names[i], O_RDONLY));
		pid_t sender = signal_often(SIGUSR1, 1000);
		ssize_t n = 0;

		WAIT_UNTIL((n = readv(fd, v, 1024)) < 1 << 30);
		CHECK(n > 0);
		end_signals(sender);
		close(fd);
	}
}

static void space(void)
{
	int fd = fill("space", "x");
	struct statfs f;

	SKIP_IF(!has_call(SYS_statfs), "no statfs()");
	CHECK_EQ(statfs(".", &f), 0);
	CHECK(f.f_bsize > 0 && f.f_namelen == 255);
	CHECK_EQ(fstatfs(fd, &f), 0);
	CHECK_ERR(statfs("absent", &f), ENOENT);
	CHECK_ERR(syscall(SYS_statfs, ".", BAD), EFAULT);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
	CHECK_ERR(fsync(-1), EBADF);
	close(fd);
}

int main(void)
{
	check_start_in_directory();
	RUN(open_errors);
	RUN(open_flags);
	RUN(read_write_errors);
	RUN(seek);
	RUN(positioned);
	RUN(vectors);
	RUN(truncation);
	RUN(large);
	RUN(devices);
	RUN(endless_devices);
	RUN(space);
	return check_end();
}
