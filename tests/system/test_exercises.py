# SPDX-License-Identifier: MIT
"""The exercises and their graders: what `make exercise`, `make grade` and `make submit` do, and that
each wrong answer loses the right points.  Slow: every answer of every exercise on a real boot."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

from vm import HANGS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
# pylint: disable=wrong-import-position
import exercise as exercises  # noqa: E402
import grade  # noqa: E402
import grade_boots  # noqa: E402
import grade_machine  # noqa: E402
import grade_tree  # noqa: E402
import submit  # noqa: E402
from exercise import Refused  # noqa: E402

NAMES = sorted(p.parent.name for p in ROOT.glob("exercises/*/exercise.toml"))
SELF_TESTS = {name for pattern in ("tests/kernel/**/*.c", "exercises/*/check_*.c")
              for path in ROOT.glob(pattern) for name in re.findall(r"^KTEST\((\w+)\)", path.read_text(), re.M)}


# The data of the exercises

@pytest.mark.parametrize("name", NAMES)
def test_data_is_whole(name):
    exercise = exercises.load(name)
    assert exercise.points == 100
    assert len(exercise.hints) >= 2 and len(exercise.wrong) >= 4 and exercise.minutes > 0
    assert set(exercise.builds_on) <= set(NAMES)
    for what in exercise.read:
        path = re.match(r"[\w./-]+", what)[0]
        assert (ROOT / path).exists(), what
    for lab in exercise.labs:
        assert (ROOT / f"user/labs/{lab}.c").exists(), lab
    own = set(grade_tree.own_programs(exercise))
    for check in exercise.checks:
        if check["kind"] == "selftest":
            assert grade_boots.steps_of(check, sorted(SELF_TESTS), 1)
        elif check["kind"] == "lab":
            assert (ROOT / f"user/labs/{check['run'].split()[0]}.c").exists()
        else:
            program = re.split(r"[: ]", check["run"])[0]
            assert program in own or (ROOT / f"tests/user/{program}.c").exists(), program


@pytest.mark.parametrize("name", NAMES)
def test_answers_fit_into_the_kernel(name):
    """A stub replaces whole functions; a wrong answer is a difference that fits the kernel of today."""
    exercise = exercises.load(name)
    for file, text in exercise.stubbed().items():
        assert text.count("EXERCISE") <= 1
        for function in exercise.functions(file):
            assert exercises.span(file, text, function)
    for wrong in exercise.wrong:
        path = exercise.folder / wrong["file"]
        assert re.match(r"SPDX-License-Identifier: MIT\n\n\w", path.read_text()), path
        for file, text in exercise.patched([path]).items():
            assert text != (ROOT / file).read_text(), f"{path} changes nothing"
    unnamed = {p.name for p in (exercise.folder / "wrong").iterdir()} - {
        w["file"].split("/")[1] for w in exercise.wrong}
    assert not unnamed


def test_the_page_has_a_row_of_points():
    """docs/exercises.md is made from runs; a row is old if the exercise has other answers now."""
    text = (ROOT / "docs/exercises.md").read_text()
    for exercise in exercises.every():
        row = re.search(rf"^\| `{exercise.name}` \|.*\| (\d+) \| ([\d, ]+) \| (\d+) \| [^|]* \|$", text, re.M)
        assert row, f"make grade EX={exercise.name} GRADEFLAGS='--table --page docs/exercises.md'"
        assert int(row[1]) <= 40 and int(row[3]) == 100
        assert len(row[2].split(",")) == len(exercise.wrong), exercise.name


def test_functions_are_found():
    text = ("int before;\n\n/* What it does. */\nstatic int add(int a,\n\t       int b)\n{\n\tif (a) {\n\t}\n"
            "\treturn a;\n}\n\nint add_more(void);\n")
    start, end = exercises.c_span(text, "add")
    assert text[start:end].startswith("/* What") and text[start:end].endswith("return a;\n}\n")
    assert exercises.c_span(text, "add_more") is None  # a declaration
    assembly = "\t.text\n/*\n * why\n */\n\t.globl f\nf:\n\tret\n\t.size f, . - f\n"
    start, end = exercises.assembly_span(assembly, "f")
    assert assembly[start:end] == assembly[len("\t.text\n"):]


# make exercise

@pytest.fixture
def clone(tmp_path):
    """A repository with one exercise and the files that it replaces."""
    root = tmp_path / "clone"
    exercise = exercises.load("cow")
    shutil.copytree(exercise.folder, root / "exercises/cow")
    for replace in exercise.replace:
        (root / replace["file"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / replace["file"], root / replace["file"])
    for words in (["init", "-q", "-b", "main"], ["config", "user.email", "a@example.org"],
                  ["config", "user.name", "A"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run(["git", "-C", root, *words], check=True)
    return root


def test_begin_makes_a_branch_with_the_stub(clone, capsys):
    exercise = exercises.load("cow", clone)
    exercises.begin(exercise, clone, "anna")
    assert exercises.git("branch", "--show-current", root=clone) == "exercise/cow"
    assert exercises.git("status", "--porcelain", root=clone) == ""
    text = (clone / "kernel/vm/pages.c").read_text()
    assert "EXERCISE cow" in text and "Hint 1 of" in text and "Student: anna, seed" in text
    assert "pages_protect" in text  # the rest is there
    assert f"Seed: {exercises.seed_of('anna', 'cow')}" in exercises.git("log", "-1", root=clone)
    assert "kernel/vm/fault.c:" in capsys.readouterr().out
    assert "you are here" in exercises.state(exercise, clone)


def test_begin_refuses_where_work_would_be_lost(clone):
    exercise = exercises.load("cow", clone)
    fault = clone / "kernel/vm/fault.c"
    fault.write_text(fault.read_text() + "/* mine */\n")
    with pytest.raises(Refused, match="not committed"):
        exercises.begin(exercise, clone)
    assert "/* mine */" in fault.read_text()
    exercises.git("checkout", "-q", ".", root=clone)
    exercises.begin(exercise, clone)
    with pytest.raises(Refused, match="git switch exercise/cow"):
        exercises.begin(exercise, clone)
    exercises.git("branch", "-m", "other", root=clone)
    with pytest.raises(Refused, match="in its history"):
        exercises.begin(exercise, clone)
    shutil.rmtree(clone / ".git")
    with pytest.raises(Refused, match="no git repository"):
        exercises.begin(exercise, clone)


def call(*words):
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)


def test_bad_input_is_answered():
    for tool in ("tools/exercise.py", "tools/grade.py"):
        done = call(tool, "nosuch")
        assert done.returncode != 0 and "There are: " in done.stderr and "cow" in done.stderr
    done = call("tools/exercise.py", "--hint", "9", "cow")
    assert done.returncode != 0 and "levels 1 to" in done.stderr
    done = call("tools/grade.py", "--answer", "exercises/runqueue/stub.c", "cow")
    assert done.returncode != 0 and "none of these functions" in done.stderr
    done = call("tools/submit.py", "check", "README.md")
    assert done.returncode != 0 and "not an archive" in done.stderr
    assert "cow" in call("tools/exercise.py").stdout
    assert call("tools/exercise.py", "--hint", "2", "cow").stdout.count("\n2. ") == 1


# Judging

def step(*lines, status=0, failure=None):
    s = grade_boots.Step(("x",), "x")
    s.lines, s.status, s.failure, s.done = list(lines), status, failure, True
    return s


def judge(kind, run, s, **more):
    found = grade_boots.judge({"name": "c", "kind": kind, "run": run, **more}, s)
    return found and found[0]


def test_programs_are_judged():
    lines = ["ok first", "# memory.c:9: p[0]: is 1, wanted 2", "not ok second", "ok third"]
    assert judge("program", "memory:first", step(*lines, status=1)) is None
    assert judge("program", "memory:third", step(*lines, status=1)) is None
    assert "is 1, wanted 2" in judge("program", "memory:second", step(*lines, status=1))
    assert "did not print `ok fourth`" in judge("program", "memory:fourth", step(*lines, status=139))
    assert "is 1, wanted 2" in judge("program", "memory", step(*lines, status=1))
    assert judge("program", "memory", step("ok first")) is None
    assert "status 139" in judge("program", "memory", step("ok first", status=139))


def test_labs_seeds_and_locks_are_judged():
    lab = json.dumps({"verdict": "true", "expected": "true", "text": "so"})
    assert judge("lab", "memory", step(lab)) is None
    assert "is true, not false" in judge("lab", "memory", step(lab), expect="false")
    assert "no verdict" in judge("lab", "memory", step("Segmentation fault"))
    seeds = ["@@ seed 5", "ok a", "@@ seed 7", "# lost: is 3, wanted 4", "@@ seed 7 status 1"]
    assert judge("seeds", "p", step(*seeds[:2])) is None
    assert "1 of 2 schedules fail, first with seed 7: lost: is 3" in judge("seeds", "p", step(*seeds))
    assert "no seed" in judge("seeds", "p", step())
    assert judge("lockdep", "p:a", step("ok a")) is None
    assert "lock order" in judge("lockdep", "p:a", step("lockdep: lock order", "ok a"))


def test_seeds_are_the_students():
    check = {"name": "c", "kind": "seeds", "run": "p", "seeds": 3}
    one = grade_boots.steps_of(check, [], exercises.seed_of("anna", "cow"))
    other = grade_boots.steps_of(check, [], exercises.seed_of("Ben", "cow"))
    assert one != other
    assert exercises.seed_of("anna", "cow") == exercises.seed_of(" Anna", "cow") != exercises.seed_of("anna", "futex")
    assert list(one.values())[0].count("@@ seed") == 6


# A machine that ends badly

class FakeBuilt:
    kernels = {False: "kernel"}

    def archive(self, script):
        return "archive"


def boots(monkeypatch, endings):
    """Runs three self-tests on machines that say and end as `endings` has it: (lines, ending)."""
    endings = iter(endings)

    class Fake:
        def __init__(self, *_):
            self.lines, self.ending = next(endings)

        def run(self, on_line, factor):
            for line in self.lines:
                on_line(line)
            return self.ending
    monkeypatch.setattr(grade_machine, "Machine", Fake)
    steps = [grade_boots.Step(("test", name), None) for name in ("a", "b", "c")]
    run = grade_boots.Boots(FakeBuilt(), False, 1, "", lambda text: None)
    run.run(steps)
    return steps, run.count


END = ("end", "the machine ended", [])


def test_a_hang_costs_one_check(monkeypatch):
    steps, count = boots(monkeypatch, [
        (["[ 0.1] # begin a", "[ 0.2] ok 1 a", "# begin b", "# t.c:1: x: got 1, wanted 2"],
         ("hang", "the kernel hangs", ["CPU 0"])),
        (["# begin c", "ok 1 c"], END)])
    assert count == 2
    assert [s.failure for s in steps] == [None, ("the kernel hangs", ["CPU 0"]), None]
    assert [s.status for s in steps] == [0, None, 0]


def test_a_program_may_be_process_1(monkeypatch):
    """Kind `init`: what is left after a panic runs in another boot, which gets its names."""
    said, endings = [], iter([
        (["# begin a", "ok a", "# begin b", "# t.c:1: x: is 0, wanted 1", "not ok b", "# begin c"],
         ("panic", "the kernel panicked: x", [])),
        (["# begin d", "[    0.1] a line of the kernel", "ok d"], END)])

    class Fake:
        def __init__(self, *arguments):
            said.append(arguments[3:])
            self.lines, self.ending = next(endings)

        def run(self, on_line, _):
            for line in self.lines:
                on_line(line)
            return self.ending
    monkeypatch.setattr(grade_machine, "Machine", Fake)
    check = {"name": "n", "kind": "init", "run": "reap_family:a b c d"}
    steps = [grade_boots.Step(*pair) for pair in grade_boots.steps_of(check, [], 1).items()]
    grade_boots.Boots(FakeBuilt(), False, 1, "", lambda text: None).run(steps)
    assert said == [(" init=/tests/reap_family", "a b c d"), (" init=/tests/reap_family", "d")]
    assert [grade_boots.judge(check, s) for s in steps] == [
        None, ("t.c:1: x: is 0, wanted 1", []), ("the kernel panicked: x", []), None]


def test_an_end_is_no_success(monkeypatch):
    """A machine that ends without a word about what is left does not pass, and comes to an end."""
    steps, count = boots(monkeypatch, [(["# begin a", "ok 1 a"], END), (["# begin c"], END)])
    assert count == 2
    assert steps[0].failure is None and all("ended before" in s.failure[0] for s in steps[1:])


def test_a_kernel_that_does_not_start_is_booted_once(monkeypatch):
    steps, count = boots(monkeypatch, [(["panic: x"], ("panic", "the kernel panicked: x", []))])
    assert count == 1
    assert all("before the first check" in s.failure[0] for s in steps)


def machine(script, cpus=1):
    m = grade_machine.Machine("kernel", "archive", cpus, "")
    m.command = [sys.executable, "-c", script]
    return m


def test_limits_are_by_progress(monkeypatch):
    monkeypatch.setattr(grade_machine.Machine, "limit", lambda self, factor: 0.5 * factor)
    monkeypatch.setattr(grade_machine.Machine, "halted", lambda self: False)
    monkeypatch.setattr(grade_machine.Machine, "where", lambda self: [])
    spin = "print('x', flush=True)\nwhile True: pass"
    kind, reason, _ = machine(spin).run(lambda line: None)
    assert kind == "hang" and "CPU time without a line" in reason
    # Output is progress, and so is time in which the machine got no CPU.
    speaks = ("import time\nfor i in range(5):\n e = time.process_time() + 0.2\n"
              " while time.process_time() < e: pass\n print(i, flush=True)\n"
              "time.sleep(1.2); raise SystemExit(33)")
    lines = []
    assert machine(speaks).run(lines.append)[0] == "end"
    assert lines == list("01234")


def test_a_monitor_that_is_gone_is_not_waited_for():
    m = machine("")
    assert m.halted() is False
    assert m.where() == []


def test_idle_cpus_are_a_hang(monkeypatch):
    monkeypatch.setattr(grade_machine, "LOOK_S", 0.01)
    monkeypatch.setattr(grade_machine.Machine, "halted", lambda self: True)
    monkeypatch.setattr(grade_machine.Machine, "where", lambda self: [])
    kind, reason, _ = machine("import time; time.sleep(60)").run(lambda line: None)
    assert kind == "hang" and "idle" in reason


def test_printing_alone_is_no_progress(monkeypatch):
    # Python's start, without a line, may take some tenths of a second.
    monkeypatch.setattr(grade_machine.Machine, "limit", lambda self, factor: 1.0 * factor)
    monkeypatch.setattr(grade_machine, "BABBLE", 3)
    monkeypatch.setattr(grade_machine, "LOOK_S", 0.1)
    monkeypatch.setattr(grade_machine.Machine, "halted", lambda self: False)
    monkeypatch.setattr(grade_machine.Machine, "where", lambda self: [])
    babble = ("import time\nwhile True:\n e = time.process_time() + 0.002\n while time.process_time() < e: pass\n"
              " print('again', flush=True)")
    kind, reason, _ = machine(babble).run(lambda line: False)
    assert kind == "hang" and "the check does not end" in reason


def test_ends_are_told_apart():
    def kind(script):
        return machine(script).run(lambda line: None)[:2]
    assert kind("print('[1] panic: a lock'); raise SystemExit(37)") == (
        "panic", "the kernel panicked: a lock")
    where = grade_machine.panic_places(["[ 0.1] panic: x", "[ 0.2] last events of CPU 0:", "[ 0.3]   noise",
                                        "[ 0.4] CPU 1, thread 1 (init) of process 1, kernel stack 0x1",
                                        "[ 0.5]   0xffffffff8010f832 panic_stop+0x52"])
    assert where == ["CPU 1, thread 1 (init) of process 1", "  0xffffffff8010f832 panic_stop+0x52"]
    assert kind("raise SystemExit(37)")[0] == "end"  # a self-test failed
    assert "triple fault" in kind("pass")[1]
    assert kind("raise SystemExit(39)")[0] == "reset"


# The result

def graded_cow(failed=()):
    g = grade.Grade(exercises.load("cow"), 7)
    g.seen = {name: ("on 2 CPUs: got 0", ["CPU 0: RIP"]) for name in failed}
    return g


def test_json_is_what_gradescope_reads():
    """Autograder Specifications: score, tests with score, max_score, status, name, output."""
    found = grade.gradescope([graded_cow(["copy-is-whole"])], "anna")
    found = json.loads(json.dumps(found))
    assert found["score"] == sum(t["score"] for t in found["tests"]) == 90
    assert sum(t["max_score"] for t in found["tests"]) == 100
    bad = [t for t in found["tests"] if t["status"] == "failed"]
    assert [t["name"] for t in bad] == ["cow: copy-is-whole"]
    for word in ("wanted", "got 0", "hint", "make grade EX=cow GDB=copy-is-whole CPUS=2, then: p *old"):
        assert word in bad[0]["output"]
    assert found["extra_data"]["seeds"] == {"cow": 7}


def test_table_shows_what_failed(capsys):
    grade.show(graded_cow(["copy-is-whole", "programs-see-it"]))
    out = capsys.readouterr().out
    assert "85 of 100" in out and out.count("FAIL") == 2
    for word in ("wanted", "seen    on 2 CPUs: got 0", "hint", "gdb     make grade EX=cow GDB=copy"):
        assert word in out
    assert all(len(line) <= 160 for line in out.splitlines())


def test_places_are_the_students():
    """A check is copied into the tree under another name; the message has its own."""
    seen = grade.own_places(exercises.load("cow"), "tests/kernel/cow_pages.c:9: x / cow_threads.c:3 / memory.c:1")
    assert seen == "exercises/cow/check_pages.c:9: x / exercises/cow/check_threads.c:3 / memory.c:1"


def test_misjudged_answers_are_named():
    exercise = exercises.load("cow")
    wrong = next(w for w in exercise.wrong if w["file"] == "wrong/no_flush.diff")
    assert not list(grade.misjudged(graded_cow(["no-old-translation"]), "x", wrong))
    assert "keeps no-old" in list(grade.misjudged(graded_cow(), "x", wrong))[0]
    assert "copy-is-whole, too" in list(grade.misjudged(graded_cow(["no-old-translation", "copy-is-whole"]), "x", wrong))[0]
    assert list(grade.misjudged(graded_cow(), "stub", None))
    assert list(grade.misjudged(graded_cow(["copy-is-whole"]), "right", None))


# make submit

@pytest.fixture
def handed_in(clone, tmp_path):
    """make(student, text, key): a submission of `clone` with this line in the answer."""
    def make(student, text="\tint mine;\n", key=""):
        exercises.git("switch", "-q", "main", root=clone)
        exercises.git("branch", "-D", "exercise/cow", root=clone, check=False)
        exercise = exercises.load("cow", clone)
        exercises.begin(exercise, clone, student)
        path = clone / "kernel/vm/pages.c"
        path.write_text(path.read_text().replace("\t/* Here: the child", text + "\t/* Here: the child"))
        exercises.git("commit", "-q", "-a", "-m", "answer", root=clone)
        stub = submit.ready(exercise, student, clone)
        files = submit.pack(exercise, student, stub, grade.gradescope([graded_cow()], student), clone)
        submit.sign(files, key)
        out = tmp_path / f"{student}.tar.gz"
        submit.write_archive(out, files)
        return out
    return make


def look(*paths, signers=""):
    options = argparse.Namespace(files=list(paths), signers=str(signers), no_grade=True)
    return submit.check(options)


def test_a_submission_is_checked(handed_in, capsys):
    assert look(handed_in("anna"), handed_in("ben", "\tlong other;\n")) == 0
    out = capsys.readouterr().out
    assert "anna" in out and "NOT GOOD" not in out and "look:" not in out


def test_copies_show(handed_in, tmp_path, capsys):
    anna, ben = handed_in("anna"), handed_in("ben")
    look(anna, ben)
    assert "word by word, that of anna" in capsys.readouterr().out
    # Anna's archive with another name on it.
    files = submit.Submission.read(anna)
    manifest = json.loads(files["manifest.json"])
    manifest.update(student="carl", seed=exercises.seed_of("carl", "cow"))
    files["manifest.json"] = json.dumps(manifest).encode()
    submit.write_archive(tmp_path / "carl.tar.gz", files)
    assert look(anna, tmp_path / "carl.tar.gz") == 1
    out = capsys.readouterr().out
    assert "the stub is that of anna" in out and "commit(s) are those of anna" in out


def test_changes_show(handed_in, tmp_path, capsys):
    anna = handed_in("anna")
    for name, change, words in (
            ("results.json", (b'"score": 100', b'"score": 999'), "not the file that was packed"),
            ("commits.json", (b"answer", b"Answer"), "was changed after it was made"),
            ("manifest.json", (b'"seed": ', b'"seed": 1'), "is not anna's")):
        files = submit.Submission.read(anna)
        assert change[0] in files[name]
        files[name] = files[name].replace(*change)
        submit.write_archive(tmp_path / "changed.tar.gz", files)
        assert look(tmp_path / "changed.tar.gz") == 1
        assert words in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen")
def test_signatures_are_verified(handed_in, tmp_path, capsys):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    anna = handed_in("anna", key=str(key))
    signers = tmp_path / "signers"
    signers.write_text("anna " + (tmp_path / "key.pub").read_text())
    assert look(anna, signers=signers) == 0
    assert "good" in capsys.readouterr().out
    signers.write_text("ben " + (tmp_path / "key.pub").read_text())
    assert look(anna, signers=signers) == 1
    files = submit.Submission.read(anna)
    files["manifest.json"] = files["manifest.json"].replace(b'"of": 100', b'"of": 101')
    submit.write_archive(tmp_path / "changed.tar.gz", files)
    assert look(tmp_path / "changed.tar.gz") == 1
    assert "the signature is not good" in capsys.readouterr().out


def test_submit_refuses(clone, handed_in):
    exercise = exercises.load("cow", clone)
    with pytest.raises(Refused, match="git switch exercise/cow"):
        submit.ready(exercise, "anna", clone)
    handed_in("anna")
    with pytest.raises(Refused, match="begun by anna"):
        submit.ready(exercise, "ben", clone)
    (clone / "kernel/vm/pages.c").write_text("")
    with pytest.raises(Refused, match="git commit -a"):
        submit.ready(exercise, "anna", clone)


def test_only_the_kernel_is_taken_from_a_submission(handed_in, tmp_path):
    """What a student changes in tests and tools does not reach the teacher's grader."""
    submission = submit.Submission(handed_in("anna"))
    patches = submission.patches()
    assert sorted(patches) == ["kernel/vm/fault.c", "kernel/vm/pages.c"]
    assert "int mine;" in patches["kernel/vm/pages.c"]
    submission.files["answer.diff"] += (b"--- a/tools/grade.py\n+++ b/tools/grade.py\n@@ -1 +1 @@\n"
                                        b"-#!/usr/bin/env python3\n+exit(0)\n")
    submission.diff = submission.files["answer.diff"].decode()
    assert sorted(submission.patches()) == ["kernel/vm/fault.c", "kernel/vm/pages.c"]
    assert submit.foreign(submission.diff, None) == ["tools/grade.py"]


