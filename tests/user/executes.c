/* SPDX-License-Identifier: MIT
 *
 * execve: arguments and environment, what must fail, scripts, what is kept and what is not.
 */
#include <elf.h>
#include <stddef.h>

#include "check.h"

static const char *self;

#define ARG_MAX_ONE 131072 /* Linux's limit of one string */

static int run(char *const argv[], char *const envp[])
{
	return IN_CHILD(execve(self, argv, envp); _exit(100 + (errno == E2BIG)));
}

static void file(const char *path, const char *text, mode_t mode)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_TRUNC, mode));

	MUST(write(fd, text, strlen(text)));
	if (has_call(SYS_fchmod))
		MUST(fchmod(fd, mode));
	close(fd);
}

/* The called program compares its arguments with "expect N" strings made by the same rule. */
static void arguments(void)
{
	static char long_one[ARG_MAX_ONE + 1];
	static char *many[3003];
	char *none[] = {NULL};
	char *args[] = {"zero", "args", "", "two words", "\xff\x01", NULL};
	char *env[] = {"A=1", "EMPTY=", "PATH=/nowhere", NULL};

	CHECK_EQ(run(args, env), EXITED(0));
	many[0] = "zero";
	many[1] = "count";
	for (int i = 2; i < 3002; i++)
		many[i] = "an argument";
	CHECK_EQ(run(many, none), EXITED(3002 % 251));
	/* One string may be so long, and not longer. */
	memset(long_one, 'x', ARG_MAX_ONE);
	long_one[ARG_MAX_ONE - 1] = '\0';
	char *at_limit[] = {"zero", "length", long_one, NULL};
	CHECK_EQ(run(at_limit, none), EXITED((ARG_MAX_ONE - 1) % 251));
	long_one[ARG_MAX_ONE - 1] = 'x';
	CHECK_EQ(run(at_limit, none), EXITED(101));
	/* All together a quarter of the stack's limit. */
	long_one[ARG_MAX_ONE - 1] = '\0';
	for (int i = 2; i < 100; i++)
		many[i] = long_one;
	many[100] = NULL;
	CHECK_EQ(run(many, none), EXITED(101));
	/* No argument at all becomes an empty one. */
	CHECK_EQ(run(none, none), EXITED(77));
}

static void errors(void)
{
	static char name[300];
	char *bad[] = {"x", BAD, NULL};

	memset(name, 'n', sizeof(name) - 1);
	file("text", "no program\n", 0755);
	file("mode", "#!/bin/sh\n", 0644);
	file("empty", "", 0755);
	MUST(mkdir("dir", 0755));
	char *args[] = {"x", NULL};
	CHECK_ERR(execve("absent", args, NULL), ENOENT);
	CHECK_ERR(execve("", args, NULL), ENOENT);
	CHECK_ERR(execve("absent/x", args, NULL), ENOENT);
	CHECK_ERR(execve("text/x", args, NULL), ENOTDIR);
	CHECK_ERR(execve(name, args, NULL), ENAMETOOLONG);
	CHECK_ERR(execve("text", args, NULL), ENOEXEC);
	CHECK_ERR(execve("empty", args, NULL), ENOEXEC);
	CHECK_ERR(execve("mode", args, NULL), EACCES);
	CHECK_ERR(execve("dir", args, NULL), EACCES);
	CHECK_ERR(execve("/dev/null", args, NULL), EACCES);
	CHECK_ERR(execve(BAD, args, NULL), EFAULT);
	CHECK_ERR(execve(self, BAD, NULL), EFAULT);
	CHECK_ERR(execve(self, args, BAD), EFAULT);
	CHECK_ERR(execve(self, bad, NULL), EFAULT);
	if (has_call(SYS_symlink)) {
		MUST(symlink("loop", "loop"));
		CHECK_ERR(execve("loop", args, NULL), ELOOP);
	}
}

