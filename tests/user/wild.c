/* SPDX-License-Identifier: MIT
 *
 * wild [ROUNDS]: every system call with hostile values in every argument: pointers that lead
 * nowhere, into the kernel, to the end of a page; sizes that overflow.  What each call answers is
 * not asked, only that everybody is alive afterwards.  Each call number has a child of its own;
 * what sleeps is interrupted.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include "check.h"

enum { LAST = 462 };

/* These end or stop the caller or the machine, or would spoil the system the test runs on. */
static const short skipped[] = {
    SYS_rt_sigreturn,
    SYS_exit,
    SYS_exit_group,
    SYS_reboot,
    SYS_kexec_load,
    SYS_pause,
    SYS_vfork,
    SYS_fork,
    SYS_clone,
    SYS_clone3,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_swapon,
    SYS_swapoff,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_umount2,
    SYS_mount,
    SYS_pivot_root,
    SYS_chroot,
    SYS_acct,
    SYS_quotactl,
    SYS_syslog,
    SYS_vhangup,
    SYS_iopl,
    SYS_ioperm,
    SYS_ptrace,
    SYS_process_vm_writev,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_kexec_file_load,
    SYS_sync,
    SYS_seccomp,
    SYS_shmctl,
    SYS_semctl,
    SYS_msgctl,
    SYS_shmget,
    SYS_semget,
    SYS_msgget,
    SYS_mq_open,
    SYS_mq_unlink,
    SYS_sched_setscheduler,
    SYS_sched_setattr,
    SYS_setpriority,
    SYS_ioprio_set,
    SYS_unshare,
    SYS_setns,
    SYS_add_key,
    SYS_keyctl,
    SYS_request_key,
    SYS_open_by_handle_at,
    SYS_userfaultfd,
    SYS_setrlimit,
    SYS_prlimit64,
};

static bool is_skipped(int number)
{
	for (size_t i = 0; i < COUNT_OF(skipped); i++)
		if (skipped[i] == number)
			return true;
	/* Mounting by the newer calls. */
	return number >= 428 && number <= 433;
}

/* These would change the file behind a descriptor for the whole system: as root, /dev/null itself.
 */
static bool changes_file(int number)
{
	enum { FCHMODAT2 = 452 };

	return number == SYS_fchmod || number == FCHMODAT2 || number == SYS_fchown ||
	       number == SYS_fchownat || number == SYS_fsetxattr || number == SYS_fremovexattr ||
	       number == SYS_utimensat;
}

static unsigned long values[] = {
    0,
    1,
    16,
    8,
    4095,
    0x1000,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x7ffffffff000,
    0x7ffffffffff8,
    0x800000000000,
    0xffff800000000000,
    0xffffffff80000000,
    0xffffffff81000000,
    -4096UL,
    -1UL,
    -9UL,
    1UL << 63,
    1UL << 47,
    0, /* the end of a page */
    0, /* five bytes before it */
    0, /* a page that can be written */
    0, /* a page that can be read only */
    0, /* a page without rights */
};

static void make_values(void)
{
	unsigned long *v = values + COUNT_OF(values) - 5;

	v[0] = (unsigned long)page_end();
	v[1] = (unsigned long)page_end() - 5;
	v[2] = (unsigned long)map(PAGE);
	v[3] = (unsigned long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	v[4] = (unsigned long)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* What sleeps is interrupted soon; the call may have undone that before. */
static void call(int number, const unsigned long *a)
{
	struct itimerval soon = {{0, 5000}, {0, 5000}};
	struct sigaction action = {.sa_handler = catch};

	sigaction(SIGALRM, &action, NULL);
	mask(SIG_UNBLOCK, SIGALRM);
	setitimer(ITIMER_REAL, &soon, NULL);
	syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void torture(int number, int rounds)
{
	int null = open("/dev/null", O_RDWR), pipes[2], sockets[2];
	unsigned long a[6];

	/* What may be hit: /dev/null, or a pipe in its place; a pipe, a socket. */
	(void)!pipe(pipes);
	(void)!socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets);
	for (int fd = 0; fd < 3; fd++)
		dup2(changes_file(number) ? pipes[0] : null, fd);
	close(null);
	/* One bad argument at a time, then all at random. */
	for (int position = 0; position < 6; position++)
		for (size_t i = 0; i < COUNT_OF(values); i++) {
			memset(a, 0, sizeof(a));
			a[0] = number >= SYS_socket && number <= SYS_getsockopt ? sockets[0]
										: pipes[0];
			a[position] = values[i];
			call(number, a);
		}
	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < 6; k++)
			a[k] = random_number() % 8 ? values[random_number() % COUNT_OF(values)]
						   : random_number();
		if (random_number() % 2)
			a[0] = random_number() % 2 ? pipes[random_number() % 2]
						   : sockets[random_number() % 2];
		call(number, a);
	}
}

enum { SLOTS = 8 };
static struct {
	pid_t pid;
	long started;
} slots[SLOTS];

/* Waits until so many at most are left; one that takes 4 s (asleep with all signals blocked) has
 * had its time. */
static void reap(int most)
{
	for (;;) {
		int left = 0, status;

		for (int i = 0; i < SLOTS; i++) {
			if (!slots[i].pid)
				continue;
			if (waitpid(slots[i].pid, &status, WNOHANG) != 0)
				slots[i].pid = 0;
			else if (now_ms() - slots[i].started > 4000)
				kill(slots[i].pid, SIGKILL);
			left += slots[i].pid != 0;
		}
		if (left <= most)
			return;
		sleep_ms(2);
	}
}

/* One child a call. */
static int torture_all(int rounds)
{
	int ran = 0;

	for (int number = 0; number <= LAST + 1; number++) {
		int real = number > LAST ? 0x40000000 : number, i = 0;
		pid_t pid;

		if (is_skipped(real))
			continue;
		reap(SLOTS - 1);
		while (slots[i].pid)
			i++;
		pid = fork();
		if (pid == 0) {
			struct rlimit memory = {256 << 20, 256 << 20}, core = {0, 0};

			setsid();
			setrlimit(RLIMIT_AS, &memory);
			setrlimit(RLIMIT_CORE, &core);
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20});
			random_state += number * 977;
			torture(real, rounds);
			_exit(0);
		}
		if (!CHECK(pid > 0))
			break;
		slots[i].pid = pid;
		slots[i].started = now_ms();
		ran++;
	}
	reap(0);
	return ran;
}

static int rounds = 150;
static bool had_proc;

static void all_calls(void)
{
	CHECK_EQ(torture_all(rounds), LAST + 2 - COUNT_OF(skipped) - 6);
}

static void still_alive(void)
{
	CHECK_EQ(IN_CHILD(_exit(7)), EXITED(7));
	char *p = map(100 * PAGE);
	memset(p, 1, 100 * PAGE);
	CHECK_EQ(has_proc(), had_proc);
}

int main(int argc, char *argv[])
{
	check_start_in_directory();
	if (argc > 1)
		rounds = atoi(argv[1]);
	had_proc = has_proc();
	make_values();
	RUN(all_calls);
	RUN(still_alive);
	return check_end();
}
