# SPDX-License-Identifier: MIT
"""A step of a schedule that `make race` has found: `make gdb RACE=name STEP=12` stops before it."""
import gdb


def is_runtime(frame):
    """Is it a function of the runtime that make race links with the program?"""
    symtab = frame.find_sal().symtab
    return symtab is None or "user/race/" in symtab.filename


def go(path, step):
    """Let the machine run until the program comes to its step, and select its own frame."""
    gdb.execute(f"heddle-break {path} race_stop", to_string=True)
    gdb.execute("continue", to_string=True)
    frame = gdb.selected_frame()
    if frame.name() != "race_stop":
        raise gdb.GdbError("the program ended before this step")
    inner = frame
    while frame is not None and is_runtime(frame):
        inner, frame = frame, frame.older()
    if frame is None:
        return
    print(f"Step {step} of the schedule: this line makes its next access or call.")
    if (inner.name() or "").startswith(("__tsan_", "rt_access")):
        inner.select()  # a call before an access: nothing runs between its end and the access
        gdb.execute("finish", to_string=True)
    else:
        frame.select()
    gdb.execute("frame")
