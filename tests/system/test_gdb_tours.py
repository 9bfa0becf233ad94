# SPDX-License-Identifier: MIT
"""The guided tours in gdb, each walked to its end on live machines; and the window of the switch, read
back from a terminal."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

from gdb_session import Gdb, gdb_batch
from vm import BUILD, HANGS, ROOT

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/gdb")]
import gdb_transcript  # noqa: E402
from tours import TOURS  # noqa: E402

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is missing: make setup")


def environment_of(tmp_path, settings):
    return dict(os.environ, BUILD=str(BUILD), CONSOLE_LOG=str(tmp_path / "console"),
                LC_ALL="C.UTF-8", MEM="256M", **settings)


def gdb(tmp_path, *commands, **settings):
    """Let `tools/gdb.py --batch` run commands of gdb's; what it printed."""
    words = [w for c in commands for w in ("-ex", c)]
    return gdb_batch(tmp_path / "console", *words, **settings)[1]


def stations_of(name, out):
    """The text of each station of a tour, in the order in which they came."""
    parts = re.split(r"(?m)^--- (\S+), station (\d+) of (\d+) -+$", out)
    found = [parts[i:i + 4] for i in range(1, len(parts), 4)]
    return [(int(n), text) for tour, n, _, text in found if tour == name]


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_all_tours(cpus, tmp_path):
    """One machine, one tour after the other, every station in turn; then steps from elsewhere."""
    names = [n for n, t in TOURS.items() if t.cpus <= cpus]
    commands = []
    for name in names:
        commands += [f"heddle-tour {name}"] + ["next-station"] * (len(TOURS[name].stations) - 1)
    again = ["next-station", "heddle-tour switch", "next-station", "next-station", "stepi",
             "next-station", "heddle-tour smp"]
    # The first tour is begun by the launcher.
    out = gdb(tmp_path, *commands[1:], "echo ALL SEEN\\n", *again, CPUS=str(cpus), TOUR=names[0])
    seen, after = out.split("ALL SEEN\n")
    for name in names:
        stations = stations_of(name, seen)
        assert [n for n, _ in stations] == list(range(1, len(TOURS[name].stations) + 1)), seen[-3000:]
        assert f"That was the tour {name}" in stations[-1][1]
    assert "heddle:" not in seen and "Stopped on the way" not in seen, seen
    assert "has ended" in after
    assert "You have moved: the steps begin once more at station 3" in after
    assert (cpus > 1) == ("smp, station 1 of" in after), after[-1500:]
    if cpus == 1:
        assert "the tour smp wants 2 CPUs: make gdb CPUS=2" in after

    switch = dict(stations_of("switch", seen))
    steps = [line for line in switch[3].splitlines() if "POP" in line or "PUSH" in line]
    assert len([s for s in steps if "PUSH" in s]) >= 5
    for n, who in ((1, "A"), (4, "B"), (5, "B"), (7, "A")):
        assert re.search(rf"\* CPU 0: thread \d+ \({who}\) of process", switch[n]), switch[n]
    assert "thread_b (" in switch[4] and "scene_switch ()" in switch[2]
    prev = [re.search(r"\(gdb\) p prev\n\$\d+ = .* thread \d+ \((.)\)", switch[n])[1] for n in (6, 7)]
    assert prev == ["A", "C"]
    turns = [int(re.search(r"\(gdb\) p turns\n\$\d+ = (\d+)", switch[n])[1]) for n in (6, 7)]
    assert turns[1] > turns[0]
    assert "writes CR3" in switch[8] and "two frames" in switch[8]

    fork = dict(stations_of("fork", seen))
    assert "the same frame" in fork[4] and "two frames" in fork[8]
    fault = dict(stations_of("page-fault", seen))
    assert "not mapped" in fault[1] and "physical 0x" in fault[5]
    if cpus > 1:
        smp = dict(stations_of("smp", seen))
        assert "* CPU 1: thread idle/1" in smp[4]
        assert re.search(r"\* CPU 0: thread \d+ \(B\)", smp[9])


