# SPDX-License-Identifier: MIT
"""What runs in a boot of the graded kernel, and what is seen of it."""
import fnmatch
import json
import re

import grade_machine
from exercise import Refused

EARLY = "(before the first check began)"
SEEDS = 20  # schedules of a check of kind "seeds", if it names no number


class Step:
    """One thing that runs once in a boot: a self-test, or a command.  Several checks may look at it."""

    def __init__(self, key, command, factor=1):
        self.key, self.command, self.factor = key, command, factor
        self.lines, self.done, self.status, self.failure = [], False, None, None


def steps_of(check, tests, seeds):
    """{key of a step: its command} of a check; the command of a self-test is None."""
    run, kind = check["run"], check["kind"]
    if kind == "selftest":
        found = [t for pattern in run.split() for t in tests if fnmatch.fnmatchcase(t, pattern)]
        if not found:
            raise Refused(f"check {check['name']}: no self-test is called {run}")
        return {("test", t): None for t in found}
    if kind == "init":
        program, _, names = run.partition(":")
        return {("init", program, name): program for name in names.split()}
    if kind == "lab":
        return {("lab", run): f"/labs/{run} --json </dev/null"}
    if kind == "seeds":
        numbers = [(seeds + 7919 * i) % 1_000_000_000 or 1 for i in range(check.get("seeds", SEEDS))]
        loop = "".join(f'echo "@@ seed {n}"; ( echo {n} > /proc/self/sched_seed; exec /tests/{run} ) '
                       f'</dev/null || echo "@@ seed {n} status $?"; ' for n in numbers)
        return {("seeds", run, seeds): loop + "true"}
    program = run.partition(":")[0]
    return {("program", program): f"/tests/{program} </dev/null"}


def script_of(steps):
    lines = ["cd /tmp"]
    for number, step in steps:
        lines += [f'echo "@@ begin {number}"', step.command, f'echo "@@ end {number} $?"']
    return "\n".join([*lines, "true", ""])


def told(steps, words):
    """(words for the kernel, words for process 1, the script) of a boot with these steps of one kind."""
    kind = steps[0].key[0]
    if kind == "test":
        return f"{words} selftest selftest_list=" + ",".join(s.key[1] for s in steps), "", ""
    if kind == "init":
        return f"{words} init=/tests/{steps[0].command}", " ".join(s.key[2] for s in steps), ""
    return words, "run /bin/sh /grade.sh", script_of(list(enumerate(steps)))


class Boots:
    """Runs steps on a number of CPUs, in as few boots as the kernel allows."""

    def __init__(self, built, debug, cpus, words, say):
        self.built, self.debug, self.cpus, self.words, self.say = built, debug, cpus, words, say
        self.count = 0

    def run(self, steps):
        """All of one kind: self-tests, or commands."""
        kinds = {}
        for step in steps:
            kinds.setdefault(step.key[:2] if step.key[0] == "init" else step.command is None, []).append(step)
        for chosen in kinds.values():
            while True:
                left = [s for s in chosen if not s.done]
                if not left:
                    break
                self.boot(left)

    def boot(self, steps):
        self.count += 1
        self.say(f"{'debug kernel, ' if self.debug else ''}{self.cpus} "
                 f"CPU{'s' if self.cpus > 1 else ''}: {len(steps)} to run")
        by_number = dict(enumerate(steps))
        now, self.began = [None], False
        tail = []
        group = steps[0].key[0]
        see = {"test": self.see_test, "init": self.see_init}.get(group, self.see_command)

        def on_line(line):
            before = now[0], now[0] and now[0].done
            tail.append(line)
            del tail[:-6]
            see(line, by_number, now)
            return before != (now[0], now[0] and now[0].done)
        words, init, script = told(steps, self.words)
        archive = self.built.archive(script)
        machine = grade_machine.Machine(self.built.kernels[self.debug], archive, self.cpus, words, init)
        kind, reason, where = machine.run(on_line, lambda: now[0].factor if now[0] else 1)
        self.blame(steps, now[0], kind, reason, where, tail)

    def blame(self, steps, now, kind, reason, where, tail):
        """The machine has ended: what ran then has failed."""
        left = [s for s in steps if not s.done]
        if not left:
            return
        if kind == "end":
            reason = "the machine ended before this was done; last words: " + " / ".join(tail[-2:])
        failure = (reason, where)
        guilty = [now] if now and not now.done else left[:1]
        if not self.began:
            failure = (f"{reason} {EARLY}", where)
            guilty = left
        for step in guilty:
            step.done, step.failure = True, failure

    def see_test(self, line, by_number, now):
        begin = re.search(r"# begin (\w+)", line)
        if begin:
            self.began = True
            now[0] = next((s for s in by_number.values() if s.key[1] == begin[1]), None)
            return
        end = re.search(r"\b(not )?ok \d+ (\w+)", line)
        if end and now[0] and now[0].key[1] == end[2]:
            now[0].done, now[0].status = True, 1 if end[1] else 0
        elif now[0]:
            now[0].lines.append(re.sub(r"^\[ *[\d.]+\] ", "", line))

    def see_init(self, line, by_number, now):
        begin, end = re.match(r"# begin (\w+)$", line), re.match(r"(not )?ok (\w+)$", line)
        if begin:
            self.began = True
            now[0] = next((s for s in by_number.values() if s.key[2] == begin[1]), None)
        elif end and now[0] and now[0].key[2] == end[2]:
            now[0].done, now[0].status = True, 1 if end[1] else 0
        elif now[0]:
            now[0].lines.append(line)

    def see_command(self, line, by_number, now):
        begin, end = re.search(r"@@ begin (\d+)", line), re.search(r"@@ end (\d+) (\d+)", line)
        if begin:
            self.began = True
            now[0] = by_number.get(int(begin[1]))
        elif end and now[0] is by_number.get(int(end[1])) and now[0]:
            now[0].done, now[0].status = True, int(end[2])
        elif now[0]:
            now[0].lines.append(line)


