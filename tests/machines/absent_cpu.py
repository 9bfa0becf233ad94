# SPDX-License-Identifier: MIT
"""A machine whose ACPI tables list a processor that is not there.

QEMU lists a processor that can still be plugged in as disabled. When the firmware has written the tables
and the boot loader has loaded the kernel, this marks it as enabled: the kernel sends its start-up
interrupts to nothing.  GDB's remote protocol, of which four commands suffice, writes the memory."""
import socket
import struct
import time

from pc import Stuck

LOCAL_APIC, ENABLED = 0, 1      # ACPI 6.5, 5.2.12.2


class Gdb:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(600)
        for _ in range(200):
            try:
                self.socket.connect(str(path))
                return
            except OSError:
                time.sleep(0.05)
        raise Stuck("QEMU's gdb server does not answer")

    def ask(self, text):
        packet = text.encode()
        self.socket.sendall(b"$%s#%02x" % (packet, sum(packet) & 255))
        answer = b""
        while b"#" not in answer[:-2]:
            part = self.socket.recv(4096)
            if not part:
                raise Stuck("QEMU ended under its gdb server")
            answer += part
        self.socket.sendall(b"+")
        return answer[answer.index(b"$") + 1:answer.rindex(b"#")].decode()

    def write(self, address, data):
        if self.ask(f"M{address:x},{len(data):x}:{data.hex()}") != "OK":
            raise Stuck("QEMU's gdb server writes no memory")


def start_with_an_absent_cpu(pc, kernel):
    """Let a machine that stands still go to the kernel's entry, change its table, let it go."""
    gdb = Gdb(pc.files / "gdb")
    entry = struct.unpack_from("<Q", kernel.read_bytes(), 24)[0]
    gdb.ask(f"Z1,{entry:x},1")
    gdb.ask("c")
    address, table = madt(pc)
    at = next(entries(table, LOCAL_APIC, lambda flags: not flags & ENABLED), None)
    if at is None:
        raise Stuck("the table of processors has no disabled one")
    table[at + 4] |= ENABLED
    table[9] = (table[9] - ENABLED) & 255       # the checksum
    gdb.write(address, bytes(table))
    gdb.ask(f"z1,{entry:x},1")
    gdb.ask("D")


def entries(table, kind, wanted):
    at = 44
    while at < len(table):
        if table[at] == kind and wanted(table[at + 4]):
            yield at
        at += table[at + 1]


def madt(pc):
    """(Address, bytes) of the table of processors in the last MiB of memory below 4 GiB."""
    size = pc.ask("query-memory-size-summary")["base-memory"]
    start, path = size - (1 << 20), pc.files / "memory"
    pc.ask("pmemsave", val=start, size=1 << 20, filename=str(path))
    data = path.read_bytes()
    at = data.find(b"APIC")
    while at >= 0:
        length = struct.unpack_from("<I", data, at + 4)[0]
        if length < 1 << 16 and sum(data[at:at + length]) & 255 == 0:
            return start + at, bytearray(data[at:at + length])
        at = data.find(b"APIC", at + 4)
    raise Stuck("no table of processors in memory")
