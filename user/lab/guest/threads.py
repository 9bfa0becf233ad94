# SPDX-License-Identifier: MIT
"""Lab threading: three threads; the first sleeps while it holds a lock.  The lab traces what happens
between the two words."""
import os
import threading
import time

lock, total = threading.Lock(), 0


def work(i):
    global total
    with lock:
        total += i + 1
        if i == 0:
            time.sleep(0.06)


os.write(1, b"begin\n")
threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
os.write(1, b"end\n")
os._exit(0 if total == 6 else 1)