static void scripts(void)
{
	char text[PATH_MAX + 64], *args[] = {"s", "one", "two words", NULL};

	file("absent-interpreter", "#!/absent\n", 0755);
	SKIP_IF(execv("./absent-interpreter", args) && errno == ENOEXEC, "no scripts");
	snprintf(text, sizeof(text), "#!%s\n", self);
	file("plain", text, 0755);
	/* argv: interpreter, script, arguments.  argv[1] is no mode: "script" rule decides. */
	CHECK_EQ(IN_CHILD(execv("./plain", args)), EXITED(3 + 10));
	snprintf(text, sizeof(text), "#! %s  script an option \nrest\n", self);
	file("option", text, 0755);
	CHECK_EQ(IN_CHILD(execv("./option", args)), EXITED(4 + 20));
	file("nested", "#!./option\n", 0755);
	CHECK_EQ(IN_CHILD(execv("./nested", args)), EXITED(5 + 20));
	CHECK_EQ(IN_CHILD(CHECK_ERR(execv("./absent-interpreter", args), ENOENT)), 0);
	file("none", "#!\n", 0755);
	CHECK_EQ(IN_CHILD(CHECK_ERR(execv("./none", args), ENOEXEC)), 0);
	file("self-loop", "#!./self-loop\n", 0755);
	CHECK_EQ(IN_CHILD(CHECK_ERR(execv("./self-loop", args), ELOOP)), 0);
	memset(text, 'x', 300);
	text[0] = '#', text[1] = '!', text[2] = '/', text[300] = '\0';
	file("long", text, 0755);
	CHECK_EQ(IN_CHILD(CHECK_ERR(execv("./long", args), ENOEXEC)), 0);
	/* The shell runs what has no first line: BusyBox through /proc/self/exe. */
	file("shell", "exit 6\n", 0755);
	if (has_proc())
		CHECK_EQ(WEXITSTATUS(system("./shell")), 6);
}

static void *sleeper(void *arg)
{
	while (!arg)
		pause();
	return arg;
}

static void *executer(void *arg)
{
	char pid[16];

	(void)arg;
	snprintf(pid, sizeof(pid), "%d", getpid());
	execl(self, "zero", "alone", pid, (char *)NULL);
	_exit(1);
}

static void from_a_thread(void)
{
	pthread_t t;

	/* The caller takes the process's number; the others are gone. */
	CHECK_EQ(IN_CHILD(for (int i = 0; i < 3; i++) pthread_create(&t, NULL, sleeper, NULL);
			  pthread_create(&t, NULL, executer, NULL); pause()),
		 0);
	CHECK_EQ(IN_CHILD(for (int i = 0; i < 3; i++) pthread_create(&t, NULL, sleeper, NULL);
			  executer(NULL)),
		 0);
	/* The main thread has ended already. */
	CHECK_EQ(IN_CHILD(pthread_create(&t, NULL, executer, NULL); pthread_exit(NULL)), 0);
	/* Two at once: one wins. */
	CHECK_EQ(IN_CHILD(pthread_create(&t, NULL, executer, NULL);
			  pthread_create(&t, NULL, executer, NULL); pause()),
		 0);
}

static void what_is_kept(void)
{
	char pid[16];

	CHECK_EQ(IN_CHILD(handle(SIGUSR1, catch, 0); handle(SIGUSR2, SIG_IGN, 0);
			  mask(SIG_BLOCK, SIGTERM); mask(SIG_BLOCK, SIGRTMIN + 3); raise(SIGTERM);
			  alarm(1000); MUST(chdir("dir")); umask(051);
			  snprintf(pid, sizeof(pid), "%d", getpid());
			  execl(self, "zero", "kept", pid, (char *)NULL)),
		 0);
	/* A failed exec changes nothing. */
	handle(SIGUSR1, catch, 0);
	caught[SIGUSR1] = 0;
	CHECK_ERR(execl("text", "text", (char *)NULL), ENOEXEC);
	raise(SIGUSR1);
	CHECK_EQ(caught[SIGUSR1], 1);
}

static void priority_is_kept(void)
{
	SKIP_IF(syscall(SYS_getpriority, PRIO_PROCESS, 0) < 0, "no priorities");
	/* Not every shell starts us with 0. */
	CHECK_EQ(IN_CHILD(setpriority(PRIO_PROCESS, 0, 0); nice(3); execl(self, "zero", "priority", (char *)NULL)), EXITED(3));
}

static int kept(const char *pid)
{
	struct sigaction action;
	char here[PATH_MAX];
	sigset_t set;

	CHECK_EQ(getpid(), atoi(pid));
	sigaction(SIGUSR1, NULL, &action);
	CHECK(action.sa_handler == SIG_DFL);
	sigaction(SIGUSR2, NULL, &action);
	CHECK(action.sa_handler == SIG_IGN);
	sigprocmask(SIG_SETMASK, NULL, &set);
	CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGRTMIN + 3));
	CHECK(!sigismember(&set, SIGUSR1));
	sigpending(&set);
	CHECK(sigismember(&set, SIGTERM));
	errno = 0;
	CHECK(alarm(0) > 900 || errno == ENOSYS); /* the kernel may have no timers */
	CHECK(getcwd(here, sizeof(here)) && strcmp(here + strlen(here) - 4, "/dir") == 0);
	CHECK_EQ(umask(0), 051);
	return check_failures != 0;
}

