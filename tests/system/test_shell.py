# SPDX-License-Identifier: MIT
"""The shell, driven by its console as a person drives it."""
import re
import time

import pexpect
import pytest

from vm import ENDED, PROMPT, REBOOT, VM

CTRL_C, CTRL_D, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x04", "\x1a", "\x1c"
UP, LEFT = "\x1b[A", "\x1b[D"


@pytest.fixture(scope="module")
def machine():
    with VM(cpus=2, timeout=20) as vm:
        vm.shell()
        yield vm


@pytest.fixture
def vm(machine):
    """The same machine, at a prompt: whatever the test before left running is ended."""
    yield machine
    for n in range(10):  # a prompt that comes late must not be taken for the next one
        machine.send(CTRL_C + f"echo at''prompt{n}\r")
        if machine.console.expect([rf"atprompt{n}\r+\n", pexpect.TIMEOUT], timeout=2) == 0:
            break
    machine.shell()
    machine.run("stty sane; cd; kill -9 $(jobs -p) 2>/dev/null; wait 2>/dev/null")
    machine.run("true")


def start(vm, command, seconds=0.3):
    """Type a command.  When it returns the terminal is the command's; after the seconds it has begun."""
    vm.send(f"echo be''gun; {command}\r")
    vm.expect(r"begun\r+\n")
    time.sleep(seconds)


def start_alone(vm, command):
    """The same in a shell of its own, which has begun for sure, and which waits for the command."""
    vm.send(f"sh -c 'echo be\"\"gun; {command}; :'\r")
    vm.expect(r"begun\r+\n")


def until_jobs(vm, pattern):
    """What jobs says as soon as it has this."""
    for _ in range(100):
        if re.search(pattern, out := vm.run("jobs")):
            return out
        time.sleep(0.1)
    raise AssertionError(out)


def lines(text):
    return text.split("\n")


def test_echo(vm):
    assert vm.run("echo hello, world") == "hello, world"
    assert vm.run("echo $((6 * 7)) `echo back` \"$HOME\"") == "42 back /root"
    assert vm.run("false; echo $?; true; echo $?") == "1\n0"


def test_ps(vm):
    out = vm.run("ps")
    assert re.search(r"^ *PID +USER", out, re.M)
    assert re.search(r"^ *1 root .*init", out, re.M)
    assert re.search(r"\bps\b", out)
    # Threads of the kernel and states are there too.
    assert re.search(r"\b[SR]\b", vm.run("ps -o pid,stat,comm"))


def test_top_batch(vm):
    out = vm.run("top -b -n1")
    assert re.search(r"Mem: \d+K used, \d+K free", out)
    assert re.search(r"CPU: +\d+% usr", out)
    assert re.search(r"^ *1 +0 root ", out, re.M)


def test_top(vm):
    vm.send("top -d 1\r")
    vm.expect(r"Mem: \d+K used")
    vm.expect(r"Mem: \d+K used")  # the second picture, a second later
    vm.send("q")
    vm.expect(PROMPT)
    assert vm.run("echo there") == "there"
    assert " echo " in vm.run("stty -a")  # the terminal is as before


def test_ls(vm):
    out = vm.run("ls -l /")
    assert re.search(r"^drwxrwxrwt .* tmp$", out, re.M)
    assert re.search(r"^drwxr-xr-x .* bin$", out, re.M)
    out = vm.run("ls -l /bin/sh /dev/null")
    assert re.search(r"^lrwxrwxrwx .* /bin/sh -> /bin/busybox$", out, re.M)
    assert re.search(r"^crw-rw-rw- .* 1, +3 .* /dev/null$", out, re.M)


def test_cpuinfo(vm):
    out = vm.run("cat /proc/cpuinfo")
    assert len(re.findall(r"^processor\s*: \d+$", out, re.M)) == 2
    assert "flags" in out and "sse2" in out
    assert vm.run("nproc") == "2"


def test_pipelines(vm):
    assert vm.run("seq 1 1000 | grep 7 | sort -rn | head -3") == "997\n987\n979"
    assert vm.run("seq 100000 | wc -l") == "100000"
    assert vm.run("yes | head -n 50000 | md5sum") == "e1cfd1f40aeb49eb25ba93aed9c6bd12  -" or \
        vm.run("yes | head -n 50000 | wc -c") == "100000"
    assert vm.run("echo a b c | tr ' ' '\\n' | while read x; do echo -$x; done") == "-a\n-b\n-c"
    assert vm.run("cat /dev/zero | head -c 1000000 | wc -c") == "1000000"
    assert vm.run("false | true; echo $?") == "0"


def test_redirection(vm):
    vm.run("cd /tmp; echo one > f; echo two >> f; cat < f | sort -r > g; ls absent 2> e")
    assert vm.run("cat f g") == "one\ntwo\ntwo\none"
    assert "absent" in vm.run("cat e")
    assert vm.run("cp f h && mv h i && cat i && rm f g e i && ls") == "one\ntwo"
    assert vm.run("mkdir -p a/b/c && find a | sort && rm -r a") == "a\na/b\na/b/c"


