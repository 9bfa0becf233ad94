# SPDX-License-Identifier: MIT
"""Guided tours: heddle-tour NAME, and next-station from one station to the next (tours.py).

With heddle-exercise on, next-station asks for a prediction before the machine goes on."""
import difflib
import linecache
import re
import textwrap

import gdb

import commands_switch
import elf
import fit
import kernel
import memory
import user_symbols
from kernel import Failure
from tours import TOURS

PROGRAM = "/bin/tour"
STEPS_MAX = 500  # of a station that is reached by steps
LIST = "heddle-tour lists the tours"


def holds(expression):
    return bool(gdb.parse_and_eval(expression))


def place(at):
    """(path of a program or None, address) of a station's `at`."""
    if at.startswith("tour:"):
        functions = elf.program(user_symbols.file_of(PROGRAM)).by_name
        return PROGRAM, functions[at[5:]]
    function, _, callee = at.partition(" -> ")
    if callee:
        return None, commands_switch.call_of(function, callee)[0]
    function, _, offset = at.partition("+")
    return None, kernel.address_of(function) + int(offset or 0)


class Stop(gdb.Breakpoint):
    """Where a station is; stops only if all that it asks for is so."""

    def __init__(self, station, facts):
        self.station, self.facts, self.cpu = station, facts, None
        self.path, address = place(station["at"])
        super().__init__(f"*{address:#x}", internal=True)
        self.silent = True

    def stop(self):
        try:
            if not self.fits():
                return False
        except (gdb.error, gdb.GdbError):
            return False  # what is asked for cannot be read here
        self.cpu = gdb.selected_thread()
        return True

    def fits(self):
        s, t = self.station, kernel.standing()
        if t is None or s.get("thread") not in (None, t.name):
            return False
        if self.path and kernel.executable_of(kernel.process_of(t)) != self.path:
            return False
        cpu = kernel.selected_cpu()
        if s.get("cpu") not in (None, cpu):
            return False
        if "to" in s and kernel.running(cpu).name != s["to"]:
            return False
        if "why" in s and commands_switch.Switch().why != s["why"]:
            return False
        user_symbols.load_for_thread(t)
        return "when" not in s or holds(s["when"].format(cpu=cpu, **self.facts))

    def run(self):
        """Let the machine run to it; False: something else stopped it.  It is gone afterwards."""
        try:
            gdb.execute("continue", to_string=True)
        finally:
            if self.is_valid():
                self.delete()
        if self.cpu:
            self.cpu.switch()  # another may have stopped, too
            gdb.newest_frame().select()
        return self.cpu is not None


class Question:
    """What the learner is to predict of the next station; the machine has the answer there."""

    def __init__(self, station, facts):
        facts = dict(facts, cpu=kernel.selected_cpu())
        self.text, self.answer = station["ask"].format(**facts), station["answer"]
        self.given, self.taken = None, False
        for name, expression in station.get("before", {}).items():
            gdb.set_convenience_variable(name, gdb.parse_and_eval(expression.format(**facts)))

    def show(self):
        for text in textwrap.wrap(f"Predict: {self.text}", fit.width() or 78):
            print(text)
        print("predict ANSWER answers and goes on; predict ? goes on without an answer.")

    def take(self, given):
        """The learner's words; fails if they cannot be an answer."""
        if given == "?":
            self.taken = True
            return
        if "(yes or no)" in self.text:
            given = {"y": "yes", "n": "no"}.get(given.lower(), given.lower())
            if given not in ("yes", "no"):
                raise Failure(f"the answer is yes or no, not '{given}'")
        elif "(a number)" in self.text:
            try:
                given = str(int(gdb.parse_and_eval(given)))
            except (gdb.error, ValueError):
                raise Failure(f"the answer is a number, not '{given}'") from None
        self.given, self.taken = given, True

    def machine(self, cpu, facts):
        """What is so now, as words."""
        if self.answer == "THREAD":
            return kernel.standing().name
        if self.answer == "FUNCTION":
            return gdb.newest_frame().name() or "?"
        if self.answer.startswith("FRAME "):
            address, *processes = self.answer.format(**facts).split()[1:]
            roots = [int(kernel.space_of(kernel.find_process(p))["pmap"]["root"]) for p in processes]
            frames = {memory.walk(root, int(address, 0))[1] for root in roots}
            return "yes" if len(frames) == 1 else "no"
        value = gdb.parse_and_eval(self.answer.format(cpu=cpu, stack=kernel.kstack_size(), **facts))
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_PTR):
            return value.string()
        if "(yes or no)" in self.text:
            return "yes" if int(value) else "no"
        return str(int(value))


