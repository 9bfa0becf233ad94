# SPDX-License-Identifier: MIT
"""The transcripts of docs/strace.md: Debian's strace and gdb inside Heddle."""
import subprocess
import sys

import pytest

from test_guests import packages  # noqa: F401  (a fixture)
from vm import HANGS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import guest_transcript  # noqa: E402


def test_times_are_not_compared():
    """Strace says seconds only if a child had a tick of the clock."""
    line = "--- SIGCHLD {si_signo=SIGCHLD, si_status=3, si_utime=%s, si_stime=%s} ---"
    assert guest_transcript.kinds(line % (0, 0)) == guest_transcript.kinds(line % ("1 /* 0.01 s */", 0))


@pytest.mark.usefixtures("packages")
def test_the_transcripts_are_what_the_programs_print():
    done = subprocess.run([sys.executable, "tools/guest_transcript.py", "--check", "docs/strace.md"],
                          cwd=ROOT, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stdout + done.stderr
