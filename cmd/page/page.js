"use strict";
/* The range of days, the filter and the sorting. reportdata.c tells the form of
 * the data; without this script the page shows the whole period. */
(() => {
const $ = id => document.getElementById(id);
const all = (q, from = document) => [...from.querySelectorAll(q)];
const data = JSON.parse($("data").textContent);
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const DAY = 864e5, SEEN = 4, OUT = 1;
const start = Date.parse(data.from + "T00:00:00Z");
const dayText = n => new Date(start + n * DAY).toISOString().slice(0, 10);
const ENDS = 80, DIGITS = 89;
const value = new Map();
for (let c = 35; value.size < DIGITS; c++)
	if (!"*<\\".includes(String.fromCharCode(c)))
		value.set(String.fromCharCode(c), value.size);

/* The sum of a column over the days from..to, both included. */
function columnSum(text, from, to) {
	const week = [0, 0, 0, 0, 0, 0, 0];
	let sum = 0, day = 0, n = 0, unit = 1, run = false;
	const next = more => {
		const had = week[day % 7] += more;
		if (day >= from && day <= to)
			sum += had;
		day++;
	};
	for (const c of text) {
		if (day > to)
			break;
		if (c === "!") {
			run = true;
			continue;
		}
		const v = value.get(c);
		n += v * unit;
		unit *= DIGITS - ENDS;
		if (v >= ENDS)
			continue;
		if (run)
			while (n-- > 0)
				next(0);
		else
			next(n % 2 ? (n + 1) / 2 : -n / 2);
		n = 0;
		unit = 1;
		run = false;
	}
	while (day <= to)
		next(0);
	return sum;
}

const columns = data.partners.map(p => p[1].split(" "));

/* What partner i had: seen[way][level], preferred, failed, lowered by way. */
function sums(i, from, to) {
	const get = k => columnSum(columns[i][k] || "", from, to);
	const s = {seen: [[], []], all: [0, 0], extra: []};
	for (let k = 0; k < 2 * SEEN; k++) {
		s.seen[k % 2][k >> 1] = get(k);
		s.all[k % 2] += s.seen[k % 2][k >> 1];
	}
	for (let k = 2 * SEEN; k < 2 * SEEN + 6; k++)
		s.extra.push(columns[i][k] === "*" ? s.all[k % 2] : get(k));
	return s;
}

function totals(list) {
	const t = {all: 0, sent: 0, verified: 0, clear: 0, required: 0,
	    failed: 0, lowered: 0, level: [0, 0, 0, 0]};
	for (const s of list) {
		const both = k => s.extra[k] + s.extra[k + 1];
		t.all += s.all[0] + s.all[1];
		t.sent += s.all[OUT];
		t.verified += s.seen[OUT][SEEN - 1];
		t.clear += s.seen[0][0] + s.seen[1][0];
		t.required += s.all[0] + s.all[1] - both(0);
		t.failed += both(2);
		t.lowered += both(4);
		t.level = t.level.map((n, k) => n + s.seen[0][k] + s.seen[1][k]);
	}
	return t;
}

const count = n => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/* As report_percent() does it: never rounded up. */
function share(part, whole) {
	if (whole === 0 || part === whole)
		return whole === 0 ? "-" : "100 %";
	const h = (part * 1e4 - part * 1e4 % whole) / whole;
	return ((h === 0 && part > 0 ? 1 : h) / 100).toFixed(2) + " %";
}

function put(cell, text) {
	if (cell.textContent !== text)
		cell.textContent = text;
}

function bar(svg, level) {
	const whole = level.reduce((a, n) => a + n, 0);
	const wide = level.map(n => n === 0 ? 0 : .03 + n / whole);
	const sum = wide.reduce((a, n) => a + n, 0);
	let x = 0;
	all("rect", svg).forEach(r => r.remove());
	for (let k = SEEN - 1; k >= 0; k--) {
		if (wide[k] === 0)
			continue;
		const r = document.createElementNS(svg.namespaceURI, "rect");
		r.setAttribute("class", "cetv"[k]);
		r.setAttribute("x", x + "%");
		r.setAttribute("width", 100 * wide[k] / sum + "%");
		svg.append(r);
		x += 100 * wide[k] / sum;
	}
}

/* As chart_axis() does it. */
function axis(svg, from, to) {
	const n = to - from + 1, few = n <= 62;
	let labels = 0;
	svg.replaceChildren();
	for (let d = from; d <= to; d++) {
		const t = new Date(start + d * DAY);
		if (few ? (d - from) % (Math.floor(n / 8) + 1) !== 0 :
		    t.getUTCDate() !== 1 ||
		    t.getUTCMonth() % Math.floor(n / 496 + 1) !== 0)
			continue;
		if (Math.floor((d - from) * 100 / n) > 92)
			break;
		const x = document.createElementNS(svg.namespaceURI, "text");
		x.setAttribute("x", (100 * (d - from) / n) + "%");
		x.setAttribute("y", 12);
		if (labels++ % 2 !== 0)
			x.setAttribute("class", "odd");
		x.textContent = (few ? t.getUTCDate() + " " : "") + MONTHS[t.getUTCMonth()];
		svg.append(x);
	}
}

const rows = all("#partners tbody tr");
for (const list of [rows, all(".p")])
	list.forEach((e, i) => e.dataset.p = i);
const ofPartner = all("[data-p]").map(e => [e, +e.dataset.p]);
const dated = all("[data-from]");
const plots = all("svg.time"), axes = all("svg.axis");
const names = data.partners.map(p => p[0].toLowerCase());
let drawn = "", counted = [];

function show() {
	const pick = (id, otherwise) => {
		const t = Date.parse($(id).value + "T00:00:00Z");
		return isNaN(t) ? otherwise :
		    Math.min(Math.max(Math.round((t - start) / DAY), 0), data.days - 1);
	};
	const from = pick("from", 0), to = Math.max(from, pick("to", data.days - 1));
	const whole = from === 0 && to === data.days - 1;
	const word = $("filter").value.trim().toLowerCase();
	const shown = names.map(n => n.includes(word));

	/* What was counted for these days is kept while somebody types. */
	const again = drawn !== from + " " + to;
	if (again)
		counted = [];
	for (const row of rows) {
		const i = row.dataset.p, c = row.cells;
		if (!shown[i] || counted[i])
			continue;
		counted[i] = sums(i, from, to);
		const t = totals([counted[i]]);
		[count(t.sent), count(t.all - t.sent), share(t.all - t.clear, t.all),
		    share(t.verified, t.sent), count(t.clear), count(t.failed),
		    count(t.lowered)].forEach((text, k) => put(c[k + 3], text));
		bar(c[10].querySelector("svg"), t.level);
	}
	const t = totals(names.map((n, i) => counted[i]).filter((s, i) => shown[i]));
	put($("f-all"), count(t.all));
	put($("f-encrypted"), share(t.all - t.clear, t.all));
	put($("f-verified"), share(t.verified, t.sent));
	put($("f-clear"), count(t.clear));
	put($("f-kept"), share(t.required - t.failed, t.required));
	put($("f-lowered"), count(t.lowered));
	for (const [e, i] of ofPartner)
		e.hidden = !shown[i];
	for (const e of dated)
		e.hidden = e.dataset.from > to || e.dataset.to < from ||
		    !e.dataset.name.toLowerCase().includes(word);
	if (again) {
		drawn = from + " " + to;
		for (const svg of plots)
			svg.setAttribute("viewBox", `${from} 0 ${to - from + 1} ` +
			    svg.getAttribute("viewBox").split(" ")[3]);
		axes.forEach(svg => axis(svg, from, to));
	}
	all(".part").forEach(e => e.hidden = whole && word === "");
	$("said").textContent = whole && word === "" ? "" :
	    `${shown.filter(x => x).length} of ${names.length} partners, ` +
	    `${dayText(from)} to ${dayText(to)}. Counted again: the figures, the ` +
	    "table of partners. All else is of the whole report, charts of all in it.";
}

function number(text) {
	const n = parseFloat(text.replace(/[,%<]/g, ""));
	return isNaN(n) ? -1 : n;
}

function sortBy(th) {
	const k = th.cellIndex, down = th.getAttribute("aria-sort") === "descending" ||
	    (!th.hasAttribute("aria-sort") && !th.classList.contains("n"));
	const text = r => r.cells[k].textContent;
	const by = th.classList.contains("n") ?
	    (a, b) => number(text(a)) - number(text(b)) :
	    (a, b) => text(a).localeCompare(text(b));
	all("th", th.parentNode).forEach(e => e.removeAttribute("aria-sort"));
	th.setAttribute("aria-sort", down ? "ascending" : "descending");
	rows.sort((a, b) => down ? by(a, b) : by(b, a));
	th.closest("table").tBodies[0].append(...rows);
}

for (const th of all("#partners thead th")) {
	if (th.textContent === "Mail")
		continue;
	const b = document.createElement("button");
	b.textContent = th.textContent;
	b.addEventListener("click", () => sortBy(th));
	th.replaceChildren(b);
}
for (const id of ["from", "to"]) {
	$(id).min = dayText(0);
	$(id).max = dayText(data.days - 1);
	$(id).defaultValue = dayText(id === "from" ? 0 : data.days - 1);
}
const tools = $("tools");
tools.hidden = false;
tools.addEventListener("input", () => requestAnimationFrame(show));
tools.addEventListener("reset", () => setTimeout(show));
tools.addEventListener("submit", e => e.preventDefault());
})();
