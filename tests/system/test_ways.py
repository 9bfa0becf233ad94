# SPDX-License-Identifier: MIT
"""The tools that measure the kernel: the length of its ways, and the cost of its calls beside another
kernel's."""
import json
import os
import subprocess
import sys

from vm import BUILD, HANGS, ROOT


def tool(name, *arguments):
    return subprocess.run([sys.executable, ROOT / "tools" / name, *arguments], timeout=HANGS, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "BUILD": str(BUILD)})


def test_the_way_of_a_fault():
    done = tool("ways.py", "--json", "cow")
    assert done.returncode == 0, done.stdout
    way = json.loads(done.stdout)[str(BUILD)]["cow"]
    names = {name for name, _ in way["names"]}
    assert {"trap_dispatch", "address_space_fault", "page_alloc"} <= names, names
    assert way["rooms"] <= way["files"] <= way["functions"] == len(way["names"])
    assert 10 <= way["functions"] <= 40, way
    assert way["pointers"] <= 2, way


def test_a_kernel_costs_what_it_costs():
    done = tool("bench.py", "-i", "-k", BUILD, "--", "-r", "1", "-t", "1", "null_syscall", "page_cow")
    assert done.returncode == 0, done.stdout
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if "1.000" in line}
    assert {"null_syscall", "page_cow"} == set(rows), done.stdout
    assert 100 < int(rows["null_syscall"][0]) < 400, done.stdout


def test_a_row_is_worse_than_recorded(tmp_path):
    def check(null_syscall):
        table.write_text(json.dumps({"null_syscall": null_syscall, "page_cow": None}))
        return tool("bench.py", "-i", "-c", table, "--", "-r", "1", "-t", "1", "null_syscall")
    table = tmp_path / "bench.json"
    done = tool("bench.py", "-i", "-c", table, "--record", "--", "-r", "1", "-t", "1", "null_syscall")
    assert done.returncode == 0, done.stdout
    measured = json.loads(table.read_text())["null_syscall"]
    for recorded, status in ((measured, 0), (measured / 1.04, 0), (measured / 1.06, 1)):
        done = check(recorded)
        assert done.returncode == status, done.stdout
        assert ("slower than recorded: null_syscall" in done.stdout) == bool(status), done.stdout


def test_costs_while_there_are_many():
    done = tool("bench.py", "-i", "-s", "-k", BUILD, "--", "-m", "10", "timers", "descriptors")
    assert done.returncode == 0, done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if "1.000" in line]
    assert [row[0] for row in rows] == ["descriptors_10", "timers_10"], done.stdout
