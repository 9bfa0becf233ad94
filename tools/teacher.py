#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The teacher's pack, docs/teacher: questions and answers apart, and the quiz in Moodle's GIFT format.

    tools/teacher.py check                      what is wrong with the pack; status 1 if anything is
    tools/teacher.py split PAGE...              move the answers of a new page into the pack
    tools/teacher.py sheet [--answers] NAME...  the questions of these pages as one sheet to hand out

A page of a lab or of a room ends with `## Questions`: numbered items, each one span in asterisks and
nothing else, then a line with the link to the answers.  The pack's file has a heading for each page,
the link back, and an answer with the same number for each question.
"""
import argparse
import collections
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = {"labs": "labs", "rooms": "rooms of the kernel"}
SECTION = re.compile(r"^## (?:Questions|Exercises)\n(.*?)(?=^## |\Z)", re.M | re.S)
SPAN = r"\*(?:[^*`]|`[^`]*`)+\*"
ITEM = re.compile(rf"(\d+)\. ({SPAN})\s*(.*)\Z", re.S)


class Damaged(Exception):
    """A page or the quiz is not as it must be."""


def items(text):
    """The numbered items of a section, each with its lines joined: [(number, text)]."""
    found = re.split(r"^(?=\d+\. )", text, flags=re.M)[1:]
    return [(int(i.split(".")[0]), i.split(".", 1)[1].split("\n\n")[0].strip()) for i in found]


def wrap(text, first, rest):
    return textwrap.fill(" ".join(text.split()), 100, initial_indent=first, subsequent_indent=rest,
                         break_long_words=False, break_on_hyphens=False)


def pages(root=ROOT):
    """(kind, path) of each page that has questions: of a lab (docs/labs has other pages, too) or room."""
    for kind in KINDS:
        for page in sorted((root / "docs" / kind).glob("*.md")):
            if kind == "rooms" or page.read_text().startswith("# Lab "):
                yield kind, page


def answers_file(kind, root=ROOT):
    return root / f"docs/teacher/answers-{kind}.md"


def answers_of(kind, root=ROOT):
    """{page's name: text below its heading} of the pack's file."""
    path = answers_file(kind, root)
    parts = re.split(r"^## (\S+)\n", path.read_text() if path.exists() else "", flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


# Moving the answers of a page

def link_line(kind, name):
    return f"The [answers](../teacher/answers-{kind}.md#{name}) are in the teacher's pack."


def moved_links(kind, name, text):
    """Links of an answer, as they must be in docs/teacher."""
    def move(match):
        label, target = match.groups()
        if target.startswith("#"):
            target = f"../{kind}/{name}.md{target}"
        elif not re.match(r"[a-z]+:|\.\./", target):
            target = f"../{kind}/{target}"
        return f"[{label}]({target})"
    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", move, text)


def split(page, root=ROOT):
    """Leave the questions on the page; its answers go into the pack's file."""
    kind, name, text = page.parent.name, page.stem, page.read_text()
    section = SECTION.search(text)
    if kind not in KINDS or not section:
        raise Damaged(f"{page}: no page of a lab or a room with a section `## Questions`")
    questions, answers = [], []
    for item in re.split(r"^(?=\d+\. )", section[1], flags=re.M)[1:]:
        match = ITEM.match(item.split("\nThe [answers]")[0])
        if not match:
            raise Damaged(f"{page}: write this as `N. *Question?* Answer`: {item.strip()[:60]}")
        number, question, answer = match.groups()
        questions.append(wrap(question, f"{number}. ", "   "))
        if answer.strip():
            answers.append(wrap(moved_links(kind, name, answer), f"{number}. ", "   "))
    page.write_text(text[:section.start()] + "## Questions\n" + "\n".join(questions) + "\n\n" +
                    link_line(kind, name) + "\n" + text[section.end():])
    if answers:
        kept = answers_of(kind, root)
        kept[name] = f"[The questions](../{kind}/{name}.md#questions)\n\n" + "\n".join(answers) + "\n\n"
        head = (f"# Answers to the questions on the pages of the {KINDS[kind]}\n\n"
                "For teachers, and for those who learn alone and have written down an answer of "
                "their own.\nThe numbers are those of the questions.\n\n")
        answers_file(kind, root).write_text(head + "".join(
            f"## {n}\n{kept[n].strip()}\n\n" for n in sorted(kept)).rstrip() + "\n")


# What the pack must be

def complaints(root=ROOT):
    for kind in KINDS:
        answers, named = answers_of(kind, root), set()
        for page in [p for k, p in pages(root) if k == kind]:
            named.add(page.stem)
            yield from page_complaints(kind, page, answers.get(page.stem, ""))
        for name in sorted(set(answers) - named):
            yield f"docs/teacher/answers-{kind}.md: {name}: there is no such page"
    yield from quiz_complaints(root)
    yield from plan_complaints(root)


def page_complaints(kind, page, answered):
    where, text = f"docs/{kind}/{page.name}", page.read_text()
    section = SECTION.search(text)
    if not section or "\n## Questions\n" not in text:
        yield f"{where}: no section `## Questions`: tools/teacher.py split {where}"
        return
    asked = items(section[1].split("\nThe [answers]")[0])
    for number, item in asked:
        if not re.fullmatch(SPAN, item, re.S):
            yield f"{where}: question {number} keeps an answer: tools/teacher.py split {where}"
    if link_line(kind, page.stem) not in section[1]:
        yield f"{where}: no link to the answers: {link_line(kind, page.stem)}"
    if f"(../{kind}/{page.name}#questions)" not in answered:
        yield f"docs/teacher/answers-{kind}.md: {page.stem}: no link to the questions"
    numbers, given = [n for n, _ in asked], [n for n, text in items(answered) if text]
    if numbers != list(range(1, len(numbers) + 1)) or not numbers:
        yield f"{where}: the questions are not numbered from 1"
    for number in sorted(set(numbers) ^ set(given)):
        yield (f"docs/teacher/answers-{kind}.md: {page.stem}: question {number} has no answer"
               if number in numbers else
               f"docs/teacher/answers-{kind}.md: {page.stem}: answer {number} has no question")
    for number, count in collections.Counter(given).items():
        if count > 1:
            yield f"docs/teacher/answers-{kind}.md: {page.stem}: question {number} has {count} answers"


# The quiz: GIFT, as Moodle's question/format/gift/format.php reads it, and stricter

QUESTION = re.compile(r"::(?P<title>[^:]+)::\[markdown\](?P<text>[^{}]+)\{(?P<answers>[^{}]+)\}", re.S)
ESCAPED = {f"\\{c}": f"\0{ord(c):03}" for c in "\\:#={}~"}


def hide(text):
    """Escaped characters as placeholders; what is left of the special ones has its meaning."""
    text = re.sub(r"\\[\\:#={}~]", lambda m: ESCAPED[m[0]], text)
    if "\\" in text:
        raise Damaged(f"a backslash escapes nothing: {text[text.index(chr(92)):][:20]!r}")
    return text


def show(text):
    return re.sub(r"\0(\d{3})", lambda m: chr(int(m[1])), text).strip()


Question = collections.namedtuple("Question", "category title text right wrong feedback")


def gift(text):
    """The questions of a GIFT file.  Damaged: Moodle would refuse it, or read it otherwise."""
    category, out = "", []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line for line in block.split("\n") if not line.strip().startswith("//")]
        block = "\n".join(lines).strip()
        if block.startswith("$CATEGORY:"):
            if "\n" in block:
                raise Damaged("a blank line must follow `$CATEGORY: ...`")
            category = block[10:].strip()
        elif block:
            out.append(gift_question(category, block))
    return out


