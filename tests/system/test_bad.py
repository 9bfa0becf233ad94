# SPDX-License-Identifier: MIT
"""What must not bring the machine down: bombs, hogs, runaways.  Afterwards the shell is there."""
import re
import time

import pytest

from vm import PROMPT, VM

CTRL_C = "\x03"


@pytest.fixture(scope="module")
def vm():
    with VM(cpus=2, mem="128M", timeout=60) as machine:
        machine.shell()
        machine.pid = machine.run("echo $$")
        yield machine


def alive(vm):
    """It answers, and the shell is the one we began with.  A process that was ended for want of memory
    was ended when there was none: not while others, which were ending, gave theirs back."""
    free = [int(kib) for kib in re.findall(r"out of memory: (\d+) KiB are free, and thread", vm.log)]
    assert max(free, default=0) < 1024, free
    assert vm.run("echo $$ $((6 * 7)) | cat") == f"{vm.pid} 42", re.findall("init: the shell.*", vm.log)
    assert re.search(r"init", vm.run("ps"))


def free_memory(vm):
    """KiB, when what has just ended is taken apart."""
    vm.run("sleep 0.5; echo 1 > /proc/sys/vm/drop_caches")
    return int(re.search(r"MemFree: +(\d+)", vm.run("cat /proc/meminfo"))[1])


def memory_is_back(vm, before):
    """Soon there is as much free memory as before, within 400 KiB; on a busy machine not at once."""
    left = [free_memory(vm) - before]
    while abs(left[-1]) >= 400 and len(left) < 20:
        left.append(free_memory(vm) - before)
    assert abs(left[-1]) < 400, left


def stopped_by_ctrl_c(vm, command, seconds):
    """Runs for a while, then Ctrl-C gives the prompt back."""
    vm.send(command + "\r")
    vm.expect(r"\n")
    time.sleep(seconds)
    vm.send(CTRL_C)
    vm.expect(PROMPT)


def wait_for_group(vm, group):
    """Until none is left of it; the shell must not have to fork for that."""
    vm.run(f"while kill -0 -{group} 2>/dev/null; do :; done")
    vm.run("rm /tmp/full")
    alive(vm)


@pytest.mark.parametrize("program", ["forkbomb all", "forkbomb root", "hog all"])
def test_takes_all_there_is(vm, program):
    before = free_memory(vm)
    out = vm.run(f"/tests/{program}", 120)
    assert "not ok" not in out
    assert "ok still_alive" in out
    alive(vm)
    memory_is_back(vm, before)


def test_who_is_ended_when_memory_runs_out(vm):
    """The largest; never init or what is protected; caches first.  The log and /proc name it."""
    before = free_memory(vm)
    log = len(vm.log)
    out = vm.run("/tests/oom fill", 120)
    assert "not ok" not in out and "ok caches_first" in out
    told = re.findall(r"out of memory: ended process (\d+) \((?:oom|a b\)\?1 \\\?\[2J|)\), which has (\d+) KiB: (\d+) of its own, (\d+) "
                      r"of files, (\d+) shared, (\d+) page tables; oom_score_adj -?\d+; parent \d+ \(oom\)",
                      vm.log[log:])
    assert len(told) == 11
    for _, whole, *parts in told:
        assert int(whole) == sum(map(int, parts))
    kept = vm.run("cat /proc/heddle/oom").splitlines()[-8:]
    assert [line.split()[0] for line in kept] == [pid for pid, *_ in told[-8:]]
    alive(vm)
    memory_is_back(vm, before)


def test_a_person_ends_the_largest(vm):
    out = vm.run("sh -c 's=xxxxxxxx; while [ ${#s} -lt 4000000 ]; do s=$s$s; done; echo large; read x' &")
    if "large" not in out:
        vm.expect("large")
    vm.run("echo f > /proc/sysrq-trigger; wait; true")
    assert re.search(r"ended process \d+ \(sh\), which has \d+ KiB", vm.run("dmesg | tail -n 3"))
    alive(vm)


def light_bomb(vm, body, how="", *more):
    """The shell runs a fork bomb.  Its group's number, as soon as it has met the limit: the first
    complaint comes through a FIFO whose reader is there before, and gone afterwards.  Only the bomb has
    it: our shell, which says "Killed" where a command's errors go, would end by SIGPIPE.  If memory runs
    out, one of the bomb is ended, not the shell, which is as large as each of them."""
    vm.run("mkfifo /tmp/full; head -n 1 /tmp/full &")
    vm.send("(exec sh -c 'echo 500 >/proc/$$/oom_score_adj; echo group $$; "
            f"b() {{ {body}; }}; (b); read x' 2>/tmp/full){how}\r")
    seen = (r"group (\d+)\r", r"can't fork[^\n]*\n", *more)
    return vm.expect("(?s)" + "".join(f"(?=.*{s})" for s in seen) + ".*")[1]


