// What a proposal opens to.
function table(caption, heads, rows, marked = () => false) {
  const cell = (value, place) => make(place ? "td" : "th", place ? { class: heads[place][1] || "" } : { scope: "row" }, value);
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {},
      make("thead", {}, make("tr", {}, ...heads.map(([name, kind]) => make("th", { scope: "col", class: kind || "" }, name)))),
      make("tbody", {}, ...rows.map((row) => make("tr", { class: marked(row) ? "of-line" : "" }, ...row.map(cell))))));
}

function facts(pairs) {
  return make("dl", { class: "facts" }, ...pairs.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function stockTable(found, line) {
  const heads = [["Hub"], ["On hand", "n"], ["On the way", "n"], ["Out", "n"], ["In", "n"], ["After the plan", "n"], ["Expected demand", "n"], ["Fill rate after", "n"], ["Stockout probability", "n"], ["Days of supply now", "n"]];
  const rows = found.hubs.map(([hub, ...rest]) => [hub, ...rest.slice(0, 5).map(units), fine(rest[5]), rate(rest[8]), rate(rest[6]), fine(rest[7])]);
  return table(`Stock of ${line.sku}, ${line.id}`, heads, rows, (row) => row[0] === line.origin || row[0] === line.destination);
}

function arrivals(found, line) {
  if (!found.inbound.length) return make("p", { class: "quiet" }, "No order line is on its way.");
  return table(`Arrivals of ${line.sku}, ${line.id}`, [["Arrives at"], ["On"], ["Units", "n"], ["Order line"]], found.inbound.map(([hub, date, count, name]) => [hub, day(date), units(count), name]));
}

function serviceTable(found, line) {
  const heads = [["Region"], ["Demand", "n"], ["Lost", "n"], ["Late", "n"], ["Nearest hub", "n"], ["Other hubs", "n"], ["Served by, best first"]];
  const change = (before, after) => `${fine(before)} → ${fine(after)}`;
  return table(`Service of ${line.sku}, ${line.id}`, heads, found.service.map(([region, demand, ...rest]) =>
    [region, fine(demand), ...[6, 4, 0, 2].map((place) => change(rest[place], rest[place + 1])), rest[8].replaceAll("|", ", ")]));
}

function curve([region, past, mean, ...bands]) {
  return make("div", { class: "curve" }, make("strong", {}, region), drawCurve(past, mean, bands), make("p", { class: "quiet" }, describe(past, mean)));
}

function curves(found) {
  if (found.curves === null) {
    return [make("p", { class: "quiet" }, `Curves are drawn for the ${units(listed.skus_with_curves)} skus with the best proposals; this one's are in the table forecast.`)];
  }
  if (!found.curves.length) return [make("p", { class: "quiet" }, "There is no forecast for this sku.")];
  const ordered = [...found.curves].sort((left, right) => sum(right[2]) - sum(left[2]));
  const box = make("div", { class: "curves" }, ...ordered.slice(0, 12).map(curve));
  if (ordered.length <= 12) return [box];
  const more = make("button", { type: "button", class: "more" }, `Show ${ordered.length - 12} more regions`);
  more.addEventListener("click", () => { box.append(...ordered.slice(12).map(curve)); more.remove(); });
  return [box, more];
}

// The other lines of the sku: what the plan does beside this one.
function others(line) {
  const places = listed.sku.flatMap((sku, place) => (sku === listed.sku[line.place] && place !== line.place ? [place] : []));
  if (!places.length) return make("p", { class: "quiet" }, "No other shipment of this sku is proposed.");
  const heads = [["From → to"], ["Ships"], ["Usable"], ["Units", "n"], ["Saving", "n"], ["If refused", "n"]];
  const rows = places.slice(0, 20).map(proposal).map((other) => [`${other.origin} → ${other.destination}`, day(other.ship_date), day(other.arrival_date), units(other.units), money(other.benefit_eur), money(other.loss_if_refused_eur)]);
  return table(`Other shipments of ${line.sku}, ${line.id}`, heads, rows);
}

function detailBody(line, found) {
  return [
    ...reasonParts(line, found),
    facts([
      ["Share of the saving", money(line.benefit_eur)], ["Lost if refused", money(line.loss_if_refused_eur)], ["Cost", money(line.cost_eur)],
      ["Units", units(line.units)], ["Packs", units(line.packs)], ["Carbon", `${fine(line.kg_co2e)} kg CO₂e`],
      ["Class", line.class], ["Owner", line.owner || NOTHING], ["Proposal", line.id],
    ]),
    make("h4", {}, `Stock of ${line.sku} by hub`), stockTable(found, line),
    make("h4", {}, "Proposed beside it"), others(line), make("h4", {}, "On its way already"), arrivals(found, line),
    make("h4", {}, "Service by region over the cover window, before → after"), serviceTable(found, line),
    make("h4", {}, `Demand by region: sold, then the forecast's mean${listed.bands.length ? ` with ${listed.bands.join(" and ")} bands` : ""}`), ...curves(found),
  ];
}
