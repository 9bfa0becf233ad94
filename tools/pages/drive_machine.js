/* SPDX-License-Identifier: MIT
 *
 * Lab drive in a browser: runs the programs of levels and searches all their schedules.
 *
 * The same as machine.c, solve.c and say.c in user/labs/drive, with the same order of search;
 * tests/system/test_drive.py compares both on every level.
 */
"use strict";

const Drive = (() => {
  const {MAX, CALLS} = DriveLevels;
  const byte = (value) => (value << 24) >> 24; // 8 bits and a sign

  // --- the machine -------------------------------------------------------------------------------

  const ASSERTION = 1, NOT_OWNER = 2, OUT_OF_RANGE = 3;
  const OBJECTS = new Set(Object.keys(CALLS).filter((c) => CALLS[c] && CALLS[c] !== "="));
  const copy = (s) => ({...s, at: [...s.at], asleep: [...s.asleep], rank: [...s.rank],
                        relock: [...s.relock], cells: [...s.cells]});
  const key = (s) => [s.at, s.asleep, s.rank, s.relock, s.failed, s.why, s.cells].join(";");

  function begin(level) {
    const zeros = () => level.threads.map(() => 0);
    const cells = Array(level.cells).fill(0);
    for (const name of level.names)
      if (name.kind !== "barrier")
        name.start.forEach((v, i) => { if (i < name.count) cells[name.cell + i] = v; });
    return {at: zeros(), asleep: zeros(), rank: zeros(), relock: zeros(), failed: 0, why: 0, cells};
  }

  const hasEnded = (level, s, t) => s.at[t] === level.threads[t].lines.length;
  const nextLine = (level, s, t) => level.threads[t].lines[s.at[t]];

  function canRun(level, s, t) {
    if (s.failed || hasEnded(level, s, t) || s.asleep[t]) return false;
    if (s.relock[t]) return s.cells[level.names[s.relock[t] - 1].cell] === 0;
    const line = nextLine(level, s, t);
    if (!OBJECTS.has(line.op)) return true;
    const cell = level.names[line.target].cell;
    switch (line.op) {
    case "lock": case "read_lock": return s.cells[cell] === 0;
    case "write_lock": return s.cells[cell] === 0 && s.cells[cell + 1] === 0;
    case "sem_wait": return s.cells[cell] > 0;
    default: return true;
    }
  }

  const all = (level) => level.threads.map((_, t) => t);
  const isOver = (level, s) => !all(level).some((t) => canRun(level, s, t));
  const isStuck = (level, s) => !s.failed && isOver(level, s) &&
                                all(level).some((t) => !hasEnded(level, s, t));

  // Thrown by an expression whose index is out of range, and by % 0.
  const BAD = {};

  function address(level, s, node) {
    const name = level.names[node.name], index = node.index ? evaluate(level, s, node.index) : 0;
    if (index < 0 || index >= name.count) throw BAD;
    return name.cell + index;
  }

  function atomic(level, s, node) {
    if (node.op === "trylock") {
      const cell = level.names[node.name].cell, free = s.cells[cell] === 0;
      if (free) s.cells[cell] = 1 + node.thread;
      return Number(free);
    }
    const cell = address(level, s, node.target), left = evaluate(level, s, node.left);
    const right = node.op === "cas" ? evaluate(level, s, node.right) : 0, before = s.cells[cell];
    if (node.op === "add") s.cells[cell] = byte(before + left);
    else if (node.op === "swap") s.cells[cell] = left;
    else if (before === left) s.cells[cell] = right;
    return node.op === "cas" ? Number(before === left) : before;
  }

  function evaluate(level, s, node) {
    const value = (n) => evaluate(level, s, n);
    switch (node.op) {
    case "number": return node.value;
    case "cell": return s.cells[address(level, s, node)];
    case "critical":
      return all(level).filter((t) => !hasEnded(level, s, t) &&
                                      nextLine(level, s, t).op === "critical").length;
    case "ended": return all(level).filter((t) => hasEnded(level, s, t)).length;
    case "stuck": return Number(isStuck(level, s));
    case "over": return Number(isOver(level, s));
    case "failed": return Number(s.failed !== 0);
    case "!": return Number(!value(node.left));
    case "negative": return byte(-value(node.left));
    case "||": return Number(value(node.left) !== 0 || value(node.right) !== 0);
    case "&&": return Number(value(node.left) !== 0 && value(node.right) !== 0);
    case "cas": case "add": case "swap": case "trylock": return atomic(level, s, node);
    }
    const left = value(node.left), right = value(node.right);
    switch (node.op) {
    case "==": return Number(left === right);
    case "!=": return Number(left !== right);
    case "<": return Number(left < right);
    case "<=": return Number(left <= right);
    case ">": return Number(left > right);
    case ">=": return Number(left >= right);
    case "+": return byte(left + right);
    case "-": return byte(left - right);
    case "*": return byte(left * right);
    }
    if (right === 0) throw BAD;
    return byte(left % right);
  }

  function goalHolds(level, s) {
    try {
      return level.goal !== null && evaluate(level, s, level.goal) !== 0;
    } catch (error) {
      if (error !== BAD) throw error;
      return false;
    }
  }

  function goTo(level, s, t, line) {
    const lines = level.threads[t].lines;
    while (line < lines.length && (lines[line].op === "else" || lines[line].op === "close"))
      line = lines[line].to;
    s.at[t] = line;
  }

  function fail(s, t, why) {
    s.failed = 1 + t;
    s.why = why;
  }

  function sleepOn(s, t, object) {
    s.rank[t] = 1 + s.asleep.filter((o) => o === 1 + object).length;
    s.asleep[t] = 1 + object;
  }

  function wakeOne(level, s, object) {
    let first = -1;
    for (const t of all(level))
      if (s.asleep[t] === 1 + object && s.rank[t]-- === 1) first = t;
    if (first < 0) return false;
    s.asleep[first] = s.rank[first] = 0;
    if (!s.relock[first]) goTo(level, s, first, s.at[first] + 1);
    return true;
  }

  function useObject(level, s, t, line) {
    const name = level.names[line.target], cell = name.cell, cells = s.cells;
    const release = () => {
      if (cells[cell] !== 1 + t) fail(s, t, NOT_OWNER);
      else cells[cell] = 0;
    };
    switch (line.op) {
    case "lock": case "write_lock": cells[cell] = 1 + t; break;
    case "unlock": case "write_unlock": release(); break;
    case "wait":
      if (line.second >= 0) {
        const lock = level.names[line.second].cell;
        if (cells[lock] !== 1 + t) { fail(s, t, NOT_OWNER); return; }
        cells[lock] = 0;
        s.relock[t] = 1 + line.second;
      }
      sleepOn(s, t, line.target);
      return;
    case "signal": wakeOne(level, s, line.target); break;
    case "broadcast": while (wakeOne(level, s, line.target)); break;
    case "sem_wait": cells[cell]--; break;
    case "sem_post":
      if (cells[cell] === 127) fail(s, t, OUT_OF_RANGE);
      else cells[cell]++;
      break;
    case "barrier_wait":
      if (++cells[cell] < name.start[0]) { sleepOn(s, t, line.target); return; }
      cells[cell] = 0;
      while (wakeOne(level, s, line.target));
      break;
    case "read_lock": cells[cell + 1] |= 1 << t; break;
    case "read_unlock":
      if (!(cells[cell + 1] >> t & 1)) fail(s, t, NOT_OWNER);
      cells[cell + 1] &= ~(1 << t);
      break;
    }
    if (!s.failed) goTo(level, s, t, s.at[t] + 1);
  }

  function plainStep(level, s, t, line) {
    const value = line.expr ? evaluate(level, s, line.expr) : 0, next = s.at[t] + 1;
    const end = level.threads[t].lines.length;
    switch (line.op) {
    case "assign": s.cells[address(level, s, line.target)] = value; return next;
    case "if": case "while": return value ? next : line.to;
    case "spin": return value ? s.at[t] : next;
    case "break": return line.to;
    case "break if": return value ? line.to : next;
    case "return": return end;
    case "return if": return value ? end : next;
    case "assert": if (!value) fail(s, t, ASSERTION); return next;
    default: return next;
    }
  }

  // The state after thread t has run its next line.
  function step(level, before, t) {
    const s = copy(before), line = nextLine(level, s, t);
    if (s.relock[t]) {
      s.cells[level.names[s.relock[t] - 1].cell] = 1 + t;
      s.relock[t] = 0;
      goTo(level, s, t, s.at[t] + 1);
    } else if (OBJECTS.has(line.op)) {
      useObject(level, s, t, line);
    } else {
      try {
        const next = plainStep(level, s, t, line);
        if (!s.failed) goTo(level, s, t, next);
      } catch (error) {
        if (error !== BAD) throw error;
        fail(s, t, OUT_OF_RANGE);
      }
    }
    return s;
  }

  // --- a schedule: {states: [...], schedule: "ABA"} ----------------------------------------------

  const start = (level) => ({schedule: "", states: [begin(level)]});
  const current = (h) => h.states[h.states.length - 1];
  const runnable = (level, s) => all(level).reduce((set, t) => set | canRun(level, s, t) << t, 0);
  const isFair = (level, s, ran, could) =>
    all(level).every((t) => hasEnded(level, s, t) || ran >> t & 1 || !(could >> t & 1));

  function play(level, h, t) {
    return {schedule: h.schedule + String.fromCharCode(65 + t),
            states: [...h.states, step(level, current(h), t)]};
  }

  function goalReached(level, h) {
    const s = current(h);
    if (level.forEver < 0) return goalHolds(level, s);
    let ran = 0, could = 0;
    for (let i = h.schedule.length - 1; i >= 0; i--) {
      ran |= 1 << (h.schedule.charCodeAt(i) - 65);
      could |= runnable(level, h.states[i]);
      if (key(s) === key(h.states[i]) && !hasEnded(level, s, level.forEver) &&
          isFair(level, s, ran, could)) return true;
    }
    return false;
  }

  // --- the search --------------------------------------------------------------------------------

  function movesTo(seen, i) {
    let moves = "";
    for (; seen[i].from >= 0; i = seen[i].from) moves = seen[i].move + moves;
    return moves;
  }

  class Search {
    constructor(level) {
      this.level = level;
      this.seen = [];
      this.index = new Map();
    }

    add(entry) {
      const k = `${key(entry.state)}|${entry.ran}|${entry.could}`;
      if (this.index.has(k)) return this.index.get(k);
      if (this.seen.length === MAX.states) return -1;
      this.index.set(k, this.seen.length);
      this.seen.push(entry);
      return this.seen.length - 1;
    }

    after(i, t) {
      const e = this.seen[i];
      return {state: step(this.level, e.state, t), ran: e.ran, could: e.could,
              move: String.fromCharCode(65 + t), from: i, depth: e.depth + 1};
    }
  }

  const first = (state, ran = 0, could = 0) => ({state, ran, could, move: "", from: -1, depth: 0});

  // A shortest way from `from` to the state `target` that makes a fair loop, or "".
  function closeLoop(level, from, target, limit, found) {
    const search = new Search(level), goal = key(target);
    search.add(from);
    for (let i = 0; i < search.seen.length && search.seen[i].depth < limit; i++) {
      const could = runnable(level, search.seen[i].state);
      for (const t of all(level)) {
        if (!(could >> t & 1)) continue;
        const entry = search.after(i, t);
        entry.ran |= 1 << t;
        entry.could |= could;
        const index = search.add(entry);
        if (++found.work > MAX.work || index < 0) {
          found.complete = false;
          return "";
        }
        if (key(entry.state) === goal && isFair(level, entry.state, entry.ran, entry.could))
          return movesTo(search.seen, index);
      }
    }
    return "";
  }

  function better(found, moves) {
    found.found = true;
    found.moves = moves;
  }

  function loopsOfHistory(level, h, found) {
    let ran = 0, could = 0;
    for (let i = h.schedule.length - 1; i >= 0; i--) {
      ran |= 1 << (h.schedule.charCodeAt(i) - 65);
      could |= runnable(level, h.states[i]);
      if (hasEnded(level, h.states[i], level.forEver)) continue;
      const limit = found.found ? found.moves.length - 1 : MAX.moves - h.schedule.length;
      const moves = closeLoop(level, first(current(h), ran, could), h.states[i], limit, found);
      if (moves) better(found, moves);
    }
  }

  function searchStates(search, h, found) {
    const level = search.level;
    search.add(first(current(h)));
    for (let i = 0; i < search.seen.length; i++) {
      if (goalHolds(level, search.seen[i].state)) {
        const moves = movesTo(search.seen, i);
        if (moves.length <= MAX.moves - h.schedule.length) better(found, moves);
        else found.complete = false;
        break;
      }
      for (const t of all(level)) {
        if (canRun(level, search.seen[i].state, t) && search.add(search.after(i, t)) < 0) {
          found.complete = false;
          found.states = search.seen.length;
          return;
        }
      }
    }
    found.states = search.seen.length;
  }

  // {found, complete, states, moves}: a shortest schedule from here to the goal.
  function solveFrom(level, h) {
    const found = {found: false, complete: true, states: 1, moves: "", work: 0};
    if (goalReached(level, h)) {
      found.found = true;
      return found;
    }
    const search = new Search(level);
    searchStates(search, h, found);
    if (level.forEver < 0) return found;
    loopsOfHistory(level, h, found);
    for (let i = 0; i < search.seen.length; i++) {
      const e = search.seen[i];
      const limit = (found.found ? found.moves.length - 1 : MAX.moves - h.schedule.length) - e.depth;
      if (limit <= 0) break;
      if (hasEnded(level, e.state, level.forEver)) continue;
      const moves = closeLoop(level, first(e.state), e.state, limit, found);
      if (moves) better(found, movesTo(search.seen, i) + moves);
    }
    return found;
  }

  const solve = (level) => solveFrom(level, start(level));

  // --- in words ----------------------------------------------------------------------------------

  // Every number of a state, as `lab drive --states` prints them.
  function stateText(level, s) {
    return all(level).map((t) => `${level.threads[t].name} ${s.at[t]} ${s.asleep[t]} ${s.rank[t]} ` +
                                 `${s.relock[t]}${canRun(level, s, t) ? "+" : ""}`).join(" ") +
      ` failed ${s.failed} ${s.why} cells ${s.cells.join(" ")}` +
      (isOver(level, s) ? " over" : "") + (isStuck(level, s) ? " stuck" : "");
  }

  function statesText(level, schedule) {
    let h = start(level);
    const lines = [stateText(level, current(h)) + (goalReached(level, h) ? " goal" : "")];
    for (const c of schedule) {
      const t = c.charCodeAt(0) - 65;
      if (canRun(level, current(h), t) && h.schedule.length < MAX.moves) h = play(level, h, t);
      lines.push(stateText(level, current(h)) + (goalReached(level, h) ? " goal" : ""));
    }
    return lines;
  }

  const values = (name, s) =>
    `${name.text} = ${s.cells.slice(name.cell, name.cell + name.count).join(" ")}`;
  const letter = (t) => String.fromCharCode(65 + t);

  function objectText(level, s, name, i) {
    const cell = s.cells[name.cell], asleep = s.asleep.filter((o) => o === 1 + i).length;
    switch (name.kind) {
    case "lock": return `${name.text}: ${cell ? letter(cell - 1) : "free"}`;
    case "barrier": return `${name.text}: ${asleep} of ${name.start[0]}`;
    case "condition": return `${name.text}: ${asleep} asleep`;
    case "rwlock": {
      const readers = all(level).filter((t) => s.cells[name.cell + 1] >> t & 1).map(letter);
      return `${name.text}: ${cell ? `${letter(cell - 1)} writes`
        : readers.length ? `${readers.join(" ")} read${readers.length > 1 ? "" : "s"}` : "free"}`;
    }
    default: return values(name, s);
    }
  }

  const memory = (level, s) => level.names.map((n, i) => [n, i]).filter(([n]) => n.kind !== "local")
    .map(([n, i]) => objectText(level, s, n, i));
  const locals = (level, s) => level.names.filter((n) => n.kind === "local")
    .map((n) => `${letter(n.thread)}.${values(n, s)}`);

  function whyNot(level, s, t) {
    const name = level.threads[t].name;
    if (s.failed) return "The program has failed. Undo or restart.";
    if (hasEnded(level, s, t)) return `Thread ${name} has ended.`;
    const object = level.names[(s.asleep[t] || s.relock[t] || nextLine(level, s, t).target + 1) - 1];
    if (s.asleep[t])
      return `Thread ${name} ${object.kind === "barrier" ? "waits at barrier" : "sleeps on condition"} ` +
             `${object.text}.`;
    if (object.kind === "lock")
      return `Thread ${name} waits for lock ${object.text}, which ${letter(s.cells[object.cell] - 1)} holds.`;
    return `Thread ${name} waits for ${object.text}.`;
  }

  const WHYS = ["", "the condition of assert() is false", "it does not hold what it releases",
                "an index or a value is out of range"];

  function outcome(level, h) {
    const s = current(h), count = level.threads.length;
    const waiting = all(level).filter((t) => !hasEnded(level, s, t)).length;
    if (s.failed)
      return `Thread ${letter(s.failed - 1)} failed at ${nextLine(level, s, s.failed - 1).text}: ` +
             `${WHYS[s.why]}.`;
    if (isStuck(level, s))
      return `${waiting} of ${count} threads ` +
             `${s.asleep.filter((o) => o).length === waiting ? "sleep" : "wait"} for ever.`;
    if (level.forEver >= 0 && goalReached(level, h))
      return "The program was in this state before: it can go on like this for ever.";
    if (isOver(level, s)) return "All threads have ended.";
    return `${waiting} of ${count} threads have not ended.`;
  }

  const points = (tries, best) =>
    Math.max(1, 10 - (tries.moves - best) - tries.hints - 5 * tries.wrong);

  return {start, current, play, canRun, hasEnded, isOver, goalReached, solve,
          solveFrom, statesText, memory, locals, whyNot, outcome, points};
})();
