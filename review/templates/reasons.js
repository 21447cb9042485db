// Why a line is proposed: its terms, which of them matters most, what refusing it comes to, whom it reaches.
const RESTS_ON = [
  ["lost sales", "expected demand and the cost of a lost sale"], ["delivery", "prices of delivery lanes"], ["late parcels", "lead times and the cost of a late unit"],
  ["keeping", "holding and storage rates"], ["goods worth", "purchase costs and the worth of what is left over"],
  ["moving", "the lane's prices, handling and the price on moving"], ["share of the load", "the load's price and what travels with it"],
];
const CHOICES = ["first", "second", "third"];
const ROUNDING_EUR = 0.05;

// A reason ends in terms such as "82.0 fewer lost sales 741.80; moving -50.00." that add up to the line's saving.
function terms(line, reason) {
  const found = [...reason.slice(reason.indexOf(": ") + 2).matchAll(/([^;]+?) (-?\d+\.\d\d)(?=[;.]|$)/g)].map(([, words, eur]) => ({ words: words.trim(), eur: Number(eur) }));
  const isWhole = Math.abs(sum(found.map((term) => term.eur)) - line.benefit_eur) < ROUNDING_EUR;
  return isWhole ? found.sort((left, right) => Math.abs(right.eur) - Math.abs(left.eur)) : [];
}

// By how much one term may be worse, all else as it is, until the line saves nothing.
function breakEven(line, eur) {
  if (line.benefit_eur <= 0) return NOTHING;
  const share = line.benefit_eur / Math.abs(eur);
  if (eur > 0) return share < 1 ? `${rate(share)} less` : "saves without it";
  return share < 1 ? `${rate(share)} more` : share < 9 ? `${fine(1 + share)} times as much` : "over 10 times as much";
}

const restsOn = (words) => (RESTS_ON.find(([key]) => words.includes(key)) || ["", NOTHING])[1];

function termTable(line, found) {
  const heads = [["What it saves and costs"], [listed.currency.trim(), "n"], ["Saves nothing at", "n"], ["Rests on"]];
  return table(`Terms of ${line.sku}, ${line.id}`, heads, found.map(({ words, eur }) => [words, money(eur), breakEven(line, eur), restsOn(words)]));
}

function mattersMost(line, found) {
  if (!found.length || line.benefit_eur <= 0) return null;
  const { words, eur } = found[0];
  const name = words.replace(/^[\d.,]+ /, "");
  const change = breakEven(line, eur);
  const least = change === "saves without it" ? `Even without it the line would save ${money(line.benefit_eur - eur)}` : `Were that ${change}, the line would save nothing`;
  return make("p", {}, make("strong", {}, "Matters most: "), `${name}, ${money(eur)}, which rests on ${restsOn(words)}. ${least}, all else as it is.`);
}

function shipment(text) {
  const [, departure, count] = /^(.*) ([+-]\d+)$/.exec(text);
  const [lane, date] = departure.split("@");
  return `${lane.replace(">", " → ")}${date ? ` ${day(date)}` : ""} ${count.replace("-", "−")}`;
}

// What takes the place of a refused line; `instead` is null where the plan does not say.
function refused(line, instead) {
  const loss = line.loss_if_refused_eur;
  const [nextBest, dropped, pays] = instead || [null, null, null];
  const first = loss >= 0 ? `the plan is expected to lose ${money(loss)}` : `the plan is expected to gain ${money(-loss)}`;
  const said = [nextBest === null ? `${first}, with the best of what is left in its place.` : nextBest === "" ? `${first}. Nothing takes its place.`
    : `${first}. Next best is ${nextBest.split("|").map(shipment).join(", ")} units.`];
  if (known(dropped)) said.push(`With nothing in its place it would be ${money(dropped)}.`);
  if (known(pays)) said.push(`It pays on ${rate(pays)} of demand paths.`);
  return make("p", {}, make("strong", {}, "If refused: "), said.join(" "));
}

// What both ends hold against the demand of the regions they are nearest to.
function because(line, found) {
  const ends = (line.kind === "supply" ? [line.destination] : [line.destination, line.origin]).map((name) => found.hubs.find(([hub]) => hub === name)).filter(known);
  const told = ends.map(([hub, onHand, inbound, , , , demand]) => `${hub} has ${units(onHand)} on hand and ${units(inbound)} on the way for ${demand > 0 ? `an expected demand of ${units(demand)} nearest to it` : "no region nearest to it"}`);
  return told.length ? make("p", {}, make("strong", {}, "Why: "), `${told.join("; ")}.`) : null;
}

function reach(line, found) {
  const choices = new Map();
  for (const row of found.service) {
    const place = row[row.length - 1].split("|").indexOf(line.destination);
    if (place >= 0) choices.set(place, [...(choices.get(place) || []), row[0]]);
  }
  const some = (regions) => regions.slice(0, 8).join(", ") + (regions.length > 8 ? ` and ${regions.length - 8} more` : "");
  const told = [...choices].sort(([left], [right]) => left - right).map(([place, regions]) => `${CHOICES[place] || `${place + 1}th`} choice for ${some(regions)}`);
  return told.length ? make("p", {}, make("strong", {}, "Whom it reaches: "), `${line.destination} is ${told.join("; ")}.`) : null;
}

function limits(binding) {
  const named = binding ? binding.split("|").flatMap((name) => [make("span", { class: "chip" }, name.replaceAll("_", " ")), " "]) : ["no room, load, stock or pack size"];
  return make("p", {}, make("strong", {}, "Held back by: "), ...named);
}

function reasonParts(line, found) {
  const reason = found.reasons[line.place];
  const split = terms(line, reason);
  const verb = line.kind === "supply" ? "Ordering" : "Moving";
  const lead = split.length ? `${verb} ${units(line.units)} ${line.units === 1 ? "unit" : "units"} from ${line.origin} to ${line.destination} is worth ${money(line.benefit_eur)}.` : reason;
  return [
    make("p", { class: "reason" }, lead), because(line, found), mattersMost(line, split), refused(line, (found.instead || {})[line.place]), limits(line.binding), reach(line, found),
    split.length ? termTable(line, split) : null,
  ];
}
