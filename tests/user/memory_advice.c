/* SPDX-License-Identifier: MIT
 *
 * What programs ask of mappings beyond mmap(): where they lie, whether children get them, which
 * pages are in memory, locking them; and files without a name (memfd_create()).
 */
#include "check.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* The number in a line of /proc/self/status. */
static long status_number(const char *name)
{
	static char text[8192];
	int fd = (int)MUST(open("/proc/self/status", O_RDONLY));
	ssize_t n = read(fd, text, sizeof(text) - 1);
	const char *line;

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	line = strstr(text, name);
	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

static void low_addresses(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK((unsigned long)p + 4 * PAGE <= 1UL << 31);
	p[0] = 1;
	munmap(p, 4 * PAGE);
}

static void validated_flags(void)
{
	int fd = (int)MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	char *p;

	MUST(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 'x';
	CHECK_EQ(pread(fd, p + 1, 1, 0), 1);
	CHECK_EQ(p[1], 'x');
	munmap(p, PAGE);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x80000 /* MAP_SYNC */, fd, 0),
		  EOPNOTSUPP);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x200000, fd, 0), EOPNOTSUPP);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | 0x200000, fd, 0) != MAP_FAILED);
	close(fd);
}

static void in_memory(void)
{
	unsigned char v[4] = {9, 9, 9, 9};
	char *p = map(4 * PAGE), *shared = map_shared(4 * PAGE);

	p[PAGE] = 1;
	CHECK_EQ(mincore(p, 4 * PAGE, v), 0);
	CHECK_EQ(v[0] & 1, 0);
	CHECK_EQ(v[1] & 1, 1);
	CHECK_EQ(v[2] & 1, 0);
	shared[2 * PAGE] = 1;
	CHECK_EQ(mincore(shared, 4 * PAGE, v), 0);
	CHECK_EQ(v[2] & 1, 1);
	CHECK_EQ(v[3] & 1, 0);
	CHECK_EQ(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE), 0);
	CHECK_EQ(mincore(p, 4 * PAGE, v), 0);
	CHECK_EQ(v[0] + v[1] + v[2] + v[3], 4);
	CHECK_ERR(mincore(p + 1, PAGE, v), EINVAL);
	CHECK_ERR(mincore(p, PAGE, BAD), EFAULT);
	munmap(p + 2 * PAGE, PAGE);
	CHECK_ERR(mincore(p, 4 * PAGE, v), ENOMEM);
	CHECK_ERR(mincore(p, -1UL, v), ENOMEM);
	CHECK_ERR(madvise(p, 4 * PAGE, MADV_POPULATE_READ), ENOMEM);
	mprotect(p, PAGE, PROT_NONE);
	CHECK_ERR(madvise(p, PAGE, MADV_POPULATE_READ), EINVAL);
	munmap(p, 4 * PAGE);
	munmap(shared, 4 * PAGE);
}

