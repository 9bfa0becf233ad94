# SPDX-License-Identifier: MIT
"""The keyboard of a virtual machine."""
import sys
import time

from vm import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from last_state import Monitor  # noqa: E402

NAMES = {" ": "spc", "\n": "ret", ";": "semicolon", "-": "minus", "/": "slash", ".": "dot"}


class Keys:
    """Presses keys, by QEMU's monitor protocol.  `ask`: the function of a monitor that is open."""

    def __init__(self, path=None, ask=None):
        self.ask = ask or Monitor(str(path)).command

    def press(self, *keys, hold=30):
        self.ask("send-key", keys=[{"type": "qcode", "data": k} for k in keys], **{"hold-time": hold})
        time.sleep(hold / 1000 + 0.03)

    def type(self, text):
        for c in text:
            key = NAMES.get(c, c.lower())
            self.press(*(["shift", key] if c.isupper() else [key]))
