# SPDX-License-Identifier: MIT
""".vscode/: the commands that the C/C++ extension would send to gdb's machine interface, sent to it
here, to the machine that the task starts."""
import json
import os
import re
import shutil

import pexpect
import pytest

from vm import BUILD, HANGS, ROOT

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is missing: make setup")


def load(name):
    return json.loads((ROOT / ".vscode" / name).read_text())


def test_launch():
    configuration, = load("launch.json")["configurations"]
    # Without it the extension takes the machine for a process of the host's, which it signals.
    assert configuration["miDebuggerServerAddress"] == "${workspaceFolder}/build/gdb/socket"
    task, = [t for t in load("tasks.json")["tasks"] if t["label"] == configuration["preLaunchTask"]]
    background = task["problemMatcher"]["background"]

    def here(text):
        return text.replace("${workspaceFolder}/build", str(BUILD)) \
            .replace("${workspaceFolder}", str(ROOT))

    machine = pexpect.spawn("/bin/sh", ["-c", task["command"]], cwd=str(ROOT), encoding="utf-8",
                            env=dict(os.environ, BUILD=str(BUILD)), timeout=HANGS, echo=False)
    try:
        for pattern in (background["beginsPattern"], background["endsPattern"]):
            machine.expect(pattern.replace("^", r"(?m)^"))
        socket = re.search(r"target remote (\S+)'", machine.before)[1]  # elsewhere, if its path is long
        gdb = pexpect.spawn("gdb", ["--interpreter=mi", *configuration["miDebuggerArgs"].split()],
                            cwd=str(ROOT), encoding="utf-8", timeout=HANGS, echo=False)
        try:
            gdb.expect(r"\(gdb\) \r?\n")
            for command in configuration["customLaunchSetupCommands"]:
                text = here(command["text"])
                if "/gdb/socket" in text:
                    for _ in range(6000):
                        if os.path.exists(os.path.join(ROOT, socket)):
                            break
                        machine.expect([pexpect.TIMEOUT], timeout=0.1)
                    text = text.replace(str(BUILD / "gdb/socket"), os.path.join(ROOT, socket))
                gdb.sendline(text)
                assert gdb.expect([r"\^(?:done|connected)", r"\^error[^\n]*"]) == 0, gdb.match[0]
            assert configuration["launchCompleteCommand"] == "exec-continue"
            gdb.sendline("-exec-continue")
            gdb.expect(r'\*stopped,reason="breakpoint-hit"[^\n]*func="bring_up"')
            gdb.sendline('-interpreter-exec console "heddle-ps"')
            gdb.expect(r"idle/0")
            gdb.expect(r"\^done")
            gdb.sendline("-stack-list-frames")
            gdb.expect(r'func="bring_up"')
        finally:
            gdb.close(force=True)
    finally:
        machine.send("\x01x")
        machine.expect(pexpect.EOF)
        machine.close(force=True)
