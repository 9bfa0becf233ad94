#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lines of code of the kernel, without comments and blank lines, room by room."""
import collections
import os
import re


def code_lines(path):
    text = open(path, encoding="utf-8").read()
    text = re.sub(r'/\*.*?\*/', lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    text = re.sub(r'//.*', '', text)
    return sum(1 for line in text.split("\n") if line.strip())


def main():
    rooms = collections.Counter()
    largest = []
    for top in ("boot", "arch", "kernel"):
        for folder, _, files in os.walk(top):
            for name in files:
                if name.endswith((".c", ".h", ".S")):
                    path = os.path.join(folder, name)
                    n = code_lines(path)
                    rooms[folder] += n
                    largest.append((n, path))
    for room, n in sorted(rooms.items()):
        print(f"{n:6} {room}")
    print(f"{sum(rooms.values()):6} in all")
    print("largest:", ", ".join(f"{p} {n}" for n, p in sorted(largest, reverse=True)[:5]))


if __name__ == "__main__":
    main()
