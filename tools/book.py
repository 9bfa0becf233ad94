#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages of docs/ as one site that works from a folder: `make book`.

    tools/book.py [--records FILE] [--without-answers] [-o FOLDER]

Leaves $BUILD/book/index.html.  The site asks no server and no network: it can be copied to any
place.  pandoc turns Markdown into HTML; this program makes links of the files and functions that
pages name, adds to the page of each lab what it printed in a recorded run (FILE, from
tools/record.py), and ends with an error when a link leads nowhere.
"""
import argparse
import html
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import book_sources

ROOT = book_sources.ROOT
PAGES = pathlib.Path(__file__).resolve().parent / "pages"
FILE = r"(?:arch|boot|kernel|user|tests|tools)/[\w./-]+\.(?:[chS]|py|sh|ld)"
# In a code span: a file (with a line), or a function; "struct thread" is a structure.
SPAN = re.compile(rf"(?P<file>{FILE}|[a-z]\w*\.[chS]\b)(?::(?P<line>\d+))?"
                  r"|(?P<call>\b\w+)\(\)|(?:struct|union) (?P<struct>\w+)")
PLACE = re.compile(rf"(?P<file>{FILE}):(?P<line>\d+)")
MISSING = "book: pandoc is missing: `make doctor` says which package has it"


class Failed(Exception):
    """The text says what is wrong."""


def contents(text):
    """docs/README.md's headings, and under each the pages it links to, in order."""
    parts, seen = [], set()
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        title, _, rest = part.partition("\n")
        links = []
        for target in re.findall(r"\]\(([\w./-]+\.md)\)", rest):
            name = os.path.normpath("docs/" + target)
            if name not in seen:
                seen.add(name)
                links.append(name)
        parts.append((title.strip(), links))
    return parts


def output(name):
    """Where a page or a source file goes in the site."""
    if name == "docs/README.md":
        return "index.html"
    if name == "README.md":
        return "start.html"
    if name.endswith(".md"):
        return re.sub(r"^docs/", "", name)[:-3] + ".html"
    return f"source/{name}.html"


def relative(target, page):
    """The link from page to target, both as paths in the site."""
    path, _, anchor = target.partition("#")
    link = os.path.relpath(path, os.path.dirname(page) or ".")
    return link + ("#" + anchor if anchor else "")


def text_of(inlines):
    """The plain text of pandoc's inlines."""
    out = []
    for item in inlines:
        kind, value = item["t"], item.get("c")
        if kind in ("Str", "Code"):
            out.append(value if kind == "Str" else value[1])
        elif kind in ("Space", "SoftBreak", "LineBreak"):
            out.append(" ")
        elif isinstance(value, list):
            out.append(text_of(next((v for v in value if isinstance(v, list) and v
                                     and isinstance(v[0], dict) and "t" in v[0]), [])
                               if kind in ("Link", "Image", "Span", "Quoted") else value))
    return "".join(out)