# What is seen

def judge(check, step):
    """None if the step shows what the check wants, else what was seen instead."""
    if step.failure:
        return step.failure[0], step.failure[1]
    kind, lines = check["kind"], step.lines
    if kind in ("selftest", "init"):
        return None if step.status == 0 else first_words(lines, "the self-test failed")
    if kind == "lab":
        return judge_lab(check, lines)
    if kind == "seeds":
        return judge_seeds(lines)
    if kind == "lockdep":
        return judge_lockdep(check, step)
    return judge_program(check, step)


def judge_lockdep(check, step):
    found = [line for line in step.lines if re.search(r"lockdep|lock order|deadlock", line)]
    return ("; ".join(found[:3]), []) if found else judge_program(check, step)


def first_words(lines, otherwise):
    said = [line.lstrip("# ") for line in lines if line.startswith("#")]
    return (" / ".join(said[:2]) or otherwise), []


def judge_program(check, step):
    program, _, name = check["run"].partition(":")
    if not name:
        failed = [line for line in step.lines if line.startswith("not ok ")]
        if step.status == 0 and not failed:
            return None
        return first_words(step.lines, f"{program} ended with status {step.status}")
    said = []
    for line in step.lines:
        if re.match(rf"ok {re.escape(name)}\b", line):
            return None
        if re.match(r"(not )?ok |skip ", line):
            if re.match(rf"not ok {re.escape(name)}\b", line):
                return first_words(said, f"`not ok {name}`")
            said = []
        else:
            said.append(line)
    return f"{program} did not print `ok {name}`; it ended with status {step.status}" + (
        f" after: {step.lines[-1]}" if step.lines else ""), []


def judge_lab(check, lines):
    found = next((line for line in lines if line.startswith("{")), None)
    try:
        lab = json.loads(found or "")
    except ValueError:
        return "the lab came to no verdict" + (f": {lines[-1][:150]}" if lines else ""), []
    wanted = check.get("expect", lab.get("expected"))
    if lab["verdict"] == wanted:
        return None
    return f"the verdict is {lab['verdict']}, not {wanted}: {lab.get('text', '')}", []


def judge_seeds(lines):
    tried = [line.split()[2] for line in lines if re.match(r"@@ seed \d+$", line)]
    failed = [line.split() for line in lines if re.match(r"@@ seed \d+ status", line)]
    if not failed and tried:
        return None
    if not tried:
        return "no seed was tried", []
    seed = failed[0][2]
    said, mine = [], False
    for line in lines:
        if line.startswith("@@ seed "):
            mine = line == f"@@ seed {seed}"
        elif mine and not line.startswith("ok "):
            said.append(line.lstrip("# "))
    return (f"{len(failed)} of {len(tried)} schedules fail, first with seed {seed}: "
            + (" / ".join(said[:2]) or f"status {failed[0][4]}")), []
