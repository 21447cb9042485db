// The list of proposals: filter, group, page, open. Only rows that are shown are in the document.
const STEP = { departures: 6, lines: 8, rank: 40 };
const HEADS = [["SKU"], ["From → to"], ["Units", "n"], ["Ships"], ["Usable"], ["Savings", "n"], ["Loss if rejected", "n"], ["Cost", "n"], ["Status"]];
const chosen = (name) => document.getElementById(name).value;
const selected = new Set();
let searchable = [];

function proposal(index) {
  const text = (column) => listed.texts[listed[column][index]];
  const departure = listed.departure[index];
  const of = (column) => listed.departures[column][departure];
  const name = (column) => listed.texts[of(column)];
  return {
    index, departure, id: listed.id[index], sku: text("sku"), label: text("label"), class: text("class"), owner: text("owner"), status: text("status"),
    binding: text("binding"), units: listed.units[index], packs: listed.packs[index], cost_eur: listed.cost_eur[index],
    benefit_eur: listed.benefit_eur[index], loss_if_refused_eur: listed.loss_if_refused_eur[index], kg_co2e: listed.kg_co2e[index],
    outlook: listed.outlook[index], kind: name("kind"), origin: name("origin"), destination: name("destination"), lane: name("lane"),
    ship_date: of("ship_date"), arrival_date: of("arrival_date"), decide_by: name("decide_by"),
  };
}

function matching() {
  const needles = chosen("search").toLowerCase().split(/\s+/).filter(Boolean);
  const exact = ["class", "owner", "kind"].filter((name) => chosen(name) !== "");
  const hub = chosen("hub"), outlook = chosen("outlook");
  const matches = [];
  for (let index = 0; index < listed.id.length; index += 1) {
    if (outlook !== "" && String(listed.outlook[index]) !== outlook) continue;
    const line = searchable[index];
    if (hub !== "" && line.origin !== hub && line.destination !== hub) continue;
    if (exact.some((name) => line[name] !== chosen(name))) continue;
    if (needles.every((needle) => line.text.includes(needle))) matches.push(index);
  }
  return matches;
}

async function toggle(button, row, line) {
  const isOpen = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) { row.nextSibling.remove(); return; }
  const cell = element("td", { colspan: String(HEADS.length) }, "…");
  row.after(element("tr", { class: "detail", id: `detail-${line.index}` }, cell));
  cell.replaceChildren(...detailBody(line, await skuDetails(line.sku)).filter(known));
}

function lineRow(index) {
  const line = proposal(index);
  const button = element("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": `detail-${index}` }, line.sku);
  const box = element("input", { type: "checkbox", "aria-label": `Select ${line.sku}, ${line.id}` });
  box.checked = selected.has(index);
  box.addEventListener("change", () => { selected[box.checked ? "add" : "delete"](index); showSelected(); });
  const values = [`${line.origin} → ${line.destination}`, units(line.units), day(line.ship_date), day(line.arrival_date), money(line.benefit_eur), money(line.loss_if_refused_eur), money(line.cost_eur), line.status];
  const cells = values.map((value, column) => element("td", { role: "cell", class: `pair ${HEADS[column + 1][1] || ""}`, "data-name": column ? HEADS[column + 1][0] : "" }, value));
  const row = element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, line.outlook ? null : box, button, line.label ? element("span", { class: "quiet" }, ` ${line.label}`) : null), ...cells);
  button.addEventListener("click", () => toggle(button, row, line));
  return row;
}

// A table that shows `step` rows and a button for the next ones.
function lineTable(indexes, step, caption) {
  const body = element("tbody", { role: "rowgroup" });
  const head = element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...HEADS.map(([name, kind]) => element("th", { scope: "col", role: "columnheader", class: kind || "" }, name))));
  const grid = element("table", { class: "lines", role: "table", "aria-label": caption }, head, body);
  return [element("div", { class: "scroll-wide" }, grid), ...paged(indexes, step, lineRow, body, "lines")];
}

function paged(items, step, draw, box, noun) {
  let shown = 0;
  const button = element("button", { type: "button", class: "more" });
  const next = () => {
    box.append(...items.slice(shown, shown + step).map(draw));
    shown += step;
    button.textContent = `Show more ${noun} (${units(items.length - shown)} left)`;
    if (shown >= items.length) button.remove();
  };
  button.addEventListener("click", next);
  next();
  return shown < items.length ? [button] : [];
}

// The command that decides the selected proposals. The page itself changes no data.
function showSelected() {
  const indexes = [...selected].sort((left, right) => left - right);
  document.getElementById("deciding").hidden = !indexes.length;
  const savings = sum(indexes.map((index) => listed.benefit_eur[index]));
  document.getElementById("selected").textContent = `${units(indexes.length)} selected, with expected savings of ${money(savings)}. To decide, run:`;
  const ids = indexes.map((index) => listed.id[index]).join(" ");
  // A page opened on a later day may be past its cut-offs, so the command states the time of the decision.
  const time = new Date().toISOString().slice(0, 10) > listed.as_of ? ` --at ${listed.as_of}T07:00` : "";
  const reason = chosen("decision") === "reject" ? " --reason 'rejected on the review page'" : "";
  document.getElementById("command").value = `forestock ${chosen("decision")} ${listed.options} --as-of ${listed.as_of}${time}${reason} ${ids}`;
}

