/* SPDX-License-Identifier: MIT
 * The timeline: a row a CPU, then a row a thread; wheel or +/- to zoom, drag or arrows to pan. */
"use strict";

const HUES = [210, 28, 130, 350, 265, 55, 180, 310, 85, 0, 235, 155];

function threadColours(data) {
	/* The threads that ran longest get the colours that differ most. */
	const order = Object.keys(data.threads).sort((a, b) => data.threads[b].ran - data.threads[a].ran);
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const used = new Set(order.map((tid) => data.threads[tid].letter));
	let next = 0;
	order.forEach((tid, i) => {
		const thread = data.threads[tid];
		thread.colour = `hsl(${HUES[i % HUES.length]} 70% ${i < HUES.length ? 62 : 48}%)`;
		if (!thread.letter) {
			while (used.has(letters[next])) next++;
			thread.letter = letters[next++] || "*";
		}
	});
	return order;
}

function timeText(us) {
	if (Math.abs(us) >= 1e6) return (us / 1e6).toFixed(3) + " s";
	if (Math.abs(us) >= 1e3) return (us / 1e3).toFixed(3) + " ms";
	return us.toFixed(1) + " \u00b5s";
}

function timeline(holder, data) {
	const order = threadColours(data);
	const canvas = document.createElement("canvas"), hover = document.createElement("div");
	const legend = document.createElement("div"), status = document.createElement("p");
	const box = document.createElement("div");
	const row = 26, left = 130, top = 26;
	const rows = [];
	for (let cpu = 0; cpu < data.cpus; cpu++) rows.push({ label: "CPU " + cpu, cpu });
	for (const tid of order.slice(0, 40))
		rows.push({ label: `${data.threads[tid].letter} ${data.threads[tid].name}`, tid: +tid });
	const slices = data.slices.filter((s) => s[3] !== 0);
	for (const what of new Set((data.holds || []).map((h) => h[3])))
		rows.push({ label: `holds the ${what}`, spans: data.holds.filter((h) => h[3] === what)
			.map((h) => [-1, h[1], h[2], h[0], 0, "-"]) });
	const height = top + rows.length * row + 22;
	let view = { from: 0, to: Math.max(data.length, 1) }, drawn = 0;

	box.className = "timeline"; legend.className = "legend"; hover.className = "hover";
	hover.hidden = true; canvas.tabIndex = 0; canvas.setAttribute("role", "img");
	const switches = data.slices.filter((s) => s[4]).length;
	const summary = `${slices.length} slices of ${order.length} threads on ${data.cpus} CPUs over ` +
		`${timeText(data.length)}; ${data.slices.length} switches, ${switches} of them to ` +
		`another address space; ${data.wakes.length} wake-ups`;
	canvas.setAttribute("aria-label", "Timeline: " + summary);
	status.className = "soft"; status.textContent = summary;
	for (const tid of order.slice(0, 40)) {
		const item = document.createElement("span"), mark = document.createElement("i");
		mark.textContent = data.threads[tid].letter;
		mark.style.background = data.threads[tid].colour;
		item.append(mark, `${data.threads[tid].name} (${tid}), ran ${timeText(data.threads[tid].ran)}`);
		legend.append(item);
	}
	const help = document.createElement("p");
	help.className = "soft";
	help.textContent = "Wheel or + and \u2212: zoom. Drag or arrows: move. 0: all. A black edge " +
		"begins a slice whose switch changed the address space; a triangle is a wake-up.";
	box.append(canvas, hover);
	holder.append(status, box, legend, help);

	const x = (us) => left + (us - view.from) / (view.to - view.from) * (canvas.clientWidth - left);
	const at = (px) => view.from + (px - left) / (canvas.clientWidth - left) * (view.to - view.from);

	function draw() {
		const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
		const c = canvas.getContext("2d"), css = getComputedStyle(document.body);
		const front = css.color, line = css.getPropertyValue("--line");
		canvas.style.height = height + "px";
		canvas.width = width * ratio; canvas.height = height * ratio;
		c.scale(ratio, ratio);
		c.font = "12px system-ui, sans-serif"; c.textBaseline = "middle";
		const step = niceStep((view.to - view.from) / Math.max(2, (width - left) / 110));
		c.fillStyle = front; c.strokeStyle = line;
		for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
			c.beginPath(); c.moveTo(x(t), top - 6); c.lineTo(x(t), height - 20); c.stroke();
			c.fillText(timeText(t), x(t) + 3, 11);
		}
		drawn = 0;
		rows.forEach((r, i) => {
			const y = top + i * row;
			c.save(); c.beginPath(); c.rect(left, y, width - left, row); c.clip();
			for (const s of r.spans || slices) {
				if (r.spans ? !data.threads[s[3]] : r.tid === undefined ? s[0] !== r.cpu : s[3] !== r.tid) continue;
				if (s[2] < view.from || s[1] > view.to) continue;
				const x0 = x(s[1]), w = Math.max(1, x(s[2]) - x0), thread = data.threads[s[3]];
				c.fillStyle = thread.colour; c.fillRect(x0, y + 3, w, row - 6);
				if (s[4]) { c.fillStyle = front; c.fillRect(x0, y + 1, 2, row - 2); }
				if (w > 12) {
					c.fillStyle = "#000";
					c.fillText(w > 70 ? `${thread.letter} ${thread.name}`.slice(0, w / 7) :
						thread.letter, x0 + 4, y + row / 2);
				}
				drawn++;
			}
			for (const w of data.wakes) {
				if (r.tid === undefined || w[2] !== r.tid || w[1] < view.from || w[1] > view.to)
					continue;
				const x0 = x(w[1]);
				c.fillStyle = front; c.beginPath(); c.moveTo(x0, y + row - 7);
				c.lineTo(x0 - 3, y + row); c.lineTo(x0 + 3, y + row); c.fill();
			}
			c.restore();
			c.fillStyle = front; c.fillText(r.label.slice(0, 19), 8, y + row / 2);
			c.strokeStyle = line; c.beginPath(); c.moveTo(0, y + row); c.lineTo(width, y + row);
			c.stroke();
		});
		c.fillStyle = front;
		for (const m of data.marks) {
			if (m[1] < view.from || m[1] > view.to) continue;
			c.fillRect(x(m[1]), height - 20, 1, 6);
			c.fillText(m[3].slice(0, 30), x(m[1]) + 3, height - 9);
		}
		canvas.dataset.drawn = drawn;
	}

	function niceStep(raw) {
		const power = 10 ** Math.floor(Math.log10(raw || 1));
		return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
	}
	function zoom(factor, centre) {
		const span = Math.min(data.length || 1, Math.max(0.5, (view.to - view.from) * factor));
		const share = (centre - view.from) / (view.to - view.from);
		view.from = centre - share * span; view.to = view.from + span;
		pan(0);
	}
	function pan(by) {
		const span = view.to - view.from;
		view.from = Math.max(0, Math.min(data.length - span, view.from + by));
		view.to = view.from + span;
		draw();
	}
	function say(event) {
		const us = at(event.offsetX), r = rows[Math.floor((event.offsetY - top) / row)];
		const s = r && !r.spans && data.slices.find((s) => s[1] <= us && us < s[2] &&
			(r.tid === undefined ? s[0] === r.cpu : s[3] === r.tid));
		hover.hidden = !s || event.offsetX < left;
		if (hover.hidden) return;
		const thread = data.threads[s[3]];
		hover.textContent = (thread ? `${thread.letter}: ${thread.name}, TID ${s[3]}, PID ${thread.pid}`
			: "idle") + `\nCPU ${s[0]}, ${timeText(s[1])} to ${timeText(s[2])} (${timeText(s[2] - s[1])})` +
			(s[4] ? "\nthe switch to it changed the address space" : "") +
			(thread ? `\nleft in state ${s[5]}` : "");
		hover.style.left = Math.min(event.offsetX + 14, canvas.clientWidth - 260) + "px";
		hover.style.top = event.offsetY + 14 + "px";
	}
	let drag = null;
	canvas.addEventListener("wheel", (e) => {
		e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, at(Math.max(left, e.offsetX)));
	}, { passive: false });
	canvas.addEventListener("pointerdown", (e) => { drag = e.offsetX; canvas.setPointerCapture(e.pointerId); });
	canvas.addEventListener("pointerup", () => { drag = null; });
	canvas.addEventListener("pointerleave", () => { hover.hidden = true; });
	canvas.addEventListener("pointermove", (e) => {
		if (drag === null) return say(e);
		pan(at(drag) - at(e.offsetX)); drag = e.offsetX;
	});
	canvas.addEventListener("keydown", (e) => {
		const span = view.to - view.from, middle = (view.from + view.to) / 2;
		const act = { "+": () => zoom(0.8, middle), "=": () => zoom(0.8, middle),
			"-": () => zoom(1.25, middle), ArrowLeft: () => pan(-span / 5),
			ArrowRight: () => pan(span / 5),
			"0": () => { view = { from: 0, to: Math.max(data.length, 1) }; draw(); } }[e.key];
		if (act) { act(); e.preventDefault(); }
	});
	window.addEventListener("resize", draw);
	draw();
}
