# SPDX-License-Identifier: MIT
"""Lab drive: the levels and their best scores, keys, files of levels, progress, and the page for a
browser, which must do what the lab does."""
import os
import pathlib
import random
import re
import subprocess
import time

import pexpect
import pytest

import browser
from conftest import make
from vm import BUILD, HANGS, VM

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LEVELS = ROOT / "user/labs/drive/levels.txt"
DRIVE = BUILD / "host/labs/drive"
NAMES = re.findall(r"^level (\S+)", LEVELS.read_text(), re.M)
# Topics of the course that the levels cover: a word of their programs.
TOPICS = ("lock(", "wait(c, m)", "sem_wait(", "barrier_wait(", "read_lock(", "cas(", "swap(", "trylock(")


@pytest.fixture(scope="module", autouse=True)
def drive_built():
    make("labs-host")


@pytest.fixture
def home(tmp_path):
    return {**os.environ, "HOME": str(tmp_path), "TERM": "xterm"}


def drive(*options, env=None, status=0):
    result = subprocess.run([DRIVE, *options], capture_output=True, text=True, timeout=HANGS,
                            stdin=subprocess.DEVNULL, env=env)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stderr if status else result.stdout


def solutions(*options):
    """{level: schedule, or None if the search has shown that there is none}"""
    found = {}
    for line in drive("--solve", *options).splitlines():
        name, _, rest = line.partition(": ")
        assert re.fullmatch(r"\d+ moves: [A-D]*|no schedule .* after \d+ states", rest), line
        found[name] = rest.split(": ")[1] if "moves" in rest else None
    return found


def states(name, schedule, *options):
    return drive("--level", name, "--play", schedule, "--states", *options).splitlines()


# --- the levels -----------------------------------------------------------------------------------

def shorter(name, moves, options=()):
    """The first schedule with fewer moves that reaches the goal, found without the lab's search:
    every string of moves that run is tried, except those that lead to a state again."""
    threads = re.findall(r"([A-D]) \d", states(name, "", *options)[0])
    level, seen = {"": states(name, "", *options)[0]}, set()
    for _ in range(moves):
        following = {}
        for schedule, state in level.items():
            for thread in threads:
                if re.search(rf"{thread} [-\d ]+\+", state):
                    after = states(name, schedule + thread, *options)[-1]
                    if after.endswith(" goal"):
                        return schedule + thread
                    if after not in seen:
                        following[schedule + thread] = after
                        seen.add(after)
        level = following
    return None


def test_levels_are_as_they_say():
    """At least 16, over all topics; those with a reason are impossible and the others are not."""
    found, text = solutions(), LEVELS.read_text()
    assert len(NAMES) >= 16 and list(found) == NAMES
    assert [t for t in TOPICS if t not in text] == []
    for name, body in zip(NAMES, re.split(r"^level ", text, flags=re.M)[1:]):
        assert (found[name] is None) == ("\nreason:" in body), name
        assert found[name] is None or "\nhint:" in body, name
        assert "\nlearn:" in body, name


@pytest.mark.parametrize("name", NAMES)
def test_solution_reaches_the_goal(name):
    """Its last state is the goal, none before is; of the short ones no other way is shorter."""
    best = solutions("--level", name)[name]
    if best is None:
        return
    lines = states(name, best)
    assert len(lines) == len(best) + 1
    assert [i for i, line in enumerate(lines) if line.endswith(" goal")] == [len(best)]
    if len(best) <= 4 and name not in ("two-flags", "turns"):  # a loop is no single state
        assert shorter(name, len(best) - 1) is None
        assert shorter(name, len(best)) is not None


def test_report():
    """Real threads run the schedules; with --lock only the programs that are right."""
    text = drive("--quick", "--plain")
    assert "real threads, run in these orders, did what the search predicted" in text
    assert "+ Deadlock: no stuck thread continued" in text
    assert "TRUE WITH A CORRECTION" in text
    assert "FALSE HERE" in drive("--quick", "--plain", "--lock")


def test_given_moves():
    text = drive("--level", "deadlock", "--play", "a bA", "--plain")
    assert "Move 4 left out: Thread A waits for lock b, which B holds." in text
    assert "This is the goal." in text
    assert "move 2 of --play, 'x'" in drive("--level", "deadlock", "--play", "ax", status=2)
    assert "there is no level 'no'" in drive("--level", "no", "--solve", status=2)
    assert "cannot be read" in drive("--levels", "/nonexistent", "--solve", status=2)