class Page:
    """One page of docs/, from Markdown to the body of its HTML."""

    def __init__(self, name, sources, pages):
        self.name, self.sources, self.pages = name, sources, pages
        self.out, self.used = output(name), set()
        found = re.search(r"^# (.*)$", (ROOT / name).read_text(encoding="utf-8"), re.M)
        self.title = found[1].replace("`", "") if found else name
        self.headings, self.words = [], ""
        self.file = None                # the file that a code span named last

    def read(self):
        made = subprocess.run(["pandoc", "-f", "gfm", "-t", "json", str(ROOT / self.name)],
                              check=True, capture_output=True)
        tree = json.loads(made.stdout)
        tree["blocks"] = self.walk(tree["blocks"])
        made = subprocess.run(["pandoc", "-f", "json", "-t", "html5", "--no-highlight",
                               "--wrap=preserve"], input=json.dumps(tree).encode(),
                              check=True, capture_output=True)
        self.body = made.stdout.decode()
        self.words = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", self.body)))

    def walk(self, node):
        if isinstance(node, list):
            return [self.walk(item) for item in node]
        if not isinstance(node, dict) or "t" not in node:
            return node
        kind, value = node["t"], node.get("c")
        if kind == "Header":
            self.heading(value)
        elif kind == "CodeBlock":
            return {"t": "RawBlock", "c": ["html", self.block(value[1])]}
        elif kind == "Code":
            return {"t": "RawInline", "c": ["html", self.code(value[1])]}
        elif kind in ("Link", "Image"):
            link = value[2][0]
            value[2][0] = self.target(link)
            if kind == "Link":          # no link in a link: what is in it stays as it is
                self.name_page(value, link)
                return node
        elif kind in ("RawBlock", "RawInline") and value[1].startswith("<!--"):
            return {"t": "RawBlock" if kind == "RawBlock" else "RawInline", "c": ["html", ""]}
        if value is not None:
            node["c"] = self.walk(value)
        return node

    def name_page(self, value, link):
        """A link whose text is the name of a page's file gets the page's title."""
        name = os.path.normpath(os.path.join(os.path.dirname(self.name), link))
        if name in self.pages and text_of(value[1]) == link:
            value[1] = [{"t": "Str", "c": self.pages[name].title}]

    def heading(self, value):
        title = text_of(value[2])
        # As GitHub and tests/unit/test_docs.py make them.
        value[1][0] = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        if value[0] > 1:
            self.headings.append((value[0], value[1][0], title))

    def link(self, path, line, text):
        self.used.add(path)
        where = relative(output(path) + (f"#L{line}" if line else ""), self.out)
        return f'<a class="source" href="{where}">{text}</a>'

    def code(self, text):
        """A code span: files and functions in it lead to their lines."""
        def one(found):
            shown = html.escape(found[0])
            if found["file"]:
                path = self.sources.file(found["file"])
                if path:
                    self.file = path
                    return self.link(path, found["line"], shown)
                return shown
            word = found["call"] or found["struct"]
            if self.file and self.sources.line(self.file, word):
                return self.link(self.file, self.sources.line(self.file, word), shown)
            home = self.sources.home(word)
            return self.link(*home, shown) if home else shown
        parts, at = [], 0
        for found in SPAN.finditer(text):
            parts += [html.escape(text[at:found.start()]), one(found)]
            at = found.end()
        return f"<code>{''.join(parts)}{html.escape(text[at:])}</code>"

    def block(self, text):
        """A block of code: "kernel/task/sched.c:219" leads there."""
        def one(found):
            path = self.sources.file(found["file"])
            return self.link(path, found["line"], found[0]) if path else found[0]
        return f"<pre><code>{PLACE.sub(one, html.escape(text, quote=False))}</code></pre>"

    def target(self, target):
        """Where a link of the page leads in the site."""
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return target
        path, _, anchor = target.partition("#")
        name = os.path.normpath(os.path.join(os.path.dirname(self.name), path))
        if name in self.pages:
            return relative(output(name) + ("#" + anchor if anchor else ""), self.out)
        if name in self.sources.texts:
            self.used.add(name)
            return relative(output(name), self.out)
        if (ROOT / name).is_file():     # a picture, or a file to take along
            self.used.add(name)
            return relative("files/" + name, self.out)
        if (ROOT / name).is_dir():
            for inside in (f"{name}/README.md",):
                if inside in self.pages:
                    return relative(output(inside), self.out)
        raise Failed(f"{self.name}: the link {target} leads to nothing that the book has")


def shell(title, out, body, nav="", extra=""):
    """A whole page: what stands around the body is the same on each."""
    top = relative(".", out)
    scripts = "".join(f'<script src="{top}/{name}" defer></script>\n'
                      for name in ("search.js", "book.js"))
    return ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            f"<title>{html.escape(title)}</title>\n"
            f"<link rel=\"stylesheet\" href=\"{top}/book.css\">\n{scripts}</head>\n"
            f"<body data-top=\"{top}\">\n<nav id=\"contents\">{nav}</nav>\n"
            f"<main>\n{body}</main>\n{extra}</body></html>\n")


