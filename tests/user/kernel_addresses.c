/* SPDX-License-Identifier: MIT
 *
 * Addresses of the kernel as arguments of calls, and where the kernel uses them later: each is
 * refused as on Linux.
 */
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "isolation.h"

/* Where the kernel reads or writes for a program. */
static void given_to_calls(unsigned long address)
{
	static char buffer[64];
	int p[2], s[2], file = MUST(open(self_path(), O_RDONLY)),
			folder = MUST(open("/", O_RDONLY | O_DIRECTORY));
	socklen_t length = sizeof(buffer);
	struct iovec vector = {(void *)address, 16};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	MUST(pipe2(p, O_NONBLOCK));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
#define EFAULTS(number, ...) CHECK_ERR(syscall(SYS_##number, __VA_ARGS__), EFAULT)
	EFAULTS(write, p[1], address, 16);
	CHECK_ERR(read(p[0], buffer, 16), EAGAIN); /* nothing came through */
	EFAULTS(writev, p[1], &vector, 1);
	EFAULTS(writev, p[1], address, 1);
	EFAULTS(sendmsg, s[0], &message, 0);
	CHECK_ERR(recv(s[1], buffer, 16, 0), EAGAIN);
	EFAULTS(read, file, address, 16);
	EFAULTS(pread64, file, address, 16, 0);
	MUST(write(p[1], "x", 1));
	EFAULTS(read, p[0], address, 16);
	MUST(send(s[0], "x", 1, 0));
	EFAULTS(recvmsg, s[1], address, 0);
	EFAULTS(getdents64, folder, address, 1024);
	EFAULTS(pipe, address);
	EFAULTS(fstat, file, address);
	EFAULTS(stat, "/", address);
	EFAULTS(stat, address, buffer);
	EFAULTS(open, address, O_RDONLY);
	EFAULTS(execve, address, NULL, NULL);
	EFAULTS(execve, self_path(), address, NULL);
	EFAULTS(getcwd, address, 64);
	EFAULTS(uname, address);
	EFAULTS(sysinfo, address);
	EFAULTS(times, address);
	EFAULTS(getrusage, RUSAGE_SELF, address);
	EFAULTS(prlimit64, 0, RLIMIT_CORE, NULL, address);
	EFAULTS(clock_gettime, CLOCK_PROCESS_CPUTIME_ID, address);
	EFAULTS(nanosleep, address, NULL);
	EFAULTS(getrandom, address, 16, 0);
	EFAULTS(rt_sigaction, SIGUSR2, address, NULL, 8);
	EFAULTS(rt_sigaction, SIGUSR2, NULL, address, 8);
	EFAULTS(rt_sigprocmask, SIG_BLOCK, address, NULL, 8);
	EFAULTS(rt_sigpending, address, 8);
	EFAULTS(sigaltstack, address, NULL);
	EFAULTS(poll, address, 1, 0);
	EFAULTS(select, 1, address, NULL, NULL, NULL);
	EFAULTS(futex, address & ~3UL, 0, 0, NULL, NULL, 0);
	EFAULTS(socketpair, AF_UNIX, SOCK_STREAM, 0, address);
	EFAULTS(getsockname, s[0], address, &length);
	EFAULTS(statfs, "/", address);
	EFAULTS(sched_getaffinity, 0, 128, address);
	EFAULTS(timer_create, CLOCK_MONOTONIC, NULL, address);
	EFAULTS(wait4, SPAWN(_exit(0)), address, 0, NULL);
	EFAULTS(arch_prctl, 0x1003, address);
	for (int i = 0; i < 2; i++)
		close(p[i]), close(s[i]);
	close(file), close(folder);
}

/* Also of the page before the kernel's half. */
static void calls(void)
{
	static char c;

	for (size_t i = 0; i < COUNT_OF(kernel_addresses); i++)
		given_to_calls(kernel_addresses[i]);
	for (size_t i = 0; i < COUNT_OF(no_addresses); i++)
		given_to_calls(no_addresses[i]);
	given_to_calls(0x7ffffffff000);
	/* Ranges of addresses. */
	CHECK_ERR(syscall(SYS_munmap, 0x7fffffffe000, 1UL << 48), EINVAL);
	CHECK_ERR(syscall(SYS_munmap, kernel_addresses[5], PAGE), EINVAL);
	CHECK_EQ(syscall(SYS_mmap, kernel_addresses[5], PAGE, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		 -1);
	CHECK_ERR(syscall(SYS_mprotect, kernel_addresses[5], PAGE, PROT_READ | PROT_WRITE), ENOMEM);
	CHECK_ERR(syscall(SYS_process_vm_writev, getpid(), &(struct iovec){&c, 1}, 1UL,
			  &(struct iovec){(void *)kernel_addresses[5], 1}, 1UL, 0UL),
		  EFAULT);
}

/* Addresses that the kernel uses later: handlers, words that it clears, stacks. */
static void used_later(void)
{
	unsigned long kernel = kernel_addresses[5];

	CHECK_EQ(IN_CHILD(handle(SIGSEGV, SIG_DFL, 0); handle(SIGUSR1, (void (*)(int))kernel, 0);
			  raise(SIGUSR1)),
		 KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD(syscall(SYS_set_tid_address, kernel)), 0);
	CHECK_EQ(IN_CHILD(syscall(SYS_set_robust_list, kernel, 24)), 0);
	CHECK_EQ(IN_CHILD(handle(SIGSEGV, catch, SA_ONSTACK); MUST(syscall(
		     SYS_sigaltstack, &(stack_t){.ss_sp = (void *)kernel, .ss_size = 65536}, 0));
			  *(volatile char *)BAD),
		 KILLED(SIGSEGV));
	CHECK_EQ(IN_CHILD(handle(SIGSEGV, SIG_DFL, 0);
			  __asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(kernel))),
		 KILLED(SIGSEGV));
	CHECK_EQ(
	    IN_CHILD(MUST(syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | SIGCHLD, 0,
				  kernel, kernel, 0))),
	    0);
}

static void still_alive(void)
{
	CHECK_EQ(IN_CHILD(_exit(7)), EXITED(7));
}

int main(void)
{
	check_start();
	RUN(calls);
	RUN(used_later);
	RUN(still_alive);
	return check_end();
}
