/* SPDX-License-Identifier: MIT
 *
 * ptrace(): attaching, stops, resuming, signals, events, registers, memory, ends.
 */
#include <cpuid.h>
#include <elf.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "check.h"

#define CALL_STOP (SIGTRAP | 0x80)

static long trace(long request, pid_t pid, long address, long data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

/* What a stop of this tracee reports: the wait status >> 8, or -1 and the whole status if it has
 * not stopped. */
static int stop_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) != pid)
		if (errno != EINTR)
			return -errno;
	return WIFSTOPPED(status) ? status >> 8 : -1000000 - (status & ~0x80);
}

static long peek_user(pid_t pid, int reg)
{
	long word = -1;

	MUST(trace(PTRACE_PEEKUSER, pid, reg * 8, (long)&word));
	return word;
}

static unsigned long event_message(pid_t pid)
{
	unsigned long message = 0;

	MUST(trace(PTRACE_GETEVENTMSG, pid, 0, (long)&message));
	return message;
}

/* A child that asks to be traced, stops itself, and then runs the statements. */
#define TRACED(...)                                                                                \
	SPAWN({                                                                                    \
		MUST(trace(PTRACE_TRACEME, 0, 0, 0));                                              \
		raise(SIGSTOP);                                                                    \
		__VA_ARGS__;                                                                       \
	})

/* A child that waits for ever. */
static pid_t sleeper(void)
{
	return SPAWN(for (;;) pause());
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

/* --- Attaching -------------------------------------------------------------------------------- */

static void traceme(void)
{
	pid_t pid = TRACED(CHECK_ERR(trace(PTRACE_TRACEME, 0, 0, 0), EPERM); _exit(7));

	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_STATE(pid, 't');
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000 - EXITED(7));
	CHECK_ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
}

static void attach_and_detach(void)
{
	pid_t pid = sleeper();

	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	CHECK_ERR(trace(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_DETACH, pid, 0, 0));
	CHECK_ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
	WAIT_UNTIL(is_asleep(pid));
	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_DETACH, pid, 0, SIGTERM));
	CHECK_EQ(wait_status(pid), KILLED(SIGTERM));
}

static void wrong_requests(void)
{
	pid_t pid = sleeper();
	long word;

	CHECK_ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_ERR(trace(PTRACE_PEEKDATA, pid, 0, 0), ESRCH);
	CHECK_ERR(trace(PTRACE_INTERRUPT, pid, 0, 0), ESRCH);
	CHECK_ERR(trace(PTRACE_KILL, pid, 0, 0), ESRCH);
	CHECK_ERR(trace(PTRACE_ATTACH, 0x3ffff0, 0, 0), ESRCH);
	CHECK_ERR(trace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERR(trace(PTRACE_SEIZE, pid, 1, 0), EIO);
	CHECK_ERR(trace(PTRACE_SEIZE, pid, 0, 1L << 30), EIO);
	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_ERR(trace(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	CHECK_ERR(trace(PTRACE_LISTEN, pid, 0, 0), EIO);
	CHECK_ERR(trace(0x9999, pid, 0, 0), EIO);
	CHECK_ERR(trace(PTRACE_CONT, pid, 0, 65), EIO);
	CHECK_ERR(trace(PTRACE_CONT, pid, 0, -1), EIO);
	CHECK_ERR(trace(PTRACE_SETOPTIONS, pid, 0, 1L << 30), EINVAL);
	CHECK_ERR(trace(PTRACE_PEEKDATA, pid, 8, (long)&word), EIO);
	CHECK_ERR(trace(PTRACE_PEEKUSER, pid, 4, (long)&word), EIO);
	CHECK_ERR(trace(PTRACE_PEEKUSER, pid, 928, (long)&word), EIO);
	CHECK_ERR(trace(PTRACE_GETREGS, pid, 0, 16), EFAULT);
	end(pid);
}

static void seize_and_interrupt(void)
{
	pid_t pid = sleeper();

	MUST(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
	CHECK_ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	CHECK_ERR(trace(PTRACE_SETSIGINFO, pid, 0, 16), EFAULT);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	WAIT_UNTIL(is_asleep(pid));
	/* A stop for a signal answers the interrupt, too. */
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	end(pid);
}

static void not_the_tracer(void)
{
	pid_t pid = sleeper();

	MUST(trace(PTRACE_SEIZE, pid, 0, 0));
	CHECK_EQ(IN_CHILD(CHECK_ERR(trace(PTRACE_INTERRUPT, pid, 0, 0), ESRCH);
			  CHECK_ERR(trace(PTRACE_SEIZE, pid, 0, 0), EPERM)),
		 0);
	end(pid);
}

static void permissions(void)
{
	pid_t pid;

	SKIP_IF(geteuid() != 0, "must be root");
	pid = sleeper();
	CHECK_EQ(IN_CHILD(MUST(setuid(1000)); CHECK_ERR(trace(PTRACE_ATTACH, pid, 0, 0), EPERM);
			  CHECK_ERR(trace(PTRACE_SEIZE, pid, 0, 0), EPERM);
			  CHECK_ERR(trace(PTRACE_ATTACH, 1, 0, 0), EPERM)),
		 0);
	end(pid);
}

/* --- Signals ---------------------------------------------------------------------------------- */

static void signal_stops(void)
{
	pid_t pid =
	    TRACED(handle(SIGUSR1, catch, 0); handle(SIGUSR2, SIG_IGN, 0); raise(SIGUSR1);
		   CHECK_EQ(caught[SIGUSR1], 1); raise(SIGUSR1); CHECK_EQ(caught[SIGUSR1], 1);
		   raise(SIGUSR2); raise(SIGTERM); CHECK_EQ(caught[SIGUSR1], 2); raise(SIGKILL));
	siginfo_t info;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGUSR1);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info));
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_TKILL);
	CHECK_EQ(info.si_pid, pid);
	MUST(trace(PTRACE_CONT, pid, 0, SIGUSR1));
	CHECK_EQ(stop_of(pid), SIGUSR1);
	MUST(trace(PTRACE_CONT, pid, 0, 0)); /* discarded */
	CHECK_EQ(stop_of(pid), SIGUSR2);     /* ignored, and the tracer sees it */
	MUST(trace(PTRACE_CONT, pid, 0, SIGUSR2));
	CHECK_EQ(stop_of(pid), SIGTERM);
	MUST(trace(PTRACE_CONT, pid, 0, SIGUSR1)); /* another one instead */
	CHECK_EQ(stop_of(pid), -1000000 - SIGKILL);
}

