/* SPDX-License-Identifier: MIT
 *
 * Signals: handlers and what they are told, masks, waiting for them, restarting, order, errors.
 */
#include <setjmp.h>
#include <stdatomic.h>
#include <ucontext.h>

#include "check.h"

static volatile sig_atomic_t order[64], order_count;
static siginfo_t last;

static void note(int number, siginfo_t *info, void *context)
{
	(void)context;
	last = *info;
	order[order_count++ % 64] = number;
}

static void note_value(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	order[order_count++ % 64] = info->si_value.sival_int;
}

static void info(void)
{
	pid_t child;

	handle_info(SIGUSR1, note, 0);
	CHECK_EQ(kill(getpid(), SIGUSR1), 0);
	CHECK_EQ(last.si_signo, SIGUSR1);
	CHECK_EQ(last.si_code, SI_USER);
	CHECK_EQ(last.si_pid, getpid());
	CHECK_EQ(last.si_uid, getuid());
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(last.si_code, SI_TKILL);
	if (has_call(SYS_rt_sigqueueinfo)) {
		CHECK_EQ(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 4711}), 0);
		CHECK_EQ(last.si_code, SI_QUEUE);
		CHECK_EQ(last.si_value.sival_int, 4711);
	}
	/* How a child ended. */
	handle_info(SIGCHLD, note, SA_RESTART);
	child = SPAWN(_exit(9));
	CHECK_EQ(wait_status(child), EXITED(9));
	CHECK_EQ(last.si_signo, SIGCHLD);
	CHECK_EQ(last.si_code, CLD_EXITED);
	CHECK_EQ(last.si_pid, child);
	CHECK_EQ(last.si_status, 9);
	child = SPAWN(raise(SIGKILL));
	CHECK_EQ(wait_status(child), KILLED(SIGKILL));
	CHECK_EQ(last.si_code, CLD_KILLED);
	CHECK_EQ(last.si_status, SIGKILL);
	handle(SIGCHLD, SIG_DFL, 0);
}

static void masks(void)
{
	sigset_t set, old;

	handle(SIGUSR1, catch, 0);
	handle(SIGUSR2, catch, 0);
	caught[SIGUSR1] = caught[SIGUSR2] = 0;
	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(caught[SIGUSR1], 0);
	CHECK_EQ(sigpending(&set), 0);
	CHECK(sigismember(&set, SIGUSR1) && !sigismember(&set, SIGUSR2));
	mask(SIG_UNBLOCK, SIGUSR1);
	/* One is pending for the thread and one for the process; more merge. */
	CHECK_EQ(caught[SIGUSR1], 2);
	CHECK_EQ(sigpending(&set), 0);
	CHECK(!sigismember(&set, SIGUSR1));
	/* KILL and STOP cannot be blocked; errors. */
	sigfillset(&set);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &set, &old), 0);
	sigprocmask(SIG_SETMASK, &old, &set);
	CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP));
	CHECK(sigismember(&set, SIGTERM));
	CHECK_ERR(syscall(SYS_rt_sigprocmask, 17, &set, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigpending, BAD, 8), EFAULT);
	/* Pending signals are not inherited; the mask is. */
	mask(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(IN_CHILD(sigpending(&set); CHECK(!sigismember(&set, SIGUSR1));
			  sigprocmask(SIG_SETMASK, NULL, &set); CHECK(sigismember(&set, SIGUSR1))),
		 0);
	/* Ignoring drops what is pending. */
	handle(SIGUSR1, SIG_IGN, 0);
	sigpending(&set);
	CHECK(!sigismember(&set, SIGUSR1));
	mask(SIG_UNBLOCK, SIGUSR1);
}

