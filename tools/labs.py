# SPDX-License-Identifier: MIT
"""Run labs in a virtual machine, of Heddle or of Linux, and read what they found."""
import json
import pathlib

import linux

PAGES = pathlib.Path(__file__).resolve().parent / "pages"
BEGIN, END = "@@@ file ", "@@@ end"


class Failed(Exception):
    """No result; the text says why and shows the end of the console."""


def command(arguments, system="Heddle", **options):
    """QEMU's command line that boots `system` and runs `arguments` on its console."""
    if system == "Linux":
        return linux.command(arguments, **options)
    return [*linux.machine(**options), "-kernel", str(linux.BUILD / "heddle.elf"),
            "-initrd", str(linux.BUILD / "initramfs.cpio"),
            "-append", f"console=ttyS0 debug_exit=0xf4 -- run {linux.quote(arguments)}"]


def run(script, system="Heddle", timeout=300, say=None, **options):
    """Boot, let the shell run `script` (no double quotes in it): (what labs found, files shown).

    `say` is called with each lab's name as it ends."""
    found, files, name, tail = [], {}, None, []
    for line in linux.lines(command(["/bin/sh", "-c", script], system, **options), timeout):
        if line is None:
            raise Failed(f"{system} was stopped after {timeout} s:\n" + "\n".join(tail[-20:]))
        tail.append(line[:200])
        if line.startswith(BEGIN):
            name = line[len(BEGIN):]
            files[name] = []
        elif line.startswith(END):
            name = None
        elif name is not None:
            files[name].append(line)
        elif line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise Failed(f"{system}: {error} in {line[:300]}") from None
            if say:
                say(found[-1].get("lab"))
    if not found:
        raise Failed(f"{system} printed no result:\n" + "\n".join(tail[-20:]))
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
