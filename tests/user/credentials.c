/* SPDX-License-Identifier: MIT
 *
 * User and group ids: whose they are, who may change them, and what they change.
 */
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

struct ids {
	uid_t real, effective, saved;
};

/* The ids of the calling thread, as the kernel has them. */
static struct ids user_ids(void)
{
	struct ids i;

	MUST(syscall(SYS_getresuid, &i.real, &i.effective, &i.saved));
	return i;
}

#define CHECK_IDS(r, e, s)                                                                         \
	({                                                                                         \
		struct ids i_ = user_ids();                                                        \
		CHECK_EQ(i_.real, r), CHECK_EQ(i_.effective, e), CHECK_EQ(i_.saved, s);            \
	})

/* --- Whose are they? -------------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static void *other_thread(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier); /* the first thread has called setuid() */
	return (void *)(long)syscall(SYS_getuid);
}

/* setuid() of the C library changes all threads of the process. */
static void all_threads(void)
{
	CHECK_EQ(IN_CHILD(pthread_t thread; void *uid; pthread_barrier_init(&barrier, NULL, 2);
			  MUST(pthread_create(&thread, NULL, other_thread, NULL));
			  pthread_barrier_wait(&barrier); CHECK_EQ(setuid(1234), 0);
			  CHECK_IDS(1234, 1234, 1234); pthread_barrier_wait(&barrier);
			  pthread_join(thread, &uid); CHECK_EQ((long)uid, 1234);
			  CHECK_ERR(setuid(0), EPERM)),
		 0);
}

/* The call itself changes only the thread that calls it; a child inherits the ids of the thread
 * that made it. */
static void one_thread(void)
{
	CHECK_EQ(IN_CHILD(pthread_t thread; void *uid; pthread_barrier_init(&barrier, NULL, 2);
			  MUST(pthread_create(&thread, NULL, other_thread, NULL));
			  pthread_barrier_wait(&barrier); CHECK_EQ(syscall(SYS_setuid, 1234), 0);
			  CHECK_IDS(1234, 1234, 1234);
			  CHECK_EQ(IN_CHILD(CHECK_IDS(1234, 1234, 1234)), 0);
			  pthread_barrier_wait(&barrier); pthread_join(thread, &uid);
			  CHECK_EQ((long)uid, 0); CHECK_IDS(1234, 1234, 1234)),
		 0);
}

/* --- Rules of the calls ----------------------------------------------------------------------- */

#define USER  1234
#define OTHER 4321

/* The statements run in a child that is this user, with no group but 100. */
#define AS(uid, ...)                                                                               \
	CHECK_EQ(                                                                                  \
	    IN_CHILD(MUST(setgroups(0, NULL)); MUST(setgid(100)); MUST(setuid(uid)); __VA_ARGS__), \
	    0)

static void setting_one(void)
{
	AS(USER, CHECK_EQ(setuid(USER), 0); CHECK_ERR(setuid(OTHER), EPERM);
	   CHECK_ERR(setuid(-1), EINVAL); CHECK_ERR(setgid(-1), EINVAL);
	   CHECK_ERR(setgid(200), EPERM); CHECK_EQ(setgid(100), 0));
	/* Back to the saved id, and again. */
	CHECK_EQ(IN_CHILD(MUST(setresuid(1, 2, 3)); CHECK_EQ(setuid(3), 0); CHECK_IDS(1, 3, 3);
			  CHECK_EQ(setuid(1), 0); CHECK_IDS(1, 1, 3); CHECK_ERR(setuid(2), EPERM)),
		 0);
	/* Root that is only the effective user still sets all. */
	CHECK_EQ(IN_CHILD(MUST(setresuid(7, 0, 7)); CHECK_EQ(setuid(5), 0); CHECK_IDS(5, 5, 5)), 0);
	/* The saved id brings the power back. */
	CHECK_EQ(IN_CHILD(MUST(seteuid(7)); CHECK_IDS(0, 7, 0); CHECK_ERR(setuid(5), EPERM);
			  CHECK_EQ(seteuid(0), 0); CHECK_EQ(setuid(5), 0)),
		 0);
}

static void setting_two(void)
{
	CHECK_EQ(IN_CHILD(CHECK_EQ(setreuid(-1, 5), 0); CHECK_IDS(0, 5, 5);
			  CHECK_EQ(setreuid(5, 0), 0); CHECK_IDS(5, 0, 0);
			  CHECK_EQ(setreuid(-1, -1), 0); CHECK_IDS(5, 0, 0)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(setresuid(1, 2, 3)); CHECK_ERR(setreuid(3, -1), EPERM);
			  CHECK_ERR(setreuid(-1, 4), EPERM); CHECK_EQ(setreuid(-1, 3), 0);
			  CHECK_IDS(1, 3, 3); CHECK_EQ(setreuid(3, 1), 0); CHECK_IDS(3, 1, 1);
			  CHECK_EQ(setreuid(1, -1), 0); CHECK_IDS(1, 1, 1)),
		 0);
	/* The effective id becomes the real one's equal: the saved one stays. */
	CHECK_EQ(
	    IN_CHILD(MUST(setresuid(1, 2, 3)); CHECK_EQ(setreuid(-1, 1), 0); CHECK_IDS(1, 1, 3)),
	    0);
}

