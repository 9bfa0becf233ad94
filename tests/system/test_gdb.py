# SPDX-License-Identifier: MIT
"""Each of gdb's commands on a known scene (tests/user/scene.c), on machines with 1, 2 and 4 CPUs.

A machine and a gdb each are started once; the tests that let it run stand behind those that only
look."""
import os
import re

import subprocess
import time

import pexpect
import pytest

from gdb_session import Gdb, gdb_batch, needs_gdb
from vm import BUILD, HANGS, ROOT

pytestmark = needs_gdb

SCENE = ROOT / "tests/user/scene.c"
# Threads and processes that stand still: state and what they wait for.
STILL = {"first": ("S", r"a signal"), "second": ("S", r"a signal"), "sleeper": ("S", r"pipe_read"),
         "joiner": ("S", r"futex 0x7f\w+"), "dead-a": ("S", r"futex 0x4\w+"),
         "dead-b": ("S", r"futex 0x4\w+"), "dead-c": ("S", r"futex 0x4\w+"),
         "plain": ("S", r"futex 0x4\w+"), "timed": ("S", r"sleep \(until 10\d{4}\.\d+ s\)"),
         "twin": ("S", r"a signal"), "waiter": ("S", r"child"), "waited": ("S", r"a signal"),
         "scene_pie": ("S", r"a signal"), "stopped": ("T", r"SIGCONT"),
         "zombie": ("Z", r"its parent's wait\(\)")}
OF_SCENE = ("first", "second", "sleeper", "joiner", "dead-a", "dead-b", "dead-c", "plain", "timed",
            "spin-0", "spin-1", "mover", "faulter", "scene")
COMMANDS = ("ps current runq thread bt frame-of switch switch-log follow diff pt same vm fds locks "
            "waitfor why fault trace irq cpu slab pages back break symbols").split()


