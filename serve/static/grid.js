// The grid of proposals: rows come from the server in windows of 100; only those in view are in the page.
import { detail, remaining, say, send } from "./app.js";

const grid = document.getElementById("grid");
const body = document.getElementById("rows");
const space = body.querySelector(".space");
const filters = document.getElementById("filters");
const mayDecide = "mayDecide" in grid.dataset;
const WINDOW = 100;
const STATUS = { proposed: "open", approved: "approved", rejected: "rejected", released: "released", executed: "executed", superseded: "superseded" };

let rowHeight = 44;
let total = 0;
let revision = 0;
let sort = "departure";
let isDescending = false;
let focused = 0;
let generation = 0;
let windows = new Map();
let lastDecision = null;

const whole = new Intl.NumberFormat("en-US");
const cents = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const money = (value) => (value === null ? "–" : `${value < 0 ? "−" : ""}${grid.dataset.currency}${cents.format(Math.abs(value))}`);

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function query() {
  const values = new FormData(filters);
  const view = values.get("view");
  const parts = new URLSearchParams({ as_of: grid.dataset.asOf, sort, descending: isDescending, grouped: view !== "flat", folded: view === "folded" });
  for (const [name, value] of values) if (name !== "view" && value) parts.set(name, value);
  return parts;
}

async function load(number) {
  if (windows.has(number)) return;
  windows.set(number, null);
  const current = generation;
  const parts = query();
  parts.set("offset", number * WINDOW);
  parts.set("limit", WINDOW);
  const response = await fetch(`/proposals/rows?${parts}`);
  if (current !== generation) return;
  if (response.status === 401) { location.reload(); return; }
  const content = await response.json();
  if (!response.ok) { say(detail(content), "bad"); return; }
  windows.set(number, content.rows);
  revision = content.revision;
  total = content.n_rows;
  document.getElementById("count").textContent = `${whole.format(content.n_lines)} ${content.n_lines === 1 ? "line" : "lines"}`;
  body.setAttribute("aria-rowcount", total);
  space.style.height = `${total * rowHeight}px`;
  draw();
}

function restart(keepPlace = false) {
  generation += 1;
  windows = new Map();
  if (!keepPlace) { body.scrollTop = 0; focused = 0; }
  measure();
  load(Math.floor(Math.floor(body.scrollTop / rowHeight) / WINDOW));
}

function measure() {
  rowHeight = parseInt(getComputedStyle(grid).getPropertyValue("--row"), 10) || 44;
}

function rowAt(index) {
  const rows = windows.get(Math.floor(index / WINDOW));
  return rows ? rows[index % WINDOW] : undefined;
}

function draw() {
  const first = Math.max(0, Math.floor(body.scrollTop / rowHeight) - 8);
  const last = Math.min(total, Math.ceil((body.scrollTop + body.clientHeight) / rowHeight) + 8);
  for (let number = Math.floor(first / WINDOW); number <= Math.floor(Math.max(last - 1, 0) / WINDOW); number += 1) load(number);
  const hadFocus = document.activeElement?.closest?.(".row");
  const made = [];
  for (let index = first; index < last; index += 1) {
    const row = rowAt(index);
    if (!row) continue;
    const line = row.type === "departure" ? departureRow(row, index) : lineRow(row, index);
    line.style.top = `${index * rowHeight}px`;
    line.dataset.index = index;
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", index + 1);
    line.tabIndex = index === focused ? 0 : -1;
    made.push(line);
  }
  if (!total && windows.get(0)) {
    const none = element("p", "none", "No line matches these filters.");
    space.replaceChildren(none);
  } else {
    space.replaceChildren(...made);
  }
  if (hadFocus) space.querySelector(`[data-index="${focused}"]`)?.focus({ preventScroll: true });
}

function cell(line, className, text) {
  const made = element("div", `cell ${className}`, text);
  made.setAttribute("role", "gridcell");
  line.append(made);
  return made;
}