static void setting_three(void)
{
	CHECK_EQ(IN_CHILD(MUST(setresuid(1, 2, 3)); CHECK_EQ(setresuid(3, 1, 2), 0);
			  CHECK_IDS(3, 1, 2); CHECK_ERR(setresuid(1, 2, 4), EPERM);
			  CHECK_IDS(3, 1, 2); CHECK_EQ(setresuid(-1, 2, -1), 0); CHECK_IDS(3, 2, 2);
			  CHECK_ERR(syscall(SYS_getresuid, NULL, BAD, BAD), EFAULT)),
		 0);
	CHECK_EQ(IN_CHILD(gid_t r; gid_t e; gid_t s; MUST(setresgid(1, 2, 3)); MUST(setuid(9));
			  CHECK_EQ(setresgid(2, 3, 1), 0); MUST(getresgid(&r, &e, &s));
			  CHECK(r == 2 && e == 3 && s == 1); CHECK_EQ(setregid(3, -1), 0);
			  CHECK_ERR(setregid(7, -1), EPERM)),
		 0);
}

static void ids_for_files(void)
{
	MUST(chmod(".", 0777));
	CHECK_EQ(IN_CHILD(CHECK_EQ(setfsuid(USER), 0); CHECK_EQ(setfsuid(-1), USER);
			  CHECK_EQ(geteuid(), 0); close(MUST(open("fs", O_CREAT | O_RDWR, 0600)));
			  struct stat s; MUST(stat("fs", &s)); CHECK_EQ(s.st_uid, USER);
			  CHECK_EQ(seteuid(OTHER), 0); CHECK_EQ(setfsuid(-1), OTHER);
			  CHECK_EQ(setfsuid(5), OTHER); CHECK_EQ(setfsuid(-1), OTHER);
			  CHECK_EQ(setfsuid(0), OTHER); CHECK_EQ(setfsuid(-1), 0)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(chmod(".", 0755)); setfsuid(USER);
			  CHECK_ERR(open("new", O_CREAT | O_RDWR, 0600), EACCES); setfsuid(0);
			  close(MUST(open("new", O_CREAT | O_RDWR, 0600))); setfsgid(77);
			  close(MUST(open("new2", O_CREAT | O_RDWR, 0600))); struct stat s;
			  MUST(stat("new2", &s)); CHECK_EQ(s.st_gid, 77)),
		 0);
}

/* --- Groups ----------------------------------------------------------------------------------- */

static void groups(void)
{
	static gid_t many[65537];
	gid_t got[8];

	CHECK_ERR(getgroups(-1, got), EINVAL);
	CHECK_EQ(
	    IN_CHILD(MUST(setgroups(3, (gid_t[]){300, 100, 200}));
		     CHECK_EQ(IN_CHILD(CHECK_EQ(getgroups(8, got), 3); CHECK_EQ(got[0], 100);
				       CHECK_EQ(got[2], 300); MUST(setgroups(0, NULL))),
			      0);
		     CHECK_EQ(getgroups(0, NULL), 3); CHECK_ERR(getgroups(8, (gid_t *)BAD), EFAULT);
		     CHECK_ERR(setgroups(3, (gid_t *)BAD), EFAULT); CHECK_EQ(getgroups(0, NULL), 3);
		     CHECK_ERR(setgroups(65537, many), EINVAL);
		     for (int i = 0; i < 65536; i++) many[i] = 70000 - i;
		     CHECK_EQ(setgroups(65536, many), 0); CHECK_EQ(getgroups(65536, many), 65536);
		     CHECK_EQ(many[0], 4465); CHECK_EQ(many[65535], 70000); MUST(setuid(USER));
		     CHECK_ERR(setgroups(0, NULL), EPERM)),
	    0);
	/* A file of a supplementary group. */
	close(MUST(open("group", O_CREAT | O_RDWR, 0640)));
	MUST(chown("group", OTHER, 200));
	AS(USER, CHECK_ERR(open("group", O_RDONLY), EACCES));
	CHECK_EQ(IN_CHILD(MUST(setgroups(2, (gid_t[]){100, 200})); MUST(setuid(USER));
			  close(MUST(open("group", O_RDONLY)));
			  CHECK_ERR(open("group", O_RDWR), EACCES)),
		 0);
	/* The owner's bits count for the owner, even if the group may more. */
	MUST(chmod("group", 0040));
	CHECK_EQ(IN_CHILD(MUST(setgroups(1, (gid_t[]){200})); MUST(setuid(OTHER));
			  CHECK_ERR(open("group", O_RDONLY), EACCES)),
		 0);
	MUST(unlink("group"));
}

/* --- Capabilities ----------------------------------------------------------------------------- */

struct cap_header {
	uint32_t version;
	int pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};
#define V1 0x19980330
#define V3 0x20080522

static struct cap_data caps[2];
static bool get_caps(void)
{
	return syscall(SYS_capget, &(struct cap_header){V3, 0}, caps) == 0;
}

static long set_caps(void)
{
	return syscall(SYS_capset, &(struct cap_header){V3, 0}, caps);
}

static void capability_calls(void)
{
	struct cap_header h = {1, 0};

	CHECK_ERR(syscall(SYS_capget, &h, caps), EINVAL);
	CHECK_EQ(h.version, V3);
	h.version = 1;
	CHECK_EQ(syscall(SYS_capget, &h, NULL), 0);
	CHECK_ERR(syscall(SYS_capget, BAD, caps), EFAULT);
	h = (struct cap_header){V3, -1};
	CHECK_ERR(syscall(SYS_capget, &h, caps), EINVAL);
	h.pid = 99999999;
	CHECK_ERR(syscall(SYS_capget, &h, caps), ESRCH);
	h.pid = getpid();
	CHECK_ERR(syscall(SYS_capget, &h, BAD), EFAULT);
	CHECK_EQ(syscall(SYS_capget, &h, caps), 0);
	CHECK_EQ(syscall(SYS_capset, &h, caps), 0);
	h.pid = getppid();
	CHECK_ERR(syscall(SYS_capset, &h, caps), EPERM);
	/* What is given away does not come back. */
	CHECK_EQ(IN_CHILD(get_caps(); caps[0].effective &= ~(1U << 7); CHECK_EQ(set_caps(), 0);
			  CHECK_ERR(setuid(5), EPERM); caps[0].effective |= 1U << 7;
			  CHECK_EQ(set_caps(), 0); caps[0].permitted &= ~(1U << 7);
			  CHECK_ERR(set_caps(), EPERM); caps[0].effective &= ~(1U << 7);
			  CHECK_EQ(set_caps(), 0); caps[0].permitted |= 1U << 7;
			  CHECK_ERR(set_caps(), EPERM); CHECK_ERR(setuid(5), EPERM)),
		 0);
}

