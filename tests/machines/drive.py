# SPDX-License-Identifier: MIT
"""Makes the machine of a cell and does there what a person would do."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import threading

from absent_cpu import start_with_an_absent_cpu
from bochs import Bochs, missing
from pc import ROOT, Qemu, StuckLine, Stuck

BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).absolute()
PROMPT = r"^~ #( |$)"
STOPPED = "kernel panic|Heddle needs|Heddle cannot start"
OVMF = "/usr/share/OVMF/"
MEDIA = {
    "cd": ["-drive", "if=none,id=disk,format=raw,readonly=on,media=cdrom,file={image}",
           "-device", "ide-cd,drive=disk,bootindex=0"],
    "usb-xhci": ["-device", "qemu-xhci,id=xhci", "-device", "usb-storage,bus=xhci.0,drive=disk,bootindex=0"],
    "usb-ehci": ["-device", "usb-ehci,id=ehci", "-device", "usb-storage,bus=ehci.0,drive=disk,bootindex=0"],
    "ahci": ["-device", "ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=disk,bootindex=0"],
    "virtio": ["-device", "virtio-blk-pci,drive=disk,bootindex=0"],
    "nvme": ["-device", "nvme,serial=1,drive=disk,bootindex=0"],
}
KEYBOARDS = {
    "ps2": [], "none": [], "serial": [],
    "usb": ["-device", "usb-kbd,bus=xhci.0,id=keys"],
    "usb-hub": ["-device", "usb-hub,bus=xhci.0", "-device", "usb-kbd,bus=xhci.0,port={hub}.2,id=keys"],
}


IMAGES = threading.Lock()


class NotRun(Exception):
    """Something that the cell needs is not here; the text says what."""


def image_of(cell, folder):
    """The GRUB image with the cell's words; without words one image serves all cells."""
    if cell.does in MENU:
        return BUILD / "heddle.iso"
    words = re.sub(r"\W+", "-", cell.words)
    image = folder / f"image{words}.iso"
    with IMAGES:
        if not image.exists() or image.stat().st_mtime < newest(BUILD / "heddle.elf", BUILD / "initramfs.cpio"):
            new = folder / f"new-{os.getpid()}.iso"
            subprocess.run([ROOT / "tools/mkiso.sh", "make", new, BUILD, cell.words], check=True)
            new.rename(image)
    return image


def newest(*paths):
    return max(path.stat().st_mtime for path in paths)


def firmware(cell, files):
    if cell.firmware in ("bios", "none"):
        return []
    names = {"uefi": ("OVMF_CODE.fd", "OVMF_VARS.fd"), "uefi-4m": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
             "secure-boot": ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")}[cell.firmware]
    code, variables = (OVMF + name for name in names)
    if not os.path.exists(code):
        raise NotRun(f"not installed: ovmf ({code})")
    shutil.copy(variables, files / "variables")
    arguments = ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                 "-drive", f"if=pflash,format=raw,file={files}/variables"]
    if cell.firmware == "secure-boot":
        arguments += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
    return arguments


