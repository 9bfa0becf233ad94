# SPDX-License-Identifier: MIT
"""What a guest has beyond the files of packages: made on this machine by the packages' own programs,
which run where they were unpacked.  See tools/guest.py."""
import os
import pathlib
import shutil
import subprocess

LAB_FILES = pathlib.Path(__file__).resolve().parent.parent / "user/lab/guest"  # what labs run in guests
EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "tests" / "guests"


def run(*command, **options):
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, **options)


def loader(packages):
    """The words before a program of a package: Debian's own loader with Debian's own libraries, or
    none where this machine's will do."""
    return []


def add_tree(archive, folder, target):
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            archive.add(f"{target}/{path.relative_to(folder)}", path)


def tree_of(packages, name):
    return packages.tree(name, packages.versions[name])


def python(archive, packages, folder):
    """Compile the library's modules, as the package's scripts do when it is installed: the first
    import would, and emulated that takes seconds."""
    interpreter = archive.entries["usr/bin/python3.11"]
    library = "usr/lib/python3.11"
    for path, where in list(archive.entries.items()):
        if path.startswith(library) and path.endswith(".py") and not os.path.islink(where):
            copy = folder / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(where, copy)
    try:
        run(interpreter, "-I", "-m", "compileall", "-q", "-j0", "--invalidation-mode",
            "unchecked-hash", "-s", str(folder), "-p", "/", str(folder / library))
    except (OSError, subprocess.CalledProcessError):
        print("guest: this machine cannot run Debian's Python: modules are not compiled beforehand")
    for path in folder.rglob("*.pyc"):
        archive.add(str(path.relative_to(folder)), path)
    for path in LAB_FILES.glob("*.py"):
        archive.add(f"labs/guest/{path.name}", path)


def java(archive, packages, folder):
    """A JVM with java.base and java.management, an archive of its loaded classes, and the examples."""
    home = folder / "jdk"
    relative = "usr/lib/jvm/java-17-openjdk-amd64"
    for name in ("openjdk-17-jre-headless", "openjdk-17-jdk-headless"):
        shutil.copytree(tree_of(packages, name) / relative, home, dirs_exist_ok=True, symlinks=True,
                        ignore_dangling_symlinks=True)
    for link in list(home.rglob("*")):
        if link.is_symlink() and not link.exists():
            target = os.readlink(link)
            real = tree_of(packages, "openjdk-17-jre-headless") / target.lstrip("/")
            link.unlink()
            if real.is_file():
                shutil.copy(real, link)
    image = folder / "jvm"
    run(home / "bin/jlink", "--add-modules", "java.base,java.management", "--strip-debug",
        "--no-man-pages", "--no-header-files", "--output", image)
    run(image / "bin/java", "-Xshare:dump")
    (folder / "classes").mkdir()
    run(home / "bin/javac", "-d", folder / "classes", *sorted((EXAMPLES / "java").glob("*.java")))
    add_tree(archive, image, "usr/lib/jvm")
    add_tree(archive, folder / "classes", "root")
    run(home / "bin/javac", "-d", folder / "labs", *sorted(LAB_FILES.glob("*.java")))
    add_tree(archive, folder / "labs", "labs/guest")
    archive.compilers = getattr(archive, "compilers", {}) | {".java": (home / "bin/javac", folder)}


def go(archive, packages, folder):
    """The examples, each a static program."""
    root = folder / "go"
    for part in ("usr/lib/go-1.19", "usr/share/go-1.19"):
        for name in ("golang-1.19-go", "golang-1.19-src"):
            if (tree_of(packages, name) / part).is_dir():
                shutil.copytree(tree_of(packages, name) / part, root, dirs_exist_ok=True, symlinks=False,
                                ignore_dangling_symlinks=True)
    environment = {**os.environ, "GOROOT": str(root), "CGO_ENABLED": "0", "GO111MODULE": "off",
                   "GOCACHE": str(folder / "cache"), "GOFLAGS": "", "HOME": str(folder), "GOARCH": "amd64",
                   "GOOS": "linux"}
    for source in sorted((EXAMPLES / "go").glob("*.go")):
        run(root / "bin/go", "build", "-o", folder / source.stem, source, env=environment)
        archive.add(f"root/{source.stem}", folder / source.stem)
    archive.compilers = getattr(archive, "compilers", {}) | {".go": (root / "bin/go", environment)}


def add_item(archive, item, error):
    """One word of ADD: a file, or a folder with all below it, to /root."""
    compilers = getattr(archive, "compilers", {})
    if not item.exists():
        raise error(f"ADD={item} does not exist")
    if item.suffix == ".java" and item.suffix in compilers:
        compiler, folder = compilers[item.suffix]
        out = folder / "added"
        out.mkdir(exist_ok=True)
        run(compiler, "-d", out, item)
        add_tree(archive, out, "root")
    elif item.suffix == ".go" and item.suffix in compilers:
        compiler, environment = compilers[item.suffix]
        out = pathlib.Path(environment["HOME"]) / item.stem
        run(compiler, "build", "-o", out, item, env=environment)
        archive.add(f"root/{item.stem}", out)
    elif item.is_dir():
        add_tree(archive, item, f"root/{item.resolve().name}")
    else:
        archive.add(f"root/{item.name}", item)
