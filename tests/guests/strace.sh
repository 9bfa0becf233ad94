#!/bin/sh
# SPDX-License-Identifier: MIT
# strace: one process, its children, threads, signals, from the start and attached.
cd /tmp || exit 1
hide() {
	sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/\[pid +[0-9]+\] //; s/si_pid=[0-9]+/si_pid=PID/; s/^[0-9]+ +//
		s/[0-9]+ vars/N vars/; s/kill\([0-9]+(, [0-9]+)?/kill(PID/; s/= [0-9]{2,}$/= NUMBER/
		s/Process [0-9]+ /Process PID /'
}
strace -V | head -n 1
strace -e trace=execve,write,exit_group busybox echo hello 2>&1 | hide
strace -e trace=openat,open,read,close busybox cat /etc/hostname /nowhere 2>&1 | hide | tail -n 8
strace -f -o out -e trace=clone,clone3,fork,vfork,execve,wait4,exit_group busybox sh -c '(exit 3); busybox true; exit 4'
echo "status $?"; grep -o 'exited with [0-9]' out | sort
{ strace -e signal=all -e trace=none busybox sh -c 'trap "echo caught" USR1; kill -USR1 $$; kill -TERM $$' > log 2>&1; } 2> /dev/null
hide < log
strace -c -o sum busybox true; grep -c '^100.00' sum
strace -f -qq -o out -e trace=futex,clone,exit /tests/guest/strace; echo "threads $?"
grep -c 'clone(' out; cut -d' ' -f1 out | sort -u | wc -l; grep -c 'exit(0' out
busybox sleep 1 & pid=$!; strace -p $pid -o out > log 2>&1; hide < log; wait $pid; echo "attached $?"; tail -n 1 out
busybox sleep 100 & pid=$!; timeout 1 strace -p $pid -o out > log 2>&1; hide < log; { kill $pid; wait $pid; } 2> /dev/null; echo "detached, ended $?"
strace -e inject=getppid:retval=42 -e trace=getppid busybox sh -c 'echo $PPID' 2>&1 | hide
strace -e inject=open,openat:error=EACCES -e trace=open,openat busybox cat /etc/hostname 2>&1 | hide | tail -n 3
strace -y -e trace=read busybox head -c 5 /etc/hostname 2>&1 | hide | tail -n 2
strace -T -r -e trace=nanosleep,clock_nanosleep busybox sleep 0.1 2>&1 | grep -c sleep