def test_archives_are_read_with_care(tmp_path):
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(ROOT / "README.md", "../../evil")
    with pytest.raises(Refused, match="no submission"):
        submit.Submission(path)


# On a real boot

def test_gdb_comes_to_a_check():
    """What the table tells to type stops in the function, below the self-test."""
    done = subprocess.run([sys.executable, "tools/grade.py", "--gdb", "copy-is-whole", "cow"], cwd=ROOT, text=True,
                          input="bt\nkill\nquit\n", capture_output=True, timeout=HANGS,
                          env={**os.environ, "TMUX": ""})
    assert re.search(r"#0 .*fault_copy(.|\n)*cow_copy_is_whole", done.stdout), done.stdout[-3000:] + done.stderr
    assert "no check nosuch.  There are: " in call("tools/grade.py", "--gdb", "nosuch", "cow").stderr


def answer(name, label):
    """(graded, [[wrong]]) of one answer."""
    exercise = exercises.load(name)
    patches, wrong = next((p, w) for l, p, w in grade.all_answers(exercise) if l == label)
    return grade.grade(exercise, patches), wrong


def labels(name):
    return ["stub", *(w["file"] for w in exercises.load(name).wrong), "right"]


QUICK = ["fork-shares-frames", "writes-are-private", "copy-is-whole", "last-owner-writes-in-place"]


@pytest.mark.parametrize("label, lost", [("stub", QUICK), ("wrong/lost_reference.diff", QUICK[2:]), ("right", [])])
def test_an_answer_is_graded(label, lost):
    exercise = exercises.load("cow")
    patches = next(p for l, p, _ in grade.all_answers(exercise) if l == label)
    graded = grade.grade(exercise, patches, only=QUICK)
    assert not graded.error
    assert sorted(graded.seen) == sorted(n for n in graded.seen if n in lost) and set(lost) == {
        n for n, seen in graded.seen.items() if seen}, graded.seen


@pytest.mark.slow
@pytest.mark.parametrize("name, label", [(n, l) for n in NAMES for l in labels(n)])
def test_every_answer(name, label):
    graded, wrong = answer(name, label)
    assert not list(grade.misjudged(graded, label, wrong)), graded.seen
    for check in [c for c in graded.exercise.checks if wrong and c["name"] in wrong["loses"]]:
        said = " ".join(" ".join(grade.details(graded, check)).split())
        assert " ".join(check["hint"].split()) in said
