# SPDX-License-Identifier: MIT
"""What lab gil asks of the real CPython: two jobs one after the other, in two threads, in two
processes; and four waits one after the other and in four threads.

Prints "WAY wall_ms cpu_ms saw" for each way and round, and before that lines "version TEXT" and
"gil 0|1".  `saw` counts how often a worker looked and saw that the other one had made progress."""
import mmap
import os
import resource
import sys
import threading
import time

WAIT, WAITERS = 0.05, 4
PATIENCE = 5  # seconds; later no further round begins
LOOK = 16     # turns of the loop from look to look

shared = memoryview(mmap.mmap(-1, 4096)).cast("q")  # progress of both, what each saw, who is there


def start_together(me):
    """Wait until both are there, so that the second is not still being made while the first works."""
    shared[4 + me] = 1
    while not shared[4 + (1 - me)]:
        time.sleep(0.0005)


def job(limit, me=None):
    if me is None:
        me = 0
    else:
        start_together(me)
    i = total = saw = 0
    progress, other = shared, 1 - me
    seen = progress[other]
    while i < limit:
        total = (total * 31 + i) % 1000003
        i += 1
        if i % LOOK == 0:
            progress[me] = i
            now = progress[other]
            if now != seen:
                saw += 1
                seen = now
    shared[2 + me] = saw


def cpu_ns():
    """Of this process by its clock; of children that have ended as wait4() says."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + (children.ru_utime + children.ru_stime) * 1e9


def measure(name, run):
    for i in range(6):
        shared[i] = 0
    wall, used = time.monotonic(), cpu_ns()
    run()
    print(name, (time.monotonic() - wall) * 1e3, (cpu_ns() - used) / 1e6, shared[2] + shared[3],
          flush=True)


def in_threads(function, arguments):
    threads = [threading.Thread(target=function, args=a) for a in arguments]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def in_processes(limit):
    children = []
    for me in range(2):
        child = os.fork()
        if child == 0:
            job(limit, me)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def time_of(limit):
    used = time.process_time()
    job(limit)
    return time.process_time() - used


def main():
    goal, rounds = float(sys.argv[1]) / 1e3, int(sys.argv[2])
    print("version", sys.implementation.name, sys.version.split()[0], flush=True)
    print("gil", int(getattr(sys, "_is_gil_enabled", lambda: True)()), flush=True)
    limit, used = 1000, 0
    while used < goal / 4:
        limit *= 2
        used = min(time_of(limit) for _ in range(3))  # a disturbance only adds time
    limit = int(limit * goal / used)
    end = time.monotonic() + PATIENCE
    for done in range(rounds):
        if done and time.monotonic() > end:
            break
        measure("one", lambda: (job(limit), job(limit)))
        measure("threads", lambda: in_threads(job, [(limit, 0), (limit, 1)]))
        measure("processes", lambda: in_processes(limit))
        measure("wait_one", lambda: [time.sleep(WAIT) for _ in range(WAITERS)])
        measure("wait_threads", lambda: in_threads(time.sleep, [(WAIT,)] * WAITERS))


main()
