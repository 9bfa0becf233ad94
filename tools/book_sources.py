# SPDX-License-Identifier: MIT
"""The source as pages with a line number at each line, and where in it a name is defined."""
import html
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("arch", "boot", "kernel", "user", "tests", "tools")
SUFFIXES = (".c", ".h", ".S", ".py", ".sh", ".ld")
ALONE = ("Makefile", "linker.ld", ".ci/run", "Dockerfile")
# A definition begins in column 0 and, unlike a declaration, does not end with a semicolon.
DEFINED = re.compile(r"^(?:[A-Za-z_][\w \t*]*[ \t*])?(\w+)\((?!.*;\s*$)", re.M)
CALL = re.compile(r"^(?:SYSCALL\d|KTEST|DEFINE_\w+|RUN)\((\w+)", re.M)
STRUCT = re.compile(r"^(?:struct|union|enum) (\w+) \{", re.M)
LABEL = re.compile(r"^(?:FUNCTION |\.globl )?(\w+):?$", re.M)
PYTHON = re.compile(r"^(?:def|class) (\w+)", re.M)


class Sources:
    """Which files there are, and the line of each function and structure."""

    def __init__(self, root=ROOT):
        self.root, self.texts, self.lines, self.homes, self.bases = root, {}, {}, {}, {}
        paths = [p for top in FOLDERS for p in sorted((root / top).rglob("*"))
                 if p.suffix in SUFFIXES] + [root / name for name in ALONE]
        for path in paths:
            if path.is_file():
                self.add(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))

    def add(self, name, text):
        self.texts[name] = text
        self.bases.setdefault(os.path.basename(name), []).append(name)
        patterns = {".S": [LABEL], ".py": [PYTHON], ".sh": [], ".ld": []}
        here = self.lines[name] = {}
        for pattern in patterns.get(os.path.splitext(name)[1], [DEFINED, CALL, STRUCT]):
            for found in pattern.finditer(text):
                word = found[1]
                if word in ("if", "for", "while", "switch", "return", "defined") or word in here:
                    continue
                here[word] = text.count("\n", 0, found.start(1)) + 1
                self.homes.setdefault(word, []).append(name)

    def file(self, word):
        """The path of a file that a page names: whole, or by a base name that only one has."""
        if word in self.texts:
            return word
        found = self.bases.get(word, []) if "/" not in word else []
        return found[0] if len(found) == 1 else None

    def line(self, path, word):
        """Where `word` is defined in `path`, or None."""
        return self.lines.get(path, {}).get(word)

    def home(self, word):
        """(path, line) of a function or structure that the kernel or else one file defines."""
        homes = self.homes.get(word, [])
        kernel = [h for h in homes if h.startswith(("arch/", "boot/", "kernel/"))]
        code = [h for h in kernel if not h.endswith(".h")]
        for choice in (code, kernel, homes):
            if len(choice) == 1:
                return choice[0], self.lines[choice[0]][word]
        return None

    def room(self, path):
        """The page of the room in which a file of the kernel lies, or None."""
        for folder in pathlib.PurePosixPath(path).parents:
            page = f"docs/rooms/{folder.name}.md"
            if folder.name and (self.root / page).exists():
                return page
        return None


def highlighted(path, text):
    """The lines of a file as HTML; without Pygments they have no colours."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import get_lexer_for_filename
        from pygments.lexers.special import TextLexer
        from pygments.util import ClassNotFound
    except ImportError:
        return html.escape(text).rstrip("\n").split("\n")
    try:
        lexer = get_lexer_for_filename("x.s" if path.endswith(".S") else path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    return highlight(text, lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")


def body(path, text):
    """One file as HTML: #L12 leads to line 12."""
    return "".join(f'<a id="L{n}" href="#L{n}" data-line="{n}"></a>{line}\n'
                   for n, line in enumerate(highlighted(path, text.expandtabs(8)), 1))
