#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A page of docs/labs as plain text for a terminal of 80 columns: `lab NAME --page` shows it.

    tools/lab_page.py PAGE.md > PAGE.txt

It knows what the labs' pages use of Markdown: headings, paragraphs, lists, tables, code blocks, links
and emphasis.  Pictures and comments are left out."""
import pathlib
import re
import sys
import textwrap

WIDTH = 78
KEYS = "(Space: next page. b: back. q: leave.)"


def plain(text):
    """The text of a line without Markdown's marks.  `code` keeps its quotes."""
    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    codes = re.findall(r"`[^`]*`", text)  # a "*" in them is no emphasis
    text = re.sub(r"(\*\*|\*)(\S(?:.*?\S)?)\1", r"\2", re.sub(r"`[^`]*`", "\0", text))
    return re.sub("\0", lambda _: codes.pop(0), text)


def wrap(text, first="", rest=None):
    return textwrap.wrap(plain(" ".join(text.split())), WIDTH, initial_indent=first,
                         subsequent_indent=first if rest is None else rest,
                         break_on_hyphens=False)


def table(rows):
    """The rows of a table in columns, the last one wrapped."""
    cells = [[plain(c.strip()) for c in row.strip().strip("|").split("|")] for row in rows
             if not re.fullmatch(r"[|: -]+", row.strip())]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = []
    for row in cells:
        head = "  ".join(c.ljust(w) for c, w in zip(row[:-1], widths)) + "  "
        if len(head) > WIDTH - 20:  # no room for the last column: below each other
            lines += [*wrap(row[0]), *(line for c in row[1:] for line in wrap(c, "    "))]
        else:
            lines += textwrap.wrap(row[-1], WIDTH, initial_indent=head,
                                   subsequent_indent=" " * len(head)) or [head.rstrip()]
    return lines


def code(lines):
    """A code block: its own indent goes if a line would be too long; what still is, is continued."""
    longest = max(map(len, lines))
    cut = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    lines = [line[min(cut, max(0, longest - WIDTH)):].rstrip() for line in lines]
    return [part for line in lines for part in
            ([line] if len(line) <= WIDTH + 1 else
             textwrap.wrap(line, WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False))]


def blocks(page):
    """[(kind, [lines])] of a page: heading, code, table, item, text."""
    found, fence = [], False
    for line in re.sub(r"(?s)<!--.*?-->\n?", "", page).splitlines():
        if line.startswith("```"):
            fence = not fence
            found.append(("end", []))
            continue
        kind = "text"
        last = found[-1][0] if found else "end"
        if fence or line.startswith("    ") and last in ("end", "code", "heading"):
            kind, line = "code", "    " + line if fence else line
        elif not line.strip():
            if last == "code":
                found[-1][1].append("")
            elif last != "end":
                found.append(("end", []))
            continue
        elif line.startswith("#"):
            kind = "heading"
        elif line.startswith("|"):
            kind = "table"
        elif re.match(r" *([-*]|\d+\.) ", line):
            found.append(("item", [line]))
            continue
        elif last == "item":
            kind = "item"  # the rest of it
        if last == kind and kind != "heading":
            found[-1][1].append(line)
        else:
            found.append((kind, [line]))
    return [(kind, lines) for kind, lines in found if kind != "end"]


def render(page):
    out, before = [], ""
    for kind, lines in blocks(page):
        if before and not (kind == before == "item"):
            out.append("")
        if kind == "heading":
            title = plain(lines[0].lstrip("# "))
            out += [title, ("=" if lines[0].startswith("# ") else "-") * len(title)]
        elif kind == "code":
            while lines and not lines[-1].strip():
                lines.pop()
            out += code(lines)
        elif kind == "table":
            out += table(lines)
        elif kind == "item":
            mark = re.match(r" *([-*]|\d+\.) +", lines[0])[0]
            body = " ".join([lines[0][len(mark):], *lines[1:]])
            out += wrap(body, mark, " " * len(mark))
        else:
            out += wrap(" ".join(lines))
        before = kind
    return "\n".join([KEYS, "", *out]) + "\n"


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8")
    print(render(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), end="")


if __name__ == "__main__":
    main()