static void info_handler(int number, siginfo_t *info, void *context)
{
	(void)context;
	CHECK_EQ(info->si_value.sival_int, 42);
	caught[number]++;
}

static void signal_info(void)
{
	pid_t pid = TRACED(handle_info(SIGUSR1, info_handler, 0); raise(SIGUSR1);
			   CHECK_EQ(caught[SIGUSR1], 1));
	siginfo_t info;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGUSR1);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info));
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = 42;
	MUST(trace(PTRACE_SETSIGINFO, pid, 0, (long)&info));
	MUST(trace(PTRACE_CONT, pid, 0, SIGUSR1));
	CHECK_EQ(stop_of(pid), -1000000);
}

static void pending_signals(void)
{
	struct __ptrace_peeksiginfo_args args = {.nr = 4};
	pid_t pid = TRACED(mask(SIG_BLOCK, SIGUSR1); mask(SIG_BLOCK, SIGUSR2);
			   sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5});
			   raise(SIGUSR2); kill(getpid(), SIGSTOP); for (;;) pause());
	unsigned long blocked = 0;
	siginfo_t infos[4];

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_EQ(trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)infos), 1);
	CHECK_EQ(infos[0].si_signo, SIGUSR2);
	args.flags = PTRACE_PEEKSIGINFO_SHARED;
	CHECK_EQ(trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)infos), 1);
	CHECK_EQ(infos[0].si_signo, SIGUSR1);
	CHECK_EQ(infos[0].si_value.sival_int, 5);
	args.off = 1;
	CHECK_EQ(trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)infos), 0);
	args.flags = 2;
	CHECK_ERR(trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)infos), EINVAL);
	CHECK_ERR(trace(PTRACE_GETSIGMASK, pid, 16, (long)&blocked), EINVAL);
	MUST(trace(PTRACE_GETSIGMASK, pid, 8, (long)&blocked));
	CHECK_EQ(blocked, 1L << (SIGUSR1 - 1) | 1L << (SIGUSR2 - 1));
	blocked = 1L << (SIGUSR2 - 1);
	MUST(trace(PTRACE_SETSIGMASK, pid, 8, (long)&blocked));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGUSR1);
	end(pid);
}

static void group_stop(void)
{
	siginfo_t info;
	pid_t pid = sleeper();

	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
	CHECK_EQ(stop_of(pid), SIGSTOP); /* the group stop */
	CHECK_ERR(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), EINVAL);
	MUST(trace(PTRACE_CONT, pid, 0, 0)); /* runs in a stopped process */
	kill(pid, SIGUSR1);
	CHECK_EQ(stop_of(pid), SIGUSR1);
	MUST(trace(PTRACE_DETACH, pid, 0, 0)); /* and stops now */
	WAIT_UNTIL(process_state(pid) == 'T' || !has_proc());
	kill(pid, SIGCONT);
	WAIT_UNTIL(is_asleep(pid));
	end(pid);
}

/* The tracer puts SIGSTOP in the place of a signal that does not stop. */
static void other_stop(void)
{
	pid_t pid = SPAWN(MUST(trace(PTRACE_TRACEME, 0, 0, 0)); raise(SIGUSR1); _exit(7));
	siginfo_t info;

	CHECK_EQ(stop_of(pid), SIGUSR1);
	MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
	CHECK_EQ(stop_of(pid), SIGSTOP); /* the group stop */
	CHECK_ERR(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), EINVAL);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000 - EXITED(7));
}

