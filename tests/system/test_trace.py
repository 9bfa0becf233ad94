# SPDX-License-Identifier: MIT
"""/sys/kernel/tracing, read and written by a shell, as on Linux: the text is checked against the
grammar of Linux's events, and against itself."""
import re

import pytest

from vm import ENDED, VM

T = "/sys/kernel/tracing"
LINE = re.compile(r"^ *(?P<comm>\S+)-(?P<tid>\d+) \((?P<pid>-{7}| *\d+)\) \[(?P<cpu>\d{3})\] "
                  r"(?P<flags>[d.][N.][h.][0-9a-f]) +(?P<time>\d+\.\d{9}): "
                  r"(?P<event>\w+): (?P<text>.*)$")
NAME = r"\S{1,15}"
EVENTS = {
    "sched_switch": rf"prev_comm={NAME} prev_pid=(\d+) prev_prio=\d+ prev_state=(?:[SDTZX]|R\+?)"
                    rf" ==> next_comm=({NAME}) next_pid=(\d+) next_prio=\d+(?: next_turn=(?:rest|woken))?",
    "sched_waking": rf"comm=({NAME}) pid=(\d+) prio=\d+ target_cpu=(\d{{3}})",
    "sched_migrate_task": rf"comm={NAME} pid=\d+ prio=\d+ orig_cpu=\d+ dest_cpu=\d+",
    "sched_process_fork": rf"comm={NAME} pid=(\d+) child_comm={NAME} child_pid=(\d+)",
    "sched_process_exec": r"filename=\S+ pid=(\d+) old_pid=\d+",
    "sched_process_exit": rf"comm=({NAME}) pid=(\d+) prio=\d+",
    "sys_enter": r"NR \d+ \((?:[0-9a-f]+, ){5}[0-9a-f]+\)",
    "sys_exit": r"NR \d+ = -?\d+",
    "page_fault_user": r"address=0x[0-9a-f]+ ip=0x[0-9a-f]+ error_code=0x[0-9a-f]+",
    "page_fault_kernel": r"address=0x[0-9a-f]+ ip=0x[0-9a-f]+ error_code=0x[0-9a-f]+",
    "irq_handler_entry": r"irq=\d+ name=\w+",
    "irq_handler_exit": r"irq=\d+ ret=handled",
    "tlb_flush": r"pages:-1 reason:flush on task switch \(0\)",
    "tracing_mark_write": r".*",
}


@pytest.fixture(scope="module")
def machine():
    with VM(cpus=2, timeout=40) as vm:
        vm.shell()
        yield vm


@pytest.fixture
def vm(machine):
    """At the settings of the start, with empty rings."""
    machine.run(f"cd {T}; echo 1 >events/enable; echo sched:* tlb:* >set_event")
    machine.run("echo 1 >tracing_on; echo >trace")
    return machine


def parse(text):
    """Every line of a trace, each checked against its event's grammar."""
    events = []
    for line in text.split("\n"):
        if line.startswith("#") or not line:
            continue
        m = LINE.match(line)
        assert m, line
        body = re.fullmatch(EVENTS[m["event"]], m["text"])
        assert body, line
        events.append((int(m["cpu"]), float(m["time"]), m["comm"], int(m["tid"]), m["event"],
                       body.groups() or m["text"], line))
    return events


def record(vm, command):
    """What happened while the shell ran a command."""
    vm.run(f"echo >trace; echo 1 >tracing_on; {command}; echo 0 >tracing_on")
    text = vm.run("cat trace")
    assert text.startswith("# tracer: nop\n#\n# entries-in-buffer/entries-written: ")
    return parse(text)


