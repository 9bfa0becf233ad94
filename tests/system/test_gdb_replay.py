# SPDX-License-Identifier: MIT
"""make gdb REPLAY=1: a run is recorded and run again, and gdb goes back in it, over a switch too."""
import re
import shutil

import pytest

from gdb_session import gdb_batch

pytestmark = pytest.mark.skipif(not (shutil.which("gdb") and shutil.which("qemu-img")),
                                reason="gdb or qemu-img is missing: make setup")


def replay(tmp_path, *commands):
    """What gdb says to commands at the start of a replayed run, behind the recording."""
    script = tmp_path / "commands"
    script.write_text("\n".join(commands) + "\n")
    status, out = gdb_batch(tmp_path / "console", "-x", script, cpus=4, mem="128M",
                            told='run /bin/sh -c "echo recorded | cat"', REPLAY="1",
                            RECORD_SECONDS="600")
    assert status == 0, out[-3000:]
    recording, found, after = out.partition("Recorded: ")
    assert found and "\nrecorded\n" in recording, out[-3000:]
    return after


def parts(out):
    """What stands between the marks `== NAME`."""
    found = re.split(r"(?m)^== (\w+)$", out)
    return dict(zip(found[1::2], found[2::2]))


def stack(text):
    return int(re.search(r"sp (0x[0-9a-f]+)", text)[1], 16)


def mark(name):
    return f'printf "== {name}\\n"'


HERE = r'printf "pc %#lx sp %#lx\n", $pc, $rsp'


def test_back_over_a_switch(tmp_path):
    """Into the thread that was switched from, to where its stack pointer was saved, and to the end
    of the run afterwards."""
    said = parts(replay(
        tmp_path,
        "break *context_switch", "continue 40",
        mark("before"), "stepi 7", "x/i $pc", HERE, "bt",
        mark("after"), "stepi", HERE, "bt", "heddle-current",
        mark("back"), "reverse-stepi", "x/i $pc", HERE, "bt", "heddle-current",
        # Of init, when it comes for the second time: its stack pointer was saved when it went.
        mark("saved"), "condition 2 ((struct cpu *)$gs_base)->current->tid == 1", "continue", "continue", "set $came = ((struct cpu *)$gs_base)->current",
        "delete", 'printf "saved %#lx\\n", $came->arch.saved_sp',
        "watch -location $came->arch.saved_sp",
        "reverse-continue", "x/i $pc", HERE,
        mark("end"), "delete", "break power_off", "continue", "bt 1"))
    assert "mov    %rsi,%rsp" in said["before"] and "mov    %rsi,%rsp" in said["back"]
    assert stack(said["before"]) == stack(said["back"]) != stack(said["after"])

    def callers(text):
        return re.findall(r"^#\d+ .*", text, re.M)

    assert callers(said["before"]) == callers(said["back"]) != callers(said["after"])
    threads = [re.search(r"thread (\d+) ", said[name])[1] for name in ("after", "back")]
    assert threads[0] != threads[1], threads
    # At the write, or right behind it: still on the stack that it saves.
    assert re.search(r"<context_switch\+\d+>:\s+mov    (%rsp,\(%rdi\)|%rsi,%rsp)", said["saved"])
    assert stack(said["saved"]) == int(re.search(r"saved (0x\w+)", said["saved"])[1], 16)
    assert "power_off" in said["end"]
