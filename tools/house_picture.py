# SPDX-License-Identifier: MIT
"""Draws the house of tools/house.py as SVG: floors as rows, rooms as boxes, references as arrows.

A column for each layer, the ground below.  An arrow says that a room refers to symbols of another
one.  Left out are arrows that a way over other rooms implies, unless they are of STRONG symbols or
more.  Arrows to the next box of a column are straight; others run in a lane between the columns.
The same objects give the same picture."""
import html
import math
import re

import house as plan

COLUMNS = {plan.BASE: 0, plan.CORE: 1, plan.EXTENSION: 2}
TITLES = {plan.BASE: ("base", "what it takes to run one"),
          plan.CORE: ("core", "what a process and a thread are"),
          plan.EXTENSION: ("extensions", "what may be left out")}
STRONG = 15
WIDTH, TALL, ROW = 216, 42, 62  # of a box; of a floor
BETWEEN, LANE, LEFT, TOP = 84, 9, 16, 84
LISTED = 15  # height of a line that names a room inside a box

STYLE = """text{font-family:Helvetica,Arial,sans-serif;fill:#222}
.name{font-size:14px;font-weight:bold}.what,.small{font-size:11px;fill:#555}
.lines{font-size:12px;text-anchor:end}.small.lines{font-size:11px}
.head{font-size:16px;font-weight:bold;text-anchor:middle}
.under{font-size:12px;fill:#555;text-anchor:middle}
rect{stroke-width:1.2}.base rect{fill:#dbe8f4;stroke:#5b84ab}.core rect{fill:#fde3b4;stroke:#b97a1a}
.extensions rect{fill:#e9e9e9;stroke:#8c8c8c}
.arrow,.halo,.floor{fill:none;stroke:#5f6672;stroke-linejoin:round}.halo{stroke:#fff;stroke-width:5}
.up{stroke:#d00}.arrow:hover{stroke:#06c}.floor{stroke:#e4e4e4}.pointer{fill:#b97a1a}
.tip{fill:#5f6672}.tipup{fill:#d00}.page{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6e8ec}.what,.small,.under{fill:#a3aab5}.page{fill:#14161a}
.base rect{fill:#1d3a56}.core rect{fill:#553c10}.extensions rect{fill:#2b2f36}.halo{stroke:#14161a}
.arrow,.floor{stroke:#8a919c}.floor{stroke:#333842}.tip{fill:#8a919c}}"""

LEGEND = ("Arrow: refers to symbols of; the thicker, the more. A room refers downward only. "
          "Not drawn: arrows that others imply, probes.",
          "Numbers: lines of code. Beside a triangle: pointers to functions that rooms above set.")


def box_of(path):
    return plan.place(path)[1]


def rounded(lines):
    """To hundreds, small numbers to tens: the picture is not drawn anew for a line."""
    return round(lines, -2 if lines >= 500 else -1)


class Box:
    def __init__(self, prefix, floor, house):
        self.prefix, self.floor = prefix, floor
        self.layer, self.what = plan.FLOORS[floor][prefix]
        self.column = COLUMNS[self.layer]
        self.name = re.sub(r"^arch/x86_64/", "arch/", prefix).rstrip("/.")
        inside = {}
        for f, n in house.lines.items():
            if box_of(f) == prefix:
                inside[plan.room(f)] = inside.get(plan.room(f), 0) + n
        self.lines = sum(inside.values())
        self.pointers = sum(p.count for p in house.handed_down[0] if box_of(p.file) == prefix)
        # Rooms by name where the box is a folder of several.
        self.rooms = sorted((room[len(prefix):], n) for room, n in inside.items()
                            if room.startswith(prefix))
        self.tall = TALL + (len(self.rooms) * LISTED + 5 if self.rooms else 0)
        self.x = LEFT + BETWEEN // 2 + self.column * (WIDTH + BETWEEN)
        self.y = 0

    @property
    def middle(self):
        return self.x + WIDTH / 2


def boxes(house):
    """{prefix: Box} with their places, and the height of all."""
    found = {}
    y = TOP
    for floor in range(len(plan.FLOORS) - 1, -1, -1):
        row = [Box(prefix, floor, house) for prefix, (layer, _) in plan.FLOORS[floor].items()
               if layer]
        for box in row:
            box.y = y
            found[box.prefix] = box
        y += ROW + max(box.tall for box in row) - TALL
    return found, y


def references(house, places):
    """{(from, to): number of symbols}"""
    return {(start, end): len(symbols) for start, ends in house.arrows(box_of).items()
            for end, symbols in ends.items() if start in places and end in places}


def drawn(found, places):
    """The arrows to draw: upward, strong, or not implied by a way over other boxes."""
    below = {}
    for start, end in found:
        if places[start].floor > places[end].floor:
            below.setdefault(start, set()).add(end)
    reached = {}

    def reach(box):
        if box not in reached:
            reached[box] = set().union(*({end} | reach(end) for end in below.get(box, ())))
        return reached[box]

    return {(start, end): n for (start, end), n in found.items()
            if end not in below.get(start, ()) or n >= STRONG
            or not any(end in reach(other) for other in below[start] if other != end)}


