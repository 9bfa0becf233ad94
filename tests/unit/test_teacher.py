# SPDX-License-Identifier: MIT
"""The teacher's pack: questions and answers are apart and match; the quiz is GIFT that Moodle reads."""
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import teacher  # noqa: E402


def test_pack_is_whole():
    """Each question has one answer, no page keeps one, every lab is in the plan and the quiz."""
    assert not list(teacher.complaints())
    asked = [len(re.findall(r"^\d+\. ", teacher.SECTION.search(page.read_text())[1], re.M))
             for _, page in teacher.pages()]
    assert sum(asked) >= 165


@pytest.fixture
def pack(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


def change(pack, name, old, new):
    path = pack / "docs" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return "\n".join(teacher.complaints(pack))


def test_damage_is_seen(pack):
    first = teacher.answers_of("labs", pack)["memory"].split("\n1. ")[1].split("\n")[0]
    assert "memory.md: question 1 keeps an answer" in change(
        pack, "labs/memory.md", "the second line of the table become?*",
        "the second line of the table become?* 63.")
    assert "memory: question 1 has no answer" in change(
        pack, "teacher/answers-labs.md", "1. " + first, first)
    assert "two questions are called many 1" in change(
        pack, "teacher/quiz.gift", "::many 2::", "::many 1::")
    assert "plan.md: the lab gil is in no week" in change(
        pack, "teacher/plan.md", "[gil](../labs/gil.md)", "gil")
    assert "no link to the answers" in change(
        pack, "rooms/vm.md", "../teacher/answers-rooms.md#vm", "../teacher/answers-rooms.md")


def test_split_moves_the_answers(pack):
    page = pack / "docs/labs/new.md"
    page.write_text("# Lab new\n\n## Exercises\n1. *Why?* See [memory](memory.md) and\n   [there](#how).\n"
                    "2. *What does `*p` do?* It reads.\n")
    teacher.split(page, pack)
    assert page.read_text() == ("# Lab new\n\n## Questions\n1. *Why?*\n2. *What does `*p` do?*\n\nThe "
                                "[answers](../teacher/answers-labs.md#new) are in the teacher's pack.\n")
    assert "1. See [memory](../labs/memory.md) and [there](../labs/new.md#how).\n2. It reads." in \
        teacher.answers_of("labs", pack)["new"]
    assert list(teacher.complaints(pack)) == ["docs/teacher/quiz.gift: no question about the lab new",
                                              "docs/teacher/plan.md: the lab new is in no week"]
    before = page.read_text(), teacher.answers_of("labs", pack)
    teacher.split(page, pack)  # again: nothing is lost
    assert before == (page.read_text(), teacher.answers_of("labs", pack))


# What Moodle does with a block of lines: question/format/gift/format.php, readquestion()

MARKS = {"\\:": "&&058;", "\\#": "&&035;", "\\=": "&&061;", "\\{": "&&123;", "\\}": "&&125;",
         "\\~": "&&126;", "\\n": "&&010"}


def moodle(block):
    text = block.replace("\\\\", "&&092;")
    for escaped, mark in MARKS.items():
        text = text.replace(escaped, mark)
    text = text.replace("&&092;", "\\")

    def after(string):
        string = re.sub(r"^\[markdown\]", "", string)
        for escaped, mark in MARKS.items():
            string = string.replace(mark, escaped[1])
        return string.strip()
    assert text.startswith("::")
    name, text = text[2:].split("::", 1)
    start, end = text.index("{"), text.index("}")
    inside, feedback = text[start + 1:end].rsplit("####", 1)
    answers = [a.strip() for a in inside.strip().replace("=", "~=").split("~") if a.strip()]
    assert text.endswith("}") and not any("#" in a for a in answers)
    return (after(name), after(text[:start].strip()), [after(a[1:]) for a in answers if a[0] == "="],
            [after(a) for a in answers if a[0] != "="], after(feedback))


def test_moodle_reads_the_quiz_as_we_do():
    text = (ROOT / "docs/teacher/quiz.gift").read_text()
    questions = teacher.gift(text)
    assert len(questions) >= 40
    blocks = [b for b in re.split(r"\n\s*\n", text.strip()) if b.startswith("::")]
    assert len(blocks) == len(questions)
    for block, q in zip(blocks, questions):
        assert moodle(block) == (q.title, q.text, [q.right], q.wrong, q.feedback)
        assert q.category.startswith("$course$/Heddle/")
    # The right answer stands in no favourite place.
    places = [re.findall(r"^  ([=~])", block, re.M).index("=") for block in blocks]
    assert all(places.count(place) >= 5 for place in range(4))


@pytest.mark.parametrize("text, what", [
    ("::a::[markdown]What? {=one ~two ~three #### why}", None),
    ("::a::[markdown]What? {=o\\=ne ~t\\~wo ~\\{three\\} ####w\\:hy \\\\ \\#}", None),
    ("::a::[markdown]What? {=one =two ~three #### why}", "2 right answers"),
    ("::a::[markdown]What? {~one ~two ~three #### why}", "0 right answers"),
    ("::a::[markdown]What? {=one ~two #### why}", "fewer than two wrong answers"),
    ("::a::[markdown]What? {=one ~two ~two #### why}", "one answer twice"),
    ("::a::[markdown]What? {=a=b ~two ~three #### why}", "2 right answers"),
    ("::a::[markdown]Is it a: b? {=one ~two ~three #### why}", "not escaped in the question"),
    ("::a::[markdown]What is {x}? {=one ~two ~three #### why}", "`: { }` not escaped"),
    ("::a::[markdown]What? {=one ~two # no ~three #### why}", "not escaped"),
    ("::a::[markdown]What? {=one ~two ~three}", "no explanation"),
    ("::a::[markdown]What? {=o\\ne ~two ~three #### why}", "escapes nothing"),
    ("::a::[markdown]What? {so =one ~two ~three #### why}", "before the first answer"),
    ("::a::[markdown]What?\n\n{=one ~two ~three #### why}", "not `::title::"),
    ("What? {=one ~two ~three #### why}", "not `::title::"),
    ("$CATEGORY: a\n::a::[markdown]What? {=one ~two ~three #### why}", "a blank line must follow"),
])
def test_gift_is_strict(text, what):
    if what is None:
        assert len(teacher.gift(text)) == 1
        return
    with pytest.raises(teacher.Damaged, match=re.escape(what)):
        teacher.gift(text)


def test_sheets():
    plain, full = ("\n".join(teacher.sheet(["memory", "task"], answers)) for answers in (False, True))
    answer = dict(teacher.items(teacher.answers_of("labs")["memory"]))[1].split("\n")[0]
    assert answer not in plain and answer in full
    assert plain.count("\n1. ") == full.count("\n1. ") == 2 and "*" not in plain.replace("`", "")
    done = subprocess.run([sys.executable, "tools/teacher.py", "sheet", "--answers", "memory", "task"], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    assert done.stdout == full + "\n"
    with pytest.raises(teacher.Damaged, match="no page is called mnay.  There are: .*many"):
        list(teacher.sheet(["mnay"], False))
