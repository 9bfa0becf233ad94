/* SPDX-License-Identifier: MIT
 *
 * Lab drive in a browser: play.  The constants DRIVE_TEXT (the built-in levels) and DRIVE_STYLE are in
 * the page; the same keys as in the lab (user/labs/drive/play.c).
 */
"use strict";

const DrivePage = (() => {
  const STORE = "heddle-drive";
  const element = (tag, options = {}, ...children) => {
    const e = Object.assign(document.createElement(tag), options);
    e.append(...children);
    return e;
  };

  let levels, index, history, solved, asked, message;
  let tries = new Map(), solutions = new Map(), progress = {}, keeps = true;
  const parts = {};

  const level = () => levels[index];
  const id = (l) => `${l.name} ${l.checksum.toString(16)}`;

  // --- progress: in this browser -----------------------------------------------------------------

  function load() {
    try {
      progress = JSON.parse(localStorage.getItem(STORE)) || {};
    } catch {
      progress = {};
      keeps = false;
    }
  }

  function save() {
    try {
      // Another window may have solved other levels meanwhile.
      const stored = JSON.parse(localStorage.getItem(STORE)) || {};
      localStorage.setItem(STORE, JSON.stringify({...stored, ...progress}));
      keeps = true;
    } catch {
      keeps = false;
    }
  }

  function solution(l) {
    if (!solutions.has(l)) solutions.set(l, Drive.solve(l));
    return solutions.get(l);
  }

  const triesOf = (l) => {
    if (!tries.has(l)) tries.set(l, {hints: 0, wrong: 0});
    return tries.get(l);
  };
  const pointsOf = (l) => progress[id(l)] ? Drive.points(progress[id(l)], solution(l).moves.length) : 0;
  const allPoints = () => levels.reduce((sum, l) => sum + pointsOf(l), 0);

  // --- moves -------------------------------------------------------------------------------------

  function restart() {
    history = Drive.start(level());
    solved = asked = false;
  }

  function open(i) {
    index = (i + levels.length) % levels.length;
    restart();
    message = "";
  }

  function solve(moves) {
    const l = level(), best = solution(l), now = {...triesOf(l), moves};
    const points = Drive.points(now, best.moves.length), before = pointsOf(l);
    solved = true;
    asked = false;
    message += `SOLVED: ${points} of 10 points`;
    if (best.found) message += `, ${moves} moves; the best possible: ${best.moves.length}`;
    message += before > points ? `. Earlier: ${before} points.` : ".";
    if (l.learn) message += `\n${l.learn}`;
    if (points <= before) return;
    progress[id(l)] = now;
    save();
    if (!keeps) message += "\nThis browser keeps no progress for this page.";
  }

  function run(t) {
    const l = level(), s = Drive.current(history);
    if (solved) {
      message = "This level is solved. n: next level; u: undo; r: play it again.";
    } else if (!Drive.canRun(l, s, t)) {
      message = Drive.whyNot(l, s, t);
    } else if (history.schedule.length === DriveLevels.MAX.moves) {
      message = `${DriveLevels.MAX.moves} moves are the most. Undo (u) or restart (r).`;
    } else {
      history = Drive.play(l, history, t);
      ended();
    }
  }

  function ended() {
    const l = level(), s = Drive.current(history), goal = Drive.goalReached(l, history);
    if (s.failed || Drive.isOver(l, s) || goal) message = `${Drive.outcome(l, history)}\n`;
    if (goal) solve(history.schedule.length);
    else if (s.failed || Drive.isOver(l, s)) message += "This is not the goal. Undo (u) or restart (r).";
  }

  function undo() {
    const moves = history.schedule.slice(0, -1);
    if (!history.schedule) message = "There is no move to undo.";
    restart();
    for (const c of moves) history = Drive.play(level(), history, c.charCodeAt(0) - 65);
  }

  function hint() {
    const l = level(), known = solution(l), now = triesOf(l);
    if (solved) {
      message = "This level is solved.";
    } else if (known.complete && !known.found) {
      now.hints++;
      message = "Do you think that it cannot happen? Then press x.";
    } else if (now.hints < l.hints.length) {
      now.hints++;
      message = `Hint ${now.hints}: ${l.hints[now.hints - 1]}`;
    } else {
      const rest = Drive.solveFrom(l, history);
      now.hints += rest.found;
      message = rest.found
        ? `Run ${rest.moves[0]} next: then ${rest.moves.length - 1} moves are left.`
        : "From here no schedule reaches the goal. Undo (u) or restart (r).";
    }
  }

  function proven() {
    message = `Right: a search of all schedules saw ${solution(level()).states} states, and none of ` +
              "them is the goal.\n";
    solve(0);
  }

  function claim() {
    const l = level(), known = solution(l);
    if (solved) {
      message = "This level is solved.";
    } else if (known.found) {
      triesOf(l).wrong++;
      message = "No: there is a schedule that reaches the goal. This costs 5 points.";
    } else if (!known.complete) {
      message = `The search ended after ${known.states} states, so it cannot say if this is true.`;
    } else if (l.reasons.length) {
      asked = true;
      message = "Why can it not happen?";
    } else {
      proven();
    }
  }

  function reason(i) {
    const l = level();
    if (i === l.rightReason) {
      proven();
    } else if (i < l.reasons.length) {
      triesOf(l).wrong++;
      message = `No: ${l.reasons[i]} This is not the reason, and costs 5 points.`;
    }
  }

  // --- drawing -----------------------------------------------------------------------------------

  function drawThread(t) {
    const l = level(), s = Drive.current(history), thread = l.threads[t], runs = Drive.canRun(l, s, t);
    const mark = s.failed === 1 + t ? "!" : Drive.hasEnded(l, s, t) ? "\u2713" : s.asleep[t] ? "z"
      : runs ? ">" : "x";
    const lines = [...thread.lines, {text: "(end)", indent: 0}].map((line, i) => {
      const here = s.at[t] === i;
      const again = here && s.relock[t] && !s.asleep[t] ? " again" : "";
      const e = element("code", {textContent: " ".repeat(line.indent) + line.text + again});
      e.dataset.mark = here ? mark : "";
      e.classList.toggle("here", here);
      e.classList.toggle("waits", here && !runs && !Drive.hasEnded(l, s, t));
      return e;
    });
    const state = s.failed === 1 + t ? "failed" : Drive.hasEnded(l, s, t) ? "has ended"
      : s.asleep[t] ? "sleeps" : runs ? "can run" : "waits";
    const box = element("section", {className: `thread${runs && !solved ? "" : " blocked"}`},
                        element("h2", {}, `Thread ${thread.name}`, element("span", {textContent: state})),
                        ...lines);
    box.addEventListener("click", () => act(() => run(t)));
    return box;
  }

  function drawMemory() {
    const l = level(), states = history.states, s = Drive.current(history);
    const before = states[Math.max(0, states.length - 2)];
    const chips = (list, old, local) => list.map((text, i) =>
      element("span", {textContent: text,
                       className: `${text !== old[i] ? "changed" : ""} ${local ? "local" : ""}`}));
    return [...chips(Drive.memory(l, s), Drive.memory(l, before), false),
            ...chips(Drive.locals(l, s), Drive.locals(l, before), true)];
  }

  function draw() {
    const l = level(), s = Drive.current(history);
    parts.choice.replaceChildren(...levels.map((other, i) =>
      element("option", {value: i, selected: i === index, textContent:
        `${i + 1}. ${other.title}${progress[id(other)] ? ` (${pointsOf(other)} points)` : ""}`})));
    parts.points.textContent = `${allPoints()} of ${10 * levels.length} points`;
    parts.story.textContent = l.story;
    parts.task.textContent = `Goal: ${l.task}`;
    parts.threads.replaceChildren(...l.threads.map((_, t) => drawThread(t)));
    parts.memory.replaceChildren(...drawMemory());
    parts.moves.textContent = `Moves: ${history.schedule || "-"}` +
      (history.schedule ? ` (${history.schedule.length})` : "");
    parts.message.textContent = message;
    parts.message.classList.toggle("solved", solved);
    parts.reasons.replaceChildren(...(asked ? l.reasons.map((text, i) => {
      const button = element("button", {textContent: `${i + 1}: ${text}`});
      button.addEventListener("click", () => act(() => reason(i)));
      return button;
    }) : []));
    parts.runs.replaceChildren(...l.threads.map((thread, t) => {
      const button = element("button", {className: "run", textContent: thread.name,
                                        title: `Run the next line of thread ${thread.name}`,
                                        disabled: solved || !Drive.canRun(l, s, t)});
      button.addEventListener("click", () => act(() => run(t)));
      return button;
    }));
    parts.kept.textContent = keeps ? "Your progress is kept in this browser (local storage)."
      : "This browser keeps no progress for this page.";
  }

  // --- keys and buttons --------------------------------------------------------------------------

  function act(action) {
    message = "";
    action();
    draw();
  }

  const ACTIONS = {
    u: ["Undo", undo], r: ["Restart", restart], h: ["Hint", hint], x: ["Cannot happen", claim],
    p: ["Previous", () => open(index - 1)], n: ["Next", () => open(index + 1)],
  };

  function showHelp() {
    parts.help.open = !parts.help.open;
    parts.help.scrollIntoView({block: "nearest"});
  }

  function onKey(event) {
    const k = event.key.toLowerCase(), t = k.charCodeAt(0) - 97;
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select, input")) return;
    if (k.length > 1) return; // cursor keys scroll, Enter presses the button that has the focus
    if (k >= "a" && t < level().threads.length && t >= 0) act(() => run(t));
    else if (ACTIONS[k]) act(ACTIONS[k][1]);
    else if (asked && k >= "1" && k <= "9") act(() => reason(Number(k) - 1));
    else if (k === "?") showHelp();
    else if (k === "l") parts.choice.focus();
    else if (k !== " ") act(() => { message = `'${event.key}' does nothing here. ? shows all keys.`; });
  }

  function button(k) {
    const [text, action] = ACTIONS[k];
    const e = element("button", {title: text}, text, element("kbd", {textContent: k}));
    e.addEventListener("click", () => act(action));
    return e;
  }

  // Levels of a file of the user's own.  With an error the present levels stay.
  function readText(text, file) {
    try {
      levels = DriveLevels.read(text, file);
      open(0);
    } catch (error) {
      if (!(error instanceof DriveLevels.LevelError)) throw error;
      message = error.message;
    }
    draw();
  }

  function help() {
    const text = "Each thread runs the line at its mark, and only when you choose it. A line is one " +
      "step: no other thread runs in the middle of it. Reach the goal with as few moves as possible. " +
      "A solved level gives 10 points, less 1 for each move above the best possible and for each hint, " +
      "less 5 for each wrong claim, and at least 1. A search of all schedules computes the best.";
    const keys = "a to d: run that thread (or click on it). u: undo. r: restart. h: hint. x: claim that " +
      "no schedule reaches the goal. n, p: next, previous level. l: list of levels. ?: this help.";
    const file = element("input", {type: "file", accept: ".txt,text/plain"});
    file.addEventListener("change", async () => {
      const chosen = file.files[0];
      file.value = ""; // choosing the same file again reads it again
      if (chosen) readText(await chosen.text(), chosen.name);
    });
    return element("details", {}, element("summary", {textContent: "Help, keys, and levels of your own"}),
                   element("p", {textContent: text}), element("p", {textContent: keys}),
                   element("p", {}, element("label", {}, "Levels of your own, a text file as ",
                                            element("code", {textContent: "docs/labs/drive-levels.md"}),
                                            " describes it: ", file)),
                   parts.kept);
  }

  function begin() {
    document.head.append(element("style", {textContent: DRIVE_STYLE}));
    for (const name of ["story", "task", "memory", "moves", "reasons", "threads"])
      parts[name] = element("div", {className: name});
    parts.message = element("div", {className: "message", role: "status"});
    parts.points = element("span", {className: "soft"});
    parts.kept = element("p", {className: "soft"});
    parts.choice = element("select", {ariaLabel: "Level"});
    parts.choice.addEventListener("change", () => {
      act(() => open(Number(parts.choice.value)));
      parts.choice.blur(); // the next key is a move
    });
    parts.runs = element("span", {style: "display: contents"});
    parts.help = help();
    document.body.append(element("main", {className: "drive"},
      element("header", {}, element("h1", {textContent: "You are the scheduler"}), parts.points),
      element("nav", {}, button("p"), parts.choice, button("n")), parts.story, parts.task,
      parts.threads, parts.memory, parts.moves, parts.message, parts.reasons, parts.help,
      element("div", {className: "bar-of-keys"}, parts.runs, button("u"), button("r"), button("h"),
              button("x"))));
    document.addEventListener("keydown", onKey);
    load();
    readText(DRIVE_TEXT, "levels.txt");
  }

  return {begin};
})();
