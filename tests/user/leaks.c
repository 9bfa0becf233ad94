/* SPDX-License-Identifier: MIT
 *
 * What a program must not learn: bytes of the kernel or of other programs, in fresh memory, in the
 * padding of what calls fill in, in signal frames, and in registers.
 */
#include <dirent.h>
#include <stddef.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <ucontext.h>

#include "check.h"

#define MARK 0x5a /* what a buffer is filled with before a call */

static unsigned char buffer[8192] __attribute__((aligned(64)));

/* Would this word be an address of the kernel?  Small negative numbers are not. */
static bool looks_like_kernel(uint64_t word)
{
	return word >= 0xffff800000000000 && word < 0xfffffffffff00000;
}

/* No word of the memory is an address of the kernel. */
static void check_clean(const char *what, const void *memory, size_t size)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, (const char *)memory + i, 8);
		if (!CHECK(!looks_like_kernel(word)))
			printf("# %s: byte %zu: %#lx\n", what, i, word);
	}
}

/* The bytes were not written, or are zero. */
static void check_padding(const char *what, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!CHECK(buffer[i] == MARK || buffer[i] == 0))
			printf("# %s: byte %zu: %#x\n", what, i, buffer[i]);
}

/* The call fills the buffer: no word of it, nor of what follows, is of the kernel. */
#define FILLS(what, ...)                                                                           \
	do {                                                                                       \
		memset(buffer, MARK, sizeof(buffer));                                              \
		if (CHECK((__VA_ARGS__) >= 0))                                                     \
			check_clean(what, buffer, sizeof(buffer));                                 \
		else                                                                               \
			printf("# %s\n", what);                                                    \
	} while (0)

static void structures(void)
{
	struct stat *s = (void *)buffer;
	int fds[2], p[2];

	MUST(pipe(p));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	FILLS("stat", syscall(SYS_stat, "/", buffer));
	check_padding("stat", offsetof(struct stat, st_gid) + 4, offsetof(struct stat, st_rdev));
	check_padding("stat", offsetof(struct stat, st_ctim) + sizeof(s->st_ctim), 144);
	FILLS("stat of a pipe", syscall(SYS_fstat, p[0], buffer));
	check_padding("stat", 120, 144);
	FILLS("statx", syscall(SYS_statx, AT_FDCWD, "/", 0, 0xfff, buffer));
	check_padding("statx", 30, 32);
	check_padding("statx", 76, 80);
	check_padding("statx", 92, 96);
	FILLS("statfs", syscall(SYS_statfs, "/", buffer));
	check_padding("statfs", 88, 120);
	FILLS("uname", syscall(SYS_uname, buffer));
	for (int i = 0; i < 6; i++)
		check_padding("uname", i * 65 + strlen((char *)buffer + i * 65), (i + 1) * 65);
	FILLS("sysinfo", syscall(SYS_sysinfo, buffer));
	check_padding("sysinfo", 82, 88);
	check_padding("sysinfo", 108, 112);
	FILLS("times", syscall(SYS_times, buffer));
	FILLS("getrusage", syscall(SYS_getrusage, RUSAGE_SELF, buffer));
	FILLS("getrlimit", syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, buffer));
	FILLS("timex", syscall(SYS_adjtimex, memset(buffer, 0, 208)));
	check_padding("timex", 164, 208);
	FILLS("clock_gettime", syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, buffer));
	FILLS("gettimeofday", syscall(SYS_gettimeofday, buffer, buffer + 16));
	FILLS("getitimer", syscall(SYS_getitimer, ITIMER_REAL, buffer));
	FILLS("sched_getattr", syscall(SYS_sched_getattr, 0, buffer, 56, 0));
	FILLS("sched_getparam", syscall(SYS_sched_getparam, 0, buffer));
	FILLS("sched_getaffinity", syscall(SYS_sched_getaffinity, 0, 1024, buffer));
	FILLS("rt_sigaction", syscall(SYS_rt_sigaction, SIGUSR1, NULL, buffer, 8));
	FILLS("rt_sigprocmask", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, buffer, 8));
	FILLS("sigaltstack", syscall(SYS_sigaltstack, NULL, buffer));
	check_padding("sigaltstack", 12, 16);
	FILLS("pipe", syscall(SYS_pipe, buffer));
	close(((int *)buffer)[0]), close(((int *)buffer)[1]);
	FILLS("getcwd", syscall(SYS_getcwd, buffer, 4096));
	FILLS("capget", syscall(SYS_capget, (unsigned[]){0x20080522, 0}, buffer));
	FILLS("prctl name", syscall(SYS_prctl, 16, buffer));
	check_padding("prctl name", strlen((char *)buffer), 16);
	close(fds[0]), close(fds[1]), close(p[0]), close(p[1]);
}