function fill(name, share) {
  if (!known(share)) return null;
  const inner = element("i");
  inner.style.width = `${Math.min(100, 100 * share)}%`;
  return element("span", {}, `${name} `, element("span", { class: "bar" }, inner), ` ${rate(share)}`);
}

function departureBox([departure, indexes]) {
  const of = (column) => listed.departures[column][departure];
  const name = (column) => listed.texts[of(column)];
  const savings = sum(indexes.map((index) => listed.benefit_eur[index]));
  const loads = of("loads");
  const header = element("header", {},
    element("h3", {}, element("span", {}, `${name("origin")} → ${name("destination")} · ${day(of("ship_date"))}`), element("span", { class: savings < 0 ? "bad" : "good" }, money(savings))),
    element("span", {}, `decide by ${name("decide_by")}`), element("span", {}, `usable ${day(of("arrival_date"))}`), element("span", {}, name("kind")),
    element("span", {}, `${units(of("units"))} units in ${units(loads)} ${loads === 1 ? "load" : "loads"}`), element("span", {}, `loads cost ${money(of("fixed_eur"))}`),
    fill("volume", of("volume_fill_rate")), fill("mass", of("mass_fill_rate")),
    indexes.length < of("lines") ? element("span", {}, `${units(indexes.length)} of ${units(of("lines"))} lines match`) : null);
  const caption = `Proposals from ${name("origin")} to ${name("destination")} shipping ${day(of("ship_date"))}`;
  return element("div", { class: "departure" }, header, element("div", { class: "body" }, ...lineTable(indexes, STEP.lines, caption)));
}

function byDeparture(indexes) {
  const groups = new Map();
  for (const index of indexes) {
    const departure = listed.departure[index];
    if (!groups.has(departure)) groups.set(departure, []);
    groups.get(departure).push(index);
  }
  const savings = (group) => sum(group.map((index) => listed.benefit_eur[index]));
  return [...groups].map((group) => [group, savings(group[1])]).sort((left, right) => right[1] - left[1]).map(([group]) => group);
}

function show() {
  const indexes = matching();
  const total = sum(indexes.map((index) => listed.benefit_eur[index]));
  document.getElementById("count").textContent = `${units(indexes.length)} of ${units(listed.id.length)} proposals, expected savings ${money(total)}`;
  const box = element("div");
  if (!indexes.length) box.append(element("p", {}, "No proposal matches."));
  else if (chosen("view") === "rank") box.append(...lineTable(indexes, STEP.rank, "Proposals by savings"));
  else box.append(...[element("div")].flatMap((inner) => [inner, ...paged(byDeparture(indexes), STEP.departures, departureBox, inner, "departures")]));
  document.getElementById("list").replaceChildren(box);
}

function offer(name, values) {
  const options = [...new Set(values)].filter(Boolean).sort();
  document.getElementById(name).append(...options.map((value) => element("option", { value }, value)));
  if (options.length < 2) document.getElementById(name).parentElement.hidden = true;
}

function prepare() {
  searchable = listed.id.map((id, index) => {
    const { sku, label, class: handling, owner, kind, origin, destination, lane, status } = proposal(index);
    return { class: handling, owner, kind, origin, destination, text: [sku, label, lane, origin, destination, owner, handling, kind, status, id].join(" ").toLowerCase() };
  });
  skuDetails.index = new Map(listed.skus.map((sku, index) => [sku, index]));
  offer("hub", searchable.flatMap((line) => line.kind === "supply" ? [line.destination] : [line.origin, line.destination]));
  for (const name of ["class", "owner", "kind"]) offer(name, searchable.map((line) => line[name]));
  const isMixed = listed.outlook.includes(0) && listed.outlook.includes(1);
  document.getElementById("outlook").parentElement.hidden = !isMixed;
  if (!isMixed) document.getElementById("outlook").value = "";
}

function wire() {
  let waiting = 0;
  document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("filters").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(show, event.target.id === "search" ? 60 : 0);
  });
  document.getElementById("decision").addEventListener("change", showSelected);
  document.getElementById("command").addEventListener("focus", (event) => event.target.select());
  document.getElementById("theme").addEventListener("change", (event) => { document.documentElement.dataset.theme = event.target.value; });
  document.getElementById("print").addEventListener("click", () => window.print());
}

async function start() {
  wire();
  if (typeof DecompressionStream === "undefined") {
    document.getElementById("list").append(element("p", {}, "This browser is too old to unpack the proposals. Use a version from 2023 or later."));
    return;
  }
  listed = await unpack(embedded.listed);
  prepare();
  show();
  document.documentElement.dataset.ready = "true";
}
start();
