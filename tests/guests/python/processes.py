# SPDX-License-Identifier: MIT
import multiprocessing as mp
import os
import signal
import subprocess
import sys
import time
from multiprocessing import shared_memory


def square(n):
    return n * n


def add(value, rounds):
    for _ in range(rounds):
        with value.get_lock():
            value.value += 1


def talk(connection):
    while (message := connection.recv()) != "end":
        connection.send(message.upper())
    connection.close()


def fill(name):
    memory = shared_memory.SharedMemory(name)
    memory.buf[:5] = b"child"
    memory.close()


def main():
    for method in ("fork", "spawn", "forkserver"):
        context = mp.get_context(method)
        with context.Pool(3) as pool:
            print(method, "pool", sum(pool.map(square, range(100))))
        value = context.Value("i", 0)
        children = [context.Process(target=add, args=(value, 200)) for _ in range(3)]
        for c in children:
            c.start()
        for c in children:
            c.join()
        print(method, "value", value.value, [c.exitcode for c in children])
    here, there = mp.Pipe()
    child = mp.Process(target=talk, args=(there,))
    child.start()
    for word in ("one", "two", "x" * 100000):
        here.send(word)
        print("pipe", here.recv()[:3])
    here.send("end")
    child.join()
    memory = shared_memory.SharedMemory(create=True, size=4096)
    child = mp.Process(target=fill, args=(memory.name,))
    child.start()
    child.join()
    print("shared memory", bytes(memory.buf[:5]))
    memory.close()
    memory.unlink()
    with mp.Manager() as manager:
        shared = manager.dict()
        children = [mp.Process(target=shared.__setitem__, args=(i, i * i)) for i in range(3)]
        for c in children:
            c.start()
        for c in children:
            c.join()
        print("manager", sorted(shared.items()))
    child = mp.Process(target=time.sleep, args=(100,))
    child.start()
    child.terminate()
    child.join()
    print("terminated", child.exitcode)

    print(subprocess.run(["/bin/busybox", "tr", "a-z", "A-Z"], input="through a child", text=True,
                         capture_output=True).stdout)
    print("status", subprocess.run(["/bin/sh", "-c", "exit 5"]).returncode,
          subprocess.run(["/bin/sh", "-c", "kill -9 $$"]).returncode)
    try:
        subprocess.run(["/bin/busybox", "sleep", "10"], timeout=0.2)
    except subprocess.TimeoutExpired:
        print("timed out")
    try:
        subprocess.run(["/nowhere"])
    except FileNotFoundError as error:
        print(error.strerror)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    pid = os.posix_spawn("/bin/busybox", ["busybox", "false"], os.environ,
                         setsigmask=[signal.SIGUSR1], setpgroup=0)
    print("posix_spawn", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