static void action_errors(void)
{
	struct sigaction action = {.sa_handler = catch}, old;

	CHECK_ERR(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_EQ(sigaction(SIGKILL, NULL, &old), 0);
	CHECK_ERR(sigaction(0, &action, NULL), EINVAL);
	CHECK_ERR(sigaction(65, &action, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	action.sa_flags = SA_RESTART;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &old), 0);
	CHECK(old.sa_handler == catch && sigismember(&old.sa_mask, SIGUSR2));
	CHECK(old.sa_flags & SA_RESTART);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_ERR(kill(99999999, 0), ESRCH);
	CHECK_ERR(kill(-99999999, 0), ESRCH);
	CHECK_ERR(syscall(SYS_tkill, 0, SIGUSR1), EINVAL);
	CHECK_ERR(syscall(SYS_tkill, 99999999, SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), 99999999, SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, getpid() + 1, getpid(), SIGUSR1), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, -1, getpid(), SIGUSR1), EINVAL);
}

static volatile sig_atomic_t depth, deepest, calls, again, others;

static void deep(int number)
{
	calls++;
	if (++depth > deepest)
		deepest = depth;
	if (again > 0) {
		again--;
		raise(number);
	}
	if (others > 0) {
		others--;
		raise(SIGUSR2);
	}
	depth--;
}

/* How deep handlers nest when each raises its own signal so often, and SIGUSR2 so often. */
static int nesting(int own, int other)
{
	depth = deepest = calls = 0;
	again = own;
	others = other;
	raise(SIGUSR1);
	CHECK_EQ(calls, 1 + own + other);
	return deepest;
}

static void flags(void)
{
	struct sigaction action = {.sa_handler = deep};

	/* The signal is blocked in its own handler, others are not unless the mask says so. */
	handle(SIGUSR2, deep, 0);
	handle(SIGUSR1, deep, 0);
	CHECK_EQ(nesting(2, 0), 1);
	CHECK_EQ(nesting(0, 1), 2);
	handle(SIGUSR1, deep, SA_NODEFER);
	CHECK_EQ(nesting(2, 0), 3);
	sigaddset(&action.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &action, NULL);
	CHECK_EQ(nesting(0, 1), 1);
	/* Once. */
	handle(SIGUSR1, catch, SA_RESETHAND);
	caught[SIGUSR1] = 0;
	raise(SIGUSR1);
	CHECK_EQ(caught[SIGUSR1], 1);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
	CHECK_EQ(IN_CHILD(raise(SIGUSR1)), KILLED(SIGUSR1));
	handle(SIGUSR2, SIG_DFL, 0);
}

