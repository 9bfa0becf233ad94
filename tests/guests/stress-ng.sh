#!/bin/sh
# SPDX-License-Identifier: MIT
# stress-ng --verify: kinds of load on processes, threads, memory, signals and IPC, each for a few
# rounds.  0 is success, 2 a failure, 3 no such resource, 4 not there on this kernel.
cd /tmp || exit 1
process='clone daemon exec exit-group fork forkheavy get getrandom kill nice personality pidfd
	ptrace rlimit sched-priority schedpolicy session set spawn switch vfork vforkmany wait yield zombie'
threads='affinity atomic dekker futex membarrier mutex peterson pthread resched rseq sem
	tlb-shootdown waitcpu'
memory='bigheap brk malloc madvise memcpy memfd memthrash mincore mlock mmap mmapaddr mmapfixed
	mmapfork mmapmany mprotect mremap msync munmap page-fault pageswap remap shm shm-sysv stack stackmmap vm
	vma vm-rw vm-splice zero'
signals='alarm clock hrtimers itimer nanosleep sigabrt sigchld sigfd sigfpe sigio signal signest
	sigpending sigpipe sigq sigrt sigsegv sigsuspend sigtrap sleep timer timerfd'
ipc='dup epoll eventfd fcntl fd-race fifo flock lockf lockofd msg mq null pipe pipeherd poll
	procfs sem-sysv sock-unix sockpair splice tee'
for class in ${CLASSES:-process threads memory signals ipc}; do
	eval "list=\$$class"
	for s in ${STRESSORS:-$list}; do
		timeout -s KILL 40 stress-ng --$s 2 --$s-ops 20 -t 4 --verify --temp-path /tmp --vm-bytes 8m \
			--bigheap-bytes 16m --mmap-bytes 4m --shm-bytes 1m > /tmp/out 2>&1
		status=$?
		echo "$class $s $status"
		[ $status = 0 ] || [ $status = 4 ] ||
			grep -E 'fail|error|unrecog|invalid|unable' /tmp/out | head -n 2 | sed 's/^/# /'
	done
done
