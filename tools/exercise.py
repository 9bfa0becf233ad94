#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exercises: what they consist of, and `make exercise`, which begins one.

    tools/exercise.py                       list them, with their state
    tools/exercise.py [-s STUDENT] NAME     put the stub of NAME on the branch exercise/NAME
    tools/exercise.py --hint N NAME         print the hints up to level N

exercises/README.md says what an exercise is made of.  The answer is stored nowhere: it is the
function in the kernel's own source, which the stub replaces.
"""
import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

try:
    import tomllib
except ImportError:
    tomllib = None

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = ("selftest", "program", "init", "lab", "seeds", "lockdep")
KEYS = {"": {"title", "idea", "order", "minutes", "builds_on", "read", "labs", "hints", "replace", "check",
             "wrong"},
        "replace": {"file", "function"},
        "check": {"name", "points", "kind", "run", "cpus", "what", "hint", "gdb", "seeds", "limit",
                  "debug", "expect", "words", "again"},
        "wrong": {"file", "what", "loses", "keeps"}}


class Refused(Exception):
    """Nothing was changed; the text says why, and what to type."""


# Functions in source text

def c_span(text, name):
    """(start, end) of a C function, from the comment above it to its closing brace, or None."""
    head = re.search(rf"^[A-Za-z_][^\n;{{}}#]*\b{name}\([^;{{}}]*\)[^;{{}}]*\n?\{{", text, re.M)
    if not head:
        return None
    end = text.find("\n}\n", head.end() - 1)
    return None if end < 0 else (comment_start(text, head.start()), end + 3)


def assembly_span(text, name):
    """The same for assembly: from the comment above `.globl NAME` to the line `.size NAME`."""
    head = re.search(rf"^[ \t]*\.globl[ \t]+{name}[ \t]*\n", text, re.M)
    tail = re.search(rf"^[ \t]*\.size[ \t]+{name},.*\n", text, re.M)
    if not head or not tail or tail.end() < head.end():
        return None
    return comment_start(text, head.start()), tail.end()


def comment_start(text, at):
    """Where the comment that ends right above `at` begins; `at` if there is none."""
    if not text[:at].endswith("*/\n"):
        return at
    start = text.rfind("/*", 0, at)
    return start if start == 0 or text[start - 1] == "\n" else at


def span(path, text, name):
    return (assembly_span if str(path).endswith(".S") else c_span)(text, name)


def answers(path, names):
    """{function: text} of an answer's file: each text ends where its function does, and holds what
    stands before it (helpers, variables).  The first comment, which describes the file, is left out."""
    text = path.read_text()
    if text.startswith("/*"):
        text = text[text.index("*/") + 2:].lstrip("\n")
    found = {name: span(path, text, name) for name in names}
    found = sorted((where[1], name) for name, where in found.items() if where)
    out, at = {}, 0
    for end, name in found:
        out[name] = text[at:end].lstrip("\n")
        at = end
    if not out:
        raise Refused(f"{path}: none of these functions is there: {', '.join(names)}")
    if text[at:].strip():
        raise Refused(f"{path}: what stands after the last function would be lost: move it up")
    return out


def apply_diff(path, root, texts):
    """Changes `texts` ({file of the tree: its text}) as the difference in `path` says."""
    files = re.findall(r"^\+\+\+ b/(\S+)", path.read_text(), re.M)
    with tempfile.TemporaryDirectory() as folder:
        copies = {file: pathlib.Path(folder) / file for file in files}
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(texts.get(file) or (root / file).read_text())
        done = subprocess.run(["git", "apply", "--whitespace=nowarn", str(path.resolve())], cwd=folder,
                              capture_output=True, text=True, env={**os.environ, "GIT_DIR": folder})
        if done.returncode or not files:
            raise Refused(f"{path} does not fit the kernel's source any more: {done.stderr.strip()}")
        texts.update({file: copy.read_text() for file, copy in copies.items()})


# Exercises

class Exercise:
    """One folder of exercises/."""

    def __init__(self, folder):
        if tomllib is None:
            raise Refused("the exercises are described in TOML: Python 3.11 or later reads it "
                          f"(this is {sys.version.split()[0]}; PYTHON= names another)")
        self.folder, self.name = folder, folder.name
        try:
            data = tomllib.loads((folder / "exercise.toml").read_text())
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise Refused(f"{folder / 'exercise.toml'}: {error}") from None
        self.test_keys("", data)
        self.title, self.idea, self.order = data["title"], data["idea"], data.get("order", 0)
        self.minutes, self.builds_on = data["minutes"], data.get("builds_on", [])
        self.read, self.labs, self.hints = data["read"], data.get("labs", []), data["hints"]
        self.replace, self.checks, self.wrong = data["replace"], data["check"], data.get("wrong", [])
        self.test()

    def test_keys(self, kind, data):
        unknown = set(data) - KEYS[kind]
        if unknown:
            raise Refused(f"{self.name}/exercise.toml: unknown {', '.join(sorted(unknown))}")
        for inner in ("replace", "check", "wrong"):
            for part in data.get(inner, []) if not kind else []:
                self.test_keys(inner, part)

    def test(self):
        """What can be seen to be wrong without a machine."""
        names = [c["name"] for c in self.checks]
        for check in self.checks:
            if check["kind"] not in KINDS:
                raise Refused(f"{self.name}: check {check['name']}: kind {check['kind']} is not one "
                              f"of {', '.join(KINDS)}")
            check.setdefault("cpus", [1, 2, 4])
            for key in ("what", "hint", "gdb", "run", "points"):
                if not check.get(key):
                    raise Refused(f"{self.name}: check {check['name']} has no `{key}`")
        if len(set(names)) < len(names):
            raise Refused(f"{self.name}: two checks have one name")
        for wrong in self.wrong:
            strange = (set(wrong["loses"]) | set(wrong.get("keeps", []))) - set(names)
            if strange or not wrong["loses"]:
                raise Refused(f"{self.name}: {wrong['file']}: no check is called "
                              f"{', '.join(sorted(strange)) or '(loses is empty)'}")

    @property
    def points(self):
        return sum(check["points"] for check in self.checks)

    def functions(self, file):
        return [r["function"] for r in self.replace if r["file"] == file]

    def stubs(self):
        return sorted(self.folder.glob("stub.*"))

    def own_checks(self):
        return sorted(self.folder.glob("check_*.c"))

    def patched(self, paths, root=ROOT):
        """{file of the tree: its text} with the functions in `paths` in place of its own; a path that
        ends with .diff is a difference to them."""
        out = {}
        for path in paths:
            if path.suffix == ".diff":
                apply_diff(path, root, out)
                continue
            names = {r["function"]: r["file"] for r in self.replace
                     if r["file"].endswith(".S") == (path.suffix == ".S")}
            for name, text in answers(path, names).items():
                file = names[name]
                whole = out.get(file) or (root / file).read_text()
                where = span(file, whole, name)
                if not where:
                    raise Refused(f"{file} has no function {name}() that could be replaced")
                out[file] = whole[:where[0]] + text + whole[where[1]:]
        return out

    def stubbed(self, root=ROOT, student=""):
        """The files with the stub in them; the first function says how to go on."""
        out = self.patched(self.stubs(), root)
        missing = [r for r in self.replace
                   if out.get(r["file"]) is None or not span(r["file"], out[r["file"]], r["function"])]
        if missing:
            raise Refused(f"{self.name}: no stub for {missing[0]['function']}()")
        first = self.replace[0]
        at = span(first["file"], out[first["file"]], first["function"])[0]
        text = out[first["file"]]
        out[first["file"]] = text[:at] + self.comment(student) + text[at:]
        return out

    def comment(self, student=""):
        """Above the first stub: everything that a student needs to begin."""
        lines = [f"EXERCISE {self.name}: {self.title}.  About {self.minutes} minutes.", self.idea,
                 "Write the functions below: " +
                 ", ".join(f"{r['function']}() in {r['file']}" for r in self.replace) + ".",
                 "Read: " + "; ".join(self.read) + "."]
        if self.labs:
            lines.append("The idea in use: " + ", ".join(f"make lab NAME={n}" for n in self.labs) + ".")
        lines += [f"Hint 1 of {len(self.hints)}: {self.hints[0]}  "
                  f"The next: make exercise EX={self.name} HINT=2.",
                  f"Grade: make grade EX={self.name}."]
        if student:
            lines.append(f"Student: {student}, seed {seed_of(student, self.name)}.")
        wrapped = [w for line in lines for w in textwrap.wrap(line, 94)]
        return "/* " + "\n * ".join(wrapped) + "\n */\n\n"


def seed_of(student, exercise):
    """The number that makes a student's schedules: the same at the teacher's."""
    digest = hashlib.sha256(f"{student.strip().lower()}/{exercise}".encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % 999_999_999


def every(root=ROOT):
    folders = [p.parent for p in (root / "exercises").glob("*/exercise.toml")]
    return sorted((Exercise(f) for f in folders), key=lambda e: (e.order, e.name))


def load(name, root=ROOT):
    folder = root / "exercises" / name
    if not re.fullmatch(r"[\w-]+", name) or not (folder / "exercise.toml").exists():
        known = ", ".join(sorted(p.parent.name for p in (root / "exercises").glob("*/exercise.toml")))
        raise Refused(f"no exercise is called {name}.  There are: {known}")
    return Exercise(folder)


# The branch

def git(*words, root=ROOT, check=True):
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    if check and done.returncode:
        raise Refused(f"`git {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""


def stub_commit(name, root=ROOT, at="HEAD"):
    """The commit with the stub of this exercise, if `at` has it in its history."""
    return git("log", "-1", "--format=%H", "--extended-regexp", f"--grep=^Exercise: {name}$", at,
               root=root, check=False)


def refuse(exercise, root=ROOT):
    """Why the exercise cannot begin here."""
    branch = f"exercise/{exercise.name}"
    if not git("rev-parse", "--git-dir", root=root, check=False):
        raise Refused("this is no git repository: the stub is a commit of its own, so that no work is "
                      "lost.  Clone Heddle with git")
    if git("rev-parse", "--verify", "-q", f"refs/heads/{branch}", root=root, check=False):
        raise Refused(f"the branch {branch} exists: `git switch {branch}` goes on with it.  To begin "
                      f"again, keep the old one by `git branch -m {branch} {branch}-old`")
    changed = git("status", "--porcelain", "--untracked-files=no", root=root)
    if changed:
        raise Refused("files are changed and not committed:\n" + textwrap.indent(changed, "    ") +
                      "\n  Commit them, or `git stash`, and try again")
    if stub_commit(exercise.name, root):
        raise Refused(f"this branch has the stub of {exercise.name} in its history, so its functions are "
                      "changed already.  Begin at the branch with the original: `git switch main`")


def begin(exercise, root=ROOT, student=""):
    refuse(exercise, root)
    files = exercise.stubbed(root, student)
    branch = f"exercise/{exercise.name}"
    git("switch", "-q", "-c", branch, root=root)
    for file, text in files.items():
        (root / file).write_text(text)
    git("add", *files, root=root)
    trailers = f"Exercise: {exercise.name}" + (
        f"\nStudent: {student}\nSeed: {seed_of(student, exercise.name)}" if student else "")
    git("commit", "-q", "-m", f"exercise: begin {exercise.name}",
        "-m", "\n".join(textwrap.wrap(exercise.idea, 72)), "-m", trailers, root=root)
    print(f"{exercise.title}: about {exercise.minutes} minutes.  You are on the branch {branch}.")
    for r in exercise.replace:
        line = files[r["file"]][:span(r["file"], files[r["file"]], r["function"])[0]].count("\n") + 1
        print(f"  to write: {r['function']}() in {r['file']}:{line}")
    for what in exercise.read:
        print(f"  to read:  {what}")
    print(f"  a hint:   make exercise EX={exercise.name} HINT=1   (up to {len(exercise.hints)})")
    print(f"  points:   make grade EX={exercise.name}")


def show_hints(exercise, level):
    if not 1 <= level <= len(exercise.hints):
        raise Refused(f"{exercise.name} has hints of levels 1 to {len(exercise.hints)}")
    for number, text in enumerate(exercise.hints[:level], 1):
        print(textwrap.fill(f"{number}. {text}", 96, subsequent_indent="   "))


def state(exercise, root=ROOT):
    branch = f"exercise/{exercise.name}"
    if git("branch", "--show-current", root=root, check=False) == branch:
        return "you are here"
    if git("rev-parse", "--verify", "-q", f"refs/heads/{branch}", root=root, check=False):
        return f"begun: git switch {branch}"
    return "after " + ", ".join(exercise.builds_on) if exercise.builds_on else ""


def show_list(root=ROOT):
    print("The exercises, in the order of the course.  Begin one: make exercise EX=cow\n")
    print(f"  {'name':13}{'minutes':>7} {'points':>7}  what you write")
    for exercise in every(root):
        print(f"  {exercise.name:13}{exercise.minutes:7} {exercise.points:7}  {exercise.title}"
              f"{'  (' + state(exercise, root) + ')' if state(exercise, root) else ''}")


def main():
    parser = argparse.ArgumentParser(description="exercises: list them, begin one, get a hint")
    parser.add_argument("--hint", type=int, help="print the hints up to this level")
    parser.add_argument("-s", "--student", default="", help="name or number; makes the seeds")
    parser.add_argument("name", nargs="?", help="the exercise; without it, the list")
    options = parser.parse_args()
    try:
        if not options.name:
            show_list()
        elif options.hint is not None:
            show_hints(load(options.name), options.hint)
        else:
            begin(load(options.name), student=options.student)
    except Refused as error:
        sys.exit(f"exercise: {error}.")


if __name__ == "__main__":
    main()