class Way:
    """Of one arrow: its boxes, and the gutter between columns that it runs in; None: straight."""

    def __init__(self, start, end, symbols, gutter):
        self.start, self.end, self.symbols, self.gutter = start, end, symbols, gutter
        self.upward = start.floor < end.floor
        # Arrows that reach one box from one gutter share their lane and their tip.
        self.bus = (gutter, end.prefix, self.upward)

    def side(self, box):
        return "left" if self.gutter <= box.column else "right"


def is_straight(start, end, places):
    """Nothing stands between the two in their column."""
    low, high = sorted((start.floor, end.floor))
    return start.column == end.column and not any(
        box.column == start.column and low < box.floor < high for box in places.values())


def gutters(start, end, places):
    """Gutters that the arrow may run in, the best first; 0 is left of the base.  From a gutter that
    is not beside a box its row must be free of others."""
    left, right = sorted((start.column, end.column))
    if left == right:
        return [right + 1, right]
    if right - left == 1:
        return [right]
    free = not any(box.floor == end.floor and box.column == 1 for box in places.values())
    near, far = (start, end) if free else (end, start)
    return [near.column + (near.column < far.column)]


class Lanes:
    """Who runs where in the gutters."""

    def __init__(self):
        self.taken = {}  # (gutter, lane): [(top, bottom, bus)]
        self.chosen = {}  # bus: lane

    def first_free(self, gutter, top, bottom):
        lane = 0
        while any(top <= b and t <= bottom for t, b, _ in self.taken.get((gutter, lane), ())):
            lane += 1
        return lane

    def take(self, bus, top, bottom):
        self.chosen[bus] = lane = self.first_free(bus[0], top, bottom)
        self.taken.setdefault((bus[0], lane), []).append((top, bottom, bus))

    def x(self, bus):
        """Lanes fill their gutter from the middle outwards."""
        lane = self.chosen[bus]
        return LEFT + bus[0] * (WIDTH + BETWEEN) + (lane + 1) // 2 * (LANE if lane % 2 else -LANE)


def plan_ways(found, places):
    """[Way], and the lanes of their buses.  Short ways choose first."""
    ways, lanes = [], Lanes()
    for start, end in sorted(found, key=lambda a: (abs(places[a[0]].y - places[a[1]].y), a)):
        a, b = places[start], places[end]
        options = [None] if is_straight(a, b, places) else gutters(a, b, places)
        if len(options) > 1:
            top, bottom = sorted((a.y, b.y))
            load = {g: sum(1 for w in ways if w.gutter == g and top <= max(w.start.y, w.end.y)
                           and min(w.start.y, w.end.y) <= bottom) for g in options}
            options.sort(key=lambda g: load[g])
        ways.append(Way(a, b, found[start, end], options[0]))
    buses = {}
    for way in ways:
        if way.gutter is not None:
            heights = buses.setdefault(way.bus, [])
            heights += [way.start.y, way.start.y + TALL, way.end.y, way.end.y + TALL]
    for bus in sorted(buses, key=lambda b: (max(buses[b]) - min(buses[b]), b)):
        lanes.take(bus, min(buses[bus]), max(buses[bus]))
    return ways, lanes


def plan_tips(ways):
    """{(box, side, way or bus): y}: the ends on a box's side, in the order of where they lead."""
    sides = {}
    for way in ways:
        if way.gutter is not None:
            sides.setdefault((way.start.prefix, way.side(way.start)), {})[way] = way.end.y
            sides.setdefault((way.end.prefix, way.side(way.end)), {})[way.bus] = way.start.y
    tips = {}
    boxes_by_name = {box.prefix: box for way in ways for box in (way.start, way.end)}
    for (prefix, side), ends in sides.items():
        box = boxes_by_name[prefix]
        step = min(8, (box.tall - 8) / len(ends))
        order = sorted(ends, key=lambda e: (ends[e], e.bus if isinstance(e, Way) else e))
        for i, end in enumerate(order):
            tips[prefix, side, end] = box.y + box.tall / 2 + (i - (len(ends) - 1) / 2) * step
    return tips


def route(way, lanes, tips):
    if way.gutter is None:
        a, b = (way.start.y + way.start.tall, way.end.y - 1) if way.start.y < way.end.y else \
            (way.start.y, way.end.y + way.end.tall + 1)
        return f"M{way.start.middle:g} {a:g}V{b:g}"
    ends = []
    for box, key, off in (way.start, way, 0), (way.end, way.bus, 1):
        side = way.side(box)
        ends.append((box.x - off if side == "left" else box.x + WIDTH + off,
                     tips[box.prefix, side, key]))
    (x1, y1), (x2, y2) = ends
    return f"M{x1:g} {y1:.1f}H{lanes.x(way.bus):g}V{y2:.1f}H{x2:g}"


