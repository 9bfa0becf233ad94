#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The smallest Linux that runs the same programs: the rival of `make bench BENCHFLAGS="-i --small"`.

    tools/linux_small.py        build it if it is not there, and print its path

The source is the distribution's package linux-source-6.1; the configuration is `make tinyconfig` with
linux_small.config.  It takes about five minutes and 1.5 GiB under $BUILD/linux/small.
"""
import os
import pathlib
import subprocess
import sys

import linux

SOURCE = pathlib.Path("/usr/src/linux-source-6.1.tar.xz")
CONFIG = pathlib.Path(__file__).with_suffix(".config")
PACKAGES = "linux-source-6.1 flex bison bc libelf-dev"


def step(words, *command, cwd):
    print(f"linux_small: {words}", file=sys.stderr, flush=True)
    with open(cwd / "build.log", "ab") as log:
        try:
            status = subprocess.run(command, cwd=cwd, stdout=log, stderr=log, check=False).returncode
        except OSError as error:
            raise linux.Missing(f"{command[0]}: {error}") from None
    if status:
        raise linux.Missing(f"`{' '.join(command)}` failed (status {status}); see {cwd}/build.log")


def kernel():
    """The path of the kernel; built at the first call.  linux.Missing: it cannot be built here."""
    folder = linux.BUILD / "linux/small"
    image = folder / "vmlinuz-small"
    if image.exists() and image.stat().st_mtime > CONFIG.stat().st_mtime:
        return image
    if not SOURCE.exists():
        raise linux.Missing(f"{SOURCE} is not there: apt-get install {PACKAGES}")
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    if not (source / "Makefile").exists():
        step("unpacking the source", "tar", "-xf", str(SOURCE), "--strip-components=1", cwd=source)
    step("configuring", "make", "tinyconfig", cwd=source)
    step("configuring", "scripts/kconfig/merge_config.sh", "-m", ".config", str(CONFIG), cwd=source)
    step("configuring", "make", "olddefconfig", cwd=source)
    step("building (about five minutes)", "make", f"-j{os.cpu_count()}", "bzImage", cwd=source)
    image.write_bytes((source / "arch/x86/boot/bzImage").read_bytes())
    return image


if __name__ == "__main__":
    try:
        print(kernel())
    except linux.Missing as reason:
        sys.exit(f"linux_small: {reason}")
