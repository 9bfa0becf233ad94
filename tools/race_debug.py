# SPDX-License-Identifier: MIT
"""Names for addresses of a static program, from its debug information (DWARF, as binutils' readelf and
addr2line print it): the line of an instruction, and which variable, member or element an address is."""
import re
import shutil
import subprocess

DIE = re.compile(r" <(\w+)><(\w+)>: Abbrev Number: \d+ \((\w+)\)")
ATTRIBUTE = re.compile(r"    <\w+>\s+(DW_AT_\w+)\s*: (.*)")
POINTER = "DW_TAG_pointer_type"
PASS_THROUGH = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type",
                "DW_TAG_atomic_type", "DW_TAG_restrict_type")


def tool(name):
    return next(filter(shutil.which, (name, f"x86_64-elf-{name}", f"llvm-{name}")), name)


def call(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          errors="replace").stdout


class Entry:
    """One debugging information entry."""

    def __init__(self, tag, parent):
        self.tag, self.parent, self.attributes, self.children = tag, parent, {}, []

    def text(self, name):
        """A string, without readelf's note on where it is stored."""
        value = self.attributes.get(name, "").strip()
        return re.sub(r"^\(indirect[^)]*\): ", "", value)

    def number(self, name, default=None):
        match = re.match(r"(0x)?([0-9a-f]+)", self.attributes.get(name, ""))
        if not match:
            return default
        return int(match.group(2), 16 if match.group(1) else 10)


def entries_of(text, sources):
    """({offset: entry}, units) of the compilation units whose name is one of `sources`."""
    by_offset, units, path, entry, wanted = {}, [], [], None, False
    for line in text.splitlines():
        if match := DIE.match(line):
            depth = int(match.group(1), 16)
            del path[depth:]
            entry = Entry(match.group(3), path[-1] if path else None)
            if depth == 0:
                units.append(entry)
            elif path:
                path[-1].children.append(entry)
            path.append(entry)
            by_offset[int(match.group(2), 16)] = entry
        elif entry and (match := ATTRIBUTE.match(line)):
            entry.attributes[match.group(1)] = match.group(2)
    units = [u for u in units if u.text("DW_AT_name") in sources]
    return by_offset, units