def line_of(mark, file=SCENE):
    """Of `/* line: mark */`."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if f"line: {mark} */" in line:
            return number
    raise AssertionError(mark)


@pytest.fixture(scope="module", params=[1, 2, 4], ids=["1cpu", "2cpus", "4cpus"])
def scene(request, tmp_path_factory):
    console = tmp_path_factory.mktemp("gdb") / "console"
    # Long slices: where the host is busy, much of the machine's time goes by at each breakpoint.
    with Gdb(console, request.param, told="run /tests/scene", APPEND="sched_slice_us=50000") as gdb:
        assert "Breakpoint 1 at" in gdb.run("heddle-break /tests/scene scene_ready")
        out = gdb.run("continue")
        assert re.search(r"hit Breakpoint 1, scene_ready \(\) at tests/user/scene.c:\d+|"
                         r"^Breakpoint 1, scene_ready", out, re.M), out
        gdb.run("delete")
        yield gdb


def by_name(gdb):
    """heddle-ps by name; of several the first, which is the one that all others come from."""
    rows = {}
    for row in gdb.table("heddle-ps"):
        rows.setdefault(row["NAME"], row)
    return rows


def by_tid(gdb):
    return {row["TID"]: row for row in gdb.table("heddle-ps")}


def test_ps(scene):
    rows = by_name(scene)
    for name, (state, waits) in STILL.items():
        assert rows[name]["S"] == state, rows[name]
        assert re.fullmatch(waits, rows[name]["WAITS FOR"]), rows[name]
        assert re.fullmatch(r"0xffffc9\w{10}", rows[name]["STACK"]), rows[name]
        assert int(rows[name]["SWITCHES"]) >= 1
    assert len({rows[n]["ROOT"] for n in OF_SCENE}) == 1
    assert {rows[n]["PID"] for n in OF_SCENE} == {rows["scene"]["TID"]}
    others = ("init", "twin", "waiter", "waited", "scene_pie", "forker", "stopped")
    assert len({rows[n]["ROOT"] for n in (*others, "scene")}) == len(others) + 1
    assert rows["zombie"]["ROOT"] == rows["idle/0"]["ROOT"] == "-"
    assert all(rows[n]["PID"] == rows[n]["TID"] for n in (*others, "zombie"))
    running = [r for r in scene.table("heddle-ps") if r["CPU"].startswith("on ")]
    assert sorted(r["CPU"] for r in running) == [f"on {c}" for c in range(scene.cpus)]
    assert rows["scene"]["CPU"].startswith("on ") and rows["scene"]["STACK"].startswith("0x7f")
    assert len([n for n in rows if n.startswith("idle/")]) == scene.cpus


def test_current(scene):
    out = scene.run("heddle-current").splitlines()
    assert len(out) == scene.cpus
    mine = [line for line in out if line.startswith("* ")]
    assert len(mine) == 1 and re.fullmatch(
        r"\* CPU \d: thread \d+ \(scene\) of process \d+, user mode, at scene_ready\+0", mine[0])
    on_0 = next(line for line in out if "CPU 0:" in line)
    assert scene.cpus == 1 or mine[0] == on_0 or re.search(r"\((spin-\d|mover|faulter|scene_pie)\)|forke", on_0)


def test_runq(scene):
    """The two that spin are pinned to CPU 0: one runs there or is next, the other waits."""
    queues = re.split(r"^CPU ", scene.run("heddle-runq"), flags=re.M)[1:]
    assert len(queues) == scene.cpus
    assert "(spin-0)" in queues[0] and "(spin-1)" in queues[0]
    for cpu, queue in enumerate(queues):
        head, *rest = queue.splitlines()
        match = re.fullmatch(r"(\d): (idle/\d runs|\d+ \(\S+\) runs, (\d+\.\d+) ms of its slice of "
                             r"50\.000 ms left); (\d) ready", head)
        assert match and int(match[1]) == cpu and int(match[4]) == len(rest), head
        assert match[3] is None or 0 <= float(match[3]) <= 50
        for line in rest:
            assert re.fullmatch(r" {4}\d+ \(\S+\) of process \d+: ready for \d+\.\d+ ms, then a "
                                r"slice of 50\.000 ms", line) or \
                re.fullmatch(r" {4}\d+ \(\S+\) of process \d+: ready for \d+\.\d+ ms, then (it slept, )?"
                             r"the rest of its slice, \d+\.\d+ ms", line), line


@pytest.mark.parametrize("name, base", [("first", 0x1111111100000000), ("second", 0x2222222200000000),
                                        ("twin", 0x3333333300000000)])
def test_thread(scene, name, base):
    out = scene.run(f"heddle-thread {name}")
    assert re.match(rf"thread \d+ \({name}\) of process \d+, struct thread at 0xffff888", out)
    assert "program        /tests/scene" in out and "entered the kernel by system call pause()" in out
    registers = {m[1]: int(m[2], 16) for m in re.finditer(r"\b(r\w\w?|rflags)\s+(0x\w{16})\b",
                                                          out.split("entered the kernel")[1])}
    assert len(registers) == 18
    for register, more in (("rbx", 0), ("r8", 8), ("r9", 9), ("r12", 0x12), ("r13", 0x13),
                           ("r14", 0x14), ("r15", 0x15), ("rdi", 0)):
        assert registers[register] == base + more, register
    saved = re.findall(r"^    (0xffffc9\w+)  (r\w+) +(0x\w{16})(?:  (\S+))?$", out, re.M)
    assert [s[1] for s in saved] == ["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"]
    assert saved[-1][3].startswith("switch_away+")
    assert [int(s[0], 16) - int(saved[0][0], 16) for s in saved] == list(range(0, 56, 8))
    assert scene.run(f'print/x $thread("{name}")->arch.saved_sp').endswith(saved[0][0])


def test_thread_elsewhere(scene):
    out = scene.run("heddle-thread scene")
    assert re.search(r"runs on CPU \d", out) and "user mode      it is there now" in out
    assert f"rip    {int(scene.run('print/d $pc').split()[-1]):#018x}" in out
    out = scene.run("heddle-thread idle/0")
    assert "user mode      never: a kernel thread" in out
    ready = re.search(r"^    \d+ \((spin-\d)\)", scene.run("heddle-runq"), re.M)[1]
    out = scene.run(f"heddle-thread {ready}")
    assert re.search(r"ready, in the queue of CPU \d", out), out
    assert re.search(r"by \w+ interrupt", out), out
    assert f"rbx    0x444444440000000{ready[-1]}" in out


def test_bt_sleeper(scene):
    """To the line, from the switch to the thread's first function."""
    out = scene.run("heddle-bt sleeper")
    frames = re.findall(r"^#\d+ +0x\w{16} in (\w+)(?: \((.*)\))?(?: at ([\w./]+):(\d+))?", out, re.M)
    names = [f[0] for f in frames]
    assert names[0] == "switch_away" and names.index("pipe_read") < names.index("sys_read") \
        < names.index("entry_syscall") < names.index("read")
    calls = (ROOT / "kernel/task/sched.c").read_text().split(" = context_switch(")[0].count("\n") + 1
    assert frames[0][2:] == ("kernel/task/sched.c", str(calls))
    assert "--- user mode: system call read(20, 0x7f" in out
    user = [(f[0], f[2], int(f[3])) for f in frames if f[2] == "tests/user/scene.c"]
    at = [("sleep_inner", "inner"), ("sleep_middle", "middle"), ("sleep_outer", "last"),
          *[("sleep_outer", "outer")] * 3, ("sleep_begin", "begin")]
    assert user == [(name, "tests/user/scene.c", line_of(mark)) for name, mark in at]
    assert 'word=0x' in out and '"word")' in out
    assert [f[1] for f in frames if f[0] == "sleep_outer"] == [f"depth={d}" for d in range(4)]
    assert names[-2:] == ["start", "__clone"]


def test_bt(scene):
    pie = ROOT / "tests/user/scene_pie.c"
    out = scene.run(f"heddle-bt {by_name(scene)['scene_pie']['TID']}")
    assert re.search(r"in pie_call .* at tests/user/scene_pie.c:\d+", out)
    assert re.search(rf"in pie_main .* at tests/user/scene_pie.c:{line_of('pie main', pie)}\b", out)
    assert re.search(r"in _start \(\)$", out)
    for name in ("spin-0", "spin-1"):
        out = scene.run(f"heddle-bt {name}")
        assert re.search(r"in spin \(base=4919131751843889\d+\) at tests/user/scene.c", out), out
        assert "in spinner" in out and "__clone" in out
    assert "signal_work" in scene.run("heddle-bt stopped")
    assert "its address space is gone" in scene.run("heddle-bt zombie")
    assert "sched_idle_loop" in scene.run(f"heddle-bt idle/{scene.cpus - 1}")
    out = scene.run("heddle-bt")
    assert re.match(r"thread \d+ \(scene\) .*\n#0 .* in scene_ready \(\) .*\n#1 .* in main \(", out)
    out = scene.run("heddle-bt all")
    stacks = out.split("\n\n")
    assert len(stacks) == len(scene.table("heddle-ps"))
    for stack in stacks:
        last = [line for line in stack.splitlines() if line.startswith(("#", "---"))][-1]
        assert "??" not in stack and re.search(
            r" in (main|__clone|_start|kernel_main|boot_high|smp_cpu_begin|thread_entry|"
            r"trampoline_high)\b| gone ---|has not run yet|no symbols", last + stack[-60:]), stack


