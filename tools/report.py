#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All labs, on Heddle and on Linux in the same emulator, as one page: `make report`.

    tools/report.py [-f] [-t SECONDS] [-- OPTIONS FOR THE LABS]

Leaves $BUILD/report/index.html and report.json.  With -f, Linux's figures go into
user/etc/lab/linux, from where each lab shows them beside its own.
"""
import argparse
import json
import sys

import labs
import linux

BODY = """
const holder = document.body, names = Object.keys(report.Heddle);
holder.append(make("h1", "Processes and threads: what the notes say, and what is so"));
holder.append(make("p", `Measured by the same programs on Heddle and on ${report.linux || "nothing else"} ` +
	`in the same emulator, ${report.cpus} CPUs. Emulated time says how two things compare, not how ` +
	"long a real processor would take.", "soft"));
const nav = holder.appendChild(make("nav", null, "labs"));
for (const name of names) {
	const ours = report.Heddle[name], theirs = report.Linux[name];
	const link = make("a", `${name}: ${VERDICTS[ours.verdict].toLowerCase()}`);
	link.href = "#" + name; nav.append(link);
	const section = holder.appendChild(make("section"));
	const head = make("h2", name); head.id = name;
	section.append(head); showClaim(section, ours); showVerdict(section, ours);
	if (theirs) section.append(make("p", `Linux: ${VERDICTS[theirs.verdict].toLowerCase()}. ${theirs.text}`, "soft"));
	if (ours.books) section.append(make("p", "Textbooks: " + ours.books, "soft"));
	for (const f of ours.figures) {
		const other = theirs && theirs.figures.find((g) => g.name === f.name);
		const bars = [{ label: "Heddle", value: f.value }];
		if (other) bars.push({ label: "Linux", value: other.value, theirs: true });
		showBars(section, f.meaning, f.unit, bars);
	}
	const more = document.createElement("details");
	more.append(make("summary", "The evidence, on Heddle"));
	showEvidence(more, ours); section.append(more);
	if (theirs) {
		const also = document.createElement("details");
		also.append(make("summary", "The evidence, on Linux"));
		showEvidence(also, theirs); section.append(also);
	}
}
"""


def progress(system, name):
    if sys.stderr.isatty():
        print(f"\r{system} {name:30}\r", end="", file=sys.stderr, flush=True)


def collect(system, words, timeout):
    found, _ = labs.run(f"lab tour --json {words}", system, timeout,
                        lambda name: progress(system, name))
    return {lab["lab"]: lab for lab in found if "lab" in lab}


def main():
    parser = argparse.ArgumentParser(description="all labs on Heddle and on Linux, as one page")
    parser.add_argument("-f", "--figures", action="store_true",
                        help="keep Linux's figures in user/etc/lab/linux")
    parser.add_argument("-t", "--timeout", type=int, default=1800, help="seconds a boot")
    parser.add_argument("options", nargs="*", help="for the labs (after --)")
    options = parser.parse_args()
    words, report = " ".join(options.options), {"Linux": {}, "linux": None}
    report["cpus"] = int(linux.setting("CPUS", 2))
    try:
        report["Heddle"] = collect("Heddle", words, options.timeout)
    except labs.Failed as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    try:
        report["Linux"] = collect("Linux", words, options.timeout)
        report["linux"] = "Linux " + linux.kernel().name.replace("vmlinuz-", "")
    except (linux.Missing, labs.Failed) as error:
        print(f"report: NO COMPARISON: {error}", file=sys.stderr)
    folder = linux.BUILD / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    (folder / "index.html").write_text(labs.page(
        "Heddle: the labs", ["evidence.js", "timeline.js"], BODY, report=report), encoding="utf-8")
    if options.figures and report["Linux"]:
        lines = [f"{name} {f['name']} {f['value']:.6g} {f['unit']}\n"
                 for name, lab in report["Linux"].items() for f in lab["figures"]]
        target = linux.ROOT / "user/etc/lab/linux"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(lines), encoding="utf-8")
    print(f"report: {len(report['Heddle'])} labs on Heddle, {len(report['Linux'])} on Linux: "
          f"{folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