static void listening(void)
{
	pid_t pid = sleeper();

	MUST(trace(PTRACE_SEIZE, pid, 0, 0));
	kill(pid, SIGSTOP);
	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_ERR(trace(PTRACE_LISTEN, pid, 0, 0), EIO);
	MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
	CHECK_EQ(stop_of(pid), SIGSTOP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_LISTEN, pid, 0, 0));
	CHECK_ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_LISTEN, pid, 0, 0));
	kill(pid, SIGCONT);
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGCONT);
	MUST(trace(PTRACE_CONT, pid, 0, SIGCONT));
	WAIT_UNTIL(is_asleep(pid));
	end(pid);
}

static void seize_stopped(void)
{
	pid_t pid = SPAWN(raise(SIGSTOP); for (;;) pause());
	int status;

	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	MUST(trace(PTRACE_SEIZE, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	kill(pid, SIGCONT);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGCONT);
	MUST(trace(PTRACE_DETACH, pid, 0, 0));
	WAIT_UNTIL(is_asleep(pid));
	end(pid);
}

static void attach_stopped(void)
{
	pid_t pid = SPAWN(raise(SIGSTOP); for (;;) pause());
	int status;

	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	CHECK_EQ(peek_user(pid, CS), 0x33); /* at once */
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	end(pid);
}

/* SIGCONT at any moment of an attach to a stopped process: the attach does not wait for a stop that
 * was continued. */
static void attach_continued(void)
{
	pid_t pid, other, tracer;
	int status = -1;

	mask(SIG_BLOCK, SIGCONT); /* so the child never stops for that */
	pid = sleeper();
	mask(SIG_UNBLOCK, SIGCONT);
	other = SPAWN(for (;;) {
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
	});
	tracer = SPAWN({
		long end = now_ms() + 500;

		for (int i = 0; i < 300 && now_ms() < end; i++) {
			MUST(trace(PTRACE_ATTACH, pid, 0, 0));
			CHECK_EQ(stop_of(pid), SIGSTOP);
			MUST(trace(PTRACE_DETACH, pid, 0, 0));
		}
	});
	if (!WAIT_UNTIL(waitpid(tracer, &status, WNOHANG) == tracer))
		end(tracer);
	CHECK_EQ(status, 0);
	end(other);
	end(pid);
}

/* --- System calls ----------------------------------------------------------------------------- */

static void calls(void)
{
	pid_t pid = TRACED(CHECK_EQ(syscall(SYS_getppid, 1, 2, 3), 77);
			   CHECK_EQ(syscall(SYS_getuid), -1); _exit(3));
	struct __ptrace_syscall_info info;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	for (;;) { /* what raise() does behind its kill() */
		CHECK_EQ(stop_of(pid), SIGTRAP);
		if (peek_user(pid, ORIG_RAX) == SYS_getppid)
			break;
		MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	}
	CHECK_EQ(event_message(pid), 1 /* entry */);
	CHECK_EQ(peek_user(pid, RAX), -ENOSYS);
	CHECK_EQ(peek_user(pid, RDI), 1);
	/* PTRACE_O_TRACESYSGOOD begins with the next stop. */
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	CHECK_EQ(stop_of(pid), CALL_STOP);
	CHECK_EQ(trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (long)&info), 33);
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
	CHECK_EQ(info.exit.rval, getpid());
	CHECK_EQ(info.exit.is_error, 0);
	CHECK_EQ(peek_user(pid, ORIG_RAX), SYS_getppid);
	CHECK_EQ(event_message(pid), 2 /* exit */);
	MUST(trace(PTRACE_POKEUSER, pid, RAX * 8, 77));
	/* Skip the next call. */
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	CHECK_EQ(stop_of(pid), CALL_STOP);
	CHECK_EQ(trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (long)&info), 80);
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_ENTRY);
	CHECK_EQ(info.entry.nr, SYS_getuid);
	CHECK_EQ(info.arch, 0xc000003e);
	CHECK_EQ(info.instruction_pointer, peek_user(pid, RIP));
	CHECK_EQ(info.stack_pointer, peek_user(pid, RSP));
	MUST(trace(PTRACE_POKEUSER, pid, ORIG_RAX * 8, -1));
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	CHECK_EQ(stop_of(pid), CALL_STOP);
	CHECK_EQ(peek_user(pid, RAX), -ENOSYS);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000 - EXITED(3));
}

static void changed_call(void)
{
	pid_t pid = TRACED(CHECK_EQ(syscall(SYS_getppid), getpid()); _exit(check_failures));

	CHECK_EQ(stop_of(pid), SIGSTOP);
	do {
		MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
		CHECK_EQ(stop_of(pid), SIGTRAP);
	} while (peek_user(pid, ORIG_RAX) != SYS_getppid);
	MUST(trace(PTRACE_POKEUSER, pid, ORIG_RAX * 8, SYS_getpid));
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP);
	CHECK_EQ(peek_user(pid, RAX), pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000);
}