def test_lines():
    """All kinds of events, in order of time; on each CPU one thread is followed by the next."""
    with VM(cpus=2, timeout=60) as vm:
        vm.shell()
        vm.run(f"cd {T}; echo >trace; echo *:* >set_event")
        vm.run("echo one mark >trace_marker; sleep 0.1; true | cat")
        vm.run("cat trace >/dev/null; echo 0 >tracing_on")
        vm.console.sendline("cat trace; echo END; poweroff")
        assert vm.wait() == ENDED
        text = re.sub(r"\r+\n", "\n", vm.log)
    events = parse(text[text.index("# tracer: nop"):text.rindex("\nEND\n")])
    assert [e[1] for e in events] == sorted(e[1] for e in events)
    assert {e[4] for e in events} >= set(EVENTS) - {"sched_migrate_task"}
    running = {}
    for cpu, _, comm, tid, event, body, line in events:
        assert (tid == 0) == (comm == "<idle>"), line
        if event == "tlb_flush":
            continue  # a part of the switch before: test_root_and_names()
        assert tid == running.get(cpu, tid), line
        running[cpu] = tid
        if event == "sched_switch":
            assert int(body[0]) == tid, line
            running[cpu] = int(body[2])


def test_root_and_names(vm):
    """A switch to another process has changed the root; threads that ended keep their names."""
    events = record(vm, "/bin/sleep 0.3")  # on a busy machine a short one is over before it begins
    sleep = [e for e in events if e[2] == "sleep"]
    assert any(e[4] == "sched_process_exit" and e[5][0] == "sleep" for e in sleep)
    assert any(e[4] == "sched_waking" and e[5][0] == "sleep" for e in events)
    for before, flush in zip(events, events[1:]):
        if flush[4] == "tlb_flush":
            assert before[4] == "sched_switch" and before[:4] == flush[:4], flush[6]
    assert any(e[4] == "tlb_flush" for e in events)
    fork = next(e for e in events if e[4] == "sched_process_fork")
    assert any(e[4] == "sched_process_exec" and e[5][0] == fork[5][1] for e in events)


def test_off_and_on(vm):
    assert vm.run("cat tracing_on") == "1"
    vm.run("echo 0 >tracing_on; echo >trace; /bin/true")
    assert parse(vm.run("cat trace")) == []
    assert "Bad file descriptor" in vm.run("echo lost >trace_marker")
    events = record(vm, "echo kept >trace_marker")
    assert ["kept"] == [e[5] for e in events if e[4] == "tracing_mark_write"]


def test_marks(vm):
    """A mark is one line, whatever is in it; what is too long goes into the next."""
    vm.run(r"printf 'a\nb\tc\001' >/tmp/mark; cat /tmp/mark >trace_marker")
    vm.run("printf %0100d 7 >trace_marker")
    vm.run("echo 0 >tracing_on")
    marks = [e[5] for e in parse(vm.run("cat trace")) if e[4] == "tracing_mark_write"]
    assert marks[0] == "a b c "
    assert "".join(marks[1:]) == "0" * 99 + "7"
    assert "Permission denied" in vm.run("cat trace_marker") or vm.run("id -u") == "0"


