# SPDX-License-Identifier: MIT
import concurrent.futures
import queue
import signal
import sys
import threading
import time

counter, lock = 0, threading.Lock()


def increment():
    global counter
    for _ in range(5000):
        with lock:
            counter += 1


threads = [threading.Thread(target=increment) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("locked", counter, "alive", threading.active_count())

with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print("pool", sum(pool.map(lambda n: n * n, range(200))))

work, done = queue.Queue(10), queue.Queue()


def worker():
    while (n := work.get()) is not None:
        done.put(n * 2)


workers = [threading.Thread(target=worker) for _ in range(4)]
for w in workers:
    w.start()
for i in range(300):
    work.put(i)
for w in workers:
    work.put(None)
for w in workers:
    w.join()
print("queue", sum(done.get() for _ in range(300)))

barrier, order = threading.Barrier(5), []
condition, turn = threading.Condition(), 0


def in_turn(me):
    global turn
    barrier.wait()
    with condition:
        condition.wait_for(lambda: turn == me)
        order.append(me)
        turn += 1
        condition.notify_all()


threads = [threading.Thread(target=in_turn, args=(i,)) for i in range(5)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("turns", order)

event = threading.Event()
print("event times out", event.wait(0.05))
threading.Timer(0.05, event.set).start()
print("event set", event.wait(20))
local = threading.local()
local.x = 1
t = threading.Thread(target=lambda: print("local elsewhere", hasattr(local, "x")))
t.start()
t.join()
semaphore = threading.Semaphore(2)
print("semaphore", semaphore.acquire(), semaphore.acquire(), semaphore.acquire(timeout=0.05))

caught = []
signal.signal(signal.SIGALRM, lambda number, frame: caught.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.05)
while not caught:
    time.sleep(0.01)
print("alarm", caught)
signal.signal(signal.SIGUSR1, lambda number, frame: caught.append("to the main thread"))
main = threading.main_thread().ident
sender = threading.Thread(target=lambda: signal.pthread_kill(main, signal.SIGUSR1))
sender.start()
sender.join()
time.sleep(0.05)
print(caught[1:])
daemon = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
daemon.start()
sys.exit(3)
