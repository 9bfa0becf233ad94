# SPDX-License-Identifier: MIT
"""The matrix: one cell is one machine and what is to be seen on it.

Unless a cell says otherwise, it boots a GRUB image to the shell, types on the keyboard that it has,
runs a lab, and switches the machine off by a command."""
import dataclasses

LEGACY_FREE = "q35,pit=off,pic=off,hpet=off,i8042=off,sata=off,smbus=off"


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str
    axis: str
    firmware: str = "bios"      # bios, uefi, uefi-4m, secure-boot, none (QEMU loads the kernel), bochs
    medium: str = "cd"          # cd, usb-xhci, usb-ehci, ahci, virtio, nvme, kernel
    machine: str = "q35"
    cpu: str = "max"
    cpus: str = "2"
    mem: str = "256M"
    video: str = "std"          # a word for -vga, a name for -device, or none
    keys: str = "ps2"           # ps2, usb, usb-hub, serial (the line's other end types), none
    serial: str = "file"        # file, none, stuck (no byte ever leaves)
    devices: tuple = ()         # further options of QEMU, or lines of Bochs's configuration
    words: str = ""             # for the kernel
    does: str = "lab"           # what happens at the prompt; a function of drive.py
    says: str = ""              # expected instead of a shell: a regular expression
    shows: str = ""             # what the log must have at the prompt: a regular expression
    fails: str = ""             # why this cell is known to fail
    fast: bool = False          # belongs to the tests that always run
    slow: int = 1               # so many times more patience
    qemu: int = 0               # the version of QEMU that it needs


def axis(name, **common):
    """Makes cells of one axis."""
    return lambda cell, **own: Cell(cell, name, **{**common, **own})


firmware = axis("firmware")
medium = axis("medium")
missing = axis("devices missing")
model = axis("processor")
count = axis("CPUs")
memory = axis("memory")
video = axis("video")
keyboard = axis("keyboard", machine="q35,i8042=off", keys="usb")
event = axis("events")
menu = axis("words")
strict = axis("Bochs", firmware="bochs", cpus="1")

