# SPDX-License-Identifier: MIT
"""The console of a PC: what its keys type, and what its screen shows."""
import pytest

from keyboard import Keys
from screens import Screen, needs_font
from vm import BUILD, VM

pytestmark = needs_font


USB = ["-device", "qemu-xhci,id=x", "-device", "usb-kbd,bus=x.0"]


class PC(VM):
    """A machine whose terminal is its display."""

    def __init__(self, files, display="VGA", scale=1, append="", usb=False, cpus=2):
        qmp = files / "qmp"
        super().__init__(boot="iso", append=f"console=tty0 {append}", timeout=120, cpus=cpus,
                         machine="q35,i8042=off" if usb else "pc", extra=[
                             "-vga", "none", "-device", display, *(USB if usb else []),
                             "-qmp", f"unix:{qmp},server=on,wait=off"])
        self.connect = lambda: Screen(qmp, files, scale)

    def shell(self):
        """The first prompt; then screen and keyboard can be used."""
        super().shell()
        self.screen = self.connect()
        self.keys = Keys(ask=self.screen.ask)
        self.settle()

    def run(self, command, timeout=None):
        out = super().run(command, timeout)
        self.settle()
        return out

    def settle(self):
        """The shell asks the terminal for the cursor's place.  When it echoes, the answer has been typed; a
        command that came before the answer would leave it to its program."""
        self.send(" \x7f")
        self.expect(r" \x08")


@pytest.mark.parametrize("display, word, scale, size", [
    ("VGA,xres=1920,yres=1080", "", 1, "67 240"),
    ("VGA,xres=2560,yres=1440", "", 2, "45 160"),
    ("VGA,xres=1920,yres=1080", "font_scale=3", 3, "22 80"),
    # No EDID, and one that prefers no size (QEMU's for 4K): what Linux assumes then.
    ("VGA,edid=off", "", 1, "48 128"),
    ("VGA,vgamem_mb=64,xres=3840,yres=2160", "", 1, "48 128")])
def test_uses_the_size_that_the_monitor_prefers(tmp_path, display, word, scale, size):
    with PC(tmp_path, display, scale, word) as vm:
        vm.shell()
        assert vm.run("stty size") == size
        vm.screen.until_text(size)


def test_labs_use_the_whole_width(tmp_path):
    with PC(tmp_path, "VGA,xres=1920,yres=1080") as vm:
        vm.shell()
        # On a busy machine a run may end without a picture.
        for _ in range(4):
            shown = vm.run("lab concurrency --quick --unattended --plain")
            if "\nCPU 0" in shown:
                break
        # A step of the time line is a round number, so the line may be a third shorter.
        assert 155 < max(len(line) for line in shown.split("\n") if line.startswith("CPU 0")) <= 240, shown
        assert "\n" + 238 * "-" + "\n" in shown
        vm.screen.until_text("Questions:   lab concurrency --page")


def last_number(rows):
    return max((int(row) for row in rows if row.isdigit()), default=0)


@pytest.mark.parametrize("usb", [False, True], ids=["ps2", "usb"])
def test_scrolls_back(tmp_path, usb):
    with PC(tmp_path, usb=usb) as vm:
        vm.shell()
        if usb and "a keyboard" not in vm.log:
            vm.expect("a keyboard")
        vm.run("seq 1 300")
        # The prompt comes after the last number, and output returns to the screen.
        vm.screen.until(lambda rows: last_number(rows) == 300 and rows[-1].startswith("~ #"))
        vm.keys.press("shift", "pgup")
        # Half a screen of 50 rows, less the prompt.
        vm.screen.until(lambda rows: last_number(rows) == 300 - 24)
        vm.keys.press("shift", "pgup")
        vm.screen.until(lambda rows: last_number(rows) == 251)
        vm.keys.press("shift", "pgdn")
        vm.screen.until(lambda rows: last_number(rows) == 276)
        vm.keys.press("x")                                  # a key that types returns
        vm.screen.until(lambda rows: last_number(rows) == 300 and "# x" in rows[-1])
        vm.keys.press("shift", "pgup")
        vm.screen.until(lambda rows: last_number(rows) == 276)
        vm.send("\x15")                                     # so does output
        vm.screen.until(lambda rows: last_number(rows) == 300)
        for _ in range(60):
            vm.keys.press("shift", "pgup", hold=10)
        vm.screen.until(lambda rows: any("entered by multiboot2" in row for row in rows))