static void terminals(void)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	FILLS("termios", ioctl(fd, TCGETS, buffer));
	FILLS("window", ioctl(fd, TIOCGWINSZ, buffer));
	FILLS("number", ioctl(fd, TIOCGPTN, buffer));
	close(fd);
}

static void objects(void)
{
	int id = MUST(shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600));
	char *m = shmat(id, NULL, 0);

	for (long i = 0; CHECK(m != (void *)-1) && i < PAGE; i++)
		CHECK_EQ(m[i], 0);
	FILLS("shm", syscall(SYS_shmctl, id, IPC_STAT, buffer));
	check_padding("shm", 36, 48);
	check_padding("shm", 96, 112);
	MUST(shmctl(id, IPC_RMID, NULL));
	id = MUST(semget(IPC_PRIVATE, 3, IPC_CREAT | 0600));
	FILLS("sem", syscall(SYS_semctl, id, 0, IPC_STAT, buffer));
	check_padding("sem", 88, 104);
	FILLS("sem all", syscall(SYS_semctl, id, 0, GETALL, buffer));
	MUST(semctl(id, 0, IPC_RMID));
	id = MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
	FILLS("msg", syscall(SYS_msgctl, id, IPC_STAT, buffer));
	check_padding("msg", 104, 120);
	MUST(msgctl(id, IPC_RMID, NULL));
}

static void directories(void)
{
	int fd = MUST(open("/proc/self", O_RDONLY | O_DIRECTORY));
	long n;

	memset(buffer, MARK, sizeof(buffer));
	n = MUST(syscall(SYS_getdents64, fd, buffer, 4096));
	check_clean("getdents64", buffer, sizeof(buffer));
	for (long at = 0; at < n;) {
		struct dirent *d = (void *)(buffer + at); /* d_off is a cookie, not an address */
		size_t end = at + offsetof(struct dirent, d_name) + strlen(d->d_name) + 1;

		check_padding("getdents64", end, at + d->d_reclen);
		at += d->d_reclen;
	}
	close(fd);
}

/* Messages: the name, the ancillary data behind one descriptor, and no more bytes than were sent.
 */
static void messages(void)
{
	struct sockaddr_un name = {AF_UNIX, "leaks-name"};
	struct iovec vector = {"x", 1};
	union {
		char bytes[64];
		struct cmsghdr header;
	} control = {0};
	struct msghdr m = {.msg_iov = &vector,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = CMSG_SPACE(sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), fds[2];
	socklen_t length = 110;

	name.sun_path[0] = '\0'; /* abstract */
	MUST(bind(s, (void *)&name, 2 + 10));
	FILLS("getsockname", getsockname(s, (void *)buffer, &length));
	CHECK_EQ(length, 12);
	check_padding("getsockname", 12, 128);
	close(s);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fds[0], sizeof(int));
	MUST(sendmsg(fds[0], &m, 0));
	memset(buffer, MARK, sizeof(buffer));
	m.msg_iov = &(struct iovec){buffer + 1024, 1000};
	m.msg_control = buffer;
	m.msg_controllen = 128;
	CHECK_EQ(recvmsg(fds[1], &m, 0), 1);
	check_clean("control", buffer, 1024);
	check_padding("control", 20, 128);
	check_padding("data", 1025, 2024);
	CHECK_EQ(((struct cmsghdr *)buffer)->cmsg_len, CMSG_LEN(sizeof(int)));
	close(*(int *)CMSG_DATA((struct cmsghdr *)buffer));
	close(fds[0]), close(fds[1]);
}

/* --- Signals ---------------------------------------------------------------------------------- */

static siginfo_t info_seen;
static bool frame_looked_at;

static void look_at_frame(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	unsigned char *fpu = (void *)u->uc_mcontext.fpregs;
	char *top = (char *)(u + 1);

	(void)number;
	info_seen = *info;
	/* All of the frame, from the return address to behind the FPU state. */
	check_clean("frame", u, sizeof(*u));
	check_clean("siginfo", info, sizeof(*info));
	check_clean("between", info, top > (char *)info ? top - (char *)info : 0);
	if (fpu)
		for (int i = 528; i < 576; i++) /* reserved in the header of XSAVE */
			frame_looked_at &=
			    ((uint32_t *)fpu)[464 / 4] == 0x46505853 ? !fpu[i] : true;
}

