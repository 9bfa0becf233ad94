#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Submissions: `make submit EX=cow STUDENT=anna`, and for the teacher `make submit-check FILE=...`.

    tools/submit.py make [--key KEY] [--out FILE] STUDENT EXERCISE
    tools/submit.py check [--signers FILE] [--no-grade] SUBMISSION...

A submission is an archive:
    manifest.json       student, seed, points, and the SHA-256 of each other file
    manifest.json.sig   the signature, if a key was given (ssh-keygen -Y sign)
    answer.diff         from the original to the answer
    commits.json        git's own objects from the stub to the answer: each names the hash of its parent
    results.json        the grade, as Gradescope reads it

The check grades the answer again in the teacher's tree.  It takes nothing of the student's but
the changes below arch/, boot/ and kernel/.
"""
import argparse
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

import exercise as exercises
import grade
from exercise import ROOT, Refused, git

NAMESPACE = "heddle-submission"
TOPS = ("arch/", "boot/", "kernel/")
FILES = ("answer.diff", "commits.json", "results.json")
LARGEST = 4 << 20  # bytes of a file in a submission


def digest(data):
    return hashlib.sha256(data).hexdigest()


# Making one

def raw_commit(name, root=ROOT):
    """The bytes of a commit object; their hash is its name."""
    return subprocess.run(["git", "-C", str(root), "cat-file", "commit", name], capture_output=True,
                          check=True).stdout


def commits(stub, head, root=ROOT):
    """[name, object] from the stub to the answer, oldest first."""
    names = git("rev-list", "--reverse", "--first-parent", f"{stub}^..{head}", root=root).split()
    return [[name, raw_commit(name, root).decode("utf-8", "surrogateescape")] for name in names]


def trailer(text, name):
    found = re.findall(rf"^{name}: (.*)$", text, re.M)
    return found[-1].strip() if found else ""


def ready(exercise, student, root=ROOT):
    """The stub's commit; refuses if this is not the state that is handed in."""
    branch = f"exercise/{exercise.name}"
    here = git("branch", "--show-current", root=root)
    if here != branch:
        raise Refused(f"you are on {here or 'no branch'}: `git switch {branch}` first")
    if git("status", "--porcelain", "--untracked-files=no", root=root):
        raise Refused("files are changed and not committed: `git commit -a` first, since commits are handed in")
    stub = exercises.stub_commit(exercise.name, root)
    if not stub:
        raise Refused(f"{branch} has no stub: `make exercise EX={exercise.name} STUDENT=...` makes it")
    begun = trailer(git("log", "-1", "--format=%B", stub, root=root), "Student")
    if begun and begun != student:
        raise Refused(f"this exercise was begun by {begun}, not by {student}: STUDENT={begun}")
    if git("rev-parse", stub, root=root) == git("rev-parse", "HEAD", root=root):
        raise Refused("there is no commit after the stub: nothing was written")
    return stub


def pack(exercise, student, stub, results, root=ROOT):
    """{name in the archive: bytes}."""
    diff = subprocess.run(["git", "-C", str(root), "diff", "--no-color", "--no-ext-diff", f"{stub}^", "HEAD"],
                          capture_output=True, check=True).stdout
    files = {"answer.diff": diff,
             "commits.json": json.dumps(commits(stub, "HEAD", root), indent=1).encode(),
             "results.json": json.dumps(results, indent=1).encode()}
    manifest = {"format": 1, "exercise": exercise.name, "student": student,
                "seed": exercises.seed_of(student, exercise.name),
                "base": git("rev-parse", f"{stub}^", root=root), "stub": stub,
                "head": git("rev-parse", "HEAD", root=root), "points": results["score"],
                "of": exercise.points, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "files": {name: digest(data) for name, data in files.items()}}
    return {"manifest.json": json.dumps(manifest, indent=1).encode(), **files}


def sign(files, key):
    """Add the signature of the manifest, which has the hashes of all else."""
    if not key:
        return
    if not shutil.which("ssh-keygen"):
        raise Refused("KEY= needs ssh-keygen (package openssh-client)")
    if not os.access(key, os.R_OK):
        raise Refused(f"KEY={key} cannot be read")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "manifest.json"
        path.write_bytes(files["manifest.json"])
        done = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, str(path)],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Refused(f"ssh-keygen does not sign with {key}: {done.stderr.strip()}")
        files["manifest.json.sig"] = path.with_suffix(".json.sig").read_bytes()


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(data), int(time.time()), 0o644
            archive.addfile(member, io.BytesIO(data))


def foreign(diff, exercise):
    """Files of the diff that do not count."""
    return [f for f in touched(diff) if not f.startswith(TOPS)]


def touched(diff):
    return sorted(set(re.findall(r"^\+\+\+ b/(.*)$", diff, re.M)) - {"/dev/null"})


