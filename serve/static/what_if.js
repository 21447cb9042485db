// The form of a what-if, and the progress of those in the background.
import { detail, say, send } from "./app.js";

const form = document.getElementById("what-if");
const places = form ? [...form.place.options].map((option) => option.cloneNode(true)) : [];
let added = [];

function offer() {
  const option = form.change.selectedOptions[0];
  const isFactor = option.dataset.unit === "factor";
  form.place.replaceChildren(...places.filter((one) => one.dataset.group === option.dataset.of && (option.dataset.unit || one.value !== "all")).map((one) => one.cloneNode(true)));
  const label = document.getElementById("amount-label");
  label.hidden = !option.dataset.unit;
  label.firstChild.textContent = `${option.dataset.unit === "factor" ? "Factor" : option.dataset.unit || ""} `;
  form.amount.value = isFactor ? 1.2 : option.dataset.unit === "liters" ? 10000 : option.dataset.unit === "units" ? 100 : 1;
}

function current() {
  const option = form.change.selectedOptions[0];
  return { key: option.value, place: form.place.value, amount: option.dataset.unit ? Number(form.amount.value) : null, text: `${option.textContent}: ${form.place.value}${option.dataset.unit ? `, ${form.amount.value} ${option.dataset.unit === "factor" ? "" : option.dataset.unit}`.trimEnd() : ""}` };
}

function add(into, one) {
  if (one.amount === null) into[one.key] = [...new Set([...(into[one.key] || []), one.place])];
  else into[one.key] = { ...(into[one.key] || {}), [one.place]: one.amount };
  return into;
}

const isSame = (one, other) => one.key === other.key && one.place === other.place;
const plain = (text) => text.toLowerCase().replace(/[^a-z0-9_]+/g, "-").replace(/^[-_]+|-+$/g, "").slice(0, 64);

function showChips() {
  const chips = document.getElementById("changes");
  chips.hidden = !added.length;
  chips.replaceChildren(...added.flatMap((one) => {
    const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip", textContent: `${one.text} ×` });
    chip.setAttribute("aria-label", `Remove the change: ${one.text}`);
    chip.addEventListener("click", () => { added = added.filter((other) => other !== one); showChips(); });
    return [chip, " "];
  }));
}

// The change in the form counts as well, unless it replaces one that was added.
function allChanges() {
  const one = current();
  return [...added.filter((other) => !isSame(one, other)), one];
}

if (form) {
  offer();
  form.change.addEventListener("change", offer);
  document.getElementById("add").addEventListener("click", () => { added = allChanges(); showChips(); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const all = allChanges();
    const name = plain(form.name.value) || plain(all.map((one) => `${one.key} ${one.place} ${one.amount ?? ""}`).join(" "));
    const { status, content } = await send("/what-if", { as_of: form.dataset.asOf, name, changes: all.reduce(add, {}) });
    if (status !== 200) { say(detail(content), "bad"); return; }
    added = [];
    showChips();
    started.set(content.name, Date.now());
    say(`${content.name} runs in the background; it takes about as long as a plan.`, "good");
    watch();
  });
}

const started = new Map();
function elapsed(job) {
  const since = started.get(job.name);
  if (!since || !["running", "waiting"].includes(job.status)) return "";
  const seconds = Math.round((Date.now() - since) / 1000);
  return ` · ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
}

const section = document.getElementById("jobs");
const list = document.getElementById("job-list");
const KINDS = { done: "solved", failed: "bad" };

async function watch() {
  const response = await fetch(`/what-if/jobs?as_of=${section.dataset.asOf}`);
  if (!response.ok) return;
  const jobs = await response.json();
  const isFinished = [...list.children].some((line) => ["running", "waiting"].includes(line.dataset.status)) && jobs.every((job) => !["running", "waiting"].includes(job.status));
  section.hidden = !jobs.length;
  list.replaceChildren(...jobs.map((job) => {
    const line = document.createElement("li");
    line.dataset.status = job.status;
    const badge = Object.assign(document.createElement("span"), { className: `badge ${KINDS[job.status] || "acknowledged"}`, textContent: job.status });
    const progress = Object.assign(document.createElement("span"), { className: job.status === "failed" ? "bad" : "quiet", textContent: `${job.lines.at(-1) || ""}${elapsed(job)}` });
    line.append(badge, " ", Object.assign(document.createElement("b"), { textContent: job.name }), " ", Object.assign(document.createElement("small"), { textContent: job.by }), " ", progress);
    return line;
  }));
  if (isFinished && jobs[0].status === "done") location.assign(`/what-if?as_of=${section.dataset.asOf}&name=${encodeURIComponent(jobs[0].name)}`);
  else if (jobs.some((job) => ["running", "waiting"].includes(job.status))) setTimeout(watch, 1500);
}
if ([...list.children].some((line) => ["running", "waiting"].includes(line.dataset.status))) watch();
