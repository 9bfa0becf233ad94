# SPDX-License-Identifier: MIT
"""Runs checks, functions that yield problems in words, and prints the result as TAP."""


def run(checks, subject):
    """Whether a check has found a problem in `subject`."""
    failed = False
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        problems = list(check(subject))
        for problem in problems:
            print(f"# {problem}")
        print(f"{'not ' if problems else ''}ok {number} - {check.__name__}")
        failed |= bool(problems)
    return failed
