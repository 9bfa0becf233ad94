# SPDX-License-Identifier: MIT
"""The way in, on a machine that has nothing: what `make setup` installs, the goals after it find."""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BARE = ["sh", "make", "find", "sed", "head", "uname", "mkdir", "true"]
TOOLS = ["gcc", "as"]


def run_make(tmp_path, *goals):
    (tmp_path / "bin").mkdir()
    for name in BARE:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ["kernel", "arch", "boot", "tests/kernel", "user"]:
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    setup = tmp_path / "tools" / "setup.sh"
    links = "".join(f"\n{shutil.which('ln')} -sf {shutil.which(t)} {tmp_path}/bin/{t}" for t in TOOLS)
    setup.write_text("#!/bin/sh\necho setting up" + links + "\n")
    setup.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "CC"}
    env["PATH"] = str(tmp_path / "bin")
    return subprocess.run(["make", *goals], cwd=tmp_path, env=env, text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_what_setup_installs_is_found(tmp_path):
    done = run_make(tmp_path, "setup", "objs", "help", "DIR=kernel/lib/", "BUILD=out")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("setting up")
    assert done.stdout.count("setting up") == 1
    assert (tmp_path / "out/kernel/lib/string.c.o").exists()
    assert "The usual way in" in done.stdout


def test_no_compiler_is_an_error_that_names_it(tmp_path):
    done = run_make(tmp_path, "objs", "DIR=kernel/lib/", "BUILD=out")
    assert done.returncode != 0
    assert "gcc" in done.stdout
