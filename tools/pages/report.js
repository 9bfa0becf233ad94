/* SPDX-License-Identifier: MIT
 * The page of `make report`: process against thread on both systems, then a section for each lab. */
"use strict";

const SYSTEMS = ["Heddle", "Linux"];

function svgElement(tag, attributes, text) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
	if (text !== undefined) e.textContent = text;
	return e;
}

function figureOf(result, name) {
	const figure = result && !result.error && result.figures.find((f) => f.name === name);
	return figure ? figure.value : null;
}

/* The process's figure divided by the thread's, for each system; null: one of them is missing, or the
 * lab says that it cannot show its claim there. */
function ratiosOf(pair) {
	return SYSTEMS.map((system) => {
		const result = report[system][pair.lab];
		if (result && result.verdict === "not_shown") return null;
		const process = figureOf(result, pair.process), thread = figureOf(result, pair.thread);
		return process > 0 && thread > 0 ? process / thread : null;
	});
}

/* A row for each pair; on a logarithmic axis a dot for Heddle and a diamond for Linux. */
function showRatios(holder) {
	const rows = pairs.filter((p) => p.ratio).map((pair) => ({ pair, ratios: ratiosOf(pair) }))
		.filter((r) => r.ratios.some((x) => x !== null));
	if (!rows.length) return;
	const all = rows.flatMap((r) => r.ratios).filter((x) => x !== null);
	const low = Math.floor(Math.log10(Math.min(0.5, ...all))), high = Math.ceil(Math.log10(Math.max(2, ...all)));
	const width = 960, left = 300, right = 190, row = 26, top = 44, height = top + rows.length * row + 8;
	const x = (ratio) => left + (Math.log10(ratio) - low) / (high - low) * (width - left - right);
	const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, class: "ratios", role: "img",
		"aria-label": "The figure of a process divided by that of a thread" });
	for (let power = low; power <= high; power++)
		for (const step of [1, 2, 5]) {
			const ratio = step * 10 ** power;
			if (ratio > 10 ** high) continue;
			svg.append(svgElement("line", { x1: x(ratio), x2: x(ratio), y1: top - 6, y2: height,
				class: ratio === 1 ? "equal" : "grid" }));
			svg.append(svgElement("text", { x: x(ratio), y: top - 10, "text-anchor": "middle", class: "axis" },
				ratio === 1 ? "equal" : `${+ratio.toPrecision(1)}\u00d7`));
		}
	svg.append(svgElement("text", { x: x(1) + 8, y: 12, class: "axis" }, "the process's figure is higher \u2192"));
	rows.forEach(({ pair, ratios }, i) => {
		const y = top + i * row + row / 2;
		const link = svgElement("a", { href: "#" + pair.lab });
		link.append(svgElement("text", { x: left - 14, y: y + 4, "text-anchor": "end" }, pair.title));
		svg.append(link);
		const known = ratios.filter((r) => r !== null);
		svg.append(svgElement("line", { x1: x(Math.min(1, ...known)), x2: x(Math.max(1, ...known)), y1: y, y2: y,
			class: "stem" }));
		if (ratios[1] !== null)
			svg.append(svgElement("path", { d: `M${x(ratios[1])} ${y - 7}l7 7l-7 7l-7-7z`, class: "theirs" }));
		if (ratios[0] !== null)
			svg.append(svgElement("circle", { cx: x(ratios[0]), cy: y, r: 5.5, class: "ours" }));
		const words = ratios.map((r) => r === null ? "\u2013" : `${numberText(r)}\u00d7`);
		svg.append(svgElement("text", { x: width - 100, y: y + 4, "text-anchor": "end" }, words[0]),
			svgElement("text", { x: width - 8, y: y + 4, "text-anchor": "end" }, words[1]));
	});
	svg.append(svgElement("text", { x: width - 100, y: 12, "text-anchor": "end", class: "ours head" }, "\u25cf Heddle"),
		svgElement("text", { x: width - 8, y: 12, "text-anchor": "end", class: "theirs head" }, "\u25c6 Linux"));
	holder.append(make("h2", "A process compared with a thread"),
		make("p", "Each row divides the figure of a process by that of a thread, measured in one run. " +
			"Right of \u201cequal\u201d the process's figure is the higher one.", "soft"));
	const box = make("div", null, "wide");
	box.append(svg);
	holder.append(box);
}

