/* SPDX-License-Identifier: MIT
 * The book's search: BOOK (search.js) has path, title, headings and words of each page. */
"use strict";

function searchBook(words) {
	const found = [];
	for (const [path, title, headings, text] of BOOK) {
		const all = (title + " " + text).toLowerCase();
		if (!words.every((w) => all.includes(w))) continue;
		const head = headings.find(([, t]) => words.every((w) => t.toLowerCase().includes(w)));
		const inTitle = words.every((w) => title.toLowerCase().includes(w));
		const at = text.toLowerCase().indexOf(words[0]);
		found.push({ path: path + (head && !inTitle ? "#" + head[0] : ""), title,
			near: head && !inTitle ? head[1] : text.slice(Math.max(0, at - 30), at + 60),
			rank: inTitle ? 0 : head ? 1 : 2 });
	}
	return found.sort((a, b) => a.rank - b.rank).slice(0, 12);
}

function showFound(holder, typed) {
	const words = typed.toLowerCase().split(/\s+/).filter(Boolean), top = document.body.dataset.top;
	holder.textContent = "";
	if (!words.length) return;
	const found = searchBook(words);
	for (const one of found) {
		const link = document.createElement("a"), near = document.createElement("small");
		link.href = top + "/" + one.path; link.textContent = one.title; near.textContent = one.near;
		link.append(near); holder.append(link);
	}
	if (!found.length) holder.textContent = "No page has all these words.";
}

const box = document.getElementById("search");
if (box) {
	box.addEventListener("input", () => showFound(document.getElementById("found"), box.value));
	box.addEventListener("keydown", (event) => {
		const first = document.querySelector("#found a");
		if (event.key === "Enter" && first) location.href = first.href;
		if (event.key === "Escape") { box.value = ""; showFound(document.getElementById("found"), ""); }
	});
	document.addEventListener("keydown", (event) => {
		if (event.key === "/" && document.activeElement === document.body) { event.preventDefault(); box.focus(); }
	});
}