def qemu_version():
    text = subprocess.run([qemu(), "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"version (\d+)", text)[1])


def qemu():
    program = os.environ.get("QEMU", "qemu-system-x86_64")
    if not shutil.which(program):
        raise NotRun(f"{program} is not installed: make setup")
    return program


def command(cell, folder, files):
    """QEMU's command line."""
    line = [qemu(), "-accel", "tcg,thread=multi", "-M", cell.machine, "-cpu", cell.cpu, "-smp", cell.cpus,
            "-m", cell.mem, *(d for d in cell.devices if d.startswith("-") or "," in d or "qemu" in d
                              or d.startswith("usb")), *firmware(cell, files)]
    if cell.medium == "kernel":
        line += ["-kernel", str(BUILD / "heddle.elf"), "-initrd", str(BUILD / "initramfs.cpio"),
                 "-append", cell.words]
    else:
        line += [word.format(image=image_of(cell, folder)) for word in MEDIA[cell.medium]]
        if cell.medium != "cd":
            # What the machine writes goes to a file of its own that ends with it.
            line += ["-drive", f"if=none,id=disk,format=raw,snapshot=on,file={image_of(cell, folder)}"]
    if cell.keys.startswith("usb") and cell.medium != "usb-xhci":
        line += ["-device", "qemu-xhci,id=xhci"]
    line += [word.format(hub=2 if cell.medium == "usb-xhci" else 1) for word in KEYBOARDS[cell.keys]]
    if cell.video in ("std", "cirrus", "vmware", "qxl", "virtio", "none"):
        line += ["-vga", cell.video]
    else:
        line += ["-vga", "none", "-device", cell.video]
    return line


@contextlib.contextmanager
def machine(cell, folder, files):
    """The cell's machine, switched on."""
    if cell.firmware == "bochs":
        if missing():
            raise NotRun(missing())
        for path in re.findall(r"file=(\S+)", " ".join(cell.devices)):
            if not os.path.exists(path):
                raise NotRun(f"not installed: {path}")
        pc = Bochs(files, image_of(cell, folder), cell.cpu, int(cell.cpus), int(cell.mem.rstrip("M")),
                   "".join(f"{line}\n" for line in cell.devices))
    else:
        if cell.qemu > qemu_version():
            raise NotRun(f"QEMU {cell.qemu} or later is needed; QEMU=program names one")
        line = command(cell, folder, files)
        if cell.serial == "none":
            line += ["-serial", "none"]
        elif cell.serial == "stuck":
            line += StuckLine(files / "line").arguments
        if "absent-cpu" in cell.devices:
            line += ["-S", "-gdb", f"unix:{files}/gdb,server=on,wait=off"]
        pc = Qemu(files, line, cell.serial == "file", cell.video == "none",
                  cell.keys == "serial")
    pc.patience = max(pc.patience, cell.slow)
    with pc:
        if "absent-cpu" in cell.devices:
            start_with_an_absent_cpu(pc, BUILD / "heddle.elf")
        yield pc


def to_the_prompt(pc, cell):
    """Wait for the shell; what the log says about the time that it took, in seconds, or None."""
    pc.wait(PROMPT, ended_by=STOPPED)
    if cell.shows and not re.search(cell.shows, pc.look() + pc.serial()):
        raise Stuck(f"the log does not say {cell.shows!r}")
    found = re.search(r"init: running /init, (\d+) ms after the start", pc.look() + pc.serial())
    return int(found[1]) / 1000 if found else None


def first_key(pc):
    """Press a key until the screen shows it: a keyboard on the USB may be found after the prompt."""
    for _ in range(30):
        pc.press("x")
        try:
            pc.wait(r"^(~ # )?x+\W*$", tries=4)
            break
        except Stuck:
            continue
    else:
        raise Stuck(f"no key arrives; {pc.last_words(pc.look())}")
    pc.press("ctrl", "u")


def run(pc, line, pattern):
    """Type a command; the match of what it prints."""
    pc.forget()
    pc.type(f"clear; {line}\n")
    return pc.wait(pattern, ended_by=STOPPED)


def a_lab(pc):
    """Run a lab to its verdict."""
    first_key(pc)
    if run(pc, "lab many --quick --plain; echo ends-$?", r"^ends-(\d+)")[1] != "0":
        raise Stuck("the lab failed")
    pc.wait(PROMPT)


def ends_with(pc, wanted):
    found = pc.finish()
    if found != wanted:
        raise Stuck(f"the end was {found}, not {wanted}")


def power_off(pc):
    pc.type("poweroff\n")
    ends_with(pc, "guest-shutdown")


# ---- What a cell does at the prompt ----------------------------------------------------------------


def lab(pc):
    a_lab(pc)
    power_off(pc)


def no_keyboard(pc):
    """The screen says it, and what can be done."""
    pc.wait(r"(?i)keyboard: none|no keyboard")


def no_power_off(pc):
    """Without ACPI the machine cannot be switched off; the last line says so."""
    a_lab(pc)
    pc.type("poweroff\n")
    pc.wait(r"switch the machine off by hand")


def replug(pc):
    a_lab(pc)
    for port in ("1", "2"):
        pc.ask("device_del", id="keys")
        pc.wait_event("DEVICE_DELETED")
        pc.ask("device_add", driver="usb-kbd", bus="xhci.0", port=port, id="keys")
        first_key(pc)
    power_off(pc)


def nmi(pc):
    a_lab(pc)
    pc.ask("inject-nmi")
    pc.wait(r"kernel panic: NMI")


def power_button(pc):
    a_lab(pc)
    pc.ask("system_powerdown")
    ends_with(pc, "guest-shutdown")


def ctrl_alt_del(pc):
    a_lab(pc)
    pc.press("ctrl", "alt", "delete")
    ends_with(pc, "guest-reset")


def choose(pc, submenu, first, entry):
    """Boot what the menu of GRUB has at these places, counted from 0; the submenu begins with `first`.

    By UEFI the menu is in the firmware's font, but the firmware sends it to the serial line as well."""
    for place, seen in ((submenu, "GNU GRUB"), (entry, re.escape(first))):
        pc.wait(seen, also=pc.serial)
        for _ in range(place):
            pc.press("down")
        pc.press("ret")
    pc.wait(PROMPT, ended_by=STOPPED)
    first_key(pc)


def menu(pc):
    """The first of the safe modes is for one CPU."""
    choose(pc, 3, "one CPU: nosmp", 0)
    run(pc, "nproc", r"^1$")
    power_off(pc)


def size_1080(pc):
    choose(pc, 5, "size=3840x2160", 2)
    run(pc, "stty size", r"^67 240$")
    lab(pc)


def size_2160(pc):
    choose(pc, 5, "size=3840x2160", 0)
    run(pc, "stty size", r"^45 160$")
    lab(pc)


# What begins in the menu of the image as users have it.
MENU = {"menu": menu, "size_1080": size_1080, "size_2160": size_2160}


def try_cell(cell, folder, files):
    """Run a cell; (what was seen, seconds from hand-over to init or None).  Raises Stuck, NotRun."""
    with machine(cell, folder, files) as pc:
        try:
            if cell.says:
                seen = pc.wait(rf".*(?:{cell.says}).*", also=lambda: "\n" + pc.serial())[0]
                return "says: " + re.sub(r"^\[ *[\d.]+\] ", "", seen.strip()), None
            if cell.does in MENU:
                MENU[cell.does](pc)
                return "", None
            seconds = to_the_prompt(pc, cell)
            globals()[cell.does](pc)
            return f"in QEMU {qemu_version()}" if cell.qemu else "", seconds
        except Stuck:
            (files / "last-screen").write_text(pc.shown)
            raise
