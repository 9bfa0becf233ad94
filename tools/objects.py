# SPDX-License-Identifier: MIT
"""What an object file defines, what it refers to, and from which of its functions."""
import struct

SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_SYMTAB_SHNDX = 2, 4, 8, 18
SHF_WRITE, SHF_ALLOC = 1, 2
STB_LOCAL, STB_WEAK = 0, 2
STT_OBJECT, STT_SECTION, STT_FILE = 1, 3, 4


class Symbol:
    def __init__(self, name, info, section, value, size):
        self.name, self.section, self.value, self.size = name, section, value, size
        self.kind, binding = info & 15, info >> 4
        self.local, self.weak = binding == STB_LOCAL, binding == STB_WEAK


class Section:
    def __init__(self, name, flags, size):
        self.name, self.size = name, size
        self.allocated, self.writable = bool(flags & SHF_ALLOC), bool(flags & SHF_WRITE)


class Object:
    """`symbols`: all with a name.  `references`: (name of the function or variable that refers,
    symbol referred to), for each relocation in a section that is loaded, if the symbol is not
    local to the file."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit ELF file")
        table, = struct.unpack_from("<Q", self.data, 40)
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        self.headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, table + i * size)
                        for i in range(count)]
        self.sections = [Section(self.string(names, h[0]), h[2], h[5]) for h in self.headers]
        symtab = next((h for h in self.headers if h[1] == SHT_SYMTAB), None)
        numbered = list(self.read_symbols(symtab)) if symtab else []
        self.symbols = [s for s in numbered if s.name]
        self.references = sorted(set(self.read_references(numbered)))

    def string(self, table, offset):
        start = self.headers[table][4] + offset
        return self.data[start:self.data.index(b"\0", start)].decode()

    def read_symbols(self, header):
        for at in range(header[4], header[4] + header[5], 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
            # Section 0: defined elsewhere.  From 0xff00 on: absolute values and the like.
            where = self.sections[section] if 0 < section < 0xff00 else None
            known = info & 15 not in (STT_SECTION, STT_FILE) and section < 0xff00
            yield Symbol(self.string(header[6], name) if known else "", info, where, value, size)

    def read_references(self, numbered):
        defined = sorted((s for s in self.symbols if s.section and s.size),
                         key=lambda s: s.value)
        for header in self.headers:
            section = self.sections[header[7]] if header[1] == SHT_RELA else None
            if not section or not section.allocated:
                continue
            inside = [s for s in defined if s.section is section]
            for at in range(header[4], header[4] + header[5], 24):
                offset, info, _ = struct.unpack_from("<QQq", self.data, at)
                symbol = numbered[info >> 32]
                if symbol.name and not symbol.local:
                    holder = next((s.name for s in inside
                                   if s.value <= offset < s.value + s.size), section.name)
                    yield holder, symbol.name