static int script(int argc, char *argv[])
{
	if (strcmp(argv[1], "./plain") == 0)
		return strcmp(argv[2], "one") || strcmp(argv[3], "two words") ? 1 : argc - 1 + 10;
	if (strcmp(argv[1], "script an option") == 0)
		return strcmp(argv[argc - 1], "two words") ? 1 : argc - 1 + 20;
	return 1;
}

static void auxiliary(void)
{
	CHECK_EQ(getauxval(AT_PAGESZ), PAGE);
	CHECK_EQ(getauxval(AT_CLKTCK), 100);
	CHECK_EQ(getauxval(AT_UID), getuid());
	CHECK_EQ(getauxval(AT_EGID), getegid());
	CHECK_EQ(getauxval(AT_SECURE), 0);
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK(getauxval(AT_PHDR) != 0 && getauxval(AT_PHNUM) > 2 && getauxval(AT_PHENT) == 56);
	CHECK(getauxval(AT_ENTRY) != 0);
	CHECK(strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
	CHECK(strlen((char *)getauxval(AT_EXECFN)) > 0);
}

/* A program whose data, at 0x600000, take 16 bytes of the file and 32 of memory, while the file goes
 * on with other bytes.  Its status is 1 if the rest of that page is not zero. */
extern const char tail_code[], tail_code_end[];
__asm__("tail_code: mov $0x600010, %edi\n"
	"mov $4096 - 16, %ecx\n"
	"xor %eax, %eax\n"
	"repe scasb\n"
	"setne %al\n"
	"movzbl %al, %edi\n"
	"mov $231, %eax\n" /* exit_group() */
	"syscall\n"
	"tail_code_end:\n");

static int run_with_tail(unsigned flags)
{
	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[2];
		char code[PAGE - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)], data[2 * PAGE];
	} image = {
	    .header = {.e_ident = "\177ELF\2\1\1",
		       .e_type = ET_EXEC,
		       .e_machine = EM_X86_64,
		       .e_version = EV_CURRENT,
		       .e_entry = 0x400000 + offsetof(__typeof__(image), code),
		       .e_phoff = offsetof(__typeof__(image), segments),
		       .e_ehsize = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2},
	    .segments = {{.p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_vaddr = 0x400000,
			  .p_filesz = PAGE,
			  .p_memsz = PAGE,
			  .p_align = PAGE},
			 {.p_type = PT_LOAD,
			  .p_offset = PAGE,
			  .p_vaddr = 0x600000,
			  .p_filesz = 16,
			  .p_memsz = 32,
			  .p_align = PAGE}},
	};
	char *args[] = {"tail", NULL};
	int fd = MUST(open("tail", O_WRONLY | O_CREAT | O_TRUNC, 0755));

	image.segments[1].p_flags = flags;
	memcpy(image.code, tail_code, tail_code_end - tail_code);
	memset(image.data, 0xff, sizeof(image.data));
	CHECK_EQ(write(fd, &image, sizeof(image)), sizeof(image));
	close(fd);
	return IN_CHILD(execv("tail", args));
}

/* The page in which a segment's bytes of the file end is zero to the page's end: ld.so takes its
 * first memory there.  Where the program cannot write, Linux leaves what the file has. */
static void tail_of_a_segment(void)
{
	int status;

	CHECK_EQ(run_with_tail(PF_R | PF_W), 0);
	CHECK_EQ(run_with_tail(PF_R | PF_W | PF_X), 0);
	status = run_with_tail(PF_R);
	CHECK(status == 0 || status == EXITED(1));
}

/* The most memory that a process had at once, also where that was before it called another program
 * (getrusage(2)). */
static int exec_at(int fd, const char *path, int flags)
{
	char *args[] = {"zero", "exit", "66", NULL}, *env[] = {NULL};

	return IN_CHILD(syscall(SYS_execveat, fd, path, args, env, flags); _exit(100 + errno % 100));
}