static void queueing(void)
{
	sigset_t all = set_of(0), old;

	SKIP_IF(!has_call(SYS_rt_sigqueueinfo), "no sigqueue()");
	/* Real-time ones queue in order, the lower number first; others merge, and come before. */
	for (int i = SIGRTMIN; i < SIGRTMIN + 3; i++) {
		handle_info(i, note_value, 0);
		sigaddset(&all, i);
	}
	handle_info(SIGUSR1, note_value, 0);
	sigaddset(&all, SIGUSR1);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int i = 0; i < 4; i++)
		for (int n = 2; n >= 0; n--)
			CHECK_EQ(sigqueue(getpid(), SIGRTMIN + n,
					  (union sigval){.sival_int = n * 10 + i}),
				 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 90 + i}), 0);
	/* Taken one by one, in order; the handlers' frames would stack up in reverse. */
	for (int i = 0; i < 13; i++) {
		siginfo_t s;

		CHECK(sigwaitinfo(&all, &s) > 0);
		CHECK_EQ(s.si_value.sival_int, i == 0 ? 90 : (i - 1) / 4 * 10 + (i - 1) % 4);
		CHECK_EQ(s.si_code, SI_QUEUE);
	}
	/* By handlers that block each other, the same. */
	struct sigaction action = {.sa_sigaction = note_value, .sa_flags = SA_SIGINFO};
	action.sa_mask = all;
	for (int i = SIGRTMIN; i < SIGRTMIN + 3; i++)
		sigaction(i, &action, NULL);
	order_count = 0;
	for (int i = 0; i < 4; i++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(order_count, 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(order[i], i);
	handle(SIGUSR1, SIG_DFL, 0);
}

static void waiting(void)
{
	sigset_t set = set_of(SIGUSR1), empty = set_of(0), now;
	struct timespec t = {0, 30000000};
	siginfo_t s;
	pid_t child;
	long start;
	int n;

	SKIP_IF(!has_call(SYS_rt_sigtimedwait), "no sigtimedwait()");
	mask(SIG_BLOCK, SIGUSR1);
	start = now_ms();
	CHECK_ERR(sigtimedwait(&set, NULL, &t), EAGAIN);
	CHECK(now_ms() - start >= 30);
	t.tv_nsec = -1;
	CHECK_ERR(sigtimedwait(&set, NULL, &t), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, BAD, NULL, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 4), EINVAL);
	raise(SIGUSR1);
	CHECK_EQ(sigwait(&set, &n), 0);
	CHECK_EQ(n, SIGUSR1);
	t = (struct timespec){60, 0};
	pid_t parent = getpid();
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	CHECK_EQ(sigtimedwait(&set, &s, &t), SIGUSR1);
	CHECK_EQ(s.si_pid, child);
	CHECK_EQ(wait_status(child), 0);
	/* Another signal's handler ends the wait. */
	handle(SIGUSR2, catch, SA_RESTART);
	child = signal_often(SIGUSR2, 20000);
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &set, &s, &t, 8), EINTR);
	end_signals(child);
	/* sigsuspend: the mask inside, and the old one after. */
	handle(SIGUSR1, catch, 0);
	caught[SIGUSR1] = 0;
	raise(SIGUSR1);
	CHECK_EQ(caught[SIGUSR1], 0);
	CHECK_ERR(sigsuspend(&empty), EINTR);
	CHECK_EQ(caught[SIGUSR1], 1);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1));
	CHECK_ERR(sigsuspend(&empty), EINTR);
	CHECK_EQ(wait_status(child), 0);
	CHECK_EQ(caught[SIGUSR1], 2);
	mask(SIG_UNBLOCK, SIGUSR1);
	child = signal_often(SIGUSR1, 20000);
	CHECK_ERR(pause(), EINTR);
	end_signals(child);
	CHECK(caught[SIGUSR1] >= 3);
}

static void restarting(void)
{
	struct timespec t = {1000, 0}, left = {0, 0};
	volatile int *interrupted = map_shared(PAGE);
	pid_t parent = getpid(), child;
	long start;
	int status;

	/* A sleep says what is left. */
	handle(SIGUSR1, catch, SA_RESTART);
	child = signal_often(SIGUSR1, 20000);
	CHECK_ERR(nanosleep(&t, &left), EINTR);
	CHECK(left.tv_sec >= 800 && left.tv_sec <= 1000);
	end_signals(child);
	/* A wait for a child is restarted, or not. */
	child = SPAWN(WAIT_UNTIL(is_asleep(parent)); kill(parent, SIGUSR1); sleep_ms(40); _exit(3));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, EXITED(3));
	handle(SIGUSR1, catch, 0);
	child = SPAWN(while (!*interrupted) {
		sleep_ms(20);
		kill(parent, SIGUSR1);
	} _exit(3));
	CHECK_ERR(waitpid(child, &status, 0), EINTR);
	*interrupted = 1;
	CHECK_EQ(wait_status(child), EXITED(3));
	munmap((void *)interrupted, PAGE);
	/* An ignored signal and a stop interrupt nothing. */
	handle(SIGUSR1, SIG_IGN, 0);
	child = SPAWN(start = now_ms(); t = (struct timespec){0, 150000000};
		      CHECK_EQ(nanosleep(&t, NULL), 0); CHECK(now_ms() - start >= 150));
	sleep_ms(20);
	kill(child, SIGUSR1);
	kill(child, SIGSTOP);
	sleep_ms(20);
	kill(child, SIGCONT);
	CHECK_EQ(wait_status(child), 0);
	handle(SIGUSR1, SIG_DFL, 0);
}

static sigjmp_buf jump;

static void jump_out(int number)
{
	siglongjmp(jump, number);
}