/* An interrupted call shows -ERESTART* at its end, and goes on after the signal is discarded. */
static void restarted_call(void)
{
	int pipes[2];
	pid_t pid;
	char byte;

	MUST(pipe(pipes));
	pid = TRACED(CHECK_EQ(read(pipes[0], &byte, 1), 1); CHECK_EQ(byte, 'x');
		     _exit(check_failures));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	do {
		MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
		CHECK_EQ(stop_of(pid), CALL_STOP);
	} while (peek_user(pid, ORIG_RAX) != SYS_read);
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	WAIT_UNTIL(is_asleep(pid));
	kill(pid, SIGUSR1);
	CHECK_EQ(stop_of(pid), CALL_STOP);
	CHECK_EQ(peek_user(pid, RAX), -512);
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGUSR1);
	CHECK_EQ(peek_user(pid, ORIG_RAX), SYS_read);
	CHECK_EQ(peek_user(pid, RAX), -512);
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	CHECK_EQ(stop_of(pid), CALL_STOP);
	CHECK_EQ(peek_user(pid, ORIG_RAX), SYS_read);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(write(pipes[1], "x", 1), 1);
	CHECK_EQ(stop_of(pid), -1000000);
	close(pipes[0]);
	close(pipes[1]);
}

/* --- Registers and memory --------------------------------------------------------------------- */

static long variable = 1234;
static const long constant[1024] __attribute__((aligned(4096))) = {55};

static void memory(void)
{
	pid_t pid = TRACED(CHECK_EQ(variable, 5678); CHECK_EQ(*(volatile const long *)constant, 99);
			   _exit(check_failures));
	long word = 0;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_PEEKDATA, pid, (long)&variable, (long)&word));
	CHECK_EQ(word, 1234);
	MUST(trace(PTRACE_POKEDATA, pid, (long)&variable, 5678));
	MUST(trace(PTRACE_POKETEXT, pid, (long)constant, 99)); /* a page that is read-only */
	MUST(trace(PTRACE_PEEKTEXT, pid, (long)constant, (long)&word));
	CHECK_EQ(word, 99);
	CHECK_EQ(*(volatile const long *)constant, 55);
	CHECK_ERR(trace(PTRACE_POKEDATA, pid, 16, 1), EIO);
	CHECK_ERR(trace(PTRACE_PEEKDATA, pid, -8, (long)&word), EIO);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000);
	CHECK_EQ(variable, 1234);
}

static void registers(void)
{
	pid_t pid = TRACED(long a = 1; double d = 1; __asm__ volatile("int3"
								      : "+b"(a), "+x"(d));
			   CHECK_EQ(a, 2); CHECK(d == 2.5); _exit(check_failures));
	struct user_regs_struct r, set;
	struct user_fpregs_struct f;
	static unsigned char area[16384];
	struct iovec v = {&set, sizeof(set)};
	unsigned a, b, c = 0, edx;
	bool has_xsave = __get_cpuid(1, &a, &b, &c, &edx) && c & bit_OSXSAVE;
	int xstate = has_xsave ? NT_X86_XSTATE : NT_PRFPREG;
	double d;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP);
	MUST(trace(PTRACE_GETREGS, pid, 0, (long)&r));
	CHECK_EQ(r.rbx, 1);
	CHECK_EQ((long)r.orig_rax, -1);
	CHECK_EQ(r.cs, 0x33);
	CHECK_EQ(r.ss, 0x2b);
	CHECK_EQ(r.ds, 0);
	CHECK_EQ(r.rip, peek_user(pid, RIP));
	MUST(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v));
	CHECK_EQ(v.iov_len, sizeof(r));
	CHECK_EQ(memcmp(&r, &set, sizeof(r)), 0);
	r.rbx = 2;
	MUST(trace(PTRACE_SETREGS, pid, 0, (long)&r));
	MUST(trace(PTRACE_GETFPREGS, pid, 0, (long)&f));
	v = (struct iovec){area, sizeof(area)};
	MUST(trace(PTRACE_GETREGSET, pid, NT_PRFPREG, (long)&v));
	CHECK_EQ(v.iov_len, 512);
	CHECK_EQ(memcmp(&f, area, 416), 0);
	v.iov_len = sizeof(area);
	if (has_xsave) {
		MUST(trace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (long)&v));
		CHECK(v.iov_len >= 576);
		CHECK_EQ(memcmp(&f, area, 416), 0);
		CHECK_EQ(area[464] & 3, 3); /* XCR0 */
	} else {
		CHECK_ERR(trace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (long)&v), ENODEV);
	}
	for (int i = 0; i < 16; i++) {
		memcpy(&d, &f.xmm_space[4 * i], sizeof(d));
		if (d == 1)
			d = 2.5;
		memcpy(&f.xmm_space[4 * i], &d, sizeof(d));
	}
	MUST(trace(PTRACE_SETFPREGS, pid, 0, (long)&f));
	memset(area, 0, sizeof(area));
	v.iov_len = has_xsave ? sizeof(area) : 512;
	MUST(trace(PTRACE_GETREGSET, pid, xstate, (long)&v));
	CHECK_EQ(memcmp(&f, area, 416), 0);
	MUST(trace(PTRACE_SETREGSET, pid, xstate, (long)&v));
	f.mxcsr = 0xffffffff;
	CHECK_ERR(trace(PTRACE_SETFPREGS, pid, 0, (long)&f), EINVAL);
	v = (struct iovec){&r, 12};
	CHECK_ERR(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v), EINVAL);
	v.iov_len = 16;
	MUST(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v));
	CHECK_EQ(v.iov_len, 16);
	CHECK_ERR(trace(PTRACE_GETREGSET, pid, 0x777, (long)&v), EINVAL);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000);
}