function lineRow(row, index) {
  const line = element("div", `row line ${row.status}`);
  const sku = cell(line, "sku");
  const link = element("a", "", row.sku);
  link.href = `/sku?as_of=${grid.dataset.asOf}&sku=${encodeURIComponent(row.sku)}`;
  link.tabIndex = -1;
  sku.append(link, element("small", "", [row.category, row.owner].filter(Boolean).join(" · ")));
  cell(line, "route", `${row.origin} → ${row.destination}`);
  const units = cell(line, "units n");
  if (row.decided !== null && row.decided !== row.units && row.status !== "rejected") {
    units.append(element("del", "", whole.format(row.units)), " ", element("ins", "", whole.format(row.decided)));
  } else {
    units.append(whole.format(row.units));
  }
  units.append(element("small", "", row.pack > 1 ? `packs of ${row.pack}` : ""));
  cell(line, "benefit n", money(row.benefit));
  cell(line, "cost n", money(row.cost));
  cell(line, "loss n", money(row.loss));
  cell(line, "arrives", row.arrives);
  cell(line, "state").append(...stateOf(row));
  const buttons = cell(line, "buttons");
  if (mayDecide && !row.outlook) {
    if (row.status === "proposed" && !row.late) buttons.append(button("✓", "Approve", () => approve(row)));
    if (["proposed", "approved"].includes(row.status) && !row.late) buttons.append(button("✎", "Change units", () => edit(row)));
    if (row.status === "proposed" || row.status === "approved") buttons.append(button("✕", "Reject", () => reject(row)));
    if (row.status === "approved" || row.status === "rejected") buttons.append(button("↶", "Undo", () => withdraw(row)));
  }
  return line;
}

function stateOf(row) {
  const name = row.outlook ? "outlook" : STATUS[row.status];
  const parts = [element("span", `badge ${row.outlook ? "outlook" : row.status}`, name)];
  if (row.by) {
    const who = element("small", "", row.reason ? `${row.by}: ${row.reason}` : row.by);
    who.title = `${row.by}, ${row.at}${row.reason ? `: ${row.reason}` : ""}`;
    parts.push(who);
  } else if (row.late && row.status === "proposed") {
    parts.push(element("small", "", "cut-off has passed"));
  }
  return parts;
}

function departureRow(row, index) {
  const line = element("div", `row departure${row.pays ? "" : " losing"}`);
  const name = cell(line, "sku");
  const open = element("button", "link", row.id);
  open.type = "button";
  open.tabIndex = -1;
  open.addEventListener("click", () => alone(row));
  name.append(open, element("small", "", `${row.kind}, ships ${row.ships_short}`));
  const due = cell(line, "route");
  const time = element("time", "", remaining(row.cutoff));
  time.dataset.countdown = row.cutoff;
  time.title = row.cutoff_text;
  due.append(time, element("small", "", row.cutoff_short));
  cell(line, "units n", whole.format(row.units)).append(element("small", "", "units"));
  const value = cell(line, "benefit n", money(row.value));
  value.append(element("small", row.pays ? "" : "bad", row.pays ? "saves" : "no longer pays"));
  const fill = cell(line, "fill");
  fill.append(...fillOf(row));
  const counts = cell(line, "state");
  counts.append(element("span", "", `${whole.format(row.counts.proposed)} of ${whole.format(row.lines)} open`));
  const others = ["approved", "rejected", "released"].filter((status) => row.counts[status]).map((status) => `${row.counts[status]} ${status}`);
  counts.append(element("small", "", others.join(", ")));
  const buttons = cell(line, "buttons");
  if (mayDecide) {
    if (row.counts.proposed && !row.late) buttons.append(button("✓", `Approve all ${lineCount(row.counts.proposed).replace(/ (lines?)$/, " open $1")} of the departure`, () => approve(row)));
    if (row.counts.proposed || row.counts.approved) buttons.append(button("✕", "Reject", () => reject(row)));
    if (row.counts.approved || row.counts.rejected) buttons.append(button("↶", "Undo", () => withdraw(row)));
  }
  return line;
}

function fillOf(row) {
  if (row.fill === null) return [element("span", "quiet", "no capacity given")];
  const meter = element("meter");
  meter.min = 0; meter.max = 1; meter.value = Math.min(row.fill, 1);
  meter.setAttribute("aria-label", "Fill of the loads");
  const loads = row.loads === 1 ? "1 load" : `${whole.format(row.loads)} loads`;
  const text = element("small", "", `${Math.round(100 * row.fill)}% of ${loads}${row.loads !== row.planned_loads ? ` (planned ${row.planned_loads})` : ""}`);
  return [meter, text];
}

