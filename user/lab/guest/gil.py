# SPDX-License-Identifier: MIT
"""What lab gil asks of the real CPython: two jobs one after the other, in two threads, in two
processes; and four waits one after the other and in four threads.

Prints "WAY wall_ms cpu_ms" for each way and round, and before that lines "version TEXT", "gil 0|1"."""
import os
import resource
import sys
import threading
import time

WAIT, WAITERS = 0.05, 4
PATIENCE = 5  # seconds; later no further round begins


def job(limit):
    i = total = 0
    while i < limit:
        total = (total * 31 + i) % 1000003
        i += 1
    return total


def cpu_ns():
    """Of this process by its clock; of children that have ended as wait4() says."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + (children.ru_utime + children.ru_stime) * 1e9


def measure(name, run):
    wall, used = time.monotonic(), cpu_ns()
    run()
    print(name, (time.monotonic() - wall) * 1e3, (cpu_ns() - used) / 1e6, flush=True)


def in_threads(function, count, *arguments):
    threads = [threading.Thread(target=function, args=arguments) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def in_processes(limit):
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            job(limit)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def main():
    goal, rounds = float(sys.argv[1]) / 1e3, int(sys.argv[2])
    print("version", sys.implementation.name, sys.version.split()[0], flush=True)
    print("gil", int(getattr(sys, "_is_gil_enabled", lambda: True)()), flush=True)
    limit, used = 1000, 0
    while used < goal / 4:
        limit *= 2
        used = time.process_time()
        job(limit)
        used = time.process_time() - used
    limit = int(limit * goal / used)
    end = time.monotonic() + PATIENCE
    for done in range(rounds):
        if done and time.monotonic() > end:
            break
        measure("one", lambda: (job(limit), job(limit)))
        measure("threads", lambda: in_threads(job, 2, limit))
        measure("processes", lambda: in_processes(limit))
        measure("wait_one", lambda: [time.sleep(WAIT) for _ in range(WAITERS)])
        measure("wait_threads", lambda: in_threads(time.sleep, WAITERS, WAIT))


main()
