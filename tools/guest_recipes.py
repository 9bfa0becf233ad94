# SPDX-License-Identifier: MIT
"""The guests of `make guest`: which packages of Debian each one is made of.  See tools/guest.py."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Guest:
    """One guest.  Its libraries are found by the packer and are not named here."""
    about: str
    packages: tuple           # each "NAME", or "NAME: PATTERN..." for some of its files alone
    memory: int = 192         # MiB that the programs need beside their files
    leave: tuple = ()         # patterns of files that are not taken
    links: dict = dataclasses.field(default_factory=dict)  # what the package's scripts would make
    files: dict = dataclasses.field(default_factory=dict)  # path: text
    tools: tuple = ()         # packages that are needed on this machine, to make the guest
    build: str = ""           # a function of tools/guest_build.py that makes further files
    example: str = ""         # a command to try


LOCALE = "libc-bin: usr/lib/locale/C.utf8/*"
JVM = "usr/lib/jvm/java-17-openjdk-amd64"
ZLIB = "zlib1g: lib/*/libz.so.*"

GUESTS = {
    "bash": Guest("GNU's shell, with coreutils",
                  ("bash: bin/*", "coreutils", "grep: bin/*", "sed: bin/*", "ncurses-base", LOCALE),
                  example="bash -c 'cat <(echo two) <(echo pipes)'"),
    "dash": Guest("Debian's /bin/sh, with coreutils", ("dash: bin/*", "coreutils"),
                  links={"bin/sh": "dash"}, example="dash -c 'echo $$'"),
    "coreutils": Guest("ls, cp, sort and 100 others, with a shell that prefers them to its own",
                       ("coreutils", "bash: bin/*", LOCALE),
                       example="stat -f /"),
    "strace": Guest("shows system calls", ("strace: usr/bin/strace",), example="strace -f lab races"),
    "gdb": Guest("a debugger (without Python), and gdbserver",
                 ("gdb-minimal: usr/bin/gdb", "gdbserver: usr/bin/gdbserver"), memory=256,
                 example="gdb /tests/scene"),
    "lscpu": Guest("shows packages, cores, threads and caches", ("util-linux: usr/bin/lscpu",),
                   example="lscpu"),
    "tmux": Guest("several terminals on one", ("tmux: usr/bin/tmux", "ncurses-base", "ncurses-term: "
                  "*/s/screen* */t/tmux* */l/linux*", LOCALE),
                  files={"etc/tmux.conf": "set -g default-terminal screen\n"},
                  example="TERM=linux LC_ALL=C.UTF-8 tmux"),
    "gcc": Guest("a C compiler and its C library",
                 ("gcc-12: usr/bin/*gcc-12 usr/lib/gcc/*", "cpp-12: usr/lib/gcc/*",
                  "binutils-x86-64-linux-gnu: usr/bin/*-as usr/bin/*-ld usr/bin/*-ld.bfd usr/bin/*-objdump "
                  "usr/bin/*-nm usr/bin/*-readelf usr/bin/*-strip", "binutils: usr/bin/as usr/bin/ld usr/bin/objdump usr/bin/nm "
                  "usr/bin/readelf usr/bin/strip", "libgcc-12-dev", "libc6-dev", "linux-libc-dev", "make: usr/bin/make"),
                 memory=384,
                 leave=("*san*.a", "*san*.so", "*/lto1", "*/lto-dump", "*/plugin/*", "*/collect-ld",
                        "*_p.a", "usr/lib/x86_64-linux-gnu/perl/*", "*/include/x86_64-linux-gnu/asm/kvm*"),
                 links={"usr/bin/gcc": "gcc-12", "usr/bin/cc": "gcc-12"},
                 example="gcc -pthread prog.c && ./a.out"),
    "git": Guest("version control", ("git: usr/bin/git usr/lib/git-core/* usr/share/git-core/templates/*",
                 "diffutils: usr/bin/*"),
                 leave=("*http*", "*imap*", "*git-daemon", "*git-shell", "*interactive", "*mergetool*",
                        "*instaweb", "*envsubst"),
                 files={"root/.gitconfig": "[user]\n\tname = root\n\temail = root@heddle\n"
                        "[core]\n\tpager = cat\n[init]\n\tdefaultBranch = main\n"},
                 example="git init work"),
    "sqlite": Guest("a database", ("sqlite3: usr/bin/sqlite3",), example="sqlite3 /tmp/a.db"),
    "python": Guest("CPython 3.11",
                    ("python3.11-minimal: usr/bin/*", "libpython3.11-minimal: usr/lib/*",
                     "libpython3.11-stdlib: usr/lib/*", "media-types: etc/mime.types", LOCALE),
                    leave=("*/lib2to3/*", "*/idlelib/*", "*/ensurepip/*", "*/pydoc_data/*", "*/config-3*",
                           "*/EXTERNALLY-MANAGED"),
                    links={"usr/bin/python3": "python3.11", "usr/bin/python": "python3.11"},
                    memory=256, build="python", example="python3 -c 'import threading; print(threading.active_count())'"),
    "perl": Guest("Perl 5.36", ("perl-base", "perl: usr/bin/perl*", "perl-modules-5.36: usr/share/*",
                  "libperl5.36: usr/lib/*/perl/*"),
                  leave=("*/unicore/lib/*/*/*", "*/CPAN/*", "*/Module/*", "*/TAP/*", "*/ExtUtils/*",
                         "*/pod/*", "*.pod", "*/Encode/*/*.so", "*/CORE/*"),
                  example="perl -e 'print \"$$\\n\"'"),
    "java": Guest("OpenJDK 17: java.base and what the example needs",
                  (ZLIB,), memory=512, tools=("openjdk-17-jdk-headless", "openjdk-17-jre-headless"),
                  links={"usr/bin/java": "/usr/lib/jvm/bin/java"}, build="java",
                  example="java Threads"),
    "go": Guest("goroutines: an example in Go, built on this machine", (), memory=256,
                tools=("golang-1.19-go", "golang-1.19-src"), build="go", example="./goroutines"),
    "node": Guest("JavaScript", ("nodejs: usr/bin/node", "libnode108: usr/lib/*",
                  *(f"node-{n}: usr/share/nodejs/*" for n in ("acorn", "cjs-module-lexer", "undici", "busboy"))),
                  memory=512, example="node -e 'console.log(process.pid)'"),
    "stress-ng": Guest("300 kinds of load, which judge themselves", ("stress-ng: usr/bin/*",), memory=384,
                       example="stress-ng --verify --fork 2 -t 5"),
    "hackbench": Guest("the scheduler under messages: hackbench and cyclictest", ("rt-tests: usr/bin/hackbench "
                       "usr/bin/cyclictest usr/bin/ptsematest usr/bin/pi_stress usr/bin/signaltest",), example="hackbench -l 100"),
}
