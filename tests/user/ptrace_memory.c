/* SPDX-License-Identifier: MIT
 *
 * The memory of another process: /proc/PID/mem, auxv and syscall, process_vm_readv() and
 * process_vm_writev().
 */
#include <sys/uio.h>

#include "check.h"

static char text[] = "hello";
static const char fixed[PAGE] __attribute__((aligned(4096))) = "fixed";

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags);
}

static pid_t sleeper(void)
{
	return SPAWN(for (;;) pause());
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

static void proc_mem(void)
{
	pid_t pid = SPAWN(while (strcmp(text, "world")) usleep(1000);
			  CHECK_EQ(*(volatile const char *)fixed, 'F'));
	char buffer[2 * PAGE];
	int fd;

	SKIP_IF(!has_proc(), "no /proc");
	fd = (int)MUST(open_of(pid, "mem", O_RDWR));
	CHECK_EQ(pread(fd, buffer, 6, (off_t)(uintptr_t)text), 6);
	CHECK_EQ(strcmp(buffer, "hello"), 0);
	CHECK_ERR(pread(fd, buffer, 6, 16), EIO);
	CHECK_ERR(pwrite(fd, buffer, 6, 16), EIO);
	CHECK_EQ(pwrite(fd, "F", 1, (off_t)(uintptr_t)fixed), 1); /* read-only there */
	CHECK_EQ(fixed[0], 'f');
	CHECK_EQ(lseek(fd, (off_t)(uintptr_t)fixed, SEEK_SET), (off_t)(uintptr_t)fixed);
	CHECK_EQ(read(fd, buffer, 5), 5);
	CHECK_EQ(memcmp(buffer, "Fixed", 5), 0);
	CHECK_EQ(pwrite(fd, "world", 6, (off_t)(uintptr_t)text), 6);
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(pread(fd, buffer, 6, (off_t)(uintptr_t)text), 0); /* it has ended */
	close(fd);
}

static void proc_mem_after_exec(void)
{
	const char *path = self_path();
	int go[2], fd;
	char byte;
	pid_t pid;

	SKIP_IF(!has_proc(), "no /proc");
	MUST(pipe(go));
	pid = SPAWN(read(go[0], &byte, 1); execl(path, path, "--sleep", NULL));
	fd = (int)MUST(open_of(pid, "mem", O_RDONLY));
	CHECK_EQ(write(go[1], "x", 1), 1);
	WAIT_UNTIL(pread(fd, &byte, 1, (off_t)(uintptr_t)text) == 0); /* another program */
	end(pid);
	close(fd), close(go[0]), close(go[1]);
}

static void proc_auxv(void)
{
	unsigned long theirs[128] = {0};
	bool page_size = false, null = false;
	pid_t pid = sleeper();
	ssize_t n;
	int fd;

	SKIP_IF(!has_proc(), "no /proc");
	fd = (int)MUST(open_of(pid, "auxv", O_RDONLY));
	n = read(fd, theirs, sizeof(theirs));
	CHECK(n > 0 && n % 16 == 0);
	for (ssize_t i = 0; i < n / 8 && !null; i += 2) {
		page_size |= theirs[i] == AT_PAGESZ && theirs[i + 1] == PAGE;
		null = theirs[i] == AT_NULL;
		if (theirs[i] == AT_ENTRY || theirs[i] == AT_PHDR || theirs[i] == AT_RANDOM)
			CHECK_EQ(theirs[i + 1], getauxval(theirs[i]));
	}
	CHECK(page_size);
	CHECK(null);
	close(fd);
	end(pid);
}

static void proc_syscall(void)
{
	pid_t pid = sleeper();
	char line[256] = "";
	int fd;

	SKIP_IF(!has_proc(), "no /proc");
	WAIT_UNTIL(is_asleep(pid));
	fd = (int)MUST(open_of(pid, "syscall", O_RDONLY));
	CHECK(read(fd, line, sizeof(line) - 1) > 0);
	CHECK_EQ(atoi(line), SYS_pause);
	close(fd);
	fd = (int)MUST(open("/proc/self/syscall", O_RDONLY));
	CHECK(read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	end(pid);
}

static void process_vm(void)
{
	pid_t pid = SPAWN(while (strcmp(text, "WORLD")) usleep(1000));
	char a[3], b[8] = "";
	struct iovec local[2] = {{a, 3}, {b, 3}}, remote[2] = {{text, 2}, {text + 2, 4}}, bad[2];

	CHECK_EQ(process_vm_readv(pid, local, 2, remote, 2, 0), 6);
	CHECK_EQ(memcmp(a, "hel", 3), 0);
	CHECK_EQ(strcmp(b, "lo"), 0);
	CHECK_EQ(process_vm_readv(pid, local, 1, remote, 2, 0), 3);
	CHECK_EQ(process_vm_readv(pid, local, 0, remote, 2, 0), 0);
	CHECK_ERR(process_vm_readv(pid, local, 2, remote, 2, 1), EINVAL);
	CHECK_ERR(process_vm_readv(pid, local, 1025, remote, 2, 0), EINVAL);
	CHECK_ERR(process_vm_readv(pid, local, 1, remote, 1025, 0), EINVAL);
	CHECK_ERR(process_vm_readv(0x3ffff0, local, 2, remote, 2, 0), ESRCH);
	bad[0] = remote[0];
	bad[1] = (struct iovec){BAD, 4};
	CHECK_EQ(process_vm_readv(pid, local, 2, bad, 2, 0), 2);
	CHECK_ERR(process_vm_readv(pid, local, 2, bad + 1, 1, 0), EFAULT);
	bad[0] = (struct iovec){(void *)fixed, 3}; /* the protection counts */
	CHECK_ERR(process_vm_writev(pid, local, 1, bad, 1, 0), EFAULT);
	memcpy(a, "WOR", 3), memcpy(b, "LD", 3);
	CHECK_EQ(process_vm_writev(pid, local, 2, remote, 2, 0), 6);
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(strcmp(text, "hello"), 0);
}

static void rights(void)
{
	struct iovec v = {text, 1};
	pid_t pid;

	SKIP_IF(geteuid() != 0, "must be root");
	pid = sleeper();
	CHECK_EQ(IN_CHILD(MUST(setuid(1000));
			  CHECK_ERR(process_vm_readv(pid, &v, 1, &v, 1, 0), EPERM);
			  if (has_proc()) CHECK_ERR(open_of(pid, "mem", O_RDONLY), EACCES)),
		 0);
	end(pid);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--sleep"))
		for (;;)
			pause();
	check_start();
	RUN(proc_mem);
	RUN(proc_mem_after_exec);
	RUN(proc_auxv);
	RUN(proc_syscall);
	RUN(process_vm);
	RUN(rights);
	return check_end();
}
