# SPDX-License-Identifier: MIT
"""Virtual machines that run Heddle, driven as a person would: by the console."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import pexpect

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD
# Seconds after which something hangs, however busy the machine may be.  It costs only a test that fails.
HANGS = 1800

# BusyBox asks the terminal where its cursor is; nobody answers here.
# Lines of the kernel's log: one that another CPU prints may come behind the prompt.
LOG_LINES = r"(?:\[ *\d+\.\d+\] [^\n]*\n)*"
PROMPT = rf"# {LOG_LINES}(?:\x1b\[6n)?{LOG_LINES}$"

# QEMU's exit status for what the kernel wrote to isa-debug-exit (arch/x86_64/pc/power.h).
ENDED, INIT_FAILED, PANIC, REBOOT = 33, 35, 37, 39

OVMF = next((p for p in ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_CODE.fd",
                         "/usr/share/OVMF/OVMF_CODE_4M.fd",
                         "/usr/share/edk2/x64/OVMF_CODE.4m.fd") if os.path.exists(p)), None)


def make_iso(path, cmdline, *archives, build=BUILD):
    """A GRUB image of what is built, with this kernel command line."""
    subprocess.run([ROOT / "tools/mkiso.sh", "make", path, build, cmdline, *archives], check=True)


def run_while_it_prints(command, quiet=120, **options):
    """Run a command for as long as it goes on printing; what it printed.  It is killed, with all that
    it started, when nothing comes for `quiet` seconds: how long it takes in all is the machine's affair."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, start_new_session=True, **options)
        size = -1
        try:
            while True:
                try:
                    child.wait(quiet)
                    break
                except subprocess.TimeoutExpired:
                    before, size = size, os.fstat(out.fileno()).st_size
                    if size == before:
                        break
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        out.seek(0)
        return out.read().decode(errors="replace")


class VM:
    """One machine.  Use as a context manager: it is killed at the end, whatever happened."""

    def __init__(self, cpus=2, mem="256M", boot="direct", cpu="max", append="", initrd=None,
                 init=None, args="", machine="pc", timeout=60, extra=(), build=BUILD,
                 no_initrd=False, accel="tcg,thread=multi"):
        self.timeout = timeout
        self.files = tempfile.TemporaryDirectory(prefix="heddle-vm-")
        cmdline = f"console=ttyS0 debug_exit=0xf4 {append}"
        if init:
            cmdline += f" init={init}"
        if args:
            cmdline += f" -- {args}"
        command = ["qemu-system-x86_64", "-accel", accel, "-M", machine, "-cpu", cpu,
                   "-m", mem, "-smp", str(cpus), "-display", "none", "-no-reboot",
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                   # Ctrl-C is for the machine, not for QEMU.
                   "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                   "-monitor", "none", *extra]
        if boot == "direct":
            command += ["-kernel", str(build / "heddle.elf"), "-append", cmdline]
            if not no_initrd:
                command += ["-initrd", str(initrd or build / "initramfs.cpio")]
        else:
            iso = os.path.join(self.files.name, "heddle.iso")
            make_iso(iso, cmdline, *([initrd] if initrd else []), build=build)
            if boot in ("iso", "uefi"):
                command += ["-cdrom", iso]
            if boot == "uefi":
                command += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}"]
            if boot == "usb":
                command += ["-device", "qemu-xhci", "-drive",
                            f"if=none,id=stick,format=raw,file={iso}",
                            "-device", "usb-storage,drive=stick,bootindex=0"]
        self.command = command
        self.log = ""

    def __enter__(self):
        self.console = pexpect.spawn(self.command[0], self.command[1:], timeout=self.timeout,
                                     encoding="utf-8", codec_errors="replace", echo=False,
                                     dimensions=(24, 80))
        self.console.delaybeforesend = 0
        self.console.logfile_read = self
        return self

    def __exit__(self, *_):
        self.console.close(force=True)
        self.files.cleanup()

    # pexpect writes what it reads here.
    def write(self, text):
        self.log += text

    def flush(self):
        pass

    def expect(self, pattern, timeout=None):
        """Wait for a regular expression on the console; the match.  A machine that goes on printing,
        or that the host let wait for a CPU, may take ten times as long: a busy host is no fault of
        its."""
        limit = timeout or self.timeout
        try:
            for left in reversed(range(10)):
                seen, (used, waited) = len(self.log), self.cpu_seconds()
                try:
                    self.console.expect(pattern, timeout=limit)
                    break
                except pexpect.TIMEOUT:
                    now_used, now_waited = self.cpu_seconds()
                    if not left or (len(self.log) == seen and (
                            now_used > used + limit * 0.8 or now_waited < waited + limit * 0.2)):
                        raise
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            tail = self.log[-3000:]
            raise AssertionError(
                f"{type(error).__name__} waiting for {pattern!r}; the console ends:\n{tail}") from None
        return self.console.match

    def cpu_seconds(self):
        """What QEMU's threads have had of the host's CPUs, and how long they could have run and were
        not let (without CONFIG_SCHED_INFO: infinitely, as none can say)."""
        used, waited = 0, 0
        for task in pathlib.Path(f"/proc/{self.console.pid}/task").glob("*"):
            try:
                stat = (task / "stat").read_text()
                used += sum(map(int, stat.rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
                waited += int((task / "schedstat").read_text().split()[1]) / 1e9
            except (FileNotFoundError, ProcessLookupError):
                if (task / "stat").exists():
                    waited = float("inf")
        return used, waited

    def send(self, text):
        self.console.send(text)

    def shell(self):
        """Wait for the first prompt."""
        self.expect(PROMPT)

    def run(self, command, timeout=None):
        """Type a command at the prompt; what it printed, and the kernel with it."""
        self.console.sendline(command)
        # The echo of the line, then the output up to the next prompt, then its status.
        self.expect(r"\n", timeout)
        # Anchored: from each byte anew, the search would take minutes in a long output.
        self.expect(rf"(?s)\A(.*?)(?:~|/\S*) # ({LOG_LINES})(?:\x1b\[6n)?({LOG_LINES})$", timeout)
        return re.sub(r"\r+\n", "\n", "".join(self.console.match.groups())).strip("\n")

    def wait(self, timeout=None):
        """Wait for QEMU's end; its exit status."""
        self.expect(pexpect.EOF, timeout)
        self.console.close()
        assert "triple" not in self.log
        return self.console.exitstatus


def boot_and_run(command, timeout=120, **options):
    """Boot, let init run one command, and return (QEMU's exit status, console text)."""
    with VM(args=f"run {command}", timeout=timeout, **options) as vm:
        status = vm.wait(timeout)
        return status, re.sub(r"\r+\n", "\n", vm.log)