def screenful(gdb_, command):
    """What a command prints at 80x24, as the lines of the screen."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", gdb_.run(command)).expandtabs().split("\n")


def test_stations_fit_80x24(tmp_path):
    """All of a station stays on the screen, no line is as wide as it, no number is cut; and
    previous-station shows the same again."""
    with Gdb(tmp_path / "console", 2, (), size=(24, 80), TOUR="switch") as g:
        begun = screenful(g, "heddle-tour switch")
        for name, tour in TOURS.items():
            for n, station in enumerate(tour.stations, 1):
                if n > 1 or name != "switch":
                    begun = screenful(g, "next-station" if n > 1 else f"heddle-tour {name}")
                title = next(i for i, line in enumerate(begun) if line.startswith(f"--- {name}, "))
                # With the line that is typed next and the launcher's last one.
                assert len(begun) - title <= 24 - 2, "\n".join(begun)
                assert "by" in station or title == 0
                assert max(map(len, begun)) < 80, "\n".join(begun)
                if n == 2:
                    back = screenful(g, "previous-station")
                    assert back[:-1] == before and "The machine stays at station 2" in back[-1]
                    assert screenful(g, "next-station") == begun[title:]
                before = begun[title:]
        assert "there is no station before" in " ".join(
            g.run("previous-station") for _ in TOURS["race"].stations)


# The machine's answer to each question of heddle-exercise, by tour and station.
ANSWERS = {
    ("switch", 3): "B", ("switch", 4): "B", ("switch", 5): "switch_away", ("switch", 7): "C",
    ("switch", 8): "yes", ("syscall", 2): "no", ("syscall", 4): "no", ("fork", 4): "0",
    ("fork", 8): "no", ("page-fault", 3): "6", ("page-fault", 5): "yes", ("page-fault", 8): "11",
    ("smp", 5): "1", ("smp", 8): "yes", ("smp", 9): "no", ("futex", 2): "1", ("futex", 3): "no",
    ("futex", 6): "2", ("signal", 3): "512", ("signal", 4): "B", ("signal", 6): "no",
    ("signal", 8): "-1", ("race", 3): "no", ("race", 4): "1", ("race", 5): "1", ("race", 6): "1",
    ("race", 7): "yes"}


def test_predictions(tmp_path):
    """The machine answers each question; right and wrong are told apart; no answer is no error."""
    asked = {(name, n) for name, tour in TOURS.items()
             for n, s in enumerate(tour.stations, 1) if "ask" in s}
    assert asked == set(ANSWERS)
    with Gdb(tmp_path / "console", 2, (), TOUR="switch") as g:
        assert "there is no question now" in g.run("predict 1")
        assert "predict ANSWER answers" in g.run("heddle-exercise on")
        for name, tour in TOURS.items():
            g.run(f"heddle-tour {name}")
            right = 0
            for n in range(2, len(tour.stations) + 1):
                out = g.run("next-station")
                if (name, n) not in ANSWERS:
                    assert f"{name}, station {n} of" in out, out
                    continue
                assert "Predict: " in out and "station" not in out, out
                answer = ANSWERS[name, n]
                wrong = {"yes": "no", "no": "yes"}.get(answer, "12345")
                if name == "switch":
                    assert "Predict: " in g.run("next-station")  # it asks again, and stays
                out = g.run(f"predict {wrong if n % 2 else answer}")
                right += n % 2 == 0
                assert f"the machine says {answer}: {'wrong' if n % 2 else 'right'}" in out, out
                assert f"  {right} of " in out and f"{name}, station {n} of" in out
        g.run("heddle-tour futex")
        g.run("next-station")
        for bad, why in (("perhaps", "is a number, not 'perhaps'"), ("", "usage: predict ANSWER")):
            assert why in g.run(f"predict {bad}".strip())
        assert "The answer was: 1." in g.run("predict ?")
        g.run("next-station")
        assert "is yes or no, not '1'" in g.run("predict 1")
        assert "does not ask" in g.run("heddle-exercise off")
        assert "futex, station 3 of" in g.run("next-station")


def test_a_lab_asks_nothing(tmp_path):
    """make gdb LAB=: nobody can answer at the console there, so the lab comes to its end."""
    console = tmp_path / "console"
    with Gdb(console, 2, (), LAB="many") as g:
        g.child.sendline("continue")
        end = time.monotonic() + HANGS
        while "lab many --page" not in (text := console.read_text(errors="replace")):
            assert time.monotonic() < end, text[-2000:]
            time.sleep(0.2)
        assert "TRUE HERE" in text and "Your guess" not in text and "q: leave" not in text


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="qemu-img is missing: make setup")
def test_in_a_replay(tmp_path):
    """In a recorded run the same, and backwards: out of B, into A."""
    out = gdb(tmp_path, *["next-station"] * 3, "reverse-stepi", "heddle-current", "next-station",
              TOUR="switch", REPLAY="1", CPUS="1")
    assert [n for n, _ in stations_of("switch", out)][:4] == [1, 2, 3, 4], out[-3000:]
    back = dict(stations_of("switch", out))[4].split("next-station goes on to 5")[1]
    assert re.search(r"\* CPU 0: thread \d+ \(A\) .*`current` is \d+ \(B\) already", back), back
    assert "You have moved: the steps begin once more at station 3" in back


def test_without_the_program(tmp_path):
    """Elsewhere a tour says what it wants instead of waiting for ever."""
    out = gdb(tmp_path, "heddle-tour fork", "next-station", "heddle-tour", "heddle-tour nowhere", "heddle-tour futx",
              CPUS="1", ARGS="run /bin/sleep 1000")
    assert "does not run the program of the tours" in out and "make gdb" in out
    assert "you are on no tour" in out
    assert "no tour nowhere: there are switch" in out and "did you mean futex?" in out
    for name in TOURS:
        assert re.search(rf"(?m)^{name} +\d+  ", out)


def test_page():
    """The transcripts in docs/gdb.md are what its commands print, but for numbers."""
    result = subprocess.run([sys.executable, ROOT / "tools/gdb_transcript.py", "--check",
                             ROOT / "docs/gdb.md"], cwd=ROOT, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=HANGS, check=False, env=dict(os.environ, BUILD=str(BUILD)))
    assert result.returncode == 0, result.stdout[-6000:]


def test_page_and_chance(monkeypatch):
    """An interrupt that comes by chance neither gets into a page nor fails its check; another text
    in each run does."""
    page = "<!-- gdb CPUS=1 -->\n```\n(gdb) bt\nquiet\n```\n<!-- end -->\n"
    quiet, chance, other = [["(gdb) bt\n" + words + "\n"] for words in ("quiet", "an interrupt", "other")]

    def runs(*texts):
        left = iter(texts)
        monkeypatch.setattr(gdb_transcript, "run", lambda settings, blocks: next(left))

    runs(chance, quiet)
    assert gdb_transcript.differences(page) == []
    runs(other, chance, other)
    assert len(gdb_transcript.differences(page)) == 1
    runs(quiet, chance, other, other)
    assert "other" in gdb_transcript.renew(page)


def test_tours_of_labs():
    """Whatever tour a lab names, there is."""
    named = [re.search(r'\.tour = "([^"]*)"', p.read_text()) for p in (ROOT / "user/labs").glob("*.c")]
    assert named and {m[1] for m in named if m} <= set(TOURS)


def test_texts():
    """Two or three sentences each, at places that are symbols."""
    for name, tour in TOURS.items():
        for n, station in enumerate(tour.stations, 1):
            assert 1 <= len(re.findall(r"[.?:][\")]*(?:  |$)", station["text"])) <= 4, (name, n)
            assert ("at" in station) != ("by" in station), (name, n)
            assert not re.search(r":\d", station.get("at", "")), (name, n)


class Terminal:
    """gdb in a terminal of its own, as tmux draws it."""

    def __init__(self, tmp_path, width, height, *arguments, **settings):
        self.directory = tempfile.mkdtemp(prefix="heddle-tmux-")  # a short path, for the socket
        environment = environment_of(tmp_path, settings)
        environment.pop("TMUX", None)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),
                  "-c", str(ROOT), "env", "-u", "TMUX", sys.executable, "tools/gdb.py", *arguments,
                  env=environment)

    def tmux(self, *words, env=None):
        return subprocess.run(["tmux", "-S", f"{self.directory}/socket", *words], check=True,
                              env=env, stdout=subprocess.PIPE, text=True).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", f"{self.directory}/socket", "kill-server"], check=False,
                       stderr=subprocess.DEVNULL)  # it ends by itself behind its last session
        shutil.rmtree(self.directory, ignore_errors=True)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, pattern, seconds=HANGS):
        """Until the screen shows it and has come to rest; the screen."""
        end, before = time.monotonic() + seconds, ""
        while True:
            screen = self.screen()
            still, before = screen == before, screen
            if still and re.search(pattern, screen):
                assert "Python Exception" not in screen and "Traceback" not in screen, screen
                return screen
            assert time.monotonic() < end, f"no {pattern!r} on the screen:\n{screen}"
            time.sleep(0.3)

    def type(self, command):
        self.tmux("send-keys", "-l", command)
        self.tmux("send-keys", "Enter")


def registers(screen):
    """{name: (now, saved) of the left thread, and of the right} in the window."""
    found = {}
    for line in screen.splitlines():
        halves = line.strip("│|").split("|")
        words = [h.replace("not yet", "not-yet").split() for h in halves]
        if len(words) == 2 and words[0] and words[0][0] == words[1][0]:
            found[words[0][0]] = tuple(words[0][1:3]), tuple(words[1][1:3])
    return found


SAVED_REGISTERS = ("r15", "r14", "r13", "r12", "rbx", "rbp")


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is missing: make setup")
@pytest.mark.parametrize("width, height, cpus", [(80, 24, 1), (120, 40, 4)])
def test_window(width, height, cpus, tmp_path):
    """What the window shows before, in and after the switch from A to B, and from B to C."""
    with Terminal(tmp_path, width, height, CPUS=str(cpus)) as terminal:
        terminal.wait(r"goes on to 2 of 9\.(.|\n)*\(gdb\)")
        terminal.type("heddle-layout")
        screen = terminal.wait(r"is not at a switch(.|\n)*CR3(.|\n)*user/tour\.c:")
        assert "runs:" in screen and "next:" in screen and "user/tour.c:" in screen
        assert len(registers(screen)) == 8
        terminal.type("next-station")
        terminal.wait(r"kernel/task/sched\.c:\d+ ")
        terminal.type("next-station")
        screen = terminal.wait(r"switch on CPU 0(.|\n)*switch\.S:\d+ +PUSH +rbp")
        assert re.search(r"out: \d+ \(A\)", screen) and re.search(r"in:  \d+ \(B\)", screen)
        assert "same address space: not written" in screen
        shown = registers(screen)
        assert len(shown) == 8
        for name in SAVED_REGISTERS:
            (now, saved), (incoming, its) = shown[name]
            assert len(now) == 16 and saved == "not-yet" and incoming == "not-yet" and len(its) == 16

        terminal.type("stepi 4")
        screen = terminal.wait(r"switch\.S:\d+ +PUSH +r14")
        shown = registers(screen)
        for name in ("rbp", "rbx", "r12", "r13"):
            assert shown[name][0][0] == shown[name][0][1]
        assert shown["r14"][0][1] == "not-yet" == shown["rsp"][0][1]

        terminal.type("stepi 5")
        screen = terminal.wait(r"switch\.S:\d+ +POP +r15")
        shown = registers(screen)
        assert shown["rsp"][1][0] == shown["rsp"][1][1], "the CPU is on the incoming stack"
        assert all(shown[n][0][0] == "-" for n in SAVED_REGISTERS)
        assert all(len(shown[n][0][1]) == 16 for n in (*SAVED_REGISTERS, "rsp", "rip"))

        terminal.type("stepi 6")
        screen = terminal.wait(r"switch\.S:\d+  ret")
        shown = registers(screen)
        assert all(shown[n][1][0] == shown[n][1][1] for n in SAVED_REGISTERS)
        pc_behind = shown["rip"][1][1]

        terminal.type("stepi")
        screen = terminal.wait(r"is not at a switch")
        assert registers(screen)["rip"][0][0] == pc_behind

        terminal.type("heddle-switch --from B --to C")
        screen = terminal.wait(r"out: \d+ \(B\)(.|\n)*changes(.|\n)*switch\.S:")
        assert re.search(r"CR3 (\w+) -> (?!\1)\w+  other address space: changes", screen)
        terminal.type("tui disable")
        terminal.type("quit")


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is missing: make setup")
def test_window_before_the_kernel(tmp_path):
    """Nothing to show yet: it says so, and shows when there is."""
    with Terminal(tmp_path, 80, 24, "--stopped", CPUS="1") as terminal:
        terminal.wait(r"\(gdb\)")
        terminal.type("heddle-layout")
        terminal.wait(r"the kernel has not booted so far")
        terminal.type("tbreak sched_init")
        terminal.type("continue")
        terminal.wait(r"there are no threads yet")
        terminal.type("tbreak bring_up")
        terminal.type("continue")
        terminal.wait(r"CPU 0 is not at a switch")
