#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pictures of docs/pictures, as SVG that is readable on a light and on a dark page.

    tools/pictures.py [NAME...]     draws them; `make pictures` draws all

Each function draw_NAME() below is one picture.
"""
import html
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs/pictures"
STYLE = """
svg{--ink:#1d2127;--soft:#5d6470;--line:#8a919c;--shared:#dbe8f4;--sharedline:#3f74a8;--own:#fde3b4;
--ownline:#a86c10;--plain:#f1f2f4;--bad:#b3261e;--good:#1a7f4b;--back:#ffffff}
@media(prefers-color-scheme:dark){svg{--ink:#e6e8ec;--soft:#a3aab5;--line:#737b87;--shared:#1d3a56;
--sharedline:#6ea8e0;--own:#553c10;--ownline:#e0b13c;--plain:#262a31;--bad:#ff8a80;--good:#4cc38a;
--back:#14161a}}
text{font:14px Helvetica,Arial,sans-serif;fill:var(--ink)}.soft{fill:var(--soft);font-size:13px}
.head{font-weight:bold;font-size:16px}.code{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:13px}
.mid{text-anchor:middle}.end{text-anchor:end}.bad{fill:var(--bad)}.good{fill:var(--good)}
rect{stroke-width:1.3;fill:var(--plain);stroke:var(--line)}.shared{fill:var(--shared);stroke:var(--sharedline)}
.own{fill:var(--own);stroke:var(--ownline)}.empty{fill:none;stroke-dasharray:5 4}.page{fill:var(--back);stroke:none}
path{fill:none;stroke:var(--ink);stroke-width:1.5}.lane{stroke:var(--line);stroke-dasharray:3 4}
.thin{stroke:var(--line)}.busy{stroke:var(--ownline);stroke-width:7}.cut{stroke:var(--bad)}
marker path{fill:var(--ink);stroke:none}
"""


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height, self.title, self.parts = width, height, title, []

    def text(self, x, y, words, kind=""):
        self.parts.append(f'<text x="{x}" y="{y}" class="{kind}">{html.escape(words)}</text>')

    def lines(self, x, y, rows, kind="", step=19):
        for n, row in enumerate(rows):
            self.text(x, y + n * step, row, kind)

    def box(self, x, y, width, height, rows=(), kind="", words=""):
        """A box with rows of text in it, from the top."""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" class="{kind}"/>')
        self.lines(x + width / 2, y + height / 2 + 5 - (len(rows) - 1) * 9.5, rows, f"mid {words}")

    def path(self, d, kind="", tip=True):
        end = ' marker-end="url(#tip)"' if tip else ""
        self.parts.append(f'<path d="{d}" class="{kind}"{end}/>')

    def arrow(self, x1, y1, x2, y2, kind=""):
        self.path(f"M{x1} {y1}L{x2} {y2}", kind)

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                f'width="{self.width}" height="{self.height}" role="img">\n<title>{html.escape(self.title)}</title>\n'
                f"<style>{STYLE}</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
                'markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
                '<path d="M0 0L8 4L0 8z"/></marker></defs>\n'
                f'<rect class="page" width="{self.width}" height="{self.height}"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def one_process(p, x, name, threads):
    """A process with what its threads share, and in it what each thread has for itself."""
    width = 48 + 178 * threads
    p.box(x, 40, width, 372, kind="shared")
    p.text(x + 16, 64, name, "head")
    shared = ["address space: code, data, heap,", "files mapped; one page-table root",
              "descriptors, working directory", "signal actions, timers, limits"]
    if threads == 1:
        shared = ["address space: its own root", "descriptors, directory", "signal actions, limits"]
    p.lines(x + 16, 90, shared, "soft")
    for n in range(threads):
        left = x + 16 + 182 * n
        p.box(left, 176, 174, 218, kind="own")
        p.text(left + 87, 198, f"thread {'ABC'[n] if threads > 1 else 'D'}", "mid head")
        for row, words in enumerate(("TID, state, affinity", "registers, FPU", "FS base: its variables",
                                     "stack in user memory", "stack in the kernel",
                                     "signal mask, errno")):
            p.box(left + 8, 210 + row * 30, 158, 26, [words], "", "soft")


def draw_process_and_thread():
    p = Picture(860, 484, "What the threads of a process share, and what each has for itself")
    one_process(p, 20, "process 7: two threads", 2)
    one_process(p, 610, "process 8: one thread", 1)
    p.arrow(430, 130, 604, 130)
    p.text(517, 116, "fork()", "mid code")
    p.lines(517, 152, ["copies what is blue;", "one thread goes on,", "the one that called"], "mid soft")
    p.box(20, 430, 16, 16, kind="shared")
    p.text(44, 443, "struct process: shared by its threads")
    p.box(330, 430, 16, 16, kind="own")
    p.text(354, 443, "struct thread: each thread has its own")
    p.text(20, 470, "A stack in user memory is a place in the shared address space: other threads can reach it.", "soft")
    return p


def stack(p, x, name, rows, filled):
    p.text(x + 85, 66, name, "mid head")
    for n, words in enumerate(rows):
        p.box(x, 80 + n * 30, 170, 30, [words], "own" if n < filled else "empty", "code")


def draw_switch():
    p = Picture(860, 470, "context_switch(): one thread stops and another goes on")
    rows = ["return address", "rbp", "rbx", "r12", "r13", "r14", "r15"]
    stack(p, 60, "kernel stack of A", rows, 7)
    stack(p, 630, "kernel stack of B", rows, 7)
    p.text(145, 312, "stacks grow downward", "mid soft")
    p.box(300, 96, 260, 150, kind="shared")
    p.text(430, 118, "the CPU", "mid head")
    p.box(320, 132, 220, 30, ["rsp"], "", "code")
    p.box(320, 170, 220, 30, ["rbp rbx r12 r13 r14 r15"], "", "code")
    p.box(320, 208, 220, 30, ["rip: in context_switch()"], "", "code")
    p.arrow(320, 185, 236, 185)
    p.text(270, 176, "1", "head")
    p.path("M320 147C270 147 290 285 236 285")
    p.text(272, 262, "2", "head")
    p.path("M624 285C570 285 590 147 546 147")
    p.text(582, 262, "3", "head")
    p.arrow(624, 185, 546, 185)
    p.text(586, 176, "4", "head")
    p.path("M624 95C590 60 480 60 452 92")
    p.text(560, 62, "5", "head")
    steps = [("1  push", "the six registers that a function must preserve go onto A's stack"),
             ("2  movq %rsp, (%rdi)", "A's stack pointer goes into A's struct thread: A is saved"),
             ("3  movq %rsi, %rsp", "the switch: the stack is B's, and so is each line below"),
             ("4  pop", "B's six registers come back, which B pushed when it stopped here"),
             ("5  ret", "to where B called context_switch(), some time ago, perhaps on another CPU")]
    for n, (code, words) in enumerate(steps):
        p.text(60, 350 + n * 25, code, "code")
        p.text(270, 350 + n * 25, words)
    return p


def tables(p, x, title, parent, child, frames):
    """Two page-table entries above, frames below, and who maps which."""
    p.text(x + 130, 40, title, "mid head")
    for left, name, entry in ((x, "parent", parent), (x + 140, "child", child)):
        if entry:
            p.text(left + 60, 70, name, "mid soft")
            p.box(left, 78, 120, 52, entry[0], "shared", "code")
            p.arrow(left + 60, 132, x + entry[1], 186)
    for left, rows in frames:
        p.box(x + left, 190, 120, 64, rows, "own")


def draw_copy_on_write():
    p = Picture(900, 400, "Copy-on-write: fork() copies entries, a write copies the page")
    tables(p, 20, "before fork()", (["0x1f8e8", "writable"], 60), None,
           [(0, ["frame 0x1f8e8", "1 user", "value 1"])])
    tables(p, 310, "after fork()", (["0x1f8e8", "read-only"], 110), (["0x1f8e8", "read-only"], 150),
           [(70, ["frame 0x1f8e8", "2 users", "value 1"])])
    tables(p, 610, "after the child wrote", (["0x1f8e8", "read-only"], 60), (["0x1ffa8", "writable"], 200),
           [(0, ["frame 0x1f8e8", "1 user", "value 1"]), (140, ["frame 0x1ffa8", "1 user", "value 2"])])
    p.lines(20, 296, ["fork() takes the right to write out of both entries and counts the second user; it copies no data.",
                      "A write is now a page fault. fault_copy() copies the page for the writer and puts the new frame",
                      "into its entry alone. The old entry passes through empty, with a shootdown in between.",
                      "When the parent writes later, it is the only user: its entry becomes writable again, without a copy."])
    p.text(20, 384, "The address is the same in both processes. The frames differ from the first write on.", "soft")
    return p


def lanes(p, names, bottom, width=150):
    for x, name in names:
        p.box(x - width / 2, 20, width, 32, [name], "shared", "head")
        p.path(f"M{x} 54V{bottom}", "lane", tip=False)


def draw_futex():
    p = Picture(860, 610, "A mutex by futex(): no system call unless somebody must wait")
    a, w, b, c = 100, 310, 540, 760
    lanes(p, ((a, "thread A"), (w, "the word"), (b, "the kernel"), (c, "thread B")), 560)
    def word(y, value):
        p.box(w - 16, y - 13, 32, 26, [value], "own", "code")
    word(78, "0")
    p.arrow(a, 110, w - 20, 110); p.text(205, 103, "0 to 1: A has it", "mid")
    word(110, "1")
    p.text(205, 128, "no system call", "mid soft")
    p.arrow(c, 160, w + 20, 160); p.text(650, 153, "1 to 2: somebody waits", "mid")
    word(160, "2")
    p.arrow(c, 205, b + 6, 205); p.text(650, 198, "futex(WAIT, 2)", "mid code")
    p.path(f"M{b} 210V318", "busy", tip=False)
    p.text(b - 14, 228, "takes the lock of the bucket", "end soft")
    p.arrow(b - 4, 264, w + 20, 264); p.text(425, 257, "is the word still 2?", "mid")
    p.lines(b - 14, 290, ["yes: B goes into the bucket,", "lock released, B sleeps"], "end soft")
    p.path(f"M{c} 225V450", "thin", tip=False); p.text(c + 10, 340, "sleeps", "soft")
    p.arrow(a, 355, w - 20, 355); p.text(205, 348, "to 0; it was 2", "mid")
    word(355, "0")
    p.path(f"M{a} 395L{b - 6} 395"); p.text(205, 388, "futex(WAKE, 1)", "mid code")
    p.path(f"M{b} 398V446", "busy", tip=False)
    p.lines(b + 14, 412, ["takes the lock of the bucket,", "takes B out, wakes it"], "soft")
    p.arrow(b + 4, 455, c - 4, 455)
    p.arrow(c, 495, w + 20, 495); p.text(650, 488, "0 to 2: B has it", "mid")
    word(495, "2")
    p.lines(20, 582, ["If A changes the word before B has the bucket's lock, the comparison fails and WAIT returns EAGAIN.",
                      "If A changes it after that, B is in the bucket, and A's WAKE finds it. So no wake-up is lost."], "")
    return p


def draw_shootdown():
    p = Picture(880, 590, "TLB shootdown: no frame is freed while a CPU may use the old translation")
    a, b, c = 200, 470, 740
    lanes(p, ((a, "CPU 0: munmap()"), (b, "CPU 1: same process"), (c, "CPU 2: another")), 520, 210)
    p.path(f"M{a} 80V360", "busy", tip=False)
    p.lines(a - 12, 84, ["sets at most", "64 entries to 0"], "end soft")
    p.text(b + 12, 92, "its TLB may hold the old", "soft")
    p.text(b + 12, 110, "entries, and it may use them", "soft bad")
    p.lines(a - 12, 136, ["full barrier, then", "reads the mask"], "end soft")
    p.box(a + 20, 124, 150, 40, ["active: CPUs 0, 1"], "own", "code")
    p.lines(c + 10, 152, ["its root is another:", "not interrupted"], "soft")
    p.arrow(a + 4, 200, b - 4, 200); p.text(335, 193, "interrupt", "mid")
    p.path(f"M{b} 204V300", "busy", tip=False)
    p.lines(b + 12, 226, ["flushes its own TLB:", "INVLPG for each page, or CR3"], "soft")
    p.text(a - 12, 226, "flushes its own TLB", "end soft")
    p.text(a - 12, 270, "waits for the answer", "end soft")
    p.arrow(b - 4, 300, a + 4, 300); p.text(335, 293, "answers: done", "mid")
    p.text(a - 12, 350, "page_put(): frees frames", "end good")
    p.lines(a + 14, 342, ["Freed any earlier, they could",
                          "have a new owner while CPU 1", "still writes to them."], "soft")
    p.arrow(c - 60, 430, c - 4, 430, "thin")
    p.lines(c - 70, 398, ["Later a thread of the", "process comes here: CPU 2", "sets its bit in the mask,",
                          "then loads CR3. It begins", "without old translations."], "end soft")
    p.lines(20, 548, ["The entry is changed before the mask is read; the bit is set before CR3 is loaded. With a full barrier between",
                      "both on each side, either CPU 0 sees the bit, or the other CPU sees the new entries (SDM 3A 8.2.3.4)."], "")
    return p


PICTURES = {name[5:].replace("_", "-"): f for name, f in list(globals().items()) if name.startswith("draw_")}


def main():
    names = sys.argv[1:] or list(PICTURES)
    for name in names:
        if name not in PICTURES:
            print(f"pictures: there is no {name}; there are: {', '.join(PICTURES)}", file=sys.stderr)
            return 2
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.svg").write_text(PICTURES[name]().svg(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