class Walk:
    """A tour that somebody is on."""

    def __init__(self, name):
        self.name, self.tour, self.next, self.facts = name, TOURS[name], 0, {}
        self.left = None  # where the last station left the CPU
        self.said = []  # the text of each station that was reached
        self.shown = 0  # how many of them are before the learner: fewer after previous-station
        self.question = None
        self.right = self.answered = 0

    @staticmethod
    def here():
        return gdb.selected_thread().num, kernel.register_u64("rip"), kernel.register_u64("rsp")

    def look_back(self):
        if self.shown <= 1:
            raise Failure(f"there is no station before this one of the tour {self.name}")
        self.show_again(self.shown - 1)

    def show_again(self, number):
        self.shown = number
        print(self.said[number - 1])
        if number < len(self.said):
            print(f"As it was printed there.  The machine stays at station {len(self.said)}.")

    def ask(self):
        """Asks for a prediction of the next station, once.  True: wait for predict."""
        station = self.tour.stations[self.next] if self.next < len(self.tour.stations) else {}
        if not Exercise.on or "ask" not in station or self.question and self.question.taken:
            return False
        self.question = self.question or Question(station, self.facts)
        self.question.show()
        return True

    def go(self, answered=False):
        if self.shown < len(self.said):
            self.show_again(self.shown + 1)
            return
        if self.next == len(self.tour.stations):
            raise Failure(f"the tour {self.name} has ended; {LIST}")
        if not answered and self.ask():
            return
        if "by" in self.tour.stations[self.next] and self.here() != self.left:
            while "by" in self.tour.stations[self.next]:
                self.next -= 1
            self.question = None
            print(f"You have moved: the steps begin once more at station {self.next + 1}.")
        station = self.tour.stations[self.next]
        gdb.set_convenience_variable("station_sp", kernel.register("rsp"))
        reached = Stop(station, self.facts).run() if "at" in station else self.step(station)
        if not reached:
            print(f"Stopped on the way to station {self.next + 1}; next-station goes on to it.")
            gdb.execute("frame")
            return
        self.next += 1
        self.say(station)

    def step(self, station):
        """Steps to the station.  Where it has stopped gdb prints by itself: in one short line."""
        commands = 0
        while True:
            print(f"(gdb) {station['by']}")
            gdb.execute("with print frame-info short-location -- with print frame-arguments none -- "
                        + station["by"], to_string=True)
            frame = gdb.newest_frame()
            symtab = frame.find_sal().symtab
            line = ""
            if frame.type() == gdb.NORMAL_FRAME and symtab and symtab.filename[-2:] == ".S":
                number = frame.find_sal().line
                line = f"{number}\t{linecache.getline(symtab.fullname(), number)}".rstrip()
            print(fit.line(line or gdb.execute("x/i $pc", to_string=True).rstrip(), fit.width()))
            commands += 1
            if "until" not in station or holds(station["until"]):
                break
            if commands == STEPS_MAX:
                raise Failure(f"{STEPS_MAX} times {station['by']} did not lead to the station")
        return station.get("thread") in (None, kernel.standing().name)

    def judge(self, cpu):
        """What became of the learner's prediction, as text."""
        question, self.question = self.question, None
        if not question:
            return []
        found = question.machine(cpu, self.facts)
        if question.given is None:
            return [f"The answer was: {found}."]
        right = question.given.lower() == found.lower()
        self.answered += 1
        self.right += right
        return [f"You predicted {question.given}; the machine says {found}: "
                f"{'right' if right else 'wrong'}.  {self.right} of {self.answered} right."]

    def say(self, station):
        cpu = kernel.selected_cpu()
        for name, expression in station.get("facts", {}).items():
            value = int(gdb.parse_and_eval(expression.format(cpu=cpu, **self.facts)))
            self.facts[name] = value if value < 1 << 16 else hex(value)  # a number, or an address
        facts, columns = dict(self.facts, cpu=cpu), fit.width()
        count = len(self.tour.stations)
        head = [f"--- {self.name}, station {self.next} of {count} " + "-" * 40,
                *textwrap.wrap(station["text"].format(**facts), min(columns or 78, 78))]
        data = [fit.Block(None, gdb.execute("frame", to_string=True), columns)]
        for command in station.get("show", ()):
            command = command.format(**facts)
            try:
                printed = gdb.execute(command, to_string=True)
            except gdb.error as error:
                printed = f"heddle: {error}"
            data.append(fit.Block(command, printed, columns))
        foot = [*(t for text in self.judge(cpu) for t in textwrap.wrap(text, columns or 78)),
                f"next-station goes on to {self.next + 1} of {count}." if self.next < count
                else f"That was the tour {self.name}; {LIST}."]
        self.left = self.here()
        self.print_station(head, data, foot)

    def print_station(self, head, data, foot):
        """All of a station, in the lines that the terminal has."""
        room = fit.height()
        space = [] if room else [""]
        data = fit.blocks(data, room and room - len(head) - len(foot))
        text = [*space, *head, *space, *data, *space, *foot]
        del self.said[self.next - 1:]
        self.said.append("\n".join(text))
        self.shown = self.next
        print(self.said[-1])


