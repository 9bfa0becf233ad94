# SPDX-License-Identifier: MIT
"""An extension is a folder: the example of docs/extensions.md builds and works as it stands there."""
import re
import shutil
import subprocess

from vm import BUILD, ENDED, HANGS, ROOT, VM


def test_the_example_of_the_docs(tmp_path):
    page = (ROOT / "docs/extensions.md").read_text()
    folder, source = re.search(r"folder\n`([\w/]+)` with this one source, (\w+\.c)", page).groups()
    tree = tmp_path / "tree"
    for name in ("Makefile", "linker.ld"):
        tree.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree)
    for name in ("arch", "boot", "kernel", "tests/kernel", "tools", "user"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / folder).mkdir()
    (tree / folder / source).write_text(re.search(r"```c\n(.*?)```", page, re.S)[1])
    subprocess.run(["make", "-j2", "WERROR=1", "BUILD=build", "build/heddle.elf"], cwd=tree,
                   check=True, capture_output=True, timeout=HANGS)
    with VM(build=tree / "build", initrd=BUILD / "initramfs.cpio", cpus=2, timeout=120,
            args='run /bin/sh -c "/bin/true; /bin/true; cat /proc/heddle/ends"') as vm:
        assert vm.wait() == ENDED
    assert "ends: counted in /proc/heddle/ends" in vm.log
    assert re.search(r"^ends [2-9]\r*$", vm.log, re.M), vm.log
