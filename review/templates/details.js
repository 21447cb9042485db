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

function chips(binding) {
  return binding ? make("p", {}, "Held back by: ", ...binding.split("|").map((name) => make("span", { class: "chip" }, name.replaceAll("_", " ")))) : null;
}

function stockTable(found, line) {
  const heads = [["Hub"], ["On hand", "n"], ["On the way", "n"], ["Out", "n"], ["In", "n"], ["After the plan", "n"], ["Expected demand", "n"], ["Stock-out risk", "n"], ["Days of supply", "n"]];
  const rows = found.hubs.map(([hub, ...rest]) => [hub, ...rest.slice(0, 5).map(units), fine(rest[5]), rate(rest[6]), fine(rest[7])]);
  return table(`Stock of ${line.sku}, ${line.id}`, heads, rows, (row) => row[0] === line.origin || row[0] === line.destination);
}

function arrivals(found, line) {
  if (!found.inbound.length) return make("p", { class: "quiet" }, "No order line is on its way.");
  return table(`Arrivals of ${line.sku}, ${line.id}`, [["Arrives at"], ["On"], ["Units", "n"], ["Order line"]], found.inbound.map(([hub, date, count, name]) => [hub, day(date), units(count), name]));
}

function serviceTable(found, line) {
  const heads = [["Region"], ["Demand", "n"], ["Nearest hub", "n"], ["Other hubs", "n"], ["Late", "n"], ["Lost", "n"], ["Served by"]];
  const change = (before, after) => `${fine(before)} → ${fine(after)}`;
  return table(`Service of ${line.sku}, ${line.id}`, heads, found.service.map(([region, demand, ...rest]) =>
    [region, fine(demand), ...[0, 2, 4, 6].map((place) => change(rest[place], rest[place + 1])), rest[8].replaceAll("|", ", ")]));
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

// The reason ends in terms such as "82.0 fewer lost sales 741.80"; the largest one is what the line stands or falls with.
function rests(line, reason) {
  const terms = [...reason.slice(reason.indexOf(": ") + 2).replace(/\.$/, "").matchAll(/([^;]+?) (-?\d+\.\d\d)(?:;|$)/g)].map(([, words, eur]) => [words.trim(), Number(eur)]);
  const [words, eur] = terms.reduce((best, term) => (term[1] > best[1] ? term : best), ["", 0]);
  const refused = line.loss_if_refused_eur >= 0
    ? `Refused, the plan is expected to lose ${money(line.loss_if_refused_eur)}, with the best of what is left in its place.`
    : `Refused, the plan is expected to gain ${money(-line.loss_if_refused_eur)}: what is left in its place does as well.`;
  if (!words || line.benefit_eur <= 0) return make("p", {}, refused);
  const share = line.benefit_eur / eur;
  const why = words.endsWith("lost sales") ? " (less demand, or a lost sale worth less)" : "";
  const least = share < 1 ? `Were that ${rate(share)} less${why}, the line would save nothing` : `Even without it the line would save ${money(line.benefit_eur - eur)}`;
  return make("p", {}, `It rests most on ${words.replace(/^[\d.,]+ /, "")}, ${money(eur)}. ${least}, all else as it is. ${refused}`);
}

function detailBody(line, found) {
  return [
    make("p", { class: "reason" }, found.reasons[line.place]), rests(line, found.reasons[line.place]), chips(line.binding),
    facts([
      ["Share of the saving", money(line.benefit_eur)], ["Lost if refused", money(line.loss_if_refused_eur)], ["Cost", money(line.cost_eur)],
      ["Units", units(line.units)], ["Packs", units(line.packs)], ["Carbon", `${fine(line.kg_co2e)} kg CO₂e`],
      ["Class", line.class], ["Owner", line.owner || NOTHING], ["Proposal", line.id],
    ]),
    make("h4", {}, `Stock of ${line.sku} by hub`), stockTable(found, line),
    make("h4", {}, "On its way already"), arrivals(found, line),
    make("h4", {}, "Service by region over the cover window, before → after"), serviceTable(found, line),
    make("h4", {}, `Demand by region: sold, then the forecast's mean${listed.bands.length ? ` with ${listed.bands.join(" and ")} bands` : ""}`), ...curves(found),
  ];
}
