# SPDX-License-Identifier: MIT
"""ACPI tables of one's own for a machine of QEMU: `-M q35,acpi=off` makes none, and SeaBIOS builds what it is
given in QEMU's place (fw_cfg: etc/acpi/tables, etc/acpi/rsdp, etc/table-loader; QEMU docs/specs/fw_cfg)."""
import struct

PM_BASE = 0x600         # where SeaBIOS puts the PM block of q35's chipset
POWER_BUTTON_METHOD, RESET, HARDWARE_REDUCED = 1 << 4, 1 << 10, 1 << 20
I8042 = 1 << 1
MEMORY, IO = 0, 1
S5 = b"\x08_S5_\x12\x06\x04\x00\x00\x00\x00"      # Name (_S5, Package (4) {0, 0, 0, 0})
# Device (KBD_) {Name (_HID, EisaId ("PNP0303")), Name (_UID, Zero)}
PS2_KEYBOARD = b"\x5b\x82\x15KBD_\x08_HID\x0c\x41\xd0\x03\x03\x08_UID\x00"


def register(space, address, bits=8):
    """A generic address structure."""
    return struct.pack("<BBBBQ", space, bits, 0, 1, address)


def table(signature, revision, body):
    header = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), revision, 0, b"HEDDLE", b"TEST    ", 1,
                         b"TEST", 1)
    return header + body


def fadt(boot_flags=0, flags=0, reset=None, reset_value=0, sleep_control=None, sci=9, in_memory=()):
    """A FADT of revision 6.  What is in `in_memory` stands at other offsets: {offset: bytes}."""
    t = bytearray(table(b"FACP", 6, bytes(276 - 36)))
    reduced = flags & HARDWARE_REDUCED
    struct.pack_into("<H", t, 46, sci)
    if not reduced:
        struct.pack_into("<IBB", t, 48, 0xb2, 2, 3)                  # SMI_CMD, ACPI_ENABLE, ACPI_DISABLE
        struct.pack_into("<I", t, 56, PM_BASE)                       # PM1a event, 4 bytes
        struct.pack_into("<I", t, 64, PM_BASE + 4)                   # PM1a control, 2 bytes
        struct.pack_into("<I", t, 76, PM_BASE + 8)                   # PM timer
        struct.pack_into("<I", t, 80, PM_BASE + 0x20)                # GPE0
        struct.pack_into("<BBBBB", t, 88, 4, 2, 0, 4, 16)            # their lengths
    if reset:
        flags |= RESET
        t[116:129] = reset + bytes([reset_value])
    struct.pack_into("<HBI", t, 109, boot_flags, 0, flags)
    if sleep_control:
        t[244:256] = sleep_control
    for offset, data in dict(in_memory).items():
        t[offset:offset + len(data)] = data
    return bytes(t)


def madt(cpus, sci=9, sci_flags=0xd):
    body = struct.pack("<II", 0xfee00000, 1)
    for n in range(cpus):
        body += struct.pack("<BBBBI", 0, 8, n, n, 1)
    body += struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0)
    body += struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0)                # the timer is at input 2
    if sci_flags is not None:
        body += struct.pack("<BBBBIH", 2, 10, 0, sci, sci, sci_flags)
    return table(b"APIC", 3, body)


def qemu_arguments(folder, fadt_table, dsdt_code=S5, ssdt_code=None, cpus=1, **madt_options):
    """Arguments that give a machine without tables (acpi=off) these."""
    dsdt = table(b"DSDT", 2, dsdt_code)
    parts = [dsdt, fadt_table, madt(cpus, **madt_options)]
    if ssdt_code:
        parts.append(table(b"SSDT", 2, ssdt_code))
    starts, blob = [], b""
    for part in parts:
        blob += bytes(-len(blob) % 64)
        starts.append(len(blob))
        blob += part
    blob += bytes(-len(blob) % 64)
    blob = bytearray(blob)
    loader = struct.pack("<I56sIB", 1, b"etc/acpi/tables", 64, 1).ljust(128, b"\0")
    loader += struct.pack("<I56sIB", 1, b"etc/acpi/rsdp", 16, 2).ljust(128, b"\0")

    def pointer(where, offset, size, value):
        """A pointer into the tables: the loader adds their address."""
        nonlocal loader
        if where is blob:
            blob[offset:offset + size] = value.to_bytes(size, "little")
        name = b"etc/acpi/tables" if where is blob else b"etc/acpi/rsdp"
        loader += struct.pack("<I56s56sIB", 2, name, b"etc/acpi/tables", offset, size).ljust(128, b"\0")

    def checksum(name, offset, start, length):
        nonlocal loader
        loader += struct.pack("<I56sIII", 3, name, offset, start, length).ljust(128, b"\0")

    root = len(blob)
    xsdt = table(b"XSDT", 1, bytes(8 * (len(parts) - 1)))
    blob += xsdt
    pointer(blob, starts[1] + 140, 8, starts[0])                     # the FADT's DSDT
    for n, start in enumerate(starts[1:]):
        pointer(blob, root + 36 + 8 * n, 8, start)
    for start, part in zip([*starts, root], [*parts, xsdt]):
        checksum(b"etc/acpi/tables", start + 9, start, len(part))
    rsdp = bytearray(struct.pack("<8sB6sBIIQB3s", b"RSD PTR ", 0, b"HEDDLE", 2, 0, 36, root, 0, b""))
    pointer(rsdp, 24, 8, root)
    checksum(b"etc/acpi/rsdp", 8, 0, 20)
    checksum(b"etc/acpi/rsdp", 32, 0, 36)
    arguments = []
    for name, data in (("acpi/tables", blob), ("acpi/rsdp", rsdp), ("table-loader", loader)):
        path = folder / name.replace("/", "-")
        path.write_bytes(data)
        arguments += ["-fw_cfg", f"name=etc/{name},file={path}"]
    return arguments