def test_here_document(vm):
    vm.send("cat <<END\r")
    vm.expect(r"> (?:\x1b\[6n)?$")
    vm.send("first $HOME\r")
    vm.expect(r"> (?:\x1b\[6n)?$")
    vm.send("END\r")
    vm.expect(r"first /root\r+\n")
    vm.expect(PROMPT)


def test_loops(vm):
    assert vm.run("i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo $i; done") == "1\n2\n3\n4\n5"
    assert vm.run("for x in a b; do for y in 1 2; do echo $x$y; done; done") == "a1\na2\nb1\nb2"
    assert vm.run("f() { [ $1 -eq 0 ] || { echo $1; f $(($1 - 1)); }; }; f 3") == "3\n2\n1"


def test_background(vm):
    out = vm.run("sleep 100 &")
    assert re.search(r"\[1\] \d+|^$", out)
    assert re.search(r"\[1\]\+ +Running +sleep 100", vm.run("jobs"))
    vm.run("kill %1")
    vm.run("wait")
    assert "Running" not in vm.run("jobs")
    assert "late\nafter" in vm.run("(sleep 0.2; echo late) & wait; echo after")


def test_interrupt(vm):
    start_alone(vm, "sleep 1000")
    vm.send(CTRL_C)
    vm.expect(r"\^C")
    vm.expect(PROMPT)
    assert vm.run("echo $?") == "130"
    # One that computes, and a whole pipeline.
    for command in ("while :; do :; done", "yes > /dev/null", "cat | cat | cat"):
        start(vm, command)
        vm.send(CTRL_C)
        vm.expect(PROMPT)
    assert vm.run("echo alive") == "alive"
    # At the prompt it throws the line away.
    vm.send("echo never" + CTRL_C)
    vm.expect(PROMPT)
    assert vm.run("echo fresh") == "fresh"


def test_quit(vm):
    start_alone(vm, "exec sleep 1000")
    vm.send(CTRL_BACKSLASH)
    vm.expect(PROMPT)
    assert vm.run("echo $?") == "131"


def test_stop_and_continue(vm):
    start_alone(vm, "sleep 3")
    vm.send(CTRL_Z)
    vm.expect(r"\[1\]\+ +Stopped +sh -c [^\n]*sleep 3")
    vm.expect(PROMPT)
    assert re.search(r"\[1\]\+ +Stopped", vm.run("jobs"))
    assert re.search(r"^ *\d+ +T +sh", vm.run("ps -o pid,stat,comm"), re.M)
    vm.run("bg")
    assert re.search(r"\[1\]\+ +(Running|Done)", vm.run("jobs"))
    vm.send("fg\r")
    vm.expect(PROMPT)
    assert vm.run("jobs").strip() == ""
    # Stopped, into the foreground, ended there.
    start(vm, "cat", 0)
    vm.send("line\r")
    vm.expect(r"line\r+\n")
    vm.expect(r"line\r+\n")
    vm.send(CTRL_Z)
    vm.expect("Stopped")
    vm.expect(PROMPT)
    vm.send("fg\r")
    vm.expect(r"cat\r+\n")
    time.sleep(0.2)
    vm.send("more\r")
    vm.expect(r"more\r+\n")
    vm.expect(r"more\r+\n")
    vm.send(CTRL_D)
    vm.expect(PROMPT)


def test_kill_a_stopped_job(vm):
    start_alone(vm, "sleep 1000")
    vm.send(CTRL_Z)
    vm.expect("Stopped")
    vm.expect(PROMPT)
    vm.run("kill %1; kill -CONT %1 2>/dev/null; wait %1")
    for _ in range(100):
        if "sleep" not in (out := vm.run("ps -o args")):  # once more: the shell names the job, too
            return
        time.sleep(0.1)
    raise AssertionError(out)


def test_background_read(vm):
    vm.run("cat &")
    until_jobs(vm, r"Stopped.*cat")
    vm.run("kill -9 %1; wait 2>/dev/null")
    # Writing is allowed, until tostop is set.
    assert "said" in vm.run("(sleep 0.1; echo said) & wait")
    vm.run("stty tostop; (echo quiet) &")
    until_jobs(vm, "Stopped")
    vm.run("stty -tostop; kill -9 %1; wait 2>/dev/null")


def test_time(vm):
    out = vm.run("time sleep 1")
    assert 1 <= float(re.search(r"real\s+0m (\d+\.\d\d)s", out)[1]) < 20
    out = vm.run("time sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'")
    assert re.search(r"user\s+0m 0\.[0-9]*[1-9]|user\s+0m [1-9]", out)


def test_vi(vm):
    vm.send("vi /tmp/letter\r")
    vm.expect("/tmp/letter")
    vm.send("iDear heddle,\rall threads are up.\x1b")
    time.sleep(0.3)
    vm.send("k0w")        # up, to the second word
    vm.send("iold \x1b")  # and one before it
    time.sleep(0.3)
    vm.send(":wq\r")
    vm.expect(rf"~ {PROMPT}")
    assert "all threads are up." in vm.run("cat /tmp/letter")
    assert vm.run("wc -l < /tmp/letter").strip() == "2"
    assert vm.run("head -n 1 /tmp/letter") == "Dear old heddle,"
    # Left without saving.
    vm.send("vi /tmp/letter\r")
    vm.expect("letter")
    vm.send("dd:q!\r")
    vm.expect(rf"~ {PROMPT}")
    assert vm.run("wc -l < /tmp/letter; rm /tmp/letter").strip() == "2"