static void capabilities_and_ids(void)
{
	/* The effective ones follow the effective user, the permitted ones go with the last 0. */
	CHECK_EQ(IN_CHILD(get_caps(); uint32_t all = caps[0].effective; CHECK(all);
			  MUST(seteuid(5)); get_caps(); CHECK_EQ(caps[0].effective, 0);
			  CHECK_EQ(caps[0].permitted, all); MUST(seteuid(0)); get_caps();
			  CHECK_EQ(caps[0].effective, all); MUST(setuid(5)); get_caps();
			  CHECK_EQ(caps[0].effective, 0); CHECK_EQ(caps[0].permitted, 0)),
		 0);
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
			  CHECK_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
			  CHECK_ERR(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
			  CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1); get_caps();
			  uint32_t all = caps[0].permitted; MUST(setuid(5)); get_caps();
			  CHECK_EQ(caps[0].effective, 0); CHECK_EQ(caps[0].permitted, all);
			  caps[0].effective = 1 << 7; CHECK_EQ(set_caps(), 0);
			  CHECK_EQ(setuid(6), 0); CHECK_EQ(setuid(0), 0)),
		 0);
	/* Those for files follow the user for files. */
	CHECK_EQ(IN_CHILD(get_caps(); uint32_t all = caps[0].effective; setfsuid(5); get_caps();
			  CHECK_EQ(caps[0].effective & 0x1f, 0);
			  CHECK_EQ(caps[0].effective & 0xe0, all & 0xe0); setfsuid(0); get_caps();
			  CHECK_EQ(caps[0].effective, all)),
		 0);
	/* Without the fix-up they stay. */
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_SET_SECUREBITS, 4), 0);
			  CHECK_EQ(prctl(PR_GET_SECUREBITS), 4); get_caps();
			  uint32_t all = caps[0].effective; MUST(setuid(5)); get_caps();
			  CHECK_EQ(caps[0].effective, all); CHECK_EQ(setuid(0), 0);
			  CHECK_ERR(prctl(PR_SET_SECUREBITS, 0x100000), EPERM);
			  CHECK_EQ(prctl(PR_SET_SECUREBITS, 12), 0);
			  CHECK_ERR(prctl(PR_SET_SECUREBITS, 0), EPERM)),
		 0);
	AS(USER, CHECK_ERR(prctl(PR_SET_SECUREBITS, 4), EPERM);
	   CHECK_ERR(prctl(PR_CAPBSET_DROP, 1), EPERM); CHECK_EQ(prctl(PR_CAPBSET_READ, 0), 1);
	   CHECK_ERR(prctl(PR_CAPBSET_READ, 64), EINVAL));
	CHECK_EQ(IN_CHILD(CHECK_EQ(prctl(PR_CAPBSET_DROP, 5), 0);
			  CHECK_EQ(prctl(PR_CAPBSET_READ, 5), 0);
			  CHECK_ERR(prctl(PR_CAPBSET_DROP, 64), EINVAL);
			  /* It may be lost at an exec() only. */
			  get_caps(); CHECK(caps[0].effective & 1 << 5)),
		 0);
	CHECK_EQ(IN_CHILD(CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 5, 0, 0), EPERM);
			  get_caps(); caps[0].inheritable |= 1 << 5; CHECK_EQ(set_caps(), 0);
			  CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 5, 0, 0), 0);
			  CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0), 1);
			  CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 5, 0, 0), 0);
			  CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0), 0);
			  CHECK_ERR(prctl(PR_CAP_AMBIENT, 9, 5, 0, 0), EINVAL);
			  CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0), EINVAL);
			  CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0)),
		 0);
}

/* A part of root's power alone. */
static void one_capability(void)
{
	close(MUST(open("private", O_CREAT | O_RDWR, 0600)));
	CHECK_EQ(IN_CHILD(MUST(prctl(PR_SET_KEEPCAPS, 1)); MUST(setuid(USER)); get_caps();
			  caps[0] = (struct cap_data){1 << 1, 1 << 1, 0};
			  caps[1] = (struct cap_data){0}; CHECK_EQ(set_caps(), 0);
			  close(MUST(open("private", O_RDWR)));
			  CHECK_ERR(chmod("private", 0644), EPERM);
			  CHECK_ERR(kill(getppid(), 0), EPERM); caps[0].effective = 0;
			  CHECK_EQ(set_caps(), 0); CHECK_ERR(open("private", O_RDWR), EACCES)),
		 0);
	/* Root without capabilities is a user like others. */
	MUST(chown("private", OTHER, OTHER));
	CHECK_EQ(IN_CHILD(memset(caps, 0, sizeof(caps)); CHECK_EQ(set_caps(), 0);
			  CHECK_EQ(getuid(), 0); CHECK_ERR(open("private", O_RDONLY), EACCES);
			  CHECK_ERR(sethostname("x", 1), EPERM)),
		 0);
	MUST(unlink("private"));
}

/* --- Programs --------------------------------------------------------------------------------- */

static void copy_self(const char *to, uid_t uid, gid_t gid, mode_t mode)
{
	static char bytes[65536];
	int from = MUST(open(self_path(), O_RDONLY)), fd;
	ssize_t n;

	unlink(to);
	fd = MUST(open(to, O_CREAT | O_WRONLY, 0755));
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		MUST(write(fd, bytes, n));
	close(from), close(fd);
	MUST(chown(to, uid, gid));
	MUST(chmod(to, mode));
}

