#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux, in the same emulator and with the same programs: the oracle and the rival.

    tools/linux.py fetch                   get a kernel, print its path
    tools/linux.py [-w 'WORDS'] run CMD...  boot it, run one command on its console, power off;
                                           the status is the command's

The kernel is the distribution's own, from its own package, unpacked under $BUILD/linux without
being installed; LINUX=/path/to/vmlinuz takes another.  The RAM file system is ours, with a small
archive appended: Linux wants a /dev/console there, and somebody who mounts /dev and /proc.
Settings, as for `make run`: BUILD CPUS MEM ACCEL QEMU INITRD.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time


def setting(name, default):
    """From the environment; make exports empty what nobody set."""
    return os.environ.get(name) or default


ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / setting("BUILD", "build")
# On TCG no hardware leaks, so the mitigations would only cost.  Its CPUs have one TSC that Linux does
# not trust by itself; reading the HPET instead would cost it a device access for each look at the
# clock, which says nothing about the kernel.
WORDS = "quiet mitigations=off tsc=reliable"

# TCG announces fast string instructions, whose bytes it then moves one by one: eight times as slow as
# by words.  Linux believes it, so neither kernel is told.
CPU = "max,-erms,-fsrm"

# Process 1 on Linux: what Heddle's kernel does before it starts init, then the command.
WRAPPER = """#!/bin/busybox sh
busybox mount -t devtmpfs dev /dev
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t tracefs tracefs /sys/kernel/tracing
exec </dev/console >/dev/console 2>&1
busybox mkdir -p /dev/shm /dev/pts /tmp
busybox mount -t tmpfs shm /dev/shm
busybox mount -t devpts -o ptmxmode=666 pts /dev/pts
busybox ln -s /proc/self/fd /dev/fd
for i in 0:stdin 1:stdout 2:stderr; do busybox ln -s /proc/self/fd/${i%:*} /dev/${i#*:}; done
export HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin:/tests TERM=linux SHELL=/bin/sh USER=root
cd /root
echo "linux: begin"
# A session with the console as its terminal, as our init gives.
busybox setsid -c "$@"
echo "linux: end $?"
busybox poweroff -f
"""


class Missing(Exception):
    """Linux cannot be had here; the text says why."""


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One entry of a newc archive (Linux: Documentation/driver-api/early-userspace/buffer-format)."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + path
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def initramfs(base):
    """Our archive and what Linux wants more, in one file."""
    out = BUILD / "linux" / pathlib.Path(base).name
    out.parent.mkdir(parents=True, exist_ok=True)
    extra = (cpio_entry("dev", 0o40755) + cpio_entry("proc", 0o40755) +
             cpio_entry("sys", 0o40755) +
             cpio_entry("dev/console", 0o20600, device=(5, 1)) +
             cpio_entry("linux-init", 0o100755, WRAPPER.encode()) +
             cpio_entry("TRAILER!!!", 0))
    parts = [pathlib.Path(base).read_bytes()]
    if os.environ.get("INITRD"):
        parts.append(pathlib.Path(os.environ["INITRD"]).read_bytes())
    out.write_bytes(b"".join(part + b"\0" * (-len(part) % 4) for part in parts) + extra)
    return out


