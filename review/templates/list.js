// The list: filter, group, page, open. Only what is looked at is in the document.
const STEP = { departures: 6, lines: 8, rank: 40 };
const HEADS = [["Sku"], ["From → to"], ["Units", "n"], ["Ships"], ["Usable"], ["Saving", "n"], ["If refused", "n"], ["Cost", "n"], ["Status"]];
const chosen = (name) => document.getElementById(name).value;
const selected = new Set();
let words = [];

function proposal(place) {
  const text = (column) => listed.texts[listed[column][place]];
  const at = listed.departure[place];
  const of = (column) => listed.departures[column][at];
  const name = (column) => listed.texts[of(column)];
  return {
    place, at, id: listed.id[place], sku: text("sku"), label: text("label"), class: text("class"), owner: text("owner"), status: text("status"),
    binding: text("binding"), units: listed.units[place], packs: listed.packs[place], cost_eur: listed.cost_eur[place],
    benefit_eur: listed.benefit_eur[place], loss_if_refused_eur: listed.loss_if_refused_eur[place], kg_co2e: listed.kg_co2e[place],
    outlook: listed.outlook[place], kind: name("kind"), origin: name("origin"), destination: name("destination"), lane: name("lane"),
    ship_date: of("ship_date"), arrival_date: of("arrival_date"), decide_by: name("decide_by"),
  };
}

function matching() {
  const wanted = chosen("search").toLowerCase().split(/\s+/).filter(Boolean);
  const exact = ["class", "owner", "kind"].filter((name) => chosen(name) !== "");
  const hub = chosen("hub"), outlook = chosen("outlook");
  const found = [];
  for (let place = 0; place < listed.id.length; place += 1) {
    if (outlook !== "" && String(listed.outlook[place]) !== outlook) continue;
    const line = words[place];
    if (hub !== "" && line.origin !== hub && line.destination !== hub) continue;
    if (exact.some((name) => line[name] !== chosen(name))) continue;
    if (wanted.every((word) => line.text.includes(word))) found.push(place);
  }
  return found;
}

async function toggle(button, row, line) {
  const isOpen = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) { row.nextSibling.remove(); return; }
  const cell = make("td", { colspan: String(HEADS.length) }, "…");
  row.after(make("tr", { class: "detail", id: `detail-${line.place}` }, cell));
  cell.replaceChildren(...detailBody(line, await piece(line.sku)).filter(known));
}

function lineRow(place) {
  const line = proposal(place);
  const button = make("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": `detail-${place}` }, line.sku);
  const box = make("input", { type: "checkbox", "aria-label": `Select ${line.sku}, ${line.id}` });
  box.checked = selected.has(place);
  box.addEventListener("change", () => { selected[box.checked ? "add" : "delete"](place); showSelected(); });
  const values = [`${line.origin} → ${line.destination}`, units(line.units), day(line.ship_date), day(line.arrival_date), money(line.benefit_eur), money(line.loss_if_refused_eur), money(line.cost_eur), line.status];
  const cells = values.map((value, at) => make("td", { role: "cell", class: `pair ${HEADS[at + 1][1] || ""}`, "data-name": at ? HEADS[at + 1][0] : "" }, value));
  const row = make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, line.outlook ? null : box, button, line.label ? make("span", { class: "quiet" }, ` ${line.label}`) : null), ...cells);
  button.addEventListener("click", () => toggle(button, row, line));
  return row;
}

// A table that shows `step` rows and a button for the next ones.
function lineTable(places, step, caption) {
  const body = make("tbody", { role: "rowgroup" });
  const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...HEADS.map(([name, kind]) => make("th", { scope: "col", role: "columnheader", class: kind || "" }, name))));
  const grid = make("table", { class: "lines", role: "table", "aria-label": caption }, head, body);
  return [make("div", { class: "scroll-wide" }, grid), ...paged(places, step, lineRow, body, "lines")];
}