def make(options):
    if not options.exercise or not options.student:
        raise Refused("make submit wants both: EX=cow STUDENT=name")
    exercise = exercises.load(options.exercise)
    if not re.fullmatch(r"[\w.@+-]+", options.student):
        raise Refused(f"STUDENT={options.student!r}: a name without spaces, of letters, digits, . @ + - _")
    stub = ready(exercise, options.student)
    seed = exercises.seed_of(options.student, exercise.name)
    graded = grade.grade(exercise, {}, seed, grade.progress(exercise.name))
    grade.clear_line()
    grade.show(graded)
    files = pack(exercise, options.student, stub, grade.gradescope([graded], options.student))
    sign(files, options.key)
    out = options.out or ROOT / f"{exercise.name}-{options.student}.tar.gz"
    write_archive(out, files)
    ignored = foreign(files["answer.diff"].decode("utf-8", "replace"), exercise)
    if ignored:
        print(f"\nNot graded, since outside of arch/, boot/ and kernel/: {', '.join(ignored)}")
    print(f"\nTo hand in: {out}  ({graded.points} of {exercise.points} points, "
          f"{'signed' if options.key else 'not signed: KEY=~/.ssh/id_ed25519 signs it'})")


# Checking one

class Submission:
    """One archive; `faults` are reasons not to trust it, `notes` what a teacher should look at."""

    def __init__(self, path):
        self.path, self.faults, self.notes = path, [], []
        self.files = self.read(path)
        self.manifest = json.loads(self.files.get("manifest.json", b"{}"))
        missing = {"exercise", "student", "seed", "files", "stub", "head", "points"} - set(self.manifest)
        if missing:
            raise Refused(f"{path}: no submission (manifest.json lacks {', '.join(sorted(missing))})")
        self.student, self.name = str(self.manifest["student"]), str(self.manifest["exercise"])
        self.diff = self.files.get("answer.diff", b"").decode("utf-8", "replace")
        self.chain = []

    @staticmethod
    def read(path):
        """The known files of the archive; nothing is unpacked to the disk."""
        out = {}
        try:
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    if member.name in (*FILES, "manifest.json", "manifest.json.sig") and member.isfile():
                        if member.size > LARGEST:
                            raise Refused(f"{path}: {member.name} is larger than {LARGEST >> 20} MiB")
                        out[member.name] = archive.extractfile(member).read()
        except (OSError, tarfile.TarError, EOFError) as error:
            raise Refused(f"{path}: not an archive of `make submit`: {error}") from None
        return out

    def check(self, signers):
        for name in FILES:
            if digest(self.files.get(name, b"")) != self.manifest["files"].get(name):
                self.faults.append(f"{name} is not the file that was packed")
        self.check_chain()
        self.check_seed()
        self.check_signature(signers)

    def check_chain(self):
        """Each commit has the hash that it is called by, and names the one before it."""
        try:
            self.chain = json.loads(self.files["commits.json"])
        except (KeyError, ValueError):
            self.faults.append("commits.json cannot be read")
            return
        before = None
        for name, text in self.chain:
            data = text.encode("utf-8", "surrogateescape")
            kind = hashlib.sha256 if len(name) == 64 else hashlib.sha1
            if kind(b"commit %d\0" % len(data) + data).hexdigest() != name:
                self.faults.append(f"commit {name[:10]} was changed after it was made")
            if before and f"parent {before}\n" not in text:
                self.faults.append(f"commit {name[:10]} does not follow {before[:10]}")
            before = name
        if not self.chain or self.chain[0][0] != self.manifest["stub"] or before != self.manifest["head"]:
            self.faults.append("the commits do not lead from the stub to the answer")

    def check_seed(self):
        wanted = exercises.seed_of(self.student, self.name)
        if self.manifest["seed"] != wanted:
            self.faults.append(f"the seed {self.manifest['seed']} is not {self.student}'s ({wanted})")
        stub = self.chain[0][1] if self.chain else ""
        found = {(trailer(stub, "Student"), trailer(stub, "Seed"))}
        found |= set(re.findall(r"^\+.*Student: (\S+), seed (\d+)\.", self.diff, re.M))
        for student, seed in sorted(found - {("", "")}):
            if student != self.student or seed != str(wanted):
                self.faults.append(f"the stub is that of {student}, with seed {seed}")

    def check_signature(self, signers):
        self.signature = "no"
        if "manifest.json.sig" not in self.files:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "sig"
            path.write_bytes(self.files["manifest.json.sig"])
            how = ["-Y", "verify", "-f", signers, "-I", self.student] if signers else ["-Y", "check-novalidate"]
            try:
                done = subprocess.run(["ssh-keygen", *how, "-n", NAMESPACE, "-s", str(path)],
                                      input=self.files["manifest.json"], capture_output=True)
            except OSError:
                self.notes.append("the signature was not looked at: ssh-keygen is missing")
                return
        if done.returncode:
            self.signature = "BAD"
            self.faults.append("the signature is not " + (f"one of {self.student}'s" if signers else "good"))
        else:
            self.signature = "good" if signers else "intact"

    def patches(self):
        """{file: text} of the answer in this tree."""
        names = [n for n in touched(self.diff) if n.startswith(TOPS)]
        if any(".." in pathlib.PurePath(n).parts for n in names):
            raise Refused(f"{self.path}: the diff leaves the tree")
        if not names:  # the answer is, byte for byte, the original
            return {}
        with tempfile.TemporaryDirectory() as folder:
            top = pathlib.Path(folder)
            for name in names:
                (top / name).parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).exists():
                    shutil.copy(ROOT / name, top / name)
            include = [f"--include={n}" for n in names]
            done = subprocess.run(["git", "apply", "--whitespace=nowarn", *include, "-"], cwd=top,
                                  input=self.files["answer.diff"], capture_output=True,
                                  env={**os.environ, "GIT_CEILING_DIRECTORIES": str(top.parent)})
            if done.returncode:
                raise Refused(f"{self.path}: the answer does not apply to this tree "
                              f"(it was made on {self.manifest.get('base', '?')[:10]}): "
                              + done.stderr.decode("utf-8", "replace").strip()[:300])
            return {n: (top / n).read_text() for n in names if (top / n).exists()}

    def grade(self):
        exercise = exercises.load(self.name)
        graded = grade.grade(exercise, self.patches(), exercises.seed_of(self.student, self.name),
                             grade.progress(f"{self.student}, {self.name}"))
        grade.clear_line()
        if graded.points != self.manifest["points"]:
            self.faults.append(f"it says {self.manifest['points']} points, and gets {graded.points} here")
        return graded.points

    def words(self):
        """What was written, without comments and white space, to compare with others."""
        added = "\n".join(line[1:] for line in self.diff.splitlines()
                          if line.startswith("+") and not line.startswith("+++"))
        return "".join(re.sub(r"/\*.*?\*/|//[^\n]*", "", added, flags=re.S).split())