static void children(void)
{
	char *p = map(4 * PAGE), *shared = map_shared(PAGE);

	memset(p, 'x', 4 * PAGE);
	CHECK_EQ(madvise(p + PAGE, PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(madvise(p + 2 * PAGE, PAGE, MADV_WIPEONFORK), 0);
	CHECK_ERR(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
	CHECK_EQ(IN_CHILD(CHECK_EQ(p[0], 'x'); CHECK_EQ(p[2 * PAGE], 0); CHECK_EQ(p[3 * PAGE], 'x');
			  unsigned char v; CHECK_ERR(mincore(p + PAGE, PAGE, &v), ENOMEM);
			  /* The advice holds for the child's children. */
			  p[2 * PAGE] = 'y';
			  CHECK_EQ(IN_CHILD(CHECK_EQ(p[2 * PAGE], 0)), 0)),
		 0);
	CHECK_EQ(IN_CHILD(p[PAGE] = 1), KILLED(SIGSEGV));
	CHECK_EQ(p[2 * PAGE], 'x');
	CHECK_EQ(madvise(p, 4 * PAGE, MADV_DOFORK), 0);
	CHECK_EQ(madvise(p, 4 * PAGE, MADV_KEEPONFORK), 0);
	CHECK_EQ(IN_CHILD(for (int i = 0; i < 4; i++) CHECK_EQ(p[i * PAGE], 'x')), 0);
	munmap(p, 4 * PAGE);
	munmap(shared, PAGE);
}

static void locking(void)
{
	char *p = map(8 * PAGE);
	unsigned char v[8];
	long before = status_number("VmLck:");

	CHECK_EQ(mlock(p + PAGE + 5, 2 * PAGE), 0); /* whole pages: 1 to 3 */
	CHECK_EQ(status_number("VmLck:") - before, 12);
	CHECK_EQ(mincore(p, 8 * PAGE, v), 0);
	CHECK_EQ(v[0], 0);
	CHECK_EQ(v[1] + v[2] + v[3], 3);
	CHECK_EQ(mlock(p + PAGE, 2 * PAGE), 0); /* once more counts once */
	CHECK_EQ(status_number("VmLck:") - before, 12);
	CHECK_ERR(msync(p, 8 * PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
	CHECK_EQ(msync(p, 8 * PAGE, MS_SYNC), 0);
	CHECK_ERR(madvise(p, 8 * PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(IN_CHILD(CHECK_EQ(status_number("VmLck:"), 0)), 0);
	CHECK_EQ(syscall(SYS_mlock2, p + 5 * PAGE, PAGE, 1 /* MLOCK_ONFAULT */), 0);
	CHECK_EQ(mincore(p, 8 * PAGE, v), 0);
	CHECK_EQ(v[5], 0);
	CHECK_EQ(status_number("VmLck:") - before, 16);
	CHECK_EQ(munlock(p, 8 * PAGE), 0);
	CHECK_EQ(status_number("VmLck:"), before);
	munmap(p + 4 * PAGE, PAGE);
	CHECK_ERR(mlock(p, 8 * PAGE), ENOMEM);
	CHECK_ERR(munlock(p, 8 * PAGE), ENOMEM);
	CHECK_ERR(mlock(p, -PAGE), EINVAL);
	CHECK_ERR(syscall(SYS_mlock2, p, PAGE, 2), EINVAL);
	CHECK_ERR(mlockall(0), EINVAL);
	CHECK_ERR(mlockall(8), EINVAL);
	munmap(p, 8 * PAGE);
	CHECK_EQ(IN_CHILD(CHECK_EQ(mlockall(MCL_FUTURE), 0); p = map(4 * PAGE);
			  CHECK_EQ(mincore(p, 4 * PAGE, v), 0); CHECK_EQ(v[3], 1);
			  CHECK_EQ(status_number("VmLck:"), 16); CHECK_EQ(munlockall(), 0);
			  CHECK_EQ(status_number("VmLck:"), 0); CHECK_EQ(mlockall(MCL_CURRENT), 0);
			  CHECK(status_number("VmLck:") >= 16)),
		 0);
}

static void limited(void)
{
	struct rlimit some = {4 * PAGE, 4 * PAGE}, none = {0, 0};
	char *p = map(8 * PAGE);

	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_MEMLOCK, &some)); MUST(setuid(65534));
			  CHECK_EQ(mlock(p, 4 * PAGE), 0); CHECK_ERR(mlock(p, 5 * PAGE), ENOMEM);
			  CHECK_EQ(mlock(p, PAGE), 0);
			  CHECK_ERR(mmap(NULL, PAGE, PROT_READ,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
				    EAGAIN);
			  CHECK_ERR(mlockall(MCL_CURRENT), ENOMEM)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_MEMLOCK, &none)); MUST(setuid(65534));
			  CHECK_ERR(mlock(p, PAGE), EPERM); CHECK_ERR(mlockall(MCL_CURRENT), EPERM);
			  /* musl turns this error of mmap() into ENOMEM */
			  CHECK_ERR(syscall(SYS_mmap, NULL, PAGE, PROT_READ,
					    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
				    EPERM)),
		 0);
	munmap(p, 8 * PAGE);
}

static void moving(void)
{
	char *p = map(4 * PAGE), *q, *shared = map_shared(4 * PAGE);

	memset(p, 'x', 4 * PAGE);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	CHECK(q != MAP_FAILED && q != p);
	CHECK_EQ(q[3 * PAGE], 'x');
	CHECK_EQ(p[3 * PAGE], 0);
	p[0] = 'y';
	CHECK_EQ(q[0], 'x');
	CHECK_ERR(mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EINVAL);
	CHECK_ERR(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP), EINVAL);
	munmap(p, 4 * PAGE);
	munmap(q, 4 * PAGE);
	/* Of a shared mapping, a second one. */
	q = mremap(shared, 0, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != shared);
	shared[PAGE] = 'z';
	CHECK_EQ(q[PAGE], 'z');
	munmap(q, 4 * PAGE);
	munmap(shared, 4 * PAGE);
}

static int memfd(unsigned flags)
{
	return (int)MUST(syscall(SYS_memfd_create, "name", flags));
}

static void files(void)
{
	int fd = memfd(1 /* MFD_CLOEXEC */), again;
	char text[64] = "", *p;
	struct stat s;

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fstat(fd, &s), 0);
	CHECK(S_ISREG(s.st_mode));
	CHECK_EQ(s.st_nlink, 0);
	CHECK_EQ(s.st_size, 0);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(!memcmp(p, "hello", 6));
	p[PAGE] = 'x';
	CHECK_EQ(pread(fd, text, 1, PAGE), 1);
	CHECK_EQ(text[0], 'x');
	munmap(p, 2 * PAGE);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	again = (int)MUST(open(text, O_RDONLY));
	CHECK_EQ(read(again, text, 5), 5);
	CHECK(!memcmp(text, "hello", 5));
	close(again);
	CHECK(!strcmp(fd_target(fd), "/memfd:name (deleted)"));
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	close(fd);
	CHECK_ERR(syscall(SYS_memfd_create, "x", 0x8000), EINVAL);
	CHECK_ERR(syscall(SYS_memfd_create, BAD, 0), EFAULT);
	char name[260];
	memset(name, 'n', sizeof(name));
	name[249] = '\0';
	fd = (int)MUST(syscall(SYS_memfd_create, name, 0));
	close(fd);
	name[249] = 'n';
	name[250] = '\0';
	CHECK_ERR(syscall(SYS_memfd_create, name, 0), EINVAL);
	fd = (int)MUST(open("file", O_RDWR | O_CREAT, 0600));
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
	close(fd);
}

static void seals(void)
{
	int fd = memfd(2 /* MFD_ALLOW_SEALING */), reader;
	char path[64], *p;

	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	MUST(ftruncate(fd, PAGE));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_ERR(ftruncate(fd, 3 * PAGE), EPERM);
	CHECK_ERR(fallocate(fd, 0, 0, 3 * PAGE), EPERM);
	CHECK_ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 3 * PAGE), EPERM);
	CHECK_EQ(fallocate(fd, 0, 0, PAGE), 0);
	CHECK_EQ(pwrite(fd, "x", 1, PAGE), 1);
	CHECK_ERR(pwrite(fd, "x", 1, 2 * PAGE), EPERM);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	munmap(p, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = (int)MUST(open(path, O_RDONLY));
	CHECK_ERR(fcntl(reader, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	close(reader);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 1;
	munmap(p, PAGE);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	close(fd);
	/* Later writers only: mappings that are there may go on. */
	fd = memfd(2);
	MUST(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, 16 /* F_SEAL_FUTURE_WRITE */), 0);
	p[0] = 1;
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	munmap(p, PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	munmap(p, PAGE);
	close(fd);
}

int main(void)
{
	check_start_in_directory();
	RUN(low_addresses);
	RUN(validated_flags);
	RUN(in_memory);
	RUN(children);
	RUN(locking);
	RUN(limited);
	RUN(moving);
	RUN(files);
	RUN(seals);
	return check_end();
}