def call(*command, cwd=None):
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{command[0]}: {error}") from None
    if done.returncode:
        raise Missing(f"`{shlex.join(command)}` failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def fetch_apt(folder):
    """Debian and what comes from it: the package that the meta-package names."""
    for meta in ("linux-image-cloud-amd64", "linux-image-amd64", "linux-image-virtual",
                 "linux-image-generic"):
        try:
            names = re.findall(r"Depends: (linux-image-\d\S*)", call("apt-cache", "depends", meta))
        except Missing:
            continue
        if names:
            break
    else:
        raise Missing("apt knows no Linux kernel (run `apt-get update`?)")
    call("apt-get", "download", names[0], cwd=folder)
    package = next(iter(folder.glob("linux-image-*.deb")))
    call("dpkg", "-x", str(package), str(folder))
    package.unlink()


def fetch_dnf(folder):
    call("dnf", "download", "--forcearch=x86_64", "kernel-core", cwd=folder)
    package = next(iter(folder.glob("kernel-core-*.rpm")))
    call("sh", "-c", f"rpm2cpio {shlex.quote(package.name)} | cpio -idm --quiet", cwd=folder)
    package.unlink()


def fetch_apk(folder):
    call("apk", "fetch", "--arch", "x86_64", "linux-virt", cwd=folder)
    package = next(iter(folder.glob("linux-virt-*.apk")))
    call("tar", "-xzf", package.name, cwd=folder)
    package.unlink()


def found(folder):
    kernels = sorted([*folder.glob("boot/vmlinuz*"), *folder.glob("lib/modules/*/vmlinuz")])
    return kernels[-1] if kernels else None


def kernel():
    """The path of a Linux kernel; fetched at the first call."""
    given = os.environ.get("LINUX")
    if given:
        if not os.access(given, os.R_OK):
            raise Missing(f"LINUX={given} cannot be read")
        return pathlib.Path(given)
    folder = BUILD / "linux"
    if found(folder):
        return found(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("apt-get") and shutil.which("dpkg"):
        fetch_apt(folder)
    elif shutil.which("dnf"):
        fetch_dnf(folder)
    elif shutil.which("apk"):
        fetch_apk(folder)
    if not found(folder):
        raise Missing("no way known here to get a kernel package; give one by LINUX=/path/to/vmlinuz")
    return found(folder)


def quote(arguments):
    """Words on a kernel's command line: spaces want double quotes, there are no others."""
    return " ".join(f'"{a}"' if re.search(r"\s", a) else a for a in arguments)


def machine(cpus=None, mem=None, accel=None, extra=()):
    """QEMU with the options that both kernels get."""
    accel = accel or setting("ACCEL", "tcg")
    if accel == "kvm":
        accel = ["kvm", "-cpu", "host"]
    else:
        accel = [{"tcg": "tcg,thread=multi", "icount": "tcg,thread=single"}.get(accel, accel),
                 "-cpu", CPU]
    return [setting("QEMU", "qemu-system-x86_64"), "-accel", *accel,
            "-M", "pc", "-m", mem or setting("MEM", "512M"),
            "-smp", str(cpus or setting("CPUS", 2)), "-display", "none", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-monitor", "none",
            "-serial", "stdio", *extra]


def command(arguments, words=WORDS, base=None, **options):
    """The QEMU command line that runs `arguments` on Linux, with our archive or that of `base`."""
    return [*machine(**options), "-kernel", str(kernel()),
            "-initrd", str(initramfs(base or BUILD / "initramfs.cpio")), "-append",
            f"console=ttyS0 {words} rdinit=/linux-init -- {quote(arguments)}"]


def lines(qemu, timeout):
    """What the machine prints, line by line, until it ends or the time is over.

    Yields None in the end if it was the time.  The machine is killed when the caller stops."""
    with subprocess.Popen(qemu, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        os.set_blocking(process.stdout.fileno(), False)
        end, text = time.monotonic() + timeout, b""
        try:
            while time.monotonic() < end:
                data = process.stdout.read()
                if data == b"":
                    break
                if data is None:
                    time.sleep(0.05)
                    continue
                *whole, text = (text + data).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8", "replace").rstrip("\r")
            else:
                yield None
        finally:
            process.kill()


def run(arguments, words=WORDS, timeout=600, **options):
    """Run a command on Linux; its output goes by, its status is returned."""
    speaking = False
    for line in lines(command(arguments, words, **options), timeout):
        if line is None:
            print("linux: no end in sight", file=sys.stderr)
            return 124
        end = re.search(r"linux: end (\d+)", line)
        if end:
            return int(end.group(1))
        if speaking:
            print(line, flush=True)
        speaking = speaking or "linux: begin" in line
    print("linux: the machine ended by itself", file=sys.stderr)
    return 125


def main():
    parser = argparse.ArgumentParser(description="Linux in the same emulator")
    parser.add_argument("-w", "--words", default=WORDS, help="words for Linux's command line")
    parser.add_argument("-t", "--timeout", type=int, default=600, help="seconds")
    parser.add_argument("action", choices=["fetch", "run"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        if options.action == "fetch":
            print(kernel())
            return 0
        return run(options.arguments, options.words, options.timeout)
    except Missing as error:
        print(f"linux: {error}", file=sys.stderr)
        return 126


if __name__ == "__main__":
    sys.exit(main())