def the_machine_plays():
    """Fails where the program of the tours is not there and will not come."""
    told = kernel.cpu_count() and kernel.text(kernel.variable("boot_info")["cmdline"])
    if not told or re.search(r"\btour [a-z]", told):
        return  # so early that nothing can be said; or as `make gdb` starts it
    if int(kernel.variable("init_process")) \
            and PROGRAM in map(kernel.executable_of, kernel.processes()):
        return
    raise Failure("this machine does not run the program of the tours: start it by `make gdb`, or "
                  "type `tour &` at the machine's prompt (tools/gdb.py console, while it runs)")


class Tour(kernel.Command):
    """heddle-tour [NAME]: a guided tour; without NAME the list of them.

A tour stops at its stations, says what happens there, and shows it by commands that you could have
typed.  next-station goes on.  Between stations you may look around, step, and set breakpoints."""
    name, usage, needs, moves = "tour", "[NAME]", "", True
    walk = None

    def run(self, arguments):
        if not arguments:
            self.list()
            return
        name = arguments[0]
        if name not in TOURS:
            near = difflib.get_close_matches(name, TOURS, 1, 0.5)
            raise Failure(f"no tour {name}: " + (f"did you mean {near[0]}?" if near else
                                                 f"there are {', '.join(TOURS)}"))
        if gdb.selected_thread() is None:
            kernel.ready()  # says how to attach
        the_machine_plays()
        Tour.walk = None
        self.set_scene(name)
        Tour.walk = Walk(name)
        Tour.walk.go()

    @staticmethod
    def list():
        rows = [("TOUR", "STATIONS", "WHAT")]
        rows += [(n, len(t.stations), t.about) for n, t in TOURS.items()]
        kernel.table(rows, right=(1,))
        walk = Tour.walk
        if walk:
            print(f"You are at station {walk.next} of {len(walk.tour.stations)} of {walk.name}.")

    @staticmethod
    def set_scene(name):
        """Run up to where the program chooses its next scene, and choose."""
        if not user_symbols.file_of(PROGRAM):
            raise Failure(f"{PROGRAM} was not built: make")
        stop = Stop({"at": "tour:choose_scene"}, {})
        if not stop.run():
            raise Failure("stopped before the program of the tours came to its next scene")
        symbol = TOURS[name].symbol
        if symbol and not gdb.lookup_global_symbol(symbol):
            raise Failure(f"the tour {name} wants the extension {TOURS[name].extension}, which this "
                          "kernel was built without")
        if kernel.cpu_count() < TOURS[name].cpus:
            raise Failure(f"the tour {name} wants {TOURS[name].cpus} CPUs: "
                          f"make gdb CPUS={TOURS[name].cpus}")
        # Its page is there and the process's own: main() has written to it.  In a replay nothing is
        # to be written; the recorded run plays one scene.
        wanted = list(TOURS).index(name)
        if int(gdb.parse_and_eval("scene")) != wanted:
            gdb.execute(f"set var scene = {wanted}")

    def words(self, kind, before):
        return [] if before else list(TOURS)


class Exercise(kernel.Command):
    """heddle-exercise [on|off]: whether next-station asks for a prediction before it goes on.

Not every station has a question.  predict ANSWER answers it; the machine itself says what is right."""
    name, usage, needs = "exercise", "[on|off]", ""
    on = False

    def run(self, arguments):
        if arguments and arguments[0] not in ("on", "off"):
            self.bad_usage()
        if arguments:
            Exercise.on = arguments[0] == "on"
        if not Exercise.on and Tour.walk:
            Tour.walk.question = None
        print("next-station asks for a prediction first; predict ANSWER answers." if Exercise.on
              else "next-station does not ask; heddle-exercise on: it asks for predictions.")

    def words(self, kind, before):
        return [] if before else ["on", "off"]


class Predict(kernel.Command):
    """predict ANSWER: answer the question of next-station, and go on (heddle-exercise on).

`predict ?` goes on without an answer."""
    prefix, name, usage, needs, moves = "", "predict", "ANSWER", "", True

    def run(self, arguments):
        if not Tour.walk or not Tour.walk.question:
            raise Failure("there is no question now: next-station asks after heddle-exercise on")
        Tour.walk.question.take(arguments[0])
        Tour.walk.go(answered=True)


class PreviousStation(kernel.Command):
    """previous-station: what the station before this one printed.  The machine stays where it is.

next-station comes forward again, and lets the machine run only from its newest station."""
    prefix, name, needs = "", "previous-station", ""

    def run(self, arguments):
        if not Tour.walk:
            raise Failure(f"you are on no tour; {LIST}")
        Tour.walk.look_back()


class NextStation(kernel.Command):
    """next-station: go on to the next station of the tour (heddle-tour)."""
    prefix, name, needs, moves = "", "next-station", "", True

    def run(self, arguments):
        if not Tour.walk:
            raise Failure(f"you are on no tour; {LIST}")
        Tour.walk.go()


Tour()
NextStation()
PreviousStation()
Exercise()
Predict()
