// Why a line is proposed: its terms, the largest term, the effect of rejecting it, the regions it serves.
const DEPENDS_ON = [
  ["lost sales", "expected demand and the value of a lost sale"], ["delivery", "the prices of delivery lanes"], ["late parcels", "lead times and the cost of a late unit"],
  ["holding", "holding and storage rates"], ["inventory value", "purchase costs and the value of units left over"],
  ["moving", "the lane's prices, handling and the churn penalty"], ["share of the load", "the load cost and the other lines on the departure"],
];
const CHOICES = ["first", "second", "third"];
const ROUNDING_EUR = 0.05;

// A reason ends in terms such as "82.0 fewer lost sales 741.80; moving -50.00." that add up to the line's savings.
function terms(line, reason) {
  const parsed = [...reason.slice(reason.indexOf(": ") + 2).matchAll(/([^;]+?) (-?\d+\.\d\d)(?=[;.]|$)/g)].map(([, words, eur]) => ({ words: words.trim(), eur: Number(eur) }));
  const isComplete = Math.abs(sum(parsed.map((term) => term.eur)) - line.benefit_eur) < ROUNDING_EUR;
  return isComplete ? parsed.sort((left, right) => Math.abs(right.eur) - Math.abs(left.eur)) : [];
}

// By how much one term may worsen, with all others unchanged, until the line saves no money.
function breakEven(line, eur) {
  if (line.benefit_eur <= 0) return UNKNOWN;
  const share = line.benefit_eur / Math.abs(eur);
  if (eur > 0) return share < 1 ? `${rate(share)} lower` : "saves without it";
  return share < 1 ? `${rate(share)} higher` : share < 9 ? `${fine(1 + share)} times as much` : "over 10 times as much";
}

const dependsOn = (words) => (DEPENDS_ON.find(([key]) => words.includes(key)) || ["", UNKNOWN])[1];

function termTable(line, parsed) {
  const heads = [["Term"], [listed.currency.trim(), "n"], ["Break-even", "n"], ["Depends on"]];
  return table(`Terms of ${line.sku}, ${line.id}`, heads, parsed.map(({ words, eur }) => [words, money(eur), breakEven(line, eur), dependsOn(words)]));
}

function largestTerm(line, parsed) {
  if (!parsed.length || line.benefit_eur <= 0) return null;
  const { words, eur } = parsed[0];
  const name = words.replace(/^[\d.,]+ /, "");
  const change = breakEven(line, eur);
  const consequence = change === "saves without it" ? `Without it the line would still save ${money(line.benefit_eur - eur)}.` : `Break-even: ${change}.`;
  return element("p", {}, element("strong", {}, "Largest term: "), `${name}, ${money(eur)}. It depends on ${dependsOn(words)}. ${consequence}`);
}

function shipment(text) {
  const [, departure, count] = /^(.*) ([+-]\d+)$/.exec(text);
  const [lane, date] = departure.split("@");
  return `${lane.replace(">", " → ")}${date ? ` on ${day(date)}` : ""} ${count.replace("-", "−")}`;
}

// The effect of rejecting a line; `instead` is undefined where the plan does not state it.
function ifRejected(line, instead) {
  const loss = line.loss_if_refused_eur;
  const [nextBest, dropped, pays] = instead || [null, null, null];
  const effect = loss >= 0 ? `the plan loses an expected ${money(loss)}` : `the plan gains an expected ${money(-loss)}`;
  const sentences = [nextBest === null ? `${effect}, after the best replacement.` : nextBest === "" ? `${effect}. No shipment replaces it.`
    : `${effect}. The next-best plan changes shipments by ${nextBest.split("|").map(shipment).join(", ")} units.`];
  if (known(dropped)) sentences.push(`Without a replacement it loses ${money(dropped)}.`);
  if (known(pays)) sentences.push(`The line saves money in ${rate(pays)} of the demand scenarios.`);
  return element("p", {}, element("strong", {}, "If rejected: "), sentences.join(" "));
}

// The stock at both ends and the expected demand of the regions they are nearest to.
function stockAtEnds(line, details) {
  const ends = (line.kind === "supply" ? [line.destination] : [line.destination, line.origin]).map((name) => details.hubs.find(([hub]) => hub === name)).filter(known);
  const clauses = ends.map(([hub, onHand, inbound, , , , demand]) => `${hub} has ${units(onHand)} on hand and ${units(inbound)} inbound, ${demand > 0 ? `for an expected demand of ${units(demand)} in the regions it is nearest to` : "and is the nearest hub of no region"}`);
  return clauses.length ? element("p", {}, element("strong", {}, "Stock: "), `${clauses.join("; ")}.`) : null;
}

function regionsServed(line, details) {
  const choices = new Map();
  for (const row of details.service) {
    const choice = row[row.length - 1].split("|").indexOf(line.destination);
    if (choice >= 0) choices.set(choice, [...(choices.get(choice) || []), row[0]]);
  }
  const some = (regions) => regions.slice(0, 8).join(", ") + (regions.length > 8 ? ` and ${regions.length - 8} more` : "");
  const clauses = [...choices].sort(([left], [right]) => left - right).map(([choice, regions]) => `the ${CHOICES[choice] || `${choice + 1}th`} choice for ${some(regions)}`);
  return clauses.length ? element("p", {}, element("strong", {}, "Regions served: "), `${line.destination} is ${clauses.join("; ")}.`) : null;
}

function limits(binding) {
  const named = binding ? binding.split("|").flatMap((name) => [element("span", { class: "chip" }, name.replaceAll("_", " ")), " "]) : ["none"];
  return element("p", {}, element("strong", {}, "Binding constraints: "), ...named);
}

function reasonParts(line, details) {
  const reason = details.reasons[line.index];
  const parsed = terms(line, reason);
  const verb = line.kind === "supply" ? "Ordering" : "Moving";
  const lead = parsed.length ? `${verb} ${units(line.units)} ${line.units === 1 ? "unit" : "units"} from ${line.origin} to ${line.destination} saves ${money(line.benefit_eur)}.` : reason;
  return [
    element("p", { class: "reason" }, lead), stockAtEnds(line, details), largestTerm(line, parsed), ifRejected(line, (details.instead || {})[line.index]), limits(line.binding), regionsServed(line, details),
    parsed.length ? termTable(line, parsed) : null,
  ];
}