/* As a program: exit status 0 if the ids are those of the arguments, real and effective user, real
 * and effective group, and AT_SECURE. */
static int report(char *argv[])
{
	struct ids i = user_ids();
	gid_t rg, eg, sg;
	int bad = 0;

	getresgid(&rg, &eg, &sg);
	bad |= (int)i.real != atoi(argv[2]) ? 1 : 0;
	bad |= (int)i.effective != atoi(argv[3]) || i.saved != i.effective ? 2 : 0;
	bad |= (int)rg != atoi(argv[4]) ? 4 : 0;
	bad |= (int)eg != atoi(argv[5]) || sg != eg ? 8 : 0;
	bad |= (int)getauxval(AT_SECURE) != atoi(argv[6]) ? 16 : 0;
	bad |= getauxval(AT_UID) != i.real || getauxval(AT_EUID) != i.effective ||
		       getauxval(AT_GID) != rg || getauxval(AT_EGID) != eg
		   ? 32
		   : 0;
	get_caps();
	bad |= !caps[0].effective == !i.effective ? 64 : 0;
	return bad;
}

#define REPORT(path, ...) execl(path, path, "report", __VA_ARGS__, (char *)NULL)

static void set_id_programs(void)
{
	MUST(chmod(".", 0755));
	copy_self("plain", OTHER, 200, 0755);
	copy_self("set-uid", OTHER, 200, 04755);
	copy_self("set-gid", OTHER, 200, 02755);
	copy_self("set-locking", OTHER, 200, 02745);
	copy_self("set-root", 0, 0, 06755);
	AS(USER, REPORT("./plain", "1234", "1234", "100", "100", "0"));
	AS(USER, REPORT("./set-uid", "1234", "4321", "100", "100", "1"));
	AS(USER, REPORT("./set-gid", "1234", "1234", "100", "200", "1"));
	AS(USER, REPORT("./set-locking", "1234", "1234", "100", "100", "0"));
	AS(USER, REPORT("./set-root", "1234", "0", "100", "0", "1"));
	/* Root becomes the other one, and loses what is root's. */
	CHECK_EQ(IN_CHILD(REPORT("./set-uid", "0", "4321", "0", "0", "1")), 0);
	/* The effective id that a program had already is not secure either. */
	CHECK_EQ(IN_CHILD(MUST(seteuid(7)); REPORT("./plain", "0", "7", "0", "0", "1")), 0);
	/* No new privileges. */
	AS(USER, CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	   CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	   CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	   CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	   CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	   REPORT("./set-root", "1234", "1234", "100", "100", "0"));
	/* A tracer that is no more than a user must not see others' rights. */
	AS(USER, pid_t pid = SPAWN(MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
				   REPORT("./set-uid", "1234", "1234", "100", "100", "1"));
	   int how; MUST(waitpid(pid, &how, 0)); CHECK(WIFSTOPPED(how));
	   MUST(ptrace(PTRACE_CONT, pid, 0, 0)); CHECK_EQ(wait_status(pid), 0));
	/* Execution is a permission of its own. */
	copy_self("plain", OTHER, 200, 0711);
	AS(USER, CHECK_ERR(open("plain", O_RDONLY), EACCES);
	   REPORT("./plain", "1234", "1234", "100", "100", "0"));
	copy_self("plain", OTHER, 200, 0744);
	AS(USER, CHECK_ERR(REPORT("./plain", "1234", "1234", "100", "100", "0"), EACCES));
}

/* --- Owners of files -------------------------------------------------------------------------- */

static struct stat status(const char *path)
{
	struct stat s = {0};

	MUST(lstat(path, &s));
	return s;
}

static void make(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	close(MUST(open(path, O_CREAT | O_RDWR, 0600)));
	MUST(chown(path, uid, gid));
	MUST(chmod(path, mode));
}

static void owners(void)
{
	MUST(mkdir("d", 0777));
	MUST(chmod("d", 0777));
	MUST(mkdir("g", 0777));
	MUST(chown("g", 0, 200));
	MUST(chmod("g", 02777));
	AS(USER, close(MUST(open("d/f", O_CREAT | O_RDWR, 0644))); MUST(mkdir("d/d", 0755));
	   MUST(mkfifo("d/p", 0600)); MUST(symlink("x", "d/l"));
	   close(MUST(open("g/f", O_CREAT | O_RDWR, 0644))); MUST(mkdir("g/d", 0755));
	   /* A program of a group to which its maker does not belong cannot be set-group-ID. */
	   close(MUST(open("g/s", O_CREAT | O_RDWR, 02755)));
	   close(MUST(open("d/s", O_CREAT | O_RDWR, 02755))));
	static const char *const names[] = {"d/f", "d/d", "d/p", "d/l", "g/f", "g/d"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct stat s = status(names[i]);
		CHECK_EQ(s.st_uid, USER);
		CHECK_EQ(s.st_gid, names[i][0] == 'g' ? 200 : 100);
	}
	CHECK_EQ(status("g/d").st_mode & 07777, 02755);
	CHECK_EQ(status("g/f").st_mode & 07777, 0644);
	CHECK_EQ(status("g/s").st_mode & 07777, 0755);
	CHECK_EQ(status("d/s").st_mode & 07777, 02755);
}