static void jumps(void)
{
	volatile int rounds = 0;
	sigset_t set;
	int n = 0;

	handle(SIGUSR1, jump_out, 0);
	if ((n = sigsetjmp(jump, 1)) == 0 || ++rounds < 3)
		raise(SIGUSR1);
	CHECK_EQ(n, SIGUSR1);
	CHECK_EQ(rounds, 3);
	sigprocmask(SIG_SETMASK, NULL, &set);
	CHECK(!sigismember(&set, SIGUSR1));
	handle(SIGUSR1, SIG_DFL, 0);
}

static char *volatile handler_stack;
static volatile int handler_flags;

static void where(int number)
{
	char here;
	stack_t s;

	handler_stack = &here;
	sigaltstack(NULL, &s);
	handler_flags = s.ss_flags;
	s.ss_flags = 0;
	if (handler_flags == SS_ONSTACK)
		CHECK_ERR(sigaltstack(&s, NULL), EPERM);
	(void)number;
}

static void alternate_stack(void)
{
	static char memory[65536];
	stack_t s = {.ss_sp = memory, .ss_size = sizeof(memory)}, old;

	CHECK_EQ(sigaltstack(NULL, &old), 0);
	CHECK_EQ(old.ss_flags, SS_DISABLE);
	CHECK_EQ(sigaltstack(&s, NULL), 0);
	handle(SIGUSR1, where, SA_ONSTACK);
	handle(SIGUSR2, where, 0);
	raise(SIGUSR1);
	CHECK(handler_stack > memory && handler_stack < memory + sizeof(memory));
	CHECK_EQ(handler_flags, SS_ONSTACK);
	raise(SIGUSR2);
	CHECK(handler_stack < memory || handler_stack >= memory + sizeof(memory));
	CHECK_EQ(handler_flags, 0);
	s.ss_size = 1000;
	CHECK_ERR(sigaltstack(&s, NULL), ENOMEM);
	s.ss_size = sizeof(memory);
	s.ss_flags = 77;
	CHECK_ERR(sigaltstack(&s, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sigaltstack, BAD, NULL), EFAULT);
	/* Inherited by fork, */
	CHECK_EQ(IN_CHILD(sigaltstack(NULL, &old); CHECK(old.ss_sp == memory)), 0);
	s.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&s, NULL), 0);
	raise(SIGUSR1);
	CHECK(handler_stack < memory || handler_stack >= memory + sizeof(memory));
	handle(SIGUSR1, SIG_DFL, 0);
	handle(SIGUSR2, SIG_DFL, 0);
}

static pthread_t threads[2];
static volatile pid_t handled_by;

static void by_whom(int number)
{
	(void)number;
	handled_by = syscall(SYS_gettid);
}

static void *thread(void *arg)
{
	volatile pid_t *tid = arg;

	mask(SIG_UNBLOCK, SIGUSR1);
	*tid = syscall(SYS_gettid);
	while (*tid)
		sleep_ms(1);
	return NULL;
}

static void to_threads(void)
{
	static volatile pid_t tids[2];
	sigset_t set;

	handle(SIGUSR1, by_whom, SA_RESTART);
	mask(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, thread, (void *)&tids[i]);
		WAIT_UNTIL(tids[i] != 0);
		/* To the process: the thread that does not block it. */
		handled_by = 0;
		kill(getpid(), SIGUSR1);
		WAIT_UNTIL(handled_by != 0);
		CHECK(handled_by == tids[0] || handled_by == tids[1]);
	}
	for (int i = 0; i < 2; i++) {
		handled_by = 0;
		CHECK_EQ(pthread_kill(threads[i], SIGUSR1), 0);
		WAIT_UNTIL(handled_by != 0);
		CHECK_EQ(handled_by, tids[i]);
	}
	/* Pending for the thread, not for the others. */
	CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
	sigpending(&set);
	CHECK(sigismember(&set, SIGUSR1));
	for (int i = 0; i < 2; i++) {
		tids[i] = 0;
		pthread_join(threads[i], NULL);
	}
	mask(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(handled_by, getpid());
	handle(SIGUSR1, SIG_DFL, 0);
}

