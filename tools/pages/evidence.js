/* SPDX-License-Identifier: MIT
 * What a lab found (its --json), as a page shows it. */
"use strict";

const VERDICTS = { true: "TRUE HERE", corrected: "TRUE WITH A CORRECTION", false: "FALSE HERE",
	not_shown: "CANNOT BE SHOWN HERE" };

function make(tag, text, className) {
	const e = document.createElement(tag);
	if (text !== undefined && text !== null) e.textContent = text;
	if (className) e.className = className;
	return e;
}

function numberText(value) {
	if (value === null || value === undefined) return "\u2013";
	if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
	return String(+value.toPrecision(3));
}

function showTable(holder, item) {
	const right = item.columns.map((c) => c.right ? "right" : "");
	const wide = make("div", null, "wide"), table = make("table"), head = make("tr");
	holder.append(make("h3", item.title));
	item.columns.forEach((c, i) => head.append(make("th", c.name, right[i])));
	table.append(head);
	for (const row of item.rows) {
		const line = make("tr");
		row.forEach((cell, i) => line.append(make("td", cell, right[i])));
		table.append(line);
	}
	wide.append(table); holder.append(wide);
}

function showBars(holder, title, unit, bars) {
	const most = Math.max(...bars.map((b) => b.value), 1e-300), grid = make("div", null, "bars");
	if (title) holder.append(make("h3", title));
	for (const bar of bars) {
		const stripe = make("div", null, "bar" + (bar.theirs ? " theirs" : ""));
		stripe.style.width = Math.max(0, 100 * bar.value / most) + "%";
		grid.append(make("span", bar.label), stripe, make("span", `${numberText(bar.value)} ${unit}`));
	}
	holder.append(grid);
}

function showVerdict(holder, lab) {
	const box = make("p", null, "verdict " + lab.verdict);
	box.append(make("b", VERDICTS[lab.verdict] || lab.verdict), lab.text || "");
	holder.append(box);
}

function showClaim(holder, lab) {
	holder.append(make("blockquote", lab.claim), make("p", lab.loose, "loose"));
}

function showEvidence(holder, lab) {
	for (const item of lab.evidence) {
		if (item.kind === "table") showTable(holder, item);
		else if (item.kind === "bars") showBars(holder, item.title, item.unit, item.bars);
		else if (item.kind === "note") holder.append(make("p", item.text));
		else if (item.kind === "check")
			holder.append(make("p", item.text, "check " + (item.holds ? "holds" : "fails")));
		else if (item.kind === "left_out")
			holder.append(make("p", `Left out: ${item.what}: ${item.why}`, "soft"));
		else if (item.kind === "timeline") {
			holder.append(make("h3", item.title));
			timeline(holder.appendChild(make("section")), item);
		}
	}
}