def test_fork_bomb_in_the_foreground(vm):
    """One Ctrl-C ends them all, those too that are just being made: all are one job."""
    group = light_bomb(vm, "b | b")
    vm.send(CTRL_C)
    vm.expect(PROMPT)
    wait_for_group(vm, group)


def test_fork_bomb_in_the_background(vm):
    """The classic.  What a shell starts with & ignores Ctrl-C; one SIGKILL to the group ends them
    all.  Our shell cannot fork meanwhile, and need not: kill is its own."""
    group = light_bomb(vm, "b | b & b", " &", PROMPT.rstrip("$"))
    vm.run(f"kill -9 -{group}")
    wait_for_group(vm, group)


def test_shell_eats_memory(vm):
    """A string that doubles for ever: the shell that does it is ended, ours is not."""
    before = free_memory(vm)
    out = vm.run("sh -c 's=xxxxxxxx; while :; do s=$s$s; done'; echo status $?", 120)
    assert re.search(r"status (?!0\b)\d+", out)
    alive(vm)
    memory_is_back(vm, before)


def test_runaway_stack(vm):
    out = vm.run("sh -c 'f() { f; }; f'; echo status $?", 60)
    assert re.search(r"status (?!0\b)\d+", out)
    alive(vm)


def test_files_fill_memory(vm):
    before = free_memory(vm)
    out = vm.run("dd if=/dev/zero of=/tmp/fill bs=64k; echo status $?", 120)
    assert re.search(r"status (?!0\b)\d+", out)
    assert "No space left" in out or "annot allocate" in out
    vm.run("rm /tmp/fill")
    alive(vm)
    memory_is_back(vm, before)


@pytest.mark.parametrize("line", [
    "ls / >/tmp/x; x=$(echo a; cat /tmp/x); cd /; pwd; echo $x >/tmp/y",
    "sleep 0 & wait; kill -0 $$; read y </tmp/y; [ -d /proc ] && echo /bin/* >/dev/null; (ps)"])
def test_shell_when_calls_find_no_memory(vm, line):
    """One allocation after the other fails, of the shell and of what it starts.  It complains and goes on.
    (In a pipeline busybox's shell may end, on Linux too: docs/trust.md.)"""
    out = ""
    for n in [*range(1, 30), *range(30, 330, 20)]:
        out += vm.run(f"echo {n} >/proc/heddle/fail_nth; {line}")
    vm.run("echo 0 >/proc/heddle/fail_nth; cd; rm /tmp/x /tmp/y")
    assert "Cannot allocate memory" in out
    assert "out of memory: ended" not in out
    alive(vm)


def test_computing_leaves_room(vm):
    """As many busy loops as CPUs, twice: the shell still answers, and Ctrl-C ends them."""
    for _ in range(4):
        vm.run("while :; do :; done &")
    before, _ = vm.cpu_seconds()  # of two CPUs
    alive(vm)
    assert vm.cpu_seconds()[0] - before < 20
    vm.run("kill $(jobs -p); wait 2>/dev/null")
    assert "while" not in vm.run("jobs")


def test_torrent_is_stopped(vm):
    stopped_by_ctrl_c(vm, "cat /dev/zero | tr '\\0' x", 1)
    alive(vm)
    stopped_by_ctrl_c(vm, "yes", 1)
    alive(vm)


def test_hostile_programs(vm):
    vm.run("head -c 3000 /bin/busybox > /tmp/cut; chmod +x /tmp/cut")
    assert vm.run("/tmp/cut >/dev/null 2>&1; [ $? -ne 0 ] && echo refused") == "refused"
    vm.run("head -c 100000 /dev/urandom > /tmp/noise; chmod +x /tmp/noise")
    assert vm.run("/tests/run_all /tmp/absent; echo status $?").endswith("status 1")
    vm.run("rm /tmp/cut /tmp/noise")
    alive(vm)


def test_kernel_is_out_of_reach(vm):
    """Devices and files that would be ways in are not there, or say no."""
    for path in ("/dev/mem", "/dev/kmem", "/proc/kcore"):
        assert vm.run(f"cat {path} 2>/dev/null | head -c 10 | wc -c") == "0"
    assert vm.run("echo x 2>/dev/null > /proc/stat; [ $? -ne 0 ] && echo refused") == "refused"
    alive(vm)