/* The default actions. */
static void defaults(void)
{
	static const int fatal[] = {
	    SIGHUP,    SIGINT,	SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,	SIGKILL,
	    SIGUSR1,   SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ,
	    SIGVTALRM, SIGPROF, SIGIO,	 SIGPWR,  SIGSYS,  34,	    64};
	static const int harmless[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
	struct rlimit none = {0, 0};

	for (size_t i = 0; i < COUNT_OF(fatal); i++)
		CHECK_EQ(IN_CHILD(setrlimit(RLIMIT_CORE, &none);
				  syscall(SYS_kill, getpid(), fatal[i]); _exit(1)),
			 KILLED(fatal[i]));
	for (size_t i = 0; i < COUNT_OF(harmless); i++)
		CHECK_EQ(IN_CHILD(kill(getpid(), harmless[i])), 0);
}

/* SIGKILL ends a child that runs the statements, in whatever state they leave it, and so does a
 * second one what they left in its process group. */
#define KILLED_WHILE(...)                                                                          \
	do {                                                                                       \
		pid_t pid_ = SPAWN(setpgid(0, 0); __VA_ARGS__; pause());                           \
		sleep_ms(20);                                                                      \
		CHECK_EQ(kill(pid_, SIGKILL), 0);                                                  \
		CHECK_EQ(wait_status(pid_), KILLED(SIGKILL));                                      \
		kill(-pid_, SIGKILL);                                                              \
	} while (0)

static void *spin(void *unused)
{
	for (volatile bool forever = true; forever;)
		;
	return unused;
}

static void *read_from(void *fd)
{
	char byte;

	return (void *)read(*(int *)fd, &byte, 1);
}

/* docs/rooms/proc.md, "What SIGKILL meets". */
static void killed_in_each_state(void)
{
	struct timespec long_time = {1000, 0};
	pthread_t thread;
	int fds[2];
	int word = 0;

	CHECK_EQ(pipe(fds), 0);
	KILLED_WHILE(spin(NULL));
	KILLED_WHILE(for (;;) getppid());
	KILLED_WHILE(mask(SIG_BLOCK, SIGKILL); mask(SIG_BLOCK, SIGTERM); kill(getpid(), SIGTERM));
	KILLED_WHILE(read_from(fds));
	KILLED_WHILE(nanosleep(&long_time, NULL));
	KILLED_WHILE(syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0));
	KILLED_WHILE(SPAWN(pause()); waitpid(-1, NULL, 0));
	KILLED_WHILE(raise(SIGSTOP));
	KILLED_WHILE(raise(SIGTSTP); raise(SIGSTOP));
	KILLED_WHILE(if (vfork() == 0) pause());
	KILLED_WHILE(if (vfork() == 0) kill(getpid(), SIGSTOP));
	KILLED_WHILE(pthread_create(&thread, NULL, spin, NULL);
		     pthread_create(&thread, NULL, spin, NULL);
		     pthread_create(&thread, NULL, read_from, fds));
	KILLED_WHILE(pthread_create(&thread, NULL, spin, NULL); raise(SIGSTOP));
	KILLED_WHILE(pthread_create(&thread, NULL, spin, NULL); pthread_exit(NULL));
	/* The child of vfork() dies: its parent goes on. */
	CHECK_EQ(IN_CHILD(if (vfork() == 0) kill(getpid(), SIGKILL)), 0);
	/* Killed at any moment of making threads, or of an exec that ends them. */
	for (int i = 0; i < 30; i++) {
		pid_t pid = SPAWN(for (;;) if (!pthread_create(&thread, NULL, read_from, fds))
				      pthread_detach(thread));

		sleep_ms(i % 6);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
		pid = SPAWN(pthread_create(&thread, NULL, spin, NULL);
			    execl(self_path(), "signals", "pause", NULL));
		sleep_ms(i % 6);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		CHECK_EQ(wait_status(pid), KILLED(SIGKILL));
	}
	close(fds[0]);
	close(fds[1]);
}

static volatile pid_t thread_id;
static volatile int thread_value;

static void note_thread(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	thread_value = syscall(SYS_gettid) == thread_id ? info->si_value.sival_int : -1;
}

