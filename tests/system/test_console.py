# SPDX-License-Identifier: MIT
"""The console of a PC: what is typed on its keyboard, and what its screen shows."""
import pytest

from screens import Screen, needs_font
from vm import VM

pytestmark = needs_font


def pc(tmp_path, boot="iso", display="VGA", scale=1, append="", **options):
    """A machine with a display, whose terminal is the display; (machine, screen)."""
    qmp = tmp_path / "qmp"
    vm = VM(boot=boot, append=f"console=tty0 {append}", timeout=120,
            extra=["-vga", "none", "-device", display, "-qmp", f"unix:{qmp},server=on,wait=off"],
            **options)
    return vm, lambda: Screen(qmp, tmp_path, scale)


@pytest.mark.parametrize("display, word, scale, size", [
    ("VGA,xres=1920,yres=1080", "", 1, "67 240"),
    ("VGA,xres=2560,yres=1440", "", 2, "45 160"),
    ("VGA,xres=1920,yres=1080", "font_scale=3", 3, "22 80")])
def test_uses_the_size_that_the_monitor_prefers(tmp_path, display, word, scale, size):
    vm, screen = pc(tmp_path, display=display, scale=scale, append=word)
    with vm:
        vm.shell()
        assert vm.run("stty size") == size
        screen().until_text(size)