static void changing_mode_and_owner(void)
{
	make("own", USER, 100, 0644);
	make("group", USER, 200, 0644);
	AS(USER, CHECK_EQ(chmod("own", 04755), 0); CHECK_EQ(status("own").st_mode & 07777, 04755);
	   CHECK_EQ(chmod("own", 02755), 0); CHECK_EQ(status("own").st_mode & 07777, 02755);
	   /* Set-group-ID is for members of the group. */
	   CHECK_EQ(chmod("group", 02755), 0); CHECK_EQ(status("group").st_mode & 07777, 0755);
	   CHECK_ERR(chown("own", OTHER, -1), EPERM); CHECK_EQ(chown("own", USER, -1), 0);
	   CHECK_EQ(status("own").st_mode & 07777, 0755); CHECK_ERR(chown("own", -1, 200), EPERM);
	   CHECK_EQ(chown("own", -1, 100), 0); CHECK_EQ(chown("group", -1, 100), 0));
	AS(OTHER, CHECK_ERR(chmod("own", 0777), EPERM); CHECK_ERR(chown("own", -1, 100), EPERM);
	   CHECK_EQ(chown("own", -1, -1), 0));
	CHECK_EQ(IN_CHILD(MUST(setgroups(1, (gid_t[]){300})); MUST(setgid(100)); MUST(setuid(USER));
			  CHECK_EQ(chown("own", -1, 300), 0); CHECK_EQ(status("own").st_gid, 300)),
		 0);
	/* For root, too, a new owner means no set-id bits; but a mandatory lock is none. */
	MUST(chmod("own", 06755));
	MUST(chown("own", 5, 5));
	CHECK_EQ(status("own").st_mode & 07777, 0755);
	MUST(chmod("own", 02744));
	MUST(chown("own", 5, 5));
	CHECK_EQ(status("own").st_mode & 07777, 02744);
}

/* Who writes a set-id program makes it an ordinary one, unless that is root. */
static void writing_clears_bits(void)
{
	int fd;

	for (int how = 0; how < 4; how++) {
		make("bits", USER, 100, 06777);
		AS(
		    how == 3 ? 0 : OTHER,
		    if (how == 0) {
			    fd = MUST(open("bits", O_WRONLY));
			    MUST(write(fd, "x", 1));
		    } else if (how == 1) { MUST(truncate("bits", 0)); } else {
			    close(MUST(open("bits", O_WRONLY | O_TRUNC)));
		    });
		CHECK_EQ(status("bits").st_mode & 07777, how == 3 ? 06777 : 0777);
	}
}

static void times(void)
{
	static const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}},
				     half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}},
				     past[2] = {{5, 0}, {6, 0}};

	make("times", USER, 100, 0622);
	AS(USER, CHECK_EQ(utimensat(AT_FDCWD, "times", past, 0), 0));
	AS(OTHER, CHECK_ERR(utimensat(AT_FDCWD, "times", past, 0), EPERM);
	   CHECK_ERR(utimensat(AT_FDCWD, "times", half, 0), EPERM);
	   CHECK_EQ(utimensat(AT_FDCWD, "times", now, 0), 0);
	   CHECK_EQ(utimensat(AT_FDCWD, "times", NULL, 0), 0));
	MUST(chmod("times", 0644));
	AS(OTHER, CHECK_ERR(utimensat(AT_FDCWD, "times", now, 0), EACCES);
	   CHECK_ERR(utimensat(AT_FDCWD, "times", past, 0), EPERM);
	   CHECK_ERR(open("times", O_RDONLY | O_NOATIME), EPERM));
	AS(USER, close(MUST(open("times", O_RDONLY | O_NOATIME))));
}

/* access() asks for the real user, faccessat(AT_EACCESS) and open() for the effective one. */
static void asking(void)
{
	MUST(mkdir("closed", 0700));
	make("closed/f", 0, 0, 0644);
	make("root", 0, 0, 0600);
	make("user", USER, 100, 0600);
	CHECK_EQ(IN_CHILD(MUST(setresuid(USER, 0, 0)); CHECK_ERR(access("root", R_OK), EACCES);
			  CHECK_EQ(access("user", R_OK | W_OK), 0);
			  CHECK_ERR(access("user", X_OK), EACCES);
			  CHECK_ERR(access("closed/f", F_OK), EACCES);
			  CHECK_EQ(syscall(SYS_faccessat2, AT_FDCWD, "root", R_OK, AT_EACCESS), 0);
			  close(MUST(open("root", O_RDONLY))); CHECK_EQ(geteuid(), 0);
			  CHECK_EQ(setfsuid(-1), 0)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(setresuid(0, USER, 0)); CHECK_EQ(access("root", R_OK), 0);
			  CHECK_ERR(open("root", O_RDONLY), EACCES);
			  CHECK_ERR(access("root", X_OK), EACCES)),
		 0);
	CHECK_EQ(access("root", R_OK | W_OK), 0);
	CHECK_ERR(access("root", X_OK), EACCES);
	CHECK_EQ(access("closed", X_OK), 0);
}

/* --- Names ------------------------------------------------------------------------------------ */