static void *wait_in_thread(void *unused)
{
	(void)unused;
	thread_id = (pid_t)syscall(SYS_gettid);
	while (!thread_value)
		usleep(1000);
	return NULL;
}

static void queued_to_threads(void)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	pid_t pid = getpid();
	pthread_t t;

	SKIP_IF(!has_call(SYS_rt_tgsigqueueinfo), "no rt_tgsigqueueinfo()");
	handle_info(SIGUSR1, note_thread, 0);
	thread_value = 0;
	thread_id = 0;
	info.si_value.sival_int = 42;
	CHECK_EQ(pthread_create(&t, NULL, wait_in_thread, NULL), 0);
	WAIT_UNTIL(thread_id != 0);
	CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, pid, thread_id, 0, &info), 0);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, pid, thread_id, 65, &info), EINVAL);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, pid + 1, thread_id, SIGUSR1, &info), ESRCH);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, pid, -1, SIGUSR1, &info), EINVAL);
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, pid, thread_id, SIGUSR1, BAD), EFAULT);
	info.si_code = SI_USER;
	CHECK_ERR(syscall(SYS_rt_tgsigqueueinfo, pid, thread_id, SIGUSR1, &info), EPERM);
	CHECK_ERR(syscall(SYS_rt_sigqueueinfo, thread_id, SIGUSR1, &info), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, pid, thread_id, SIGUSR1, &info), 0);
	pthread_join(t, NULL);
	CHECK_EQ(thread_value, 42);
	handle(SIGUSR1, SIG_DFL, 0);
}

/* SIGCONT discards what would stop, and the reverse, also what is pending for a thread alone. */
static void stops_and_continues(void)
{
	sigset_t set = set_of(SIGTSTP), pending;

	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_kill(pthread_self(), SIGTSTP), 0);
		CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
		sigpending(&pending);
		CHECK(sigismember(&pending, SIGTSTP) && !sigismember(&pending, SIGCONT));
		CHECK_EQ(kill(getpid(), SIGCONT), 0);
		sigpending(&pending);
		CHECK(!sigismember(&pending, SIGTSTP) && sigismember(&pending, SIGCONT));
		CHECK(sigismember(&pending, SIGUSR1));
		CHECK_EQ(pthread_kill(pthread_self(), SIGCONT), 0);
		CHECK_EQ(kill(getpid(), SIGTSTP), 0);
		sigpending(&pending);
		CHECK(sigismember(&pending, SIGTSTP) && !sigismember(&pending, SIGCONT));
		CHECK_EQ(kill(getpid(), SIGCONT), 0);
		sigpending(&pending);
		CHECK(!sigismember(&pending, SIGTSTP) && sigismember(&pending, SIGCONT));
	}
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

enum { SETS, STAYS_AWAY, ENDS };
static atomic_int other;	       /* what the other thread is to do */
static atomic_bool is_setting; /* it may be in signal() */

static void *ignore_again(void *unused)
{
	while (atomic_load(&other) != ENDS) {
		while (atomic_load(&other) == STAYS_AWAY)
			atomic_store(&is_setting, false);
		atomic_store(&is_setting, true);
		signal(SIGUSR2, SIG_IGN);
	}
	return unused;
}

/* Two threads set the action of a signal.  If the handler remains, a signal that was sent after it was
 * set stays pending: also if the other thread, which has set SIG_IGN before, is not back yet. */