def test_frame_of(scene):
    before = [scene.run(f"print/x ${r}") .split("=")[1] for r in ("cr3", "rsp", "pc", "rbx")]
    out = scene.run("heddle-frame-of sleeper")
    assert "switch_away" in out and re.search(r"^#1 ", out, re.M)
    assert "sleep_middle" in scene.run("frame function sleep_middle")
    assert scene.run("print fd").endswith("= 20")
    assert scene.run("print word").endswith('"word"')
    assert "sleep_outer" in scene.run("up") and scene.run("print depth").endswith("= 0")
    assert "sleep_outer" in scene.run("up") and scene.run("print depth").endswith("= 1")
    assert "rip = 0x" in scene.run("info frame")
    scene.run("heddle-frame-of twin")
    assert scene.run("print/x *(long *)0x20000000").endswith("0xbbbb")
    assert scene.run("frame function stand").startswith("#")
    assert scene.run("print/x $rbx").endswith("0x3333333300000000")
    scene.run("heddle-frame-of first")
    assert scene.run("print/x *(long *)0x20000000").endswith("0xaaab")
    scene.run("frame function stand")
    assert scene.run("print/x $r12").endswith("0x1111111100000012")
    scene.run(f"heddle-frame-of {by_name(scene)['scene_pie']['TID']}")
    assert "scene_pie.c" in scene.run("frame function pie_main")
    assert "scene_ready" in scene.run("heddle-back")
    after = [scene.run(f"print/x ${r}") .split("=")[1] for r in ("cr3", "rsp", "pc", "rbx")]
    assert after == before
    # What is lent for looking is given back before the machine runs.
    scene.run("heddle-frame-of twin")
    assert "sink++" in scene.run("stepi") and "scene_ready" in scene.run("bt")
    assert scene.run("print/x $cr3").split("=")[1] == before[0]


def test_diff(scene):
    def differs(one, two):
        out = scene.run(f"heddle-diff {one} {two}")
        return {" ".join(line.split()[:2]) if line.startswith(("user", "kernel")) else line.split()[0]
                for line in out.splitlines() if line.endswith("differs")}, out.splitlines()[-1]

    found, verdict = differs("first", "second")
    told = {f"user {r}" for r in ("rbx", "rdi", "r8", "r9", "r12", "r13", "r14", "r15", "rsp")}
    assert told <= found and "fs_base" in found and "kernel rsp" in found
    assert not {"user rip", "user rax", "user rflags", "kernel rip", "cr3"} & found
    assert verdict == "same address space: a switch between them does not write CR3"
    found, verdict = differs("first", "twin")
    assert told <= found and "cr3" in found
    assert verdict == "other address spaces: a switch between them writes CR3"
    assert "user rip" in differs("scene", "first")[0]


def test_memory(scene):
    pid = by_name(scene)["scene"]["PID"]
    out = scene.run("heddle-pt 0x20000000 twin")
    levels = re.findall(r"^  (\w+) +\[ *(\d+)\] at 0x\w+: (0x\w{16})  (.*)$", out, re.M)
    assert [(v, int(i)) for v, i, _, _ in levels] == [("PML4", 0), ("PDPT", 0), ("PD", 256), ("PT", 0)]
    assert levels[3][3] == "present, writable, user, accessed, dirty, no-execute"
    assert int(levels[3][2], 16) & 0x8000000000000fff == 0x8000000000000067
    assert re.search(r"physical 0x\w+000, frame 0x\w+: anonymous, 1 reference$", out)
    assert "not mapped" in scene.run("heddle-pt 0x40000000")
    text = scene.run("heddle-pt context_switch")
    assert "kernel only" in text and "read-only" in text and "no-execute" not in text.splitlines()[-2]
    assert scene.run("heddle-same 0x10000000 scene twin").endswith(
        "the same frame: what one writes, the other sees")
    out = scene.run(f"heddle-same 0x20000000 {pid} twin")
    assert out.endswith("two frames: the same address means two places")
    assert "contains 0xaaab" in out and "contains 0xbbbb" in out
    out = scene.run("heddle-same 0x30000000 scene twin")
    assert out.endswith("the same frame: until one of them writes: it gets a copy then")
    assert out.count("contains 0xdddd") == 2 and out.count("read-only") == 2
    assert scene.run("heddle-same 0x401000 scene twin").endswith("neither may write to it")
    assert scene.run("heddle-same context_switch scene twin").endswith("which all have in common")
    assert scene.run("heddle-same 0x40000000 scene twin").count("is not mapped") == 2
    lines = scene.run("heddle-vm twin").splitlines()
    rows = [line.split(None, 5) for line in lines[2:]]
    assert "(/tests/scene)" in lines[0] and f"{len(rows)} regions; 1 process uses it" in lines[0]
    at = {int(r[0], 16): r for r in rows}
    assert at[0x10000000][2:] == ["rw-s", "1", "1", "shared memory"]
    assert at[0x20000000][2:] == ["rw-p", "1", "1", "anonymous"]
    assert at[0x40000000][2:] == ["rw-p", "1", "0", "anonymous"]
    assert any(r[2] == "r-xp" and r[5] == "/tests/scene" for r in rows)
    assert rows[-1][5] == "[vdso]" and rows[-1][2] == "r-xp" and rows[-1][3] == rows[-1][4]
    assert rows[-2][5] == "[stack]" and 1 <= int(rows[-2][4]) < 10 < int(rows[-2][3])


