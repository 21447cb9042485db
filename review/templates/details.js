// The details of a proposal.
function table(caption, heads, rows, marked = () => false) {
  const cell = (value, column) => element(column ? "td" : "th", column ? { class: heads[column][1] || "" } : { scope: "row" }, value);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {},
      element("thead", {}, element("tr", {}, ...heads.map(([name, kind]) => element("th", { scope: "col", class: kind || "" }, name)))),
      element("tbody", {}, ...rows.map((row) => element("tr", { class: marked(row) ? "of-line" : "" }, ...row.map(cell))))));
}

function facts(pairs) {
  return element("dl", { class: "facts" }, ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function stockTable(details, line) {
  const heads = [["Hub"], ["On hand", "n"], ["Inbound", "n"], ["Out", "n"], ["In", "n"], ["After the plan", "n"], ["Expected demand", "n"], ["Fill rate after", "n"], ["Stockout probability", "n"], ["Days of supply now", "n"]];
  const rows = details.hubs.map(([hub, ...rest]) => [hub, ...rest.slice(0, 5).map(units), fine(rest[5]), rate(rest[8]), rate(rest[6]), fine(rest[7])]);
  return table(`Stock of ${line.sku}, ${line.id}`, heads, rows, (row) => row[0] === line.origin || row[0] === line.destination);
}

function arrivals(details, line) {
  if (!details.inbound.length) return element("p", { class: "quiet" }, "No order line is inbound.");
  return table(`Arrivals of ${line.sku}, ${line.id}`, [["Destination"], ["Arrives"], ["Units", "n"], ["Order line"]], details.inbound.map(([hub, date, count, name]) => [hub, day(date), units(count), name]));
}

function serviceTable(details, line) {
  const heads = [["Region"], ["Demand", "n"], ["Lost", "n"], ["Late", "n"], ["From nearest hub", "n"], ["From other hubs", "n"], ["Hubs by preference"]];
  const change = (before, after) => `${fine(before)} → ${fine(after)}`;
  return table(`Service of ${line.sku}, ${line.id}`, heads, details.service.map(([region, demand, ...rest]) =>
    [region, fine(demand), ...[6, 4, 0, 2].map((column) => change(rest[column], rest[column + 1])), rest[8].replaceAll("|", ", ")]));
}

function curve([region, past, mean, ...bands]) {
  return element("div", { class: "curve" }, element("strong", {}, region), drawCurve(past, mean, bands), element("p", { class: "quiet" }, describe(past, mean)));
}

function curves(details) {
  if (details.curves === null) {
    return [element("p", { class: "quiet" }, `Charts are shown for the ${units(listed.skus_with_curves)} SKUs with the best proposals. The forecast of this SKU is in the table forecast.`)];
  }
  if (!details.curves.length) return [element("p", { class: "quiet" }, "There is no forecast for this SKU.")];
  const ordered = [...details.curves].sort((left, right) => sum(right[2]) - sum(left[2]));
  const box = element("div", { class: "curves" }, ...ordered.slice(0, 12).map(curve));
  if (ordered.length <= 12) return [box];
  const more = element("button", { type: "button", class: "more" }, `Show ${ordered.length - 12} more regions`);
  more.addEventListener("click", () => { box.append(...ordered.slice(12).map(curve)); more.remove(); });
  return [box, more];
}

// The other proposals of the same SKU.
function others(line) {
  const indexes = listed.sku.flatMap((sku, index) => (sku === listed.sku[line.index] && index !== line.index ? [index] : []));
  if (!indexes.length) return element("p", { class: "quiet" }, "No other shipment of this SKU is proposed.");
  const heads = [["From → to"], ["Ships"], ["Usable"], ["Units", "n"], ["Savings", "n"], ["Loss if rejected", "n"]];
  const rows = indexes.slice(0, 20).map(proposal).map((other) => [`${other.origin} → ${other.destination}`, day(other.ship_date), day(other.arrival_date), units(other.units), money(other.benefit_eur), money(other.loss_if_refused_eur)]);
  return table(`Other shipments of ${line.sku}, ${line.id}`, heads, rows);
}

function detailBody(line, details) {
  return [
    ...reasonParts(line, details),
    facts([
      ["Share of the savings", money(line.benefit_eur)], ["Loss if rejected", money(line.loss_if_refused_eur)], ["Cost", money(line.cost_eur)],
      ["Units", units(line.units)], ["Packs", units(line.packs)], ["Carbon", `${fine(line.kg_co2e)} kg CO₂e`],
      ["Handling class", line.class], ["Owner", line.owner || UNKNOWN], ["Proposal", line.id],
    ]),
    element("h4", {}, `Stock of ${line.sku} by hub`), stockTable(details, line),
    element("h4", {}, `Other proposals of ${line.sku}`), others(line), element("h4", {}, "Inbound order lines"), arrivals(details, line),
    element("h4", {}, "Service by region over the cover window, units before → after the plan"), serviceTable(details, line),
    element("h4", {}, `Demand by region: units sold, then the mean forecast${listed.bands.length ? ` with ${listed.bands.join(" and ")} prediction intervals` : ""}`), ...curves(details),
  ];
}
