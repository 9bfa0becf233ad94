# SPDX-License-Identifier: MIT
"""The inputs that the fuzz targets begin with: small, valid, and of each kind that a target knows."""
import struct


def _cpio_entry(name, mode, data=b"", nlink=1):
    fields = [1, mode, 0, 0, nlink, 1234, len(data), 8, 1, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % n for n in fields) + name + b"\0"
    return head.ljust((len(head) + 3) // 4 * 4, b"\0") + data.ljust((len(data) + 3) // 4 * 4, b"\0")


def cpio():
    one = _cpio_entry(b"dir", 0o40755) + _cpio_entry(b"dir/a", 0o100644, b"hello") + \
        _cpio_entry(b"link", 0o120777, b"dir/a")
    end = _cpio_entry(b"TRAILER!!!", 0)
    return [one + end, end, one + end + bytes(64) + one + end, one]


def cmdline():
    return [b"console=ttyS0 quiet n=0x20 -- -c x", b'a="b c" "d=e f" g="--" -- run -c "a  b" x"y z"',
            b"console=tty0 console=ttyS0 init=/bin/sh", b"-- \"\" --", b"a= --"]


def aml():
    s5 = b"\x08_S5_\x12\x06\x04\x00\x00\x00\x00"
    ged = b"\rACPI0013\0\x89\x06\x00\x01\x01\x09\0\0\0\x5b\x80EREG\x00\x0c\0\0\xe0\xfe"
    unit = struct.pack("<HHBBHQ", 0, 16, 1, 0, 0, 0xFED90000)
    ivhd = struct.pack("<BBHHHQ", 0x10, 0, 24, 2, 0x40, 0xFEB80000) + bytes(8)
    return [s5, b"\x08\\" + s5[1:], b"\x08_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00", ged,
            b"\x08_HID\x0c\x41\xd0\x03\x03", b"\x08_HID\x0dPNP030B", bytes(48) + unit * 3,
            bytes(48) + ivhd * 2 + b"x"]


def vt():
    texts = [b"hello\r\nworld\tx\b\b", b"\33[2J\33[3;4H\33[1;31mred\33[0m\33[K", b"\33[2;4r\33D\33M\33E\n\n\n",
             b"\33[?1049h\33[4h\33[3@\33[2P\33[?1049l", b"\33[38;5;200m\33[48;2;1;2;3m\33[7mx\33[L\33[M",
             b"\33[6n\33[c\33[5n\33(0qqq\33(B\33]0;title\7", "äöü€😀".encode() + b"\xff\xc3(", b"\33H\33[g\t\33[3g\33c"]
    return [bytes((20, 6, 4)) + bytes((len(text),)) + text + b"\xff\xfe\x02ab" for text in texts]


def _tag(kind, body):
    tag = struct.pack("<II", kind, 8 + len(body)) + body
    return tag.ljust((len(tag) + 7) // 8 * 8, b"\0")


def boot():
    entries = b"".join(struct.pack("<QQII", base, length, kind, 0) for base, length, kind in
                       ((0, 0x9FC00, 1), (0x9FC00, 0x400, 2), (0x100000, 0x7F00000, 1), (0x8000000, 0x1000, 3)))
    multiboot2 = _tag(1, b"console=ttyS0\0") + _tag(3, struct.pack("<II", 0x200000, 0x300000) + b"initrd\0") + \
        _tag(6, struct.pack("<II", 24, 0) + entries) + _tag(14, b"RSD PTR " + bytes(12)) + _tag(0, b"")
    pvh = bytes((1, 1, 2, 0)) + (0x200000).to_bytes(5, "little") + (0x100000).to_bytes(3, "little") + \
        b"".join(base.to_bytes(6, "little") + length.to_bytes(6, "little") + bytes((kind,))
                 for base, length, kind in ((0, 0x9FC00, 1), (0x100000, 0x7F00000, 1))) + b"a=1 -- x"

    def row(count, times, kind, base, stride, length):
        return bytes((count, times, kind)) + (base >> 8).to_bytes(4, "little") + \
            (stride >> 4).to_bytes(3, "little") + (length >> 4).to_bytes(3, "little")
    usable = row(1, 0, 1, 0x100000, 0, 0x8000000)
    long = row(1, 0, 1, 0, 0, 0x9F000) + usable + row(255, 2, 2, 0x1001000, 0x4000, 0x1000)
    return [b"\0" + multiboot2, pvh, b"\2" + usable, b"\2" + long, b"\2" + row(1, 0, 0, 0x300000, 0, 0x10000) + usable]


def acpi():
    madt = struct.pack("<II", 0xFEE00000, 1) + bytes((0, 8, 0, 0)) + struct.pack("<I", 1) + \
        bytes((0, 8, 1, 1)) + struct.pack("<I", 1) + bytes((1, 12, 0, 0)) + struct.pack("<II", 0xFEC00000, 0) + \
        bytes((2, 10, 0, 9)) + struct.pack("<IH", 9, 13) + bytes((9, 16, 0, 0)) + struct.pack("<III", 300, 1, 2) + \
        bytes((5, 12, 0, 0)) + struct.pack("<Q", 0xFEE00000)
    hpet = struct.pack("<IBBBBQBHB", 1, 0, 64, 0, 0, 0xFED00000, 0, 0, 0)
    dsdt = b"\x08_S5_\x12\x06\x04\x05\x05\x00\x00"
    fadt = bytes(10) + struct.pack("<H", 9) + bytes(220)

    def table(kind, body):
        return bytes((kind, len(body))) + body
    tables = table(4, dsdt) + table(1, fadt) + table(0, madt) + table(2, hpet) + table(3, b"\x08_HID\x0dPNP030B")
    return [bytes((1, how)) + tables for how in (0, 3, 0x13, 0x43, 0x55)]


def _elf(kind, headers, bytes_after=b"", entry=0x401000):
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", kind, 62, 1, entry, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    return head + b"".join(struct.pack("<IIQQQQQQ", *h) for h in headers) + bytes_after


def elf():
    def load(flags, offset, address, size, memory, align=0x1000):
        return (1, flags, offset, address, address, size, memory, align)
    static = _elf(2, [load(5, 0, 0x400000, 232, 232), load(6, 0, 0x402000, 200, 0x2345), (0x6474E551, 6, 0, 0, 0, 0, 0, 16)])
    text = b"/lib/ld.so\0"
    pie = _elf(3, [load(5, 0, 0, 243, 243), (3, 4, 232, 232, 232, len(text), len(text), 1), load(6, 0, 0x1000, 100, 0x900)],
               text, 0x10)
    linker = _elf(3, [load(5, 0, 0, 120, 120, 0x200000)], b"code", 0x20)
    large = _elf(3, [load(5, 0, 0x123000, 120, 0x5000, 0x200000)], b"x" * 100, 0x123010)

    def both(first, second=b"", step=0, allocation=0):
        return first + second + struct.pack("<HBB", len(second), step, allocation)
    return [both(static), both(pie, linker), both(large), both(pie), both(pie, linker, 5), both(pie, linker, 0, 2),
            both(pie, _elf(2, [load(5, 0, 0x400000, 120, 120)]))]


def disk():
    start = 34
    table = bytearray(512)
    table[:8] = b"EFI PART"
    table[72:88] = struct.pack("<QII", 2, 128, 128)
    entry = struct.pack("<16s16sQQ", b"k" * 16, b"u" * 16, start, start + 2047).ljust(512, b"\0")
    boot_sector = (struct.pack("<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"HEDDLE  ", 512, 8, 2, 2, 64, 2048, 0xF8, 1, 63,
                               255, 0, 0) +
                   struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x4C444548, b"HEDDLE LOG ", b"FAT12   ")).ljust(
                       510, b"\0") + b"\x55\xaa"
    chain = [0xFF8, 0xFFF] + [n + 3 for n in range(63)] + [0xFFF]
    fat = sum(value << 12 * n for n, value in enumerate(chain)).to_bytes(512, "little")
    directory = struct.pack("<11sB10xHHHI", b"HEDDLE LOG ", 8, 0, 0, 0, 0) + \
        struct.pack("<11sB10xHHHI", b"HEDDLE  LOG", 0x20, 0, 0, 2, 64 * 4096)

    def image(blocks, at):
        records = ((1, bytes(table)), (2, entry), (at, boot_sector), (at + 2, fat), (at + 4, directory.ljust(512, b"\0")))
        return struct.pack("<IB", blocks, 0) + b"".join(struct.pack("<I", lba) + data for lba, data in records)
    return [image(100000, start)]


def script():
    line = b"#!/bin/sh -e x\n"
    return [b"\0" + line.ljust(256), b"\0#!/bin/sh\n", b"\0" + b"#! /bin/x \t a b \n".ljust(256, b"y") * 4,
            b"\0#!" + b"i" * 300, b"\1#!/a" + b"x" * 256]


def signal():
    registers = b"\1\2\3\4\5\6\7\x08" * 3 + b"\xd5\x0c\0\0"
    mask = b"\xff\0\0\0\0\0\0\0"
    seeds = [bytes((way, 0xFF)) + registers + mask + bytes((which, 0, 0x30, 0, 0x10))
             for way in (0, 2, 4) for which in (0, 3, 7)]
    context = bytes(40) + b"A" * 136 + struct.pack("<QHHHHQQQQQ", 0x10202, 0x33, 0, 0, 0x2B, 0, 0, 0, 0, 0) + bytes(64)
    return seeds + [bytes((way, 0xFF)) + registers + b"\0\1\0\x08" + bytes((which,)) + bytes(8) +
                    (b"\7" + bytes(7) if way & 8 else bytes(8)) + context for way in (1, 3, 11) for which in (0, 1, 3)]


def message():
    def control(kind, data):
        return (struct.pack("<QII", 16 + len(data), 1, kind) + data).ljust((16 + len(data) + 7) // 8 * 8, b"\0")
    both = control(1, struct.pack("<III", 1, 2, 3)) + control(2, struct.pack("<III", 7, 0, 0))

    def sent(data, way=1, which=0):
        return bytes((way, 0xFF, which)) + struct.pack("<HB", len(data), 20) + data
    return [sent(both), sent(both, 3, 8), sent(control(1, struct.pack("<I", 99))), sent(both, 1, 16), sent(both, 1, 32),
            sent(bytes(200), 0) + b"\5\x10name", sent(bytes(20), 0, 8) + b"\5\x10name", sent(bytes(200), 2) + b"\x09\5x"]


def tty():
    def typed(text, times=1):
        return bytes((0, len(text), times)) + text

    def read(n):
        return bytes((1, n, 2))

    def write(text):
        return bytes((2, len(text))) + text

    def change(local=0, flags=0, which=63):
        return bytes((3, local, flags, which))
    return [typed(b"hello\nworld\n") + read(40) + read(3) + read(40), typed(b"ab\x7fc def\x17x\x15yz\n") + read(40),
            typed(b"abc\4de\4\4") + read(3) + read(40) + read(40), change(1) + typed(b"raw\0bytes") + read(4) + read(40),
            typed(b"wait") + change(1) + typed(b"x\0") + change(1) + read(40) + read(40), typed(b"x" * 200, 0) + typed(b"\n") + read(255),
            typed("äö€".encode() + b"\x7f\x7f\n") + change(0, 64) + read(40), write(b"a\tb\n\r") + typed(b"\x13") + write(b"x") + typed(b"\x11"),
            typed(b"ab\3cd\n") + change(20) + typed(b"ab\3cd\n") + read(40)]


def keys():
    pressed, released = 9, 1
    word = b"".join(bytes((pressed, code, released, code)) for code in (0x1E, 0x2A, 0x30, 0x1D, 0x38, 0x3B, 0x57, 0x73))
    arrows = b"".join(bytes((13, code, 5, code)) for code in (0x47, 0x48, 0x53, 0x1C, 0x35, 0x38))
    layout = bytes((0, 0, 30)) + b"\x1e\x0b" + bytes((0, 2, 30)) + b"\xe4\xf0" + bytes((0, 0, 40)) + b"\x01\x04"
    return [word, arrows, layout + bytes((9, 40, 9, 30, 9, 40, 9, 57)), bytes((7, 2, 0, 4, 5, 0, 0, 0, 0)) + bytes((7,)) + bytes(8),
            layout + bytes((13, 0x38, 9, 30))]


def _answer(data=b"", how=1):
    return bytes((how, len(data))) + data


def _device(interface, endpoints, extra=b""):
    rest = bytes((9, 4, 0, 0, len(endpoints), *interface, 0)) + extra + \
        b"".join(bytes((7, 5, address, kind, 64, 0, 10)) for address, kind in endpoints)
    config = struct.pack("<BBHBBBBB", 9, 2, 9 + len(rest), 1, 1, 0, 0x80, 50)
    device = bytes((18, 1, 0, 2, 0, 0, 0, 8, 0x34, 0x12, 0x78, 0x56, 0, 0, 0, 0, 0, 1))
    return b"\0\0" + _answer(device[:8]) + _answer(device) + _answer(config) + _answer(config + rest) + _answer() + b"\0"


def usb():
    keyboard = _device((3, 1, 1), [(0x81, 3)], bytes((9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0)))
    good = _answer(b"", 3)
    storage = _device((8, 6, 0x50), [(0x81, 2), (2, 2)]) + \
        _answer(b"", 9)[:1] + b"\x1f" + _answer(bytes(36)) + good + b"\1\x1f" + good + \
        b"\1\x1f" + _answer(struct.pack(">II", 99999, 512)) + good + struct.pack("<IB", 5, 1) + \
        b"\1\x1f" + b"\0\x40" + bytes(512) + good + bytes(40)
    hub = _device((9, 0, 0), [(0x81, 3)]) + _answer(bytes((9, 0x29, 2, 0, 0, 5, 0, 0, 0xFF))) + b"\0" + _answer() * 2 + \
        b"\6\0\0\0\1" + _answer(b"\1\1\1\0") + _answer() + _answer() + _answer(b"\3\1\0\0") + _answer() + b"\1\1" + keyboard
    return [bytes((speed,)) + what for what in (keyboard, storage, hub) for speed in (0, 2, 5)]


def path():
    def words(*parts):
        return bytes((len(parts), *parts))
    a, ab, c, l, m, mb = words(1), words(1, 2), words(3), words(12), words(7), words(7, 2)
    make = b"\0" + a + words() + b"\0" + ab + words() + b"\1" + words(1, 3) + words() + b"\2" + l + words(8, 2)
    look = b"\x0f" + words(12, 4, 3) + words() + b"\7" + l + words()
    return [make + look, make + b"\6" + a + words(1, 2, 2) + b"\6" + words(1, 3) + c + b"\5" + c + l + b"\4" + c + words(),
            make + b"\0" + mb + words() + b"\6" + a + mb + b"\5" + words(1, 3) + words(7, 3) + b"\3" + m + words(),
            make + b"\x16" + ab + l + b"\x0e" + c + a + b"\3" + ab + words() + b"\4" + l + words() + b"\7" + words(4, 4, 8) + words(),
            b"\2" + l + l + look, b"\2" + words(1) + words(12) + b"\2" + l + words(8) + b"\x0f" + words(1, 2) + words()]


def of(name):
    """The seeds of a target."""
    return globals()[name]() if name in globals() else []
