# SPDX-License-Identifier: MIT
"""The screen after a panic: a camera reads its code, which holds what the serial line says."""
import re
import shutil
import subprocess

import pytest

from gdb_session import needs_gdb
from screens import Screen, needs_font
from test_stops import gdb, report_of, stopped
from vm import BUILD, PANIC, VM

needs_zbar = pytest.mark.skipif(not shutil.which("zbarimg"), reason="zbarimg is missing: make setup-test")
CODE_BYTES = 858

# Frames for a backtrace that is longer than the report, below the stack pointer; then a jump to nowhere.
LONG = ["tbreak sys_getppid", "continue", "python import struct",
        "python base = (int(gdb.parse_and_eval('(unsigned long)$rsp')) - 1024) & ~15",
        "python name = int(gdb.parse_and_eval('(unsigned long)&process_wait')) + 16",
        "python gdb.selected_inferior().write_memory(base, b''.join(struct.pack('<QQ', base + 16 * i + 16, "
        "name + i) for i in range(60)))",
        "python gdb.execute(f'set $rsp = {base - 64}'); gdb.execute(f'set $rbp = {base}')",
        "set $rip = 16"]


def words(report):
    """What the code should hold after its first line."""
    cause = report.split("\n", 1)[0]
    here = re.search(r"^(CPU \d+, (?:no )?thread.*)\n(?:r.*\n|cr2.*\n)*(backtrace:)\n((?:  .*\n)+)to look closer",
                     report, re.M)
    assert here, report
    frames = [re.sub(r"^0x[0-9a-f]{16} (?!0x)", "", line.strip()) for line in here[3].splitlines()]
    return "".join(f"{line}\n" for line in (cause, here[1], here[2], *frames))


def read_code(picture, folder):
    """What zbarimg reads on a picture: its first line, and the rest."""
    file = folder / "code.ppm"
    file.write_bytes(b"P6\n%d %d\n255\n" % (picture.width, picture.height) + picture.pixels)
    done = subprocess.run(["zbarimg", "-q", "--nodbus", "--xml", file], capture_output=True, text=True)
    found = re.findall(r"<data><!\[CDATA\[(.*?)\]\]></data>", done.stdout, re.S)
    assert len(found) == 1, done
    return found[0].split("\n", 1)


def screen_after_panic(tmp_path, vm, cause, *commands):
    """(Serial report, picture) of a machine whose screen stays; `cause` makes the panic."""
    monitor = tmp_path / "qmp"
    if commands:
        gdb(BUILD, tmp_path / "gdb", *commands)
    screen = Screen(monitor, tmp_path)
    cause(vm, screen)
    # The cause stands at the end once more, after the screen has been drawn.
    vm.expect(r"(?s)kernel panic: .*to look closer.*kernel panic: [^\n]*\n", 300)
    return report_of(vm.log), screen.picture()


def by_nmi(vm, screen):
    vm.expect(r"init: running")
    screen.ask("inject-nmi")


CASES = {
    "init-1024x768": (dict(init="/absent"), 1024, 768, "", None, ()),
    "nmi-1920x1080-scaled": ({}, 1920, 1080, "font_scale=2", by_nmi, ()),
    "long-1280x800": ({}, 1280, 800, "", None, LONG),
    "long-640x480": ({}, 640, 480, "", None, LONG),
}


@needs_zbar
@needs_font
@needs_gdb
@pytest.mark.parametrize("case", [
    pytest.param(case, marks=[pytest.mark.slow] if "640" in case else []) for case in CASES])
def test_a_camera_reads_the_report(tmp_path, case):
    options, width, height, append, cause, commands = CASES[case]
    sockets = ["-qmp", f"unix:{tmp_path / 'qmp'},server=on,wait=off"]
    if commands:
        sockets += ["-S", "-gdb", f"unix:{tmp_path / 'gdb'},server=on,wait=off"]
    with VM(boot="iso", append=f"panic=halt {append}", timeout=300, **options,
            extra=["-vga", "none", "-device", f"VGA,xres={width},yres={height}", *sockets]) as vm:
        report, picture = screen_after_panic(tmp_path, vm, cause or (lambda vm, screen: None), *commands)
    assert (picture.width, picture.height) == (width, height)
    first, rest = read_code(picture, tmp_path)
    want = words(report)
    assert re.match(r"Heddle 6\.1\.0-heddle, \d{6,} bytes, 2 CPUs, QEMU TCG CPU", first)
    assert rest == want or (want.startswith(rest) and len(first) + 1 + len(rest) == CODE_BYTES), (rest, want)
    assert ("process_wait+0x1f" in rest) == bool(commands), rest


@needs_zbar
def test_the_code_of_a_text_screen(tmp_path):
    """80x25 characters have room for the cause and the functions."""
    with VM(init="/absent", append="panic=halt", timeout=300,
            extra=["-qmp", f"unix:{tmp_path / 'qmp'},server=on,wait=off"]) as vm:
        report, picture = screen_after_panic(tmp_path, vm, lambda vm, screen: None)
    assert (picture.width, picture.height) == (720, 400)
    cause, rest = read_code(picture, tmp_path)
    want, _, _, frames = words(report).split("\n", 3)
    assert cause == want and rest and frames.startswith(rest), (cause, rest, report)


@needs_gdb
def test_a_panic_in_the_report_ends(tmp_path):
    """Drawing fails: the machine says so and ends.  Saying so fails, too: it ends without a word."""
    report, status = stopped(tmp_path, "tbreak panic_screen_draw", "continue", "set $rip = 16", init="/absent")
    assert status == PANIC
    assert re.search(r"^panic in the report itself: page fault in the kernel: null pointer", report, re.M), report
    again = tmp_path / "again"
    again.mkdir()
    # A fault at each call, for ever; stop() returns False: the machine goes on.
    fail = ("python type('Fail', (gdb.Breakpoint,), dict(stop=lambda self: "
            "bool(gdb.execute('set $rip = 16'))))('log_flush_forced')")
    _, status = stopped(again, "tbreak panic_screen_draw", "continue", "set $rip = 16", fail,
                        "python\ntry: gdb.execute('continue')\nexcept gdb.error: pass\nend", init="/absent")
    assert status == PANIC
