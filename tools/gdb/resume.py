# SPDX-License-Identifier: MIT
"""Before the machine runs on, everything is put back that was changed for looking at it.

gdb tells Python of going on only afterwards, so each command that resumes has a hook.  Those who
change something register their way back in `before`."""
import gdb

COMMANDS = ("continue", "step", "next", "stepi", "nexti", "finish", "until", "advance", "jump",
            "detach", "disconnect", "kill", "quit", "call", "reverse-step", "reverse-next",
            "reverse-stepi", "reverse-nexti", "reverse-continue", "reverse-finish", "signal")

before = []


def _command_line():
    try:
        with open("/proc/self/cmdline", "rb") as f:
            return f.read().split(b"\0")
    except OSError:
        return []


# An editor that drives gdb by its machine interface resumes without running hooks.
HAS_HOOKS = not any(b"interpreter=mi" in w or w.startswith((b"-i=mi", b"--i=mi"))
                    for w in _command_line())


def run_hooks():
    for function in before:
        try:
            function()
        except (gdb.error, gdb.GdbError) as error:
            gdb.write(f"heddle: {error}\n", gdb.STDERR)


gdb.heddle_before_resume = run_hooks
for _command in COMMANDS:
    gdb.execute(f"define hook-{_command}\npython gdb.heddle_before_resume()\nend")