# --- files of levels ------------------------------------------------------------------------------

GOOD = """\
level own
task: Do it.
goal: over && x == 2
var x = 0
lock m
thread A B
    local r = 0
    r = x
    x = r + 1
"""


def test_own_levels(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text(GOOD + GOOD.replace("level own", "level other").replace("x == 2", "x == 3"))
    assert solutions("--levels", str(path)) == {"own": "AABB", "other": None}
    path.write_text(GOOD.replace("\n", "\r\n"))
    assert solutions("--levels", str(path)) == {"own": "AABB"}


BAD = [
    ("level own\n", "", 1, "the first line must be 'level NAME'"),
    ("level own", "level own/2", 1, "a level needs a name"),
    ("task: Do it.\n", "", 1, "has no 'task:' line"),
    ("x == 2", "y == 2", 3, "there is no variable 'y'"),
    ("x == 2", "add(x, 1)", 3, "a goal can only read"),
    ("x == 2", "(x == 2", 3, "expected ')'"),
    ("x == 2", "B.q == 2", 3, "there is no variable 'q'"),
    ("var x = 0", "var x = 200", 4, "200 is not between -128 and 127"),
    ("var x = 0", "var x[9]", 4, "9 is not between 2 and 8"),
    ("var x = 0", "vra x = 0", 4, "'vra x = 0' is not understood"),
    ("var x = 0", "var me = 0", 4, "'me' is a word of the language"),
    ("lock m", "lock x", 5, "there is a 'x' already"),
    ("thread A B", "thread B", 6, "the next thread is A, not 'B'"),
    ("thread A B", "thread A B C D E", 6, "more than 4 threads"),
    ("x = r + 1", "x = x + 1", 9, "uses shared memory 2 times"),
    ("x = r + 1", "lock(n)", 9, "there is no lock 'n'"),
    ("x = r + 1", "wait(m)", 9, "there is no condition 'm'"),
    ("x = r + 1", "x = r +", 9, "expected a value, found the end of the line"),
    ("x = r + 1", "x = r + 1 2", 9, "'2' is too much on this line"),
    ("x = r + 1", "break", 9, "break outside of a loop"),
    ("x = r + 1", "}", 9, "this '}' closes nothing"),
    ("x = r + 1", "if (r) {", 9, "a '{' is not closed"),
    ("x = r + 1", "while (r) x", 9, "expected '{' or '{}'"),
    ("x = r + 1", "x = r + é", 9, "found 'é'"),
    ("x = r + 1", "x = " + "(" * 300, 9, "a line of more than 250 characters"),
    ("x = r + 1", "r = 1\n    " * 24 + "x = r + 1", 32, "more than 24 lines"),
    ("    local r = 0\n", "", 7, "there is no variable 'r'"),
]


@pytest.mark.parametrize("old, new, line, error", BAD)
def test_bad_levels(tmp_path, old, new, line, error):
    path = tmp_path / "bad.txt"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    text = drive("--levels", str(path), "--solve", status=2)
    assert text.startswith(f"drive: {path}:{line}: ") and error in text, text


def test_hostile_levels(tmp_path):
    """Damaged files are refused or played, without a crash."""
    rng, text = random.Random(1), LEVELS.read_bytes()
    path = tmp_path / "bad.txt"
    for _ in range(60):
        data = bytearray(text[:rng.randrange(len(text))])
        for _ in range(rng.randrange(20)):
            data[rng.randrange(len(data))] = rng.randrange(1, 256)
        path.write_bytes(bytes(data))
        result = subprocess.run([DRIVE, "--levels", path, "--list"], capture_output=True, timeout=HANGS)
        assert result.returncode in (0, 2), (result.returncode, result.stderr)


# --- play -----------------------------------------------------------------------------------------

FRAME = r"(?s)\x1b\[H((?:(?!\x1b\[H).)*?)q:? leave"
ESCAPES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\r")


class Play:
    """The lab on a terminal of 80 columns and 24 lines."""

    def __init__(self, env, *options, rows=24):
        self.child = pexpect.spawn(str(DRIVE), list(options), env=env, timeout=HANGS,
                                   dimensions=(rows, 80), encoding="utf-8")
        self.child.delaybeforesend = None
        self.child.expect("q: leave. ")
        self.first = self.key("c")

    def key(self, *keys):
        """Sends keys, waits for the screen after each, and returns the last one as text."""
        for key in keys:
            self.child.send(key)
            self.child.expect(FRAME)
        return ESCAPES.sub("", self.child.match[0])

    def leave(self):
        self.child.send("q")
        self.child.expect("The levels whose goal")
        self.child.close(force=True)


def test_keys(home):
    play = Play(home)
    assert "Lost update" in play.first and "Moves: -" in play.first
    assert "Moves: AB (2)" in play.key("a", "B")
    assert "Moves: A (1)" in play.key("u")
    assert "Moves: -" in play.key("r")
    assert "no move to undo" in play.key("u")
    assert "'y' does nothing here" in play.key("y")
    assert "This level has no thread D" in play.key("d")
    assert "Each thread runs the line at its mark" in play.key("?")
    assert "Moves: -" in play.key("?")
    assert "2 of 30: Lost wake-up" in play.key("n")
    assert "1 of 30: Lost update" in play.key("p")
    assert re.search(r"Your progress is kept in (/|\.\.\.).*/", play.key("l"))
    assert "> 12 Hyman" in play.key("l", "l", *["\x1b[B"] * 11)
    assert "12 of 30: Hyman" in play.key("\n")
    play.leave()


def test_a_long_path_is_cut_in_front(home, tmp_path):
    """The list and the help show where the file lies, also where the path is wider than the screen."""
    place = tmp_path / ("long" * 20) / "end"
    place.mkdir(parents=True)
    play = Play({**home, "HOME": str(place)})
    for key in "l", "?":
        shown = re.search(r"Your progress is kept in (\S+)", play.key(key))[1]
        assert len("Your progress is kept in " + shown) <= 80
        assert shown.startswith("...") and "/end/" in shown
    play.leave()


@pytest.mark.parametrize("key", ["\x1b[B", "\x1b[A", "\x1bOB", "\x1b[1;5B", "\x1b[[B", "\x1b[15~",
                                 "\x1b[24;80R", "\x1ba", "\x1bb", "ä", "b̈"[1:], "\t", "\n", "\x1b[b"])
def test_no_key_plays_by_accident(home, key):
    """Sequences of bytes are one key, which runs no thread, and is answered."""
    play = Play(home)
    play.key("a")
    screen = play.key(key)
    assert "Moves: A (1)" in screen and re.search("Cursor keys run no|does nothing here", screen)
    assert "Moves: AB (2)" in play.key("b")
    play.leave()


@pytest.mark.parametrize("pieces", [("\x1b", "[B"), ("\x1b", "OB"), ("\x1b[", "B"), ("\x1b[1;", "5B")])
def test_sequence_in_pieces(home, pieces):
    """A slow line cuts the bytes of a cursor key in two."""
    play = Play(home)
    for piece in pieces[:-1]:
        play.child.send(piece)
        if piece == "\x1b":
            play.child.expect(FRAME)  # the lab takes it as the Escape key
        else:
            time.sleep(0.3)
    screen = play.key(pieces[-1])
    assert "Moves: -" in screen and re.search("Cursor keys|does nothing", screen)
    assert "Moves: A (1)" in play.key("a")
    play.leave()


def test_score_and_progress(home, tmp_path):
    """Points are lost by moves, hints and wrong claims; the file keeps the best, and foreign lines."""
    path = tmp_path / ".lab-drive"
    path.write_text("a line of a later version\nlost-update 1 6 0 0\n")
    play = Play(home)
    assert "0 of 300 points" in play.first
    assert "costs 5 points" in play.key("x")
    assert "Hint 1" in play.key("h")
    assert "SOLVED: 4 of 10 points, 6 moves; the best possible: 6" in play.key(*"abaabb")
    play.leave()
    play = Play(home)
    assert "4 of 300 points" in play.first
    assert "SOLVED: 10 of 10 points" in play.key(*"ababab")
    assert "This level is solved" in play.key("a")
    assert "SOLVED: 10 of 10 points" in play.key("n", *"abba")
    assert "Right: a search of all schedules saw" in play.key("n", "n", "x", "1")
    play.leave()
    assert "1 lost-update" in drive("--list", env=home)
    assert re.findall(r"(\d+) points", drive("--list", env=home)) == ["10", "10", "10"]
    assert "a line of a later version\n" in path.read_text()
    assert "lost-update 1 6 0 0\n" in path.read_text()  # of another text of that level


def test_two_at_once(home):
    """What another run of the lab has kept meanwhile is not lost."""
    plays = [Play(home, "--level", "deadlock"), Play(home, "--level", "philosophers")]
    assert "SOLVED" in plays[0].key("a", "b") and "SOLVED" in plays[1].key("a", "b", "c")
    assert "20 of 300 points" in Play(home).first


def test_hints_lead_to_the_goal(home):
    """With h alone, and the thread that it names, every level is solved."""
    play = Play(home)
    for number, (name, best) in enumerate(solutions().items(), 1):
        screen = play.key("h")
        assert f"{number} of {len(NAMES)}:" in screen
        for _ in range(60):
            if "SOLVED" in screen:
                break
            run = re.search(r"Run ([A-D]) next", screen)
            if run:
                screen = play.key(run[1].lower(), "h")
                if "This level is solved" in screen:
                    break
            elif "press x" in screen:
                screen = play.key("x", "1")
                screen = screen if "SOLVED" in screen else play.key("2")
                screen = screen if "SOLVED" in screen else play.key("3")
            else:
                screen = play.key("h")
        else:
            pytest.fail(f"{name}: {screen}")
        play.key("n")
    play.leave()
    assert drive("--list", env=home).count(" points") == len(NAMES)


def test_screens_fit(home):
    """On 80x24 each level is whole: its story, its code, its values and its keys."""
    play, text = Play(home), LEVELS.read_text()
    screen = play.first
    for body in re.split(r"^level ", text, flags=re.M)[1:]:
        for shown in (screen, play.key("h")):
            lines = shown.split("\n")
            assert len(lines) <= 24 and max(map(len, lines)) <= 80, shown
            for line in re.findall(r"^    (?!local)(.*)$", body, re.M):
                assert line.strip() in shown, (line, shown)
            assert shown.count("(end)") == len(re.findall(r"[A-D]", " ".join(
                re.findall(r"^thread (.*)", body, re.M)))), shown
        screen = play.key("n")
    play.leave()


def test_small_screen(home):
    """Where the code does not fit, the lines around the threads are shown."""
    play = Play(home, "--level", "wrong-one-woken", rows=14)
    assert "> lock(m)" in play.first and "q" in play.first
    assert "(end)" in play.key(*"ccccccccc")
    play.leave()


def test_by_lines(home):
    """--plain on a terminal: lines of keys, no escape sequence."""
    child = pexpect.spawn(str(DRIVE), ["--plain", "--level", "deadlock"], env=home, timeout=HANGS,
                          encoding="utf-8", echo=False)
    child.expect("q: leave. ")
    child.send("c")
    child.expect("\r\n> ")
    child.send("ab\n")
    child.expect("\r\n> ")
    assert "2 of 2 threads wait for ever" in child.before and "SOLVED" in child.before
    child.send("q\n")
    child.expect("The levels whose goal")
    child.expect(pexpect.EOF)
    assert "\x1b" not in child.before


def test_file_cannot_be_written(home, tmp_path):
    """The lab says so, and goes on."""
    (tmp_path / ".lab-drive.new").mkdir()
    play = Play(home, "--level", "deadlock")
    assert "Progress is kept nowhere" in play.key("a", "b").replace("\n", " ")
    play.leave()


def test_on_heddle():
    """By the serial console: keys, the goal, progress, the report; the terminal is as it was."""
    with VM(timeout=120, append="console_size=24x80") as vm:
        vm.shell()
        before = vm.run("stty -a")
        vm.send("lab drive\n")
        vm.expect("q: leave. ")
        for key, shown in (("c", "Moves: -"), ("a", "Moves: A "), ("\x1b[B", "Cursor keys run no"),
                           ("b", "Moves: AB "), ("u", "Moves: A "), ("x", "costs 5 points"),
                           ("n", "Lost wake-up"), ("a", "Moves: A "), ("b", "Moves: AB "),
                           ("b", "Moves: ABB "), ("a", "SOLVED: 10 of 10 points, 4 moves")):
            vm.send(key)
            vm.expect(FRAME)
            assert shown in ESCAPES.sub("", vm.console.match[0]), key
        vm.send("q")
        vm.expect("continue; a")
        vm.send("a")
        vm.expect("You said c")
        vm.shell()
        assert vm.run("stty -a") == before
        text = vm.run("lab drive --list")
        assert "10 points" in text and "in memory: until the machine ends" in text
        vm.run("printf 'level x\\ntask: t\\ngoal: over\\nthread A\\n    work()\\n' > /tmp/x")
        assert "x: 1 moves: A" in vm.run("lab drive --levels /tmp/x --solve")


# --- the page -------------------------------------------------------------------------------------

SHOWN = "return document.querySelector('{}').innerText"


@pytest.fixture(scope="module")
def page():
    make("drive-page")
    return BUILD / "drive.html"


@pytest.fixture(scope="module")
def window(page):
    with browser.Browser() as shown:
        shown.open(page)
        yield shown


def test_page_is_one_file(page):
    """It asks for no other file, and has the levels of the lab."""
    source = page.read_text()
    assert not re.search(r"(src|href)\s*=|\b(import|fetch|XMLHttpRequest|url)\s*\(|https?://", source)
    assert all(name in source for name in NAMES)


@browser.needed()
def test_page_runs_as_the_lab(window):
    """On every level, for random moves: every number of every state; and the same solutions."""
    rng = random.Random(7)
    lines = window.run("""window.levels = DriveLevels.read(DRIVE_TEXT, "levels.txt");
        return levels.map((level) => {
          const found = Drive.solve(level);
          return level.name + ": " + (found.found ? `${found.moves.length} moves: ${found.moves}`
            : `no schedule reaches the goal, after ${found.states} states`);
        }).join("\\n") + "\\n";""")
    assert lines == drive("--solve")
    for name in NAMES:
        threads = re.findall(r"([A-D]) \d", states(name, "")[0])
        for _ in range(10):
            moves = "".join(rng.choices(threads, k=60))
            assert window.run("""return Drive.statesText(levels.find((l) => l.name === arguments[0]),
                arguments[1])""", name, moves) == states(name, moves), (name, moves)


LANGUAGE = """\
level every-operator
task: t
goal: for_ever(B) || stuck
var x[3] = 1 -128 127
var y = 5
semaphore s = 100
lock m
condition c
barrier b = 2
rwlock l
thread A B C
    local i = 0
    local k = -3
    i = (i + 1) % 4
    x[i] = -k * 50 - !i
    while (i < 3 && (y >= 2 || k != 1)) {
        k = add(y, -1)
        if (cas(x[i], k, i + 1)) {
            i = i + 1
        } else {
            i = swap(x[k % 3], i)
            if (k <= 0) break
        }
        if (trylock(m)) {
            wait(c, m)
            unlock(m)
        }
    }
    signal(c)
    barrier_wait(b)
thread D
    read_lock(l)
    write_lock(l)
    sem_post(s)
"""


@browser.needed()
def test_page_runs_every_statement(window, tmp_path):
    """A level that no course has, with values beyond 8 bits and indices out of range."""
    rng, path = random.Random(3), tmp_path / "own.txt"
    for text in (LANGUAGE.replace("for_ever(B) || ", ""), LANGUAGE.replace(" || stuck", ""),
                 LANGUAGE.replace("for_ever(B) || stuck", "B.i == 2 && over")):
        path.write_text(text)
        for _ in range(25):
            moves = "".join(rng.choices("ABCD", weights=(3, 3, 2, 1), k=120))
            assert window.run("return Drive.statesText(DriveLevels.read(arguments[0], 'x')[0], "
                              "arguments[1])", text, moves) \
                == states("every-operator", moves, "--levels", str(path)), moves


def damaged(rng, text):
    """The text with a few lines or characters lost, doubled or exchanged."""
    lines = text.split("\n")
    for _ in range(rng.randrange(1, 4)):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(6)
        if kind == 0:
            lines[i], lines[j] = lines[j], lines[i]
        elif kind == 1:
            del lines[i]
        elif kind == 2:
            lines.insert(i, lines[j])
        elif lines[i]:
            at = rng.randrange(len(lines[i]))
            more = rng.choice(["", "(", ")", "{", "}", "[", "9", "x", "=", " ", "é", "&&", "-", ":", "\t"])
            lines[i] = lines[i][:at] + more + lines[i][at + (kind > 3):]
    return "\n".join(lines)


@browser.needed()
def test_page_reports_the_same_errors(window, tmp_path):
    """The page and the lab run the same damaged files, and say the same of the others."""
    rng, path = random.Random(11), tmp_path / "levels.txt"
    texts = [GOOD.replace(old, new) for old, new, _, _ in BAD]
    texts += [damaged(rng, LANGUAGE) for _ in range(150)]
    for text in texts:
        path.write_text(text)
        moves = "".join(rng.choices("ABCD" if "thread A B C\nthread D" in re.sub("\n .*", "", text)
                                    else "A", k=80))
        result = subprocess.run([DRIVE, "--levels", path, "--play", moves, "--states"],
                                capture_output=True, text=True, timeout=HANGS)
        said = window.run("""try {
              const level = DriveLevels.read(arguments[0], arguments[1])[0];
              return Drive.statesText(level, arguments[2]).join("\\n") + "\\n";
            } catch (error) { return `drive: ${error.message}\\n`; }""", text, str(path), moves)
        assert said == result.stdout + result.stderr, text


@browser.needed()
def test_page_plays(page):
    """By keys and by mouse every level is solved with the best score; the page keeps it."""
    with browser.Browser() as window:
        window.open(page)
        assert "0 of 300 points" in window.run(SHOWN.format("header"))
        for number, (name, best) in enumerate(solutions().items()):
            assert window.run("return document.querySelector('select').value") == str(number)
            if best and number % 2:
                window.keys(best.lower())
            elif best:
                for thread in best:
                    window.click(f".bar-of-keys button:nth-of-type({ord(thread) - 64})")
            else:
                window.keys("x")
                right = window.run("return DriveLevels.read(DRIVE_TEXT, '')[arguments[0]].rightReason",
                                   number)
                window.click(f".reasons button:nth-of-type({right + 1})")
            assert "SOLVED: 10 of 10 points" in window.run(SHOWN.format(".message")), name
            window.keys("n")
        window.open(page)
        assert "300 of 300 points" in window.run(SHOWN.format("header"))
        assert window.errors() == []


@browser.needed()
def test_page_answers(page, tmp_path):
    """Threads by a click on them; cursor keys play nothing; wrong claims cost; own levels."""
    with browser.Browser() as window:
        window.open(page)
        window.click(".thread:nth-of-type(2)")
        assert "Moves: B (1)" in window.run(SHOWN.format(".moves"))
        window.keys("\ue015\ue013\ue012\ue014\ue00c")  # cursor keys, Escape
        assert "Moves: B (1)" in window.run(SHOWN.format(".moves"))
        for keys, selector, shown in (
                ("y", ".message", "'y' does nothing here"), ("u", ".moves", "Moves: -"),
                ("u", ".message", "no move to undo"), ("x", ".message", "costs 5 points"),
                ("h", ".message", "Hint 1: "), ("ababab", ".message", "SOLVED: 4 of 10 points"),
                ("a", ".message", "This level is solved"), ("nnab", ".message", "wait for ever"),
                ("pp", "select option:checked", "Lost update (4 points)"),
                ("?", "details", "A line is one step")):
            window.keys(keys)
            assert shown in window.run(SHOWN.format(selector)), (keys, shown)
        path = tmp_path / "own.txt"
        for text, shown in ((GOOD, "Goal: Do it."), (GOOD.replace("x == 2", "y"), "Goal: Do it."),):
            path.write_text(text)
            found = window.ask("POST", "/element", {"using": "css selector", "value": "input"})
            window.ask("POST", f"/element/{next(iter(found.values()))}/value", {"text": str(path)})
            assert window.until(f"return document.querySelector('.task').innerText === '{shown}'")
        assert window.until("return document.querySelector('.message').innerText") \
            == "own.txt:3: there is no variable 'y'"
        assert window.errors() == []


@browser.needed()
@pytest.mark.parametrize("dark", [False, True])
def test_page_is_readable(page, dark, tmp_path):
    """At a phone's width and a screen's no level is wider than the page; text has contrast."""
    with browser.Browser(dark=dark) as window:
        for width in (390, 1200):
            window.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride",
                       "params": {"width": width, "height": 844, "deviceScaleFactor": 1,
                                  "mobile": width < 500}})
            window.open(page)
            for name in NAMES:
                wide = window.run("return document.documentElement.scrollWidth")
                assert wide <= width, (name, wide)
                window.keys("hn")
            window.picture(tmp_path / f"{width}.png")
        colours = window.run("""return [...document.querySelectorAll(".task, code, .thread h2 span, button")]
            .map((e) => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor])""")
        for pair in {tuple(c) for c in colours}:
            assert contrast(*pair) >= 4.5, pair  # WCAG 2.1, 1.4.3
        assert window.errors() == []


def contrast(*colours):
    """The ratio of the lightness of two colours "rgb(1, 2, 3)", as WCAG defines it."""
    lights = []
    for colour in colours:
        parts = [int(p) / 255 for p in re.findall(r"\d+", colour)[:3]]
        parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        lights.append(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)
