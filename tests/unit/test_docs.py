#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The documents: every lab has its page, every test its line, every link leads somewhere, every
source file and function that a page or a lab names is there, every lock is in the table of locks,
the weekend's reading and the files of rooms have the lines that the pages say, and pictures are as they
are drawn.  Prints TAP."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "README.md", ROOT / "kernel/README.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A file of the tree: `kernel/task/sched.c`; after it, up to the next file or ";", functions in it.
FILE = r"(?:arch|boot|kernel|user|tests|tools)/[\w./-]+\.(?:[chS]|py|sh|ld)\b"
WORD = re.compile(rf"({FILE})|(?:^|[\s,])(\w+)\(\)|(;)")
CODE = re.compile(r"`([^`]+)`")
SECTION = re.compile(r"^## Where to read\n(.*?)(?=^## |\Z)", re.M | re.S)
PARTS = ("**The claim.**", "**Where it is imprecise.**", "## How it is shown", "## What to look for",
         "## To break it", "## Questions")


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
    for pattern in ("unit/test_*", "kernel/**/test_*.c", "user/*.c", "system/test_*.py",
                    "fuzz/test_*.py"):
        for path in sorted((ROOT / "tests").glob(pattern)):
            if not re.search(rf"`(\w+/)?{re.escape(path.name)}`", text):
                yield f"docs/tests.md: no line for {path.relative_to(ROOT)}"
    text = (ROOT / "docs/fuzz-host.md").read_text()
    for path in sorted((ROOT / "tests/fuzz").glob("*.c")):
        if f"\n| `{path.stem}` |" not in text:
            yield f"docs/fuzz-host.md: no row for {path.stem}"


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


def rooms():
    """README.md and kernel/README.md give each room its layer, the former in the order of floors."""
    sys.path.insert(0, str(ROOT / "tools"))
    import house
    true = [(prefix, kind) for floor in house.FLOORS for prefix, (kind, _) in floor.items()
            if prefix.endswith("/") and kind is not None]
    said = re.findall(r"^    ((?:arch|boot|kernel)/\S*) .* (core|base|extension)$",
                      (ROOT / "README.md").read_text(), re.M)
    kinds = {house.CORE: "core", house.BASE: "base", house.EXTENSION: "extension"}
    if said != [(prefix, kinds[kind]) for prefix, kind in true]:
        yield "README.md: the list of rooms is not that of tools/house.py"
    layers = re.split(r"^- \*\*", (ROOT / "kernel/README.md").read_text(), flags=re.M)
    for prefix, kind in true:
        name = prefix.removeprefix("kernel/").rstrip("/").rpartition("x86_64/")[2]
        found = [text for text in layers[1:] if re.search(rf"`(?:arch/x86_64/)?{name}/?`", text)]
        if len(found) != 1 or not found[0].lower().startswith(kinds[kind]):
            yield f"kernel/README.md: {prefix} is not under {kinds[kind]} alone"


def part(path, name):
    """First and last line, from 0, of a function, structure or label with the comment above it."""
    lines = (ROOT / path).read_text().split("\n")
    word = re.escape(name.removesuffix("()"))
    begin = re.compile(rf"{word} \{{" if " " in name else
                       rf"(?:\w[^;=]*[\s*])?{word}(?:\((?!.*;$)|:$)|FUNCTION {word}$")
    end = ("\t.cfi_endproc", "\t.size") if path.endswith(".S") else "}"
    first = next((i for i, line in enumerate(lines) if begin.match(line)), None)
    if first is None:
        return None
    last = next(i for i in range(first, len(lines)) if lines[i].startswith(end))
    while lines[first - 1].strip() and not lines[first - 1].startswith(("}", "#include")):
        first -= 1
    return first, last


def row_lines(path, parts):
    """Lines of a file, or of "`a()` to `b()`, `c()`" in it; None: a part is missing."""
    total = 0
    for begin, end in re.findall(r"`([^`]+)`(?: to `([^`]+)`)?", parts):
        first, last = part(path, begin), part(path, end or begin)
        if first is None or last is None or last[1] < first[0]:
            return None
        total += last[1] - first[0] + 1
    return total or (ROOT / path).read_text().count("\n")


def reading():
    """docs/reading.md: the lines of each row, each part and the whole path are those of the source,
    and the path is not longer than a weekend."""
    text = (ROOT / "docs/reading.md").read_text()
    whole = 0
    for section in text.split("\n## ")[1:]:
        rows = re.findall(rf"^\| `({FILE})`(.*?) \| (\d+) \|", section, re.M)
        total = 0
        for path, parts, said in rows:
            lines = row_lines(path, parts)
            if lines is None:
                yield f"docs/reading.md: {path} does not have {parts.strip(', ')}"
                continue
            if abs(lines - int(said)) > max(lines // 10, 8):
                yield f"docs/reading.md: {path}{parts}: write {lines} lines, not {said}"
            total += lines
        said = re.search(r"\((\d+) lines\)", section.split("\n")[0])
        if rows and (not said or abs(total - int(said[1])) > total // 10):
            yield f"docs/reading.md: {section.split(' (')[0]}: write {total} lines"
        whole += total
    said = re.search(r"has ([\d,]+) lines of code", text)
    if not said or abs(whole - int(said[1].replace(",", ""))) > whole // 20:
        yield f"docs/reading.md: write that the path has {whole:,} lines"
    if whole > 4000:
        yield f"docs/reading.md: {whole} lines are more than a weekend's 4000"


def files_of_rooms():
    """The pages of the rooms list files that are there, with about the lines that these have."""
    sys.path.insert(0, str(ROOT / "tools"))
    import room_lines
    for page in room_lines.pages():
        try:
            for _, counted in room_lines.rows(page.read_text()):
                for path, said, lines in counted:
                    if abs(lines - said) > max(lines // 10, 10):
                        yield f"docs/rooms/{page.name}: {path} has {lines} lines, not {said}: tools/room_lines.py"
        except (LookupError, ValueError) as error:
            yield f"docs/rooms/{page.name}: {error}"


def contents():
    """The book's contents, docs/README.md, lead to every page."""
    text = (ROOT / "docs/README.md").read_text()
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        if name.startswith("docs/") and name != "docs/README.md" and f"]({name[5:]})" not in text:
            yield f"docs/README.md does not lead to {name}"


def pictures():
    """docs/pictures has what tools/pictures.py draws, and each is on a page."""
    sys.path.insert(0, str(ROOT / "tools"))
    import pictures as drawn
    there = {p.stem: p.read_text() for p in (ROOT / "docs/pictures").glob("*.svg")}
    for name in sorted(set(there) | set(drawn.PICTURES)):
        if name not in drawn.PICTURES or there.get(name) != drawn.PICTURES[name]().svg():
            yield f"docs/pictures/{name}.svg is not what tools/pictures.py draws: make pictures"
        if not any(f"pictures/{name}.svg)" in page.read_text() for page in PAGES):
            yield f"docs/pictures/{name}.svg is on no page"


def main():
    problems = {"labs": list(labs()), "tests": list(kinds()), "links": [], "sources": [], "names": list(names()),
                "extensions": list(extensions()), "locks": list(locks()), "reading": list(reading()),
                "rooms": list(rooms()), "files_of_rooms": list(files_of_rooms()), "contents": list(contents()),
                "pictures": list(pictures())}
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