static void action_of_two(void)
{
	sigset_t set = set_of(SIGUSR2), pending;
	struct timespec no_time = {0, 0};
	struct sigaction now;
	pthread_t t;

	sigprocmask(SIG_BLOCK, &set, NULL);
	MUST(pthread_create(&t, NULL, ignore_again, NULL));
	for (int i = 0; i < 300; i++) {
		usleep((useconds_t)(20 + i % 64)); /* it is somewhere in signal() */
		signal(SIGUSR2, catch);
		kill(getpid(), SIGUSR2);
		/* In this order: the other thread may be about to clear what it has seen before. */
		atomic_store(&other, STAYS_AWAY);
		atomic_store(&is_setting, true);
		while (atomic_load(&is_setting))
			sched_yield();
		sigaction(SIGUSR2, NULL, &now);
		sigpending(&pending);
		CHECK(now.sa_handler == SIG_IGN || sigismember(&pending, SIGUSR2));
		sigtimedwait(&set, NULL, &no_time);
		atomic_store(&other, SETS);
	}
	atomic_store(&other, ENDS);
	pthread_join(t, NULL);
	signal(SIGUSR2, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* --- The state of the processor ---------------------------------------------------------------- */

static uint32_t seen_mxcsr, seen_xmm;
static uint16_t seen_control, seen_status;

static void look_at_state(int number)
{
	uint64_t low;

	caught[number]++;
	__asm__ volatile("stmxcsr %0; fnstcw %1; fnstsw %2; movq %%xmm7, %3"
			 : "=m"(seen_mxcsr), "=m"(seen_control), "=m"(seen_status), "=r"(low));
	seen_xmm = low != 0;
	/* What the handler leaves is gone after it. */
	__asm__ volatile("movq %0, %%xmm7" ::"r"(0x2222UL) : "xmm7");
}

/* A handler starts with the initial state of the FPU, and the old one is back after it. */
static void fresh_state(void)
{
	uint32_t mxcsr = 0x1f80 | 3 << 13 | 1 << 15, after;
	uint16_t control = 0x37f & ~0x300, control_after;
	pid_t pid = getpid();
	uint64_t low;
	long result;

	handle(SIGUSR1, look_at_state, 0);
	__asm__ volatile("ldmxcsr %[mxcsr]; fldcw %[control]; fldpi; movq %[value], %%xmm7\n"
			 "syscall\n"
			 "movq %%xmm7, %[low]; stmxcsr %[after]; fnstcw %[control_after]; fstp %%st\n"
			 : "=a"(result), [low] "=&r"(low), [after] "=m"(after),
			   [control_after] "=m"(control_after)
			 : "a"(SYS_kill), "D"(pid), "S"(SIGUSR1), [mxcsr] "m"(mxcsr),
			   [control] "m"(control), [value] "r"(0x1111UL)
			 : "rcx", "r11", "xmm7", "st", "memory");
	__asm__ volatile("fninit; ldmxcsr %0" ::"m"((uint32_t){0x1f80}));
	CHECK_EQ(result, 0);
	CHECK_EQ(caught[SIGUSR1] > 0, true);
	CHECK_EQ(seen_mxcsr, 0x1f80);
	CHECK_EQ(seen_control, 0x37f);
	CHECK_EQ(seen_status, 0);
	CHECK_EQ(seen_xmm, 0);
	CHECK_EQ(low, 0x1111);
	CHECK_EQ(after, mxcsr);
	CHECK_EQ(control_after, control);
}

#define FLAG_TF 0x100UL
#define FLAG_NT 0x4000UL
#define FLAG_AC 0x40000UL
#define FLAG_ID 0x200000UL

/* The flags after a system call that began with these. */
static uint64_t flags_over_call(uint64_t set)
{
	uint64_t flags;
	long number = SYS_getppid;

	__asm__ volatile("pushfq; pop %[flags]; or %[set], %[flags]; push %[flags]; popfq\n"
			 "syscall\n"
			 "pushfq; pop %[flags]; push %[flags]; andq %[clear], (%%rsp); popfq\n"
			 : [flags] "=&r"(flags), "+a"(number)
			 : [set] "r"(set), [clear] "r"(~(FLAG_NT | FLAG_AC | FLAG_TF | 0x400))
			 : "rcx", "r11", "memory", "cc");
	return flags;
}

static void flags_survive(void)
{
	CHECK_EQ(flags_over_call(0) & (FLAG_NT | FLAG_AC | FLAG_TF), 0);
	CHECK_EQ(flags_over_call(FLAG_NT) & FLAG_NT, FLAG_NT);
	CHECK_EQ(flags_over_call(FLAG_AC) & FLAG_AC, FLAG_AC);
	CHECK_EQ(flags_over_call(0x400) & 0x400, 0x400);
	CHECK_EQ(flags_over_call(FLAG_ID | FLAG_NT) & (FLAG_ID | FLAG_NT), FLAG_ID | FLAG_NT);
}

static sigjmp_buf back;
static greg_t seen[NGREG];

static void look_at_registers(int number, siginfo_t *info, void *context)
{
	(void)info;
	caught[number]++;
	memcpy(seen, ((ucontext_t *)context)->uc_mcontext.gregs, sizeof(seen));
	siglongjmp(back, 1);
}

static uint64_t bad_fpu;

static void spoil_frame(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)info;
	caught[number]++;
	u->uc_mcontext.gregs[REG_RBX] = 0x1234;
	u->uc_mcontext.gregs[REG_R15] = 0x5678;
	u->uc_mcontext.fpregs = (void *)bad_fpu;
}

static stack_t other_stack(void)
{
	return (stack_t){.ss_sp = map(65536), .ss_size = 65536};
}

/* A frame that rt_sigreturn() refuses, and a stack that has no room for one: the handler of SIGSEGV
 * sees the registers of the program. */
static void refused_frames(void)
{
	stack_t stack = other_stack(), off = {.ss_flags = SS_DISABLE};
	uint64_t sp;

	MUST(sigaltstack(&stack, NULL));
	handle_info(SIGSEGV, look_at_registers, SA_ONSTACK);
	handle_info(SIGUSR1, spoil_frame, 0);
	caught[SIGSEGV] = 0;
	bad_fpu = 8;
	if (!sigsetjmp(back, 1))
		raise(SIGUSR1);
	CHECK_EQ(caught[SIGSEGV], 1);
	CHECK_EQ(seen[REG_RBX], 0x1234);
	CHECK_EQ(seen[REG_R15], 0x5678);
	/* No room for the frame of SIGUSR1. */
	memset(seen, 0, sizeof(seen));
	handle(SIGUSR1, catch, 0);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("mov %%rsp, %[sp]; mov $16, %%esp\n"
				 "mov $0x77, %%ebx; mov $0x78, %%r12d; mov $0x79, %%r9d\n"
				 "syscall; hlt\n"
				 : [sp] "=m"(sp)
				 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
				 : "rbx", "r12", "r9", "rcx", "r11", "memory");
	CHECK_EQ(caught[SIGSEGV], 2);
	CHECK_EQ(seen[REG_RBX], 0x77);
	CHECK_EQ(seen[REG_R12], 0x78);
	CHECK_EQ(seen[REG_R9], 0x79);
	CHECK_EQ(seen[REG_RSP], 16);
	CHECK_EQ(seen[REG_RAX], 0);
	CHECK_EQ(seen[REG_RSI], SIGUSR1);
	/* A frame whose memory is not there at all. */
	if (!sigsetjmp(back, 1))
		__asm__ volatile("mov %%rsp, %[sp]; mov $4096, %%esp; mov $0x7a, %%ebx\n"
				 "syscall\n"
				 : [sp] "=m"(sp)
				 : "a"(SYS_rt_sigreturn)
				 : "rbx", "rcx", "r11", "memory");
	CHECK_EQ(caught[SIGSEGV], 3);
	CHECK_EQ(seen[REG_RBX], 0x7a);
	CHECK_EQ(seen[REG_RSP], 4096);
	signal(SIGSEGV, SIG_DFL);
	MUST(sigaltstack(&off, NULL));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "pause"))
		pause();
	check_start();
	RUN(info);
	RUN(masks);
	RUN(action_errors);
	RUN(flags);
	RUN(queueing);
	RUN(waiting);
	RUN(restarting);
	RUN(jumps);
	RUN(alternate_stack);
	RUN(to_threads);
	RUN(defaults);
	RUN(killed_in_each_state);
	RUN(queued_to_threads);
	RUN(stops_and_continues);
	RUN(action_of_two);
	RUN(fresh_state);
	RUN(flags_survive);
	RUN(refused_frames);
	return check_end();
}