static void by_descriptor(void)
{
	int fd = MUST(open(self, O_RDONLY)), dir, plain;
	char name[PATH_MAX], *base;

	SKIP_IF(!has_call(SYS_execveat), "no execveat()");
	SKIP_IF(access("/dev/fd/0", F_OK), "no /proc");
	strcpy(name, self);
	base = strrchr(name, '/');
	*base++ = '\0';
	dir = MUST(open(*name ? name : "/", O_RDONLY | O_DIRECTORY));
	CHECK_EQ(exec_at(fd, "", AT_EMPTY_PATH), EXITED(66));
	CHECK_EQ(exec_at(dir, base, 0), EXITED(66));
	CHECK_EQ(exec_at(dir, self, 0), EXITED(66));
	CHECK_EQ(exec_at(AT_FDCWD, self, 0), EXITED(66));
	CHECK_EQ(exec_at(1000, self, AT_EMPTY_PATH), EXITED(66));
	MUST(fcntl(fd, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(exec_at(fd, "", AT_EMPTY_PATH), EXITED(66));
	CHECK_EQ(exec_at(fd, "", 0), EXITED(100 + ENOENT));
	CHECK_EQ(exec_at(1000, "x", 0), EXITED(100 + EBADF));
	CHECK_EQ(exec_at(1000, "", AT_EMPTY_PATH), EXITED(100 + EBADF));
	CHECK_EQ(exec_at(fd, "x", 0), EXITED(100 + ENOTDIR));
	CHECK_EQ(exec_at(dir, "nowhere", 0), EXITED(100 + ENOENT));
	CHECK_EQ(exec_at(dir, "", AT_EMPTY_PATH), EXITED(100 + EACCES));
	CHECK_EQ(exec_at(AT_FDCWD, "", AT_EMPTY_PATH), EXITED(100 + EACCES));
	CHECK_EQ(exec_at(fd, "", AT_EMPTY_PATH | 1), EXITED(100 + EINVAL));
	CHECK_EQ(exec_at(AT_FDCWD, BAD, 0), EXITED(100 + EFAULT));
	if (symlink(self, "link") == 0) {
		CHECK_EQ(exec_at(AT_FDCWD, "link", 0), EXITED(66));
		CHECK_EQ(exec_at(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW), EXITED(100 + ELOOP));
		unlink("link");
	}
	file("plain", "x", 0644);
	plain = MUST(open("plain", O_RDONLY));
	CHECK_EQ(exec_at(plain, "", AT_EMPTY_PATH), EXITED(100 + EACCES));
	close(plain);
	unlink("plain");
	close(fd);
	close(dir);
}

static void peak_is_kept(void)
{
	enum { SIZE = 32 << 20 };
	struct rusage use;
	char *args[] = {"zero", "exit", "0", NULL};
	pid_t pid = SPAWN(memset((void *)MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
						   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
				 1, SIZE);
			  execv(self, args));
	int status;

	CHECK_EQ(wait4(pid, &status, 0, &use), pid);
	CHECK_EQ(status, EXITED(0));
	CHECK(use.ru_maxrss >= SIZE / 1024);
}

int main(int argc, char *argv[], char *envp[])
{
	if (argc == 1 && argv[0][0] == '\0')
		return 77;
	if (argc > 1) {
		if (strcmp(argv[1], "args") == 0)
			return !(argc == 5 && argv[5] == NULL && argv[2][0] == '\0' &&
				 strcmp(argv[3], "two words") == 0 &&
				 strcmp(argv[4], "\xff\x01") == 0 && strcmp(envp[0], "A=1") == 0 &&
				 strcmp(envp[1], "EMPTY=") == 0 && !envp[3]);
		if (strcmp(argv[1], "count") == 0)
			return argc % 251;
		if (strcmp(argv[1], "length") == 0)
			return strlen(argv[2]) % 251;
		if (strcmp(argv[1], "exit") == 0)
			return atoi(argv[2]);
		if (strcmp(argv[1], "alone") == 0)
			return !(getpid() == atoi(argv[2]) && syscall(SYS_gettid) == getpid());
		if (strcmp(argv[1], "priority") == 0)
			return getpriority(PRIO_PROCESS, 0);
		if (strcmp(argv[1], "kept") == 0)
			return kept(argv[2]);
		return script(argc, argv);
	}
	check_start_in_directory();
	self = self_path();
	RUN(arguments);
	RUN(errors);
	RUN(scripts);
	RUN(from_a_thread);
	RUN(what_is_kept);
	RUN(priority_is_kept);
	RUN(auxiliary);
	RUN(tail_of_a_segment);
	RUN(peak_is_kept);
	RUN(by_descriptor);
	return check_end();
}
