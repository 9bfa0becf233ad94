# SPDX-License-Identifier: MIT
"""A short sample of the host's fuzzers: the same runs each time.  With --slow, each target finds the
mistake that its head names."""
import argparse
import subprocess

import pytest

import fuzz_host

RUNS = {"boot": 200}  # a second or less; of each other target:
MOST_RUNS = 1000
# With a prefix, so that NAME=tty means the unit and NAME=fuzz_tty the fuzzer.
NAMES = [f"fuzz_{name}" for name in fuzz_host.names()]


@pytest.fixture(scope="session")
def clang(tmp_path_factory, built):  # built: syscall_numbers.h
    reason = fuzz_host.why_not(tmp_path_factory.mktemp("clang"))
    if reason:
        pytest.skip(reason)


def options(**more):
    return argparse.Namespace(**{"minutes": 1, "seed": 1, "mutant": False, **more})


@pytest.mark.parametrize("name", NAMES)
def test_sample(name, clang):
    target = name.removeprefix("fuzz_")
    lines, right = fuzz_host.judge(target, options(runs=RUNS.get(target, MOST_RUNS)))
    print("\n".join(lines))
    assert right


@pytest.mark.parametrize("name", NAMES)
def test_mutant_fits(name):
    """The mistake that the target must find can still be made."""
    fuzz_host.mutant_of(name.removeprefix("fuzz_"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_mutant_is_found(name, clang):
    lines, right = fuzz_host.judge(name.removeprefix("fuzz_"), options(mutant=True, runs=None))
    print("\n".join(lines))
    assert right


@pytest.mark.parametrize("folder", sorted((fuzz_host.HERE / "corpus").iterdir()), ids=lambda p: p.name)
def test_kept_inputs(folder, tmp_path, built):
    """What was found once is right now: with gcc, without libFuzzer."""
    name, program = folder.name, tmp_path / "replay"
    text = fuzz_host.text_of(name)
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-w", "-fsanitize=address,undefined",
                    "-fno-sanitize=alignment", "-fno-sanitize-recover=all", "-I.", f"-I{fuzz_host.BUILD}",
                    *fuzz_host.WITHOUT, *fuzz_host.directive(text, "host-flags"), "-o", program,
                    f"tests/fuzz/{name}.c", "tests/fuzz/host/replay.c",
                    *fuzz_host.directive(text, "host-sources")], cwd=fuzz_host.ROOT, check=True)
    inputs = sorted(folder.iterdir())
    done = subprocess.run([program, *inputs], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False)
    print(done.stdout[-3000:])
    assert done.returncode == 0 and len(inputs) == done.stdout.count("/corpus/")