function button(sign, name, run) {
  const made = element("button", "icon", sign);
  made.type = "button";
  made.title = name;
  made.setAttribute("aria-label", name);
  made.tabIndex = -1;
  made.addEventListener("click", (event) => {
    event.stopPropagation();
    focused = Number(made.closest(".row").dataset.index);
    run();
  });
  return made;
}

// Decisions

const target = (row) => (row.type === "departure" ? { departures: { [row.id]: row.version } } : { lines: { [row.id]: row.version } });
const label = (row) => (row.type === "departure" ? row.id : `${row.sku} ${row.origin} → ${row.destination}`);

async function decide(verb, row, extra = {}) {
  const { status, content } = await send("/decisions", { as_of: grid.dataset.asOf, verb, ...target(row), ...extra });
  if (status === 409) {
    const first = content.conflicts[0];
    const what = first.status === "proposed" ? "made it undecided" : `${first.status} it`;
    say(`${label(row)}: ${first.by} ${what} at ${first.at}${first.reason ? ` (${first.reason})` : ""}. Nothing was changed; the rows are up to date now.`, "bad");
  } else if (status !== 200) {
    say(detail(content), "bad");
  } else {
    const done = { approve: "approved", reject: "rejected", withdraw: "undecided again" }[verb];
    const count = content.decided;
    const skipped = content.skipped.length ? `, ${content.skipped.length} skipped: ${content.skipped[0].why}` : "";
    const losing = content.departures.find((one) => !one.pays);
    lastDecision = { lines: content.lines };
    const undo = verb === "withdraw" || !count ? null : { name: "Undo", run: undoLast };
    say(`${label(row)}: ${count} ${count === 1 ? "line" : "lines"} ${done}${skipped}.`, count ? "good" : "bad", undo);
    if (losing) say(`${losing.id} no longer pays: it costs ${money(-losing.value)} more than it saves.`, "bad");
  }
  restart(true);
}

async function undoLast() {
  if (!lastDecision) return;
  const { status, content } = await send("/decisions", { as_of: grid.dataset.asOf, verb: "withdraw", lines: lastDecision.lines });
  lastDecision = null;
  if (status === 200) say(`${content.decided} ${content.decided === 1 ? "line is" : "lines are"} undecided again.`, "good");
  else say(status === 409 ? "The lines were decided again since; nothing was changed." : detail(content), "bad");
  restart(true);
}

const approve = (row) => decide("approve", row);
const withdraw = (row) => decide("withdraw", row);

function reject(row) {
  const dialog = document.getElementById("reject");
  document.getElementById("reject-lines").textContent = label(row);
  const form = dialog.querySelector("form");
  form.reset();
  dialog.returnValue = "";
  dialog.onclose = () => { if (dialog.returnValue === "ok") decide("reject", row, { reason: form.reason.value }); };
  dialog.showModal();
}

function edit(row) {
  const dialog = document.getElementById("edit");
  const form = dialog.querySelector("form");
  const check = document.getElementById("edit-check");
  document.getElementById("edit-line").textContent = `${label(row)}: ${whole.format(row.units)} units proposed${row.pack > 1 ? `, in packs of ${row.pack}` : ""}`;
  form.units.step = row.pack;
  form.units.value = row.decided ?? row.units;
  check.textContent = "";
  let waiting = 0;
  let latest = 0;
  const review = async () => {
    latest += 1;
    const number = latest;
    const units = Number(form.units.value);
    if (!form.units.value || !Number.isInteger(units) || Math.abs(units) > 1e9) {
      check.className = "check bad";
      check.textContent = "Enter a whole number of units.";
      return;
    }
    const parts = new URLSearchParams({ as_of: grid.dataset.asOf, id: row.id, units });
    const response = await fetch(`/proposals/check?${parts}`);
    const content = await response.json();
    if (number !== latest) return;
    check.className = `check ${response.ok && content.is_possible ? "" : "bad"}`;
    check.textContent = response.ok ? content.text : detail(content);
    form.querySelector("[value=ok]").disabled = !(response.ok && content.is_possible);
  };
  form.units.oninput = () => {
    clearTimeout(waiting);
    latest += 1;
    check.className = "check quiet";
    check.textContent = "checking …";
    form.querySelector("[value=ok]").disabled = true;
    waiting = setTimeout(review, 120);
  };
  dialog.returnValue = "";
  dialog.onclose = () => { if (dialog.returnValue === "ok") change(row, Number(form.units.value)); };
  dialog.showModal();
  form.units.select();
  review();
}

