# SPDX-License-Identifier: MIT
"""The transcripts of docs/strace.md: Debian's strace and gdb inside Heddle."""
import subprocess
import sys

import pytest

from test_guests import packages  # noqa: F401  (a fixture)
from vm import HANGS, ROOT


@pytest.mark.usefixtures("packages")
def test_the_transcripts_are_what_the_programs_print():
    done = subprocess.run([sys.executable, "tools/guest_transcript.py", "--check", "docs/strace.md"],
                          cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stdout + done.stderr
