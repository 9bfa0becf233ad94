# SPDX-License-Identifier: MIT
"""The guided tours in gdb, each walked to its end on live machines."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from vm import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tools/gdb"))
from tours import TOURS  # noqa: E402

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is missing: make setup")


def gdb(tmp_path, *commands, timeout=300, **settings):
    """Let `tools/gdb.py --batch` run commands of gdb's; what it printed."""
    environment = dict(os.environ, BUILD=str(BUILD), CONSOLE_LOG=str(tmp_path / "console"),
                       LC_ALL="C.UTF-8", MEM="256M", **settings)
    words = [w for c in commands for w in ("-ex", c)]
    result = subprocess.run([sys.executable, ROOT / "tools/gdb.py", "--batch", *words],
                            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
                            cwd=ROOT, start_new_session=True)
    return result.stdout


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
    steps = [line for line in switch[3].splitlines() if "popq" in line or "pushq" in line]
    assert len([s for s in steps if "pushq" in s]) >= 5
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


def test_without_the_program(tmp_path):
    """Elsewhere a tour says what it wants instead of waiting for ever."""
    out = gdb(tmp_path, "heddle-tour fork", "next-station", "heddle-tour", "heddle-tour nowhere",
              CPUS="1", ARGS="run /bin/sleep 1000")
    assert "does not run the program of the tours" in out and "make gdb" in out
    assert "you are on no tour" in out
    assert "no tour nowhere: there are switch" in out
    for name in TOURS:
        assert re.search(rf"(?m)^{name} +\d+  ", out)


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