/* Values that must not reach the processor as they are. */
static void bad_registers(void)
{
	pid_t pid = TRACED(for (;;) pause());
	struct user_regs_struct r, again;
	long bad = 1L << 48;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, FS_BASE * 8, -4096), EIO);
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, CS * 8, 0), EIO);
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, SS * 8, 0x18), EIO);
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, DS * 8, 0x10), EIO);
	MUST(trace(PTRACE_GETREGS, pid, 0, (long)&r));
	MUST(trace(PTRACE_POKEUSER, pid, EFLAGS * 8, -1L)); /* no IOPL, no VM */
	MUST(trace(PTRACE_GETREGS, pid, 0, (long)&again));
	CHECK_EQ(again.eflags & 0x3f3000, again.eflags & 0x050000);
	MUST(trace(PTRACE_POKEUSER, pid, EFLAGS * 8, (long)r.eflags));
	MUST(trace(PTRACE_POKEUSER, pid, RIP * 8, bad));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSEGV);
	MUST(trace(PTRACE_POKEUSER, pid, CS * 8, 0xfff3));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGSEGV);
	end(pid);
}

/* --- Steps and breakpoints -------------------------------------------------------------------- */

extern char step_here[], step_call[], step_end[];
__attribute__((noinline)) static long stepped(void)
{
	long n = SYS_getppid;

	__asm__ volatile(".globl step_here, step_call, step_end\n"
			 "step_here: nop\n nop\n"
			 "step_call: syscall\n"
			 "step_end: nop\n"
			 : "+a"(n)
			 :
			 : "rcx", "r11", "memory");
	return n;
}

/* Lets the tracee run to `address` by an int3, and puts the old instruction back. */
static void run_to(pid_t pid, char *address)
{
	long old = 0;

	MUST(trace(PTRACE_PEEKTEXT, pid, (long)address, (long)&old));
	MUST(trace(PTRACE_POKETEXT, pid, (long)address, (old & ~0xffL) | 0xcc));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP);
	CHECK_EQ(peek_user(pid, RIP), (long)address + 1);
	MUST(trace(PTRACE_POKETEXT, pid, (long)address, old));
	MUST(trace(PTRACE_POKEUSER, pid, RIP * 8, (long)address));
}

static int step(pid_t pid, int signal)
{
	MUST(trace(PTRACE_SINGLESTEP, pid, 0, signal));
	return stop_of(pid);
}

static void single_step(void)
{
	pid_t pid = TRACED(CHECK_EQ(stepped(), getppid()); _exit(check_failures));
	siginfo_t info;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	run_to(pid, step_here);
	CHECK_EQ(step(pid, 0), SIGTRAP);
	CHECK_EQ(peek_user(pid, RIP), (long)step_here + 1);
	CHECK_EQ(peek_user(pid, EFLAGS) & 0x100, 0);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info));
	CHECK_EQ(info.si_code, TRAP_TRACE);
	CHECK_EQ(info.si_addr == (void *)(step_here + 1), 1);
	CHECK_EQ(step(pid, 0), SIGTRAP);
	CHECK_EQ(step(pid, 0), SIGTRAP); /* over the call: no instruction more */
	CHECK_EQ(peek_user(pid, RIP), (long)step_end);
	CHECK_EQ(peek_user(pid, RAX), getpid());
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000);
}

static unsigned long handler_flags;
static void flags_handler(int number, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)number, (void)info;

	handler_flags = (unsigned long)uc->uc_mcontext.gregs[REG_EFL];
}

