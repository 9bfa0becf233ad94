/* SPDX-License-Identifier: MIT
 *
 * Lab drive in a browser: reads the text of levels.
 *
 * The same as level.c, words.c, expression.c and statement.c in user/labs/drive, with the same limits
 * and errors; tests/system/test_drive.py compares both.
 */
"use strict";

const DriveLevels = (() => {
  const MAX = {threads: 4, lines: 24, names: 32, cells: 28, nodes: 256, texts: 4, moves: 200,
               states: 100000, work: 3000000, name: 15, line: 250};

  // --- the text of levels ------------------------------------------------------------------------

  const RESERVED = ["me", "critical", "ended", "stuck", "over", "failed", "if", "else", "while", "break",
                    "return", "local", "thread", "level", "var", "lock", "cas", "add", "swap",
                    "trylock", "for_ever"];
  const KIND_NAMES = {variable: "variable", local: "local variable", lock: "lock", condition: "condition",
                      semaphore: "semaphore", barrier: "barrier", rwlock: "rwlock"};
  const BINDS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5,
                 "*": 6, "%": 6};
  const CALLS = {lock: "lock", unlock: "lock", wait: "condition", signal: "condition",
                 broadcast: "condition", sem_wait: "semaphore", sem_post: "semaphore",
                 barrier_wait: "barrier", read_lock: "rwlock", read_unlock: "rwlock",
                 write_lock: "rwlock", write_unlock: "rwlock", critical: "", work: "", assert: "="};
  const WORD = /^(?:[A-Za-z_0-9]+|\|\||&&|==|!=|<=|>=|[^]?)/u;

  class LevelError extends Error {}

  class Reader {
    constructor(text, file) {
      this.file = file;
      this.lines = text.split("\n");
      this.levels = [];
      this.level = null;
      this.body = [];
      this.bodyThreads = [];
    }

    fail(what) { throw new LevelError(`${this.file}:${this.number}: ${what}`); }

    start(line) {
      this.rest = line;
      this.next();
    }

    next() {
      this.rest = this.rest.replace(/^[ \t]+/, "");
      this.word = this.rest.match(WORD)[0];
      if (this.word.length > 31) this.fail("a word of more than 31 letters");
      this.rest = this.rest.slice(this.word.length);
      this.isName = /^[A-Za-z_]/.test(this.word);
      this.isNumber = /^\d/.test(this.word);
    }

    accept(word) {
      if (this.word !== word) return false;
      this.next();
      return true;
    }

    found() { return this.word ? `'${this.word}'` : "the end of the line"; }
    expect(word) { if (!this.accept(word)) this.fail(`expected '${word}', found ${this.found()}`); }
    none() { if (this.word) this.fail(`'${this.word}' is too much on this line`); }

    wordNumber(least, most) {
      const negative = this.accept("-");
      if (!/^\d{1,4}$/.test(this.word)) this.fail(`expected a number, found '${this.word}'`);
      const value = negative ? -Number(this.word) : Number(this.word);
      this.next();
      if (value < least || value > most) this.fail(`${value} is not between ${least} and ${most}`);
      return value;
    }

    // --- names

    find(text, thread) {
      return this.level.names.findIndex((n) => n.text === text &&
                                               (n.thread === -1 || n.thread === thread));
    }

    newName(kind, thread, cells) {
      const level = this.level;
      if (!this.isName) this.fail(`expected a name, found '${this.word}'`);
      if (this.word.length > MAX.name)
        this.fail(`the name '${this.word}' has more than ${MAX.name} letters`);
      if (RESERVED.includes(this.word)) this.fail(`'${this.word}' is a word of the language`);
      if (this.find(this.word, thread) >= 0) this.fail(`there is a '${this.word}' already`);
      if (level.names.length === MAX.names) this.fail(`more than ${MAX.names} names`);
      if (level.cells + cells > MAX.cells) this.fail(`more than ${MAX.cells} values in memory`);
      const name = {text: this.word, kind, thread, cell: level.cells, count: cells, start: [0]};
      level.names.push(name);
      level.cells += cells;
      this.next();
      return name;
    }

    object(kind) {
      const i = this.find(this.word, this.thread);
      if (i < 0 || this.level.names[i].kind !== kind)
        this.fail(`there is no ${KIND_NAMES[kind]} '${this.word}'`);
      this.next();
      return i;
    }

    // --- expressions

    node(op, fields) {
      if (this.level.nodes === MAX.nodes) this.fail(`more than ${MAX.nodes} parts of expressions`);
      this.level.nodes++;
      return {op, ...fields};
    }

    cell() {
      let i = this.find(this.word, this.thread), index = null;
      if (this.thread < 0 && /^[A-D]$/.test(this.word) &&
          this.word.charCodeAt(0) - 65 < this.level.threads.length) {
        const thread = this.word.charCodeAt(0) - 65;
        this.next();
        this.expect(".");
        i = this.find(this.word, thread);
      }
      const name = this.level.names[i];
      if (!name || (name.kind !== "variable" && name.kind !== "local"))
        this.fail(`there is no variable '${this.word}'`);
      this.accesses += name.kind === "variable";
      this.next();
      if (name.count > 1) {
        this.expect("[");
        index = this.expression(1);
        this.expect("]");
      }
      return this.node("cell", {name: i, index});
    }

    atomic(op) {
      const fields = {};
      if (this.thread < 0) this.fail("a goal can only read");
      this.next();
      this.expect("(");
      if (op === "trylock") {
        fields.name = this.object("lock");
        fields.thread = this.thread;
        this.accesses++;
      } else {
        fields.target = this.cell();
        if (this.level.names[fields.target.name].kind !== "variable")
          this.fail("atomic instructions are for shared variables");
        this.expect(",");
        fields.left = this.expression(1);
        if (op === "cas") {
          this.expect(",");
          fields.right = this.expression(1);
        }
      }
      this.expect(")");
      return this.node(op, fields);
    }

    primary() {
      if (this.isNumber) return this.node("number", {value: this.wordNumber(0, 127)});
      if (this.accept("(")) {
        const node = this.expression(1);
        this.expect(")");
        return node;
      }
      if (this.accept("!")) return this.node("!", {left: this.primary()});
      if (this.accept("-")) return this.node("negative", {left: this.primary()});
      if (!this.isName) this.fail(`expected a value, found ${this.found()}`);
      if (["cas", "add", "swap", "trylock"].includes(this.word)) return this.atomic(this.word);
      if (["critical", "ended", "stuck", "over", "failed"].includes(this.word)) {
        if (this.thread >= 0) this.fail(`'${this.word}' is for goals only`);
        const op = this.word;
        this.next();
        return this.node(op, {});
      }
      if (this.word === "me" && this.thread >= 0) {
        this.next();
        return this.node("number", {value: this.thread});
      }
      return this.cell();
    }

    expression(least) {
      let left = this.primary();
      while (BINDS[this.word] >= least) {
        const op = this.word;
        this.next();
        left = this.node(op, {left, right: this.expression(BINDS[op] + 1)});
      }
      return left;
    }

    // --- lines of a thread

    openBlock(line, index, loop) {
      if (!loop && this.accept("break")) {
        line.op = "break if";
      } else if (!loop && this.accept("return")) {
        line.op = "return if";
      } else if (this.accept("{")) {
        line.op = loop ? "while" : "if";
        if (loop && this.accept("}")) line.op = "spin";
        else this.open.push({op: line.op, line: index});
      } else {
        this.fail(loop ? "expected '{' or '{}' after while (...)"
                       : "expected '{', 'break' or 'return' after if (...)");
      }
    }

    closeBlock(lines, line, index) {
      const block = this.open.pop();
      if (!block) this.fail("this '}' closes nothing");
      line.op = "close";
      line.to = index + 1;
      if (this.accept("else")) {
        this.expect("{");
        if (block.op !== "if") this.fail("else without if");
        line.op = "else";
        this.open.push({op: "else", line: index});
      }
      lines[block.line].to = block.op === "else" ? index : index + 1;
      if (block.op !== "while") return;
      line.to = block.line;
      for (let i = block.line; i < index; i++)
        if (lines[i].op.startsWith("break") && lines[i].to < 0) lines[i].to = index + 1;
    }

    call(line) {
      if (!Object.hasOwn(CALLS, this.word)) return false;
      const kind = CALLS[this.word];
      line.op = this.word;
      this.next();
      this.expect("(");
      if (kind === "=") line.expr = this.expression(1);
      else if (kind) line.target = this.object(kind);
      if (line.op === "wait" && this.accept(",")) line.second = this.object("lock");
      this.expect(")");
      return true;
    }

    statement(lines, text) {
      const index = lines.length;
      if (index === MAX.lines) this.fail(`more than ${MAX.lines} lines in a thread`);
      const line = {op: "work", text: text.trim(), indent: indentOf(text), target: -1, second: -1,
                    expr: null, to: -1};
      lines.push(line);
      this.accesses = 0;
      if (this.word === "if" || this.word === "while") {
        const loop = this.word === "while";
        this.next();
        this.expect("(");
        line.expr = this.expression(1);
        this.expect(")");
        this.openBlock(line, index, loop);
      } else if (this.accept("}")) {
        this.closeBlock(lines, line, index);
      } else if (this.word === "break" || this.word === "return") {
        line.op = this.word;
        this.next();
      } else if (["cas", "add", "swap"].includes(this.word)) {
        line.op = "evaluate";
        line.expr = this.expression(1);
      } else if (!this.call(line)) {
        line.op = "assign";
        line.target = this.cell();
        this.expect("=");
        line.expr = this.expression(1);
      }
      this.none();
      if (line.op.startsWith("break") && !this.open.some((b) => b.op === "while"))
        this.fail("break outside of a loop");
      if (this.accesses > 1)
        this.fail(`this line uses shared memory ${this.accesses} times; a line is one step, and may ` +
                  "use it once");
    }

    // --- the file

    goal(value) {
      this.thread = -1;
      this.start(value);
      if (this.accept("for_ever")) {
        this.expect("(");
        this.level.forEver = this.word.length === 1 ? this.word.charCodeAt(0) - 65 : -1;
        if (this.level.forEver < 0 || this.level.forEver >= this.level.threads.length)
          this.fail(`there is no thread '${this.word}'`);
        this.next();
        this.expect(")");
      } else {
        this.level.goal = this.expression(1);
      }
      this.none();
    }

    text(line) {
      const match = line.match(/^(title|story|task|goal|hint|learn|reason|no reason):[ ]*(.*)$/);
      if (!match) return false;
      const [, key, value] = match, level = this.level;
      const add = (list) => {
        if (list.length === MAX.texts) this.fail(`more than ${MAX.texts} of these`);
        list.push(value);
      };
      if (!value) this.fail(`'${key}:' has no text`);
      if (key === "title" && value.length > 47) this.fail("a title of more than 47 characters");
      if (key === "title") level.title = value;
      else if (key === "goal") level.goalText = [value, this.number];
      else if (key === "hint") add(level.hints);
      else if (key === "reason" || key === "no reason") {
        if (key === "reason" && level.rightReason >= 0) this.fail("only one reason is the right one");
        if (key === "reason") level.rightReason = level.reasons.length;
        add(level.reasons);
      } else level[key] = level[key] ? `${level[key]} ${value}` : value;
      return true;
    }

    values(name) {
      for (let i = 0; i < name.count; i++) name.start[i] = 0;
      if (!this.accept("=")) return;
      for (let i = 0; i < name.count; i++) name.start[i] = this.wordNumber(-128, 127);
    }

    declaration(line) {
      const kind = this.word === "var" ? "variable" : this.word, level = this.level;
      const cells = {variable: 1, lock: 1, condition: 0, semaphore: 1, barrier: 1, rwlock: 2}[kind];
      if (cells === undefined || (kind === "variable" && this.word !== "var"))
        this.fail(`'${line.slice(0, 40)}' is not understood here`);
      this.next();
      if (level.threads.length) this.fail("declare this before the first thread");
      const name = this.newName(kind, -1, cells);
      if (kind === "variable" && this.accept("[")) {
        name.count = this.wordNumber(2, 8);
        if (level.cells + name.count - 1 > MAX.cells) this.fail(`more than ${MAX.cells} values in memory`);
        level.cells += name.count - 1;
        this.expect("]");
      }
      if (kind === "variable") {
        this.values(name);
      } else if (kind === "semaphore" || kind === "barrier") {
        this.expect("=");
        name.start[0] = kind === "barrier" ? this.wordNumber(2, MAX.threads) : this.wordNumber(0, 100);
      }
      this.none();
    }

    threadLine() {
      const set = [], threads = this.level.threads;
      do {
        const name = String.fromCharCode(65 + threads.length);
        if (threads.length === MAX.threads) this.fail(`more than ${MAX.threads} threads`);
        if (this.word !== name) this.fail(`the next thread is ${name}, not '${this.word}'`);
        set.push(threads.length);
        threads.push({name, lines: []});
        this.next();
      } while (this.word);
      return set;
    }

    bodyEnd() {
      const after = this.number;
      for (const t of this.bodyThreads) {
        const lines = this.level.threads[t].lines;
        this.thread = t;
        this.open = [];
        for (const [text, number] of this.body) {
          this.number = number;
          this.start(text);
          if (!this.accept("local")) {
            this.statement(lines, text);
            continue;
          }
          if (lines.length) this.fail("declare local variables before the first statement");
          this.values(this.newName("local", t, 1));
          this.none();
        }
        if (this.open.length)
          this.fail(`thread ${this.level.threads[t].name} ends, and a '{' is not closed`);
        if (!lines.length) this.fail(`thread ${this.level.threads[t].name} has no statement`);
        for (const line of lines) line.indent -= indentOf(this.body[0][0]);
      }
      this.number = after;
      this.bodyThreads = [];
      this.body = [];
    }

    levelEnd() {
      const level = this.level, after = this.number;
      if (!level) return;
      this.number = level.line;
      if (!level.threads.length) this.fail(`level '${level.name}' has no thread`);
      if (!level.goalText || !level.task)
        this.fail(`level '${level.name}' has no '${level.goalText ? "task" : "goal"}:' line`);
      if (!level.title) level.title = level.name;
      if (level.reasons.length && level.rightReason < 0)
        this.fail(`level '${level.name}' has no 'reason:' line, only wrong ones`);
      this.number = level.goalText[1];
      this.goal(level.goalText[0]);
      this.number = after;
    }

    levelLine(name) {
      if (!/^[A-Za-z0-9-]{1,31}$/.test(name))
        this.fail("a level needs a name of at most 31 letters, digits and '-'");
      if (this.levels.some((l) => l.name === name)) this.fail(`there is a level '${name}' already`);
      this.level = {name, line: this.number, title: "", story: "", task: "", learn: "", hints: [],
                    reasons: [], rightReason: -1, goal: null, goalText: null, forEver: -1, names: [],
                    cells: 0, nodes: 0, threads: [], checksum: 5381};
      this.levels.push(this.level);
    }

    // The checksum of a level changes with any of its lines.
    checksum(line) {
      if (!this.level) return;
      for (const c of new TextEncoder().encode(line))
        this.level.checksum = (Math.imul(this.level.checksum, 33) + c) >>> 0;
    }

    read() {
      this.lines.forEach((whole, i) => {
        const line = whole.replace(/#.*$/s, "").replace(/[ \t\r\v\f]+$/, "");
        this.number = i + 1;
        if (!line) return;
        if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) this.fail("a control character");
        if (new TextEncoder().encode(line).length > MAX.line)
          this.fail(`a line of more than ${MAX.line} characters`);
        if (/^[ \t]/.test(line)) {
          this.checksum(line);
          if (!this.bodyThreads.length) this.fail("an indented line outside of a thread");
          if (this.body.length === 2 * MAX.lines) this.fail(`more than ${MAX.lines} lines in a thread`);
          this.body.push([line, this.number]);
          return;
        }
        this.bodyEnd();
        this.start(line);
        if (this.word === "level") {
          const name = this.rest.trim();
          this.levelEnd();
          this.levelLine(name);
          return;
        }
        this.checksum(line);
        if (!this.level) this.fail("the first line must be 'level NAME'");
        if (this.text(line)) return;
        if (this.accept("thread")) this.bodyThreads = this.threadLine();
        else this.declaration(line);
      });
      this.bodyEnd();
      this.levelEnd();
      if (!this.levels.length) this.fail("there is no level in this file");
      return this.levels;
    }
  }

  function indentOf(text) {
    let columns = 0;
    for (const c of text.match(/^[ \t]*/)[0]) columns += c === " " ? 1 : 4 - (columns % 4);
    return columns;
  }

  const read = (text, file) => new Reader(text, file).read();

  return {MAX, CALLS, LevelError, read};
})();
