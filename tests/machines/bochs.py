# SPDX-License-Identifier: MIT
"""Machines of Bochs 2.7: another emulator, with other processors, and stricter about some rules.

Its display and keyboard are reached by VNC's protocol (RFB 3.3, RFC 6143)."""
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

from pc import Pc, Stuck
from screen import Picture, VGA_BIOS, first_file

RC = """\
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file={video}
vga: extension=vbe
cpu: model={cpu}, count={cpus}, ips=20000000, reset_on_triple_fault=0
memory: guest={mem}, host={mem}
ata0: enabled=1
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={files}/serial
log: {files}/log
panic: action=fatal
clock: sync=none
sound: driver=dummy
"""
KEYSYMS = {"ret": 0xff0d, "spc": 0x20, "minus": 0x2d, "slash": 0x2f, "dot": 0x2e, "semicolon": 0x3b,
           "equal": 0x3d, "shift": 0xffe1, "ctrl": 0xffe3, "down": 0xff54, "delete": 0xffff}
# Bochs draws a bar of buttons above the machine's picture.
BAR = 32


def missing():
    """What is not installed, or an empty text."""
    needed = {"bochs": shutil.which("bochs"),
              "bochsbios": pathlib.Path("/usr/share/bochs/BIOS-bochs-latest").exists()}
    absent = [name for name, there in needed.items() if not there]
    return "not installed: " + " ".join(absent) if absent else ""


class Screen(threading.Thread):
    """A client of VNC that keeps the picture."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=600)
        self.file = self.socket.makefile("rb")
        self.read(12)
        self.socket.sendall(b"RFB 003.003\n")
        if struct.unpack(">I", self.read(4)) != (1,):
            raise Stuck("Bochs wants a password")
        self.socket.sendall(b"\1")
        self.width, self.height, self.depth = struct.unpack(">HHB", self.read(5))
        self.read(15)
        self.read(struct.unpack(">I", self.read(4))[0])
        self.bytes = self.depth // 8
        self.rows = [bytearray(self.width * self.bytes) for _ in range(self.height)]
        self.socket.sendall(struct.pack(">BxHi", 2, 1, 0))      # rectangles as they are
        self.request(0)
        self.start()

    def read(self, count):
        data = self.file.read(count)
        if len(data) != count:
            raise EOFError
        return data

    def request(self, incremental):
        self.socket.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def run(self):
        try:
            while True:
                kind = self.read(1)[0]
                if kind == 0:
                    self.update(*struct.unpack(">xH", self.read(3)))
                    self.request(1)
                elif kind == 3:
                    self.read(struct.unpack(">xxxI", self.read(7))[0])
        except (EOFError, OSError):
            pass

    def update(self, count):
        for _ in range(count):
            x, y, width, height, _ = struct.unpack(">HHHHi", self.read(12))
            for row in range(y, y + height):
                self.rows[row][x * self.bytes:(x + width) * self.bytes] = self.read(width * self.bytes)

    def picture(self):
        """The 720x400 pixels of a text mode, each white or black."""
        lit = b"".join(bytes(row[:720 * self.bytes:self.bytes]) for row in self.rows[BAR:BAR + 400])
        pixels = bytearray(3 * len(lit))
        for plane in range(3):
            pixels[plane::3] = lit.translate(bytes([0] + [255] * 255))
        return Picture(720, 400, bytes(pixels))


class Bochs(Pc):
    """A machine of Bochs."""
    patience = 4        # it runs a tenth as fast as QEMU

    def __init__(self, folder, image, cpu, cpus=1, mem=256, more=""):
        self.files = pathlib.Path(folder)
        # The VGA BIOS of SeaBIOS: with that of Bochs, GRUB does not say which mode is set.
        (self.files / "rc").write_text(RC.format(
            cpu=cpu, cpus=cpus, mem=mem, image=image, files=self.files, video=first_file(VGA_BIOS)) + more)
        (self.files / "commands").write_text("c\n")     # Debian's stops in its debugger first
        self.command = ["bochs", "-q", "-f", str(self.files / "rc"), "-rc", str(self.files / "commands")]

    def __enter__(self):
        with open(self.files / "output", "w", encoding="utf-8") as out:
            self.start(subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out))
        port = None
        while port is None and self.running():
            time.sleep(0.2)
            port = re.search(r"listening for connections on port (\d+)", self.log())
        if port is None:
            raise Stuck("Bochs did not start: " + self.ending())
        self.vnc = Screen(int(port[1]))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def log(self):
        path = self.files / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def serial(self):
        path = self.files / "serial"
        return path.read_text(errors="replace").replace("\r", "") if path.exists() else ""

    def picture(self):
        return self.vnc.picture()

    def screen(self):
        return self.reader.text(self.picture())

    def press(self, *keys, hold=40):
        codes = [KEYSYMS.get(key) or ord(key) for key in keys]
        for down, order in ((1, codes), (0, codes[::-1])):
            for code in order:
                self.vnc.socket.sendall(struct.pack(">BBxxI", 4, down, code))
        # Bochs keeps 16 codes of keys, which the machine must have time to fetch.
        self.demand.look()
        until = self.demand.cpu + 0.03
        for _ in range(20):
            time.sleep(0.02)
            self.demand.look()
            if self.demand.cpu >= until:
                break

    def ending(self):
        if re.search(r"ACPI control: soft power off", self.log()):
            return "guest-shutdown"
        words = [line for line in self.log().splitlines() if re.search(r"PANIC|^\d+[pe]\[", line)]
        return words[-1].strip() if words else f"Bochs's status {self.process.poll()}"