static void signal_frames(void)
{
	timer_t timer;
	sigset_t set = set_of(SIGUSR2);

	handle_info(SIGUSR1, look_at_frame, 0);
	handle_info(SIGSEGV, look_at_frame, SA_RESETHAND);
	frame_looked_at = true;
	/* kill(): signal, errno, code, gap, pid, uid; the rest is zero. */
	memset(&info_seen, MARK, sizeof(info_seen));
	MUST(kill(getpid(), SIGUSR1));
	CHECK(frame_looked_at);
	for (size_t i = 24; i < sizeof(info_seen); i++)
		CHECK_EQ(((unsigned char *)&info_seen)[i], 0);
	CHECK_EQ(((int *)&info_seen)[3], 0);
	/* Taken by a call. */
	mask(SIG_BLOCK, SIGUSR2);
	MUST(kill(getpid(), SIGUSR2));
	FILLS("sigtimedwait", syscall(SYS_rt_sigtimedwait, &set, buffer, NULL, 8));
	check_padding("sigtimedwait", 12, 16);
	check_padding("sigtimedwait", 24, 128);
	MUST(kill(getpid(), SIGUSR2));
	int fd = MUST(signalfd(-1, &set, 0));
	FILLS("signalfd", read(fd, buffer, 128));
	check_padding("signalfd", 80, 128);
	close(fd);
	/* Of a timer, and of a child. */
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec soon = {.it_value = {0, 1000}};
	MUST(timer_create(CLOCK_MONOTONIC, &e, &timer));
	MUST(timer_settime(timer, 0, &soon, NULL));
	FILLS("timer", syscall(SYS_rt_sigtimedwait, &set, buffer, NULL, 8));
	check_padding("timer", 12, 16);
	check_padding("timer", 32, 128);
	FILLS("timer_gettime", syscall(SYS_timer_gettime, (long)(uintptr_t)timer, buffer));
	timer_delete(timer);
	pid_t pid = SPAWN(_exit(3));
	memset(buffer, MARK, sizeof(buffer));
	MUST(syscall(SYS_waitid, P_PID, pid, buffer, WEXITED, buffer + 512));
	check_clean("waitid", buffer, sizeof(buffer));
	check_padding("waitid", 12, 16);
	check_padding("waitid", 28, 128);
}

/* --- Memory ----------------------------------------------------------------------------------- */

enum { SECRET_PAGES = 512 };

static void leave_secrets(void)
{
	uint64_t *m = map(SECRET_PAGES * PAGE);

	for (long i = 0; i < SECRET_PAGES * PAGE / 8; i++)
		m[i] = 0xfeedfacecafebeef;
}

static void check_zero(const char *what, const void *memory, size_t size)
{
	const uint64_t *words = memory;
	long wrong = 0;

	for (size_t i = 0; i < size / 8; i++)
		wrong += words[i] != 0;
	if (!CHECK_EQ(wrong, 0))
		printf("# %s\n", what);
}

static long __attribute__((noinline)) deep_stack(void)
{
	volatile uint64_t deep[64 * 1024];
	long wrong = 0;

	__asm__("" : "=m"(deep)); /* as the memory is: far below what was used */
	for (long i = 0; i < 32 * 1024; i++)
		wrong += deep[i] != 0;
	return wrong;
}