def gift_question(category, block):
    where = block.split("\n")[0][:50]
    try:
        match = QUESTION.fullmatch(hide(block))
        if not match:
            raise Damaged("not `::title::[markdown]text{ =right ~wrong #### why }`, or `: { }` not escaped")
        body, mark, feedback = match["answers"].partition("####")
        if re.search(r"[~=#:]", match["text"] + feedback) or re.search(r"[~=#{}]", match["title"]):
            raise Damaged("one of `~ = # :` is not escaped in the question or the explanation")
        if not mark or not feedback.strip():
            raise Damaged("no explanation after ####")
        parts = re.findall(r"([=~])([^=~]*)", body)
        if not re.match(r"\s*[=~]", body):
            raise Damaged("text before the first answer")
        if any(re.search(r"[#:%]", answer) or not answer.strip() for _, answer in parts):
            raise Damaged("an answer is empty, or has `#`, `:` or `%` in it that is not escaped")
    except Damaged as error:
        raise Damaged(f"{where}: {error}") from None
    right = [show(a) for sign, a in parts if sign == "="]
    wrong = [show(a) for sign, a in parts if sign == "~"]
    if len(right) != 1:
        raise Damaged(f"{where}: {len(right)} right answers, not one")
    if len(wrong) < 2 or len(set(right + wrong)) != len(wrong) + 1:
        raise Damaged(f"{where}: fewer than two wrong answers, or one answer twice")
    return Question(category, show(match["title"]), show(match["text"]), right[0], wrong, show(feedback))


