#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Guests: programs of Debian, packed with their libraries as an archive for `make run INITRD=...`.

    tools/guest.py list               the guests that there are
    tools/guest.py pack NAME...       one archive with all of these, build/guests/NAME.cpio
    tools/guest.py with NAME... -- COMMAND   pack these if they are not packed, and run the command with
                                      INITRD, MEM and BOOT set for them

A NAME that is not in tools/guest_recipes.py is taken as a package of Debian, of which all files are
packed.  Packages come by `apt-get download` and are unpacked under build/guests/packages, where they
stay; nothing is installed, and nobody needs to be root.  A package that cannot be downloaded but is
installed gives its installed files.

Which libraries a program needs stands in its file (DT_NEEDED, DT_RUNPATH); they are looked for in the
packages that the guest's packages depend on.  Settings in the environment: BUILD; ADD, files and
folders that go to /root (a .java file is compiled for the guest java, a .go file for the guest go).
"""
import argparse
import contextlib
import fnmatch
import os
import pathlib
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile

import guest_build
from guest_recipes import GUESTS, Guest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / (os.environ.get("BUILD") or "build")
GUEST_FOLDER = BUILD / "guests"

# The folders of ld.so on Debian, and what a guest has no use for.
LIBRARY_FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib", "lib64")
LEAVE = ("usr/share/doc/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*",
         "usr/share/lintian/*", "usr/share/bug/*", "usr/share/doc-base/*", "usr/share/menu/*",
         "usr/share/bash-completion/*", "etc/bash_completion.d/*", "etc/init.d/*", "etc/cron*",
         "usr/share/applications/*", "usr/share/icons/*", "usr/share/pixmaps/*", "usr/share/gdb/*")


class Missing(Exception):
    """A guest cannot be made; the text says why."""


# --- Packages -----------------------------------------------------------------------------------

def call(*command, cwd=None):
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900)
    except OSError as error:
        raise Missing(f"{command[0]} cannot be run ({error.strerror}): guests are made of Debian's "
                      "packages, by apt-get and dpkg") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} did not end in time") from None


def known(names):
    """{name: (version, packages that it depends on)} of those that apt can download; the version is
    None where a package is only installed."""
    found = {}
    text = call("apt-cache", "show", *names).stdout if names else ""
    for record in text.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)", record, re.M))
        name = fields.get("Package")
        if not name:
            continue
        if name in found and (found[name][0] or "Filename" not in fields):
            continue
        wanted = ", ".join(fields.get(k, "") for k in ("Pre-Depends", "Depends"))
        depends = re.findall(r"(?:^|, *)([a-z0-9][a-z0-9+.-]+)", wanted)
        found[name] = (fields["Version"] if "Filename" in fields else None, depends)
    return found


class Packages:
    """Unpacked packages, and which file is in which."""

    def __init__(self):
        self.folder = GUEST_FOLDER / "packages"
        self.files = {}     # path: (path on this machine, package)
        self.depends = {}   # package: what it depends on
        self.versions = {}

    def add(self, names, must=True):
        """Make the files of these packages known; download them first where needed."""
        names = [n for n in dict.fromkeys(names) if n not in self.depends]
        info = known(names)
        absent = [n for n in names if n not in info]
        if absent and must:
            raise Missing(f"apt knows no package {', '.join(absent)} (`apt-get update` renews its lists)")
        names = [n for n in names if n in info]
        self.fetch({n: info[n][0] for n in names})
        for name in names:
            version, self.depends[name] = info[name]
            self.versions[name] = version or "as installed"
            for path, where in self.listing(name, version):
                self.files.setdefault(path, (where, name))

    def tree(self, name, version):
        return self.folder / f"{name}={version}"

    def fetch(self, versions):
        wanted = [f"{n}={v}" for n, v in versions.items()
                  if v and not self.tree(n, v).is_dir()]
        if not wanted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        print(f"guest: downloading {len(wanted)} packages: {' '.join(w.split('=')[0] for w in wanted)}")
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".new-") as new:
            options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
            self.error = call("apt-get", *options, "download", *wanted, cwd=new).stderr.strip()
            for deb in pathlib.Path(new).glob("*.deb"):
                name = deb.name.split("_")[0]
                done = call("dpkg", "-x", str(deb), str(pathlib.Path(new) / name))
                if done.returncode:
                    raise Missing(f"dpkg cannot unpack {deb.name}: {done.stderr.strip()}")
                target = self.tree(name, versions[name])
                with contextlib.suppress(OSError):  # another run of this tool was faster
                    (pathlib.Path(new) / name).rename(target)

    def listing(self, name, version):
        """(path in the guest, path on this machine) of each file of the package."""
        tree = self.tree(name, version)
        if version and tree.is_dir():
            for folder, folders, files in os.walk(tree):
                for f in files + [d for d in folders if os.path.islink(os.path.join(folder, d))]:
                    where = os.path.join(folder, f)
                    yield os.path.relpath(where, tree), where
            return
        done = call("dpkg", "-L", name)
        if done.returncode:
            raise Missing(f"package {name} cannot be downloaded and is not installed: "
                          f"{getattr(self, 'error', '')[-300:]}")
        for line in done.stdout.splitlines():
            if os.path.lexists(line) and (os.path.islink(line) or not os.path.isdir(line)):
                yield line.lstrip("/"), line


# --- Programs and their libraries ---------------------------------------------------------------

def elf_needs(path):
    """(sonames that it needs, its folders for them, its interpreter) of an ELF file of x86-64; None
    if it is none, or static."""
    with open(path, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:5] != b"\x7fELF\2" or struct.unpack_from("<H", head, 18)[0] != 62:
            return None
        file.seek(0)
        data = file.read()
    at, size, count = (struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54))
    segments = [struct.unpack_from("<IIQQQQQQ", data, at + i * size) for i in range(count)]

    def offset(address):
        return next((s[2] + address - s[3] for s in segments
                     if s[0] == 1 and s[3] <= address < s[3] + s[5]), 0)

    def text(where):
        return data[where:data.index(b"\0", where)].decode()

    interpreter = next((text(s[2]) for s in segments if s[0] == 3), None)
    entries = []
    for s in segments:
        if s[0] == 2:
            entries = list(struct.iter_unpack("<QQ", data[s[2]:s[2] + s[5] // 16 * 16]))
    table = offset(dict(entries).get(5, 0))
    needed = [text(table + value) for tag, value in entries if tag == 1]
    folders = [f for tag, value in entries if tag in (15, 29) for f in text(table + value).split(":")]
    return (needed, folders, interpreter) if needed or interpreter else None


class Archive:
    """What goes into a guest: {path: path on this machine, bytes, or "-> target" for a link}."""

    def __init__(self, packages):
        self.packages = packages
        self.entries = {}
        self.used = {}     # package: bytes taken from it
        self.queue = []    # paths whose needs were not looked at

    def take(self, path):
        """Take one file of a package, and what a symbolic link leads to.  False: there is none."""
        path = os.path.normpath(path).lstrip("/")
        if path in self.entries:
            return True
        if path not in self.packages.files:
            return self.take_behind_link(path)
        where, package = self.packages.files[path]
        self.entries[path] = where
        size = os.lstat(where).st_size
        self.used[package] = self.used.get(package, 0) + size
        if os.path.islink(where):
            self.take(os.path.join(os.path.dirname(path), os.readlink(where)))
        else:
            self.queue.append(path)
        return True

    def take_behind_link(self, path):
        """The same where a folder on the way is a symbolic link."""
        parts = path.split("/")
        for i in range(1, len(parts)):
            folder = "/".join(parts[:i])
            where = self.packages.files.get(folder, ("",))[0]
            if os.path.islink(where):
                self.entries.setdefault(folder, where)
                return self.take(os.path.join(os.path.dirname(folder), os.readlink(where), *parts[i:]))
        return False

    def take_package(self, name, patterns, leave):
        found = 0
        for path, (_, package) in sorted(self.packages.files.items()):
            if package == name and not any(fnmatch.fnmatch(path, p) for p in leave) and \
                    (not patterns or any(fnmatch.fnmatch(path, p) for p in patterns)):
                self.take(path)
                found += 1
        if patterns and not found:
            raise Missing(f"package {name} has no file {' or '.join(patterns)}")

    def add(self, path, content):
        path = path.lstrip("/")
        self.entries[path] = content
        if isinstance(content, (str, os.PathLike)) and not str(content).startswith("-> "):
            self.queue.append(path)

    def libraries(self):
        """Take all libraries that what is there needs.  Goes through the packages that the known ones
        depend on, level by level, as far as it must.  Returns what nobody has."""
        missing = {}
        while True:
            missing = {(p, s): f for (p, s), f in missing.items() if not self.library(p, s, f)}
            while self.queue:
                path = self.queue.pop()
                needs = elf_needs(self.entries[path])
                for soname in (needs[0] + ([needs[2]] if needs[2] else []) if needs else ()):
                    if not self.library(path, soname, needs[1]):
                        missing[path, soname] = needs[1]
            seen = self.packages.depends
            level = {d for depends in seen.values() for d in depends
                     if d not in seen and re.match("lib|zlib|gcc-12-base", d)}
            if not missing or not level:
                # pthread_exit() and pthread_cancel() load this one while they run.
                if any(p.endswith("/libc.so.6") for p in self.entries):
                    if not self.library("", "libgcc_s.so.1", ()):
                        self.packages.add(["libgcc-s1"])
                        self.library("", "libgcc_s.so.1", ())
                        continue
                names = {os.path.basename(p) for p in self.entries}
                return [m for m in missing if m[1] not in names]
            self.packages.add(sorted(level), must=False)

    def library(self, path, soname, folders):
        if "/" in soname:
            return self.take(soname)
        here = os.path.dirname(path)
        own = [f.replace("${ORIGIN}", here).replace("$ORIGIN", here).lstrip("/") for f in folders]
        own = [os.path.normpath(f) for f in own if f]
        return any(self.take(f"{f}/{soname}") for f in (*own, *LIBRARY_FOLDERS))

    def write(self, out):
        """Write the archive (newc).  Files with several names become one and links to it."""
        seen, folders, number, size = {}, set(), 0, 0
        with open(out, "wb") as file:
            def entry(name, mode, data=b"", mtime=0):
                nonlocal number, size
                number += 1
                path = name.encode() + b"\0"
                fields = (number, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(path), 0)
                head = b"070701" + b"".join(b"%08X" % f for f in fields) + path
                file.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))
                size += len(data)

            for path in sorted(self.entries):
                for parent in reversed(pathlib.PurePath(path).parents):
                    if str(parent) not in folders and str(parent) != ".":
                        folders.add(str(parent))
                        entry(str(parent), 0o41777 if str(parent) == "tmp" else 0o40755)
                content = self.entries[path]
                if isinstance(content, bytes):
                    entry(path, 0o100755 if content[:2] == b"#!" else 0o100644, content)
                elif str(content).startswith("-> "):
                    entry(path, 0o120777, str(content)[3:].encode())
                else:
                    s = os.lstat(content)
                    if stat.S_ISLNK(s.st_mode):
                        entry(path, 0o120777, os.readlink(content).encode())
                    elif s.st_nlink > 1 and (s.st_dev, s.st_ino) in seen:
                        entry(path, 0o120777, seen[s.st_dev, s.st_ino].encode())
                    else:
                        seen[s.st_dev, s.st_ino] = "/" + path
                        entry(path, s.st_mode & 0o7777 | 0o100000, pathlib.Path(content).read_bytes(),
                              int(s.st_mtime) & 0xffffffff)
            entry("TRAILER!!!", 0)
        return size


# --- Guests -------------------------------------------------------------------------------------

def recipe(name):
    if name in GUESTS:
        return GUESTS[name]
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) or name not in known([name]):
        raise Missing(f"no guest and no package of Debian is called {name}.  Guests: {', '.join(GUESTS)}")
    return Guest(f"Debian's package {name}", (name,), memory=256)


def memory_for(size, guests):
    """MiB that the machine needs: the archive lies in memory while it is unpacked, and the RAM file
    system takes at most half."""
    need = max(2 * size / 2**20 + 64, 192) + max(g.memory for g in guests)
    return int(-(-need // 128) * 128)


def collect(names):
    """(archive, guests, what no package has) of these guests."""
    guests = [recipe(n) for n in names]
    packages = Packages()
    wanted = [w.partition(":") for g in guests for w in g.packages]
    packages.add([w[0] for w in wanted])
    for name, guest in zip(names, guests):
        if name not in GUESTS:  # with what was split off from it: zsh-common, libruby3.1
            parts = [d for d in packages.depends[name] if d.startswith((name, f"lib{name}"))]
            packages.add(parts, must=False)
            wanted += [(p, "", "") for p in parts if p in packages.depends]
    archive = Archive(packages)
    leave = LEAVE + tuple(p for g in guests for p in g.leave)
    for name, _, patterns in wanted:
        archive.take_package(name, patterns.split(), leave)
    for guest in guests:
        for path, target in guest.links.items():
            archive.add(path, f"-> {target}")
        for path, text in guest.files.items():
            archive.add(path, text.encode())
    for guest in guests:
        if guest.tools:
            packages.add(guest.tools)
        if guest.build:
            folder = GUEST_FOLDER / "made" / guest.build
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                getattr(guest_build, guest.build)(archive, packages, folder)
            except subprocess.CalledProcessError as error:
                raise Missing(f"`{' '.join(map(str, error.cmd))[:200]}` failed: "
                              f"{(error.stderr or '')[-500:]}") from None
    for item in (os.environ.get("ADD") or "").split():
        guest_build.add_item(archive, pathlib.Path(item), Missing)
    return archive, guests, archive.libraries()


def pack(names, quiet=False):
    """Make the archive of these guests: (its path, bytes of its files, MiB of the machine)."""
    archive, guests, missing = collect(names)
    out = GUEST_FOLDER / f"{'+'.join(names)}.cpio"
    size = archive.write(out)
    memory = memory_for(size, guests)
    if quiet:
        return out, size, memory
    packages = archive.packages
    for name, count in sorted(archive.used.items(), key=lambda x: -x[1]):
        print(f"  {count / 2**20:8.1f} MiB of {name} {packages.versions[name]}")
    for path, soname in missing:
        print(f"guest: {path} needs {soname}, which no package at hand has", file=sys.stderr)
    print(f"guest: {out.relative_to(ROOT) if out.is_relative_to(ROOT) else out}: {len(archive.entries)} files, "
          f"{size / 2**20:.1f} MiB; the machine needs {memory} MiB\n"
          f"    make run BOOT=direct MEM={memory}M INITRD={os.path.relpath(out)}")
    for guest in guests:
        if guest.example:
            print(f"    then, in it: {guest.example}")
    return out, size, memory


def sources():
    """The files that decide what is in a guest, besides the packages."""
    here = pathlib.Path(__file__).resolve()
    return [*here.parent.glob("guest*.py"), *guest_build.LAB_FILES.iterdir(),
            *guest_build.EXAMPLES.rglob("*.*")]


def run_with(names, command):
    """Replace this process by the command, with the guests in its RAM file system."""
    if os.environ.get("INITRD"):
        raise Missing("GUEST and INITRD exclude each other: put your files into the guest by ADD=")
    out, note = GUEST_FOLDER / f"{'+'.join(names)}.cpio", GUEST_FOLDER / f"{'+'.join(names)}.mem"
    if not out.exists() or not note.exists() or \
            any(p.stat().st_mtime > note.stat().st_mtime for p in sources()):
        note.write_text(str(pack(names)[2]))
    least = int(note.read_text())
    given = re.fullmatch(r"(\d+)([MG]?)", os.environ.get("MEM") or "0")
    mib = int(given[1]) * (1024 if given[2] == "G" else 1) if given else 0
    print(f"guest: {out} in {max(mib, least)} MiB of memory", flush=True)
    os.execvpe(command[0], command, {**os.environ, "INITRD": str(out), "BOOT": "direct",
                                     "MEM": f"{max(mib, least)}M"})


def main():
    parser = argparse.ArgumentParser(description="guests: Debian's programs for Heddle")
    parser.add_argument("action", choices=["list", "pack", "with"])
    parser.add_argument("names", nargs="*")
    before = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, command = parser.parse_args(sys.argv[1:before]), sys.argv[before + 1:]
    if options.action == "with" and not (options.names and command):
        parser.error("with wants names of guests, --, and a command")
    if options.action == "list" or not options.names:
        for name, guest in GUESTS.items():
            print(f"  {name:12} {guest.about}")
        print("Any other name is taken as a package of Debian.  make guest NAME=python")
        return 0
    try:
        GUEST_FOLDER.mkdir(parents=True, exist_ok=True)
        if options.action == "with":
            run_with(options.names, command)
        pack(options.names)
        return 0
    except Missing as error:
        print(f"guest: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
