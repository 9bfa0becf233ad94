# SPDX-License-Identifier: MIT
"""Guided tours: heddle-tour NAME, and next-station from one station to the next (tours.py)."""
import re
import textwrap

import gdb

import commands_switch
import elf
import kernel
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


class Walk:
    """A tour that somebody is on."""

    def __init__(self, name):
        self.name, self.tour, self.next, self.facts = name, TOURS[name], 0, {}
        self.left = None  # where the last station left the CPU

    @staticmethod
    def here():
        return gdb.selected_thread().num, kernel.register_u64("rip"), kernel.register_u64("rsp")

    def go(self):
        if self.next == len(self.tour.stations):
            raise Failure(f"the tour {self.name} has ended; {LIST}")
        if "by" in self.tour.stations[self.next] and self.here() != self.left:
            while "by" in self.tour.stations[self.next]:
                self.next -= 1
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
        commands = 0
        while True:
            print(f"(gdb) {station['by']}")
            gdb.execute(station["by"], to_string=True)
            frame = gdb.newest_frame()
            symtab = frame.find_sal().symtab
            if frame.type() != gdb.NORMAL_FRAME or not symtab or symtab.filename[-2:] != ".S":
                print(gdb.execute("x/i $pc", to_string=True).rstrip())
            commands += 1
            if "until" not in station or holds(station["until"]):
                break
            if commands == STEPS_MAX:
                raise Failure(f"{STEPS_MAX} times {station['by']} did not lead to the station")
        return station.get("thread") in (None, kernel.standing().name)

    def say(self, station):
        cpu = kernel.selected_cpu()
        for name, expression in station.get("facts", {}).items():
            value = int(gdb.parse_and_eval(expression.format(cpu=cpu, **self.facts)))
            self.facts[name] = value if value < 1 << 16 else hex(value)  # a number, or an address
        facts = dict(self.facts, cpu=cpu)
        count = len(self.tour.stations)
        print(f"\n--- {self.name}, station {self.next} of {count} " + "-" * 40)
        print(textwrap.fill(station["text"].format(**facts), 78))
        print()
        gdb.execute("frame")
        for command in station.get("show", ()):
            command = command.format(**facts)
            print(f"(gdb) {command}")
            try:
                print(gdb.execute(command, to_string=True).rstrip("\n"))
            except gdb.error as error:
                print(f"heddle: {error}")
        self.left = self.here()
        print("\n" + (f"next-station goes on to {self.next + 1} of {count}." if self.next < count
                      else f"That was the tour {self.name}; {LIST}."))


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
            raise Failure(f"no tour {name}: there are {', '.join(TOURS)}")
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


class NextStation(kernel.Command):
    """next-station: go on to the next station of the tour (heddle-tour)."""
    prefix, name, needs, moves = "", "next-station", "", True

    def run(self, arguments):
        if not Tour.walk:
            raise Failure(f"you are on no tour; {LIST}")
        Tour.walk.go()


Tour()
NextStation()