static void step_into_handler(void)
{
	pid_t pid = TRACED(handle_info(SIGUSR1, flags_handler, 0); stepped();
			   CHECK_EQ(handler_flags & 0x100, 0); _exit(check_failures));
	long steps = 0;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	run_to(pid, step_here);
	kill(pid, SIGUSR1);
	CHECK_EQ(step(pid, 0), SIGUSR1);
	CHECK_EQ(peek_user(pid, RIP), (long)step_here);
	CHECK_EQ(step(pid, SIGUSR1), SIGTRAP); /* at the handler's first instruction */
	CHECK_EQ(peek_user(pid, RIP), (long)flags_handler);
	CHECK_EQ(peek_user(pid, RDI), SIGUSR1);
	while (peek_user(pid, RIP) != (long)step_here && ++steps < 1000)
		CHECK_EQ(step(pid, 0), SIGTRAP);
	CHECK(steps < 1000);
	CHECK_EQ(step(pid, 0), SIGTRAP);
	CHECK_EQ(peek_user(pid, RIP), (long)step_here + 1);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000);
}

#define DEBUG(n) (offsetof(struct user, u_debugreg) + (n)*8)

static volatile long watched[4];

static void hardware_breakpoints(void)
{
	pid_t pid = TRACED(for (int i = 0; i < 2; i++) stepped(); watched[1] = 1; watched[2] = 1;
			   watched[1] = 2; _exit(0));
	siginfo_t info;
	long word;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_POKEUSER, pid, DEBUG(0), (long)step_here));
	MUST(trace(PTRACE_POKEUSER, pid, DEBUG(1), (long)&watched[1]));
	MUST(trace(PTRACE_POKEUSER, pid, DEBUG(7), 1 | 4 | 9L << 20)); /* execute; write, 8 bytes */
	for (int i = 0; i < 2; i++) {
		MUST(trace(PTRACE_CONT, pid, 0, 0));
		CHECK_EQ(stop_of(pid), SIGTRAP);
		CHECK_EQ(peek_user(pid, RIP), (long)step_here);
		MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info));
		CHECK_EQ(info.si_code, TRAP_HWBKPT);
		MUST(trace(PTRACE_PEEKUSER, pid, DEBUG(6), (long)&word));
		CHECK_EQ(word & 0xf, 1);
		MUST(trace(PTRACE_POKEUSER, pid, DEBUG(6), 0));
	}
	for (int i = 1; i <= 2; i++) {
		MUST(trace(PTRACE_CONT, pid, 0, 0));
		CHECK_EQ(stop_of(pid), SIGTRAP);
		MUST(trace(PTRACE_PEEKUSER, pid, DEBUG(6), (long)&word));
		CHECK_EQ(word & 0xf, 2);
		MUST(trace(PTRACE_PEEKDATA, pid, (long)&watched[1], (long)&word));
		CHECK_EQ(word, i);
	}
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, DEBUG(0), -4096), EINVAL);
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, DEBUG(4), 0), EIO);
	CHECK_ERR(trace(PTRACE_POKEUSER, pid, DEBUG(7), 1 | 2L << 16), EINVAL); /* I/O */
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000);
}

/* --- Events ----------------------------------------------------------------------------------- */

static void fork_event(void)
{
	pid_t pid = TRACED(pid_t c = fork(); if (!c) _exit(4); CHECK_EQ(wait_status(c), EXITED(4));
			   _exit(check_failures)),
	      child;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_FORK << 8);
	child = (pid_t)event_message(pid);
	CHECK_EQ(stop_of(child), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	MUST(trace(PTRACE_CONT, child, 0, 0));
	/* The tracer sees the end first, then the parent. */
	CHECK_EQ(stop_of(child), -1000000 - EXITED(4));
	CHECK_EQ(stop_of(pid), SIGCHLD);
	MUST(trace(PTRACE_CONT, pid, 0, SIGCHLD));
	CHECK_EQ(stop_of(pid), -1000000);
}

static void vfork_events(void)
{
	pid_t pid = SPAWN(pause(); pid_t c = vfork(); if (!c) _exit(4); _exit(0)), child;

	MUST(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE));
	WAIT_UNTIL(is_asleep(pid));
	kill(pid, SIGCONT);
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	end(pid);
	pid = TRACED(pid_t c = vfork(); if (!c) _exit(4); _exit(0));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_VFORK << 8);
	child = (pid_t)event_message(pid);
	CHECK_EQ(stop_of(child), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	MUST(trace(PTRACE_CONT, child, 0, 0));
	CHECK_EQ(stop_of(child), -1000000 - EXITED(4));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_VFORK_DONE << 8);
	CHECK_EQ(event_message(pid), child);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGCHLD);
	end(pid);
}

static void exec_stop(void)
{
	const char *path = self_path();
	pid_t pid = TRACED(execl(path, path, "--seven", NULL); _exit(9));

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP); /* without the option: a signal */
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000 - EXITED(7));
	pid = TRACED(execl(path, path, "--seven", NULL); _exit(9));
	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_EXEC << 8);
	CHECK_EQ(event_message(pid), pid);
	CHECK_EQ(peek_user(pid, ORIG_RAX), SYS_execve);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_EXIT << 8);
	CHECK_EQ(event_message(pid), EXITED(7));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000 - EXITED(7));
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void *thread_main(void *argument)
{
	syscall(SYS_getppid, 5);
	return argument;
}