def test_programs_use_the_screen(tmp_path):
    """vi has a screen of its own; a program that asks for the cursor's place is answered."""
    with PC(tmp_path) as vm:
        vm.shell()
        vm.run("seq 1 100 > /tmp/f; echo before")
        vm.send("vi /tmp/f\n")
        # The status line may be drawn before the others.
        vm.screen.until(lambda rows: "/tmp/f 1/100" in rows[-1] and len(rows) == 50 and
                        rows[0] == "1" and rows[48] == "49")
        vm.send(":q\n")
        vm.screen.until(lambda rows: any(row == "before" for row in rows) and "1/100" not in rows[-1])
        vm.send("stty -icanon -echo min 6; printf '\\033[5;9H\\033[6n'; x=$(dd bs=6 count=1 2>&-); "
                "stty sane; echo \"answer: ${x#?}\"\n")
        vm.expect(r"answer: \[5;9R")


def test_answers_stay_whole(tmp_path):
    """At each prompt the shell asks for the cursor's place.  What is typed comes before or after the
    answer, never between its bytes.  CPUs that the host takes away at any point show it soon."""
    with PC(tmp_path, cpus=4) as vm:
        vm.shell()
        for _ in range(4):
            vm.run("while :; do :; done &")
        for i in range(400):
            assert vm.run(f"echo line {i}") == f"line {i}"


def typed(vm, *presses):
    """What `cat` gets when these keys are pressed, each as "shift+a"; then Enter."""
    vm.send("echo be''gun; cat\n")
    vm.expect(r"begun\r*\n")     # so the terminal is the command's
    for press in presses:
        vm.keys.press(*press.split("+"))
    vm.keys.press("ret")
    text = vm.expect(r"([^\r\n]+)\r*\n\1\r*\n")[1]
    vm.keys.press("ctrl", "c")
    vm.expect("# ")
    return text


GERMAN = (["z", "y", "shift+z", "minus", "bracket_left", "semicolon", "shift+semicolon", "alt_r+q", "alt_r+e",
           "less", "alt_r+less", "equal", "e", "grave_accent", "shift+o", "equal", "spc", "equal", "x",
           "caps_lock", "z", "apostrophe", "caps_lock", "alt_r+7"], "yzYßüöÖ@€<|éÔ''xYÄ{")


@pytest.fixture
def keymaps(built):
    """Asked for when they are built: a clean clone has none while tests are collected."""
    if not (BUILD / "keymaps/de.bmap").exists():
        pytest.skip("kbd or console-data is missing: make setup")


@pytest.mark.parametrize("usb", [False, True], ids=["ps2", "usb"])
def test_keyboard_layouts(tmp_path, keymaps, usb):
    with PC(tmp_path, usb=usb, append="keymap=de") as vm:
        vm.shell()
        if usb and "a keyboard" not in vm.log:
            vm.expect("a keyboard")
        assert typed(vm, *GERMAN[0]) == GERMAN[1]
        vm.screen.until_text(GERMAN[1])
        vm.run("keymap fr")
        assert typed(vm, "q", "2", "shift+2", "alt_r+0", "bracket_left", "e", "semicolon") == "aé2@êm"
        vm.run("keymap us")
        assert typed(vm, "q", "2", "shift+2", "grave_accent") == "q2@`"
        assert "There are: be br ca" in vm.run("keymap xx")
