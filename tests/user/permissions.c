/* SPDX-License-Identifier: MIT
 *
 * Who may do what: users that are not root, their files, signals, limits.
 */
#include <dirent.h>
#include <grp.h>

#include "check.h"

static void touch(const char *path, mode_t mode)
{
	close(MUST(open(path, O_RDWR | O_CREAT, mode)));
	MUST(chmod(path, mode));
}

static void limit(int which, rlim_t value)
{
	struct rlimit r = {value, value};

	MUST(setrlimit(which, &r));
}

/* As nobody. */
static void files(void)
{
	MUST(mkdir("open", 0777));
	MUST(chmod("open", 0777));
	MUST(mkdir("closed", 0700));
	MUST(mkdir("sticky", 0777));
	MUST(chmod("sticky", 01777));
	touch("secret", 0600);
	touch("readable", 0644);
	touch("closed/f", 0666);
	touch("sticky/roots", 0666);
	CHECK_EQ(
	    IN_CHILD(
		MUST(setgid(65534)); MUST(setuid(65534)); CHECK_EQ(geteuid(), 65534);
		CHECK_ERR(open("secret", O_RDONLY), EACCES);
		CHECK_EQ(close(open("readable", O_RDONLY)), 0);
		CHECK_ERR(open("readable", O_WRONLY), EACCES);
		CHECK_ERR(truncate("readable", 0), EACCES);
		CHECK_ERR(open("closed/f", O_RDONLY), EACCES); CHECK_ERR(chdir("closed"), EACCES);
		CHECK_ERR(opendir("closed") ? 0 : -1, EACCES);
		CHECK_ERR(unlink("readable"), EACCES);
		CHECK_ERR(open("new", O_CREAT | O_RDWR, 0644), EACCES);
		CHECK_ERR(mkdir("new", 0755), EACCES); CHECK_ERR(chmod("readable", 0666), EPERM);
		CHECK_ERR(chown("readable", 65534, -1), EPERM);
		CHECK_ERR(access("secret", R_OK), EACCES);
		CHECK_ERR(mknod("open/dev", S_IFCHR | 0666, 0x103), EPERM);
		close(MUST(open("open/mine", O_CREAT | O_RDWR, 0644)));
		CHECK_EQ(rename("open/mine", "sticky/mine"), 0);
		CHECK_ERR(unlink("sticky/roots"), EPERM); CHECK_EQ(unlink("sticky/mine"), 0);
		/* One's own file need not be readable. */
		int fd = MUST(open("open/mute", O_CREAT | O_RDWR, 0));
		CHECK_EQ(write(fd, "x", 1), 1); CHECK_ERR(open("open/mute", O_RDONLY), EACCES)),
	    0);
	/* The superuser reads and writes all. */
	close(MUST(open("open/mute", O_RDWR)));
	CHECK_ERR(execl("readable", "readable", (char *)NULL), EACCES);
}

static void signals(void)
{
	CHECK_EQ(IN_CHILD(MUST(setuid(65534)); CHECK_ERR(kill(getppid(), 0), EPERM);
			  CHECK_ERR(kill(1, 0), EPERM); CHECK_EQ(kill(getpid(), 0), 0)),
		 0);
}

/* What a user may see of processes of root, and of its own. */
static void inspection(void)
{
	CHECK_EQ(IN_CHILD(MUST(setuid(65534)); void *head; size_t size; char path[64];
			  pid_t parent = getppid();
			  CHECK_ERR(syscall(SYS_get_robust_list, parent, &head, &size), EPERM);
			  CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &size), 0);
			  CHECK_EQ(syscall(SYS_get_robust_list, getpid(), &head, &size), 0);
			  snprintf(path, sizeof(path), "/proc/%d/fdinfo", parent);
			  CHECK_ERR(open(path, O_RDONLY), EACCES); strcat(path, "/0");
			  CHECK_ERR(open(path, O_RDONLY), EACCES);
			  close(MUST(open("/proc/self/fdinfo", O_RDONLY)));
			  close(MUST(open("/proc/self/fdinfo/1", O_RDONLY)))),
		 0);
}