def test_fds(scene):
    files = {r["FD"]: r for r in scene.table("heddle-fds scene")}
    assert set(files) == {"0", "1", "2", "10", "11", "20", "21"}
    assert files["0"]["FILE"] == "/dev/console"
    assert [files["10"][k] for k in ("MODE", "POSITION", "FLAGS", "FILE")] == \
        ["r", "5", "close-on-exec", "/etc/passwd"]
    assert [files["11"][k] for k in ("MODE", "FLAGS", "FILE")] == ["w", "append", "/dev/null"]
    assert re.fullmatch(r"pipe:\[\d+\]", files["20"]["FILE"]) and \
        files["20"]["FILE"] == files["21"]["FILE"]
    assert "21" not in {r["FD"] for r in scene.table("heddle-fds twin")}
    pie = by_name(scene)["scene_pie"]["TID"]
    assert "10" not in {r["FD"] for r in scene.table(f"heddle-fds {pie}")}  # closed by exec
    assert "no open files" in scene.run("heddle-fds zombie")


def test_waiting(scene):
    tid = {name: row["TID"] for name, row in by_name(scene).items()}

    def who(name):
        return rf"{tid[name]} \({name}\)"

    out = scene.run("heddle-waitfor")
    assert re.search(rf"^DEADLOCK: ({who('dead-a')} -> {who('dead-b')} -> {who('dead-a')}|"
                     rf"{who('dead-b')} -> {who('dead-a')} -> {who('dead-b')})$", out, re.M)
    assert out.count("DEADLOCK") == 1
    for one, two, why in (("dead-a", "dead-b", "mutex 0x4"), ("dead-b", "dead-a", "mutex 0x4"),
                          ("dead-c", "dead-a", "mutex 0x4"), ("joiner", "sleeper", "the end of thread"),
                          ("waiter", "waited", "the end of a child")):
        assert re.search(rf"^thread {who(one)} -> thread {who(two)}: {why}", out, re.M), out
    assert re.search(rf"^thread {who('sleeper')} -> one of \d+ threads of the processes .*: the other "
                     "end of the pipe$", out, re.M)
    locks = scene.run("heddle-locks")
    assert re.search(rf"^{who('dead-a')} +\d+ +mutex 0x4\w+, held by {who('dead-b')}$", locks, re.M)
    assert re.search(rf"^{who('plain')} .*a plain mutex of musl's", locks, re.M)
    for name, words in {
            "scene": r"it is running, on CPU \d", "dead-a": "DEADLOCK: ", "dead-c": "held by .*dead-a",
            "first": r"system call pause\(\)\n  asleep; waits for a signal\n  signals wake it",
            "sleeper": r"read\(20, .*\n  descriptor 20 is pipe:\[\d+\]\n", "joiner":
            "waits for the end of thread .*sleeper", "timed": r"until 10\d{4}\.\d+ s on the machine",
            "stopped": "stopped by signal 19; it waits for SIGCONT", "waiter": "the end of a child: "
            "thread .*waited", "zombie": "its parent has not waited for it yet",
            "plain": "does not say who holds it"}.items():
        assert re.search(words, scene.run(f"heddle-why {name}")), name
    assert "DEADLOCK" not in scene.run("heddle-why dead-c")
    ready = re.search(r"^    \d+ \((spin-\d)\)", scene.run("heddle-runq"), re.M)[1]
    # The breakpoint of one CPU may have stopped another in the middle of a switch.
    assert re.search(r"it could run: it waits in the queue of CPU 0, where .* runs|"
                     r"it gives up CPU 0 just now: it is in the run queue already",
                     scene.run(f"heddle-why {ready}"))