function paged(items, step, draw, box, noun) {
  let shown = 0;
  const button = make("button", { type: "button", class: "more" });
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

// What to type to decide on what is selected: the page itself changes nothing.
function showSelected() {
  const places = [...selected].sort((left, right) => left - right);
  document.getElementById("deciding").hidden = !places.length;
  const worth = sum(places.map((place) => listed.benefit_eur[place]));
  document.getElementById("selected").textContent = `${units(places.length)} selected, ${money(worth)} of expected saving. To decide, run:`;
  const names = places.map((place) => listed.id[place]).join(" ");
  // after the morning of the plan its cut-offs may be over: the command says when it was decided
  const at = new Date().toISOString().slice(0, 10) > listed.as_of ? ` --at ${listed.as_of}T07:00` : "";
  const reason = chosen("decision") === "reject" ? " --reason 'rejected on the review page'" : "";
  document.getElementById("command").value = `forestock ${chosen("decision")} ${listed.options} --as-of ${listed.as_of}${at}${reason} ${names}`;
}

function fill(name, share) {
  if (!known(share)) return null;
  const inner = make("i");
  inner.style.width = `${Math.min(100, 100 * share)}%`;
  return make("span", {}, `${name} `, make("span", { class: "bar" }, inner), ` ${rate(share)}`);
}

function departureBox([at, places]) {
  const of = (column) => listed.departures[column][at];
  const name = (column) => listed.texts[of(column)];
  const saving = sum(places.map((place) => listed.benefit_eur[place]));
  const loads = of("loads");
  const header = make("header", {},
    make("h3", {}, make("span", {}, `${name("origin")} → ${name("destination")} · ${day(of("ship_date"))}`), make("span", { class: saving < 0 ? "bad" : "good" }, money(saving))),
    make("span", {}, `decide by ${name("decide_by")}`), make("span", {}, `usable ${day(of("arrival_date"))}`), make("span", {}, name("kind")),
    make("span", {}, `${units(of("units"))} units in ${units(loads)} ${loads === 1 ? "load" : "loads"}`), make("span", {}, `loads cost ${money(of("fixed_eur"))}`),
    fill("volume", of("volume_fill_rate")), fill("mass", of("mass_fill_rate")),
    places.length < of("lines") ? make("span", {}, `${units(places.length)} of ${units(of("lines"))} lines match`) : null);
  const caption = `Proposals from ${name("origin")} to ${name("destination")} shipping ${day(of("ship_date"))}`;
  return make("article", { class: "departure" }, header, make("div", { class: "body" }, ...lineTable(places, STEP.lines, caption)));
}

function byDeparture(places) {
  const groups = new Map();
  for (const place of places) {
    const at = listed.departure[place];
    if (!groups.has(at)) groups.set(at, []);
    groups.get(at).push(place);
  }
  const worth = (group) => sum(group.map((place) => listed.benefit_eur[place]));
  return [...groups].map((group) => [group, worth(group[1])]).sort((left, right) => right[1] - left[1]).map(([group]) => group);
}

function show() {
  const places = matching();
  const total = sum(places.map((place) => listed.benefit_eur[place]));
  document.getElementById("count").textContent = `${units(places.length)} of ${units(listed.id.length)} proposals, ${money(total)} of expected saving`;
  const box = make("div");
  if (!places.length) box.append(make("p", {}, "No proposal matches."));
  else if (chosen("view") === "rank") box.append(...lineTable(places, STEP.rank, "Proposals, best first"));
  else box.append(...[make("div")].flatMap((inner) => [inner, ...paged(byDeparture(places), STEP.departures, departureBox, inner, "departures")]));
  document.getElementById("list").replaceChildren(box);
}

function offer(name, values) {
  const options = [...new Set(values)].filter(Boolean).sort();
  document.getElementById(name).append(...options.map((value) => make("option", { value }, value)));
  if (options.length < 2) document.getElementById(name).parentElement.hidden = true;
}

function prepare() {
  words = listed.id.map((id, place) => {
    const { sku, label, class: handling, owner, kind, origin, destination, lane, status } = proposal(place);
    return { class: handling, owner, kind, origin, destination, text: [sku, label, lane, origin, destination, owner, handling, kind, status, id].join(" ").toLowerCase() };
  });
  piece.places = new Map(listed.skus.map((sku, place) => [sku, place]));
  offer("hub", words.flatMap((line) => line.kind === "supply" ? [line.destination] : [line.origin, line.destination]));
  for (const name of ["class", "owner", "kind"]) offer(name, words.map((line) => line[name]));
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
    document.getElementById("list").append(make("p", {}, "This browser is too old to unpack the proposals; a version of 2023 or later can."));
    return;
  }
  listed = await unpack(embedded.listed);
  prepare();
  show();
  document.documentElement.dataset.ready = "true";
}
start();