def navigation(parts, pages, here):
    """The contents at the side; the part in which the page stands is open."""
    def entry(name):
        mark = ' aria-current="page"' if name == here.name else ""
        short = re.sub(r"^(?:Lab|The room) (?:\S*/)?([\w-]+):.*", r"\1", pages[name].title)
        return (f'<a href="{relative(output(name), here.out)}"{mark}>{html.escape(short)}</a>')
    out = [f'<a class="home" href="{relative("index.html", here.out)}">The book of Heddle</a>'
           '<input id="search" type="search" placeholder="Search" aria-label="Search the book">'
           '<div id="found"></div>', entry("README.md")]
    for title, names in parts:
        state = " open" if here.name in names else ""
        out.append(f"<details{state}><summary>{html.escape(title)}</summary>"
                   f"{''.join(entry(name) for name in names)}</details>")
    return "\n".join(out)


def turn(order, pages, here):
    """Links to the page before and after."""
    if here.name not in order:
        return ""
    at, out = order.index(here.name), []
    for step, sign in ((at - 1, "&larr; "), (at + 1, "")):
        if 0 <= step < len(order):
            name = order[step]
            title = html.escape(pages[name].title)
            out.append(f'<a href="{relative(output(name), here.out)}">{sign}{title}'
                       f'{"" if sign else " &rarr;"}</a>')
    return f'<p class="turn">{"".join(out)}</p>\n'


def record(page, records):
    """What the lab of this page printed in a recorded run, as HTML and data."""
    found = re.fullmatch(r"docs/labs/(\w+)\.md", page.name)
    if not found or records is None or found[1] in records.get("none", ()):
        return "", ""
    lab = records["labs"].get(found[1])
    if lab is None:
        why = records.get("missing", {}).get(found[1], "it left no record")
        return f'<h2 id="a-recorded-run">A recorded run</h2><p class="soft">None: {html.escape(why)}.</p>', ""
    data = json.dumps(lab).replace("</", "<\\u002f")
    top = relative(".", page.out)
    body = ('<h2 id="a-recorded-run">A recorded run</h2>\n<p class="soft">'
            f'{html.escape(records["how"])} In a timeline, turn the wheel to zoom and drag to move; '
            'the arrow keys do the same.</p>\n<div id="record"></div>\n')
    extra = "".join(f'<script src="{top}/{name}"></script>\n'
                    for name in ("evidence.js", "timeline.js"))
    return body, extra + ("<script>\n{const lab = " + data + ";\nconst holder = "
                          "document.getElementById('record');\nshowVerdict(holder, lab);\n"
                          "showEvidence(holder, lab);}\n</script>\n")