def test_machine(scene):
    out = scene.run("heddle-fault faulter")
    assert "page fault\n  write at 0x50000000 in user mode: no page is mapped there\n" in out
    assert "in the region 0x50000000 to 0x50001000 rw- (anonymous)\n  page tables now: " in out
    assert "has had no fault" in scene.run("heddle-fault idle/0")
    events = scene.run("heddle-trace 50").splitlines()
    assert len(events) == 50
    times = [float(e.split()[0]) for e in events]
    assert times == sorted(times) and times[0] > 0
    assert any(re.search(r"spin-\d-\d+ +sched_switch: spin-\d-\d+ R ==> ", e) for e in events)
    assert len(scene.run("heddle-trace").splitlines()) == 20
    out = scene.run("heddle-irq")
    taken = [int(n) for n in re.findall(r"^CPU \d: (\d+) interrupts taken", out, re.M)]
    assert len(taken) == scene.cpus and taken[0] > 0
    assert re.search(r"timer at 10\d{4}\.\d+ s: sleep_timer_fired", out)
    assert re.search(r"^ISA interrupt 4, vector 0x34: serial_interrupt$", out, re.M)
    rows = scene.table("heddle-cpu")
    assert [r["CPU"] for r in rows] == [str(c) for c in range(scene.cpus)]
    mine = next(r for r in rows if r["THREAD"].endswith("(scene)"))
    assert (mine["MODE"], mine["IF"]) == ("user", "on") and mine["AT"].startswith("scene_ready+")
    assert mine["CR3"] == by_name(scene)["scene"]["ROOT"]
    assert [int(r["INTERRUPTS"]) for r in rows] == taken
    slabs = {r["CACHE"]: r for r in scene.table("heddle-slab")}
    for r in slabs.values():
        assert int(r["IN USE"]) <= int(r["ROOM FOR"]), r
    threads = [r for r in scene.table("heddle-ps") if not r["NAME"].startswith("idle/0")]
    assert int(slabs["thread"]["IN USE"]) >= len(threads)
    out = scene.run("heddle-pages")
    frames = sum(int(m) for m in re.findall(r"^[a-z ]+? +(\d+) +\d+\.\d$", out, re.M))
    reserved = int(re.search(r"^reserved +(\d+)", out, re.M)[1])
    managed = int(re.search(r"^(\d+) frames managed", out, re.M)[1])
    # The other CPUs stopped in the middle of something.
    assert abs(frames - reserved - managed) <= 16 and 250 < managed / 256 + reserved / 256 <= 256
    assert "frame 0x100: " in scene.run("heddle-pages 0x100000")


ERRORS = {
    "heddle-thread": "usage: heddle-thread T", "heddle-thread nobody": "no thread nobody",
    "heddle-thread 999": "no thread 999", "heddle-ps x": "usage: heddle-ps",
    "heddle-current x": "usage", "heddle-runq 0": "usage", "heddle-bt a b": "usage",
    "heddle-bt nobody": "no thread nobody", "heddle-frame-of": "usage: heddle-frame-of T",
    "heddle-frame-of 999": "no thread 999", "heddle-back x": "usage", "heddle-switch x": "usage",
    "heddle-switch --from": "--from wants a thread", "heddle-switch --to nobody": "no thread nobody",
    "heddle-switch --form x": "--form: not one of --from, --to, --cross",
    "heddle-switch-log": "usage", "heddle-switch-log 0": "usage", "heddle-switch-log x": "usage",
    "heddle-switch-log 1 x": "usage", "heddle-switch-log 1 99": "no CPU 99: there are",
    "heddle-follow": "usage", "heddle-follow nobody": "no thread nobody",
    "heddle-diff first": "usage", "heddle-diff first nobody": "no thread nobody",
    "heddle-pt": "usage", "heddle-pt nonsense": 'No symbol "nonsense"',
    "heddle-pt 0x800000000000": "not canonical", "heddle-pt 0 999": "no process 999",
    "heddle-pt 0 0": "no address space (it is the kernel's own)", "heddle-same 0 1": "usage",
    "heddle-same 0 1 nobody": "no thread nobody", "heddle-vm": "usage",
    "heddle-vm zombie": "no address space any more: it has ended", "heddle-fds 999": "no process 999",
    "heddle-locks x": "usage", "heddle-waitfor x": "usage", "heddle-why": "usage",
    "heddle-why 999": "no thread 999", "heddle-fault a b": "usage", "heddle-fault 999": "no thread 999",
    "heddle-trace 0": "usage", "heddle-trace x": "usage", "heddle-irq x": "usage",
    "heddle-cpu x": "usage", "heddle-slab x": "usage", "heddle-pages 0xffffffffff": "beyond the end",
    "heddle-pages 1 2": "usage", "heddle-break /tests/scene": "usage",
    "heddle-break /none main": "no program /none", "heddle-break /tests/scene none": "no function none",
    "heddle-symbols 999": "no process 999", "heddle-symbols /none": "no program /none",
    'print $thread("nobody")': "no thread nobody", 'heddle-thread ""': "no thread (nothing)"}


def test_errors(scene):
    """Each in one line, and nothing has moved."""
    for command, words in ERRORS.items():
        out = scene.run(command)
        assert words in out and len(out.splitlines()) == 1, (command, out)
    assert "scene_ready" in scene.run("frame")