def arrows(found, places):
    ways, lanes = plan_ways(found, places)
    tips = plan_tips(ways)
    # A white edge shows which arrows cross; those of one bus join.
    buses = {}
    for way in ways:
        buses.setdefault(way.bus if way.gutter is not None else way, []).append(
            (way, route(way, lanes, tips)))
    for bus in buses.values():
        for way, d in bus:
            yield f'<path class="halo" d="{d}"/>'
        for way, d in bus:
            up = "up" if way.upward else ""
            yield f'<path class="arrow {up}" d="{d}" stroke-width="{thickness(way.symbols):.1f}" ' \
                  f'marker-end="url(#tip{up})"><title>{way.start.name} refers to {way.symbols} ' \
                  f'symbols of {way.end.name}</title></path>'


def thickness(symbols):
    return 1 + math.log2(symbols) / 2.5


def text(kind, x, y, words):
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{html.escape(str(words))}</text>'


def draw_box(box):
    yield f'<g class="{box.layer}"><rect x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" ' \
          f'height="{box.tall}" rx="4"/>'
    yield text("name", box.x + 8, box.y + 18, box.name)
    yield text("lines", box.x + WIDTH - 8, box.y + 18, f"{rounded(box.lines):,}")
    yield text("what", box.x + 8, box.y + 34, box.what)
    if box.pointers:
        x, y = box.x + WIDTH - 8, box.y + 34
        yield f'<path class="pointer" d="M{x - 20:g} {y:g}l4 -8l4 8z"/>'
        yield text("small lines", x, y, box.pointers)
    for i, (room, lines) in enumerate(box.rooms):
        y = box.y + TALL + 8 + i * LISTED
        yield text("small", box.x + 16, y, room)
        yield text("small lines", box.x + WIDTH - 8, y, f"{rounded(lines):,}")
    yield "</g>"


def marker(name):
    return (f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path class="{name}" d="M0 0L8 4L0 8z"/></marker>')


def picture(house):
    places, bottom = boxes(house)
    found = drawn(references(house, places), places)
    width, height = LEFT * 2 + 3 * (WIDTH + BETWEEN), bottom + 36
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           f'width="{width}" height="{height}">', f"<style>{STYLE}</style>",
           f'<defs>{marker("tip")}{marker("tipup")}</defs>',
           f'<rect class="page" width="{width}" height="{height}"/>']
    for layer, column in COLUMNS.items():
        x = LEFT + BETWEEN / 2 + column * (WIDTH + BETWEEN) + WIDTH / 2
        lines = sum(box.lines for box in places.values() if box.layer == layer)
        out.append(text("head", x, 30, f"{TITLES[layer][0]}: {rounded(lines):,} lines"))
        out.append(text("under", x, 50, TITLES[layer][1]))
    for y in sorted({box.y for box in places.values()}):
        out.append(f'<path class="floor" d="M{LEFT} {y - (ROW - TALL) / 2:g}H{width - LEFT}"/>')
    out += arrows(found, places)
    for prefix in sorted(places, key=lambda p: (places[p].y, places[p].x)):
        out += draw_box(places[prefix])
    out += [text("what", LEFT + BETWEEN / 2, bottom + 8 + 16 * i, line)
            for i, line in enumerate(LEGEND)]
    return "\n".join(out) + "\n</svg>\n"


PAGE, PICTURE = plan.ROOT / "docs/house.md", plan.ROOT / "docs/house.svg"
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.S)


def figure(house, name):
    return rounded(house.figure(name)) if name.startswith("lines") else house.figure(name)


def figures(house):
    """The page's table of budgets."""
    rows = [f"| {name} | {figure(house, name):,} | {budget.limit:,} | {budget.goal:,} |\n"
            for name, budget in plan.BUDGETS.items()]
    return "| | today | limit | goal |\n|---|---|---|---|\n" + "".join(rows)


def write(house):
    PICTURE.write_text(picture(house), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(FIGURES.sub(lambda _: figures(house), page), encoding="utf-8")


def content(svg):
    """What a picture says: ({box or room: lines}, {arrow: symbols}, {box: pointers})."""
    boxes, pointers, name = {}, {}, None
    for kind, words in re.findall(r'<text class="([^"]*)"[^>]*>([^<]*)</text>', svg):
        if kind in ("name", "small"):
            name = words
        elif kind == "lines" or kind == "small lines" and name not in boxes:
            boxes[name] = int(words.replace(",", ""))
        elif kind == "small lines":
            pointers[name] = int(words)
    found = {(a, b): int(n) for a, n, b in
             re.findall(r"<title>(\S+) refers to (\d+) symbols of (\S+)</title>", svg)}
    return boxes, found, pointers