static void names(void)
{
	MUST(mkdir("mine", 0755));
	MUST(chown("mine", USER, 100));
	MUST(mkdir("roots", 0755));
	MUST(mkdir("s", 01777));
	MUST(chmod("s", 01777));
	MUST(mkdir("roots/dir", 0777));
	make("mine/f", USER, 100, 0644);
	make("roots/f", USER, 100, 0644);
	make("s/roots", 0, 0, 0666);
	make("s/mine", USER, 100, 0666);
	AS(USER, CHECK_ERR(rename("roots/f", "mine/g"), EACCES);
	   CHECK_ERR(rename("mine/f", "roots/g"), EACCES);
	   CHECK_ERR(rename("roots/nothing", "mine/g"), ENOENT);
	   CHECK_ERR(link("mine/f", "roots/g"), EACCES); CHECK_EQ(link("mine/f", "mine/h"), 0);
	   CHECK_ERR(link("mine/f", "roots/f"), EEXIST); CHECK_ERR(mkdir("roots/f", 0755), EEXIST);
	   CHECK_ERR(mkdir("roots/x", 0755), EACCES); CHECK_ERR(symlink("x", "roots/x"), EACCES);
	   CHECK_ERR(mkfifo("roots/x", 0600), EACCES); CHECK_ERR(rmdir("roots/dir"), EACCES);
	   CHECK_ERR(unlink("roots/nothing"), ENOENT); CHECK_ERR(unlink("roots/dir"), EACCES);
	   CHECK_ERR(rename("s/roots", "s/x"), EPERM);
	   CHECK_ERR(rename("mine/f", "s/roots"), EPERM); CHECK_EQ(rename("s/mine", "s/y"), 0);
	   CHECK_EQ(unlink("s/y"), 0));
	/* The owner of a sticky directory may remove all. */
	MUST(chown("s", OTHER, 100));
	AS(OTHER, CHECK_EQ(unlink("s/roots"), 0));
	/* A directory that moves gets another "..": it must be writable. */
	MUST(mkdir("mine/d", 0755));
	MUST(mkdir("mine/e", 0777));
	MUST(chown("mine/e", USER, 100));
	AS(USER, CHECK_EQ(rename("mine/d", "mine/dd"), 0);
	   CHECK_ERR(rename("mine/dd", "mine/e/d"), EACCES));
}

/* Search permission is asked for on the way, and for "." itself. */
static void searching(void)
{
	int fd;

	MUST(mkdir("x", 0711));
	MUST(mkdir("r", 0744));
	make("x/f", 0, 0, 0644);
	make("r/f", 0, 0, 0644);
	AS(USER, close(MUST(open("x/f", O_RDONLY))); CHECK_ERR(open("x", O_RDONLY), EACCES);
	   CHECK_EQ(chdir("x"), 0); CHECK_EQ(chdir(".."), 0);
	   fd = MUST(open("r", O_RDONLY | O_DIRECTORY)); CHECK_ERR(open("r/f", O_RDONLY), EACCES);
	   CHECK_ERR(openat(fd, "f", O_RDONLY), EACCES); CHECK_ERR(fchdir(fd), EACCES);
	   CHECK_ERR(access("r/.", F_OK), EACCES); CHECK_ERR(access("r/nothing", F_OK), EACCES);
	   CHECK_ERR(open("x", O_RDWR), EISDIR); CHECK_ERR(truncate("x", 0), EISDIR);
	   CHECK_ERR(truncate("x/f", 0), EACCES);
	   CHECK_ERR(open("x/f", O_RDONLY | O_TRUNC), EACCES);
	   CHECK_ERR(open("x/f", O_RDWR | O_CREAT, 0600), EACCES));
}

static void sockets(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	MUST(bind(s, (struct sockaddr *)&a, sizeof(a)));
	MUST(listen(s, 5));
	MUST(chmod("sock", 0755));
	AS(USER, int c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	   CHECK_ERR(connect(c, (struct sockaddr *)&a, sizeof(a)), EACCES);
	   strcpy(a.sun_path, "roots/sock");
	   CHECK_ERR(bind(c, (struct sockaddr *)&a, sizeof(a)), EACCES));
	MUST(chmod("sock", 0722));
	AS(USER, int c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	   CHECK_EQ(connect(c, (struct sockaddr *)&a, sizeof(a)), 0); struct ucred u;
	   socklen_t n = sizeof(u); MUST(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n));
	   CHECK_EQ(u.uid, 0));
	int c = MUST(accept(s, NULL, NULL));
	struct ucred u;
	socklen_t n = sizeof(u);
	MUST(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n));
	CHECK(u.uid == USER && u.gid == 100);
	close(c), close(s);
}

/* --- Processes -------------------------------------------------------------------------------- */

static pid_t sleeper(uid_t real, uid_t effective, uid_t saved)
{
	int ready[2];
	char c;
	pid_t pid;

	MUST(pipe(ready));
	pid = SPAWN(MUST(setresuid(real, effective, saved)); close(ready[1]); pause());
	close(ready[1]);
	(void)!read(ready[0], &c, 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_status(pid);
}

/* kill(2): the real or effective id of the sender, the real or saved one of the other. */
static void signals(void)
{
	pid_t pid = sleeper(1, 2, 3), same = sleeper(USER, USER, USER);
	static const struct {
		uid_t real, effective;
		int error;
	} cases[] = {{1, 9, 0}, {9, 1, 0}, {3, 9, 0}, {9, 3, 0}, {2, 2, EPERM}, {9, 9, EPERM}};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int error = cases[i].error;

		CHECK_EQ(IN_CHILD(MUST(setresuid(cases[i].real, cases[i].effective, 9));
				  CHECK_EQ(kill(pid, 0) ? errno : 0, error);
				  CHECK_EQ(syscall(SYS_tkill, pid, 0) ? errno : 0, error);
				  CHECK_EQ(sigqueue(pid, 0, (union sigval){0}) ? errno : 0, error)),
			 0);
	}
	/* SIGCONT is for all of the session. */
	AS(9, CHECK_EQ(kill(pid, SIGCONT), 0); CHECK_ERR(kill(pid, SIGTERM), EPERM); MUST(setsid());
	   CHECK_ERR(kill(pid, SIGCONT), EPERM));
	end(pid);
	/* A group: one that may be reached is enough. */
	pid = SPAWN(MUST(setpgid(0, 0)); pid_t other = sleeper(OTHER, OTHER, OTHER);
		    pid_t own = sleeper(USER, USER, USER); MUST(setuid(USER));
		    CHECK_EQ(kill(-getpgrp(), 0), 0); handle(SIGUSR1, catch, 0);
		    CHECK_EQ(kill(0, SIGUSR1), 0); CHECK_EQ(caught[SIGUSR1], 1);
		    CHECK_EQ(wait_status(own), KILLED(SIGUSR1));
		    CHECK_ERR(kill(other, SIGUSR1), EPERM); CHECK_ERR(kill(other, 0), EPERM));
	CHECK_EQ(wait_status(pid), 0);
	CHECK_EQ(kill(-pid, SIGKILL), 0);
	CHECK_ERR(kill(-99999999, 0), ESRCH);
	end(same);
}