def test_help_and_completion(scene):
    overview = scene.run("heddle")
    for command in COMMANDS:
        said = scene.run(f"help heddle-{command}")
        assert said.startswith(f"heddle-{command}") and ":" in said.splitlines()[0], said
        assert re.search(rf"^heddle-{command}( .*)?  +\S", overview, re.M), command

    def completed(line):
        return scene.run(f"complete {line}").split("\n")

    assert set(completed("heddle-")) >= {f"heddle-{c}" for c in COMMANDS}
    pid = by_name(scene)["twin"]["PID"]
    for command in ("thread", "bt", "frame-of", "follow", "why", "fault"):
        assert completed(f"heddle-{command} spin-") == [f"heddle-{command} spin-{i}" for i in (0, 1)]
    assert completed("heddle-diff first dead-") == [f"heddle-diff first dead-{c}" for c in "abc"]
    assert completed("heddle-switch --from dead-") == [f"heddle-switch --from dead-{c}" for c in "abc"]
    assert completed("heddle-switch --") == [f"heddle-switch --{o}" for o in ("cross", "from", "to")]
    assert "heddle-bt all" in completed("heddle-bt a")
    for command in ("vm", "fds", "pt 0x1000", "same 0x1000 1"):
        assert completed(f"heddle-{command} tw") == [f"heddle-{command} twin"]
        assert f"heddle-{command} {pid}" in completed(f"heddle-{command} ")
    assert completed("heddle-break /tests/scen") == ["heddle-break /tests/scene",
                                                     "heddle-break /tests/scene_pie"]
    assert completed("heddle-break /tests/scene scene_") == ["heddle-break /tests/scene scene_ready"]


def test_printers(scene):
    tid = by_name(scene)["twin"]["TID"]
    for expression, words in {
            '$thread("twin")': rf"0x\w+ thread {tid} \(twin\)",
            '$process("twin")': rf"0x\w+ process {tid} \(/tests/scene\)",
            '$process("twin")->refs': r"\d+ references?",
            '$process("twin")->threads': r"list, 1 other link, next 0x\w+",
            '$process("twin")->children': "list, empty",
            '$process("twin")->exec.lock': r"mutex [\w ]+: free",
            '$process("twin")->space->lock': r"rwlock [\w ]+: free",
            '$process("twin")->space->regions': r"treap of \d+",
            '$process("waiter")->child_wait': r"wait queue child: \d+ \(waiter\)",
            "process_lock": r"spinlock [\w ]+: free",
            "cpus_scheduled": r"CPUs " + ("0" if scene.cpus == 1 else f"0-{scene.cpus - 1}"),
            '$thread("spin-0")->affinity': "CPUs 0"}.items():
        out = scene.run(f"print {expression}")
        assert re.fullmatch(rf"\$\d+ = {words}", out), (expression, out)
    assert "next = 0x" in scene.run('print /r $process("twin")->threads')


# --- What lets the machine run ---------------------------------------------------------------------

STOPPED = re.compile(r"^CPU (\d): from thread (\S+)(?: \((\S+)\))?, (.*), to thread (\S+?)"
                     r"(?: \((\S+)\))?; (.*)$", re.M)


def test_switch(scene):
    out = scene.run("heddle-switch")
    match = STOPPED.search(out)
    assert match and re.search(r"^#0 +context_switch \(\) at arch/x86_64/cpu/switch.S:\d+", out, re.M), out
    ps = by_tid(scene)
    leaving, coming = match[2], match[5]
    assert ps[leaving]["CPU"] == f"on {match[1]}" and not ps[coming]["CPU"].startswith("on")
    locks = scene.run("heddle-locks")
    assert re.search(rf"^run queue {match[1]} \(0x\w+\) +spinlock +CPU {match[1]}, taken at "
                     r"switch_away\+\d+", locks, re.M), locks
    for _ in range(30):  # `stepi` goes over into the other thread
        if re.search(r"\bmovq %rdx, %rax", scene.run("stepi")):
            break
    assert re.search(rf"^\* CPU {match[1]}: thread {match[5]}\b.*at context_switch\+16",
                     scene.run("heddle-current"), re.M)
    ps = by_tid(scene)
    assert ps[coming]["CPU"] == f"on {match[1]}" and not ps[leaving]["CPU"].startswith("on")
    match = STOPPED.search(scene.run("heddle-switch --from spin-0"))
    assert match[1] == "0" and match[3] == "spin-0" and match[4].startswith("preempted")
    assert "spin" in scene.run("bt")
    match = STOPPED.search(scene.run("heddle-switch --to spin-0"))
    assert match[1] == "0" and match[6] == "spin-0"
    match = STOPPED.search(scene.run("heddle-switch --from spin-1 --to spin-0"))
    assert (match[3], match[6]) == ("spin-1", "spin-0")
    assert match[7] == "CR3 not written: same address space"
    match = STOPPED.search(scene.run("heddle-switch --cross"))
    root = by_tid(scene)[match[5]]["ROOT"]
    assert match[7] == f"other address space: CR3 is {root} now" and root != "-"


def test_next_comes_back(scene):
    """`next` over the call of context_switch() ends in the same thread, later."""
    before = STOPPED.search(scene.run("heddle-switch --from spin-0"))
    scene.run("up")
    scene.run("down")
    for _ in range(3):
        out = scene.run("finish")
        if "switch_away" in out:
            break
    assert "switch_away" in out, out
    assert re.search(rf"^\* CPU 0: thread {before[2]} ", scene.run("heddle-current"), re.M)