def test_events(vm):
    """set_event, the enable files, and what is refused."""
    assert "sched:sched_switch" in vm.run("cat available_events").split("\n")
    vm.run("echo sched:sched_switch >set_event")
    assert vm.run("cat set_event") == "sched:sched_switch"
    vm.run("echo tlb >>set_event; echo sys_exit >>set_event")
    assert vm.run("cat set_event") == "sched:sched_switch\nraw_syscalls:sys_exit\ntlb:tlb_flush"
    vm.run("echo '!sched:*' >>set_event")
    assert vm.run("cat set_event") == "raw_syscalls:sys_exit\ntlb:tlb_flush"
    assert vm.run("cd events; cat enable raw_syscalls/enable tlb/enable") == "X\nX\n1"
    assert vm.run("cat sched/enable sched/sched_switch/enable; cd ..") == "0\n0"
    vm.run("echo 1 >events/sched/enable; echo 0 >events/tlb/tlb_flush/enable")
    assert vm.run("cat events/sched/enable events/tlb/enable") == "1\n0"
    vm.run("echo >set_event")
    assert vm.run("cat set_event") == ""
    for file, value in (("set_event", "sched:nothing"), ("events/enable", "2"),
                        ("tracing_on", "yes"), ("current_tracer", "function"),
                        ("trace_clock", "x86-tsc"), ("buffer_size_kb", "0"),
                        ("buffer_size_kb", "many")):
        assert "Invalid argument" in vm.run(f"echo {value} >{file}"), (file, value)
    assert vm.run("cat current_tracer trace_clock") == "nop\n[mono]"
    # What comes before a wrong name counts, for the file and for the rings.
    assert "Invalid argument" in vm.run("echo raw_syscalls:sys_exit sched:nothing >set_event")
    assert vm.run("cat set_event") == "raw_syscalls:sys_exit"
    assert {e[4] for e in record(vm, "/bin/true")} == {"sys_exit"}
    vm.run("echo sched:sched_switch >set_event")
    assert {e[4] for e in record(vm, "/bin/true")} == {"sched_switch"}


def test_size(vm):
    """The newest are kept, the others counted; another size is another, empty ring."""
    vm.run("echo 4 >buffer_size_kb; echo raw_syscalls:sys_enter >set_event")
    assert vm.run("cat buffer_size_kb") == "4"
    events = record(vm, "for i in $(seq 200); do echo x; done >/dev/null")
    assert all(len([e for e in events if e[0] == cpu]) <= 32 for cpu in (0, 1))
    overruns = re.findall(r"overrun: (\d+)\ncommit", vm.run("cat per_cpu/*/stats"))
    assert len(overruns) == 2 and sum(map(int, overruns)) > 100
    assert "Cannot allocate memory" in vm.run("echo 1000000 >buffer_size_kb")
    assert vm.run("cat buffer_size_kb") == "4"
    # Half of the free memory would do for what is asked, but not for what that is rounded up to.
    most = int(re.search(r"MemFree: +(\d+)", vm.run("cat /proc/meminfo"))[1]) // 2 // 2
    rounded = 1 << most.bit_length()
    assert "Cannot allocate memory" in vm.run(f"echo {rounded // 2 + 8} >buffer_size_kb")
    # Who reads meanwhile gets what he holds already, one event a CPU, and nothing that never was.
    vm.run("exec 3<trace; read -r line <&3; echo 500 >buffer_size_kb")
    assert vm.run("cat buffer_size_kb") == "512"
    assert len(parse(vm.run("cat <&3; exec 3<&-"))) <= 2


def test_resize_while_busy(vm):
    """Writers and readers on both CPUs while the rings are exchanged; no memory is lost."""
    vm.run("echo *:* >set_event; echo 256 >buffer_size_kb")
    free = "grep MemFree /proc/meminfo"
    vm.run("resize() { echo 16 >buffer_size_kb; echo 256 >buffer_size_kb; }")
    vm.run("while :; do /bin/true; done &")
    vm.run("while :; do cat trace >/dev/null; done &")
    vm.run("for i in $(seq 40); do resize; done", timeout=120)
    vm.run("echo 0 >tracing_on; kill $(jobs -p); wait")
    vm.run("resize; echo 3 >/proc/sys/vm/drop_caches")
    before = int(re.search(r"\d+", vm.run(free))[0])
    vm.run("for i in $(seq 20); do resize; done")
    vm.run("echo 3 >/proc/sys/vm/drop_caches")
    assert abs(int(re.search(r"\d+", vm.run(free))[0]) - before) < 512
    vm.run("echo 1 >tracing_on; true; echo 0 >tracing_on")
    assert parse(vm.run("tail -n 50 trace"))


def test_mounts(vm):
    mounts = vm.run("cat /proc/mounts")
    assert "sysfs /sys sysfs " in mounts and f"tracefs {T} tracefs " in mounts
    assert "can't create" in vm.run(f": >{T}/new")