class Program:
    def __init__(self, path, sources):
        self.path = path
        text = call(tool("readelf"), "--debug-dump=info", str(path))
        self.entries, self.units = entries_of(text, {str(s) for s in sources})
        self.globals, self.functions, self.structs = [], [], []
        for unit in self.units:
            self.collect(unit)
        self.lines, self.text = {}, {}

    def collect(self, entry):
        for child in entry.children:
            if child.tag == "DW_TAG_variable":
                address = re.search(r"DW_OP_addr: (\w+)", child.attributes.get("DW_AT_location", ""))
                if address:
                    self.globals.append((int(address.group(1), 16), child))
            elif child.tag == "DW_TAG_subprogram":
                low = child.number("DW_AT_low_pc")
                if low is not None:
                    self.functions.append((low, low + child.number("DW_AT_high_pc", 0), child))
            elif child.tag == "DW_TAG_structure_type" and child.number("DW_AT_byte_size"):
                self.structs.append(child)
            self.collect(child)

    # --- Lines ---

    def look_up(self, addresses):
        """Ask for all at once; place() answers from what was found."""
        wanted = sorted(set(addresses) - set(self.lines))
        for at in range(0, len(wanted), 1000):
            part = wanted[at:at + 1000]
            answer = call(tool("addr2line"), "-f", "-e", str(self.path), *map(hex, part)).split("\n")
            for i, address in enumerate(part):
                file, _, line = answer[2 * i + 1].rpartition(":")
                number = re.match(r"\d+", line)
                self.lines[address] = (answer[2 * i], file, int(number.group()) if number else 0)

    def place(self, address):
        """(function, file, line number)."""
        if address not in self.lines:
            self.look_up([address])
        return self.lines[address]

    def source(self, address):
        _, file, line = self.place(address)
        if file not in self.text:
            try:
                with open(file, encoding="utf-8", errors="replace") as f:
                    self.text[file] = f.read().split("\n")
            except OSError:
                self.text[file] = []
        lines = self.text[file]
        return " ".join(lines[line - 1].split()) if 0 < line <= len(lines) else ""

    # --- Types ---

    def type_of(self, entry):
        """The type of a variable, member or pointer, without const and names for it; None: void."""
        while entry is not None:
            match = re.match(r"<0x(\w+)>", entry.attributes.get("DW_AT_type", ""))
            entry = self.entries.get(int(match.group(1), 16)) if match else None
            if entry is None or entry.tag not in PASS_THROUGH:
                return entry
        return None

    def size(self, kind):
        if kind is None:
            return 0
        if kind.tag == "DW_TAG_array_type":
            return self.size(self.type_of(kind)) * self.elements(kind)[0]
        return kind.number("DW_AT_byte_size", 0)

    def elements(self, kind):
        """(all elements, those of one row) of an array."""
        counts = []
        for child in kind.children:
            if child.tag == "DW_TAG_subrange_type":
                last = child.number("DW_AT_upper_bound")
                counts.append(child.number("DW_AT_count", 0 if last is None else last + 1))
        total = 1
        for n in counts:
            total *= n
        row = total // counts[0] if counts and counts[0] else 1
        return total, row

    def part(self, name, kind, offset):
        """(expression, type) of what lies `offset` bytes into a variable."""
        while kind is not None:
            if kind.tag == "DW_TAG_array_type":
                element = self.type_of(kind)
                size = self.size(element)
                if not size:
                    break
                row = self.elements(kind)[1]
                index, offset = divmod(offset, size)
                name += f"[{index}]" if row == 1 else f"[{index // row}][{index % row}]"
                kind = element
            elif kind.tag == "DW_TAG_structure_type":
                found = [m for m in kind.children if m.tag == "DW_TAG_member" and
                         0 <= offset - m.number("DW_AT_data_member_location", 0)
                         < self.size(self.type_of(m))]
                if not found:
                    break
                name += ("." if found[0].text("DW_AT_name") else "") + found[0].text("DW_AT_name")
                offset -= found[0].number("DW_AT_data_member_location", 0)
                kind = self.type_of(found[0])
            else:
                break
        return (f"{name}+{offset}" if offset else name), kind

    # --- Variables ---

    def global_at(self, address):
        """(expression, type), or None."""
        for start, entry in self.globals:
            kind = self.type_of(entry)
            if start <= address < start + max(self.size(kind), 1):
                return self.part(entry.text("DW_AT_name"), kind, address - start)
        return None

    def variable_at(self, address):
        """The same for a variable that is no array and begins there."""
        for start, entry in self.globals:
            kind = self.type_of(entry)
            if start == address and kind is not None and kind.tag != "DW_TAG_array_type":
                return entry.text("DW_AT_name"), kind
        return None

    def function_at(self, pc):
        return next((f for low, high, f in self.functions if low <= pc < high), None)

    def locals_of(self, entry):
        for child in entry.children:
            if child.tag in ("DW_TAG_variable", "DW_TAG_formal_parameter"):
                yield child
            elif child.tag == "DW_TAG_lexical_block":
                yield from self.locals_of(child)

    def local_at(self, pc, offset):
        """What lies at an offset from the CFA of the function that contains pc, or None."""
        function = self.function_at(pc)
        if function is None:
            return None
        base = 0 if "call_frame_cfa" in function.attributes.get("DW_AT_frame_base", "") else -16
        for entry in self.locals_of(function):
            match = re.search(r"DW_OP_fbreg: (-?\d+)", entry.attributes.get("DW_AT_location", ""))
            if not match:
                continue
            start, kind = int(match.group(1)) + base, self.type_of(entry)
            if start <= offset < start + max(self.size(kind), 1):
                return self.part(entry.text("DW_AT_name"), kind, offset - start)
        return None

    def struct_of_size(self, size):
        """The only structure of this size in the program, or None."""
        found = {s.text("DW_AT_name"): s for s in self.structs
                 if s.number("DW_AT_byte_size") == size and s.text("DW_AT_name")}
        return next(iter(found.values())) if len(found) == 1 else None
