# SPDX-License-Identifier: MIT
"""Of a program's file what gdb is not asked for: its functions, by name and by address."""
import bisect
import functools
import struct


class Program:
    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit ELF file")
        self.path = path
        self.type, = struct.unpack_from("<H", data, 16)
        self.entry, phoff, shoff = struct.unpack_from("<QQQ", data, 24)
        phsize, phnum, shsize, shnum, names = struct.unpack_from("<HHHHH", data, 54)
        self.code_start = self.low = None
        for i in range(phnum):
            kind, flags, _, address = struct.unpack_from("<IIQQ", data, phoff + i * phsize)
            if kind == 1:
                self.low = address if self.low is None else min(self.low, address)
                if flags & 1 and self.code_start is None:
                    self.code_start = address
        sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shsize)
                    for i in range(shnum)]
        self.functions, self.by_name = [], {}
        for s in sections:
            if s[1] != 2:  # SHT_SYMTAB
                continue
            strings = sections[s[6]]
            for at in range(s[4], s[4] + s[5], 24):
                name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", data, at)
                if info & 15 not in (0, 2) or not index or not value:  # NOTYPE in assembly
                    continue
                start = strings[4] + name
                word = data[start:data.index(b"\0", start)].decode()
                if info & 15 == 2:
                    self.functions.append((value, value + size, word))
                    self.by_name.setdefault(word, value)
        self.functions.sort()
        # Assembly may not say a function's size: to the next one, then.
        for i, (start, end, word) in enumerate(self.functions):
            if start == end:
                after = [f[0] for f in self.functions[i + 1:i + 4] if f[0] > start]
                self.functions[i] = start, after[0] if after else start + 16, word
        self.starts = [f[0] for f in self.functions]

    @property
    def is_pie(self):
        return self.type == 3

    def function_at(self, address):
        """(start, end, name) of the function there, or None."""
        i = bisect.bisect_right(self.starts, address) - 1
        # Aliases share a start.
        while i >= 0:
            start, end, name = self.functions[i]
            if start <= address < end:
                return start, end, name
            if address - start > 1 << 16:
                break
            i -= 1
        return None


@functools.lru_cache(maxsize=64)
def _program(path, changed):
    return Program(path)


def program(path):
    import os
    return _program(path, os.stat(path).st_mtime_ns)