/* The ids of another process change all at once: with those before and with those after the change
 * USER may send it a signal. */
static void signals_during_changes(void)
{
	pid_t child = SPAWN(for (;;) {
		MUST(syscall(SYS_setresuid, USER, 0, OTHER));
		MUST(syscall(SYS_setresuid, OTHER, 0, USER));
	});
	int refused = 0;

	WAIT_UNTIL(IN_CHILD(MUST(setuid(USER)); CHECK_EQ(kill(child, 0) == 0, 1)) == 0);
	CHECK_EQ(IN_CHILD(MUST(setuid(USER));
			  for (int i = 0; i < 500000; i++) refused += kill(child, 0) != 0;
			  CHECK_EQ(refused, 0)),
		 0);
	end(child);
}

static void kill_all_of_a_user(void)
{
	pid_t own = sleeper(USER, USER, USER), other = sleeper(OTHER, OTHER, OTHER);

	AS(USER, CHECK_EQ(kill(-1, SIGUSR1), 0));
	CHECK_EQ(wait_status(own), KILLED(SIGUSR1));
	CHECK_EQ(kill(other, 0), 0);
	end(other);
}

static void limits_of_others(void)
{
	pid_t pid = sleeper(USER, USER, USER);
	struct rlimit r = {100, 200}, old;

	CHECK_EQ(IN_CHILD(MUST(setresuid(USER, OTHER, OTHER));
			  CHECK_EQ(prlimit(pid, RLIMIT_CORE, &r, NULL), 0);
			  CHECK_EQ(prlimit(pid, RLIMIT_CORE, NULL, &old), 0);
			  CHECK(old.rlim_cur == 100 && old.rlim_max == 200);
			  MUST(getrlimit(RLIMIT_CORE, &old)); CHECK(old.rlim_max != 200);
			  r.rlim_max = 201; CHECK_ERR(prlimit(pid, RLIMIT_CORE, &r, NULL), EPERM);
			  r.rlim_cur = 300; CHECK_ERR(prlimit(pid, RLIMIT_CORE, &r, NULL), EINVAL)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(setresuid(OTHER, USER, USER));
			  CHECK_ERR(prlimit(pid, RLIMIT_CORE, NULL, &old), EPERM);
			  CHECK_ERR(prlimit(pid, 77, &r, &old), EPERM);
			  CHECK_ERR(prlimit(pid, RLIMIT_CORE, NULL, NULL), EPERM);
			  CHECK_ERR(prlimit(99999999, RLIMIT_CORE, NULL, NULL), ESRCH)),
		 0);
	/* Another group is another user. */
	CHECK_EQ(IN_CHILD(MUST(setgid(100)); MUST(setuid(USER));
			  CHECK_ERR(prlimit(pid, RLIMIT_CORE, NULL, &old), EPERM)),
		 0);
	end(pid);
}

/* The threads of a user count, not those of root, nor those of other users. */
static void threads_of_a_user(void)
{
	struct rlimit r = {3, 3};
	pid_t a, b, c;

	a = sleeper(60001, 60001, 60001);
	b = sleeper(60002, 60002, 60002);
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_NPROC, &r));
			  for (int i = 0; i < 6; i++) CHECK_EQ(IN_CHILD(_exit(0)), 0)),
		 0);
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_NPROC, &r)); MUST(setuid(60001));
			  c = SPAWN(pause()); CHECK_ERR(fork(), EAGAIN); end(c); c = SPAWN(pause());
			  CHECK_ERR(fork(), EAGAIN); end(c)),
		 0);
	/* setuid() to a user that has too many succeeds, and exec fails then. */
	r = (struct rlimit){1, 1};
	CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_NPROC, &r)); MUST(setuid(60001));
			  CHECK_ERR(execl("/bin/true", "true", (char *)NULL), EAGAIN)),
		 0);
	end(a), end(b);
}

static void queued_signals_of_a_user(void)
{
	struct rlimit r = {5, 5};
	sigset_t set = set_of(SIGRTMIN);
	int ready[2], go[2];
	pid_t pid;
	char c;

	MUST(pipe(ready)), MUST(pipe(go));
	pid =
	    SPAWN(MUST(setuid(60003)); MUST(sigprocmask(SIG_BLOCK, &set, NULL));
		  for (int i = 0; i < 3; i++) MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){i}));
		  close(ready[1]); close(go[1]); (void)!read(go[0], &c, 1); siginfo_t info;
		  for (int i = 0; i < 3; i++) CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN));
	close(ready[1]);
	(void)!read(ready[0], &c, 1);
	CHECK_EQ(
	    IN_CHILD(MUST(setrlimit(RLIMIT_SIGPENDING, &r)); MUST(setuid(60003));
		     MUST(sigprocmask(SIG_BLOCK, &set, NULL)); int n = 0;
		     while (n < 20 && sigqueue(getpid(), SIGRTMIN, (union sigval){n}) == 0) n++;
		     CHECK_EQ(errno, EAGAIN); CHECK_EQ(n, 2); /* kill() is not bound by it */
		     mask(SIG_BLOCK, SIGUSR1); MUST(kill(getpid(), SIGUSR1)); siginfo_t info;
		     sigset_t one = set_of(SIGUSR1); CHECK_EQ(sigwaitinfo(&one, &info), SIGUSR1);
		     CHECK_EQ(info.si_uid, 60003)),
	    0);
	close(go[0]), close(go[1]);
	CHECK_EQ(wait_status(pid), 0);
	close(ready[0]);
}