// Decisions on all lines that match the filters: the dialog shows how many, and exactly these are decided.

const BULK = { approve: "Approve", reject: "Reject", withdraw: "Undo the decisions on" };
const lineCount = (count) => `${whole.format(count)} ${count === 1 ? "line" : "lines"}`;

function shownFilters() {
  const parts = { as_of: grid.dataset.asOf };
  for (const [name, value] of new FormData(filters)) if (name !== "view" && value) parts[name] = value;
  return parts;
}

async function decideShown(verb) {
  const parts = { ...shownFilters(), verb };
  const response = await fetch(`/decisions/shown?${new URLSearchParams(parts)}`);
  const content = await response.json();
  if (!response.ok) { say(detail(content), "bad"); return; }
  const late = content.n_late ? ` ${content.n_late === 1 ? "One line is" : `${whole.format(content.n_late)} lines are`} left out, because the cut-off has passed.` : "";
  if (!content.n_lines) { say(`No line shown can be decided.${late}`, "bad"); return; }
  const dialog = document.getElementById("bulk");
  const form = dialog.querySelector("form");
  form.reset();
  form.reason.disabled = verb !== "reject";
  document.getElementById("bulk-reason").hidden = verb !== "reject";
  document.getElementById("bulk-title").textContent = `${BULK[verb]} ${lineCount(content.n_lines)}`;
  document.getElementById("bulk-lines").textContent = `${lineCount(content.n_lines)} on ${whole.format(content.n_departures)} ${content.n_departures === 1 ? "departure" : "departures"}: ${whole.format(content.units)} units, savings ${money(content.benefit)}.${late}`;
  const button = form.querySelector("[value=ok]");
  button.textContent = `${BULK[verb].split(" ")[0]} ${lineCount(content.n_lines)}`;
  button.className = verb === "reject" ? "danger" : "lead";
  dialog.returnValue = "";
  dialog.onclose = () => { if (dialog.returnValue === "ok") sendShown({ ...parts, token: content.token, reason: verb === "reject" ? form.reason.value : null }); };
  dialog.showModal();
}

async function sendShown(body) {
  const { status, content } = await send("/decisions/shown", body);
  if (status === 200) {
    const done = { approve: "approved", reject: "rejected", withdraw: "undecided again" }[body.verb];
    const skipped = content.n_skipped ? `, ${whole.format(content.n_skipped)} skipped: ${content.skipped[0].why}` : "";
    say(`${lineCount(content.decided)} ${done}${skipped}.`, "good", content.undo ? { name: "Undo", run: () => undoShown(content.undo) } : null);
    for (const one of content.losing) say(`${one.id} no longer pays: it costs ${money(-one.value)} more than it saves.`, "bad");
  } else {
    say(detail(content), "bad");
  }
  restart(true);
}

async function undoShown(key) {
  const { status, content } = await send("/decisions/undo", { undo: key });
  const changed = status === 200 && content.n_changed ? `; ${whole.format(content.n_changed)} were decided again since and stay` : "";
  if (status === 200) say(`${lineCount(content.decided)} undecided again${changed}.`, "good");
  else say(detail(content), "bad");
  restart(true);
}

for (const one of grid.querySelectorAll("[data-bulk]")) one.addEventListener("click", () => decideShown(one.dataset.bulk));

// An approved line is withdrawn first: the ledger has both decisions.
async function change(row, units) {
  let seen = row;
  if (row.status === "approved") {
    const { status, content } = await send("/decisions", { as_of: grid.dataset.asOf, verb: "withdraw", lines: { [row.id]: row.version } });
    if (status !== 200 || !content.decided) { decide("withdraw", row); return; }
    seen = { ...row, version: content.lines[row.id] };
  }
  decide("approve", seen, { units: { [row.id]: units } });
}

function alone(row) {
  filters.departure.value = row.id;
  filters.view.value = "lines";
  filtered();
}

// Filters, sorting, keyboard

function filtered() {
  for (const one of grid.querySelectorAll("[data-bulk]")) {
    const status = filters.status.value;
    one.hidden = !{ approve: ["", "proposed"], reject: ["", "proposed", "approved"], withdraw: ["approved", "rejected"] }[one.dataset.bulk].includes(status);
  }
  const chips = document.getElementById("chips");
  chips.hidden = !filters.departure.value;
  chips.replaceChildren();
  if (filters.departure.value) {
    const chip = element("button", "chip", `${filters.departure.value} ×`);
    chip.type = "button";
    chip.setAttribute("aria-label", `Show all departures, not only ${filters.departure.value}`);
    chip.addEventListener("click", () => { filters.departure.value = ""; filtered(); });
    chips.append("Only the departure ", chip);
  }
  remember();
  restart();
}