def test_switch_log(scene):
    roots = {name: row["ROOT"] for name, row in by_name(scene).items()}
    rows = scene.table("heddle-switch-log 40")
    assert len(rows) == 40
    times = [float(r["TIME"]) for r in rows]
    last = {}
    for row, when in zip(rows, times):
        cpu, leaving, coming = row["CPU"], row["FROM"], row["TO"]
        assert int(cpu) < scene.cpus and leaving != coming and row["WHY"]
        if cpu in last:  # who came is who leaves next
            assert last[cpu][0].split()[0] == leaving.split()[0] and last[cpu][1] <= when
        last[cpu] = coming, when
        names = [re.sub(r"\d+ \((.*)\)", r"\1", w) for w in (leaving, coming)]
        if all(n in OF_SCENE for n in names):  # threads of one process
            assert "ROOT" not in row, row
    cpu = scene.cpus - 1  # where there is another, its switches are left out
    assert {r["CPU"] for r in scene.table(f"heddle-switch-log 5 {cpu}")} == {str(cpu)}
    assert any(re.search(r"\(spin-0\)", r["FROM"]) and r["WHY"].startswith("preempted") for r in rows)
    assert roots


def follow(gdb, whom=""):
    """One border further: (words, CPU)."""
    out = gdb.run(f"heddle-follow {whom}")
    match = re.search(r"^thread (\S+)(?: \(\S+\))? on CPU (\d): (.*)$", out, re.M)
    assert match, out
    if match[3].startswith(("has a CPU", "goes back")):  # gdb is where the thread is
        assert re.search(rf"^\* CPU {match[2]}: thread {match[1]} ", gdb.run("heddle-current"), re.M), out
    return match[3], int(match[2])


def follow_until(gdb, whom, pattern, limit=300):
    seen = []
    for i in range(limit):
        seen.append(follow(gdb, whom if not i else "")[0])
        if re.search(pattern, seen[-1]):
            return seen
    raise AssertionError(f"{whom} did not come to {pattern}:\n" + "\n".join(seen))


def test_follow_preemption(scene):
    """Timer, switch, switch, back to the same instruction of the loop."""
    follow_until(scene, "spin-1", "goes back to user mode, to spin")
    seen = follow_until(scene, "", "goes back to user mode, to spin")
    while not any(s.startswith("gives its CPU") for s in seen):
        seen = follow_until(scene, "", "goes back to user mode, to spin")
    said = "; ".join(seen)
    assert re.match(r"enters the kernel by (timer|reschedule|call) interrupt; .*gives its CPU to thread "
                    r".*: preempted.*; has a CPU again.*; goes back to user mode, to spin\+", said), said


def test_follow_page_fault_and_system_call(scene):
    follow_until(scene, "faulter", r"enters the kernel by system call madvise\(0x50000000, 0x1000, 4\)")
    follow_until(scene, "", "enters the kernel by page fault: write at 0x50000000 in user mode: no page "
                            "is mapped there")
    assert "touch (" in scene.run("bt")
    out = scene.run("heddle-fault")
    assert re.search(r"thread \d+ \(faulter\): page fault at rip 0x4\w+\n  write at 0x50000000", out)
    assert "not present" in out
    follow_until(scene, "", r"goes back to user mode, to touch\+")
    follow_until(scene, "", r"enters the kernel by system call nanosleep\(")
    follow_until(scene, "", r"gives its CPU to thread .*: waits: sleep")
    follow_until(scene, "", "has a CPU again")


def test_follow_migration(scene):
    if scene.cpus == 1:
        pytest.skip("one CPU")
    cpus = set()
    for i in range(24):
        out = scene.run(f"heddle-follow {'' if i else 'mover'} --runs")
        match = re.search(r"^thread (\d+) \(mover\) on CPU (\d): has a CPU again( \(it was on CPU (\d) "
                          r"before\))?$", out, re.M)
        assert match, out
        cpus.add(match[2])
        if len(cpus) == scene.cpus and match[3]:
            break
    assert len(cpus) == scene.cpus and match[3] and match[4] != match[2]


def test_follow_fork_and_exec(scene):
    """The parent through fork(); a child of it from its first instruction into another program, whose
    symbols are right at once, to its end."""
    forker = by_name(scene)["forker"]["TID"]
    for _ in range(6):  # every second child becomes another program
        follow_until(scene, forker, r"enters the kernel by system call (fork|clone)\(")
        before = set(by_tid(scene))
        follow_until(scene, forker, "goes back to user mode, to _Fork")
        child, = [tid for tid, row in by_tid(scene).items() if tid not in before
                  and row["NAME"] in ("forker", "forked")]
        if by_tid(scene)[child]["S"] == "Z":
            continue
        seen = follow_until(scene, child, r"execve\(|exit_group")
        if "execve" in seen[-1]:
            break
    assert any("goes back to user mode, to " in s for s in seen) and "execve(" in seen[-1], seen
    follow_until(scene, "", r"goes back to user mode, to _start\+0")
    follow_until(scene, "", "enters the kernel by page fault: instruction fetch at 0x5")
    assert "_start" in scene.run("bt")
    follow_until(scene, "", r"goes back to user mode, to _start\+0")
    for _ in range(3):  # on the IRETQ itself it may have stopped twice
        if scene.run("stepi") and "_start" in scene.run("info symbol $pc"):
            break
    scene.run("stepi 2")
    assert re.search(r"^#0 +pie_main \(words=\S+\) at tests/user/scene_pie.c:\d+\n"
                     r"#1 +0x\w+ in _start \(\)", scene.run("bt"))
    follow_until(scene, "", r"enters the kernel by system call exit_group\(0\)")
    assert re.search(r"pie_call .*\n.*pie_end .*\n.*pie_main", scene.run("bt"))
    follow_until(scene, "", "^ends")