static void thread_events(void)
{
	pid_t pid = TRACED(pthread_t t; pthread_create(&t, NULL, thread_main, NULL);
			   pthread_join(t, NULL); for (;;) pause()),
	      tid;
	int status, ended = 0, seen = 0;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACESYSGOOD));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_CLONE << 8);
	tid = (pid_t)event_message(pid);
	CHECK(tid != pid);
	CHECK_EQ(stop_of(tid), SIGSTOP);
	CHECK_ERR(trace(PTRACE_ATTACH, tid, 0, 0), EPERM);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	while (!ended) {
		MUST(trace(PTRACE_SYSCALL, tid, 0, 0));
		CHECK_EQ(waitpid(tid, &status, __WALL), tid);
		if (WIFEXITED(status))
			ended = 1;
		else if (CHECK_EQ(status >> 8, CALL_STOP) && peek_user(tid, RDI) == 5 &&
			 peek_user(tid, ORIG_RAX) == SYS_getppid)
			seen++;
	}
	CHECK_EQ(seen, 2);
	CHECK_EQ(status, EXITED(0)); /* the thread's own, reported to its tracer */
	end(pid);
}

static void *exec_main(void *path)
{
	execl(path, path, "--seven", NULL);
	return NULL;
}

static void exec_by_thread(void)
{
	const char *path = self_path();
	pid_t pid = TRACED(pthread_t t; pthread_create(&t, NULL, exec_main, (void *)path);
			   for (;;) pause()),
	      tid;

	CHECK_EQ(stop_of(pid), SIGSTOP);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_CLONE << 8);
	tid = (pid_t)event_message(pid);
	CHECK_EQ(stop_of(tid), SIGSTOP);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	MUST(trace(PTRACE_CONT, tid, 0, 0));
	CHECK_EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_EXEC << 8);
	CHECK_EQ(event_message(pid), tid);
	CHECK_ERR(trace(PTRACE_CONT, tid, 0, 0), ESRCH);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(stop_of(pid), -1000000 - EXITED(7));
}

static void *exec_when_told(void *fd)
{
	char byte;

	MUST(read(*(int *)fd, &byte, 1));
	return exec_main((void *)self_path());
}

/* The old leader, which is traced, goes without a report when another thread executes a program. */
static void exec_ends_leader(void)
{
	volatile int *waits = map_shared(PAGE);
	int fds[2], status = -1;
	pid_t pid, tracer;

	MUST(pipe(fds));
	pid = SPAWN(pthread_t t; pthread_create(&t, NULL, exec_when_told, fds); for (;;) pause());
	tracer = SPAWN(MUST(trace(PTRACE_SEIZE, pid, 0, 0)); *waits = 1;
		       CHECK_ERR(waitpid(-1, NULL, __WALL), ECHILD));
	WAIT_UNTIL(*waits && is_asleep(tracer));
	MUST(write(fds[1], "", 1));
	if (!WAIT_UNTIL(waitpid(tracer, &status, WNOHANG) == tracer))
		end(tracer);
	CHECK_EQ(status, 0);
	CHECK_EQ(wait_status(pid), EXITED(7));
	close(fds[0]);
	close(fds[1]);
}

static void *call_for_ever(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		syscall(SYS_getppid);
	return tid;
}

/* Another thread executes a program while the traced one stops at a call. */
static void exec_ends_call(void)
{
	volatile pid_t *tid = map_shared(PAGE);
	siginfo_t info = {0};
	int fds[2];
	pid_t pid;

	MUST(pipe(fds));
	pid = SPAWN(pthread_t t; pthread_create(&t, NULL, call_for_ever, (void *)tid);
		    exec_when_told(fds));
	WAIT_UNTIL(*tid);
	MUST(trace(PTRACE_SEIZE, *tid, 0, PTRACE_O_TRACESYSGOOD));
	MUST(trace(PTRACE_INTERRUPT, *tid, 0, 0));
	CHECK_EQ(stop_of(*tid), SIGTRAP | PTRACE_EVENT_STOP << 8);
	MUST(trace(PTRACE_SYSCALL, *tid, 0, 0));
	CHECK_EQ(waitid(P_PID, (id_t)*tid, &info, WSTOPPED | WNOWAIT | __WALL), 0);
	CHECK_EQ(info.si_status, CALL_STOP);
	MUST(write(fds[1], "", 1));
	WAIT_UNTIL(waitid(P_PID, (id_t)*tid, &info, WEXITED | WNOWAIT | __WALL) == 0 &&
		   info.si_code == CLD_EXITED);
	CHECK_EQ(stop_of(*tid), -1000000 - EXITED(0));
	CHECK_EQ(wait_status(pid), EXITED(7));
	close(fds[0]);
	close(fds[1]);
}