class Reader(html.parser.HTMLParser):
    """Collects a page's anchors and links."""

    def __init__(self):
        super().__init__()
        self.ids, self.links = set(), []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def dead_links(folder):
    """Links in the site that lead to no file, or to no place in it."""
    read = {}
    for path in folder.rglob("*.html"):
        reader = Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        read[path] = reader
    for path, reader in sorted(read.items()):
        for link in sorted(set(reader.links)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            to = pathlib.Path(os.path.normpath(path.parent / name)) if name else path
            if not to.is_file() or (anchor and to in read and anchor not in read[to].ids):
                yield f"{path.relative_to(folder)}: {link}"


def source_pages(sources, wanted, folder):
    """The files that pages link to, and all of the kernel."""
    names = set(wanted) | {n for n in sources.texts if n.startswith(("arch/", "boot/", "kernel/"))}
    for name in sorted(n for n in names if n in sources.texts):
        out = output(name)
        room = sources.room(name)
        about = f' &middot; <a href="{relative(output(room), out)}">the room\'s page</a>' if room else ""
        head = (f'<p class="soft"><a href="{relative("index.html", out)}">Heddle</a>{about}</p>'
                f"<h1>{html.escape(name)}</h1>\n")
        write(folder / out, shell(name, out, head + '<pre class="file">'
                                  + book_sources.body(name, sources.texts[name]) + "</pre>\n"))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def styles():
    text = "".join((PAGES / name).read_text(encoding="utf-8") for name in ("style.css", "book.css"))
    try:
        from pygments.formatters import HtmlFormatter
    except ImportError:
        return text
    dark = HtmlFormatter(style="github-dark").get_style_defs("pre.file")
    light = HtmlFormatter(style="default").get_style_defs("pre.file")
    keep = re.compile(r"^pre\.file \.\w+ \{.*$", re.M)      # colours of words, not the background
    return (text + "\n".join(keep.findall(light)) + "\n@media (prefers-color-scheme: dark) {\n"
            + "\n".join(keep.findall(dark)) + "\n}\n")


def load_records(path):
    if path is None:
        return None
    try:
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failed(f"records {path}: {error}") from None


def build(folder, records, answers=True):
    names = ["README.md", *sorted(p.relative_to(ROOT).as_posix()
                                  for p in (ROOT / "docs").rglob("*.md"))]
    names += [n for n in ("kernel/README.md", "exercises/README.md") if (ROOT / n).exists()]
    sources = book_sources.Sources()
    pages = {}
    pages.update({name: Page(name, sources, pages) for name in names})
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(lambda page: page.read(), pages.values()))
    if not answers:
        for name in [n for n in pages if n.startswith("docs/teacher/answers")]:
            pages[name].body = "<h1>Answers</h1><p>They are not in this copy of the book.</p>" + "".join(
                f'<h2 id="{anchor}">{title}</h2>' for _, anchor, title in pages[name].headings)
            pages[name].words = ""
    parts = [(title, [n for n in links if n in pages])
             for title, links in contents((ROOT / "docs/README.md").read_text(encoding="utf-8"))]
    order = ["README.md", "docs/README.md", *(n for _, links in parts for n in links)]
    lost = sorted(n for n in pages if n.startswith("docs/") and n not in order)
    if lost:
        raise Failed("docs/README.md does not lead to " + ", ".join(lost))
    shutil.rmtree(folder, ignore_errors=True)
    for page in pages.values():
        run, extra = record(page, records)
        write(folder / page.out, shell(f"{page.title} - Heddle", page.out,
                                       page.body + run + turn(order, pages, page),
                                       navigation(parts, pages, page), extra))
    used = set().union(*(page.used for page in pages.values()))
    source_pages(sources, used, folder)
    for name in used - set(sources.texts):
        (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / "files" / name)
    write(folder / "book.css", styles())
    for name in ("book.js", "evidence.js", "timeline.js"):
        shutil.copyfile(PAGES / name, folder / name)
    index = [[p.out, p.title, [[a, t] for _, a, t in p.headings], p.words] for p in pages.values()]
    write(folder / "search.js", f"const BOOK = {json.dumps(index)};\n")
    dead = list(dead_links(folder))
    if dead:
        raise Failed("links that lead nowhere:\n  " + "\n  ".join(dead))
    return len(pages), sum(1 for _ in (folder / "source").rglob("*.html"))


def main():
    parser = argparse.ArgumentParser(description="the pages of docs/ as one site")
    parser.add_argument("-o", "--output", default=str(
        pathlib.Path(os.environ.get("BUILD", ROOT / "build")) / "book"))
    parser.add_argument("--records", help="what the labs printed, from tools/record.py")
    parser.add_argument("--without-answers", action="store_true",
                        help="leave out the answers of the teacher's pack")
    options = parser.parse_args()
    if shutil.which("pandoc") is None:
        print(MISSING, file=sys.stderr)
        return 2
    try:
        pages, files = build(pathlib.Path(options.output).resolve(), load_records(options.records),
                             not options.without_answers)
    except Failed as error:
        print(f"book: {error}", file=sys.stderr)
        return 1
    print(f"book: {pages} pages, {files} source files: {options.output}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
