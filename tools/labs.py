# SPDX-License-Identifier: MIT
"""Run labs in a virtual machine, of Heddle or of Linux, and read what they found."""
import json
import pathlib
import re

import linux

PAGES = pathlib.Path(__file__).resolve().parent / "pages"
BEGIN, END = "@@@ file ", "@@@ end"


class Failed(Exception):
    """The machine gave no result, or not all; the text says why and shows the end of the console.

    `found` has the results that it did give."""

    def __init__(self, text, found=()):
        super().__init__(text)
        self.found = list(found)


def catalogue():
    """The names of all labs, in the order of the course."""
    text = (linux.ROOT / "user/lab/catalogue.h").read_text(encoding="utf-8")
    return re.findall(r'^ *\{"(\w+)", "', text, re.M)


def command(arguments, system="Heddle", **options):
    """QEMU's command line that boots `system` and runs `arguments` on its console."""
    if system == "Linux":
        return linux.command(arguments, **options)
    return [*linux.machine(**options), "-kernel", str(linux.BUILD / "heddle.elf"),
            "-initrd", str(linux.BUILD / "initramfs.cpio"),
            "-append", f"console=ttyS0 debug_exit=0xf4 -- run {linux.quote(arguments)}"]


def result(line):
    """The object on a line of JSON; what cannot be read becomes a result with an error."""
    try:
        return json.loads(line)
    except ValueError as error:
        name = re.match(r'\{"lab":"(\w+)"', line)
        return {**({"lab": name[1]} if name else {}), "ok": False,
                "error": f"its result cannot be read ({error}): {line[:200]}"}


def run(script, system="Heddle", timeout=300, say=None, **options):
    """Boot, let the shell run `script` (no double quotes in it): (what labs found, files shown).

    Each thing found has under "console" the lines that were printed before it; what was printed
    after the last result is a last item of its own, with nothing but "console".
    `say` is called with each lab's name as it ends."""
    found, files, name, console = [], {}, None, []
    for line in linux.lines(command(["/bin/sh", "-c", script], system, **options), timeout):
        if line is None:
            raise Failed(f"{system} was stopped after {timeout} s:\n" + "\n".join(console[-20:]),
                         found)
        if line.startswith(BEGIN):
            name = line[len(BEGIN):]
            files[name] = []
        elif line.startswith(END):
            name = None
        elif name is not None:
            files[name].append(line)
        elif line.startswith("{"):
            found.append({**result(line), "console": console})
            console = []
            if say:
                say(found[-1].get("lab"))
        else:
            console.append(line[:200])
    if not found:
        raise Failed(f"{system} printed no result:\n" + "\n".join(console[-20:]))
    if console:
        found.append({"console": console})
    return found, {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def show_file(path):
    """The words of a shell that bring a file out by the console."""
    return f"echo '{BEGIN}{path}'; cat {path}; echo; echo '{END}'"


def page(title, scripts, body, **data):
    """One self-contained HTML page: style, scripts and data are in it; it asks no network."""
    text = "".join((PAGES / name).read_text(encoding="utf-8") for name in scripts)
    # "</" would end the script element, whatever string it stands in (HTML, 13.2.5.15).
    values = "".join("const %s = %s;\n" % (name, json.dumps(value).replace("</", "<\\u002f"))
                     for name, value in data.items())
    return ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            f"<title>{title}</title>\n<style>\n{(PAGES / 'style.css').read_text(encoding='utf-8')}"
            f"</style></head>\n<body>\n<script>\n{values}{text}</script>\n"
            f"<script>\n{body}</script>\n</body></html>\n")