/* Bars of one pair: process and thread below each other, Heddle above Linux, in one scale. */
function showPair(holder, pair) {
	const results = SYSTEMS.map((system) => report[system][pair.lab]);
	const known = results.find((r) => r && !r.error);
	const about = known && known.figures.find((f) => f.name === pair.process);
	const values = results.flatMap((r) => [figureOf(r, pair.process), figureOf(r, pair.thread)]);
	const most = Math.max(...values, 1e-300), grid = make("div", null, "bars pair");
	if (!about) return;
	holder.append(make("h3", pair.title));
	values.forEach((value, i) => {
		const system = SYSTEMS[i >> 1], kind = i % 2 ? "thread" : "process";
		const stripe = make("div", null, "bar " + kind);
		if (value === null) return;
		stripe.style.width = Math.max(0, 100 * value / most) + "%";
		grid.append(make("span", i % 2 ? "" : system, "soft"), make("span", pair[kind + "Label"] || kind),
			stripe, make("span", `${numberText(value)} ${about.unit}`, "right"));
	});
	holder.append(grid);
}

/* The figures that belong to no pair, in a table. */
function showFigures(holder, results, paired) {
	const rows = new Map();
	results.forEach((result, i) => {
		for (const f of result && !result.error ? result.figures : []) {
			if (paired.has(f.name)) continue;
			if (!rows.has(f.name)) rows.set(f.name, [f.meaning, "\u2013", "\u2013", f.unit]);
			rows.get(f.name)[1 + i] = numberText(f.value);
		}
	});
	if (!rows.size) return;
	showTable(holder, { title: paired.size ? "Other figures" : "Figures", columns: [{ name: "" }, { name: "Heddle", right: true },
		{ name: "Linux", right: true }, { name: "unit" }], rows: [...rows.values()] });
}

/* One system's verdict, or the reason why there is none. */
function showResult(section, system, result) {
	if (result.error !== undefined) {
		const box = make("p", null, "verdict false");
		box.append(make("b", `${system}: NO VERDICT`), result.error || "no reason was given");
		section.append(box);
		return;
	}
	const box = make("p", null, "verdict " + result.verdict);
	box.append(make("b", `${system}: ${VERDICTS[result.verdict]}`), result.text || "");
	section.append(box);
	if (result.ok === false)
		for (const item of result.evidence.filter((e) => e.kind === "check" && !e.holds))
			section.append(make("p", item.text, "check fails"));
}

function showLab(section, name) {
	const results = SYSTEMS.map((system) => report[system][name]);
	const known = results.find((r) => r && r.error === undefined);
	const head = make("h2", name), mine = pairs.filter((p) => p.lab === name);
	head.id = name;
	section.append(head);
	if (known) showClaim(section, known);
	SYSTEMS.forEach((system, i) => { if (results[i]) showResult(section, system, results[i]); });
	if (known && known.books) section.append(make("p", "Textbooks: " + known.books, "soft"));
	for (const pair of mine) showPair(section, pair);
	showFigures(section, results, new Set(mine.flatMap((p) => [p.process, p.thread])));
	SYSTEMS.forEach((system, i) => {
		if (!results[i] || results[i].error !== undefined) return;
		const more = document.createElement("details");
		more.append(make("summary", `The evidence, on ${system}`));
		section.append(more);
		showEvidence(more, results[i]);
	});
}

function stateOf(result) {
	if (!result) return "not run";
	if (result.error !== undefined) return "no verdict";
	return VERDICTS[result.verdict].toLowerCase() + (result.ok === false ? " (not as expected)" : "");
}

function showReport() {
	const holder = document.body;
	holder.append(make("h1", "Processes and threads: each claim and its verdict"),
		make("p", "The same programs measured this on Heddle and on " +
			`${report.linux || "no other system"}, in the same emulator with ${report.cpus} CPUs. ` +
			"Emulated time shows how two things compare, not how long a real processor would take.", "soft"));
	if (report.problems.length) {
		holder.append(make("h2", "What failed"));
		for (const problem of report.problems) holder.append(make("p", problem, "check fails"));
	}
	showRatios(holder);
	holder.append(make("h2", "The verdicts"));
	for (const line of report.summary) holder.append(make("p", line));
	const table = make("table"), head = make("tr");
	for (const title of ["lab", ...SYSTEMS]) head.append(make("th", title));
	table.append(head);
	for (const name of report.labs) {
		const line = make("tr"), cell = make("td"), link = make("a", name);
		link.href = "#" + name;
		cell.append(link);
		line.append(cell);
		for (const system of SYSTEMS) {
			const result = report[system][name];
			line.append(make("td", stateOf(result), "state " + (!result ? "not_shown" :
				result.error !== undefined || result.ok === false ? "false" : result.verdict)));
		}
		table.append(line);
	}
	const wide = make("div", null, "wide");
	wide.append(table);
	holder.append(wide);
	for (const name of report.labs) {
		const section = holder.appendChild(make("section"));
		try {
			showLab(section, name);
		} catch (error) {  /* the other labs must still be shown */
			section.append(make("p", `This section cannot be drawn: ${error}`, "verdict false broken"));
		}
	}
}
