#!/bin/sh
# SPDX-License-Identifier: MIT
# stress-ng --verify: kinds of load on processes, threads, memory, signals and IPC, each for a few
# rounds.  Status 0 is success, 2 a failure, 3 a lack of resources, 4 "not on this kernel".
# Not here: loadavg, whose threads count its rounds without a lock, which it then finds "corrupted".
cd /tmp || exit 1
process='clone daemon exec exit-group fork forkheavy get getrandom kill nice personality pidfd prctl
	ptrace pty race-sched rlimit schedpolicy session set spawn switch sysinfo usersyscall vfork vforkmany
	wait yield zombie'
threads='affinity atomic futex mcontend membarrier mutex peterson pthread resched ring-pipe
	rseq sem tlb-shootdown waitcpu'
memory='bigheap brk malloc madvise memcpy memfd memrate memthrash mincore mlock mlockmany mmap mmapaddr
	mmapfixed mmapfork mmapmany mprotect mremap msync msyncmany munmap null pageswap randlist remap rmap
	shm shm-sysv stack stackmmap stream vm vm-addr vm-rw vm-segv vm-splice zero'
signals='alarm bad-altstack clock cyclic hrtimers itimer nanosleep sigabrt sigchld sigfd sigfpe sigio
	signal signest sigpending sigpipe sigq sigrt sigsegv sigsuspend sigtrap sleep timer timerfd'
ipc='dup epoll eventfd fallocate fcntl fifo flock lockf lockofd locka msg mq oom-pipe pipe pipeherd poll
	procfs sem-sysv sendfile sockfd sockpair splice tee utime'
for class in ${CLASSES:-process threads memory signals ipc}; do
	eval "list=\$$class"
	for s in ${STRESSORS:-$list}; do
		# A thread that has done all rounds before its creator looks is taken for none (mutex).
		# The first worker to end removes the folder of the second, which may not have begun (fcntl).
		rounds=10; [ $s = mutex ] || [ $s = fcntl ] && rounds=1000
		timeout -s KILL 150 stress-ng --$s 2 --$s-ops $rounds -t 3 --verify --temp-path /tmp --vm-bytes 8m \
			--mmap-bytes 4m --shm-bytes 1m --malloc-bytes 64k > /tmp/out 2>&1
		status=$?
		echo "$class $s $status"
		[ $status = 0 ] || [ $status = 4 ] ||
			grep -aE 'fail|error|unrecog|invalid|unable' /tmp/out | head -n 2 |
			sed -E 's/\[[0-9]+\]//; s/0x[0-9a-f]+/ADDRESS/g; s/^/# /'
	done
done