def quiz_complaints(root=ROOT):
    path = root / "docs/teacher/quiz.gift"
    try:
        questions = gift(path.read_text())
    except (Damaged, OSError) as error:
        yield f"docs/teacher/quiz.gift: {error}"
        return
    titles = collections.Counter(q.title for q in questions)
    yield from (f"docs/teacher/quiz.gift: two questions are called {t}" for t, n in titles.items() if n > 1)
    asked = {q.title.split()[0] for q in questions}
    yield from (f"docs/teacher/quiz.gift: no question about the lab {page.stem}"
                for kind, page in pages(root) if kind == "labs" and page.stem not in asked)


def plan_complaints(root=ROOT):
    """Every lab, tour and exercise has its week; an exercise has the minutes that it says."""
    weeks = "".join(re.findall(r"^\| \d.*", (root / "docs/teacher/plan.md").read_text(), re.M))
    yield from (f"docs/teacher/plan.md: the lab {page.stem} is in no week" for kind, page in pages(root)
                if kind == "labs" and f"(../labs/{page.name}) (" not in weeks and page.stem != "drive")
    tours = root / "tools/gdb/tours.py"
    for name in re.findall(r'^    "(\w+)": Tour', tours.read_text() if tours.exists() else "", re.M):
        if f"`{name}` (" not in weeks:
            yield f"docs/teacher/plan.md: the tour {name} is in no week"
    for path in sorted((root / "exercises").glob("*/exercise.toml")):
        minutes = re.search(r"^minutes = (\d+)", path.read_text(), re.M)[1]
        if f"`{path.parent.name}` ({minutes})" not in weeks:
            yield f"docs/teacher/plan.md: the exercise {path.parent.name} ({minutes} minutes) is in no week"


# Output

def sheet(names, answers, root=ROOT):
    known = {page.stem: (kind, page) for kind, page in reversed(list(pages(root)))}
    for name in names:
        if name not in known:
            raise Damaged(f"no page is called {name}.  There are: {' '.join(sorted(known))}")
        kind, page = known[name]
        given = dict(items(answers_of(kind, root).get(name, "")))
        yield f"# {page.read_text().splitlines()[0].lstrip('# ')}\n"
        for number, question in items(SECTION.search(page.read_text())[1].split("\nThe [answers]")[0]):
            yield wrap(question.strip("*"), f"{number}. ", "   ") + "\n"
            if answers:
                yield wrap(given[number], "   ", "   ") + "\n"


def main():
    parser = argparse.ArgumentParser(description="the teacher's pack")
    parser.add_argument("what", choices=("check", "split", "sheet"))
    parser.add_argument("--answers", action="store_true", help="sheet: with the answers")
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args()
    try:
        if options.what == "check":
            found = list(complaints())
            print("\n".join(found) or "the teacher's pack is whole")
            return bool(found)
        if options.what == "split":
            for name in options.names:
                split(pathlib.Path(name).resolve())
        else:
            print("\n".join(sheet(options.names, options.answers)))
    except Damaged as error:
        sys.exit(f"teacher: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