/* What others have had is zero for the next one. */
static void fresh_memory(void)
{
	static char name[] = "/tmp/leaks-XXXXXX";
	char *m, *heap;
	int fd;

	CHECK_EQ(IN_CHILD(leave_secrets()), 0);
	m = map(SECRET_PAGES * PAGE);
	check_zero("private", m, SECRET_PAGES * PAGE);
	munmap(m, SECRET_PAGES * PAGE);
	m = map_shared(SECRET_PAGES * PAGE);
	check_zero("shared", m, SECRET_PAGES * PAGE);
	munmap(m, SECRET_PAGES * PAGE);
	heap = (char *)syscall(SYS_brk, 0);
	heap += -(uintptr_t)heap % PAGE;
	CHECK(syscall(SYS_brk, heap + SECRET_PAGES * PAGE) >= (long)heap);
	check_zero("heap", heap, SECRET_PAGES * PAGE);
	syscall(SYS_brk, heap);
	CHECK_EQ(IN_CHILD(CHECK_EQ(deep_stack(), 0)), 0);
	/* A file: holes, and what lies behind its end in the last page. */
	fd = MUST(mkstemp(name));
	unlink(name);
	MUST(pwrite(fd, "x", 1, 10 * PAGE));
	m = mmap(NULL, 11 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check_zero("hole", m, 10 * PAGE);
	CHECK_EQ(m[10 * PAGE], 'x');
	m[10 * PAGE] = 0;
	check_zero("end of a file", m + 10 * PAGE, PAGE);
	munmap(m, 11 * PAGE);
	/* Cut in the middle of a page and made longer again. */
	memset(buffer, MARK, PAGE);
	MUST(pwrite(fd, buffer, PAGE, 0));
	MUST(ftruncate(fd, 8));
	MUST(ftruncate(fd, PAGE));
	CHECK_EQ(pread(fd, buffer, PAGE, 0), PAGE);
	check_zero("cut", buffer + 8, PAGE - 8);
	close(fd);
	CHECK_EQ(IN_CHILD(leave_secrets()), 0);
	fd = (int)syscall(SYS_memfd_create, "leaks", 0);
	MUST(ftruncate(fd, SECRET_PAGES * PAGE));
	m = mmap(NULL, SECRET_PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check_zero("memfd", m, SECRET_PAGES * PAGE);
	munmap(m, SECRET_PAGES * PAGE);
	close(fd);
}

/* --- Registers -------------------------------------------------------------------------------- */

static const uint64_t secret[2] = {0x1122334455667788, 0x99aabbccddeeff00};

#define LOAD_ALL                                                                                   \
	"movups %0, %%xmm0; movups %0, %%xmm1; movups %0, %%xmm2; movups %0, %%xmm3;"              \
	"movups %0, %%xmm4; movups %0, %%xmm5; movups %0, %%xmm6; movups %0, %%xmm7;"              \
	"movups %0, %%xmm8; movups %0, %%xmm9; movups %0, %%xmm10; movups %0, %%xmm11;"            \
	"movups %0, %%xmm12; movups %0, %%xmm13; movups %0, %%xmm14; movups %0, %%xmm15;"

/* A program that begins has none of what the one before it left in the registers. */
static int show_registers(void)
{
	unsigned char area[512] __attribute__((aligned(16)));
	uint64_t *xmm = (void *)(area + 160);
	int found = 0;

	__asm__ volatile("fxsave64 %0" : "=m"(area));
	for (int i = 0; i < 32; i++)
		found += xmm[i] == secret[i % 2];
	for (int i = 0; i < 8; i++)
		found += *(uint64_t *)(area + 32 + 16 * i) == secret[0];
	return found;
}

static void registers_over_exec(void)
{
	char *args[] = {"leaks", "registers", NULL}, *none[] = {NULL};
	const char *path = self_path();

	CHECK_EQ(IN_CHILD(__asm__ volatile(LOAD_ALL "syscall" ::"m"(secret), "a"(SYS_execve),
					   "D"(path), "S"(args), "d"(none)
					   : "rcx", "r11", "memory")),
		 EXITED(0));
}

/* A call returns RCX and R11, which are the program's own, and no word of the kernel's. */
static void registers_over_calls(void)
{
	static const int calls[] = {SYS_getpid, SYS_sched_yield, SYS_getppid, SYS_read, 511};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		uint64_t rcx, r8, r9, r10, r11, here;

		__asm__ volatile(
		    "lea 1f(%%rip), %5; xor %%r8d, %%r8d; xor %%r9d, %%r9d\n"
		    "xor %%r10d, %%r10d; mov $-1, %%edi; syscall\n1:\n"
		    "mov %%rcx, %0; mov %%r8, %1; mov %%r9, %2; mov %%r10, %3; mov %%r11, %4"
		    : "=&m"(rcx), "=&m"(r8), "=&m"(r9), "=&m"(r10), "=&m"(r11), "=&b"(here)
		    : "a"(calls[i])
		    : "rcx", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
		CHECK_EQ(rcx, here);
		CHECK_EQ(r8 | r9 | r10, 0);
		CHECK_EQ(r11 & ~0xd5UL & ~0x800UL, 0x202);
	}
}

int main(int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "registers") == 0)
		return show_registers();
	check_start();
	RUN(structures);
	RUN(terminals);
	RUN(objects);
	RUN(directories);
	RUN(messages);
	RUN(signal_frames);
	RUN(fresh_memory);
	RUN(registers_over_exec);
	RUN(registers_over_calls);
	return check_end();
}