/* --- Ends ------------------------------------------------------------------------------------- */

/* A tracee that is no child: its parent sees the end after the tracer has. */
static void other_parent(void)
{
	volatile int *go = map_shared(PAGE);
	pid_t pid = sleeper(), tracer;
	siginfo_t info = {0};

	tracer = SPAWN({
		MUST(trace(PTRACE_SEIZE, pid, 0, 0));
		kill(pid, SIGUSR1);
		CHECK_EQ(stop_of(pid), SIGUSR1);
		go[0] = 1;
		WAIT_UNTIL(go[1]);
		MUST(trace(PTRACE_CONT, pid, 0, SIGUSR1));
		/* WNOWAIT leaves it. */
		CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | __WALL), 0);
		CHECK_EQ(info.si_code, CLD_KILLED);
		go[0] = 2;
		WAIT_UNTIL(go[1] == 2);
		CHECK_EQ(stop_of(pid), -1000000 - SIGUSR1);
		CHECK_ERR(waitpid(pid, NULL, __WALL), ECHILD);
	});
	WAIT_UNTIL(go[0] == 1);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG | WUNTRACED), 0); /* a tracer's stop is none of ours */
	go[1] = 1;
	WAIT_UNTIL(go[0] == 2);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	go[1] = 2;
	CHECK_EQ(wait_status(tracer), 0);
	CHECK_EQ(wait_status(pid), KILLED(SIGUSR1));
}

static void tracer_ends(void)
{
	pid_t pid = sleeper();

	CHECK_EQ(IN_CHILD(MUST(trace(PTRACE_ATTACH, pid, 0, 0)); CHECK_EQ(stop_of(pid), SIGSTOP)),
		 0);
	WAIT_UNTIL(is_asleep(pid)); /* detached, and running */
	CHECK_EQ(IN_CHILD(MUST(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL))), 0);
	CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
}

static void waitid_reports(void)
{
	pid_t pid = TRACED(_exit(0));
	siginfo_t info = {0};

	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	CHECK_EQ(info.si_code, CLD_TRAPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0); /* stops of tracees, whatever is asked */
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_TRAPPED);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0); /* once */
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	CHECK_EQ(info.si_status, SIGTRAP | PTRACE_EVENT_EXIT << 8);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	CHECK_EQ(wait_status(pid), 0);
}

static void child_info(int number, siginfo_t *info, void *context)
{
	(void)context;
	caught[number] = info->si_code;
}

static void tracer_is_signalled(void)
{
	pid_t pid;

	handle_info(SIGCHLD, child_info, 0);
	pid = TRACED(for (;;) pause());
	WAIT_UNTIL(caught[SIGCHLD] == CLD_TRAPPED);
	CHECK_EQ(stop_of(pid), SIGSTOP);
	end(pid);
	handle(SIGCHLD, SIG_DFL, 0);
}

/* SIGKILL ends a tracee in every stop. */
static void killed_in_stops(void)
{
	pid_t pid;

	for (int i = 0; i < 5; i++) {
		pid = TRACED(syscall(SYS_getppid); pid_t c = fork(); if (!c) _exit(0); pause());
		CHECK_EQ(stop_of(pid), SIGSTOP);
		if (i == 1 || i == 2) {
			MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
			CHECK_EQ(stop_of(pid), SIGTRAP);
		}
		if (i == 2) {
			MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
			CHECK_EQ(stop_of(pid), SIGTRAP);
		}
		if (i == 3) {
			MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
			CHECK_EQ(stop_of(pid), SIGSTOP);
		}
		if (i == 4)
			MUST(trace(PTRACE_KILL, pid, 0, 0));
		else
			kill(pid, SIGKILL);
		CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
		CHECK_ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--seven"))
		return 7;
	check_start();
	RUN(traceme);
	RUN(attach_and_detach);
	RUN(wrong_requests);
	RUN(seize_and_interrupt);
	RUN(not_the_tracer);
	RUN(permissions);
	RUN(signal_stops);
	RUN(signal_info);
	RUN(pending_signals);
	RUN(group_stop);
	RUN(other_stop);
	RUN(listening);
	RUN(seize_stopped);
	RUN(attach_stopped);
	RUN(attach_continued);
	RUN(calls);
	RUN(changed_call);
	RUN(restarted_call);
	RUN(memory);
	RUN(registers);
	RUN(bad_registers);
	RUN(single_step);
	RUN(step_into_handler);
	RUN(hardware_breakpoints);
	RUN(fork_event);
	RUN(vfork_events);
	RUN(exec_stop);
	RUN(thread_events);
	RUN(exec_by_thread);
	RUN(exec_ends_leader);
	RUN(exec_ends_call);
	RUN(other_parent);
	RUN(tracer_ends);
	RUN(waitid_reports);
	RUN(tracer_is_signalled);
	RUN(killed_in_stops);
	return check_end();
}
