#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot, run one lab, and leave its trace as text and as a page: `make trace LAB=concurrency`.

    tools/trace.py LAB [-s Heddle|Linux] [-t SECONDS] [-- LAB'S OPTIONS]

$BUILD/trace/LAB.txt is ftrace text: https://ui.perfetto.dev opens it.  $BUILD/trace/LAB.dat is the same
for trace-cmd and KernelShark.  $BUILD/trace/LAB.html is one page with the same picture, the lab's tables
and its verdict; it needs no network.
"""
import argparse
import sys

import ftrace
import labs
import linux
import trace_dat

BODY = """
const holder = document.body;
holder.append(make("h1", lab.lab), make("p",
	`${lab.system.name} ${lab.system.release}, ${lab.cpus} CPUs, in the emulator`, "soft"));
showClaim(holder, lab);
showVerdict(holder, lab);
if (!lab.evidence.some((item) => item.kind === "timeline")) {
	holder.append(make("h2", "The timeline"));
	timeline(holder.appendChild(make("section")), trace);
}
holder.append(make("h2", "The evidence"));
showEvidence(holder.appendChild(make("section")), lab);
"""


def main():
    parser = argparse.ArgumentParser(description="a lab's trace as text and as a page")
    parser.add_argument("lab")
    parser.add_argument("-s", "--system", choices=["Heddle", "Linux"], default="Heddle")
    parser.add_argument("-t", "--timeout", type=int, default=300, help="seconds")
    parser.add_argument("options", nargs="*", help="the lab's own (after --)")
    options = parser.parse_args()
    where = "/tmp/trace.txt"
    words = " ".join(["/labs/" + options.lab, "--json", "--trace", where, *options.options])
    try:
        found, files = labs.run(f"{words}; {labs.show_file(where)}", options.system,
                                options.timeout)
        text = files.get(where, "")
        trace = ftrace.Trace(text)
    except (labs.Failed, ftrace.Bad, linux.Missing) as error:
        print(f"trace: {error}", file=sys.stderr)
        return 1
    if not trace.events:
        print(f"trace: {options.lab} left no trace", file=sys.stderr)
        return 1
    lab = found[0]
    if "error" in lab:
        print(f"trace: {options.lab}: {lab['error']}", file=sys.stderr)
        return 1
    letters = {int(tid): letter for item in lab["evidence"] if item["kind"] == "timeline"
               for tid, letter in ((t, v["letter"]) for t, v in item["threads"].items())}
    folder = linux.BUILD / "trace"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{options.lab}.txt").write_text(text, encoding="utf-8")
    (folder / f"{options.lab}.dat").write_bytes(trace_dat.data_of(trace, options.system))
    (folder / f"{options.lab}.html").write_text(
        labs.page(f"Heddle: {options.lab}", ["evidence.js", "timeline.js"], BODY, lab=lab,
                  trace=trace.page_data(letters)), encoding="utf-8")
    print(f"trace: {len(trace.events)} events, {len(trace.slices)} slices, "
          f"{lab['verdict']}: {folder / options.lab}.html, .txt (for https://ui.perfetto.dev) and "
          ".dat (for trace-cmd and KernelShark)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