def test_line_editing(vm):
    vm.send("echo abx\x7fc\r")  # backspace
    vm.expect(r"abc\r+\n")
    vm.expect(PROMPT)
    vm.send("echo ac" + LEFT + "b\r")
    vm.expect(r"\nabc\r+\n")
    vm.expect(PROMPT)
    vm.send(UP + "\r")  # the last line again
    vm.expect(r"\nabc\r+\n")
    vm.expect(PROMPT)
    vm.send("echo /tm\t\r")  # completion
    vm.expect(r"\n/tmp/\r+\n")
    vm.expect(PROMPT)


def test_cooked_editing(vm):
    """The kernel's own editing, while cat reads."""
    start(vm, "cat", 0)
    vm.send("wrong\x15right one\x17two\x7f\r")  # kill the line, a word, a character
    vm.expect(r"\nright tw\r+\n")
    vm.send(CTRL_D)
    vm.expect(PROMPT)
    # End of file needs an empty line; the first one only hands over what is there.
    start(vm, "cat; echo over", 0)
    vm.send("part" + CTRL_D)
    vm.expect("partpart")
    vm.send(CTRL_D)
    vm.expect("over")
    vm.expect(PROMPT)


def test_stty(vm):
    out = vm.run("stty -a")
    for word in ("rows", "columns", "intr = ^C", "isig", "icanon", "echo", "onlcr"):
        assert word in out
    vm.run("stty rows 40 cols 100")
    assert vm.run("stty size") == "40 100"
    vm.run("stty rows 24 cols 80; stty -echo")
    vm.send("echo un''seen\r")
    assert "un''seen" not in vm.expect(rf"(?s).*unseen.*{PROMPT}").group()
    vm.send("stty echo\r")
    vm.expect(PROMPT)


def test_system_tools(vm):
    assert re.search(r"Mem: +\d+ +\d+ +\d+", vm.run("free"))
    assert re.search(r"up .*load average: \d", vm.run("uptime"))
    out = vm.run("mount")
    assert re.search(r"^proc on /proc ", out, re.M) and re.search(r" on / ", out)
    assert "CPUs online" in vm.run("dmesg")
    assert vm.run("uname -sm") == "Linux x86_64"
    assert vm.run("hostname") == "heddle"
    assert vm.run("id -u; whoami") == "0\nroot"
    assert re.match(r"\w{3} \w{3} +\d+ [\d:]+ UTC 20\d\d", vm.run("date"))
    assert "Filesystem" in vm.run("df")
    assert vm.run("kill -l 9") == "KILL"
    assert vm.run("timeout 1 sleep 10; echo $?").endswith("143")


def test_scripts(vm):
    vm.run("printf '#!/bin/sh\\necho script $1 $#\\nexit 3\\n' > /tmp/s; chmod +x /tmp/s")
    assert vm.run("/tmp/s a 'b c'; echo $?") == "script a 2\n3"
    assert vm.run("trap 'echo caught' USR1; kill -USR1 $$; trap - USR1") == "caught"
    assert "not found" in vm.run("no-such-command")
    assert "ermission denied" in vm.run("/etc/passwd")


def test_many_commands(vm):
    out = vm.run("for i in $(seq 200); do /bin/busybox true || echo bad; done; echo done", 60)
    assert out == "done"


def test_long_output(vm):
    out = vm.run("seq 1 1000", 60)
    assert lines(out) == [str(i) for i in range(1, 1001)]


def test_flow_control(vm):
    vm.send("while :; do echo tick; sleep 0.1; done\r")
    vm.expect("tick\r+\ntick")
    vm.send("\x13")
    time.sleep(0.5)
    with pytest.raises(pexpect.TIMEOUT):
        while True:  # what was on its way, then silence
            vm.console.read_nonblocking(10000, timeout=0.5)
    vm.send("\x11")
    vm.expect("tick")
    vm.send(CTRL_C)
    vm.expect(PROMPT)


def test_end_of_file_gives_a_new_shell():
    with VM() as vm:
        vm.shell()
        vm.send(CTRL_D)
        vm.expect("a new one starts")
        vm.expect(PROMPT)
        assert vm.run("echo again") == "again"
        vm.send("exit 5\r")
        vm.expect("a new one starts")
        vm.expect(PROMPT)
        vm.send("poweroff\r")
        assert vm.wait(20) == ENDED or "owering off" in vm.log or "power" in vm.log.lower()


def test_reboot():
    with VM() as vm:
        vm.shell()
        vm.send("reboot\r")
        assert vm.wait(20) in (REBOOT, 0)


def test_halt_with_jobs():
    with VM() as vm:
        vm.shell()
        vm.run("sleep 1000 & cat /dev/zero > /dev/null & true")
        vm.send("poweroff\r")
        vm.wait(20)