/* The C library's function is not there. */
static long set_policy(pid_t pid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, pid, policy, &priority);
}

static void priorities(void)
{
	pid_t pid = sleeper(USER, USER, USER);
	struct rlimit nice = {25, 25}, rt = {5, 5};

	AS(OTHER, CHECK_ERR(setpriority(PRIO_PROCESS, pid, 5), EPERM);
	   CHECK_ERR(set_policy(pid, SCHED_OTHER, 0), EPERM));
	AS(USER, CHECK_EQ(setpriority(PRIO_PROCESS, pid, 5), 0);
	   CHECK_ERR(setpriority(PRIO_PROCESS, pid, 4), EACCES);
	   CHECK_ERR(set_policy(0, SCHED_FIFO, 5), EPERM);
	   CHECK_EQ(set_policy(0, SCHED_BATCH, 0), 0); CHECK_EQ(set_policy(0, SCHED_OTHER, 0), 0));
	get_caps();
	if (caps[0].effective & 1 << 24) /* may raise limits */
		CHECK_EQ(IN_CHILD(MUST(setrlimit(RLIMIT_NICE, &nice));
				  MUST(setrlimit(RLIMIT_RTPRIO, &rt)); MUST(setuid(USER));
				  CHECK_EQ(setpriority(PRIO_PROCESS, 0, -5), 0);
				  CHECK_ERR(setpriority(PRIO_PROCESS, 0, -6), EACCES);
				  CHECK_EQ(set_policy(0, SCHED_RR, 5), 0);
				  CHECK_ERR(set_policy(0, SCHED_RR, 6), EPERM);
				  CHECK_EQ(set_policy(0, SCHED_FIFO, 4), 0)),
			 0);
	end(pid);
}

static void administration(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	AS(USER, CHECK_ERR(sethostname("x", 1), EPERM);
	   CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EPERM);
	   CHECK_ERR(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM);
	   CHECK_ERR(mknod("s/dev", S_IFCHR | 0600, 0x103), EPERM));
}

static bool says(const char *path, const char *line)
{
	static char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, line);
}

/* A process that has had other rights is closed to its new user. */
static void dumpable(void)
{
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_EQ(IN_CHILD(MUST(setuid(USER)); CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
			  CHECK_EQ(setuid(USER), 0); CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
			  CHECK_EQ(setuid(USER), 0); CHECK_EQ(prctl(PR_GET_DUMPABLE), 1)),
		 0);
	if (!has_proc())
		return;
	for (int open = 0; open < 2; open++) {
		char path[64], text[64], c;
		int ready[2];
		pid_t pid;

		MUST(pipe(ready));
		pid = SPAWN(MUST(setgid(100)); MUST(setuid(USER));
			    if (open) prctl(PR_SET_DUMPABLE, 1); close(ready[1]); pause());
		close(ready[1]);
		(void)!read(ready[0], &c, 1);
		close(ready[0]);
		snprintf(path, sizeof(path), "/proc/%d/exe", pid);
		AS(USER, CHECK_EQ(readlink(path, text, sizeof(text)) > 0, open));
		AS(OTHER, CHECK_EQ(readlink(path, text, sizeof(text)) > 0, 0));
		end(pid);
	}
}

/* What /proc tells of a process, and to whom. */
static void shown(void)
{
	pid_t pid;
	char path[64], text[256];

	if (!has_proc())
		return;
	pid = sleeper(1, 2, 3);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	CHECK(says(path, "\nUid:\t1\t2\t3\t2\n"));
	end(pid);
	CHECK_EQ(IN_CHILD(MUST(setgroups(2, (gid_t[]){7, 5})); MUST(setresgid(1, 2, 3));
			  CHECK(says("/proc/self/status", "\nGid:\t1\t2\t3\t2\n"));
			  CHECK(says("/proc/self/status", "\nGroups:\t5 7 \n")); MUST(setuid(USER));
			  CHECK(says("/proc/self/status", "\nCapEff:\t0000000000000000\n"));
			  MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
			  CHECK(says("/proc/self/status", "\nNoNewPrivs:\t1\n"))),
		 0);
	AS(USER, CHECK(readlink("/proc/self/exe", text, sizeof(text)) > 0);
	   CHECK_ERR(readlink("/proc/1/exe", text, sizeof(text)), EACCES);
	   CHECK_ERR(open("/proc/1/environ", O_RDONLY), EACCES);
	   CHECK_ERR(open("/proc/1/maps", O_RDONLY), EACCES);
	   CHECK_ERR(open("/proc/1/fd", O_RDONLY), EACCES);
	   close(MUST(open("/proc/1/stat", O_RDONLY)));
	   close(MUST(open("/proc/self/maps", O_RDONLY))));
	struct stat s = status("/proc/self/stat");
	CHECK_EQ(s.st_uid, 0);
}

int main(int argc, char *argv[])
{
	if (argc > 6 && strcmp(argv[1], "report") == 0)
		return report(argv);
	check_start_in_directory();
	RUN(all_threads);
	RUN(one_thread);
	RUN(setting_one);
	RUN(setting_two);
	RUN(setting_three);
	RUN(ids_for_files);
	RUN(groups);
	RUN(capability_calls);
	RUN(capabilities_and_ids);
	RUN(one_capability);
	RUN(set_id_programs);
	RUN(owners);
	RUN(changing_mode_and_owner);
	RUN(writing_clears_bits);
	RUN(times);
	RUN(asking);
	RUN(names);
	RUN(searching);
	RUN(sockets);
	RUN(signals);
	RUN(signals_during_changes);
	RUN(kill_all_of_a_user);
	RUN(limits_of_others);
	RUN(threads_of_a_user);
	RUN(queued_signals_of_a_user);
	RUN(priorities);
	RUN(administration);
	RUN(dumpable);
	RUN(shown);
	return check_end();
}
