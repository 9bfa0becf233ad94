# SPDX-License-Identifier: MIT
import asyncio
import os
import select
import selectors
import signal
import socket
import threading


async def client(path, n):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(f"{n}\n".encode())
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(answer)


async def serve(reader, writer):
    writer.write(b"%d\n" % (int(await reader.readline()) * 2))
    await writer.drain()
    writer.close()


async def main():
    print("selector", type(selectors.DefaultSelector()).__name__)
    print("gather", await asyncio.gather(*(asyncio.sleep(0.01 * (5 - i), i) for i in range(5))))
    server = await asyncio.start_unix_server(serve, "/tmp/t.socket")
    print("server", sum(await asyncio.gather(*(client("/tmp/t.socket", n) for n in range(50)))))
    server.close()
    await server.wait_closed()
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        print("timed out")
    child = await asyncio.create_subprocess_exec(
        "/bin/busybox", "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate(b"x" * 200000)
    print("subprocess", len(out), child.returncode)
    children = [await asyncio.create_subprocess_shell(f"exit {i}") for i in range(5)]
    print("children", await asyncio.gather(*(c.wait() for c in children)))
    loop, caught = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, caught.set)
    loop.call_later(0.05, os.kill, os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(caught.wait(), 20)
    print("signal")
    main_thread = threading.main_thread()
    print("thread", await asyncio.to_thread(lambda: threading.current_thread() is main_thread))
    queue = asyncio.Queue(3)

    async def produce():
        for i in range(20):
            await queue.put(i)
        await queue.put(None)

    async def consume():
        total = 0
        while (n := await queue.get()) is not None:
            total += n
        return total
    _, total = await asyncio.gather(produce(), consume())
    print("queue", total)


asyncio.run(main())

epoll, (a, b) = select.epoll(), socket.socketpair()
epoll.register(a, select.EPOLLIN | select.EPOLLET)
print("nothing", epoll.poll(0.01))
b.send(b"x")
print("readable", [e for _, e in epoll.poll(5)], epoll.poll(0.01))
r, w = os.pipe()
poll = select.poll()
poll.register(r, select.POLLIN)
os.close(w)
print("hung up", poll.poll(5000)[0][1] == select.POLLHUP, select.select([a], [b], [], 5)[0] == [a])