// The address holds the filters, so that it can be kept, shared, and returned to.
function remember() {
  const address = new URL(location.href);
  for (const [name, value] of new FormData(filters)) {
    if (value && !(name === "view" && value === "lines")) address.searchParams.set(name, value); else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
  const parts = query();
  for (const name of ["grouped", "folded"]) parts.delete(name);
  document.getElementById("download").href = `/proposals/lines.csv?${parts}`;
}

let typing = 0;
filters.addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(filtered, event.target.name === "search" ? 120 : 0);
});
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", () => { filters.departure.value = ""; setTimeout(filtered, 0); });

for (const head of grid.querySelectorAll("[data-sort]")) {
  head.addEventListener("click", () => {
    const isNumber = head.classList.contains("n");
    isDescending = sort === head.dataset.sort ? !isDescending : isNumber;
    sort = head.dataset.sort;
    for (const other of grid.querySelectorAll("[data-sort]")) {
      const direction = other === head ? (isDescending ? "descending" : "ascending") : "";
      other.dataset.direction = direction;
      if (direction) other.setAttribute("aria-pressed", "true"); else other.removeAttribute("aria-pressed");
    }
    remember();
    restart();
  });
}

function move(index) {
  focused = Math.max(0, Math.min(total - 1, index));
  const top = focused * rowHeight;
  if (top < body.scrollTop) body.scrollTop = top;
  if (top + rowHeight > body.scrollTop + body.clientHeight) body.scrollTop = top + rowHeight - body.clientHeight;
  draw();
  space.querySelector(`[data-index="${focused}"]`)?.focus({ preventScroll: true });
}

const pageRows = () => Math.max(1, Math.floor(body.clientHeight / rowHeight) - 1);
const MOVES = {
  ArrowDown: () => focused + 1, ArrowUp: () => focused - 1, PageDown: () => focused + pageRows(),
  PageUp: () => focused - pageRows(), Home: () => 0, End: () => total - 1,
};

body.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const row = rowAt(focused);
  if (MOVES[event.key]) { event.preventDefault(); move(document.activeElement === body && event.key.startsWith("Arrow") ? focused : MOVES[event.key]()); return; }
  if (!row) return;
  if (event.shiftKey) return;
  const key = event.key.toLowerCase();
  const isLine = row.type === "line";
  if (key === "enter" && event.target.matches("a, button")) return;
  const actions = {
    a: mayDecide && (() => approve(row)), r: mayDecide && (() => reject(row)), u: mayDecide && (() => withdraw(row)),
    e: mayDecide && isLine && (() => edit(row)),
    enter: () => (isLine ? location.assign(`/sku?as_of=${grid.dataset.asOf}&sku=${encodeURIComponent(row.sku)}`) : alone(row)),
  };
  if (actions[key]) { event.preventDefault(); actions[key](); }
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
  if (event.key === "/") { event.preventDefault(); filters.search.focus(); }
  if (mayDecide && event.shiftKey && ["A", "R"].includes(event.key)) { event.preventDefault(); decideShown(event.key === "A" ? "approve" : "reject"); }
  if (event.key === "?") document.getElementById("keys").showModal();
});
document.getElementById("help").addEventListener("click", () => document.getElementById("keys").showModal());

body.addEventListener("click", (event) => {
  const line = event.target.closest(".row");
  if (line && !event.target.closest("a, button")) { focused = Number(line.dataset.index); draw(); space.querySelector(`[data-index="${focused}"]`)?.focus({ preventScroll: true }); }
});
let isDrawing = false;
body.addEventListener("scroll", () => {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => { isDrawing = false; draw(); });
});
addEventListener("resize", () => { measure(); space.style.height = `${total * rowHeight}px`; draw(); });

// What others decide shows within ten seconds.
setInterval(async () => {
  if (document.hidden || document.querySelector("dialog[open]")) return;
  const response = await fetch(`/proposals/revision?as_of=${grid.dataset.asOf}`);
  if (response.ok && (await response.json()).revision !== revision) restart(true);
}, 10000);

filtered();
