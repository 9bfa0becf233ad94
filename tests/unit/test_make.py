# SPDX-License-Identifier: MIT
"""The Makefile: `make setup` on a machine that has nothing, and what a change of flags rebuilds."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BARE = ["sh", "make", "find", "sed", "head", "uname", "mkdir", "true", "cat", "tr", "awk", "fold"]
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
    return subprocess.run(["make", *goals], cwd=tmp_path, env=env, text=True, timeout=1800,
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


def make(tmp_path, *arguments, **environment):
    """make in the tree, into a build folder of the test's own; one object of C, one of assembly."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")} | environment
    for name in ("CC", "CFLAGS", "DEBUG", "SANITIZE", "TESTFLAGS", "NAME", "JOBS"):
        if name not in environment:
            env.pop(name, None)
    return subprocess.run(["make", f"BUILD={tmp_path}", *arguments], cwd=ROOT, env=env, text=True,
                          timeout=1800, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


OBJECT = ["objs", "DIR=kernel/lib/treap"]
PROGRAM = ["{build}/tests/user/polls"]


@pytest.mark.parametrize("goal, setting", [
    (OBJECT, "DEBUG=1"), (OBJECT, "SANITIZE=1"), (OBJECT, "CFLAGS=-O1"), (OBJECT, "CC=clang"),
    (OBJECT, "CFLAGS=-DNAME='\"it is\"'"), (PROGRAM, "USER_CFLAGS=-Og")])
def test_objects_depend_on_the_flags(tmp_path, goal, setting):
    """A setting that changes rebuilds; the same setting again does not."""
    if "=clang" in setting and not shutil.which("clang"):
        pytest.skip("no clang")
    goal = [word.format(build=tmp_path) for word in goal]
    for settings in ([], [setting], []):
        assert make(tmp_path, "-q", *goal, *settings).returncode == 1
        done = make(tmp_path, *goal, *settings)
        assert done.returncode == 0 and done.stdout.count("CC ") == 1, done.stdout
        assert make(tmp_path, "-q", *goal, *settings).returncode == 0
        assert make(tmp_path, *goal, *settings).stdout.count("CC ") == 0


@pytest.mark.parametrize("without", [[], ["WITHOUT=undefined"]])
def test_undefined_behaviour_is_checked_without_its_folder(tmp_path, without):
    """The checks call kernel/watch/undefined; in a build without it they trap."""
    done = make(tmp_path, *OBJECT, "SANITIZE=1", *without)
    assert done.returncode == 0, done.stdout
    code = subprocess.run(["objdump", "-dr", tmp_path / "kernel/lib/treap.c.o"], capture_output=True,
                          text=True, check=True).stdout
    assert ("__ubsan_handle_" in code, "ud2" in code) == ((False, True) if without else (True, False))


def test_a_whole_path_is_the_same_folder(tmp_path):
    """What was built by `BUILD=build/x` is not built anew by `BUILD=$PWD/build/x`: a test that did so
    changed the kernel below all others."""
    folder = ROOT / "build" / tmp_path.name
    goals = [*OBJECT, f"{folder.relative_to(ROOT)}/tests/user/polls"]
    try:
        done = make(tmp_path, f"BUILD={folder.relative_to(ROOT)}", *goals)
        assert done.returncode == 0 and done.stdout.count("CC ") == 2, done.stdout
        for more in (goals, [*OBJECT, f"{folder}/tests/user/polls"]):
            done = make(tmp_path, f"BUILD={folder}", *more)
            assert done.returncode == 0 and done.stdout.count("CC ") == 0, done.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("from_environment", [False, True])
def test_flags_from_outside_add_to_the_kernels(tmp_path, from_environment):
    """They replace the level of optimization, not what the kernel cannot do without."""
    flags = "-Og -fstack-protector-all -flto"
    arguments = [] if from_environment else [f"CFLAGS={flags}"]
    environment = {"CFLAGS": flags} if from_environment else {}
    done = make(tmp_path, "-n", *OBJECT, *arguments, **environment)
    command = next(line for line in done.stdout.split("\n") if " -c " in line).split()
    for required in ("-fno-stack-protector", "-fno-lto", "-ffreestanding", "-mno-red-zone"):
        assert command.index(required) > command.index("-flto")
    assert command.index("-Og") > command.index("-O2")


def sources_without(tmp_path, *settings):
    """The sources that make would compile, of extensions alone; and the constants WITH_*."""
    done = make(tmp_path, "-n", "objs", "DIR=", *settings)
    assert done.returncode == 0, done.stdout
    compiled = {word for line in done.stdout.split("\n") if " -c " in line
                for word in line.split()[-1:]}
    constants = {word for word in done.stdout.split() if word.startswith("-DWITH_")}
    return {s for s in compiled if s.startswith(("kernel/dev/", "kernel/linux/", "kernel/watch/"))
            or s.startswith("tests/kernel/") and s.count("/") > 2}, constants


def test_extensions_are_left_out_by_name(tmp_path):
    all_sources, all_constants = sources_without(tmp_path)
    assert "-DWITH_TRACE=1" in all_constants
    some, constants = sources_without(tmp_path, "WITHOUT=trace dev")
    assert all_sources - some == {s for s in all_sources if s.startswith(
        ("kernel/watch/trace/", "kernel/dev/", "tests/kernel/trace/", "tests/kernel/dev/"))}
    assert all_constants - constants == {"-DWITH_TRACE=1", "-DWITH_DEV=1"}
    core, constants = sources_without(tmp_path, "CORE=1")
    assert not core and all(constant.endswith("=0") for constant in constants)
    wrong = make(tmp_path, "-n", "WITHOUT=nosuch")
    assert wrong.returncode != 0 and "nosuch" in wrong.stdout and "trace" in wrong.stdout


def test_one_test_by_its_name(tmp_path):
    for name, tests in [("treap", r"test_unit\[test_treap\]"),
                        ("sched_mutex_excludes", r"test_self_tests\[\d\]"),
                        ("futexes", r"\[(.*-)?futexes\]"),
                        ("shell", r"shell"),
                        ("polls and 1cpu", r"test_on_heddle\[1cpu-e?polls\]")]:
        done = make(tmp_path, "test", f"NAME={name}", "TESTFLAGS=--collect-only")
        found = [line for line in done.stdout.split("\n") if "::" in line]
        assert done.returncode == 0 and found, done.stdout
        assert all(re.search(tests, line) for line in found), done.stdout


def test_no_test_of_that_name_is_a_failure(tmp_path):
    done = make(tmp_path, "test", "NAME=treaps")
    assert done.returncode != 0
    assert "no test is called treaps; near: treap" in done.stdout


def test_a_run_of_no_test_is_a_failure(tmp_path):
    """Nor one in which every test is skipped."""
    done = make(tmp_path, "test", "NAME=many_rounds and forktree")
    assert done.returncode != 0 and "No test ran" in done.stdout, done.stdout
    assert make(tmp_path, "test", "TESTFLAGS=-k treaps").returncode != 0


@pytest.mark.parametrize("words, answer", [
    (["lab", "NAME=mnay"], "NAME=mnay: there is no lab 'mnay'; did you mean many?"),
    (["lab", "NAME=zzzzz"], "there is no lab 'zzzzz'; there are: registers stack memory"),
    (["gdb", "LAB=swiching"], "there is no lab 'swiching'; did you mean switching?"),
    (["gdb", "TOUR=futx"], "there is no tour 'futx'; did you mean futex?"),
    (["race", "PROGRAM=no/such.c"], "PROGRAM=no/such.c: there is no such file"),
    (["trace", "LAB=concurency"], "did you mean concurrency?"),
    (["run", "BOOT=isso"], "BOOT=isso: there is no way to boot 'isso'; did you mean iso?"),
    (["run", "APPEND=nosmp selftest=mutx_excludes"], "did you mean sched_mutex_excludes?"),
    (["run", "APPEND=selftest=12345"], "docs/tests.md lists them")])
def test_a_name_that_does_not_exist_is_answered_at_once(tmp_path, words, answer):
    """Before anything is built."""
    done = make(tmp_path, *words)
    assert done.returncode != 0 and answer in done.stdout, done.stdout
    assert not any(tmp_path.rglob("*.o"))


@pytest.mark.parametrize("words", [
    ["lab", "NAME=many"], ["lab", "NAME=tour"], ["lab"], ["gdb", "LAB=drive", "TOUR=smp"], ["gdb"],
    ["run", "BOOT=direct", "APPEND=selftest=mutex it's=\"$HOME\""], ["run", "APPEND=selftest -- run x"]])
def test_names_that_exist_are_taken(tmp_path, words):
    assert make(tmp_path, "-n", *words).returncode == 0
