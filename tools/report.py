#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All labs, on Heddle and on Linux in the same emulator, as one page: `make report`.

    tools/report.py [-f] [--heddle-only] [-t SECONDS] [-- OPTIONS FOR THE LABS]

Leaves $BUILD/report/index.html and report.json.  Every lab of the catalogue has a section; a lab
without a verdict has the reason there.  The exit status is 1 if a lab of either system has no verdict
or not the expected one.  With -f, Linux's figures go into user/etc/lab/linux, from where each lab
shows them beside its own.
"""
import argparse
import collections
import json
import sys

import labs
import linux

VERDICTS = {"true": "true here", "corrected": "true with a correction", "false": "false here",
            "not_shown": "cannot be shown here"}

Pair = collections.namedtuple("Pair", "lab title process thread ratio process_label thread_label")


def pair(lab, title, process, thread, ratio=True, process_label="", thread_label=""):
    return Pair(lab, title, process, thread, ratio, process_label, thread_label)


# The figures that compare a process with a thread.  Those with a ratio are in the picture at the top.
PAIRS = [
    pair("overhead", "free memory that one takes", "process_kib", "thread_kib"),
    pair("creation", "make and end one, 1.7 MB of data", "fork_small_us", "thread_us",
         process_label="fork, exit, wait", thread_label="pthread_create, join"),
    pair("creation", "the same, 11.7 MB of data", "fork_large_us", "thread_us",
         process_label="fork, exit, wait", thread_label="pthread_create, join"),
    pair("termination", "end one, 8 MiB touched", "process_end_large_us", "thread_end_us",
         process_label="exit, wait", thread_label="return, join"),
    pair("scale", "memory of one among many", "process_kib", "thread_kib"),
    pair("scale", "make one of many", "process_us", "thread_us"),
    pair("scale", "a switch among many", "process_switch_300_us", "thread_switch_300_us"),
    pair("switching", "a switch between two", "process_turn_cycles", "thread_turn_cycles"),
    pair("ipc", "a message to the other and back", "pipe_us", "threads_condition_us",
         process_label="process, by pipe", thread_label="thread, by condition variable"),
    pair("ipc", "the same by a condition variable", "shared_condition_us", "threads_condition_us",
         process_label="process, in shared memory"),
    pair("parallelism", "speed-up on all CPUs", "speedup_processes", "speedup_threads"),
    pair("io", "speed-up of tasks that wait", "speedup_waiting_processes", "speedup_waiting_threads"),
    pair("responsive", "wait for an answer while one computes", "median_second_process_ms",
         "median_second_thread_ms", False, "a process computes", "a thread computes"),
    pair("gil", "speed-up under an interpreter's lock", "speedup_processes", "speedup_gil"),
    pair("resources", "things shared with the creator", "shared_with_child", "shared_with_thread", False),
    pair("stability", "ended by one crash", "lost_with_process", "lost_with_thread", False),
    pair("dependence", "ways to stop that hold up the others", "held_up_processes", "held_up_threads",
         False),
]


def progress(system, name):
    if sys.stderr.isatty():
        print(f"\r{system} {name:30}\r", end="", file=sys.stderr, flush=True)


def reason(lines):
    """What a lab without a result printed last, as one line."""
    said = [line.strip() for line in lines if line.strip() and not line.startswith("linux: begin")]
    return " / ".join(said[-3:])[:400]


def run_tour(system, words, timeout):
    """(what was found, why the run ended early or "")."""
    try:
        return labs.run(f"lab tour --json {words}", system, timeout,
                        lambda name: progress(system, name))[0], ""
    except labs.Failed as error:
        first, *rest = str(error).splitlines()
        return [*error.found, {"console": rest}], first.rstrip(":")


def collect(system, words, timeout):
    """{lab: its result} with an entry for every lab; one without a result is {"lab", "error"}."""
    found, ended = run_tour(system, words, timeout)
    names, consoles, results = labs.catalogue(), [], {}
    for item in found:
        consoles.append((item.get("lab"), item.pop("console")))
        if "lab" in item:
            results[item["lab"]] = item
    for index, name in enumerate(names):
        if name not in results:
            # The lab printed its text between the results of its neighbours.
            lab, said = next((c for c in consoles if c[0] not in names[:index]), (None, []))
            why = " ".join(word for word in (ended if lab is None else "", reason(said)) if word)
            results[name] = {"lab": name, "error": f"no result: {why or 'it printed nothing'}"}
    return {name: results[name] for name in names}


def problems(system, results):
    """A line for each lab that has no verdict, or not the expected one."""
    for name, result in results.items():
        if "error" in result:
            yield f"{system}: {name}: {result['error']}"
        elif not result["ok"]:
            checks = [e["text"] for e in result["evidence"] if e["kind"] == "check" and not e["holds"]]
            yield (f"{system}: {name}: {VERDICTS[result['verdict']]}, not "
                   f"{VERDICTS[result['expected']]}: {'; '.join(checks) or result['text']}")


def summary(system, results):
    count = collections.Counter(VERDICTS[r["verdict"]] if "error" not in r else "without a verdict"
                                for r in results.values())
    return f"{system}: {len(results)} labs: " + ", ".join(
        f"{count[word]} {word}" for word in [*VERDICTS.values(), "without a verdict"] if count[word])


def write(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    pairs = [{"lab": p.lab, "title": p.title, "process": p.process, "thread": p.thread,
              "ratio": p.ratio, "processLabel": p.process_label, "threadLabel": p.thread_label}
             for p in PAIRS]
    (folder / "index.html").write_text(
        labs.page("Heddle: the labs", ["evidence.js", "timeline.js", "report.js"], "showReport();",
                  report=report, pairs=pairs), encoding="utf-8")
    return folder / "index.html"


def keep_figures(results):
    lines = [f"{name} {f['name']} {f['value']:.6g} {f['unit']}\n"
             for name, lab in results.items() if "error" not in lab for f in lab["figures"]]
    target = linux.ROOT / "user/etc/lab/linux"
    target.parent.mkdir(parents=True, exist_ok=True)
    # A lab shows them only beside figures that were measured in the same way.
    quick = any(lab.get("options", {}).get("quick") for lab in results.values())
    target.write_text(f"# {'quick' if quick else 'full'}\n" + "".join(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="all labs on Heddle and on Linux, as one page")
    parser.add_argument("-f", "--figures", action="store_true",
                        help="keep Linux's figures in user/etc/lab/linux")
    parser.add_argument("--heddle-only", action="store_true", help="do not boot Linux")
    parser.add_argument("-t", "--timeout", type=int, default=1800, help="seconds a boot")
    parser.add_argument("options", nargs="*", help="for the labs (after --)")
    options = parser.parse_args()
    words = " ".join(options.options)
    report = {"labs": labs.catalogue(), "cpus": int(linux.setting("CPUS", 2)), "Heddle": {}, "Linux": {},
              "linux": None, "problems": []}
    report["Heddle"] = collect("Heddle", words, options.timeout)
    if not options.heddle_only:
        try:
            report["linux"] = "Linux " + linux.kernel().name.replace("vmlinuz-", "")
            report["Linux"] = collect("Linux", words, options.timeout)
        except linux.Missing as error:
            report["problems"].append(f"Linux: no comparison: {error} (REPORTFLAGS=--heddle-only "
                                      "leaves Linux out)")
    systems = [s for s in ("Heddle", "Linux") if report[s]]
    report["problems"] += [p for s in systems for p in problems(s, report[s])]
    report["summary"] = [summary(s, report[s]) for s in systems]
    page = write(report, linux.BUILD / "report")
    if options.figures and report["Linux"]:
        keep_figures(report["Linux"])
    for line in report["summary"]:
        print(f"report: {line}")
    for problem in report["problems"]:
        print(f"report: FAILED: {problem}", file=sys.stderr)
    print(f"report: {page}")
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
