# SPDX-License-Identifier: MIT
"""`make guest` packs Debian's programs with their libraries; `make test-abi`, in short."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from vm import BUILD, HANGS, ROOT, VM

sys.path.insert(0, str(ROOT / "tools"))
import guest  # noqa: E402
import guest_tests  # noqa: E402
import linux  # noqa: E402


def make_guest(name, **environment):
    return subprocess.run(["make", "-s", "guest", f"NAME={name}"], cwd=ROOT, text=True, timeout=HANGS,
                          capture_output=True, env={**os.environ, **environment})


@pytest.fixture(scope="session")
def packages():
    """Debian's packages can be had, or have been unpacked already."""
    if not shutil.which("apt-get"):
        pytest.skip("no apt-get")
    try:
        guest.GUEST_FOLDER.mkdir(parents=True, exist_ok=True)
        guest.collect(["dash"])
    except guest.Missing as error:
        pytest.skip(str(error))


def entries(path):
    """{name: (mode, content)} of an archive."""
    data, at, found = path.read_bytes(), 0, {}
    while True:
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110:at + 109 + fields[11]].decode()
        start = at + (110 + fields[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = fields[1], data[start:start + fields[6]]
        at = start + (fields[6] + 3) // 4 * 4


def test_an_archive_has_the_libraries_and_what_was_added(packages, tmp_path):
    mine = tmp_path / "mine"
    (mine / "deep").mkdir(parents=True)
    (mine / "deep" / "file").write_text("mine")
    done = make_guest("dash", ADD=str(mine))
    assert done.returncode == 0, done.stderr
    assert "MiB of libc6" in done.stdout and "INITRD=build/guests/dash.cpio" in done.stdout
    found = entries(guest.GUEST_FOLDER / "dash.cpio")
    assert found["bin/dash"][0] == 0o100755 and found["bin/dash"][1][:4] == b"\x7fELF"
    assert found["bin/sh"] == (0o120777, b"dash")
    assert found["lib/x86_64-linux-gnu/libc.so.6"][1][:4] == b"\x7fELF"
    assert found["root/mine/deep/file"][1] == b"mine"
    # The interpreter is a link; what it leads to is there, and each folder comes before its files.
    assert "lib64/ld-linux-x86-64.so.2" in found
    names = list(found)
    assert all(names.index(os.path.dirname(n)) < names.index(n) for n in names if "/" in n)
    assert not [n for n in names if n.startswith("usr/share/doc/")]
    assert make_guest("dash").returncode == 0
    assert "root/mine/deep/file" not in entries(guest.GUEST_FOLDER / "dash.cpio")


def test_a_name_that_is_nothing(packages):
    done = make_guest("no-such-thing")
    assert done.returncode != 0
    assert "no guest and no package of Debian is called no-such-thing" in done.stderr
    assert "python" in done.stderr and "Traceback" not in done.stderr
    done = make_guest("dash", ADD="/nowhere")
    assert done.returncode != 0 and "/nowhere does not exist" in done.stderr


def test_without_debian(tmp_path):
    """A machine without apt is told what is missing."""
    for name in ("python3", "sh"):
        (tmp_path / name).symlink_to(shutil.which(name))
    done = subprocess.run([sys.executable, ROOT / "tools/guest.py", "pack", "bash"], text=True,
                          capture_output=True, env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "apt-cache cannot be run" in done.stderr and "Traceback" not in done.stderr


def test_a_guest_runs_as_its_page_says(packages, tmp_path):
    """With the memory that the tool names."""
    packed, _, memory = guest.pack(["bash"], quiet=True)
    both = tmp_path / "both.cpio"
    both.write_bytes((BUILD / "initramfs.cpio").read_bytes() + packed.read_bytes())
    with VM(cpus=1, mem=f"{memory}M", initrd=both) as vm:
        vm.shell()
        assert vm.run("bash -c 'echo $((6 * 7)); exit 3'; echo $?") == "42\n3"


@pytest.mark.slow
def test_labs_find_their_guests(packages):
    """`make lab GUEST=...` packs them and boots; CPython's threads take turns, its processes do not."""
    done = subprocess.run(["make", "-s", "lab", "NAME=gil", "GUEST=python java", "ARGS=--quick", "CPUS=2",
                           "ACCEL=tcg"], cwd=ROOT, text=True, timeout=HANGS, capture_output=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, "MEM": ""})
    assert "The real CPython: cpython 3.11" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert "The real JVM: OpenJDK" in done.stdout
    used = {m[1]: float(m[2]) for m in re.finditer(r"^  (2 \w+) +\d+ ms +\d+ ms +([\d.]+)",
                                                   done.stdout, re.M)}
    assert used["2 processes"] > 1.4, done.stdout[-4000:]


def judged(*arguments):
    try:
        return guest_tests.judge(*arguments)["verdicts"]
    except linux.Missing as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["bash", "coreutils", "dash"])
def test_prints_what_linux_prints(packages, name):
    assert judged(name, [2]) == ["as Linux"]


def test_a_difference_is_seen(packages, tmp_path, monkeypatch):
    (tmp_path / "dash.sh").write_text("#!/bin/sh\nuname -sr\necho the same\nexit 3\n")
    monkeypatch.setattr(guest_tests, "SCRIPTS", tmp_path)
    assert judged("dash", [1]) == ["1 of 2 lines"]
    (tmp_path / "dash.sh").write_text("#!/bin/sh\necho the same\nexit 3\n")
    assert judged("dash", [1]) == ["as Linux"]