CELLS = [
    firmware("BIOS", fast=True),
    firmware("BIOS, machine of 1996", machine="pc"),
    firmware("UEFI", firmware="uefi", fast=True),
    firmware("UEFI, 4 MiB image", firmware="uefi-4m"),
    firmware("UEFI, machine of 1996", firmware="uefi", machine="pc"),
    firmware("UEFI, Secure Boot on", firmware="secure-boot", machine="q35,smm=on",
             says="Access Denied|Security Violation"),
    firmware("none: QEMU loads the kernel", firmware="none", medium="kernel", video="none", fast=True),
    firmware("none, VGA text", firmware="none", medium="kernel"),
    firmware("none, machine of 1996", firmware="none", medium="kernel", machine="pc", video="none"),
    firmware("none, microvm", firmware="none", medium="kernel", machine="microvm,acpi=on,rtc=on",
             video="none", keys="serial"),

    medium("USB stick at xHCI, BIOS", medium="usb-xhci", fast=True),
    medium("USB stick at xHCI, UEFI", medium="usb-xhci", firmware="uefi"),
    medium("USB stick at EHCI, BIOS", medium="usb-ehci"),
    medium("USB stick at EHCI, UEFI", medium="usb-ehci", firmware="uefi"),
    medium("AHCI disk, BIOS", medium="ahci"),
    medium("AHCI disk, UEFI", medium="ahci", firmware="uefi"),
    medium("virtio disk, BIOS", medium="virtio"),
    medium("virtio disk, UEFI", medium="virtio", firmware="uefi"),
    medium("NVMe disk, BIOS", medium="nvme"),
    medium("NVMe disk, UEFI", medium="nvme", firmware="uefi"),

    missing("HPET", machine="q35,hpet=off"),
    missing("HPET and PIT", machine="q35,hpet=off,pit=off"),
    missing("HPET, PIT and PIC", machine="q35,hpet=off,pit=off,pic=off"),
    missing("serial port", serial="none"),
    missing("i8042", machine="q35,i8042=off", keys="usb"),
    missing("keyboard", machine="q35,i8042=off", keys="none", does="no_keyboard"),
    missing("ACPI", machine="pc,acpi=off", does="no_power_off"),
    missing("display", video="none"),
    missing("everything old, BIOS", machine=LEGACY_FREE, keys="usb", serial="none",
            medium="usb-xhci", devices=("-nodefaults",)),
    missing("everything old, UEFI", machine=LEGACY_FREE, keys="usb-hub", serial="none",
            medium="usb-xhci", firmware="uefi", devices=("-nodefaults",)),

    *(model(name, cpu=name) for name in (
        "qemu64", "kvm64", "Conroe", "Opteron_G1", "Nehalem", "SandyBridge", "Haswell", "Skylake-Server",
        "Cascadelake-Server", "Icelake-Server", "EPYC", "EPYC-Rome", "Denverton")),
    model("qemu64 without NX", cpu="qemu64,-nx"),
    model("of 32 bits", cpu="qemu32", says="(?i:64.bit|long mode)"),
    model("without a local APIC", cpu="qemu64,-apic", cpus="1", says="(?i:no local APIC)", fast=True),

    count("1 CPU", cpus="1"),
    count("2 packages of 2 cores of 2 threads", cpus="8,sockets=2,cores=2,threads=2"),
    count("64 CPUs", cpus="64", mem="512M", slow=2),
    count("255 CPUs", cpus="255", mem="1G", slow=6),
    count("300 CPUs", cpus="300", mem="2G", slow=8, qemu=9, machine="q35,kernel-irqchip=split"),

    memory("20 MiB", mem="20M", says="(?i:too few for it|did not fit)"),
    memory("32 MiB", mem="32M"),
    memory("64 MiB", mem="64M"),
    memory("4 GiB", mem="4G"),
    memory("16 GiB", mem="16G", slow=2),
    memory("8 GiB, UEFI", mem="8G", firmware="uefi"),

    video("Cirrus", video="cirrus"),
    video("VMware", video="vmware"),
    video("QXL", video="qxl"),
    video("virtio, BIOS", video="virtio"),
    video("virtio, UEFI", video="virtio", firmware="uefi"),
    video("bochs-display, UEFI", video="bochs-display", firmware="uefi"),
    video("ramfb, UEFI", video="ramfb", firmware="uefi"),
    video("standard, UEFI", video="std", firmware="uefi"),
    video("a monitor without EDID, BIOS", video="VGA,edid=off", shows="display: framebuffer, 128x48 characters"),
    video("1920x1080 chosen in the menu, BIOS", video="VGA,edid=off", does="size_1080"),
    video("3840x2160 chosen in the menu, UEFI", video="VGA,vgamem_mb=64", firmware="uefi", does="size_2160"),

    keyboard("USB, behind a hub", keys="usb-hub", fast=True),
    keyboard("USB, unplugged and replugged", does="replug", fast=True),
    keyboard("USB beside PS/2", machine="q35"),
    keyboard("PS/2 and a mouse on the USB", machine="q35", keys="ps2",
             devices=("-device", "qemu-xhci", "-device", "usb-mouse")),
    keyboard("USB, UEFI", firmware="uefi"),

    event("NMI", does="nmi", fast=True),
    event("power button", does="power_button", fast=True),
    event("power button, everything old missing, UEFI", machine=LEGACY_FREE, keys="usb-hub", serial="none",
          medium="usb-xhci", firmware="uefi", devices=("-nodefaults",), does="power_button"),
    event("Ctrl-Alt-Del", does="ctrl_alt_del"),
    event("a CPU that does not start", does="lab", cpus="2,maxcpus=3", devices=("absent-cpu",), fast=True,
          shows="smp: the CPU with APIC id 2 does not answer"),
    event("a serial port that never sends", serial="stuck", fast=True),

    menu("nosmp", words="nosmp", cpus="4", shows="smp: 1 of 4 CPUs online"),
    menu("maxcpus=2", words="maxcpus=2", cpus="4", shows="smp: 2 of 4 CPUs online"),
    menu("clocksource=hpet", words="clocksource=hpet", shows="clock.*hpet"),
    menu("nousb", words="nousb", devices=("-device", "qemu-xhci"), shows="usb: not used"),
    menu("nobutton", words="nobutton"),
    menu("the safe mode nosmp, chosen in the menu by key", does="menu"),
    menu("lapic=notscdeadline, Bochs", words="lapic=notscdeadline", firmware="bochs", cpus="1",
         cpu="corei7_skylake_x", shows="timer one-shot"),

    strict("Core 2", cpu="core2_penryn_t9600"),
    strict("Athlon 64", cpu="athlon64_venice"),
    strict("Sandy Bridge", cpu="corei7_sandy_bridge_2600k"),
    strict("Skylake-X, 2 CPUs", cpu="corei7_skylake_x", cpus="2"),
    strict("Ryzen, 4 CPUs", cpu="ryzen", cpus="4"),
    strict("Ice Lake", cpu="corei7_icelake_u"),
    strict("a VGA BIOS without VBE", cpu="corei5_lynnfield_750", shows="display: VGA text",
           devices=("vga: extension=none", "vgaromimage: file=/usr/share/vgabios/vgabios.bin")),
    strict("Pentium 4 of 32 bits", cpu="p4_willamette", says="(?i:64.bit|long mode)"),
]