def test_break_pie(scene):
    """A breakpoint in a position-independent program, of which a process is there."""
    scene.run("heddle-break /tests/scene_pie pie_end")
    out = scene.run("continue")
    assert re.search(r"pie_end \(\) at tests/user/scene_pie.c:\d+", out), out
    assert re.search(r"#0 +pie_end .*\n#1 .* in pie_main \(.* at tests/user/scene_pie.c", scene.run("bt"))
    scene.run("delete")


def test_held_locks(scene):
    """Locks of the kernel at the moment when they are given back."""
    for function, kind, words in (("mutex_unlock", "mutex", r"mutex [\w -]+: held by {}"),
                                  ("rwlock_read_unlock", "rwlock", r"rwlock [\w -]+: 1 reader"),
                                  ("rwlock_write_unlock", "rwlock", r"rwlock [\w -]+: written by {}")):
        scene.run(f"tbreak *{function}")
        out = scene.run("continue")
        assert function in out, out
        who = re.search(r"^\* CPU \d: thread (\d+ \(\S+\))", scene.run("heddle-current"), re.M)[1]
        address = scene.run("print/x $rdi").split()[-1]
        out = scene.run(f"print *(struct {kind} *){address}")
        assert re.fullmatch(r"\$\d+ = " + words.format(re.escape(who)), out), out
        held = re.search(rf"^.* \({address}\) +{kind} +(.*\S) +-$", scene.run("heddle-locks"), re.M)
        if held:  # not all locks have a place where the command looks
            assert held[1] == (f"thread {who}" if "mutex" in kind else
                               f"thread {who} (writes)" if "write" in function else "1 reader"), held


def test_interrupted(scene):
    """Ctrl-C ends a wait for what never comes, and leaves no breakpoint behind."""
    for seconds in (0.5, 2, 8, 30):  # so long until the machine goes on, which a busy host may delay
        scene.child.sendline("heddle-follow first")
        time.sleep(seconds)
        scene.child.sendintr()
        if "stopped for another reason" in (out := scene.answer()):
            break
    assert "stopped for another reason" in out, out
    assert "No breakpoints" in scene.run("info breakpoints")
    assert not re.search(r"^-\d+ ", scene.run("maint info breakpoints"), re.M)
    rows = by_name(scene)
    for name, (state, _) in STILL.items():  # after all that
        assert rows[name]["S"] == state


# --- The way in ------------------------------------------------------------------------------------

def test_batch(tmp_path):
    """The launcher without a terminal: a lab, from its main() on, and the status of the last command."""
    status, out = gdb_batch(tmp_path / "console", "-ex", "heddle-current", "-ex", "info symbol $pc",
                            cpus=2, LAB="switching", ARGS="--quick")
    assert status == 0 and re.search(r"^\* CPU \d: thread \d+ \(switching\) .* at main\+\d+$", out, re.M)
    status, out = gdb_batch(tmp_path / "console", "-ex", "heddle-ps", "-ex", "heddle-why nobody", cpus=2)
    assert status != 0 and re.search(r"^ +0 +2 +bring-up +R +on \d", out, re.M), out
    status, out = gdb_batch(tmp_path / "console", LAB="nothing")
    assert status != 0 and "gdb: no lab nothing; there are: " in out
    status, out = gdb_batch(tmp_path / "console", "--stopped", "-ex", "heddle-ps")
    assert status != 0 and "the kernel has not booted so far" in out


def test_terminal(tmp_path):
    """`make gdb` as it is typed: it says where the console is and how long it took; nothing is left."""
    with Gdb(tmp_path / "console", 2, arguments=(), MEM="512M") as gdb:
        assert "The machine's console is in " in gdb.banner and "station 1 of" in gdb.banner
        assert re.search(r"^\d+\.\d s from the command to here$", gdb.banner, re.M), gdb.banner
        assert len(gdb.table("heddle-ps")) >= 4
    assert not gdb.child.isalive()


def test_outside_gdb(tmp_path):
    """gdb attached to `make run GDB=1` by the words that it printed; then the machine goes on."""
    child = pexpect.spawn("make", ["run", "GDB=1", "BOOT=direct", "CPUS=2"], cwd=ROOT, timeout=HANGS,
                          encoding="utf-8", codec_errors="replace",
                          env=dict(os.environ, BUILD=os.path.relpath(BUILD, ROOT),
                                   GDB_SOCKET=str(tmp_path / "gdb")))
    try:
        child.expect(r"\n +(gdb -nx -x tools/gdb/heddle.py -ex 'target remote (\S+)' \S+)\r")
        command, place = child.match[1], child.match[2]
        child.expect("To leave: ")
        while not (ROOT / place).is_socket() and child.isalive():
            time.sleep(0.05)
        result = subprocess.run(["sh", "-c", command + " -batch -ex 'break bring_up' -ex continue "
                                 "-ex heddle-current"], cwd=ROOT, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=HANGS)
        assert re.search(r"^\* CPU \d: thread \d+ \(bring-up\) .* at bring_up", result.stdout, re.M), \
            result.stdout + result.stderr
        child.expect("~ # ")
        child.sendline("poweroff")
        child.expect("Heddle ended in order")
    finally:
        child.close(force=True)
