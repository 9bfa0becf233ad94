#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the partition of the stick that takes the kernel's log: a FAT volume with one file, HEDDLE.LOG.

usage: mklog.py volume.img

The kernel (kernel/dev/usb/log_file.c) finds the volume by its serial number and writes nothing but
the blocks of that file, each of which it knows by its first line.  So the file has a fixed size, and
its clusters are one behind the other.  A cluster is a block.
The output depends on nothing: no time, no random number.
"""
import struct
import sys

SECTOR, BLOCK = 512, 4096
VOLUME_SECTORS, BLOCKS = 2048, 64
RESERVED, FAT_SECTORS, ROOT_ENTRIES = 2, 1, 64     # the data begins at sector 8
FIRST_CLUSTER = 2
SERIAL = 0x4C444548                                # "HEDL"
LABEL, NAME = b"HEDDLE LOG ", b"HEDDLE  LOG"
NOTHING_YET = b"No log has been saved yet. In Heddle, type savelog or poweroff.\n"
DATE = (2026 - 1980) << 9 | 1 << 5 | 1


def head(number):
    return b"-- HEDDLE.LOG, block %02d of %d --\n" % (number + 1, BLOCKS)


def block(number, text=b""):
    """A block of the file: its first line, text, spaces, and the end of the last line."""
    return (head(number) + text).ljust(BLOCK - 1) + b"\n"


def boot_sector():
    """The BIOS parameter block of FAT12 (Microsoft's FAT specification 1.03, page 9)."""
    fields = struct.pack("<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"HEDDLE  ", SECTOR, BLOCK // SECTOR, RESERVED, 2,
                         ROOT_ENTRIES, VOLUME_SECTORS, 0xF8, FAT_SECTORS, 63, 255, 0, 0)
    fields += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, SERIAL, LABEL, b"FAT12   ")
    return fields.ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def table():
    """The chain of the file's clusters, 12 bits each."""
    entries = [0xFF8, 0xFFF] + [FIRST_CLUSTER + n + 1 for n in range(BLOCKS - 1)] + [0xFFF]
    number = sum(entry << 12 * n for n, entry in enumerate(entries))
    return number.to_bytes(FAT_SECTORS * SECTOR, "little")


def directory():
    entry = "<11sB10xHHHI"
    return struct.pack(entry, LABEL, 0x08, 0, DATE, 0, 0) + \
        struct.pack(entry, NAME, 0x20, 0, DATE, FIRST_CLUSTER, BLOCKS * BLOCK)


def volume():
    start = boot_sector().ljust(RESERVED * SECTOR, b"\0") + table() * 2 + \
        directory().ljust(ROOT_ENTRIES * 32, b"\0")
    blocks = block(0, NOTHING_YET) + b"".join(block(n) for n in range(1, BLOCKS))
    return (start + blocks).ljust(VOLUME_SECTORS * SECTOR, b"\0")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: mklog.py volume.img")
    with open(sys.argv[1], "wb") as out:
        out.write(volume())
