#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the image to a USB stick: `make usb DEV=/dev/sdX`; without DEV, list the sticks.

    tools/usb.py IMAGE [DEVICE] [--yes]

It refuses a disk that is not removable, that is mounted or in use, or that is too small.  It says what
will be lost and asks for the name of the device.  Then it writes, reads everything back and compares.
Linux only; docs/hardware.md says how to do it on macOS and Windows.
"""
import argparse
import os
import pathlib
import re
import stat
import sys

SYS = pathlib.Path(os.environ.get("USB_SYS", "/sys"))        # the tests have one of their own
PROC = pathlib.Path(os.environ.get("USB_PROC", "/proc"))
PIECE = 1 << 20


class Refused(Exception):
    """The text says why."""


def word(path, default=""):
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return default


class Disk:
    """A whole disk, by its name in /sys/block."""

    def __init__(self, name):
        self.name, self.sys = name, SYS / "block" / name
        self.bytes = int(word(self.sys / "size", "0")) * 512
        self.removable = word(self.sys / "removable") == "1"
        self.on_usb = "/usb" in os.path.realpath(self.sys)
        self.read_only = word(self.sys / "ro") == "1"
        self.what = " ".join(filter(None, (word(self.sys / "device/vendor"),
                                           word(self.sys / "device/model")))) or "unknown maker"

    def parts(self):
        """The disk's own name and those of its partitions."""
        return [self.name, *sorted(p.name for p in self.sys.glob(f"{self.name}*") if p.is_dir())]

    def uses(self):
        """What uses the disk now, in words."""
        parts, found = self.parts(), []
        for line in word(PROC / "self/mounts").split("\n"):
            fields = line.split()
            if len(fields) > 1 and os.path.realpath(fields[0]).rpartition("/")[2] in parts:
                found.append(f"{fields[0]} is mounted at {fields[1]}")
        for line in word(PROC / "swaps").split("\n")[1:]:
            fields = line.split()
            if fields and os.path.realpath(fields[0]).rpartition("/")[2] in parts:
                found.append(f"{fields[0]} is swap space")
        for part in parts:      # LUKS, LVM, RAID
            base = self.sys if part == self.name else self.sys / part
            found += [f"{part} is part of {p.name}" for p in sorted((base / "holders").glob("*"))]
        return found

    def text(self):
        return f"/dev/{self.name}: {self.what}, {self.bytes / 1e9:.1f} GB, " + (
            f"{len(self.parts()) - 1} partitions" if len(self.parts()) > 1 else "no partitions")


def sticks():
    disks = [Disk(p.name) for p in sorted((SYS / "block").glob("*"))]
    return [d for d in disks if d.bytes and d.removable and not re.match(r"sr|fd|loop|ram|zram", d.name)]


def checked(device, size):
    """The Disk behind a device, if it may be overwritten."""
    name = os.path.realpath(device).rpartition("/")[2]
    if not (SYS / "block" / name).is_dir():
        whole = next((p.parent.name for p in (SYS / "block").glob(f"*/{name}") if p.is_dir()), None)
        raise Refused(f"{device} is a partition; the stick is DEV=/dev/{whole}" if whole
                      else f"{device} is not a disk")
    disk = Disk(name)
    if not disk.removable:
        raise Refused(f"{disk.text()}\nis not a removable disk, so it is not touched. If it is a stick that says "
                      "so by mistake,\nwrite the image with dd (docs/hardware.md)")
    if disk.uses():
        raise Refused(f"{device} is in use: " + "; ".join(disk.uses()) + ". Unmount it first")
    if disk.read_only:
        raise Refused(f"{device} is write-protected")
    if disk.bytes < size:
        raise Refused(f"{device} has {disk.bytes / 1e6:.1f} MB, the image {size / 1e6:.1f} MB")
    return disk


def progress(what, done, size):
    if sys.stderr.isatty():
        print(f"\r{what}: {100 * done // size} %   ", end="" if done < size else "\n", file=sys.stderr, flush=True)


def write(image, device, size):
    # O_EXCL on a disk: the kernel refuses if anything on it is mounted meanwhile (open(2)).
    out = os.open(device, os.O_WRONLY | (os.O_EXCL if stat.S_ISBLK(os.stat(device).st_mode) else 0))
    try:
        with open(image, "rb") as source:
            done = 0
            while piece := source.read(PIECE):
                view = memoryview(piece)
                while view:
                    view = view[os.write(out, view):]
                done += len(piece)
                os.fsync(out)           # or the progress would be that of a cache
                progress("writing", done, size)
    finally:
        os.close(out)


def compare(image, device, size):
    with open(image, "rb") as wanted, open(device, "rb", buffering=0) as found:
        # What is read must come from the stick, not from the cache of what was written.
        os.posix_fadvise(found.fileno(), 0, size, os.POSIX_FADV_DONTNEED)
        done = 0
        while piece := wanted.read(PIECE):
            back = b""
            while len(back) < len(piece):
                more = found.read(len(piece) - len(back))
                if not more:
                    break
                back += more
            if back != piece:
                at = done + next((i for i, (a, b) in enumerate(zip(back, piece)) if a != b), len(back))
                raise Refused(f"what was read back differs at byte {at}: the stick is broken, or was pulled out")
            done += len(piece)
            progress("reading back", done, size)


def main():
    parser = argparse.ArgumentParser(description="write the image to a USB stick")
    parser.add_argument("image")
    parser.add_argument("device", nargs="?")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    if not options.device:
        print("Which one?  make usb DEV=/dev/sdX" if sticks() else "No USB stick is plugged in.")
        for disk in sticks():
            print("  " + disk.text() + "".join(f"\n    {use}" for use in disk.uses()))
        return 2
    try:
        size = os.stat(options.image).st_size
        disk = checked(options.device, size)
        print(f"{disk.text()}\nEverything on it will be lost.")
        if not options.yes:
            if not sys.stdin.isatty():
                raise Refused("not written: nobody is here to ask (--yes does not ask)")
            if input(f"To go on, type {disk.name}: ").strip() != disk.name:
                raise Refused("not written")
        write(options.image, options.device, size)
        compare(options.image, options.device, size)
    except Refused as why:
        print(f"usb: {why}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"usb: {options.device}: {error.strerror}"
              + (" (make usb wants root: sudo make usb DEV=...)" if error.errno == 13 else ""), file=sys.stderr)
        return 1
    print(f"{size / 1e6:.1f} MB written and read back. Pull the stick out, and boot a PC from it: docs/hardware.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
