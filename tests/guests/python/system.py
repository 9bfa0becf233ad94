# SPDX-License-Identifier: MIT
import array
import fcntl
import mmap
import os
import pty
import resource
import signal
import socket
import sqlite3
import struct
import tempfile
import time


def files(folder):
    path = os.path.join(folder, "file")
    with open(path, "w+b") as f:
        f.write(b"0" * 10000)
        f.flush()
        with mmap.mmap(f.fileno(), 0) as m:
            m[100:104] = b"abcd"
            m.flush()
        f.seek(100)
        print("mapped", f.read(4))
        os.posix_fallocate(f.fileno(), 0, 20000)
        print("fallocate", os.fstat(f.fileno()).st_size)
        print("preadv", os.preadv(f.fileno(), [bytearray(4), bytearray(4)], 98))
        fcntl.flock(f, fcntl.LOCK_EX)
        with open(path) as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("flock held")
        fcntl.lockf(f, fcntl.LOCK_EX)
        pid = os.fork()
        if pid == 0:
            with open(path, "r+") as other:
                try:
                    fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except (BlockingIOError, PermissionError):
                    os._exit(9)
            os._exit(0)
        print("lockf held", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os.mkdir(os.path.join(folder, "d"))
    with os.scandir(folder) as entries:
        print("scandir", sorted((e.name, e.is_dir()) for e in entries))
    os.utime(path, ns=(1, 2))
    print("times", os.stat(path).st_mtime_ns, os.access(path, os.W_OK))
    copy = os.path.join(folder, "copy")
    with open(path, "rb") as source, open(copy, "wb") as target:
        print("sendfile", os.sendfile(target.fileno(), source.fileno(), 0, 5000))
    database = sqlite3.connect(os.path.join(folder, "db"))
    database.execute("create table t(n)")
    database.executemany("insert into t values(?)", [(i,) for i in range(100)])
    database.commit()
    print("sqlite", database.execute("select sum(n) from t").fetchone())


def sockets():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    sent = array.array("i", [os.open("/dev/zero", os.O_RDONLY)])
    a.sendmsg([b"with a file"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])
    data, ancillary, _, _ = b.recvmsg(100, 100)
    print("passed", data, os.read(struct.unpack("i", ancillary[0][2])[0], 3))


def terminals():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/bin/busybox", ["busybox", "sh", "-c",
                                  "tty | sed 's/[0-9]*$/N/'; [ -t 0 ] && echo terminal"])
    out = b""
    try:
        while block := os.read(terminal, 1000):
            out += block
    except OSError:
        pass
    print("pty", out.split(), os.waitpid(pid, 0)[1])


def others():
    print("limits", resource.getrlimit(resource.RLIMIT_CORE)[0],
          resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1000)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    os.kill(os.getpid(), signal.SIGUSR2)
    print("sigwait", signal.sigwait([signal.SIGUSR2]).name,
          signal.sigtimedwait([signal.SIGUSR2], 0.01))
    start = time.monotonic()
    time.sleep(0.05)
    print("slept", 0.05 <= time.monotonic() - start < 5, time.process_time() < 60,
          os.cpu_count() == len(os.sched_getaffinity(0)))
    print("random", len(os.urandom(10)), len(os.getrandom(3)))
    print("memfd", os.write(os.memfd_create("name"), b"data"))
    print("pidfd", os.close(os.pidfd_open(os.getpid())), "event", os.eventfd_read(os.eventfd(5)))


for test in (sockets, terminals, others, lambda: files(tempfile.mkdtemp())):
    try:
        test()
    except (OSError, sqlite3.Error) as error:
        print("error", error)