def compare(submissions):
    """Answers that one student has from another."""
    for i, b in enumerate(submissions):
        for a in submissions[:i]:
            if a.student == b.student or a.name != b.name:
                continue
            common = {name for name, _ in a.chain} & {name for name, _ in b.chain}
            if common:
                b.faults.append(f"{len(common)} commit(s) are those of {a.student}")
                a.notes.append(f"{len(common)} commit(s) are in {b.student}'s submission, too")
            if a.words() and a.words() == b.words():
                b.notes.append(f"the answer is, word by word, that of {a.student}")
                a.notes.append(f"the answer is, word by word, that of {b.student}")


def check(options):
    if options.signers and not os.access(options.signers, os.R_OK):
        raise Refused(f"SIGNERS={options.signers} cannot be read")
    if not options.files:
        raise Refused("name the archives: make submit-check FILE=\"cow-anna.tar.gz cow-ben.tar.gz\"")
    submissions = [Submission(path) for path in options.files]
    for submission in submissions:
        submission.check(options.signers)
    compare(submissions)
    print(f"{'student':20} {'exercise':12} {'says':>5} {'here':>5}  signature")
    for s in submissions:
        here = "-"
        if not options.no_grade:
            try:
                here = s.grade()
            except Refused as error:
                s.faults.append(str(error))
        print(f"{s.student:20} {s.name:12} {s.manifest['points']:>5} {here:>5}  {s.signature}")
        for text in s.faults:
            print(f"    NOT GOOD: {text}")
        for text in s.notes:
            print(f"    look: {text}")
    return 1 if any(s.faults for s in submissions) else 0


def main():
    parser = argparse.ArgumentParser(description="make and check submissions")
    actions = parser.add_subparsers(dest="action", required=True)
    one = actions.add_parser("make")
    one.add_argument("--key", default="", help="the private SSH key that signs")
    one.add_argument("--out", type=pathlib.Path)
    one.add_argument("student")
    one.add_argument("exercise")
    many = actions.add_parser("check")
    many.add_argument("--signers", default="", help="lines `STUDENT PUBLIC-KEY` (ssh-keygen(1), ALLOWED SIGNERS)")
    many.add_argument("--no-grade", action="store_true", help="look at the archives only")
    many.add_argument("files", nargs="*", metavar="SUBMISSION")
    options = parser.parse_args()
    try:
        return make(options) if options.action == "make" else check(options)
    except Refused as error:
        sys.exit(f"submit: {error}.")


if __name__ == "__main__":
    sys.exit(main())