static void hard_limits(void)
{
	struct rlimit r = {8192, 8192};

	CHECK_EQ(IN_CHILD(limit(RLIMIT_CORE, 4096); MUST(setuid(65534));
			  CHECK_ERR(setrlimit(RLIMIT_CORE, &r), EPERM); r.rlim_cur = r.rlim_max = 5;
			  CHECK_EQ(setrlimit(RLIMIT_CORE, &r), 0)),
		 0);
}

static void process_number(void)
{
	/* As a user of its own, with so many at once; then all can go, and others come. */
	CHECK_EQ(IN_CHILD(MUST(setsid()); limit(RLIMIT_NPROC, 20); MUST(setuid(64999));
			  for (int k = 0; k < 2; k++) {
				  int n = 0;
				  pid_t p;
				  while (n < 50 && (p = fork()) > 0)
					  n++;
				  if (p == 0) {
					  pause();
					  _exit(0);
				  }
				  CHECK_EQ(errno, EAGAIN);
				  CHECK_EQ(n, 19);
				  signal(SIGTERM, SIG_IGN);
				  MUST(kill(0, SIGTERM));
				  while (wait(NULL) > 0)
					  n--;
				  CHECK_EQ(n, 0);
				  signal(SIGTERM, SIG_DFL);
			  }),
		 0);
}

static void queued_signals(void)
{
	CHECK_EQ(IN_CHILD(limit(RLIMIT_SIGPENDING, 10); MUST(setuid(64998));
			  mask(SIG_BLOCK, SIGRTMIN); int n = 0; while (
			      n < 50 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) n++;
			  CHECK_EQ(errno, EAGAIN); CHECK_EQ(n, 10); raise(SIGUSR2)),
		 KILLED(SIGUSR2));
}

static void identities(void)
{
	gid_t groups[8];
	uid_t r, e, s;

	CHECK_EQ(IN_CHILD(CHECK_EQ(setresuid(1000, 2000, 3000), 0); getresuid(&r, &e, &s);
			  CHECK(r == 1000 && e == 2000 && s == 3000);
			  CHECK_ERR(setresuid(4000, -1, -1), EPERM); CHECK_EQ(seteuid(3000), 0);
			  CHECK_ERR(setuid(0), EPERM);
			  CHECK_ERR(setgid(5), EPERM); CHECK_ERR(setgroups(0, NULL), EPERM)),
		 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(setgroups(3, (gid_t[]){5, 6, 7}), 0);
			  CHECK_EQ(getgroups(0, NULL), 3); CHECK_EQ(getgroups(8, groups), 3);
			  CHECK_EQ(groups[2], 7); CHECK_ERR(getgroups(2, groups), EINVAL);
			  CHECK_EQ(setgid(10), 0); CHECK_EQ(getegid(), 10); CHECK_EQ(setuid(10), 0);
			  CHECK_EQ(geteuid() + getuid(), 20); CHECK_EQ(setuid(10), 0)),
		 0);
	/* Niceness: nobody lowers it, or touches another's. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0); MUST(setuid(65534));
			  CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
			  CHECK_ERR(setpriority(PRIO_PROCESS, 0, 1), EACCES);
			  CHECK_ERR(setpriority(PRIO_PROCESS, 1, 10), EPERM);
			  CHECK_ERR(setpriority(77, 0, 1), EINVAL);
			  CHECK_ERR(setpriority(PRIO_PROCESS, 99999999, 1), ESRCH);
			  CHECK_EQ(setpriority(PRIO_PROCESS, 0, 100), 0);
			  CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19)),
		 0);
}

int main(void)
{
	check_start_in_directory();
	RUN(files);
	RUN(signals);
	RUN(inspection);
	RUN(hard_limits);
	RUN(process_number);
	RUN(queued_signals);
	RUN(identities);
	return check_end();
}
