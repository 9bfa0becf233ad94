#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The documents: every lab has its page, every test its line, every link leads somewhere, every
source file and function that a page or a lab names is there, every lock is in the table of locks.
Prints TAP."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "README.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A file of the tree: `kernel/task/sched.c`; after it, up to the next file or ";", functions in it.
FILE = r"(?:arch|boot|kernel|user|tests|tools)/[\w./-]+\.(?:[chS]|py|sh|ld)\b"
WORD = re.compile(rf"({FILE})|(?:^|[\s,])(\w+)\(\)|(;)")
CODE = re.compile(r"`([^`]+)`")
SECTION = re.compile(r"^## Where to read\n(.*?)(?=^## |\Z)", re.M | re.S)
PARTS = ("**The claim.**", "**Where it is imprecise.**", "## How it is shown", "## What to look for",
         "## To break it", "## Exercises")


def anchors(text):
    """Of headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-")
            for h in re.findall(r"^#+ (.*)$", text, re.M)}


def sources(words, where):
    """Files that are missing, and functions that are not in the file named before them."""
    text = None
    for path, function, end in words:
        if end:
            text = None
        elif path:
            text = (ROOT / path).read_text() if (ROOT / path).exists() else None
            if text is None:
                yield f"{where}: {path} does not exist"
        elif text is not None and not re.search(rf"\b{function}\b", text):
            yield f"{where}: no {function}() in the file named before it"


def links(page, text):
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        to = (page.parent / path) if path else page
        if re.match(r"[a-z]+:", target):
            continue
        if not to.exists():
            yield f"{page.relative_to(ROOT)}: {target} does not exist"
        elif anchor and anchor not in anchors(to.read_text()):
            yield f"{page.relative_to(ROOT)}: {target} has no such heading"


def labs():
    catalogue = re.findall(r'^    \{"(\w+)", "', (ROOT / "user/lab/catalogue.h").read_text(), re.M)
    index = "".join((ROOT / "docs" / name).read_text() for name in ("README.md", "labs.md"))
    for name in catalogue:
        page = ROOT / f"docs/labs/{name}.md"
        if not page.exists():
            yield f"docs/labs/{name}.md does not exist"
            continue
        text = page.read_text()
        missing = [part for part in PARTS if part not in text]
        if missing:
            yield f"docs/labs/{name}.md: no {', '.join(missing)}"
        if index.count(f"(labs/{name}.md)") < 2:
            yield f"docs/labs/{name}.md is not linked from docs/README.md and docs/labs.md"
        knobs = re.search(r"lab_knob knobs\[\] = \{(.*?)\{0\}",
                          (ROOT / f"user/labs/{name}.c").read_text(), re.S)
        for knob in re.findall(r'^\s*\{"([\w-]+)"', knobs[1] if knobs else "", re.M):
            if f"--{knob}" not in text:
                yield f"docs/labs/{name}.md does not mention --{knob}"


def names():
    """Functions and files by their bare names, as the pages of the rooms have them."""
    files = [p for top in ("arch", "boot", "kernel", "tests", "tools", "user")
             for p in (ROOT / top).rglob("*.*") if p.suffix in (".c", ".h", ".S", ".py")]
    known = set(re.findall(r"\w+", "\n".join(p.read_text() for p in files)))
    known |= {p.name for p in files}
    for page in PAGES:
        for name in re.findall(r"`(?:sys_)?(\w+)\(\)|`([a-z]\w*\.(?:[chS]|py))`", page.read_text()):
            if "".join(name) not in known:
                yield f"{page.relative_to(ROOT)}: {''.join(name)} is nowhere"


def kinds():
    """Every test has its line in docs/tests.md."""
    text = (ROOT / "docs/tests.md").read_text()
    for pattern in ("unit/test_*", "kernel/**/test_*.c", "user/*.c", "system/test_*.py"):
        for path in sorted((ROOT / "tests").glob(pattern)):
            if not re.search(rf"`(\w+/)?{re.escape(path.name)}`", text):
                yield f"docs/tests.md: no line for {path.relative_to(ROOT)}"


def extensions():
    """Every extension has its row in docs/extensions.md."""
    text = (ROOT / "docs/extensions.md").read_text()
    for path in [ROOT / "kernel/dev", *sorted((ROOT / "kernel").glob("[lw]*/*"))]:
        if path.is_dir() and path.parent.name in ("kernel", "linux", "watch") \
                and f"\n| `{path.relative_to(ROOT)}` |" not in text:
            yield f"docs/extensions.md: no row for {path.relative_to(ROOT)}"


def locks():
    """Every class of locks has its row in the table of docs/rooms/sync.md, and no other has."""
    text = (ROOT / "docs/rooms/sync.md").read_text()
    rows = set(re.findall(r"^\| `([^`]+)` \|.*\| (?:mutex|rwlock|spin, \w+) \|", text, re.M))
    classes = set()
    for path in [*(ROOT / "arch").rglob("*.c"), *(ROOT / "kernel").rglob("*.c")]:
        source = path.read_text()
        classes |= set(re.findall(r"^DEFINE_SPINLOCK\((\w+)\);", source, re.M))
        for line in re.findall(r"^(?:static )?struct lock_class (?!\*)([^;]*);", source, re.M):
            classes |= set(re.findall(r'\{"([^"]+)", 0\}', line))
    for name in sorted(classes ^ rows):
        yield f"docs/rooms/sync.md: {'no row for the' if name in classes else 'there is no'} lock {name}"


def main():
    problems = {"labs": list(labs()), "tests": list(kinds()), "links": [], "sources": [], "names": list(names()),
                "extensions": list(extensions()), "locks": list(locks())}
    for page in PAGES:
        text = page.read_text()
        name = page.relative_to(ROOT)
        problems["links"] += links(page, text)
        for code in CODE.findall(text):
            problems["sources"] += sources([(m[1], None, None) for m in WORD.finditer(code) if m[1]], name)
        for section in SECTION.findall(text):
            words = ";".join(" ".join(CODE.findall(line)) for line in section.split("\n- "))
            problems["sources"] += sources([m.groups() for m in WORD.finditer(words)], name)
    for lab in sorted((ROOT / "user/labs").glob("*.c")):
        said = re.search(r"\.sources\s*=\s*((?:\"[^\"]*\"\s*)+)", lab.read_text())
        text = "".join(re.findall(r'"([^"]*)"', said[1] if said else ""))
        problems["sources"] += sources([m.groups() for m in WORD.finditer(text)], lab.name)
        if said and not re.search(FILE, text):
            problems["sources"].append(f"{lab.name}: .sources names no file")
    for number, (name, found) in enumerate(problems.items(), 1):
        for line in found:
            print("#", line)
        print(f"{'not ' if found else ''}ok {number} - {name}")
    print(f"1..{len(problems)}")
    return any(problems.values())


if __name__ == "__main__":
    sys.exit(main())
